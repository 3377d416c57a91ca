#include "model/destination.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define SECRET "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define OTHER  "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"

#define PEM_HEAD "-----BEGIN CERTIFICATE-----\\n"
#define PEM_END  "\\n-----END CERTIFICATE-----\\n"
/* As in JSON. */
#define PEM                                                                   \
	PEM_HEAD                                                              \
	"MIIBgzCCASmgAwIBAgIUJF23lh5GBJvcN30fWJ7/3ZxOauYwCgYIKoZIzj0EAwIw\\n" \
	"FjEUMBIGA1UEAwwLb2NjdXJkLXRlc3QwIBcNMjYxMTIxMDY0NTIxWhgPMjEyNjEw\\n" \
	"MjgwNjQ1MjFaMBYxFDASBgNVBAMMC29jY3VyZC10ZXN0MFkwEwYHKoZIzj0CAQYI\\n" \
	"KoZIzj0DAQcDQgAE/V8S14eauVhrNUUCXfoJ0k7eP95/+OaLXoVvT1ZIU7S18OQO\\n" \
	"cgsMLaKGRA0jInLkHzWjXzaNeZ60Nz4n5s7DDqNTMFEwHQYDVR0OBBYEFIOFkyD/\\n" \
	"Y8ycBZAcU3F/aVVBJj4dMB8GA1UdIwQYMBaAFIOFkyD/Y8ycBZAcU3F/aVVBJj4d\\n" \
	"MA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIhAJqfieLYeZwkdV/k\\n" \
	"EhWec2abXAf0RvDIROe/Rr4+rvKgAiA9pVScccYzmUtm9uGAZ8ItXv73Evs6KtZj\\n" \
	"/qpIQEt9Hw==" PEM_END

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
		{ "{\"name\":\"a\",\"type\":\"relay\",\"vendor\":\"arsel\",\"key\":\"k\","
		  "\"retry_seconds\":[]}",
		  "{\"name\":\"a\",\"type\":\"relay\",\"disabled\":false,\"vendor\":\"arsel\","
		  "\"url\":\"https://api.arsel.sa\",\"names\":{},\"allow_private\":false,"
		  "\"at_least_once\":false,\"retry_seconds\":[],\"concurrency\":10,"
		  "\"requests_per_second\":2,\"ordered\":false}" },
		{ "{\"name\":\"a\",\"type\":\"relay\",\"vendor\":\"pristo\",\"key\":\"k\","
		  "\"population\":\"7C9E6679-7425-40DE-944B-E07FC1F90AE7\","
		  "\"url\":\"http://127.0.0.1:8/x/\",\"names\":{\"a.b\":\"c\"},"
		  "\"allow_private\":true,\"at_least_once\":true,\"requests_per_second\":0,"
		  "\"retry_seconds\":[],\"contact_fields\":[\"age\"]}",
		  "{\"name\":\"a\",\"type\":\"relay\",\"disabled\":false,\"vendor\":\"pristo\","
		  "\"url\":\"http://127.0.0.1:8/x\","
		  "\"population\":\"7c9e6679-7425-40de-944b-e07fc1f90ae7\","
		  "\"names\":{\"a.b\":\"c\"},\"contact_fields\":[\"age\"],\"allow_private\":true,"
		  "\"at_least_once\":true,\"retry_seconds\":[],\"concurrency\":10,"
		  "\"requests_per_second\":0,\"ordered\":false}" },
		{ "{\"name\":\"a\",\"type\":\"relay\",\"vendor\":\"infobip\",\"key\":\"k\","
		  "\"url\":\"https://x\",\"keep_time\":true,\"retry_seconds\":[]}",
		  "{\"name\":\"a\",\"type\":\"relay\",\"disabled\":false,"
		  "\"vendor\":\"infobip\",\"url\":\"https://x\",\"names\":{},\"keep_time\":true,"
		  "\"allow_private\":false,\"at_least_once\":false,\"retry_seconds\":[],"
		  "\"concurrency\":10,\"requests_per_second\":5,\"ordered\":false}" },
		{ "{\"name\":\"a\",\"type\":\"relay\",\"vendor\":\"omnisend\",\"key\":\"k\","
		  "\"retry_seconds\":[]}",
		  "{\"name\":\"a\",\"type\":\"relay\",\"disabled\":false,"
		  "\"vendor\":\"omnisend\",\"url\":\"https://api.omnisend.com\",\"names\":{},"
		  "\"allow_private\":false,\"at_least_once\":false,\"retry_seconds\":[],"
		  "\"concurrency\":10,\"requests_per_second\":6,\"ordered\":false}" },
		{ "{\"name\":\"a\",\"type\":\"relay\",\"vendor\":\"infobip\",\"key\":\"k\","
		  "\"url\":\"https://x.api.infobip.com\",\"retry_seconds\":[]}",
		  "{\"name\":\"a\",\"type\":\"relay\",\"disabled\":false,"
		  "\"vendor\":\"infobip\",\"url\":\"https://x.api.infobip.com\",\"names\":{},"
		  "\"keep_time\":false,\"allow_private\":false,\"at_least_once\":false,\"retry_"
		  "seconds\":[],"
		  "\"concurrency\":10,\"requests_per_second\":250,\"ordered\":false}" },
		{ "{\"name\":\"bus\",\"type\":\"kafka\",\"brokers\":\"k1:9092\","
		  "\"topic\":\"occurd.events\",\"retry_seconds\":[]}",
		  "{\"name\":\"bus\",\"type\":\"kafka\",\"disabled\":false,"
		  "\"brokers\":\"k1:9092\",\"topic\":\"occurd.events\",\"allow_private\":false,"
		  "\"tls\":false,\"message_max_bytes\":1000000,\"retry_seconds\":[],"
		  "\"concurrency\":10,\"requests_per_second\":0,\"ordered\":false}" },
		{ "{\"name\":\"bus\",\"type\":\"kafka\","
		  "\"brokers\":\"k_1.example:1, [2001:db8::1]:65535,10.0.0.1:9\",\"topic\":\"...\","
		  "\"allow_private\":true,\"tls\":true,\"ca\":\"" PEM PEM "\","
		  "\"sasl\":\"SCRAM-SHA-512\",\"username\":\"u\",\"password\":\"p w\","
		  "\"message_max_bytes\":4194304,\"retry_seconds\":[],\"ordered\":true}",
		  "{\"name\":\"bus\",\"type\":\"kafka\",\"disabled\":false,"
		  "\"brokers\":\"k_1.example:1, [2001:db8::1]:65535,10.0.0.1:9\",\"topic\":\"...\","
		  "\"allow_private\":true,\"tls\":true,\"ca\":\"" PEM PEM "\","
		  "\"sasl\":\"SCRAM-SHA-512\",\"username\":\"u\","
		  "\"message_max_bytes\":4194304,\"retry_seconds\":[],"
		  "\"concurrency\":10,\"requests_per_second\":0,\"ordered\":true}" },
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
#define KAFKA(more)   "{\"name\":\"bus\",\"type\":\"kafka\"," more "}"
#define BROKERS(list) KAFKA("\"topic\":\"t\",\"brokers\":\"" list "\"")
#define TOPIC(topic)  KAFKA("\"brokers\":\"k:1\",\"topic\":\"" topic "\"")
#define BUS(more)     KAFKA("\"brokers\":\"k:1\",\"topic\":\"t\"," more)
#define NO_PATH       "path must be a relative path without . and .., of names of up to 200 bytes; "
#define B50           "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define NO_PRIVATE    "url must be a public address, unless allow_private is true; "
#define NO_BROKERS    "brokers must be a list of up to 20 host:port with commas between; "
#define NO_TOPIC      "topic must be a topic: letters, digits, \".\", \"_\" and \"-\"; "
#define AT(url)       "{\"name\":\"a\",\"type\":\"webhook\",\"url\":\"" url "\"}"
#define FILE_AT(path) "{\"name\":\"a\",\"type\":\"file\",\"path\":\"" path "\"}"
#define RELAY(more)   "{\"name\":\"a\",\"type\":\"relay\"," more "}"
#define ARSEL(more)   RELAY("\"vendor\":\"arsel\",\"key\":\"k\"," more)
#define PRISTO(more)  RELAY("\"vendor\":\"pristo\",\"key\":\"k\"," more)
#define POPULATION    "\"population\":\"7c9e6679-7425-40de-944b-e07fc1f90ae7\""

static void test_refused(void **state)
{
	static const struct {
		const char *in, *said; /* all problems, each in English */
	} cases[] = {
		{ "[]", "The body must be an object, not an array; " },
		{ "{}", "name is required; type is required; " },
		{ "{\"name\":\"\",\"type\":\"webhook\"}", "name must not be empty; " },
		{ "{\"name\":\"a\",\"type\":\"fax\"}",
		  "type must be one of: webhook, file, kafka, relay; " },
		{ "{\"name\":\"a\",\"type\":\"webhook\"}", "url is required; " },
		{ "{\"name\":\"a\",\"type\":\"file\"}", "path is required; " },
		{ AT("ftp://a"), "url must be an http or https URL; " },
		{ AT("https://"), "url must be an http or https URL; " },
		{ AT("https:///x"), "url must be an http or https URL; " },
		{ AT("https://:80/"), "url must be an http or https URL; " },
		{ AT("https://a b"), "url must be an http or https URL; " },
		{ AT("https://a\\u0000b"), "url must be an http or https URL; " },
		{ AT("https://a/\\nx"), "url must be an http or https URL; " },
		{ AT("http://127.0.0.1:8090/x"), NO_PRIVATE },
		{ AT("http://127.0.0.1?x"), NO_PRIVATE },
		{ AT("https://10.0.0.1"), NO_PRIVATE },
		{ AT("http://169.254.169.254/latest"), NO_PRIVATE },
		{ AT("http://[::1]/"), NO_PRIVATE },
		{ AT("http://[::ffff:127.0.0.1]:80/"), NO_PRIVATE },
		{ AT("http://a:0/"), "url must be a URL whose port is 1 to 65535; " },
		{ AT("http://a:65536/"), "url must be a URL whose port is 1 to 65535; " },
		{ AT("http://[2001:db8::1]:x/"), "url must be a URL whose port is 1 to 65535; " },
		{ AT("https://a/#part"), "url must be a URL without a fragment; " },
		{ AT("https://a:1#part"), "url must be a URL without a fragment; " },
		{ AT("https://me:secret@a/"), "url must be a URL without a user; " },
		{ BROKERS("k1:9092,10.0.0.1:9092"),
		  "brokers must be a list of public addresses, unless allow_private is true; " },
		{ BROKERS("[fd00::1]:9092"),
		  "brokers must be a list of public addresses, unless allow_private is true; " },
		{ WEBHOOK("\"secret\":\"x\""),
		  "secret must be a text of \"whsec_\" and 24 to 64 bytes in base64; " },
		{ WEBHOOK("\"secret\":\"whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRY=\""),
		  "secret must be a text of \"whsec_\" and 24 to 64 bytes in base64; " },
		{ WEBHOOK("\"secrets\":[\"" SECRET "\",7]"),
		  "secrets[1] must be a text of \"whsec_\" and 24 to 64 bytes in base64; " },
		{ WEBHOOK("\"secrets\":[]"), "secrets must not be empty; " },
		{ WEBHOOK("\"secret\":\"" SECRET "\",\"secrets\":[\"" SECRET "\"]"),
		  "secrets must have one of: secret or secrets; " },
		{ WEBHOOK("\"allow_private\":\"yes\""),
		  "allow_private must be a boolean, not a string; " },
		{ WEBHOOK("\"retry_seconds\":[0]"),
		  "retry_seconds[0] must be a number of seconds from 1 to 604800; " },
		{ WEBHOOK("\"retry_seconds\":[1,\"2\",604801]"),
		  "retry_seconds[1] must be a number of seconds from 1 to 604800; "
		  "retry_seconds[2] must be a number of seconds from 1 to 604800; " },
		{ WEBHOOK("\"concurrency\":0"),
		  "concurrency must be a whole number from 1 to 1000; " },
		{ WEBHOOK("\"requests_per_second\":-1"),
		  "requests_per_second must be a whole number from 0 to 100000; " },
		{ WEBHOOK("\"path\":\"x\""), "path is not a member that is known here; " },
		{ WEBHOOK("\"colour\":\"x\""), "colour is not a member that is known here; " },
		{ FILE_AT("/etc/passwd"), NO_PATH },
		{ FILE_AT("../a"), NO_PATH },
		{ FILE_AT("a/../b"), NO_PATH },
		{ FILE_AT("a//b"), NO_PATH },
		{ FILE_AT("a/"), NO_PATH },
		{ FILE_AT("a\\u0000b"), NO_PATH },
		{ FILE_AT("a/" B50 B50 B50 B50 "b"), NO_PATH },
		{ "{\"name\":\"a\",\"type\":\"file\",\"path\":\"x\",\"rotate_bytes\":1,"
		  "\"url\":\"https://a\"}",
		  "rotate_bytes must be a whole number from 65536 to 68719476736; " },
		{ "{\"name\":\"a\",\"type\":\"file\",\"path\":\"x\",\"url\":\"https://a\"}",
		  "url is not a member that is known here; " },
		{ RELAY("\"key\":\"k\""), "vendor is required; " },
		{ RELAY("\"vendor\":\"mailer\""),
		  "vendor must be one of: pristo, omnisend, infobip, arsel; " },
		{ RELAY("\"vendor\":\"arsel\""), "key is required; " },
		{ RELAY("\"vendor\":\"infobip\",\"key\":\"k\""), "url is required; " },
		{ RELAY("\"vendor\":\"pristo\",\"key\":\"k\""), "population is required; " },
		{ PRISTO("\"population\":\"pop_1\""), "population must be a UUID; " },
		{ PRISTO(POPULATION ",\"contact_fields\":[\"\",7]"),
		  "contact_fields[0] must be a name of 1 to 255 characters; "
		  "contact_fields[1] must be a name of 1 to 255 characters; " },
		{ ARSEL(POPULATION), "population is not a member that is known here; " },
		{ ARSEL("\"contact_fields\":[]"),
		  "contact_fields is not a member that is known here; " },
		{ ARSEL("\"keep_time\":false"), "keep_time is not a member that is known here; " },
		{ ARSEL("\"body\":\"{}\""), "body is not a member that is known here; " },
		{ ARSEL("\"secret\":\"x\""), "secret is not a member that is known here; " },
		{ ARSEL("\"url\":\"arsel.sa\""), "url must be an http or https URL; " },
		{ ARSEL("\"url\":\"https://a?b\""), "url must be a base URL, without a query; " },
		{ ARSEL("\"names\":{\"a\":\"\",\"b\":5}"),
		  "names.a must be a name of 1 to 255 characters; "
		  "names.b must be a name of 1 to 255 characters; " },
		{ ARSEL("\"names\":[]"), "names must be an object, not an array; " },
		{ ARSEL("\"at_least_once\":1"), "at_least_once must be a boolean, not a number; " },
		{ RELAY("\"vendor\":\"arsel\",\"key\":\"a b\""),
		  "key must be a text of visible ASCII characters; " },
		{ WEBHOOK("\"vendor\":\"arsel\""), "vendor is not a member that is known here; " },
		{ KAFKA("\"name\":\"bus\""), "brokers is required; topic is required; " },
		{ BROKERS("k1"), NO_BROKERS },
		{ BROKERS("k1:"), NO_BROKERS },
		{ BROKERS(":9092"), NO_BROKERS },
		{ BROKERS("k1:0"), NO_BROKERS },
		{ BROKERS("k1:65536"), NO_BROKERS },
		{ BROKERS("k1:9092,"), NO_BROKERS },
		{ BROKERS("k1:9092,,k2:9092"), NO_BROKERS },
		{ BROKERS("k1:9092 k2:9092"), NO_BROKERS },
		{ BROKERS("PLAINTEXT://k1:9092"), NO_BROKERS },
		{ BROKERS("u@k1:9092"), NO_BROKERS },
		{ BROKERS("k1\\u0000:9092"), NO_BROKERS },
		{ BROKERS("::1:9092"), NO_BROKERS },
		{ BROKERS("[]:9092"), NO_BROKERS },
		{ BROKERS("a:1,a:1,a:1,a:1,a:1,a:1,a:1,a:1,a:1,a:1,"
			  "a:1,a:1,a:1,a:1,a:1,a:1,a:1,a:1,a:1,a:1,a:1"),
		  NO_BROKERS },
		{ TOPIC(""), "topic must not be empty; " },
		{ TOPIC("."), NO_TOPIC },
		{ TOPIC(".."), NO_TOPIC },
		{ TOPIC("a b"), NO_TOPIC },
		{ TOPIC("a/b"), NO_TOPIC },
		{ TOPIC("\u00e4"), NO_TOPIC },
		{ TOPIC("a\\u0000b"), NO_TOPIC },
		{ BUS("\"tls\":\"yes\""), "tls must be a boolean, not a string; " },
		{ BUS("\"ca\":\"" PEM "\""), "ca may not stand together with \"tls\": false; " },
		{ BUS("\"tls\":true,\"ca\":\"/etc/ssl/ca.pem\""),
		  "ca must be a certificate in PEM, or several of them; " },
		{ BUS("\"tls\":true,\"ca\":\"" PEM_HEAD "AAAA" PEM_END "\""),
		  "ca must be a certificate in PEM, or several of them; " },
		{ BUS("\"tls\":true,\"ca\":\"" PEM PEM_HEAD "AAAA" PEM_END "\""),
		  "ca must be a certificate in PEM, or several of them; " },
		{ BUS("\"sasl\":\"PLAIN\""), "username is required; password is required; " },
		{ BUS("\"password\":\"x\""), "sasl is required; username is required; " },
		{ BUS("\"sasl\":\"plain\",\"username\":\"u\",\"password\":\"p\""),
		  "sasl must be one of: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512; " },
		{ BUS("\"sasl\":\"PLAIN\",\"username\":\"u\\u0000\",\"password\":\"p\""),
		  "username must be a text without U+0000; " },
		{ BUS("\"sasl\":\"PLAIN\",\"username\":\"u\",\"password\":\"\""),
		  "password must not be empty; " },
		{ BUS("\"message_max_bytes\":999"),
		  "message_max_bytes must be a whole number from 1000 to 4194304; " },
		{ BUS("\"url\":\"https://a\",\"path\":\"x\""),
		  "url is not a member that is known here; "
		  "path is not a member that is known here; " },
		{ WEBHOOK("\"topic\":\"x\",\"tls\":false"),
		  "topic is not a member that is known here; "
		  "tls is not a member that is known here; " },
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
