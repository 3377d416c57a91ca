/* How much memory the caches may take. */
#include "fixture.h"
#include "store/state.h"

static void pages_grow_with_contacts(void **state)
{
	static const struct {
		uint64_t contacts;
		unsigned kib;
	} rows[] = {
		{ 0, 16384 },           { 1, 16384 },      { 262144 + 15, 16384 },
		{ 262144 + 16, 32768 }, { 524288, 32768 }, { 2000000, 65536 },
		{ UINT64_MAX, 65536 },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(memory_pages_kib(rows[i].contacts), rows[i].kib);
}

/* Said to SQLite at the start, and again when the database was opened anew. */
static void sqlite_is_told(void **state)
{
	struct fixture f;
	int64_t kib;
	(void)state;
	fixture_begin(&f);
	fixture_provision(&f);
	for (int i = 0; i < 2; i++) {
		assert_done(db_query_i64(f.store->db, "PRAGMA cache_size", &kib));
		assert_int_equal(kib, -16384);
		assert_done(store_recover(f.store));
	}
	fixture_end(&f);
}

/* SQLite's own count of memory is off, also with a file system of ours. */
static void memory_is_not_counted(void **state)
{
	struct fixture f;
	(void)state;
	fixture_begin(&f);
	assert_int_equal(sqlite3_memory_used(), 0);
	fixture_end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pages_grow_with_contacts),
		cmocka_unit_test(sqlite_is_told),
		cmocka_unit_test(memory_is_not_counted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
