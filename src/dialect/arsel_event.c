/*
 * What one Arsel event says: read, judged, made an operation.
 */
#include "dialect/arsel_private.h"

/* --- What the checks that need no store find --- */

/* Any date or date-time of ISO 8601 that names a day; no offset is UTC (decision 16). */
enum {
	TIME_FORMS =
		TIME_ZONE_OPTIONAL | TIME_DATE_ALONE | TIME_SPACE | TIME_NO_SECONDS | TIME_ISO_ZONE
};

static bool form_timestamp(struct str s)
{
	return time_parse(s, TIME_FORMS, NULL);
}

static bool form_trimmed_email(struct str s)
{
	return email_is_valid(str_trim(s));
}

/* E.164 with its plus: 8 to 15 digits, of which the first is no zero. */
static bool form_e164(struct str s)
{
	if (s.n < 9 || s.n > 16 || s.p[0] != '+' || s.p[1] == '0')
		return false;
	for (size_t i = 1; i < s.n; i++)
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	return true;
}

enum {
	EVENT,
	EMAIL,
	CONTACT_ID,
	EXTERNAL_ID,
	PHONE_NUMBER,
	ANONYMOUS_ID,
	DATA,
	TIMESTAMP,
	N_MEMBERS
};

/* Serializers send null for what is not set: it counts as absent (decision 8). */
static const struct shape_member members[N_MEMBERS] = {
	[EVENT] = { STR_INIT("event"), SHAPE_STRING,
		    SHAPE_REQUIRED | SHAPE_NULL_ABSENT | SHAPE_NOT_EMPTY, 80, NULL,
		    "must be a string" },
	[EMAIL] = { STR_INIT("email"), SHAPE_STRING, SHAPE_NULL_ABSENT, 0, form_trimmed_email,
		    "must be an email" },
	[CONTACT_ID] = { STR_INIT("contact_id"), SHAPE_STRING, SHAPE_NULL_ABSENT, 0, form_uuid,
			 "must be a UUID" },
	[EXTERNAL_ID] = { STR_INIT("external_id"), SHAPE_STRING,
			  SHAPE_NULL_ABSENT | SHAPE_NOT_EMPTY, 255, NULL, "must be a string" },
	[PHONE_NUMBER] = { STR_INIT("phone_number"), SHAPE_STRING, SHAPE_NULL_ABSENT, 0, form_e164,
			   "must be a valid phone number" },
	[ANONYMOUS_ID] = { STR_INIT("anonymous_id"), SHAPE_STRING, SHAPE_NULL_ABSENT, 128, NULL,
			   "must be a string" },
	[DATA] = { STR_INIT("data"), SHAPE_OBJECT, SHAPE_REQUIRED | SHAPE_NULL_ABSENT, 0, NULL,
		   "must be an object" },
	[TIMESTAMP] = { STR_INIT("timestamp"), SHAPE_STRING, SHAPE_NULL_ABSENT, 0, form_timestamp,
			"must be a valid ISO 8601 date string" },
};

/* What class-validator would say of any value that is not what the member must be. */
const char *arsel_must_be(struct str path)
{
	for (unsigned i = 0; i < N_MEMBERS; i++)
		if (str_eq(members[i].name, path))
			return members[i].form;
	return "is not valid";
}

static enum refusal stop(struct call *call, enum arsel_stage stage, struct str about,
			 enum problem_code code)
{
	struct arsel_event *e = call->state;
	e->stage = stage;
	e->about = about;
	problem_at(&call->problems, code, about);
	return REFUSE_PROBLEMS;
}

static enum refusal read_members(struct call *call, struct arsel_event *e, yyjson_val **v)
{
	yyjson_val *root;
	enum refusal why = call_json(call, &root);
	if (why)
		return why;
	if (!yyjson_is_obj(root))
		return stop(call, ARSEL_BODY, STR(""), PROBLEM_TYPE);

	e->stage = ARSEL_MEMBERS;
	shape_read(call, root, STR(""), members, N_MEMBERS, false, v);
	if (v[CONTACT_ID])
		e->contact_id = json_str(v[CONTACT_ID]);
	/* 255 characters of four bytes each would be more than an identity holds. */
	size_t size = v[EXTERNAL_ID] ? json_str(v[EXTERNAL_ID]).n : 0;
	if (size > IDENTITY_VALUE_MAX)
		problem_at(&call->problems, PROBLEM_TOO_MANY, STR("external_id"), .rule = "bytes",
			   .limit = IDENTITY_VALUE_MAX, .size = (int64_t)size);
	return call->problems.found > 0 ? REFUSE_PROBLEMS : REFUSE_NOTHING;
}

/* contact_id alone, or any of the others together (decisions 2 and 3). */
static enum refusal judge_who(struct call *call, yyjson_val *const *v)
{
	bool others = v[EMAIL] || v[EXTERNAL_ID] || v[PHONE_NUMBER];
	bool contact_id = v[CONTACT_ID];
	if (v[ANONYMOUS_ID])
		return stop(call, ARSEL_ANONYMOUS, STR(""), PROBLEM_UNKNOWN_MEMBER);
	if (contact_id == others)
		return stop(call, ARSEL_WHO, STR(""), PROBLEM_ALTERNATIVES);
	return REFUSE_NOTHING;
}

static enum refusal judge_payload(struct call *call, struct arsel_event *e, yyjson_val *const *v,
				  const struct definition **out)
{
	enum { POLICY = CHECK_REQUIRED | CHECK_DATE_OR_TIME | CHECK_ZONE_OPTIONAL };
	struct str name = json_str(v[EVENT]);
	const struct definition *d = workspace_definition(call->workspace, name);
	if (!d)
		return stop(call, ARSEL_EVENT, name, PROBLEM_UNKNOWN_DEFINITION);
	e->stage = ARSEL_PAYLOAD;
	e->about = name;
	*out = d;
	return check_properties(d, v[DATA], POLICY, &call->req->arena, STR("data"), &call->problems)
		       ? REFUSE_NOTHING
		       : REFUSE_PROBLEMS;
}

/* --- The operation --- */

/* Best first: the first that finds a contact decides, the others are adopted by it. */
static const struct {
	unsigned member;
	enum identity_kind kind;
	unsigned use;
} ranks[] = {
	{ CONTACT_ID, IDENTITY_UUID, WHO_LOOKUP },
	{ EXTERNAL_ID, IDENTITY_EXTERNAL_ID, WHO_LOOKUP | WHO_ADOPT | WHO_CREATES },
	{ EMAIL, IDENTITY_EMAIL, WHO_LOOKUP | WHO_ADOPT | WHO_CREATES },
	{ PHONE_NUMBER, IDENTITY_PHONE, WHO_LOOKUP | WHO_ADOPT | WHO_CREATES },
};

/* As the model wants it; .p NULL when memory is refused. */
static struct str who_value(struct op *op, enum identity_kind kind, struct str given)
{
	char text[UUID_TEXT + 1];
	struct uuid id;
	if (kind != IDENTITY_UUID)
		return kind == IDENTITY_EMAIL ? str_trim(given) : given;
	must(uuid_parse(given, &id));
	uuid_text(id, text);
	return arena_str(op->arena, (struct str){ text, UUID_TEXT });
}

static bool fill_who(struct op *op, yyjson_val *const *v)
{
	struct who *list = arena_array(op->arena, struct who, ARRAY_LEN(ranks));
	bool good = list != NULL;
	op->who = list;
	for (size_t i = 0; i < ARRAY_LEN(ranks) && good; i++) {
		if (!v[ranks[i].member])
			continue;
		struct who *w = &list[op->n_who++];
		w->kind = ranks[i].kind;
		w->use = ranks[i].use;
		w->value = who_value(op, w->kind, json_str(v[ranks[i].member]));
		w->key = identity_key(op->arena, w->kind, w->value);
		good = w->value.p && w->key.p;
	}
	return good;
}

static enum refusal make_op(struct call *call, yyjson_val *const *v, const struct definition *d)
{
	struct op *op = call_op(call);
	if (!op || !fill_who(op, v))
		return REFUSE_OVERLOADED;
	op->definition = d->no;
	op->occurred_given =
		v[TIMESTAMP] && time_parse(json_str(v[TIMESTAMP]), TIME_FORMS, &op->occurred_at);
	op->properties = json_text(op->arena, v[DATA]);
	return op->properties.p ? REFUSE_NOTHING : REFUSE_OVERLOADED;
}

enum refusal arsel_send_decode(struct call *call)
{
	const struct definition *d = NULL;
	yyjson_val *v[N_MEMBERS];
	struct arsel_event *e = arena_new(&call->req->arena, struct arsel_event);
	if (!e)
		return REFUSE_OVERLOADED;
	call->state = e;
	enum refusal why = read_members(call, e, v);
	why = why ?: judge_who(call, v);
	why = why ?: judge_payload(call, e, v, &d);
	return why ?: make_op(call, v, d);
}
