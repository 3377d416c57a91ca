/* Every piece of memory that the store asks for is refused once in a short life, and of SQLite's some,
 * or with the argument "all" every one, too. */
#include "life.h"

#include "base/log.h"
#include "base/uuid.h"
#include "whole.h"

#include <fcntl.h>

#include "../calls.h"

enum { SOME = 300 };
static bool all; /* asked for by the argument "all" */

/* How many pieces were asked for; *failed: whether one was refused. */
static int run(unsigned kind, int fail_at, bool *failed)
{
	struct life life = { 0 };
	fixture_dir(&life.f);
	assert_true(arena_reserve(&life.f.arena, 512 * 1024)); /* the test's own */
	calls_arm(kind, fail_at, 1, ENOMEM);
	life_live(&life);
	*failed = atomic_load(&calls.failed) > 0;
	int seen = atomic_load(&calls.seen);
	calls_arm(0, 0, 0, 0);
	whole_check(life.f.dir);
	life_check(&life);
	life_go_on(&life);
	fixture_end(&life.f);
	return seen;
}

static void each_of_ours_may_be_refused(void **state)
{
	bool failed;
	int k = 1;
	(void)state;
	for (run(CALL_MEMORY, k, &failed); failed; run(CALL_MEMORY, k, &failed))
		k++;
	print_message("%d pieces\n", k - 1);
	assert_true(k > 30);
}

/* Far too many to try each in every run: some hundred of them, others each time. */
static void any_of_sqlite_s_may_be_refused(void **state)
{
	bool failed;
	int n = run(CALL_SQLITE_MEMORY, 0, &failed), step = all ? 1 : n / SOME;
	int first = 1 + (int)(random_u64() % (uint64_t)step);
	(void)state;
	print_message("%d pieces, each %d. from number %d\n", n, step, first);
	assert_true(n > SOME);
	for (int k = first; k <= n; k += step)
		run(CALL_SQLITE_MEMORY, k, &failed);
}

/* Rows that go beyond what a start has at hand, so that each asks for memory of its own. */
static const char large_rows[] =
	"UPDATE workspace SET switches = printf('%20000s', '') || switches;"
	"UPDATE access_key SET origins = printf('%20000s', '') || '[\"https://x.io\"]';"
	"INSERT INTO document(workspace, kind, name, body, created_at, updated_at)"
	"	VALUES(1, 1, 'crm', printf('%20000s', '') || '{\"type\":\"file\"}', 1, 1);"
	"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 900)"
	"	UPDATE definition SET fields = (SELECT"
	"	json_group_array(json_object('name', 'field' || i, 'type', 'string')) FROM n);";

/* It is refused to a start, which is no reason to say that the database is damaged. */
static void a_row_without_memory_is_not_damaged(void **state)
{
	struct fixture f;
	bool failed = true;
	(void)state;
	fixture_begin(&f);
	fixture_provision(&f);
	fixture_close(&f);
	fixture_sql(f.dir, large_rows);
	const struct store_config config = fixture_config(&f);
	for (int k = 1; failed; k++) {
		calls_arm(CALL_MEMORY, k, 1, ENOMEM);
		int r = store_open(&config, &f.store);
		failed = atomic_load(&calls.failed) > 0;
		calls_arm(0, 0, 0, 0);
		if (r < 0 && r != -ENOMEM)
			fail_msg("piece %d: %s", k, fail_text());
		assert_true(failed || r == 0);
		store_close(steal(&f.store));
	}
	fixture_open(&f);
	fixture_end(&f);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_of_ours_may_be_refused),
		cmocka_unit_test(any_of_sqlite_s_may_be_refused),
		cmocka_unit_test(a_row_without_memory_is_not_damaged),
	};
	all = argc > 1 && strcmp(argv[1], "all") == 0;
	log_set_level(LOG_ERROR);
	calls_tell_sqlite();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
