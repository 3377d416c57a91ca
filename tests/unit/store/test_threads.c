/*
 * Readers beside the committer: each call sees all that was committed before it began, and never
 * half of a batch. Under the thread sanitizer this says more than the asserts.
 */
#include "fixture.h"

#include <pthread.h>
#include <sched.h>

enum { READERS = 3, BATCHES = 300, PER_BATCH = 10, CONTACTS = 7 };

static struct fixture f;
static _Atomic uint64_t committed; /* seq */
static atomic_bool done;

static void check_newest(struct store_reader *r, struct arena *a)
{
	const struct event_query q = { .workspace = 1, .limit = 1, .until = INT64_MAX };
	struct event_row *rows;
	unsigned n;
	uint64_t next, before = atomic_load(&committed);
	must(store_read_events(r, a, &q, &rows, &n, &next) == 0);
	must(before == 0 || (n == 1 && rows[0].seq >= before));
	must(n == 0 || rows[0].seq % PER_BATCH == 0);
}

static void check_contact(struct store_reader *r, struct arena *a, unsigned i)
{
	struct contact_view row;
	struct event_row *rows;
	unsigned n;
	uint64_t next, before = atomic_load(&committed);
	struct str email = arena_printf(a, "%u@x.io", i);
	int x = store_find_contact(r, a, 1, IDENTITY_EMAIL, email, &row);
	must(x == STORE_OK || (x == STORE_NONE && before < CONTACTS));
	if (x == STORE_NONE)
		return;
	/* At least its share of what was committed; a walk reaches as many as it counts. */
	must(row.event_count + 1 >= before / CONTACTS);
	const struct event_query q = {
		.workspace = 1, .contact = row.number, .limit = 5000, .until = INT64_MAX
	};
	must(store_read_events(r, a, &q, &rows, &n, &next) == 0);
	must(n >= row.event_count);
}

static void check_stats(struct store_reader *r, struct arena *a)
{
	struct store_stats stats;
	uint64_t before = atomic_load(&committed);
	must(store_read_stats(r, a, 1, &stats) == 0);
	must(stats.events >= before && stats.events % PER_BATCH == 0);
}

/* The catalog is published no later than the commit that grew it. */
static void check_catalog(struct catalog **mine)
{
	uint64_t before = atomic_load(&committed);
	catalog_refresh(store_catalog(f.store), mine);
	const struct workspace *w = catalog_workspace(*mine, 1);
	must(workspace_definition(w, STR("late")) || before < 100 * PER_BATCH);
}

static void *read_on(void *arg)
{
	struct store_reader *r;
	struct arena a;
	struct catalog *mine = NULL;
	(void)arg;
	arena_init(&a, 64 * 1024 * 1024, NULL);
	must(store_reader_open(f.store, &r) == 0);
	for (unsigned i = 0; !atomic_load(&done); i++) {
		arena_reset(&a);
		check_newest(r, &a);
		check_contact(r, &a, i % CONTACTS);
		check_stats(r, &a);
		check_catalog(&mine);
	}
	catalog_unref(mine);
	store_reader_close(r);
	arena_fini(&a);
	return NULL;
}

static void write_batch(unsigned batch)
{
	struct op op = { 0 };
	assert_done(store_begin(f.store));
	for (unsigned i = 0; i < PER_BATCH; i++) {
		unsigned n = batch * PER_BATCH + i;
		op = fixture_op(&f, arena_printf(&f.arena, "%u@x.io", n % CONTACTS).p);
		if (batch == 99 && i == 0) {
			op.definition = 0;
			op.definition_name = STR("late");
		}
		assert_int_equal(store_apply(f.store, &op), STORE_OK);
	}
	assert_done(store_commit(f.store));
	atomic_store(&committed, op.seq);
	clock_us += US_PER_S;
}

static void readers_see_what_is_committed(void **state)
{
	pthread_t threads[READERS];
	(void)state;
	fixture_begin(&f);
	fixture_provision(&f);
	clock_us += 60 * US_PER_S;
	for (size_t i = 0; i < READERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, read_on, NULL), 0);
	for (unsigned batch = 0; batch < BATCHES; batch++) {
		arena_reset(&f.arena);
		write_batch(batch);
		if (batch % 50 == 49)
			assert_done(store_recover(f.store)); /* readers do not notice */
	}
	atomic_store(&done, true);
	for (size_t i = 0; i < READERS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	fixture_end(&f);
}

/* --- Snapshots --- */

static atomic_uint looks;

static void *look_on(void *arg)
{
	struct catalog *mine = NULL;
	(void)arg;
	while (!atomic_load(&done)) {
		catalog_refresh(store_catalog(f.store), &mine);
		atomic_fetch_add_explicit(&looks, 1, memory_order_relaxed);
	}
	catalog_unref(mine);
	return NULL;
}

/* The snapshot before the last commit's has been let go. Relaxed, so that nothing else comes of it:
 * the committer does not wait for that either. */
static void wait_for_looks(void)
{
	unsigned from = atomic_load_explicit(&looks, memory_order_relaxed);
	while (atomic_load_explicit(&looks, memory_order_relaxed) - from < 2)
		sched_yield();
}

/* One of two, so that the next snapshot shares the other with this one. */
static void change_definition(unsigned i)
{
	const struct definition define = {
		.name = i % 2 ? STR("odd") : STR("even"),
		.title = arena_printf(&f.arena, "%u", i),
	};
	struct op op = { .arena = &f.arena,
			 .kind = OP_DEFINITION,
			 .workspace = 1,
			 .rules = DEFINITION_TITLE,
			 .define = &define };
	assert_done(store_begin(f.store));
	assert_int_equal(store_apply(f.store, &op), STORE_OK);
	assert_done(store_commit(f.store));
}

/* What a change is made of has other owners, who let it go meanwhile. */
static void definitions_are_let_go_while_they_change(void **state)
{
	pthread_t thread;
	(void)state;
	fixture_begin(&f);
	fixture_provision(&f);
	atomic_store(&done, false);
	assert_int_equal(pthread_create(&thread, NULL, look_on, NULL), 0);
	for (unsigned i = 0; i < BATCHES; i++) {
		arena_reset(&f.arena);
		change_definition(i);
		wait_for_looks();
	}
	atomic_store(&done, true);
	assert_int_equal(pthread_join(thread, NULL), 0);
	fixture_end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(readers_see_what_is_committed),
		cmocka_unit_test(definitions_are_let_go_while_they_change),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
