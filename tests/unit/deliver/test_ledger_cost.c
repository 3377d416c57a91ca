/*
 * What the ledger costs a round, in steps of SQLite's virtual machine instead of time: the same with
 * many deliveries that have ended and are kept as with few, and no more for a page of those that are
 * due than its rows, however many are pending.
 */
#include "../scratch.h"
#include "deliver/ledger_private.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

enum {
	AUTOMATION = 3,
	DESTINATION = 5,
	CONTACT = 7,
	FEW = 300,
	MANY = 6000,
	PENDING = 200,
	/* Steps that deeper trees may add. */
	SLACK = 200,
	PER_ROW = 60,
};

/* A ledger in which all are of one contact and for one destination: n have ended, and PENDING more
 * are due. */
struct sized {
	unsigned n;
	char dir[64];
	struct ledger *ledger;
	struct arena arena;
	struct delivery last;
};

static struct sized few = { .n = FEW }, many = { .n = MANY };

static const struct attempt_row attempt = { .n = 1, .at = 50, .answer = STR_INIT("said") };

static struct delivery decide(struct sized *s, instant_us due_at)
{
	struct delivery d = { .workspace = 1,
			      .automation = AUTOMATION,
			      .destination = DESTINATION,
			      .seq = 1000,
			      .contact = CONTACT,
			      .created_at = 7,
			      .due_at = due_at };
	assert_int_equal(ledger_decide(s->ledger, &d), 0);
	return d;
}

static void end(struct sized *s, struct delivery *d)
{
	d->state = DELIVERY_DONE;
	d->ended_at = 1000;
	d->answer = attempt.answer;
	assert_int_equal(ledger_settle(s->ledger, d, &attempt), 0);
}

static void fill(struct sized *s)
{
	strcpy(s->dir, "/tmp/occurd-cost-XXXXXX");
	assert_non_null(mkdtemp(s->dir));
	arena_init(&s->arena, 1 << 20, NULL);
	assert_int_equal(ledger_open(s->dir, &s->ledger), 0);
	assert_int_equal(ledger_begin(s->ledger), 0);
	for (unsigned i = 0; i < s->n; i++) {
		struct delivery d = decide(s, 10);
		end(s, &d);
	}
	for (unsigned i = 0; i < PENDING; i++)
		s->last = decide(s, 10);
	assert_int_equal(ledger_commit(s->ledger), 0);
}

static int set_up(void **state)
{
	(void)state;
	fill(&few);
	fill(&many);
	return 0;
}

static void empty(struct sized *s)
{
	ledger_close(s->ledger);
	arena_fini(&s->arena);
	assert_int_equal(scratch_remove(s->dir), 0);
}

static int tear_down(void **state)
{
	(void)state;
	empty(&few);
	empty(&many);
	return 0;
}

/* --- What is asked --- */

static unsigned page(struct sized *s, bool first)
{
	const struct due_query q = { DESTINATION, { 0 }, 20, first, 2 * PENDING };
	struct due_page p;
	assert_int_equal(ledger_due(s->ledger, &s->arena, &q, &p), 0);
	arena_reset(&s->arena);
	return p.n;
}

static void due(struct sized *s)
{
	assert_int_equal(page(s, false), PENDING);
}

static void due_first(struct sized *s)
{
	assert_int_equal(page(s, true), 1);
}

static void next_due(struct sized *s)
{
	instant_us at;
	const struct due_place behind = { 9, 0 };
	assert_int_equal(ledger_next_due(s->ledger, DESTINATION, behind, &at), 0);
	assert_int_equal(at, 10);
}

static void in_doubt(struct sized *s)
{
	assert_int_equal(ledger_doubt(s->ledger, &s->last.no, 1, 30), 0);
}

static void settled(struct sized *s)
{
	struct delivery d = s->last;
	d.answer = attempt.answer;
	assert_int_equal(ledger_settle(s->ledger, &d, &attempt), 0);
}

static void released(struct sized *s)
{
	unsigned n;
	assert_int_equal(ledger_release(s->ledger, &s->last, 10, &n), 0);
	assert_int_equal(n, 0);
}

static void decided(struct sized *s)
{
	struct delivery d = decide(s, 99);
	end(s, &d);
}

static void replayed(struct sized *s)
{
	struct delivery d = s->last;
	assert_int_equal(ledger_end(s->ledger, &d, STR("gone"), 40), 0);
	d.state = DELIVERY_DEAD;
	assert_int_equal(ledger_replay(s->ledger, &d, 10), 0);
}

static void purged_of_nothing(struct sized *s)
{
	assert_int_equal(ledger_purge(s->ledger, 30, 10), 0);
}

static void purged(struct sized *s)
{
	assert_int_equal(ledger_purge(s->ledger, 2000, 10), 0);
}

static const struct ask {
	const char *name;
	void (*ask)(struct sized *s);
	unsigned rows;
} asks[] = {
	{ "due", due, PENDING },
	{ "due, the first of each contact", due_first, PENDING },
	{ "when the next is due", next_due, 1 },
	{ "in doubt", in_doubt, 1 },
	{ "settled", settled, 1 },
	{ "released", released, 1 },
	{ "decided and settled", decided, 2 },
	{ "ended and replayed", replayed, 2 },
	{ "purged of nothing", purged_of_nothing, 1 },
	{ "purged", purged, 10 },
};

/* --- What it costs --- */

static unsigned sum(struct sized *s, int counter)
{
	unsigned all = 0;
	for (unsigned i = 0; i < STATEMENTS; i++)
		all += (unsigned)sqlite3_stmt_status(s->ledger->st[i], counter, 1);
	return all;
}

static unsigned steps_of(struct sized *s, const struct ask *a)
{
	sum(s, SQLITE_STMTSTATUS_VM_STEP);
	sum(s, SQLITE_STMTSTATUS_FULLSCAN_STEP);
	a->ask(s);
	assert_int_equal(sum(s, SQLITE_STMTSTATUS_FULLSCAN_STEP), 0);
	assert_int_equal(sum(s, SQLITE_STMTSTATUS_SORT), 0);
	return sum(s, SQLITE_STMTSTATUS_VM_STEP);
}

static void test_what_has_ended_costs_nothing(void **state)
{
	bool good = true;
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(asks); i++) {
		const struct ask *a = &asks[i];
		unsigned little = steps_of(&few, a), much = steps_of(&many, a);
		print_message("%-32s %7u steps of %u, %7u of %u\n", a->name, little, FEW, much,
			      MANY);
		good &= much <= little + SLACK && much <= SLACK + PER_ROW * a->rows;
	}
	assert_true(good);
}

/* A page of first ones ends behind so many that it has looked at. */
static void test_what_is_pending_costs_a_page(void **state)
{
	const struct ask one = { "page", due_first, 1 };
	enum { MORE = 5000 };
	(void)state;
	unsigned little = steps_of(&few, &one);
	assert_int_equal(ledger_begin(few.ledger), 0);
	for (unsigned i = 0; i < MORE; i++)
		decide(&few, 11);
	assert_int_equal(ledger_commit(few.ledger), 0);
	unsigned much = steps_of(&few, &one);
	print_message("%u steps of %u, %u of %u\n", little, PENDING, much, PENDING + MORE);
	assert_in_range(much, little, SLACK + PER_ROW * 500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_has_ended_costs_nothing),
		cmocka_unit_test(test_what_is_pending_costs_a_page),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
