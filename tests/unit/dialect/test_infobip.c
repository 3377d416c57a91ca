/* Infobip's Send Event up to the committer and back; infobip.md section 6 has the case numbers. */
#include <stdarg.h>
#include <stddef.h>

#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "fuzz/dialect_fuzz.h"

#define EVENTS(person, definition) \
	"/peopleevents/2/persons/" person "/definitions/" definition "/events"
#define APP                                                           \
	{                                                             \
		STR_INIT("Authorization"), STR_INIT("App " TRIAL_KEY) \
	}
#define RICH EVENTS("3", "rich") "?identifierType=EXTERNAL_ID"

static void run_at(struct trial *t, const char *target, const char *body)
{
	struct trial_request from = { METHOD_POST, target, { APP } };
	trial_run(t, &infobip, &from, str_of(body), TRIAL_MEMORY);
}

static void assert_str(struct str s, const char *expected)
{
	if (!str_eq(s, str_of(expected)))
		fail_msg("%s expected, got " STR_FMT, expected, STR_ARG(s));
}

static void assert_holds(struct str body, const char *text)
{
	if (!memmem(body.p, body.n, text, strlen(text)))
		fail_msg("no %s in " STR_FMT, text, STR_ARG(body));
}

/* --- Bodies --- */

/* What is echoed. */
static const struct {
	const char *body, *properties;
} accepted[] = {
	/* 16: others may be missing */
	{ "{\"properties\":{\"text\":\"a\"}}", "{\"text\":\"a\"}" },
	/* 22 */
	{ "{\"properties\":null}", "{}" },
	{ "{}", "{}" },
	{ "{\"properties\":{}}", "{}" },
	{ "{\"properties\":[]}", "{}" },
	/* 25, decisions 21, 22: numbers come back as they went in */
	{ "{\"properties\":{\"amount\":99.99,\"count\":10.0}}",
	  "{\"amount\":99.99,\"count\":10.0}" },
	{ "{\"properties\":{\"amount\":100}}", "{\"amount\":100}" },
	{ "{\"properties\":{\"amount\":123456789012345678901234567890}}",
	  "{\"amount\":123456789012345678901234567890}" },
	/* decisions 23, 25 */
	{ "{\"properties\":{\"moment\":\"2023-11-17T15:47:50.4136517Z\"}}",
	  "{\"moment\":\"2023-11-17T15:47:50.4136517Z\"}" },
	{ "{\"properties\":{\"moment\":\"2023-11-17T15:47:50\",\"flag\":null}}",
	  "{\"moment\":\"2023-11-17T15:47:50\",\"flag\":null}" },
	{ "{\"properties\":{\"moment\":\"2023-11-17\",\"day\":\"2023-11-17T15:47:50\"}}",
	  "{\"moment\":\"2023-11-17\",\"day\":\"2023-11-17T15:47:50\"}" },
	/* 21 */
	{ "{\"properties\":{\"items\":[]}}", "{\"items\":[]}" },
	{ "{\"properties\":{\"items\":[{\"price\":25,\"sku\":\"s\"},{}]}}",
	  "{\"items\":[{\"price\":25,\"sku\":\"s\"},{}]}" },
	/* 35 */
	{ "{\"properties\":{},\"fallbackDetails\":{\"mobileNo\":\"1\"},\"occurredTime\":7}", "{}" },
	{ " {\"properties\" : {\"text\" : \"\\u00e9\\n\"} } ", "{\"text\":\"\xc3\xa9\\n\"}" },
	/* decision 54 */
	{ "{\"properties\":{\"amount\":\"x\",\"amount\":2}}", "{\"amount\":2}" },
	{ "{\"eventId\":null,\"properties\":{}}", "{}" },
};

static void test_accepted(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(accepted); i++) {
		struct trial t;
		run_at(&t, RICH, accepted[i].body);
		if (t.why)
			fail_msg("refused (%d): %s", t.why, accepted[i].body);
		const struct op *op = t.call.ops;
		assert_int_equal(t.call.n_ops, 1);
		assert_int_equal(op->workspace, 1);
		assert_int_equal(op->dialect, DIALECT_INFOBIP);
		assert_int_equal(op->definition, trial_definition("rich")->no);
		assert_int_equal(op->n_changes, 0);
		assert_false(op->occurred_given);
		assert_str(op->properties, accepted[i].properties);
		trial_end(&t);
	}
}

#define PROPERTY(path, text) "\"validationErrors\":{\"properties." path "\":[\"" text "\"]}"

static const struct {
	const char *body, *text;
} refused[] = {
	/* 12 to 15 */
	{ "{\"properties\":{\"amount\":\"100\"}}",
	  "{\"requestError\":{\"serviceException\":{\"messageId\":\"BAD_REQUEST\","
	  "\"text\":\"Bad request\",\"validationErrors\":{"
	  "\"properties.amount\":[\"must be a Decimal\"]}}}}" },
	{ "{\"properties\":{\"nope\":1}}", PROPERTY("nope", "is not defined") },
	{ "{\"properties\":{\"Text\":\"a\"}}", PROPERTY("Text", "is not defined") },
	{ "{\"properties\":{\"flag\":\"true\"}}", PROPERTY("flag", "must be a Boolean") },
	{ "{\"properties\":{\"flag\":1}}", PROPERTY("flag", "must be a Boolean") },
	{ "{\"properties\":{\"text\":5}}", PROPERTY("text", "must be a String") },
	{ "{\"properties\":{\"count\":1.5}}", PROPERTY("count", "must be a Numeric") },
	{ "{\"properties\":{\"count\":99999999999999999999}}",
	  PROPERTY("count", "must be a Numeric") },
	/* 17 to 20 */
	{ "{\"properties\":{\"items\":[{\"sku\":\"1\",\"colour\":\"red\"}]}}",
	  PROPERTY("items[0].colour", "is not defined") },
	{ "{\"properties\":{\"items\":[{},{\"price\":\"x\"}]}}",
	  PROPERTY("items[1].price", "must be a Decimal") },
	{ "{\"properties\":{\"moment\":\"yesterday\"}}", PROPERTY("moment", "must be a DateTime") },
	{ "{\"properties\":{\"moment\":1700000000}}", PROPERTY("moment", "must be a DateTime") },
	{ "{\"properties\":{\"items\":{\"sku\":\"1\"}}}", PROPERTY("items", "must be a List") },
	{ "{\"properties\":{\"items\":[1]}}", PROPERTY("items[0]", "must be an Object") },
	{ "{\"properties\":{\"list\":[null]}}", PROPERTY("list[0]", "must be an Object") },
	{ "{\"properties\":{\"items\":[[]]}}", PROPERTY("items[0]", "must be an Object") },
	/* 23 */
	{ "{\"properties\":\"x\"}", "\"properties\":[" },
	{ "{\"properties\":[1]}", "\"properties\":[" },
	{ "{\"properties\":0}", "\"properties\":[" },
	{ "{\"properties\":\"\"}", "\"properties\":[" },
	/* 24 */
	{ "{", "\"text\":\"Bad request\"}}}" },
	{ "[]", "\"text\":\"Bad request\"}}}" },
	{ "\"x\"", "\"text\":\"Bad request\"}}}" },
	{ "null", "\"text\":\"Bad request\"}}}" },
	{ "", "\"text\":\"Bad request\"}}}" },
	/* 34 */
	{ "{\"eventId\":\"a b\"}", "\"eventId\":[" },
	{ "{\"eventId\":\"a.b\"}", "\"eventId\":[" },
	{ "{\"eventId\":\"\"}", "\"eventId\":[" },
	{ "{\"eventId\":\"1234567890123456789012345678901234567\"}", "\"eventId\":[" },
	{ "{\"eventId\":\"\xc3\xa9\"}", "\"eventId\":[" },
	{ "{\"eventId\":7}", "\"eventId\":[" },
	/* all at once */
	{ "{\"properties\":{\"a\":1,\"b\":2}}",
	  "{\"properties.a\":[\"is not defined\"],\"properties.b\":[\"is not defined\"]}" },
};

static void test_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		struct trial t;
		run_at(&t, RICH, refused[i].body);
		if (!t.why)
			fail_msg("accepted: %s", refused[i].body);
		trial_answer(&t);
		assert_int_equal(t.status, 400);
		assert_holds(t.body, "{\"requestError\":{\"serviceException\":{"
				     "\"messageId\":\"BAD_REQUEST\"");
		assert_holds(t.body, refused[i].text);
		trial_end(&t);
	}
}

/* --- Targets --- */

enum { L = WHO_LOOKUP, LCA = WHO_LOOKUP | WHO_CREATES | WHO_ADOPT };

static const struct {
	const char *target;
	enum identity_kind kind;
	const char *value, *key; /* key NULL: none */
	unsigned use;
} persons[] = {
	/* 1, 4 to 6 */
	{ EVENTS("3", "rich") "?identifierType=EXTERNAL_ID", IDENTITY_EXTERNAL_ID, "3", "3", L },
	{ EVENTS("jane%40acme.com", "rich") "?identifierType=EMAIL", IDENTITY_EMAIL,
	  "jane@acme.com", "jane@acme.com", L },
	{ EVENTS("Jane@Acme.com", "rich") "/?identifierType=email", IDENTITY_EMAIL, "Jane@Acme.com",
	  "jane@acme.com", L },
	{ EVENTS("41793026727", "rich") "?identifierType=PHONE", IDENTITY_PHONE, "41793026727",
	  "41793026727", L },
	{ EVENTS("%2B41793026727", "rich") "?identifierType=Phone", IDENTITY_PHONE, "+41793026727",
	  "41793026727", L },
	{ EVENTS("1", "rich") "?identifierType=ID", IDENTITY_NUMBER, "1", NULL, L },
	{ EVENTS("a%2Fb", "rich") "?x=1&identifierType=LINE", IDENTITY_LINE, "a/b", "a/b", L },
	{ EVENTS("u", "rich") "?identifierType=GOOGLE_BUSINESS_MESSAGES",
	  IDENTITY_GOOGLE_BUSINESS_MESSAGES, "u", "u", L },
	{ EVENTS("u", "rich") "?identifierType=WHATSAPP", IDENTITY_WHATSAPP, "u", "u", L },
	{ EVENTS("u", "rich") "?identifierType=OPEN_CHANNEL", IDENTITY_OPEN_CHANNEL, "u", "u", L },
	{ EVENTS("no-address", "rich") "?identifierType=EMAIL", IDENTITY_EMAIL, "no-address",
	  "no-address", L },
	/* 30, 31, decision 9 */
	{ EVENTS("new@acme.com", "rich") "?identifierType=EMAIL&createPerson=true", IDENTITY_EMAIL,
	  "new@acme.com", "new@acme.com", LCA },
	{ EVENTS("x1", "rich") "?createPerson=True&identifierType=EXTERNAL_ID",
	  IDENTITY_EXTERNAL_ID, "x1", "x1", LCA },
	{ EVENTS("4179", "rich") "?createPerson=TRUE&identifierType=PHONE", IDENTITY_PHONE, "4179",
	  "4179", LCA },
	{ EVENTS("4179", "rich") "?createPerson=false&identifierType=PHONE", IDENTITY_PHONE, "4179",
	  "4179", L },
	{ EVENTS("x", "rich") "?identifierType=LINE&createPerson=true", IDENTITY_LINE, "x", "x",
	  L },
	{ EVENTS("1", "rich") "?identifierType=ID&createPerson=true", IDENTITY_NUMBER, "1", NULL,
	  L },
	{ EVENTS("no-address", "rich") "?identifierType=EMAIL&createPerson=true", IDENTITY_EMAIL,
	  "no-address", "no-address", L },
};

static void test_persons(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(persons); i++) {
		struct trial t;
		run_at(&t, persons[i].target, "{}");
		if (t.why)
			fail_msg("refused (%d): %s", t.why, persons[i].target);
		const struct who *w = t.call.ops->who;
		assert_int_equal(t.call.ops->n_who, 1);
		assert_int_equal(w->kind, persons[i].kind);
		assert_int_equal(w->use, persons[i].use);
		assert_str(w->value, persons[i].value);
		if (persons[i].key)
			assert_str(w->key, persons[i].key);
		else
			assert_null(w->key.p);
		trial_end(&t);
	}
}

static const struct {
	const char *target, *body;
	int status;
	const char *text;
} targets[] = {
	/* 7, 8, decision 9 */
	{ EVENTS("3", "rich"), "{}", 400, "\"identifierType\":[" },
	{ EVENTS("3", "rich") "?identifierType=", "{}", 400, "\"identifierType\":[" },
	{ EVENTS("3", "rich") "?identifierType=FOO", "{}", 400, "\"identifierType\":[" },
	{ EVENTS("3", "rich") "?identifierType=external_id2", "{}", 400, "\"identifierType\":[" },
	{ EVENTS("3", "rich") "?identifierType=ANONYMOUS_ID", "{}", 400, "\"identifierType\":[" },
	{ EVENTS("3", "rich") "?identifierType=ID&createPerson=1", "{}", 400,
	  "\"createPerson\":[" },
	{ EVENTS("3", "rich") "?identifierType=ID&createPerson=", "{}", 400, "\"createPerson\":[" },
	/* 11, decision 29 */
	{ EVENTS("3", "none") "?identifierType=ID", "{}", 404, "\"definitionId\":[" },
	{ EVENTS("3", "Rich") "?identifierType=ID", "{}", 404, "\"definitionId\":[" },
	/* decision 53: nobody's */
	{ EVENTS("jane", "rich") "?identifierType=ID", "{}", 404, "\"personId\":[" },
	{ EVENTS("-1", "rich") "?identifierType=ID", "{}", 404, "\"personId\":[" },
	{ EVENTS("000000000000000000001", "rich") "?identifierType=ID", "{}", 404,
	  "\"personId\":[" },
	{ EVENTS("99999999999999999999", "rich") "?identifierType=ID", "{}", 404,
	  "\"personId\":[" },
	{ EVENTS("n", "rich") "?identifierType=PHONE&createPerson=true", "{}", 404,
	  "\"personId\":[" },
	{ EVENTS("%20", "rich") "?identifierType=EMAIL", "{}", 404, "\"personId\":[" },
	{ EVENTS("%FF", "rich") "?identifierType=EXTERNAL_ID&createPerson=true", "{}", 404,
	  "\"personId\":[" },
	/* decision 28: nothing is defined */
	{ EVENTS("3", "purchase") "?identifierType=ID", "{\"properties\":{\"a\":1}}", 400,
	  "\"properties.a\":[\"is not defined\"]" },
	/* decision 51: what is looked at first */
	{ EVENTS("3", "none"), "{", 400, "\"text\":\"Bad request\"}}}" },
	{ EVENTS("3", "none"), "{}", 400, "\"identifierType\":[" },
	{ EVENTS("n", "none") "?identifierType=ID", "{}", 404, "\"definitionId\":[" },
	{ EVENTS("n", "rich") "?identifierType=ID", "{\"properties\":{\"a\":1}}", 404,
	  "\"personId\":[" },
};

static void test_targets(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
		struct trial t;
		run_at(&t, targets[i].target, targets[i].body);
		if (!t.why)
			fail_msg("accepted: %s", targets[i].target);
		trial_answer(&t);
		assert_int_equal(t.status, targets[i].status);
		assert_holds(t.body, t.status == 404 ? "\"messageId\":\"NOT_FOUND\","
						       "\"text\":\"Not found\""
						     : "\"messageId\":\"BAD_REQUEST\"");
		assert_holds(t.body, targets[i].text);
		trial_end(&t);
	}
}

/* --- Answers --- */

/* 1 to 3; 33: the client's own id comes back as it was sent. */
static void test_answer(void **state)
{
	struct trial t;
	(void)state;
	run_at(&t, RICH, "{\"properties\":{\"amount\":100,\"text\":\"a\"}}");
	trial_answer(&t);
	assert_int_equal(t.status, 201);
	assert_str(t.type, "application/json");
	char id[UUID_TEXT + 1];
	uuid_text_upper(t.call.ops->event_id, id);
	struct str expected = arena_printf(
		&t.req.arena,
		"{\"eventId\":\"%s\",\"definitionId\":\"rich\","
		"\"occurredTime\":\"2025-12-01T00:00:00.0000000Z\","
		"\"properties\":{\"amount\":100,\"text\":\"a\"},\"metadata\":{\"source\":\"API\"}}",
		id);
	assert_str(t.body, expected.p);
	trial_end(&t);

	run_at(&t, RICH, "{\"eventId\":\"order-1_A\"}");
	trial_answer(&t);
	assert_holds(t.body, "{\"eventId\":\"order-1_A\",\"definitionId\":\"rich\"");
	assert_holds(t.body, "\"properties\":{},");
	trial_end(&t);
}

/* 10: whom the committer does not find either. */
static void test_unknown_person(void **state)
{
	struct trial t;
	(void)state;
	run_at(&t, RICH, "{}");
	trial_answer_refused(&t, PROBLEM_UNKNOWN_CONTACT);
	assert_int_equal(t.status, 404);
	assert_str(t.body, "{\"requestError\":{\"serviceException\":{\"messageId\":\"NOT_FOUND\","
			   "\"text\":\"Not found\",\"validationErrors\":{"
			   "\"personId\":[\"does not exist\"]}}}}");
	trial_end(&t);
	run_at(&t, RICH, "{}");
	trial_answer_refused(&t, PROBLEM_CONTACT_FULL);
	assert_int_equal(t.status, 400);
	assert_holds(t.body, "\"personId\":[");
	trial_end(&t);
}

/* 26 to 29 */
static void test_credentials(void **state)
{
	static const struct {
		const char *value;
		int status;
	} cases[] = {
		{ "App " TRIAL_KEY, 201 },
		{ "app " TRIAL_KEY, 201 },
		{ "Bearer " TRIAL_KEY, 201 },
		/* trial:<key>, wrong:<key>, trial:wrong, trial */
		{ "Basic dHJpYWw6MGY4ZmFkNWItZDljYi00NjlmLWExNjUtNzA4Njc3Mjg5NTBl", 201 },
		{ "Basic d3Jvbmc6MGY4ZmFkNWItZDljYi00NjlmLWExNjUtNzA4Njc3Mjg5NTBl", 401 },
		{ "Basic dHJpYWw6d3Jvbmc=", 401 },
		{ "Basic dHJpYWw=", 401 },
		{ "Basic trial:" TRIAL_KEY, 401 },
		{ "Basic ", 401 },
		{ "App wrong", 401 },
		{ "App", 401 },
		{ "IBSSO " TRIAL_KEY, 401 },
		{ TRIAL_KEY, 401 },
		{ "App " TRIAL_KEY_READS, 403 },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct trial_request from = {
			METHOD_POST, RICH, { { STR("Authorization"), str_of(cases[i].value) } }
		};
		struct trial t;
		trial_run(&t, &infobip, &from, STR("{}"), TRIAL_MEMORY);
		trial_answer(&t);
		if (t.status != cases[i].status)
			fail_msg("%d for %s", t.status, cases[i].value);
		if (t.status == 401)
			assert_str(t.body, "{\"requestError\":{\"serviceException\":{\"messageId\":"
					   "\"UNAUTHORIZED\",\"text\":\"Unauthorized\"}}}");
		if (t.status == 403)
			assert_holds(t.body, "\"messageId\":\"FORBIDDEN\",\"text\":\"Forbidden\"");
		trial_end(&t);
	}
}

/* 36 */
static void test_content_types(void **state)
{
	static const struct {
		const char *value;
		int status;
	} cases[] = {
		{ "application/json", 201 },
		{ "Application/JSON ; charset=utf-8", 201 },
		{ "text/json", 201 },
		{ "application/json-patch+json", 201 },
		{ "application/vnd.acme+json;v=1", 201 },
		{ "", 201 },
		{ "text/plain", 415 },
		{ "application/xml", 415 },
		{ "application/+json", 415 },
		{ "application/jsonx", 415 },
		{ "text/vnd.acme+json", 415 },
		{ ";charset=utf-8", 415 },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct trial_request from = {
			METHOD_POST, RICH, { APP, { STR("content-type"), str_of(cases[i].value) } }
		};
		struct trial t;
		trial_run(&t, &infobip, &from, STR("{}"), TRIAL_MEMORY);
		trial_answer(&t);
		if (t.status != cases[i].status)
			fail_msg("%d for %s", t.status, cases[i].value);
		if (t.status == 415)
			assert_holds(t.body, "\"messageId\":\"UNSUPPORTED_MEDIA_TYPE\"");
		trial_end(&t);
	}
}

/* 37, 40, and what else may stand in the way */
static void test_in_the_way(void **state)
{
	static const struct {
		enum refusal why;
		enum fault fault;
		int status;
		const char *id, *header; /* header NULL: none that matters */
	} cases[] = {
		{ REFUSE_ROUTE, FAULT_NONE, 404, "NOT_FOUND", NULL },
		{ REFUSE_METHOD, FAULT_NONE, 405, "METHOD_NOT_ALLOWED", "Allow" },
		{ REFUSE_RATE, FAULT_NONE, 429, "TOO_MANY_REQUESTS", "Retry-After" },
		{ REFUSE_OVERLOADED, FAULT_NONE, 503, "SERVICE_UNAVAILABLE", "Retry-After" },
		{ REFUSE_UNAVAILABLE, FAULT_NONE, 500, "GENERAL_ERROR", NULL },
		{ REFUSE_FAULT, FAULT_BODY_TOO_LARGE, 413, "BAD_REQUEST", NULL },
		{ REFUSE_FAULT, FAULT_CONTENT_CODING, 415, "UNSUPPORTED_MEDIA_TYPE", NULL },
		{ REFUSE_FAULT, FAULT_NO_MEMORY, 503, "SERVICE_UNAVAILABLE", "Retry-After" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct trial t;
		run_at(&t, RICH, "{}");
		t.why = cases[i].why;
		t.req.fault = cases[i].fault;
		t.call.allowed = METHOD_BIT(METHOD_POST);
		t.call.rate.reset_s = 1;
		trial_answer(&t);
		assert_int_equal(t.status, cases[i].status);
		assert_holds(t.body, cases[i].id);
		if (cases[i].header)
			assert_true(trial_header(&t, cases[i].header).n > 0);
		trial_end(&t);
	}
	assert_int_equal(infobip.rate.requests, 250);
	assert_int_equal(infobip.rate.window_s, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepted),    cmocka_unit_test(test_refused),
		cmocka_unit_test(test_persons),     cmocka_unit_test(test_targets),
		cmocka_unit_test(test_answer),      cmocka_unit_test(test_unknown_person),
		cmocka_unit_test(test_credentials), cmocka_unit_test(test_content_types),
		cmocka_unit_test(test_in_the_way),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
