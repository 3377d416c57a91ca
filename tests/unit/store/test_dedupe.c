/* Ids that callers choose: an event's, and a whole request's. */
#include "fixture.h"

static struct op event(struct fixture *f, const char *email, const char *id, int64_t keep_s)
{
	struct op op = fixture_op(f, email);
	op.properties = arena_printf(&f->arena, "{\"of\":\"%s\"}", email);
	op.dedupe = (struct dedupe){ str_of(id), DEDUPE_INFOBIP_EVENT, keep_s };
	return op;
}

static void expect_repeated(const struct op *op, const struct op *first)
{
	assert_true(op->repeated);
	assert_false(first->repeated);
	assert_int_equal(op->seq, first->seq);
	assert_int_equal(op->contact, first->contact);
	assert_int_equal(op->occurred_at, first->occurred_at);
	assert_int_equal(op->received_at, first->received_at);
	assert_true(uuid_eq(op->event_id, first->event_id));
}

static void an_event_comes_once(void **state)
{
	struct fixture f;
	(void)state;
	fixture_begin(&f);
	fixture_provision(&f);
	struct op first = event(&f, "a@x.io", "id-1", 0), second = event(&f, "b@x.io", "id-1", 0);
	/* Twice in one batch. */
	assert_done(store_begin(f.store));
	assert_int_equal(store_apply(f.store, &first), STORE_OK);
	assert_int_equal(store_apply(f.store, &second), STORE_OK);
	assert_done(store_commit(f.store));
	expect_repeated(&second, &first);
	assert_int_equal(fixture_contact(&f, 1, IDENTITY_EMAIL, "b@x.io").number, 0);
	/* Again, after years and starts, and where the event itself would be refused. */
	for (int i = 0; i < 2; i++, fixture_reopen(&f)) {
		struct op again = event(&f, "b@x.io", "id-1", 0);
		uint64_t before = fixture_fingerprint(&f);
		again.definition = 99;
		clock_us += 1000000000LL * US_PER_S;
		assert_int_equal(fixture_apply(&f, &again), STORE_OK);
		expect_repeated(&again, &first);
		assert_int_equal(fixture_fingerprint(&f), before);
	}
	fixture_end(&f);
}

/* Of a definition that is gone, and of an event that is not on disk yet. */
static void who_asks_has_the_first_events_words(void **state)
{
	struct fixture f;
	(void)state;
	fixture_begin(&f);
	fixture_provision(&f);
	for (int i = 0; i < 2; i++) {
		struct op first = event(&f, "a@x.io", i ? "id-2" : "id-1", 0);
		struct op again = event(&f, "b@x.io", i ? "id-2" : "id-1", 0), plain = again;
		again.wants_first = true;
		first.definition = 0;
		first.definition_name = STR("gone");
		first.occurred_given = true;
		first.occurred_at = 5;
		assert_done(store_begin(f.store));
		assert_int_equal(store_apply(f.store, &first), STORE_OK);
		if (i == 0)
			assert_int_equal(store_apply(f.store, &again), STORE_OK);
		assert_done(store_commit(f.store));
		struct op gone = { .arena = &f.arena,
				   .kind = OP_DEFINITION_DELETE,
				   .workspace = 1,
				   .definition = fixture_definition(&f, 1, "gone") };
		assert_int_equal(fixture_apply(&f, &gone), STORE_OK);
		if (i == 1)
			assert_int_equal(fixture_apply(&f, &again), STORE_OK);
		expect_repeated(&again, &first);
		assert_str(again.properties, "{\"of\":\"a@x.io\"}");
		assert_str(again.definition_name, "gone");
		assert_int_equal(again.occurred_at, 5);
		assert_int_equal(fixture_apply(&f, &plain), STORE_OK);
		expect_repeated(&plain, &first);
		assert_str(plain.properties, "{\"of\":\"b@x.io\"}");
	}
	fixture_end(&f);
}

/* What has passed the check is taken, though the request has no memory left: the first events are
 * larger than it. Only who asks for their words is refused, and then nothing is written. */
static void repetitions_need_no_memory(void **state)
{
	enum { LARGE = 200000, N = 4 };
	struct fixture f;
	struct arena little;
	struct op ops[N];
	(void)state;
	fixture_begin(&f);
	fixture_provision(&f);
	arena_init(&little, 64 * 1024, NULL);
	struct op first = event(&f, "a@x.io", "large", 0);
	first.properties = arena_printf(&f.arena, "{\"a\":\"%0*d\"}", LARGE, 0);
	assert_int_equal(fixture_apply(&f, &first), STORE_OK);
	for (unsigned i = 0; i < N; i++) {
		/* The last two are one event, and new to the check. */
		ops[i] = event(&f, "a@x.io", i < 2 ? "large" : "twice", 0);
		ops[i].properties = first.properties;
		ops[i].arena = &little;
	}
	assert_done(store_begin(f.store));
	for (unsigned i = 0; i < N; i++)
		assert_int_equal(store_check(f.store, &ops[i]), STORE_OK);
	for (unsigned i = 0; i < N; i++)
		assert_int_equal(store_apply(f.store, &ops[i]), STORE_OK);
	assert_done(store_commit(f.store));
	assert_int_equal(little.held, 0);
	expect_repeated(&ops[0], &first);
	expect_repeated(&ops[1], &first);
	expect_repeated(&ops[3], &ops[2]);
	struct op asks = event(&f, "a@x.io", "large", 0);
	uint64_t before = fixture_fingerprint(&f);
	asks.arena = &little;
	asks.wants_first = true;
	assert_int_equal(fixture_apply(&f, &asks), STORE_REFUSED);
	assert_int_equal(fixture_fingerprint(&f), before);
	arena_fini(&little);
	fixture_end(&f);
}

static void ids_are_told_apart(void **state)
{
	struct fixture f;
	char longest[DEDUPE_KEY_MAX + 1];
	(void)state;
	fixture_begin(&f);
	fixture_provision(&f);
	memset(longest, 'k', sizeof(longest));
	longest[DEDUPE_KEY_MAX] = '\0';
	struct op ops[] = { event(&f, "a@x.io", "id", 0), event(&f, "a@x.io", "id", 0),
			    event(&f, "a@x.io", "ID", 0), event(&f, "a@x.io", longest, 0),
			    event(&f, "a@x.io", "", 0),   event(&f, "a@x.io", "id", 0) };
	ops[1].dedupe.space = DEDUPE_OMNISEND_EVENT;
	ops[5].workspace = 2;
	ops[5].definition = 0;
	ops[5].definition_name = STR("inferred");
	for (size_t i = 0; i < ARRAY_LEN(ops); i++) {
		assert_int_equal(fixture_apply(&f, &ops[i]), STORE_OK);
		assert_false(ops[i].repeated);
	}
	fixture_end(&f);
}

static unsigned count_rows(struct fixture *f)
{
	char path[100];
	sqlite3 *db;
	sqlite3_stmt *st;
	snprintf(path, sizeof(path), "%s/occurd.db", f->dir);
	assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, "SELECT count(*) FROM dedupe", -1, &st, NULL),
			 SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	unsigned n = (unsigned)sqlite3_column_int(st, 0);
	sqlite3_finalize(st);
	sqlite3_close(db);
	return n;
}

static void what_has_expired_is_new(void **state)
{
	static const struct {
		int64_t after_s;
		bool repeated;
	} asks[] = { { 0, false }, { 59, true }, { 1, false }, { 59, true }, { 600, false } };
	struct fixture f;
	(void)state;
	fixture_begin(&f);
	fixture_provision(&f);
	for (size_t i = 0; i < ARRAY_LEN(asks); i++) {
		struct op op = event(&f, "a@x.io", "id", 60);
		clock_us += asks[i].after_s * US_PER_S;
		if (i == 2)
			fixture_reopen(&f);
		assert_int_equal(fixture_apply(&f, &op), STORE_OK);
		assert_int_equal(op.repeated, asks[i].repeated);
	}
	fixture_end(&f);
}

static void the_expired_go_a_few_at_a_time(void **state)
{
	struct fixture f;
	(void)state;
	fixture_begin(&f);
	fixture_provision(&f);
	assert_done(store_begin(f.store));
	for (unsigned i = 0; i < 100; i++) {
		char id[20];
		snprintf(id, sizeof(id), "id-%u", i);
		struct op op = event(&f, "a@x.io", id, i % 10 ? 60 : 0);
		assert_int_equal(store_apply(f.store, &op), STORE_OK);
	}
	assert_done(store_commit(f.store));
	assert_int_equal(count_rows(&f), 100);
	clock_us += 61 * US_PER_S;
	fixture_reopen(&f);
	unsigned before = 100;
	for (unsigned i = 0; i < 20; i++) {
		assert_done(store_begin(f.store));
		assert_done(store_commit(f.store));
		unsigned n = count_rows(&f);
		assert_in_range(before - n, before == 10 ? 0 : 1, 30);
		before = n;
	}
	assert_int_equal(before, 10); /* those without an end */
	fixture_end(&f);
}

static struct store_request request(const char *key, uint64_t payload)
{
	return (struct store_request){ 1, { str_of(key), DEDUPE_ARSEL_REQUEST, 3600 }, payload };
}

static void make_job(struct fixture *f, struct op ops[3])
{
	ops[0] = fixture_op(f, "a@x.io");
	ops[0].occurred_given = true;
	ops[0].occurred_at = -5;
	ops[1] = fixture_op(f, "b@x.io");
	ops[1].definition = 99;
	ops[2] = fixture_op(f, "c@x.io");
	ops[2].kind = OP_CONTACT;
}

static void apply_job(struct fixture *f, struct op ops[3])
{
	for (unsigned i = 0; i < 3; i++) {
		int r = store_apply(f->store, &ops[i]);
		assert_true(r >= 0);
		ops[i].outcome = r == STORE_OK ? OP_DONE : OP_REFUSED;
	}
}

static void a_request_has_its_first_outcomes(void **state)
{
	struct fixture f;
	struct op first[3], again[3], other[3];
	const struct store_request id = request("key", 1ULL << 63), changed = request("key", 7);
	(void)state;
	fixture_begin(&f);
	fixture_provision(&f);
	make_job(&f, first);
	assert_done(store_begin(f.store));
	assert_int_equal(store_recall(f.store, &id, first, 3), STORE_NONE);
	apply_job(&f, first);
	assert_done(store_remember(f.store, &id, first, 3));
	for (int round = 0; round < 3; round++) {
		make_job(&f, again);
		assert_int_equal(store_recall(f.store, &id, again, 3), STORE_OK);
		for (unsigned i = 0; i < 3; i++) {
			assert_true(again[i].repeated);
			assert_int_equal(again[i].outcome, first[i].outcome);
			assert_int_equal(again[i].seq, first[i].seq);
			assert_int_equal(again[i].contact, first[i].contact);
			assert_int_equal(again[i].created, first[i].created);
			assert_int_equal(again[i].occurred_at, first[i].occurred_at);
			assert_int_equal(again[i].received_at, first[i].received_at);
			assert_true(uuid_eq(again[i].event_id, first[i].event_id));
		}
		assert_int_equal(again[1].outcome, OP_REFUSED);
		assert_int_equal(again[1].problems->list[0].code, PROBLEM_UNKNOWN_DEFINITION);
		make_job(&f, other);
		assert_int_equal(store_recall(f.store, &changed, other, 3), STORE_REFUSED);
		assert_int_equal(other[0].outcome, OP_REFUSED);
		make_job(&f, other);
		assert_int_equal(store_recall(f.store, &id, other, 2), STORE_REFUSED);
		assert_done(store_commit(f.store));
		if (round == 1)
			fixture_reopen(&f);
		assert_done(store_begin(f.store));
	}
	assert_done(store_commit(f.store));
	clock_us += 3600 * US_PER_S;
	assert_done(store_begin(f.store));
	assert_int_equal(store_recall(f.store, &id, again, 3), STORE_NONE);
	store_abandon(f.store);
	fixture_end(&f);
}

static void an_abandoned_id_is_new(void **state)
{
	struct fixture f;
	struct op first[3];
	const struct store_request id = request("key", 1);
	(void)state;
	fixture_begin(&f);
	fixture_provision(&f);
	struct op op = event(&f, "a@x.io", "id", 60);
	make_job(&f, first);
	assert_done(store_begin(f.store));
	assert_int_equal(store_apply(f.store, &op), STORE_OK);
	assert_done(store_remember(f.store, &id, first, 3));
	store_abandon(f.store);
	assert_done(store_begin(f.store));
	assert_int_equal(store_recall(f.store, &id, first, 3), STORE_NONE);
	assert_int_equal(store_apply(f.store, &op), STORE_OK);
	assert_false(op.repeated);
	assert_done(store_commit(f.store));
	fixture_end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_event_comes_once),
		cmocka_unit_test(who_asks_has_the_first_events_words),
		cmocka_unit_test(repetitions_need_no_memory),
		cmocka_unit_test(ids_are_told_apart),
		cmocka_unit_test(what_has_expired_is_new),
		cmocka_unit_test(the_expired_go_a_few_at_a_time),
		cmocka_unit_test(a_request_has_its_first_outcomes),
		cmocka_unit_test(an_abandoned_id_is_new),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
