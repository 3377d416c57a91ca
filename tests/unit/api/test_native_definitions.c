#include <stdarg.h>
#include <stddef.h>

#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/native_query.h"

/* Bodies of definitions: the operation they ask for, or every problem they have. */

struct trial {
	struct request req;
	struct native_query q;
	struct catalog *catalog;
};

static struct catalog *make_catalog(void)
{
	struct catalog_edit *e = NULL;
	const struct workspace w = { .no = 3, .name = STR("w") };
	struct definition *d = definition_new(
		&(struct definition){ .no = 7, .name = STR("there"), .inferred = true });
	assert_non_null(d);
	assert_int_equal(catalog_edit_new(NULL, &e), 0);
	assert_int_equal(catalog_edit_workspace(e, &w), 0);
	assert_int_equal(catalog_edit_define(e, 3, d), 0);
	definition_unref(d);
	return catalog_edit_done(e);
}

static bool begin(struct trial *t, const struct resource *resource, struct str name,
		  struct str body)
{
	*t = (struct trial){ .catalog = make_catalog() };
	arena_init(&t->req.arena, 4 * 1024 * 1024, NULL);
	t->req.body = body;
	t->q = (struct native_query){ .req = &t->req,
				      .workspace = catalog_workspace(t->catalog, 3),
				      .params = { name },
				      .body_of = { .req = &t->req },
				      .body = buf_in(&t->req.arena),
				      .status = 200 };
	return resource->prepare(&t->q);
}

static void end(struct trial *t)
{
	arena_fini(&t->req.arena);
	catalog_unref(t->catalog);
}

/* "rules 1 inferred 0 <name> <description> <fields>", or "400 <detail>" with a problem a line. */
static struct str told(struct trial *t, bool good)
{
	struct buf b = buf_in(&t->req.arena);
	const struct op *op = &t->q.op;
	if (good) {
		assert_int_equal(op->kind, OP_DEFINITION);
		assert_int_equal(op->workspace, 3);
		buf_printf(&b, "%u rules %u inferred %d|" STR_FMT "|" STR_FMT "|", op->definition,
			   op->rules, op->define->inferred, STR_ARG(op->define->name),
			   STR_ARG(op->define->description));
		fields_put_json(&b, op->define->fields, op->define->n_fields);
		return buf_str(&b);
	}
	const struct problems *ps = t->q.problems;
	buf_printf(&b, "%d", t->q.status);
	/* What is behind the colon is the parser's own. */
	if (!ps)
		buf_printf(&b, " " STR_FMT,
			   STR_ARG(str_head(t->q.detail, str_find(t->q.detail, ':'))));
	for (unsigned i = 0; ps && i < ps->n; i++) {
		buf_char(&b, '\n');
		problem_put_english(&b, &ps->list[i]);
	}
	return buf_str(&b);
}

struct body_case {
	const char *body, *want;
};

static void check(const struct resource *resource, const struct body_case *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct trial t;
		bool good = begin(&t, resource, STR("there"), str_of(cases[i].body));
		struct str got = told(&t, good);
		if (!str_eq(got, str_of(cases[i].want)))
			fail_msg("%s:\ngot  " STR_FMT "\nwant %s", cases[i].body, STR_ARG(got),
				 cases[i].want);
		end(&t);
	}
}

#define TOTAL "{\"name\":\"total\",\"type\":\"number\",\"required\":true}"

static void test_new(void **state)
{
	static const struct body_case cases[] = {
		{ "{\"name\":\"e\"}", "0 rules 1 inferred 0|e||[]" },
		{ "{\"name\":\"e\",\"inferred\":true}", "0 rules 1 inferred 1|e||[]" },
		{ "{\"name\":\"a b/c\",\"description\":\"\",\"inferred\":false,\"fields\":[]}",
		  "0 rules 41 inferred 0|a b/c||[]" },
		{ "{\"name\":\"e\",\"description\":\"d\",\"fields\":[" TOTAL "]}",
		  "0 rules 41 inferred 0|e|d|[" TOTAL "]" },
		{ "{\"name\":\"x\",\"name\":\"e\"}", "0 rules 1 inferred 0|e||[]" },
	};
	(void)state;
	check(&native_define, cases, ARRAY_LEN(cases));
}

static void test_new_refused(void **state)
{
	static const struct body_case cases[] = {
		{ "", "400 the body is not JSON" },
		{ "[]", "400\nThe body must be an object, not an array" },
		{ "null", "400\nThe body must be an object, not null" },
		{ "{}", "400\nname is required" },
		{ "{\"name\":null}", "400\nname must be a string, not null" },
		{ "{\"name\":\"\"}", "400\nname must not be empty" },
		{ "{\"name\":\" \"}", "400\nname is not a valid name: it is blank" },
		{ "{\"name\":\"a\\u0000\"}",
		  "400\nname is not a valid name: it holds a control character" },
		{ "{\"name\":\"a\\u007f\"}",
		  "400\nname is not a valid name: it holds a control character" },
		{ "{\"name\":\"e\",\"fields\":null}", "400\nfields must be an array, not null" },
		{ "{\"name\":\"e\",\"description\":null,\"inferred\":0}",
		  "400\ninferred must be a boolean, not a number\n"
		  "description must be a string, not null" },
		{ "{\"name\":\"e\",\"id\":\"x\",\"titel\":1}",
		  "400\nid is not a member that is known here\n"
		  "titel is not a member that is known here" },
		{ "{\"name\":5,\"fields\":[{\"name\":\"n\",\"type\":\"text\"},{}]}",
		  "400\nname must be a string, not a number\n"
		  "fields[0].type must be one of: string, boolean, integer, number, date, "
		  "datetime, "
		  "email, url, object, array\n"
		  "fields[1].name is required\nfields[1].type is required" },
		{ "{\"name\":\"e\",\"fields\":[" TOTAL "," TOTAL "]}",
		  "400\nfields[1].name is not a valid name: another field has it" },
	};
	(void)state;
	check(&native_define, cases, ARRAY_LEN(cases));
}

static void test_change(void **state)
{
	static const struct body_case cases[] = {
		{ "{}", "7 rules 2 inferred 0|||[]" },
		{ "{\"description\":\"d\"}", "7 rules 34 inferred 0||d|[]" },
		{ "{\"description\":\"\"}", "7 rules 34 inferred 0|||[]" },
		{ "{\"fields\":[]}", "7 rules 10 inferred 0|||[]" },
		{ "{\"fields\":[" TOTAL "],\"description\":\"d\"}",
		  "7 rules 42 inferred 0||d|[" TOTAL "]" },
		{ "{\"name\":\"other\"}", "400\nname is not a member that is known here" },
		{ "{\"inferred\":false}", "400\ninferred is not a member that is known here" },
		{ "{\"fields\":{}}", "400\nfields must be an array, not an object" },
		{ "{\"description\":5}", "400\ndescription must be a string, not a number" },
		{ "{", "400 the body is not JSON" },
	};
	(void)state;
	check(&native_redefine, cases, ARRAY_LEN(cases));
}

/* n times the letter, as the member. */
static void long_member(const char *format, size_t n, struct str *out, char *room, size_t size)
{
	char *letters = room + size / 2;
	memset(letters, 'x', n);
	letters[n] = '\0';
	int length = snprintf(room, size / 2, format, letters);
	*out = (struct str){ room, (size_t)length };
}

static void test_lengths(void **state)
{
	static const struct {
		const char *format;
		size_t n;
		bool good;
	} cases[] = {
		{ "{\"name\":\"%s\"}", 255, true },
		{ "{\"name\":\"%s\"}", 256, false },
		{ "{\"name\":\"e\",\"description\":\"%s\"}", 2000, true },
		{ "{\"name\":\"e\",\"description\":\"%s\"}", 2001, false },
		{ "{\"name\":\"e\",\"fields\":[{\"name\":\"%s\",\"type\":\"url\"}]}", 128, true },
		{ "{\"name\":\"e\",\"fields\":[{\"name\":\"%s\",\"type\":\"url\"}]}", 129, false },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		static char room[8192];
		struct str body;
		struct trial t;
		long_member(cases[i].format, cases[i].n, &body, room, sizeof(room));
		assert_int_equal(begin(&t, &native_define, STR(""), body), cases[i].good);
		assert_int_equal(t.q.status, cases[i].good ? 200 : 400);
		end(&t);
	}
}

static void test_names_in_paths(void **state)
{
	static const struct {
		struct str name;
		bool there;
	} cases[] = {
		{ STR_INIT("there"), true }, { STR_INIT("There"), false },
		{ STR_INIT("ther"), false }, { STR_INIT(""), false },
		{ STR_INIT("\xff"), false },
	};
	static const struct resource *const of_a_name[] = { &native_redefine, &native_undefine };
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		for (size_t k = 0; k < ARRAY_LEN(of_a_name); k++) {
			struct trial t;
			bool good = begin(&t, of_a_name[k], cases[i].name, STR("{}"));
			assert_int_equal(good, cases[i].there);
			assert_int_equal(t.q.status, good ? 200 : 404);
			assert_int_equal(t.q.op.definition, good ? 7 : 0);
			end(&t);
		}
}

/* --- Showing --- */

enum { LARGE = 10, MIB = 1024 * 1024, PAGE_BYTES = 4 * MIB };

static struct catalog *make_large(void)
{
	static char text[MIB];
	struct catalog_edit *e = NULL;
	const struct workspace w = { .no = 3, .name = STR("w") };
	memset(text, 'x', sizeof(text));
	assert_int_equal(catalog_edit_new(NULL, &e), 0);
	assert_int_equal(catalog_edit_workspace(e, &w), 0);
	for (uint32_t i = 1; i <= LARGE; i++) {
		struct definition *d = definition_new(&(struct definition){
			.no = i, .name = { text, i }, .description = { text, sizeof(text) } });
		assert_non_null(d);
		assert_int_equal(catalog_edit_define(e, 3, d), 0);
		definition_unref(d);
	}
	return catalog_edit_done(e);
}

/* How many the page has; *before becomes what the next one is asked for, 0: there is none. */
static unsigned show_page(const struct catalog *catalog, unsigned limit, uint64_t *before)
{
	struct request req = { .method = METHOD_GET };
	arena_init(&req.arena, 64 * MIB, NULL);
	struct native_query q = { .req = &req,
				  .catalog = catalog,
				  .workspace = catalog_workspace(catalog, 3),
				  .events = { .limit = limit, .before = *before },
				  .body = buf_in(&req.arena),
				  .status = 200 };
	yyjson_val *root, *next;
	int64_t no = 0;
	native_definitions.show(&q);
	assert_false(q.body.failed);
	assert_in_range(q.body.n, 1, PAGE_BYTES + MIB + 1000);
	assert_int_equal(json_parse(&req.arena, buf_str(&q.body), &root, NULL), JSON_OK);
	next = json_get(root, STR("next_before"));
	assert_true(yyjson_is_null(next) || json_number_to_i64(next, &no));
	*before = (uint64_t)no;
	unsigned n = (unsigned)yyjson_arr_size(json_get(root, STR("data")));
	arena_fini(&req.arena);
	return n;
}

/* What is large comes in shorter pages, one after the other. */
static void test_large_pages(void **state)
{
	static const struct {
		unsigned limit, pages[5];
	} cases[] = { { 1000, { 4, 4, 2 } }, { 4, { 4, 4, 2 } }, { 3, { 3, 3, 3, 1 } } };
	struct catalog *catalog = make_large();
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint64_t before = 0;
		const unsigned *want = cases[i].pages;
		do
			assert_int_equal(show_page(catalog, cases[i].limit, &before), *want++);
		while (before);
		assert_int_equal(*want, 0);
	}
	catalog_unref(catalog);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_new),
		cmocka_unit_test(test_new_refused),
		cmocka_unit_test(test_change),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_names_in_paths),
		cmocka_unit_test(test_large_pages),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
