/*
 * POST /peopleevents/2/persons/{personId}/definitions/{definitionId}/events: one event of one
 * person. Read in stages, each of which must be without a problem before the next is looked at
 * (infobip.md decision 51): media type, body, query, definition, person, properties.
 */
#include "dialect/infobip_private.h"
#include "net/url.h"

/* application/json, text/json, application/json-patch+json, application/<anything>+json */
static bool is_json_type(struct str type)
{
	if (str_eq_nocase(type, STR("application/json")) || str_eq_nocase(type, STR("text/json")))
		return true;
	static const struct str start = STR_INIT("application/"), end = STR_INIT("+json");
	return type.n > start.n + end.n && str_eq_nocase(str_head(type, start.n), start) &&
	       str_eq_nocase(str_from(type, type.n - end.n), end);
}

/* One that is missing will do, parameters do not matter. */
static bool takes_content_type(const struct request *req)
{
	struct str type = request_header(req, STR("Content-Type"));
	return type.n == 0 || is_json_type(str_trim(str_head(type, str_find(type, ';'))));
}

static bool form_event_id(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		if ((c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') &&
		    c != '_' && c != '-')
			return false;
	}
	return true;
}

enum { EVENT_ID, PROPERTIES, N_MEMBERS };

static const struct shape_member members[N_MEMBERS] = {
	[EVENT_ID] = { STR_INIT("eventId"), SHAPE_STRING, SHAPE_NULL_ABSENT | SHAPE_NOT_EMPTY, 36,
		       form_event_id, "text of letters (A-Z, a-z), digits, _ and -" },
	[PROPERTIES] = { STR_INIT("properties"), SHAPE_ANY, .flags = SHAPE_NULL_ABSENT },
};

/* The decoded request, kept for the answer. */
struct send {
	yyjson_val *body[N_MEMBERS];
	struct str event_id; /* the client's; .p NULL: ours */
	enum identity_kind kind;
	bool create;
	const struct definition *definition; /* valid until decode returns */
};

static enum refusal so_far(const struct call *call)
{
	return call->problems.found ? REFUSE_PROBLEMS : REFUSE_NOTHING;
}

static enum refusal read_body(struct call *call, struct send *s)
{
	yyjson_val *root;
	enum refusal why = call_json(call, &root);
	if (why)
		return why;
	if (!yyjson_is_obj(root)) {
		call->json_error = (struct json_error){ .what = "the body is not an object" };
		return REFUSE_JSON;
	}
	shape_read(call, root, STR(""), members, N_MEMBERS, false, s->body);
	if (s->body[EVENT_ID])
		s->event_id = json_str(s->body[EVENT_ID]);
	return so_far(call);
}

static const struct {
	struct str name;
	enum identity_kind kind;
} identifier_types[] = {
	{ STR_INIT("ID"), IDENTITY_NUMBER },
	{ STR_INIT("EXTERNAL_ID"), IDENTITY_EXTERNAL_ID },
	{ STR_INIT("PHONE"), IDENTITY_PHONE },
	{ STR_INIT("EMAIL"), IDENTITY_EMAIL },
	{ STR_INIT("LINE"), IDENTITY_LINE },
	{ STR_INIT("FACEBOOK"), IDENTITY_FACEBOOK },
	{ STR_INIT("TELEGRAM"), IDENTITY_TELEGRAM },
	{ STR_INIT("PUSH"), IDENTITY_PUSH },
	{ STR_INIT("WEB_PUSH"), IDENTITY_WEB_PUSH },
	{ STR_INIT("LIVE_CHAT"), IDENTITY_LIVE_CHAT },
	{ STR_INIT("VIBER_BOTS"), IDENTITY_VIBER_BOTS },
	{ STR_INIT("INSTAGRAM"), IDENTITY_INSTAGRAM },
	{ STR_INIT("INSTAGRAM_DM"), IDENTITY_INSTAGRAM_DM },
	{ STR_INIT("TWITTER"), IDENTITY_TWITTER },
	{ STR_INIT("APPLE_BUSINESS_CHAT"), IDENTITY_APPLE_BUSINESS_CHAT },
	{ STR_INIT("KAKAO_SANGDAM"), IDENTITY_KAKAO_SANGDAM },
	{ STR_INIT("GOOGLE_BUSINESS_MESSAGES"), IDENTITY_GOOGLE_BUSINESS_MESSAGES },
	{ STR_INIT("WHATSAPP"), IDENTITY_WHATSAPP },
	{ STR_INIT("ZALO_FOLLOWER"), IDENTITY_ZALO_FOLLOWER },
	{ STR_INIT("TIKTOK_BM"), IDENTITY_TIKTOK_BM },
	{ STR_INIT("OPEN_CHANNEL"), IDENTITY_OPEN_CHANNEL },
};

static bool parse_identifier_type(struct str name, enum identity_kind *out)
{
	for (size_t i = 0; i < ARRAY_LEN(identifier_types); i++) {
		if (!str_eq_nocase(identifier_types[i].name, name))
			continue;
		*out = identifier_types[i].kind;
		return true;
	}
	return false;
}

static void read_identifier_type(struct call *call, struct send *s)
{
	static const struct str path = STR_INIT("identifierType");
	struct str v = url_query(&call->req->arena, call->req->query, path);
	if (!v.p || v.n == 0)
		problem_at(&call->problems, PROBLEM_REQUIRED, path);
	else if (!parse_identifier_type(v, &s->kind))
		problem_at(&call->problems, PROBLEM_VALUE, path,
			   .rule = "ID, EXTERNAL_ID, PHONE, EMAIL, a messaging channel's name");
}

static void read_create_person(struct call *call, struct send *s)
{
	static const struct str path = STR_INIT("createPerson");
	struct str v = url_query(&call->req->arena, call->req->query, path);
	s->create = str_eq_nocase(v, STR("true"));
	if (v.p && !s->create && !str_eq_nocase(v, STR("false")))
		problem_at(&call->problems, PROBLEM_VALUE, path, .rule = "true, false");
}

static enum refusal read_query(struct call *call, struct send *s)
{
	read_identifier_type(call, s);
	read_create_person(call, s);
	return so_far(call);
}

static enum refusal read_definition(struct call *call, struct send *s)
{
	s->definition = workspace_definition(call->workspace, call->params[1]);
	if (!s->definition)
		problem_at(&call->problems, PROBLEM_UNKNOWN_DEFINITION, STR("definitionId"));
	call->ops->definition = s->definition ? s->definition->no : 0;
	return so_far(call);
}

/* What createPerson may bring into being. */
static bool may_create(const struct send *s, struct str id)
{
	bool kind = s->kind == IDENTITY_PHONE || s->kind == IDENTITY_EXTERNAL_ID ||
		    (s->kind == IDENTITY_EMAIL && email_is_valid(id));
	return s->create && kind;
}

/* A value that can be nobody's is not asked for. */
static bool may_be_known(struct arena *a, enum identity_kind kind, struct str id, struct str *key)
{
	uint64_t number;
	if (str_utf8_prefix(id) < id.n)
		return false;
	if (kind == IDENTITY_NUMBER)
		return id.n <= 20 && str_to_u64(id, &number);
	*key = identity_key(a, kind, id);
	return key->p;
}

static enum refusal read_person(struct call *call, struct send *s)
{
	struct op *op = call->ops;
	struct str id = call->params[0];
	struct who *w = arena_new(op->arena, struct who);
	if (!w)
		return REFUSE_OVERLOADED;
	w->kind = s->kind;
	w->value = id;
	w->use = WHO_LOOKUP | (may_create(s, id) ? WHO_CREATES | WHO_ADOPT : 0);
	if (!may_be_known(op->arena, s->kind, id, &w->key))
		problem_at(&call->problems, PROBLEM_UNKNOWN_CONTACT, STR("personId"));
	op->who = w;
	op->n_who = 1;
	return so_far(call);
}

static enum refusal read_properties(struct call *call, const struct send *s)
{
	static const struct str path = STR_INIT("properties");
	struct op *op = call->ops;
	yyjson_val *v = s->body[PROPERTIES];
	if (yyjson_is_arr(v) && yyjson_arr_size(v) == 0)
		v = NULL; /* an empty map of PHP */
	if (v && !yyjson_is_obj(v))
		problem_at(&call->problems, PROBLEM_TYPE, path, .rule = "object",
			   .actual = json_type_name(v));
	else
		(void)check_properties(s->definition, v,
				       CHECK_UNKNOWN | CHECK_ZONE_OPTIONAL | CHECK_DATE_OR_TIME |
					       CHECK_ARRAY_OBJECTS,
				       op->arena, path, &call->problems);
	op->properties = v ? json_text(op->arena, v) : STR("{}");
	return so_far(call) ?: (op->properties.p ? REFUSE_NOTHING : REFUSE_OVERLOADED);
}

static enum refusal send_decode(struct call *call)
{
	struct send *s = arena_new(&call->req->arena, struct send);
	if (!s || !call_op(call))
		return REFUSE_OVERLOADED;
	call->state = s;
	if (!takes_content_type(call->req))
		return REFUSE_MEDIA_TYPE;
	enum refusal why = read_body(call, s);
	why = why ?: read_query(call, s);
	why = why ?: read_definition(call, s);
	why = why ?: read_person(call, s);
	return why ?: read_properties(call, s);
}

/* --- The answer --- */

static void put_event_id(struct buf *b, const struct send *s, struct uuid id)
{
	char text[UUID_TEXT + 1];
	uuid_text_upper(id, text);
	buf_put(b, s->event_id.p ? s->event_id : (struct str){ text, UUID_TEXT });
}

static void send_answer(struct call *call)
{
	const struct op *op = call->ops;
	if (op->outcome == OP_REFUSED)
		return call_refuse_op(call, op);
	struct buf b = buf_in(&call->req->arena);
	buf_lit(&b, "{\"eventId\":\"");
	put_event_id(&b, call->state, op->event_id);
	buf_lit(&b, "\",\"definitionId\":");
	buf_json_str(&b, call->params[1]);
	buf_lit(&b, ",\"occurredTime\":\"");
	time_put(&b, op->received_at, 7);
	buf_lit(&b, "\",\"properties\":");
	buf_put(&b, op->properties);
	buf_lit(&b, ",\"metadata\":{\"source\":\"API\"}}");
	call_begin(call, 201);
	call_send_json(call, &b);
}

const struct endpoint infobip_send_event = {
	.scope = SCOPE_EVENTS_WRITE,
	.body_max = 512000,
	.decode = send_decode,
	.answer = send_answer,
};
