#include "intake/ratelimit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* One bucket, asked at moments in order: what it says each time. */
struct ask {
	int64_t at_ms;
	bool granted;
	unsigned remaining, reset_s;
};

static void check(struct rate rate, const struct ask *asks, size_t n)
{
	struct ratelimit *r;
	assert_int_equal(ratelimit_new(&r), 0);
	for (size_t i = 0; i < n; i++) {
		struct rate_state s;
		bool granted = ratelimit_take(r, (struct bucket){ 7, DIALECT_ARSEL, 0 }, rate,
					      asks[i].at_ms, &s);
		if (granted != asks[i].granted || s.remaining != asks[i].remaining ||
		    s.reset_s != asks[i].reset_s)
			fail_msg("ask %zu: granted %d, remaining %u, reset %u", i, granted,
				 s.remaining, s.reset_s);
		assert_int_equal(s.limit, rate.requests);
	}
	ratelimit_free(r);
}

static void a_window_starts_with_its_first_request(void **state)
{
	(void)state;
	static const struct ask asks[] = {
		{ 5000, true, 2, 60 },   { 5000, true, 1, 60 },   { 34000, true, 0, 31 },
		{ 34001, false, 0, 31 }, { 64999, false, 0, 1 },  { 65000, true, 2, 60 },
		{ 65001, true, 1, 60 },  { 500000, true, 2, 60 }, { 500000, true, 1, 60 },
	};
	check((struct rate){ 3, 60 }, asks, ARRAY_LEN(asks));
}

static void the_clock_may_begin_at_zero(void **state)
{
	(void)state;
	static const struct ask asks[] = {
		{ 0, true, 0, 1 },
		{ 1, false, 0, 1 },
		{ 999, false, 0, 1 },
		{ 1000, true, 0, 1 },
	};
	check((struct rate){ 1, 1 }, asks, ARRAY_LEN(asks));
}

static void keys_and_dialects_do_not_share(void **state)
{
	(void)state;
	struct ratelimit *r;
	struct rate_state s;
	struct rate one = { 1, 1 };
	assert_int_equal(ratelimit_new(&r), 0);
	assert_true(ratelimit_take(r, (struct bucket){ 1, DIALECT_ARSEL, 0 }, one, 10, &s));
	assert_false(ratelimit_take(r, (struct bucket){ 1, DIALECT_ARSEL, 0 }, one, 10, &s));
	for (unsigned family = 1; family < ENDPOINT_BUCKETS; family++) {
		const struct bucket b = { 1, DIALECT_ARSEL, family };
		assert_true(ratelimit_take(r, b, one, 10, &s));
		assert_false(ratelimit_take(r, b, one, 10, &s));
	}
	assert_true(ratelimit_take(r, (struct bucket){ 1, DIALECT_PRISTO, 0 }, one, 10, &s));
	assert_true(ratelimit_take(r, (struct bucket){ 2, DIALECT_ARSEL, 0 }, one, 10, &s));
	assert_true(
		ratelimit_take(r, (struct bucket){ KEY_NO_MAX, DIALECT_ARSEL, 0 }, one, 10, &s));
	assert_false(
		ratelimit_take(r, (struct bucket){ KEY_NO_MAX, DIALECT_ARSEL, 0 }, one, 10, &s));
	ratelimit_free(r);
}

static bool take(struct ratelimit *r, unsigned family, unsigned requests, unsigned window_s,
		 int64_t at_ms)
{
	struct rate_state s;
	return ratelimit_take(r, (struct bucket){ 7, DIALECT_ARSEL, family },
			      (struct rate){ requests, window_s }, at_ms, &s);
}

static void a_changed_limit_is_held_at_once(void **state)
{
	(void)state;
	struct ratelimit *r;
	assert_int_equal(ratelimit_new(&r), 0);
	for (int i = 0; i < 5; i++)
		assert_true(take(r, RATELIMIT_OWN, 5, 1, 100));
	assert_false(take(r, RATELIMIT_OWN, 5, 1, 100));
	assert_true(take(r, RATELIMIT_OWN, 6, 1, 100)); /* raised: what is more is there at once */
	assert_false(take(r, RATELIMIT_OWN, 6, 1, 100));
	assert_false(take(r, RATELIMIT_OWN, 2, 1, 100)); /* lowered */
	assert_true(take(r, RATELIMIT_OWN, 2, 1, 1100));
	assert_true(take(r, RATELIMIT_OWN, 2, 1, 1100));
	assert_false(take(r, RATELIMIT_OWN, 2, 1, 1100));
	ratelimit_free(r);
}

static void an_own_limit_and_the_vendors_do_not_share(void **state)
{
	(void)state;
	struct ratelimit *r;
	assert_int_equal(ratelimit_new(&r), 0);
	for (int i = 0; i < 1000; i++)
		assert_true(take(r, RATELIMIT_OWN, 1000, 1, 100));
	assert_false(take(r, RATELIMIT_OWN, 1000, 1, 100));
	for (unsigned family = 0; family < ENDPOINT_BUCKETS; family++)
		for (int i = 0; i < 4; i++)
			assert_int_equal(take(r, family, 3, 60, 200), i < 3);
	assert_true(take(r, RATELIMIT_OWN, 1000, 1, 1100));
	assert_false(take(r, 0, 3, 60, 1100)); /* its own minute is not over */
	ratelimit_free(r);
}

enum { TAKERS = 4, TRIES = 5000, ROOM = 7000 };

struct taker {
	struct ratelimit *r;
	pthread_t thread;
	unsigned granted;
};

static void *take_many(void *arg)
{
	struct taker *t = arg;
	struct rate_state s;
	for (int i = 0; i < TRIES; i++)
		t->granted += ratelimit_take(t->r, (struct bucket){ 3, DIALECT_INFOBIP, 0 },
					     (struct rate){ ROOM, 60 }, 1000, &s);
	return NULL;
}

static void threads_together_get_no_more_than_one_would(void **state)
{
	(void)state;
	struct ratelimit *r;
	struct taker takers[TAKERS] = { 0 };
	unsigned granted = 0;
	assert_int_equal(ratelimit_new(&r), 0);
	for (int i = 0; i < TAKERS; i++) {
		takers[i].r = r;
		assert_int_equal(pthread_create(&takers[i].thread, NULL, take_many, &takers[i]), 0);
	}
	for (int i = 0; i < TAKERS; i++) {
		pthread_join(takers[i].thread, NULL);
		granted += takers[i].granted;
	}
	assert_int_equal(granted, ROOM);
	ratelimit_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_window_starts_with_its_first_request),
		cmocka_unit_test(the_clock_may_begin_at_zero),
		cmocka_unit_test(keys_and_dialects_do_not_share),
		cmocka_unit_test(a_changed_limit_is_held_at_once),
		cmocka_unit_test(an_own_limit_and_the_vendors_do_not_share),
		cmocka_unit_test(threads_together_get_no_more_than_one_would),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
