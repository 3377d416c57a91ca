/* Replays: what becomes pending again and when; and the counts that every change keeps right. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../scratch.h"
#include "deliver/decide.h"
#include "deliver/ledger_read.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

enum { WORKSPACE = 1, AUTOMATION = 3, DESTINATION = 5, CONTACT = 70 };

#define T0 (1000 * US_PER_S)

static char dir[64];
static struct ledger *ledger;
static struct replays *replays;
static struct arena arena;

static void open_again(void)
{
	assert_int_equal(ledger_open(dir, &ledger), 0);
	replays = ledger_replays(ledger);
}

static int set_up(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/occurd-replay-XXXXXX");
	assert_non_null(mkdtemp(dir));
	arena_init(&arena, 16 << 20, NULL);
	open_again();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	ledger_close(ledger);
	arena_fini(&arena);
	return scratch_remove(dir);
}

static void reopen(void)
{
	ledger_close(ledger);
	open_again();
}

static void give_up(void)
{
	ledger_abandon(ledger);
	reopen();
}

static const struct delivery ordinary = { .workspace = WORKSPACE,
					  .automation = AUTOMATION,
					  .destination = DESTINATION,
					  .seq = 1000,
					  .contact = CONTACT,
					  .created_at = T0 - 100,
					  .due_at = 10 };

static void settle(struct delivery *d, enum delivery_state state, instant_us ended_at)
{
	struct attempt_row attempt = { .n = ++d->attempts, .at = 50, .answer = STR("said") };
	d->state = state;
	d->ended_at = ended_at;
	d->answer = attempt.answer;
	assert_int_equal(ledger_settle(ledger, d, &attempt), 0);
}

/* One that has ended so. */
static struct delivery ended(struct delivery d, enum delivery_state state)
{
	assert_int_equal(ledger_decide(ledger, &d), 0);
	settle(&d, state, T0 - 1);
	return d;
}

static void many_dead(unsigned n)
{
	assert_int_equal(ledger_begin(ledger), 0);
	for (unsigned i = 0; i < n; i++)
		ended(ordinary, DELIVERY_DEAD);
	assert_int_equal(ledger_commit(ledger), 0);
}

static const struct delivery_filter all_dead = { .state = DELIVERY_DEAD, .until = INT64_MAX };

static struct replay begin(struct delivery_filter of, unsigned per_second)
{
	struct replay p = { .of = of, .per_second = per_second, .created_at = T0 };
	p.of.workspace = WORKSPACE;
	assert_int_equal(replays_add(replays, &p), REPLAY_OK);
	return p;
}

static unsigned run(instant_us now)
{
	unsigned moved;
	assert_int_equal(ledger_begin(ledger), 0);
	assert_int_equal(replays_run(replays, ledger, now, &moved), 0);
	assert_int_equal(ledger_commit(ledger), 0);
	return moved;
}

static instant_us next_at(instant_us now)
{
	instant_us at;
	assert_int_equal(replays_next(replays, now, &at), 0);
	return at;
}

static instant_us next(void)
{
	return next_at(T0);
}

static void assert_counts(unsigned pending, unsigned done, unsigned dead)
{
	assert_int_equal(ledger_count(ledger, DESTINATION, DELIVERY_PENDING), pending);
	assert_int_equal(ledger_count(ledger, DESTINATION, DELIVERY_DONE), done);
	assert_int_equal(ledger_count(ledger, DESTINATION, DELIVERY_DEAD), dead);
}

static struct replay look(uint64_t no)
{
	struct replay p;
	assert_int_equal(ledger_read_replay(dir, WORKSPACE, no, &p), LEDGER_OK);
	return p;
}

/* --- Counts --- */

static void forget_rows(uint64_t contact)
{
	unsigned left = UINT_MAX;
	bool all;
	assert_int_equal(ledger_forget(ledger, contact, &left, &all), 0);
	assert_true(all);
}

static void test_counts_follow(void **state)
{
	struct delivery d[6];
	(void)state;
	assert_counts(0, 0, 0);
	assert_int_equal(ledger_begin(ledger), 0);
	for (unsigned i = 0; i < ARRAY_LEN(d); i++) {
		d[i] = ordinary;
		d[i].contact = CONTACT + i % 3;
		assert_int_equal(ledger_decide(ledger, &d[i]), 0);
	}
	settle(&d[0], DELIVERY_DONE, 100);
	settle(&d[1], DELIVERY_DEAD, 200);
	settle(&d[2], DELIVERY_PENDING, 0);
	assert_int_equal(ledger_commit(ledger), 0);
	assert_counts(4, 1, 1);
	reopen();
	assert_counts(4, 1, 1);

	assert_int_equal(ledger_begin(ledger), 0);
	settle(&d[3], DELIVERY_DEAD, 300);
	assert_counts(3, 1, 2);
	give_up();
	assert_int_equal(ledger_begin(ledger), 0);
	assert_counts(4, 1, 1);
	assert_int_equal(ledger_replay(ledger, &d[1], 500), 0);
	assert_counts(5, 1, 0);
	assert_int_equal(ledger_purge(ledger, 101, 10), 0);
	assert_counts(5, 0, 0);
	forget_rows(CONTACT + 1);
	assert_counts(3, 0, 0);
	assert_int_equal(ledger_commit(ledger), 0);
	reopen();
	assert_counts(3, 0, 0);
	assert_int_equal(ledger_count(ledger, DESTINATION + 1, DELIVERY_PENDING), 0);
}

/* What nobody will try any more ends without a try; and for whom something waits is known. */
static void test_ended_untried(void **state)
{
	struct delivery d = ordinary, other = ordinary, found;
	struct attempt_row *attempts;
	uint32_t destination = 0;
	unsigned n;
	(void)state;
	other.destination = 0xFFFFFFFF;
	assert_false(ledger_next_awaited(ledger, &destination));
	ended(ordinary, DELIVERY_DONE);
	assert_int_equal(ledger_decide(ledger, &d), 0);
	assert_int_equal(ledger_decide(ledger, &other), 0);
	destination = 0;
	assert_true(ledger_next_awaited(ledger, &destination));
	assert_int_equal(destination, DESTINATION);
	assert_true(ledger_next_awaited(ledger, &destination));
	assert_int_equal(destination, 0xFFFFFFFF);
	assert_false(ledger_next_awaited(ledger, &destination));
	assert_int_equal(ledger_end(ledger, &d, STR("gone"), T0), 0);
	assert_int_equal(ledger_end(ledger, &d, STR("again"), T0 + 1), 0);
	assert_counts(0, 1, 1);
	destination = 0;
	assert_true(ledger_next_awaited(ledger, &destination));
	assert_int_equal(destination, 0xFFFFFFFF);
	assert_int_equal(ledger_read_delivery(dir, &arena, WORKSPACE, d.no, &found, &attempts, &n),
			 LEDGER_OK);
	assert_int_equal(found.state, DELIVERY_DEAD);
	assert_int_equal(found.ended_at, T0);
	assert_true(str_eq(found.answer, STR("gone")));
	assert_int_equal(n, 0);
}

/* What ends after its contact was forgotten leaves nothing. */
static void test_settled_when_it_is_gone(void **state)
{
	struct delivery d = ordinary, found;
	struct attempt_row *attempts;
	unsigned n;
	(void)state;
	assert_int_equal(ledger_decide(ledger, &d), 0);
	forget_rows(CONTACT);
	settle(&d, DELIVERY_DONE, 100);
	assert_counts(0, 0, 0);
	d = ordinary;
	assert_int_equal(ledger_decide(ledger, &d), 0);
	assert_int_equal(ledger_read_delivery(dir, &arena, WORKSPACE, d.no, &found, &attempts, &n),
			 LEDGER_OK);
	assert_int_equal(n, 0);
}

/* --- One --- */

static void test_one(void **state)
{
	struct delivery d = ended(ordinary, DELIVERY_DEAD), other = d, found;
	struct attempt_row *attempts;
	unsigned n;
	(void)state;
	other.workspace++;
	assert_int_equal(replays_one(replays, ledger, &other, T0), REPLAY_NONE);
	other = d;
	other.state = DELIVERY_DONE;
	assert_int_equal(replays_one(replays, ledger, &other, T0), REPLAY_NONE);
	other = d;
	other.no++;
	assert_int_equal(replays_one(replays, ledger, &other, T0), REPLAY_NONE);
	assert_counts(0, 0, 1);
	assert_int_equal(replays_one(replays, ledger, &d, T0), REPLAY_OK);
	assert_counts(1, 0, 0);
	assert_int_equal(replays_one(replays, ledger, &d, T0), REPLAY_NONE);
	assert_int_equal(ledger_read_delivery(dir, &arena, WORKSPACE, d.no, &found, &attempts, &n),
			 LEDGER_OK);
	assert_int_equal(found.state, DELIVERY_PENDING);
	assert_int_equal(found.attempts, 1);
	assert_int_equal(found.tried, 1);
	assert_int_equal(found.due_at, T0);
	assert_int_equal(found.ended_at, 0);
	assert_int_equal(n, 1);
}

/* --- Many --- */

static void test_at_a_pace(void **state)
{
	const struct due_query q = { DESTINATION, { 0 }, INT64_MAX, false, 10 };
	struct due_page page;
	(void)state;
	many_dead(5);
	struct replay p = begin(all_dead, 2);
	assert_int_equal(next(), T0);
	assert_int_equal(run(T0 - 1), 0);
	assert_int_equal(run(T0), 2);
	assert_int_equal(next(), T0 + US_PER_S);
	assert_int_equal(run(T0 + US_PER_S - 1), 0);
	assert_int_equal(run(T0 + US_PER_S), 2);
	assert_int_equal(run(T0 + 9 * US_PER_S), 1); /* late, and nothing is caught up with */
	assert_int_equal(ledger_due(ledger, &arena, &q, &page), 0);
	assert_int_equal(page.n, 5);
	static const instant_us due_at[] = { 0, 500000, 1000000, 1500000, 9000000 };
	for (unsigned i = 0; i < page.n; i++) {
		assert_int_equal(page.rows[i].due_at, T0 + due_at[i]);
		assert_int_equal(page.rows[i].no, i + 1);
	}
	assert_int_equal(next(), 0);
	assert_int_equal(look(p.no).replayed, 5);
	assert_int_equal(look(p.no).ended_at, T0 + 9 * US_PER_S);
	assert_false(look(p.no).stopped);
}

/* However far, it waits no longer than it can. */
static void test_after_the_clock_was_set_back(void **state)
{
	static const struct {
		instant_us back;
		unsigned moved;
	} cases[] = { { 0, 0 }, { 1, 0 }, { US_PER_S, 0 }, { 3600 * US_PER_S, 1 } };
	(void)state;
	many_dead(5);
	begin(all_dead, 1);
	assert_int_equal(run(T0), 1);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		instant_us now = T0 - cases[i].back;
		assert_int_equal(next_at(now), cases[i].moved ? now : T0 + US_PER_S);
		assert_int_equal(run(now), cases[i].moved);
	}
	assert_int_equal(next_at(T0 - 3600 * US_PER_S), T0 - 3599 * US_PER_S);
	assert_int_equal(run(T0), 1);
}

/* In one transaction no more than that, however fast. */
static void test_much_at_once_is_little(void **state)
{
	unsigned all = 0, rounds = 0;
	(void)state;
	many_dead(3000);
	begin(all_dead, REPLAY_RATE_MAX);
	for (instant_us now = T0; next(); now = next(), rounds++) {
		unsigned moved = run(now);
		assert_in_range(moved, 0, 500);
		all += moved;
	}
	assert_int_equal(all, 3000);
	assert_in_range(rounds, 6, 7);
	assert_counts(3000, 0, 0);
}

static void test_what_is_meant(void **state)
{
	struct delivery d = ordinary;
	(void)state;
	ended(d, DELIVERY_DONE);
	d.automation++;
	ended(d, DELIVERY_DEAD);
	d = ordinary, d.destination++;
	ended(d, DELIVERY_DEAD);
	d = ordinary, d.contact++;
	ended(d, DELIVERY_DEAD);
	d = ordinary, d.created_at = 500;
	ended(d, DELIVERY_DEAD);
	d = ordinary, d.workspace++;
	ended(d, DELIVERY_DEAD);
	assert_int_equal(ledger_decide(ledger, &d), 0);
	const struct {
		struct delivery_filter of;
		unsigned n;
	} cases[] = {
		{ { .state = DELIVERY_DEAD, .until = INT64_MAX }, 4 },
		{ { .state = DELIVERY_DONE, .until = INT64_MAX }, 1 },
		{ { .state = DELIVERY_DEAD, .until = INT64_MAX, .automation = AUTOMATION + 1 }, 1 },
		{ { .state = DELIVERY_DEAD, .until = INT64_MAX, .destination = DESTINATION }, 3 },
		{ { .state = DELIVERY_DEAD, .until = INT64_MAX, .contact = CONTACT + 1 }, 1 },
		{ { .state = DELIVERY_DEAD, .until = INT64_MAX, .contact = CONTACT + 2 }, 0 },
		{ { .state = DELIVERY_DEAD, .until = INT64_MAX, .since = 501 }, 3 },
		{ { .state = DELIVERY_DEAD, .until = 501 }, 1 },
		{ { .state = DELIVERY_DEAD, .until = 500 }, 0 },
		{ { .state = DELIVERY_DEAD, .until = 0 }, 0 }, /* 1970 is no open end */
		{ { .state = DELIVERY_DONE, .until = INT64_MAX, .automation = AUTOMATION + 1 }, 0 },
		{ { .state = DELIVERY_DONE, .until = INT64_MAX, .destination = DESTINATION }, 1 },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct delivery_filter of = cases[i].of;
		uint64_t n;
		bool all;
		of.workspace = WORKSPACE;
		assert_int_equal(ledger_read_count(dir, &of, &n, &all), 0);
		assert_int_equal(n, cases[i].n);
		assert_true(all);
		assert_int_equal(ledger_begin(ledger), 0);
		unsigned moved;
		begin(of, 100);
		assert_int_equal(replays_run(replays, ledger, T0, &moved), 0);
		assert_int_equal(moved, cases[i].n);
		give_up();
	}
}

/* What dies again, or only now, is left alone. */
static void test_not_what_dies_later(void **state)
{
	struct delivery late = ordinary;
	(void)state;
	many_dead(1);
	assert_int_equal(ledger_decide(ledger, &late), 0);
	begin(all_dead, 1);
	settle(&late, DELIVERY_DEAD, T0 + 5);
	ended(ordinary, DELIVERY_DEAD); /* behind the newest one then */
	assert_int_equal(run(T0 + 10), 1);
	assert_int_equal(run(T0 + 10 * US_PER_S), 0);
	assert_int_equal(next(), 0);
}

/* Long stretches without any are looked through in parts. */
static void test_few_among_many(void **state)
{
	struct delivery d = ordinary;
	unsigned rounds = 0;
	(void)state;
	many_dead(9000);
	d.automation++;
	ended(d, DELIVERY_DEAD);
	begin((struct delivery_filter){ .state = DELIVERY_DEAD,
					.until = INT64_MAX,
					.automation = AUTOMATION + 1 },
	      9);
	while (run(T0) == 0)
		rounds++;
	assert_in_range(rounds, 1, 5);
	assert_counts(1, 0, 9000);
}

static void test_goes_on_where_it_was(void **state)
{
	unsigned moved;
	(void)state;
	many_dead(4);
	struct replay p = begin(all_dead, 2);
	assert_int_equal(run(T0), 2);
	assert_int_equal(ledger_begin(ledger), 0);
	assert_int_equal(replays_run(replays, ledger, T0 + US_PER_S, &moved), 0);
	assert_int_equal(moved, 2);
	give_up(); /* as a kill would */
	assert_int_equal(next(), T0 + US_PER_S);
	assert_counts(2, 0, 2);
	assert_int_equal(run(T0 + US_PER_S), 2);
	assert_int_equal(run(T0 + 2 * US_PER_S), 0);
	assert_int_equal(look(p.no).replayed, 4);
	assert_true(look(p.no).ended_at);
}

static void test_stopped(void **state)
{
	(void)state;
	many_dead(3);
	struct replay p = begin(all_dead, 1);
	assert_int_equal(run(T0), 1);
	assert_int_equal(replays_stop(replays, WORKSPACE + 1, p.no, T0), REPLAY_NONE);
	assert_int_equal(replays_stop(replays, WORKSPACE, p.no + 1, T0), REPLAY_NONE);
	assert_int_equal(replays_stop(replays, WORKSPACE, p.no, T0 + 1), REPLAY_OK);
	assert_int_equal(replays_stop(replays, WORKSPACE, p.no, T0 + 1), REPLAY_NONE);
	assert_int_equal(next(), 0);
	assert_int_equal(run(T0 + 9 * US_PER_S), 0);
	assert_true(look(p.no).stopped);
	assert_int_equal(look(p.no).ended_at, T0 + 1);
	assert_counts(1, 0, 2);
}

static void test_so_many_at_once(void **state)
{
	struct replay p = { .of = { .workspace = WORKSPACE }, .per_second = 1 };
	(void)state;
	for (unsigned i = 0; i < REPLAYS_RUNNING_MAX; i++)
		p = begin(all_dead, 1);
	assert_int_equal(replays_add(replays, &p), REPLAY_FULL);
	p.of.workspace++;
	assert_int_equal(replays_add(replays, &p), REPLAY_OK);
	assert_int_equal(replays_stop(replays, WORKSPACE, 3, T0), REPLAY_OK);
	p.of.workspace--;
	assert_int_equal(replays_add(replays, &p), REPLAY_OK);
}

/* A destination for which a million wait gets no more yet. */
static void test_waits_while_too_much_waits(void **state)
{
	sqlite3 *db;
	char path[100], change[100];
	(void)state;
	many_dead(2);
	begin(all_dead, 10);
	ledger_close(ledger);
	snprintf(path, sizeof(path), "%s/deliveries.db", dir);
	snprintf(change, sizeof(change), "UPDATE tally SET pending = %d", WAITING_MAX - 1);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, change, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	open_again();
	assert_int_equal(run(T0), 1);
	assert_in_range(next(), T0 + US_PER_S, T0 + 2 * US_PER_S);
	assert_int_equal(run(next()), 0);
	forget_rows(CONTACT + 9);
	assert_counts(WAITING_MAX, 0, 1);
}

/* Whoever asks by a number of before gets no other. */
static void test_a_number_never_comes_twice(void **state)
{
	const struct delivery_filter of = { .state = DELIVERY_DEAD,
					    .until = INT64_MAX,
					    .contact = CONTACT };
	struct replay seen;
	(void)state;
	struct replay first = begin(of, 1);
	forget_rows(CONTACT);
	reopen();
	assert_int_equal(begin(of, 1).no, first.no + 1);
	assert_int_equal(ledger_read_replay(dir, WORKSPACE, first.no, &seen), LEDGER_NONE);
}

/* A replay of a contact goes with the contact; one that has ended, with time. */
static void test_forgotten(void **state)
{
	struct replay *rows;
	uint64_t next_before;
	unsigned n;
	const struct replay_query q = { WORKSPACE, 0, 2 };
	(void)state;
	struct delivery_filter of = { .state = DELIVERY_DEAD,
				      .until = INT64_MAX,
				      .contact = CONTACT };
	begin(of, 1);
	for (of.contact = 0, n = 0; n < 3; n++)
		begin(of, 1);
	assert_int_equal(ledger_read_replays(dir, &arena, &q, &rows, &n, &next_before), 0);
	assert_int_equal(n, 2);
	assert_int_equal(next_before, 3);
	forget_rows(CONTACT);
	forget_rows(0);
	run(T0);
	assert_int_equal(ledger_purge(ledger, T0, 10), 0);
	const struct replay_query older = { WORKSPACE, 3, 2 };
	assert_int_equal(ledger_read_replays(dir, &arena, &older, &rows, &n, &next_before), 0);
	assert_int_equal(n, 1);
	assert_int_equal(rows[0].no, 2);
	assert_int_equal(next_before, 0);
	assert_int_equal(ledger_purge(ledger, T0 + 1, 10), 0);
	assert_int_equal(ledger_read_replays(dir, &arena, &q, &rows, &n, &next_before), 0);
	assert_int_equal(n, 0);
}

/* Nothing goes on for ever for one that is gone. */
static void test_forgotten_while_under_way(void **state)
{
	struct delivery_filter of = all_dead;
	(void)state;
	of.contact = CONTACT;
	many_dead(5);
	begin(of, 1);
	begin(all_dead, 1);
	assert_int_equal(run(T0), 2);
	assert_int_equal(next(), T0 + US_PER_S);
	forget_rows(CONTACT + 1);
	assert_int_equal(next(), T0 + US_PER_S);
	forget_rows(CONTACT);
	run(T0 + US_PER_S); /* all were of that contact, so that the other ends here */
	assert_int_equal(next(), 0);
	begin(of, 1);
	assert_int_equal(next(), T0);
	forget_rows(CONTACT);
	assert_int_equal(next(), 0);
}

/* --- Lists --- */

/* Among many that are not meant a page is short, takes no memory for them, and says where to go on. */
static void test_pages_are_bounded(void **state)
{
	enum { MANY = 12000, LOOKED_AT = 10000, ROWS_BYTES = 300 * 1024 };
	struct delivery d = ordinary, *rows;
	struct delivery_query q = {
		.of = { .workspace = WORKSPACE, .state = -1, .until = INT64_MAX }, .limit = 1000
	};
	struct arena little;
	uint64_t next_before;
	unsigned n;
	(void)state;
	d.automation++;
	uint64_t oldest = ended(d, DELIVERY_DONE).no;
	many_dead(MANY);
	q.of.state = DELIVERY_DONE;
	arena_init(&little, ROWS_BYTES, NULL);
	assert_int_equal(ledger_read_deliveries(dir, &little, &q, &rows, &n, &next_before), 0);
	assert_int_equal(n, 0);
	assert_int_equal(next_before, oldest + MANY - LOOKED_AT + 1);
	q.before = next_before;
	assert_int_equal(ledger_read_deliveries(dir, &arena, &q, &rows, &n, &next_before), 0);
	assert_int_equal(n, 1);
	assert_int_equal(rows[0].no, oldest);
	assert_int_equal(next_before, 0);
	q = (struct delivery_query){
		.of = { .workspace = WORKSPACE, .state = DELIVERY_DEAD, .until = INT64_MAX },
		.limit = 7
	};
	assert_int_equal(ledger_read_deliveries(dir, &arena, &q, &rows, &n, &next_before), 0);
	assert_int_equal(n, 7);
	assert_int_equal(next_before, rows[6].no);
	assert_int_equal(rows[0].no, oldest + MANY);
	arena_fini(&little);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
		CASE(test_counts_follow),
		CASE(test_ended_untried),
		CASE(test_settled_when_it_is_gone),
		CASE(test_one),
		CASE(test_at_a_pace),
		CASE(test_after_the_clock_was_set_back),
		CASE(test_much_at_once_is_little),
		CASE(test_what_is_meant),
		CASE(test_not_what_dies_later),
		CASE(test_few_among_many),
		CASE(test_goes_on_where_it_was),
		CASE(test_stopped),
		CASE(test_so_many_at_once),
		CASE(test_a_number_never_comes_twice),
		CASE(test_waits_while_too_much_waits),
		CASE(test_forgotten),
		CASE(test_forgotten_while_under_way),
		CASE(test_pages_are_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
