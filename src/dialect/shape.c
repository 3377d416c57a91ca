#include "dialect/dialect.h"

/* Indexed by enum shape_type. */
static const char *const type_names[] = { "string", "object", "array", "boolean", "any" };

static bool is_type(const yyjson_val *v, enum shape_type type)
{
	yyjson_val *val = (yyjson_val *)v;
	switch (type) {
	case SHAPE_STRING:
		return yyjson_is_str(val);
	case SHAPE_OBJECT:
		return yyjson_is_obj(val);
	case SHAPE_ARRAY:
		return yyjson_is_arr(val);
	case SHAPE_BOOLEAN:
		return yyjson_is_bool(val);
	case SHAPE_ANY:
		return true;
	}
	return false;
}

static struct str path_to(struct call *call, struct str path, struct str name)
{
	return problem_path(&call->req->arena, path, name);
}

static bool string_is_good(struct call *call, struct str s, struct str path,
			   const struct shape_member *m)
{
	if (s.n == 0 && (m->flags & SHAPE_NOT_EMPTY)) {
		problem_at(&call->problems, PROBLEM_EMPTY, path_to(call, path, m->name));
		return false;
	}
	/* Bytes are at least as many as code points: short strings need no count. */
	size_t size = m->max && s.n > m->max ? str_code_points(s) : 0;
	if (size > m->max) {
		problem_at(&call->problems, PROBLEM_TOO_LONG, path_to(call, path, m->name),
			   .limit = m->max, .size = (int64_t)size);
		return false;
	}
	if (m->valid && !m->valid(s)) {
		problem_at(&call->problems, PROBLEM_FORMAT, path_to(call, path, m->name),
			   .rule = m->form);
		return false;
	}
	return true;
}

static bool counts_as_absent(const struct shape_member *m, yyjson_val *v)
{
	if (yyjson_is_null(v))
		return m->flags & SHAPE_NULL_ABSENT;
	return (m->flags & SHAPE_EMPTY_ABSENT) && yyjson_is_str(v) && yyjson_get_len(v) == 0;
}

/* The value if it is what the table asks for, else NULL with a problem (or simply absent). */
static yyjson_val *judge(struct call *call, yyjson_val *v, struct str path,
			 const struct shape_member *m)
{
	if (counts_as_absent(m, v))
		return NULL;
	if (!is_type(v, m->type)) {
		problem_at(&call->problems, PROBLEM_TYPE, path_to(call, path, m->name),
			   .rule = type_names[m->type], .actual = json_type_name(v));
		return NULL;
	}
	if (m->type == SHAPE_STRING && !string_is_good(call, json_str(v), path, m))
		return NULL;
	return v;
}

static const struct shape_member *find(const struct shape_member *members, unsigned n,
				       struct str name)
{
	for (unsigned i = 0; i < n; i++)
		if (str_eq(members[i].name, name))
			return &members[i];
	return NULL;
}

static void require(struct call *call, struct str path, const struct shape_member *m, yyjson_val *v)
{
	if ((m->flags & SHAPE_REQUIRED) && (!v || counts_as_absent(m, v)))
		problem_at(&call->problems, PROBLEM_REQUIRED, path_to(call, path, m->name));
}

void shape_read(struct call *call, yyjson_val *object, struct str path,
		const struct shape_member *members, unsigned n, bool strict, yyjson_val **values)
{
	for (unsigned i = 0; i < n; i++)
		values[i] = NULL;

	size_t i, count;
	yyjson_val *key, *v;
	json_foreach_member (object, i, count, key, v) {
		const struct shape_member *m = find(members, n, json_str(key));
		if (m)
			values[m - members] = v;
		else if (strict)
			problem_at(&call->problems, PROBLEM_UNKNOWN_MEMBER,
				   path_to(call, path, json_str(key)));
	}
	for (unsigned m = 0; m < n; m++) {
		require(call, path, &members[m], values[m]);
		if (values[m])
			values[m] = judge(call, values[m], path, &members[m]);
	}
}

bool shape_identity_fits(struct call *call, struct str value, struct str path)
{
	if (value.n > IDENTITY_VALUE_MAX)
		problem_at(&call->problems, PROBLEM_TOO_MANY, path, .rule = "bytes",
			   .limit = IDENTITY_VALUE_MAX, .size = (int64_t)value.n);
	return value.n <= IDENTITY_VALUE_MAX;
}

bool form_uuid(struct str s)
{
	struct uuid u;
	return uuid_parse(s, &u);
}

bool form_no_nul(struct str s)
{
	return str_find(s, '\0') == s.n;
}

bool form_email(struct str s)
{
	return email_is_valid(s);
}
