#include "dialect/dialect.h"

const struct dialect *const dialects[] = { &pristo, &omnisend, &infobip, &arsel };
const unsigned n_dialects = ARRAY_LEN(dialects);

void call_begin(struct call *call, int status)
{
	reply_begin(call->req, status);
	if (call->request_id.p)
		reply_header(call->req, STR("X-Request-Id"), call->request_id);
}

void call_send_json(struct call *call, struct buf *body)
{
	if (body->failed) {
		/* The arena gave out while the answer was worded. The reply layer has a bare 503
		 * for this: it is the only answer left that needs no memory. */
		reply_begin(call->req, 503);
		reply_close(call->req);
		return reply_send(call->req, STR(""), STR(""));
	}
	reply_send(call->req, STR("application/json"), buf_str(body));
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
