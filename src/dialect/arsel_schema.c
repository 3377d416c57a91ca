/*
 * The fields of an event definition as Arsel writes them: {"fields":[{"name","type","required"}]}.
 *
 * Arsel has four types; what other dialects declare is shown as the nearest of them, an object or
 * array as such. A client that reads a definition, changes a word and writes it back must not make
 * them coarser: a field that comes back with the type it was shown under keeps its own, and it may
 * have a name that Arsel would not give.
 */
#include "dialect/arsel_private.h"

#include <stdlib.h>

enum { NAME, TYPE, REQUIRED, N_MEMBERS };
enum { NAME_MAX_POINTS = 64 };

static bool form_name(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i], lower = (char)(c | 0x20);
		bool letter = (lower >= 'a' && lower <= 'z') || c == '_';
		if (!letter && (i == 0 || c < '0' || c > '9'))
			return false;
	}
	return true;
}

static const struct shape_member members[N_MEMBERS] = {
	[NAME] = { STR_INIT("name"), SHAPE_STRING,
		   SHAPE_REQUIRED | SHAPE_NULL_ABSENT | SHAPE_NOT_EMPTY, 0, NULL, NULL },
	[TYPE] = { STR_INIT("type"), SHAPE_STRING, SHAPE_REQUIRED | SHAPE_NULL_ABSENT, 0, NULL,
		   NULL },
	[REQUIRED] = { STR_INIT("required"), SHAPE_BOOLEAN, SHAPE_REQUIRED | SHAPE_NULL_ABSENT, 0,
		       NULL, NULL },
};

/* Indexed by enum field_type. */
static const struct str type_names[FIELD_TYPES] = {
	[FIELD_STRING] = STR_INIT("string"),  [FIELD_BOOLEAN] = STR_INIT("boolean"),
	[FIELD_INTEGER] = STR_INIT("number"), [FIELD_NUMBER] = STR_INIT("number"),
	[FIELD_DATE] = STR_INIT("date"),      [FIELD_DATETIME] = STR_INIT("date"),
	[FIELD_EMAIL] = STR_INIT("string"),   [FIELD_URL] = STR_INIT("string"),
	[FIELD_OBJECT] = STR_INIT("object"),  [FIELD_ARRAY] = STR_INIT("array"),
};

struct str arsel_type_name(enum field_type type)
{
	return type_names[type];
}

bool arsel_type_parse(struct str name, enum field_type *out)
{
	static const enum field_type types[] = { FIELD_STRING, FIELD_NUMBER, FIELD_BOOLEAN,
						 FIELD_DATE };
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		if (!str_eq(type_names[types[i]], name))
			continue;
		*out = types[i];
		return true;
	}
	return false;
}

/* The fields inside, copied: the catalog may let go of theirs before they are stored. */
static bool copy_nested(struct arena *a, const struct field *from, struct field *to)
{
	struct problems ps = { 0 };
	struct buf text = buf_in(a);
	yyjson_val *v;
	if (from->n_fields == 0)
		return true;
	fields_put_json(&text, from->fields, from->n_fields);
	return !text.failed && json_parse(a, buf_str(&text), &v, NULL) == JSON_OK &&
	       fields_from_json(a, v, &ps, &to->fields, &to->n_fields);
}

/* Of a field that is new. */
static void judge_name(struct call *call, struct str path, struct str name)
{
	size_t size = str_code_points(name);
	if (size > NAME_MAX_POINTS)
		problem_at(&call->problems, PROBLEM_TOO_LONG, path, .limit = NAME_MAX_POINTS,
			   .size = (int64_t)size);
	else if (!form_name(name))
		problem_at(&call->problems, PROBLEM_NAME, path,
			   .rule = "must match /^[A-Za-z_][A-Za-z0-9_]*$/ regular expression");
}

static bool take_type(struct call *call, struct str path, struct str given, const struct field *was,
		      struct field *f)
{
	if (was && str_eq(type_names[was->type], given)) {
		f->type = was->type;
		return copy_nested(&call->req->arena, was, f);
	}
	if (!arsel_type_parse(given, &f->type))
		problem_at(&call->problems, PROBLEM_VALUE,
			   problem_path(&call->req->arena, path, STR("type")));
	return true;
}

static bool read_field(struct call *call, yyjson_val *item, struct str path,
		       const struct definition *old, struct field *f)
{
	yyjson_val *v[N_MEMBERS];
	struct arena *a = &call->req->arena;
	if (!yyjson_is_obj(item)) {
		problem_at(&call->problems, PROBLEM_TYPE, path);
		return true;
	}
	shape_read(call, item, path, members, N_MEMBERS, false, v);
	if (v[NAME])
		f->name = json_str(v[NAME]);
	const struct field *was = old && f->name.p ? definition_field(old, f->name) : NULL;
	if (f->name.p && !was)
		judge_name(call, problem_path(a, path, STR("name")), f->name);
	f->required = yyjson_is_true(v[REQUIRED]);
	return !v[TYPE] || take_type(call, path, json_str(v[TYPE]), was, f);
}

static int compare_names(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* Sorted, so that a thousand names need no million comparisons. */
static bool judge_unique(struct call *call, const struct field *fields, unsigned n)
{
	struct str *names = arena_array(&call->req->arena, struct str, n);
	if (!names)
		return false;
	for (unsigned i = 0; i < n; i++)
		names[i] = fields[i].name;
	qsort(names, n, sizeof(*names), compare_names);
	for (unsigned i = 1; i < n; i++) {
		if (names[i].n == 0 || !str_eq(names[i - 1], names[i]))
			continue;
		problem_at(&call->problems, PROBLEM_NAME, STR("schema.fields"),
			   .rule = "must have unique names");
		return true;
	}
	return true;
}

static bool read_fields(struct call *call, yyjson_val *list, const struct definition *old,
			struct definition *define)
{
	struct arena *a = &call->req->arena;
	size_t n = yyjson_arr_size(list), i, max;
	struct field *fields = arena_array(a, struct field, n);
	yyjson_val *item;
	bool good = fields;
	yyjson_arr_foreach (list, i, max, item) {
		struct str path = problem_index(a, STR("schema.fields"), i);
		good = good && read_field(call, item, path, old, &fields[i]);
	}
	define->fields = fields;
	define->n_fields = (unsigned)n;
	return good && judge_unique(call, fields, (unsigned)n);
}

bool arsel_schema_read(struct call *call, yyjson_val *schema, const struct definition *old,
		       struct definition *define)
{
	yyjson_val *list = json_get(schema, STR("fields"));
	if (!list || yyjson_is_null(list))
		return true;
	if (!yyjson_is_arr(list)) {
		problem_at(&call->problems, PROBLEM_TYPE, STR("schema.fields"), .rule = "array");
		return true;
	}
	if (yyjson_arr_size(list) > DEFINITION_FIELDS_MAX) {
		problem_at(&call->problems, PROBLEM_TOO_MANY, STR("schema.fields"), .rule = "items",
			   .limit = DEFINITION_FIELDS_MAX);
		return true;
	}
	return read_fields(call, list, old, define);
}

void arsel_schema_put(struct buf *b, const struct definition *d)
{
	buf_lit(b, ",\"schema\":{\"fields\":[");
	for (unsigned i = 0; i < d->n_fields; i++) {
		const struct field *f = &d->fields[i];
		buf_put(b, i ? STR(",{\"name\":") : STR("{\"name\":"));
		buf_json_str(b, f->name);
		buf_lit(b, ",\"type\":\"");
		buf_put(b, type_names[f->type]);
		buf_printf(b, "\",\"required\":%s}", f->required ? "true" : "false");
	}
	buf_lit(b, "]}");
}
