#include "dialect/dialect.h"

const struct dialect *const dialects[] = { &pristo, &omnisend, &infobip, &arsel };
const unsigned n_dialects = ARRAY_LEN(dialects);

void call_begin(struct call *call, int status)
{
	reply_begin(call->req, status);
}

void call_send(struct call *call, struct str content_type, struct buf *body)
{
	if (body->failed)
		return reply_send_503(call->req);
	reply_send(call->req, content_type, buf_str(body));
}

void call_send_json(struct call *call, struct buf *body)
{
	call_send(call, STR("application/json"), body);
}

struct str authorization(const struct request *req, struct str scheme)
{
	struct str v = request_header(req, STR("Authorization"));
	if (!v.p)
		return v;
	size_t end = str_find(v, ' ');
	if (end == v.n || !str_eq_nocase(str_head(v, end), scheme))
		return (struct str){ 0 };
	return str_trim(str_from(v, end));
}

enum refusal call_json(struct call *call, yyjson_val **root)
{
	switch (json_parse(&call->req->arena, call->req->body, root, &call->json_error)) {
	case JSON_OK:
		return REFUSE_NOTHING;
	case JSON_MALFORMED:
	case JSON_TOO_DEEP:
		return REFUSE_JSON;
	case JSON_NO_MEMORY:
		return REFUSE_OVERLOADED;
	}
	must(!"an outcome of json_parse");
	return REFUSE_JSON;
}

struct op *call_ops(struct call *call, unsigned n)
{
	struct op *ops = arena_array(&call->req->arena, struct op, n);
	if (!ops)
		return NULL;
	for (unsigned i = 0; i < n; i++) {
		ops[i].arena = &call->req->arena;
		ops[i].workspace = call->workspace->no;
		ops[i].dialect = (uint8_t)call->dialect->no;
	}
	call->ops = ops;
	call->n_ops = n;
	return ops;
}

struct op *call_op(struct call *call)
{
	return call_ops(call, 1);
}

void call_refuse_op(struct call *call, const struct op *op)
{
	must(op->outcome == OP_REFUSED);
	if (!op->problems) /* the arena had no room for them */
		return call->dialect->refuse(call, REFUSE_OVERLOADED);
	call->problems = *op->problems;
	call->dialect->refuse(call, REFUSE_PROBLEMS);
}

struct str shown_phone(struct buf *b, struct str phone)
{
	struct str s = identity_e164(b->arena, phone);
	b->failed |= phone.p && !s.p;
	return s;
}

struct str echo(struct str s)
{
	enum { ECHO_MAX = 256 };
	struct str start = str_head(s, ECHO_MAX);
	return str_head(start, str_utf8_prefix(start));
}

static bool path_is_new(const struct problems *ps, unsigned i)
{
	for (unsigned k = 0; k < i; k++)
		if (str_eq(ps->list[k].path, ps->list[i].path))
			return false;
	return true;
}

/* The texts of all problems at the path of the i-th, which is the first there. */
static void put_texts(struct buf *b, const struct problems *ps, unsigned i,
		      void (*put)(struct buf *b, const struct problem *p))
{
	char between = '[';
	for (unsigned k = i; k < ps->n; k++) {
		if (!str_eq(ps->list[k].path, ps->list[i].path))
			continue;
		struct buf text = buf_in(b->arena);
		put(&text, &ps->list[k]);
		buf_char(b, between);
		buf_json_str(b, buf_str(&text));
		b->failed |= text.failed;
		between = ',';
	}
	buf_char(b, ']');
}

void problems_put_by_path(struct buf *b, const struct problems *ps,
			  void (*put)(struct buf *b, const struct problem *p))
{
	struct problems short_ones = *ps;
	char between = '{';
	for (unsigned i = 0; i < ps->n; i++)
		short_ones.list[i].path = echo(ps->list[i].path);
	for (unsigned i = 0; i < ps->n; i++) {
		if (!path_is_new(&short_ones, i))
			continue;
		buf_char(b, between);
		buf_json_str(b, short_ones.list[i].path);
		buf_char(b, ':');
		put_texts(b, &short_ones, i, put);
		between = ',';
	}
	buf_put(b, ps->n ? STR("}") : STR("{}"));
}

static yyjson_val *annotations(struct buf *b, const struct definition *d)
{
	yyjson_val *root = NULL;
	if (d && d->annotations.n && json_parse(b->arena, d->annotations, &root, NULL) != JSON_OK)
		b->failed = true;
	return root;
}

yyjson_val *annotation(struct buf *b, const struct definition *d, struct str dialect)
{
	return json_get(annotations(b, d), dialect);
}

struct str annotate(struct arena *a, const struct definition *old, struct str dialect,
		    struct str json)
{
	struct buf b = buf_in(a);
	yyjson_val *root = annotations(&b, old), *key, *v;
	size_t i, max;
	buf_char(&b, '{');
	json_foreach_member (root, i, max, key, v) {
		if (str_eq(json_str(key), dialect))
			continue;
		buf_json_str(&b, json_str(key));
		buf_char(&b, ':');
		json_put(&b, v);
		buf_char(&b, ',');
	}
	buf_json_str(&b, dialect);
	buf_char(&b, ':');
	buf_put(&b, json);
	buf_char(&b, '}');
	return b.failed ? (struct str){ 0 } : buf_str(&b);
}

int refusal_status(const struct call *call, enum refusal why)
{
	switch (why) {
	case REFUSE_NOTHING:
		break;
	case REFUSE_FAULT:
		return fault_status(call->req->fault);
	case REFUSE_ROUTE:
		return 404;
	case REFUSE_METHOD:
		return 405;
	case REFUSE_CREDENTIALS:
		return 401;
	case REFUSE_SCOPE:
		return 403;
	case REFUSE_RATE:
		return 429;
	case REFUSE_MEDIA_TYPE:
		return 415;
	case REFUSE_JSON:
	case REFUSE_PROBLEMS:
		return 400;
	case REFUSE_OVERLOADED:
		return 503;
	case REFUSE_UNAVAILABLE:
		return 500;
	}
	must(!"a refusal");
	return 500;
}
