/* Pages of events and contacts, single events, counts: what is asked and what comes. */
#include "base/json.h"
#include "store/db.h"

#include "fixture.h"

enum { EVENTS = 60, MINUTES_APART = 10 };

/*
 * Event i (seq i, from 1) comes in minute (i-1)/MINUTES_APART, six seconds after the one before.
 * Every third is of contact 2, every fourth of definition "visit", every fifth of workspace 2.
 */
static bool is_second_contact(unsigned seq)
{
	return seq % 3 == 0;
}

static bool is_visit(unsigned seq)
{
	return seq % 4 == 0;
}

static bool is_other_workspace(unsigned seq)
{
	return seq % 5 == 0;
}

static instant_us start;

static instant_us time_of(unsigned seq)
{
	return start + (int64_t)(seq - 1) * 6 * US_PER_S;
}

static struct uuid ids[EVENTS + 1];

static void write_event(struct fixture *f, unsigned seq)
{
	struct op op = fixture_op(f, is_second_contact(seq) ? "two@x.io" : "one@x.io");
	clock_us = time_of(seq);
	if (is_visit(seq))
		op.definition = fixture_definition(f, 1, "visit");
	if (is_other_workspace(seq)) {
		op.workspace = 2;
		op.definition = 0;
		op.definition_name = STR("visit");
	}
	assert_int_equal(fixture_apply(f, &op), STORE_OK);
	assert_int_equal(op.seq, seq);
	ids[seq] = op.event_id;
}

static struct fixture f;

static int set_up(void **state)
{
	(void)state;
	fixture_begin(&f);
	fixture_provision(&f);
	clock_us += 60 * US_PER_S - clock_us % (60 * US_PER_S);
	start = clock_us;
	for (unsigned seq = 1; seq <= EVENTS; seq++)
		write_event(&f, seq);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	fixture_end(&f);
	return 0;
}

struct query_case {
	uint32_t workspace;
	uint64_t contact;
	const char *definition; /* NULL: any */
	uint64_t before;
	unsigned since, until; /* seqs whose time is meant; 0: open */
};

static const struct query_case queries[] = {
	{ 1, 0, NULL, 0, 0, 0 },       { 2, 0, NULL, 0, 0, 0 },
	{ 3, 0, NULL, 0, 0, 0 },       { 1, 1, NULL, 0, 0, 0 },
	{ 1, 2, NULL, 0, 0, 0 },       { 2, 1, NULL, 0, 0, 0 }, /* of the other workspace */
	{ 1, 77, NULL, 0, 0, 0 },      { 1, 0, "visit", 0, 0, 0 },
	{ 1, 0, "purchase", 0, 0, 0 }, { 1, 2, "visit", 0, 0, 0 },
	{ 1, 0, NULL, 31, 0, 0 },      { 1, 0, NULL, 1, 0, 0 },
	{ 1, 0, NULL, 2, 0, 0 },       { 1, 0, NULL, INT64_MAX, 0, 0 },
	{ 1, 1, NULL, 31, 0, 0 }, /* that event is the contact's */
	{ 1, 2, NULL, 31, 0, 0 }, /* and here it is not */
	{ 1, 0, "visit", 33, 0, 0 },   { 1, 0, NULL, 0, 20, 0 },
	{ 1, 0, NULL, 0, 0, 20 },      { 1, 0, NULL, 0, 20, 40 },
	{ 1, 0, NULL, 0, 40, 20 },     { 1, 0, NULL, 0, 20, 20 },
	{ 1, 0, NULL, 30, 20, 40 },    { 1, 1, NULL, 30, 20, 40 },
	{ 1, 2, "visit", 0, 10, 50 },  { 1, 0, "visit", 45, 10, 50 },
	{ 1, 0, NULL, 0, 1, 61 },      { 1, 0, NULL, 0, 61, 0 },
	{ 2, 0, NULL, 0, 11, 51 },
};

static bool is_meant(const struct query_case *c, unsigned seq)
{
	return (is_other_workspace(seq) ? 2 : 1) == c->workspace &&
	       (!c->contact ||
		(!is_other_workspace(seq) && c->contact == (is_second_contact(seq) ? 2 : 1))) &&
	       (!c->definition || is_visit(seq) == (strcmp(c->definition, "visit") == 0)) &&
	       (!c->before || seq < c->before) && (!c->since || seq >= c->since) &&
	       (!c->until || seq < c->until);
}

/* The next older event that is meant; 0: none. */
static unsigned next_meant(const struct query_case *c, unsigned seq)
{
	while (seq > 0 && !is_meant(c, seq))
		seq--;
	return seq;
}

static void read_all_pages(const struct query_case *c, unsigned limit)
{
	struct event_query q = {
		.workspace = c->workspace,
		.contact = c->contact,
		.definition =
			c->definition ? fixture_definition(&f, c->workspace, c->definition) : 0,
		.before = c->before,
		.since = c->since ? time_of(c->since) : 0,
		.until = c->until ? time_of(c->until) : INT64_MAX,
		.limit = limit,
	};
	unsigned want = next_meant(c, EVENTS);
	do {
		struct event_row *rows;
		unsigned n;
		arena_reset(&f.arena);
		assert_done(store_read_events(f.reader, &f.arena, &q, &rows, &n, &q.before));
		for (unsigned i = 0; i < n; i++) {
			assert_int_equal(rows[i].seq, want);
			assert_int_equal(rows[i].received_at, time_of(want));
			want = next_meant(c, want - 1);
		}
		/* A last page says that it is the last, even when it is full. */
		assert_int_equal(q.before != 0, want != 0);
		assert_true(n == limit || want == 0);
	} while (q.before);
	assert_int_equal(want, 0);
}

static void pages_hold_what_is_meant(void **state)
{
	static const unsigned limits[] = { 1, 2, 3, 7, 50, 1000 };
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(queries); i++) {
		print_message("query %zu\n", i);
		for (size_t k = 0; k < ARRAY_LEN(limits); k++)
			read_all_pages(&queries[i], limits[k]);
	}
}

static void single_event_is_found_by_its_id(void **state)
{
	struct event_row row;
	(void)state;
	for (unsigned seq = 1; seq <= EVENTS; seq++) {
		uint32_t workspace = is_other_workspace(seq) ? 2 : 1;
		assert_int_equal(store_read_event(f.reader, &f.arena, workspace, ids[seq], &row),
				 STORE_OK);
		assert_int_equal(row.seq, seq);
		assert_int_equal(
			store_read_event(f.reader, &f.arena, 3 - workspace, ids[seq], &row),
			STORE_NONE);
	}
	static const struct uuid strange[] = {
		{ { 0 } },
		{ { 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF } },
	};
	for (size_t i = 0; i < ARRAY_LEN(strange); i++)
		assert_int_equal(store_read_event(f.reader, &f.arena, 1, strange[i], &row),
				 STORE_NONE);
	struct uuid near = ids[30];
	near.b[15] ^= 1;
	assert_int_equal(store_read_event(f.reader, &f.arena, 1, near, &row), STORE_NONE);
}

static void contacts_come_newest_first(void **state)
{
	static const struct {
		struct contact_query q;
		uint64_t numbers[4]; /* 0 ends them */
		bool more;
	} cases[] = {
		{ { 1, 0, 0, 10, 0, false, 0 }, { 2, 1 }, false },
		{ { 1, 0, 0, 2, 0, false, 0 }, { 2, 1 }, false },
		{ { 1, 0, 0, 1, 0, false, 0 }, { 2 }, true },
		{ { 1, 2, 0, 1, 0, false, 0 }, { 1 }, false },
		{ { 1, 1, 0, 10, 0, false, 0 }, { 0 }, false },
		{ { 1, 0, 1, 10, 0, false, 0 }, { 2 }, false },
		{ { 1, 0, 2, 10, 0, false, 0 }, { 0 }, false },
		{ { 2, 0, 0, 10, 0, false, 0 }, { 4, 3 }, false },
		{ { 2, 4, 0, 10, 0, false, 0 }, { 3 }, false },
		{ { 9, 0, 0, 10, 0, false, 0 }, { 0 }, false },
		{ { 1, UINT64_MAX, 0, 10, 0, false, 0 }, { 2, 1 }, false },
		{ { 1, 0, 0, 10, 1, false, 0 }, { 1 }, false },
		{ { 1, 0, 0, 10, 2, false, 0 }, { 0 }, false },
		{ { 1, 0, 0, 10, UINT32_MAX, false, 0 }, { 0 }, false },
		{ { 1, 0, 0, 10, 0, true, 0 }, { 2, 1 }, false },
		{ { 1, 0, 0, 1, 0, true, 0 }, { 1 }, true },
		{ { 1, 0, 0, 1, 1, true, 0 }, { 2 }, false },
		{ { 2, 0, 0, 1, 0, true, 0 }, { 3 }, true },
		{ { 2, 0, 3, 1, 0, true, 0 }, { 4 }, false },
		{ { 9, 0, 0, 10, 0, true, 0 }, { 0 }, false },
		{ { 1, 0, 0, 10, 0, false, 1 }, { 2 }, true },
		{ { 1, 2, 0, 10, 0, false, 1 }, { 1 }, false },
		{ { 1, 0, 0, 10, 0, true, 1 }, { 1 }, true },
		{ { 1, 0, 1, 10, 0, false, 1 }, { 2 }, false },
		{ { 1, 0, 0, 10, 0, true, 1000 }, { 2, 1 }, false },
		{ { 1, 0, 0, 1, 0, false, 1000 }, { 2 }, true },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct contact_view *rows;
		unsigned n;
		bool more;
		assert_done(store_read_contacts(f.reader, &f.arena, &cases[i].q, &rows, &n, &more));
		assert_int_equal(more, cases[i].more);
		for (unsigned k = 0; k < n; k++)
			assert_int_equal(rows[k].number, cases[i].numbers[k]);
		assert_int_equal(cases[i].numbers[n], 0);
	}
}

static void counts_are_kept_per_definition(void **state)
{
	struct store_stats stats;
	unsigned visits = 0, others = 0, visits_of_hour = 0;
	(void)state;
	/* The last minute of the hour that begins with the third minute of events. */
	clock_us = start + (2 + 59) * 60 * US_PER_S;
	for (unsigned seq = 1; seq <= EVENTS; seq++) {
		if (is_other_workspace(seq))
			continue;
		visits += is_visit(seq);
		others += !is_visit(seq);
		visits_of_hour += is_visit(seq) && (seq - 1) / MINUTES_APART >= 2;
	}
	assert_done(store_read_stats(f.reader, &f.arena, 1, &stats));
	assert_int_equal(stats.events, visits + others);
	assert_int_equal(stats.contacts, 2);
	assert_int_equal(stats.n_definitions, 2);
	assert_str(stats.definitions[0].definition, "purchase");
	assert_int_equal(stats.definitions[0].events, others);
	assert_str(stats.definitions[1].definition, "visit");
	assert_int_equal(stats.definitions[1].events, visits);
	assert_int_equal(stats.definitions[1].events_last_hour, visits_of_hour);
	assert_true(stats.database_bytes + stats.wal_bytes > 4096);
	assert_done(store_read_stats(f.reader, &f.arena, 9, &stats));
	assert_int_equal(stats.events + stats.contacts + stats.n_definitions, 0);
}

static void reader_sees_a_commit_and_not_before(void **state)
{
	struct fixture g;
	(void)state;
	fixture_begin(&g);
	fixture_provision(&g);
	struct op op = fixture_op(&g, "a@x.io");
	assert_done(store_begin(g.store));
	assert_int_equal(store_apply(g.store, &op), STORE_OK);
	assert_int_equal(fixture_contact(&g, 1, IDENTITY_EMAIL, "a@x.io").number, 0);
	assert_done(store_commit(g.store));
	assert_int_equal(fixture_contact(&g, 1, IDENTITY_EMAIL, "a@x.io").event_count, 1);
	fixture_end(&g);
}

static int read_everything(struct fixture *g)
{
	struct event_row *rows;
	struct contact_view *contacts;
	bool more;
	struct contact_query all = { .workspace = 1, .limit = 10 };
	struct store_stats stats;
	unsigned n;
	uint64_t next;
	struct event_query by_contact = {
		.workspace = 1, .contact = 1, .limit = 10, .until = INT64_MAX
	};
	struct event_query by_time = { .workspace = 1, .limit = 10, .until = INT64_MAX };
	int worst = 0;
	worst |= store_read_events(g->reader, &g->arena, &by_contact, &rows, &n, &next);
	worst |= store_read_events(g->reader, &g->arena, &by_time, &rows, &n, &next);
	worst |= store_read_contacts(g->reader, &g->arena, &all, &contacts, &n, &more);
	worst |= store_read_stats(g->reader, &g->arena, 1, &stats);
	return worst;
}

static void damaged_rows_are_errors(void **state)
{
	static const char *const damages[] = {
		"UPDATE event SET properties = '{'",
		"UPDATE event SET properties = '[1]'",
		"UPDATE event SET properties = ''",
		"UPDATE event SET id = x'00'",
		"UPDATE event SET id = 'text'",
		"UPDATE event SET definition = 99",
		"UPDATE event SET dialect = 99",
		"UPDATE event SET contact = 99",
		"UPDATE event SET prev = seq",
		"UPDATE event SET prev = 1000",
		"DELETE FROM event WHERE seq = 1",
		"DELETE FROM event WHERE seq = 2",
		"UPDATE contact SET id = zeroblob(17)",
		"UPDATE contact SET identities = '{}'",
		"UPDATE contact SET attributes = 'null'",
		"DELETE FROM contact",
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(damages); i++) {
		struct fixture g;
		fixture_begin(&g);
		fixture_provision(&g);
		for (int k = 0; k < 2; k++) {
			struct op op = fixture_op(&g, "a@x.io");
			assert_int_equal(fixture_apply(&g, &op), STORE_OK);
		}
		assert_int_equal(read_everything(&g), 0);
		fixture_sql(g.dir, damages[i]);
		if (read_everything(&g) >= 0)
			fail_msg("not noticed: %s", damages[i]);
		fixture_end(&g);
	}
}

/* --- Large texts --- */

/* {"x":"aaa"} with `middle` as often as there is room. */
static struct str large_text(struct arena *a, const char *open, const char *middle,
			     const char *close, size_t size)
{
	struct buf b = buf_in(a);
	assert_non_null(buf_more(&b, size));
	buf_put(&b, str_of(open));
	while (b.n + strlen(middle) + strlen(close) < size)
		buf_put(&b, str_of(middle));
	buf_put(&b, str_of(close));
	assert_false(b.failed);
	return buf_str(&b);
}

static bool a_request_may_hold(struct str body)
{
	struct arena a;
	yyjson_val *root;
	arena_init(&a, JSON_MEMORY_MAX, NULL);
	struct str copy = arena_str(&a, body);
	bool held = copy.p && json_parse(&a, copy, &root, NULL) == JSON_OK;
	arena_fini(&a);
	return held;
}

static void store_text(struct fixture *g, struct str properties)
{
	struct op op = fixture_op(g, "large@x.io");
	op.properties = properties;
	assert_int_equal(fixture_apply(g, &op), STORE_OK);
}

static const char *const larges[][3] = {
	{ "{\"x\":\"", ",", "\"}" },
	{ "{\"x\":[", "[],", "[]]}" },
	{ "{\"x\":[", "{},", "{}]}" },
	{ "{\"x\":[{", "\"\":0,", "\"\":0}]}" },
};

/* All of what is taken can be read back, however much memory it needs. */
static void what_a_request_may_hold_is_read_back(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(larges); i++) {
		struct fixture g;
		struct feed_row *rows;
		struct event_row *list;
		struct event_query q = { .workspace = 1, .limit = 1, .until = INT64_MAX };
		uint64_t seen;
		unsigned n;
		fixture_begin(&g);
		fixture_provision(&g);
		struct str text = large_text(&g.arena, larges[i][0], larges[i][1], larges[i][2],
					     JSON_MEMORY_MAX / 27);
		assert_true(a_request_may_hold(text));
		store_text(&g, text);
		assert_done(store_read_feed(g.reader, &g.arena, 0, 10, &rows, &n, &seen));
		assert_int_equal(n, 1);
		assert_true(str_eq(rows[0].event.properties, text));
		assert_done(store_read_events(g.reader, &g.arena, &q, &list, &n, &seen));
		assert_int_equal(n, 1);
		fixture_end(&g);
	}
}

/* What no request of ours can have left is damage, for a reader and for who looks for it. */
static void what_is_larger_is_damage(void **state)
{
	struct fixture g;
	struct feed_row *rows;
	struct event_row *list;
	struct event_query q = { .workspace = 1, .limit = 1, .until = INT64_MAX };
	uint64_t seen;
	unsigned n;
	(void)state;
	fixture_begin(&g);
	fixture_provision(&g);
	struct str text = large_text(&g.arena, "{\"x\":[", "1,", "1]}", JSON_MEMORY_MAX / 7);
	assert_false(a_request_may_hold(text));
	store_text(&g, text);
	assert_int_equal(store_read_events(g.reader, &g.arena, &q, &list, &n, &seen), -EIO);
	assert_true(db_is_damage());
	assert_done(store_read_feed(g.reader, &g.arena, 0, 10, &rows, &n, &seen));
	assert_int_equal(n, 0);
	assert_int_equal(seen, 1);
	fixture_end(&g);
}

/* --- The feed --- */

/* Those behind one that is damaged are read. */
static void the_feed_goes_on_behind_damage(void **state)
{
	static const char *const damages[] = {
		"UPDATE event SET properties = '{' WHERE seq = 2",
		"UPDATE event SET properties = '[1]' WHERE seq = 2",
		"UPDATE event SET mismatches = '{}' WHERE seq = 2",
		"UPDATE event SET cause = 'x' WHERE seq = 2",
		"UPDATE event SET id = x'00' WHERE seq = 2",
		"UPDATE event SET definition = 99 WHERE seq = 2",
		"UPDATE event SET dialect = 99 WHERE seq = 2",
		"UPDATE event SET contact = 99 WHERE seq = 2",
		"DELETE FROM event WHERE seq = 2",
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(damages); i++) {
		struct fixture g;
		struct feed_row *rows;
		struct event_row *list;
		const struct feed_query q = {
			.workspace = 1, .until = 3, .limit = 10, .bytes = 1000
		};
		uint64_t seen, at;
		unsigned n;
		fixture_begin(&g);
		fixture_provision(&g);
		for (int k = 0; k < 3; k++)
			store_text(&g, STR("{}"));
		fixture_sql(g.dir, damages[i]);
		assert_done(store_read_feed(g.reader, &g.arena, 0, 10, &rows, &n, &seen));
		assert_int_equal(n, 2);
		assert_int_equal(rows[1].event.seq, 3);
		assert_int_equal(seen, 3);
		assert_done(store_read_feed_of(g.reader, &g.arena, &q, &list, &n, &seen));
		assert_int_equal(n, 2);
		assert_int_equal(list[1].seq, 3);
		assert_int_equal(seen, 3);
		assert_done(store_read_feed_at(g.reader, clock_us, &at));
		assert_int_equal(at, 3);
		fixture_end(&g);
	}
}

/* Memory that is there again later is another matter. */
static void the_feed_leaves_nothing_out_for_want_of_memory(void **state)
{
	struct fixture g;
	struct feed_row *rows;
	struct arena small;
	unsigned n;
	(void)state;
	fixture_begin(&g);
	fixture_provision(&g);
	store_text(&g, large_text(&g.arena, "{\"x\":\"", "x", "\"}", 20000));
	arena_init(&small, 16 * 1024, NULL);
	assert_int_equal(store_read_feed(g.reader, &small, 0, 1, &rows, &n, NULL), -ENOMEM);
	arena_fini(&small);
	assert_done(store_read_feed(g.reader, &g.arena, 0, 1, &rows, &n, NULL));
	assert_int_equal(n, 1);
	fixture_end(&g);
}

/* What is damaged in what a start reads keeps the store from starting, with a reason. */
static void damaged_rows_keep_the_store_closed(void **state)
{
	static const char *const damages[] = {
		"UPDATE workspace SET id = x'00' WHERE no = 1",
		"UPDATE contact_field SET type = 'object'",
		"UPDATE contact_field SET type = 'text'",
		"UPDATE contact_field SET name = ''  WHERE no = 1",
		"UPDATE contact_field SET id = x'00' WHERE no = 1",
		"UPDATE contact_field SET workspace = 99",
		"UPDATE contact_field SET no = -1 WHERE no = 1",
		"INSERT INTO document VALUES(-1, 1, 1, 'd', '{}', 0, 0)",
		"INSERT INTO document VALUES(1, 99, 1, 'd', '{}', 0, 0)",
		"INSERT INTO document VALUES(1, 1, 0, 'd', '{}', 0, 0)",
		"INSERT INTO document VALUES(1, 1, 3, 'd', '{}', 0, 0)",
		"INSERT INTO document VALUES(1, 1, 1, '', '{}', 0, 0)",
		"INSERT INTO document VALUES(1, 1, 1, 'd', '', 0, 0)",
		"INSERT INTO document VALUES(1, 1, 2, 'd', '[]', 0, 0)",
		"INSERT INTO document VALUES(1, 1, 2, 'd', '{', 0, 0)",
		"UPDATE workspace SET switches = '[]' WHERE no = 1",
		"UPDATE workspace SET switches = '' WHERE no = 1",
		"UPDATE workspace SET switches = '{\"strict_50\":true}' WHERE no = 1",
		"UPDATE access_key SET digest = x'00' WHERE no = 1",
		"UPDATE access_key SET scopes = 'all'",
		"UPDATE access_key SET workspace = 99",
		"UPDATE definition SET fields = '[{}]' WHERE no = 1",
		"UPDATE definition SET fields = '' WHERE no = 1",
		"UPDATE definition SET workspace = 99 WHERE no = 1",
		"UPDATE event SET id = x'00'",
		"UPDATE event SET received_at = -1",
		"UPDATE meta SET value = 0; UPDATE event SET contact = -1",
		"UPDATE meta SET value = 0; UPDATE event SET nth = 0",
		"UPDATE contact_head SET heads = x'0102'",
		"UPDATE contact_head SET block = -1",
		"UPDATE dialect SET name = 'other' WHERE no = 1",
		"PRAGMA application_id = 1",
		"PRAGMA user_version = 1000",
		"PRAGMA user_version = -1",
		"DROP TABLE rollup",
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(damages); i++) {
		struct fixture g;
		struct store *store = NULL;
		fixture_begin(&g);
		fixture_provision(&g);
		struct op op = fixture_op(&g, "a@x.io");
		assert_int_equal(fixture_apply(&g, &op), STORE_OK);
		fixture_close(&g);
		fixture_sql(g.dir, damages[i]);
		struct store_config config = fixture_config(&g);
		if (store_open(&config, &store) >= 0)
			fail_msg("not noticed: %s", damages[i]);
		assert_null(store);
		fixture_end(&g);
	}
}

static void strange_file_is_left_alone(void **state)
{
	struct fixture g;
	char path[100];
	struct store *store = NULL;
	(void)state;
	fixture_dir(&g);
	snprintf(path, sizeof(path), "%s/occurd.db", g.dir);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs("This is no database, and it is longer than a header of one hundred bytes is, by "
	      "some words more, so that nobody takes it for an empty one.\n",
	      file);
	fclose(file);
	struct store_config config = fixture_config(&g);
	assert_int_equal(store_open(&config, &store), -EINVAL);
	fixture_end(&g);
}

/* People read the views with any SQLite tool. */
static void views_are_for_people(void **state)
{
	struct fixture g;
	char path[100];
	sqlite3 *db;
	sqlite3_stmt *st;
	(void)state;
	fixture_begin(&g);
	fixture_provision(&g);
	struct op op = fixture_op(&g, "a@x.io");
	op.occurred_given = true;
	op.occurred_at = -1; /* a microsecond before 1970 */
	assert_int_equal(fixture_apply(&g, &op), STORE_OK);
	snprintf(path, sizeof(path), "%s/occurd.db", g.dir);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db,
					    "SELECT workspace, dialect, definition, occurred_at,"
					    " received_at, properties, id, contact_id FROM events",
					    -1, &st, NULL),
			 SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	static const char *const want[] = { "acme",
					    "pristo",
					    "purchase",
					    "1969-12-31T23:59:59.999999Z",
					    "2026-05-28T20:26:40.123456Z",
					    "{\"total\":1}" };
	for (int i = 0; i < (int)ARRAY_LEN(want); i++)
		assert_string_equal(sqlite3_column_text(st, i), want[i]);
	char text[UUID_TEXT + 1];
	uuid_text(op.event_id, text);
	assert_string_equal(sqlite3_column_text(st, 6), text);
	uuid_text(fixture_contact(&g, 1, IDENTITY_NUMBER, "1").id, text);
	assert_string_equal(sqlite3_column_text(st, 7), text);
	sqlite3_finalize(st);
	assert_int_equal(
		sqlite3_prepare_v2(db, "SELECT number, id, workspace, created_at FROM contacts", -1,
				   &st, NULL),
		SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	assert_int_equal(sqlite3_column_int(st, 0), 1);
	assert_string_equal(sqlite3_column_text(st, 1), text);
	assert_string_equal(sqlite3_column_text(st, 3), "2026-05-28T20:26:40.123456Z");
	sqlite3_finalize(st);
	sqlite3_close(db);
	fixture_end(&g);
}

/* A page looks at so many of a contact's events and no more; what is not meant of them makes it short. */
static void long_list_is_read_in_steps(void **state)
{
	enum { LONG = 12000 };
	struct fixture long_one;
	struct event_row *rows;
	unsigned n = 0, pages = 0;
	(void)state;
	fixture_begin(&long_one);
	fixture_provision(&long_one);
	struct op first = fixture_op(&long_one, "a@x.io"), many = first;
	first.definition = fixture_definition(&long_one, 1, "visit");
	assert_int_equal(fixture_apply(&long_one, &first), STORE_OK);
	struct op op = fixture_op(&long_one, "other@x.io");
	assert_int_equal(fixture_apply(&long_one, &op), STORE_OK);
	assert_done(store_begin(long_one.store));
	for (unsigned i = 0; i < LONG; i++) {
		struct op one = many;
		assert_int_equal(store_apply(long_one.store, &one), STORE_OK);
	}
	assert_done(store_commit(long_one.store));
	struct event_query q = { .workspace = 1,
				 .contact = first.contact,
				 .definition = first.definition,
				 .until = INT64_MAX,
				 .limit = 10 };
	do {
		assert_int_equal(n, 0);
		assert_done(store_read_events(long_one.reader, &long_one.arena, &q, &rows, &n,
					      &q.before));
		pages++;
	} while (q.before);
	assert_int_equal(pages, 3);
	assert_int_equal(n, 1);
	assert_int_equal(rows[0].seq, 1);
	/* Another's event is no place to go on from, unless it is near. */
	q.before = 2;
	assert_int_equal(
		store_read_events(long_one.reader, &long_one.arena, &q, &rows, &n, &q.before),
		STORE_REFUSED);
	op = fixture_op(&long_one, "other@x.io");
	assert_int_equal(fixture_apply(&long_one, &op), STORE_OK);
	q.before = LONG + 3;
	q.definition = 0;
	assert_done(store_read_events(long_one.reader, &long_one.arena, &q, &rows, &n, &q.before));
	assert_int_equal(n, 10);
	assert_int_equal(rows[0].seq, LONG + 2);
	fixture_end(&long_one);
}

int main(void)
{
	const struct CMUnitTest on_table[] = {
		cmocka_unit_test(pages_hold_what_is_meant),
		cmocka_unit_test(long_list_is_read_in_steps),
		cmocka_unit_test(single_event_is_found_by_its_id),
		cmocka_unit_test(contacts_come_newest_first),
		cmocka_unit_test(counts_are_kept_per_definition),
	};
	const struct CMUnitTest alone[] = {
		cmocka_unit_test(reader_sees_a_commit_and_not_before),
		cmocka_unit_test(damaged_rows_are_errors),
		cmocka_unit_test(what_a_request_may_hold_is_read_back),
		cmocka_unit_test(what_is_larger_is_damage),
		cmocka_unit_test(the_feed_goes_on_behind_damage),
		cmocka_unit_test(the_feed_leaves_nothing_out_for_want_of_memory),
		cmocka_unit_test(damaged_rows_keep_the_store_closed),
		cmocka_unit_test(strange_file_is_left_alone),
		cmocka_unit_test(views_are_for_people),
	};
	int failed = cmocka_run_group_tests(on_table, set_up, tear_down);
	return failed + cmocka_run_group_tests(alone, NULL, NULL);
}
