/* What actions say, what of it is refused, and what the workspace has to say about it. */
#include "model/automation.h"

#include "declared.h"

static bool read(const char *action, struct automation *m, struct problems *ps)
{
	struct str text =
		arena_printf(&arena, "{\"name\":\"a\",\"actions\":[{\"send\":\"x\"},%s]}", action);
	yyjson_val *v;
	*ps = (struct problems){ .n = 0 };
	if (!text.p || json_parse(&arena, text, &v, NULL) != JSON_OK)
		fail_msg("no JSON: %s", action);
	return automation_read(&arena, v, ps, m);
}

/* --- Reading --- */

/* "set city \"Berlin\", set custom.tier \"gold\"" */
static const char *in_short(const struct action *a)
{
	static const char *const verbs[] = {
		[ATTRIBUTE_SET] = "set",
		[ATTRIBUTE_REMOVE] = "remove",
		[ATTRIBUTE_UNION] = "unite",
		[ATTRIBUTE_WITHOUT] = "without",
	};
	struct buf b = buf_in(&arena);
	for (unsigned i = 0; i < a->n_changes; i++) {
		const struct attribute_change *c = &a->changes[i];
		buf_printf(&b, "%s%s %s" STR_FMT, i ? ", " : "", verbs[c->verb],
			   c->custom ? "custom." : "", STR_ARG(c->name));
		if (c->json.p)
			buf_printf(&b, " " STR_FMT, STR_ARG(c->json));
	}
	if (a->kind == ACTION_RECORD) {
		buf_put(&b, a->definition);
		buf_char(&b, ' ');
		json_put(&b, a->properties);
	}
	buf_put(&b, a->destination);
	if (a->body.p)
		buf_printf(&b, " " STR_FMT, STR_ARG(a->body));
	buf_char(&b, '\0');
	return b.p;
}

static void test_read(void **state)
{
	static const struct {
		const char *in;
		enum action_kind kind;
		const char *what;
	} cases[] = {
		{ "{\"send\":\"crm\"}", ACTION_SEND, "crm" },
		{ "{\"send\":\"crm\",\"record\":null}", ACTION_SEND, "crm" },
		{ "{\"send\":\"crm\",\"body\":\"{}\"}", ACTION_SEND, "crm {}" },
		{ "{\"set_attributes\":{\"city\":\"Berlin\"}}", ACTION_SET_ATTRIBUTES,
		  "set city \"Berlin\"" },
		{ "{\"set_attributes\":{\"custom\":{\"tier\":\"gold\",\"n\":1.50,\"on\":true}}}",
		  ACTION_SET_ATTRIBUTES,
		  "set custom.tier \"gold\", set custom.n 1.50, set custom.on true" },
		{ "{\"set_attributes\":{\"gender\":\"f\",\"birthdate\":\"2000-02-29\","
		  "\"subscribed\":false,\"first_name\":\"\"}}",
		  ACTION_SET_ATTRIBUTES,
		  "set gender \"f\", set birthdate \"2000-02-29\", set first_name \"\", "
		  "set subscribed false" },
		{ "{\"remove_attributes\":[\"city\",\"custom.a.b\",\"custom.city\"]}",
		  ACTION_REMOVE_ATTRIBUTES, "remove city, remove custom.a.b, remove custom.city" },
		{ "{\"add_tag\":\"v \\\"i\\\" p\"}", ACTION_ADD_TAG,
		  "unite tags [\"v \\\"i\\\" p\"]" },
		{ "{\"remove_tag\":\"vip\"}", ACTION_REMOVE_TAG, "without tags [\"vip\"]" },
		{ "{\"record\":{\"definition\":\"x\"}}", ACTION_RECORD, "x null" },
		{ "{\"record\":{\"definition\":\"x\",\"properties\":{\"n\":1,\"o\":{\"p\":[]}}}}",
		  ACTION_RECORD, "x {\"n\":1,\"o\":{\"p\":[]}}" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct automation m;
		struct problems ps;
		if (!read(cases[i].in, &m, &ps))
			fail_msg("%s: %s", cases[i].in, in_english(&ps));
		assert_int_equal(m.n_actions, 2);
		assert_int_equal(m.actions[1].kind, cases[i].kind);
		assert_string_equal(in_short(&m.actions[1]), cases[i].what);
	}
}

#define KINDS "send, set_attributes, remove_attributes, add_tag, remove_tag, record; "
#define ATTRIBUTES                                                                            \
	"gender, birthdate, first_name, last_name, language, address, city, state, country, " \
	"country_code, postal_code, active, subscribed, custom.NAME; "
#define SET(members)     "{\"set_attributes\":{" members "}}"
#define REMOVE(names)    "{\"remove_attributes\":[" names "]}"
#define RECORD(members)  "{\"record\":{" members "}}"
#define TEN(x)           x x x x x x x x x x
#define LONG_NAME(bytes) TEN(bytes) "123456789012345678901234567890"

static void test_refused(void **state)
{
	static const struct {
		const char *in, *said;
	} cases[] = {
		{ "{\"send\":null}", "actions[1] must have one of: " KINDS },
		{ "{\"send\":\"x\",\"add_tag\":\"y\"}", "actions[1] must have one of: " KINDS },
		{ "{\"tag\":\"y\"}", "actions[1].tag is not a member that is known here; " },
		{ "{\"send\":\"\"}", "actions[1].send must not be empty; " },
		{ "{\"body\":\"{}\"}", "actions[1] must have one of: " KINDS },
		{ "{\"add_tag\":\"y\",\"body\":\"{}\"}",
		  "actions[1].body may not stand together with add_tag; " },
		{ "{\"send\":\"x\",\"body\":{}}",
		  "actions[1].body must be a string, not an object; " },
		{ SET(""), "actions[1].set_attributes must not be empty; " },
		{ "{\"set_attributes\":[]}",
		  "actions[1].set_attributes must be an object, not an array; " },
		{ SET("\"custom\":{}"), "actions[1].set_attributes.custom must not be empty; " },
		{ SET("\"custom\":7"),
		  "actions[1].set_attributes.custom must be an object, not a number; " },
		{ SET("\"email\":\"a@b.co\""),
		  "actions[1].set_attributes.email is not a member that is known here; " },
		{ SET("\"tags\":[\"a\"]"),
		  "actions[1].set_attributes.tags is not a member that is known here; " },
		{ SET("\"city\":7"),
		  "actions[1].set_attributes.city must be a string, not a number; " },
		{ SET("\"city\":null"),
		  "actions[1].set_attributes.city must be a value, not null; " },
		{ SET("\"active\":\"yes\""),
		  "actions[1].set_attributes.active must be a boolean, not a string; " },
		{ SET("\"gender\":\"female\""),
		  "actions[1].set_attributes.gender must be one of: m, f; " },
		{ SET("\"birthdate\":\"1990-02-30\""),
		  "actions[1].set_attributes.birthdate must be a date; " },
		{ SET("\"custom\":{\"a\":{}}"),
		  "actions[1].set_attributes.custom.a must be a plain value, not an object; " },
		{ SET("\"custom\":{\"a\":[1]}"),
		  "actions[1].set_attributes.custom.a must be a plain value, not an array; " },
		{ SET("\"custom\":{\"a\":null}"),
		  "actions[1].set_attributes.custom.a must be a plain value, not null; " },
		{ SET("\"custom\":{\"\":1}"),
		  "actions[1].set_attributes.custom. must not be empty; " },
		{ SET("\"custom\":{\"x\\u0007\":1}"),
		  "actions[1].set_attributes.custom.x\x07 is not a valid name: it holds a control "
		  "character; " },
		{ SET("\"custom\":{\"" LONG_NAME("1234567890") "\":1}"),
		  "actions[1].set_attributes.custom." LONG_NAME(
			  "1234567890") " is not a valid name: it is too long; " },
		{ REMOVE(""), "actions[1].remove_attributes must not be empty; " },
		{ REMOVE("7"), "actions[1].remove_attributes[0] must be a string, not a number; " },
		{ REMOVE("\"city\",\"email\""),
		  "actions[1].remove_attributes[1] must be one of: " ATTRIBUTES },
		{ REMOVE("\"contact.city\""),
		  "actions[1].remove_attributes[0] must be one of: " ATTRIBUTES },
		{ REMOVE("\"custom\""),
		  "actions[1].remove_attributes[0] must be one of: " ATTRIBUTES },
		{ REMOVE("\"custom.\""), "actions[1].remove_attributes[0] must not be empty; " },
		{ "{\"add_tag\":\"\"}", "actions[1].add_tag must not be empty; " },
		{ "{\"add_tag\":[\"a\"]}", "actions[1].add_tag must be a string, not an array; " },
		{ "{\"remove_tag\":\" \"}",
		  "actions[1].remove_tag is not a valid name: it is blank; " },
		{ "{\"remove_tag\":\"a\\n\"}",
		  "actions[1].remove_tag is not a valid name: it holds a control character; " },
		{ "{\"add_tag\":\"" TEN(TEN("xxx")) "\"}",
		  "actions[1].add_tag may have at most 255 characters, not 300; " },
		{ RECORD(""), "actions[1].record.definition is required; " },
		{ RECORD("\"definition\":7"),
		  "actions[1].record.definition must be a string, not a number; " },
		{ RECORD("\"definition\":\"x\",\"properties\":[]"),
		  "actions[1].record.properties must be an object, not an array; " },
		{ RECORD("\"definition\":\"x\",\"contact\":\"y\""),
		  "actions[1].record.contact is not a member that is known here; " },
		{ RECORD("\"definition\":\"x\",\"properties\":{\"a\\u0001\":1}"),
		  "actions[1].record.properties.a\x01 is not a valid name: it holds a control "
		  "character; " },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct automation m;
		struct problems ps;
		if (read(cases[i].in, &m, &ps))
			fail_msg("taken: %s", cases[i].in);
		assert_string_equal(in_english(&ps), cases[i].said);
	}
}

static void test_too_many(void **state)
{
	struct automation m;
	struct problems ps;
	struct buf set = buf_in(&arena), gone = buf_in(&arena);
	(void)state;
	for (unsigned i = 0; i <= ACTION_ATTRIBUTES_MAX; i++) {
		buf_printf(&set, "%s\"a%u\":1", i ? "," : "{\"set_attributes\":{\"custom\":{", i);
		buf_printf(&gone, "%s\"custom.a%u\"", i ? "," : "{\"remove_attributes\":[", i);
	}
	buf_lit(&set, "}}}");
	buf_char(&set, '\0');
	buf_lit(&gone, "]}");
	buf_char(&gone, '\0');
	assert_false(read(set.p, &m, &ps));
	assert_string_equal(in_english(&ps),
			    "actions[1].set_attributes may have at most 100 members, not 101; ");
	assert_false(read(gone.p, &m, &ps));
	assert_string_equal(in_english(&ps),
			    "actions[1].remove_attributes may have at most 100 items, not 101; ");
}

/* --- Judging --- */

static const struct field vip_fields[] = {
	{ .name = STR_INIT("level"), .type = FIELD_INTEGER, .required = true },
	{ .name = STR_INIT("since"), .type = FIELD_DATE },
	{ .name = STR_INIT("of"), .type = FIELD_OBJECT },
};

static void define(struct catalog_edit *e, uint32_t workspace, uint32_t no, const char *name,
		   unsigned n_fields, bool inferred)
{
	const struct definition like = { .no = no,
					 .name = str_of(name),
					 .inferred = inferred,
					 .fields = vip_fields,
					 .n_fields = n_fields,
					 .annotations = STR_INIT("{}") };
	struct definition *d = definition_new(&like);
	assert_int_equal(catalog_edit_define(e, workspace, d), 0);
	definition_unref(d);
}

/* The first has contact fields, the second none. */
static struct catalog *make_catalog(void)
{
	static const struct contact_field fields[] = {
		{ .no = 1, .name = STR_INIT("tier"), .typed = true, .type = FIELD_STRING },
		{ .no = 2, .name = STR_INIT("score"), .typed = true, .type = FIELD_NUMBER },
		{ .no = 3, .name = STR_INIT("born"), .typed = true, .type = FIELD_DATE },
		{ .no = 4, .name = STR_INIT("any") },
	};
	struct catalog_edit *e;
	assert_int_equal(catalog_edit_new(NULL, &e), 0);
	for (uint32_t no = 1; no <= 2; no++) {
		const struct workspace w = { .no = no, .id = { { (uint8_t)no } } };
		assert_int_equal(catalog_edit_workspace(e, &w), 0);
		define(e, no, 10 * no + 1, "vip", ARRAY_LEN(vip_fields), false);
		define(e, no, 10 * no + 2, "open", 0, false);
		define(e, no, 10 * no + 3, "seen", 1, true);
	}
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		assert_int_equal(catalog_edit_contact_field(e, 1, &fields[i]), 0);
	return catalog_edit_done(e);
}

#define EVENT(name, properties) RECORD("\"definition\":\"" name "\",\"properties\":" properties)
#define CUSTOM(members)         SET("\"custom\":{" members "}")

static void test_judged(void **state)
{
	static const struct {
		const char *in, *said;
		uint32_t workspace;
	} cases[] = {
		{ EVENT("vip", "{\"level\":3}"), "", 1 },
		{ EVENT("vip", "{\"level\":3,\"since\":\"2026-11-21\",\"of\":{\"x\":1}}"), "", 1 },
		{ EVENT("vip", "{\"level\":3,\"since\":null}"), "", 1 },
		{ EVENT("open", "{\"what\":[1,{}]}"), "", 1 },
		{ RECORD("\"definition\":\"open\""), "", 1 },
		{ EVENT("seen", "{\"level\":1,\"more\":2}"), "", 1 },
		{ CUSTOM("\"tier\":\"gold\",\"score\":1.5,\"born\":\"2000-01-01\",\"any\":true"),
		  "", 1 },
		{ CUSTOM("\"what\":1"), "", 2 },
		{ SET("\"city\":\"Berlin\""), "", 1 },
		{ REMOVE("\"custom.what\""), "", 1 },
		{ "{\"add_tag\":\"x\"}", "", 1 },
		{ EVENT("none", "{}"),
		  "actions[1].record.definition names no event type that is defined; ", 1 },
		{ RECORD("\"definition\":\"vip\""),
		  "actions[1].record.properties.level is required; ", 1 },
		{ EVENT("vip", "{\"level\":null}"),
		  "actions[1].record.properties.level is required; ", 1 },
		{ EVENT("vip", "{\"level\":1.5}"),
		  "actions[1].record.properties.level must be a whole number of at most 64 bits; ",
		  1 },
		{ EVENT("vip", "{\"level\":1,\"since\":\"soon\",\"more\":1}"),
		  "actions[1].record.properties.since must be a date; "
		  "actions[1].record.properties.more is not a field that is defined; ",
		  1 },
		{ EVENT("seen", "{\"level\":\"high\"}"),
		  "actions[1].record.properties.level must be a whole number of at most 64 bits, "
		  "not a string; ",
		  1 },
		{ CUSTOM("\"what\":1"),
		  "actions[1].set_attributes.custom.what is not a field that is defined; ", 1 },
		{ CUSTOM("\"tier\":1,\"score\":\"1\",\"born\":\"x\""),
		  "actions[1].set_attributes.custom.tier must be a string, not a number; "
		  "actions[1].set_attributes.custom.score must be a number, not a string; "
		  "actions[1].set_attributes.custom.born must be a date; ",
		  1 },
	};
	struct catalog *c = make_catalog();
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct automation m;
		struct problems ps;
		if (!read(cases[i].in, &m, &ps))
			fail_msg("%s: %s", cases[i].in, in_english(&ps));
		automation_judge(&m, catalog_workspace(c, cases[i].workspace), &arena, &ps);
		assert_string_equal(in_english(&ps), cases[i].said);
	}
	catalog_unref(c);
}

/* --- What it costs --- */

static struct str put_many(struct arena *a, const char *begin, const char *each, const char *end)
{
	struct buf b = buf_in(a);
	buf_put(&b, str_of(begin));
	for (unsigned i = 0; b.n < DOCUMENT_BODY_MAX - 100; i++) {
		buf_put(&b, i ? STR(",") : STR(""));
		buf_printf(&b, each, i);
	}
	buf_put(&b, str_of(end));
	assert_false(b.failed);
	return buf_str(&b);
}

/* Rules of all workspaces are in memory: what one costs is in proportion to its text. */
static void test_cost(void **state)
{
	enum { TIMES = 50, MOST = 12 };
	static const struct {
		const char *begin, *each, *end;
	} cases[] = {
		{ "{\"name\":\"a\",\"actions\":[{\"record\":{\"definition\":\"d\",\"properties\":{",
		  "\"%x\":1", "}}}]}" },
		{ "{\"name\":\"a\",\"actions\":[{\"record\":{\"definition\":\"d\",\"properties\":{"
		  "\"a\":[",
		  "0", "]}}}]}" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct str text = put_many(&arena, cases[i].begin, cases[i].each, cases[i].end);
		struct arena all;
		arena_init(&all, 1 << 30, NULL);
		for (unsigned k = 0; k < TIMES; k++) {
			struct problems ps = { .n = 0 };
			struct automation m;
			yyjson_val *v;
			assert_int_equal(json_parse(&all, text, &v, NULL), JSON_OK);
			assert_true(automation_read(&all, v, &ps, &m));
		}
		size_t used = all.held - (size_t)(all.end - all.at);
		assert_in_range(used / TIMES, text.n, MOST * text.n);
		arena_fini(&all);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(f) cmocka_unit_test_setup_teardown(f, open_arena, close_arena)
		CASE(test_read),   CASE(test_refused), CASE(test_too_many),
		CASE(test_judged), CASE(test_cost),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
