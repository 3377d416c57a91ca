/*
 * Omnisend, version 4: POST /v4/track. docs/dialects/omnisend.md tells what is served and where
 * the vendor's page left a choice. The scheme of an event is inferred: the first event of a name
 * creates it, later ones extend it, a clash refuses the request.
 */
#include "dialect/omnisend_private.h"

static const struct str prefixes[] = { STR_INIT("/v3/"), STR_INIT("/v4/"), STR_INIT("/v5/"),
				       STR_INIT("/api/") };

/* An operator of a private server hands out keys: each of the vendor's ways to send one will do
 * (decision 5). */
static void credentials(const struct call *call, struct credentials *out)
{
	out->secret = authorization(call->req, STR("Bearer"));
	if (!out->secret.p)
		out->secret = request_header(call->req, STR("X-API-KEY"));
	if (!out->secret.p)
		out->secret = authorization(call->req, STR("Omnisend-API-Key"));
}

/* --- Answers --- */

enum { COME_BACK_S = 1 };

static const char *const refusals[] = {
	[REFUSE_ROUTE] = "Not found",
	[REFUSE_METHOD] = "Method not allowed",
	[REFUSE_CREDENTIALS] = "Unauthorized",
	[REFUSE_SCOPE] = "Forbidden",
	[REFUSE_RATE] = "Too many requests",
	[REFUSE_MEDIA_TYPE] = "Unsupported media type",
	[REFUSE_JSON] = "Invalid JSON body",
	[REFUSE_OVERLOADED] = "Service unavailable",
	[REFUSE_UNAVAILABLE] = "Internal server error",
};

static const char *const faults[] = {
	[FAULT_SYNTAX] = "Bad request",
	[FAULT_TIMEOUT] = "Request timeout",
	[FAULT_LENGTH_REQUIRED] = "Content-Length required",
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

static void put_problem(struct buf *b, const struct problem *p)
{
	if (p->code == PROBLEM_FIELD_TYPE && p->rule)
		put_clash(b, p);
	else
		problem_put_english(b, p);
}

static void put_error(struct buf *b, const struct call *call, enum refusal why)
{
	if (why == REFUSE_PROBLEMS) {
		buf_u64(b, call->problems.found);
		return buf_lit(b, " error(s) found. Check 'fields' array for details.");
	}
	buf_put(b, str_of(why == REFUSE_FAULT ? faults[call->req->fault] : refusals[why]));
}

static void put_fields(struct buf *b, const struct call *call, enum refusal why)
{
	if (why == REFUSE_PROBLEMS) {
		buf_lit(b, ",\"fields\":");
		problems_put_by_path(b, &call->problems, put_problem);
	} else if (why == REFUSE_SCOPE) {
		buf_lit(b, ",\"fields\":{\"scope\":[\"");
		scopes_put(b, call->endpoint->scope);
		buf_lit(b, " required\"]}");
	}
}

static void begin(struct call *call, int status)
{
	call_begin(call, status);
	if (!call->limited)
		return;
	reply_header_u64(call->req, STR("X-Rate-Limit-Limit"), call->rate.limit);
	reply_header_u64(call->req, STR("X-Rate-Limit-Remaining"), call->rate.remaining);
	reply_header_u64(call->req, STR("X-Rate-Limit-Reset"), call->rate.reset_s);
}

/* The committer knows what is wrong, not what this dialect calls the place. */
static void name_places(struct problems *ps)
{
	for (unsigned i = 0; i < ps->n; i++) {
		if (ps->list[i].code == PROBLEM_UNKNOWN_CONTACT)
			ps->list[i].path = STR("contact.id");
		else if (ps->list[i].code == PROBLEM_CONTACT_FULL)
			ps->list[i].path = STR("contact");
		else if (ps->list[i].code == PROBLEM_DEFINITIONS_FULL)
			ps->list[i].path = STR("eventName");
	}
}

static void refuse(struct call *call, enum refusal why)
{
	struct buf body = buf_in(&call->req->arena);
	name_places(&call->problems);
	buf_lit(&body, "{\"error\":\"");
	put_error(&body, call, why);
	buf_char(&body, '"');
	put_fields(&body, call, why);
	buf_char(&body, '}');

	begin(call, refusal_status(call, why));
	if (why == REFUSE_METHOD)
		reply_header(call->req, STR("Allow"),
			     route_allow(&call->req->arena, call->allowed));
	if (why == REFUSE_CREDENTIALS)
		reply_header(call->req, STR("WWW-Authenticate"), STR("Bearer"));
	if (why == REFUSE_RATE)
		reply_header_u64(call->req, STR("Retry-After"), call->rate.reset_s);
	if (why == REFUSE_OVERLOADED)
		reply_header_u64(call->req, STR("Retry-After"), COME_BACK_S);
	call_send_json(call, &body);
}

/* --- POST /v4/track --- */

bool omnisend_form_time(struct str s)
{
	return time_parse(s, TIME_SPACE, NULL);
}

static bool form_event_name(struct str s)
{
	return str_trim(s).n > 0;
}

enum { EVENT_NAME, EVENT_ID, EVENT_TIME, PROPERTIES, N_MEMBERS };

static const struct shape_member members[N_MEMBERS] = {
	[EVENT_NAME] = { STR_INIT("eventName"), SHAPE_STRING,
			 SHAPE_REQUIRED | SHAPE_NULL_ABSENT | SHAPE_NOT_EMPTY, DEFINITION_NAME_MAX,
			 form_event_name, "name that is not blank" },
	[EVENT_ID] = { STR_INIT("eventID"), SHAPE_STRING, SHAPE_NULL_ABSENT, 0, form_uuid, "uuid" },
	[EVENT_TIME] = { STR_INIT("eventTime"), SHAPE_STRING, SHAPE_NULL_ABSENT, 0,
			 omnisend_form_time, "datetime" },
	[PROPERTIES] = { STR_INIT("properties"), SHAPE_ANY, .flags = SHAPE_NULL_ABSENT },
};

static enum refusal read_body(struct call *call, yyjson_val *root, struct op *op)
{
	yyjson_val *v[N_MEMBERS];
	shape_read(call, root, STR(""), members, N_MEMBERS, false, v);
	if (v[EVENT_TIME])
		op->occurred_given =
			time_parse(json_str(v[EVENT_TIME]), TIME_SPACE, &op->occurred_at);

	struct str event = v[EVENT_NAME] ? json_str(v[EVENT_NAME]) : (struct str){ 0 };
	enum refusal why = omnisend_contact(call, root, op);
	return why ?: omnisend_properties(call, v[PROPERTIES], event, op);
}

static enum refusal track_decode(struct call *call)
{
	yyjson_val *root;
	enum refusal why = call_json(call, &root);
	if (why)
		return why;
	if (!yyjson_is_obj(root)) {
		call->json_error = (struct json_error){ .what = "the body is not an object" };
		return REFUSE_JSON;
	}
	struct op *op = call_op(call);
	if (!op)
		return REFUSE_OVERLOADED;
	why = read_body(call, root, op);
	return why ?: call->problems.found ? REFUSE_PROBLEMS : REFUSE_NOTHING;
}

static void track_answer(struct call *call)
{
	if (call->ops->outcome == OP_REFUSED)
		return call_refuse_op(call, call->ops);
	begin(call, 202);
	reply_send(call->req, STR(""), STR(""));
}

static const struct endpoint track = {
	.scope = SCOPE_EVENTS_WRITE,
	.body_max = 1024 * 1024,
	.decode = track_decode,
	.answer = track_answer,
};

static const struct route routes[] = {
	{ METHOD_POST, "/v4/track", &track },
};

const struct dialect omnisend = {
	.no = DIALECT_OMNISEND,
	.name = "omnisend",
	.prefixes = prefixes,
	.n_prefixes = ARRAY_LEN(prefixes),
	.routes = routes,
	.n_routes = ARRAY_LEN(routes),
	.rate = { .requests = 400, .window_s = 60 },
	.credentials = credentials,
	.refuse = refuse,
};
