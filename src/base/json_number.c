/*
 * Numbers are read from their text, exactly: no double stands between the sender's 9007199254740993
 * and ours.
 */
#include "base/json.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/*
 * A number's text taken apart: its value is the digits of `digits`, the point left out, times ten
 * to the power of `scale`. No zeros at either end of digits; none at all is zero.
 */
struct decimal {
	bool negative;
	struct str digits; /* may hold one '.' */
	int64_t n_digits;  /* without it */
	int64_t scale;
};

/* The exponent behind an 'e', held at a bound that is beyond any number of digits in memory. */
static int64_t exponent_of(struct str s)
{
	const int64_t bound = INT64_MAX / 100;
	bool negative = s.n > 0 && s.p[0] == '-';
	int64_t e = 0;
	for (size_t i = 0; i < s.n; i++)
		if (is_digit(s.p[i]))
			e = MIN(bound, e * 10 + (s.p[i] - '0'));
	return negative ? -e : e;
}

static struct str mantissa_of(struct str s, int64_t *exponent)
{
	size_t e = 0;
	while (e < s.n && s.p[e] != 'e' && s.p[e] != 'E')
		e++;
	*exponent = e < s.n ? exponent_of(str_from(s, e + 1)) : 0;
	return str_head(s, e);
}

static struct decimal take_apart(struct str s)
{
	struct decimal d = { .negative = s.n > 0 && s.p[0] == '-' };
	s = mantissa_of(str_from(s, d.negative), &d.scale);
	size_t point = str_find(s, '.');
	if (point < s.n)
		d.scale -= (int64_t)(s.n - point - 1);

	size_t from = 0, to = s.n; /* the first and behind the last digit that is not 0 */
	while (from < to && (s.p[from] == '0' || s.p[from] == '.'))
		from++;
	while (to > from && (s.p[to - 1] == '0' || s.p[to - 1] == '.'))
		d.scale += s.p[--to] == '0';
	d.digits = str_from(str_head(s, to), from);
	d.n_digits = (int64_t)d.digits.n - (point > from && point < to);
	return d;
}

bool json_number_to_i64(const yyjson_val *v, int64_t *out)
{
	enum { I64_DIGITS = 19 };
	if (!json_is_number(v))
		return false;
	struct decimal d = take_apart(json_str(v));
	if (d.n_digits == 0)
		d.scale = 0;
	if (d.scale < 0 || d.n_digits + d.scale > I64_DIGITS)
		return false;

	uint64_t u = 0; /* 19 digits always fit */
	for (size_t i = 0; i < d.digits.n; i++)
		if (is_digit(d.digits.p[i]))
			u = u * 10 + (uint64_t)(d.digits.p[i] - '0');
	for (; d.scale > 0; d.scale--)
		u *= 10;
	if (u > (uint64_t)INT64_MAX + d.negative)
		return false;
	if (out)
		*out = (int64_t)(d.negative ? 0 - u : u);
	return true;
}

/* Without an exponent it is as large as its digits are many: most are told so. */
bool json_number_in_range(struct str number)
{
	enum { DIGITS = DBL_MAX_10_EXP };
	if (number.n <= 4)
		return true;
	struct decimal d = take_apart(number);
	int64_t magnitude = d.n_digits + d.scale; /* it is below ten to that power */
	if (d.n_digits == 0 || magnitude <= DIGITS)
		return true;
	/* The text has a NUL behind it, or what else ends a number. */
	return magnitude == DIGITS + 1 && isfinite(strtod(number.p, NULL));
}

double json_number_to_double(const yyjson_val *v)
{
	/* yyjson ends the text with a NUL; the program never leaves the C locale. */
	return json_is_number(v) ? strtod(v->uni.str, NULL) : NAN;
}
