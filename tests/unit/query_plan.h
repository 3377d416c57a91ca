/* How SQLite would answer a statement: whether that reads a whole table.
 * Included behind cmocka.h. */
#pragma once

#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Reads all of a table, or puts rows aside to sort them, or makes an index to use it once. */
static inline bool reads_too_much(const char *step)
{
	bool scan = strncmp(step, "SCAN ", 5) == 0 && strcmp(step, "SCAN CONSTANT ROW") != 0;
	return scan || strstr(step, "TEMP B-TREE") || strstr(step, "AUTOMATIC");
}

/* Whether one step of its plan does; prints the plan. */
static inline bool plan_is_bad(sqlite3 *db, const char *sql)
{
	char explain[2048];
	bool bad = false;
	sqlite3_stmt *st;
	int n = snprintf(explain, sizeof(explain), "EXPLAIN QUERY PLAN %s", sql);
	assert_in_range(n, 0, sizeof(explain) - 1);
	assert_int_equal(sqlite3_prepare_v2(db, explain, -1, &st, NULL), SQLITE_OK);
	while (sqlite3_step(st) == SQLITE_ROW) {
		const char *step = (const char *)sqlite3_column_text(st, 3);
		print_message("    %s\n", step);
		bad |= reads_too_much(step);
	}
	assert_int_equal(sqlite3_finalize(st), SQLITE_OK);
	return bad;
}

static inline bool is_transaction(const char *sql)
{
	return strncmp(sql, "BEGIN", 5) == 0 || strcmp(sql, "COMMIT") == 0 ||
	       strcmp(sql, "ROLLBACK") == 0;
}
