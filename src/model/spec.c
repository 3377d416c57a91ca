#include "model/spec.h"

#include <inttypes.h>

static const char *const type_names[] = {
	[SPEC_STRING] = "string", [SPEC_INTEGER] = "integer", [SPEC_BOOLEAN] = "boolean",
	[SPEC_ARRAY] = "array",   [SPEC_OBJECT] = "object",   [SPEC_ANY] = "value",
};

struct str spec_path(struct spec *s, struct str path, struct str name)
{
	/* A problem that is only counted is not worth the memory of a path. */
	return s->problems->n < PROBLEMS_MAX ? problem_path(s->arena, path, name) : path;
}

struct str spec_copy(struct spec *s, struct str text)
{
	struct str copy = arena_str(s->arena, text);
	s->refused |= !copy.p;
	return copy;
}

static bool is_control(char c)
{
	return (unsigned char)c < ' ' || c == 0x7f;
}

const char *spec_name_rule(struct str name)
{
	for (size_t i = 0; i < name.n; i++)
		if (is_control(name.p[i]))
			return "it holds a control character";
	return str_is_blank(name) ? "it is blank" : NULL;
}

void spec_judge_name(struct problems *ps, struct str path, struct str name)
{
	const char *why = spec_name_rule(name);
	if (why)
		problem_at(ps, PROBLEM_NAME, path, .rule = why);
}

int64_t spec_integer(const yyjson_val *v, int64_t absent)
{
	int64_t n = absent;
	must(!v || json_number_to_i64(v, &n));
	return n;
}

bool spec_boolean(const yyjson_val *v, bool absent)
{
	return v ? yyjson_is_true((yyjson_val *)v) : absent;
}

static bool is_type(yyjson_val *v, enum spec_type type)
{
	switch (type) {
	case SPEC_STRING:
		return yyjson_is_str(v);
	case SPEC_INTEGER:
		return json_number_to_i64(v, NULL);
	case SPEC_BOOLEAN:
		return yyjson_is_bool(v);
	case SPEC_ARRAY:
		return yyjson_is_arr(v);
	case SPEC_OBJECT:
		return yyjson_is_obj(v);
	case SPEC_ANY:
		return true;
	}
	return false;
}

static struct str at(struct spec *s, struct str path, const struct spec_member *m)
{
	return spec_path(s, path, m->name);
}

static void judge_string(struct spec *s, struct str path, const struct spec_member *m,
			 struct str text)
{
	size_t n = str_code_points(text);
	if (n == 0 && m->min > 0)
		problem_at(s->problems, PROBLEM_EMPTY, at(s, path, m));
	else if ((int64_t)n > m->max)
		problem_at(s->problems, PROBLEM_TOO_LONG, at(s, path, m), .limit = m->max,
			   .size = (int64_t)n);
}

static void judge_integer(struct spec *s, struct str path, const struct spec_member *m,
			  const yyjson_val *v)
{
	int64_t n = spec_integer(v, 0);
	struct str rule = { 0 };
	if (n >= m->min && n <= m->max)
		return;
	rule = arena_printf(s->arena, "whole number from %" PRId64 " to %" PRId64, m->min, m->max);
	s->refused |= !rule.p;
	problem_at(s->problems, PROBLEM_FORMAT, at(s, path, m), .rule = rule.p ?: "number");
}

static void judge_list(struct spec *s, struct str path, const struct spec_member *m, yyjson_val *v)
{
	int64_t n = (int64_t)yyjson_arr_size(v);
	if (n < m->min)
		problem_at(s->problems, PROBLEM_EMPTY, at(s, path, m));
	else if (n > m->max)
		problem_at(s->problems, PROBLEM_TOO_MANY, at(s, path, m), .rule = "items",
			   .limit = m->max, .size = n);
}

yyjson_val *spec_judge(struct spec *s, struct str path, const struct spec_member *m, yyjson_val *v)
{
	unsigned before = s->problems->found;
	if (!is_type(v, m->type))
		problem_at(s->problems, PROBLEM_TYPE, at(s, path, m), .rule = type_names[m->type],
			   .actual = json_type_name(v));
	else if (m->type == SPEC_STRING)
		judge_string(s, path, m, json_str(v));
	else if (m->type == SPEC_INTEGER)
		judge_integer(s, path, m, v);
	else if (m->type == SPEC_ARRAY)
		judge_list(s, path, m, v);
	return s->problems->found == before ? v : NULL;
}

static unsigned find(const struct spec_member *members, unsigned n, struct str name)
{
	unsigned i = 0;
	while (i < n && !str_eq(members[i].name, name))
		i++;
	return i;
}

void spec_read(struct spec *s, yyjson_val *object, struct str path,
	       const struct spec_member *members, unsigned n, yyjson_val **values)
{
	size_t i, count;
	yyjson_val *key, *v;
	for (unsigned m = 0; m < n; m++)
		values[m] = NULL;
	if (!yyjson_is_obj(object)) {
		problem_at(s->problems, PROBLEM_TYPE, path, .rule = "object",
			   .actual = json_type_name(object));
		return;
	}
	json_foreach_member (object, i, count, key, v) {
		unsigned m = find(members, n, json_str(key));
		if (m == n)
			problem_at(s->problems, PROBLEM_UNKNOWN_MEMBER,
				   spec_path(s, path, json_str(key)));
		else if (!yyjson_is_null(v))
			values[m] = v;
	}
	for (unsigned m = 0; m < n; m++) {
		if (values[m])
			values[m] = spec_judge(s, path, &members[m], values[m]);
		else if (members[m].required)
			problem_at(s->problems, PROBLEM_REQUIRED, at(s, path, &members[m]));
	}
}
