#include "base/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

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

static yyjson_val *parsed(struct str text)
{
	yyjson_val *root = NULL;
	struct json_error err = { 0 };
	if (json_parse(&arena, text, &root, &err) != JSON_OK)
		fail_msg("refused at %zu, %s: " STR_FMT, err.at, err.what, STR_ARG(text));
	return root;
}

static void assert_written(yyjson_val *v, struct str wanted)
{
	struct buf b = buf_in(&arena);
	json_put(&b, v);
	assert_false(b.failed);
	if (!str_eq(buf_str(&b), wanted))
		fail_msg(STR_FMT " is not " STR_FMT, STR_ARG(buf_str(&b)), STR_ARG(wanted));
}

/* What is read, and how it is written again. */
static void reads_and_writes(void **state)
{
	static const struct {
		struct str in, out;
	} cases[] = {
		{ STR_INIT("null"), STR_INIT("null") },
		{ STR_INIT(" [ true , false ]\r\n\t"), STR_INIT("[true,false]") },
		{ STR_INIT("{}"), STR_INIT("{}") },
		{ STR_INIT("[[],{},[[]]]"), STR_INIT("[[],{},[[]]]") },
		{ STR_INIT("{\"a\":{\"b\":[1,{\"c\":2}]},\"d\":3}"),
		  STR_INIT("{\"a\":{\"b\":[1,{\"c\":2}]},\"d\":3}") },
		{ STR_INIT("12345678901234567890123456789.10E+0040"),
		  STR_INIT("12345678901234567890123456789.10E+0040") },
		{ STR_INIT("[-0,0.10,1e5,1E-07]"), STR_INIT("[-0,0.10,1e5,1E-07]") },
		{ STR_INIT("\"\""), STR_INIT("\"\"") },
		{ STR_INIT("\"a\\u0000b\""), STR_INIT("\"a\\u0000b\"") },
		{ STR_INIT("{\"\\u0000\":1,\"\":2}"), STR_INIT("{\"\\u0000\":1,\"\":2}") },
		{ STR_INIT("\"\\/\\b\\f\\n\\r\\t\\\"\\\\\""),
		  STR_INIT("\"/\\u0008\\u000c\\n\\r\\t\\\"\\\\\"") },
		{ STR_INIT("\"\\u00e4\\ud83d\\ude00\xc3\xa4\""),
		  STR_INIT("\"\xc3\xa4\xf0\x9f\x98\x80\xc3\xa4\"") },
		{ STR_INIT("\"\x7f\""), STR_INIT("\"\x7f\"") },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_written(parsed(cases[i].in), cases[i].out);
	assert_written(NULL, STR("null"));
	(void)state;
}

static void refuses_what_is_not_json(void **state)
{
	static const struct str cases[] = {
		{ NULL, 0 },
		STR_INIT(""),
		STR_INIT(" \n"),
		STR_INIT("\xef\xbb\xbf{}"),
		STR_INIT("{} {}"),
		STR_INIT("1 2"),
		STR_INIT("{}\0"),
		STR_INIT("\0{}"),
		STR_INIT("["),
		STR_INIT("]"),
		STR_INIT("[}"),
		STR_INIT("[1,]"),
		STR_INIT("[,1]"),
		STR_INIT("[1 2]"),
		STR_INIT("{\"a\"}"),
		STR_INIT("{\"a\":}"),
		STR_INIT("{\"a\":1,}"),
		STR_INIT("{a:1}"),
		STR_INIT("{'a':1}"),
		STR_INIT("{1:1}"),
		STR_INIT("// x\n1"),
		STR_INIT("/* x */1"),
		STR_INIT("nul"),
		STR_INIT("True"),
		STR_INIT("NaN"),
		STR_INIT("Infinity"),
		STR_INIT("-Infinity"),
		STR_INIT("01"),
		STR_INIT("+1"),
		STR_INIT("-"),
		STR_INIT(".5"),
		STR_INIT("5."),
		STR_INIT("1e"),
		STR_INIT("1e+"),
		STR_INIT("0x10"),
		STR_INIT("1e309"),
		STR_INIT("[1,{\"a\":1.8e308}]"),
		STR_INIT("-1e999999999"),
		STR_INIT("1e99999999999999999999999999"),
		STR_INIT("10e18446744073709551615"),
		STR_INIT("0.001e312"),
		STR_INIT("1_0"),
		STR_INIT("\"a"),
		STR_INIT("\"\n\""),
		STR_INIT("\"\0\""),
		STR_INIT("\"\\x41\""),
		STR_INIT("\"\\u12\""),
		STR_INIT("\"\\ud800\""),
		STR_INIT("\"\\udc00\""),
		STR_INIT("\"\\ud800\\u0041\""),
		STR_INIT("\"\xff\""),
		STR_INIT("\"\xc0\x80\""),
		STR_INIT("\"\xed\xa0\x80\""),
		STR_INIT("\"\xf4\x90\x80\x80\""),
		STR_INIT("\"\xc3\""),
		STR_INIT("{\"\xff\":1}"),
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		yyjson_val *root = NULL;
		struct json_error err = { 0 };
		if (json_parse(&arena, cases[i], &root, &err) != JSON_MALFORMED)
			fail_msg("taken: " STR_FMT, STR_ARG(cases[i]));
		assert_null(root);
		assert_non_null(err.what);
		assert_true(err.at <= cases[i].n);
		assert_int_equal(json_parse(&arena, cases[i], &root, NULL), JSON_MALFORMED);
	}
	(void)state;
}

static void tells_where_a_number_is_out_of_range(void **state)
{
	yyjson_val *root = NULL;
	struct json_error err = { 0 };
	const struct str text = STR("{\"\\u00e9\":[1e308,\"x\"],\"b\":-2e308}");
	assert_int_equal(json_parse(&arena, text, &root, &err), JSON_MALFORMED);
	assert_int_equal(err.at, str_find(text, '-'));
	assert_string_equal(err.what, "number is out of range");
	(void)state;
}

static void leaves_the_text_as_it_was(void **state)
{
	char text[] = "{\"a\\u0041\" : [1, \"x\\ny\"]}";
	char before[sizeof(text)];
	memcpy(before, text, sizeof(text));
	yyjson_val *v = parsed((struct str){ text, sizeof(text) - 1 });
	assert_memory_equal(text, before, sizeof(text));
	memset(text, 'x', sizeof(text)); /* and needs it no longer */
	assert_written(v, STR("{\"aA\":[1,\"x\\ny\"]}"));
	(void)state;
}

/* `n` levels, of objects or arrays or both in turn, around `inner`. */
static struct str nested(const char *kinds, int n, const char *inner)
{
	struct buf b = buf_in(&arena);
	size_t period = strlen(kinds);
	for (int i = 0; i < n; i++)
		buf_put(&b, kinds[(size_t)i % period] == '{' ? STR("{\"k\":") : STR("["));
	buf_put(&b, str_of(inner));
	for (int i = n - 1; i >= 0; i--)
		buf_char(&b, kinds[(size_t)i % period] == '{' ? '}' : ']');
	return buf_str(&b);
}

static void limits_depth(void **state)
{
	static const struct {
		const char *kinds;
		int levels;
		const char *inner;
		enum json_outcome wanted;
	} cases[] = {
		{ "[", 64, "", JSON_OK },         { "[", 65, "", JSON_TOO_DEEP },
		{ "[", 64, "1", JSON_OK },        { "{", 64, "1", JSON_OK },
		{ "{", 65, "1", JSON_TOO_DEEP },  { "{[", 64, "", JSON_OK },
		{ "{[", 65, "0", JSON_TOO_DEEP }, { "[", 100000, "", JSON_TOO_DEEP },
		{ "[", 63, "[],{},[]", JSON_OK }, { "[", 63, "[],[[]]", JSON_TOO_DEEP },
		{ "{", 64, "{}", JSON_TOO_DEEP }, { "[", 62, "[[]],[[]],1,[[],[]]", JSON_OK },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct str text = nested(cases[i].kinds, cases[i].levels, cases[i].inner);
		yyjson_val *root = NULL;
		struct json_error err = { .at = 9 };
		assert_int_equal(json_parse(&arena, text, &root, &err), cases[i].wanted);
		if (cases[i].wanted == JSON_OK)
			assert_written(root, text);
		else
			assert_string_equal(err.what, "nested too deep");
	}
	(void)state;
}

static void a_shadowed_member_counts_for_depth(void **state)
{
	yyjson_val *root;
	struct buf b = buf_in(&arena);
	buf_lit(&b, "{\"a\":");
	buf_put(&b, nested("[", 64, ""));
	buf_lit(&b, ",\"a\":1}");
	assert_int_equal(json_parse(&arena, buf_str(&b), &root, NULL), JSON_TOO_DEEP);
	(void)state;
}

static void of_equal_keys_the_last_wins(void **state)
{
	static const struct {
		struct str in, out;
	} cases[] = {
		{ STR_INIT("{\"a\":1,\"a\":2}"), STR_INIT("{\"a\":2}") },
		{ STR_INIT("{\"a\":1,\"a\":2,\"a\":3}"), STR_INIT("{\"a\":3}") },
		{ STR_INIT("{\"a\":1,\"b\":2,\"a\":3,\"c\":4}"),
		  STR_INIT("{\"b\":2,\"a\":3,\"c\":4}") },
		{ STR_INIT("{\"a\":1,\"\\u0061\":2}"), STR_INIT("{\"a\":2}") },
		{ STR_INIT("{\"\\u0061\":1,\"a\":2}"), STR_INIT("{\"a\":2}") },
		{ STR_INIT("{\"\":1,\"\":2}"), STR_INIT("{\"\":2}") },
		{ STR_INIT("{\"a\\u0000\":1,\"a\":2,\"a\\u0000\":3}"),
		  STR_INIT("{\"a\":2,\"a\\u0000\":3}") },
		{ STR_INIT("{\"a\":1,\"A\":2}"), STR_INIT("{\"a\":1,\"A\":2}") },
		{ STR_INIT("{\"a\":{\"x\":1,\"x\":2},\"b\":[{\"y\":1,\"y\":[]},5]}"),
		  STR_INIT("{\"a\":{\"x\":2},\"b\":[{\"y\":[]},5]}") },
		{ STR_INIT("{\"a\":{\"x\":1,\"x\":[1,2,3]},\"b\":0,\"a\":{\"z\":1,\"z\":{\"q\":1}}"
			   "}"),
		  STR_INIT("{\"b\":0,\"a\":{\"z\":{\"q\":1}}}") },
		{ STR_INIT("[{\"a\":[1,[2,3]],\"a\":null},7,{\"b\":\"x\"}]"),
		  STR_INIT("[{\"a\":null},7,{\"b\":\"x\"}]") },
		{ STR_INIT("[{\"a\":1},{\"a\":2}]"), STR_INIT("[{\"a\":1},{\"a\":2}]") },
		{ STR_INIT("{\"a\":{\"a\":{\"a\":1}}}"), STR_INIT("{\"a\":{\"a\":{\"a\":1}}}") },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_written(parsed(cases[i].in), cases[i].out);
	(void)state;
}

static void a_tree_without_shadowed_members_can_be_used(void **state)
{
	yyjson_val *v = parsed(STR("{\"a\":[1],\"b\":{\"x\":[1,2],\"x\":[3,4,5]},\"a\":\"last\"}"));
	assert_int_equal(yyjson_obj_size(v), 2);
	assert_true(str_eq(json_str(json_get(v, STR("a"))), STR("last")));
	yyjson_val *x = json_get(json_get(v, STR("b")), STR("x"));
	assert_int_equal(yyjson_arr_size(x), 3);
	assert_true(str_eq(json_str(yyjson_arr_get(x, 2)), STR("5")));
	assert_null(json_get(v, STR("c")));

	size_t i, max, seen = 0;
	yyjson_val *key, *value;
	json_foreach_member (v, i, max, key, value) {
		seen += json_str(key).n == 1 && value != NULL;
	}
	assert_int_equal(seen, 2);
	(void)state;
}

/* Members k0..k<n-1>, then `again` of them a second time; sizes around the change of method. */
static void finds_duplicates_in_objects_of_any_size(void **state)
{
	static const int sizes[] = { 1, 2, 3, 4, 8, 15, 16, 17, 31, 32, 33, 100, 5000, 60000 };
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		int n = sizes[i], again = (n + 2) / 3;
		struct buf in = buf_in(&arena), out = buf_in(&arena);
		buf_lit(&in, "[{");
		buf_lit(&out, "[{");
		for (int k = 0; k < n; k++) {
			buf_printf(&in, "\"k%d\":[%d],", k, k);
			if (k >= again)
				buf_printf(&out, "\"k%d\":[%d],", k, k);
		}
		for (int k = 0; k < again; k++) {
			const char *end = k + 1 < again ? "," : "},\"end\"]";
			buf_printf(&in, "\"k%d\":%d%s", k, -k - 1, end);
			buf_printf(&out, "\"k%d\":%d%s", k, -k - 1, end);
		}
		assert_written(parsed(buf_str(&in)), buf_str(&out));
	}
	(void)state;
}

static void memory_has_a_ceiling(void **state)
{
	struct buf b = buf_in(&arena);
	buf_char(&b, '{');
	for (int i = 0; i < 3000; i++)
		buf_printf(&b, "%s\"k%d\":{}", i ? "," : "", i);
	buf_char(&b, '}');

	/* From nothing to enough: refused, refused, ... taken; never anything else. */
	bool taken = false;
	for (size_t ceiling = 0; ceiling <= 1 << 20; ceiling += 4096) {
		struct arena small;
		yyjson_val *root = NULL;
		struct json_error err = { 0 };
		arena_init(&small, ceiling, NULL);
		enum json_outcome r = json_parse(&small, buf_str(&b), &root, &err);
		assert_true(r == JSON_OK || r == JSON_NO_MEMORY);
		assert_true(r == JSON_OK || err.what != NULL);
		assert_int_equal(r == JSON_OK, root != NULL);
		taken = taken || r == JSON_OK;
		assert_int_equal(r == JSON_OK, taken);
		arena_fini(&small);
	}
	assert_true(taken);
	(void)state;
}

/* What is counted before it is parsed is too much for texts of commas and for empty objects. */
static void what_is_counted_too_high_is_taken_where_it_fits(void **state)
{
	static const struct {
		const char *before, *each, *after;
		size_t ceiling; /* bytes, for 100 KiB of text */
		bool taken;
	} cases[] = {
		{ "[\"", ",", "\"]", 400 << 10, true },   { "[\"", ",", "\"]", 100 << 10, false },
		{ "[\"", "{[:", "\"]", 400 << 10, true }, { "[", "{},", "1]", 1 << 20, true },
		{ "[", "{},", "1]", 512 << 10, false },   { "[", "1,", "1]", 900 << 10, false },
		{ "[", "1,", "1]", 2 << 20, true },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf b = buf_in(&arena);
		struct arena small;
		yyjson_val *root = NULL;
		buf_put(&b, str_of(cases[i].before));
		while (b.n < 100 << 10)
			buf_put(&b, str_of(cases[i].each));
		buf_put(&b, str_of(cases[i].after));
		arena_init(&small, cases[i].ceiling, NULL);
		enum json_outcome r = json_parse(&small, buf_str(&b), &root, NULL);
		assert_int_equal(r, cases[i].taken ? JSON_OK : JSON_NO_MEMORY);
		assert_int_equal(small.full, !cases[i].taken);
		if (cases[i].taken)
			assert_written(root, buf_str(&b));
		arena_fini(&small);
	}
}

static void reads_whole_numbers(void **state)
{
	static const struct {
		const char *text;
		bool ok;
		int64_t out;
	} cases[] = {
		{ "0", true, 0 },
		{ "-0", true, 0 },
		{ "-0.000e-5", true, 0 },
		{ "0e999999999999999999999", true, 0 },
		{ "10", true, 10 },
		{ "10.0", true, 10 },
		{ "1e1", true, 10 },
		{ "1E+1", true, 10 },
		{ "1e01", true, 10 },
		{ "1200e-2", true, 12 },
		{ "-1200e-2", true, -12 },
		{ "12.340e2", true, 1234 },
		{ "0.00012e5", true, 12 },
		{ "100.0010e3", true, 100001 },
		{ "9007199254740993", true, 9007199254740993 },
		{ "9223372036854775807", true, INT64_MAX },
		{ "9223372036854775807.000", true, INT64_MAX },
		{ "922337203685477580.7e1", true, INT64_MAX },
		{ "-9223372036854775808", true, INT64_MIN },
		{ "-9.223372036854775808e18", true, INT64_MIN },
		{ "1e18", true, 1000000000000000000 },
		{ "9e18", true, 9000000000000000000 },
		{ "9223372036854775808", false, 0 },
		{ "-9223372036854775809", false, 0 },
		{ "9223372036854775807.5", false, 0 },
		{ "1e19", false, 0 },
		{ "99999999999999999999", false, 0 },
		{ "18446744073709551617", false, 0 },
		{ "1.5", false, 0 },
		{ "0.1", false, 0 },
		{ "1e-1", false, 0 },
		{ "1200e-3", false, 0 },
		{ "1e-999999999", false, 0 },
		{ "1e-99999999999999999999999999", false, 0 },
		{ "1e308", false, 0 },
		{ "0e99999999999999999999999999", true, 0 },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t v = 4711;
		yyjson_val *number = parsed(str_of(cases[i].text));
		assert_true(json_is_number(number));
		if (json_number_to_i64(number, &v) != cases[i].ok)
			fail_msg("wrong about %s", cases[i].text);
		assert_int_equal(v, cases[i].ok ? cases[i].out : 4711);
		assert_int_equal(json_number_to_i64(number, NULL), cases[i].ok);
	}
	(void)state;
}

static void reads_numbers_of_any_length(void **state)
{
	int64_t v;
	struct buf one = buf_in(&arena), tiny = buf_in(&arena);
	buf_lit(&tiny, "0.");
	for (int i = 0; i < 100000; i++)
		buf_char(&tiny, '0');
	buf_lit(&tiny, "7e100001");
	assert_true(json_number_to_i64(parsed(buf_str(&tiny)), &v));
	assert_int_equal(v, 7);

	buf_char(&one, '5');
	for (int i = 0; i < 100000; i++)
		buf_char(&one, '0');
	yyjson_val *root = NULL;
	assert_int_equal(json_parse(&arena, buf_str(&one), &root, NULL), JSON_MALFORMED);
	buf_lit(&one, "e-100000");
	assert_true(json_number_to_i64(parsed(buf_str(&one)), &v));
	assert_int_equal(v, 5);
	assert_true(json_number_to_double(parsed(buf_str(&one))) == 5.0);
	(void)state;
}

static void reads_doubles(void **state)
{
	static const struct {
		const char *text;
		double out;
	} cases[] = {
		{ "0", 0.0 },
		{ "129.95", 129.95 },
		{ "-1.5e3", -1500.0 },
		{ "0.1", 0.1 },
		{ "1e308", 1e308 },
		{ "1.7976931348623157e308", 1.7976931348623157e308 },
		{ "-1797693134862315700000e287", -1.7976931348623157e308 },
		{ "1e-400", 0.0 },
		{ "9007199254740993", 9007199254740992.0 },
		{ "5e-324", 5e-324 },
	};
	yyjson_val *first = parsed(STR("[1.25,2.5,{\"a\":3.75}]"));
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_true(json_number_to_double(parsed(str_of(cases[i].text))) == cases[i].out);
	assert_true(signbit(json_number_to_double(parsed(STR("-0")))));
	assert_true(json_number_to_double(yyjson_arr_get(first, 0)) == 1.25);
	assert_true(json_number_to_double(yyjson_arr_get(first, 1)) == 2.5);
	assert_true(json_number_to_double(json_get(yyjson_arr_get(first, 2), STR("a"))) == 3.75);
	(void)state;
}

static void tells_types_apart(void **state)
{
	static const struct {
		struct str text;
		const char *type;
		struct str str;
	} cases[] = {
		{ STR_INIT("\"a\\u0000b\""), "string", STR_INIT("a\0b") },
		{ STR_INIT("\"12\""), "string", STR_INIT("12") },
		{ STR_INIT("12.50"), "number", STR_INIT("12.50") },
		{ STR_INIT("true"), "boolean", { NULL, 0 } },
		{ STR_INIT("false"), "boolean", { NULL, 0 } },
		{ STR_INIT("null"), "null", { NULL, 0 } },
		{ STR_INIT("{\"a\":1}"), "object", { NULL, 0 } },
		{ STR_INIT("[1]"), "array", { NULL, 0 } },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		yyjson_val *v = parsed(cases[i].text);
		bool number = strcmp(cases[i].type, "number") == 0;
		assert_string_equal(json_type_name(v), cases[i].type);
		assert_true(str_eq(json_str(v), cases[i].str));
		assert_int_equal(json_str(v).p == NULL, cases[i].str.p == NULL);
		assert_int_equal(json_is_number(v), number);
		assert_int_equal(json_number_to_i64(v, NULL), false);
		assert_int_equal(isnan(json_number_to_double(v)) != 0, !number);
	}
	assert_string_equal(json_type_name(NULL), "nothing");
	assert_null(json_str(NULL).p);
	assert_false(json_is_number(NULL));
	assert_false(json_number_to_i64(NULL, NULL));
	assert_null(json_get(NULL, STR("a")));
	assert_null(json_get(parsed(STR("[1]")), STR("a")));
	(void)state;
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, open_arena, close_arena)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(reads_and_writes),
		CASE(refuses_what_is_not_json),
		CASE(tells_where_a_number_is_out_of_range),
		CASE(leaves_the_text_as_it_was),
		CASE(limits_depth),
		CASE(a_shadowed_member_counts_for_depth),
		CASE(of_equal_keys_the_last_wins),
		CASE(a_tree_without_shadowed_members_can_be_used),
		CASE(finds_duplicates_in_objects_of_any_size),
		CASE(memory_has_a_ceiling),
		CASE(what_is_counted_too_high_is_taken_where_it_fits),
		CASE(reads_whole_numbers),
		CASE(reads_numbers_of_any_length),
		CASE(reads_doubles),
		CASE(tells_types_apart),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
