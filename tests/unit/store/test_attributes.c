/* Attributes of a contact: one object and one change after the other. */
#include "base/fail.h"
#include "store/attributes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>

struct change_case {
	const char *before;
	struct {
		enum attribute_verb verb;
		bool custom;
		const char *name, *json; /* name NULL ends the list */
	} changes[3];
	const char *after;
	bool changed;
};

#define SET    ATTRIBUTE_SET
#define REMOVE ATTRIBUTE_REMOVE
#define UNION  ATTRIBUTE_UNION
#define RECORD ATTRIBUTE_RECORD

static const struct change_case cases[] = {
	{ "", { { 0 } }, "{}", false },
	{ "{}", { { 0 } }, "{}", false },
	{ "{\"custom\":{}}", { { 0 } }, "{}", false },
	{ "", { { SET, false, "a", "1" } }, "{\"a\":1}", true },
	{ "", { { SET, true, "a", "1" } }, "{\"custom\":{\"a\":1}}", true },
	{ "{\"a\":1}", { { SET, false, "a", "1" } }, "{\"a\":1}", false },
	{ "{\"a\":1}", { { SET, true, "a", "1" } }, "{\"a\":1,\"custom\":{\"a\":1}}", true },
	{ "{\"a\":[1,2]}", { { SET, false, "a", "[2,1]" } }, "{\"a\":[2,1]}", true },
	{ "{\"a\":{\"x\":1,\"y\":[{}]}}",
	  { { SET, false, "a", "{\"y\":[{}],\"x\":1}" } },
	  "{\"a\":{\"x\":1,\"y\":[{}]}}",
	  false },
	{ "{\"a\":{\"x\":1}}", { { SET, false, "a", "{\"y\":1}" } }, "{\"a\":{\"y\":1}}", true },
	{ "{\"a\":{\"x\":1}}", { { SET, false, "a", "{}" } }, "{\"a\":{}}", true },
	{ "{\"a\":[]}", { { SET, false, "a", "{}" } }, "{\"a\":{}}", true },
	{ "{\"a\":[null]}", { { SET, false, "a", "[false]" } }, "{\"a\":[false]}", true },
	{ "{\"a\":[true]}", { { SET, false, "a", "[false]" } }, "{\"a\":[false]}", true },
	{ "{\"a\":\"\\u00e4\"}",
	  { { SET, false, "a", "\"\xC3\xA4\"" } },
	  "{\"a\":\"\xC3\xA4\"}",
	  false },
	{ "{\"a\":1}", { { REMOVE, false, "a", "" } }, "{}", true },
	{ "{\"a\":1}", { { REMOVE, false, "b", "" } }, "{\"a\":1}", false },
	{ "{\"a\":1}", { { REMOVE, true, "a", "" } }, "{\"a\":1}", false },
	{ "{\"custom\":{\"a\":1}}", { { REMOVE, true, "a", "" } }, "{}", true },
	{ "{\"a\":1,\"b\":2}",
	  { { REMOVE, false, "a", "" }, { SET, false, "a", "3" } },
	  "{\"a\":3,\"b\":2}",
	  true },
	{ "", { { UNION, false, "a", "[]" } }, "{}", false },
	{ "", { { UNION, false, "a", "[1,1,\"1\"]" } }, "{\"a\":[1,\"1\"]}", true },
	{ "{\"a\":[1]}", { { UNION, false, "a", "[1]" } }, "{\"a\":[1]}", false },
	{ "{\"a\":[1,1]}", { { UNION, false, "a", "[2,1]" } }, "{\"a\":[1,1,2]}", true },
	{ "{\"a\":\"text\"}", { { UNION, false, "a", "[1]" } }, "{\"a\":[1]}", true },
	{ "{\"a\":[]}", { { UNION, false, "a", "[{\"k\":[]}]" } }, "{\"a\":[{\"k\":[]}]}", true },
	{ "", { { RECORD, false, "a", "[]" } }, "{}", false },
	{ "",
	  { { RECORD, false, "a", "[1]" }, { RECORD, false, "a", "[2,1]" } },
	  "{\"a\":[1,2]}",
	  true },
	{ "{\"a\":[1,2]}", { { RECORD, false, "a", "[2]" } }, "{\"a\":[1,2]}", false },
	{ "{\"a\":[]}", { { RECORD, false, "a", "[1,2]" } }, "{\"a\":[1,2]}", true },
	{ "{\"a\":true}", { { RECORD, false, "a", "[1]" } }, "{\"a\":[1]}", true },
	{ "", { { SET, false, "a\"b", "1" } }, "{\"a\\\"b\":1}", true },
	{ "", { { SET, true, "", "1" } }, "{\"custom\":{\"\":1}}", true },
};

static void changes_give_what_they_should(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct arena a;
		struct attributes at;
		struct str after;
		arena_init(&a, 1024 * 1024, NULL);
		assert_int_equal(attributes_read(&at, &a, str_of(cases[i].before), 3), 0);
		for (size_t k = 0; k < 3 && cases[i].changes[k].name; k++) {
			const struct attribute_change c = {
				cases[i].changes[k].verb, cases[i].changes[k].custom,
				str_of(cases[i].changes[k].name),
				.json = str_of(cases[i].changes[k].json)
			};
			assert_int_equal(attributes_change(&at, &c), 0);
		}
		assert_int_equal(attributes_json(&at, &after), 0);
		if (!str_eq(after, str_of(cases[i].after)) || at.changed != cases[i].changed)
			fail_msg("case %zu: got " STR_FMT ", %s", i, STR_ARG(after),
				 at.changed ? "changed" : "unchanged");
		arena_fini(&a);
	}
}

static void what_is_no_object_is_refused(void **state)
{
	static const char *const wrong[] = {
		"x", "{", "[]", "null", "1", "{\"custom\":1}", "{\"custom\":null}", "{} {}"
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		struct arena a;
		struct attributes at;
		arena_init(&a, 1024 * 1024, NULL);
		assert_int_equal(attributes_read(&at, &a, str_of(wrong[i]), 0), -EIO);
		arena_fini(&a);
	}
}

/* Thousands of items and members are no more work per piece than a few. */
static void large_ones_work(void **state)
{
	enum { ITEMS = 20000 };
	struct arena a;
	struct attributes at;
	struct str after;
	(void)state;
	arena_init(&a, 64 * 1024 * 1024, NULL);
	struct buf b = buf_in(&a);
	for (int i = 0; i < ITEMS; i++)
		buf_printf(&b, "%c%d", i ? ',' : '[', i);
	buf_char(&b, ']');
	const struct attribute_change c = { UNION, false, STR("a"), .json = buf_str(&b) };
	assert_int_equal(attributes_read(&at, &a, STR(""), ITEMS + 1), 0);
	assert_int_equal(attributes_change(&at, &c), 0);
	at.changed = false;
	assert_int_equal(attributes_change(&at, &c), 0);
	assert_false(at.changed);
	assert_true(str_eq(attributes_get(&at, false, STR("a")), buf_str(&b)));
	for (int i = 0; i < ITEMS; i++) {
		const struct attribute_change one = { SET, true, arena_printf(&a, "m%d", i),
						      .json = STR("0") };
		assert_int_equal(attributes_change(&at, &one), 0);
	}
	assert_int_equal(at.n_custom, ITEMS);
	assert_int_equal(attributes_json(&at, &after), 0);
	assert_int_equal(attributes_read(&at, &a, after, 0), 0);
	assert_int_equal(at.n_custom, ITEMS);
	arena_fini(&a);
}

/* [<digit>,"xxx..."] of so many bytes. */
static struct str long_list(struct arena *a, char digit, size_t n)
{
	struct buf b = buf_in(a);
	buf_printf(&b, "[%c,\"", digit);
	while (b.n < n - 2)
		buf_char(&b, digit == '1' ? 'x' : 'y');
	buf_lit(&b, "\"]");
	assert_int_equal(b.n, n);
	return buf_str(&b);
}

static void a_record_forgets_its_oldest(void **state)
{
	enum { MOST = ATTRIBUTE_RECORD_MAX };
	static const struct {
		size_t before, added;
		const char *starts; /* of what is there then */
		size_t size;
	} lists[] = {
		{ 100, 100, "[1,\"x", 199 },
		{ MOST / 2, MOST / 2, "[1,\"x", MOST - 1 },
		/* "1," goes, and that is enough */
		{ MOST / 2, MOST / 2 + 3, "[\"x", MOST },
		{ MOST, 100, "[2,\"y", 100 },
		/* one that is too long by itself stays */
		{ 100, MOST + 100, "[\"y", MOST + 98 },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		struct arena a;
		struct attributes at;
		arena_init(&a, 16 * 1024 * 1024, NULL);
		struct str before = long_list(&a, '1', lists[i].before),
			   added = long_list(&a, '2', lists[i].added);
		const struct attribute_change old = { SET, false, STR("a"), .json = before };
		const struct attribute_change c = { RECORD, false, STR("a"), .json = added };
		assert_int_equal(attributes_read(&at, &a, STR(""), 2), 0);
		assert_int_equal(attributes_change(&at, &old), 0);
		assert_int_equal(attributes_change(&at, &c), 0);
		struct str is = attributes_get(&at, false, STR("a"));
		if (is.n != lists[i].size || !str_starts(is, str_of(lists[i].starts)))
			fail_msg("case %zu: %zu bytes", i, is.n);
		arena_fini(&a);
	}
}

static void little_memory_is_a_failure(void **state)
{
	(void)state;
	for (size_t ceiling = 0; ceiling < 40000; ceiling += 500) {
		struct arena a;
		struct attributes at;
		struct str after;
		const struct attribute_change c = { UNION, false, STR("a"), .json = STR("[1,2]") };
		arena_init(&a, ceiling, NULL);
		int r = attributes_read(&at, &a, STR("{\"a\":[1],\"custom\":{\"x\":1}}"), 2);
		r = r ?: attributes_change(&at, &c);
		r = r ?: attributes_json(&at, &after);
		assert_true(r == 0 || r == -ENOMEM);
		assert_int_equal(r, ceiling > 30000 ? 0 : r);
		arena_fini(&a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(changes_give_what_they_should),
		cmocka_unit_test(what_is_no_object_is_refused),
		cmocka_unit_test(large_ones_work),
		cmocka_unit_test(a_record_forgets_its_oldest),
		cmocka_unit_test(little_memory_is_a_failure),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
