/* What Omnisend's later versions and its contact calls add to /v4/track (test_omnisend.c). */
#include <stdarg.h>
#include <stddef.h>

#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "fuzz/dialect_fuzz.h"

static void run(struct trial *t, enum method method, const char *target, const char *body)
{
	static struct trial_request from; /* the request keeps its headers */
	from = (struct trial_request){ method, target, { HEADER("X-API-KEY", TRIAL_KEY) } };
	trial_run(t, &omnisend, &from, str_of(body), TRIAL_MEMORY);
}

static void assert_holds(struct str body, const char *text)
{
	if (!memmem(body.p, body.n, text, strlen(text)))
		fail_msg("no %s in " STR_FMT, text, STR_ARG(body));
}

/* --- What becomes an operation --- */

#define C        "\"contact\":{\"email\":\"a@b.co\"}"
#define V4       "/v4/track"
#define V5       "/v5/events"
#define DATED    "/api/events"
#define WHO      "who email lookup,creates,adopt a@b.co key a@b.co\n"
#define PHONE(n) "who phone lookup,creates,replace +" n " key " n "\n"

static const struct {
	const char *target, *body, *op;
} accepted[] = {
	/* 55: nested properties stay as they are */
	{ V5,
	  "{\"eventName\":\"placed order\",\"eventVersion\":\"v2\",\"origin\":\"api\"," C
	  ",\"properties\":{\"lineItems\":[{\"productID\":\"1\",\"productPrice\":9.5}],"
	  "\"page\":{\"url\":null,\"n\":1.12345678}}}",
	  "definition 0placed order\nproperties {\"lineItems\":[{\"productID\":\"1\","
	  "\"productPrice\":9.5}],\"page\":{\"url\":null,\"n\":1.12345678}}\n" WHO },
	/* decision 37: a clash with the scheme is taken */
	{ V5, "{\"eventName\":\"viewed page\"," C ",\"properties\":{\"seconds\":\"five\"}}",
	  "definition 4viewed page\nproperties {\"seconds\":\"five\"}\n" WHO },
	{ DATED, "{\"eventName\":\"viewed page\"," C ",\"properties\":{\"title\":[]}}",
	  "definition 4viewed page\nproperties {\"title\":[]}\n" WHO },
	/* 56, 58 */
	{ V5, "{\"eventName\":\"x\",\"email\":\"a@b.co\"}", "definition 0x\nproperties {}\n" WHO },
	{ V5,
	  "{\"eventName\":\"x\",\"contact\":{\"email\":\"a@b.co\",\"consents\":["
	  "{\"channel\":\"phone\"}]}}",
	  "definition 0x\nproperties {}\n" WHO "record consents [{\"channel\":\"sms\"}]\n" },
	/* decision 4: the version's own name for a phone wins */
	{ V4,
	  "{\"eventName\":\"x\",\"contact\":{\"phone\":\"1000000\",\"phoneNumber\":\"2000000\"}}",
	  "definition 0x\nproperties {}\n" PHONE("2000000") },
	{ V5,
	  "{\"eventName\":\"x\",\"contact\":{\"phone\":\"1000000\",\"phoneNumber\":\"2000000\"}}",
	  "definition 0x\nproperties {}\n" PHONE("1000000") },
	/* 54, and the contact inside of `contact` */
	{ "/v4/identify", "{\"email\":\"a@b.co\",\"lastName\":\"Z\",\"tags\":[\"t\"]}",
	  WHO "set last_name \"Z\"\nunion tags [\"t\"]\n" },
	{ "/v4/identify", "{\"contact\":{\"email\":\"a@b.co\",\"lastName\":\"Z\"},\"lastName\":7}",
	  WHO "set last_name \"Z\"\n" },
};

static void test_accepted(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(accepted); i++) {
		struct trial t;
		run(&t, METHOD_POST, accepted[i].target, accepted[i].body);
		if (t.why)
			fail_msg("refused (%d): %s", t.why, accepted[i].body);
		struct str text = trial_op_text(&t);
		if (!str_eq(text, str_of(accepted[i].op)))
			fail_msg("%s became " STR_FMT, accepted[i].body, STR_ARG(text));
		trial_answer(&t);
		assert_int_equal(t.status, 202);
		assert_int_equal(t.body.n, 0);
		trial_end(&t);
	}
}

static const struct {
	const char *target, *body, *text;
} refused[] = {
	{ V5, "{\"eventName\":\"x\",\"contact\":{\"email\":\"\"}}",
	  "\"fields\":{\"contact\":[\"contact must have one of: id, email, phone\"]}" },
	{ V5, "{\"eventName\":\"x\"," C ",\"properties\":{\"a-b\":{}}}", "\"properties.a-b\":[" },
	{ V5, "{\"eventName\":\"x\"," C ",\"properties\":[1]}", "\"properties\":[" },
	{ V5, "[]", "{\"error\":\"Invalid JSON body\"}" },
	/* 59 */
	{ DATED, "{\"eventName\":\"x\",\"contact\":{\"email\":\"bad\"}}",
	  "\"errors\":[{\"field\":\"contact.email\",\"code\":\"invalid_format\",\"message\":\"" },
	{ DATED, "{\"eventName\":\"x\",\"contact\":{\"email\":\"bad\"}}",
	  "{\"type\":\"https://problems.omnisend.com/validation-failed\",\"title\":\"Validation "
	  "failed\",\"status\":400,\"detail\":\"Request contains invalid or missing fields\","
	  "\"instance\":\"urn:omnisend:request:" },
	{ DATED, "{\"contact\":{\"email\":\"bad\"}}",
	  "{\"field\":\"eventName\",\"code\":\"required\"" },
	{ DATED, "{", "\"title\":\"Bad request\",\"status\":400,\"detail\":\"Invalid JSON body\"" },
	{ "/v4/identify", "{\"lastName\":\"Z\"}", "\"fields\":{\"\":[" },
	{ "/v4/identify", "{\"contact\":{\"lastName\":\"Z\"}}", "\"fields\":{\"contact\":[" },
	{ "/v4/identify", "{\"id\":\"nobody\"}", "\"fields\":{\"id\":[" },
	{ "/v4/identify", "{\"email\":\"a@b.co\",\"gender\":\"x\"}", "\"fields\":{\"gender\":[" },
	{ "/v4/identify", "{\"email\":\"a@b.co\",\"tags\":[1]}", "\"fields\":{\"tags[0]\":[" },
	{ "/v4/identify", "{\"email\":\"a@b.co\",\"optIns\":[{\"channel\":\"fax\"}]}",
	  "\"fields\":{\"optIns[0].channel\":[" },
	{ "/v4/identify", "{\"email\":\"a@b.co\",\"customProperties\":{\"a b\":1}}",
	  "\"fields\":{\"customProperties.a b\":[" },
	{ "/v4/identify", "[]", "{\"error\":\"Invalid JSON body\"}" },
};

static void test_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		struct trial t;
		run(&t, METHOD_POST, refused[i].target, refused[i].body);
		if (!t.why)
			fail_msg("accepted: %s", refused[i].body);
		trial_answer(&t);
		assert_int_equal(t.status, 400);
		assert_holds(t.body, refused[i].text);
		trial_end(&t);
	}
}

/* --- Recognising an event --- */

#define ID(id, time) "{\"eventName\":\"x\"," C ",\"eventID\":" id ",\"eventTime\":" time "}"
#define UUID1        "\"2f0c6a52-7c1e-4d67-9a55-6f3a6f6b8c01\""

static void test_dedupe(void **state)
{
	static const struct {
		const char *body, *key; /* NULL: none */
	} cases[] = {
		{ ID(UUID1, "\"2021-07-01T00:00:00Z\""),
		  "2f0c6a52-7c1e-4d67-9a55-6f3a6f6b8c01 1625097600000000" },
		/* the same instant in other words */
		{ ID("\"2F0C6A52-7C1E-4D67-9A55-6F3A6F6B8C01\"", "\"2021-07-01 02:00:00+02:00\""),
		  "2f0c6a52-7c1e-4d67-9a55-6f3a6f6b8c01 1625097600000000" },
		{ ID(UUID1, "null"), NULL },
		{ ID("null", "\"2021-07-01T00:00:00Z\""), NULL },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct trial t;
		run(&t, METHOD_POST, i & 1 ? V5 : V4, cases[i].body);
		assert_int_equal(t.why, REFUSE_NOTHING);
		const struct dedupe *d = &t.call.ops->dedupe;
		assert_int_equal(d->key.p != NULL, cases[i].key != NULL);
		if (cases[i].key) {
			assert_true(str_eq(d->key, str_of(cases[i].key)));
			assert_int_equal(d->space, DEDUPE_OMNISEND_EVENT);
			assert_int_equal(d->keep_s, 0);
		}
		trial_end(&t);
	}
}

/* --- The dated API --- */

static void test_release(void **state)
{
	static const struct {
		const char *asked;
		int status;
	} cases[] = {
		{ "2026-03-15", 202 }, { "2026-preview", 202 }, { "2026-09-01", 202 },
		{ "", 202 },           { "2026-03-14", 410 },   { "2020-01-01", 410 },
		{ "v5", 400 },         { "2026", 400 },         { "2026-02-30", 400 },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct trial_request from = { METHOD_POST,
					      DATED,
					      { HEADER("X-API-KEY", TRIAL_KEY),
						{ STR_INIT("Omnisend-Version"),
						  str_of(cases[i].asked) } } };
		struct trial t;
		trial_run(&t, &omnisend, &from, STR("{\"eventName\":\"x\"," C "}"), TRIAL_MEMORY);
		trial_answer(&t);
		assert_int_equal(t.status, cases[i].status);
		if (t.status == 410)
			assert_holds(t.body, "\"title\":\"Gone\",\"status\":410");
		if (t.status == 400)
			assert_holds(t.body, "{\"field\":\"Omnisend-Version\",");
		trial_end(&t);
	}
}

/* 60: no figures in the headers, but in the document. */
static void test_dated_rate(void **state)
{
	struct trial t;
	(void)state;
	run(&t, METHOD_POST, DATED, "{}");
	t.call.limited = true;
	t.call.rate = (struct rate_state){ .limit = 400, .remaining = 0, .reset_s = 42 };
	t.why = REFUSE_RATE;
	trial_answer(&t);
	assert_int_equal(t.status, 429);
	assert_holds(t.body, "{\"type\":\"https://problems.omnisend.com/rate-limit-exceeded\"");
	assert_holds(t.body, ",\"retryAfter\":42}");
	assert_null(trial_header(&t, "X-Rate-Limit-Limit").p);
	assert_true(str_eq(trial_header(&t, "Retry-After"), STR("42")));
	trial_end(&t);
}

static void test_dated_routes(void **state)
{
	struct trial t;
	(void)state;
	run(&t, METHOD_POST, "/api/nothing", "{}");
	trial_answer(&t);
	assert_int_equal(t.status, 404);
	assert_holds(t.body, "{\"type\":\"https://problems.omnisend.com/not-found\"");
	trial_end(&t);
	run(&t, METHOD_GET, DATED, "");
	trial_answer(&t);
	assert_int_equal(t.status, 405);
	assert_true(str_eq(trial_header(&t, "Allow"), STR("POST")));
	trial_end(&t);
}

/* --- GET /v4/contacts/{key}:{value} --- */

static void test_look_up(void **state)
{
	static const struct {
		const char *target;
		enum identity_kind kind; /* 0: nobody can have it */
		const char *value;
	} cases[] = {
		{ "/v4/contacts/id:60fe7581b0aa9fa6e928f794", IDENTITY_HEX,
		  "60fe7581b0aa9fa6e928f794" },
		{ "/v4/contacts/email:jane%40example.com", IDENTITY_EMAIL, "jane@example.com" },
		{ "/v4/contacts/email%3Ajane%40example.com", IDENTITY_EMAIL, "jane@example.com" },
		{ "/v4/contacts/phoneNumber:%2B37061234567", IDENTITY_PHONE, "+37061234567" },
		{ "/v4/contacts/phoneNumber%3a+37061234567", IDENTITY_PHONE, "+37061234567" },
		{ "/v4/contacts/id:60FE7581B0AA9FA6E928F794", 0, NULL },
		{ "/v4/contacts/email:jane", 0, NULL },
		{ "/v4/contacts/phoneNumber:abc", 0, NULL },
		{ "/v4/contacts/phoneNumber:%20", 0, NULL },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct trial t;
		run(&t, METHOD_GET, cases[i].target, "");
		assert_int_equal(t.why, REFUSE_NOTHING);
		assert_int_equal(t.call.query != NULL, cases[i].kind != 0);
		if (cases[i].kind) {
			assert_int_equal(t.call.query->n_who, 1);
			assert_int_equal(t.call.query->who[0].kind, cases[i].kind);
			assert_true(str_eq(t.call.query->who[0].value, str_of(cases[i].value)));
		}
		trial_answer(&t);
		assert_int_equal(t.status, cases[i].kind ? 200 : 404);
		trial_end(&t);
	}
}

static void test_contact_shown(void **state)
{
	struct trial t;
	(void)state;
	run(&t, METHOD_GET, "/v4/contacts/email:jane%40example.com", "");
	trial_answer(&t);
	assert_int_equal(t.status, 200);
	assert_holds(t.body, "{\"id\":\"692cda80");
	/* `city` has been stored as a number by somebody else: it is not shown */
	assert_holds(
		t.body,
		",\"email\":\"jane@example.com\",\"phoneNumber\":\"+37061234567\","
		"\"firstName\":\"Jane\",\"lastName\":\"Doe\",\"gender\":\"\",\"birthdate\":\"\","
		"\"address\":\"\",\"country\":\"\",\"countryCode\":\"\",\"city\":\"\","
		"\"state\":\"\",\"postalCode\":\"\",\"tags\":[\"vip\"],\"consents\":[],"
		"\"optIns\":[],\"optOuts\":[],\"customProperties\":{\"age\":\"31\","
		"\"score\":1.50,\"list\":[\"a\"]}}");
	trial_end(&t);
	run(&t, METHOD_GET, "/v4/contacts/email:none%40example.com", "");
	trial_answer_refused(&t, PROBLEM_NONE);
	assert_int_equal(t.status, 404);
	assert_true(str_eq(t.body, STR("{\"error\":\"Contact not found\"}")));
	trial_end(&t);
}

#define READS    TRIAL_KEY_READS
#define PAGE     TRIAL_KEY_PAGE
#define NOT_PAGE "a key that is not publishable is required"

static void test_scopes(void **state)
{
	static const struct {
		enum method method;
		const char *target;
		const char *key;
		int status;
		const char *says;
	} cases[] = {
		{ METHOD_GET, "/v4/contacts/email:a%40b.co", READS, 200, "{" },
		{ METHOD_POST, "/v4/identify", READS, 403, "[\"contacts.write required\"]" },
		{ METHOD_POST, V5, READS, 403, "[\"events.write required\"]" },
		{ METHOD_POST, DATED, READS, 403, "\"Forbidden: events.write required\"" },
		/* a key for everybody to see is told that, and not of scopes it has */
		{ METHOD_POST, V5, PAGE, 403, "[\"" NOT_PAGE "\"]" },
		{ METHOD_POST, DATED, PAGE, 403, "\"Forbidden: " NOT_PAGE "\"" },
		{ METHOD_POST, "/api/event-metadata/query", PAGE, 403, NOT_PAGE },
		{ METHOD_GET, "/v5/batches?endpoint=events", PAGE, 403, NOT_PAGE },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct trial_request from = { cases[i].method,
					      cases[i].target,
					      { { STR("X-API-Key"), str_of(cases[i].key) } } };
		struct trial t;
		trial_run(&t, &omnisend, &from, STR(""), TRIAL_MEMORY);
		trial_answer(&t);
		assert_int_equal(t.status, cases[i].status);
		assert_holds(t.body, cases[i].says);
		trial_end(&t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepted),   cmocka_unit_test(test_refused),
		cmocka_unit_test(test_dedupe),     cmocka_unit_test(test_release),
		cmocka_unit_test(test_dated_rate), cmocka_unit_test(test_dated_routes),
		cmocka_unit_test(test_look_up),    cmocka_unit_test(test_contact_shown),
		cmocka_unit_test(test_scopes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
