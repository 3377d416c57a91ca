/*
 * ~ The last stop: a vendor, from its routes (at the end) over what it refuses, in its own words, to
 * ~ what it answers. arsel_event.c beside it turns a body into an operation. The tour ends here.
 *
 * Arsel: events, their definitions, contacts and their properties, under /v1 and /api/v1. docs/dialects/arsel.md
 * tells what is served and where the vendor's pages left a choice.
 */
#include "dialect/arsel_private.h"

static const struct str prefixes[] = { STR_INIT("/v1/"), STR_INIT("/api/v1/") };

static void credentials(const struct call *call, struct credentials *out)
{
	out->secret = authorization(call->req, STR("Bearer"));
}

/* --- Answers --- */

enum { COME_BACK_S = 1 };

struct words {
	int status;
	struct str name, message;
};

/* Indexed by enum refusal. "error" is the vendor's name for what has no name of its own. */
static const struct words refusals[] = {
	[REFUSE_ROUTE] = { 404, STR_INIT("not_found"), { 0 } },
	[REFUSE_METHOD] = { 405, STR_INIT("error"), { 0 } },
	[REFUSE_CREDENTIALS] = { 401, STR_INIT("unauthorized"),
				 STR_INIT("Invalid or missing API key") },
	[REFUSE_SCOPE] = { 403, STR_INIT("forbidden"),
			   STR_INIT("The API key lacks the permission for this endpoint.") },
	[REFUSE_RATE] = { 429, STR_INIT("rate_limit_exceeded"),
			  STR_INIT("Too many requests. Please retry after the period indicated in "
				   "the retry-after header.") },
	[REFUSE_MEDIA_TYPE] = { 415, STR_INIT("error"),
				STR_INIT("Content-Type must be application/json.") },
	[REFUSE_JSON] = { 400, STR_INIT("bad_request"),
			  STR_INIT("Request body is not valid JSON") },
	[REFUSE_OVERLOADED] = { 503, STR_INIT("service_unavailable"),
				STR_INIT("The service is at its limit. Please retry later.") },
	/* 503, not 500: clients keep the event and come back (conformance case 68). */
	[REFUSE_UNAVAILABLE] = { 503, STR_INIT("service_unavailable"),
				 STR_INIT("The request could not be made durable. Please retry "
					  "later.") },
};

/* Indexed by enum fault; statuses are HTTP's. */
static const struct words faults[] = {
	[FAULT_SYNTAX] = { 400, STR_INIT("bad_request"), STR_INIT("Malformed HTTP request") },
	[FAULT_TIMEOUT] = { 408, STR_INIT("error"),
			    STR_INIT("The request took too long to arrive") },
	[FAULT_BODY_TOO_LARGE] = { 413, STR_INIT("payload_too_large"),
				   STR_INIT("Request body is too large") },
	[FAULT_TARGET_TOO_LONG] = { 414, STR_INIT("error"),
				    STR_INIT("Request target is too long") },
	[FAULT_CONTENT_CODING] = { 415, STR_INIT("error"),
				   STR_INIT("Content-Encoding is not supported") },
	[FAULT_EXPECTATION] = { 417, STR_INIT("error"),
				STR_INIT("Expect may only be 100-continue") },
	[FAULT_HEAD_TOO_LARGE] = { 431, STR_INIT("error"),
				   STR_INIT("Request headers are too large") },
	[FAULT_NO_MEMORY] = { 503, STR_INIT("service_unavailable"),
			      STR_INIT("The service is at its limit. Please retry later.") },
	[FAULT_NOT_IMPLEMENTED] = { 501, STR_INIT("error"),
				    STR_INIT("Transfer-Encoding may only be chunked") },
	[FAULT_VERSION] = { 505, STR_INIT("error"), STR_INIT("HTTP version is not supported") },
};

static void put_message(struct buf *b, const struct call *call, enum refusal why,
			struct str fallback)
{
	const struct request *req = call->req;
	if (why == REFUSE_PROBLEMS)
		return arsel_put_message(b, call->state, &call->problems);
	if (why == REFUSE_FAULT && req->fault_detail)
		return buf_put(b, str_of(req->fault_detail));
	if (why == REFUSE_ROUTE || why == REFUSE_METHOD) {
		buf_lit(b, "Cannot ");
		buf_put(b, echo(req->method_text));
		buf_char(b, ' ');
		return buf_put(b, echo(req->path));
	}
	if (why == REFUSE_SCOPE && call->key && call->key->publishable)
		return buf_lit(b, "A publishable API key may only send events, and from a browser "
				  "only where its origin is allowed.");
	buf_put(b, fallback);
	if (why == REFUSE_JSON && call->json_error.what)
		buf_printf(b, ": %s at position %zu", call->json_error.what, call->json_error.at);
}

static struct words words_for(const struct call *call, enum refusal why)
{
	if (why == REFUSE_FAULT)
		return faults[call->req->fault];
	if (why != REFUSE_PROBLEMS)
		return refusals[why];
	return (struct words){ arsel_no_status(call->state),
			       arsel_no_name(call, call->state),
			       { 0 } };
}

/* The rate is the organization's: without a key that is known there is none to tell of. */
void arsel_begin(struct call *call, int status)
{
	call_begin(call, status);
	arsel_cors(call);
	if (!call->limited)
		return;
	reply_header_u64(call->req, STR("ratelimit-limit"), call->rate.limit);
	reply_header_u64(call->req, STR("ratelimit-remaining"), call->rate.remaining);
	reply_header_u64(call->req, STR("ratelimit-reset"), call->rate.reset_s);
}

static void refuse(struct call *call, enum refusal why)
{
	struct words words = words_for(call, why);
	struct buf message = buf_in(&call->req->arena), body = buf_in(&call->req->arena);
	put_message(&message, call, why, words.message);
	buf_lit(&body, "{\"status_code\":");
	buf_u64(&body, (unsigned)words.status);
	buf_lit(&body, ",\"name\":\"");
	buf_put(&body, words.name);
	buf_lit(&body, "\",\"message\":");
	buf_json_str(&body, buf_str(&message));
	buf_char(&body, '}');
	body.failed |= message.failed;

	arsel_begin(call, words.status);
	if (why == REFUSE_METHOD)
		reply_header(call->req, STR("Allow"),
			     route_allow(&call->req->arena, call->allowed));
	if (why == REFUSE_CREDENTIALS)
		reply_header(call->req, STR("WWW-Authenticate"), STR("Bearer"));
	if (words.status == 429 || words.status == 503)
		reply_header_u64(call->req, STR("retry-after"),
				 why == REFUSE_RATE ? call->rate.reset_s : COME_BACK_S);
	call_send_json(call, &body);
}

/* --- What the endpoints share --- */

void *arsel_state(struct call *call, size_t size)
{
	call->state = arena_zalloc(&call->req->arena, size);
	return call->state;
}

enum refusal arsel_stop(struct call *call, enum arsel_stage stage, struct str about)
{
	struct arsel_no *no = call->state;
	*no = (struct arsel_no){ stage, echo(about) };
	problem_at(&call->problems, PROBLEM_VALUE, STR(""));
	return REFUSE_PROBLEMS;
}

enum refusal arsel_object(struct call *call, yyjson_val **root)
{
	enum refusal why = call_json(call, root);
	if (why)
		return why;
	return yyjson_is_obj(*root) ? REFUSE_NOTHING : arsel_stop(call, ARSEL_BODY, STR(""));
}

void arsel_send_json(struct call *call, int status, struct buf *body)
{
	arsel_begin(call, status);
	call_send_json(call, body);
}

enum arsel_stage arsel_stage_of(const struct op *op)
{
	bool of_event = op->kind == OP_EVENT;
	bool of_field = op->kind == OP_CONTACT_FIELD;
	bool of_definition = op->kind == OP_DEFINITION || op->kind == OP_DEFINITION_DELETE;
	switch (op->problems ? op->problems->list[0].code : PROBLEM_NONE) {
	case PROBLEM_UNKNOWN_CONTACT:
		return of_event ? ARSEL_CONTACT : ARSEL_NO_CONTACT;
	case PROBLEM_UNKNOWN_DEFINITION:
		return of_definition ? ARSEL_NO_DEFINITION : ARSEL_EVENT;
	case PROBLEM_EXISTS:
	case PROBLEM_TAKEN:
		return of_definition && op->rules & DEFINITION_AS_SEEN ? ARSEL_DEFINITION_CHANGED
		       : of_definition                                 ? ARSEL_DEFINED
		       : of_field                                      ? ARSEL_PROPERTY_EXISTS
								       : ARSEL_CONTACT_EXISTS;
	case PROBLEM_UNKNOWN_FIELD:
		return of_field ? ARSEL_NO_PROPERTY : ARSEL_MEMBERS;
	case PROBLEM_CONTACT_FIELDS_FULL:
		return ARSEL_PROPERTIES_FULL;
	case PROBLEM_DEFINITIONS_FULL:
		return ARSEL_DEFINITIONS_FULL;
	case PROBLEM_ALTERNATIVES:
		return ARSEL_IDENTIFIER;
	default:
		return ARSEL_MEMBERS;
	}
}

void arsel_refuse_op(struct call *call, struct str about)
{
	struct arsel_no *no = call->state;
	*no = (struct arsel_no){ arsel_stage_of(call->ops), echo(about) };
	call_refuse_op(call, call->ops);
}

void arsel_send_deleted(struct call *call, struct str kind, struct str id, struct str message)
{
	struct buf body = buf_in(&call->req->arena);
	buf_lit(&body, "{\"object\":");
	buf_json_str(&body, kind);
	buf_lit(&body, ",\"id\":");
	buf_json_str(&body, id);
	buf_lit(&body, ",\"deleted\":true,\"message\":");
	buf_json_str(&body, message);
	buf_char(&body, '}');
	arsel_send_json(call, 200, &body);
}

/* Every route is also served below /api: both bases were published (decision 28). */
#define BOTH(method, path, endpoint)          \
	{ method, path, endpoint },           \
	{                                     \
		method, "/api" path, endpoint \
	}

static const struct route routes[] = {
	BOTH(METHOD_POST, "/v1/events/send", &arsel_send),
	BOTH(METHOD_POST, "/v1/events", &arsel_define),
	BOTH(METHOD_GET, "/v1/events", &arsel_definitions),
	BOTH(METHOD_GET, "/v1/events/{id}", &arsel_definition),
	BOTH(METHOD_PATCH, "/v1/events/{id}", &arsel_redefine),
	BOTH(METHOD_DELETE, "/v1/events/{id}", &arsel_undefine),
	BOTH(METHOD_POST, "/v1/properties", &arsel_property_new),
	BOTH(METHOD_GET, "/v1/properties", &arsel_properties),
	BOTH(METHOD_GET, "/v1/properties/{id}", &arsel_property),
	BOTH(METHOD_PATCH, "/v1/properties/{id}", &arsel_property_change),
	BOTH(METHOD_DELETE, "/v1/properties/{id}", &arsel_property_delete),
	BOTH(METHOD_POST, "/v1/contacts", &arsel_contact_new),
	BOTH(METHOD_GET, "/v1/contacts", &arsel_contact_list),
	BOTH(METHOD_GET, "/v1/contacts/{id}", &arsel_contact_get),
	BOTH(METHOD_PATCH, "/v1/contacts/{id}", &arsel_contact_change),
	BOTH(METHOD_DELETE, "/v1/contacts/{id}", &arsel_contact_delete),
	BOTH(METHOD_POST, "/v1/contacts/bulk-delete", &arsel_contacts_delete),
};

const struct dialect arsel = {
	.no = DIALECT_ARSEL,
	.name = "arsel",
	.prefixes = prefixes,
	.n_prefixes = ARRAY_LEN(prefixes),
	.routes = routes,
	.n_routes = ARRAY_LEN(routes),
	.rate = { .requests = 1000, .window_s = 60 },
	.credentials = credentials,
	.options = arsel_options,
	.refuse = refuse,
};
