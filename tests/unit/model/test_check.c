/* Values against types, and properties against definitions as each dialect reads them. */
#include "model/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct arena arena;

static int set_up(void **state)
{
	(void)state;
	arena_init(&arena, 64 * 1024 * 1024, NULL);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_fini(&arena);
	return 0;
}

static yyjson_val *parse(const char *json)
{
	yyjson_val *v = NULL;
	assert_int_equal(json_parse(&arena, str_of(json), &v, NULL), JSON_OK);
	return v;
}

enum {
	S = FIELD_BIT(FIELD_STRING),
	BOOL = FIELD_BIT(FIELD_BOOLEAN),
	INT = FIELD_BIT(FIELD_INTEGER) | FIELD_BIT(FIELD_NUMBER),
	NUM = FIELD_BIT(FIELD_NUMBER),
	DATE = S | FIELD_BIT(FIELD_DATE),
	TIME = S | FIELD_BIT(FIELD_DATETIME),
	EITHER = DATE | TIME,
	EMAIL = S | FIELD_BIT(FIELD_EMAIL),
	URL = S | FIELD_BIT(FIELD_URL),
};

static const struct {
	const char *json;
	unsigned policy, fits;
	int type; /* of an inferred field; -1: none is */
} values[] = {
	{ "true", 0, BOOL, FIELD_BOOLEAN },
	{ "false", 0, BOOL, FIELD_BOOLEAN },
	{ "10", 0, INT, FIELD_INTEGER },
	{ "10.0", 0, INT, FIELD_INTEGER },
	{ "10.00", 0, INT, FIELD_INTEGER },
	{ "1e1", 0, INT, FIELD_INTEGER },
	{ "-0", 0, INT, FIELD_INTEGER },
	{ "9223372036854775807", 0, INT, FIELD_INTEGER },
	{ "-9223372036854775808", 0, INT, FIELD_INTEGER },
	{ "9223372036854775808", 0, NUM, FIELD_NUMBER },
	{ "10.01", 0, NUM, FIELD_NUMBER },
	{ "1.0000001", 0, NUM, FIELD_NUMBER },
	{ "1e30", 0, NUM, FIELD_NUMBER },
	{ "1e308", 0, NUM, FIELD_NUMBER },
	{ "\"\"", 0, S, FIELD_STRING },
	{ "\"10\"", 0, S, FIELD_STRING },
	{ "\"true\"", 0, S, FIELD_STRING },
	{ "\"2021-09-01\"", 0, DATE, FIELD_DATE },
	{ "\"2021-13-01\"", 0, S, FIELD_STRING },
	{ "\"2021-02-29\"", 0, S, FIELD_STRING },
	{ "\"2021-09-01T12:41:52Z\"", 0, TIME, FIELD_DATETIME },
	{ "\"2021-09-01T12:41:52.123+03:00\"", 0, TIME, FIELD_DATETIME },
	{ "\"2021-09-01T12:41:52\"", 0, S, FIELD_STRING },
	{ "\"2021-09-01 12:41:52Z\"", 0, S, FIELD_STRING },
	{ "\"2021-09-01T12:41:52\"", CHECK_ZONE_OPTIONAL, TIME, -1 },
	{ "\"2021-09-01\"", CHECK_ZONE_OPTIONAL, DATE, -1 },
	{ "\"2021-09-01\"", CHECK_DATE_OR_TIME, EITHER, -1 },
	{ "\"2021-09-01T12:41:52Z\"", CHECK_DATE_OR_TIME, EITHER, -1 },
	{ "\"2021-09-01T12:41:52\"", CHECK_DATE_OR_TIME, S, -1 },
	{ "\"2021-09-01T12:41:52\"", CHECK_DATE_OR_TIME | CHECK_ZONE_OPTIONAL, EITHER, -1 },
	{ "\"tomorrow\"", CHECK_DATE_OR_TIME | CHECK_ZONE_OPTIONAL, S, -1 },
	{ "\"a@b.co\"", 0, EMAIL, FIELD_EMAIL },
	{ "\"not an address\"", 0, S, FIELD_STRING },
	{ "\"https://example.com/\"", 0, URL, FIELD_URL },
	{ "\"http://jane@example.com\"", 0, URL, FIELD_URL },
	{ "\"ftp//x\"", 0, S, FIELD_STRING },
	{ "null", 0, 0, -1 },
	{ "{}", 0, FIELD_BIT(FIELD_OBJECT), -1 },
	{ "[1]", 0, FIELD_BIT(FIELD_ARRAY), -1 },
};

static void test_values(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		yyjson_val *v = parse(values[i].json);
		assert_int_equal(value_fits(v, values[i].policy), values[i].fits);
		if (values[i].type >= 0)
			assert_int_equal(value_type(v), values[i].type);
	}
}

static const struct str urls[] = {
	STR_INIT("http://a"),
	STR_INIT("HTTPS://Example.com"),
	STR_INIT("https://example.com:8443/a?b=c#d"),
	STR_INIT("https://example.com:/"),
	STR_INIT("https://user:pw@example.com/x@y"),
	STR_INIT("http://[2001:db8::1]:80/"),
	STR_INIT("https://example.com?q=a@b.co"),
	STR_INIT("https://\xC5\xBEodis.lt/"),
};

static const struct str no_urls[] = {
	STR_INIT(""),
	STR_INIT("http"),
	STR_INIT("http:"),
	STR_INIT("http:/"),
	STR_INIT("http://"),
	STR_INIT("http:///path"),
	STR_INIT("http://?q"),
	STR_INIT("http://:80"),
	STR_INIT("http://user@"),
	STR_INIT("http://a@@b"),
	STR_INIT("http://a:b"),
	STR_INIT("http://[]"),
	STR_INIT("http://["),
	STR_INIT("http://[::1"),
	STR_INIT("http://[::1]x"),
	STR_INIT("http://a<b"),
	STR_INIT("ftp://a"),
	STR_INIT("xhttp://a"),
	STR_INIT(" http://a"),
	STR_INIT("http://a "),
	STR_INIT("http://a/b c"),
	STR_INIT("http://a/\n"),
	STR_INIT("http://a/\0"),
	STR_INIT("http://a/\x7F"),
	STR_INIT("//a"),
	STR_INIT("a"),
};

static void test_urls(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(urls); i++)
		assert_true(url_is_valid(urls[i]));
	for (size_t i = 0; i < ARRAY_LEN(no_urls); i++)
		assert_false(url_is_valid(no_urls[i]));
}

/* Words by which the table below calls the definitions it uses. */
static const char order[] = "[{\"name\":\"order_id\",\"type\":\"string\",\"required\":true},"
			    "{\"name\":\"total\",\"type\":\"number\",\"required\":true},"
			    "{\"name\":\"is_gift\",\"type\":\"boolean\"},"
			    "{\"name\":\"placed\",\"type\":\"date\"}]";
static const char cart[] =
	"[{\"name\":\"transactionId\",\"type\":\"string\"},"
	"{\"name\":\"totalCost\",\"type\":\"number\"},{\"name\":\"count\",\"type\":\"integer\"},"
	"{\"name\":\"at\",\"type\":\"datetime\"},"
	"{\"name\":\"items\",\"type\":\"array\",\"fields\":["
	"{\"name\":\"price\",\"type\":\"number\"},{\"name\":\"since\",\"type\":\"datetime\"}]}]";
static const char nested[] =
	"[{\"name\":\"any\",\"type\":\"object\"},{\"name\":\"list\",\"type\":\"array\"},"
	"{\"name\":\"ship\",\"type\":\"object\",\"fields\":[{\"name\":\"to\",\"type\":\"object\","
	"\"required\":true,\"fields\":["
	"{\"name\":\"zip\",\"type\":\"string\",\"required\":true}]}]},"
	"{\"name\":\"rows\",\"type\":\"array\",\"fields\":["
	"{\"name\":\"id\",\"type\":\"integer\",\"required\":true}]}]";
static const char nothing[] = "[]";

enum {
	ARSEL = CHECK_REQUIRED | CHECK_DATE_OR_TIME | CHECK_ZONE_OPTIONAL,
	INFOBIP = CHECK_UNKNOWN | CHECK_DATE_OR_TIME | CHECK_ZONE_OPTIONAL | CHECK_ARRAY_OBJECTS,
};

static const struct {
	const char *definition;
	unsigned policy;
	const char *json, *problems; /* "code path" each, in the order found */
} cases[] = {
	/* arsel.md 3.4 and section 7, cases 10 to 20 */
	{ order, ARSEL, "{\"order_id\":\"A\",\"total\":149.99}", "" },
	{ order, ARSEL, "{\"total\":1,\"order_id\":\"\"}", "" },
	{ order, ARSEL, "{\"order_id\":\"A\"}", "required p.total;" },
	{ order, ARSEL, "{}", "required p.order_id;required p.total;" },
	{ order, ARSEL, "null", "required p.order_id;required p.total;" },
	{ order, ARSEL, "{\"order_id\":null,\"total\":1}", "required p.order_id;" },
	{ order, ARSEL, "{\"order_id\":7,\"total\":\"1\"}", "type p.order_id;type p.total;" },
	{ order, ARSEL, "{\"order_id\":\"A\",\"total\":1,\"is_gift\":\"true\"}",
	  "type p.is_gift;" },
	{ order, ARSEL, "{\"order_id\":\"A\",\"total\":1,\"is_gift\":1}", "type p.is_gift;" },
	{ order, ARSEL, "{\"order_id\":\"A\",\"total\":1,\"is_gift\":null}", "" },
	{ order, ARSEL, "{\"order_id\":\"A\",\"total\":1,\"placed\":\"2026-06-01\"}", "" },
	{ order, ARSEL, "{\"order_id\":\"A\",\"total\":1,\"placed\":\"2026-06-01T10:00:00\"}", "" },
	{ order, ARSEL, "{\"order_id\":\"A\",\"total\":1,\"placed\":\"tomorrow\"}",
	  "type p.placed;" },
	{ order, ARSEL, "{\"order_id\":\"A\",\"total\":1,\"coupon\":{\"a\":[1]}}", "" },
	{ order, ARSEL, "{\"Order_id\":\"A\",\"total\":1}", "required p.order_id;" },
	{ nothing, ARSEL, "{\"x\":1}", "" },

	/* infobip.md 2.1 rules 2 and 4, section 6, cases 13 to 25 */
	{ cart, INFOBIP, "{}", "" },
	{ cart, INFOBIP, "{\"totalCost\":100,\"count\":10.0,\"transactionId\":\"t\"}", "" },
	{ cart, INFOBIP, "{\"totalCost\":123456789012345678901234567890}", "" },
	{ cart, INFOBIP, "{\"count\":1.5}", "type p.count;" },
	{ cart, INFOBIP, "{\"transactionId\":1}", "type p.transactionId;" },
	{ cart, INFOBIP, "{\"at\":\"2023-11-17T15:47:50.4136517Z\"}", "" },
	{ cart, INFOBIP, "{\"at\":\"2023-11-17T15:47:50\"}", "" },
	{ cart, INFOBIP, "{\"at\":\"2023-11-17\"}", "" },
	{ cart, INFOBIP, "{\"at\":1700000000}", "type p.at;" },
	{ cart, INFOBIP, "{\"other\":1}", "unknown p.other;" },
	{ cart, INFOBIP, "{\"other\":null,\"count\":null}", "" },
	{ cart, INFOBIP, "{\"items\":[]}", "" },
	{ cart, INFOBIP, "{\"items\":[{\"price\":25,\"since\":\"2023-11-17\"},{}]}", "" },
	{ cart, INFOBIP, "{\"items\":{}}", "type p.items;" },
	{ cart, INFOBIP, "{\"items\":[1]}", "type p.items[0];" },
	{ cart, INFOBIP, "{\"items\":[{},null,[]]}", "type p.items[1];type p.items[2];" },
	{ cart, INFOBIP, "{\"items\":[{},{\"price\":\"1\",\"x\":2,\"since\":null}]}",
	  "type p.items[1].price;unknown p.items[1].x;" },
	{ nothing, INFOBIP, "{\"x\":1}", "unknown p.x;" },
	{ nothing, INFOBIP, "{}", "" },

	/* objects and arrays in general */
	{ nested, 0, "{\"any\":{\"x\":1},\"list\":[1,\"a\",null,[],{}]}", "" },
	{ nested, CHECK_UNKNOWN, "{\"any\":{\"x\":1},\"list\":[{\"x\":1}]}", "" },
	{ nested, CHECK_ARRAY_OBJECTS, "{\"list\":[{\"x\":1},2,null]}",
	  "type p.list[1];type p.list[2];" },
	{ nested, 0, "{\"any\":[],\"list\":{}}", "type p.any;type p.list;" },
	{ nested, 0, "{\"rows\":[{\"id\":1},null,{\"id\":\"1\"},2]}",
	  "type p.rows[2].id;type p.rows[3];" },
	{ nested, CHECK_REQUIRED, "{\"rows\":[{\"id\":1},{\"id\":null},{}]}",
	  "required p.rows[1].id;required p.rows[2].id;" },
	{ nested, CHECK_REQUIRED, "{\"ship\":{}}", "required p.ship.to;" },
	{ nested, CHECK_REQUIRED, "{\"ship\":{\"to\":{\"zip\":null}}}", "required p.ship.to.zip;" },
	{ nested, CHECK_REQUIRED, "{\"ship\":{\"to\":{\"zip\":\"1\"}}}", "" },
	{ nested, CHECK_REQUIRED, "{\"ship\":null}", "" },
	{ nested, CHECK_UNKNOWN, "{\"ship\":{\"to\":{\"\":1}}}", "unknown p.ship.to.;" },
};

static const char *word(enum problem_code code)
{
	return code == PROBLEM_REQUIRED        ? "required"
	       : code == PROBLEM_FIELD_TYPE    ? "type"
	       : code == PROBLEM_UNKNOWN_FIELD ? "unknown"
					       : "other";
}

static struct definition *define(const char *json)
{
	struct problems ps = { 0 };
	struct definition like = { .no = 1, .name = STR("x") };
	assert_true(fields_from_json(&arena, parse(json), &ps, &like.fields, &like.n_fields));
	struct definition *d = definition_new(&like);
	assert_non_null(d);
	return d;
}

static void test_properties(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct problems ps = { 0 };
		struct buf b = buf_in(&arena);
		CLEANUP(definition_unref) struct definition *d = define(cases[i].definition);
		bool good = check_properties(d, parse(cases[i].json), cases[i].policy, &arena,
					     STR("p"), &ps);
		for (unsigned k = 0; k < ps.n; k++)
			buf_printf(&b, "%s " STR_FMT ";", word(ps.list[k].code),
				   STR_ARG(ps.list[k].path));
		buf_char(&b, '\0');
		assert_string_equal(b.p, cases[i].problems);
		assert_int_equal(good, ps.found == 0);
	}
}

static void test_says_what_was_expected(void **state)
{
	(void)state;
	struct problems ps = { 0 };
	CLEANUP(definition_unref) struct definition *d = define(cart);
	check_properties(d, parse("{\"items\":[7],\"at\":true}"), INFOBIP, &arena, STR(""), &ps);
	assert_int_equal(ps.found, 2);
	assert_string_equal(ps.list[0].rule, "object");
	assert_string_equal(ps.list[0].actual, "number");
	assert_true(str_eq(ps.list[0].path, STR("items[0]")));
	assert_string_equal(ps.list[1].rule, "datetime");
	assert_string_equal(ps.list[1].actual, "boolean");
	assert_true(str_eq(ps.list[1].path, STR("at")));
}

static void test_earlier_problems_do_not_count(void **state)
{
	(void)state;
	struct problems ps = { 0 };
	CLEANUP(definition_unref) struct definition *d = define(order);
	problem_at(&ps, PROBLEM_EMPTY, STR("type"));
	assert_true(check_properties(d, NULL, 0, &arena, STR("p"), &ps));
	assert_false(check_properties(d, NULL, CHECK_REQUIRED, &arena, STR("p"), &ps));
	assert_int_equal(ps.found, 3);
}

static void test_good_properties_need_no_memory(void **state)
{
	(void)state;
	struct arena none;
	struct problems ps = { 0 };
	CLEANUP(definition_unref) struct definition *d = define(cart);
	arena_init(&none, 0, NULL);
	assert_true(check_properties(d, parse("{\"items\":[{\"price\":1}],\"count\":1}"), INFOBIP,
				     &none, STR("p"), &ps));
	assert_null(none.newest);

	/* Without memory for its path a problem is still a problem. */
	assert_false(check_properties(d, parse("{\"items\":[{\"price\":\"1\"}]}"), INFOBIP, &none,
				      STR("p"), &ps));
	assert_int_equal(ps.found, 1);
	assert_true(str_eq(ps.list[0].path, STR("p")));
	arena_fini(&none);
}

static void test_a_flood_of_problems_costs_few_paths(void **state)
{
	(void)state;
	enum { MEMBERS = 50000 };
	struct arena little;
	struct problems ps = { 0 };
	struct buf b = buf_in(&arena);
	CLEANUP(definition_unref) struct definition *d = define(nothing);
	for (int i = 0; i < MEMBERS; i++)
		buf_printf(&b, "%c\"m%d\":1", i ? ',' : '{', i);
	buf_lit(&b, "}");
	buf_char(&b, '\0');
	arena_init(&little, 64 * 1024, NULL);
	assert_false(check_properties(d, parse(b.p), CHECK_UNKNOWN, &little, STR("p"), &ps));
	assert_int_equal(ps.found, MEMBERS);
	assert_true(little.held <= 16 * 1024);
	arena_fini(&little);
}

/* Every field at its place among as many as there may be, seen or missed. */
static void test_widest_definition(void **state)
{
	(void)state;
	struct problems ps = { 0 };
	struct buf fields = buf_in(&arena), json = buf_in(&arena);
	for (int i = 0; i < DEFINITION_FIELDS_MAX; i++) {
		buf_printf(&fields, "%c{\"name\":\"f%d\",\"type\":\"integer\",\"required\":true}",
			   i ? ',' : '[', i);
		if (i != 63 && i != DEFINITION_FIELDS_MAX - 1)
			buf_printf(&json, "%c\"f%d\":1", i ? ',' : '{', i);
	}
	buf_put(&fields, (struct str){ "]", 2 });
	buf_put(&json, (struct str){ "}", 2 });
	CLEANUP(definition_unref) struct definition *d = define(fields.p);
	assert_false(check_properties(d, parse(json.p), CHECK_REQUIRED, &arena, STR("p"), &ps));
	assert_int_equal(ps.found, 2);
	assert_true(str_eq(ps.list[0].path, STR("p.f63")));
	assert_true(str_eq(ps.list[1].path, STR("p.f999")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_urls),
		cmocka_unit_test(test_properties),
		cmocka_unit_test(test_says_what_was_expected),
		cmocka_unit_test(test_earlier_problems_do_not_count),
		cmocka_unit_test(test_good_properties_need_no_memory),
		cmocka_unit_test(test_a_flood_of_problems_costs_few_paths),
		cmocka_unit_test(test_widest_definition),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
