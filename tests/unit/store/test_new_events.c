/* Events of one batch: more than the list takes at once, and larger than it keeps. */
#include "fixture.h"
#include "store/new_events.h"

#include <stdlib.h>

/* --- The list --- */

static struct new_event event(uint8_t no, struct str properties, struct str mismatches)
{
	return (struct new_event){
		.id.b = { no },
		.workspace = 1,
		.contact = 1000 + no,
		.prev = INT64_MAX - no,
		.nth = 3,
		.definition = 4,
		.dialect = 5,
		.occurred_at = -no,
		.received_at = 7,
		.properties = properties,
		.mismatches = mismatches,
	};
}

static void room_ends(void **state)
{
	static struct new_events all;
	struct new_event small = event(1, STR("{}"), STR(""));
	(void)state;
	for (unsigned i = 0; i < NEW_EVENTS_MAX; i++) {
		assert_true(new_events_fit(&all, 2));
		assert_true(new_events_add(&all, &small));
	}
	assert_false(new_events_fit(&all, 0));
	new_events_clear(&all);
	assert_true(new_events_fit(&all, 2));
	assert_true(new_events_add(&all, &small));
	assert_true(new_events_fit(&all, NEW_EVENTS_TEXT - 2));
	assert_false(new_events_fit(&all, NEW_EVENTS_TEXT - 1));
	assert_false(new_events_fit(&all, SIZE_MAX));
}

static void texts_are_copied_or_borrowed(void **state)
{
	static struct new_events all;
	static char huge[NEW_EVENTS_TEXT + 1], whole[NEW_EVENTS_TEXT];
	char text[] = "{\"a\":1}";
	(void)state;
	struct new_event e = event(1, str_of(text), STR("[]"));
	assert_true(new_events_add(&all, &e));
	memset(text, 'x', sizeof(text));
	assert_true(str_eq(all.list[0].properties, STR("{\"a\":1}")));
	assert_true(str_eq(all.list[0].mismatches, STR("[]")));
	new_events_clear(&all);
	e = event(1, (struct str){ whole, sizeof(whole) }, STR(""));
	assert_true(new_events_add(&all, &e));
	assert_true(all.list[0].properties.p != whole);
	new_events_clear(&all);
	e = event(1, (struct str){ huge, sizeof(huge) }, STR(""));
	assert_false(new_events_add(&all, &e));
	assert_ptr_equal(all.list[0].properties.p, huge);
}

static void expect_row(sqlite3_stmt *st, const struct new_event *e)
{
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	assert_int_equal(sqlite3_column_bytes(st, 0), 16);
	assert_memory_equal(sqlite3_column_blob(st, 0), e->id.b, 16);
	const int64_t numbers[] = { e->workspace,  e->contact, e->prev,        e->nth,
				    e->definition, e->dialect, e->occurred_at, e->received_at };
	for (int i = 0; i < (int)ARRAY_LEN(numbers); i++)
		assert_true(sqlite3_column_int64(st, 1 + i) == numbers[i]);
	assert_string_equal(sqlite3_column_text(st, 9), e->properties.p);
	if (e->mismatches.n)
		assert_string_equal(sqlite3_column_text(st, 10), e->mismatches.p);
	else
		assert_int_equal(sqlite3_column_type(st, 10), SQLITE_NULL);
	if (e->cause.n)
		assert_string_equal(sqlite3_column_text(st, 11), e->cause.p);
	else
		assert_int_equal(sqlite3_column_type(st, 11), SQLITE_NULL);
}

static void reads_as_a_table(void **state)
{
	static struct new_events all;
	sqlite3 *db;
	sqlite3_stmt *st;
	struct new_event caused = event(4, STR("{}"), STR(""));
	caused.cause = STR("{\"automations\":[\"a\"]}");
	const struct new_event list[] = {
		caused,
		event(1, STR("{}"), STR("")),
		event(2, STR("{\"n\":null}"), STR("[\"one\"]")),
		event(3, STR("{\"t\":\"\xc3\xbc\"}"), (struct str){ 0 }),
	};
	(void)state;
	assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
	assert_int_equal(new_events_connect(&all, db), 0);
	assert_int_equal(sqlite3_prepare_v2(db, "SELECT * FROM new_event", -1, &st, NULL),
			 SQLITE_OK);
	for (size_t n = 0; n <= ARRAY_LEN(list); n++) {
		new_events_clear(&all);
		for (size_t i = 0; i < n; i++)
			assert_true(new_events_add(&all, &list[i]));
		for (size_t i = 0; i < n; i++)
			expect_row(st, &list[i]);
		assert_int_equal(sqlite3_step(st), SQLITE_DONE);
		sqlite3_reset(st);
	}
	sqlite3_finalize(st);
	sqlite3_close(db);
}

/* --- The store --- */

static struct str text_of_size(struct arena *a, size_t n, unsigned no)
{
	struct str s = arena_printf(a, "{\"no\":%u,\"text\":\"%*s\"}", no, (int)n, "");
	assert_non_null(s.p);
	return s;
}

static void expect_event(struct fixture *f, struct store_reader *r, const struct op *op)
{
	struct event_row row;
	assert_int_equal(store_read_event(r, &f->arena, 1, op->event_id, &row), STORE_OK);
	assert_int_equal(row.seq, op->seq);
	assert_true(str_eq(row.properties, op->properties));
	assert_int_equal(row.received_at, op->received_at);
}

/* Sizes around every ceiling of the list, in one batch; seq goes up by one each. */
static void one_batch_takes_all_sizes(void **state)
{
	static const size_t sizes[] = { 10,
					1000,
					NEW_EVENTS_TEXT / 2,
					NEW_EVENTS_TEXT - 30,
					NEW_EVENTS_TEXT,
					10,
					3 * NEW_EVENTS_TEXT,
					3 * NEW_EVENTS_TEXT };
	enum { N = NEW_EVENTS_MAX + 2 * ARRAY_LEN(sizes) };
	static struct op ops[N];
	struct fixture f;
	struct store_reader *reader;
	(void)state;
	fixture_begin(&f);
	fixture_provision(&f);
	assert_done(store_begin(f.store));
	for (unsigned i = 0; i < N; i++) {
		ops[i] = fixture_op(&f, i % 3 ? "a@x.io" : "b@x.io");
		size_t size = i < NEW_EVENTS_MAX ? 20 : sizes[i % ARRAY_LEN(sizes)];
		ops[i].properties = text_of_size(&f.arena, size, i);
		assert_int_equal(store_apply(f.store, &ops[i]), STORE_OK);
		assert_int_equal(ops[i].seq, ops[0].seq + i);
	}
	assert_done(store_commit(f.store));
	assert_done(store_reader_open(f.store, &reader));
	for (unsigned i = 0; i < N; i++)
		expect_event(&f, reader, &ops[i]);
	store_reader_close(reader);
	fixture_end(&f);
}

/* What was only gathered goes with its batch, and its numbers are given again. */
static void an_abandoned_batch_leaves_nothing(void **state)
{
	struct fixture f;
	(void)state;
	fixture_begin(&f);
	fixture_provision(&f);
	uint64_t before = fixture_fingerprint(&f);
	for (unsigned n = 1; n <= NEW_EVENTS_MAX + 1; n += NEW_EVENTS_MAX) {
		assert_done(store_begin(f.store));
		for (unsigned i = 0; i < n; i++) {
			struct op op = fixture_op(&f, "a@x.io");
			assert_int_equal(store_apply(f.store, &op), STORE_OK);
			assert_int_equal(op.seq, i + 1);
		}
		store_abandon(f.store);
		assert_int_equal(fixture_fingerprint(&f), before);
	}
	struct op op = fixture_op(&f, "a@x.io");
	assert_int_equal(fixture_apply(&f, &op), STORE_OK);
	assert_int_equal(op.seq, 1);
	fixture_end(&f);
}

/* Somebody else's row at the end: the batch is not to be told as what it is not. */
static void a_strange_number_fails_the_batch(void **state)
{
	struct fixture f;
	(void)state;
	fixture_begin(&f);
	fixture_provision(&f);
	struct op first = fixture_op(&f, "a@x.io"), second = fixture_op(&f, "a@x.io");
	assert_int_equal(fixture_apply(&f, &first), STORE_OK);
	fixture_sql(f.dir, "UPDATE event SET seq = 7");
	assert_done(store_begin(f.store));
	assert_int_equal(store_apply(f.store, &second), STORE_OK);
	assert_true(store_commit(f.store) < 0);
	store_abandon(f.store);
	fixture_end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(room_ends),
		cmocka_unit_test(texts_are_copied_or_borrowed),
		cmocka_unit_test(reads_as_a_table),
		cmocka_unit_test(one_batch_takes_all_sizes),
		cmocka_unit_test(an_abandoned_batch_leaves_nothing),
		cmocka_unit_test(a_strange_number_fails_the_batch),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
