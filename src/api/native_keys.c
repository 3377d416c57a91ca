/*
 * Keys under /_/v1, for who may do everything. A new secret is made here and shown once; what is
 * kept of it is its digest.
 */
#include "api/native_query.h"
#include "model/spec.h"
#include "store/render.h"

/* --- Showing --- */

static int read_page(struct native_query *q, struct store_reader *r, struct key_page *page)
{
	const struct key_query keys = { q->events.workspace, q->events.before, q->events.limit };
	return store_read_keys(r, &q->req->arena, &keys, page);
}

static int read_keys(struct native_query *q, struct store_reader *r)
{
	struct key_page page;
	int e = read_page(q, r, &page);
	if (e != STORE_OK)
		return e;
	render_list_open(&q->body);
	for (unsigned i = 0; i < page.n; i++) {
		render_list_next(&q->body, i);
		render_key(&q->body, &page.rows[i], (struct str){ 0 });
	}
	render_list_close(&q->body, page.more ? page.rows[page.n - 1].no : 0);
	return STORE_OK;
}

const struct resource native_keys = {
	.params = native_page_params,
	.prepare = native_page,
	.read = read_keys,
};

static bool refuse_unknown(struct native_query *q)
{
	return native_refuse(q, 404, "there is no such key");
}

static bool read_number(struct native_query *q, uint32_t *out)
{
	uint64_t no;
	if (!str_to_u64(q->params[0], &no) || no == 0 || no > KEY_NO_MAX)
		return refuse_unknown(q);
	*out = (uint32_t)no;
	return true;
}

static bool prepare_key(struct native_query *q)
{
	uint32_t no = 0;
	if (!read_number(q, &no))
		return false;
	q->events.before = no + 1;
	q->events.limit = 1;
	return true;
}

/* The newest of those up to it is the one, or there is none. */
static int read_key(struct native_query *q, struct store_reader *r)
{
	struct key_page page;
	int e = read_page(q, r, &page);
	if (e != STORE_OK)
		return e;
	if (page.n == 0 || page.rows[0].no + 1 != q->events.before) {
		refuse_unknown(q);
		return STORE_OK;
	}
	render_key(&q->body, &page.rows[0], (struct str){ 0 });
	return STORE_OK;
}

const struct resource native_key = { .prepare = prepare_key, .read = read_key };

/* --- Making --- */

enum { MEMBER_NAME, SCOPES, PUBLISHABLE, ORIGINS, N_MEMBERS };

static const struct shape_member members[N_MEMBERS] = {
	[MEMBER_NAME] = { STR_INIT("name"), SHAPE_STRING, .flags = SHAPE_REQUIRED | SHAPE_NOT_EMPTY,
			  .max = 255 },
	[SCOPES] = { STR_INIT("scopes"), SHAPE_ARRAY, .flags = SHAPE_REQUIRED },
	[PUBLISHABLE] = { STR_INIT("publishable"), SHAPE_BOOLEAN },
	[ORIGINS] = { STR_INIT("allowed_origins"), SHAPE_ARRAY },
};

static void read_scopes(struct native_query *q, yyjson_val *list, unsigned *out)
{
	size_t i, max;
	yyjson_val *item;
	struct problems *ps = &q->body_of.problems;
	if (list && yyjson_arr_size(list) == 0)
		problem_at(ps, PROBLEM_EMPTY, STR("scopes"));
	yyjson_arr_foreach (list, i, max, item) {
		unsigned one = 0;
		bool is_scope = yyjson_is_str(item) && scope_parse(json_str(item), &one);
		if (is_scope && one != SCOPE_OPERATOR)
			*out |= one;
		else
			problem_at(ps, PROBLEM_VALUE,
				   problem_index(&q->req->arena, STR("scopes"), i),
				   .rule = "events.write, contacts.read, contacts.write, "
					   "definitions.read, definitions.write, admin");
	}
}

static void read_origins(struct native_query *q, yyjson_val *list, struct key *key)
{
	size_t i, max;
	yyjson_val *item;
	struct problems *ps = &q->body_of.problems;
	struct str *origins = arena_array(&q->req->arena, struct str, yyjson_arr_size(list));
	if (yyjson_arr_size(list) > KEY_ORIGINS_MAX || !origins)
		return problem_at(ps, PROBLEM_TOO_MANY, members[ORIGINS].name, .rule = "items",
				  .limit = KEY_ORIGINS_MAX);
	yyjson_arr_foreach (list, i, max, item) {
		origins[i] = json_str(item);
		if (origins[i].n > KEY_ORIGIN_MAX)
			problem_at(ps, PROBLEM_TOO_LONG,
				   problem_index(&q->req->arena, members[ORIGINS].name, i),
				   .limit = KEY_ORIGIN_MAX, .size = (int64_t)origins[i].n);
		else if (!yyjson_is_str(item) || !origin_is_valid(origins[i]))
			problem_at(ps, PROBLEM_VALUE,
				   problem_index(&q->req->arena, members[ORIGINS].name, i),
				   .rule = "origins like https://shop.example, in lower case and "
					   "without a path");
	}
	key->origins = origins;
	key->n_origins = (unsigned)yyjson_arr_size(list);
}

/* Whoever opens the page has the key: the rules are those of the provisioning file. */
static void read_publishable(struct native_query *q, yyjson_val *const *v, struct key *key)
{
	struct problems *ps = &q->body_of.problems;
	key->publishable = yyjson_is_true(v[PUBLISHABLE]);
	if (key->publishable && v[SCOPES] && key->scopes != SCOPE_EVENTS_WRITE)
		problem_at(ps, PROBLEM_VALUE, members[SCOPES].name,
			   .rule = "[events.write], and no more, of a publishable key");
	if (!key->publishable && yyjson_arr_size(v[ORIGINS]) > 0)
		return problem_at(ps, PROBLEM_VALUE, members[PUBLISHABLE].name,
				  .rule = "true, where there are allowed_origins");
	if (v[ORIGINS])
		read_origins(q, v[ORIGINS], key);
}

/* 256 bits, in hex. */
bool native_secret(struct native_query *q, struct sha256 *digest)
{
	uint8_t raw[32];
	char text[2 * sizeof(raw) + 1];
	random_bytes(raw, sizeof(raw));
	hex_put(raw, sizeof(raw), text);
	q->secret = arena_str(&q->req->arena, (struct str){ text, 2 * sizeof(raw) });
	*digest = sha256_of(q->secret);
	return q->secret.p;
}

void native_put_made_key(struct native_query *q)
{
	struct buf scopes = buf_in(&q->req->arena), origins = buf_in(&q->req->arena);
	scopes_put(&scopes, q->op.key->scopes);
	if (q->op.key->publishable)
		buf_json_strs(&origins, q->op.key->origins, q->op.key->n_origins);
	const struct key_row k = { .no = q->op.key_no,
				   .name = q->op.key->name,
				   .scopes = buf_str(&scopes),
				   .origins = buf_str(&origins),
				   .created_at = q->op.received_at };
	render_key(&q->body, &k, q->secret);
	q->body.failed |= scopes.failed || origins.failed;
}

static bool prepare_make(struct native_query *q)
{
	yyjson_val *root = NULL, *v[N_MEMBERS];
	struct key *key = arena_new(&q->req->arena, struct key);
	if (!native_body(q, &root))
		return false;
	shape_read(&q->body_of, root, STR(""), members, N_MEMBERS, true, v);
	if (!key || !native_secret(q, &key->digest))
		return native_refuse(q, 503, "");
	read_scopes(q, v[SCOPES], &key->scopes);
	read_publishable(q, v, key);
	if (v[MEMBER_NAME])
		spec_judge_name(&q->body_of.problems, STR("name"), json_str(v[MEMBER_NAME]));
	if (q->body_of.problems.found)
		return native_refuse_body(q);
	key->name = json_str(v[MEMBER_NAME]);
	native_op(q, OP_KEY);
	q->op.key = key;
	return true;
}

static void show_made(struct native_query *q)
{
	q->status = 201;
	native_put_made_key(q);
	native_locate(q, "/_/v1/keys/", arena_printf(&q->req->arena, "%u", q->op.key_no));
}

const struct resource native_key_make = { .prepare = prepare_make, .changed = show_made };

/* --- Revoking --- */

static bool prepare_revoke(struct native_query *q)
{
	struct key *key = arena_new(&q->req->arena, struct key);
	if (!key)
		return native_refuse(q, 503, "");
	if (!read_number(q, &key->no))
		return false;
	native_op(q, OP_KEY);
	q->op.key = key;
	return true;
}

static void say_gone(struct native_query *q)
{
	q->status = 204;
}

const struct resource native_key_revoke = { .prepare = prepare_revoke, .changed = say_gone };
