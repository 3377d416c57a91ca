/*
 * The log while a reader holds on to it, as a backup does: it grows, everybody writes on, and once
 * the reader has gone it begins anew before it has grown much more.
 */
#include "fixture.h"

#include "whole.h"

#include <sys/stat.h>

enum { LOG_PAGES = 20, HELD_BATCHES = 400, LATER_BATCHES = 1200, PAGE = 4096 };

static void write_batches(struct fixture *f, unsigned n)
{
	while (n-- > 0) {
		arena_reset(&f->arena);
		struct op op = fixture_op(f, arena_printf(&f->arena, "%u@x.io", n % 50).p);
		assert_int_equal(fixture_apply(f, &op), STORE_OK);
		clock_us += US_PER_S;
	}
}

static off_t log_size(const struct fixture *f)
{
	char path[100];
	struct stat st;
	snprintf(path, sizeof(path), "%s/occurd.db-wal", f->dir);
	return stat(path, &st) == 0 ? st.st_size : 0;
}

static void a_log_that_was_held_begins_anew(void **state)
{
	struct fixture f;
	(void)state;
	fixture_dir(&f);
	struct store_config config = fixture_config(&f);
	config.log_pages = LOG_PAGES;
	assert_done(store_open(&config, &f.store));
	fixture_provision(&f);
	write_batches(&f, 50);
	off_t small = log_size(&f);

	sqlite3 *reader = fixture_log_reader(&f);
	write_batches(&f, HELD_BATCHES);
	off_t held = log_size(&f);
	assert_true(held > 2 * small);
	sqlite3_close(reader);

	write_batches(&f, LATER_BATCHES);
	print_message("log: %lld bytes, held %lld, in the end %lld\n", (long long)small,
		      (long long)held, (long long)log_size(&f));
	assert_in_range(log_size(&f), 1, held + held / 4 + 2 * LOG_PAGES * PAGE);
	store_close(f.store);
	assert_int_equal(whole_check(f.dir).events, 50 + HELD_BATCHES + LATER_BATCHES);
	fixture_open(&f);
	fixture_end(&f);
}

/* As the committer does when nobody sends anything, but without a wait of a second. */
static void idle(struct fixture *f)
{
	enum { TRIES = 60 * 1000 };
	for (unsigned i = 0; store_has_later_chores(f->store); i++) {
		assert_in_range(i, 0, TRIES);
		if (store_has_chores(f->store)) {
			assert_done(store_begin(f->store));
			assert_done(store_commit(f->store));
		}
		usleep(1000);
	}
}

/* The disk is given back without a further event. */
static void a_log_that_was_held_ends_when_nobody_writes(void **state)
{
	struct fixture f;
	(void)state;
	fixture_dir(&f);
	struct store_config config = fixture_config(&f);
	config.log_pages = LOG_PAGES;
	config.scrub_after_ms = 1;
	assert_done(store_open(&config, &f.store));
	fixture_provision(&f);
	idle(&f);
	write_batches(&f, 50);
	idle(&f);
	assert_true(log_size(&f) > 0); /* one that nobody held is written over */

	sqlite3 *reader = fixture_log_reader(&f);
	write_batches(&f, HELD_BATCHES);
	assert_true(store_has_later_chores(f.store));
	off_t held = log_size(&f);
	sqlite3_close(reader);
	idle(&f);
	assert_true(held > 2 * LOG_PAGES * PAGE);
	assert_int_equal(log_size(&f), 0);
	write_batches(&f, 1);
	store_close(f.store);
	assert_int_equal(whole_check(f.dir).events, 50 + HELD_BATCHES + 1);
	fixture_open(&f);
	fixture_end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_log_that_was_held_begins_anew),
		cmocka_unit_test(a_log_that_was_held_ends_when_nobody_writes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
