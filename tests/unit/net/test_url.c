#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "net/url.h"

#include <stdlib.h>

static struct arena arena;

static int set_up(void **state)
{
	(void)state;
	arena_init(&arena, 1 << 20, NULL);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_fini(&arena);
	return 0;
}

static void assert_str(struct str got, struct str want)
{
	if (!want.p) {
		assert_null(got.p);
		return;
	}
	assert_non_null(got.p);
	assert_int_equal(got.n, want.n);
	assert_memory_equal(got.p, want.p, want.n);
}

#define NONE            \
	{               \
		NULL, 0 \
	}

static struct url_place place_of(struct str text)
{
	struct url_place at;
	assert_true(url_place_make(&arena, text, &at));
	return at;
}

static void test_decode(void **state)
{
	static const struct {
		struct str in, want;
	} cases[] = {
		{ STR_INIT(""), STR_INIT("") },
		{ STR_INIT("plain"), STR_INIT("plain") },
		{ STR_INIT("a+b"), STR_INIT("a+b") },
		{ STR_INIT("a%20b"), STR_INIT("a b") },
		{ STR_INIT("%2f%2F"), STR_INIT("//") },
		{ STR_INIT("%00"), STR_INIT("\0") },
		{ STR_INIT("%c3%A9"), STR_INIT("\xc3\xa9") },
		{ STR_INIT("%2541"), STR_INIT("%41") },
		{ STR_INIT("%"), NONE },
		{ STR_INIT("%4"), NONE },
		{ STR_INIT("a%4"), NONE },
		{ STR_INIT("%4g"), NONE },
		{ STR_INIT("%g4"), NONE },
		{ STR_INIT("%%41"), NONE },
		{ STR_INIT("% 1"), NONE },
		{ STR_INIT("%+1"), NONE },
		{ STR_INIT("%-1"), NONE },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_str(url_decode(place_of(cases[i].in), cases[i].in), cases[i].want);
}

static void test_query(void **state)
{
	static const struct {
		struct str query, name, want;
	} cases[] = {
		{ STR_INIT(""), STR_INIT("a"), NONE },
		{ STR_INIT("a=1"), STR_INIT("a"), STR_INIT("1") },
		{ STR_INIT("a=1"), STR_INIT("b"), NONE },
		{ STR_INIT("a=1"), STR_INIT(""), NONE },
		{ STR_INIT("ab=1"), STR_INIT("a"), NONE },
		{ STR_INIT("a=1&a=2"), STR_INIT("a"), STR_INIT("1") },
		{ STR_INIT("x=1&a=2&y"), STR_INIT("a"), STR_INIT("2") },
		{ STR_INIT("a"), STR_INIT("a"), STR_INIT("") },
		{ STR_INIT("a="), STR_INIT("a"), STR_INIT("") },
		{ STR_INIT("a&b"), STR_INIT("b"), STR_INIT("") },
		{ STR_INIT("&&a=1&&"), STR_INIT("a"), STR_INIT("1") },
		{ STR_INIT("a=b=c"), STR_INIT("a"), STR_INIT("b=c") },
		{ STR_INIT("a=x+y"), STR_INIT("a"), STR_INIT("x y") },
		{ STR_INIT("a=%2B90"), STR_INIT("a"), STR_INIT("+90") },
		{ STR_INIT("a=%26b=1"), STR_INIT("b"), NONE },
		{ STR_INIT("%61=1"), STR_INIT("a"), STR_INIT("1") },
		{ STR_INIT("a+b=1"), STR_INIT("a b"), STR_INIT("1") },
		{ STR_INIT("a=%zz+1"), STR_INIT("a"), STR_INIT("%zz+1") },
		{ STR_INIT("%6=1&a=2"), STR_INIT("a"), STR_INIT("2") },
		{ STR_INIT("A=1"), STR_INIT("a"), NONE },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_str(url_query(place_of(cases[i].query), cases[i].query, cases[i].name),
			   cases[i].want);
}

static void test_names(void **state)
{
	static const struct {
		struct str query;
		const char *want;
	} cases[] = {
		{ STR_INIT(""), "" },
		{ STR_INIT("&&"), "" },
		{ STR_INIT("a"), "a;" },
		{ STR_INIT("&a=1&&b=&a=a%26b&"), "a;b;a;" },
		{ STR_INIT("="), ";" },
		{ STR_INIT("=1&x"), ";x;" },
		{ STR_INIT("%61+b=c=d&%zz=1"), "a b;%zz;" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf b = buf_in(&arena);
		struct str rest = cases[i].query, name;
		struct url_place at = place_of(rest);
		while (url_query_next(at, &rest, &name)) {
			buf_put(&b, name);
			buf_char(&b, ';');
		}
		assert_int_equal(rest.n, 0);
		assert_true(str_eq(buf_str(&b), str_of(cases[i].want)));
	}
}

static void test_encode(void **state)
{
	static const struct {
		struct str in, want;
	} cases[] = {
		{ STR_INIT(""), STR_INIT("") },
		{ STR_INIT("aZ09-._~"), STR_INIT("aZ09-._~") },
		{ STR_INIT("a b/c%?#&+"), STR_INIT("a%20b%2Fc%25%3F%23%26%2B") },
		{ STR_INIT("\xc3\xa9\n\0"), STR_INIT("%C3%A9%0A%00") },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_str(url_encode(&arena, cases[i].in), cases[i].want);
		assert_str(url_decode(place_of(cases[i].want), cases[i].want), cases[i].in);
	}
}

static void test_form(void **state)
{
	static const struct str names[] = { STR_INIT("a"), STR_INIT("b c") };
	static const struct {
		struct str body;
		enum url_form want;
		struct str a, b;
	} cases[] = {
		{ STR_INIT(""), URL_FORM_OK, NONE, NONE },
		{ STR_INIT("&&"), URL_FORM_OK, NONE, NONE },
		{ STR_INIT("a=1&b+c=2"), URL_FORM_OK, STR_INIT("1"), STR_INIT("2") },
		{ STR_INIT("b%20c=x+y%2B&x=1&x=2"), URL_FORM_OK, NONE, STR_INIT("x y+") },
		{ STR_INIT("a&b+c="), URL_FORM_OK, STR_INIT(""), STR_INIT("") },
		{ STR_INIT("a=b=c"), URL_FORM_OK, STR_INIT("b=c"), NONE },
		{ STR_INIT("a=1&%61=2"), URL_FORM_MALFORMED, NONE, NONE },
		{ STR_INIT("a=&a="), URL_FORM_MALFORMED, NONE, NONE },
		{ STR_INIT("a=%"), URL_FORM_MALFORMED, NONE, NONE },
		{ STR_INIT("x=%4"), URL_FORM_MALFORMED, NONE, NONE },
		{ STR_INIT("%gg=1"), URL_FORM_MALFORMED, NONE, NONE },
	};
	struct str values[2];
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(url_form(&arena, cases[i].body, names, 2, values), cases[i].want);
		if (cases[i].want)
			continue;
		assert_str(values[0], cases[i].a);
		assert_str(values[1], cases[i].b);
	}
}

/* Each parameter has its own place: what was read first stays, and is the same when it is read again. */
static void test_place(void **state)
{
	struct str query = STR("a=%2541&b+c=%26a=x&a=2&%64=+%zz"), rest = query, name;
	struct url_place at = place_of(query);
	(void)state;
	struct str first = url_query(at, query, STR("a")), other = url_query(at, query, STR("b c"));
	for (int i = 0; i < 2; i++) {
		assert_str(url_query(at, query, STR("a")), STR("%41"));
		assert_str(url_query(at, query, STR("d")), STR("+%zz"));
		assert_true(url_query_next(at, &rest, &name));
		assert_str(first, STR("%41"));
		assert_str(other, STR("&a=x"));
	}
}

static void test_no_memory(void **state)
{
	struct arena none, some;
	struct url_place at;
	struct str query = STR("a=%41+&b=%zz"), name = STR("a"), value;
	(void)state;
	arena_init(&none, 0, NULL);
	assert_false(url_place_make(&none, STR("%41"), &at));
	assert_false(url_place_make(&none, STR("a=+"), &at));
	assert_true(url_place_make(&none, STR("a=41"), &at));
	assert_null(url_encode(&none, STR("a")).p);
	assert_int_equal(url_form(&none, STR("a=1"), &name, 1, &value), URL_FORM_NO_MEMORY);
	arena_fini(&none);

	/* Once there is a place no more is needed. */
	arena_init(&some, 200, NULL);
	assert_true(url_place_make(&some, query, &at));
	while (arena_alloc(&some, 1))
		continue;
	assert_str(url_query(at, query, STR("a")), STR("A "));
	assert_str(url_query(at, query, STR("b")), STR("%zz"));
	arena_fini(&some);

	/* Without one nothing that was sent is taken for nothing. */
	at = (struct url_place){ 0 };
	assert_str(url_query(at, query, STR("a")), STR("%41+"));
	assert_null(url_decode(at, STR("%41")).p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_decode, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_query, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_names, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_encode, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_form, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_place, set_up, tear_down),
		cmocka_unit_test(test_no_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
