#include "model/condition_value.h"

#include <math.h>

enum { SECONDS_MAX = 366 * 24 * 60 * 60 };

struct operator
{
	struct str name;
	bool (*met)(const struct operand *of, yyjson_val *value, instant_us now);
	const char *(*rule)(yyjson_val * value);
	/* Of a number against a number; also of counts. NULL: it compares no numbers. */
	bool (*order)(int sign);
	unsigned fits;         /* FIELD_BIT()s */
	const char *type_rule; /* what that is, in words; NULL: fits all */
};

/* --- Operands --- */

struct operand operand_json(yyjson_val *v)
{
	return (struct operand){ .json = yyjson_is_null(v) ? NULL : v };
}

struct operand operand_text(struct str s)
{
	return (struct operand){ .text = s };
}

struct operand operand_instant(instant_us t)
{
	return (struct operand){ .instant = t, .is_instant = true };
}

static bool is_there(const struct operand *of)
{
	return of->json || of->text.p || of->is_instant;
}

static struct str text_of(const struct operand *of)
{
	return of->json && yyjson_is_str(of->json) ? json_str(of->json) : of->text;
}

static bool read_instant(struct str text, instant_us *out)
{
	return time_parse(text, TIME_ZONE_OPTIONAL | TIME_DATE_ALONE | TIME_SPACE, out);
}

static bool instant_of(const struct operand *of, instant_us *out)
{
	*out = of->instant;
	return of->is_instant || read_instant(text_of(of), out);
}

/* --- Numbers: whole ones exactly, others as doubles --- */

static int sign_of(double difference)
{
	return (difference > 0) - (difference < 0);
}

static int compare_numbers(const yyjson_val *a, const yyjson_val *b)
{
	int64_t whole_a, whole_b;
	if (json_number_to_i64(a, &whole_a) && json_number_to_i64(b, &whole_b))
		return (whole_a > whole_b) - (whole_a < whole_b);
	return sign_of(json_number_to_double(a) - json_number_to_double(b));
}

/* A text that is a number, as a value for compare_numbers(). */
static bool number_in(struct str text, char *room, size_t size, yyjson_val *out)
{
	struct arena a;
	yyjson_val *v = NULL;
	arena_init(&a, 64 * 1024, NULL);
	bool is_number =
		text.n < size && json_parse(&a, text, &v, NULL) == JSON_OK && json_is_number(v);
	if (is_number) {
		struct str number = json_str(v); /* without the blanks around it */
		memcpy(room, number.p, number.n);
		room[number.n] = '\0';
		out->tag = v->tag;
		out->uni.str = room;
	}
	arena_fini(&a);
	return is_number;
}

static bool compare_to(const struct operand *of, yyjson_val *value, int *sign)
{
	char room[64];
	yyjson_val number = { 0 };
	const yyjson_val *left = of->json;
	if (!json_is_number(left)) {
		if (!number_in(text_of(of), room, sizeof(room), &number))
			return false;
		left = &number;
	}
	*sign = compare_numbers(left, value);
	return true;
}

static bool is_above(int sign)
{
	return sign > 0;
}

static bool is_not_below(int sign)
{
	return sign >= 0;
}

static bool is_below(int sign)
{
	return sign < 0;
}

static bool is_not_above(int sign)
{
	return sign <= 0;
}

static bool is_equal(int sign)
{
	return sign == 0;
}

/* --- The operators --- */

static bool json_equals(yyjson_val *a, yyjson_val *b)
{
	if (json_is_number(a) && json_is_number(b))
		return compare_numbers(a, b) == 0;
	if (yyjson_is_str(a) && yyjson_is_str(b))
		return str_eq(json_str(a), json_str(b));
	return yyjson_is_bool(a) && yyjson_is_bool(b) && yyjson_get_bool(a) == yyjson_get_bool(b);
}

static bool equals(const struct operand *of, yyjson_val *value, instant_us now)
{
	int sign;
	instant_us at;
	(void)now;
	if (of->is_instant)
		return yyjson_is_str(value) && read_instant(json_str(value), &at) &&
		       at == of->instant;
	if (of->text.p)
		return yyjson_is_str(value) && str_eq(json_str(value), of->text);
	if (json_is_number(value) && of->json && yyjson_is_str(of->json))
		return compare_to(of, value, &sign) && sign == 0;
	if (yyjson_is_bool(value) && of->json && yyjson_is_str(of->json))
		return str_eq(json_str(of->json),
			      yyjson_is_true(value) ? STR("true") : STR("false"));
	return of->json && json_equals(of->json, value);
}

static bool not_equals(const struct operand *of, yyjson_val *value, instant_us now)
{
	return !equals(of, value, now);
}

static bool in(const struct operand *of, yyjson_val *value, instant_us now)
{
	size_t i, n;
	yyjson_val *one;
	yyjson_arr_foreach (value, i, n, one)
		if (equals(of, one, now))
			return true;
	return false;
}

static bool contains(const struct operand *of, yyjson_val *value, instant_us now)
{
	size_t i, n;
	yyjson_val *item;
	struct str text = text_of(of), part = json_str(value);
	(void)now;
	if (of->json && yyjson_is_arr(of->json)) {
		yyjson_arr_foreach (of->json, i, n, item)
			if (json_equals(item, value))
				return true;
		return false;
	}
	return text.p && yyjson_is_str(value) && memmem(text.p, text.n, part.p, part.n);
}

static bool starts_with(const struct operand *of, yyjson_val *value, instant_us now)
{
	struct str text = text_of(of);
	(void)now;
	return text.p && str_starts(text, json_str(value));
}

static bool exists(const struct operand *of, yyjson_val *value, instant_us now)
{
	(void)now;
	return is_there(of) == (!value || yyjson_is_true(value));
}

static bool before(const struct operand *of, yyjson_val *value, instant_us now)
{
	instant_us at, limit;
	(void)now;
	return instant_of(of, &at) && read_instant(json_str(value), &limit) && at < limit;
}

static bool after(const struct operand *of, yyjson_val *value, instant_us now)
{
	instant_us at, limit;
	(void)now;
	return instant_of(of, &at) && read_instant(json_str(value), &limit) && at > limit;
}

static bool within_last(const struct operand *of, yyjson_val *value, instant_us now)
{
	instant_us at;
	int64_t seconds = 0;
	return instant_of(of, &at) && json_number_to_i64(value, &seconds) && at <= now &&
	       at >= now - seconds * US_PER_S;
}

/* --- What their values must be --- */

static bool is_scalar(yyjson_val *v)
{
	return yyjson_is_str(v) || yyjson_is_bool(v) || json_is_number(v);
}

static const char *scalar_rule(yyjson_val *v)
{
	return is_scalar(v) ? NULL : "string, a number, true or false";
}

static const char *list_rule(yyjson_val *v)
{
	enum { LIST_MAX = 1000 };
	size_t i, n, size = yyjson_arr_size(v);
	yyjson_val *one;
	bool good = size > 0 && size <= LIST_MAX;
	yyjson_arr_foreach (v, i, n, one)
		good &= is_scalar(one);
	return good ? NULL : "list of 1 to 1000 strings, numbers, true or false";
}

static const char *text_rule(yyjson_val *v)
{
	return yyjson_is_str(v) && json_str(v).n > 0 ? NULL : "string that is not empty";
}

static const char *exists_rule(yyjson_val *v)
{
	return !v || yyjson_is_bool(v) ? NULL : "boolean";
}

static const char *number_rule(yyjson_val *v)
{
	return json_is_number(v) && isfinite(json_number_to_double(v)) ? NULL : "number";
}

static const char *instant_rule(yyjson_val *v)
{
	instant_us at;
	return yyjson_is_str(v) && read_instant(json_str(v), &at)
		       ? NULL
		       : "date or a date with time, as 2026-11-21T10:00:00Z";
}

static const char *seconds_rule(yyjson_val *v)
{
	int64_t s;
	return json_number_to_i64(v, &s) && s > 0 && s <= SECONDS_MAX
		       ? NULL
		       : "number of seconds from 1 to 31622400";
}

/* --- The table --- */

enum {
	TEXTS = FIELD_BIT(FIELD_STRING) | FIELD_BIT(FIELD_EMAIL) | FIELD_BIT(FIELD_URL) |
		FIELD_BIT(FIELD_DATE) | FIELD_BIT(FIELD_DATETIME),
	NUMBERS = FIELD_BIT(FIELD_INTEGER) | FIELD_BIT(FIELD_NUMBER),
	TIMES = FIELD_BIT(FIELD_DATE) | FIELD_BIT(FIELD_DATETIME),
	LISTS = FIELD_BIT(FIELD_ARRAY),
	PLAIN = TEXTS | NUMBERS | FIELD_BIT(FIELD_BOOLEAN),
	ANYTHING = PLAIN | LISTS | FIELD_BIT(FIELD_OBJECT),
};

static const struct operator operators[] = {
	{ STR_INIT("equals"), equals, scalar_rule, is_equal, PLAIN, "a plain value" },
	{ STR_INIT("not_equals"), not_equals, scalar_rule, NULL, PLAIN, "a plain value" },
	{ STR_INIT("in"), in, list_rule, NULL, PLAIN, "a plain value" },
	{ STR_INIT("contains"), contains, scalar_rule, NULL, TEXTS | LISTS, "a string or a list" },
	{ STR_INIT("starts_with"), starts_with, text_rule, NULL, TEXTS, "a string" },
	{ STR_INIT("exists"), exists, exists_rule, NULL, ANYTHING, NULL },
	{ STR_INIT("gt"), NULL, number_rule, is_above, NUMBERS, "a number" },
	{ STR_INIT("gte"), NULL, number_rule, is_not_below, NUMBERS, "a number" },
	{ STR_INIT("lt"), NULL, number_rule, is_below, NUMBERS, "a number" },
	{ STR_INIT("lte"), NULL, number_rule, is_not_above, NUMBERS, "a number" },
	{ STR_INIT("before"), before, instant_rule, NULL, TIMES, "a date" },
	{ STR_INIT("after"), after, instant_rule, NULL, TIMES, "a date" },
	{ STR_INIT("within_last"), within_last, seconds_rule, NULL, TIMES, "a date" },
};

const struct operator* operator_find(struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(operators); i++)
		if (str_eq(operators[i].name, name))
			return &operators[i];
	return NULL;
}

const char *operator_value_rule(const struct operator* o, yyjson_val *value)
{
	return o->rule(value);
}

bool operator_counts(const struct operator* o)
{
	return o->order != NULL;
}

const char *operator_count_rule(yyjson_val *value, int64_t most)
{
	int64_t n;
	return json_number_to_i64(value, &n) && n >= 0 && n <= most ? NULL
								    : "whole number from 0 to 1000";
}

bool operator_fits(const struct operator* o, enum field_type type)
{
	return o->fits & FIELD_BIT(type);
}

const char *operator_type_rule(const struct operator* o)
{
	return o->type_rule;
}

static bool compares(const struct operator* o)
{
	return o->met == equals || o->met == not_equals || o->met == in;
}

const char *operator_wants(const struct operator* o, enum field_type type, yyjson_val *value)
{
	unsigned bit = FIELD_BIT(type);
	bool has_part = o->met == contains && !(bit & LISTS);
	if (!compares(o) && !has_part)
		return NULL;
	if (bit & NUMBERS)
		return json_is_number(value) ? NULL : "number";
	if (type == FIELD_BOOLEAN)
		return yyjson_is_bool(value) ? NULL : "boolean";
	if (has_part || bit & TIMES)
		return yyjson_is_str(value) ? NULL : "string";
	return NULL;
}

bool operator_fits_instant(const struct operator* o)
{
	return operator_fits(o, FIELD_DATETIME) && o->met != contains && o->met != starts_with;
}

const char *operator_wants_instant(const struct operator* o, yyjson_val *value)
{
	return compares(o) ? instant_rule(value) : NULL;
}

bool operator_met(const struct operator* o, struct operand of, yyjson_val *value, instant_us now)
{
	int sign;
	if (o->met)
		return o->met(&of, value, now);
	return compare_to(&of, value, &sign) && o->order(sign);
}

bool operator_counted(const struct operator* o, uint64_t n, yyjson_val *value)
{
	int64_t wanted = 0;
	must(json_number_to_i64(value, &wanted));
	return o->order(((int64_t)n > wanted) - ((int64_t)n < wanted));
}
