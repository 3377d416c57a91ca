#include "base/space.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void it_is_zero_and_takes_what_is_written(void **state)
{
	const size_t n = 1 << 30;
	uint8_t *p = space_new(n);
	(void)state;
	assert_non_null(p);
	assert_int_equal(p[0] | p[n / 2] | p[n - 1], 0);
	p[n - 1] = 7;
	assert_int_equal(p[n - 1], 7);
	space_free(p, n);
	space_free(NULL, n);
}

static void what_cannot_be_is_refused(void **state)
{
	(void)state;
	assert_null(space_new(SIZE_MAX / 2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_zero_and_takes_what_is_written),
		cmocka_unit_test(what_cannot_be_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
