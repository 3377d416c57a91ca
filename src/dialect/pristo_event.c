/*
 * What one Pristo report says: read, judged, made an operation.
 */
#include "dialect/pristo_private.h"

/* --- What a report looks like --- */

/* The zone may be missing: many serializers leave it out, and then it is UTC (decision 19). */
static bool form_time(struct str s)
{
	return time_parse(s, TIME_ZONE_OPTIONAL, NULL);
}

/* As people write numbers, but a number (decision 16). */
static bool form_phone(struct str s)
{
	unsigned digits = 0;
	for (size_t i = 0; i < s.n; i++)
		digits += s.p[i] >= '0' && s.p[i] <= '9';
	return digits >= 5;
}

enum { CONTACT, TYPE, OCCURRED_AT, FIELDS, EVENT_MEMBERS };

static const struct shape_member event_members[EVENT_MEMBERS] = {
	[CONTACT] = { STR_INIT("contact"), SHAPE_OBJECT, SHAPE_REQUIRED },
	[TYPE] = { STR_INIT("type"), SHAPE_STRING, SHAPE_REQUIRED | SHAPE_NOT_EMPTY,
		   DEFINITION_NAME_MAX },
	[OCCURRED_AT] = { STR_INIT("occurredAt"), SHAPE_STRING, 0, 0, form_time, "datetime" },
	[FIELDS] = { STR_INIT("customFields"), SHAPE_OBJECT },
};

enum { ID, EMAIL, PHONE, LANGUAGE, NAME, LAST_NAME, CONTACT_FIELDS, CONTACT_MEMBERS };

static const struct shape_member contact_members[CONTACT_MEMBERS] = {
	[ID] = { STR_INIT("id"), SHAPE_STRING, SHAPE_REQUIRED, 0, form_uuid, "uuid" },
	[EMAIL] = { STR_INIT("email"), SHAPE_STRING, 0, 0, form_email, "email" },
	[PHONE] = { STR_INIT("phone"), SHAPE_STRING, SHAPE_EMPTY_ABSENT, 32, form_phone,
		    "phone number with at least 5 digits" },
	[LANGUAGE] = { STR_INIT("language"), SHAPE_STRING, SHAPE_NOT_EMPTY, 35 },
	[NAME] = { STR_INIT("name"), SHAPE_STRING },
	[LAST_NAME] = { STR_INIT("lastName"), SHAPE_STRING },
	[CONTACT_FIELDS] = { STR_INIT("customFields"), SHAPE_OBJECT },
};

struct report {
	yyjson_val *event[EVENT_MEMBERS], *contact[CONTACT_MEMBERS]; /* NULL: absent */
};

/* A path costs memory: none for what is counted only. */
static struct str field_path(struct call *call, struct str map, yyjson_val *name)
{
	return call->problems.n < PROBLEMS_MAX
		       ? problem_path(&call->req->arena, map, json_str(name))
		       : map;
}

/* 50 in the vendor's prose, 255 in its schema (decision 1). */
enum { FIELD_MAX = 255 };

static void judge_field(struct call *call, struct str map, yyjson_val *name, yyjson_val *v)
{
	if (!yyjson_is_str(v)) {
		problem_at(&call->problems, PROBLEM_TYPE, field_path(call, map, name),
			   .rule = "string", .actual = json_type_name(v));
		return;
	}
	/* Bytes are at least as many as code points: short values need no count. */
	struct str s = json_str(v);
	size_t size = s.n > FIELD_MAX ? str_code_points(s) : 0;
	if (size > FIELD_MAX)
		problem_at(&call->problems, PROBLEM_TOO_LONG, field_path(call, map, name),
			   .limit = FIELD_MAX, .size = (int64_t)size);
}

static void judge_fields(struct call *call, struct str map, yyjson_val *fields)
{
	size_t i, max;
	yyjson_val *name, *v;
	if (!fields)
		return;
	yyjson_obj_foreach (fields, i, max, name, v)
		judge_field(call, map, name, v);
}

static void read_report(struct call *call, yyjson_val *root, struct report *r)
{
	if (!yyjson_is_obj(root)) {
		problem_at(&call->problems, PROBLEM_TYPE, STR(""), .rule = "object",
			   .actual = json_type_name(root));
		return;
	}
	shape_read(call, root, STR(""), event_members, EVENT_MEMBERS, true, r->event);
	if (r->event[CONTACT])
		shape_read(call, r->event[CONTACT], STR("contact"), contact_members,
			   CONTACT_MEMBERS, true, r->contact);
	judge_fields(call, STR("contact.customFields"), r->contact[CONTACT_FIELDS]);
	judge_fields(call, STR("customFields"), r->event[FIELDS]);
}

/* --- Against the workspace --- */

/* A key reaches one population; that another exists is nobody's business (decision 9). */
static bool population_is_callers(struct call *call, struct uuid population)
{
	if (uuid_eq(population, call->workspace->id))
		return true;
	problem_at(&call->problems, PROBLEM_UNKNOWN_WORKSPACE, STR("populationId"));
	return false;
}

static void judge_contact_fields(struct call *call, yyjson_val *fields)
{
	size_t i, max;
	yyjson_val *name, *v;
	if (!fields)
		return;
	yyjson_obj_foreach (fields, i, max, name, v)
		if (!workspace_has_contact_field(call->workspace, json_str(name)))
			problem_at(&call->problems, PROBLEM_UNKNOWN_FIELD,
				   field_path(call, STR("contact.customFields"), name));
}

static const struct definition *find_definition(struct call *call, yyjson_val *type)
{
	const struct definition *d = workspace_definition(call->workspace, json_str(type));
	if (!d)
		problem_at(&call->problems, PROBLEM_UNKNOWN_DEFINITION, STR("type"));
	return d;
}

/* --- The operation --- */

enum { WHO_MAX = 3 };

struct people {
	struct who who[WHO_MAX];
	char id[UUID_TEXT + 1];
};

static bool add_who(struct op *op, struct who *list, enum identity_kind kind, unsigned use,
		    struct str value)
{
	struct str key = identity_key(op->arena, kind, value);
	list[op->n_who++] = (struct who){ .kind = kind, .use = use, .value = value, .key = key };
	/* All forms that were let through have a key: without one, memory was refused. */
	return key.p != NULL;
}

/* E-mail and phone are data about whom the id names: they make a new contact reachable, and find
 * none that has an id already (decision 15). One that only other dialects have reported so far has
 * none, and becomes the one that the id names. */
static bool fill_who(struct op *op, const struct report *r)
{
	enum { DATA = WHO_REPLACE | WHO_SHARED | WHO_CREATES | WHO_CLAIMS };
	struct people *people = arena_new(op->arena, struct people);
	struct uuid id;
	if (!people)
		return false;
	must(uuid_parse(json_str(r->contact[ID]), &id));
	uuid_text(id, people->id);
	op->who = people->who;
	bool good = add_who(op, people->who, IDENTITY_EXTERNAL_ID, WHO_LOOKUP | WHO_ADOPT,
			    (struct str){ people->id, UUID_TEXT });
	if (r->contact[EMAIL])
		good &= add_who(op, people->who, IDENTITY_EMAIL, DATA, json_str(r->contact[EMAIL]));
	if (r->contact[PHONE])
		good &= add_who(op, people->who, IDENTITY_PHONE, DATA, json_str(r->contact[PHONE]));
	return good;
}

static const struct {
	unsigned member;
	struct str attribute;
} attributes[] = {
	{ NAME, STR_INIT("first_name") },
	{ LAST_NAME, STR_INIT("last_name") },
	{ LANGUAGE, STR_INIT("language") },
};

static bool add_change(struct op *op, struct attribute_change *list, struct str name, bool custom,
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
	yyjson_obj_foreach (fields, i, max, name, v)
		if (!add_change(op, list, json_str(name), true, v))
			return false;
	return true;
}

static bool fill_changes(struct op *op, const struct report *r)
{
	yyjson_val *fields = r->contact[CONTACT_FIELDS], *v;
	size_t n = ARRAY_LEN(attributes) + yyjson_obj_size(fields);
	struct attribute_change *list = arena_array(op->arena, struct attribute_change, n);
	bool good = list != NULL;
	op->changes = list;
	for (size_t i = 0; i < ARRAY_LEN(attributes) && good; i++) {
		v = r->contact[attributes[i].member];
		good = !v || add_change(op, list, attributes[i].attribute, false, v);
	}
	return good && (!fields || add_fields(op, list, fields));
}

static enum refusal make_op(struct call *call, const struct report *r, const struct definition *d)
{
	struct op *op = call_op(call);
	if (!op || !fill_who(op, r) || !fill_changes(op, r))
		return REFUSE_OVERLOADED;
	op->definition = d->no;
	op->occurred_given =
		r->event[OCCURRED_AT] &&
		time_parse(json_str(r->event[OCCURRED_AT]), TIME_ZONE_OPTIONAL, &op->occurred_at);
	op->properties = r->event[FIELDS] ? json_text(op->arena, r->event[FIELDS]) : STR("{}");
	return op->properties.p ? REFUSE_NOTHING : REFUSE_OVERLOADED;
}

/* The order of checks is pristo.md section 2; each stage tells all that it finds. */
enum refusal pristo_send_decode(struct call *call)
{
	struct report r = { 0 };
	struct uuid population;
	yyjson_val *root;
	enum refusal why = call_json(call, &root);
	if (why)
		return why;
	if (!uuid_parse(call->params[0], &population))
		problem_at(&call->problems, PROBLEM_FORMAT, STR("populationId"), .rule = "uuid");
	read_report(call, root, &r);
	if (call->problems.found > 0 || !population_is_callers(call, population))
		return REFUSE_PROBLEMS;

	const struct definition *d = find_definition(call, r.event[TYPE]);
	judge_contact_fields(call, r.contact[CONTACT_FIELDS]);
	return call->problems.found > 0 ? REFUSE_PROBLEMS : make_op(call, &r, d);
}
