#include <stdarg.h>
#include <stddef.h>

#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "fuzz/dialect_fuzz.h"

#define C1    "01957e3a-4b5c-7d8e-9f0a-1b2c3d4e5f6b"
#define EMAIL "\"email\":\"john.doe@example.com\""
#define D     "{\"order_id\":\"A-1023\",\"total\":149.99}"

static const struct trial_request send = { METHOD_POST,
					   "/v1/events/send",
					   { HEADER("Authorization", "Bearer " TRIAL_KEY) } };

/* order.completed about somebody, with data; `more` begins with a comma. */
#define ORDER(who, data, more) "{\"event\":\"order.completed\"," who ",\"data\":" data "" more "}"

static void assert_text(struct str got, const char *want)
{
	if (!str_eq(got, str_of(want)))
		fail_msg("got  " STR_FMT "\nwant %s", STR_ARG(got), want);
}

static void test_accepted(void **state)
{
	(void)state;
#define ORDER_LINES "definition 2\nproperties " D "\n"
#define JOHN        "who email lookup,creates,adopt john.doe@example.com key john.doe@example.com\n"
	static const struct {
		const char *body, *op;
	} cases[] = {
		{ ORDER(EMAIL, D, ""), ORDER_LINES JOHN },
		{ ORDER(EMAIL, D, ",\"timestamp\":\"2026-06-01T12:00:00.000Z\""),
		  "definition 2\nat 2026-06-01T12:00:00.000000Z\nproperties " D "\n" JOHN },
		{ ORDER(EMAIL, D, ",\"timestamp\":\"2026-06-01T12:00:00+03:00\""),
		  "definition 2\nat 2026-06-01T09:00:00.000000Z\nproperties " D "\n" JOHN },
		{ ORDER(EMAIL, D, ",\"timestamp\":\"2026-06-01\""),
		  "definition 2\nat 2026-06-01T00:00:00.000000Z\nproperties " D "\n" JOHN },
		{ ORDER(EMAIL, D, ",\"timestamp\":\"2026-06-01T12:00\""),
		  "definition 2\nat 2026-06-01T12:00:00.000000Z\nproperties " D "\n" JOHN },
		{ ORDER(EMAIL, D, ",\"timestamp\":null"), ORDER_LINES JOHN },
		{ ORDER("\"email\":\" John.Doe@Example.com \"", D, ""),
		  ORDER_LINES "who email lookup,creates,adopt John.Doe@Example.com key "
			      "john.doe@example.com\n" },
		{ ORDER("\"contact_id\":\"01957E3A-4B5C-7D8E-9F0A-1B2C3D4E5F6B\"", D, ""),
		  ORDER_LINES "who uuid lookup " C1 " key " C1 "\n" },
		{ ORDER("\"contact_id\":\"" C1 "\",\"email\":null", D, ""),
		  ORDER_LINES "who uuid lookup " C1 " key " C1 "\n" },
		{ ORDER("\"external_id\":\"crm-7\"", D, ""),
		  ORDER_LINES "who external_id lookup,creates,adopt crm-7 key crm-7\n" },
		{ ORDER("\"phone_number\":\"+966501234567\"", D, ""),
		  ORDER_LINES "who phone lookup,creates,adopt +966501234567 key 966501234567\n" },
		/* The rank of identifiers, whatever the order they were sent in. */
		{ ORDER("\"phone_number\":\"+966501234567\"," EMAIL ",\"external_id\":\"7\"", D,
			""),
		  ORDER_LINES "who external_id lookup,creates,adopt 7 key 7\n" JOHN
			      "who phone lookup,creates,adopt +966501234567 key 966501234567\n" },
		{ ORDER(EMAIL, "{\"order_id\":\"\",\"total\":-1e2,\"is_gift\":null}", ""),
		  "definition 2\nproperties "
		  "{\"order_id\":\"\",\"total\":-1e2,\"is_gift\":null}\n" JOHN },
		{ ORDER(EMAIL, "{\"order_id\":\"A\",\"total\":1,\"placed\":\"2026-06-01\"}", ""),
		  "definition 2\nproperties "
		  "{\"order_id\":\"A\",\"total\":1,\"placed\":\"2026-06-01\"}"
		  "\n" JOHN },
		{ ORDER(EMAIL,
			"{\"order_id\":\"A\",\"total\":1,\"placed\":\"2026-06-01T12:00:00\"}", ""),
		  "definition 2\nproperties {\"order_id\":\"A\",\"total\":1,"
		  "\"placed\":\"2026-06-01T12:00:00\"}\n" JOHN },
		{ ORDER(EMAIL, "{\"order_id\":\"A\",\"total\":1,\"coupon\":\"X\",\"o\":{\"a\":[]}}",
			",\"foo\":1"),
		  "definition 2\nproperties {\"order_id\":\"A\",\"total\":1,\"coupon\":\"X\","
		  "\"o\":{\"a\":[]}}\n" JOHN },
		{ "{\"event\":\"purchase\"," EMAIL ",\"data\":{}}",
		  "definition 1\nproperties {}\n" JOHN },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct trial t;
		trial_run(&t, &arsel, &send, str_of(cases[i].body), TRIAL_MEMORY);
		trial_answer(&t);
		if (t.status != 202)
			fail_msg("%s: " STR_FMT, cases[i].body, STR_ARG(t.body));
		assert_text(trial_op_text(&t), cases[i].op);
		assert_int_equal(t.call.ops->dialect, DIALECT_ARSEL);
		trial_end(&t);
	}
}

#define ERROR(status, name, message) \
	"{\"status_code\":" #status ",\"name\":\"" name "\",\"message\":\"" message "\"}"
#define INVALID(message) ERROR(422, "validation_error", message)
#define MISMATCH         INVALID("Payload does not match the \\\"order.completed\\\" schema.")
#define EITHER           ERROR(400, "bad_request", "Provide either email or contact_id.")
#define NOT_OBJECT       ERROR(400, "bad_request", "Request body must be a JSON object")

#define X80 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static void test_refused(void **state)
{
	(void)state;
	static const struct {
		const char *body;
		int status;
		const char *error;
	} cases[] = {
		{ "[]", 400, NOT_OBJECT },
		{ "\"x\"", 400, NOT_OBJECT },
		{ ORDER(EMAIL ",\"contact_id\":\"" C1 "\"", D, ""), 400, EITHER },
		{ ORDER("\"phone_number\":\"+966501234567\",\"contact_id\":\"" C1 "\"", D, ""), 400,
		  EITHER },
		{ ORDER("\"external_id\":\"7\",\"contact_id\":\"" C1 "\"", D, ""), 400, EITHER },
		{ ORDER("\"x\":1", D, ""), 400, EITHER },
		{ ORDER("\"email\":null,\"contact_id\":null", D, ""), 400, EITHER },
		{ ORDER(EMAIL ",\"anonymous_id\":\"a\"", D, ""), 400,
		  ERROR(400, "bad_request", "anonymous_id is not allowed with a secret API key.") },
		{ "{\"event\":\"nope.unknown\"," EMAIL ",\"data\":{}}", 404,
		  ERROR(404, "not_found",
			"No event named \\\"nope.unknown\\\" is defined in this organization.") },
		{ "{\"event\":\"Order.Completed\"," EMAIL ",\"data\":{}}", 404,
		  ERROR(404, "not_found",
			"No event named \\\"Order.Completed\\\" is defined in this "
			"organization.") },
		{ ORDER(EMAIL, "{\"order_id\":\"A-1023\"}", ""), 422, MISMATCH },
		{ ORDER(EMAIL, "{}", ""), 422, MISMATCH },
		{ ORDER(EMAIL, "{\"order_id\":null,\"total\":1}", ""), 422, MISMATCH },
		{ ORDER(EMAIL, "{\"order_id\":\"A\",\"total\":\"149.99\"}", ""), 422, MISMATCH },
		{ ORDER(EMAIL, "{\"order_id\":\"A\",\"total\":1,\"is_gift\":\"true\"}", ""), 422,
		  MISMATCH },
		{ ORDER(EMAIL, "{\"order_id\":\"A\",\"total\":1,\"is_gift\":1}", ""), 422,
		  MISMATCH },
		{ ORDER(EMAIL, "{\"order_id\":\"A\",\"total\":1,\"placed\":\"tomorrow\"}", ""), 422,
		  MISMATCH },
		{ "{\"event\":\"order.completed\"," EMAIL "}", 422,
		  INVALID("data must be an object") },
		{ ORDER(EMAIL, "[]", ""), 422, INVALID("data must be an object") },
		{ ORDER(EMAIL, "\"x\"", ""), 422, INVALID("data must be an object") },
		{ "{" EMAIL ",\"data\":{}}", 422, INVALID("event must be a string") },
		{ "{\"event\":5," EMAIL ",\"data\":{}}", 422, INVALID("event must be a string") },
		{ "{\"event\":\"\"," EMAIL ",\"data\":{}}", 422,
		  INVALID("event should not be empty") },
		{ "{\"event\":\"x" X80 "\"," EMAIL ",\"data\":{}}", 422,
		  INVALID("event must be shorter than or equal to 80 characters") },
		{ "{\"event\":\"" X80 "\"," EMAIL ",\"data\":{}}", 404,
		  ERROR(404, "not_found",
			"No event named \\\"" X80 "\\\" is defined in this organization.") },
		{ ORDER("\"email\":\"bad\"", D, ""), 422, INVALID("email must be an email") },
		{ ORDER("\"email\":7", D, ""), 422, INVALID("email must be an email") },
		/* An empty string is there and is no address (decision 9). */
		{ ORDER("\"email\":\"\",\"contact_id\":\"" C1 "\"", D, ""), 422,
		  INVALID("email must be an email") },
		{ ORDER("\"contact_id\":\"123\"", D, ""), 422,
		  INVALID("contact_id must be a UUID") },
		{ ORDER("\"phone_number\":\"0501234567\"", D, ""), 422,
		  INVALID("phone_number must be a valid phone number") },
		{ ORDER("\"phone_number\":\"+1234567\"", D, ""), 422,
		  INVALID("phone_number must be a valid phone number") },
		{ ORDER("\"phone_number\":\"+1234567890123456\"", D, ""), 422,
		  INVALID("phone_number must be a valid phone number") },
		{ ORDER("\"phone_number\":\"+96650 1234567\"", D, ""), 422,
		  INVALID("phone_number must be a valid phone number") },
		{ ORDER("\"external_id\":\"\"", D, ""), 422,
		  INVALID("external_id should not be empty") },
		{ ORDER(EMAIL, D, ",\"timestamp\":\"noon\""), 422,
		  INVALID("timestamp must be a valid ISO 8601 date string") },
		{ ORDER(EMAIL, D, ",\"timestamp\":1717243200"), 422,
		  INVALID("timestamp must be a valid ISO 8601 date string") },
		{ "{\"event\":5,\"email\":\"bad\",\"timestamp\":\"noon\"}", 422,
		  INVALID("event must be a string, email must be an email, data must be an object, "
			  "timestamp must be a valid ISO 8601 date string") },
		/* The order of checks (decision 5). */
		{ "{\"event\":\"nope\",\"data\":1}", 422, INVALID("data must be an object") },
		{ "{\"event\":\"nope\",\"data\":{}}", 400, EITHER },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct trial t;
		trial_run(&t, &arsel, &send, str_of(cases[i].body), TRIAL_MEMORY);
		trial_answer(&t);
		assert_text(t.body, cases[i].error);
		assert_int_equal(t.status, cases[i].status);
		assert_int_equal(t.call.n_ops, 0);
		trial_end(&t);
	}
}

static void test_json(void **state)
{
	(void)state;
	static const char *const bodies[] = { "", "{", "{} x", "{\"event\":\"\xff\"}", "nil" };
	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		struct trial t;
		trial_run(&t, &arsel, &send, str_of(bodies[i]), TRIAL_MEMORY);
		trial_answer(&t);
		assert_int_equal(t.status, 400);
		assert_true(
			str_starts(t.body, STR("{\"status_code\":400,\"name\":\"bad_request\","
					       "\"message\":\"Request body is not valid JSON")));
		trial_end(&t);
	}
}

/* An external_id of n characters. */
static void test_external_id_length(void **state)
{
	(void)state;
	static const struct {
		const char *character;
		unsigned n;
		const char *error;
	} cases[] = {
		{ "x", 255, NULL },
		{ "x", 256, "external_id must be shorter than or equal to 255 characters" },
		{ "\xc3\xa9", 255, NULL },
		{ "\xf0\x9f\x98\x80", 128, NULL },
		{ "\xf0\x9f\x98\x80", 129,
		  "external_id's byte length must fall into (1, 512) range" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct arena a;
		struct trial t;
		char want[256];
		arena_init(&a, 64 * 1024, NULL);
		struct buf body = buf_in(&a);
		buf_lit(&body, "{\"event\":\"purchase\",\"data\":{},\"external_id\":\"");
		for (unsigned n = 0; n < cases[i].n; n++)
			buf_put(&body, str_of(cases[i].character));
		buf_lit(&body, "\"}");
		trial_run(&t, &arsel, &send, buf_str(&body), TRIAL_MEMORY);
		trial_answer(&t);
		assert_int_equal(t.status, cases[i].error ? 422 : 202);
		snprintf(want, sizeof(want), INVALID("%s"), cases[i].error ?: "");
		if (cases[i].error)
			assert_text(t.body, want);
		trial_end(&t);
		arena_fini(&a);
	}
}

static void test_way_in(void **state)
{
	(void)state;
#define UNAUTHORIZED ERROR(401, "unauthorized", "Invalid or missing API key")
	static const struct {
		enum method method;
		const char *target;
		struct header header;
		int status;
		const char *error;
	} cases[] = {
		{ METHOD_POST, "/api/v1/events/send", HEADER("authorization", "Bearer " TRIAL_KEY),
		  202, NULL },
		{ METHOD_POST, "/v1/events/send", HEADER("Authorization", "bEARER   " TRIAL_KEY),
		  202, NULL },
		{ METHOD_POST, "/v1/events/send", { { 0 }, { 0 } }, 401, UNAUTHORIZED },
		{ METHOD_POST, "/v1/events/send", HEADER("Authorization", "Bearer nobody"), 401,
		  UNAUTHORIZED },
		{ METHOD_POST, "/v1/events/send", HEADER("Authorization", "Bearer"), 401,
		  UNAUTHORIZED },
		{ METHOD_POST, "/v1/events/send", HEADER("Authorization", "Basic " TRIAL_KEY), 401,
		  UNAUTHORIZED },
		{ METHOD_POST, "/v1/events/send", HEADER("Authorization", TRIAL_KEY), 401,
		  UNAUTHORIZED },
		{ METHOD_POST, "/v1/events/send",
		  HEADER("Authorization", "Bearer " TRIAL_KEY_READS), 403,
		  ERROR(403, "forbidden", "The API key lacks the permission for this endpoint.") },
		{ METHOD_POST, "/v1/nowhere/%22?q=1", HEADER("Authorization", "Bearer " TRIAL_KEY),
		  404, ERROR(404, "not_found", "Cannot POST /v1/nowhere/%22") },
		{ METHOD_GET, "/v1/events/send", HEADER("Authorization", "Bearer " TRIAL_KEY), 405,
		  ERROR(405, "error", "Cannot GET /v1/events/send") },
		{ METHOD_PUT, "/v1/events/send", HEADER("Authorization", "Bearer " TRIAL_KEY), 405,
		  ERROR(405, "error", "Cannot PUT /v1/events/send") },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct trial t;
		struct trial_request from = { cases[i].method,
					      cases[i].target,
					      { cases[i].header } };
		trial_run(&t, &arsel, &from, STR(ORDER(EMAIL, D, "")), TRIAL_MEMORY);
		trial_answer(&t);
		assert_int_equal(t.status, cases[i].status);
		if (cases[i].error)
			assert_text(t.body, cases[i].error);
		if (t.status == 405)
			assert_text(trial_header(&t, "Allow"), "POST");
		assert_null(trial_header(&t, "ratelimit-limit").p);
		trial_end(&t);
	}
}

static void test_success(void **state)
{
	(void)state;
	struct trial t;
	trial_run(&t, &arsel, &send, STR(ORDER(EMAIL, D, "")), TRIAL_MEMORY);
	t.call.limited = true;
	t.call.rate = (struct rate_state){ .limit = 1000, .remaining = 999, .reset_s = 60 };
	trial_answer(&t);
	assert_int_equal(t.status, 202);
	assert_text(t.type, "application/json");
	assert_text(trial_header(&t, "ratelimit-limit"), "1000");
	assert_text(trial_header(&t, "ratelimit-remaining"), "999");
	assert_text(trial_header(&t, "ratelimit-reset"), "60");

	char id[UUID_TEXT + 1], want[128];
	uuid_text(t.call.ops->event_id, id);
	snprintf(want, sizeof(want), "{\"id\":\"%s\",\"status\":\"accepted\"}", id);
	assert_text(t.body, want);
	trial_end(&t);
}

static void test_committer_says_no(void **state)
{
	(void)state;
	struct trial t;
	/* The id as it was sent, not as it was looked up. */
	trial_run(&t, &arsel, &send,
		  STR(ORDER("\"contact_id\":\"01957E3A-4b5c-7d8e-9f0a-1b2c3d4e5f6b\"", D, "")),
		  TRIAL_MEMORY);
	trial_answer_refused(&t, PROBLEM_UNKNOWN_CONTACT);
	assert_int_equal(t.status, 404);
	assert_text(t.body, ERROR(404, "not_found",
				  "Contact 01957E3A-4b5c-7d8e-9f0a-1b2c3d4e5f6b not found"));
	trial_end(&t);

	trial_run(&t, &arsel, &send, STR(ORDER(EMAIL, D, "")), TRIAL_MEMORY);
	trial_answer_refused(&t, PROBLEM_UNKNOWN_DEFINITION);
	assert_int_equal(t.status, 404);
	assert_text(
		t.body,
		ERROR(404, "not_found",
		      "No event named \\\"order.completed\\\" is defined in this organization."));
	trial_end(&t);

	trial_run(&t, &arsel, &send, STR(ORDER(EMAIL, D, "")), TRIAL_MEMORY);
	trial_answer_refused(&t, PROBLEM_CONTACT_FULL);
	assert_int_equal(t.status, 422);
	trial_end(&t);
}

static void test_trouble(void **state)
{
	(void)state;
	static const struct {
		enum refusal why;
		int status;
		const char *name, *retry_after;
	} cases[] = {
		{ REFUSE_RATE, 429, "rate_limit_exceeded", "7" },
		{ REFUSE_OVERLOADED, 503, "service_unavailable", "1" },
		{ REFUSE_UNAVAILABLE, 503, "service_unavailable", "1" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct trial t;
		char start[64];
		trial_run(&t, &arsel, &send, STR(ORDER(EMAIL, D, "")), TRIAL_MEMORY);
		t.call.limited = true;
		t.call.rate = (struct rate_state){ .limit = 1000, .remaining = 0, .reset_s = 7 };
		trial_answer_trouble(&t, cases[i].why);
		snprintf(start, sizeof(start), "{\"status_code\":%d,\"name\":\"%s\",",
			 cases[i].status, cases[i].name);
		assert_int_equal(t.status, cases[i].status);
		assert_true(str_starts(t.body, str_of(start)));
		assert_text(trial_header(&t, "retry-after"), cases[i].retry_after);
		assert_text(trial_header(&t, "ratelimit-remaining"), "0");
		trial_end(&t);
	}
}

/* --- Publishable keys and browsers --- */

#define PAGE_KEY HEADER("Authorization", "Bearer " TRIAL_KEY_PAGE)
#define ANYONE   "\"anonymous_id\":\"a-1\""
#define NEEDED   "Provide anonymous_id, external_id, email or phone_number."

static void test_publishable(void **state)
{
	(void)state;
	static const struct trial_request page = { METHOD_POST, "/v1/events/send", { PAGE_KEY } };
#define ANONYMOUS "who anonymous_id lookup,creates,adopt a-1 key a-1\n"
	static const struct {
		const char *body;
		int status;
		const char *expect; /* the operation, or the answer */
	} cases[] = {
		{ "{\"event\":\"page.viewed\"," ANYONE ",\"data\":{\"x\":1}}", 202,
		  "definition 0page.viewed\nproperties {\"x\":1}\n" ANONYMOUS },
		{ "{\"event\":\"page.viewed\"," ANYONE "," EMAIL ",\"data\":{}}", 202,
		  "definition 0page.viewed\nproperties {}\n" JOHN ANONYMOUS },
		{ ORDER(ANYONE, D, ""), 202,
		  "definition 0order.completed\nproperties " D "\n" ANONYMOUS },
		{ ORDER(ANYONE, "{\"total\":\"1\"}", ""), 202,
		  "definition 0order.completed\nproperties {\"total\":\"1\"}\n"
		  "mismatches [\"data.total must be a number, not a string\","
		  "\"data.order_id is required\"]\n" ANONYMOUS },
		{ ORDER("\"contact_id\":\"" C1 "\"", D, ""), 400,
		  ERROR(400, "bad_request",
			"contact_id is not allowed with a publishable API key.") },
		{ ORDER("\"contact_id\":\"" C1 "\"," ANYONE, D, ""), 400,
		  ERROR(400, "bad_request",
			"contact_id is not allowed with a publishable API key.") },
		{ ORDER("\"anonymous_id\":null", D, ""), 400, ERROR(400, "bad_request", NEEDED) },
		{ ORDER("\"anonymous_id\":\"\"", D, ""), 422,
		  INVALID("anonymous_id should not be empty") },
		{ ORDER(ANYONE, "[]", ""), 422, INVALID("data must be an object") },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct trial t;
		trial_run(&t, &arsel, &page, str_of(cases[i].body), TRIAL_MEMORY);
		trial_answer(&t);
		assert_int_equal(t.status, cases[i].status);
		assert_text(t.why ? t.body : trial_op_text(&t), cases[i].expect);
		trial_end(&t);
	}
}

static void test_browsers(void **state)
{
	(void)state;
#define SHOP HEADER("Origin", TRIAL_ORIGIN)
#define EVIL HEADER("Origin", "https://evil.example")
	static const struct {
		struct trial_request from;
		int status;
		const char *origin, *exposed; /* NULL: not sent */
	} cases[] = {
		{ { METHOD_POST, "/v1/events/send", { PAGE_KEY, SHOP } }, 202, TRIAL_ORIGIN, "" },
		{ { METHOD_POST, "/v1/events/send", { PAGE_KEY } }, 202, NULL, NULL },
		{ { METHOD_POST, "/v1/events/send", { PAGE_KEY, EVIL } }, 403, NULL, NULL },
		{ { METHOD_POST, "/v1/contacts", { PAGE_KEY, SHOP } }, 403, TRIAL_ORIGIN, "" },
		{ { METHOD_GET, "/v1/events", { PAGE_KEY } }, 403, NULL, NULL },
		{ { METHOD_POST, "/v1/events/send", { SHOP } }, 401, TRIAL_ORIGIN, "" },
		{ { METHOD_GET, "/v1/nowhere", { SHOP } }, 404, TRIAL_ORIGIN, "" },
		{ { METHOD_OPTIONS, "/v1/events/send", { SHOP } }, 204, TRIAL_ORIGIN, NULL },
		{ { METHOD_OPTIONS, "/v1/events/send", { EVIL } }, 204, NULL, NULL },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct trial t;
		trial_run(&t, &arsel, &cases[i].from, STR(ORDER(ANYONE, D, "")), TRIAL_MEMORY);
		trial_answer(&t);
		assert_int_equal(t.status, cases[i].status);
		struct str origin = trial_header(&t, "Access-Control-Allow-Origin");
		struct str exposed = trial_header(&t, "Access-Control-Expose-Headers");
		assert_int_equal(origin.p != NULL, cases[i].origin != NULL);
		if (cases[i].origin)
			assert_text(origin, cases[i].origin);
		assert_int_equal(exposed.p != NULL, cases[i].exposed != NULL);
		assert_text(trial_header(&t, "Vary"), "Origin");
		bool preflight = t.status == 204 && origin.p;
		assert_int_equal(trial_header(&t, "Access-Control-Allow-Methods").p != NULL,
				 preflight);
		assert_int_equal(trial_header(&t, "Access-Control-Allow-Headers").p != NULL,
				 preflight);
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
		trial_run(&t, &arsel, &send, STR(ORDER(EMAIL, D, "")), memory);
		trial_answer(&t);
		assert_int_equal(t.answers, 1);
		stored += t.status == 202;
		come_back += t.status == 503;
		assert_int_equal(trial_header(&t, "Retry-After").p != NULL, t.status == 503);
		assert_true(t.status == 202 || t.status == 503);
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
		cmocka_unit_test(test_external_id_length),
		cmocka_unit_test(test_way_in),
		cmocka_unit_test(test_success),
		cmocka_unit_test(test_committer_says_no),
		cmocka_unit_test(test_trouble),
		cmocka_unit_test(test_publishable),
		cmocka_unit_test(test_browsers),
		cmocka_unit_test(test_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
