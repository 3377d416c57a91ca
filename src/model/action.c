#include "model/action.h"

#include "model/check.h"
#include "template/template.h"

/* Values of contact fields are read as widely as the dialects do, and so are an event's. */
enum { POLICY = CHECK_DATE_OR_TIME | CHECK_ZONE_OPTIONAL };

enum { BODY = ACTIONS, N_MEMBERS };

/* In the order of the kinds, of which there is one; and what may stand beside the first. */
static const struct spec_member members[N_MEMBERS] = {
	[ACTION_SEND] = { STR_INIT("send"), SPEC_STRING, false, 1, DOCUMENT_NAME_MAX },
	[ACTION_SET_ATTRIBUTES] = { STR_INIT("set_attributes"), SPEC_OBJECT },
	[ACTION_REMOVE_ATTRIBUTES] = { STR_INIT("remove_attributes"), SPEC_ARRAY, false, 1,
				       ACTION_ATTRIBUTES_MAX },
	[ACTION_ADD_TAG] = { STR_INIT("add_tag"), SPEC_STRING, false, 1, ACTION_TAG_MAX },
	[ACTION_REMOVE_TAG] = { STR_INIT("remove_tag"), SPEC_STRING, false, 1, ACTION_TAG_MAX },
	[ACTION_RECORD] = { STR_INIT("record"), SPEC_OBJECT },
	[BODY] = { STR_INIT("body"), SPEC_STRING, false, 1, TEMPLATE_TEXT_MAX },
};

#define KIND_NAMES "send, set_attributes, remove_attributes, add_tag, remove_tag, record"

const char *action_kind_name(enum action_kind kind)
{
	return (unsigned)kind < ACTIONS ? members[kind].name.p : NULL;
}

/* --- Attributes --- */

enum { GENDER, BIRTHDATE, CUSTOM = 13, N_ATTRIBUTES };

#define TEXT(name)                                                     \
	{                                                              \
		STR_INIT(name), SPEC_STRING, false, 0, ACTION_TEXT_MAX \
	}

/* Those of the built-in ones that are plain values of the contact alone: no identity, no tags, and
 * nothing of what the person has agreed to. */
static const struct spec_member attributes[N_ATTRIBUTES] = {
	[GENDER] = TEXT("gender"),
	[BIRTHDATE] = TEXT("birthdate"),
	TEXT("first_name"),
	TEXT("last_name"),
	TEXT("language"),
	TEXT("address"),
	TEXT("city"),
	TEXT("state"),
	TEXT("country"),
	TEXT("country_code"),
	TEXT("postal_code"),
	{ STR_INIT("active"), SPEC_BOOLEAN },
	{ STR_INIT("subscribed"), SPEC_BOOLEAN },
	[CUSTOM] = { STR_INIT("custom"), SPEC_OBJECT },
};

#define ATTRIBUTE_NAMES                                                                       \
	"gender, birthdate, first_name, last_name, language, address, city, state, country, " \
	"country_code, postal_code, active, subscribed, custom.NAME"

/* An action's list of changes as it grows. */
struct changes {
	struct spec *spec;
	struct attribute_change *list;
	unsigned n;
};

static bool make_room(struct changes *c, struct spec *s, size_t n)
{
	*c = (struct changes){ .spec = s };
	c->list = arena_array(s->arena, struct attribute_change, n);
	s->refused |= !c->list;
	return c->list != NULL;
}

static void take(struct changes *c, struct action *out)
{
	out->changes = c->list;
	out->n_changes = c->n;
}

static void add_set(struct changes *c, bool custom, struct str name, const yyjson_val *v)
{
	struct str json = json_text(c->spec->arena, v);
	struct str copy = spec_copy(c->spec, name);
	c->spec->refused |= !json.p;
	c->list[c->n++] = (struct attribute_change){ ATTRIBUTE_SET, custom, copy, .json = json };
}

/* Why the name of a custom attribute or a property, where there is one, is wrong; NULL: it is right. */
static const char *member_rule(struct str name)
{
	return name.n > FIELD_NAME_MAX ? "it is too long" : spec_name_rule(name);
}

static void judge_member(struct spec *s, struct str path, struct str name)
{
	const char *why = member_rule(name);
	if (name.n == 0)
		problem_at(s->problems, PROBLEM_EMPTY, path);
	else if (why)
		problem_at(s->problems, PROBLEM_NAME, path, .rule = why);
}

static bool is_member(struct str name)
{
	return name.n > 0 && !member_rule(name);
}

static void judge_custom_member(struct spec *s, struct str path, struct str name, yyjson_val *v)
{
	bool plain = !yyjson_is_ctn(v) && !yyjson_is_null(v);
	if (plain && is_member(name))
		return;
	struct str at = spec_path(s, path, name);
	judge_member(s, at, name);
	if (!plain)
		problem_at(s->problems, PROBLEM_NESTED, at, .actual = json_type_name(v));
}

static void read_custom(struct changes *c, yyjson_val *object, struct str path)
{
	size_t i, n;
	yyjson_val *key, *v;
	json_foreach_member (object, i, n, key, v) {
		judge_custom_member(c->spec, path, json_str(key), v);
		add_set(c, true, json_str(key), v);
	}
}

static void judge_forms(struct spec *s, yyjson_val **v, struct str path)
{
	struct str gender = json_str(v[GENDER]);
	if (gender.p && !str_eq(gender, STR("m")) && !str_eq(gender, STR("f")))
		problem_at(s->problems, PROBLEM_VALUE, spec_path(s, path, attributes[GENDER].name),
			   .rule = "m, f");
	if (v[BIRTHDATE] && !time_is_date(json_str(v[BIRTHDATE])))
		problem_at(s->problems, PROBLEM_FORMAT,
			   spec_path(s, path, attributes[BIRTHDATE].name), .rule = "date");
}

static void judge_tags(struct spec *s, yyjson_val *tags, struct str path)
{
	size_t i, n;
	yyjson_val *v;
	bool good = !tags || yyjson_is_null(tags) || yyjson_is_arr(tags);
	yyjson_arr_foreach (tags, i, n, v)
		good &= yyjson_is_str(v);
	if (!good)
		problem_at(s->problems, PROBLEM_FORMAT, spec_path(s, path, STR("tags")),
			   .rule = "list of strings");
}

static yyjson_val *judge_given(struct spec *s, yyjson_val *object, struct str path,
			       const struct spec_member *m)
{
	yyjson_val *v = json_get(object, m->name);
	return v && !yyjson_is_null(v) ? spec_judge(s, path, m, v) : NULL;
}

void action_judge_attributes(struct spec *s, yyjson_val *object, struct str path)
{
	static const struct spec_member shown[] = { TEXT("email"), TEXT("phone") };
	yyjson_val *v[N_ATTRIBUTES] = { NULL };
	for (unsigned i = 0; i < CUSTOM; i++)
		v[i] = judge_given(s, object, path, &attributes[i]);
	for (unsigned i = 0; i < ARRAY_LEN(shown); i++)
		(void)judge_given(s, object, path, &shown[i]);
	judge_forms(s, v, path);
	judge_tags(s, json_get(object, STR("tags")), path);
}

/* What is null would count as absent, and whoever writes it wants it to go. */
static void judge_nulls(struct spec *s, yyjson_val *object, struct str path)
{
	size_t i, n;
	yyjson_val *key, *v;
	json_foreach_member (object, i, n, key, v)
		if (yyjson_is_null(v))
			problem_at(s->problems, PROBLEM_TYPE, spec_path(s, path, json_str(key)),
				   .rule = "value", .actual = "null");
}

static void read_set(struct spec *s, yyjson_val *object, struct str path, struct action *out)
{
	struct changes c;
	yyjson_val *v[N_ATTRIBUTES];
	size_t size = yyjson_obj_size(object);
	judge_nulls(s, object, path);
	spec_read(s, object, path, attributes, N_ATTRIBUTES, v);
	size += yyjson_obj_size(v[CUSTOM]);
	if (!make_room(&c, s, size))
		return;
	judge_forms(s, v, path);
	for (unsigned i = 0; i < CUSTOM; i++)
		if (v[i])
			add_set(&c, false, attributes[i].name, v[i]);
	read_custom(&c, v[CUSTOM], spec_path(s, path, attributes[CUSTOM].name));
	if (size == 0 || (v[CUSTOM] && yyjson_obj_size(v[CUSTOM]) == 0))
		problem_at(s->problems, PROBLEM_EMPTY,
			   size ? spec_path(s, path, attributes[CUSTOM].name) : path);
	if (c.n > ACTION_ATTRIBUTES_MAX)
		problem_at(s->problems, PROBLEM_TOO_MANY, path, .limit = ACTION_ATTRIBUTES_MAX,
			   .size = c.n);
	take(&c, out);
	out->custom = v[CUSTOM];
}

static bool is_built_in(struct str name)
{
	for (unsigned i = 0; i < CUSTOM; i++)
		if (str_eq(attributes[i].name, name))
			return true;
	return false;
}

static void read_name(struct changes *c, const yyjson_val *v, struct str path)
{
	struct str name = json_str(v), prefix = STR("custom.");
	bool custom = str_starts(name, prefix);
	if (!yyjson_is_str((yyjson_val *)v))
		problem_at(c->spec->problems, PROBLEM_TYPE, path, .rule = "string",
			   .actual = json_type_name(v));
	else if (custom)
		judge_member(c->spec, path, str_from(name, prefix.n));
	else if (!is_built_in(name))
		problem_at(c->spec->problems, PROBLEM_VALUE, path, .rule = ATTRIBUTE_NAMES);
	name = spec_copy(c->spec, custom ? str_from(name, prefix.n) : name);
	c->list[c->n++] = (struct attribute_change){ ATTRIBUTE_REMOVE, custom, .name = name };
}

static void read_remove(struct spec *s, yyjson_val *list, struct str path, struct action *out)
{
	struct changes c;
	size_t i, n;
	yyjson_val *v;
	if (!make_room(&c, s, yyjson_arr_size(list)))
		return;
	yyjson_arr_foreach (list, i, n, v)
		read_name(&c, v, problem_index(s->arena, path, i));
	take(&c, out);
}

static void read_tag(struct spec *s, yyjson_val *v, struct str path, struct action *out)
{
	struct changes c;
	struct buf array = buf_in(s->arena);
	spec_judge_name(s->problems, path, json_str(v));
	buf_char(&array, '[');
	buf_json_str(&array, json_str(v));
	buf_char(&array, ']');
	s->refused |= array.failed;
	if (!make_room(&c, s, 1))
		return;
	c.list[c.n++] = (struct attribute_change){
		.verb = out->kind == ACTION_ADD_TAG ? ATTRIBUTE_UNION : ATTRIBUTE_WITHOUT,
		.name = STR("tags"),
		.json = buf_str(&array),
	};
	take(&c, out);
}

/* --- Recording --- */

enum { DEFINITION, PROPERTIES, N_RECORD };

static const struct spec_member record[N_RECORD] = {
	[DEFINITION] = { STR_INIT("definition"), SPEC_STRING, true, 1, DEFINITION_NAME_MAX },
	[PROPERTIES] = { STR_INIT("properties"), SPEC_OBJECT },
};

static void read_record(struct spec *s, yyjson_val *object, struct str path, struct action *out)
{
	size_t i, n;
	yyjson_val *key, *unused, *v[N_RECORD];
	spec_read(s, object, path, record, N_RECORD, v);
	path = spec_path(s, path, record[PROPERTIES].name);
	json_foreach_member (v[PROPERTIES], i, n, key, unused)
		if (!is_member(json_str(key)))
			judge_member(s, spec_path(s, path, json_str(key)), json_str(key));
	if (v[DEFINITION])
		out->definition = spec_copy(s, json_str(v[DEFINITION]));
	out->properties = v[PROPERTIES];
}

/* --- All --- */

static void read_kind(struct spec *s, yyjson_val *v, struct str path, struct action *out)
{
	switch (out->kind) {
	case ACTION_SEND:
		out->destination = spec_copy(s, json_str(v));
		break;
	case ACTION_SET_ATTRIBUTES:
		read_set(s, v, path, out);
		break;
	case ACTION_REMOVE_ATTRIBUTES:
		read_remove(s, v, path, out);
		break;
	case ACTION_ADD_TAG:
	case ACTION_REMOVE_TAG:
		read_tag(s, v, path, out);
		break;
	case ACTION_RECORD:
		read_record(s, v, path, out);
		break;
	case ACTIONS:
		break;
	}
}

static void read_body(struct spec *s, yyjson_val *body, struct str path, struct action *out)
{
	if (out->kind == ACTION_SEND)
		out->body = spec_copy(s, json_str(body));
	else
		problem_at(s->problems, PROBLEM_CLASH, spec_path(s, path, members[BODY].name),
			   .rule = members[out->kind].name.p);
}

void action_read(struct spec *s, yyjson_val *v, struct str path, struct action *out)
{
	yyjson_val *values[N_MEMBERS];
	unsigned before = s->problems->found, n = 0;
	*out = (struct action){ .kind = ACTION_SEND };
	spec_read(s, v, path, members, N_MEMBERS, values);
	if (s->problems->found != before)
		return;
	for (unsigned i = 0; i < ACTIONS; i++) {
		out->kind = values[i] ? (enum action_kind)i : out->kind;
		n += values[i] != NULL;
	}
	if (n != 1)
		problem_at(s->problems, PROBLEM_ALTERNATIVES, path, .rule = KIND_NAMES);
	else
		read_kind(s, values[out->kind], spec_path(s, path, members[out->kind].name), out);
	if (n == 1 && values[BODY])
		read_body(s, values[BODY], path, out);
}

/* --- Judging --- */

static void judge_custom(const struct action *a, const struct workspace *w, struct str path,
			 struct spec *s)
{
	size_t i, n;
	yyjson_val *key, *v;
	if (!w->contact_fields || w->contact_fields->n == 0)
		return;
	json_foreach_member (a->custom, i, n, key, v) {
		const struct contact_field *f = workspace_contact_field(w, json_str(key));
		if (!f)
			problem_at(s->problems, PROBLEM_UNKNOWN_FIELD,
				   spec_path(s, path, json_str(key)));
		else if (f->typed && !(value_fits(v, POLICY) & FIELD_BIT(f->type)))
			problem_at(s->problems, PROBLEM_FIELD_TYPE,
				   spec_path(s, path, json_str(key)),
				   .rule = field_type_name(f->type), .actual = json_type_name(v));
	}
}

/* What an inferred definition, or one without fields, does not name is free. */
static void judge_record(const struct action *a, const struct workspace *w, struct str path,
			 struct spec *s)
{
	const struct definition *d = workspace_definition(w, a->definition);
	bool free = d && (d->inferred || d->n_fields == 0);
	if (!d)
		problem_at(s->problems, PROBLEM_UNKNOWN_DEFINITION,
			   spec_path(s, path, record[DEFINITION].name));
	else
		check_properties(d, a->properties,
				 POLICY | CHECK_REQUIRED | (free ? 0 : CHECK_UNKNOWN), s->arena,
				 spec_path(s, path, record[PROPERTIES].name), s->problems);
}

void action_judge(const struct action *a, const struct workspace *w, struct str path,
		  struct spec *s)
{
	struct str at = spec_path(s, path, members[a->kind].name);
	if (a->custom)
		judge_custom(a, w, spec_path(s, at, attributes[CUSTOM].name), s);
	if (a->kind == ACTION_RECORD)
		judge_record(a, w, at, s);
}
