/*
 * Many events: the write-ahead log stays small while they come, a start after a crash reads few of
 * them again, and nothing is lost on the way of lazily saved heads.
 */
#include "fixture.h"

#include "base/uuid.h"

#include <sys/stat.h>

enum { EVENTS = 200000, PER_BATCH = 500, CONTACTS = 6000, WAL_MAX = 64 * 1024 * 1024 };

static unsigned counts[CONTACTS];

static uint64_t file_size(const struct fixture *f, const char *name)
{
	char path[100];
	struct stat st;
	snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	return stat(path, &st) == 0 ? (uint64_t)st.st_size : 0;
}

static void write_batch(struct fixture *f, unsigned *written)
{
	char email[24];
	struct who who = { IDENTITY_EMAIL, WHO_LOOKUP | WHO_CREATES | WHO_ADOPT, { 0 }, { 0 } };
	assert_done(store_begin(f->store));
	for (unsigned i = 0; i < PER_BATCH; i++, (*written)++) {
		/* All of them first, in order, then any of them. */
		unsigned contact =
			*written < CONTACTS ? *written : (unsigned)(random_u64() % CONTACTS);
		int n = snprintf(email, sizeof(email), "%u@x.io", contact);
		who.value = who.key = (struct str){ email, (size_t)n };
		struct op op = { .arena = &f->arena,
				 .workspace = 1,
				 .dialect = DIALECT_A,
				 .who = &who,
				 .n_who = 1,
				 .definition = 1,
				 .properties = STR("{\"total\":1}") };
		assert_done(store_apply(f->store, &op));
		counts[contact]++;
	}
	assert_done(store_commit(f->store));
	clock_us += US_PER_S;
}

static void check_counts(struct fixture *f)
{
	char number[12];
	for (unsigned i = 0; i < CONTACTS; i++) {
		arena_reset(&f->arena);
		snprintf(number, sizeof(number), "%u", i + 1);
		struct contact_view row = fixture_contact(f, 1, IDENTITY_NUMBER, number);
		assert_int_equal(row.number, i + 1);
		assert_int_equal(row.event_count, counts[i]);
	}
}

/* Where a start begins to read events again. */
static int64_t heads_from(const struct fixture *f)
{
	char path[100];
	sqlite3 *db;
	sqlite3_stmt *st;
	snprintf(path, sizeof(path), "%s/occurd.db", f->dir);
	assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, "SELECT value FROM meta WHERE name = 'heads_from'",
					    -1, &st, NULL),
			 SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	int64_t from = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	sqlite3_close(db);
	return from;
}

static void check_crash(struct fixture *f)
{
	struct fixture copy;
	fixture_copy(f, &copy);
	check_counts(&copy);
	fixture_end(&copy);
}

static void load_leaves_the_log_small_and_the_start_short(void **state)
{
	struct fixture f;
	unsigned written = 0;
	uint64_t wal = 0;
	(void)state;
	fixture_wants_disk = true;
	fixture_round_events = 0;
	fixture_begin(&f);
	fixture_provision(&f);
	while (written < EVENTS) {
		write_batch(&f, &written);
		wal = MAX(wal, file_size(&f, "occurd.db-wal"));
	}
	print_message("log: at most %llu bytes; events %u, heads from %lld\n",
		      (unsigned long long)wal, written, (long long)heads_from(&f));
	assert_in_range(wal, 1, WAL_MAX);
	/* Rounds take 100,000 events; two of them may have to be read again. */
	assert_in_range(heads_from(&f), 1, EVENTS - 1);
	check_crash(&f);
	check_counts(&f);

	fixture_reopen(&f);
	assert_int_equal(heads_from(&f), EVENTS);
	check_counts(&f);
	fixture_close(&f);
	assert_int_equal(file_size(&f, "occurd.db-wal"), 0);
	fixture_open(&f);
	fixture_end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(load_leaves_the_log_small_and_the_start_short),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
