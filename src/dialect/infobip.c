/*
 * Infobip: events, event definitions, persons and log-ins. docs/dialects/infobip.md tells what is served and
 * where the vendor's page left a choice. Definitions must exist; nothing is inferred from what is
 * sent.
 */
#include "dialect/infobip_private.h"
#include "dialect/oauth.h"

static const struct str prefixes[] = { STR_INIT("/peopleevents/"), STR_INIT("/people/"),
				       STR_INIT("/auth/") };

/* --- Credentials --- */

/* user:password, where the user is the key's name and the password its secret. */
static void basic(struct arena *a, struct str encoded, struct credentials *out)
{
	struct str pair = base64_parse(a, encoded);
	size_t colon = str_find(pair, ':');
	if (!pair.p || colon == pair.n)
		return;
	out->name = str_head(pair, colon);
	out->secret = str_from(pair, colon + 1);
}

static void credentials(const struct call *call, struct credentials *out)
{
	out->secret = authorization(call->req, STR("App"));
	if (!out->secret.p)
		out->secret = authorization(call->req, STR("Bearer"));
	if (out->secret.p)
		return;
	out->secret = authorization(call->req, STR("IBSSO"));
	out->token = out->secret.p != NULL;
	if (out->token)
		return;
	struct str encoded = authorization(call->req, STR("Basic"));
	if (encoded.p)
		basic(&call->req->arena, encoded, out);
}

/* --- Answers --- */

enum { COME_BACK_S = 1 };

struct exception {
	const char *id, *text;
};

static const struct exception refusals[] = {
	[REFUSE_ROUTE] = { "NOT_FOUND", "Not found" },
	[REFUSE_METHOD] = { "METHOD_NOT_ALLOWED", "Method not allowed" },
	[REFUSE_CREDENTIALS] = { "UNAUTHORIZED", "Unauthorized" },
	[REFUSE_SCOPE] = { "FORBIDDEN", "Forbidden" },
	[REFUSE_RATE] = { "TOO_MANY_REQUESTS", "Too many requests" },
	[REFUSE_MEDIA_TYPE] = { "UNSUPPORTED_MEDIA_TYPE", "Unsupported media type" },
	[REFUSE_JSON] = { "BAD_REQUEST", "Bad request" },
	[REFUSE_PROBLEMS] = { "BAD_REQUEST", "Bad request" },
	[REFUSE_OVERLOADED] = { "SERVICE_UNAVAILABLE", "Service unavailable" },
	[REFUSE_UNAVAILABLE] = { "GENERAL_ERROR", "Something went wrong. Please contact support." },
};

/* What the HTTP layer refuses is a bad request, with a status of its own, except these. */
static const struct exception *exception_of_fault(enum fault f)
{
	switch (f) {
	case FAULT_CONTENT_CODING:
		return &refusals[REFUSE_MEDIA_TYPE];
	case FAULT_NO_MEMORY:
		return &refusals[REFUSE_OVERLOADED];
	case FAULT_NONE:
	case FAULT_SYNTAX:
	case FAULT_TIMEOUT:
	case FAULT_BODY_TOO_LARGE:
	case FAULT_TARGET_TOO_LONG:
	case FAULT_EXPECTATION:
	case FAULT_HEAD_TOO_LARGE:
	case FAULT_NOT_IMPLEMENTED:
	case FAULT_VERSION:
		break;
	}
	return &refusals[REFUSE_JSON];
}

void infobip_put_problem(struct buf *b, const struct problem *p)
{
	enum field_type type;
	if (p->code == PROBLEM_UNKNOWN_CONTACT || p->code == PROBLEM_UNKNOWN_DEFINITION)
		return buf_lit(b, "does not exist");
	if (p->code == PROBLEM_UNKNOWN_FIELD)
		return buf_lit(b, "is not defined");
	if (p->code != PROBLEM_FIELD_TYPE || !p->rule || !field_type_parse(str_of(p->rule), &type))
		return problem_put_english(b, p);
	buf_lit(b, "must be ");
	buf_put(b, str_of(infobip_type_phrase(type)));
}

void infobip_put_problem_at(struct buf *b, const struct problem *p)
{
	struct problem short_one = *p;
	short_one.path = echo(p->path);
	if (p->code == PROBLEM_UNKNOWN_FIELD || p->code == PROBLEM_FIELD_TYPE ||
	    p->code == PROBLEM_UNKNOWN_DEFINITION) {
		buf_put(b, short_one.path);
		buf_char(b, ' ');
	}
	infobip_put_problem(b, &short_one);
}

static void put_body(struct buf *b, const struct exception *e, const struct problems *ps)
{
	buf_lit(b, "{\"requestError\":{\"serviceException\":{\"messageId\":\"");
	buf_put(b, str_of(e->id));
	buf_lit(b, "\",\"text\":\"");
	buf_put(b, str_of(e->text));
	buf_char(b, '"');
	if (ps) {
		buf_lit(b, ",\"validationErrors\":");
		problems_put_by_path(b, ps, infobip_put_problem);
	}
	buf_lit(b, "}}}");
}

void infobip_exception(struct call *call, int status, const char *id, const char *text,
		       const struct problems *ps)
{
	const struct exception e = { id, text };
	struct buf body = buf_in(&call->req->arena);
	put_body(&body, &e, ps);
	call_begin(call, status);
	call_send_json(call, &body);
}

/* What the URL names and is not there. The stages of decode keep it apart from other problems. */
static bool names_nothing(const struct call *call)
{
	for (unsigned i = 0; i < call->problems.n; i++)
		if (call->problems.list[i].code == PROBLEM_UNKNOWN_CONTACT ||
		    call->problems.list[i].code == PROBLEM_UNKNOWN_DEFINITION)
			return true;
	return false;
}

static void send_refusal(struct call *call, int status, struct buf *body)
{
	call_begin(call, status);
	if (status == 405)
		reply_header(call->req, STR("Allow"),
			     route_allow(&call->req->arena, call->allowed));
	if (status == 401)
		reply_header(call->req, STR("WWW-Authenticate"), STR("App"));
	if (status == 429)
		reply_header_u64(call->req, STR("Retry-After"), call->rate.reset_s);
	if (status == 503)
		reply_header_u64(call->req, STR("Retry-After"), COME_BACK_S);
	call_send_json(call, body);
}

/* The committer knows what is wrong, not what this dialect calls the place. */
static void name_places(struct call *call)
{
	struct problems *ps = &call->problems;
	if (call->n_ops == 0 || call->ops->kind != OP_EVENT)
		return;
	for (unsigned i = 0; i < ps->n; i++) {
		struct problem *p = &ps->list[i];
		if (p->code == PROBLEM_UNKNOWN_DEFINITION)
			p->path = STR("definitionId");
		else if (p->path.n == 0 || p->code == PROBLEM_UNKNOWN_CONTACT)
			p->path = STR("personId");
	}
}

static void refuse(struct call *call, enum refusal why)
{
	bool problems = why == REFUSE_PROBLEMS, gone = problems && names_nothing(call);
	const struct exception *e = &refusals[gone ? REFUSE_ROUTE : why];
	struct buf body = buf_in(&call->req->arena);
	if (oauth_owns(call))
		return oauth_refuse(call, why);
	name_places(call);
	if (why == REFUSE_FAULT)
		e = exception_of_fault(call->req->fault);
	put_body(&body, e, problems ? &call->problems : NULL);
	send_refusal(call, gone ? 404 : refusal_status(call, why), &body);
}

#define EVENTS(version) \
	"/peopleevents/" version "/persons/{personId}/definitions/{definitionId}/events"
#define DEFINITIONS "/peopleevents/2/definitions"
#define DEFINITION  DEFINITIONS "/{definitionId}"
#define PERSONS     "/people/2/persons"
#define CONTACTS    PERSONS "/contactInformation"
#define UPSERT      "/people/3/persons/upsert"
#define SESSION     "/auth/1/session"

static const struct route routes[] = {
	{ METHOD_POST, EVENTS("2"), &infobip_send_event },
	{ METHOD_POST, EVENTS("1"), &infobip_send_event_v1 },
	{ METHOD_POST, "/people/3/events", &infobip_send_batch },
	{ METHOD_GET, DEFINITIONS, &infobip_definition_list },
	{ METHOD_POST, DEFINITIONS, &infobip_definition_create },
	{ METHOD_GET, DEFINITION, &infobip_definition_get },
	{ METHOD_POST, DEFINITION, &infobip_definition_update },
	{ METHOD_DELETE, DEFINITION, &infobip_definition_delete },
	{ METHOD_GET, PERSONS, &infobip_person_get },
	{ METHOD_POST, PERSONS, &infobip_person_create },
	{ METHOD_PUT, PERSONS, &infobip_person_replace },
	{ METHOD_PATCH, PERSONS, &infobip_person_merge },
	{ METHOD_DELETE, PERSONS, &infobip_person_delete },
	{ METHOD_PUT, CONTACTS, &infobip_contacts_set },
	{ METHOD_PATCH, CONTACTS, &infobip_contacts_add },
	{ METHOD_DELETE, CONTACTS, &infobip_contacts_remove },
	{ METHOD_PUT, UPSERT, &infobip_upsert_replace },
	{ METHOD_PATCH, UPSERT, &infobip_upsert_merge },
	{ METHOD_POST, SESSION, &infobip_session_begin },
	{ METHOD_DELETE, SESSION, &infobip_session_end },
	{ METHOD_POST, "/auth/1/oauth2/token", &infobip_oauth_token },
};

const struct dialect infobip = {
	.no = DIALECT_INFOBIP,
	.name = "infobip",
	.prefixes = prefixes,
	.n_prefixes = ARRAY_LEN(prefixes),
	.routes = routes,
	.n_routes = ARRAY_LEN(routes),
	.slash_optional = true,
	.rate = { .requests = 250, .window_s = 1 },
	.credentials = credentials,
	.refuse = refuse,
};
