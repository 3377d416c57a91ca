#include "load/histogram.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void near(uint64_t value, uint64_t wanted)
{
	assert_in_range(value, wanted, wanted + wanted / 100);
}

static void test_empty(void **state)
{
	static struct histogram h;
	(void)state;
	assert_int_equal(histogram_at(&h, 0.5), 0);
	assert_int_equal(histogram_at(&h, 1), 0);
}

static void test_shares(void **state)
{
	static struct histogram h;
	(void)state;
	for (uint64_t v = 1; v <= 1000; v++)
		histogram_add(&h, v * 1000);
	assert_int_equal(h.n, 1000);
	assert_int_equal(h.max, 1000000);
	near(histogram_at(&h, 0.5), 500000);
	near(histogram_at(&h, 0.99), 990000);
	near(histogram_at(&h, 0.999), 999000);
	assert_int_equal(histogram_at(&h, 1), 1000000);
}

static void test_small_are_exact(void **state)
{
	static struct histogram h;
	(void)state;
	for (uint64_t v = 0; v < 256; v++)
		histogram_add(&h, v);
	for (uint64_t v = 1; v < 256; v++)
		assert_int_equal(histogram_at(&h, (double)(v + 1) / 256), v);
}

/* Every size of value finds a cell, and is told within 1 %, never as more than the largest. */
static void test_all_sizes(void **state)
{
	(void)state;
	for (unsigned bit = 0; bit < 64; bit++) {
		static struct histogram h;
		uint64_t value = (1ULL << bit) + (1ULL << bit) / 3;
		h = (struct histogram){ 0 };
		histogram_add(&h, value);
		assert_int_equal(histogram_at(&h, 0.5), value);
		histogram_add(&h, UINT64_MAX);
		near(histogram_at(&h, 0.5), value);
		assert_true(histogram_at(&h, 1) == UINT64_MAX);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_shares),
		cmocka_unit_test(test_small_are_exact),
		cmocka_unit_test(test_all_sizes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
