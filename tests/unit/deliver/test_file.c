#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../scratch.h"
#include "deliver/sender.h"

#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

enum { MANY = 40, TICK_MS = 100, TICKS_MAX = 400 };

static char dir[64], text[64 * 1024];
static unsigned n_done, n_files;
static instant_us at; /* of the attempts */
static struct http *http;
static void *kept;

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
	return mkdtemp(dir) && http_new(&http) == 0 && file.open(http, &kept) == 0 ? 0 : -1;
}

static int drop_dir(void **state)
{
	(void)state;
	file.close(kept);
	http_free(http);
	return scratch_remove(dir);
}

static void on_done(struct attempt *a)
{
	(void)a;
	n_done++;
}

/* A destination with what goes to it. */
struct trial {
	struct destination destination;
	struct attempt attempt;
};

static void begin(struct trial *t, const char *path, uint64_t rotate_bytes, const char *body)
{
	t->destination = (struct destination){ .type = DESTINATION_FILE,
					       .path = str_of(path),
					       .rotate_bytes = rotate_bytes };
	t->attempt = (struct attempt){ .destination = &t->destination,
				       .kept = kept,
				       .data_dir = str_of(dir),
				       .now = at,
				       .body = str_of(body),
				       .done = on_done };
	arena_init(&t->attempt.arena, 1 << 20, NULL);
	assert_int_equal(file.send(http, &t->attempt), 0);
}

static void wait_for(unsigned n)
{
	file.flush(kept);
	for (int ticks = 0; n_done < n; http_run(http, TICK_MS))
		assert_true(ticks++ < TICKS_MAX);
	assert_int_equal(n_done, n);
}

/* Who may see deliveries need not know where the server lies, nor of what it is made. */
static enum attempt_outcome end(struct trial *t)
{
	struct attempt *a = &t->attempt;
	assert_true(a->outcome == ATTEMPT_DELIVERED ? a->answer.n == 0 : a->answer.n > 0);
	if (a->answer.n > 0) {
		assert_null(memmem(a->answer.p, a->answer.n, dir, strlen(dir)));
		assert_null(memmem(a->answer.p, a->answer.n, ".c:", 3));
	}
	arena_fini(&a->arena);
	return a->outcome;
}

static enum attempt_outcome deliver(const char *path, uint64_t rotate_bytes, const char *body)
{
	struct trial t;
	n_done = 0;
	begin(&t, path, rotate_bytes, body);
	wait_for(1);
	return end(&t);
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

/* Of several files, more than one sync may cover: each line is there once, in order. */
static void test_many_at_once(void **state)
{
	static const char *const paths[] = { "a", "b/c", "b/d" };
	static char bodies[MANY][20];
	struct trial list[MANY];
	char expected[MANY * 20] = "";
	(void)state;
	n_done = 0;
	for (unsigned i = 0; i < MANY; i++) {
		snprintf(bodies[i], sizeof(bodies[i]), "{\"n\":%u}", i);
		begin(&list[i], paths[i % ARRAY_LEN(paths)], 1 << 20, bodies[i]);
	}
	wait_for(MANY);
	for (unsigned i = 0; i < MANY; i++)
		assert_int_equal(end(&list[i]), ATTEMPT_DELIVERED);
	for (unsigned p = 0; p < ARRAY_LEN(paths); p++) {
		expected[0] = '\0';
		for (unsigned i = p; i < MANY; i += ARRAY_LEN(paths))
			strcat(strcat(expected, bodies[i]), "\n");
		assert_string_equal(contents(paths[p]), expected);
	}
}

/* A file that cannot be written keeps nobody from another. */
static void test_one_that_fails_among_others(void **state)
{
	struct trial list[MANY];
	(void)state;
	assert_int_equal(deliver("x", 1000, "{\"n\":1}"), ATTEMPT_DELIVERED);
	n_done = 0;
	for (unsigned i = 0; i < MANY; i++)
		begin(&list[i], i % 2 ? "x/y" : "z", 1 << 20, "{}");
	wait_for(MANY);
	for (unsigned i = 0; i < MANY; i++)
		assert_int_equal(end(&list[i]), i % 2 ? ATTEMPT_RETRY : ATTEMPT_DELIVERED);
}

static void test_what_is_under_way_at_the_end_is_dropped(void **state)
{
	struct trial list[MANY], late;
	(void)state;
	n_done = 0;
	for (unsigned i = 0; i < MANY; i++)
		begin(&list[i], "x", 1 << 20, "{}");
	file.flush(kept);
	begin(&late, "x", 1 << 20, "{}");
	file.close(kept);
	assert_int_equal(n_done, 0);
	arena_fini(&late.attempt.arena);
	for (unsigned i = 0; i < MANY; i++)
		arena_fini(&list[i].attempt.arena);
	assert_int_equal(file.open(http, &kept), 0);
	assert_int_equal(deliver("x", 1 << 20, "{\"n\":1}"), ATTEMPT_DELIVERED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(f) cmocka_unit_test_setup_teardown(f, make_dir, drop_dir)
		CASE(test_lines),
		CASE(test_a_torn_line_is_ended),
		CASE(test_rotated),
		CASE(test_failures_are_tried_again),
		CASE(test_many_at_once),
		CASE(test_one_that_fails_among_others),
		CASE(test_what_is_under_way_at_the_end_is_dropped),
	};
	signal(SIGXFSZ, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
