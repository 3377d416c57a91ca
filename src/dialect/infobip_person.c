/*
 * A person as Infobip's bodies write it, into identities and attribute changes. What is null counts
 * as not given; members that are only ever read (id, createdAt ...) and unknown ones are passed
 * over, so that what was read can be sent back.
 */
#include "dialect/infobip_private.h"

enum { VALUE_MAX = 4096 };

/* --- Identities --- */

bool infobip_person_begin(struct infobip_person *p, struct op *op, unsigned n)
{
	p->op = op;
	p->room = n;
	p->who = arena_array(op->arena, struct who, n + 1);
	op->who = p->who;
	op->kind = OP_CONTACT;
	return p->who;
}

void infobip_person_who(struct infobip_person *p, struct who w)
{
	must(p->op->n_who < p->room);
	p->who[p->op->n_who++] = w;
}

static unsigned use_of(const struct infobip_person *p, enum identity_kind kind)
{
	unsigned finds = p->finds ? WHO_LOOKUP | WHO_CREATES : 0;
	switch (p->use) {
	case INFOBIP_NEW:
		return finds | WHO_ADOPT;
	case INFOBIP_SET:
		return finds | WHO_REPLACE | WHO_EXCLUSIVE;
	case INFOBIP_ADD:
		/* Of external ids there is one. */
		return finds | WHO_EXCLUSIVE |
		       (kind == IDENTITY_EXTERNAL_ID ? WHO_REPLACE : WHO_ADD);
	case INFOBIP_REMOVE:
		break;
	}
	return WHO_DROP;
}

static const char *rule_of(enum identity_kind kind)
{
	return kind == IDENTITY_EMAIL   ? "email"
	       : kind == IDENTITY_PHONE ? "phone number of up to 50 characters"
					: "text of up to 256 characters";
}

void infobip_person_identity(struct call *call, struct infobip_person *p, enum identity_kind kind,
			     struct str value, struct str path)
{
	struct who w;
	bool good = infobip_may_have(kind, value);
	if (good && !shape_identity_fits(call, value, path))
		return;
	enum refusal why = good ? infobip_identify(p->op->arena, kind, value, &w) : REFUSE_PROBLEMS;
	if (why == REFUSE_PROBLEMS)
		problem_at(&call->problems, PROBLEM_FORMAT, path, .rule = rule_of(kind));
	p->no_memory |= why == REFUSE_OVERLOADED;
	if (why)
		return;
	w.use = use_of(p, kind);
	infobip_person_who(p, w);
}

/* --- contactInformation --- */

static const struct {
	struct str list, member;
	enum identity_kind kind;
} contact_kinds[] = {
	{ STR_INIT("phone"), STR_INIT("number"), IDENTITY_PHONE },
	{ STR_INIT("email"), STR_INIT("address"), IDENTITY_EMAIL },
};

unsigned infobip_contacts_count(yyjson_val *contacts)
{
	size_t n = 0;
	for (size_t i = 0; i < ARRAY_LEN(contact_kinds); i++)
		n += MIN(yyjson_arr_size(json_get(contacts, contact_kinds[i].list)),
			 (size_t)INFOBIP_CONTACTS_MAX);
	return (unsigned)n;
}

static void read_contact(struct call *call, struct infobip_person *p, unsigned kind, yyjson_val *v,
			 struct str path)
{
	const struct shape_member member = { contact_kinds[kind].member, SHAPE_STRING,
					     .flags = SHAPE_REQUIRED | SHAPE_NOT_EMPTY };
	yyjson_val *value;
	if (!yyjson_is_obj(v)) {
		problem_at(&call->problems, PROBLEM_TYPE, path, .rule = "object",
			   .actual = json_type_name(v));
		return;
	}
	shape_read(call, v, path, &member, 1, false, &value);
	if (value)
		infobip_person_identity(call, p, contact_kinds[kind].kind, json_str(value),
					problem_path(p->op->arena, path, member.name));
}

static void read_contact_list(struct call *call, struct infobip_person *p, unsigned kind,
			      yyjson_val *list, struct str path)
{
	size_t i, n;
	yyjson_val *v;
	if (yyjson_arr_size(list) > INFOBIP_CONTACTS_MAX) {
		problem_at(&call->problems, PROBLEM_TOO_MANY, path, .rule = "items",
			   .limit = INFOBIP_CONTACTS_MAX, .size = (int64_t)yyjson_arr_size(list));
		return;
	}
	yyjson_arr_foreach (list, i, n, v)
		read_contact(call, p, kind, v, problem_index(p->op->arena, path, i));
}

void infobip_contacts_read(struct call *call, struct infobip_person *p, yyjson_val *contacts,
			   struct str path)
{
	for (unsigned i = 0; contacts && i < ARRAY_LEN(contact_kinds); i++) {
		const struct shape_member member = { contact_kinds[i].list, SHAPE_ARRAY,
						     .flags = SHAPE_NULL_ABSENT };
		yyjson_val *list;
		shape_read(call, contacts, path, &member, 1, false, &list);
		if (list)
			read_contact_list(call, p, i, list,
					  problem_path(p->op->arena, path, member.name));
	}
}

/* --- Attributes --- */

static bool form_gender(struct str s)
{
	return str_eq_nocase(s, STR("MALE")) || str_eq_nocase(s, STR("FEMALE"));
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* xx or xx-YY */
static bool form_language(struct str s)
{
	if ((s.n != 2 && s.n != 5) || !is_letter(s.p[0]) || !is_letter(s.p[1]))
		return false;
	return s.n == 2 || (s.p[2] == '-' && is_letter(s.p[3]) && is_letter(s.p[4]));
}

static bool form_type(struct str s)
{
	return str_eq(s, STR("CUSTOMER")) || str_eq(s, STR("LEAD"));
}

enum {
	FIRST_NAME,
	LAST_NAME,
	MIDDLE_NAME,
	ADDRESS,
	CITY,
	COUNTRY,
	GENDER,
	BIRTH_DATE,
	LANGUAGE,
	PICTURE,
	TYPE,
	N_PLAIN,
	EXTERNAL_ID = N_PLAIN,
	TAGS,
	CUSTOM,
	N_MEMBERS
};

#define TEXT(name, max)                                              \
	{                                                            \
		STR_INIT(name), SHAPE_STRING, SHAPE_NULL_ABSENT, max \
	}
#define FORM(name, max, valid, form)                                              \
	{                                                                         \
		STR_INIT(name), SHAPE_STRING, SHAPE_NULL_ABSENT, max, valid, form \
	}

static const struct shape_member members[N_MEMBERS] = {
	[FIRST_NAME] = TEXT("firstName", 255),
	[LAST_NAME] = TEXT("lastName", 255),
	[MIDDLE_NAME] = TEXT("middleName", 50),
	[ADDRESS] = TEXT("address", 256),
	[CITY] = TEXT("city", 50),
	[COUNTRY] = TEXT("country", 50),
	[GENDER] = FORM("gender", 0, form_gender, "gender, MALE or FEMALE"),
	[BIRTH_DATE] = FORM("birthDate", 0, time_is_date, "date"),
	[LANGUAGE] = FORM("preferredLanguage", 0, form_language, "language, xx or xx-YY"),
	[PICTURE] = FORM("profilePicture", 2083, url_is_valid, "url"),
	[TYPE] = FORM("type", 0, form_type, "type, CUSTOMER or LEAD"),
	[EXTERNAL_ID] = { STR_INIT("externalId"), SHAPE_STRING, SHAPE_NULL_ABSENT | SHAPE_NOT_EMPTY,
			  INFOBIP_EXTERNAL_ID_MAX },
	[TAGS] = { STR_INIT("tags"), SHAPE_ARRAY, SHAPE_NULL_ABSENT },
	[CUSTOM] = { STR_INIT("customAttributes"), SHAPE_OBJECT, SHAPE_NULL_ABSENT },
};

/* What each is called where all dialects meet. */
static const struct str attributes[N_PLAIN] = {
	[FIRST_NAME] = STR_INIT("first_name"),
	[LAST_NAME] = STR_INIT("last_name"),
	[MIDDLE_NAME] = STR_INIT("middle_name"),
	[ADDRESS] = STR_INIT("address"),
	[CITY] = STR_INIT("city"),
	[COUNTRY] = STR_INIT("country"),
	[GENDER] = STR_INIT("gender"),
	[BIRTH_DATE] = STR_INIT("birthdate"),
	[LANGUAGE] = STR_INIT("language"),
	[PICTURE] = STR_INIT("profile_picture"),
	[TYPE] = STR_INIT("type"),
};

/* Changes under construction; their list has room for all. */
struct changes {
	struct op *op;
	struct attribute_change *list;
	size_t room;
	bool failed;
};

static void change(struct changes *c, enum attribute_verb verb, bool custom, struct str name,
		   struct str json)
{
	c->failed |= !json.p;
	must(c->op->n_changes < c->room);
	c->list[c->op->n_changes++] = (struct attribute_change){ verb, custom, name, .json = json };
}

/* A gender is stored by its first letter, as all dialects do. */
static struct str stored_form(struct arena *a, unsigned member, const yyjson_val *v)
{
	if (member != GENDER)
		return json_text(a, v);
	return str_eq_nocase(json_str(v), STR("MALE")) ? STR("\"m\"") : STR("\"f\"");
}

static void read_tags(struct call *call, struct changes *c, bool replaces, yyjson_val *tags)
{
	size_t i, n;
	yyjson_val *v;
	yyjson_arr_foreach (tags, i, n, v) {
		struct str path = problem_index(c->op->arena, members[TAGS].name, i);
		if (!yyjson_is_str(v))
			problem_at(&call->problems, PROBLEM_TYPE, path, .rule = "string",
				   .actual = json_type_name(v));
		else if (yyjson_get_len(v) == 0)
			problem_at(&call->problems, PROBLEM_EMPTY, path);
	}
	if (replaces)
		change(c, ATTRIBUTE_SET, false, STR("tags"), STR("[]"));
	change(c, ATTRIBUTE_UNION, false, STR("tags"), json_text(c->op->arena, tags));
}

static bool is_plain(const yyjson_val *v)
{
	return !yyjson_is_ctn((yyjson_val *)v);
}

static bool is_flat_object(yyjson_val *object)
{
	size_t i, n;
	yyjson_val *key, *v;
	bool flat = yyjson_is_obj(object);
	json_foreach_member (object, i, n, key, v)
		flat &= is_plain(v);
	return flat;
}

/* Plain values, and lists of such, as other dialects give them, and of flat objects. */
static bool is_flat(yyjson_val *value)
{
	size_t i, n;
	yyjson_val *v;
	bool flat = is_plain(value) || yyjson_is_arr(value);
	yyjson_arr_foreach (value, i, n, v)
		flat &= is_plain(v) || is_flat_object(v);
	return flat;
}

static void read_custom_value(struct call *call, struct changes *c, struct str name, yyjson_val *v)
{
	struct str path = problem_path(c->op->arena, members[CUSTOM].name, name);
	size_t size = yyjson_is_str(v) ? str_code_points(json_str(v)) : 0;
	if (name.n == 0)
		problem_at(&call->problems, PROBLEM_NAME, path, .rule = "it is empty");
	if (!form_no_nul(name))
		problem_at(&call->problems, PROBLEM_NAME, path, .rule = "it holds U+0000");
	if (size > VALUE_MAX)
		problem_at(&call->problems, PROBLEM_TOO_LONG, path, .limit = VALUE_MAX,
			   .size = (int64_t)size);
	if (!is_flat(v))
		problem_at(&call->problems, PROBLEM_TYPE, path,
			   .rule = "plain value, or a list of plain values and flat objects");
	if (yyjson_is_null(v))
		change(c, ATTRIBUTE_REMOVE, true, name, STR("null"));
	else
		change(c, ATTRIBUTE_SET, true, name, json_text(c->op->arena, v));
}

/* What a person has agreed to or not, and is elsewhere: no business of Infobip's callers. */
static const struct str kept[] = {
	STR_INIT("consents"),     STR_INIT("opt_ins"),    STR_INIT("opt_outs"),
	STR_INIT("email_status"), STR_INIT("sms_status"), STR_INIT("subscribed"),
	STR_INIT("active"),
};

/* An update that replaces everything keeps what it names: a union with nothing names a list, and
 * whatever else is there. */
static void keep(struct changes *c)
{
	for (size_t i = 0; i < ARRAY_LEN(kept); i++)
		change(c, ATTRIBUTE_UNION, false, kept[i], STR("[]"));
}

static void read_custom(struct call *call, struct changes *c, yyjson_val *custom)
{
	size_t i, n;
	yyjson_val *key, *v;
	json_foreach_member (custom, i, n, key, v)
		read_custom_value(call, c, json_str(key), v);
}

static void read_attributes(struct call *call, struct changes *c, bool replaces, yyjson_val **v)
{
	for (unsigned m = 0; m < N_PLAIN; m++)
		if (v[m])
			change(c, ATTRIBUTE_SET, false, attributes[m],
			       stored_form(c->op->arena, m, v[m]));
	if (v[TAGS])
		read_tags(call, c, replaces, v[TAGS]);
	if (replaces)
		keep(c);
	if (v[CUSTOM])
		read_custom(call, c, v[CUSTOM]);
}

bool infobip_person_read(struct call *call, struct infobip_person *p, yyjson_val *person)
{
	yyjson_val *v[N_MEMBERS];
	struct changes c = { .op = p->op };
	shape_read(call, person, STR(""), members, N_MEMBERS, false, v);
	if (v[EXTERNAL_ID])
		infobip_person_identity(call, p, IDENTITY_EXTERNAL_ID, json_str(v[EXTERNAL_ID]),
					members[EXTERNAL_ID].name);
	c.room = N_PLAIN + 2 /* tags */ + ARRAY_LEN(kept) + yyjson_obj_size(v[CUSTOM]);
	c.list = arena_array(p->op->arena, struct attribute_change, c.room);
	if (!c.list)
		return false;
	read_attributes(call, &c, p->use == INFOBIP_SET, v);
	p->op->changes = c.list;
	return !c.failed && !p->no_memory;
}
