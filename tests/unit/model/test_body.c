#include "model/body.h"
#include "model/declaration.h"
#include "template/template.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct arena arena;

static int open_arena(void **state)
{
	(void)state;
	arena_init(&arena, 64 << 20, NULL);
	return 0;
}

static int close_arena(void **state)
{
	(void)state;
	arena_fini(&arena);
	return 0;
}

/* --- Making --- */

static const char event[] =
	"{\"id\":\"e1\",\"seq\":7,\"dialect\":\"arsel\",\"definition\":\"order\","
	"\"contact_id\":\"c1\",\"occurred_at\":\"2026-11-21T10:00:00Z\",\"properties\":{"
	"\"total\":149.990,\"note\":\"say \\\"hi\\\"\\n\\u0000\",\"items\":[{\"sku\":\"a\"},"
	"{\"sku\":\"b\\\\\"}],\"a.b\":1,\"email\":\"event's\"}}";
static const char contact[] =
	"{\"id\":\"c1\",\"number\":3,\"identities\":[{\"kind\":\"email\",\"value\":\"old@x.co\"},"
	"{\"kind\":\"phone\",\"value\":\"+1\"},{\"kind\":\"phone\",\"value\":\"+2\"},"
	"{\"kind\":\"number\",\"value\":\"9\"}],\"attributes\":{\"email\":\"a@b.co\","
	"\"tags\":[\"vip\"],\"custom\":{\"plan\":\"pro\"},\"id\":\"no\"},\"event_count\":2}";

static int make(const char *text, struct str *json, const char **why)
{
	const struct body of = { STR("msg_1"), STR("big \"order\""), str_of(event),
				 str_of(contact) };
	return body_make(&arena, str_of(text), &of, json, why);
}

static void test_names(void **state)
{
	static const struct {
		const char *text, *json;
	} cases[] = {
		{ "[\"{{automation}}\",{{{delivery_id}}}]", "[\"big \\\"order\\\"\",\"msg_1\"]" },
		{ "[{{{event.seq}}},\"{{event.definition}}\"]", "[7,\"order\"]" },
		{ "[{{{event.properties.total}}},\"{{properties.total}}\"]",
		  "[149.990,\"149.990\"]" },
		{ "{\"note\":\"{{properties.note}}\"}", "{\"note\":\"say \\\"hi\\\"\\n\\u0000\"}" },
		{ "[{{{properties.a.b}}},{{{event.properties.a.b}}}]", "[1,1]" },
		{ "{{{properties.items}}}", "[{\"sku\":\"a\"},{\"sku\":\"b\\\\\"}]" },
		{ "[{{#properties.items}}{{{sku}}},{{/properties.items}}0]",
		  "[\"a\",\"b\\\\\",0]" },
		/* As conditions have them: an attribute, or else an identity, of each kind the first. */
		{ "[{{{contact.email}}},{{{contact.phone}}},{{{contact.custom.plan}}}]",
		  "[\"a@b.co\",\"+1\",\"pro\"]" },
		{ "[{{{contact.id}}},{{{contact.number}}},{{{contact.attributes.id}}}]",
		  "[\"c1\",3,\"no\"]" },
		{ "[{{#contact}}{{{email}}},{{{phone}}},{{{id}}},{{{attributes.email}}}{{/"
		  "contact}}]",
		  "[\"a@b.co\",\"+1\",\"c1\",\"a@b.co\"]" },
		{ "[{{#event}}{{{properties.email}}},{{{id}}}{{/event}}]", "[\"event's\",\"e1\"]" },
		{ "[{{{contact.identities}}}]",
		  "[[{\"kind\":\"email\",\"value\":\"old@x.co\"},{\"kind\":\"phone\",\"value\":"
		  "\"+1\"},{\"kind\":\"phone\",\"value\":\"+2\"},{\"kind\":\"number\",\"value\":"
		  "\"9\"}]]" },
		{ "[{{{nobody}}},\"{{event.nothing}}\",{{{contact.city}}}]", "[null,\"\",null]" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct str json;
		const char *why = "";
		if (make(cases[i].text, &json, &why) != 0)
			fail_msg("%s: %s", cases[i].text, why);
		if (!str_eq(json, str_of(cases[i].json)))
			fail_msg("%s: %.*s", cases[i].text, STR_ARG(json));
	}
}

static void test_whole_values(void **state)
{
	struct str json;
	const char *why;
	(void)state;
	assert_int_equal(make("{{{event}}}", &json, &why), 0);
	assert_true(str_eq(json, str_of(event)));
	assert_int_equal(make("{{{contact}}}", &json, &why), 0);
	assert_true(str_eq(json, str_of(contact)));
}

static void test_no_body(void **state)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "{\"a\":{{x}}}",
		  "the body is no template: {{...}} is text and stands between quotes; "
		  "for a JSON value write {{{...}}} at byte 5 of the template" },
		{ "[{{#properties.items}}{{{sku}}}{{/properties.items}}]",
		  "the body is not JSON: unexpected character at byte 22 of the template" },
		{ "[{{#properties.nothing}}1{{/properties.nothing}}",
		  "the body is not JSON: unexpected end of data at byte 48 of the template" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct str json;
		const char *why = "";
		assert_int_equal(make(cases[i].text, &json, &why), BODY_WRONG);
		if (strncmp(why, cases[i].why, 24) != 0 || strstr(why, "at byte") == NULL)
			fail_msg("%s: %s", cases[i].text, why);
		assert_string_equal(strstr(why, "at byte"), strstr(cases[i].why, "at byte"));
	}
}

/* An event of more than the memory for it: no failure of ours, and it ends. */
static void test_too_large(void **state)
{
	struct buf big = buf_in(&arena);
	struct str json;
	const char *why = "";
	(void)state;
	assert_non_null(buf_more(&big, JSON_MEMORY_MAX / 5 * 2));
	buf_lit(&big, "{\"properties\":[0");
	for (unsigned i = 0; i < JSON_MEMORY_MAX / 6; i++)
		buf_lit(&big, ",0");
	buf_lit(&big, "]}");
	assert_false(big.failed);
	const struct body of = { STR("m"), STR("a"), buf_str(&big), STR("{}") };
	assert_int_equal(body_make(&arena, STR("1"), &of, &json, &why), BODY_WRONG);
	assert_non_null(strstr(why, "the body cannot be made: "));
}

/* An event may use all the levels that a client's body may have; what is too deep all the same is no
 * failure of ours either. */
static void put_deep(struct buf *b, const char *begin, unsigned levels, const char *end)
{
	buf_put(b, str_of(begin));
	for (unsigned i = 0; i < levels; i++)
		buf_char(b, '[');
	for (unsigned i = 0; i < levels; i++)
		buf_char(b, ']');
	buf_put(b, str_of(end));
	buf_char(b, '\0');
}

static void test_deep(void **state)
{
	static const char deep[] =
		"the body cannot be made: what it is about is nested too deep at byte 0 of the "
		"template";
	static const struct {
		const char *text;
		unsigned event, contact; /* levels in the second one */
		const char *why;         /* NULL: it is made */
	} cases[] = {
		{ "[{{{properties.x}}}]", 62, 0, NULL },
		{ "{{{event}}}", 62, 0, NULL },
		{ "{{{contact}}}", 0, 62, NULL },
		{ "[{{{event}}}]", 62, 0,
		  "the body is not JSON: it is nested too deep at byte 0 of the template" },
		{ "[{{{delivery_id}}}]", 62, 62, NULL },
		{ "1", 63, 0, deep },
		{ "1", 0, 63, deep },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf e = buf_in(&arena), c = buf_in(&arena);
		struct str json;
		const char *why = "";
		put_deep(&e, "{\"properties\":{\"x\":", cases[i].event, "0}}" + !!cases[i].event);
		put_deep(&c, "{\"attributes\":{\"x\":", cases[i].contact,
			 "0}}" + !!cases[i].contact);
		const struct body of = { STR("m"), STR("a"), str_of(e.p), str_of(c.p) };
		int r = body_make(&arena, str_of(cases[i].text), &of, &json, &why);
		if (r != (cases[i].why ? BODY_WRONG : 0) || strcmp(why, cases[i].why ?: "") != 0)
			fail_msg("%zu: %d, %s", i, r, why);
	}
}

/* --- Judging --- */

static const struct field sku = { .name = STR_INIT("sku"), .type = FIELD_STRING };
static const struct field fields[] = {
	{ .name = STR_INIT("total"), .type = FIELD_NUMBER, .required = true },
	{ .name = STR_INIT("gift"), .type = FIELD_BOOLEAN },
	{ .name = STR_INIT("items"), .type = FIELD_ARRAY, .fields = &sku, .n_fields = 1 },
	{ .name = STR_INIT("tags"), .type = FIELD_ARRAY },
	{ .name = STR_INIT("ship"), .type = FIELD_OBJECT, .fields = &sku, .n_fields = 1 },
	{ .name = STR_INIT("at"), .type = FIELD_DATETIME },
	{ .name = STR_INIT("a.b"), .type = FIELD_INTEGER },
};

static struct definition *order(void)
{
	const struct definition like = {
		.no = 1, .name = STR("order"), .fields = fields, .n_fields = ARRAY_LEN(fields)
	};
	struct definition *d = definition_new(&like);
	assert_non_null(d);
	return d;
}

/* What is said of it; "": nothing. */
static const char *judge(const char *text, const struct definition *d)
{
	struct problems ps = { 0 };
	struct spec s = { .arena = &arena, .problems = &ps };
	struct buf b = buf_in(&arena);
	unsigned steps = BODY_STEPS_MAX;
	body_judge(&s, STR("body"), str_of(text), &d, d != NULL, &steps);
	assert_false(s.refused);
	for (unsigned i = 0; i < ps.n; i++)
		problem_put_english(&b, &ps.list[i]);
	buf_char(&b, '\0');
	return b.p;
}

static void test_judged(void **state)
{
	static const char none[] =
		"body cannot be a template: it makes no JSON of an event without "
		"properties: ";
	static const char of_order[] = "body cannot be a template: it makes no JSON of a sample of "
				       "order: ";
	static const char of_any[] = "body cannot be a template: it makes no JSON of a sample: ";
	static const struct {
		const char *text;
		const char *with, *without; /* a definition; NULL: it is good */
	} cases[] = {
		{ "{}", NULL, NULL },
		{ "{\"text\":\"{{contact.email}} spent {{properties.total}}\"}", NULL, NULL },
		{ "{\"total\":{{{properties.total}}}}", NULL, NULL },
		{ "{\"all\":{{{event}}},\"who\":{{{contact}}}}", NULL, NULL },
		{ "{{#event}}{\"id\":{{{id}}}}{{/event}}", NULL, NULL },
		{ "{{#contact}}{\"id\":{{{id}}}}{{/contact}}", NULL, NULL },
		{ "{\"a\":1{{#contact.email}},\"email\":\"{{contact.email}}\"{{/contact.email}}}",
		  NULL, NULL },
		{ "[{{#properties.items}}{{{sku}}}{{^-last}},{{/-last}}{{/properties.items}}]",
		  NULL, NULL },
		{ "[{{#properties.tags}}\"{{.}}\"{{^-last}},{{/-last}}{{/properties.tags}}]", NULL,
		  NULL },
		{ "{\"gift\":{{#properties.gift}}\"yes\"{{/"
		  "properties.gift}}{{^properties.gift}}null"
		  "{{/properties.gift}}}",
		  NULL, NULL },
		{ "{{{automation}}}", NULL, NULL },
		/* That of docs/automations.md. */
		{ "{\n\"text\": \"{{contact.first_name}} ordered for {{properties.total}}: "
		  "{{properties.note}}\",\n\"total\": {{{properties.total}}},{{#properties.gift}}\n"
		  "\"gift\": true,{{/properties.gift}}\n\"items\": [{{#properties.items}}\n"
		  "{\"sku\": {{{sku}}}, \"link\": \"https://shop.example/{{sku}}\"}"
		  "{{^-last}},{{/-last}}{{/properties.items}}\n]\n}\n",
		  NULL, NULL },
		/* Nothing of the event is needed to see what is wrong. */
		{ "{", none, none },
		{ "", none, none },
		{ "{\"a\":1,}", none, none },
		{ "{{#properties.total}}{}{{/properties.total}}", none, none },
		{ "{\"total\":1{{{properties.total}}}}", none, none },
		{ "{ {{{event.id}}}:1, {{{properties.x}}}:2}", none, none },
		/* With all that there can be. */
		{ "{\"a\":1{{#contact.email}}\"email\":\"{{contact.email}}\"{{/contact.email}}}",
		  of_order, of_any },
		{ "[{{#properties.items}}{{{sku}}},{{/properties.items}}0,]", none, none },
		{ "[{{#properties.items}}{{{sku}}},{{/properties.items}}]", of_order, of_any },
		{ "[{{#properties.tags}}\"{{.}}\"{{/properties.tags}}]", of_order, NULL },
		{ "[{{#properties.items}}{{#sku}},{{{.}}}{{/sku}}{{/properties.items}}]", of_order,
		  of_any },
		{ "{\"n\":{{#properties.a.b}}0{{{properties.a.b}}}{{/properties.a.b}}"
		  "{{^properties.a.b}}0{{/properties.a.b}}}",
		  of_order, of_any },
		{ "[{{#properties.nowhere}}]{{/properties.nowhere}}]", of_order, of_any },
		{ "[{{#properties.ship.sku}}1 2{{/properties.ship.sku}}]", of_order, of_any },
		/* No templates. */
		{ "{{x", "body cannot be a template: a tag is not closed, at byte 0",
		  "body cannot be a template: a tag is not closed, at byte 0" },
		{ "{\"a\":{{properties.total}}}", "body cannot be a template: {{...}} is text",
		  "body cannot be a template: {{...}} is text" },
		{ "{\"a\":\"{{> x}}\"}",
		  "body cannot be a template: there are no partials, at byte 6",
		  "body cannot be a template: there are no partials, at byte 6" },
	};
	struct definition *d = order();
	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_LEN(cases); i++) {
		const char *text = cases[i / 2].text;
		const char *expect = i % 2 ? cases[i / 2].without : cases[i / 2].with;
		const char *said = judge(text, i % 2 ? NULL : d);
		if (expect ? strncmp(said, expect, strlen(expect)) != 0 : *said != '\0')
			fail_msg("%s: \"%s\"", text, said);
	}
	definition_unref(d);
}

/* Lists in lists, of a thousand fields each: samples have an end, and what they leave out is tried
 * all the same. */
static void test_large_definitions(void **state)
{
	enum { MANY = 1000 };
	static char names[MANY][8];
	struct field level[FIELD_DEPTH_MAX][MANY];
	(void)state;
	for (unsigned i = 0; i < FIELD_DEPTH_MAX * MANY; i++) {
		struct field *f = &level[i / MANY][i % MANY];
		bool deepest = i < MANY;
		snprintf(names[i % MANY], sizeof(names[0]), "f%u", i % MANY);
		*f = (struct field){ .name = str_of(names[i % MANY]), .type = FIELD_ARRAY };
		if (!deepest) {
			f->fields = level[i / MANY - 1];
			f->n_fields = i % MANY == 0 ? MANY : 0;
		}
	}
	const struct definition d = { .name = STR("huge"),
				      .fields = level[FIELD_DEPTH_MAX - 1],
				      .n_fields = MANY };
	assert_string_equal(judge("[\"{{properties.f0.f0}}\",\"{{properties.f999}}\"]", &d), "");
	assert_string_equal(judge("[1{{#properties.f999}},{{{.}}}{{/properties.f999}}]", &d), "");
	assert_non_null(strstr(judge("[1{{#properties.f999}}{{{.}}}{{/properties.f999}}]", &d),
			       "it makes no JSON of a sample of huge: "));
}

/* All templates of a declaration share what time there is for them. */
static void test_steps(void **state)
{
	struct definition *d = order();
	const struct definition *definitions[] = { d };
	struct problems ps = { 0 };
	struct spec s = { .arena = &arena, .problems = &ps };
	struct buf b = buf_in(&arena);
	unsigned steps = BODY_STEPS_MAX, n = 0, before = steps;
	(void)state;
	buf_char(&b, '"');
	for (unsigned i = 0; i < 15; i++)
		buf_lit(&b, "{{#properties.tags}}");
	for (unsigned i = 0; i < 15; i++)
		buf_lit(&b, "{{/properties.tags}}");
	buf_char(&b, '"');
	for (; ps.n == 0; n++) {
		body_judge(&s, STR("body"), buf_str(&b), definitions, 1, &steps);
		assert_true(steps < before);
		before = steps;
	}
	assert_in_range(n, 2, 100);
	assert_non_null(strstr(ps.list[0].rule, "it cannot be made of a sample of order: it takes "
						"too long"));
	definition_unref(d);
}

/* --- In declarations --- */

static const char *declare(enum document_kind kind, const char *text)
{
	struct problems ps = { 0 };
	struct document d;
	struct buf b = buf_in(&arena);
	yyjson_val *v;
	if (json_parse(&arena, str_of(text), &v, NULL) != JSON_OK)
		fail_msg("no JSON: %s", text);
	bool good = declaration_read(&arena, kind, v, NULL, &ps, &d);
	assert_int_equal(good, ps.found == 0);
	for (unsigned i = 0; i < ps.n; i++)
		problem_put_english(&b, &ps.list[i]);
	buf_char(&b, '\0');
	return b.p;
}

#define INTEGER_BODY                                                                               \
	"\"{\\\"n\\\":{{#properties.n}}{{{properties.n}}}00{{/properties.n}}{{^properties.n}}0{{/" \
	"properties.n}}}\""

/* Among nothing: what they would be made of is not known. */
static void test_declared(void **state)
{
	static const struct {
		enum document_kind kind;
		const char *text, *said;
	} cases[] = {
		{ DOCUMENT_AUTOMATION,
		  "{\"name\":\"a\",\"actions\":[{\"send\":\"x\",\"body\":\"{}\"}]}", "" },
		{ DOCUMENT_AUTOMATION,
		  "{\"name\":\"a\",\"actions\":[{\"send\":\"x\",\"body\":" INTEGER_BODY "}]}", "" },
		{ DOCUMENT_AUTOMATION,
		  "{\"name\":\"a\",\"actions\":[{\"send\":\"x\",\"body\":\"{{x\"}]}",
		  "actions[0].body cannot be a template: a tag is not closed, at byte 0" },
		{ DOCUMENT_AUTOMATION,
		  "{\"name\":\"a\",\"actions\":[{\"send\":\"x\"},{\"send\":\"x\",\"body\":\"{\"}]}",
		  "" },
		{ DOCUMENT_AUTOMATION,
		  "{\"name\":\"a\",\"actions\":[{\"send\":\"x\",\"body\":\"\"}]}",
		  "actions[0].body must not be empty" },
		{ DOCUMENT_AUTOMATION,
		  "{\"name\":\"a\",\"actions\":[{\"send\":\"x\",\"body\":{}}]}",
		  "actions[0].body must be a string, not an object" },
		{ DOCUMENT_AUTOMATION, "{\"name\":\"a\",\"actions\":[{\"body\":\"{}\"}]}",
		  "actions[0] must have one of: send, set_attributes, remove_attributes, add_tag, "
		  "remove_tag, record" },
		{ DOCUMENT_DESTINATION,
		  "{\"name\":\"a\",\"type\":\"file\",\"path\":\"p\",\"body\":\"{}\"}", "" },
		{ DOCUMENT_DESTINATION,
		  "{\"name\":\"a\",\"type\":\"file\",\"path\":\"p\",\"body\":\"{{#a}}\"}",
		  "body cannot be a template: a section is not closed, at byte 0" },
		{ DOCUMENT_DESTINATION,
		  "{\"name\":\"a\",\"type\":\"file\",\"path\":\"p\",\"body\":7}",
		  "body must be a string, not a number" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_string_equal(declare(cases[i].kind, cases[i].text), cases[i].said);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_names, open_arena, close_arena),
		cmocka_unit_test_setup_teardown(test_whole_values, open_arena, close_arena),
		cmocka_unit_test_setup_teardown(test_no_body, open_arena, close_arena),
		cmocka_unit_test_setup_teardown(test_too_large, open_arena, close_arena),
		cmocka_unit_test_setup_teardown(test_deep, open_arena, close_arena),
		cmocka_unit_test_setup_teardown(test_judged, open_arena, close_arena),
		cmocka_unit_test_setup_teardown(test_large_definitions, open_arena, close_arena),
		cmocka_unit_test_setup_teardown(test_steps, open_arena, close_arena),
		cmocka_unit_test_setup_teardown(test_declared, open_arena, close_arena),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
