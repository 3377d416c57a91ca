/*
 * How SQLite answers each statement that the store prepares. No request and no batch may read a
 * table from end to end: what does is told here, with the reason why it may. And what is run is
 * nothing but those statements, so that none is left out.
 */
#include "fixture.h"

#include "../query_plan.h"

#include "store/new_events.h"
#include "store/reader.h"
#include "store/statements.h"

struct allowed {
	int statement;
	const char *why;
};

static const struct allowed batch_scans[] = {
	{ ST_EVENTS_ADD, "events that are in memory, for their table" },
	{ ST_ERASURE_NEXT, "any row will do, and it reads one" },
};

static const struct allowed start_scans[] = {
	{ START_EVENT_NEWEST, "from its end, and it reads one row" },
	{ START_WORKSPACES, "into the catalog" },
	{ START_CONTACT_FIELDS, "into the catalog" },
	{ START_DOCUMENTS, "into the catalog" },
	{ START_KEYS, "into the catalog" },
	{ START_DEFINITIONS, "into the catalog" },
	{ START_HEADS, "into memory, one row for 512 contacts" },
	{ START_ERASURES, "contacts whose deletion is not finished: few, if any" },
	{ START_TOKENS, "into memory" },
	{ START_WORKSPACES_BUT, "workspaces, for each new contact with an id that a file declares" },
};

static const struct table {
	const char *name;
	const char *const *sql;
	int n;
	const struct allowed *allowed;
	size_t n_allowed;
} tables[] = {
	{ "batch", statement_sql, STATEMENTS, batch_scans, ARRAY_LEN(batch_scans) },
	{ "reader", reader_sql, READ_STATEMENTS, NULL, 0 },
	{ "start", start_sql, START_STATEMENTS, start_scans, ARRAY_LEN(start_scans) },
};

/* --- Plans --- */

static struct fixture f;
static sqlite3 *db;
static struct new_events new_events;

static const char *why_it_may(const struct table *t, int statement)
{
	for (size_t i = 0; i < t->n_allowed; i++)
		if (t->allowed[i].statement == statement)
			return t->allowed[i].why;
	return NULL;
}

/* The number of statements that read more than they may, or less than is told here. */
static unsigned judge(const struct table *t)
{
	unsigned wrong = 0;
	for (int i = 0; i < t->n; i++) {
		assert_non_null(t->sql[i]);
		if (is_transaction(t->sql[i]))
			continue;
		print_message("%s: %s\n", t->name, t->sql[i]);
		const char *why = why_it_may(t, i);
		bool bad = plan_is_bad(db, t->sql[i]);
		if (bad != (why != NULL)) {
			print_error("^^^ %s\n", bad ? "reads a whole table" : "has no scan");
			wrong++;
		} else if (bad) {
			print_message("    which it may: %s\n", why);
		}
	}
	return wrong;
}

static void no_statement_reads_a_whole_table(void **state)
{
	(void)state;
	unsigned wrong = 0;
	for (size_t i = 0; i < ARRAY_LEN(tables); i++)
		wrong += judge(&tables[i]);
	assert_int_equal(wrong, 0);
}

/* The test itself: it can tell. */
static void a_scan_is_seen(void **state)
{
	static const char *const scans[] = {
		"SELECT no FROM contact WHERE attributes LIKE '%x%'",
		"SELECT no FROM contact WHERE workspace = ? ORDER BY updated_at",
		"UPDATE event SET properties = '{}' WHERE contact = ?",
		"DELETE FROM identity WHERE contact = ?",
		"SELECT count(*) FROM contact",
		"SELECT seq FROM event WHERE definition = ? LIMIT 10",
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(scans); i++)
		assert_true(plan_is_bad(db, scans[i]));
}

/* --- Nothing but these --- */

static unsigned n_traced, n_unknown;

/* Besides the tables: what asks SQLite about itself, before there is a schema. */
static bool is_about_sqlite(const char *sql)
{
	return strncmp(sql, "PRAGMA ", 7) == 0 ||
	       strcmp(sql, "SELECT count(*) FROM sqlite_schema") == 0;
}

static bool is_known(const char *sql)
{
	if (is_about_sqlite(sql) || is_transaction(sql))
		return true;
	for (size_t t = 0; t < ARRAY_LEN(tables); t++)
		for (int i = 0; i < tables[t].n; i++)
			if (strcmp(sql, tables[t].sql[i]) == 0)
				return true;
	return false;
}

static int trace(unsigned what, void *context, void *statement, void *sql)
{
	(void)what;
	(void)context;
	(void)statement;
	n_traced++;
	if (!is_known(sql)) {
		print_error("in none of the tables: %s\n", (const char *)sql);
		n_unknown++;
	}
	return 0;
}

static int trace_all(sqlite3 *connection, char **error, const struct sqlite3_api_routines *api)
{
	(void)error;
	(void)api;
	return sqlite3_trace_v2(connection, SQLITE_TRACE_STMT, trace, NULL);
}

static void use_what_there_is(void)
{
	struct event_query events = { .workspace = 1, .limit = 5, .since = 1, .until = INT64_MAX };
	struct contact_query contacts = { .workspace = 1, .limit = 5 };
	struct op op = fixture_op(&f, "jane@x.io");
	struct event_row *rows;
	struct contact_view *views;
	struct key_page keys;
	struct store_stats stats;
	uint64_t next;
	unsigned n;
	bool more;
	assert_int_equal(fixture_apply(&f, &op), STORE_OK);
	assert_done(store_read_events(f.reader, &f.arena, &events, &rows, &n, &next));
	assert_done(store_read_contacts(f.reader, &f.arena, &contacts, &views, &n, &more));
	assert_done(store_read_keys(f.reader, &f.arena, &(struct key_query){ 1, 0, 5 }, &keys));
	assert_done(store_read_stats(f.reader, &f.arena, 1, &stats));
	op = fixture_op(&f, "jane@x.io");
	op.kind = OP_CONTACT_DELETE;
	assert_int_equal(fixture_apply(&f, &op), STORE_OK);
}

static void nothing_else_is_run(void **state)
{
	(void)state;
	fixture_close(&f);
	assert_int_equal(sqlite3_auto_extension((void (*)(void))trace_all), SQLITE_OK);
	fixture_open(&f);
	fixture_provision(&f);
	use_what_there_is();
	fixture_reopen(&f);
	assert_int_equal(sqlite3_cancel_auto_extension((void (*)(void))trace_all), 1);
	assert_true(n_traced > 50);
	assert_int_equal(n_unknown, 0);
}

static int set_up(void **state)
{
	char path[100];
	(void)state;
	fixture_begin(&f);
	fixture_provision(&f);
	snprintf(path, sizeof(path), "%s/occurd.db", f.dir);
	assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	assert_int_equal(new_events_connect(&new_events, db), 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	fixture_end(&f);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_statement_reads_a_whole_table),
		cmocka_unit_test(a_scan_is_seen),
		cmocka_unit_test(nothing_else_is_run),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
