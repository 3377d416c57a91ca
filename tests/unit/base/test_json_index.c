/* Members by name: the same as looking at one after the other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/json_index.h"

static yyjson_val *parse(struct arena *a, struct str text)
{
	yyjson_val *root = NULL;
	assert_int_equal(json_parse(a, text, &root, NULL), JSON_OK);
	return root;
}

static void members_are_found(void **state)
{
	static const char *const texts[] = { "{}",
					     "[1]",
					     "7",
					     "{\"b\":1,\"a\":2,\"\":3,\"aa\":4}",
					     "{\"a\":1,\"b\":2,\"a\":3}",
					     "{\"a\\u0000\":1}" };
	static const struct str names[] = { STR_INIT(""),  STR_INIT("a"),   STR_INIT("aa"),
					    STR_INIT("b"), STR_INIT("a\0"), STR_INIT("c") };
	struct arena a;
	(void)state;
	arena_init(&a, 1 << 20, NULL);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		yyjson_val *v = parse(&a, str_of(texts[i]));
		struct json_index x;
		assert_true(json_index_make(&a, v, &x));
		for (size_t k = 0; k < ARRAY_LEN(names); k++)
			assert_ptr_equal(json_index_get(&x, names[k]), json_get(v, names[k]));
	}
	arena_fini(&a);
}

static void nothing_has_no_members(void **state)
{
	struct arena a;
	struct json_index x;
	(void)state;
	arena_init(&a, 1 << 20, NULL);
	assert_true(json_index_make(&a, NULL, &x));
	assert_null(json_index_get(&x, STR("a")));
	arena_fini(&a);
}

static void memory_may_be_refused(void **state)
{
	struct arena a, none;
	struct json_index x;
	(void)state;
	arena_init(&a, 1 << 20, NULL);
	arena_init(&none, 1, NULL);
	assert_false(json_index_make(&none, parse(&a, STR("{\"a\":1}")), &x));
	arena_fini(&a);
	arena_fini(&none);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members_are_found),
		cmocka_unit_test(nothing_has_no_members),
		cmocka_unit_test(memory_may_be_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
