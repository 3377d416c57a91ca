#include "dialect/omnisend_private.h"

#include <math.h>
#include <stdio.h>

yyjson_val *omnisend_map(struct call *call, yyjson_val *v, struct str path)
{
	if (yyjson_is_obj(v))
		return v;
	bool nothing = !v || yyjson_is_null(v) || (yyjson_is_arr(v) && yyjson_arr_size(v) == 0);
	if (!nothing)
		problem_at(&call->problems, PROBLEM_TYPE, path, .rule = "object",
			   .actual = json_type_name(v));
	return NULL;
}

static bool is_name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_';
}

static const char *name_fault(struct str name)
{
	if (name.n == 0)
		return "it is empty";
	for (size_t i = 0; i < name.n; i++)
		if (!is_name_char(name.p[i]))
			return "only Latin letters, digits and _ may stand in it";
	return name.n > OMNISEND_NAME_MAX ? "it has more than 128 characters" : NULL;
}

bool omnisend_name(struct call *call, struct str name, struct str path)
{
	const char *fault = name_fault(name);
	if (fault)
		problem_at(&call->problems, PROBLEM_NAME,
			   problem_path(&call->req->arena, path, name), .rule = fault,
			   .limit = OMNISEND_NAME_MAX);
	return !fault;
}

/* --- Numbers --- */

enum { DECIMALS_MAX = 6 };

/* The exponent of a JSON number's text; `digits` are those behind the sign. Beyond a billion, more
 * than any text has digits, its exact size does not matter. */
static int64_t exponent_of(struct str digits)
{
	int64_t n = 0;
	for (size_t i = 0; i < digits.n && n < 1000000000; i++)
		n = n * 10 + (digits.p[i] - '0');
	return n;
}

/* How many digits stand behind the point once the exponent has moved it; trailing zeros do not
 * count. Below zero for a number that ends in zeros. */
static int64_t decimals(struct str number)
{
	int64_t behind = 0, zeros = 0;
	bool fraction = false;
	size_t i = 0;
	for (; i < number.n && (number.p[i] | 0x20) != 'e'; i++) {
		char c = number.p[i];
		fraction |= c == '.';
		if (c < '0' || c > '9')
			continue;
		behind += fraction;
		zeros = c == '0' ? zeros + 1 : 0;
	}
	struct str exponent = i < number.n ? str_from(number, i + 1) : STR("");
	bool minus = exponent.n && exponent.p[0] == '-';
	bool sign = minus || (exponent.n && exponent.p[0] == '+');
	int64_t moved = exponent_of(str_from(exponent, sign));
	return behind - zeros + (minus ? moved : -moved);
}

/* Six decimals, ties to even (omnisend.md decision 10). A text with no more than six stays as it
 * was sent, and so does one whose whole part alone is beyond a double. */
static void put_float(struct buf *b, const yyjson_val *v)
{
	char text[352]; /* the largest double has 309 digits in front of the point */
	struct str sent = json_str(v);
	double d = decimals(sent) > DECIMALS_MAX ? json_number_to_double(v) : INFINITY;
	if (!isfinite(d))
		return buf_put(b, sent);
	size_t n = (size_t)snprintf(text, sizeof(text), "%.6f", d);
	while (text[n - 1] == '0')
		n--;
	if (text[n - 1] == '.')
		n--;
	struct str rounded = { text, n };
	buf_put(b, str_eq(rounded, STR("-0")) ? STR("0") : rounded);
}

static void put_value(struct buf *b, const yyjson_val *v)
{
	int64_t i;
	if (!json_is_number(v))
		json_put(b, v);
	else if (json_number_to_i64(v, &i))
		buf_i64(b, i);
	else
		put_float(b, v);
}

/* --- Properties and their scheme --- */

struct reading {
	struct call *call;
	const struct definition *scheme; /* NULL: this event creates it */
	bool loose;                      /* of the version */
	struct seen_field *seen;
	unsigned n_seen;
	bool extends; /* something seen is not in the scheme */
	struct buf text;
};

static struct str path_of(struct reading *r, struct str name)
{
	return problem_path(&r->call->req->arena, STR("properties"), name);
}

static bool may_stand(struct reading *r, struct str name, const yyjson_val *value)
{
	yyjson_val *v = (yyjson_val *)value; /* yyjson's readers ask for no const */
	struct str s = yyjson_is_str(v) ? json_str(v) : STR("");
	bool nested = yyjson_is_ctn(v) && !r->loose;
	/* Bytes are at least as many as code points: short strings need no count. */
	size_t size = s.n > OMNISEND_STRING_MAX ? str_code_points(s) : 0;
	if (nested)
		problem_at(&r->call->problems, PROBLEM_NESTED, path_of(r, name),
			   .actual = json_type_name(v));
	if (size > OMNISEND_STRING_MAX)
		problem_at(&r->call->problems, PROBLEM_TOO_LONG, path_of(r, name),
			   .limit = OMNISEND_STRING_MAX, .size = (int64_t)size);
	return !nested && size <= OMNISEND_STRING_MAX;
}

static struct seen_field see(const struct reading *r, struct str name, const yyjson_val *v)
{
	struct seen_field seen = { .name = name };
	if (yyjson_is_obj((yyjson_val *)v))
		seen.type = FIELD_OBJECT;
	else if (yyjson_is_arr((yyjson_val *)v))
		seen.type = FIELD_ARRAY;
	else
		seen.type = value_type(v);
	seen.fits = r->loose ? FIELD_BIT(FIELD_TYPES) - 1 : value_fits(v, 0);
	return seen;
}

/* What the snapshot says of a property is final: an event does not change types, and one whose
 * definition somebody changes meanwhile counts as having come before that. Of a property that is not
 * in it, and of all when the scheme has gone by then, the committer has the last word. */
static void hold_against_scheme(struct reading *r, struct str name, const yyjson_val *v)
{
	const struct field *f = r->scheme ? definition_field(r->scheme, name) : NULL;
	struct seen_field *seen = &r->seen[r->n_seen++];
	*seen = see(r, name, v);
	if (!f)
		r->extends = true;
	else if (!(seen->fits & FIELD_BIT(f->type)))
		problem_at(&r->call->problems, PROBLEM_FIELD_TYPE, path_of(r, name),
			   .rule = field_type_name(f->type), .actual = field_type_name(seen->type));
}

static void read_property(struct reading *r, struct str name, const yyjson_val *v)
{
	bool good = omnisend_name(r->call, name, STR("properties"));
	if (yyjson_is_null((yyjson_val *)v) || !may_stand(r, name, v) || !good)
		return;
	hold_against_scheme(r, name, v);
	buf_char(&r->text, r->n_seen > 1 ? ',' : '{');
	buf_json_str(&r->text, name);
	buf_char(&r->text, ':');
	put_value(&r->text, v);
}

/* `map` may be NULL. */
static void read_properties(struct reading *r, yyjson_val *map)
{
	size_t i, max;
	yyjson_val *key, *v;
	if (map)
		json_foreach_member (map, i, max, key, v) {
			read_property(r, json_str(key), v);
		}
	buf_put(&r->text, r->n_seen ? STR("}") : STR("{}"));
}

/* A declared definition is not extended: what it lacks is taken and not recorded. */
static void take(const struct reading *r, struct str event, struct op *op)
{
	if (r->scheme && !(r->scheme->inferred && r->extends))
		op->definition = r->scheme->no;
	op->definition_name = event;
	op->seen = r->seen;
	op->n_seen = r->n_seen;
	op->properties = buf_str(&r->text);
}

enum refusal omnisend_properties(struct call *call, yyjson_val *properties, struct str event,
				 struct op *op)
{
	yyjson_val *map = omnisend_map(call, properties, STR("properties"));
	size_t n = yyjson_obj_size(map);
	if (n > OMNISEND_PROPERTIES_MAX) {
		problem_at(&call->problems, PROBLEM_TOO_MANY, STR("properties"),
			   .limit = OMNISEND_PROPERTIES_MAX, .size = (int64_t)n);
		return REFUSE_NOTHING;
	}
	struct reading r = {
		.call = call,
		.loose = omnisend_version(call)->loose,
		.scheme = event.p ? workspace_definition(call->workspace, event) : NULL,
		.seen = arena_array(&call->req->arena, struct seen_field, n),
		.text = buf_in(&call->req->arena),
	};
	if (!r.seen)
		return REFUSE_OVERLOADED;
	read_properties(&r, map);
	take(&r, event, op);
	return r.text.failed ? REFUSE_OVERLOADED : REFUSE_NOTHING;
}
