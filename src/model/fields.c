/* The part of definition.h that turns fields into JSON and back. */
#include "model/definition.h"

static void put_field(struct buf *b, const struct field *f)
{
	buf_lit(b, "{\"name\":");
	buf_json_str(b, f->name);
	buf_printf(b, ",\"type\":\"%s\",\"required\":%s", field_type_name(f->type),
		   f->required ? "true" : "false");
	if (f->n_fields) {
		buf_lit(b, ",\"fields\":");
		fields_put_json(b, f->fields, f->n_fields);
	}
	buf_char(b, '}');
}

void fields_put_json(struct buf *b, const struct field *fields, unsigned n)
{
	buf_char(b, '[');
	for (unsigned i = 0; i < n; i++) {
		if (i > 0)
			buf_char(b, ',');
		put_field(b, &fields[i]);
	}
	buf_char(b, ']');
}

struct reader {
	struct arena *a;
	struct problems *ps;
	bool refused; /* memory was */
};

/* The members of one field; `path` is the field's own. */
struct field_members {
	struct str path;
	yyjson_val *name, *type, *required, *fields; /* NULL: absent or null */
};

static void read_level(struct reader *r, yyjson_val *v, struct str path, unsigned depth,
		       const struct field **fields, unsigned *n);

static struct str member_path(struct reader *r, struct str path, struct str name)
{
	/* A problem that is only counted is not worth the memory of a path. */
	return r->ps->n < PROBLEMS_MAX ? problem_path(r->a, path, name) : path;
}

static void split_members(struct reader *r, yyjson_val *v, struct field_members *m)
{
	const struct {
		struct str name;
		yyjson_val **at;
	} known[] = {
		{ STR("name"), &m->name },
		{ STR("type"), &m->type },
		{ STR("required"), &m->required },
		{ STR("fields"), &m->fields },
	};
	size_t i, max;
	yyjson_val *key, *value;
	json_foreach_member (v, i, max, key, value) {
		size_t k = 0;
		while (k < ARRAY_LEN(known) && !str_eq(known[k].name, json_str(key)))
			k++;
		if (k == ARRAY_LEN(known))
			problem_at(r->ps, PROBLEM_UNKNOWN_MEMBER,
				   member_path(r, m->path, json_str(key)));
		else if (!yyjson_is_null(value))
			*known[k].at = value;
	}
}

/* False, with a problem, when a required string is not there. */
static bool read_string(struct reader *r, yyjson_val *v, struct str path, struct str *out)
{
	if (!v) {
		problem_at(r->ps, PROBLEM_REQUIRED, path);
		return false;
	}
	if (!yyjson_is_str(v)) {
		problem_at(r->ps, PROBLEM_TYPE, path, .rule = "string",
			   .actual = json_type_name(v));
		return false;
	}
	*out = json_str(v);
	return true;
}

static void take_name(struct reader *r, struct str name, struct field *f)
{
	f->name = arena_str(r->a, name);
	if (!f->name.p)
		r->refused = true;
}

static void read_name(struct reader *r, const struct field_members *m, struct field *list,
		      unsigned i)
{
	struct str path = member_path(r, m->path, STR("name")), name;
	if (!read_string(r, m->name, path, &name))
		return;
	if (name.n == 0)
		problem_at(r->ps, PROBLEM_EMPTY, path);
	else if (name.n > FIELD_NAME_MAX)
		problem_at(r->ps, PROBLEM_NAME, path, .rule = "it has more than 128 bytes",
			   .limit = FIELD_NAME_MAX, .size = (int64_t)name.n);
	else if (str_find(name, '\0') < name.n)
		problem_at(r->ps, PROBLEM_NAME, path, .rule = "it holds U+0000");
	else if (field_find(list, i, name))
		problem_at(r->ps, PROBLEM_NAME, path, .rule = "another field has it");
	else
		take_name(r, name, &list[i]);
}

static bool read_type(struct reader *r, const struct field_members *m, struct field *f)
{
	struct str path = member_path(r, m->path, STR("type")), name;
	if (!read_string(r, m->type, path, &name))
		return false;
	if (field_type_parse(name, &f->type))
		return true;
	problem_at(r->ps, PROBLEM_VALUE, path,
		   .rule = "string, boolean, integer, number, date, datetime, email, url, object, "
			   "array");
	return false;
}

static void read_required(struct reader *r, const struct field_members *m, struct field *f)
{
	if (!m->required)
		return;
	f->required = yyjson_is_true(m->required);
	if (!yyjson_is_bool(m->required))
		problem_at(r->ps, PROBLEM_TYPE, member_path(r, m->path, STR("required")),
			   .rule = "boolean", .actual = json_type_name(m->required));
}

static void read_nested(struct reader *r, const struct field_members *m, unsigned depth,
			struct field *f)
{
	if (!m->fields)
		return;
	struct str path = member_path(r, m->path, STR("fields"));
	if (f->type == FIELD_OBJECT || f->type == FIELD_ARRAY)
		read_level(r, m->fields, path, depth + 1, &f->fields, &f->n_fields);
	else
		problem_at(r->ps, PROBLEM_UNKNOWN_MEMBER, path);
}

static void read_field(struct reader *r, yyjson_val *v, struct str path, unsigned depth,
		       struct field *list, unsigned i)
{
	struct field_members m = { .path = path };
	if (!yyjson_is_obj(v)) {
		problem_at(r->ps, PROBLEM_TYPE, path, .rule = "object",
			   .actual = json_type_name(v));
		return;
	}
	split_members(r, v, &m);
	read_name(r, &m, list, i);
	read_required(r, &m, &list[i]);
	if (read_type(r, &m, &list[i]))
		read_nested(r, &m, depth, &list[i]);
}

/* Whether v is a list of fields at all, and of a size that may be read. */
static bool judge_level(struct reader *r, yyjson_val *v, struct str path, unsigned depth)
{
	size_t n = yyjson_arr_size(v);
	if (!yyjson_is_arr(v))
		problem_at(r->ps, PROBLEM_TYPE, path, .rule = "array", .actual = json_type_name(v));
	else if (n > DEFINITION_FIELDS_MAX)
		problem_at(r->ps, PROBLEM_TOO_MANY, path, .rule = "items",
			   .limit = DEFINITION_FIELDS_MAX, .size = (int64_t)n);
	else if (depth > FIELD_DEPTH_MAX)
		problem_at(r->ps, PROBLEM_NESTED, path, .limit = FIELD_DEPTH_MAX);
	else
		return true;
	return false;
}

static void read_level(struct reader *r, yyjson_val *v, struct str path, unsigned depth,
		       const struct field **fields, unsigned *n)
{
	size_t i, max = yyjson_arr_size(v);
	yyjson_val *item;
	if (!judge_level(r, v, path, depth) || max == 0)
		return;

	struct field *list = arena_array(r->a, struct field, max);
	if (!list) {
		r->refused = true;
		return;
	}
	yyjson_arr_foreach (v, i, max, item) {
		read_field(r, item, problem_index(r->a, path, i), depth, list, (unsigned)i);
	}
	*fields = list;
	*n = (unsigned)max;
}

bool fields_from_json(struct arena *a, yyjson_val *v, struct problems *ps,
		      const struct field **fields, unsigned *n)
{
	struct reader r = { .a = a, .ps = ps };
	unsigned found = ps->found;
	*fields = NULL;
	*n = 0;
	if (v && !yyjson_is_null(v))
		read_level(&r, v, STR("fields"), 1, fields, n);
	if (ps->found == found && !r.refused)
		return true;
	*fields = NULL;
	*n = 0;
	return false;
}
