#include "intake/shares.h"

#include "model/catalog.h"

#include <pthread.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { MAX_OPS = 1200 };

static struct shares *shares;

static int open_shares(void **state)
{
	(void)state;
	return shares_new(MAX_OPS, &shares);
}

static int close_shares(void **state)
{
	(void)state;
	shares_free(shares);
	return 0;
}

/* How many single operations the key gets. */
static unsigned take_all(uint32_t key)
{
	unsigned n = 0;
	while (shares_take(shares, key, 1))
		n++;
	return n;
}

static void one_gets_half(void **state)
{
	(void)state;
	assert_true(shares_has_room(shares, 1));
	assert_int_equal(take_all(1), MAX_OPS / 2);
	assert_false(shares_take(shares, 1, 1));
	assert_false(shares_has_room(shares, 1));
	assert_true(shares_has_room(shares, 2));
	shares_give(shares, 1, 2); /* that makes room for others, and so for one of its own */
	assert_int_equal(take_all(1), 2);
}

/* What the first holds is above what it may hold now, and it gets nothing until it is below. */
static void a_flood_leaves_room(void **state)
{
	(void)state;
	unsigned flood = take_all(1);
	assert_int_equal(take_all(KEY_NO_MAX), (MAX_OPS - flood) / 2);
	for (uint32_t key = 2; key < 8; key++)
		assert_true(shares_take(shares, key, 1));
	assert_false(shares_take(shares, 1, 1));
}

static void two_that_give_back_get_a_third_each(void **state)
{
	unsigned held[2] = { take_all(1), take_all(2) };
	(void)state;
	for (unsigned i = 0; i < 10000; i++) {
		uint32_t key = 1 + i % 2;
		shares_give(shares, key, 1);
		held[key - 1]--;
		for (uint32_t k = 1; k <= 2; k++)
			held[k - 1] += shares_take(shares, k, 1);
	}
	assert_in_range(held[0], MAX_OPS / 3 - 2, MAX_OPS / 3 + 2);
	assert_in_range(held[1], MAX_OPS / 3 - 2, MAX_OPS / 3 + 2);
}

static void large_jobs(void **state)
{
	static const struct {
		unsigned before, n;
		bool taken;
	} cases[] = {
		{ 0, MAX_OPS, true },          { 0, MAX_OPS + 1, false },
		{ 0, UINT32_MAX, false },      { 100, MAX_OPS - 200, true },
		{ 100, MAX_OPS - 199, false },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_true(shares_take(shares, 5, cases[i].before));
		assert_int_equal(shares_take(shares, 5, cases[i].n), cases[i].taken);
		shares_give(shares, 5, cases[i].before + (cases[i].taken ? cases[i].n : 0));
	}
	assert_int_equal(take_all(6), MAX_OPS / 2);
}

static void *come_and_go(void *arg)
{
	uint32_t key = (uint32_t)(uintptr_t)arg;
	for (unsigned i = 0; i < 20000; i++)
		if (shares_take(shares, key, i % 700))
			shares_give(shares, key, i % 700);
	return NULL;
}

/* After any number of them at once, nothing is held. */
static void threads_leave_nothing(void **state)
{
	pthread_t threads[4];
	(void)state;
	for (uintptr_t i = 0; i < ARRAY_LEN(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, come_and_go, (void *)i), 0);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		pthread_join(threads[i], NULL);
	for (uint32_t key = 0; key < ARRAY_LEN(threads); key++) {
		unsigned n = take_all(key);
		assert_int_equal(n, MAX_OPS / 2);
		shares_give(shares, key, n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(f) cmocka_unit_test_setup_teardown(f, open_shares, close_shares)
		CASE(one_gets_half),
		CASE(a_flood_leaves_room),
		CASE(two_that_give_back_get_a_third_each),
		CASE(large_jobs),
		CASE(threads_leave_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
