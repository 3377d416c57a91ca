#include "template/template.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

enum { MEMORY_MAX = 32 << 20, NAMES_MAX = 8 };

static struct arena arena;

static int open_arena(void **state)
{
	(void)state;
	arena_init(&arena, MEMORY_MAX, NULL);
	return 0;
}

static int close_arena(void **state)
{
	(void)state;
	arena_fini(&arena);
	return 0;
}

static yyjson_val *parsed(const char *text)
{
	yyjson_val *v;
	if (json_parse(&arena, str_of(text), &v, NULL) != JSON_OK)
		fail_msg("no JSON: %s", text);
	return v;
}

/* Each member of the object is a name outside of all sections. */
static int render(struct str text, const char *values, struct str *json, struct template_error *err)
{
	struct template_name names[NAMES_MAX] = { 0 };
	struct template_data data = { .names = names };
	struct template t;
	size_t i, n;
	yyjson_val *key, *v;
	json_foreach_member (parsed(values), i, n, key, v)
		names[data.n_names++] = (struct template_name){ json_str(key), { v } };
	int r = template_read(&arena, text, &t, err);
	return r ?: template_render(&t, &arena, &data, json, err);
}

struct good {
	const char *text, *values, *json;
};

static void check_good(const struct good *c, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct template_error err;
		struct str json;
		if (render(str_of(c[i].text), c[i].values, &json, &err) != 0)
			fail_msg("%s: %s at %zu", c[i].text, err.what, err.at);
		if (!str_eq(json, str_of(c[i].json)))
			fail_msg("%s: %.*s", c[i].text, STR_ARG(json));
		arena_reset(&arena);
	}
}

/* --- The specification's cases --- */

/* github.com/mustache/spec 1.4, restated: those about what is inserted where. */
static void test_specification(void **state)
{
	static const struct good cases[] = {
		/* Interpolation. */
		{ "\"Hello from {Mustache}!\"", "{}", "\"Hello from {Mustache}!\"" },
		{ "\"Hello, {{subject}}!\"", "{\"subject\":\"world\"}", "\"Hello, world!\"" },
		{ "\"{{mph}} miles an hour!\"", "{\"mph\":85}", "\"85 miles an hour!\"" },
		{ "\"{{power}} jiggawatts!\"", "{\"power\":1.210}", "\"1.210 jiggawatts!\"" },
		{ "\"I ({{cannot}}) be seen!\"", "{\"cannot\":null}", "\"I () be seen!\"" },
		{ "\"I ({{cannot}}) be seen!\"", "{}", "\"I () be seen!\"" },
		{ "\"{{p.name}}\" ", "{\"p\":{\"name\":\"Joe\"}}", "\"Joe\"" },
		{ "\"{{#p}}{{name}}{{/p}}\"", "{\"p\":{\"name\":\"Joe\"}}", "\"Joe\"" },
		{ "\"{{a.b.c.d.e.name}}\"",
		  "{\"a\":{\"b\":{\"c\":{\"d\":{\"e\":{\"name\":\"Phil\"}}}}}}", "\"Phil\"" },
		{ "\"{{a.b.c}}\"", "{\"a\":{}}", "\"\"" },
		{ "\"{{a.b.c.name}}\"", "{\"a\":{\"b\":{}},\"c\":{\"name\":\"Jim\"}}", "\"\"" },
		{ "\"{{#a}}{{b.c.name}}{{/a}}\"",
		  "{\"a\":{\"b\":{\"c\":{\"name\":\"Phil\"}}},\"b\":{\"c\":{\"name\":\"Wrong\"}}}",
		  "\"Phil\"" },
		{ "\"{{#a}}{{b.c}}{{/a}}\"", "{\"a\":{\"b\":{}},\"b\":{\"c\":\"ERROR\"}}", "\"\"" },
		{ "\"{{a.b}}\"", "{\"a.b\":1,\"a\":{\"b\":2}}", "\"2\"" },
		{ "\"{{.}}\"", "{}", "\"\"" },
		{ "\"| {{string}} |\"", "{\"string\":\"---\"}", "\"| --- |\"" },
		{ "\"|{{ string }}|\"", "{\"string\":\"---\"}", "\"|---|\"" },
		{ "\"|\" ", "{}", "\"|\"" },
		{ "{{{ string }}}", "{\"string\":\"---\"}", "\"---\"" },
		{ "{{& string }}", "{\"string\":\"---\"}", "\"---\"" },
		{ "{{ & string }}", "{\"string\":\"---\"}", "\"---\"" },
		{ "\"{{\n\tstring\n}}\"", "{\"string\":\"---\"}", "\"---\"" },
		/* Sections. */
		{ "\"{{#boolean}}This is rendered.{{/boolean}}\"", "{\"boolean\":true}",
		  "\"This is rendered.\"" },
		{ "\"{{#boolean}}This is not.{{/boolean}}\"", "{\"boolean\":false}", "\"\"" },
		{ "\"{{#null}}This is not.{{/null}}\"", "{\"null\":null}", "\"\"" },
		{ "\"{{#missing}}This is not.{{/missing}}\"", "{}", "\"\"" },
		{ "\"{{#context}}Hi {{name}}.{{/context}}\"", "{\"context\":{\"name\":\"Joe\"}}",
		  "\"Hi Joe.\"" },
		{ "\"{{#sec}}{{a}}, {{b}}, {{c.d}}{{/sec}}\"",
		  "{\"a\":\"foo\",\"b\":\"wrong\",\"sec\":{\"b\":\"bar\"},\"c\":{\"d\":\"baz\"}}",
		  "\"foo, bar, baz\"" },
		{ "\"{{#foo}}{{.}} is {{foo}}{{/foo}}\"", "{\"foo\":\"bar\"}", "\"bar is bar\"" },
		{ "\"{{#a}}{{one}}{{#b}}{{one}}{{two}}{{one}}{{/b}}{{one}}{{/a}}\"",
		  "{\"a\":{\"one\":1},\"b\":{\"two\":2}}", "\"11211\"" },
		{ "\"{{#tops}}{{#middles}}{{tname.lower}}{{mname}}.{{#bottoms}}{{tname.upper}}"
		  "{{mname}}{{bname}}.{{/bottoms}}{{/middles}}{{/tops}}\"",
		  "{\"tops\":[{\"tname\":{\"upper\":\"A\",\"lower\":\"a\"},\"middles\":[{\"mname\":"
		  "\"1\",\"bottoms\":[{\"bname\":\"x\"},{\"bname\":\"y\"}]}]}]}",
		  "\"a1.A1x.A1y.\"" },
		{ "\"{{#list}}{{item}}{{/list}}\"",
		  "{\"list\":[{\"item\":1},{\"item\":2},{\"item\":3}]}", "\"123\"" },
		{ "\"{{#list}}Yay lists!{{/list}}\"", "{\"list\":[]}", "\"\"" },
		{ "\"{{#bool}}* first {{/bool}}* {{two}} {{#bool}}* third{{/bool}}\"",
		  "{\"bool\":true,\"two\":\"second\"}", "\"* first * second * third\"" },
		{ "\"| A {{#b}}B {{#b}}C{{/b}} D{{/b}} E |\"", "{\"b\":true}",
		  "\"| A B C D E |\"" },
		{ "\"| A {{#b}}B {{#b}}C{{/b}} D{{/b}} E |\"", "{\"b\":false}", "\"| A  E |\"" },
		{ "\"{{#list}}({{.}}){{/list}}\"", "{\"list\":[\"a\",\"b\"]}", "\"(a)(b)\"" },
		{ "\"{{#list}}({{.}}){{/list}}\"", "{\"list\":[1,2.50,true]}",
		  "\"(1)(2.50)(true)\"" },
		{ "\"{{#list}}({{#.}}{{.}}{{/.}}){{/list}}\"", "{\"list\":[[1,2],[\"a\",\"b\"]]}",
		  "\"(12)(ab)\"" },
		{ "\"{{#a.b.c}}Here{{/a.b.c}}\"", "{\"a\":{\"b\":{\"c\":true}}}", "\"Here\"" },
		{ "\"{{#a.b.c}}Here{{/a.b.c}}\"", "{\"a\":{}}", "\"\"" },
		{ "\"{{# boolean }}={{/ boolean }}\"", "{\"boolean\":true}", "\"=\"" },
		/* Inverted sections. */
		{ "\"{{^boolean}}Here{{/boolean}}\"", "{\"boolean\":false}", "\"Here\"" },
		{ "\"{{^boolean}}Here{{/boolean}}\"", "{\"boolean\":true}", "\"\"" },
		{ "\"{{^null}}Here{{/null}}\"", "{\"null\":null}", "\"Here\"" },
		{ "\"{{^context}}Hi {{name}}.{{/context}}\"", "{\"context\":{\"name\":\"Joe\"}}",
		  "\"\"" },
		{ "\"{{^list}}{{n}}{{/list}}\"", "{\"list\":[{\"n\":1}]}", "\"\"" },
		{ "\"{{^list}}Yay lists!{{/list}}\"", "{\"list\":[]}", "\"Yay lists!\"" },
		{ "\"{{^missing}}[{{missing}}]{{/missing}}\"", "{}", "\"[]\"" },
		{ "\"{{^a.b.c}}Not Here{{/a.b.c}}\"", "{\"a\":{}}", "\"Not Here\"" },
		/* Comments. */
		{ "\"12345{{! Comment Block! }}67890\"", "{}", "\"1234567890\"" },
		{ "\"12345{{!\n  line\n  line\n}}67890\"", "{}", "\"1234567890\"" },
		{ "\"12 {{! {{#a }}34\"", "{}", "\"12 34\"" },
	};
	(void)state;
	check_good(cases, ARRAY_LEN(cases));
}

/* --- JSON --- */

#define HOSTILE "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0000\\u001f\\u007f\\u2028{{x}}\\ud83d\\ude00é\""

static void test_values(void **state)
{
	static const struct good cases[] = {
		{ "{\"a\":\"-{{x}}-\",\"b\":{{{x}}}}", "{\"x\":\"say \\\"hi\\\"\\n\\\\\"}",
		  "{\"a\":\"-say \\\"hi\\\"\\n\\\\-\",\"b\":\"say \\\"hi\\\"\\n\\\\\"}" },
		{ "[{{{x}}},\"{{x}}\"]", "{\"x\":" HOSTILE "}",
		  "[\"\\\"\\\\/\\u0008\\u000c\\n\\r\\t\\u0000\\u001f\x7f\u2028{{x}}\U0001F600é\","
		  "\"\\\"\\\\/\\u0008\\u000c\\n\\r\\t\\u0000\\u001f\x7f\u2028{{x}}\U0001F600é\"]" },
		{ "{\"{{x}}\":1}", "{\"x\":\"a\\\"b\"}", "{\"a\\\"b\":1}" },
		/* Each type, as text and as a value. */
		{ "[\"{{x}}\",{{{x}}}]", "{\"x\":1.10}", "[\"1.10\",1.10]" },
		{ "[\"{{x}}\",{{{x}}}]", "{\"x\":-0}", "[\"-0\",-0]" },
		{ "[\"{{x}}\",{{{x}}}]", "{\"x\":123456789012345678901234567890}",
		  "[\"123456789012345678901234567890\",123456789012345678901234567890]" },
		{ "[\"{{x}}\",{{{x}}}]", "{\"x\":1E+2}", "[\"1E+2\",1E+2]" },
		{ "[\"{{x}}\",{{{x}}}]", "{\"x\":true}", "[\"true\",true]" },
		{ "[\"{{x}}\",{{{x}}}]", "{\"x\":false}", "[\"false\",false]" },
		{ "[\"{{x}}\",{{{x}}}]", "{\"x\":null}", "[\"\",null]" },
		{ "[\"{{x}}\",{{{x}}}]", "{}", "[\"\",null]" },
		{ "[\"{{x}}\",{{&x}}]", "{\"x\":[1,\"a\"]}", "[\"[1,\\\"a\\\"]\",[1,\"a\"]]" },
		{ "[\"{{x}}\",{{{x}}}]", "{\"x\":{\"k\":\"\\\"\"}}",
		  "[\"{\\\"k\\\":\\\"\\\\\\\"\\\"}\",{\"k\":\"\\\"\"}]" },
		{ "{{{x}}}", "{\"x\":{}}", "{}" },
		/* Braces of JSON beside those of tags. */
		{ "{\"a\":{\"b\":{{{x}}}}}", "{\"x\":1}", "{\"a\":{\"b\":1}}" },
		{ "{\"a\":{\"b\":\"{{x}}\"}}", "{\"x\":1}", "{\"a\":{\"b\":\"1\"}}" },
		{ "{\"a\":{\"b\":{{&x}}}}", "{\"x\":1}", "{\"a\":{\"b\":1}}" },
		/* What goes out is one line, and of equal members the last. */
		{ "{\n  \"a\" : 1 ,\r\n\t\"a\": [ 2 ]\n}\n", "{}", "{\"a\":[2]}" },
		/* Sections around members, and between items. */
		{ "{\"a\":1{{#x}},\"x\":\"{{x}}\"{{/x}}}", "{\"x\":\"y\"}",
		  "{\"a\":1,\"x\":\"y\"}" },
		{ "{\"a\":1{{#x}},\"x\":\"{{x}}\"{{/x}}}", "{\"x\":\"\"}", "{\"a\":1}" },
		{ "{\"a\":1{{#x}},\"x\":{{{x}}}{{/x}}}", "{\"x\":0}", "{\"a\":1,\"x\":0}" },
		{ "[{{#x}}{{{.}}}{{^-last}},{{/-last}}{{/x}}]", "{\"x\":[1,2,3]}", "[1,2,3]" },
		{ "[{{#x}}{{{.}}}{{^-last}},{{/-last}}{{/x}}]", "{\"x\":[]}", "[]" },
		{ "[{{#x}}{{{.}}}{{^-last}},{{/-last}}{{/x}}]", "{\"x\":7}", "[7]" },
		{ "[{{#x}}{{^-first}},{{/-first}}{\"n\":{{{n}}}}{{/x}}]",
		  "{\"x\":[{\"n\":1},{\"n\":\"b\"}]}", "[{\"n\":1},{\"n\":\"b\"}]" },
		{ "[{{#x}}[{{#y}}{{{.}}}{{^-last}},{{/-last}}{{/y}}]{{^-last}},{{/-last}}{{/x}}]",
		  "{\"x\":[{\"y\":[1,2]},{\"y\":[3]}]}", "[[1,2],[3]]" },
		{ "[{{#x}}{{#o}}{{{n}}}{{^-last}},{{/-last}}{{/o}}{{/x}}]",
		  "{\"x\":[{\"o\":{\"n\":1}},{\"o\":{\"n\":2}}]}", "[1,2]" },
		/* Names. */
		{ "\"{{a.b.c}}\"", "{\"a\":{\"b.c\":\"long\",\"b\":{\"c\":\"short\"}}}",
		  "\"long\"" },
		{ "\"{{#a}}{{b.c}}{{/a}}\"", "{\"a\":{\"b.c\":1}}", "\"1\"" },
		{ "\"{{ a.Order total }}\"", "{\"a\":{\"Order total\":5}}", "\"5\"" },
		{ "\"{{a.ключ}}\"", "{\"a\":{\"ключ\":\"да\"}}", "\"да\"" },
		{ "\"{{a..b}}\"", "{\"a\":{\"\":{\"b\":1}}}", "\"1\"" },
		{ "\"{{a.Inc.}}\"", "{\"a\":{\"Inc.\":1}}", "\"1\"" },
	};
	(void)state;
	check_good(cases, ARRAY_LEN(cases));
}

static void test_names_with_several_values(void **state)
{
	yyjson_val *first = parsed("{\"id\":1,\"in\":{\"a\":\"first\"}}");
	yyjson_val *second = parsed("{\"id\":2,\"city\":\"Kaunas\",\"in\":{\"b\":\"second\"}}");
	const struct template_name names[] = { { STR("c"), { first, NULL, second } } };
	const struct template_data data = { .names = names, .n_names = 1 };
	static const struct good cases[] = {
		{ "{{{c}}}", NULL, "{\"id\":1,\"in\":{\"a\":\"first\"}}" },
		{ "[{{{c.id}}},{{{c.city}}},{{{c.in.a}}},{{{c.in.b}}},{{{c.x}}}]", NULL,
		  "[1,\"Kaunas\",\"first\",\"second\",null]" },
		{ "[{{#c}}{{{id}}},{{{city}}},{{{.}}}{{/c}}]", NULL,
		  "[1,\"Kaunas\",{\"id\":1,\"in\":{\"a\":\"first\"}}]" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct template_error err;
		struct template t;
		struct str json;
		assert_int_equal(template_read(&arena, str_of(cases[i].text), &t, &err), 0);
		assert_int_equal(template_render(&t, &arena, &data, &json, &err), 0);
		if (!str_eq(json, str_of(cases[i].json)))
			fail_msg("%s: %.*s", cases[i].text, STR_ARG(json));
	}
}

/* With something in place of all that is missing, each section is there. */
static void test_otherwise(void **state)
{
	const struct template_data data = { .otherwise = parsed("\"x\"") };
	struct template_error err;
	struct template t;
	struct str json;
	(void)state;
	assert_int_equal(template_read(&arena,
				       STR("[\"{{a.b}}\"{{#c}},{{{d}}},\"{{.}}\"{{/c}}"
					   "{{^e}}never{{/e}},\"{{.}}\"]"),
				       &t, &err),
			 0);
	assert_int_equal(template_render(&t, &arena, &data, &json, &err), 0);
	assert_true(str_eq(json, STR("[\"x\",\"x\",\"x\",\"x\"]")));
}

/* --- Refusals --- */

struct bad {
	const char *text, *what;
	size_t at;
};

static const char outside[] = "{{...}} is text and stands between quotes; for a JSON value write "
			      "{{{...}}}";
static const char inside[] = "{{{...}}} is a JSON value and stands outside of quotes; for text "
			     "write {{...}}";
static const char within[] = "a quote is opened or closed within a section";
static const char escape[] = "a tag stands within an escape";

static void test_no_templates(void **state)
{
	static const struct bad cases[] = {
		{ "{{", "a tag is not closed", 0 },
		{ "{{{", "a tag is not closed", 0 },
		{ "{\"a\":{{{x}}", "a tag is not closed", 5 },
		{ "{\"a\":\"{{x}\"}", "a tag is not closed", 6 },
		{ "{{!", "a tag is not closed", 0 },
		{ "[{{#a}}]", "a section is not closed", 1 },
		{ "[{{^a}}]", "a section is not closed", 1 },
		{ "[{{#a}}{{/b}}]", "a section is not closed", 1 },
		{ "[{{#a}}{{#b}}{{/a}}{{/b}}]", "a section is not closed", 1 },
		{ "[{{/a}}]", "a section is closed that is not open", 1 },
		{ "[{{#a}}{{/a}}{{/a}}]", "a section is closed that is not open", 13 },
		{ "[{{}}]", "a tag has no name", 1 },
		{ "[{{  }}]", "a tag has no name", 1 },
		{ "[{{{ }}}]", "a tag has no name", 1 },
		{ "[{{#}}{{/}}]", "a tag has no name", 1 },
		{ "[{{&}}]", "a tag has no name", 1 },
		{ "[{{> part}}]", "there are no partials", 1 },
		{ "[{{#a}}{{>a}}{{/a}}]", "there are no partials", 7 },
		{ "[{{=<% %>=}}]", "delimiters cannot be changed", 1 },
		{ "[{{ = | | = }}]", "delimiters cannot be changed", 1 },
		{ "[{{{=<% %>=}}}]", "delimiters cannot be changed", 1 },
		{ "[{{\v=a b=}}]", "delimiters cannot be changed", 1 },
		/* Sides of quotes. */
		{ "{\"a\":{{x}}}", outside, 5 },
		{ "{{x}}", outside, 0 },
		{ "{\"a\":\"{{{x}}}\"}", inside, 6 },
		{ "{\"a\":\"{{&x}}\"}", inside, 6 },
		{ "{\"a\\\"{{{x}}}\":1}", inside, 5 },
		{ "{\"a\\\\\":{{x}}}", outside, 7 },
		{ "\"\\{{x}}\"", escape, 2 },
		{ "\"\\u00{{x}}\"", escape, 5 },
		{ "\"\\{{#x}}n{{/x}}\"", escape, 2 },
		{ "[{{#x}}\"{{/x}}\"]", within, 1 },
		{ "[\"{{#x}}\",\"{{/x}}a]", NULL, 0 },
		{ "[{{^x}}\"{{x}}{{/x}}\"]", within, 1 },
		{ "[\"{{#x}}\\{{/x}}\"]", within, 2 },
		{ "[{{#a}}{{#b}}\"{{/b}}{{/a}}]", within, 7 },
		{ "{{#x}}\"{{/x}}, \"admin\": true, \"y\": \"{{#x}}{{x}}{{/x}}\"", within, 0 },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct template_error err;
		struct template t;
		int r = template_read(&arena, str_of(cases[i].text), &t, &err);
		if (!cases[i].what) {
			assert_int_equal(r, 0);
			continue;
		}
		if (r != TEMPLATE_WRONG)
			fail_msg("%s: %d", cases[i].text, r);
		if (strcmp(err.what, cases[i].what) != 0 || err.at != cases[i].at)
			fail_msg("%s: %s at %zu", cases[i].text, err.what, err.at);
	}
}

/* Templates of which no JSON comes with these values, and which byte is to blame. */
static void test_no_json(void **state)
{
	static const struct {
		const char *text, *values, *what;
		size_t at;
	} cases[] = {
		{ "", "{}", "unexpected end of data", 0 },
		{ " {{! nothing }} ", "{}", NULL, 0 },
		{ "{\"a\":}", "{}", NULL, 5 },
		{ "{\"a\":{{{x}}} \"b\":1}", "{\"x\":1}", NULL, 13 },
		{ "{{{x}}}{{{x}}}", "{\"x\":null}", NULL, 7 },
		{ "1{{{x}}}", "{\"x\":null}", NULL, 1 },
		{ "{ {{{x}}}:1}", "{\"x\":12}", NULL, 2 },
		{ "[{{#x}}{{{.}}},{{/x}}]", "{\"x\":[1,2]}", NULL, 14 },
		{ "[{{#x}}{{{.}}} {{/x}}]", "{\"x\":[1,2]}", NULL, 7 },
		{ "[\"a\nb\"]", "{}", NULL, 3 },
		{ "[\"{{x}}\\q\"]", "{\"x\":\"long enough\"}", NULL, 8 },
		{ "[\"\\ud800{{x}}\"]", "{\"x\":\"\"}", NULL, 13 },
		{ "[1e999]", "{}", "number is out of range", 1 },
		{ "nul", "{}", NULL, 0 },
		{ "[01]", "{}", NULL, 1 },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct template_error err;
		struct str json;
		int r = render(str_of(cases[i].text), cases[i].values, &json, &err);
		if (r != TEMPLATE_WRONG)
			fail_msg("%s: %d", cases[i].text, r);
		if (cases[i].what && strcmp(err.what, cases[i].what) != 0)
			fail_msg("%s: %s", cases[i].text, err.what);
		if (err.at < cases[i].at || err.at > cases[i].at + 6)
			fail_msg("%s: %s at %zu", cases[i].text, err.what, err.at);
	}
}

/* --- Bounds --- */

static struct str repeated(const char *begin, const char *each, size_t n, const char *end)
{
	struct buf b = buf_in(&arena);
	buf_put(&b, str_of(begin));
	for (size_t i = 0; i < n; i++)
		buf_put(&b, str_of(each));
	buf_put(&b, str_of(end));
	buf_char(&b, '\0');
	assert_false(b.failed);
	return (struct str){ b.p, b.n - 1 };
}

static struct str nested(size_t n)
{
	struct str in = repeated("", "{{#a}}", n, "1");
	return repeated(in.p, "{{/a}}", n, "");
}

static void test_bounds_of_the_text(void **state)
{
	const struct {
		struct str text;
		const char *what;
	} cases[] = {
		{ nested(TEMPLATE_DEPTH_MAX), NULL },
		{ nested(TEMPLATE_DEPTH_MAX + 1), "sections are nested too deep" },
		{ nested(500), "sections are nested too deep" },
		{ nested(501), "it has more than 1000 tags" },
		{ repeated("[", "{{{a}}},", 999, "{{{a}}}]"), NULL },
		{ repeated("[", "{{{a}}},", 1000, "{{{a}}}]"), "it has more than 1000 tags" },
		{ repeated("", "{{ ", 20000, ""), "it has more than 1000 tags" },
		{ repeated("", "{", 65536, ""), "a tag is not closed" },
		{ repeated("{{", "a", 65530, "}}"), outside },
		{ repeated("{{!", " ", 65000, ""), "a tag is not closed" },
		{ repeated("", " ", 65535, "1"), NULL },
		{ repeated("", " ", 65536, "1"), "it is larger than 64 KiB" },
		{ repeated("", "{{#a}}", 1000, ""), "a section is not closed" },
		{ repeated("", "{{/a}}", 1000, ""), "a section is closed that is not open" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct template_error err = { 0 };
		struct template t;
		int r = template_read(&arena, cases[i].text, &t, &err);
		if (r != (cases[i].what ? TEMPLATE_WRONG : 0))
			fail_msg("%zu: %d", i, r);
		if (cases[i].what && strcmp(err.what, cases[i].what) != 0)
			fail_msg("%zu: %s", i, err.what);
	}
}

static void test_bounds_of_what_is_made(void **state)
{
	struct str list = repeated("{\"l\":[0", ",0", 999, "],\"s\":\"");
	struct str values = repeated(list.p, "0123456789", 1000, "\"}");
	const struct {
		const char *text;
		int outcome;
		const char *what;
	} cases[] = {
		{ "[{{#l}}\"{{s}}\",{{/l}}0]", TEMPLATE_TOO_MUCH, "it makes more than 1 MiB" },
		{ "\"{{#l}}{{#l}}{{#l}}{{#l}}{{/l}}{{/l}}{{/l}}{{/l}}\"", TEMPLATE_TOO_MUCH,
		  "it takes too long" },
		{ "\"{{#l}}{{#l}}{{#l}}{{x.y.z}}{{/l}}{{/l}}{{/l}}\"", TEMPLATE_TOO_MUCH,
		  "it takes too long" },
		{ "\"{{#l}}{{s}}{{/l}}\"", TEMPLATE_TOO_MUCH, "it makes more than 1 MiB" },
		{ "\"{{#l}}{{#l}}x{{/l}}{{/l}}\"", 0, NULL }, /* a million bytes */
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct template_error err = { 0 };
		struct str json;
		int r = render(str_of(cases[i].text), values.p, &json, &err);
		if (r != cases[i].outcome)
			fail_msg("%s: %d %s", cases[i].text, r, err.what);
		if (cases[i].what)
			assert_string_equal(err.what, cases[i].what);
	}
}

static void test_json_too_deep(void **state)
{
	struct str deep = repeated("{\"x\":", "[", JSON_DEPTH_MAX - 1, "");
	struct str values = repeated(deep.p, "]", JSON_DEPTH_MAX - 1, "}");
	struct template_error err;
	struct str json;
	(void)state;
	assert_int_equal(render(STR("[{{{x}}}]"), values.p, &json, &err), 0);
	assert_int_equal(render(STR("[[{{{x}}}]]"), values.p, &json, &err), TEMPLATE_WRONG);
	assert_string_equal(err.what, "it is nested too deep");
}

/* However little memory there is, it ends with an outcome; the arena's ceiling is no failure. */
static void test_little_memory(void **state)
{
	struct str big = repeated("{\"x\":\"", "0123456789", 50000, "\"}");
	const struct template_name names[] = { { STR("x"),
						 { json_get(parsed(big.p), STR("x")) } } };
	const struct template_data data = { .names = names, .n_names = 1 };
	struct template_error err = { 0 };
	struct template t;
	unsigned made = 0, too_much = 0;
	(void)state;
	assert_int_equal(template_read(&arena, STR("[{{{x}}}]"), &t, &err), 0);
	for (size_t ceiling = 1 << 12; ceiling < 1 << 23; ceiling *= 2) {
		struct arena small;
		struct str json;
		arena_init(&small, ceiling, NULL);
		int r = template_render(&t, &small, &data, &json, &err);
		assert_in_range(r == 0 ? TEMPLATE_TOO_MUCH : r, TEMPLATE_TOO_MUCH,
				TEMPLATE_TOO_MUCH);
		made += r == 0;
		too_much += r == TEMPLATE_TOO_MUCH;
		arena_fini(&small);
	}
	assert_true(made > 0 && too_much > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_specification, open_arena, close_arena),
		cmocka_unit_test_setup_teardown(test_values, open_arena, close_arena),
		cmocka_unit_test_setup_teardown(test_names_with_several_values, open_arena,
						close_arena),
		cmocka_unit_test_setup_teardown(test_otherwise, open_arena, close_arena),
		cmocka_unit_test_setup_teardown(test_no_templates, open_arena, close_arena),
		cmocka_unit_test_setup_teardown(test_no_json, open_arena, close_arena),
		cmocka_unit_test_setup_teardown(test_bounds_of_the_text, open_arena, close_arena),
		cmocka_unit_test_setup_teardown(test_bounds_of_what_is_made, open_arena,
						close_arena),
		cmocka_unit_test_setup_teardown(test_json_too_deep, open_arena, close_arena),
		cmocka_unit_test_setup_teardown(test_little_memory, open_arena, close_arena),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
