/*
 * Every call that the store and SQLite make to the system about files fails once in a short life:
 * with an error, or by doing only a part.
 */
#include "life.h"

#include "base/log.h"
#include "whole.h"

#include <fcntl.h>

#include "../calls.h"

/* How many calls failed. */
static int run(unsigned kinds, int fail_at, int error)
{
	struct life life = { 0 };
	fixture_dir(&life.f);
	calls_arm(kinds, fail_at, 1, error);
	life_live(&life);
	int failed = atomic_load(&calls.failed);
	calls_arm(0, 0, 0, 0);
	whole_check(life.f.dir);
	life_check(&life);
	life_go_on(&life);
	fixture_end(&life.f);
	return failed;
}

static const struct calls_way ways[] = {
	{ CALL_OPEN, EMFILE, "open: too many files" },
	{ CALL_OPEN, EINTR, "open: interrupted" },
	{ CALL_READ, EIO, "read: the disk" },
	{ CALL_READ, EINTR, "read: interrupted" },
	{ CALL_READ, 0, "read: a part" },
	{ CALL_WRITE, ENOSPC, "write: the disk is full" },
	{ CALL_WRITE, EIO, "write: the disk" },
	{ CALL_WRITE, EINTR, "write: interrupted" },
	{ CALL_WRITE, 0, "write: a part" },
	{ CALL_SYNC, EIO, "sync: the disk" },
	{ CALL_NAMES, EIO, "names: the disk" },
	{ CALL_LOOK, EIO, "look: the disk" },
	{ CALL_MAP, ENOMEM, "map: no memory" },
};

static void each_call_may_fail(void **state)
{
	(void)state;
	assert_int_equal(run(0, 0, 0), 0);
	for (size_t i = 0; i < ARRAY_LEN(ways); i++)
		assert_true(calls_try_each(&ways[i], run) > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_call_may_fail),
	};
	log_set_level(LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
