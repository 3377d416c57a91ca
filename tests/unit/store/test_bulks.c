/* Many operations recorded with what became of each: read back, expired, and erased with the
 * contacts they name. */
#include "fixture.h"

enum { KEEP_S = 3600, ITEMS = 4 };

/* Items: a new contact, the same again, one that the store refuses, one that its decoder did. */
struct job {
	struct op ops[ITEMS];
	struct bulk_item items[ITEMS];
	struct problems problems;
	struct bulk bulk;
};

static void make_job(struct fixture *f, struct job *job, const char *email, enum bulk_space space)
{
	*job = (struct job){ 0 };
	for (unsigned i = 0; i < 3; i++) {
		job->ops[i] = fixture_op(f, email);
		job->items[i].op = &job->ops[i];
	}
	job->ops[2].definition = 99;
	problem_at(&job->problems, PROBLEM_TOO_LONG, STR("contact.city"), .rule = "characters",
		   .limit = 100, .size = 101);
	job->items[3].problems = &job->problems;
	for (unsigned i = 0; i < ITEMS; i++)
		job->items[i].request = arena_printf(&f->arena, "{\"%s\":%u}", email, i);
	job->bulk = (struct bulk){ .space = space,
				   .about = STR("{\"origin\":\"api\"}"),
				   .items = job->items,
				   .n_items = ITEMS,
				   .keep_s = KEEP_S };
	job->ops[3] = (struct op){
		.arena = &f->arena, .kind = OP_BULK, .workspace = 1, .bulk = &job->bulk
	};
}

/* As the committer does it: within a batch. */
static void apply_job(struct fixture *f, struct job *job)
{
	for (unsigned i = 0; i < ITEMS; i++) {
		int r = store_apply(f->store, &job->ops[i]);
		if (r < 0)
			print_error("store_apply: %s\n", fail_text());
		assert_int_equal(r, i == 2 ? STORE_REFUSED : STORE_OK);
		job->ops[i].outcome = r == STORE_OK ? OP_DONE : OP_REFUSED;
	}
}

/* Gives its number. */
static uint64_t record(struct fixture *f, const char *email, enum bulk_space space)
{
	struct job *job = arena_new(&f->arena, struct job);
	assert_non_null(job);
	make_job(f, job, email, space);
	assert_done(store_begin(f->store));
	apply_job(f, job);
	assert_done(store_commit(f->store));
	assert_int_equal(job->ops[3].received_at, clock_us);
	return job->ops[3].bulk_no;
}

static struct bulk_view *read_one(struct fixture *f, uint32_t workspace, uint64_t number)
{
	const struct bulk_query q = { .number = number, .with_items = true };
	struct bulk_view *rows;
	unsigned n;
	bool more;
	assert_done(store_read_bulks(f->reader, &f->arena, workspace, &q, &rows, &n, &more));
	assert_false(more);
	return n ? rows : NULL;
}

static unsigned read_list(struct fixture *f, struct bulk_query q, struct bulk_view **rows,
			  bool *more)
{
	unsigned n;
	assert_done(store_read_bulks(f->reader, &f->arena, 1, &q, rows, &n, more));
	return n;
}

static int64_t count(struct fixture *f, const char *sql)
{
	char path[100];
	sqlite3 *db;
	sqlite3_stmt *st;
	snprintf(path, sizeof(path), "%s/occurd.db", f->dir);
	assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
	int64_t n = sqlite3_step(st) == SQLITE_ROW ? sqlite3_column_int64(st, 0) : -1;
	assert_int_equal(sqlite3_finalize(st), SQLITE_OK);
	sqlite3_close(db);
	return n;
}

static void delete_contact(struct fixture *f, const char *email)
{
	struct op op = fixture_op(f, email);
	op.kind = OP_CONTACT_DELETE;
	assert_int_equal(fixture_apply(f, &op), STORE_OK);
}

/* --- What is read back --- */

static void each_item_has_its_outcome(void **state)
{
	static const enum bulk_outcome outcomes[] = { BULK_MADE, BULK_DONE, BULK_REFUSED,
						      BULK_REFUSED };
	static const enum problem_code codes[] = { PROBLEM_NONE, PROBLEM_NONE,
						   PROBLEM_UNKNOWN_DEFINITION, PROBLEM_TOO_LONG };
	static const char *const requests[] = { "{\"a@x.io\":0}", "{\"a@x.io\":1}",
						"{\"a@x.io\":2}", "{\"a@x.io\":3}" };
	struct fixture f;
	struct problems ps;
	(void)state;
	fixture_begin(&f);
	fixture_provision(&f);
	record(&f, "other@x.io", BULK_OMNISEND_EVENTS);
	uint64_t number = record(&f, "a@x.io", BULK_OMNISEND_EVENTS);
	for (int round = 0; round < 2; round++, fixture_reopen(&f)) {
		struct bulk_view *row = read_one(&f, 1, number);
		assert_non_null(row);
		assert_int_equal(row->space, BULK_OMNISEND_EVENTS);
		assert_int_equal(row->n_items, ITEMS);
		assert_int_equal(row->n_refused, 2);
		assert_int_equal(row->created_at, clock_us);
		assert_str(row->about, "{\"origin\":\"api\"}");
		for (unsigned i = 0; i < ITEMS; i++) {
			const struct bulk_item_view *item = &row->items[i];
			assert_int_equal(item->outcome, outcomes[i]);
			assert_int_equal(item->problem, codes[i]);
			assert_str(item->request, requests[i]);
			assert_int_equal(item->contact, i < 2 ? 2 : 0);
			assert_int_equal(item->problems.n > 0, i >= 2);
			assert_int_equal(item->contact_created_at, i < 2 ? clock_us : 0);
		}
		assert_true(problems_read_json(&f.arena, row->items[3].problems, &ps));
		assert_int_equal(ps.n, 1);
		assert_str(ps.list[0].path, "contact.city");
		assert_string_equal(ps.list[0].rule, "characters");
		assert_int_equal(ps.list[0].size, 101);
	}
	assert_null(read_one(&f, 2, number));
	assert_null(read_one(&f, 1, number + 1));
	fixture_end(&f);
}

static void an_abandoned_one_was_not_recorded(void **state)
{
	struct fixture f;
	struct job job;
	(void)state;
	fixture_begin(&f);
	fixture_provision(&f);
	uint64_t before = fixture_fingerprint(&f);
	make_job(&f, &job, "a@x.io", BULK_OMNISEND_CONTACTS);
	assert_done(store_begin(f.store));
	apply_job(&f, &job);
	store_abandon(f.store);
	assert_int_equal(fixture_fingerprint(&f), before);
	assert_null(read_one(&f, 1, job.ops[3].bulk_no));
	fixture_end(&f);
}

static void lists_are_cut_as_asked(void **state)
{
	enum { MADE = 5, MINUTE = 60 };
	static const struct {
		int since, until;                  /* minutes after the first, -1: open */
		unsigned offset, limit, n, newest; /* newest: which of them, from 0 */
		bool more;
	} cases[] = {
		{ -1, -1, 0, 10, 5, 4, false }, { -1, -1, 0, 5, 5, 4, false },
		{ -1, -1, 0, 2, 2, 4, true },   { -1, -1, 2, 2, 2, 2, true },
		{ -1, -1, 3, 2, 2, 1, false },  { -1, -1, 5, 2, 0, 0, false },
		{ 1, -1, 0, 10, 4, 4, false },  { -1, 1, 0, 10, 2, 1, false },
		{ 1, 3, 0, 10, 3, 3, false },   { 1, 3, 1, 1, 1, 2, true },
		{ 9, -1, 0, 10, 0, 0, false },
	};
	struct fixture f;
	uint64_t numbers[MADE];
	(void)state;
	fixture_begin(&f);
	fixture_provision(&f);
	instant_us start = clock_us;
	for (unsigned i = 0; i < MADE; i++, clock_us += MINUTE * US_PER_S) {
		numbers[i] = record(&f, "a@x.io", BULK_OMNISEND_CONTACTS);
		record(&f, "a@x.io", BULK_OMNISEND_EVENTS);
	}
	for (size_t c = 0; c < ARRAY_LEN(cases); c++) {
		struct bulk_query q = { .space = BULK_OMNISEND_CONTACTS,
					.since = INT64_MIN,
					.until = INT64_MAX,
					.offset = cases[c].offset,
					.limit = cases[c].limit };
		struct bulk_view *rows;
		bool more;
		if (cases[c].since >= 0)
			q.since = start + cases[c].since * MINUTE * US_PER_S;
		if (cases[c].until >= 0)
			q.until = start + cases[c].until * MINUTE * US_PER_S;
		unsigned n = read_list(&f, q, &rows, &more);
		assert_int_equal(n, cases[c].n);
		assert_int_equal(more, cases[c].more);
		for (unsigned i = 0; i < n; i++)
			assert_int_equal(rows[i].number, numbers[cases[c].newest - i]);
	}
	fixture_end(&f);
}

/* --- Expiry --- */

static void the_expired_are_not_there_and_then_go(void **state)
{
	struct fixture f;
	struct bulk_view *rows;
	bool more;
	(void)state;
	fixture_begin(&f);
	fixture_provision(&f);
	for (unsigned i = 0; i < 20; i++)
		record(&f, "a@x.io", BULK_OMNISEND_EVENTS);
	clock_us += KEEP_S / 2 * US_PER_S;
	uint64_t last = record(&f, "b@x.io", BULK_OMNISEND_EVENTS);
	clock_us += KEEP_S / 2 * US_PER_S;
	assert_null(read_one(&f, 1, 1));
	assert_non_null(read_one(&f, 1, last));
	const struct bulk_query all = {
		.space = BULK_OMNISEND_EVENTS, .since = INT64_MIN, .until = INT64_MAX, .limit = 50
	};
	assert_int_equal(read_list(&f, all, &rows, &more), 1);
	assert_int_equal(count(&f, "SELECT count(*) FROM bulk"), 21);
	fixture_reopen(&f);
	int64_t before = 21;
	for (unsigned i = 0; i < 15; i++) {
		assert_done(store_begin(f.store));
		assert_done(store_commit(f.store));
		int64_t n = count(&f, "SELECT count(*) FROM bulk");
		assert_in_range(before - n, before == 1 ? 0 : 1, 4);
		assert_int_equal(count(&f, "SELECT count(*) FROM bulk_item"), n * ITEMS);
		before = n;
	}
	assert_int_equal(before, 1);
	assert_int_equal(read_one(&f, 1, last)->n_items, ITEMS);
	fixture_end(&f);
}

/* However fast they come, they do not pile up. */
static void the_expired_go_faster_than_others_come(void **state)
{
	struct fixture f;
	(void)state;
	fixture_begin(&f);
	fixture_provision(&f);
	for (unsigned i = 0; i < 200; i++) {
		clock_us += KEEP_S / 4 * US_PER_S;
		record(&f, "a@x.io", BULK_OMNISEND_EVENTS);
		assert_in_range(count(&f, "SELECT count(*) FROM bulk"), 1, 4);
	}
	fixture_end(&f);
}

/* --- Erasing --- */

static void a_deleted_contact_takes_its_requests_with_it(void **state)
{
	struct fixture f;
	struct op other;
	(void)state;
	fixture_begin(&f);
	fixture_provision(&f);
	uint64_t hers = record(&f, "a@x.io", BULK_OMNISEND_EVENTS);
	uint64_t his = record(&f, "b@x.io", BULK_OMNISEND_EVENTS);
	delete_contact(&f, "a@x.io");
	uint64_t later = record(&f, "c@x.io", BULK_OMNISEND_EVENTS);
	while (store_has_chores(f.store)) {
		assert_done(store_begin(f.store));
		assert_done(store_commit(f.store));
	}
	for (unsigned i = 0; i < ITEMS; i++) {
		assert_int_equal(read_one(&f, 1, hers)->items[i].request.n, 0);
		assert_int_equal(read_one(&f, 1, hers)->items[i].problems.n, 0);
		/* Nobody knows whom the refused ones named. */
		assert_int_equal(read_one(&f, 1, his)->items[i].request.n > 0, i < 2);
		assert_true(read_one(&f, 1, later)->items[i].request.n > 0);
	}
	assert_int_equal(read_one(&f, 1, hers)->items[3].outcome, BULK_REFUSED);
	assert_int_equal(read_one(&f, 1, hers)->items[3].problem, PROBLEM_TOO_LONG);
	/* Another workspace's contacts are none of it. */
	other = fixture_op(&f, "b@x.io");
	other.workspace = 2;
	other.kind = OP_CONTACT;
	assert_int_equal(fixture_apply(&f, &other), STORE_OK);
	other.kind = OP_CONTACT_DELETE;
	assert_int_equal(fixture_apply(&f, &other), STORE_OK);
	assert_true(read_one(&f, 1, later)->items[3].request.n > 0);
	fixture_end(&f);
}

/* A repeated event is answered for the first one's contact, whoever it names itself. */
static void a_repetition_is_nobodys(void **state)
{
	struct fixture f;
	struct job job;
	(void)state;
	fixture_begin(&f);
	fixture_provision(&f);
	make_job(&f, &job, "a@x.io", BULK_OMNISEND_EVENTS);
	job.ops[0].dedupe = job.ops[1].dedupe =
		(struct dedupe){ STR("id"), DEDUPE_OMNISEND_EVENT, 0 };
	assert_done(store_begin(f.store));
	apply_job(&f, &job);
	assert_done(store_commit(f.store));
	struct bulk_view *row = read_one(&f, 1, job.ops[3].bulk_no);
	assert_int_equal(row->items[0].contact, 1);
	assert_int_equal(row->items[1].contact, 0);
	assert_int_equal(row->items[1].outcome, BULK_DONE);
	fixture_end(&f);
}

/* More than one batch erases: the next ones go on, also after a start. */
static void many_requests_go_batch_by_batch(void **state)
{
	enum { MANY = 700 };
	struct fixture f;
	(void)state;
	fixture_begin(&f);
	fixture_provision(&f);
	for (unsigned i = 0; i < MANY; i++)
		record(&f, "a@x.io", BULK_OMNISEND_EVENTS);
	static const char *const left = "SELECT count(*) FROM bulk_item WHERE request IS NOT NULL";
	delete_contact(&f, "a@x.io");
	assert_int_equal(count(&f, left), MANY * ITEMS - 1000);
	assert_true(store_has_chores(f.store));
	assert_done(store_begin(f.store));
	assert_done(store_commit(f.store));
	assert_int_equal(count(&f, left), MANY * ITEMS - 2000);
	fixture_reopen(&f);
	assert_int_equal(count(&f, left), 0);
	assert_int_equal(count(&f, "SELECT count(*) FROM erasure"), 0);
	fixture_end(&f);
}

static void requests_of_a_contact(void **state)
{
	struct fixture f;
	(void)state;
	fixture_begin(&f);
	fixture_provision(&f);
	record(&f, "a@x.io", BULK_OMNISEND_EVENTS);
	record(&f, "b@x.io", BULK_OMNISEND_EVENTS);
	record(&f, "a@x.io", BULK_OMNISEND_CONTACTS);
	struct buf hers = buf_in(&f.arena), nobodys = buf_in(&f.arena);
	assert_done(store_read_bulk_requests(f.reader, 1, 1, &hers));
	assert_str(buf_str(&hers), "[{\"a@x.io\":0},{\"a@x.io\":1},{\"a@x.io\":0},{\"a@x.io\":1}]");
	assert_done(store_read_bulk_requests(f.reader, 2, 1, &nobodys));
	assert_str(buf_str(&nobodys), "[]");
	fixture_end(&f);
}

/* --- What the file may say --- */

static void a_damaged_row_is_an_error(void **state)
{
	static const char *const damages[] = {
		"UPDATE bulk SET items = 0 WHERE no = 1",
		"UPDATE bulk SET items = 5 WHERE no = 1",
		"UPDATE bulk SET items = -1 WHERE no = 1",
		"UPDATE bulk SET refused = 9 WHERE no = 1",
		"UPDATE bulk SET about = '[]' WHERE no = 1",
		"UPDATE bulk SET first_item = -7 WHERE no = 1",
		"UPDATE bulk_item SET outcome = 3 WHERE no = 1",
		"UPDATE bulk_item SET problem = 1000 WHERE no = 4",
		"UPDATE bulk_item SET request = '{' WHERE no = 2",
		"UPDATE bulk_item SET problems = 'x' WHERE no = 4",
		"DELETE FROM bulk_item WHERE no = 4",
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(damages); i++) {
		const struct bulk_query q = { .number = 1, .with_items = true };
		struct bulk_view *rows;
		struct fixture f;
		unsigned n;
		bool more;
		fixture_begin(&f);
		fixture_provision(&f);
		record(&f, "a@x.io", BULK_OMNISEND_EVENTS);
		count(&f, damages[i]);
		if (store_read_bulks(f.reader, &f.arena, 1, &q, &rows, &n, &more) >= 0)
			fail_msg("%s did not show", damages[i]);
		fixture_end(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_item_has_its_outcome),
		cmocka_unit_test(an_abandoned_one_was_not_recorded),
		cmocka_unit_test(lists_are_cut_as_asked),
		cmocka_unit_test(the_expired_are_not_there_and_then_go),
		cmocka_unit_test(the_expired_go_faster_than_others_come),
		cmocka_unit_test(a_deleted_contact_takes_its_requests_with_it),
		cmocka_unit_test(a_repetition_is_nobodys),
		cmocka_unit_test(many_requests_go_batch_by_batch),
		cmocka_unit_test(requests_of_a_contact),
		cmocka_unit_test(a_damaged_row_is_an_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
