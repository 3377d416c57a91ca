/*
 * ~ The last stop: a vendor, from its routes (at the end) over what it refuses, in its own words, to
 * ~ what it answers. arsel_event.c beside it turns a body into an operation. The tour ends here.
 *
 * Arsel: POST /v1/events/send, under /api too. docs/dialects/arsel.md tells what is served and
 * where the vendor's pages left a choice. The words of 400, 401, 404 and 422 are the vendor's
 * letter for letter; those of a validation are in the manner of class-validator, which it uses.
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
				 STR_INIT("The event could not be stored. Please retry later.") },
};

/* Indexed by enum fault; statuses are HTTP's. */
static const struct words faults[] = {
	[FAULT_SYNTAX] = { 400, STR_INIT("bad_request"), STR_INIT("Malformed HTTP request") },
	[FAULT_TIMEOUT] = { 408, STR_INIT("error"),
			    STR_INIT("The request took too long to arrive") },
	[FAULT_LENGTH_REQUIRED] = { 411, STR_INIT("error"),
				    STR_INIT("Content-Length is required") },
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

/* Indexed by enum arsel_stage: the message with what it is about in the middle; none: the problems.
 */
static const struct {
	int status;
	struct str name, before, after;
} stages[] = {
	[ARSEL_BODY] = { 400,
			 STR_INIT("bad_request"),
			 STR_INIT("Request body must be a JSON object"),
			 { 0 } },
	[ARSEL_MEMBERS] = { 422, STR_INIT("validation_error"), { 0 }, { 0 } },
	[ARSEL_ANONYMOUS] = { 400,
			      STR_INIT("bad_request"),
			      STR_INIT("anonymous_id is not allowed with a secret API key."),
			      { 0 } },
	[ARSEL_WHO] = { 400,
			STR_INIT("bad_request"),
			STR_INIT("Provide either email or contact_id."),
			{ 0 } },
	[ARSEL_EVENT] = { 404, STR_INIT("not_found"), STR_INIT("No event named \""),
			  STR_INIT("\" is defined in this organization.") },
	[ARSEL_PAYLOAD] = { 422, STR_INIT("validation_error"),
			    STR_INIT("Payload does not match the \""), STR_INIT("\" schema.") },
	[ARSEL_CONTACT] = { 404, STR_INIT("not_found"), STR_INIT("Contact "),
			    STR_INIT(" not found") },
};

static void put_problem(struct buf *b, const struct problem *p)
{
	if (p->path.n == 0)
		return problem_put_english(b, p); /* the committer's */
	buf_put(b, p->path);
	if (p->code == PROBLEM_EMPTY)
		buf_lit(b, " should not be empty");
	else if (p->code == PROBLEM_TOO_LONG)
		buf_printf(b, " must be shorter than or equal to %lld characters",
			   (long long)p->limit);
	else if (p->code == PROBLEM_TOO_MANY)
		buf_printf(b, "'s byte length must fall into (1, %lld) range", (long long)p->limit);
	else
		buf_printf(b, " %s", arsel_must_be(p->path));
}

static void put_problems(struct buf *b, const struct call *call)
{
	const struct arsel_event *e = call->state;
	if (stages[e->stage].before.p) {
		buf_put(b, stages[e->stage].before);
		buf_put(b, e->about);
		return buf_put(b, stages[e->stage].after);
	}
	for (unsigned i = 0; i < call->problems.n; i++) {
		if (i > 0)
			buf_lit(b, ", ");
		put_problem(b, &call->problems.list[i]);
	}
}

static void put_message(struct buf *b, const struct call *call, enum refusal why,
			struct str fallback)
{
	const struct request *req = call->req;
	if (why == REFUSE_PROBLEMS)
		return put_problems(b, call);
	if (why == REFUSE_FAULT && req->fault_detail)
		return buf_put(b, str_of(req->fault_detail));
	if (why == REFUSE_ROUTE || why == REFUSE_METHOD) {
		buf_printf(b, "Cannot %s ", method_name(req->method));
		return buf_put(b, echo(req->path));
	}
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
	const struct arsel_event *e = call->state;
	return (struct words){ stages[e->stage].status, stages[e->stage].name, { 0 } };
}

/* The rate is the organization's: without a key that is known there is none to tell of. */
static void begin(struct call *call, int status)
{
	call_begin(call, status);
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

	begin(call, words.status);
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

/* --- POST /v1/events/send --- */

/* The committer's truth is told as if the check had been made here. */
static void refuse_op(struct call *call)
{
	struct arsel_event *e = call->state;
	const struct problems *ps = call->ops->problems; /* NULL: no room for them */
	enum problem_code code = ps ? ps->list[0].code : PROBLEM_NONE;
	e->stage = code == PROBLEM_UNKNOWN_CONTACT      ? ARSEL_CONTACT
		   : code == PROBLEM_UNKNOWN_DEFINITION ? ARSEL_EVENT
							: ARSEL_MEMBERS;
	if (e->stage == ARSEL_CONTACT)
		e->about = e->contact_id;
	call_refuse_op(call, call->ops);
}

static void send_answer(struct call *call)
{
	if (call->ops->outcome == OP_REFUSED)
		return refuse_op(call);

	char id[UUID_TEXT + 1];
	struct buf body = buf_in(&call->req->arena);
	uuid_text(call->ops->event_id, id);
	buf_lit(&body, "{\"id\":\"");
	buf_put(&body, (struct str){ id, UUID_TEXT });
	buf_lit(&body, "\",\"status\":\"accepted\"}");
	begin(call, 202);
	call_send_json(call, &body);
}

static const struct endpoint send = {
	.scope = SCOPE_EVENTS_WRITE,
	.body_max = 4 * 1024 * 1024,
	.decode = arsel_send_decode,
	.answer = send_answer,
};

static const struct route routes[] = {
	{ METHOD_POST, "/v1/events/send", &send },
	{ METHOD_POST, "/api/v1/events/send", &send },
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
	.refuse = refuse,
};
