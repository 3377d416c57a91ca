/* Contacts that are deleted: what nobody finds any more, what stays for the counts, and that no
 * byte of what was personal is left in any file. */
#include "fixture.h"

#include <dirent.h>

#define MARK_EMAIL  "marked-e-mail"
#define MARK_PHONE  "4915177778888"
#define MARK_NAME   "Marked-Attribute"
#define MARK_EVENT  "marked-property"
#define MARK_LONG   "marked-overflow"
#define MARK_ITEM   "marked-request"
#define MARK_PATH   "marked-path"
#define OTHER_EMAIL "other-e-mail"
#define OTHER_EVENT "other-property"

static struct op marked_event(struct fixture *f, const char *email, const char *mark)
{
	struct op op = fixture_op(f, email);
	op.properties = arena_printf(&f->arena, "{\"total\":1,\"note\":\"%s\"}", mark);
	op.mismatches = arena_printf(&f->arena, "[\"%s must be a string\"]", mark);
	return op;
}

/* A request of several pages for the contact, and one that nobody can tell whose it is. */
static void record_marked(struct fixture *f, uint64_t contact)
{
	const struct op done = { .outcome = OP_DONE, .contact = contact };
	struct buf b = buf_in(&f->arena);
	struct problems problems = { 0 };
	problem_at(&problems, PROBLEM_NAME, STR("properties." MARK_PATH));
	buf_char(&b, '"');
	for (unsigned i = 0; i < 2000; i++)
		buf_lit(&b, MARK_ITEM " ");
	buf_char(&b, '"');
	const struct bulk_item items[] = {
		{ .request = buf_str(&b), .op = &done },
		{ .request = STR("{\"x\":\"" MARK_ITEM "\"}"), .problems = &problems },
	};
	const struct bulk bulk = { BULK_OMNISEND_EVENTS, STR("{}"), items, 2, 3600 };
	struct op op = { .arena = &f->arena, .kind = OP_BULK, .workspace = 1, .bulk = &bulk };
	assert_int_equal(fixture_apply(f, &op), STORE_OK);
}

static void make_marked(struct fixture *f)
{
	static const struct attribute_change changes[] = {
		{ ATTRIBUTE_SET, false, STR_INIT("first_name"),
		  .json = STR_INIT("\"" MARK_NAME "\"") },
		{ ATTRIBUTE_SET, true, STR_INIT("x"), .json = STR_INIT("\"" MARK_NAME "\"") },
	};
	struct op op = marked_event(f, MARK_EMAIL "@x.io", MARK_EVENT);
	struct who *who = arena_array(&f->arena, struct who, 2);
	assert_non_null(who);
	who[0] = op.who[0];
	who[1] = fixture_who(f, IDENTITY_PHONE, "+" MARK_PHONE, WHO_ADOPT);
	op.who = who;
	op.n_who = 2;
	op.changes = changes;
	op.n_changes = ARRAY_LEN(changes);
	assert_int_equal(fixture_apply(f, &op), STORE_OK);
	record_marked(f, op.contact);
}

/* A property of several pages. */
static void add_long(struct fixture *f)
{
	struct buf b = buf_in(&f->arena);
	buf_lit(&b, "{\"total\":1,\"note\":\"");
	for (unsigned i = 0; i < 2000; i++)
		buf_lit(&b, MARK_LONG " ");
	buf_lit(&b, "\"}");
	struct op op = fixture_op(f, MARK_EMAIL "@x.io");
	op.properties = buf_str(&b);
	assert_int_equal(fixture_apply(f, &op), STORE_OK);
}

static void add_many(struct fixture *f, unsigned n)
{
	assert_done(store_begin(f->store));
	for (unsigned i = 0; i < n; i++) {
		struct op op = marked_event(f, i % 3 ? MARK_EMAIL "@x.io" : OTHER_EMAIL "@x.io",
					    i % 3 ? MARK_EVENT : OTHER_EVENT);
		assert_int_equal(store_apply(f->store, &op), STORE_OK);
	}
	assert_done(store_commit(f->store));
}

static struct op delete_op(struct fixture *f, const char *email)
{
	struct op op = fixture_op(f, email);
	op.kind = OP_CONTACT_DELETE;
	return op;
}

static bool file_has(const char *path, const char *mark)
{
	FILE *file = fopen(path, "rb");
	assert_non_null(file);
	fseek(file, 0, SEEK_END);
	size_t n = (size_t)ftell(file);
	char *bytes = malloc(n + 1);
	assert_non_null(bytes);
	rewind(file);
	assert_int_equal(fread(bytes, 1, n, file), n);
	fclose(file);
	bool has = memmem(bytes, n, mark, strlen(mark)) != NULL;
	free(bytes);
	return has;
}

static bool any_file_has(struct fixture *f, const char *mark)
{
	DIR *dir = opendir(f->dir);
	bool has = false;
	assert_non_null(dir);
	for (struct dirent *e; (e = readdir(dir));) {
		char path[400];
		snprintf(path, sizeof(path), "%s/%s", f->dir, e->d_name);
		if (e->d_type == DT_REG)
			has |= file_has(path, mark);
	}
	closedir(dir);
	return has;
}

static void expect_no_trace(struct fixture *f)
{
	static const char *const marks[] = { MARK_EMAIL, MARK_PHONE, MARK_NAME, MARK_EVENT,
					     MARK_LONG,  MARK_ITEM,  MARK_PATH };
	for (size_t i = 0; i < ARRAY_LEN(marks); i++)
		if (any_file_has(f, marks[i]))
			fail_msg("%s is still there", marks[i]);
	assert_true(any_file_has(f, OTHER_EMAIL));
	assert_true(any_file_has(f, OTHER_EVENT));
}

/* Events of workspace 1; how many of them have no properties. */
static unsigned count_events(struct fixture *f, unsigned *empty)
{
	struct event_query q = { .workspace = 1, .limit = 500, .until = INT64_MAX };
	unsigned all = 0;
	*empty = 0;
	do {
		struct event_row *rows;
		unsigned n;
		assert_done(store_read_events(f->reader, &f->arena, &q, &rows, &n, &q.before));
		for (unsigned i = 0; i < n; i++)
			*empty += str_eq(rows[i].properties, STR("{}"));
		all += n;
	} while (q.before);
	return all;
}

static void do_chores(struct fixture *f)
{
	while (store_has_chores(f->store)) {
		assert_done(store_begin(f->store));
		assert_done(store_commit(f->store));
	}
}

static void nothing_is_left_in_any_file(void **state)
{
	struct fixture f;
	unsigned empty;
	(void)state;
	fixture_begin(&f);
	fixture_provision(&f);
	make_marked(&f);
	add_long(&f);
	add_many(&f, 9000);
	fixture_reopen(&f); /* so that it is in the database, not only in the log */
	assert_true(any_file_has(&f, MARK_EVENT));
	assert_true(any_file_has(&f, MARK_ITEM));
	assert_true(any_file_has(&f, MARK_PATH));
	struct op op = delete_op(&f, MARK_EMAIL "@x.io");
	assert_int_equal(fixture_apply(&f, &op), STORE_OK);
	assert_true(op.changed);
	assert_true(store_has_chores(f.store));
	do_chores(&f);
	assert_int_equal(count_events(&f, &empty), 9002);
	assert_int_equal(empty, 6002);
	fixture_close(&f);
	expect_no_trace(&f);
	fixture_open(&f);
	fixture_end(&f);
}

/* A clean end does what is left; so does a start after a kill. */
static void an_end_finishes_it(void **state)
{
	struct fixture f;
	(void)state;
	fixture_begin(&f);
	fixture_provision(&f);
	make_marked(&f);
	add_many(&f, 6000);
	struct op op = delete_op(&f, MARK_EMAIL "@x.io");
	assert_int_equal(fixture_apply(&f, &op), STORE_OK);
	assert_true(store_has_chores(f.store));
	fixture_reopen(&f);
	assert_false(store_has_chores(f.store));
	fixture_close(&f);
	expect_no_trace(&f);
	fixture_open(&f);
	fixture_end(&f);
}

static void a_start_after_a_kill_goes_on(void **state)
{
	struct fixture f, killed;
	unsigned empty;
	(void)state;
	fixture_begin(&f);
	fixture_provision(&f);
	make_marked(&f);
	add_many(&f, 6000);
	struct op op = delete_op(&f, MARK_EMAIL "@x.io");
	assert_int_equal(fixture_apply(&f, &op), STORE_OK);
	fixture_copy(&f, &killed);
	assert_true(store_has_chores(killed.store));
	count_events(&killed, &empty);
	assert_in_range(empty, 1, 3999);
	do_chores(&killed);
	count_events(&killed, &empty);
	assert_int_equal(empty, 4001);
	fixture_close(&killed);
	expect_no_trace(&killed);
	fixture_open(&killed);
	fixture_end(&killed);
	fixture_end(&f);
}

static void go_on(struct fixture *f)
{
	assert_done(store_begin(f->store));
	assert_done(store_commit(f->store));
}

/* As the committer does, but without a wait of a second. */
static void do_later_chores(struct fixture *f)
{
	enum { TRIES = 60 * 1000 };
	for (unsigned i = 0; store_has_later_chores(f->store); i++) {
		assert_in_range(i, 0, TRIES);
		if (store_has_chores(f->store))
			go_on(f);
		usleep(1000);
	}
	do_chores(f);
}

static void open_scrubbing(struct fixture *f, unsigned after_ms)
{
	struct store_config config = fixture_config(f);
	config.scrub_after_ms = after_ms;
	assert_done(store_open(&config, &f->store));
	assert_done(store_reader_open(f->store, &f->reader));
}

/* Marked, in the log alone. */
static void begin_scrubbing(struct fixture *f)
{
	fixture_dir(f);
	open_scrubbing(f, 1);
	fixture_provision(f);
	do_later_chores(f);
	make_marked(f);
	add_many(f, 2000);
}

static void begin_deletion(struct fixture *f)
{
	struct op op = delete_op(f, MARK_EMAIL "@x.io");
	assert_int_equal(fixture_apply(f, &op), STORE_OK);
	assert_true(store_has_later_chores(f->store));
}

/* No clean end is needed: nobody writes any more, and the files are searched while the store is open. */
static void an_open_store_gets_rid_of_it(void **state)
{
	struct fixture f;
	(void)state;
	begin_scrubbing(&f);
	begin_deletion(&f);
	assert_true(any_file_has(&f, MARK_EVENT));
	do_later_chores(&f);
	expect_no_trace(&f);
	fixture_end(&f);
}

/* Not before the reader has gone; and everybody goes on meanwhile. */
static void a_reader_of_the_log_is_waited_for(void **state)
{
	struct fixture f;
	(void)state;
	begin_scrubbing(&f);
	sqlite3 *reader = fixture_log_reader(&f);
	begin_deletion(&f);
	for (unsigned i = 0; i < 50; i++) {
		go_on(&f);
		usleep(1000);
	}
	add_many(&f, 1);
	assert_true(store_has_later_chores(f.store));
	assert_true(any_file_has(&f, MARK_EMAIL));
	sqlite3_close(reader);
	do_later_chores(&f);
	expect_no_trace(&f);
	fixture_end(&f);
}

/* What a kill left in the log. */
static void a_start_after_a_kill_gets_rid_of_it(void **state)
{
	struct fixture f, killed;
	(void)state;
	fixture_begin(&f);
	fixture_provision(&f);
	make_marked(&f);
	add_many(&f, 600);
	struct op op = delete_op(&f, MARK_EMAIL "@x.io");
	assert_int_equal(fixture_apply(&f, &op), STORE_OK);
	do_chores(&f);
	assert_true(any_file_has(&f, MARK_EVENT));
	fixture_copy_files(&f, &killed);
	open_scrubbing(&killed, 1);
	assert_true(any_file_has(&killed, MARK_EVENT));
	do_later_chores(&killed);
	expect_no_trace(&killed);
	fixture_end(&killed);
	fixture_end(&f);
}

static void nothing_finds_it_but_its_events(void **state)
{
	struct fixture f;
	struct contact_view *rows;
	struct store_stats stats;
	unsigned n;
	bool more;
	char text[40];
	(void)state;
	fixture_begin(&f);
	fixture_provision(&f);
	make_marked(&f);
	struct contact_view before = fixture_contact(&f, 1, IDENTITY_EMAIL, MARK_EMAIL "@x.io");
	struct op other = fixture_op(&f, "b@x.io");
	assert_int_equal(fixture_apply(&f, &other), STORE_OK);
	uuid_text(before.id, text);
	/* Found by each id first, so that a memory of it would show. */
	struct op again = fixture_op(&f, "-");
	struct who by_id = { IDENTITY_UUID, WHO_LOOKUP, { text, UUID_TEXT }, { text, UUID_TEXT } };
	struct who by_no = { IDENTITY_NUMBER, WHO_LOOKUP, STR("1"), STR("1") };
	again.n_who = 1;
	again.who = &by_id;
	assert_int_equal(fixture_apply(&f, &again), STORE_OK);
	again.who = &by_no;
	assert_int_equal(fixture_apply(&f, &again), STORE_OK);

	struct op op = delete_op(&f, MARK_EMAIL "@x.io");
	assert_int_equal(fixture_apply(&f, &op), STORE_OK);
	assert_int_equal(op.contact, before.number);
	for (int round = 0; round < 2; round++, fixture_reopen(&f)) {
		again.problems = NULL;
		again.who = &by_id;
		assert_int_equal(fixture_apply(&f, &again), STORE_REFUSED);
		assert_int_equal(again.problems->list[0].code, PROBLEM_UNKNOWN_CONTACT);
		again.who = &by_no;
		assert_int_equal(fixture_apply(&f, &again), STORE_REFUSED);
		op.problems = NULL;
		assert_int_equal(fixture_apply(&f, &op), STORE_REFUSED);
		assert_int_equal(fixture_contact(&f, 1, IDENTITY_UUID, text).number, 0);
		assert_int_equal(fixture_contact(&f, 1, IDENTITY_NUMBER, "1").number, 0);
		assert_int_equal(fixture_contact(&f, 1, IDENTITY_EMAIL, MARK_EMAIL "@x.io").number,
				 0);
		assert_done(store_read_contacts(
			f.reader, &f.arena, &(struct contact_query){ .workspace = 1, .limit = 10 },
			&rows, &n, &more));
		assert_int_equal(n, 1);
		assert_int_equal(rows[0].number, 2);
		assert_done(store_read_stats(f.reader, &f.arena, 1, &stats));
		assert_int_equal(stats.contacts, 1);
		assert_int_equal(stats.events, 4);
	}
	struct event_query q = { .workspace = 1, .limit = 10, .until = INT64_MAX };
	struct event_row *events;
	uint64_t next;
	assert_done(store_read_events(f.reader, &f.arena, &q, &events, &n, &next));
	assert_int_equal(n, 4);
	assert_true(uuid_eq(events[3].contact_id, before.id));
	assert_str(events[3].properties, "{}");
	/* The identity is free, and somebody new. */
	struct op fresh = fixture_op(&f, MARK_EMAIL "@x.io");
	assert_int_equal(fixture_apply(&f, &fresh), STORE_OK);
	assert_int_equal(fresh.contact, 3);
	assert_true(fresh.created);
	fixture_end(&f);
}

static void an_abandoned_deletion_deleted_nothing(void **state)
{
	struct fixture f;
	(void)state;
	fixture_begin(&f);
	fixture_provision(&f);
	make_marked(&f);
	uint64_t before = fixture_fingerprint(&f);
	struct op op = delete_op(&f, MARK_EMAIL "@x.io");
	assert_done(store_begin(f.store));
	assert_int_equal(store_check(f.store, &op), STORE_OK);
	assert_int_equal(store_apply(f.store, &op), STORE_OK);
	store_abandon(f.store);
	do_chores(&f);
	assert_int_equal(fixture_fingerprint(&f), before);
	assert_int_equal(fixture_contact(&f, 1, IDENTITY_EMAIL, MARK_EMAIL "@x.io").number, 1);
	fixture_end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_left_in_any_file),
		cmocka_unit_test(an_end_finishes_it),
		cmocka_unit_test(a_start_after_a_kill_goes_on),
		cmocka_unit_test(an_open_store_gets_rid_of_it),
		cmocka_unit_test(a_reader_of_the_log_is_waited_for),
		cmocka_unit_test(a_start_after_a_kill_gets_rid_of_it),
		cmocka_unit_test(nothing_finds_it_but_its_events),
		cmocka_unit_test(an_abandoned_deletion_deleted_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
