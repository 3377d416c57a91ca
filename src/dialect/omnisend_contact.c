#include "dialect/omnisend_private.h"

#include "model/contact.h"

bool omnisend_form_email_or_blank(struct str s)
{
	return str_is_blank(s) || form_email(str_trim(s));
}

/* Digits and one sign in front; how shops format numbers does not matter (decision 27), but no
 * identity is longer than that. */
bool omnisend_form_phone(struct str s)
{
	unsigned digits = 0, signs = 0;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		if (c >= '0' && c <= '9')
			digits++;
		else if (c == '+' && digits == 0)
			signs++;
		else if (!memchr("-(). \t", c, 6))
			return false;
	}
	return digits >= 6 && digits <= 15 && signs <= 1 && s.n <= IDENTITY_VALUE_MAX;
}

bool omnisend_form_phone_or_blank(struct str s)
{
	return str_is_blank(s) || omnisend_form_phone(str_trim(s));
}

enum { ID, CONTACT_ID, EMAIL, PHONE_NUMBER, PHONE, N_IDENTIFIERS };

static const struct shape_member identifiers[N_IDENTIFIERS] = {
	[ID] = { STR_INIT("id"), SHAPE_STRING, .flags = OMNISEND_GIVEN },
	[CONTACT_ID] = { STR_INIT("contactID"), SHAPE_STRING, .flags = OMNISEND_GIVEN },
	[EMAIL] = { STR_INIT("email"), SHAPE_STRING, OMNISEND_GIVEN, 0,
		    omnisend_form_email_or_blank, "email" },
	[PHONE_NUMBER] = { STR_INIT("phoneNumber"), SHAPE_STRING, OMNISEND_GIVEN, 0,
			   omnisend_form_phone_or_blank, "phone number" },
	[PHONE] = { STR_INIT("phone"), SHAPE_STRING, OMNISEND_GIVEN, 0,
		    omnisend_form_phone_or_blank, "phone number" },
};

struct str omnisend_given(yyjson_val *v)
{
	struct str s = v ? str_trim(json_str(v)) : STR("");
	return str_is_blank(s) ? STR("") : s;
}

/* The first of two names for one thing that says something (decisions 3, 4). */
static struct str either(yyjson_val *first, yyjson_val *second)
{
	struct str s = omnisend_given(first);
	return s.n ? s : omnisend_given(second);
}

static struct who *next_who(struct op *op, struct who *list)
{
	return &list[op->n_who++];
}

/* An id of another form is no contact's. */
static void take_id(struct op *op, struct who *list, struct str id)
{
	if (omnisend_is_name(IDENTITY_HEX, id))
		*next_who(op, list) =
			(struct who){ .kind = IDENTITY_HEX, .use = WHO_LOOKUP, .value = id };
}

enum refusal omnisend_add_email(struct op *op, struct who *list, unsigned use, struct str email)
{
	if (email.n == 0)
		return REFUSE_NOTHING;
	struct who *w = next_who(op, list);
	*w = (struct who){ .kind = IDENTITY_EMAIL,
			   .use = use,
			   .value = email,
			   .key = identity_key(op->arena, IDENTITY_EMAIL, email) };
	return w->key.p ? REFUSE_NOTHING : REFUSE_OVERLOADED;
}

enum refusal omnisend_add_phone(struct op *op, struct who *list, unsigned use, struct str phone)
{
	if (phone.n == 0)
		return REFUSE_NOTHING;
	struct who *w = next_who(op, list);
	*w = (struct who){ .kind = IDENTITY_PHONE,
			   .use = use,
			   .value = identity_e164(op->arena, phone),
			   .key = identity_key(op->arena, IDENTITY_PHONE, phone) };
	return w->key.p && w->value.p ? REFUSE_NOTHING : REFUSE_OVERLOADED;
}

bool omnisend_is_name(enum identity_kind kind, struct str value)
{
	uint64_t number;
	int64_t created_s;
	if (kind == IDENTITY_HEX)
		return contact_hex_parse(value, &number, &created_s);
	return kind == IDENTITY_EMAIL ? form_email(value) : omnisend_form_phone(value);
}

bool omnisend_who(struct arena *a, struct who *w, enum identity_kind kind, struct str value)
{
	*w = (struct who){ .kind = kind, .use = WHO_LOOKUP, .value = value };
	if (kind == IDENTITY_HEX)
		return true;
	w->key = identity_key(a, kind, value);
	return w->key.p;
}

/* The version's own name for a phone comes first (decision 4). */
static struct str phone_of(const struct omnisend_version *version, yyjson_val **v)
{
	return version->phone_first ? either(v[PHONE], v[PHONE_NUMBER])
				    : either(v[PHONE_NUMBER], v[PHONE]);
}

/* The newest number replaces the contact's, if it is nobody else's (decision 25). */
enum {
	EMAIL_USE = WHO_LOOKUP | WHO_CREATES | WHO_ADOPT,
	PHONE_USE = WHO_LOOKUP | WHO_CREATES | WHO_REPLACE
};

/* `place`: where to say that nobody is named. */
static enum refusal read_identifiers(struct call *call, yyjson_val *from, struct str path,
				     struct str place, struct op *op)
{
	const struct omnisend_version *version = omnisend_version(call);
	struct who *list = arena_array(op->arena, struct who, 3);
	yyjson_val *v[N_IDENTIFIERS];
	unsigned found = call->problems.found;
	if (!list)
		return REFUSE_OVERLOADED;
	op->who = list;
	op->custom_max = OMNISEND_CUSTOM_MAX;
	shape_read(call, from, path, identifiers, N_IDENTIFIERS, false, v);

	struct str id = either(v[ID], v[CONTACT_ID]);
	take_id(op, list, id);
	enum refusal why = omnisend_add_email(op, list, EMAIL_USE, omnisend_given(v[EMAIL]));
	why = why ?: omnisend_add_phone(op, list, PHONE_USE, phone_of(version, v));
	if (why || op->n_who || call->problems.found > found)
		return why;
	if (id.n)
		problem_at(&call->problems, PROBLEM_UNKNOWN_CONTACT,
			   problem_path(op->arena, place, STR("id")));
	else
		problem_at(&call->problems, PROBLEM_ALTERNATIVES, place,
			   .rule = version->identifiers);
	return REFUSE_NOTHING;
}

enum refusal omnisend_person(struct call *call, yyjson_val *contact, struct str path, struct op *op)
{
	enum refusal why = read_identifiers(call, contact, path, path, op);
	return why ?: omnisend_profile(call, contact, path, true, op);
}

enum refusal omnisend_contact(struct call *call, yyjson_val *root, struct op *op)
{
	static const struct str place = STR_INIT("contact");
	yyjson_val *contact = json_get(root, place);
	if (!contact || yyjson_is_null(contact))
		return read_identifiers(call, root, STR(""), place, op);
	if (yyjson_is_obj(contact))
		return omnisend_person(call, contact, place, op);
	problem_at(&call->problems, PROBLEM_TYPE, place, .rule = "object",
		   .actual = json_type_name(contact));
	return REFUSE_NOTHING;
}
