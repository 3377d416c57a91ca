#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "deliver/sender.h"

#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

static char dir[64], text[64 * 1024];
static unsigned n_done, n_files;
static instant_us at; /* of the attempts */

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static int count_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)path, (void)st, (void)ftw;
	n_files += type == FTW_F;
	return 0;
}

static int make_dir(void **state)
{
	(void)state;
	at = 1780000000LL * US_PER_S;
	strcpy(dir, "/tmp/occurd-out-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int drop_dir(void **state)
{
	(void)state;
	return nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void on_done(struct attempt *a)
{
	(void)a;
	n_done++;
}

static enum attempt_outcome deliver(const char *path, uint64_t rotate_bytes, const char *body)
{
	struct destination d = { .type = DESTINATION_FILE,
				 .path = str_of(path),
				 .rotate_bytes = rotate_bytes };
	struct attempt a = { .destination = &d,
			     .data_dir = str_of(dir),
			     .now = at,
			     .body = str_of(body),
			     .done = on_done };
	n_done = 0;
	arena_init(&a.arena, 1 << 20, NULL);
	assert_int_equal(file.send(NULL, &a), 0);
	assert_int_equal(n_done, 1);
	assert_true(a.outcome == ATTEMPT_DELIVERED || a.answer.n > 0);
	arena_fini(&a.arena);
	return a.outcome;
}

static const char *contents(const char *path)
{
	char whole[200];
	snprintf(whole, sizeof(whole), "%s/out/%s", dir, path);
	FILE *f = fopen(whole, "r");
	if (!f)
		return NULL;
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	fclose(f);
	return text;
}

static void test_lines(void **state)
{
	(void)state;
	assert_int_equal(deliver("a/b/c.ndjson", 1000, "{\"n\":1}"), ATTEMPT_DELIVERED);
	assert_int_equal(deliver("a/b/c.ndjson", 1000, "{\"n\":2}"), ATTEMPT_DELIVERED);
	assert_string_equal(contents("a/b/c.ndjson"), "{\"n\":1}\n{\"n\":2}\n");
}

static void test_a_torn_line_is_ended(void **state)
{
	char whole[200];
	(void)state;
	assert_int_equal(deliver("x", 1000, "{\"n\":1}"), ATTEMPT_DELIVERED);
	snprintf(whole, sizeof(whole), "%s/out/x", dir);
	FILE *f = fopen(whole, "a");
	fputs("{\"torn", f);
	fclose(f);
	assert_int_equal(deliver("x", 1000, "{\"n\":2}"), ATTEMPT_DELIVERED);
	assert_string_equal(contents("x"), "{\"n\":1}\n{\"torn\n{\"n\":2}\n");
}

/* Also when all of it is within the same microsecond. */
static void test_rotated(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(deliver("x", 16, "{\"n\":1}"), ATTEMPT_DELIVERED);
	assert_string_equal(contents("x"), "{\"n\":1}\n");
	n_files = 0;
	assert_int_equal(nftw(dir, count_one, 8, FTW_PHYS), 0);
	assert_int_equal(n_files, 3);
}

static void test_failures_are_tried_again(void **state)
{
	struct rlimit before, none;
	(void)state;
	assert_int_equal(deliver("x", 1000, "{\"n\":1}"), ATTEMPT_DELIVERED);
	assert_int_equal(deliver("x/y", 1000, "{}"), ATTEMPT_RETRY);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	none = (struct rlimit){ 10, before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	assert_int_equal(deliver("x", 1000, "{\"n\":2}"), ATTEMPT_RETRY);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(deliver("x", 1000, "{\"n\":3}"), ATTEMPT_DELIVERED);
	assert_string_equal(contents("x"), "{\"n\":1}\n{\"\n{\"n\":3}\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(f) cmocka_unit_test_setup_teardown(f, make_dir, drop_dir)
		CASE(test_lines),
		CASE(test_a_torn_line_is_ended),
		CASE(test_rotated),
		CASE(test_failures_are_tried_again),
	};
	signal(SIGXFSZ, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
