/*
 * The properties of a scheme as the dated API writes them (omnisend.md 2.5), which knows other
 * types than the events' own pages: e-mails and addresses are strings there, instants are dates,
 * and lists tell what is in them.
 */
#include "base/json_index.h"
#include "dialect/omnisend_private.h"

enum { LABEL_MAX = 255, DESCRIPTION_MAX = 2000 };

static const struct {
	struct str name;
	enum field_type type;
} types[] = {
	{ STR_INIT("string"), FIELD_STRING },   { STR_INIT("stringList"), FIELD_ARRAY },
	{ STR_INIT("integer"), FIELD_INTEGER }, { STR_INIT("integerList"), FIELD_ARRAY },
	{ STR_INIT("float"), FIELD_NUMBER },    { STR_INIT("floatList"), FIELD_ARRAY },
	{ STR_INIT("boolean"), FIELD_BOOLEAN }, { STR_INIT("booleanList"), FIELD_ARRAY },
	{ STR_INIT("date"), FIELD_DATE },       { STR_INIT("dateList"), FIELD_ARRAY },
	{ STR_INIT("struct"), FIELD_OBJECT },   { STR_INIT("structList"), FIELD_ARRAY },
};

static const char type_rule[] = "string, stringList, integer, integerList, float, floatList, "
				"boolean, booleanList, date, dateList, struct, structList";

/* How a type shows of which nothing is kept. */
static const struct str shown[FIELD_TYPES] = {
	[FIELD_STRING] = STR_INIT("string"),   [FIELD_BOOLEAN] = STR_INIT("boolean"),
	[FIELD_INTEGER] = STR_INIT("integer"), [FIELD_NUMBER] = STR_INIT("float"),
	[FIELD_DATE] = STR_INIT("date"),       [FIELD_DATETIME] = STR_INIT("date"),
	[FIELD_EMAIL] = STR_INIT("string"),    [FIELD_URL] = STR_INIT("string"),
	[FIELD_OBJECT] = STR_INIT("struct"),   [FIELD_ARRAY] = STR_INIT("stringList"),
};

enum { TYPE, DISPLAY_NAME, GROUP, DESCRIPTION, PROPERTIES, N_MEMBERS };

static const struct shape_member members[N_MEMBERS] = {
	[TYPE] = { STR_INIT("type"), SHAPE_STRING, SHAPE_REQUIRED },
	[DISPLAY_NAME] = { STR_INIT("displayName"), SHAPE_STRING, .max = LABEL_MAX },
	[GROUP] = { STR_INIT("group"), SHAPE_STRING, .max = LABEL_MAX },
	[DESCRIPTION] = { STR_INIT("description"), SHAPE_STRING, .max = DESCRIPTION_MAX },
	[PROPERTIES] = { STR_INIT("properties"), SHAPE_OBJECT },
};

static bool parse_type(struct str name, enum field_type *out)
{
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		*out = types[i].type;
		if (str_eq(types[i].name, name))
			return true;
	}
	return false;
}

/* The type that is kept of a field, as long as the field is still of it; .p NULL: none. */
static struct str kept_type(const struct field *f, yyjson_val *kept)
{
	enum field_type type;
	struct str name = json_str(json_get(kept, members[TYPE].name));
	bool good = name.p && parse_type(name, &type) && type == f->type;
	return good ? name : (struct str){ 0 };
}

static struct str type_of(const struct field *f, yyjson_val *kept)
{
	struct str name = kept_type(f, kept);
	if (name.p)
		return name;
	return f->type == FIELD_ARRAY && f->n_fields ? STR("structList") : shown[f->type];
}

/* --- In --- */

struct level {
	const struct field *old;
	const uint16_t *by_name;
	unsigned n_old;
	yyjson_val *kept;
	struct json_index kept_of; /* its members; read_level() makes it */
	struct str path;
	unsigned depth; /* the outermost is 1 */
};

static struct str path_to(struct call *call, struct str at, unsigned member)
{
	return problem_path(&call->req->arena, at, members[member].name);
}

static void clash(struct call *call, struct str at, const struct field *old)
{
	problem_at(&call->problems, PROBLEM_FIELD_TYPE, path_to(call, at, TYPE),
		   .rule = field_type_name(old->type));
}

/* A list of which nothing is known may still become a list of something. */
static bool is_same(const struct field *old, yyjson_val *kept, enum field_type type,
		    struct str name)
{
	bool any_list = old->type == FIELD_ARRAY && !old->n_fields && !kept_type(old, kept).p;
	return any_list ? type == FIELD_ARRAY : str_eq(type_of(old, kept), name);
}

static bool read_level(struct call *call, yyjson_val *map, struct level *at,
		       const struct field **fields, unsigned *n);

/* What a struct holds. Where anything may be inside it so far, it must stay. */
static bool read_inside(struct call *call, yyjson_val *map, const struct level *at,
			const struct field *old, struct str path, struct field *f)
{
	static const struct field nothing = { 0 };
	const struct field *there = old ?: &nothing;
	struct level inside = {
		.old = there->fields,
		.by_name = there->by_name,
		.n_old = there->n_fields,
		.kept = json_get(json_index_get(&at->kept_of, f->name), members[PROPERTIES].name),
		.path = path_to(call, path, PROPERTIES),
		.depth = at->depth + 1,
	};
	if (inside.depth > FIELD_DEPTH_MAX) {
		problem_at(&call->problems, PROBLEM_NESTED, inside.path, .actual = "object",
			   .limit = FIELD_DEPTH_MAX);
		return true;
	}
	if (old && !old->n_fields && yyjson_obj_size(map) > 0)
		clash(call, path, old);
	return read_level(call, map, &inside, &f->fields, &f->n_fields);
}

/* False: memory is refused. */
static bool read_property(struct call *call, yyjson_val *said, const struct level *at,
			  const struct field *old, struct field *f)
{
	yyjson_val *v[N_MEMBERS];
	struct str path = problem_path(&call->req->arena, at->path, f->name);
	if (!yyjson_is_obj(said)) {
		problem_at(&call->problems, PROBLEM_TYPE, path, .rule = "object",
			   .actual = json_type_name(said));
		return true;
	}
	shape_read(call, said, path, members, N_MEMBERS, false, v);
	struct str name = v[TYPE] ? json_str(v[TYPE]) : STR("");
	if (!v[TYPE])
		return true;
	if (!parse_type(name, &f->type)) {
		problem_at(&call->problems, PROBLEM_VALUE, path_to(call, path, TYPE),
			   .rule = type_rule);
		return true;
	}
	if (old && !is_same(old, json_index_get(&at->kept_of, f->name), f->type, name))
		clash(call, path, old);
	else if (old)
		f->type = old->type; /* a date may be an instant, a string an e-mail */
	if (!v[PROPERTIES])
		return true;
	if (str_starts(name, STR("struct")))
		return read_inside(call, v[PROPERTIES], at, old, path, f);
	problem_at(&call->problems, PROBLEM_UNKNOWN_MEMBER, path_to(call, path, PROPERTIES));
	return true;
}

static bool read_level(struct call *call, yyjson_val *map, struct level *at,
		       const struct field **fields, unsigned *n)
{
	size_t i, max = yyjson_obj_size(map);
	yyjson_val *key, *v;
	if (max > DEFINITION_FIELDS_MAX) {
		problem_at(&call->problems, PROBLEM_TOO_MANY, at->path,
			   .limit = DEFINITION_FIELDS_MAX, .size = (int64_t)max);
		return true;
	}
	struct field *list = arena_array(&call->req->arena, struct field, max + 1);
	*fields = list;
	if (!list || !json_index_make(&call->req->arena, at->kept, &at->kept_of))
		return false;
	json_foreach_member (map, i, max, key, v) {
		struct field *f = &list[(*n)++];
		f->name = json_str(key);
		/* One that is there may have a name that only other dialects give. */
		const struct field *old = field_search(at->old, at->by_name, at->n_old, f->name);
		bool good = old || omnisend_name(call, f->name, at->path);
		if (good && !read_property(call, v, at, old, f))
			return false;
	}
	return true;
}

enum refusal omnisend_scheme_read(struct call *call, yyjson_val *said, const struct definition *old,
				  yyjson_val *kept, struct definition *out)
{
	struct level top = {
		.old = old ? old->fields : NULL,
		.by_name = old ? old->by_name : NULL,
		.n_old = old ? old->n_fields : 0,
		.kept = json_get(kept, members[PROPERTIES].name),
		.path = members[PROPERTIES].name,
		.depth = 1,
	};
	bool good = read_level(call, said, &top, &out->fields, &out->n_fields);
	return good ? REFUSE_NOTHING : REFUSE_OVERLOADED;
}

/* --- Kept --- */

static void keep_property(struct buf *b, struct str name, yyjson_val *kept, yyjson_val *said)
{
	char between = '{';
	buf_json_str(b, name);
	buf_char(b, ':');
	for (unsigned m = 0; m < PROPERTIES; m++) {
		yyjson_val *v = json_get(said, members[m].name) ?: json_get(kept, members[m].name);
		if (!v)
			continue;
		buf_char(b, between);
		buf_json_str(b, members[m].name);
		buf_char(b, ':');
		json_put(b, v);
		between = ',';
	}
	if (between == '{') /* never of our making: a type is always said */
		buf_lit(b, "{\"type\":null");
	yyjson_val *was = json_get(kept, members[PROPERTIES].name);
	yyjson_val *is = json_get(said, members[PROPERTIES].name);
	if (was || is) {
		buf_lit(b, ",\"properties\":");
		omnisend_scheme_keep(b, was, is);
	}
	buf_char(b, '}');
}

static void keep_properties(struct buf *b, yyjson_val *kept, yyjson_val *said,
			    const struct json_index *kept_of, const struct json_index *said_of)
{
	size_t i, max;
	yyjson_val *key, *v;
	unsigned n = 0;
	buf_char(b, '{');
	json_foreach_member (kept, i, max, key, v) {
		if (n++)
			buf_char(b, ',');
		keep_property(b, json_str(key), v, json_index_get(said_of, json_str(key)));
	}
	json_foreach_member (said, i, max, key, v) {
		if (json_index_get(kept_of, json_str(key)))
			continue;
		if (n++)
			buf_char(b, ',');
		keep_property(b, json_str(key), NULL, v);
	}
	buf_char(b, '}');
}

void omnisend_scheme_keep(struct buf *b, yyjson_val *kept, yyjson_val *said)
{
	struct json_index kept_of, said_of;
	if (json_index_make(b->arena, kept, &kept_of) && json_index_make(b->arena, said, &said_of))
		keep_properties(b, kept, said, &kept_of, &said_of);
	else
		b->failed = true;
}

/* --- Out --- */

static void put_property(struct buf *b, const struct field *f, yyjson_val *kept)
{
	struct str type = type_of(f, kept);
	buf_json_str(b, f->name);
	buf_lit(b, ":{\"type\":");
	buf_json_str(b, type);
	for (unsigned m = DISPLAY_NAME; m <= DESCRIPTION; m++) {
		struct str text = json_str(json_get(kept, members[m].name));
		if (!text.p)
			continue;
		buf_char(b, ',');
		buf_json_str(b, members[m].name);
		buf_char(b, ':');
		buf_json_str(b, text);
	}
	if (str_starts(type, STR("struct"))) {
		buf_lit(b, ",\"properties\":");
		omnisend_scheme_put(b, f->fields, f->n_fields,
				    json_get(kept, members[PROPERTIES].name));
	}
	buf_char(b, '}');
}

void omnisend_scheme_put(struct buf *b, const struct field *fields, unsigned n, yyjson_val *kept)
{
	struct json_index kept_of;
	if (!json_index_make(b->arena, kept, &kept_of)) {
		b->failed = true;
		return;
	}
	buf_char(b, '{');
	for (unsigned i = 0; i < n; i++) {
		if (i > 0)
			buf_char(b, ',');
		put_property(b, &fields[i], json_index_get(&kept_of, fields[i].name));
	}
	buf_char(b, '}');
}
