/* The cache may forget, but what it says is always so. */
#include "store/identity_cache.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

static struct identity_cache cache;

static int set_up(void **state)
{
	(void)state;
	return identity_cache_init(&cache);
}

static int tear_down(void **state)
{
	(void)state;
	identity_cache_fini(&cache);
	return 0;
}

static struct identity email(const char *key)
{
	return (struct identity){ 1, IDENTITY_EMAIL, str_of(key) };
}

static void says_what_it_was_told(void **state)
{
	struct identity a = email("a@x.io"), b = email("b@x.io");
	(void)state;
	assert_int_equal(identity_cache_get(&cache, &a), 0);
	identity_cache_put(&cache, &a, 7);
	assert_int_equal(identity_cache_get(&cache, &a), 7);
	assert_int_equal(identity_cache_get(&cache, &b), 0);
	identity_cache_put(&cache, &a, 8);
	assert_int_equal(identity_cache_get(&cache, &a), 8);
	identity_cache_forget(&cache, &a);
	assert_int_equal(identity_cache_get(&cache, &a), 0);
	identity_cache_put(&cache, &a, 9);
	identity_cache_clear(&cache);
	assert_int_equal(identity_cache_get(&cache, &a), 0);
}

static void all_parts_of_an_identity_count(void **state)
{
	const struct identity others[] = {
		{ 2, IDENTITY_EMAIL, STR("a@x.io") },
		{ 1, IDENTITY_PHONE, STR("a@x.io") },
		{ 1, IDENTITY_EMAIL, STR("a@x.i") },
		{ 1, IDENTITY_EMAIL, STR("a@x.io ") },
	};
	struct identity a = email("a@x.io");
	(void)state;
	identity_cache_put(&cache, &a, 7);
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		assert_int_equal(identity_cache_get(&cache, &others[i]), 0);
}

static void keys_of_any_length_but_not_large_numbers(void **state)
{
	char text[1000];
	(void)state;
	memset(text, 'k', sizeof(text));
	struct identity longest = { 1, IDENTITY_EMAIL, { text, sizeof(text) } };
	struct identity shorter = { 1, IDENTITY_EMAIL, { text, sizeof(text) - 1 } };
	identity_cache_put(&cache, &longest, 7);
	assert_int_equal(identity_cache_get(&cache, &longest), 7);
	assert_int_equal(identity_cache_get(&cache, &shorter), 0);
	struct identity a = email("a@x.io");
	identity_cache_put(&cache, &a, (uint64_t)UINT32_MAX + 1);
	assert_int_equal(identity_cache_get(&cache, &a), 0);
}

/* How many of n are still known, each rightly. */
static unsigned known(unsigned n)
{
	unsigned found = 0;
	for (unsigned i = 1; i <= n; i++) {
		char key[20];
		snprintf(key, sizeof(key), "%u@x.io", i);
		struct identity id = email(key);
		uint64_t contact = identity_cache_get(&cache, &id);
		assert_true(contact == 0 || contact == i);
		found += contact != 0;
	}
	return found;
}

static void put_many(unsigned n)
{
	for (unsigned i = 1; i <= n; i++) {
		char key[20];
		snprintf(key, sizeof(key), "%u@x.io", i);
		struct identity id = email(key);
		identity_cache_put(&cache, &id, i);
	}
}

static void stays_bounded_and_right_as_it_grows(void **state)
{
	enum { MANY = 100000 };
	(void)state;
	put_many(MANY);
	unsigned before = known(MANY);
	assert_in_range(before, 3000, 4096);
	/* Growing forgets about half, and then there is room. */
	identity_cache_fit(&cache, 2500);
	assert_in_range(known(MANY), before / 3, before);
	identity_cache_fit(&cache, MANY);
	put_many(MANY);
	assert_in_range(known(MANY), MANY * 9 / 10, MANY);
	/* There is an end to it. */
	identity_cache_fit(&cache, UINT64_MAX);
	put_many(MANY);
	assert_in_range(known(MANY), MANY * 99 / 100, MANY);
	identity_cache_clear(&cache);
	assert_int_equal(known(MANY), 0);
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(says_what_it_was_told),
		CASE(all_parts_of_an_identity_count),
		CASE(keys_of_any_length_but_not_large_numbers),
		CASE(stays_bounded_and_right_as_it_grows),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
