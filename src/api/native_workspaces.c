/*
 * Workspaces under /_/v1. An admin sees and changes the one its key is of, an operator all of them,
 * and makes new ones; one that a caller may not see is not there for it. They are shown from the
 * catalog, in memory.
 */
#include "api/native_query.h"
#include "model/spec.h"
#include "store/render.h"

/* --- Showing --- */

/* A type of null: any plain value. */
static void put_contact_fields(struct buf *b, const struct contact_fields *fields)
{
	buf_char(b, '[');
	for (unsigned i = 0; fields && i < fields->n; i++) {
		const struct contact_field *f = &fields->list[i];
		render_list_next(b, i);
		buf_lit(b, "{\"name\":");
		buf_json_str(b, f->name);
		if (f->typed)
			buf_printf(b, ",\"type\":\"%s\"}", field_type_name(f->type));
		else
			buf_lit(b, ",\"type\":null}");
	}
	buf_char(b, ']');
}

/* Left open for more members. */
static void put_workspace(struct buf *b, const struct workspace *w)
{
	char id[UUID_TEXT + 1];
	uuid_text(w->id, id);
	buf_printf(b, "{\"id\":\"%s\",\"name\":", id);
	buf_json_str(b, w->name);
	buf_printf(b, ",\"limits\":{\"requests_per_second\":%lld},\"switches\":",
		   (long long)w->requests_per_second);
	native_put_switches(b, w);
	buf_lit(b, ",\"contact_fields\":");
	put_contact_fields(b, w->contact_fields);
	buf_lit(b, ",\"created_at\":\"");
	time_put(b, w->created_at, 6);
	buf_lit(b, "\",\"updated_at\":\"");
	time_put(b, w->updated_at, 6);
	buf_char(b, '"');
}

static bool is_operator(const struct native_query *q)
{
	return q->scopes & SCOPE_OPERATOR;
}

static const struct workspace *find(struct native_query *q)
{
	struct uuid id;
	const struct workspace *found = NULL;
	if (uuid_parse(q->params[0], &id)) {
		if (uuid_eq(q->workspace->id, id))
			found = q->workspace;
		else if (is_operator(q))
			found = catalog_workspace_by_id(q->catalog, id);
	}
	if (!found)
		native_refuse(q, 404, "there is no such workspace");
	return found;
}

static bool is_on_page(const struct native_query *q, const struct workspace *w)
{
	bool visible = w == q->workspace || is_operator(q);
	return visible && (q->events.before == 0 || w->no < q->events.before);
}

static void show_workspaces(struct native_query *q)
{
	const struct catalog *c = q->catalog;
	uint32_t last = 0, next = 0;
	unsigned n = 0;
	render_list_open(&q->body);
	for (unsigned i = c->n_workspaces; i-- > 0 && next == 0;) {
		const struct workspace *w = c->workspaces[i];
		if (!is_on_page(q, w))
			continue;
		if (native_page_is_full(q, n)) {
			next = last;
			continue;
		}
		render_list_next(&q->body, n++);
		put_workspace(&q->body, w);
		buf_char(&q->body, '}');
		last = w->no;
	}
	render_list_close(&q->body, next);
}

const struct resource native_workspaces = {
	SCOPE_OPERATOR,
	.params = native_page_params,
	.prepare = native_page,
	.show = show_workspaces,
};

static void show_workspace(struct native_query *q)
{
	const struct workspace *w = find(q);
	if (!w)
		return;
	put_workspace(&q->body, w);
	buf_char(&q->body, '}');
}

const struct resource native_workspace = { SCOPE_OPERATOR, .show = show_workspace };

/* --- Reading a body --- */

enum { MEMBER_ID, MEMBER_NAME, LIMITS, SWITCHES, N_MEMBERS };

/* Those from the name on can be changed. */
static const struct shape_member members[N_MEMBERS] = {
	[MEMBER_ID] = { STR_INIT("id"), SHAPE_STRING, .valid = form_uuid, .form = "uuid" },
	[MEMBER_NAME] = { STR_INIT("name"), SHAPE_STRING, .flags = SHAPE_NOT_EMPTY,
			  .max = DEFINITION_NAME_MAX },
	[LIMITS] = { STR_INIT("limits"), SHAPE_OBJECT },
	[SWITCHES] = { STR_INIT("switches"), SHAPE_OBJECT },
};

static void read_limits(struct native_query *q, yyjson_val *limits, struct workspace *w)
{
	static const struct shape_member rates[] = {
		{ STR_INIT("requests_per_second"), .type = SHAPE_ANY },
	};
	static const struct str path = STR_INIT("limits.requests_per_second");
	struct problems *ps = &q->body_of.problems;
	int64_t rate;
	yyjson_val *v;
	shape_read(&q->body_of, limits, STR("limits"), rates, 1, true, &v);
	if (!v)
		return;
	if (!json_is_number(v))
		return problem_at(ps, PROBLEM_TYPE, path, .rule = "integer",
				  .actual = json_type_name(v));
	if (!json_number_to_i64(v, &rate))
		return problem_at(ps, PROBLEM_TYPE, path, .rule = "integer");
	if (rate < -1 || rate > WORKSPACE_RATE_MAX)
		return problem_at(ps, PROBLEM_VALUE, path,
				  .rule = "-1 (none), 0 (each dialect's own), 1 to 1000000");
	w->requests_per_second = rate;
	q->op.rules |= WORKSPACE_RATE;
}
_Static_assert(WORKSPACE_RATE_MAX == 1000000, "the limit is told in words");

static void read_name(struct native_query *q, yyjson_val *name, struct workspace *w)
{
	w->name = json_str(name);
	spec_judge_name(&q->body_of.problems, STR("name"), w->name);
	q->op.rules |= WORKSPACE_NAME;
}

static bool read_members(struct native_query *q, yyjson_val *const *v, struct workspace *w)
{
	if (v[MEMBER_NAME])
		read_name(q, v[MEMBER_NAME], w);
	if (v[LIMITS])
		read_limits(q, v[LIMITS], w);
	if (v[SWITCHES] && !native_read_switches(q, v[SWITCHES], w))
		return false;
	if (q->body_of.problems.found)
		return native_refuse_body(q);
	w->id = uuid_v4();
	return !v[MEMBER_ID] || uuid_parse(json_str(v[MEMBER_ID]), &w->id);
}

/* The members from `first` on; a new workspace needs a name. */
static bool read_body(struct native_query *q, unsigned first, struct workspace *w)
{
	yyjson_val *root = NULL, *v[N_MEMBERS] = { 0 };
	if (!native_body(q, &root))
		return false;
	shape_read(&q->body_of, root, STR(""), members + first, N_MEMBERS - first, true, v + first);
	if (first == MEMBER_ID && !json_get(root, members[MEMBER_NAME].name))
		problem_at(&q->body_of.problems, PROBLEM_REQUIRED, members[MEMBER_NAME].name);
	return read_members(q, v, w);
}

/* --- Making --- */

static bool prepare_make(struct native_query *q)
{
	struct workspace *w = arena_new(&q->req->arena, struct workspace);
	struct key *key = arena_new(&q->req->arena, struct key);
	native_op(q, OP_WORKSPACE);
	if (!w || !key || !native_secret(q, &key->digest))
		return native_refuse(q, 503, "");
	key->name = STR("admin");
	key->scopes = SCOPE_ADMIN;
	q->op.workspace = 0;
	q->op.like = w;
	q->op.key = key;
	return read_body(q, MEMBER_ID, w);
}

static void show_made(struct native_query *q)
{
	char id[UUID_TEXT + 1];
	uuid_text(q->op.like->id, id);
	q->status = 201;
	put_workspace(&q->body, q->workspace);
	buf_lit(&q->body, ",\"key\":");
	native_put_made_key(q);
	buf_char(&q->body, '}');
	native_locate(q, "/_/v1/workspaces/", str_of(id));
}

const struct resource native_workspace_make = {
	.operators = true,
	.prepare = prepare_make,
	.changed = show_made,
};

/* --- Changing --- */

static bool prepare_change(struct native_query *q)
{
	const struct workspace *there = find(q);
	struct workspace *w = arena_new(&q->req->arena, struct workspace);
	if (!there)
		return false;
	if (!w)
		return native_refuse(q, 503, "");
	native_op(q, OP_WORKSPACE);
	q->op.workspace = there->no;
	q->op.like = w;
	return read_body(q, MEMBER_NAME, w);
}

static void show_changed(struct native_query *q)
{
	put_workspace(&q->body, q->workspace);
	buf_char(&q->body, '}');
}

const struct resource native_workspace_change = {
	SCOPE_OPERATOR,
	.prepare = prepare_change,
	.changed = show_changed,
};
