#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct str none;

static void orders_bytewise(void **state)
{
	static const struct {
		struct str a, b;
		int sign;
	} cases[] = {
		{ STR_INIT(""), STR_INIT(""), 0 },
		{ { NULL, 0 }, STR_INIT(""), 0 },
		{ STR_INIT("a"), STR_INIT("a"), 0 },
		{ STR_INIT("a\0b"), STR_INIT("a\0b"), 0 },
		{ STR_INIT("a\0b"), STR_INIT("a\0c"), -1 },
		{ STR_INIT("a"), STR_INIT("b"), -1 },
		{ STR_INIT("a"), STR_INIT("A"), 1 },
		{ STR_INIT("ab"), STR_INIT("abc"), -1 },
		{ STR_INIT("b"), STR_INIT("abc"), 1 },
		{ STR_INIT("\x7f"), STR_INIT("\x80"), -1 },
		{ { NULL, 0 }, STR_INIT("a"), -1 },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int r = str_cmp(cases[i].a, cases[i].b);
		assert_int_equal((r > 0) - (r < 0), cases[i].sign);
		r = str_cmp(cases[i].b, cases[i].a);
		assert_int_equal((r > 0) - (r < 0), -cases[i].sign);
		assert_int_equal(str_eq(cases[i].a, cases[i].b), cases[i].sign == 0);
	}
	(void)state;
}

static void ignores_case_of_ascii_letters_only(void **state)
{
	static const struct {
		struct str a, b;
		bool equal;
	} cases[] = {
		{ STR_INIT("Content-Type"), STR_INIT("content-tYPE"), true },
		{ { NULL, 0 }, STR_INIT(""), true },
		{ STR_INIT("a1-"), STR_INIT("A1-"), true },
		{ STR_INIT("a"), STR_INIT("ab"), false },
		{ STR_INIT("@"), STR_INIT("`"), false },
		{ STR_INIT("["), STR_INIT("{"), false },
		{ STR_INIT("\xc3\x84"), STR_INIT("\xc3\xa4"), false },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(str_eq_nocase(cases[i].a, cases[i].b), cases[i].equal);
	(void)state;
}

static void takes_views_apart(void **state)
{
	assert_true(str_starts(STR("Bearer x"), STR("Bearer ")));
	assert_true(str_starts(STR("x"), none));
	assert_false(str_starts(STR("Bear"), STR("Bearer")));
	assert_false(str_starts(STR("bearer"), STR("Bearer")));

	assert_int_equal(str_find(STR("a=b=c"), '='), 1);
	assert_int_equal(str_find(STR("abc"), '='), 3);
	assert_int_equal(str_find(none, '='), 0);

	assert_true(str_eq(str_from(STR("abc"), 1), STR("bc")));
	assert_true(str_eq(str_from(STR("abc"), 3), none));
	assert_true(str_eq(str_from(none, 0), none));
	assert_true(str_eq(str_head(STR("abc"), 2), STR("ab")));
	assert_true(str_eq(str_head(STR("abc"), 9), STR("abc")));
	(void)state;
}

static void trims_blanks_and_tabs(void **state)
{
	static const struct {
		struct str in, out;
	} cases[] = {
		{ STR_INIT("  a b\t "), STR_INIT("a b") }, { STR_INIT("a"), STR_INIT("a") },
		{ STR_INIT(" \t "), STR_INIT("") },        { { NULL, 0 }, STR_INIT("") },
		{ STR_INIT("\na\r"), STR_INIT("\na\r") },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_true(str_eq(str_trim(cases[i].in), cases[i].out));
	(void)state;
}

static void knows_what_is_blank(void **state)
{
	static const struct {
		struct str s;
		bool blank;
	} cases[] = {
		{ { NULL, 0 }, true },           { STR_INIT(""), true },
		{ STR_INIT(" "), true },         { STR_INIT(" \t\n\v\f\r "), true },
		{ STR_INIT(" a "), false },      { STR_INIT("\b"), false },
		{ STR_INIT("\x0e"), false },     { STR_INIT("\0"), false },
		{ STR_INIT("\n\x1f"), false },   { STR_INIT("\xc2\xa0"), false },
		{ STR_INIT("\x89\xa0"), false },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(str_is_blank(cases[i].s), cases[i].blank);
	(void)state;
}

static void counts_code_points(void **state)
{
	assert_int_equal(str_code_points(none), 0);
	assert_int_equal(str_code_points(STR("abc")), 3);
	assert_int_equal(str_code_points(STR("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80")), 3);
	(void)state;
}

static void knows_valid_utf8(void **state)
{
	static const struct {
		struct str in;
		size_t valid;
	} cases[] = {
		{ { NULL, 0 }, 0 },
		{ STR_INIT("plain\0text"), 10 },
		{ STR_INIT("\xc2\x80\xdf\xbf"), 4 },
		{ STR_INIT("\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf"), 12 },
		{ STR_INIT("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"), 8 },
		{ STR_INIT("ab\x80"), 2 }, /* continues nothing */
		{ STR_INIT("a\xc3"), 1 },  /* ends early */
		{ STR_INIT("a\xe2\x82"), 1 },
		{ STR_INIT("a\xf0\x9f\x98"), 1 },
		{ STR_INIT("a\xc3(b"), 1 },
		{ STR_INIT("a\xe2\x82("), 1 },
		{ STR_INIT("\xc0\x80"), 0 }, /* overlong */
		{ STR_INIT("\xc1\xbf"), 0 },
		{ STR_INIT("\xe0\x9f\xbf"), 0 },
		{ STR_INIT("\xf0\x8f\xbf\xbf"), 0 },
		{ STR_INIT("\xed\xa0\x80"), 0 }, /* surrogates */
		{ STR_INIT("\xed\xbf\xbf"), 0 },
		{ STR_INIT("\xf4\x90\x80\x80"), 0 }, /* above U+10FFFF */
		{ STR_INIT("\xf5\x80\x80\x80"), 0 },
		{ STR_INIT("x\xff"), 1 },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(str_utf8_prefix(cases[i].in), cases[i].valid);
	(void)state;
}

static void mends_what_is_no_utf8(void **state)
{
	static const struct {
		struct str in;
		size_t size;
		struct str out;
	} cases[] = {
		{ STR_INIT(""), 8, STR_INIT("") },
		{ STR_INIT("abc"), 8, STR_INIT("abc") },
		{ STR_INIT("abc"), 2, STR_INIT("ab") },
		{ STR_INIT("Gr\xfc\xdf"
			   "e"),
		  16,
		  STR_INIT("Gr\xef\xbf\xbd\xef\xbf\xbd"
			   "e") },
		{ STR_INIT("\xff\xfe"), 5, STR_INIT("\xef\xbf\xbd") },
		{ STR_INIT("a\xe2\x82\xac"), 8, STR_INIT("a\xe2\x82\xac") },
		{ STR_INIT("a\xe2\x82\xac"), 3, STR_INIT("a") },
		{ STR_INIT("a\xe2\x82"), 8, STR_INIT("a") }, /* cut off */
		{ STR_INIT("a\xe2\x82("), 16, STR_INIT("a\xef\xbf\xbd\xef\xbf\xbd(") },
		{ STR_INIT("a\xff"), 8, STR_INIT("a\xef\xbf\xbd") },
		{ STR_INIT("a\xc0"), 8, STR_INIT("a\xef\xbf\xbd") },
	};
	char out[16];
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		size_t n = str_utf8_mend(cases[i].in, out, cases[i].size);
		assert_true(str_eq((struct str){ out, n }, cases[i].out));
	}
	(void)state;
}

static void reads_decimal_numbers(void **state)
{
	static const struct {
		struct str in;
		bool ok;
		uint64_t out;
	} cases[] = {
		{ STR_INIT("0"), true, 0 },
		{ STR_INIT("007"), true, 7 },
		{ STR_INIT("18446744073709551615"), true, UINT64_MAX },
		{ STR_INIT("18446744073709551616"), false, 0 },
		{ STR_INIT("99999999999999999999999"), false, 0 },
		{ { NULL, 0 }, false, 0 },
		{ STR_INIT("-1"), false, 0 },
		{ STR_INIT("+1"), false, 0 },
		{ STR_INIT(" 1"), false, 0 },
		{ STR_INIT("1 "), false, 0 },
		{ STR_INIT("1\0"), false, 0 },
		{ STR_INIT("0x1"), false, 0 },
		{ STR_INIT("1_000"), false, 0 },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint64_t v = 4711;
		assert_int_equal(str_to_u64(cases[i].in, &v), cases[i].ok);
		assert_int_equal(v, cases[i].ok ? cases[i].out : 4711);
	}
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(orders_bytewise),
		cmocka_unit_test(ignores_case_of_ascii_letters_only),
		cmocka_unit_test(takes_views_apart),
		cmocka_unit_test(trims_blanks_and_tabs),
		cmocka_unit_test(knows_what_is_blank),
		cmocka_unit_test(counts_code_points),
		cmocka_unit_test(knows_valid_utf8),
		cmocka_unit_test(mends_what_is_no_utf8),
		cmocka_unit_test(reads_decimal_numbers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
