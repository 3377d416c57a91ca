/*
 * Pristo: events and contacts of a population. docs/dialects/pristo.md tells what is served and
 * where the vendor's page left a choice. A population is a workspace; a contact is found by the id
 * that its owner chose and by nothing else, and an unknown one is made when it can be reached.
 */
#include "dialect/pristo_private.h"

static const struct str prefixes[] = { STR_INIT("/v1/events/send/"), STR_INIT("/v1/populations/") };

static void credentials(const struct call *call, struct credentials *out)
{
	out->secret = request_header(call->req, STR("X-API-Key"));
}

/* --- Answers that say no --- */

enum { COME_BACK_S = 1 };

/* Of a request: indexed by enum refusal. */
static const struct pristo_words refusals[] = {
	[REFUSE_ROUTE] = { 404, STR_INIT("NOT_FOUND"), STR_INIT("There is no such endpoint") },
	[REFUSE_METHOD] = { 405, STR_INIT("METHOD_NOT_ALLOWED"),
			    STR_INIT("The endpoint does not take this method") },
	[REFUSE_CREDENTIALS] = { 401, STR_INIT("UNAUTHORIZED"),
				 STR_INIT(
					 "The header X-API-Key is missing or names no valid key") },
	/* 403 is not among the statuses that the vendor documents. */
	[REFUSE_SCOPE] = { 401, STR_INIT("UNAUTHORIZED"),
			   STR_INIT("The API key lacks the permission for this endpoint") },
	[REFUSE_RATE] = { 429, STR_INIT("RATE_LIMITED"), STR_INIT("Too many requests") },
	[REFUSE_MEDIA_TYPE] = { 400, STR_INIT("BAD_REQUEST"), STR_INIT("The body must be JSON") },
	[REFUSE_JSON] = { 400, STR_INIT("INVALID_JSON"), STR_INIT("The body is not valid JSON") },
	[REFUSE_OVERLOADED] = { 503, STR_INIT("SERVICE_UNAVAILABLE"),
				STR_INIT("The server is at its limit, try again later") },
	[REFUSE_UNAVAILABLE] = { 500, STR_INIT("INTERNAL_ERROR"),
				 STR_INIT("The request could not be stored") },
};

/* Of its bytes: indexed by enum fault. */
static const struct pristo_words faults[] = {
	[FAULT_SYNTAX] = { 400, STR_INIT("BAD_REQUEST"), STR_INIT("This is not HTTP/1.1") },
	[FAULT_TIMEOUT] = { 408, STR_INIT("REQUEST_TIMEOUT"),
			    STR_INIT("The request took too long to arrive") },
	[FAULT_BODY_TOO_LARGE] = { 413, STR_INIT("PAYLOAD_TOO_LARGE"),
				   STR_INIT("The body is too large") },
	[FAULT_TARGET_TOO_LONG] = { 414, STR_INIT("URI_TOO_LONG"),
				    STR_INIT("The request target is too long") },
	[FAULT_CONTENT_CODING] = { 415, STR_INIT("UNSUPPORTED_MEDIA_TYPE"),
				   STR_INIT("The body must be sent without Content-Encoding") },
	[FAULT_EXPECTATION] = { 417, STR_INIT("EXPECTATION_FAILED"),
				STR_INIT("Expect may only be 100-continue") },
	[FAULT_HEAD_TOO_LARGE] = { 431, STR_INIT("HEADERS_TOO_LARGE"),
				   STR_INIT("The request's headers are too large") },
	[FAULT_NO_MEMORY] = { 503, STR_INIT("SERVICE_UNAVAILABLE"),
			      STR_INIT("The server is at its limit, try again later") },
	[FAULT_NOT_IMPLEMENTED] = { 501, STR_INIT("NOT_IMPLEMENTED"),
				    STR_INIT("This way to send a body is not supported") },
	[FAULT_VERSION] = { 505, STR_INIT("HTTP_VERSION_NOT_SUPPORTED"),
			    STR_INIT("Only HTTP/1.0 and 1.1 are spoken here") },
};

/* Of its content: the codes beside VALIDATION_ERROR. Without a message: the model's words. */
static const struct {
	enum problem_code problem;
	struct pristo_words words;
} problems[] = {
	{ PROBLEM_UNKNOWN_WORKSPACE,
	  { 400, STR_INIT("POPULATION_NOT_FOUND"),
	    STR_INIT("populationId names no population of this API key") } },
	{ PROBLEM_UNKNOWN_DEFINITION, { 400, STR_INIT("EVENT_TYPE_NOT_FOUND"), { 0 } } },
	{ PROBLEM_UNKNOWN_FIELD, { 400, STR_INIT("UNKNOWN_CUSTOM_FIELD"), { 0 } } },
	{ PROBLEM_UNKNOWN_CONTACT,
	  { 400, STR_INIT("CONTACT_NOT_REACHABLE"),
	    STR_INIT("A new contact needs contact.phone or contact.email") } },
};

static struct pristo_words problem_words(const struct call *call, const struct problem *p)
{
	const struct pristo_words *older = pristo_older_words(call, p);
	if (older)
		return *older;
	for (size_t i = 0; i < ARRAY_LEN(problems); i++)
		if (problems[i].problem == p->code)
			return problems[i].words;
	return (struct pristo_words){ 400, STR("VALIDATION_ERROR"), { 0 } };
}

/* The first problem in the order of checks decides the code; the message tells them all. */
static struct pristo_words words_for(const struct call *call, enum refusal why)
{
	if (why == REFUSE_PROBLEMS)
		return problem_words(call, &call->problems.list[0]);
	return why == REFUSE_FAULT ? faults[call->req->fault] : refusals[why];
}

static void put_problems(struct buf *b, const struct call *call)
{
	const struct problems *ps = &call->problems;
	for (unsigned i = 0; i < ps->n; i++) {
		struct problem p = ps->list[i];
		struct str message = problem_words(call, &p).message;
		p.path = echo(p.path);
		if (i > 0)
			buf_lit(b, "; ");
		if (message.p)
			buf_put(b, message);
		else
			problem_put_english(b, &p);
	}
}

static void put_message(struct buf *b, const struct call *call, enum refusal why,
			struct str fallback)
{
	if (why == REFUSE_PROBLEMS)
		return put_problems(b, call);
	if (why == REFUSE_FAULT && call->req->fault_detail)
		return buf_put(b, str_of(call->req->fault_detail));
	buf_put(b, fallback);
	if (why == REFUSE_JSON && call->json_error.what)
		buf_printf(b, ": %s (byte %zu)", call->json_error.what, call->json_error.at);
}

static void refuse(struct call *call, enum refusal why)
{
	struct pristo_words words = words_for(call, why);
	struct buf message = buf_in(&call->req->arena), body = buf_in(&call->req->arena);
	put_message(&message, call, why, words.message);
	buf_lit(&body, "{\"error\":{\"code\":\"");
	buf_put(&body, words.code);
	buf_lit(&body, "\",\"message\":");
	buf_json_str(&body, buf_str(&message));
	buf_lit(&body, "}}");
	body.failed |= message.failed;

	call_begin(call, words.status);
	if (why == REFUSE_METHOD)
		reply_header(call->req, STR("Allow"),
			     route_allow(&call->req->arena, call->allowed));
	if (words.status == 429 || words.status == 503)
		reply_header_u64(call->req, STR("Retry-After"),
				 why == REFUSE_RATE ? call->rate.reset_s : COME_BACK_S);
	call_send_json(call, &body);
}

/* --- The population --- */

void pristo_population(struct call *call, struct uuid *out)
{
	if (!uuid_parse(call->params[0], out))
		problem_at(&call->problems, PROBLEM_FORMAT, STR("populationId"), .rule = "uuid");
}

bool pristo_population_is_callers(struct call *call, struct uuid population)
{
	if (uuid_eq(population, call->workspace->id))
		return true;
	problem_at(&call->problems, PROBLEM_UNKNOWN_WORKSPACE, STR("populationId"));
	return false;
}

/* --- POST /v1/events/send/{populationId} --- */

static void put_wrapper(struct buf *b, const struct op *op)
{
	char raw[24];
	size_t n = base64url_put(op->event_id.b, sizeof(op->event_id.b), raw);
	buf_lit(b, "{\"ok\":true,\"status\":201,\"statusText\":\"Created\",\"body\":null,"
		   "\"raw\":\"");
	buf_put(b, (struct str){ raw, n });
	buf_lit(b, "\"}");
}

/* What the generation before answered (decision 3). */
void pristo_put_receipt(struct buf *b, const struct op *op)
{
	char id[UUID_TEXT + 1];
	uuid_text(op->event_id, id);
	buf_printf(b, "{\"eventId\":\"%s\",\"receivedAt\":\"", id);
	time_put(b, op->received_at, 3);
	buf_lit(b, "\"}");
}

static void send_answer(struct call *call)
{
	const struct op *op = call->ops;
	if (op->outcome == OP_REFUSED)
		return call_refuse_op(call, op);

	struct buf body = buf_in(&call->req->arena);
	if (switch_on(call->workspace, SWITCH_EVENT_ANSWER))
		pristo_put_receipt(&body, op);
	else
		put_wrapper(&body, op);
	call_begin(call, 201);
	call_send_json(call, &body);
}

static const struct endpoint send = {
	.scope = SCOPE_EVENTS_WRITE,
	.body_max = PRISTO_BODY_MAX,
	.decode = pristo_send_decode,
	.answer = send_answer,
};

static const struct route routes[] = {
	{ METHOD_POST, "/v1/events/send/{populationId}", &send },
	{ METHOD_POST, "/v1/populations/{populationId}/contacts", &pristo_upsert },
	{ METHOD_POST, "/v1/populations/{populationId}/events", &pristo_older_event },
	{ METHOD_POST, "/v1/populations/{populationId}/contacts:upsert", &pristo_older_upsert },
	{ METHOD_POST, "/v1/populations/{populationId}/contacts:activation",
	  &pristo_older_activation },
	{ METHOD_POST, "/v1/populations/{populationId}/contacts:unsubscribe",
	  &pristo_older_unsubscribe },
};

const struct dialect pristo = {
	.no = DIALECT_PRISTO,
	.name = "pristo",
	.prefixes = prefixes,
	.n_prefixes = ARRAY_LEN(prefixes),
	.routes = routes,
	.n_routes = ARRAY_LEN(routes),
	.request_id_uuid = true,
	.credentials = credentials,
	.refuse = refuse,
};
