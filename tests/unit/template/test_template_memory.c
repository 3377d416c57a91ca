/* What the library asks for may be refused at any point: that is -ENOMEM, and nothing leaks. */
#include "failing_new.h"

#include "template/template.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { MANY = 10000 };

static int read_failing(const char *text, int fail_at)
{
	struct template t;
	struct template_error err;
	struct arena a;
	arena_init(&a, 1 << 20, NULL);
	failing_new_arm(fail_at);
	int r = template_read(&a, str_of(text), &t, &err);
	failing_new_arm(-1);
	arena_fini(&a);
	return r;
}

static void test_each_call_fails(void **state)
{
	static const struct {
		const char *text;
		int outcome;
	} cases[] = {
		{ "{\"a long enough text to be no short string\":\"{{and.a.name.that.is.long}}\"}",
		  0 },
		{ "[{{#a}} {{#b.c}}{{{d}}}{{/b.c}} {{! what is said in here }}{{/a}}]", 0 },
		{ "{{#a_name_that_is_too_long_for_a_short_string}}", TEMPLATE_WRONG },
		{ "{{/a_name_that_is_too_long_for_a_short_string}}", TEMPLATE_WRONG },
		{ "[{{> a_name_that_is_too_long_for_a_short_string}}]", TEMPLATE_WRONG },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int k = 0;
		while (k < MANY && read_failing(cases[i].text, k) == -ENOMEM)
			k++;
		assert_in_range(k, 3, MANY - 1);
		assert_int_equal(read_failing(cases[i].text, k), cases[i].outcome);
		assert_int_equal(read_failing(cases[i].text, -1), cases[i].outcome);
	}
}

/* Of the arena, whose refusal crosses the library on its way. */
static void test_small_arenas(void **state)
{
	unsigned refused = 0;
	(void)state;
	for (size_t ceiling = 64; ceiling < 1 << 16; ceiling *= 2) {
		struct template t;
		struct template_error err;
		struct arena a;
		arena_init(&a, ceiling, NULL);
		int r = template_read(&a, STR("[{{#a}}{{{b}}}{{/a}}{{{c}}}]"), &t, &err);
		assert_true(r == 0 || r == -ENOMEM);
		refused += r < 0;
		arena_fini(&a);
	}
	assert_in_range(refused, 1, 9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_call_fails),
		cmocka_unit_test(test_small_arenas),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
