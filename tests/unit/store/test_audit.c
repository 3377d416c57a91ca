/*
 * Every kind of damage is found and explained; what follows from the rest is made anew by a repair,
 * after which the store is whole; what does not is left as it is.
 */
#include "fixture.h"

#include "store/audit.h"
#include "store/rollup.h"

#include <fcntl.h>
#include <sys/file.h>

static struct {
	char text[8000];
	size_t n;
} told;

static void tell(const char *line)
{
	told.n += (size_t)snprintf(told.text + told.n, sizeof(told.text) - told.n, "%s\n", line);
	assert_true(told.n < sizeof(told.text));
}

static int look(const char *dir, bool repair, struct audit_result *out)
{
	const struct audit_config config = { .dir = dir, .repair = repair, .tell = tell };
	told.n = 0;
	told.text[0] = '\0';
	return audit_run(&config, out);
}

static const struct provision_identity given_identity = { .kind = IDENTITY_PHONE,
							  .value = STR_INIT("+49 1"),
							  .key = STR_INIT("491") };
static const struct provision_contact given_contact = {
	.has_id = true,
	.id = { { 1, 2, 3, [6] = 0x40, [8] = 0x80 } },
	.identities = &given_identity,
	.n_identities = 1,
};

/* Number 1, whose id was given. */
static void add_given(struct fixture *f)
{
	const struct provision_workspace w = { .id = fixture_workspace_id(1),
					       .name = STR("acme"),
					       .contacts = &given_contact,
					       .n_contacts = 1 };
	assert_done(store_provision(f->store,
				    &(struct provision){ .workspaces = &w, .n_workspaces = 1 }));
}

static void add_event(struct fixture *f, const char *email, const char *key)
{
	struct op op = fixture_op(f, email);
	clock_us += 40 * US_PER_S;
	if (key)
		op.dedupe = (struct dedupe){ str_of(key), DEDUPE_INFOBIP_EVENT, 0 };
	assert_int_equal(fixture_apply(f, &op), STORE_OK);
}

/* Items of contacts 2 and 3, and one that was refused. */
static void add_bulk(struct fixture *f)
{
	const struct op done[] = { { .outcome = OP_DONE, .contact = 2 },
				   { .outcome = OP_DONE, .contact = 3 } };
	struct problems problems = { 0 };
	problem_at(&problems, PROBLEM_REQUIRED, STR("x"));
	const struct bulk_item items[] = { { .request = STR("{}"), .op = &done[0] },
					   { .request = STR("{}"), .op = &done[1] },
					   { .request = STR("{}"), .problems = &problems } };
	const struct bulk bulk = { BULK_OMNISEND_EVENTS, STR("{}"), items, 3, 3600 };
	struct op op = { .arena = &f->arena, .kind = OP_BULK, .workspace = 1, .bulk = &bulk };
	assert_int_equal(fixture_apply(f, &op), STORE_OK);
}

/* Contact 2: events 1, 3, 5, 7; contact 3: 2, 4, 6, 8, deleted. Bulk 1: items 1 to 3, of which 2 and
 * 3 went with contact 3; bulk 2: items 4 to 6. */
static void fill(struct fixture *f)
{
	fixture_provision(f);
	add_given(f);
	for (int i = 0; i < 4; i++) {
		add_event(f, "a@x.io", i ? NULL : "first");
		add_event(f, "b@x.io", NULL);
	}
	add_bulk(f);
	struct op op = fixture_op(f, "b@x.io");
	op.kind = OP_CONTACT_DELETE;
	assert_int_equal(fixture_apply(f, &op), STORE_OK);
	add_bulk(f);
	fixture_sql(f->dir, "UPDATE bulk_item SET request = NULL WHERE no = 5");
}

static void copy_store(const struct fixture *f, const struct fixture *to)
{
	char command[300];
	snprintf(command, sizeof(command), "cp -p %s/* %s/", f->dir, to->dir);
	assert_int_equal(system(command), 0);
}

static void remove_copy(struct fixture *f)
{
	arena_fini(&f->arena);
	assert_int_equal(scratch_remove(f->dir), 0);
}

static const struct damage {
	const char *sql;
	const char *said; /* a part of what is told */
	bool mended;
} damages[] = {
	/* Lists */
	{ "UPDATE event SET prev = 2 WHERE seq = 5", "it is number 3 and follows 3", true },
	{ "UPDATE event SET nth = 9 WHERE seq = 7", "it is number 4 and follows 5", true },
	{ "UPDATE event SET prev = 0, nth = 1 WHERE contact = 2", "contact's list of events",
	  true },
	/* Order */
	{ "DELETE FROM event WHERE seq = 4", "event 4: it is missing", false },
	{ "DELETE FROM event WHERE seq IN (3, 4)", "events 3 to 4: they are missing", false },
	{ "UPDATE event SET id = x'00000000000070008000000000000000' WHERE seq = 3",
	  "event 3: its id is not greater", false },
	{ "UPDATE event SET id = x'00' WHERE seq = 3", "event 3: its id is none", false },
	{ "UPDATE event SET received_at = received_at - 90000000 WHERE seq = 8",
	  "event 8: it was received before", false },
	/* Events */
	{ "UPDATE event SET contact = 77 WHERE seq = 7", "event 7: contact 77 is not there",
	  false },
	{ "UPDATE event SET workspace = 2 WHERE seq = 7",
	  "event 7: contact 2 is of workspace 1, the event of 2", false },
	{ "UPDATE event SET definition = 99 WHERE seq = 7", "event 7: definition 99 is not there",
	  false },
	{ "UPDATE event SET definition = -1 WHERE seq = 7", "event 7: definition -1 is not there",
	  false },
	{ "UPDATE event SET dialect = 77 WHERE seq = 7", "event 7: dialect 77 is not there",
	  false },
	{ "UPDATE event SET dialect = 1000 WHERE seq = 7", "event 7: dialect 1000 is not there",
	  false },
	{ "UPDATE event SET properties = '{\"a\"' WHERE seq = 7",
	  "event 7: its properties are none", false },
	{ "UPDATE event SET cause = '[]' WHERE seq = 7", "event 7: its cause is none", false },
	{ "UPDATE event SET properties = '[]' WHERE seq = 7", "event 7: its properties are none",
	  false },
	{ "UPDATE event SET mismatches = '{}' WHERE seq = 7", "event 7: its mismatches are none",
	  false },
	{ "UPDATE event SET mismatches = 'x' WHERE seq = 7", "event 7: its mismatches are none",
	  false },
	{ "UPDATE event SET mismatches = '[\"x\"]' WHERE seq = 7", NULL, true },
	/* Counts */
	{ "UPDATE rollup SET events = events + 1 WHERE definition = 0", "its count says otherwise",
	  true },
	{ "UPDATE rollup SET total = 1", "its count says otherwise", true },
	{ "UPDATE rollup SET first_seq = 3 WHERE first_seq = 2", "its count says otherwise", true },
	{ "DELETE FROM rollup WHERE definition <> 0", "it has no count", true },
	{ "INSERT INTO rollup VALUES(1, 1, 5, 1, 1, 1, 1)", "minute 5: it counts events", true },
	{ "INSERT INTO rollup VALUES(1, 2, 5, 1, 1, 1, 1)", "definition 2, minute 5", true },
	{ "INSERT INTO rollup VALUES(9, 9, 5, 1, 999, 999, 1)", "workspace 9", true },
	{ "UPDATE workspace SET contacts = 7 WHERE no = 1",
	  "workspace 1: it says 7 contacts, there are 2", true },
	{ "UPDATE workspace SET contacts = -1 WHERE no = 2", "workspace 2", true },
	/* Saved positions */
	{ "DELETE FROM contact_head", "contact 2: its newest event is 7 of 4", true },
	{ "UPDATE contact_head SET heads = zeroblob(6144)", "says 0 of 0", true },
	{ "UPDATE meta SET value = 999 WHERE name = 'heads_from'", "saved up to event 999", true },
	{ "UPDATE contact_head SET heads = x'00'", "the saved positions are none: heads", true },
	{ "UPDATE contact_head SET block = 99999999", "number of a block of heads", true },
	{ "UPDATE contact_head SET block = -1", "number of a block of heads", true },
	{ "DELETE FROM meta", "the saved positions are none: no answer", true },
	/* Behind the truth by the events that a start reads again: nothing is wrong. */
	{ "DELETE FROM contact_head; UPDATE meta SET value = 0 WHERE name = 'heads_from'", NULL,
	  true },
	/* Contacts */
	{ "UPDATE contact SET identities = '{}' WHERE no = 2",
	  "contact 2: the list of its identities is none", false },
	{ "UPDATE contact SET identities = '[{\"kind\":\"mood\",\"value\":\"x\"}]' WHERE no = 2",
	  "entry 1 of its identities is none", false },
	{ "UPDATE contact SET attributes = 'x' WHERE no = 2", "contact 2: its attributes are none",
	  false },
	{ "UPDATE contact SET attributes = '{\"custom\":1}' WHERE no = 2",
	  "contact 2: its attributes are none", false },
	{ "UPDATE contact SET id = x'' WHERE no = 2", "contact 2: its id is none", false },
	{ "UPDATE contact SET workspace = -5 WHERE no = 2", "contact 2: its number or workspace",
	  false },
	{ "UPDATE contact SET workspace = 9 WHERE no = 2", "workspace 9 is not there", false },
	{ "DELETE FROM contact WHERE no = 2", "event 1: contact 2 is not there", false },
	{ "UPDATE contact SET attributes = '{\"city\":\"Bonn\"}' WHERE no = 3",
	  "contact 3: it is deleted and not empty", false },
	/* Identities */
	{ "DELETE FROM identity WHERE kind = 2", "contact 2: its identity (email) leads nowhere",
	  true },
	{ "DELETE FROM identity WHERE kind = 100", "contact 1: its identity (uuid) leads nowhere",
	  true },
	{ "UPDATE identity SET contact = 1 WHERE kind = 2",
	  "its identity (email) leads to contact 1", true },
	{ "UPDATE identity SET contact = 77 WHERE kind = 2", "contact 77, which is not there",
	  true },
	{ "INSERT INTO identity VALUES(1, 2, 'b@x.io', 3)",
	  "contact 3, which is not of the workspace", true },
	{ "INSERT INTO identity VALUES(2, 2, 'a@x.io', 2)",
	  "contact 2, which is not of the workspace", true },
	{ "INSERT INTO identity VALUES(1, 55, 'c', 2)", "identity (of no kind)", true },
	/* Deletions */
	{ "UPDATE event SET properties = '{\"a\":1}' WHERE seq = 6",
	  "event 6: contact 3 is deleted, its properties are not", true },
	{ "UPDATE event SET mismatches = '[]' WHERE seq = 6",
	  "event 6: contact 3 is deleted, its properties are not", true },
	{ "INSERT INTO erasure VALUES(2, 1, 7, 0)", "contact 2: its events wait for an end", true },
	{ "INSERT INTO erasure VALUES(3, 1, 7, 0)", "event 7, where its deletion is to go on",
	  true },
	/* One that is under way is sound. */
	{ "UPDATE event SET properties = '{\"a\":1}' WHERE seq = 2;"
	  "INSERT INTO erasure VALUES(3, 1, 4, 0)",
	  NULL, true },
	/* Callers' ids */
	{ "UPDATE bulk_item SET request = '{}' WHERE no = 2",
	  "bulk item 2: contact 3 is deleted, its request is not", true },
	{ "UPDATE bulk_item SET request = '{}' WHERE no = 2;"
	  "INSERT INTO erasure VALUES(3, 1, 0, 2)",
	  NULL, true },
	{ "DELETE FROM bulk_item WHERE no = 3", "bulk 1: its items are not all there", true },
	{ "UPDATE bulk SET items = 0 WHERE no = 2", "bulk 2: its items are not all there", true },
	{ "UPDATE bulk SET items = 4 WHERE no = 2", "bulk 2: its items are not all there", true },
	{ "UPDATE bulk_item SET workspace = 2 WHERE no = 3", "bulk 1: its items are not all",
	  true },
	{ "UPDATE bulk_item SET outcome = 7 WHERE no = 3", "bulk 1: its items are not all", true },
	{ "UPDATE bulk SET refused = 3 WHERE no = 1", "it says that 3 items were refused", true },
	{ "UPDATE bulk SET about = '7' WHERE no = 1", "what is kept about it is none", true },
	{ "DELETE FROM bulk WHERE no = 1", "bulk item 1: it is of no bulk", true },
	{ "UPDATE bulk_item SET request = '{' WHERE no = 1", "bulk item 1: its request", true },
	{ "UPDATE bulk_item SET problem = 9999 WHERE no = 6", "bulk item 6: its problem", true },
	{ "UPDATE bulk_item SET problem = -1 WHERE no = 1", "bulk item 1: its problem", true },
	{ "UPDATE bulk_item SET problems = 'x' WHERE no = 6", "bulk item 6: its request", true },
	{ "UPDATE dedupe SET seq = 99", "event 99, which came with it, is not there", true },
	{ "UPDATE dedupe SET workspace = 2", "an id of workspace 2, space 1", true },
	{ "UPDATE dedupe SET outcomes = 'x'", "the outcomes kept for it are none", true },
	/* What a start reads */
	{ "UPDATE workspace SET switches = '7'",
	  "workspace 1: switches of a workspace: what depends on it", false },
	{ "UPDATE workspace SET switches = '{\"a\":1}' WHERE no = 2", "workspace 2: switches",
	  false },
	{ "UPDATE workspace SET id = x'00' WHERE no = 1", "workspace 1: id", false },
	{ "UPDATE contact_field SET workspace = 9 WHERE no = 1",
	  "contact field 1: workspace of a contact field", false },
	{ "UPDATE contact_field SET type = 'x' WHERE no = 1",
	  "contact field 1: number, name or type", false },
	{ "UPDATE contact_field SET id = x'00' WHERE no = 1", "contact field 1: id", false },
	{ "INSERT INTO document VALUES(7, 9, 1, 'd', '{}', 0, 0)",
	  "document 7: workspace of a document", false },
	{ "INSERT INTO document VALUES(7, 1, 7, 'd', '{}', 0, 0)", "document 7: number, kind",
	  false },
	{ "INSERT INTO document VALUES(7, 1, 1, 'd', '[]', 0, 0)", "document 7: declaration",
	  false },
	{ "INSERT INTO document VALUES(7, 1, 1, 'd', '{', 0, 0)", "document 7: declaration",
	  false },
	{ "UPDATE access_key SET workspace = 9", "key or client 1: number or workspace", false },
	{ "UPDATE access_key SET digest = x'00' WHERE no = 1", "key or client 1: digest", false },
	{ "UPDATE access_key SET scopes = 'everything' WHERE no = 1", "key or client 1: scopes",
	  false },
	{ "UPDATE access_key SET no = 70000 WHERE no = 1", "key or client 70000: number", false },
	{ "UPDATE access_key SET origins = 'x' WHERE no = 1", "key or client 1: a list of names",
	  false },
	{ "INSERT INTO oauth_client VALUES(7, 9, 'c', zeroblob(32), '', 0, 0, '[]')",
	  "key or client 7: number or workspace", false },
	{ "INSERT INTO oauth_client VALUES(7, 1, 'c', zeroblob(32), '', 0, 0, '{}')",
	  "key or client 7: a list of names", false },
	{ "UPDATE definition SET workspace = 9 WHERE no = 2", "definition 2: number or workspace",
	  false },
	{ "UPDATE definition SET fields = 'x' WHERE no = 2", "definition 2: fields of a definition",
	  false },
	{ "UPDATE definition SET fields = '[1]' WHERE no = 2", "definition 2: fields", false },
	{ "UPDATE definition SET annotations = 'x' WHERE no = 1", "definition 1: annotations",
	  false },
	{ "UPDATE definition SET id = x'00' WHERE no = 1", "definition 1: id", false },
	{ "INSERT INTO token VALUES(x'00', zeroblob(32), 1, 1, '', 0, 0, NULL)", "a token: digest",
	  false },
	{ "INSERT INTO token VALUES(zeroblob(32), zeroblob(32), 9, 1, '', 0, 0, NULL)",
	  "a token: kind", false },
	{ "INSERT INTO token VALUES(zeroblob(32), zeroblob(32), 1, 0, '', 0, 0, NULL)",
	  "a token: kind, workspace", false },
	/* What points at what */
	{ "INSERT INTO oauth_client VALUES(1, 1, 'c', zeroblob(32), '', 0, 0, '[]')",
	  "it has the number of a key", false },
	{ "INSERT INTO token VALUES(zeroblob(32), zeroblob(32), 1, 9, '', 0, 0, NULL)",
	  "1 tokens: workspace 9", false },
	{ "INSERT INTO token VALUES(x'00', x'00', 1, 1, '', 0, 0, x'02'),"
	  "(x'01', x'00', 3, 1, '', 0, 0, x'02')",
	  "2 tokens: no consent has these together", false },
	{ "INSERT INTO token VALUES(x'00', x'00', 2, 1, '', 0, 0, x'02'),"
	  "(x'01', x'00', 2, 1, '', 0, 0, x'02')",
	  "2 tokens: no consent has these together", false },
};

/* A repaired store is one that can be used. */
static void use(struct fixture *f)
{
	fixture_open(f);
	add_event(f, "a@x.io", "first");
	add_event(f, "new@x.io", NULL);
	fixture_close(f);
	struct audit_result result;
	assert_done(look(f->dir, false, &result));
	if (result.left)
		print_error("after use:\n%s", told.text);
	assert_int_equal(result.left, 0);
}

static void try_damage(struct fixture *whole, const struct damage *d)
{
	struct fixture f;
	struct audit_result result;
	fixture_dir(&f);
	copy_store(whole, &f);
	fixture_sql(f.dir, d->sql);
	assert_done(look(f.dir, false, &result));
	if (!strstr(told.text, d->said ? d->said : "") || !result.left != !d->said)
		print_error("%s\ngave:\n%s", d->sql, told.text);
	assert_int_equal(!result.left, !d->said);
	assert_non_null(strstr(told.text, d->said ? d->said : ""));
	assert_done(look(f.dir, true, &result));
	if (!result.left != d->mended)
		print_error("%s\nafter the repair:\n%s", d->sql, told.text);
	assert_int_equal(!result.left, d->mended);
	if (d->mended)
		use(&f);
	remove_copy(&f);
}

static void damage_is_found_and_mended(void **state)
{
	struct fixture f;
	struct audit_result result;
	(void)state;
	fixture_begin(&f);
	fill(&f);
	fixture_close(&f);
	assert_done(look(f.dir, false, &result));
	if (result.left)
		print_error("%s", told.text);
	assert_int_equal(result.left, 0);
	assert_int_equal(result.events, 8);
	assert_int_equal(result.contacts, 3);
	assert_int_equal(result.identities, 3);
	for (size_t i = 0; i < ARRAY_LEN(damages); i++)
		try_damage(&f, &damages[i]);
	fixture_open(&f);
	fixture_end(&f);
}

/* Of many findings of one kind twenty are told, and how many more there are. */
static void many_findings_are_summed_up(void **state)
{
	struct fixture f;
	struct audit_result result;
	(void)state;
	fixture_begin(&f);
	fixture_provision(&f);
	for (int i = 0; i < 50; i++)
		add_event(&f, "a@x.io", NULL);
	fixture_close(&f);
	fixture_sql(f.dir, "UPDATE event SET nth = 0");
	assert_done(look(f.dir, false, &result));
	assert_int_equal(result.left, 50);
	assert_non_null(strstr(told.text, "contacts' lists of events: 30 more findings"));
	assert_done(look(f.dir, true, &result));
	assert_int_equal(result.found, 50);
	assert_int_equal(result.left, 0);
	fixture_open(&f);
	fixture_end(&f);
}

/* --- The file --- */

static void overwrite(const char *dir, off_t at)
{
	char path[100], noise[64];
	memset(noise, 0xA5, sizeof(noise));
	snprintf(path, sizeof(path), "%s/occurd.db", dir);
	int fd = open(path, O_WRONLY);
	assert_int_equal(pwrite(fd, noise, sizeof(noise), at), sizeof(noise));
	close(fd);
}

static off_t size_of(const struct fixture *f, const char *name)
{
	char path[100];
	struct stat st;
	snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	return stat(path, &st) == 0 ? st.st_size : 0;
}

/* Wherever the head of a page is damaged; nothing is repaired in such a file. */
static void damaged_pages_are_found(void **state)
{
	struct fixture f, copy;
	struct audit_result result;
	(void)state;
	fixture_begin(&f);
	fill(&f);
	fixture_close(&f);
	for (off_t at = 4096; at < size_of(&f, "occurd.db"); at += 4096) {
		fixture_dir(&copy);
		copy_store(&f, &copy);
		overwrite(copy.dir, at);
		int r = look(copy.dir, true, &result);
		assert_true(r < 0 || result.left > 0);
		remove_copy(&copy);
	}
	fixture_open(&f);
	fixture_end(&f);
}

static void what_is_no_store_is_told(void **state)
{
	struct fixture f;
	struct audit_result result;
	char path[100];
	(void)state;
	fixture_dir(&f);
	assert_int_equal(look("/nonexistent", false, &result), -ENOENT);
	assert_int_equal(look(f.dir, false, &result), -ENOENT);
	snprintf(path, sizeof(path), "%s/occurd.db", f.dir);
	int fd = open(path, O_WRONLY | O_CREAT, 0600);
	/* A start that was killed before anything was stored. */
	assert_done(look(f.dir, false, &result));
	assert_int_equal(write(fd,
			       "no database, but long enough for one header of SQLite's, which "
			       "has a hundred bytes, as everybody knows",
			       100),
			 100);
	close(fd);
	assert_int_equal(look(f.dir, false, &result), -EINVAL);
	assert_int_equal(unlink(path), 0);
	fixture_open(&f);
	assert_int_equal(look(f.dir, false, &result), -EBUSY);
	fixture_close(&f);
	fixture_sql(f.dir, "PRAGMA user_version = 77");
	assert_int_equal(look(f.dir, false, &result), -EINVAL);
	fixture_sql(f.dir, "PRAGMA user_version = 1");
	fixture_open(&f);
	fixture_end(&f);
}

/* What a kill left in the log is looked at, and stays there. */
static void a_log_is_read_and_left(void **state)
{
	struct fixture f, copy;
	struct audit_result result;
	(void)state;
	fixture_begin(&f);
	fill(&f);
	fixture_dir(&copy);
	copy_store(&f, &copy);
	off_t log = size_of(&copy, "occurd.db-wal"), db = size_of(&copy, "occurd.db");
	assert_true(log > 0);
	assert_done(look(copy.dir, false, &result));
	assert_int_equal(result.left, 0);
	assert_int_equal(result.events, 8);
	assert_int_equal(size_of(&copy, "occurd.db-wal"), log);
	assert_int_equal(size_of(&copy, "occurd.db"), db);
	fixture_open(&copy);
	fixture_end(&copy);
	fixture_end(&f);
}

/* The counts of a busy minute are in slices: sound as they are written, and as they are mended. */
static void a_busy_minute_is_sound(void **state)
{
	struct fixture f;
	struct audit_result result;
	(void)state;
	fixture_begin(&f);
	fixture_provision(&f);
	assert_done(store_begin(f.store));
	for (unsigned i = 0; i < 2 * ROLLUP_SLICE + 10; i++) {
		struct op op = fixture_op(&f, "a@x.io");
		assert_int_equal(store_apply(f.store, &op), STORE_OK);
	}
	assert_done(store_commit(f.store));
	fixture_close(&f);
	assert_done(look(f.dir, false, &result));
	assert_int_equal(result.left, 0);
	fixture_sql(f.dir, "DELETE FROM rollup WHERE first_seq > 1");
	assert_done(look(f.dir, false, &result));
	assert_int_equal(result.left, 4);
	assert_done(look(f.dir, true, &result));
	assert_int_equal(result.left, 0);
	assert_done(look(f.dir, false, &result));
	assert_int_equal(result.left, 0);
	fixture_open(&f);
	fixture_end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(damage_is_found_and_mended),
		cmocka_unit_test(many_findings_are_summed_up),
		cmocka_unit_test(a_busy_minute_is_sound),
		cmocka_unit_test(damaged_pages_are_found),
		cmocka_unit_test(what_is_no_store_is_told),
		cmocka_unit_test(a_log_is_read_and_left),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
