#include "model/destination.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define SECRET "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define OTHER  "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"

static struct arena arena;

static int open_arena(void **state)
{
	(void)state;
	arena_init(&arena, 1 << 20, NULL);
	return 0;
}

static int close_arena(void **state)
{
	(void)state;
	arena_fini(&arena);
	return 0;
}

static bool read(const char *text, struct destination *d, struct problems *ps)
{
	yyjson_val *v;
	*ps = (struct problems){ .n = 0 };
	if (json_parse(&arena, str_of(text), &v, NULL) != JSON_OK)
		fail_msg("no JSON: %s", text);
	return destination_read(&arena, v, ps, d);
}

static void test_shown(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "{\"name\":\"crm\",\"type\":\"webhook\",\"url\":\"https://crm.example/in\"}",
		  "{\"name\":\"crm\",\"type\":\"webhook\",\"disabled\":false,"
		  "\"url\":\"https://crm.example/in\",\"secrets\":0,\"allow_private\":false,"
		  "\"retry_seconds\":[5,300,1800,7200,18000,36000,50400,72000,86400],"
		  "\"concurrency\":10,\"requests_per_second\":0,\"ordered\":false}" },
		{ "{\"name\":\"crm\",\"type\":\"webhook\",\"url\":\"http://127.0.0.1:1?x\","
		  "\"secrets\":[\"" SECRET "\",\"" OTHER "\"],\"allow_private\":true,"
		  "\"retry_seconds\":[1,604800],\"concurrency\":1,\"requests_per_second\":7,"
		  "\"ordered\":true,\"disabled\":true,\"path\":null}",
		  "{\"name\":\"crm\",\"type\":\"webhook\",\"disabled\":true,"
		  "\"url\":\"http://127.0.0.1:1?x\",\"secrets\":2,\"allow_private\":true,"
		  "\"retry_seconds\":[1,604800],\"concurrency\":1,\"requests_per_second\":7,"
		  "\"ordered\":true}" },
		{ "{\"name\":\"log\",\"type\":\"file\",\"path\":\"a/b.ndjson\","
		  "\"retry_seconds\":[]}",
		  "{\"name\":\"log\",\"type\":\"file\",\"disabled\":false,\"path\":\"a/b.ndjson\","
		  "\"rotate_bytes\":67108864,\"retry_seconds\":[],\"concurrency\":10,"
		  "\"requests_per_second\":0,\"ordered\":false}" },
		{ "{\"name\":\"a\",\"type\":\"file\",\"path\":\"p\",\"retry_seconds\":[],"
		  "\"body\":\"[\\\"{{x}}\\\"]\"}",
		  "{\"name\":\"a\",\"type\":\"file\",\"disabled\":false,\"path\":\"p\","
		  "\"rotate_bytes\":67108864,\"retry_seconds\":[],\"concurrency\":10,"
		  "\"requests_per_second\":0,\"ordered\":false,\"body\":\"[\\\"{{x}}\\\"]\"}" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct destination d;
		struct problems ps;
		struct buf b = buf_in(&arena);
		assert_true(read(cases[i].in, &d, &ps));
		destination_put(&b, &d);
		buf_char(&b, '\0');
		assert_string_equal(b.p, cases[i].out);
	}
}

static void test_secret_is_decoded(void **state)
{
	struct destination d;
	struct problems ps;
	(void)state;
	assert_true(read("{\"name\":\"a\",\"type\":\"webhook\",\"url\":\"https://a\","
			 "\"secret\":\"" OTHER "\"}",
			 &d, &ps));
	assert_int_equal(d.n_secrets, 1);
	assert_int_equal(d.secrets[0].n, 24);
	for (size_t i = 0; i < 24; i++)
		assert_int_equal(d.secrets[0].p[i], i);
}

#define WEBHOOK(more) "{\"name\":\"a\",\"type\":\"webhook\",\"url\":\"https://a\"," more "}"
#define AT(url)       "{\"name\":\"a\",\"type\":\"webhook\",\"url\":\"" url "\"}"
#define FILE_AT(path) "{\"name\":\"a\",\"type\":\"file\",\"path\":\"" path "\"}"

static void test_refused(void **state)
{
	static const struct {
		const char *in, *said; /* all problems, each in English */
	} cases[] = {
		{ "[]", "The body must be an object, not an array; " },
		{ "{}", "name is required; type is required; " },
		{ "{\"name\":\"\",\"type\":\"webhook\"}", "name must not be empty; " },
		{ "{\"name\":\"a\",\"type\":\"fax\"}", "type must be one of: webhook, file; " },
		{ "{\"name\":\"a\",\"type\":\"webhook\"}", "url is required; " },
		{ "{\"name\":\"a\",\"type\":\"file\"}", "path is required; " },
		{ AT("ftp://a"), "url must be an http or https URL; " },
		{ AT("https://"), "url must be an http or https URL; " },
		{ AT("https:///x"), "url must be an http or https URL; " },
		{ AT("https://:80/"), "url must be an http or https URL; " },
		{ AT("https://a b"), "url must be an http or https URL; " },
		{ AT("https://u:p@a/"), "url must be an http or https URL; " },
		{ AT("https://a\\u0000b"), "url must be an http or https URL; " },
		{ AT("https://a/\\nx"), "url must be an http or https URL; " },
		{ WEBHOOK("\"secret\":\"x\""),
		  "secret must be one of: \"whsec_\" and 24 to 64 bytes in base64; " },
		{ WEBHOOK("\"secret\":\"whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRY=\""),
		  "secret must be one of: \"whsec_\" and 24 to 64 bytes in base64; " },
		{ WEBHOOK("\"secrets\":[\"" SECRET "\",7]"),
		  "secrets[1] must be one of: \"whsec_\" and 24 to 64 bytes in base64; " },
		{ WEBHOOK("\"secrets\":[]"), "secrets must not be empty; " },
		{ WEBHOOK("\"secret\":\"" SECRET "\",\"secrets\":[\"" SECRET "\"]"),
		  "secrets must have one of: secret or secrets; " },
		{ WEBHOOK("\"allow_private\":\"yes\""),
		  "allow_private must be a boolean, not a string; " },
		{ WEBHOOK("\"retry_seconds\":[0]"),
		  "retry_seconds[0] must be one of: 1 to 604800 seconds; " },
		{ WEBHOOK("\"retry_seconds\":[1,\"2\",604801]"),
		  "retry_seconds[1] must be one of: 1 to 604800 seconds; "
		  "retry_seconds[2] must be one of: 1 to 604800 seconds; " },
		{ WEBHOOK("\"concurrency\":0"), "concurrency must be one of: 1 to 1000; " },
		{ WEBHOOK("\"requests_per_second\":-1"),
		  "requests_per_second must be one of: 0 to 100000; " },
		{ WEBHOOK("\"path\":\"x\""), "path is not a member that is known here; " },
		{ WEBHOOK("\"colour\":\"x\""), "colour is not a member that is known here; " },
		{ FILE_AT("/etc/passwd"),
		  "path must be one of: a relative path without . and ..; " },
		{ FILE_AT("../a"), "path must be one of: a relative path without . and ..; " },
		{ FILE_AT("a/../b"), "path must be one of: a relative path without . and ..; " },
		{ FILE_AT("a//b"), "path must be one of: a relative path without . and ..; " },
		{ FILE_AT("a/"), "path must be one of: a relative path without . and ..; " },
		{ FILE_AT("a\\u0000b"), "path must be one of: a relative path without . and ..; " },
		{ "{\"name\":\"a\",\"type\":\"file\",\"path\":\"x\",\"rotate_bytes\":1,"
		  "\"url\":\"https://a\"}",
		  "rotate_bytes must be one of: 65536 to 68719476736; " },
		{ "{\"name\":\"a\",\"type\":\"file\",\"path\":\"x\",\"url\":\"https://a\"}",
		  "url is not a member that is known here; " },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct destination d;
		struct problems ps;
		struct buf b = buf_in(&arena);
		assert_false(read(cases[i].in, &d, &ps));
		for (unsigned p = 0; p < ps.n; p++) {
			problem_put_english(&b, &ps.list[p]);
			buf_lit(&b, "; ");
		}
		buf_char(&b, '\0');
		assert_string_equal(b.p, cases[i].said);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(f) cmocka_unit_test_setup_teardown(f, open_arena, close_arena)
		CASE(test_shown),
		CASE(test_secret_is_decoded),
		CASE(test_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
