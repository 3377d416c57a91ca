/* The table of tokens: found, dropped and replaced as they should be, and by many threads at once.
 */
#include <stdarg.h>
#include <stddef.h>

#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/tokens.h"

#include <pthread.h>
#include <stdatomic.h>

enum { MANY = 3000, READERS = 3 };

static struct tokens table;

static int set_up(void **state)
{
	(void)state;
	tokens_init(&table);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	tokens_fini(&table);
	return 0;
}

static struct token token_no(unsigned i)
{
	struct str name = { (const char *)&i, sizeof(i) };
	return (struct token){ .digest = sha256_of(name), .kind = TOKEN_ACCESS, .workspace = i };
}

static void put(unsigned i)
{
	struct token t = token_no(i);
	assert_int_equal(tokens_reserve(&table, 1), 0);
	tokens_put(&table, &t);
}

static void drop(unsigned i)
{
	struct token t = token_no(i);
	tokens_drop(&table, &t.digest);
}

static bool has(unsigned i)
{
	struct token t = token_no(i), found;
	return tokens_find(&table, &t.digest, &found) && found.workspace == i;
}

static void test_empty(void **state)
{
	(void)state;
	assert_false(has(1));
	drop(1);
	assert_int_equal(tokens_count(&table), 0);
}

static void test_put_and_drop(void **state)
{
	(void)state;
	for (unsigned i = 0; i < MANY; i++)
		put(i);
	put(7);
	assert_int_equal(tokens_count(&table), MANY);
	for (unsigned i = 0; i < MANY; i += 3)
		drop(i);
	drop(0);
	for (unsigned i = 0; i < MANY; i++)
		assert_int_equal(has(i), i % 3 != 0);
	assert_false(has(MANY));
	assert_int_equal(tokens_count(&table), MANY - MANY / 3);
}

/* Digests that all begin at the last slot, so that they wrap around and move up when one goes. */
static void test_one_home(void **state)
{
	enum { CLASH = 20 };
	struct token t = { .kind = TOKEN_ACCESS }, found;
	(void)state;
	memset(t.digest.b, 0xFF, 8);
	assert_int_equal(tokens_reserve(&table, CLASH), 0);
	for (uint8_t i = 0; i < CLASH; i++) {
		t.digest.b[31] = i;
		tokens_put(&table, &t);
	}
	for (uint8_t gone = 0; gone < CLASH; gone++) {
		t.digest.b[31] = gone;
		tokens_drop(&table, &t.digest);
		for (uint8_t i = 0; i < CLASH; i++) {
			t.digest.b[31] = i;
			assert_int_equal(tokens_find(&table, &t.digest, &found), i > gone);
		}
	}
}

static void test_take(void **state)
{
	struct tokens other;
	struct token t = token_no(2);
	(void)state;
	put(1);
	tokens_init(&other);
	assert_int_equal(tokens_reserve(&other, 1), 0);
	tokens_put(&other, &t);
	tokens_take(&table, &other);
	tokens_fini(&other);
	assert_false(has(1));
	assert_true(has(2));
}

static void put_of(uint32_t workspace, unsigned n)
{
	static unsigned last = 1 << 24;
	for (unsigned i = 0; i < n; i++) {
		struct token t = token_no(last++);
		t.workspace = workspace;
		tokens_put(&table, &t);
	}
}

/* A workspace has as many as would be free without it; one that floods gets half. */
static void test_shares(void **state)
{
	enum { HALF = TOKENS_MAX / 2 };
	(void)state;
	assert_true(tokens_have_room(&table, 1, HALF));
	assert_false(tokens_have_room(&table, 1, HALF + 1));
	assert_int_equal(tokens_reserve(&table, TOKENS_MAX - 2), 0);
	put_of(1, HALF - 1);
	assert_true(tokens_have_room(&table, 1, 1));
	assert_false(tokens_have_room(&table, 1, 2));
	put(1);
	assert_false(tokens_have_room(&table, 1, 1));
	assert_true(tokens_have_room(&table, 2, HALF / 2));
	assert_false(tokens_have_room(&table, 2, HALF / 2 + 1));
	put_of(2, HALF / 2);
	assert_false(tokens_have_room(&table, 2, 1));
	assert_true(tokens_have_room(&table, 3, HALF / 4));
	/* What goes, and what takes the place of another, is counted where it was and is. */
	drop(1);
	struct token t = token_no(1);
	put_of(1, 0);
	assert_true(tokens_have_room(&table, 3, HALF / 4));
	tokens_put(&table, &t);
	t.workspace = 3;
	tokens_put(&table, &t);
	assert_true(tokens_have_room(&table, 3, HALF / 4 - 1));
	assert_false(tokens_have_room(&table, 3, HALF / 4));
}

static atomic_bool done;

/* Token 0 never goes, whatever happens around it; no other is ever half there. */
static void *read_on(void *arg)
{
	(void)arg;
	for (unsigned i = 0; !atomic_load(&done); i = (i + 1) % MANY) {
		struct token t = token_no(i), found;
		must(has(0));
		must(!tokens_find(&table, &t.digest, &found) || found.workspace == i);
	}
	return NULL;
}

static void test_threads(void **state)
{
	pthread_t readers[READERS];
	(void)state;
	put(0);
	for (unsigned i = 0; i < READERS; i++)
		assert_int_equal(pthread_create(&readers[i], NULL, read_on, NULL), 0);
	for (unsigned i = 1; i < MANY; i++) {
		put(i);
		if (i > 100)
			drop(i - 100);
	}
	atomic_store(&done, true);
	for (unsigned i = 0; i < READERS; i++)
		pthread_join(readers[i], NULL);
	assert_int_equal(tokens_count(&table), 101);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_empty, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_put_and_drop, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_one_home, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_take, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_shares, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_threads, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
