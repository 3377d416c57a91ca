#include "base/durations.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void bounds_grow(void **state)
{
	(void)state;
	for (unsigned i = 1; i < DURATIONS_BOUNDS; i++)
		assert_true(durations_bounds_us[i - 1] < durations_bounds_us[i]);
}

/* What took as long as a bound says counts below it; cumulative from there on. */
static void counts_by_size(void **state)
{
	const int64_t last = durations_bounds_us[DURATIONS_BOUNDS - 1];
	const struct {
		int64_t us;
		unsigned first; /* the lowest bound that it counts under */
	} cases[] = {
		{ 0, 0 },
		{ -1, 0 }, /* a clock that went back */
		{ 1, 0 },
		{ durations_bounds_us[0], 0 },
		{ durations_bounds_us[0] + 1, 1 },
		{ durations_bounds_us[5], 5 },
		{ durations_bounds_us[5] + 1, 6 },
		{ last, DURATIONS_BOUNDS - 1 },
		{ last + 1, DURATIONS_BOUNDS },
		{ INT64_MAX / 2, DURATIONS_BOUNDS },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct durations d = { 0 };
		durations_add(&d, cases[i].us);
		struct durations_view v = durations_look(&d);
		for (unsigned b = 0; b <= DURATIONS_BOUNDS; b++)
			assert_int_equal(v.up_to[b], b >= cases[i].first);
		assert_int_equal(v.sum_us, MAX(cases[i].us, 0));
	}
}

static void adds_up(void **state)
{
	struct durations d = { 0 };
	(void)state;
	for (int i = 0; i < 100; i++)
		durations_add(&d, i * 1000);
	struct durations_view v = durations_look(&d);
	assert_int_equal(v.up_to[DURATIONS_BOUNDS], 100);
	assert_int_equal(v.up_to[3], 6); /* 0 to 5 ms */
	assert_int_equal(v.sum_us, 99 * 100 / 2 * 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bounds_grow),
		cmocka_unit_test(counts_by_size),
		cmocka_unit_test(adds_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
