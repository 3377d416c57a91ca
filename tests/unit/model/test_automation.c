#include "model/automation.h"

#include "declared.h"

#define NOW 1763719200LL /* 2025-11-21T10:00:00Z */

static bool read(const char *text, struct automation *m, struct problems *ps)
{
	*ps = (struct problems){ .n = 0 };
	return automation_read(&arena, parsed(text), ps, m);
}

/* --- Asking --- */

/* Three orders, one of them in the last hour. */
static int count(void *ctx, struct str definition, instant_us since, uint64_t *out)
{
	(void)ctx;
	bool any = !definition.p, order = any || str_eq(definition, STR("order"));
	*out = !order ? 0 : since == 0 ? 3 : since > (NOW - 3600) * US_PER_S ? 0 : 1;
	return 0;
}

static const char properties[] =
	"{\"total\":149.990,\"n\":10,\"whole\":10.0,\"big\":9007199254740993,\"text\":\"abc\","
	"\"number\":\"149.99\",\"before\":\" 50\",\"around\":\"\\n 50 \",\"within\":\"5 "
	"0\",\"flag\":true,\"flag_text\":\"true\",\"none\":null,\"tags\":[\"a\","
	"\"b\",7],"
	"\"in\":{\"side\":{\"x\":\"deep\"},\"a.b\":1},\"a.b\":\"dotted\",\"empty\":\"\","
	"\"day\":\"2025-11-20\",\"at\":\"2025-11-21T09:59:00+00:00\",\"later\":\"2025-11-22\"}";
static const char attributes[] = "{\"city\":\"Kaunas\",\"email\":\"a@b.co\",\"tags\":[\"vip\"],"
				 "\"custom\":{\"plan\":\"pro\"}}";
static const char identities[] = "[{\"kind\":\"external_id\",\"value\":\"x1\"}]";

static struct facts make_facts(void)
{
	return (struct facts){
		.definition = STR("order"),
		.occurred_at = (NOW - 60) * US_PER_S,
		.received_at = NOW * US_PER_S,
		.now = NOW * US_PER_S,
		.properties = parsed(properties),
		.attributes = parsed(attributes),
		.identities = parsed(identities),
		.count = count,
	};
}

static bool meets(const char *conditions, struct verdict *v)
{
	struct automation m;
	struct problems ps;
	struct facts f = make_facts();
	struct str text = arena_printf(
		&arena, "{\"name\":\"a\",\"actions\":[{\"send\":\"x\"}],\"conditions\":%s}",
		conditions);
	if (!read(text.p, &m, &ps))
		fail_msg("%s: %s", conditions, in_english(&ps));
	assert_int_equal(automation_meets(&m, &f, v), 0);
	return v->met;
}

#define T(field, op, value) "{\"field\":\"" field "\",\"operator\":\"" op "\",\"value\":" value "}"

static void test_tests(void **state)
{
	static const struct {
		const char *conditions;
		bool met;
	} cases[] = {
		{ "{}", true },
		{ T("properties.total", "equals", "149.99"), true },
		{ T("properties.total", "equals", "149.98"), false },
		{ T("properties.n", "equals", "10.0"), true },
		{ T("properties.whole", "equals", "10"), true },
		{ T("properties.n", "equals", "\"10\""), false },
		{ T("properties.number", "equals", "149.99"), true },
		{ T("properties.big", "equals", "9007199254740992"), false },
		{ T("properties.big", "gt", "9007199254740992"), true },
		{ T("properties.text", "equals", "\"abc\""), true },
		{ T("properties.text", "equals", "\"ABC\""), false },
		{ T("properties.flag", "equals", "true"), true },
		{ T("properties.flag", "equals", "false"), false },
		{ T("properties.flag_text", "equals", "true"), true },
		{ T("properties.flag_text", "equals", "false"), false },
		{ T("properties.flag_text", "in", "[false,true]"), true },
		{ T("properties.text", "equals", "true"), false },
		{ T("properties.none", "equals", "false"), false },
		{ T("properties.text", "not_equals", "\"x\""), true },
		{ T("properties.text", "not_equals", "\"abc\""), false },
		{ T("properties.gone", "not_equals", "\"abc\""), true },
		{ T("properties.text", "in", "[1,\"abc\"]"), true },
		{ T("properties.text", "in", "[\"ab\"]"), false },
		{ T("properties.gone", "in", "[\"ab\"]"), false },
		{ T("properties.text", "contains", "\"bc\""), true },
		{ T("properties.text", "contains", "\"cb\""), false },
		{ T("properties.tags", "contains", "\"b\""), true },
		{ T("properties.tags", "contains", "7"), true },
		{ T("properties.tags", "contains", "\"7\""), false },
		{ T("properties.n", "contains", "1"), false },
		{ T("properties.text", "starts_with", "\"ab\""), true },
		{ T("properties.text", "starts_with", "\"bc\""), false },
		{ T("properties.empty", "starts_with", "\"a\""), false },
		{ T("properties.text", "exists", "true"), true },
		{ T("properties.empty", "exists", "true"), true },
		{ T("properties.none", "exists", "true"), false },
		{ T("properties.gone", "exists", "false"), true },
		{ "{\"field\":\"properties.text\",\"operator\":\"exists\"}", true },
		{ T("properties.total", "gt", "149.98"), true },
		{ T("properties.total", "gt", "149.99"), false },
		{ T("properties.total", "gte", "149.99"), true },
		{ T("properties.total", "lt", "150"), true },
		{ T("properties.total", "lt", "149.99"), false },
		{ T("properties.total", "lte", "149.99"), true },
		{ T("properties.number", "gte", "100"), true },
		{ T("properties.before", "equals", "50"), true },
		{ T("properties.before", "equals", "5"), false },
		{ T("properties.before", "gt", "49"), true },
		{ T("properties.around", "in", "[50]"), true },
		{ T("properties.around", "lt", "50"), false },
		{ T("properties.within", "gte", "0"), false },
		{ T("properties.text", "gte", "0"), false },
		{ T("properties.gone", "lt", "1"), false },
		{ T("properties.flag", "gte", "0"), false },
		{ T("properties.day", "before", "\"2025-11-21\""), true },
		{ T("properties.day", "before", "\"2025-11-20\""), false },
		{ T("properties.at", "after", "\"2025-11-21T09:58:59Z\""), true },
		{ T("properties.at", "after", "\"2025-11-21T10:59:00+01:00\""), false },
		{ T("properties.text", "before", "\"2025-11-21\""), false },
		{ T("properties.at", "within_last", "60"), true },
		{ T("properties.at", "within_last", "59"), false },
		{ T("properties.later", "within_last", "86400"), false },
		{ T("properties.in.side.x", "equals", "\"deep\""), true },
		{ T("properties.in.a.b", "equals", "1"), true },
		{ T("properties.a.b", "equals", "\"dotted\""), true },
		{ T("properties.text.x", "exists", "true"), false },
		{ T("contact.city", "equals", "\"Kaunas\""), true },
		{ T("contact.custom.plan", "equals", "\"pro\""), true },
		{ T("contact.custom.gone", "exists", "false"), true },
		{ T("contact.tags", "contains", "\"vip\""), true },
		{ T("contact.external_id", "equals", "\"x1\""), true },
		{ T("contact.phone", "exists", "true"), false },
		{ T("event.definition", "in", "[\"a\",\"order\"]"), true },
		{ T("event.definition", "starts_with", "\"ord\""), true },
		{ T("event.occurred_at", "before", "\"2025-11-21T10:00:00Z\""), true },
		{ T("event.occurred_at", "equals", "\"2025-11-21T09:59:00Z\""), true },
		{ T("event.received_at", "within_last", "1"), true },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct verdict v;
		if (meets(cases[i].conditions, &v) != cases[i].met)
			fail_msg("%s should be %s", cases[i].conditions,
				 cases[i].met ? "met" : "unmet");
	}
}

#define YES T("properties.n", "equals", "10")
#define NO  T("properties.n", "equals", "11")

static void test_groups(void **state)
{
	static const struct {
		const char *conditions;
		const char *unmet; /* NULL: met */
	} cases[] = {
		{ "{\"all\":[" YES "," YES "]}", NULL },
		{ "{\"all\":[" YES "," NO "," NO "]}", "conditions.all[1]" },
		{ "{\"any\":[" NO "," YES "]}", NULL },
		{ "{\"any\":[" NO "," NO "]}", "conditions" },
		{ "{\"not\":" NO "}", NULL },
		{ "{\"not\":" YES "}", "conditions" },
		{ "{\"not\":{\"any\":[" NO "," NO "]}}", NULL },
		{ "{\"all\":[{\"any\":[" NO "," YES "]},{\"not\":{\"all\":[" YES "," YES "]}}]}",
		  "conditions.all[1]" },
		{ "{\"all\":[{\"all\":[" YES "," NO "]}]}", "conditions.all[0].all[1]" },
		{ "{\"count\":\"order\",\"operator\":\"gte\",\"value\":3}", NULL },
		{ "{\"count\":\"order\",\"operator\":\"equals\",\"value\":2}", "conditions" },
		{ "{\"count\":true,\"operator\":\"lt\",\"value\":4}", NULL },
		{ "{\"count\":\"other\",\"operator\":\"equals\",\"value\":0}", NULL },
		{ "{\"count\":\"order\",\"within_seconds\":7200,\"operator\":\"lte\",\"value\":1}",
		  NULL },
		{ "{\"count\":\"order\",\"within_seconds\":60,\"operator\":\"gt\",\"value\":0}",
		  "conditions" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct verdict v;
		bool met = meets(cases[i].conditions, &v);
		if (met != !cases[i].unmet || (!met && !str_eq(v.path, str_of(cases[i].unmet))))
			fail_msg("%s: %d, " STR_FMT, cases[i].conditions, met, STR_ARG(v.path));
	}
}

static void test_trigger(void **state)
{
	static const struct {
		const char *trigger;
		bool met;
	} cases[] = {
		{ "{}", true },
		{ "{\"definitions\":[]}", true },
		{ "{\"definitions\":[\"a\",\"order\"]}", true },
		{ "{\"definitions\":[\"Order\"]}", false },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct automation m;
		struct problems ps;
		struct verdict v;
		struct facts f = make_facts();
		struct str text = arena_printf(
			&arena, "{\"name\":\"a\",\"actions\":[{\"send\":\"x\"}],\"trigger\":%s}",
			cases[i].trigger);
		assert_true(read(text.p, &m, &ps));
		assert_int_equal(automation_meets(&m, &f, &v), 0);
		assert_int_equal(v.met, cases[i].met);
		assert_true(v.met || strcmp(v.why, "trigger") == 0);
	}
}

static int count_fails(void *ctx, struct str definition, instant_us since, uint64_t *out)
{
	(void)ctx, (void)definition, (void)since, (void)out;
	return -5;
}

static void test_a_count_that_fails(void **state)
{
	struct automation m;
	struct problems ps;
	struct verdict v;
	struct facts f = make_facts();
	(void)state;
	f.count = count_fails;
	assert_true(read("{\"name\":\"a\",\"actions\":[{\"send\":\"x\"}],\"conditions\":{\"not\":"
			 "{\"count\":\"a\",\"operator\":\"gt\",\"value\":0}}}",
			 &m, &ps));
	assert_int_equal(automation_meets(&m, &f, &v), -5);
}

/* --- Reading --- */

static void test_read(void **state)
{
	struct automation m;
	struct problems ps;
	(void)state;
	assert_true(read("{\"name\":\"big-order\",\"paused\":true,\"trigger\":{\"definitions\":"
			 "[\"order.completed\"]},\"delay_seconds\":60,\"cooldown_seconds\":3600,"
			 "\"actions\":[{\"send\":\"crm\"},{\"send\":\"log\"}]}",
			 &m, &ps));
	assert_true(str_eq(m.name, STR("big-order")));
	assert_true(m.paused);
	assert_int_equal(m.n_definitions, 1);
	assert_int_equal(m.delay_s, 60);
	assert_int_equal(m.cooldown_s, 3600);
	assert_false(m.once_per_contact);
	assert_null(m.conditions);
	assert_int_equal(m.n_actions, 2);
	assert_true(str_eq(m.actions[1].destination, STR("log")));
}

#define WITH(conditions) \
	"{\"name\":\"a\",\"actions\":[{\"send\":\"x\"}],\"conditions\":" conditions "}"
#define DEEP(x) "{\"not\":{\"not\":{\"not\":{\"not\":" x "}}}}"

static void test_refused(void **state)
{
	static const struct {
		const char *in, *said;
	} cases[] = {
		{ "7", "The body must be an object, not a number; " },
		{ "{}", "name is required; actions is required; " },
		{ "{\"name\":\"a\",\"actions\":[]}", "actions must not be empty; " },
		{ "{\"name\":\"a\",\"actions\":[{}]}",
		  "actions[0] must have one of: send, set_attributes, remove_attributes, add_tag, "
		  "remove_tag, record; " },
		{ "{\"name\":\"a\",\"actions\":[{\"send\":7,\"fax\":1}]}",
		  "actions[0].fax is not a member that is known here; "
		  "actions[0].send must be a string, not a number; " },
		{ "{\"name\":\"a\",\"actions\":[\"send\"]}",
		  "actions[0] must be an object, not a string; " },
		{ "{\"name\":\"a\",\"actions\":[{\"send\":\"x\"}],\"colour\":1}",
		  "colour is not a member that is known here; " },
		{ "{\"name\":\"a\",\"actions\":[{\"send\":\"x\"}],\"trigger\":"
		  "{\"definitions\":[1]}}",
		  "trigger.definitions[0] must be a string, not a number; " },
		{ "{\"name\":\"a\",\"actions\":[{\"send\":\"x\"}],\"delay_seconds\":-1}",
		  "delay_seconds must be a whole number from 0 to 31622400; " },
		{ "{\"name\":\"a\",\"actions\":[{\"send\":\"x\"}],\"once_per_contact\":true,"
		  "\"cooldown_seconds\":1}",
		  "cooldown_seconds must have one of: once_per_contact or cooldown_seconds; " },
		{ WITH("[]"), "conditions must be an object, not an array; " },
		{ WITH("{\"all\":[]}"), "conditions.all must not be empty; " },
		{ WITH("{\"all\":[7]}"), "conditions.all[0] must be an object, not a number; " },
		{ WITH("{\"value\":7}"),
		  "conditions must have one of: field, count, all, any, not; " },
		{ WITH("{\"all\":[" YES "],\"any\":[" YES "]}"),
		  "conditions must have one of: field, count, all, any, not; " },
		{ WITH("{\"all\":[" YES "],\"operator\":\"gt\"}"),
		  "conditions must have one of: field, count, all, any, not; " },
		{ WITH("{\"field\":\"properties.x\"}"), "conditions.operator is required; " },
		{ WITH("{\"field\":\"x\",\"operator\":\"exists\"}"),
		  "conditions.field must be one of: properties.NAME, contact.NAME, "
		  "contact.custom.NAME, event.definition, event.occurred_at, event.received_at; " },
		{ WITH("{\"field\":\"properties.\",\"operator\":\"exists\"}"),
		  "conditions.field must be one of: properties.NAME, contact.NAME, "
		  "contact.custom.NAME, event.definition, event.occurred_at, event.received_at; " },
		{ WITH(T("contact.created_at", "exists", "true")),
		  "conditions.field must be one of: properties.NAME, contact.NAME, "
		  "contact.custom.NAME, event.definition, event.occurred_at, event.received_at; " },
		{ WITH(T("properties.x", "like", "1")),
		  "conditions.operator must be one of: equals, not_equals, contains, starts_with, "
		  "in, exists, gt, gte, lt, lte, before, after, within_last; " },
		{ WITH(T("properties.x", "equals", "[1]")),
		  "conditions.value must be a string, a number, true or false; " },
		{ WITH("{\"field\":\"properties.x\",\"operator\":\"equals\"}"),
		  "conditions.value must be a string, a number, true or false; " },
		{ WITH(T("properties.x", "in", "[]")),
		  "conditions.value must be a list of 1 to 1000 strings, numbers, true or "
		  "false; " },
		{ WITH(T("properties.x", "gt", "\"1\"")), "conditions.value must be a number; " },
		{ WITH(T("properties.x", "before", "\"noon\"")),
		  "conditions.value must be a date or a date with time, as "
		  "2026-11-21T10:00:00Z; " },
		{ WITH(T("properties.x", "within_last", "0")),
		  "conditions.value must be a number of seconds from 1 to 31622400; " },
		{ WITH(T("properties.x", "starts_with", "\"\"")),
		  "conditions.value must be a string that is not empty; " },
		{ WITH(T("properties.x", "exists", "1")), "conditions.value must be a boolean; " },
		{ WITH("{\"field\":\"properties.x\",\"operator\":\"exists\",\"within_seconds\":1}"),
		  "conditions.within_seconds is not a member that is known here; " },
		{ WITH("{\"count\":7,\"operator\":\"gt\",\"value\":1}"),
		  "conditions.count must be a definition's name, or true for any; " },
		{ WITH("{\"count\":\"a\",\"operator\":\"contains\",\"value\":1}"),
		  "conditions.operator must be one of: equals, gt, gte, lt, lte; " },
		{ WITH("{\"count\":\"a\",\"operator\":\"gt\",\"value\":1001}"),
		  "conditions.value must be a whole number from 0 to 1000; " },
		{ WITH(DEEP(DEEP(YES))),
		  "conditions.not.not.not.not.not.not.not.not may be nested at most 8 levels "
		  "deep; " },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct automation m;
		struct problems ps;
		assert_false(read(cases[i].in, &m, &ps));
		assert_string_equal(in_english(&ps), cases[i].said);
	}
}

static void test_too_many_tests(void **state)
{
	struct buf b = buf_in(&arena);
	struct automation m;
	struct problems ps;
	(void)state;
	buf_lit(&b, "{\"name\":\"a\",\"actions\":[{\"send\":\"x\"}],\"conditions\":{\"all\":[");
	for (unsigned i = 0; i < 6; i++) {
		buf_put(&b, i ? STR(",{\"any\":[") : STR("{\"any\":["));
		for (unsigned k = 0; k < 20; k++)
			buf_put(&b, k ? STR("," YES) : STR(YES));
		buf_lit(&b, "]}");
	}
	buf_lit(&b, "]}}");
	buf_char(&b, '\0');
	assert_false(read(b.p, &m, &ps));
	assert_string_equal(in_english(&ps),
			    "conditions.all[5].any[0] may have at most 100 tests; ");
}

/* --- Judging --- */

static struct catalog *make_catalog(void)
{
	static const struct field item[] = { { .name = STR_INIT("sku"), .type = FIELD_STRING } };
	static const struct field fields[] = {
		{ .name = STR_INIT("total"), .type = FIELD_NUMBER },
		{ .name = STR_INIT("city"), .type = FIELD_STRING },
		{ .name = STR_INIT("at"), .type = FIELD_DATETIME },
		{ .name = STR_INIT("free"), .type = FIELD_OBJECT },
		{ .name = STR_INIT("gift"), .type = FIELD_BOOLEAN },
		{ .name = STR_INIT("tags"), .type = FIELD_ARRAY },
		{ .name = STR_INIT("items"), .type = FIELD_ARRAY, .fields = item, .n_fields = 1 },
	};
	const struct workspace w = { .no = 1, .name = STR_INIT("w") };
	struct definition order = { .no = 1,
				    .name = STR_INIT("order"),
				    .fields = fields,
				    .n_fields = ARRAY_LEN(fields),
				    .annotations = STR_INIT("{}") };
	struct definition open = { .no = 2,
				   .name = STR_INIT("open"),
				   .annotations = STR_INIT("{}") };
	struct definition *made[] = { definition_new(&order), definition_new(&open) };
	struct catalog_edit *e;
	assert_int_equal(catalog_edit_new(NULL, &e), 0);
	assert_int_equal(catalog_edit_workspace(e, &w), 0);
	for (size_t i = 0; i < ARRAY_LEN(made); i++) {
		assert_int_equal(catalog_edit_define(e, 1, made[i]), 0);
		definition_unref(made[i]);
	}
	return catalog_edit_done(e);
}

#define ON(definitions, conditions)                                                    \
	"{\"name\":\"a\",\"actions\":[{\"send\":\"x\"}],\"trigger\":{\"definitions\":" \
	"[" definitions "]},\"conditions\":" conditions "}"

static void test_judged(void **state)
{
	static const struct {
		const char *in, *said;
	} cases[] = {
		{ ON("\"order\"", T("properties.total", "gte", "100")), "" },
		{ ON("\"order\"", T("properties.total", "equals", "100")), "" },
		{ ON("\"order\"", T("properties.at", "within_last", "60")), "" },
		{ ON("\"order\"", T("properties.city", "starts_with", "\"K\"")), "" },
		{ ON("\"order\"", T("properties.free.x", "exists", "true")), "" },
		{ ON("\"order\"", T("properties.total.x", "exists", "true")),
		  "conditions.field is not a field that is defined; " },
		{ ON("\"order\"", T("properties.free", "exists", "true")), "" },
		{ ON("\"open\"", T("properties.what", "gte", "100")), "" },
		{ ON("\"open\",\"order\"", T("properties.what", "gte", "100")), "" },
		{ ON("", T("properties.what", "gte", "100")), "" },
		{ ON("\"order\"", T("contact.city", "gte", "100")), "" },
		{ ON("\"none\",\"order\"", T("properties.total", "gte", "100")),
		  "trigger.definitions[0] names no event type that is defined; " },
		{ ON("\"order\"", "{\"all\":[" T("properties.what", "gte", "100") "]}"),
		  "conditions.all[0].field is not a field that is defined; " },
		{ ON("\"order\"", T("properties.city", "gte", "100")),
		  "conditions.operator may not stand together with a field of type string: it "
		  "wants a number; " },
		{ ON("\"order\"", T("properties.total", "contains", "\"1\"")),
		  "conditions.operator may not stand together with a field of type number: it "
		  "wants a string or a list; " },
		{ ON("\"order\"", T("properties.at", "gt", "1")),
		  "conditions.operator may not stand together with a field of type datetime: it "
		  "wants a number; " },
		{ ON("\"order\"", T("properties.total", "equals", "\"150\"")),
		  "conditions.value must be a number, not a string; " },
		{ ON("\"order\"", T("properties.total", "not_equals", "true")),
		  "conditions.value must be a number, not a boolean; " },
		{ ON("\"order\"", T("properties.total", "in", "[1,\"a\",2]")),
		  "conditions.value[1] must be a number, not a string; " },
		{ ON("\"order\"", T("properties.gift", "equals", "true")), "" },
		{ ON("\"order\"", T("properties.gift", "equals", "\"true\"")),
		  "conditions.value must be a boolean, not a string; " },
		{ ON("\"order\"", T("properties.city", "equals", "5")), "" },
		{ ON("\"order\"", T("properties.city", "contains", "5")),
		  "conditions.value must be a string, not a number; " },
		{ ON("\"order\"", T("properties.at", "equals", "5")),
		  "conditions.value must be a string, not a number; " },
		{ ON("\"order\"", T("properties.tags", "contains", "5")), "" },
		{ ON("\"open\"", T("properties.what", "equals", "\"150\"")), "" },
		{ ON("\"order\"", T("properties.items.sku", "equals", "\"a\"")),
		  "conditions.field must be a way into objects: a list has no members; " },
		{ ON("\"order\"", T("properties.tags.x", "exists", "true")),
		  "conditions.field must be a way into objects: a list has no members; " },
		{ ON("\"order\"", T("properties.items", "exists", "true")), "" },
		{ ON("", T("event.occurred_at", "within_last", "60")), "" },
		{ ON("", T("event.occurred_at", "exists", "true")), "" },
		{ ON("", T("event.received_at", "before", "\"2026-11-21\"")), "" },
		{ ON("", T("event.received_at", "equals", "\"2026-11-21T10:00:00Z\"")), "" },
		{ ON("", T("event.received_at", "in", "[\"2026-11-21\",\"2026-11-22 10:00:00\"]")),
		  "" },
		{ ON("", T("event.occurred_at", "contains", "\"2026\"")),
		  "conditions.operator may not stand together with a field of type datetime: it "
		  "wants a string or a list; " },
		{ ON("", T("event.received_at", "starts_with", "\"2026\"")),
		  "conditions.operator may not stand together with a field of type datetime: it "
		  "wants a string; " },
		{ ON("", T("event.occurred_at", "equals", "\"soon\"")),
		  "conditions.value must be a date or a date with time, as "
		  "2026-11-21T10:00:00Z; " },
		{ ON("", T("event.occurred_at", "not_equals", "5")),
		  "conditions.value must be a date or a date with time, as "
		  "2026-11-21T10:00:00Z; " },
		{ ON("", T("event.occurred_at", "in", "[\"2026-11-21\",\"soon\"]")),
		  "conditions.value[1] must be a date or a date with time, as "
		  "2026-11-21T10:00:00Z; " },
		{ ON("", T("event.definition", "equals", "\"soon\"")), "" },
		{ ON("", T("event.definition", "starts_with", "\"a\"")), "" },
		{ ON("", T("event.occurred_at", "gt", "1")),
		  "conditions.operator may not stand together with a field of type datetime: it "
		  "wants a number; " },
		{ ON("", T("event.definition", "before", "\"2026-11-21\"")),
		  "conditions.operator may not stand together with a field of type string: it "
		  "wants a date; " },
		{ ON("\"order\"", "{\"count\":\"none\",\"operator\":\"gt\",\"value\":1}"),
		  "conditions.count names no event type that is defined; " },
	};
	struct catalog *c = make_catalog();
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct automation m;
		struct problems ps;
		assert_true(read(cases[i].in, &m, &ps));
		automation_judge(&m, catalog_workspace(c, 1), &arena, &ps);
		assert_string_equal(in_english(&ps), cases[i].said);
	}
	catalog_unref(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(f) cmocka_unit_test_setup_teardown(f, open_arena, close_arena)
		CASE(test_tests),          CASE(test_groups),
		CASE(test_trigger),        CASE(test_a_count_that_fails),
		CASE(test_read),           CASE(test_refused),
		CASE(test_too_many_tests), CASE(test_judged),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
