/* Bodies of the native API: JSON, and every problem told. */
#include "api/native_query.h"

bool native_refuse_body(struct native_query *q)
{
	q->problems = &q->body_of.problems;
	return native_refuse(q, 400, "the body is not what is asked for: see errors");
}

static bool refuse_json(struct native_query *q)
{
	const struct json_error *e = &q->body_of.json_error;
	struct str why = arena_printf(&q->req->arena, "the body is not JSON: %s at byte %zu",
				      e->what ? e->what : "not well-formed", e->at);
	return native_refuse(q, 400, why.p ? why.p : "the body is not JSON");
}

/* One that is missing will do, parameters do not matter. */
static bool is_json(const struct request *req)
{
	struct str type = request_header(req, STR("Content-Type"));
	type = str_trim(str_head(type, str_find(type, ';')));
	return type.n == 0 || str_eq_nocase(type, STR("application/json"));
}

bool native_body(struct native_query *q, yyjson_val **root)
{
	if (!is_json(q->req))
		return native_refuse(q, 415, "the body must be Content-Type: application/json");
	enum refusal why = call_json(&q->body_of, root);
	if (why == REFUSE_JSON)
		return refuse_json(q);
	if (why)
		return native_refuse(q, 503, "");
	if (yyjson_is_obj(*root))
		return true;
	problem_at(&q->body_of.problems, PROBLEM_TYPE, STR(""), .rule = "object",
		   .actual = json_type_name(*root));
	return native_refuse_body(q);
}
