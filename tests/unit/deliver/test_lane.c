/* One destination's way out: what is begun when, and what comes of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../scratch.h"
#include "deliver/lane.h"

#include <stdlib.h>

enum { DESTINATION = 5 };

#define T0 (1000 * US_PER_S)

static char dir[64];
static struct ledger *ledger;
static struct lane lane;
static struct destination to;
static const uint32_t pauses[] = { 10, 100 };

static int open_lane(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/occurd-lane-XXXXXX");
	assert_non_null(mkdtemp(dir));
	lane_init(&lane, DESTINATION, NULL);
	to = (struct destination){
		.no = DESTINATION, .retry_s = pauses, .n_retries = 2, .concurrency = 3
	};
	return ledger_open(dir, &ledger);
}

static int close_lane(void **state)
{
	(void)state;
	lane_fini(&lane);
	ledger_close(ledger);
	return scratch_remove(dir);
}

static uint64_t decide(instant_us due_at, uint64_t contact)
{
	struct delivery d = { .workspace = 1,
			      .automation = 1,
			      .destination = DESTINATION,
			      .seq = 1,
			      .contact = contact,
			      .due_at = due_at };
	assert_int_equal(ledger_decide(ledger, &d), 0);
	lane.look = true;
	return d.no;
}

/* The next one begun at that moment; NULL: none may. */
static struct journey *begin(instant_us now)
{
	assert_int_equal(lane_load(&lane, &to, ledger, now), 0);
	const struct delivery *d = lane_next(&lane, &to, now);
	if (!d)
		return NULL;
	struct journey *j = calloc(1, sizeof(*j));
	j->delivery = *d;
	j->attempt.destination = &to;
	j->attempt.retry_after_s = -1;
	lane_begun(&lane, j, now);
	return j;
}

/* Its new state is in the ledger. */
static struct delivery end(struct journey *j, enum attempt_outcome outcome, instant_us now)
{
	j->attempt.outcome = outcome;
	lane_ended(&lane, j, now);
	struct delivery d = j->delivery;
	struct attempt_row attempt = { .n = d.attempts, .answer = STR("") };
	d.answer = STR("");
	assert_int_equal(ledger_settle(ledger, &d, &attempt), 0);
	free(j);
	return d;
}

static void assert_about(instant_us at, instant_us expect, instant_us more_or_less)
{
	assert_in_range(at, expect - more_or_less, expect + more_or_less);
}

static void test_tried_by_the_schedule_and_then_dead(void **state)
{
	(void)state;
	decide(T0, 1);
	struct delivery d = end(begin(T0), ATTEMPT_RETRY, T0);
	assert_int_equal(d.state, DELIVERY_PENDING);
	assert_about(d.due_at, T0 + 10 * US_PER_S, US_PER_S);
	assert_null(begin(d.due_at - 1));
	d = end(begin(d.due_at), ATTEMPT_RETRY, d.due_at);
	assert_int_equal(d.attempts, 2);
	instant_us third = d.due_at;
	d = end(begin(third), ATTEMPT_RETRY, third);
	assert_int_equal(d.attempts, 3);
	assert_int_equal(d.state, DELIVERY_DEAD);
	assert_int_equal(d.ended_at, third);
	assert_null(begin(third + 1000 * US_PER_S));
	assert_int_equal(lane_wakes_at(&lane, &to, third), 0);
}

static void test_retry_after(void **state)
{
	static const struct {
		int64_t retry_after_s;
		instant_us expect_s;
	} cases[] = { { -1, 10 }, { 5, 10 }, { 77, 77 }, { 1LL << 60, DESTINATION_RETRY_MAX_S } };
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		decide(T0, 1);
		lane.failures = 0;
		struct journey *j = begin(T0);
		j->attempt.retry_after_s = cases[i].retry_after_s;
		struct delivery d = end(j, ATTEMPT_RETRY, T0);
		assert_about(d.due_at, T0 + cases[i].expect_s * US_PER_S, US_PER_S);
		d.state = DELIVERY_DEAD;
		struct attempt_row attempt = { .n = 9, .answer = STR("") };
		assert_int_equal(ledger_settle(ledger, &d, &attempt), 0);
	}
}

/* The destination has asked for a pause: nothing goes to it until then. */
static void test_held(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 3; i++)
		decide(T0, i);
	struct journey *j = begin(T0), *other = begin(T0);
	j->attempt.retry_after_s = 30;
	j->attempt.hold = true;
	end(j, ATTEMPT_RETRY, T0);
	assert_null(begin(T0));
	end(other, ATTEMPT_DELIVERED, T0);
	assert_null(begin(T0 + 30 * US_PER_S - 1));
	assert_int_equal(lane_wakes_at(&lane, &to, T0 + 1), T0 + 30 * US_PER_S);
	end(begin(T0 + 30 * US_PER_S), ATTEMPT_DELIVERED, T0 + 30 * US_PER_S);
}

/* Since the first of them; and whoever cannot say what became of it is not well. */
static void test_doubt(void **state)
{
	struct delivery d;
	(void)state;
	decide(T0, 1);
	struct journey *j = begin(T0);
	j->attempt.now = T0;
	d = end(j, ATTEMPT_RETRY, T0);
	assert_int_equal(d.doubt_at, 0);
	instant_us second = d.due_at;
	j = begin(second);
	j->attempt.now = second;
	j->attempt.doubtful = true;
	d = end(j, ATTEMPT_RETRY, second);
	assert_int_equal(d.doubt_at, second);
	j = begin(d.due_at);
	assert_int_equal(j->delivery.doubt_at, second);
	j->attempt.doubtful = true;
	j->attempt.now = d.due_at;
	d = end(j, ATTEMPT_DEAD, d.due_at);
	assert_int_equal(d.doubt_at, second);
	assert_int_equal(lane.failures, 3);
}

/* One that was delivered and is sent again, because that is asked for, begins anew. */
static void test_no_doubt_about_what_was_delivered(void **state)
{
	(void)state;
	decide(T0, 1);
	struct journey *j = begin(T0);
	j->attempt.now = T0;
	j->attempt.doubtful = true;
	struct delivery d = end(j, ATTEMPT_RETRY, T0);
	assert_int_equal(d.doubt_at, T0);
	j = begin(d.due_at);
	d = end(j, ATTEMPT_DELIVERED, d.due_at);
	assert_int_equal(d.state, DELIVERY_DONE);
	assert_int_equal(d.doubt_at, 0);
	assert_int_equal(ledger_replay(ledger, &d, T0), 0);
	lane.look = true;
	j = begin(T0);
	assert_int_equal(j->delivery.doubt_at, 0);
	end(j, ATTEMPT_DELIVERED, T0);
}

/* What is taken back is begun again, and nothing that is under way. */
static void test_taken_back(void **state)
{
	uint64_t no[3];
	(void)state;
	for (unsigned i = 0; i < 3; i++)
		no[i] = decide(T0, i);
	struct journey *first = begin(T0), *second = begin(T0);
	lane_taken_back(&lane, second);
	free(second);
	second = begin(T0);
	struct journey *third = begin(T0);
	assert_int_equal(second->delivery.no, no[1]);
	assert_int_equal(third->delivery.no, no[2]);
	assert_null(begin(T0));
	end(first, ATTEMPT_DELIVERED, T0);
	end(second, ATTEMPT_DELIVERED, T0);
	end(third, ATTEMPT_DELIVERED, T0);
}

static void test_so_many_at_once(void **state)
{
	struct journey *under_way[3];
	(void)state;
	for (unsigned i = 0; i < 5; i++)
		decide(T0, i);
	for (unsigned i = 0; i < 3; i++)
		assert_non_null(under_way[i] = begin(T0));
	assert_null(begin(T0));
	assert_int_equal(end(under_way[1], ATTEMPT_DELIVERED, T0).state, DELIVERY_DONE);
	under_way[1] = begin(T0);
	assert_non_null(under_way[1]);
	assert_null(begin(T0));
	for (unsigned i = 0; i < 3; i++)
		end(under_way[i], ATTEMPT_DELIVERED, T0);
	end(begin(T0), ATTEMPT_DELIVERED, T0);
	assert_null(begin(T0));
}

static unsigned deliver_all(instant_us now)
{
	struct journey *j;
	unsigned n = 0;
	for (; (j = begin(now)); n++)
		end(j, ATTEMPT_DELIVERED, now);
	return n;
}

static void test_so_many_a_second(void **state)
{
	(void)state;
	to.requests_per_second = 2;
	for (unsigned i = 0; i < 5; i++)
		decide(T0, i);
	/* Across the end of a second of the clock as within one. */
	for (instant_us now = T0 + 900000; now < T0 + 2900000; now += 500000) {
		assert_int_equal(deliver_all(now), 1);
		assert_int_equal(lane_wakes_at(&lane, &to, now), now + 500000);
		assert_int_equal(deliver_all(now + 499999), 0);
	}
	assert_int_equal(deliver_all(T0 + 60 * US_PER_S), 1);
}

static void test_many_a_second_go_a_few_at_a_time(void **state)
{
	instant_us now = T0;
	unsigned n = 0;
	(void)state;
	to.requests_per_second = 1000;
	for (unsigned i = 0; i < 200; i++)
		decide(T0, i);
	while (n < 200) {
		unsigned some = deliver_all(now);
		assert_in_range(some, 1, 21);
		n += some;
		if (n < 200)
			now = lane_wakes_at(&lane, &to, now);
	}
	assert_in_range(now - T0, 170000, 200000);
}

static void test_the_clock_may_go_back(void **state)
{
	(void)state;
	to.requests_per_second = 1;
	for (unsigned i = 0; i < 3; i++)
		decide(T0 - 700 * US_PER_S, i);
	assert_int_equal(deliver_all(T0), 1);
	assert_int_equal(deliver_all(T0 - 600 * US_PER_S), 1);
	assert_int_equal(deliver_all(T0 - 599 * US_PER_S), 1);
}

/* Waits are as long as they can be at most, not as far as it was set back. */
static void test_waits_after_the_clock_was_set_back(void **state)
{
	static const struct {
		instant_us held_for, try_in, back, waits; /* the last: from then on */
	} cases[] = {
		{ 0, 0, 0, 0 },
		{ 30 * US_PER_S, 0, 0, 30 * US_PER_S },
		{ 0, 30 * US_PER_S, 0, 30 * US_PER_S },
		{ 0, 30 * US_PER_S, 20 * US_PER_S, 50 * US_PER_S },
		{ 0, LANE_PAUSE_MAX_S * US_PER_S, 1, 0 },
		{ 0, 30 * US_PER_S, 600 * US_PER_S, 0 },
		{ 30 * US_PER_S, 0, 600 * US_PER_S, 630 * US_PER_S },
		{ 30 * US_PER_S, 0, DESTINATION_RETRY_MAX_S * US_PER_S, 0 },
	};
	const instant_us t0 = 3 * DESTINATION_RETRY_MAX_S * US_PER_S;
	(void)state;
	decide(0, 1);
	lane.failures = LANE_BREAKS_AFTER;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		instant_us now = t0 - cases[i].back, at = now + cases[i].waits;
		lane.held_until = cases[i].held_for ? t0 + cases[i].held_for : 0;
		lane.try_at = cases[i].try_in ? t0 + cases[i].try_in : 0;
		assert_int_equal(lane_wakes_at(&lane, &to, now), at);
		assert_true(cases[i].waits == 0 || !begin(at - 1));
		struct journey *j = begin(at);
		assert_non_null(j);
		lane_taken_back(&lane, j);
		free(j);
	}
}

/* However little it was; there is always one under way. */
static void test_nothing_is_hidden_by_a_clock_that_was_set_back(void **state)
{
	(void)state;
	decide(T0, 1);
	struct journey *held = begin(T0);
	uint64_t no = decide(T0 - 1, 2);
	assert_int_equal(lane_load(&lane, &to, ledger, T0 - 1), 0);
	struct journey *j = begin(T0 + 1);
	assert_non_null(j);
	assert_int_equal(j->delivery.no, no);
	/* Also when others were loaded at that moment. */
	decide(T0 + 2, 3);
	decide(T0 + 2, 4);
	end(j, ATTEMPT_DELIVERED, T0 + 2);
	assert_non_null(j = begin(T0 + 2));
	no = decide(T0 + 1, 5);
	assert_int_equal(lane_load(&lane, &to, ledger, T0 + 1), 0);
	end(begin(T0 + 3), ATTEMPT_DELIVERED, T0 + 3);
	struct journey *found = begin(T0 + 3);
	assert_non_null(found);
	assert_int_equal(found->delivery.no, no);
	end(j, ATTEMPT_DELIVERED, T0 + 3);
	end(found, ATTEMPT_DELIVERED, T0 + 3);
	end(held, ATTEMPT_DELIVERED, T0 + 3);
}

/* What ended before anybody was asked. */
static void test_what_was_never_sent_takes_no_turn(void **state)
{
	(void)state;
	to.requests_per_second = 1;
	for (unsigned i = 0; i < 6; i++)
		decide(T0, i);
	for (unsigned i = 0; i < 4; i++) {
		struct journey *j = begin(T0);
		assert_non_null(j);
		j->attempt.unasked = true;
		end(j, ATTEMPT_DEAD, T0);
	}
	assert_int_equal(deliver_all(T0), 1);
	assert_int_equal(deliver_all(T0 + US_PER_S), 1);
}

/* What was made took its time, whoever refused it. */
static void test_what_was_made_takes_a_turn(void **state)
{
	(void)state;
	to.requests_per_second = 1;
	for (unsigned i = 0; i < 4; i++)
		decide(T0, i);
	for (unsigned i = 0; i < 4; i++) {
		struct journey *j = begin(T0 + i * US_PER_S);
		assert_non_null(j);
		j->attempt.unasked = j->attempt.made = true;
		end(j, ATTEMPT_DEAD, T0 + i * US_PER_S);
		assert_null(begin(T0 + i * US_PER_S));
	}
}

static void test_a_turn_that_was_not_taken(void **state)
{
	(void)state;
	to.requests_per_second = 1;
	decide(T0, 0);
	struct journey *j = begin(T0);
	lane_taken_back(&lane, j);
	free(j);
	assert_int_equal(deliver_all(T0), 1);
}

/* After some failures in a row there is one try at a time, and pauses between them that grow. */
static void test_breaks_and_heals(void **state)
{
	instant_us now = T0;
	(void)state;
	for (unsigned i = 0; i < 20; i++)
		decide(T0, i);
	for (unsigned i = 0; i < LANE_BREAKS_AFTER; i++)
		end(begin(now), ATTEMPT_RETRY, now);
	for (unsigned i = 0; i < 3; i++) {
		instant_us at = lane_wakes_at(&lane, &to, now);
		assert_int_equal(at, now + (US_PER_S << i));
		assert_null(begin(at - 1));
		struct journey *probe = begin(at);
		assert_non_null(probe);
		assert_null(begin(at));
		now = at;
		end(probe, i < 2 ? ATTEMPT_RETRY : ATTEMPT_DELIVERED, now);
	}
	struct journey *a = begin(now), *b = begin(now);
	assert_non_null(a);
	assert_non_null(b);
	end(a, ATTEMPT_DELIVERED, now);
	end(b, ATTEMPT_DELIVERED, now);
}

/* It is well when somebody has answered, whatever the answer was; not when nobody was asked. */
static void test_only_an_answer_heals(void **state)
{
	static const struct {
		enum attempt_outcome outcome;
		bool unasked;
		enum lane_state then;
	} cases[] = {
		{ ATTEMPT_DELIVERED, false, LANE_OPEN },   { ATTEMPT_DEAD, false, LANE_OPEN },
		{ ATTEMPT_DEAD, true, LANE_BROKEN },       { ATTEMPT_RETRY, false, LANE_BROKEN },
		{ ATTEMPT_DISABLE, false, LANE_DISABLED },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		decide(T0, 1);
		lane.failures = LANE_BREAKS_AFTER;
		lane.try_at = 0;
		struct journey *j = begin(T0);
		j->attempt.unasked = cases[i].unasked;
		end(j, cases[i].outcome, T0);
		assert_int_equal(lane_state(&lane), cases[i].then);
	}
}

static void test_pauses_have_an_end(void **state)
{
	(void)state;
	decide(T0, 1);
	lane.failures = 1000000;
	end(begin(T0), ATTEMPT_RETRY, T0);
	assert_int_equal(lane.try_at, T0 + LANE_PAUSE_MAX_S * US_PER_S);
}

/* A contact's deliveries keep their order over failures; others pass by. */
static void test_in_order(void **state)
{
	(void)state;
	to.ordered = true;
	uint64_t first = decide(T0, 1), second = decide(T0, 1), other = decide(T0, 2);
	struct journey *a = begin(T0), *b = begin(T0);
	assert_int_equal(a->delivery.no, first);
	assert_int_equal(b->delivery.no, other);
	assert_null(begin(T0));
	end(b, ATTEMPT_DELIVERED, T0);
	struct delivery failed = end(a, ATTEMPT_RETRY, T0);
	assert_null(begin(T0 + US_PER_S));
	assert_int_equal(lane_wakes_at(&lane, &to, T0 + US_PER_S), failed.due_at);
	a = begin(failed.due_at);
	assert_int_equal(a->delivery.no, first);
	end(a, ATTEMPT_DELIVERED, failed.due_at);
	a = begin(failed.due_at);
	assert_int_equal(a->delivery.no, second);
	end(a, ATTEMPT_DELIVERED, failed.due_at);
}

/* What is under way while others are loaded ends before those have begun: it is not begun again. */
static void test_never_begun_twice(void **state)
{
	(void)state;
	for (int how = 0; how < 3; how++) {
		to.ordered = how == 0;
		uint64_t first = decide(T0, 1);
		struct journey *j = begin(T0), *second;
		assert_int_equal(j->delivery.no, first);
		uint64_t before = decide(T0 - 1, 2), last = decide(T0 + 1, 3);
		if (how == 1) { /* all is loaded anew */
			lane_taken_back(&lane, second = begin(T0 + 1));
			free(second);
		} else if (how == 2) {
			to.declared_at++;
			lane_refresh(&lane, &to);
		}
		second = begin(T0 + 1);
		assert_int_equal(second->delivery.no, before);
		end(j, ATTEMPT_DELIVERED, T0 + 1);
		assert_non_null(j = begin(T0 + 1));
		assert_int_equal(j->delivery.no, last);
		assert_null(begin(T0 + 1));
		end(j, ATTEMPT_DELIVERED, T0 + 1);
		end(second, ATTEMPT_DELIVERED, T0 + 1);
	}
}

/* As many at once as the destination takes; and when all are under way, nobody looks for more. */
static void test_in_order_with_many_under_way(void **state)
{
	enum { MANY = 2 * LANE_LOADED_MAX + 10, TRIES = 10 };
	static struct journey *under_way[MANY + 1];
	unsigned n = 0;
	(void)state;
	to.ordered = true;
	to.concurrency = MANY + 1;
	for (unsigned i = 0; i < MANY; i++)
		decide(T0, i);
	for (unsigned tries = 0; tries < TRIES; tries++)
		while ((under_way[n] = begin(T0)))
			n++;
	assert_int_equal(n, MANY);
	assert_int_equal(lane_wakes_at(&lane, &to, T0), 0);
	end(under_way[0], ATTEMPT_DELIVERED, T0);
	assert_int_equal(lane_wakes_at(&lane, &to, T0), T0);
	for (unsigned tries = 0; tries < TRIES; tries++)
		assert_null(begin(T0));
	assert_int_equal(lane_wakes_at(&lane, &to, T0), 0);
	for (unsigned i = 1; i < n; i++)
		end(under_way[i], ATTEMPT_DELIVERED, T0);
}

/* However many wait for the first of their contact, others are found behind them; and the next of
 * the contact when that has ended, wherever it stands. */
static void test_in_order_behind_many_that_wait(void **state)
{
	enum { MANY = 3000, TRIES = 10 };
	struct journey *j = NULL;
	(void)state;
	to.ordered = true;
	uint64_t first = decide(T0, 1);
	struct delivery failed = end(begin(T0), ATTEMPT_RETRY, T0);
	assert_int_equal(ledger_begin(ledger), 0);
	for (unsigned i = 0; i < MANY; i++)
		decide(T0, 1);
	uint64_t other = decide(T0 + 1, 2);
	assert_int_equal(ledger_commit(ledger), 0);
	for (unsigned tries = 0; tries < TRIES && !j; tries++)
		j = begin(T0 + 1);
	assert_non_null(j);
	assert_int_equal(j->delivery.no, other);
	end(j, ATTEMPT_DELIVERED, T0 + 1);
	for (unsigned i = 0; i < 3; i++) {
		for (unsigned tries = 0; tries < TRIES && !(j = begin(failed.due_at)); tries++)
			;
		assert_non_null(j);
		assert_int_equal(j->delivery.no, i ? other - MANY + i - 1 : first);
		end(j, ATTEMPT_DELIVERED, failed.due_at);
	}
}

/* One contact's, of whom there are many, cost one step each; others are not held up. */
static void test_in_order_of_one_who_has_many(void **state)
{
	enum { MANY = 20000, SOME = 100 };
	unsigned loads = 0, others = 0;
	(void)state;
	to.ordered = true;
	assert_int_equal(ledger_begin(ledger), 0);
	uint64_t first = decide(T0, 1);
	for (unsigned i = 1; i < MANY; i++)
		decide(T0 + i, 1);
	decide(T0 + MANY, 2);
	assert_int_equal(ledger_commit(ledger), 0);
	for (unsigned ended = 0; ended < SOME; loads++) {
		assert_in_range(loads, 0, 3 * SOME);
		struct journey *j = begin(T0 + MANY);
		if (j && j->delivery.contact == 1)
			assert_int_equal(j->delivery.no, first + ended++);
		else if (j)
			others++;
		if (j)
			end(j, ATTEMPT_DELIVERED, T0 + MANY);
	}
	assert_int_equal(others, 1);
}

/* More have ended at once than are remembered one by one. */
static void test_in_order_after_many_at_once(void **state)
{
	enum { MANY = 2 * LANE_ENDED_MAX, TRIES = 10 };
	struct journey *under_way[MANY], *j;
	unsigned n = 0;
	(void)state;
	to.ordered = true;
	to.concurrency = MANY;
	for (unsigned i = 0; i < 2 * MANY; i++)
		decide(T0, i % MANY);
	for (unsigned i = 0; i < MANY; i++)
		assert_non_null(under_way[i] = begin(T0));
	for (unsigned i = 0; i < MANY; i++)
		end(under_way[i], ATTEMPT_DELIVERED, T0);
	for (unsigned tries = 0; tries < TRIES; tries++)
		while ((j = begin(T0))) {
			end(j, ATTEMPT_DELIVERED, T0);
			n++;
		}
	assert_int_equal(n, MANY);
}

/* One that is replayed while a later one of its contact is under way waits for that. */
static void test_in_order_beside_a_replay(void **state)
{
	(void)state;
	to.ordered = true;
	decide(T0, 1);
	struct delivery dead = end(begin(T0), ATTEMPT_DEAD, T0);
	uint64_t later = decide(T0, 1);
	struct journey *j = begin(T0);
	assert_int_equal(j->delivery.no, later);
	assert_int_equal(ledger_replay(ledger, &dead, T0), 0);
	lane.look = true;
	assert_null(begin(T0));
	end(j, ATTEMPT_DELIVERED, T0);
	j = begin(T0);
	assert_int_equal(j->delivery.no, dead.no);
	end(j, ATTEMPT_DELIVERED, T0);
}

/* Also for what was loaded before that was asked for. */
static void test_in_order_from_now_on(void **state)
{
	(void)state;
	uint64_t first = decide(T0, 1), second = decide(T0, 1), third = decide(T0, 1);
	to.concurrency = 1;
	assert_int_equal(end(begin(T0), ATTEMPT_RETRY, T0).no, first);
	to.ordered = true;
	to.declared_at = 7;
	lane_refresh(&lane, &to);
	assert_null(begin(T0));
	struct journey *j = begin(T0 + 20 * US_PER_S);
	assert_int_equal(j->delivery.no, first);
	end(j, ATTEMPT_DELIVERED, T0);
	assert_int_equal(end(begin(T0), ATTEMPT_DELIVERED, T0).no, second);
	assert_int_equal(end(begin(T0), ATTEMPT_DELIVERED, T0).no, third);
}

static void test_disabled(void **state)
{
	(void)state;
	decide(T0, 1);
	decide(T0, 2);
	struct delivery d = end(begin(T0), ATTEMPT_DISABLE, T0);
	assert_int_equal(d.state, DELIVERY_PENDING);
	assert_null(begin(T0 + 1000 * US_PER_S));
	assert_int_equal(lane_wakes_at(&lane, &to, T0), 0);
	lane_refresh(&lane, &to); /* it is as it was */
	assert_null(begin(T0 + 1000 * US_PER_S));
	to.declared_at = 7;
	lane_refresh(&lane, &to);
	end(begin(T0 + 1000 * US_PER_S), ATTEMPT_DELIVERED, T0);
	end(begin(T0 + 1000 * US_PER_S), ATTEMPT_DEAD, T0);
	assert_null(begin(T0 + 1000 * US_PER_S));
}

/* What comes of attempts at the address of before says nothing about the one of now. */
static void test_what_was_declared_before(void **state)
{
	struct destination before = to;
	struct journey *j;
	(void)state;
	for (unsigned i = 0; i < 10; i++)
		decide(T0, i);
	to.concurrency = before.concurrency = 10;
	struct journey *old[10];
	for (unsigned i = 0; i < ARRAY_LEN(old); i++) {
		old[i] = begin(T0);
		old[i]->attempt.destination = &before;
	}
	to.declared_at = 7;
	lane_refresh(&lane, &to);
	assert_int_equal(end(old[0], ATTEMPT_DISABLE, T0 + 1).state, DELIVERY_PENDING);
	assert_int_equal(lane_state(&lane), LANE_OPEN);
	old[1]->attempt.hold = true;
	old[1]->attempt.retry_after_s = 1000;
	for (unsigned i = 1; i < 8; i++)
		end(old[i], ATTEMPT_RETRY, T0);
	assert_int_equal(lane_state(&lane), LANE_OPEN);
	assert_non_null(j = begin(T0 + 1)); /* what was disabled goes to the new address at once */
	assert_int_equal(j->delivery.no, 1);
	lane.failures = LANE_BREAKS_AFTER;
	end(old[8], ATTEMPT_DELIVERED, T0);
	end(old[9], ATTEMPT_DEAD, T0);
	assert_int_equal(lane_state(&lane), LANE_BROKEN);
	end(j, ATTEMPT_DISABLE, T0);
	assert_int_equal(lane_state(&lane), LANE_DISABLED);
}

/* More than are loaded at once, all begun once. */
static void test_many(void **state)
{
	enum { MANY = LANE_LOADED_MAX * 2 + 10 };
	unsigned begun = 0;
	struct journey *held = NULL, *j;
	(void)state;
	for (unsigned i = 0; i < MANY; i++)
		decide(T0, i);
	held = begin(T0);
	while ((j = begin(T0))) {
		begun++;
		end(j, ATTEMPT_DELIVERED, T0);
	}
	end(held, ATTEMPT_DELIVERED, T0);
	assert_int_equal(begun + 1, MANY);
}

/* Most lanes have nothing to do most of the time. */
static void test_an_idle_lane_holds_no_memory(void **state)
{
	(void)state;
	assert_null(begin(T0));
	assert_int_equal(lane.memory.held, 0);
	assert_int_equal(lane_wakes_at(&lane, &to, T0), 0);
	decide(T0 + 1, 1);
	assert_null(begin(T0));
	assert_int_equal(lane.memory.held, 0);
	assert_int_equal(lane_wakes_at(&lane, &to, T0), T0 + 1);
	end(begin(T0 + 1), ATTEMPT_DELIVERED, T0 + 1);
	lane.look = true;
	assert_null(begin(T0 + 1));
	assert_int_equal(lane.memory.held, 0);
	assert_int_equal(lane_wakes_at(&lane, &to, T0 + 1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(f) cmocka_unit_test_setup_teardown(f, open_lane, close_lane)
		CASE(test_tried_by_the_schedule_and_then_dead),
		CASE(test_retry_after),
		CASE(test_held),
		CASE(test_doubt),
		CASE(test_no_doubt_about_what_was_delivered),
		CASE(test_taken_back),
		CASE(test_so_many_at_once),
		CASE(test_so_many_a_second),
		CASE(test_many_a_second_go_a_few_at_a_time),
		CASE(test_the_clock_may_go_back),
		CASE(test_waits_after_the_clock_was_set_back),
		CASE(test_nothing_is_hidden_by_a_clock_that_was_set_back),
		CASE(test_what_was_never_sent_takes_no_turn),
		CASE(test_what_was_made_takes_a_turn),
		CASE(test_a_turn_that_was_not_taken),
		CASE(test_breaks_and_heals),
		CASE(test_only_an_answer_heals),
		CASE(test_pauses_have_an_end),
		CASE(test_in_order),
		CASE(test_never_begun_twice),
		CASE(test_in_order_with_many_under_way),
		CASE(test_in_order_behind_many_that_wait),
		CASE(test_in_order_of_one_who_has_many),
		CASE(test_in_order_after_many_at_once),
		CASE(test_in_order_beside_a_replay),
		CASE(test_in_order_from_now_on),
		CASE(test_disabled),
		CASE(test_what_was_declared_before),
		CASE(test_many),
		CASE(test_an_idle_lane_holds_no_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
