/*
 * The contact in a Pristo request: read, judged, made part of an operation.
 */
#include "dialect/pristo_private.h"

/* As people write numbers, but a number (decision 16). */
bool pristo_form_phone(struct str s)
{
	unsigned digits = 0;
	for (size_t i = 0; i < s.n; i++)
		digits += s.p[i] >= '0' && s.p[i] <= '9';
	return digits >= 5;
}

static const struct shape_member members[PRISTO_MEMBERS] = {
	[PRISTO_ID] = { STR_INIT("id"), SHAPE_STRING, SHAPE_REQUIRED }, /* see judge_id() */
	[PRISTO_EMAIL] = { STR_INIT("email"), SHAPE_STRING, 0, 0, form_email, "email" },
	[PRISTO_PHONE] = { STR_INIT("phone"), SHAPE_STRING, SHAPE_EMPTY_ABSENT, 32,
			   pristo_form_phone, "phone number with at least 5 digits" },
	[PRISTO_LANGUAGE] = { STR_INIT("language"), SHAPE_STRING, SHAPE_NOT_EMPTY, 35 },
	[PRISTO_NAME] = { STR_INIT("name"), SHAPE_STRING },
	[PRISTO_LAST_NAME] = { STR_INIT("lastName"), SHAPE_STRING },
	[PRISTO_FIELDS] = { STR_INIT("customFields"), SHAPE_OBJECT },
};

/* --- The id --- */

void pristo_judge_any_id(struct call *call, struct str path, struct str id)
{
	enum { ID_MAX = 255 };
	size_t size = str_code_points(id);
	if (id.n == 0)
		problem_at(&call->problems, PROBLEM_EMPTY, path);
	else if (size > ID_MAX)
		problem_at(&call->problems, PROBLEM_TOO_LONG, path, .limit = ID_MAX,
			   .size = (int64_t)size);
	else
		shape_identity_fits(call, id, path);
}

static void judge_id(struct call *call, struct str id)
{
	if (switch_on(call->workspace, SWITCH_CONTACT_ID_ANY_STRING))
		pristo_judge_any_id(call, STR("contact.id"), id);
	else if (!form_uuid(id))
		problem_at(&call->problems, PROBLEM_FORMAT, STR("contact.id"), .rule = "uuid");
}

/* --- Custom fields --- */

struct str pristo_field_path(struct call *call, struct str map, yyjson_val *name)
{
	return call->problems.n < PROBLEMS_MAX
		       ? problem_path(&call->req->arena, map, json_str(name))
		       : map;
}

/* 50 in the vendor's prose, 255 in its schema (decision 1). */
enum { FIELD_MAX = 255, FIELD_MAX_STRICT = 50 };

static unsigned field_max(const struct call *call)
{
	return switch_on(call->workspace, SWITCH_STRICT_50) ? FIELD_MAX_STRICT : FIELD_MAX;
}

void pristo_judge_field(struct call *call, struct str map, yyjson_val *name, yyjson_val *v)
{
	if (!yyjson_is_str(v)) {
		problem_at(&call->problems, PROBLEM_TYPE, pristo_field_path(call, map, name),
			   .rule = "string", .actual = json_type_name(v));
		return;
	}
	/* Bytes are at least as many as code points: short values need no count. */
	struct str s = json_str(v);
	unsigned most = field_max(call);
	size_t size = s.n > most ? str_code_points(s) : 0;
	if (size > most)
		problem_at(&call->problems, PROBLEM_TOO_LONG, pristo_field_path(call, map, name),
			   .limit = most, .size = (int64_t)size);
}

void pristo_judge_fields(struct call *call, struct str map, yyjson_val *fields)
{
	size_t i, max;
	yyjson_val *name, *v;
	if (!fields)
		return;
	json_foreach_member (fields, i, max, name, v)
		pristo_judge_field(call, map, name, v);
}

/* In a request of its own, what is no member of a contact may be a field of the population that
 * stands beside them: the vendor's prose says so (decision 14). */
static bool is_member(struct str name)
{
	for (unsigned i = 0; i < PRISTO_MEMBERS; i++)
		if (str_eq(members[i].name, name))
			return true;
	return false;
}

void pristo_contact_read(struct call *call, yyjson_val *object, bool fields_beside,
			 struct pristo_contact *out)
{
	out->object = object;
	out->fields_beside = fields_beside;
	shape_read(call, object, STR("contact"), members, PRISTO_MEMBERS, !fields_beside, out->v);
	if (out->v[PRISTO_ID])
		judge_id(call, json_str(out->v[PRISTO_ID]));
	pristo_judge_fields(call, STR("contact.customFields"), out->v[PRISTO_FIELDS]);
}

/* --- Against the population --- */

static void judge_beside(struct call *call, yyjson_val *name, yyjson_val *v)
{
	static const struct str contact = STR_INIT("contact");
	if (is_member(json_str(name)))
		return;
	if (yyjson_is_str(v) && workspace_contact_field(call->workspace, json_str(name)))
		pristo_judge_field(call, contact, name, v);
	else
		problem_at(&call->problems, PROBLEM_UNKNOWN_MEMBER,
			   pristo_field_path(call, contact, name));
}

void pristo_contact_judge(struct call *call, const struct pristo_contact *c)
{
	yyjson_val *fields = c->v[PRISTO_FIELDS], *name, *v;
	size_t i, max;
	if (fields)
		json_foreach_member (fields, i, max, name, v)
			if (!workspace_contact_field(call->workspace, json_str(name)))
				problem_at(
					&call->problems, PROBLEM_UNKNOWN_FIELD,
					pristo_field_path(call, STR("contact.customFields"), name));
	if (c->fields_beside)
		json_foreach_member (c->object, i, max, name, v)
			judge_beside(call, name, v);
}

/* --- The operation --- */

bool pristo_who(struct arena *a, struct who *w, enum identity_kind kind, unsigned use,
		const yyjson_val *given)
{
	*w = (struct who){ .kind = kind, .use = use, .value = json_str(given) };
	w->key = identity_key(a, kind, w->value);
	/* All forms that were let through have a key: without one, memory was refused. */
	return w->key.p != NULL;
}

/* E-mail and phone are data about whom the id names: they make a new contact reachable, and find
 * none that has an id already (decision 15). One that only other dialects have reported so far has
 * none, and becomes the one that the id names. */
static bool fill_who(struct op *op, const struct pristo_contact *c)
{
	enum { WHO_MAX = 3, DATA = WHO_REPLACE | WHO_SHARED | WHO_CREATES | WHO_CLAIMS };
	struct arena *a = op->arena;
	struct who *list = arena_array(a, struct who, WHO_MAX);
	if (!list)
		return false;
	op->who = list;
	bool good = pristo_who(a, &list[op->n_who++], IDENTITY_EXTERNAL_ID,
			       WHO_LOOKUP | WHO_ADOPT | c->id_use, c->v[PRISTO_ID]);
	if (c->v[PRISTO_EMAIL])
		good &= pristo_who(a, &list[op->n_who++], IDENTITY_EMAIL, DATA, c->v[PRISTO_EMAIL]);
	if (c->v[PRISTO_PHONE])
		good &= pristo_who(a, &list[op->n_who++], IDENTITY_PHONE, DATA, c->v[PRISTO_PHONE]);
	return good;
}

static const struct {
	unsigned member;
	struct str attribute;
} attributes[] = {
	{ PRISTO_NAME, STR_INIT("first_name") },
	{ PRISTO_LAST_NAME, STR_INIT("last_name") },
	{ PRISTO_LANGUAGE, STR_INIT("language") },
};

bool pristo_add_change(struct op *op, struct attribute_change *list, struct str name, bool custom,
		       yyjson_val *v)
{
	struct str json = json_text(op->arena, v);
	list[op->n_changes++] = (struct attribute_change){
		.verb = ATTRIBUTE_SET, .custom = custom, .name = name, .json = json
	};
	return json.p != NULL;
}

static bool add_fields(struct op *op, struct attribute_change *list, yyjson_val *fields)
{
	size_t i, max;
	yyjson_val *name, *v;
	json_foreach_member (fields, i, max, name, v)
		if (!pristo_add_change(op, list, json_str(name), true, v))
			return false;
	return true;
}

static bool add_beside(struct op *op, struct attribute_change *list, yyjson_val *object)
{
	size_t i, max;
	yyjson_val *name, *v;
	json_foreach_member (object, i, max, name, v)
		if (!is_member(json_str(name)) &&
		    !pristo_add_change(op, list, json_str(name), true, v))
			return false;
	return true;
}

static bool fill_changes(struct op *op, const struct pristo_contact *c)
{
	yyjson_val *fields = c->v[PRISTO_FIELDS], *v;
	size_t n = ARRAY_LEN(attributes) + yyjson_obj_size(fields) + yyjson_obj_size(c->object);
	struct attribute_change *list = arena_array(op->arena, struct attribute_change, n);
	bool good = list != NULL;
	op->changes = list;
	for (size_t i = 0; i < ARRAY_LEN(attributes) && good; i++) {
		v = c->v[attributes[i].member];
		good = !v || pristo_add_change(op, list, attributes[i].attribute, false, v);
	}
	good = good && (!fields || add_fields(op, list, fields));
	return good && (!c->fields_beside || add_beside(op, list, c->object));
}

bool pristo_contact_fill(struct op *op, const struct pristo_contact *c)
{
	return fill_who(op, c) && fill_changes(op, c);
}
