#include "model/check.h"
#include "model/identity.h"

static bool fits_date(struct str s, unsigned forms, bool either)
{
	return time_is_date(s) || (either && time_parse(s, forms, NULL));
}

static bool fits_datetime(struct str s, unsigned forms, bool either)
{
	return time_parse(s, forms, NULL) || (either && time_is_date(s));
}

static bool string_fits(struct str s, enum field_type type, unsigned policy)
{
	unsigned forms = policy & CHECK_ZONE_OPTIONAL ? TIME_ZONE_OPTIONAL : TIME_STRICT;
	bool either = policy & CHECK_DATE_OR_TIME;

	switch (type) {
	case FIELD_STRING:
		return true;
	case FIELD_DATE:
		return fits_date(s, forms, either);
	case FIELD_DATETIME:
		return fits_datetime(s, forms, either);
	case FIELD_EMAIL:
		return email_is_valid(s);
	case FIELD_URL:
		return url_is_valid(s);
	case FIELD_BOOLEAN:
	case FIELD_INTEGER:
	case FIELD_NUMBER:
	case FIELD_OBJECT:
	case FIELD_ARRAY:
	case FIELD_TYPES:
		break;
	}
	return false;
}

/* The one place that says which JSON value is of which type. */
static bool fits(const yyjson_val *value, enum field_type type, unsigned policy)
{
	yyjson_val *v =
		(yyjson_val *)value; /* yyjson's readers ask for no const, but change nothing */

	if (yyjson_is_str(v))
		return string_fits(json_str(v), type, policy);
	if (json_is_number(v))
		return type == FIELD_NUMBER ||
		       (type == FIELD_INTEGER && json_number_to_i64(v, NULL));
	return (type == FIELD_BOOLEAN && yyjson_is_bool(v)) ||
	       (type == FIELD_OBJECT && yyjson_is_obj(v)) ||
	       (type == FIELD_ARRAY && yyjson_is_arr(v));
}

unsigned value_fits(const yyjson_val *v, unsigned policy)
{
	unsigned types = 0;
	for (unsigned type = 0; type < FIELD_TYPES; type++)
		if (fits(v, (enum field_type)type, policy))
			types |= FIELD_BIT(type);
	return types;
}

enum field_type value_type(const yyjson_val *v)
{
	static const enum field_type narrow_first[] = {
		FIELD_BOOLEAN, FIELD_INTEGER, FIELD_NUMBER, FIELD_DATETIME,
		FIELD_DATE,    FIELD_EMAIL,   FIELD_URL,
	};
	for (size_t i = 0; i < ARRAY_LEN(narrow_first); i++)
		if (fits(v, narrow_first[i], 0))
			return narrow_first[i];
	must(fits(v, FIELD_STRING, 0));
	return FIELD_STRING;
}

/* What stands between "//" and the path. */
static struct str url_authority(struct str s)
{
	size_t n = 0;
	while (n < s.n && !memchr("/?#", s.p[n], 3))
		n++;
	return str_head(s, n);
}

static bool is_port(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	return true;
}

static bool is_host_name(struct str s)
{
	static const char never[] = "\"<>@[\\]^`{|}";
	for (size_t i = 0; i < s.n; i++)
		if (memchr(never, s.p[i], sizeof(never)))
			return false;
	return s.n > 0;
}

/* The host a name or an address in brackets, its port perhaps empty (RFC 3986 section 3.2). */
static bool is_host_and_port(struct str s)
{
	bool bracket = s.n > 0 && s.p[0] == '[';
	size_t host = bracket ? str_find(s, ']') + 1 : str_find(s, ':');
	if (host > s.n)
		return false;
	struct str name = bracket ? (struct str){ s.p + 1, host - 2 } : str_head(s, host);
	return is_host_name(name) &&
	       (host == s.n || (s.p[host] == ':' && is_port(str_from(s, host + 1))));
}

bool url_is_valid(struct str s)
{
	size_t scheme = str_find(s, ':');
	struct str name = str_head(s, scheme), rest = str_from(s, scheme);
	if (!str_eq_nocase(name, STR("http")) && !str_eq_nocase(name, STR("https")))
		return false;
	if (!str_starts(rest, STR("://")))
		return false;
	for (size_t i = 0; i < rest.n; i++)
		if ((unsigned char)rest.p[i] <= ' ' || rest.p[i] == 0x7F)
			return false;

	struct str authority = url_authority(str_from(rest, 3));
	size_t user = str_find(authority, '@');
	return is_host_and_port(user < authority.n ? str_from(authority, user + 1) : authority);
}

struct checker {
	unsigned policy;
	struct arena *a;
	struct problems *ps;
};

/* Where the check is, as a chain up the stack: a path in text is made for a problem only. */
struct place {
	const struct place *parent; /* NULL: the caller's path, in `name` */
	struct str name;
	size_t item; /* in an array, when `name` has no pointer */
};

/* What an object is held against. */
struct level {
	const struct field *fields;
	unsigned n;
	const uint16_t *by_name;
	bool outermost;
};

static void check_object(const struct checker *c, struct level level, yyjson_val *object,
			 const struct place *at);

static struct str place_path(struct arena *a, const struct place *at)
{
	if (!at->parent)
		return at->name;
	struct str parent = place_path(a, at->parent);
	return at->name.p ? problem_path(a, parent, at->name) : problem_index(a, parent, at->item);
}

static void complain(const struct checker *c, const struct place *at, struct problem p)
{
	if (c->ps->n < PROBLEMS_MAX)
		p.path = place_path(c->a, at);
	problem_add(c->ps, p);
}

static void complain_type(const struct checker *c, const struct place *at, enum field_type type,
			  const yyjson_val *v)
{
	complain(c, at,
		 (struct problem){ .code = PROBLEM_FIELD_TYPE,
				   .rule = field_type_name(type),
				   .actual = json_type_name(v) });
}

static void check_items(const struct checker *c, const struct field *f, yyjson_val *array,
			const struct place *at)
{
	bool objects_only = c->policy & CHECK_ARRAY_OBJECTS;
	struct level level = { f->fields, f->n_fields, f->by_name, false };
	size_t i, max;
	yyjson_val *item;
	if (!objects_only && f->n_fields == 0)
		return;
	yyjson_arr_foreach (array, i, max, item) {
		struct place here = { .parent = at, .item = i };
		if (yyjson_is_obj(item))
			check_object(c, level, item, &here);
		else if (objects_only || !yyjson_is_null(item))
			complain_type(c, &here, FIELD_OBJECT, item);
	}
}

static void check_value(const struct checker *c, const struct field *f, yyjson_val *v,
			const struct place *at)
{
	if (!fits(v, f->type, c->policy))
		complain_type(c, at, f->type, v);
	else if (f->type == FIELD_OBJECT)
		check_object(c, (struct level){ f->fields, f->n_fields, f->by_name, false }, v, at);
	else if (f->type == FIELD_ARRAY)
		check_items(c, f, v, at);
}

/* Clients tend to send fields in the order they are declared, so that one is tried first. */
static const struct field *find(struct level level, unsigned next, struct str name)
{
	if (next < level.n && str_eq(level.fields[next].name, name))
		return level.fields + next;
	return field_search(level.fields, level.by_name, level.n, name);
}

static void check_required(const struct checker *c, struct level level, const uint64_t *seen,
			   const struct place *at)
{
	for (unsigned i = 0; i < level.n; i++) {
		if (!level.fields[i].required || seen[i / 64] >> i % 64 & 1)
			continue;
		struct place here = { .parent = at, .name = level.fields[i].name };
		complain(c, &here, (struct problem){ .code = PROBLEM_REQUIRED });
	}
}

static void check_members(const struct checker *c, struct level level, yyjson_val *object,
			  const struct place *at, uint64_t *seen)
{
	unsigned next = 0;
	size_t i, max;
	yyjson_val *key, *v;
	json_foreach_member (object, i, max, key, v) {
		if (yyjson_is_null(v))
			continue;
		struct place here = { .parent = at, .name = json_str(key) };
		const struct field *f = find(level, next, here.name);
		if (f) {
			next = (unsigned)(f - level.fields);
			seen[next / 64] |= UINT64_C(1) << next % 64;
			next++;
			check_value(c, f, v, &here);
		} else if (c->policy & CHECK_UNKNOWN) {
			complain(c, &here, (struct problem){ .code = PROBLEM_UNKNOWN_FIELD });
		}
	}
}

static void check_object(const struct checker *c, struct level level, yyjson_val *object,
			 const struct place *at)
{
	/* A nested level without fields is free; the outermost declares that there are none. */
	if (level.n == 0 && !level.outermost)
		return;
	uint64_t seen[(DEFINITION_FIELDS_MAX + 63) / 64] = { 0 };
	if (yyjson_is_obj(object))
		check_members(c, level, object, at, seen);
	if (c->policy & CHECK_REQUIRED)
		check_required(c, level, seen, at);
}

bool check_properties(const struct definition *d, yyjson_val *properties, unsigned policy,
		      struct arena *a, struct str path, struct problems *ps)
{
	struct checker c = { .policy = policy, .a = a, .ps = ps };
	struct place root = { .name = path };
	unsigned found = ps->found;
	check_object(&c, (struct level){ d->fields, d->n_fields, d->by_name, true }, properties,
		     &root);
	return ps->found == found;
}
