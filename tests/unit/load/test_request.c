#include "load/request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct options base = {
	.host = "127.0.0.1",
	.port = 80,
	.key = "k",
	.population = "7c9e6679-7425-40de-944b-e07fc1f90ae7",
	.contacts = 100,
};

/* The next request as a string; the caller frees it. */
static char *write_next(struct requests *r)
{
	char *text = calloc(1, r->size_max + 1);
	assert_non_null(text);
	size_t n = requests_write(r, text);
	assert_int_equal(n, strlen(text));
	return text;
}

static void test_length_is_announced(void **state)
{
	static const char *const kinds[] = { "arsel", "arsel-batch", "pristo", "omnisend",
					     "infobip" };
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		struct options o = base;
		struct requests r;
		o.kind = kinds[i];
		requests_init(&r, &o);
		char *text = write_next(&r);
		const char *length = strstr(text, "Content-Length: ");
		const char *body = strstr(text, "\r\n\r\n");
		assert_non_null(length);
		assert_non_null(body);
		assert_int_equal(strtoul(length + 16, NULL, 10), strlen(body + 4));
		assert_null(strstr(text, "####"));
		assert_null(strstr(text, "===="));
		free(text);
		requests_fini(&r);
	}
}

static uint64_t contact_of(const char *text)
{
	const char *at = strstr(text, "@bench.example");
	assert_non_null(at);
	return strtoull(at - 10, NULL, 10);
}

static void test_contacts(void **state)
{
	struct options o = base;
	struct requests r;
	unsigned fresh = 0;
	(void)state;
	o.kind = "arsel";
	o.fresh = 20;
	o.run = 3;
	requests_init(&r, &o);
	for (int i = 0; i < 10000; i++) {
		char *text = write_next(&r);
		uint64_t contact = contact_of(text);
		fresh += contact > o.contacts;
		if (contact > o.contacts)
			assert_int_equal(contact, 1030000000 + fresh - 1);
		else
			assert_in_range(contact, 1, o.contacts);
		free(text);
	}
	assert_in_range(fresh, 1700, 2300);
	requests_fini(&r);
}

static void test_in_order(void **state)
{
	struct options o = base;
	struct requests r;
	(void)state;
	o.kind = "omnisend";
	o.in_order = true;
	o.contacts = 3;
	requests_init(&r, &o);
	for (uint64_t i = 0; i < 9; i++) {
		char *text = write_next(&r);
		assert_int_equal(contact_of(text), i % 3 + 1);
		free(text);
	}
	requests_fini(&r);
}

/* An event names its contact twice, and means one. */
static void test_same_contact_again(void **state)
{
	struct options o = base;
	struct requests r;
	(void)state;
	o.kind = "pristo";
	requests_init(&r, &o);
	char *text = write_next(&r);
	const char *id = strstr(text, "-8000-00");
	assert_non_null(id);
	assert_int_equal(strtoull(id + 8, NULL, 10), contact_of(text));
	free(text);
	requests_fini(&r);
}

static void test_seed_repeats(void **state)
{
	struct options o = base;
	struct requests r[3];
	(void)state;
	o.kind = "arsel-batch";
	o.fresh = 5;
	for (int i = 0; i < 3; i++) {
		o.seed = i == 2;
		requests_init(&r[i], &o);
	}
	char *a = write_next(&r[0]), *b = write_next(&r[1]), *c = write_next(&r[2]);
	assert_string_equal(a, b);
	assert_string_not_equal(a, c);
	free(a);
	free(b);
	free(c);
	for (int i = 0; i < 3; i++)
		requests_fini(&r[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_length_is_announced),
		cmocka_unit_test(test_contacts),
		cmocka_unit_test(test_in_order),
		cmocka_unit_test(test_same_contact_again),
		cmocka_unit_test(test_seed_repeats),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
