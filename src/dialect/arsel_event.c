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

bool arsel_form_email(struct str s)
{
	return email_is_valid(str_trim(s));
}

/* E.164 with its plus: 8 to 15 digits, of which the first is no zero. */
bool arsel_form_e164(struct str s)
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
		    SHAPE_REQUIRED | SHAPE_NULL_ABSENT | SHAPE_NOT_EMPTY, 80, form_no_nul,
		    "must not contain U+0000" },
	[EMAIL] = { STR_INIT("email"), SHAPE_STRING, SHAPE_NULL_ABSENT, 0, arsel_form_email,
		    "must be an email" },
	[CONTACT_ID] = { STR_INIT("contact_id"), SHAPE_STRING, SHAPE_NULL_ABSENT, 0, form_uuid,
			 "must be a UUID" },
	[EXTERNAL_ID] = { STR_INIT("external_id"), SHAPE_STRING,
			  SHAPE_NULL_ABSENT | SHAPE_NOT_EMPTY, 255, NULL, "must be a string" },
	[PHONE_NUMBER] = { STR_INIT("phone_number"), SHAPE_STRING, SHAPE_NULL_ABSENT, 0,
			   arsel_form_e164, "must be a valid phone number" },
	[ANONYMOUS_ID] = { STR_INIT("anonymous_id"), SHAPE_STRING,
			   SHAPE_NULL_ABSENT | SHAPE_NOT_EMPTY, 128, NULL, "must be a string" },
	[DATA] = { STR_INIT("data"), SHAPE_OBJECT, SHAPE_REQUIRED | SHAPE_NULL_ABSENT, 0, NULL,
		   "must be an object" },
	[TIMESTAMP] = { STR_INIT("timestamp"), SHAPE_STRING, SHAPE_NULL_ABSENT, 0, form_timestamp,
			"must be a valid ISO 8601 date string" },
};

static enum refusal stop(struct call *call, struct arsel_event *e, enum arsel_stage stage,
			 struct str about)
{
	e->no = (struct arsel_no){ stage, echo(about) };
	problem_at(&call->problems, PROBLEM_VALUE, STR(""));
	return REFUSE_PROBLEMS;
}

void arsel_judge_bytes(struct call *call, yyjson_val **external_id)
{
	if (*external_id && !shape_identity_fits(call, json_str(*external_id), STR("external_id")))
		*external_id = NULL;
}

static enum refusal read_members(struct call *call, yyjson_val *body, struct arsel_event *e,
				 yyjson_val **v)
{
	if (!yyjson_is_obj(body))
		return stop(call, e, ARSEL_BODY, STR(""));
	shape_read(call, body, STR(""), members, N_MEMBERS, false, v);
	if (v[CONTACT_ID])
		e->contact_id = json_str(v[CONTACT_ID]);
	arsel_judge_bytes(call, &v[EXTERNAL_ID]);
	return call->problems.found > 0 ? REFUSE_PROBLEMS : REFUSE_NOTHING;
}

/* A publishable key is in everybody's hands: it names no contact by an id of ours. */
static enum refusal judge_public_who(struct call *call, struct arsel_event *e, yyjson_val *const *v)
{
	bool named = v[ANONYMOUS_ID] || v[EXTERNAL_ID] || v[EMAIL] || v[PHONE_NUMBER];
	if (v[CONTACT_ID])
		return stop(call, e, ARSEL_CONTACT_ID, STR(""));
	return named ? REFUSE_NOTHING : stop(call, e, ARSEL_WHO_NEEDED, STR(""));
}

/* contact_id alone, or any of the others together (decisions 2 and 3). */
static enum refusal judge_who(struct call *call, struct arsel_event *e, yyjson_val *const *v)
{
	bool others = v[EMAIL] || v[EXTERNAL_ID] || v[PHONE_NUMBER];
	bool contact_id = v[CONTACT_ID];
	if (call->key->publishable)
		return judge_public_who(call, e, v);
	if (v[ANONYMOUS_ID])
		return stop(call, e, ARSEL_ANONYMOUS, STR(""));
	if (contact_id && others)
		return stop(call, e, ARSEL_WHO_AMBIGUOUS, STR(""));
	return contact_id || others ? REFUSE_NOTHING : stop(call, e, ARSEL_WHO_MISSING, STR(""));
}

enum { POLICY = CHECK_REQUIRED | CHECK_DATE_OR_TIME | CHECK_ZONE_OPTIONAL };

static enum refusal judge_payload(struct call *call, const struct definition *d,
				  struct arsel_event *e, yyjson_val *const *v, struct op *op)
{
	struct str name = json_str(v[EVENT]);
	if (!d)
		return stop(call, e, ARSEL_EVENT, name);
	op->definition = d->no;
	return check_properties(d, v[DATA], POLICY, op->arena, STR("data"), &call->problems)
		       ? REFUSE_NOTHING
		       : REFUSE_PROBLEMS;
}

static struct str sentences(struct arena *a, const struct problems *ps)
{
	struct buf b = buf_in(a);
	for (unsigned i = 0; i < ps->n; i++) {
		struct buf sentence = buf_in(a);
		problem_put_english(&sentence, &ps->list[i]);
		buf_char(&b, i ? ',' : '[');
		buf_json_str(&b, buf_str(&sentence));
		b.failed |= sentence.failed;
	}
	buf_char(&b, ']');
	return b.failed ? (struct str){ 0 } : buf_str(&b);
}

/* What comes with a publishable key defines itself, by its name alone: what a page sends must not
 * be what is declared. And it is not refused for what it holds, but that is noted. */
static enum refusal note_payload(const struct definition *d, yyjson_val *const *v, struct op *op)
{
	struct problems ps = { 0 };
	op->definition_name = json_str(v[EVENT]);
	if (!d || check_properties(d, v[DATA], POLICY, op->arena, STR("data"), &ps))
		return REFUSE_NOTHING;
	op->mismatches = sentences(op->arena, &ps);
	return op->mismatches.p ? REFUSE_NOTHING : REFUSE_OVERLOADED;
}

static enum refusal take_payload(struct call *call, struct arsel_event *e, yyjson_val *const *v,
				 struct op *op)
{
	struct str name = json_str(v[EVENT]);
	const struct definition *d = workspace_definition(call->workspace, name);
	/* Whatever is said no to from here on is about this name. */
	e->no = (struct arsel_no){ ARSEL_PAYLOAD, echo(name) };
	return call->key->publishable ? note_payload(d, v, op) : judge_payload(call, d, e, v, op);
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
	{ ANONYMOUS_ID, IDENTITY_ANONYMOUS_ID, WHO_LOOKUP | WHO_ADOPT | WHO_CREATES },
};

/* As the model wants it; .p NULL when memory is refused. */
static struct str who_value(struct arena *a, enum identity_kind kind, struct str given)
{
	char text[UUID_TEXT + 1];
	struct uuid id;
	if (kind != IDENTITY_UUID)
		return kind == IDENTITY_EMAIL ? str_trim(given) : given;
	must(uuid_parse(given, &id));
	uuid_text(id, text);
	return arena_str(a, (struct str){ text, UUID_TEXT });
}

bool arsel_who(struct arena *a, struct who *w, enum identity_kind kind, unsigned use,
	       struct str given)
{
	w->kind = kind;
	w->use = use;
	w->value = who_value(a, kind, given);
	w->key = identity_key(a, kind, w->value);
	return w->value.p && w->key.p;
}

static bool fill_who(struct op *op, yyjson_val *const *v)
{
	struct who *list = arena_array(op->arena, struct who, ARRAY_LEN(ranks));
	bool good = list != NULL;
	op->who = list;
	for (size_t i = 0; i < ARRAY_LEN(ranks) && good; i++)
		if (v[ranks[i].member])
			good = arsel_who(op->arena, &list[op->n_who++], ranks[i].kind, ranks[i].use,
					 json_str(v[ranks[i].member]));
	return good;
}

static enum refusal fill_op(struct op *op, yyjson_val *const *v)
{
	if (!fill_who(op, v))
		return REFUSE_OVERLOADED;
	op->kind = OP_EVENT;
	op->occurred_given =
		v[TIMESTAMP] && time_parse(json_str(v[TIMESTAMP]), TIME_FORMS, &op->occurred_at);
	op->properties = json_text(op->arena, v[DATA]);
	return op->properties.p ? REFUSE_NOTHING : REFUSE_OVERLOADED;
}

enum refusal arsel_event_read(struct call *call, yyjson_val *body, struct arsel_event *e,
			      struct op *op)
{
	yyjson_val *v[N_MEMBERS];
	enum refusal why = read_members(call, body, e, v);
	why = why ?: judge_who(call, e, v);
	why = why ?: take_payload(call, e, v, op);
	return why ?: fill_op(op, v);
}
