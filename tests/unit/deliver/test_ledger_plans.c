/*
 * How SQLite answers what is asked of deliveries.db: by an index, and so with a million deliveries
 * as with few. What reads a whole table is told here, with the reason why it may.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../query_plan.h"
#include "../scratch.h"
#include "deliver/ledger_read.h"
#include "deliver/tally.h"

#include <stdio.h>
#include <stdlib.h>

static char dir[64];
static sqlite3 *db;

static int set_up(void **state)
{
	struct ledger *l;
	char path[100];
	(void)state;
	strcpy(dir, "/tmp/occurd-plans-XXXXXX");
	assert_non_null(mkdtemp(dir));
	assert_int_equal(ledger_open(dir, &l), 0);
	ledger_close(l);
	snprintf(path, sizeof(path), "%s/deliveries.db", dir);
	assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	return scratch_remove(dir);
}

static const char *const may_scan[] = {
	"FROM tally ORDER BY",       /* into memory, at a start: a row per destination */
	"SELECT due_at FROM replay", /* from the begin of its index, and it reads one row */
};

static bool may(const char *sql)
{
	for (size_t i = 0; i < ARRAY_LEN(may_scan); i++)
		if (strstr(sql, may_scan[i]))
			return true;
	return false;
}

/* The number of statements that read more than they may, or less than is told here. */
static unsigned judge(const char *const *sql, unsigned n)
{
	unsigned wrong = 0;
	for (unsigned i = 0; i < n; i++) {
		assert_non_null(sql[i]);
		if (is_transaction(sql[i]))
			continue;
		print_message("%s\n", sql[i]);
		if (plan_is_bad(db, sql[i]) == may(sql[i]))
			continue;
		print_error("^^^ %s\n", may(sql[i]) ? "has no scan" : "reads a whole table");
		wrong++;
	}
	return wrong;
}

static void test_no_statement_reads_a_whole_table(void **state)
{
	static const char *const one[] = { walk_one_sql };
	(void)state;
	unsigned wrong = judge(ledger_sql, n_ledger_sql);
	wrong += judge(replay_sql, n_replay_sql);
	wrong += judge(tally_sql, TALLY_STATEMENTS);
	wrong += judge(ledger_read_sql, n_ledger_read_sql);
	wrong += judge(walk_down_sql, WALKS);
	wrong += judge(walk_up_sql, WALKS);
	wrong += judge(one, 1);
	assert_int_equal(wrong, 0);
}

/* Every set of filters is walked along an index that one of them has, the narrowest. */
static void test_each_filter_has_a_walk(void **state)
{
	static const struct {
		struct delivery_filter of;
		enum walk walk;
		uint64_t key;
	} cases[] = {
		{ { .workspace = 1, .state = -1 }, WALK_WORKSPACE, 1 },
		{ { .workspace = 1, .state = DELIVERY_DONE }, WALK_WORKSPACE, 1 },
		{ { .workspace = 1, .state = DELIVERY_DEAD }, WALK_DEAD, 1 },
		{ { .workspace = 1, .state = -1, .automation = 2 }, WALK_AUTOMATION, 2 },
		{ { .workspace = 1, .state = DELIVERY_DEAD, .automation = 2 }, WALK_DEAD, 1 },
		{ { .workspace = 1, .state = -1, .destination = 3 }, WALK_DESTINATION, 3 },
		{ { .workspace = 1, .state = -1, .automation = 2, .destination = 3 },
		  WALK_AUTOMATION,
		  2 },
		{ { .workspace = 1, .state = DELIVERY_DEAD, .contact = 4 }, WALK_CONTACT, 4 },
		{ { .workspace = 1, .state = -1, .automation = 2, .destination = 3, .contact = 4 },
		  WALK_CONTACT,
		  4 },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint64_t key;
		assert_int_equal(walk_for(&cases[i].of, &key), cases[i].walk);
		assert_int_equal(key, cases[i].key);
	}
}

/* The test itself: it can tell. */
static void test_a_scan_is_seen(void **state)
{
	(void)state;
	assert_true(plan_is_bad(db, "SELECT no FROM delivery WHERE status = 500"));
	assert_true(plan_is_bad(db, "SELECT count(*) FROM delivery WHERE state = 1"));
	assert_true(plan_is_bad(db, "SELECT no FROM delivery WHERE contact = ? ORDER BY due_at"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_statement_reads_a_whole_table),
		cmocka_unit_test(test_each_filter_has_a_walk),
		cmocka_unit_test(test_a_scan_is_seen),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
