/* Definitions: copies that stand alone, look-up by name, fields as JSON there and back. */
#include "model/definition.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static struct arena arena;

static int set_up(void **state)
{
	(void)state;
	arena_init(&arena, 8 * 1024 * 1024, NULL);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_fini(&arena);
	return 0;
}

static bool read_fields(struct str json, struct problems *ps, const struct field **fields,
			unsigned *n)
{
	yyjson_val *v = NULL;
	assert_int_equal(json_parse(&arena, json, &v, NULL), JSON_OK);
	return fields_from_json(&arena, v, ps, fields, n);
}

static void test_type_names(void **state)
{
	(void)state;
	enum field_type type = FIELD_ARRAY;
	for (unsigned i = 0; i < FIELD_TYPES; i++) {
		assert_true(field_type_parse(str_of(field_type_name(i)), &type));
		assert_int_equal(type, i);
	}
	assert_false(field_type_parse(STR(""), &type));
	assert_false(field_type_parse(STR("String"), &type));
	assert_false(field_type_parse(STR("int"), &type));
	assert_int_equal(type, FIELD_ARRAY);
}

static void test_copy_stands_alone(void **state)
{
	(void)state;
	char name[] = "order.completed", inner_name[] = "sku";
	struct field inner[] = { { .name = str_of(inner_name), .type = FIELD_STRING } };
	struct field fields[] = {
		{ .name = STR("total"), .type = FIELD_NUMBER, .required = true },
		{ .name = STR("items"), .type = FIELD_ARRAY, .fields = inner, .n_fields = 1 },
	};
	CLEANUP(definition_unref)
	struct definition *d = definition_new(&(struct definition){ .no = 7,
								    .id.b = { 1, 2 },
								    .name = str_of(name),
								    .inferred = true,
								    .created_at = 5,
								    .updated_at = 6,
								    .fields = fields,
								    .n_fields = 2 });
	assert_non_null(d);
	memset(name, 'x', sizeof(name) - 1);
	memset(inner_name, 'x', sizeof(inner_name) - 1);
	memset(fields, 0, sizeof(fields));

	assert_int_equal(d->no, 7);
	assert_int_equal(d->id.b[1], 2);
	assert_true(d->inferred);
	assert_int_equal(d->created_at, 5);
	assert_int_equal(d->updated_at, 6);
	assert_true(str_eq(d->name, STR("order.completed")));
	assert_int_equal(d->description.n, 0);
	assert_true(d->fields[0].required);
	const struct field *items = definition_field(d, STR("items"));
	assert_ptr_equal(items, &d->fields[1]);
	assert_non_null(field_find(items->fields, items->n_fields, STR("sku")));
	assert_null(field_find(items->fields, items->n_fields, STR("items")));
	assert_non_null(items->by_name);
	assert_ptr_equal(field_search(items->fields, items->by_name, items->n_fields, STR("sku")),
			 field_find(items->fields, items->n_fields, STR("sku")));
	assert_null(field_search(items->fields, items->by_name, items->n_fields, STR("items")));
}

static void test_without_fields(void **state)
{
	(void)state;
	struct definition *d = definition_new(&(struct definition){ .no = 1, .name = STR("x") });
	assert_non_null(d);
	assert_null(definition_field(d, STR("x")));
	assert_ptr_equal(definition_ref(d), d);
	definition_unref(d);
	assert_true(str_eq(d->name, STR("x")));
	definition_unref(d);
	definition_unref(NULL);
}

static void test_finds_every_field(void **state)
{
	(void)state;
	static struct field fields[DEFINITION_FIELDS_MAX];
	static char names[DEFINITION_FIELDS_MAX][12];
	for (unsigned i = 0; i < DEFINITION_FIELDS_MAX; i++) {
		/* Not in order, and some names begin others. */
		int n = snprintf(names[i], sizeof(names[i]), "f%u", i * 7919U % 10007U);
		fields[i].name = (struct str){ names[i], (size_t)n };
	}
	struct definition like = { .fields = fields, .n_fields = DEFINITION_FIELDS_MAX };
	CLEANUP(definition_unref) struct definition *d = definition_new(&like);
	assert_non_null(d);
	for (unsigned i = 0; i < DEFINITION_FIELDS_MAX; i++)
		assert_ptr_equal(definition_field(d, fields[i].name), &d->fields[i]);
	assert_null(definition_field(d, STR("")));
	assert_null(definition_field(d, STR("f")));
	assert_null(definition_field(d, STR("f10007")));
	assert_null(definition_field(d, STR("F0")));
}

/* What is read and written again is this, with `required` always said. */
static const struct {
	const char *in, *out;
} good[] = {
	{ "null", "[]" },
	{ "[]", "[]" },
	{ "[{\"type\":\"number\",\"name\":\"a\"}]",
	  "[{\"name\":\"a\",\"type\":\"number\",\"required\":false}]" },
	{ "[{\"name\":\"a\",\"type\":\"url\",\"required\":null,\"fields\":null}]",
	  "[{\"name\":\"a\",\"type\":\"url\",\"required\":false}]" },
	{ "[{\"name\":\"b\",\"type\":\"date\"},{\"name\":\"B\",\"type\":\"email\"}]",
	  "[{\"name\":\"b\",\"type\":\"date\",\"required\":false},"
	  "{\"name\":\"B\",\"type\":\"email\",\"required\":false}]" },
	{ "[{\"name\":\"\\\"\\u0001 \xC5\xBE\",\"type\":\"string\",\"required\":true}]",
	  "[{\"name\":\"\\\"\\u0001 \xC5\xBE\",\"type\":\"string\",\"required\":true}]" },
	{ "[{\"name\":\"o\",\"type\":\"object\",\"fields\":[]}]",
	  "[{\"name\":\"o\",\"type\":\"object\",\"required\":false}]" },
	{ "[{\"name\":\"o\",\"type\":\"array\",\"fields\":[{\"name\":\"o\",\"type\":\"object\","
	  "\"fields\":[{\"name\":\"x\",\"type\":\"integer\"}]}]}]",
	  "[{\"name\":\"o\",\"type\":\"array\",\"required\":false,\"fields\":[{\"name\":\"o\","
	  "\"type\":\"object\",\"required\":false,\"fields\":[{\"name\":\"x\",\"type\":\"integer\","
	  "\"required\":false}]}]}]" },
};

static void test_fields_there_and_back(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		const struct field *fields;
		unsigned n;
		struct problems ps = { 0 };
		struct buf b = buf_in(&arena);
		assert_true(read_fields(str_of(good[i].in), &ps, &fields, &n));
		assert_int_equal(ps.found, 0);
		fields_put_json(&b, fields, n);
		buf_char(&b, '\0');
		assert_string_equal(b.p, good[i].out);
	}
}

static const struct {
	const char *in;
	enum problem_code code;
	const char *path;
} bad[] = {
	{ "{}", PROBLEM_TYPE, "fields" },
	{ "\"x\"", PROBLEM_TYPE, "fields" },
	{ "[1]", PROBLEM_TYPE, "fields[0]" },
	{ "[null]", PROBLEM_TYPE, "fields[0]" },
	{ "[{\"type\":\"date\"}]", PROBLEM_REQUIRED, "fields[0].name" },
	{ "[{\"name\":null,\"type\":\"date\"}]", PROBLEM_REQUIRED, "fields[0].name" },
	{ "[{\"name\":5,\"type\":\"date\"}]", PROBLEM_TYPE, "fields[0].name" },
	{ "[{\"name\":\"\",\"type\":\"date\"}]", PROBLEM_EMPTY, "fields[0].name" },
	{ "[{\"name\":\"a\\u0000\",\"type\":\"date\"}]", PROBLEM_NAME, "fields[0].name" },
	{ "[{\"name\":\"a\"}]", PROBLEM_REQUIRED, "fields[0].type" },
	{ "[{\"name\":\"a\",\"type\":[]}]", PROBLEM_TYPE, "fields[0].type" },
	{ "[{\"name\":\"a\",\"type\":\"int\"}]", PROBLEM_VALUE, "fields[0].type" },
	{ "[{\"name\":\"a\",\"type\":\"date\",\"required\":1}]", PROBLEM_TYPE,
	  "fields[0].required" },
	{ "[{\"name\":\"a\",\"type\":\"date\",\"required\":\"true\"}]", PROBLEM_TYPE,
	  "fields[0].required" },
	{ "[{\"name\":\"a\",\"type\":\"date\",\"Name\":1}]", PROBLEM_UNKNOWN_MEMBER,
	  "fields[0].Name" },
	{ "[{\"name\":\"a\",\"type\":\"date\",\"x\":null}]", PROBLEM_UNKNOWN_MEMBER,
	  "fields[0].x" },
	{ "[{\"name\":\"a\",\"type\":\"date\",\"fields\":[]}]", PROBLEM_UNKNOWN_MEMBER,
	  "fields[0].fields" },
	{ "[{\"name\":\"a\",\"type\":\"object\",\"fields\":{}}]", PROBLEM_TYPE,
	  "fields[0].fields" },
	{ "[{\"name\":\"a\",\"type\":\"date\"},{\"name\":\"a\",\"type\":\"url\"}]", PROBLEM_NAME,
	  "fields[1].name" },
	{ "[{\"name\":\"a\",\"type\":\"array\",\"fields\":[{\"name\":\"b\",\"type\":\"url\"},"
	  "{\"name\":\"b\",\"type\":\"url\"}]}]",
	  PROBLEM_NAME, "fields[0].fields[1].name" },
};

static void test_each_wrong_thing_is_one_problem(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		const struct field *fields = NULL;
		unsigned n = 0;
		struct problems ps = { 0 };
		assert_false(read_fields(str_of(bad[i].in), &ps, &fields, &n));
		assert_null(fields);
		assert_int_equal(n, 0);
		assert_int_equal(ps.found, 1);
		assert_int_equal(ps.list[0].code, bad[i].code);
		assert_int_equal(ps.list[0].path.n, strlen(bad[i].path));
		assert_memory_equal(ps.list[0].path.p, bad[i].path, ps.list[0].path.n);
	}
}

static void test_all_problems_are_told(void **state)
{
	(void)state;
	const struct field *fields;
	unsigned n;
	struct problems ps = { 0 };
	problem_at(&ps, PROBLEM_EMPTY, STR("before"));
	assert_false(read_fields(STR("[{\"a\":1,\"b\":2,\"name\":\"\"},7]"), &ps, &fields, &n));
	assert_int_equal(ps.found, 1 + 2 + 2 + 1);

	/* Problems from before are not of this reading. */
	assert_true(read_fields(STR("[]"), &ps, &fields, &n));
}

static bool name_of_length(size_t length)
{
	const struct field *fields;
	unsigned n;
	struct problems ps = { 0 };
	struct buf b = buf_in(&arena);
	buf_lit(&b, "[{\"type\":\"url\",\"name\":\"");
	for (size_t i = 0; i < length; i++)
		buf_char(&b, 'n');
	buf_lit(&b, "\"}]");
	return read_fields(buf_str(&b), &ps, &fields, &n);
}

static bool fields_at_one_level(unsigned count)
{
	const struct field *fields;
	unsigned n;
	struct problems ps = { 0 };
	struct buf b = buf_in(&arena);
	buf_char(&b, '[');
	for (unsigned i = 0; i < count; i++)
		buf_printf(&b, "%s{\"name\":\"f%u\",\"type\":\"url\"}", i ? "," : "", i);
	buf_char(&b, ']');
	return read_fields(buf_str(&b), &ps, &fields, &n) && n == count;
}

static bool levels_of_fields(unsigned depth)
{
	const struct field *fields;
	unsigned n;
	struct problems ps = { 0 };
	struct buf b = buf_in(&arena);
	for (unsigned i = 1; i < depth; i++)
		buf_lit(&b, "[{\"name\":\"o\",\"type\":\"object\",\"fields\":");
	buf_lit(&b, "[{\"name\":\"o\",\"type\":\"object\"}]");
	for (unsigned i = 1; i < depth; i++)
		buf_lit(&b, "}]");
	bool good_so = read_fields(buf_str(&b), &ps, &fields, &n);
	assert_int_equal(ps.found, good_so ? 0 : 1);
	return good_so;
}

static void test_limits(void **state)
{
	(void)state;
	assert_true(name_of_length(FIELD_NAME_MAX));
	assert_false(name_of_length(FIELD_NAME_MAX + 1));
	assert_true(fields_at_one_level(DEFINITION_FIELDS_MAX));
	assert_false(fields_at_one_level(DEFINITION_FIELDS_MAX + 1));
	assert_true(levels_of_fields(FIELD_DEPTH_MAX));
	assert_false(levels_of_fields(FIELD_DEPTH_MAX + 1));
	assert_false(levels_of_fields(20));
}

static void test_refused_memory_is_no_problem(void **state)
{
	(void)state;
	yyjson_val *v = NULL;
	struct arena none;
	const struct field *fields;
	unsigned n;
	struct problems ps = { 0 };
	arena_init(&none, 0, NULL);
	assert_int_equal(json_parse(&arena, STR("[{\"name\":\"a\",\"type\":\"url\"}]"), &v, NULL),
			 JSON_OK);
	assert_false(fields_from_json(&none, v, &ps, &fields, &n));
	assert_int_equal(ps.found, 0);
	assert_true(fields_from_json(&none, NULL, &ps, &fields, &n));
	arena_fini(&none);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_type_names),
		cmocka_unit_test(test_copy_stands_alone),
		cmocka_unit_test(test_without_fields),
		cmocka_unit_test(test_finds_every_field),
		cmocka_unit_test(test_fields_there_and_back),
		cmocka_unit_test(test_each_wrong_thing_is_one_problem),
		cmocka_unit_test(test_all_problems_are_told),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_refused_memory_is_no_problem),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
