/*
 * Every write and every sync of a short life fails once: what was acknowledged is there, once and
 * whole; what was not is there whole or not at all; and the store goes on.
 */
#include "life.h"

#include "faulty_vfs.h"

/* How many calls failed. */
static int run(int fail_at, int code)
{
	struct life life = { 0 };
	fixture_dir(&life.f);
	faulty_arm(fail_at, false, code);
	life_live(&life);
	int failed = atomic_load(&faulty.failed);
	faulty_arm(0, false, 0);
	life_check(&life);
	life_go_on(&life);
	fixture_end(&life.f);
	return failed;
}

static void every_call(int code, int step)
{
	int k = 1;
	assert_int_equal(run(0, 0), 0);
	while (run(k, code) > 0)
		k += step;
	print_message("%d calls\n", k - 1);
	assert_true(k > 20);
}

static void each_write_and_sync_may_fail(void **state)
{
	(void)state;
	every_call(SQLITE_IOERR_WRITE, 1);
}

static void each_write_may_find_the_disk_full(void **state)
{
	(void)state;
	every_call(SQLITE_FULL, 5);
}

/* While nothing can be written, nothing is acknowledged and what is there can be read. */
static void broken_disk_is_waited_for(void **state)
{
	struct fixture f;
	char why[100];
	(void)state;
	fixture_begin(&f);
	fixture_provision(&f);
	struct op op = fixture_op(&f, "a@x.io");
	assert_int_equal(fixture_apply(&f, &op), STORE_OK);

	faulty_arm(1, true, SQLITE_IOERR_FSYNC);
	assert_done(store_begin(f.store));
	op = fixture_op(&f, "b@x.io");
	int r = store_apply(f.store, &op);
	assert_true(r < 0 || store_commit(f.store) < 0);
	store_abandon(f.store);
	for (int i = 0; i < 3; i++) {
		assert_true(store_begin(f.store) < 0);
		assert_false(store_takes_writes(f.store, why, sizeof(why)));
		assert_int_equal(fixture_contact(&f, 1, IDENTITY_EMAIL, "a@x.io").event_count, 1);
		assert_int_equal(fixture_contact(&f, 1, IDENTITY_EMAIL, "b@x.io").number, 0);
		/* It succeeds where it has nothing to write, and the next batch fails again. */
		if (store_recover(f.store) == 0)
			assert_true(life_write(&f, 0) < 0);
		store_abandon(f.store);
	}
	faulty_arm(0, false, 0);
	assert_done(store_recover(f.store));
	op = fixture_op(&f, "b@x.io");
	assert_int_equal(fixture_apply(&f, &op), STORE_OK);
	assert_int_equal(fixture_contact(&f, 1, IDENTITY_EMAIL, "b@x.io").event_count, 1);
	fixture_end(&f);
}

static struct op name_report(struct fixture *f, enum op_kind kind, const char *json)
{
	struct attribute_change *c = arena_new(&f->arena, struct attribute_change);
	struct op op = fixture_op(f, "a@x.io");
	assert_non_null(c);
	*c = (struct attribute_change){ .verb = ATTRIBUTE_SET,
					.name = STR("first_name"),
					.json = str_of(json) };
	op.kind = kind;
	op.changes = c;
	op.n_changes = 1;
	return op;
}

static void report_name(struct fixture *f, const char *json)
{
	struct op op = name_report(f, OP_EVENT, json);
	assert_int_equal(fixture_apply(f, &op), STORE_OK);
}

static bool name_is(struct fixture *f, const char *json)
{
	struct str all = fixture_contact(f, 1, IDENTITY_EMAIL, "a@x.io").attributes;
	return memmem(all.p, all.n, json, strlen(json)) != NULL;
}

/* One life with a call that fails in the commit of a contact's new name. Whether that name came to
 * stand is shown by *stands; how many calls failed is returned. */
static int rename_once(int fail_at, bool *stands)
{
	struct fixture f;
	fixture_begin(&f);
	fixture_provision(&f);
	report_name(&f, "\"Ann\"");
	report_name(&f, "\"Ann\"");
	store_reader_close(f.reader);

	struct op bob = name_report(&f, OP_CONTACT, "\"Bob\"");
	assert_done(store_begin(f.store));
	assert_int_equal(store_apply(f.store, &bob), STORE_OK);
	faulty_arm(fail_at, false, SQLITE_IOERR_FSYNC);
	int failed = store_commit(f.store) < 0 ? 1 : 0;
	faulty_arm(0, false, 0);
	if (failed) {
		store_abandon(f.store);
		assert_done(store_recover(f.store));
	}
	assert_done(store_reader_open(f.store, &f.reader));
	*stands = name_is(&f, "\"Bob\"");
	report_name(&f, "\"Ann\"");
	assert_true(name_is(&f, "\"Ann\""));
	fixture_end(&f);
	return failed;
}

/* The same report changed nothing before, and is not taken for one that changes nothing now. */
static void report_after_a_batch_of_unknown_outcome_is_stored(void **state)
{
	bool stands;
	unsigned survived = 0;
	(void)state;
	for (int k = 1; rename_once(k, &stands); k++)
		survived += stands;
	assert_true(survived > 0);
}

static void too_little_free_disk_refuses_writes(void **state)
{
	struct fixture f;
	char why[100];
	(void)state;
	fixture_begin(&f);
	fixture_provision(&f);
	fixture_close(&f);
	struct store_config config = fixture_config(&f);
	config.reserve_bytes = UINT64_MAX;
	assert_done(store_open(&config, &f.store));
	assert_done(store_reader_open(f.store, &f.reader));
	assert_int_equal(store_begin(f.store), STORE_FULL);
	fixture_provision(&f); /* a start succeeds all the same */
	assert_false(store_takes_writes(f.store, why, sizeof(why)));
	assert_true(str_starts(str_of(why), STR("free disk below reserve: ")));
	fixture_contact(&f, 1, IDENTITY_EMAIL, "a@x.io");
	fixture_reopen(&f);
	assert_true(store_takes_writes(f.store, why, sizeof(why)));
	fixture_end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_write_and_sync_may_fail),
		cmocka_unit_test(each_write_may_find_the_disk_full),
		cmocka_unit_test(broken_disk_is_waited_for),
		cmocka_unit_test(report_after_a_batch_of_unknown_outcome_is_stored),
		cmocka_unit_test(too_little_free_disk_refuses_writes),
	};
	faulty_install();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
