/* How much of the workers a key gets at a time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "intake/reads.h"

static void a_key_has_one_long_read_at_a_time(void **state)
{
	struct reads *r = NULL;
	(void)state;
	assert_int_equal(reads_new(&r), 0);
	assert_true(reads_take(r, 1, true));
	assert_false(reads_take(r, 1, true));
	assert_true(reads_take(r, 1, false));
	assert_true(reads_take(r, 2, true));
	reads_done(r, 1, false);
	assert_false(reads_take(r, 1, true));
	reads_done(r, 1, true);
	assert_true(reads_take(r, 1, true));
	reads_free(r);
}

/* A long one for which there is no room has not begun. */
static void a_refused_one_leaves_nothing_behind(void **state)
{
	struct reads *r = NULL;
	unsigned n = 0;
	(void)state;
	assert_int_equal(reads_new(&r), 0);
	while (reads_take(r, 1, false))
		n++;
	assert_true(n > 1);
	assert_false(reads_take(r, 1, true));
	reads_done(r, 1, false);
	assert_true(reads_take(r, 1, true));
	assert_true(reads_take(r, 2, true));
	reads_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_key_has_one_long_read_at_a_time),
		cmocka_unit_test(a_refused_one_leaves_nothing_behind),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
