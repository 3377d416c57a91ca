/*
 * The fields of a definition as Infobip writes them:
 *   {"name":"items","type":"List","schema":{"type":"Object","fields":[{"name":...,"type":...}]}}
 * and how they meet the fields that are there already: nothing of those changes or goes. Names are
 * unique without regard to letter case, and of Lists there is at most one, at the top.
 */
#include "dialect/infobip_private.h"

enum { FIELDS_MAX = 120, NESTED_MAX = 128, LISTS_MAX = 1 };

/* How each of our types shows. The first of a name is what that name means when it is new. */
static const struct {
	const char *name, *phrase;
} types[FIELD_TYPES] = {
	[FIELD_STRING] = { "String", "a String" },
	[FIELD_BOOLEAN] = { "Boolean", "a Boolean" },
	[FIELD_INTEGER] = { "Numeric", "a Numeric" },
	[FIELD_NUMBER] = { "Decimal", "a Decimal" },
	[FIELD_DATE] = { "DateTime", "a DateTime" },
	[FIELD_DATETIME] = { "DateTime", "a DateTime" },
	[FIELD_EMAIL] = { "String", "an e-mail address" },
	[FIELD_URL] = { "String", "an http or https URL" },
	[FIELD_OBJECT] = { "Object", "an Object" },
	[FIELD_ARRAY] = { "List", "a List" },
};

static const enum field_type offered[] = { FIELD_STRING, FIELD_BOOLEAN,  FIELD_INTEGER,
					   FIELD_NUMBER, FIELD_DATETIME, FIELD_ARRAY };

const char *infobip_type_phrase(enum field_type type)
{
	return types[type].phrase;
}

/* --- Out --- */

static void put_field(struct buf *b, const struct field *f)
{
	buf_lit(b, "{\"name\":");
	buf_json_str(b, f->name);
	buf_printf(b, ",\"type\":\"%s\"", types[f->type].name);
	if (f->type == FIELD_ARRAY || f->type == FIELD_OBJECT) {
		buf_lit(b, ",\"schema\":{\"type\":\"Object\",\"fields\":");
		infobip_fields_put(b, f->fields, f->n_fields);
		buf_char(b, '}');
	}
	buf_char(b, '}');
}

void infobip_fields_put(struct buf *b, const struct field *fields, unsigned n)
{
	buf_char(b, '[');
	for (unsigned i = 0; i < n; i++) {
		if (i > 0)
			buf_char(b, ',');
		put_field(b, &fields[i]);
	}
	buf_char(b, ']');
}

/* --- In --- */

enum { NAME, TYPE, SCHEMA, N_MEMBERS };
enum { SCHEMA_TYPE, SCHEMA_FIELDS, N_SCHEMA };

static bool form_name(struct str s)
{
	if ((s.p[0] < 'a' || s.p[0] > 'z') && s.p[0] != '_')
		return false;
	for (size_t i = 1; i < s.n; i++) {
		char c = s.p[i];
		if ((c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') &&
		    c != '_')
			return false;
	}
	return true;
}

static const struct shape_member members[N_MEMBERS] = {
	[NAME] = { STR_INIT("name"), SHAPE_STRING, SHAPE_REQUIRED | SHAPE_NOT_EMPTY, FIELD_NAME_MAX,
		   form_name, "name: a lower-case letter or _, then letters, digits and _" },
	[TYPE] = { STR_INIT("type"), SHAPE_STRING, SHAPE_REQUIRED },
	[SCHEMA] = { STR_INIT("schema"), SHAPE_OBJECT, SHAPE_NULL_ABSENT },
};

static const struct shape_member schema_members[N_SCHEMA] = {
	[SCHEMA_TYPE] = { STR_INIT("type"), SHAPE_STRING, SHAPE_REQUIRED },
	[SCHEMA_FIELDS] = { STR_INIT("fields"), SHAPE_ARRAY, SHAPE_REQUIRED },
};

/* Fields under construction: the old ones first, behind them room for all that are read. */
struct fields {
	struct field *list;
	bool *listed; /* of each old one: it has been named */
	unsigned n, n_old, room;
	bool nested;
	struct str path;
};

static enum refusal read_fields(struct call *call, struct fields *into, const struct field *old,
				unsigned n_old, yyjson_val *list);

/* An old field outlives neither the catalog nor the request: it is copied. */
static bool copy_fields(struct arena *a, const struct field *from, unsigned n, unsigned more,
			struct field **out)
{
	struct field *list = arena_array(a, struct field, n + more + 1);
	*out = list;
	for (unsigned i = 0; list && i < n; i++) {
		struct field *inside;
		list[i] = from[i];
		list[i].name = arena_str(a, from[i].name);
		if (!list[i].name.p ||
		    !copy_fields(a, from[i].fields, from[i].n_fields, 0, &inside))
			return false;
		list[i].fields = inside;
	}
	return list;
}

static struct str path_to(struct call *call, struct str at, const struct shape_member *m)
{
	return problem_path(&call->req->arena, at, m->name);
}

static bool parse_type(struct str name, enum field_type *out)
{
	for (size_t i = 0; i < ARRAY_LEN(offered); i++) {
		*out = offered[i];
		if (str_eq(str_of(types[offered[i]].name), name))
			return true;
	}
	return false;
}

/* The field of that name, or else one that differs in letter case only, as there may be several of
 * where they came another way; NULL: none. */
static struct field *find(const struct fields *f, struct str name)
{
	struct field *like = NULL;
	for (unsigned i = 0; i < f->n; i++) {
		if (str_eq(f->list[i].name, name))
			return &f->list[i];
		if (!like && str_eq_nocase(f->list[i].name, name))
			like = &f->list[i];
	}
	return like;
}

/* The schema of a List, or of an old Object, into field->fields. */
static enum refusal read_schema(struct call *call, struct field *field, yyjson_val *schema,
				struct str at)
{
	yyjson_val *v[N_SCHEMA];
	struct str path = path_to(call, at, &members[SCHEMA]);
	shape_read(call, schema, path, schema_members, N_SCHEMA, true, v);
	if (v[SCHEMA_TYPE] && !str_eq(json_str(v[SCHEMA_TYPE]), STR("Object")))
		problem_at(&call->problems, PROBLEM_VALUE,
			   path_to(call, path, &schema_members[SCHEMA_TYPE]), .rule = "Object");
	if (!v[SCHEMA_FIELDS])
		return infobip_so_far(call);
	struct fields inside = { .nested = true,
				 .path = path_to(call, path, &schema_members[SCHEMA_FIELDS]) };
	enum refusal why =
		read_fields(call, &inside, field->fields, field->n_fields, v[SCHEMA_FIELDS]);
	field->fields = inside.list;
	field->n_fields = inside.n;
	return why;
}

static bool has_schema(enum field_type type)
{
	return type == FIELD_ARRAY || type == FIELD_OBJECT;
}

/* Listed again: it may only be what it is, or hold more. */
static enum refusal read_old(struct call *call, struct field *old, yyjson_val **v, struct str at)
{
	if (!str_eq(str_of(types[old->type].name), json_str(v[TYPE]))) {
		problem_at(&call->problems, PROBLEM_FIELD_TYPE, path_to(call, at, &members[TYPE]),
			   .rule = field_type_name(old->type));
		return REFUSE_PROBLEMS;
	}
	bool anything = old->n_fields == 0; /* in it, and so it must stay */
	if (v[SCHEMA] && has_schema(old->type)) {
		enum refusal why = read_schema(call, old, v[SCHEMA], at);
		if (anything && old->n_fields > 0)
			problem_at(&call->problems, PROBLEM_FIELD_TYPE,
				   path_to(call, at, &members[SCHEMA]),
				   .rule = field_type_name(old->type));
		return why;
	}
	if (v[SCHEMA])
		problem_at(&call->problems, PROBLEM_UNKNOWN_MEMBER,
			   path_to(call, at, &members[SCHEMA]));
	return infobip_so_far(call);
}

static enum refusal read_new(struct call *call, struct fields *into, yyjson_val **v, struct str at)
{
	must(into->n < into->room);
	struct field *field = &into->list[into->n++];
	struct str schema = path_to(call, at, &members[SCHEMA]);
	*field = (struct field){ .name = json_str(v[NAME]) };
	if (!parse_type(json_str(v[TYPE]), &field->type) ||
	    (into->nested && field->type == FIELD_ARRAY)) {
		problem_at(&call->problems, PROBLEM_VALUE, path_to(call, at, &members[TYPE]),
			   .rule = into->nested ? "String, Boolean, DateTime, Numeric, Decimal"
						: "String, Boolean, DateTime, Numeric, Decimal, "
						  "List");
		return REFUSE_PROBLEMS;
	}
	bool list = field->type == FIELD_ARRAY;
	if (list && v[SCHEMA]) {
		enum refusal why = read_schema(call, field, v[SCHEMA], at);
		if (!why && field->n_fields == 0)
			problem_at(&call->problems, PROBLEM_EMPTY, schema);
		return why;
	}
	if (list)
		problem_at(&call->problems, PROBLEM_REQUIRED, schema);
	else if (v[SCHEMA])
		problem_at(&call->problems, PROBLEM_UNKNOWN_MEMBER, schema);
	return infobip_so_far(call);
}

/* An old field may be named once, as it is written; everything else must have a name of its own. */
static bool may_be_old(const struct fields *f, const struct field *there, yyjson_val *name)
{
	return there && there < f->list + f->n_old && !f->listed[there - f->list] &&
	       str_eq(there->name, json_str(name));
}

static enum refusal read_field(struct call *call, struct fields *into, yyjson_val *field,
			       struct str at)
{
	yyjson_val *v[N_MEMBERS];
	if (!yyjson_is_obj(field)) {
		problem_at(&call->problems, PROBLEM_TYPE, at, .rule = "object",
			   .actual = json_type_name(field));
		return REFUSE_PROBLEMS;
	}
	struct field *there = NULL;
	yyjson_val *name = json_get(field, members[NAME].name);
	if (yyjson_is_str(name))
		there = find(into, json_str(name));
	bool old = may_be_old(into, there, name);
	struct shape_member shape[N_MEMBERS];
	memcpy(shape, members, sizeof(members));
	if (old)
		shape[NAME].valid = NULL; /* its name was taken elsewhere, under other rules */
	shape_read(call, field, at, shape, N_MEMBERS, true, v);
	if (!v[NAME] || !v[TYPE])
		return REFUSE_PROBLEMS;
	if (old) {
		into->listed[there - into->list] = true;
		return read_old(call, there, v, at);
	}
	if (there) {
		problem_at(&call->problems, PROBLEM_NAME, path_to(call, at, &members[NAME]),
			   .rule = "another field has it, letter case aside");
		return REFUSE_PROBLEMS;
	}
	return read_new(call, into, v, at);
}

static void judge_counts(struct call *call, const struct fields *f)
{
	unsigned lists = 0, old_lists = 0, max = f->nested ? NESTED_MAX : FIELDS_MAX;
	for (unsigned i = 0; i < f->n; i++) {
		bool is_list = f->list[i].type == FIELD_ARRAY;
		lists += is_list;
		old_lists += is_list && i < f->n_old;
	}
	/* What was there before, and came another way, may be more. */
	if (f->n > max && f->n > f->n_old)
		problem_at(&call->problems, PROBLEM_TOO_MANY, f->path, .rule = "fields",
			   .limit = max, .size = f->n);
	if (lists > LISTS_MAX && lists > old_lists)
		problem_at(&call->problems, PROBLEM_TOO_MANY, f->path, .rule = "Lists",
			   .limit = LISTS_MAX, .size = lists);
}

/* Room for a list that repeats all old fields and adds as many as there may be; a longer one is
 * refused. */
static enum refusal make_room(struct call *call, struct fields *into, const struct field *old,
			      unsigned n_old, size_t more)
{
	unsigned max = into->nested ? NESTED_MAX : FIELDS_MAX;
	if (more > max + n_old) {
		problem_at(&call->problems, PROBLEM_TOO_MANY, into->path, .rule = "fields",
			   .limit = max, .size = (int64_t)more);
		return REFUSE_PROBLEMS;
	}
	into->listed = arena_array(&call->req->arena, bool, n_old);
	if (!into->listed ||
	    !copy_fields(&call->req->arena, old, n_old, (unsigned)more, &into->list))
		return REFUSE_OVERLOADED;
	into->n = into->n_old = n_old;
	into->room = n_old + (unsigned)more;
	return REFUSE_NOTHING;
}

static enum refusal read_fields(struct call *call, struct fields *into, const struct field *old,
				unsigned n_old, yyjson_val *list)
{
	size_t i, n;
	yyjson_val *v;
	enum refusal why = make_room(call, into, old, n_old, yyjson_arr_size(list));
	if (why)
		return why;
	yyjson_arr_foreach (list, i, n, v) {
		struct str at = problem_index(&call->req->arena, into->path, i);
		if (read_field(call, into, v, at) == REFUSE_OVERLOADED)
			return REFUSE_OVERLOADED;
	}
	judge_counts(call, into);
	return infobip_so_far(call);
}

enum refusal infobip_fields_read(struct call *call, yyjson_val *list, const struct field *old,
				 unsigned n_old, const struct field **out, unsigned *n)
{
	struct fields f = { .path = STR("fields") };
	enum refusal why = read_fields(call, &f, old, n_old, list);
	*out = f.list;
	*n = f.n;
	return why;
}
