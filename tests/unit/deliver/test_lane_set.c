/* Which lanes there are: one for each destination of the rules, and those with something under way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../scratch.h"
#include "deliver/lane_set.h"

#include <stdlib.h>

static char dir[64];
static struct ledger *ledger;
static struct lane_set lanes;
static struct journeys journeys;
static const uint32_t pauses[] = { 10 };

static int open_lanes(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/occurd-lanes-XXXXXX");
	assert_non_null(mkdtemp(dir));
	return ledger_open(dir, &ledger);
}

static int close_lanes(void **state)
{
	(void)state;
	lane_set_free(&lanes);
	ledger_close(ledger);
	return scratch_remove(dir);
}

static struct destination destination(uint32_t no)
{
	return (struct destination){
		.no = no, .concurrency = 3, .retry_s = pauses, .n_retries = 1, .declared_at = 7
	};
}

static void fit(struct destination *list, unsigned n)
{
	const struct rules rules = { .destinations = list, .n_destinations = n };
	assert_int_equal(lane_set_fit(&lanes, &rules, ledger, &journeys), 0);
	assert_int_equal(lane_set_load(&lanes, &rules, ledger, 1000), 0);
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(lanes.list[i]->destination, list[i].no);
}

static void those_of_deleted_destinations_go(void **state)
{
	struct destination kept[2] = { destination(1) };
	(void)state;
	for (uint32_t no = 100; no > 2; no--) {
		kept[1] = destination(no);
		fit(kept, 2);
		assert_int_equal(lanes.n, 2);
	}
	fit(kept, 1);
	assert_int_equal(lanes.n, 1);
	fit(NULL, 0);
	assert_int_equal(lanes.n, 0);
}

static void those_with_something_under_way_stay(void **state)
{
	struct destination to = destination(5);
	struct delivery d = { .workspace = 1, .automation = 1, .destination = 5, .seq = 1 };
	struct journey j = { .attempt = { .destination = &to, .retry_after_s = -1 } };
	(void)state;
	assert_int_equal(ledger_decide(ledger, &d), 0);
	fit(&to, 1);
	struct lane *lane = lanes.list[0];
	assert_non_null(lane_next(lane, &to, 1000));
	lane_begun(lane, &j, 1000);
	fit(NULL, 0);
	assert_ptr_equal(lane_set_find(&lanes, 5), lane);
	fit(&to, 1);
	assert_ptr_equal(lanes.list[0], lane);
	fit(NULL, 0);
	j.attempt.outcome = ATTEMPT_DELIVERED;
	lane_ended(lane, &j, 2000);
	fit(NULL, 0);
	assert_null(lane_set_find(&lanes, 5));
}

/* It is still known that it wants nothing. */
static void one_that_comes_back_is_as_it_was(void **state)
{
	struct destination to = destination(5);
	(void)state;
	assert_int_equal(ledger_silence(ledger, 5, to.declared_at), 0);
	fit(&to, 1);
	assert_int_equal(lane_state(lanes.list[0]), LANE_DISABLED);
	fit(NULL, 0);
	fit(&to, 1);
	assert_int_equal(lane_state(lanes.list[0]), LANE_DISABLED);
	to.declared_at++;
	fit(&to, 1);
	assert_int_equal(lane_state(lanes.list[0]), LANE_OPEN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(f) cmocka_unit_test_setup_teardown(f, open_lanes, close_lanes)
		CASE(those_of_deleted_destinations_go),
		CASE(those_with_something_under_way_stay),
		CASE(one_that_comes_back_is_as_it_was),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
