/*
 * Every write and every sync of a short life fails once: what was acknowledged is there, once and
 * whole; what was not is there whole or not at all; and the store goes on.
 */
#include "fixture.h"

#include "faulty_vfs.h"

enum { BATCHES = 3, PER_BATCH = 3 };

/* What became of each batch. */
enum fate { LOST, ACKNOWLEDGED };

struct life {
	struct fixture f;
	enum fate fates[BATCHES];
};

/* New contacts, a known one, an attribute that changes, a definition that grows: all kinds of
 * writes. n: unique, in the event's properties. */
static struct op make_op(struct fixture *f, unsigned batch, unsigned i)
{
	struct seen_field *seen = arena_new(&f->arena, struct seen_field);
	struct attribute_change *change = arena_new(&f->arena, struct attribute_change);
	struct op op =
		fixture_op(f, i ? arena_printf(&f->arena, "%u-%u@x.io", batch, i).p : "known@x.io");
	*seen = (struct seen_field){ arena_printf(&f->arena, "field%u", batch), FIELD_STRING,
				     FIELD_BIT(FIELD_STRING) };
	*change = (struct attribute_change){ ATTRIBUTE_SET, false, STR("city"),
					     arena_printf(&f->arena, "\"city %u\"", batch) };
	op.definition = 0;
	op.definition_name = STR("inferred");
	op.seen = seen;
	op.n_seen = 1;
	op.changes = change;
	op.n_changes = 1;
	op.properties = arena_printf(&f->arena, "{\"n\":%u}", batch * PER_BATCH + i);
	return op;
}

static int write_batch(struct fixture *f, unsigned batch)
{
	int r = store_begin(f->store);
	for (unsigned i = 0; r == 0 && i < PER_BATCH; i++) {
		struct op op = make_op(f, batch, i);
		r = store_apply(f->store, &op);
	}
	return r ? r : store_commit(f->store);
}

static void recover(struct fixture *f)
{
	char why[100];
	store_abandon(f->store);
	assert_false(store_takes_writes(f->store, why, sizeof(why)));
	assert_true(str_starts(str_of(why), STR("store failed: ")));
	assert_true(store_begin(f->store) < 0);
	/* The failure may be in the way of the first try, but happens once. */
	if (store_recover(f->store) < 0)
		assert_done(store_recover(f->store));
	assert_true(store_takes_writes(f->store, why, sizeof(why)));
}

static void open_store(struct fixture *f)
{
	struct store_config config = fixture_config(f);
	if (store_open(&config, &f->store) < 0)
		assert_done(store_open(&config, &f->store));
}

static void provision(struct fixture *f)
{
	const struct provision_workspace w = { .id = fixture_workspace_id(1), .name = STR("acme") };
	const struct provision p = { .workspaces = &w, .n_workspaces = 1 };
	if (store_provision(f->store, &p) == 0)
		return;
	recover(f);
	assert_done(store_provision(f->store, &p));
}

static void live(struct life *life)
{
	struct fixture *f = &life->f;
	open_store(f);
	provision(f);
	for (unsigned batch = 0; batch < BATCHES; batch++) {
		if (write_batch(f, batch) == 0)
			life->fates[batch] = ACKNOWLEDGED;
		else
			recover(f);
	}
	store_close(f->store);
}

/* n of an event: {"n":7} */
static unsigned number_of(const struct event_row *row)
{
	uint64_t n;
	assert_true(str_to_u64(str_head(str_from(row->properties, 5), row->properties.n - 6), &n));
	assert_in_range(n, 0, BATCHES * PER_BATCH - 1);
	return (unsigned)n;
}

static void check_contact(struct fixture *f, uint64_t contact)
{
	struct event_row *rows;
	unsigned n;
	uint64_t next;
	char number[24];
	const struct event_query q = { .workspace = 1, .contact = contact, .limit = 100 };
	snprintf(number, sizeof(number), "%llu", (unsigned long long)contact);
	struct contact_view row = fixture_contact(f, 1, IDENTITY_NUMBER, number);
	assert_int_equal(row.number, contact);
	assert_done(store_read_events(f->reader, &f->arena, &q, &rows, &n, &next));
	assert_int_equal(row.event_count, n);
}

static void check(struct life *life)
{
	struct fixture *f = &life->f;
	struct event_row *rows;
	struct contact_view *contacts;
	bool more;
	struct store_stats stats;
	unsigned n, found[BATCHES * PER_BATCH] = { 0 };
	uint64_t next;
	fixture_open(f);
	struct event_query q = { .workspace = 1, .limit = 100 };
	assert_done(store_read_events(f->reader, &f->arena, &q, &rows, &n, &next));
	for (unsigned i = 0; i < n; i++)
		found[number_of(&rows[i])]++;
	for (unsigned i = 0; i < BATCHES * PER_BATCH; i++) {
		assert_int_equal(found[i], found[i / PER_BATCH * PER_BATCH]); /* whole */
		assert_in_range(found[i], life->fates[i / PER_BATCH] == ACKNOWLEDGED, 1);
	}
	assert_done(store_read_stats(f->reader, &f->arena, 1, &stats));
	assert_int_equal(stats.events, n);
	assert_done(store_read_contacts(f->reader, &f->arena,
					&(struct contact_query){ .workspace = 1, .limit = 100 },
					&contacts, &n, &more));
	assert_int_equal(stats.contacts, n);
	for (unsigned i = 0; i < n; i++)
		check_contact(f, contacts[i].number);
}

/* A store that goes on in the directory as it is. */
static void go_on(struct life *life)
{
	struct fixture *f = &life->f;
	struct op op = fixture_op(f, "late@x.io");
	op.definition = 0;
	op.definition_name = STR("inferred");
	assert_int_equal(fixture_apply(f, &op), STORE_OK);
	assert_int_equal(fixture_contact(f, 1, IDENTITY_EMAIL, "late@x.io").event_count, 1);
}

/* How many calls failed. */
static int run(int fail_at, int code)
{
	struct life life = { 0 };
	fixture_dir(&life.f);
	faulty_arm(fail_at, false, code);
	live(&life);
	int failed = atomic_load(&faulty.failed);
	faulty_arm(0, false, 0);
	check(&life);
	go_on(&life);
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
			assert_true(write_batch(&f, 0) < 0);
		store_abandon(f.store);
	}
	faulty_arm(0, false, 0);
	assert_done(store_recover(f.store));
	op = fixture_op(&f, "b@x.io");
	assert_int_equal(fixture_apply(&f, &op), STORE_OK);
	assert_int_equal(fixture_contact(&f, 1, IDENTITY_EMAIL, "b@x.io").event_count, 1);
	fixture_end(&f);
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
		cmocka_unit_test(too_little_free_disk_refuses_writes),
	};
	faulty_install();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
