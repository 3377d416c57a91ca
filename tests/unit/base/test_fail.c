#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#undef fail /* cmocka has one too; here ours is meant */

#include "base/fail.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void says_what_was_tried_and_why_not(void **state)
{
	assert_int_equal(fail(-ENOENT, "open %s", "events.db"), -ENOENT);
	assert_non_null(strstr(fail_text(), "open events.db: No such file or directory ("));
	assert_non_null(strstr(fail_text(), "test_fail.c:"));
	assert_true(str_eq(fail_words(), STR("open events.db: No such file or directory")));
	(void)state;
}

static void the_newest_failure_may_quote_the_one_before(void **state)
{
	assert_int_equal(fail(-EIO, "read"), -EIO);
	assert_int_equal(fail(-EAGAIN, "again after <%s>", fail_text()), -EAGAIN);
	assert_memory_equal(fail_text(), "again after <read: ", 19);
	(void)state;
}

static void cuts_a_long_cause(void **state)
{
	assert_int_equal(fail(-EIO, "%*s", 100000, "x"), -EIO);
	assert_in_range(strlen(fail_text()), 100, 1000);
	assert_in_range(fail_words().n, 100, strlen(fail_text()));
	(void)state;
}

static void *fail_elsewhere(void *unused)
{
	assert_string_equal(fail_text(), "");
	assert_int_equal(fail(-EIO, "elsewhere"), -EIO);
	return unused;
}

static void each_thread_has_its_own_cause(void **state)
{
	pthread_t thread;
	assert_int_equal(fail(-EIO, "here"), -EIO);
	assert_int_equal(pthread_create(&thread, NULL, fail_elsewhere, NULL), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_memory_equal(fail_text(), "here: ", 6);
	(void)state;
}

static void a_failure_passes_unchanged(void **state)
{
	assert_int_equal(pass(0), 0);
	assert_int_equal(pass(-EIO), -EIO);
	(void)state;
}

static void pass_an_outcome(void)
{
	(void)pass(1);
}

static void fail_with_success(void)
{
	(void)fail(0, "nothing");
}

static void break_a_promise(void)
{
	must(1 + 1 == 3);
}

static void keep_a_promise(void)
{
	must(1 + 1 == 2);
}

static bool aborts(void (*fn)(void))
{
	int status;
	pid_t child = fork();
	if (child == 0) {
		dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
		signal(SIGABRT, SIG_DFL);
		fn();
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void what_must_hold_stops_the_program(void **state)
{
	assert_true(aborts(break_a_promise));
	assert_true(aborts(pass_an_outcome));
	assert_true(aborts(fail_with_success));
	assert_false(aborts(keep_a_promise));
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_what_was_tried_and_why_not),
		cmocka_unit_test(the_newest_failure_may_quote_the_one_before),
		cmocka_unit_test(cuts_a_long_cause),
		cmocka_unit_test(each_thread_has_its_own_cause),
		cmocka_unit_test(a_failure_passes_unchanged),
		cmocka_unit_test(what_must_hold_stops_the_program),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
