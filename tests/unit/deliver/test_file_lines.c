/* Lines that are appended together: which of them are said to be there, when calls fail and when the
 * file is full. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../scratch.h"
#include "deliver/file_lines.h"

#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../calls.h"

#define LINE "0123456" /* eight bytes with its end */

static const instant_us at = 1780000000LL * US_PER_S;
static char dir[64];
static struct str lines[2 * FILE_LINES_MAX];

static int make_dir(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lines); i++)
		lines[i] = STR(LINE);
	strcpy(dir, "/tmp/occurd-lines-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int drop_dir(void **state)
{
	(void)state;
	calls_arm(0, 0, 0, 0);
	return scratch_remove(dir);
}

static int append(uint64_t rotate_bytes, unsigned n, unsigned *taken)
{
	const struct file_place to = { str_of(dir), STR("a/log"), rotate_bytes };
	return file_lines_append(&to, at, lines, n, taken);
}

static off_t size_of(const char *path)
{
	char whole[200];
	struct stat st;
	snprintf(whole, sizeof(whole), "%s/out/a/%s", dir, path);
	return stat(whole, &st) == 0 ? st.st_size : -1;
}

static unsigned n_files(void)
{
	char pattern[200];
	glob_t found;
	snprintf(pattern, sizeof(pattern), "%s/out/a/log*", dir);
	assert_int_equal(glob(pattern, 0, NULL, &found), 0);
	unsigned n = (unsigned)found.gl_pathc;
	globfree(&found);
	return n;
}

static void test_one_sync_for_all(void **state)
{
	unsigned taken;
	(void)state;
	assert_int_equal(append(1 << 20, 1, &taken), 0); /* the names are synced too */
	calls_arm(CALL_SYNC, 2, 1, EIO);                 /* the second would fail */
	assert_int_equal(append(1 << 20, 100, &taken), 0);
	assert_int_equal(taken, 100);
	assert_int_equal(size_of("log"), 101 * 8);
}

static void test_as_many_as_go_at_once(void **state)
{
	unsigned taken;
	(void)state;
	assert_int_equal(append(1 << 20, ARRAY_LEN(lines), &taken), 0);
	assert_int_equal(taken, FILE_LINES_MAX);
}

/* The file ends with the line by which it reaches its size. */
static void test_a_full_file_takes_no_more(void **state)
{
	static const struct {
		uint64_t rotate_bytes;
		unsigned n, taken;
		off_t size;
	} steps[] = {
		{ 40, 3, 3, 24 }, { 40, 9, 2, 40 }, { 40, 9, 5, 40 },
		{ 33, 9, 5, 40 }, { 1, 9, 1, 8 },   { 8, 9, 1, 8 },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		unsigned taken;
		assert_int_equal(append(steps[i].rotate_bytes, steps[i].n, &taken), 0);
		assert_int_equal(taken, steps[i].taken);
		assert_int_equal(size_of("log"), steps[i].size);
	}
	assert_int_equal(n_files(), 5);
}

/* What covers them all fails for them all: of the new file's names, and of lines. */
static void test_a_sync_that_fails(void **state)
{
	unsigned taken = 1;
	(void)state;
	for (int k = 1; k <= 4; k++) { /* a, out, the data directory; the file */
		calls_arm(CALL_SYNC, k, 1, EIO);
		assert_true(append(1 << 20, 3, &taken) < 0);
		assert_int_equal(taken, 0);
	}
	calls_arm(CALL_SYNC, 1, 1, EIO);
	assert_true(append(1 << 20, 3, &taken) < 0);
	assert_int_equal(taken, 0);
	assert_int_equal(append(1 << 20, 3, &taken), 0);
	assert_int_equal(taken, 3);
}

/* Half of the parts of five lines: two are whole, and the third is ended before the next. */
static void test_a_part_is_written(void **state)
{
	unsigned taken;
	(void)state;
	calls_arm(CALL_WRITE, 1, 1, 0);
	assert_int_equal(append(1 << 20, 5, &taken), -ENOSPC);
	assert_int_equal(taken, 2);
	assert_int_equal(size_of("log"), 2 * 8 + 7);
	assert_int_equal(append(1 << 20, 3, &taken), 0);
	assert_int_equal(taken, 3);
	assert_int_equal(size_of("log"), 6 * 8);
}

static void test_what_fails_takes_none(void **state)
{
	static const struct {
		unsigned kinds;
		int error;
	} ways[] = { { CALL_OPEN, EMFILE }, { CALL_WRITE, ENOSPC }, { CALL_NAMES, EACCES } };
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		unsigned taken = 1;
		calls_arm(ways[i].kinds, 1, 1, ways[i].error);
		assert_int_equal(append(1 << 20, 3, &taken), -ways[i].error);
		assert_int_equal(taken, 0);
		calls_arm(0, 0, 0, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(f) cmocka_unit_test_setup_teardown(f, make_dir, drop_dir)
		CASE(test_one_sync_for_all),          CASE(test_as_many_as_go_at_once),
		CASE(test_a_full_file_takes_no_more), CASE(test_a_sync_that_fails),
		CASE(test_a_part_is_written),         CASE(test_what_fails_takes_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
