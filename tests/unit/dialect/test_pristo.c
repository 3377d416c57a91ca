#include <stdarg.h>
#include <stddef.h>

#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "fuzz/dialect_fuzz.h"

#define C1   "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
#define SEND "/v1/events/send/"

static const struct trial_request send = { METHOD_POST,
					   SEND TRIAL_WORKSPACE,
					   { HEADER("X-API-Key", TRIAL_KEY) } };

/* A report with this after its id, and this after its type. */
#define REPORT(contact, event) \
	"{\"contact\":{\"id\":\"" C1 "\"" contact "},\"type\":\"purchase\"" event "}"

static void assert_text(struct str got, const char *want)
{
	if (!str_eq(got, str_of(want)))
		fail_msg("got  " STR_FMT "\nwant %s", STR_ARG(got), want);
}

static void test_accepted(void **state)
{
	(void)state;
#define ID_LINE "who external_id lookup,adopt " C1 " key " C1 "\n"
	static const struct {
		const char *body, *op;
	} cases[] = {
		{ REPORT("", ""), "definition 1\nproperties {}\n" ID_LINE },
		{ "{\"type\":\"purchase\",\"contact\":{\"id\":\"3F2504E0-4F89-41D3-9A0C-"
		  "0305E82C3301\"}}",
		  "definition 1\nproperties {}\nwho external_id lookup,adopt "
		  "3F2504E0-4F89-41D3-9A0C-0305E82C3301 key " C1 "\n" },
		{ REPORT(",\"email\":\"Dana@Example.com\"", ""),
		  "definition 1\nproperties {}\n" ID_LINE
		  "who email creates,replace,shared,claims Dana@Example.com key "
		  "dana@example.com\n" },
		{ REPORT(",\"phone\":\"+972 50-123 4567\"", ""),
		  "definition 1\nproperties {}\n" ID_LINE
		  "who phone creates,replace,shared,claims +972 50-123 4567 key 972501234567\n" },
		{ REPORT(",\"phone\":\"\"", ""), "definition 1\nproperties {}\n" ID_LINE },
		{ REPORT(",\"lastName\":\"L\\n\",\"name\":\"\",\"language\":\"en-US\"", ""),
		  "definition 1\nproperties {}\n" ID_LINE
		  "set first_name \"\"\nset last_name \"L\\n\"\nset language \"en-US\"\n" },
		{ REPORT(",\"customFields\":{\"gender\":\"f\",\"age\":\"\"}", ""),
		  "definition 1\nproperties {}\n" ID_LINE
		  "set custom.gender \"f\"\nset custom.age \"\"\n" },
		{ REPORT(",\"customFields\":{}", ",\"customFields\":{}"),
		  "definition 1\nproperties {}\n" ID_LINE },
		{ REPORT("", ",\"customFields\":{ \"channel\" : \"web\", \"purchaseAmount\":"
			     "\"149.99\", \"\":\"\\u0000\" }"),
		  "definition 1\nproperties {\"channel\":\"web\",\"purchaseAmount\":\"149.99\","
		  "\"\":\"\\u0000\"}\n" ID_LINE },
		{ REPORT("", ",\"occurredAt\":\"2026-02-04T13:25:00Z\""),
		  "definition 1\nat 2026-02-04T13:25:00.000000Z\nproperties {}\n" ID_LINE },
		{ REPORT("", ",\"occurredAt\":\"2026-02-04T15:25:00+02:00\""),
		  "definition 1\nat 2026-02-04T13:25:00.000000Z\nproperties {}\n" ID_LINE },
		{ REPORT("", ",\"occurredAt\":\"2026-02-04T13:25:00.123\""),
		  "definition 1\nat 2026-02-04T13:25:00.123000Z\nproperties {}\n" ID_LINE },
		/* Declared fields are not enforced: the wire has strings only. */
		{ "{\"contact\":{\"id\":\"" C1 "\"},\"type\":\"order.completed\","
		  "\"customFields\":{\"total\":\"x\"}}",
		  "definition 2\nproperties {\"total\":\"x\"}\n" ID_LINE },
		{ "{\"contact\":{\"id\":1},\"contact\":{\"id\":\"" C1
		  "\"},\"type\":\"x\",\"type\":\"purchase\"}",
		  "definition 1\nproperties {}\n" ID_LINE },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct trial t;
		trial_run(&t, &pristo, &send, str_of(cases[i].body), TRIAL_MEMORY);
		trial_answer(&t);
		if (t.status != 201)
			fail_msg("%s: " STR_FMT, cases[i].body, STR_ARG(t.body));
		assert_text(trial_op_text(&t), cases[i].op);
		assert_int_equal(t.call.ops->dialect, DIALECT_PRISTO);
		assert_int_equal(t.call.ops->workspace, 1);
		trial_end(&t);
	}
}

/* The whole error body, so that code and words are both meant. */
#define ERROR(code, message) "{\"error\":{\"code\":\"" code "\",\"message\":\"" message "\"}}"
#define INVALID(message)     ERROR("VALIDATION_ERROR", message)

static void test_refused(void **state)
{
	(void)state;
	static const struct {
		const char *body, *error;
	} cases[] = {
		{ "[]", INVALID("The body must be an object, not an array") },
		{ "\"x\"", INVALID("The body must be an object, not a string") },
		{ "{}", INVALID("contact is required; type is required") },
		{ "{\"contact\":{},\"type\":\"purchase\"}", INVALID("contact.id is required") },
		{ "{\"contact\":\"x\",\"type\":\"purchase\"}",
		  INVALID("contact must be an object, not a string") },
		{ "{\"contact\":null,\"type\":null}",
		  INVALID("contact must be an object, not null; type must be a string, not null") },
		{ "{\"contact\":{\"id\":\"" C1 "\"},\"type\":\"\"}",
		  INVALID("type must not be empty") },
		{ "{\"contact\":{\"id\":\"" C1 "\"},\"type\":7}",
		  INVALID("type must be a string, not a number") },
		{ "{\"contact\":{\"id\":\"12345\"},\"type\":\"purchase\"}",
		  INVALID("contact.id must be a UUID") },
		{ REPORT(",\"email\":\"not-an-email\"", ""),
		  INVALID("contact.email must be an e-mail address") },
		{ REPORT(",\"email\":\"\"", ""),
		  INVALID("contact.email must be an e-mail address") },
		{ REPORT(",\"phone\":\"n/a\"", ""),
		  INVALID("contact.phone must be a phone number with at least 5 digits") },
		{ REPORT(",\"phone\":\"123456789012345678901234567890123\"", ""),
		  INVALID("contact.phone may have at most 32 characters, not 33") },
		{ REPORT(",\"language\":\"\"", ""), INVALID("contact.language must not be empty") },
		{ REPORT(",\"name\":null", ""),
		  INVALID("contact.name must be a string, not null") },
		{ REPORT(",\"nickname\":\"x\"", ""),
		  INVALID("contact.nickname is not a member that is known here") },
		{ REPORT("", ",\"foo\":1"), INVALID("foo is not a member that is known here") },
		{ REPORT("", ",\"customFields\":{\"purchaseAmount\":149.99}"),
		  INVALID("customFields.purchaseAmount must be a string, not a number") },
		{ REPORT("", ",\"customFields\":{\"ok\":true,\"x\":null}"),
		  INVALID("customFields.ok must be a string, not a boolean; "
			  "customFields.x must be a string, not null") },
		{ REPORT(",\"customFields\":{\"gender\":1}", ""),
		  INVALID("contact.customFields.gender must be a string, not a number") },
		{ REPORT("", ",\"customFields\":[]"),
		  INVALID("customFields must be an object, not an array") },
		{ REPORT("", ",\"occurredAt\":\"yesterday\""),
		  INVALID("occurredAt must be a date and time") },
		{ REPORT("", ",\"occurredAt\":\"2026-02-04\""),
		  INVALID("occurredAt must be a date and time") },
		{ REPORT("", ",\"occurredAt\":1770211500"),
		  INVALID("occurredAt must be a string, not a number") },
		{ "{\"contact\":{\"id\":\"" C1 "\"},\"type\":\"Purchase\"}",
		  ERROR("EVENT_TYPE_NOT_FOUND", "type names no event type that is defined") },
		{ REPORT(",\"customFields\":{\"shoeSize\":\"44\"}", ""),
		  ERROR("UNKNOWN_CUSTOM_FIELD",
			"contact.customFields.shoeSize is not a field that is defined") },
		/* The first in the order of checks decides the code. */
		{ "{\"contact\":{\"id\":\"" C1
		  "\",\"customFields\":{\"x\":\"\"}},\"type\":\"nope\"}",
		  ERROR("EVENT_TYPE_NOT_FOUND",
			"type names no event type that is defined; "
			"contact.customFields.x is not a field that is defined") },
		{ "{\"contact\":{\"id\":1},\"type\":\"nope\"}",
		  INVALID("contact.id must be a string, not a number") },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct trial t;
		trial_run(&t, &pristo, &send, str_of(cases[i].body), TRIAL_MEMORY);
		trial_answer(&t);
		assert_int_equal(t.status, 400);
		assert_text(t.body, cases[i].error);
		assert_int_equal(t.call.n_ops, 0);
		trial_end(&t);
	}
}

static void test_json(void **state)
{
	(void)state;
	static const char *const bodies[] = { "", "{\"contact\":", "{} {}", "{\"type\":\"\xff\"}" };
	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		struct trial t;
		trial_run(&t, &pristo, &send, str_of(bodies[i]), TRIAL_MEMORY);
		trial_answer(&t);
		assert_int_equal(t.status, 400);
		assert_true(str_starts(t.body, STR("{\"error\":{\"code\":\"INVALID_JSON\"")));
		trial_end(&t);
	}
}

/* Values of n characters, each of `size` bytes. */
static void test_value_length(void **state)
{
	(void)state;
	static const struct {
		const char *character;
		unsigned n;
		int status;
	} cases[] = {
		{ "x", 50, 201 },  { "x", 51, 201 },         { "x", 255, 201 },
		{ "x", 256, 400 }, { "\xc3\xa9", 255, 201 }, { "\xf0\x9f\x98\x80", 256, 400 },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct arena a;
		struct trial t;
		arena_init(&a, 64 * 1024, NULL);
		struct buf body = buf_in(&a);
		buf_lit(&body, "{\"contact\":{\"id\":\"" C1 "\"},\"type\":\"purchase\","
			       "\"customFields\":{\"k\":\"");
		for (unsigned n = 0; n < cases[i].n; n++)
			buf_put(&body, str_of(cases[i].character));
		buf_lit(&body, "\"}}");
		trial_run(&t, &pristo, &send, buf_str(&body), TRIAL_MEMORY);
		trial_answer(&t);
		assert_int_equal(t.status, cases[i].status);
		if (t.status == 400)
			assert_text(t.body, INVALID("customFields.k may have at most 255 "
						    "characters, not 256"));
		trial_end(&t);
		arena_fini(&a);
	}
}

static void test_way_in(void **state)
{
	(void)state;
	static const struct {
		struct trial_request request;
		int status;
		const char *error;
	} cases[] = {
		{ { .method = METHOD_POST, .target = SEND TRIAL_WORKSPACE },
		  401,
		  ERROR("UNAUTHORIZED", "The header X-API-Key is missing or names no valid key") },
		{ { METHOD_POST, SEND TRIAL_WORKSPACE, { HEADER("X-API-Key", "nobody") } },
		  401,
		  ERROR("UNAUTHORIZED", "The header X-API-Key is missing or names no valid key") },
		{ { METHOD_POST, SEND TRIAL_WORKSPACE, { HEADER("X-API-Key", TRIAL_KEY_READS) } },
		  401,
		  ERROR("UNAUTHORIZED", "The API key lacks the permission for this endpoint") },
		{ { METHOD_POST, SEND "not-a-uuid", { HEADER("x-api-key", TRIAL_KEY) } },
		  400,
		  INVALID("populationId must be a UUID") },
		{ { METHOD_POST, SEND TRIAL_ELSEWHERE, { HEADER("x-api-key", TRIAL_KEY) } },
		  400,
		  ERROR("POPULATION_NOT_FOUND",
			"populationId names no population of this API key") },
		{ { METHOD_POST,
		    SEND "00000000-0000-4000-8000-000000000000",
		    { HEADER("x-api-key", TRIAL_KEY) } },
		  400,
		  ERROR("POPULATION_NOT_FOUND",
			"populationId names no population of this API key") },
		{ { METHOD_GET, SEND TRIAL_WORKSPACE, { HEADER("x-api-key", TRIAL_KEY) } },
		  405,
		  ERROR("METHOD_NOT_ALLOWED", "The endpoint does not take this method") },
		{ { METHOD_POST, "/v1/populations/x", { HEADER("x-api-key", TRIAL_KEY) } },
		  404,
		  ERROR("NOT_FOUND", "There is no such endpoint") },
		{ { METHOD_POST,
		    SEND "7C9E6679-7425-40DE-944B-E07FC1F90AE7",
		    { HEADER("X-API-KEY", TRIAL_KEY) } },
		  201,
		  NULL },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct trial t;
		trial_run(&t, &pristo, &cases[i].request, STR(REPORT("", "")), TRIAL_MEMORY);
		trial_answer(&t);
		assert_int_equal(t.status, cases[i].status);
		if (cases[i].error)
			assert_text(t.body, cases[i].error);
		if (t.status == 405)
			assert_text(trial_header(&t, "Allow"), "POST");
		trial_end(&t);
	}
}

static void test_success(void **state)
{
	(void)state;
	struct trial t;
	trial_run(&t, &pristo, &send, STR(REPORT("", "")), TRIAL_MEMORY);
	trial_answer(&t);
	assert_int_equal(t.status, 201);
	assert_text(t.type, "application/json");

	char raw[24], want[128];
	size_t n = base64url_put(t.call.ops->event_id.b, 16, raw);
	assert_int_equal(n, 22);
	snprintf(want, sizeof(want),
		 "{\"ok\":true,\"status\":201,\"statusText\":\"Created\",\"body\":null,"
		 "\"raw\":\"%.22s\"}",
		 raw);
	assert_text(t.body, want);
	trial_end(&t);
}

static void test_committer_says_no(void **state)
{
	(void)state;
	struct trial t;
	trial_run(&t, &pristo, &send, STR(REPORT("", "")), TRIAL_MEMORY);
	trial_answer_refused(&t, PROBLEM_UNKNOWN_CONTACT);
	assert_int_equal(t.status, 400);
	assert_text(t.body, ERROR("CONTACT_NOT_REACHABLE",
				  "A new contact needs contact.phone or contact.email"));
	trial_end(&t);

	trial_run(&t, &pristo, &send, STR(REPORT("", "")), TRIAL_MEMORY);
	trial_answer_refused(&t, PROBLEM_CONTACT_FULL);
	assert_int_equal(t.status, 400);
	assert_true(str_starts(t.body, STR("{\"error\":{\"code\":\"VALIDATION_ERROR\"")));
	trial_end(&t);
}

static void test_trouble(void **state)
{
	(void)state;
	static const struct {
		enum refusal why;
		int status;
		const char *code, *retry_after;
	} cases[] = {
		{ REFUSE_RATE, 429, "RATE_LIMITED", "7" },
		{ REFUSE_OVERLOADED, 503, "SERVICE_UNAVAILABLE", "1" },
		{ REFUSE_UNAVAILABLE, 500, "INTERNAL_ERROR", NULL },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct trial t;
		char start[64];
		trial_run(&t, &pristo, &send, STR(REPORT("", "")), TRIAL_MEMORY);
		t.call.limited = true;
		t.call.rate = (struct rate_state){ .limit = 10, .reset_s = 7 };
		trial_answer_trouble(&t, cases[i].why);
		snprintf(start, sizeof(start), "{\"error\":{\"code\":\"%s\",", cases[i].code);
		assert_int_equal(t.status, cases[i].status);
		assert_true(str_starts(t.body, str_of(start)));
		struct str retry = trial_header(&t, "Retry-After");
		if (cases[i].retry_after)
			assert_text(retry, cases[i].retry_after);
		else
			assert_null(retry.p);
		trial_end(&t);
	}
}

/* However little memory there is, one answer goes out, and it is a success or says why not. */
static void test_memory(void **state)
{
	(void)state;
	unsigned stored = 0, come_back = 0;
	for (size_t memory = 1024; memory < 20 * 1024; memory += 256) {
		struct trial t;
		trial_run(&t, &pristo, &send,
			  STR(REPORT(",\"email\":\"a@b.co\",\"customFields\":{\"age\":\"1\"}",
				     ",\"customFields\":{\"a\":\"b\"}")),
			  memory);
		trial_answer(&t);
		assert_int_equal(t.answers, 1);
		stored += t.status == 201;
		come_back += t.status == 503;
		assert_int_equal(trial_header(&t, "Retry-After").p != NULL, t.status == 503);
		assert_true(t.status == 201 || t.status == 503);
		trial_end(&t);
	}
	assert_true(stored > 0 && come_back > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepted),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_value_length),
		cmocka_unit_test(test_way_in),
		cmocka_unit_test(test_success),
		cmocka_unit_test(test_committer_says_no),
		cmocka_unit_test(test_trouble),
		cmocka_unit_test(test_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
