/*
 * Omnisend's answers: what all versions share, and the errors of versions up to 5,
 * {"error":"...","fields":{"<path>":["...",...]}}.
 */
#include "dialect/oauth.h"
#include "dialect/omnisend_private.h"

enum { COME_BACK_S = 1 };

static const struct omnisend_no refusals[] = {
	[REFUSE_ROUTE] = { 0, "not-found", "Not found", "Not found" },
	[REFUSE_METHOD] = { 0, "problem", "Method not allowed", "Method not allowed" },
	[REFUSE_CREDENTIALS] = { 0, "problem", "Unauthorized", "Unauthorized" },
	[REFUSE_SCOPE] = { 0, "problem", "Forbidden", "Forbidden" },
	[REFUSE_RATE] = { 0, "rate-limit-exceeded", "Rate limit exceeded", "Too many requests" },
	[REFUSE_MEDIA_TYPE] = { 0, "problem", "Unsupported media type", "Unsupported media type" },
	[REFUSE_JSON] = { 0, "problem", "Bad request", "Invalid JSON body" },
	[REFUSE_PROBLEMS] = { 0, "validation-failed", "Validation failed",
			      "Request contains invalid or missing fields" },
	[REFUSE_OVERLOADED] = { 0, "problem", "Service unavailable", "Service unavailable" },
	[REFUSE_UNAVAILABLE] = { 0, "problem", "Internal server error", "Internal server error" },
};

static const char *const faults[] = {
	[FAULT_SYNTAX] = "Bad request",
	[FAULT_TIMEOUT] = "Request timeout",
	[FAULT_BODY_TOO_LARGE] = "Request body too large",
	[FAULT_TARGET_TOO_LONG] = "Request target too long",
	[FAULT_CONTENT_CODING] = "Unsupported content encoding",
	[FAULT_EXPECTATION] = "Expectation failed",
	[FAULT_HEAD_TOO_LARGE] = "Request header too large",
	[FAULT_NO_MEMORY] = "Service unavailable",
	[FAULT_NOT_IMPLEMENTED] = "Not implemented",
	[FAULT_VERSION] = "HTTP version not supported",
};

static const char *const type_names[FIELD_TYPES] = {
	[FIELD_STRING] = "string", [FIELD_BOOLEAN] = "bool", [FIELD_INTEGER] = "int",
	[FIELD_NUMBER] = "float",  [FIELD_DATE] = "date",    [FIELD_DATETIME] = "dateTime",
	[FIELD_EMAIL] = "email",   [FIELD_URL] = "url",      [FIELD_OBJECT] = "object",
	[FIELD_ARRAY] = "array",
};

static struct str type_name(const char *models)
{
	enum field_type type;
	return str_of(field_type_parse(str_of(models), &type) ? type_names[type] : models);
}

/* "total: expected float, got string" */
static void put_clash(struct buf *b, const struct problem *p)
{
	struct str name = p->path;
	for (size_t dot = str_find(name, '.'); dot < name.n; dot = str_find(name, '.'))
		name = str_from(name, dot + 1);
	buf_put(b, name);
	buf_lit(b, ": expected ");
	buf_put(b, type_name(p->rule));
	if (!p->actual)
		return;
	buf_lit(b, ", got ");
	buf_put(b, type_name(p->actual));
}

void omnisend_put_problem(struct buf *b, const struct problem *p)
{
	if (p->code == PROBLEM_FIELD_TYPE && p->rule)
		put_clash(b, p);
	else
		problem_put_english(b, p);
}

/* --- Errors up to version 5 --- */

static void put_error(struct buf *b, const struct call *call, enum refusal why,
		      const struct omnisend_no *no)
{
	if (why != REFUSE_PROBLEMS || call->state)
		return buf_put(b, str_of(no->detail));
	buf_u64(b, call->problems.found);
	buf_lit(b, " error(s) found. Check 'fields' array for details.");
}

void omnisend_put_scope(struct buf *b, const struct call *call)
{
	if (call->key && call->key->publishable)
		return buf_lit(b, "a key that is not publishable is required");
	bool several = (call->scope & (call->scope - 1)) != 0;
	buf_put(b, several ? STR("one of: ") : STR(""));
	scopes_put(b, call->scope);
	buf_lit(b, " required");
}

static void put_fields(struct buf *b, const struct call *call, enum refusal why)
{
	if (why == REFUSE_PROBLEMS && !call->state) {
		buf_lit(b, ",\"fields\":");
		problems_put_by_path(b, &call->problems, omnisend_put_problem);
	} else if (why == REFUSE_SCOPE) {
		buf_lit(b, ",\"fields\":{\"scope\":[\"");
		omnisend_put_scope(b, call);
		buf_lit(b, "\"]}");
	}
}

void omnisend_put_error(struct buf *b, const struct call *call, enum refusal why,
			const struct omnisend_no *no)
{
	buf_lit(b, "{\"error\":\"");
	put_error(b, call, why, no);
	buf_char(b, '"');
	put_fields(b, call, why);
	buf_char(b, '}');
}

/* --- All versions --- */

void omnisend_begin(struct call *call, int status)
{
	call_begin(call, status);
	if (!call->limited || omnisend_version(call)->dated)
		return;
	reply_header_u64(call->req, STR("X-Rate-Limit-Limit"), call->rate.limit);
	reply_header_u64(call->req, STR("X-Rate-Limit-Remaining"), call->rate.remaining);
	reply_header_u64(call->req, STR("X-Rate-Limit-Reset"), call->rate.reset_s);
}

void omnisend_accepted(struct call *call)
{
	omnisend_begin(call, 202);
	reply_send(call->req, STR(""), STR(""));
}

static struct omnisend_no words_for(const struct call *call, enum refusal why)
{
	const struct omnisend_no *own = call->state;
	if (why == REFUSE_PROBLEMS && own)
		return *own;
	if (why != REFUSE_FAULT)
		return refusals[why];
	const char *text = faults[call->req->fault];
	return (struct omnisend_no){ 0, "problem", text, text };
}

void omnisend_refuse(struct call *call, enum refusal why)
{
	if (oauth_owns(call))
		return oauth_refuse(call, why);
	struct buf body = buf_in(&call->req->arena);
	struct omnisend_no no = words_for(call, why);
	no.status = no.status ?: refusal_status(call, why);
	omnisend_version(call)->put_no(&body, call, why, &no);

	omnisend_begin(call, no.status);
	if (why == REFUSE_METHOD)
		reply_header(call->req, STR("Allow"),
			     route_allow(&call->req->arena, call->allowed));
	if (why == REFUSE_CREDENTIALS)
		reply_header(call->req, STR("WWW-Authenticate"), STR("Bearer"));
	if (why == REFUSE_RATE)
		reply_header_u64(call->req, STR("Retry-After"), call->rate.reset_s);
	if (no.status == 503)
		reply_header_u64(call->req, STR("Retry-After"), COME_BACK_S);
	call_send_json(call, &body);
}

void omnisend_say_no(struct call *call, const struct omnisend_no *no)
{
	call->state = (void *)no; /* only ever read */
	omnisend_refuse(call, REFUSE_PROBLEMS);
}

int omnisend_put_refusal(struct buf *b, struct call *call, const struct problems *ps,
			 const struct omnisend_no *own)
{
	call->problems = *ps;
	call->state = (void *)own; /* only ever read */
	struct omnisend_no no = words_for(call, REFUSE_PROBLEMS);
	no.status = no.status ?: refusal_status(call, REFUSE_PROBLEMS);
	omnisend_version(call)->put_no(b, call, REFUSE_PROBLEMS, &no);
	call->problems = (struct problems){ 0 };
	call->state = NULL;
	return no.status;
}

/* The committer knows what is wrong, not what this dialect calls the place. */
void omnisend_name_places(struct arena *a, struct problems *ps, struct str contact)
{
	for (unsigned i = 0; i < ps->n; i++) {
		struct problem *p = &ps->list[i];
		if (p->code == PROBLEM_UNKNOWN_CONTACT)
			p->path = problem_path(a, contact, STR("id"));
		else if (p->code == PROBLEM_CONTACT_FULL)
			p->path = STR("contact");
		else if (p->code == PROBLEM_DEFINITIONS_FULL)
			p->path = STR("eventName");
	}
}

void omnisend_refuse_op(struct call *call, struct str contact)
{
	struct op *op = call->ops;
	if (op->problems)
		omnisend_name_places(&call->req->arena, op->problems, contact);
	call_refuse_op(call, op);
}
