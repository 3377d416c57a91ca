/* Problems: how many are kept, how paths grow, what they say in English. */
#include "model/problem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define assert_str(got, want)                                  \
	do {                                                   \
		struct str got_ = (got), want_ = (want);       \
		assert_int_equal(got_.n, want_.n);             \
		assert_memory_equal(got_.p, want_.p, want_.n); \
	} while (0)

static void test_keeps_the_first_and_counts_all(void **state)
{
	(void)state;
	struct problems ps = { 0 };
	for (int64_t i = 1; i <= PROBLEMS_MAX + 5; i++)
		problem_at(&ps, PROBLEM_TOO_LONG, STR("x"), .limit = 1, .size = i);
	assert_int_equal(ps.n, PROBLEMS_MAX);
	assert_int_equal(ps.found, PROBLEMS_MAX + 5);
	assert_int_equal(ps.list[0].size, 1);
	assert_int_equal(ps.list[PROBLEMS_MAX - 1].size, PROBLEMS_MAX);
}

static void test_paths(void **state)
{
	(void)state;
	struct arena a;
	arena_init(&a, 64 * 1024, NULL);
	assert_str(problem_path(&a, STR(""), STR("contact")), STR("contact"));
	assert_str(problem_path(&a, STR("contact"), STR("id")), STR("contact.id"));
	assert_str(problem_path(&a, STR("contact"), STR("")), STR("contact."));
	assert_str(problem_path(&a, STR("a"), STR("b\0c")), STR("a.b\0c"));
	assert_str(problem_index(&a, STR("items"), 3), STR("items[3]"));
	assert_str(problem_index(&a, STR(""), 0), STR("[0]"));
	assert_str(problem_index(&a, STR("x"), SIZE_MAX), STR("x[18446744073709551615]"));
	arena_fini(&a);
}

static void test_path_falls_back_without_memory(void **state)
{
	(void)state;
	struct arena none;
	arena_init(&none, 0, NULL);
	assert_str(problem_path(&none, STR("contact"), STR("id")), STR("contact"));
	assert_str(problem_path(&none, STR(""), STR("contact")), STR("contact"));
	assert_str(problem_index(&none, STR("items"), 3), STR("items"));
	assert_str(problem_index(&none, STR(""), 3), STR(""));
	arena_fini(&none);
}

static const struct {
	struct problem p;
	const char *english;
} sentences[] = {
	{ { .code = PROBLEM_REQUIRED, .path = STR_INIT("type") }, "type is required" },
	{ { .code = PROBLEM_REQUIRED }, "The body is required" },
	{ { .code = PROBLEM_TYPE,
	    .path = STR_INIT("contact.customFields.gender"),
	    .rule = "string",
	    .actual = "number" },
	  "contact.customFields.gender must be a string, not a number" },
	{ { .code = PROBLEM_TYPE, .rule = "object", .actual = "array" },
	  "The body must be an object, not an array" },
	{ { .code = PROBLEM_TYPE, .path = STR_INIT("a"), .rule = "boolean", .actual = "null" },
	  "a must be a boolean, not null" },
	{ { .code = PROBLEM_TYPE, .path = STR_INIT("a"), .rule = "string" }, "a must be a string" },
	{ { .code = PROBLEM_TYPE, .path = STR_INIT("a") }, "a must be a valid value" },
	{ { .code = PROBLEM_FORMAT, .path = STR_INIT("contact.id"), .rule = "uuid" },
	  "contact.id must be a UUID" },
	{ { .code = PROBLEM_FORMAT, .path = STR_INIT("contact.email"), .rule = "email" },
	  "contact.email must be an e-mail address" },
	{ { .code = PROBLEM_FIELD_TYPE, .path = STR_INIT("d"), .rule = "date", .actual = "string" },
	  "d must be a date" },
	{ { .code = PROBLEM_FIELD_TYPE, .path = STR_INIT("d"), .rule = "date", .actual = "number" },
	  "d must be a date, not a number" },
	{ { .code = PROBLEM_FIELD_TYPE,
	    .path = STR_INIT("n"),
	    .rule = "integer",
	    .actual = "number" },
	  "n must be a whole number of at most 64 bits" },
	{ { .code = PROBLEM_EMPTY, .path = STR_INIT("type") }, "type must not be empty" },
	{ { .code = PROBLEM_TOO_LONG, .path = STR_INIT("type"), .limit = 255, .size = 300 },
	  "type may have at most 255 characters, not 300" },
	{ { .code = PROBLEM_TOO_LONG, .path = STR_INIT("type"), .limit = 255 },
	  "type may have at most 255 characters" },
	{ { .code = PROBLEM_TOO_MANY, .path = STR_INIT("properties"), .limit = 100, .size = 101 },
	  "properties may have at most 100 members, not 101" },
	{ { .code = PROBLEM_TOO_MANY,
	    .path = STR_INIT("events"),
	    .rule = "items",
	    .limit = 50,
	    .size = 51 },
	  "events may have at most 50 items, not 51" },
	{ { .code = PROBLEM_TOO_MANY, .path = STR_INIT("events") },
	  "events may not have so many members" },
	{ { .code = PROBLEM_UNKNOWN_MEMBER, .path = STR_INIT("foo") },
	  "foo is not a member that is known here" },
	{ { .code = PROBLEM_NAME, .path = STR_INIT("a-b") }, "a-b is not a valid name" },
	{ { .code = PROBLEM_NAME, .path = STR_INIT("a-b"), .rule = "letters only" },
	  "a-b is not a valid name: letters only" },
	{ { .code = PROBLEM_VALUE, .path = STR_INIT("gender"), .rule = "m, f" },
	  "gender must be one of: m, f" },
	{ { .code = PROBLEM_VALUE, .path = STR_INIT("gender") },
	  "gender is not one of the values that are allowed" },
	{ { .code = PROBLEM_NESTED, .path = STR_INIT("a"), .actual = "object" },
	  "a must be a plain value, not an object" },
	{ { .code = PROBLEM_NESTED, .path = STR_INIT("a"), .limit = 8 },
	  "a may be nested at most 8 levels deep" },
	{ { .code = PROBLEM_ALTERNATIVES, .path = STR_INIT("contact"), .rule = "email, phone" },
	  "contact must have one of: email, phone" },
	{ { .code = PROBLEM_UNKNOWN_WORKSPACE }, "The request names no known workspace" },
	{ { .code = PROBLEM_UNKNOWN_DEFINITION, .path = STR_INIT("type") },
	  "type names no event type that is defined" },
	{ { .code = PROBLEM_UNKNOWN_FIELD, .path = STR_INIT("a") },
	  "a is not a field that is defined" },
	{ { .code = PROBLEM_UNKNOWN_CONTACT, .path = STR_INIT("contact.id") },
	  "contact.id names no known contact" },
	{ { .code = PROBLEM_CONTACT_FULL,
	    .path = STR_INIT("contact"),
	    .rule = "identities of one contact",
	    .limit = 200 },
	  "contact may not go beyond the 200 identities of one contact" },
	{ { .code = PROBLEM_CONTACT_FULL,
	    .rule = "bytes of one contact's attributes",
	    .limit = 262144,
	    .size = 300000 },
	  "The request may not go beyond the 262144 bytes of one contact's attributes" },
	{ { .code = PROBLEM_CONTACT_FULL },
	  "The request may not go beyond the number of attributes or identities of one contact" },
	{ { .code = PROBLEM_DEFINITIONS_FULL, .path = STR_INIT("properties"), .limit = 1000 },
	  "properties may not go beyond the 1000 event types, fields of one event type, or bytes of"
	  " all of them" },
	{ { .code = PROBLEM_CONTACT_FIELDS_FULL, .limit = 1000 },
	  "The request may not go beyond the 1000 custom fields that contacts may have" },
	{ { .code = PROBLEM_UNKNOWN_DOCUMENT,
	    .path = STR_INIT("actions[0].send"),
	    .rule = "destination" },
	  "actions[0].send names no destination that is there" },
	{ { .code = PROBLEM_DOCUMENTS_FULL, .rule = "automation", .limit = 1000 },
	  "The request may not go beyond the 1000 automations of a workspace" },
	{ { .code = PROBLEM_CHANGED, .path = STR_INIT("name") },
	  "name has been changed by another in the meantime" },
	{ { .code = PROBLEM_TEMPLATE,
	    .path = STR_INIT("actions[0].body"),
	    .rule = "a tag is not closed",
	    .size = 17 },
	  "actions[0].body cannot be a template: a tag is not closed, at byte 17" },
	{ { .code = PROBLEM_TEMPLATE, .path = STR_INIT("body") }, "body cannot be a template" },
	{ { .code = PROBLEM_IN_USE, .path = STR_INIT("big-order") },
	  "big-order is an automation that sends to it" },
	{ { .code = PROBLEM_KEYS_FULL, .limit = 5 },
	  "The request may not go beyond the 5 bytes that names and origins of keys may take, of "
	  "which a workspace gets a fair share" },
	{ { .code = PROBLEM_WORKSPACES_FULL, .limit = 5 },
	  "The request may not go beyond the 5 workspaces, or keys, that there can be" },
	{ { .code = PROBLEM_CLASH, .path = STR_INIT("tag"), .rule = "status" },
	  "tag may not stand together with status" },
	{ { .code = PROBLEM_CLASH, .path = STR_INIT("tag") },
	  "tag may not stand together with the others" },
	{ { .code = PROBLEM_NAME, .path = STR_INIT("p.a\0b") },
	  "p.a?b is not a valid name" }, /* ? for U+0000 */
};

static void test_english(void **state)
{
	(void)state;
	struct arena a;
	arena_init(&a, 64 * 1024, NULL);
	for (size_t i = 0; i < ARRAY_LEN(sentences); i++) {
		struct buf b = buf_in(&a);
		problem_put_english(&b, &sentences[i].p);
		buf_char(&b, '\0');
		assert_false(b.failed);
		char *nul = memchr(b.p, '\0', b.n - 1);
		if (nul)
			*nul = '?';
		assert_string_equal(b.p, sentences[i].english);
	}
	arena_fini(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keeps_the_first_and_counts_all),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_path_falls_back_without_memory),
		cmocka_unit_test(test_english),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
