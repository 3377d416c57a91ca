#include <stdarg.h>
#include <stddef.h>

#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "fuzz/dialect_fuzz.h"

/* Arsel's definitions, contacts and batches: what they ask of the engine, and what is refused. */

#define C1      "01957e3a-4b5c-7d8e-9f0a-1b2c3d4e5f6b"
#define CONTACT "/v1/contacts/" C1

static void assert_text(const char *of, struct str got, const char *want)
{
	if (!str_eq(got, str_of(want)))
		fail_msg("%s:\ngot  " STR_FMT "\nwant %s", of, STR_ARG(got), want);
}

static void run(struct trial *t, enum method method, const char *target, const char *body)
{
	const struct trial_request from = { method,
					    target,
					    { HEADER("Authorization", "Bearer " TRIAL_KEY),
					      HEADER("Idempotency-Key", "a:b:1") } };
	trial_run(t, &arsel, &from, str_of(body), TRIAL_MEMORY);
}

/* "/v1/events/" and the id of a definition of the catalog. */
static const char *event_path(const char *name)
{
	static char path[64];
	char id[UUID_TEXT + 1];
	uuid_text(trial_definition(name)->id, id);
	snprintf(path, sizeof(path), "/v1/events/%s", id);
	return path;
}

struct op_case {
	enum method method;
	const char *target, *body, *op;
};

static void expect_op(const struct op_case *c)
{
	struct trial t;
	run(&t, c->method, c->target, c->body);
	if (t.why)
		trial_answer(&t);
	if (t.why)
		fail_msg("%s: " STR_FMT, c->body, STR_ARG(t.body));
	assert_text(c->body, trial_op_text(&t), c->op);
	trial_answer(&t);
	assert_int_equal(t.status, c->method == METHOD_POST ? 201 : 200);
	trial_end(&t);
}

static void test_definition_made(void **state)
{
	(void)state;
#define NEW        "define 0 rules 1\nname e\ndescription \nannotations \nfields []\n"
#define CONVERSION "\"value_field\":\"n\",\"currency_field\":null,\"currencies\":[\"SAR\"]}"
#define NUMBER     "{\"name\":\"n\",\"type\":\"number\",\"required\":true}"
	static const struct {
		const char *body, *op;
	} cases[] = {
		{ "{\"name\":\"e\"}", NEW },
		{ "{\"name\":\"e\",\"schema\":null,\"conversion\":null,\"foo\":1}", NEW },
		{ "{\"name\":\"e\",\"description\":\"d\"}",
		  "define 0 rules 33\nname e\ndescription d\nannotations \nfields []\n" },
		{ "{\"name\":\"e\",\"schema\":{}}",
		  "define 0 rules 9\nname e\ndescription \nannotations \nfields []\n" },
		{ "{\"name\":\"e\",\"schema\":{\"fields\":[" NUMBER
		  ",{\"name\":\"_D\",\"type\":\"date\",\"required\":false}]}}",
		  "define 0 rules 9\nname e\ndescription \nannotations \nfields [" NUMBER
		  ",{\"name\":\"_D\",\"type\":\"date\",\"required\":false}]\n" },
		{ "{\"name\":\"e\",\"schema\":{\"fields\":[" NUMBER
		  "]},\"conversion\":{\"enabled\":true," CONVERSION "}",
		  "define 0 rules 73\nname e\ndescription \nannotations "
		  "{\"arsel\":{\"conversion\":{\"enabled\":true," CONVERSION "}}\nfields [" NUMBER
		  "]\n" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct trial t;
		run(&t, METHOD_POST, "/v1/events", cases[i].body);
		if (t.why)
			trial_answer(&t);
		if (t.why)
			fail_msg("%s: " STR_FMT, cases[i].body, STR_ARG(t.body));
		assert_text(cases[i].body, trial_op_text(&t), cases[i].op);
		trial_answer(&t);
		assert_int_equal(t.status, 201);
		trial_end(&t);
	}
}

/* What comes back under the type it was shown with keeps its own; what is new has one of four. */
static void test_definition_changed(void **state)
{
	(void)state;
	static const struct {
		const char *sent;
		bool good;
		const char *kept;
	} cases[] = {
		{ "\"name\":\"mail\",\"type\":\"string\"", true,
		  "\"name\":\"mail\",\"type\":\"email\"" },
		{ "\"name\":\"count\",\"type\":\"number\"", true,
		  "\"name\":\"count\",\"type\":\"integer\"" },
		{ "\"name\":\"moment\",\"type\":\"date\"", true,
		  "\"name\":\"moment\",\"type\":\"datetime\"" },
		{ "\"name\":\"count\",\"type\":\"string\"", true,
		  "\"name\":\"count\",\"type\":\"string\"" },
		{ "\"name\":\"list\",\"type\":\"array\"", true,
		  "\"name\":\"list\",\"type\":\"array\"" },
		{ "\"name\":\"mail\",\"type\":\"email\"", false, NULL },
		{ "\"name\":\"new\",\"type\":\"object\"", false, NULL },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct trial t;
		char body[200], want[300];
		snprintf(body, sizeof(body), "{\"schema\":{\"fields\":[{%s,\"required\":false}]}}",
			 cases[i].sent);
		snprintf(want, sizeof(want),
			 "define 3 rules 138\nname \ndescription \nannotations \nfields "
			 "[{%s,\"required\":false}]\n",
			 cases[i].kept ?: "");
		run(&t, METHOD_PATCH, event_path("rich"), body);
		assert_int_equal(t.why, cases[i].good ? REFUSE_NOTHING : REFUSE_PROBLEMS);
		if (cases[i].good)
			assert_text(body, trial_op_text(&t), want);
		trial_answer(&t);
		assert_int_equal(t.status, cases[i].good ? 200 : 422);
		trial_end(&t);
	}

	struct trial t;
	run(&t, METHOD_PATCH, event_path("rich"),
	    "{\"schema\":{\"fields\":[{\"name\":\"place\",\"type\":\"object\",\"required\":true}]}"
	    "}");
	assert_text("place", trial_op_text(&t),
		    "define 3 rules 138\nname \ndescription \nannotations \nfields "
		    "[{\"name\":\"place\",\"type\":\"object\",\"required\":true,\"fields\":["
		    "{\"name\":\"sku\",\"type\":\"string\",\"required\":true},"
		    "{\"name\":\"price\",\"type\":\"number\",\"required\":false}]}]\n");
	trial_end(&t);
}

static void test_contact(void **state)
{
	(void)state;
#define BY_ID "who uuid lookup " C1 " key " C1 "\n"
	static const struct op_case cases[] = {
		{ METHOD_POST, "/v1/contacts",
		  "{\"email\":\" A@b.co\",\"first_name\":\"\",\"last_name\":null,"
		  "\"properties\":{\"age\":1.50,\"gender\":null}}",
		  "who email lookup,creates,adopt A@b.co key a@b.co\n"
		  "set first_name \"\"\nset custom.age 1.50\nremove custom.gender \n" },
		{ METHOD_POST, "/v1/contacts",
		  "{\"phone_number\":\"+966501234567\",\"external_id\":\"7\"}",
		  "who external_id lookup,creates,adopt 7 key 7\n"
		  "who phone lookup,creates,adopt +966501234567 key 966501234567\n" },
		{ METHOD_PATCH, CONTACT, "{}", BY_ID },
		{ METHOD_PATCH, CONTACT, "{\"email\":\"a@b.co\",\"phone_number\":null}",
		  BY_ID "who email replace,exclusive a@b.co key a@b.co\nwho phone drop-kind \n" },
		{ METHOD_PATCH, CONTACT, "{\"first_name\":null,\"properties\":null}",
		  BY_ID "remove first_name \nremove custom.age \nremove custom.gender \n"
			"remove custom.points \n" },
		{ METHOD_DELETE, CONTACT, "", BY_ID },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		expect_op(&cases[i]);
	}
}

static void test_contact_shown(void **state)
{
	(void)state;
	struct trial t;
	char id[UUID_TEXT + 1], want[700];
	run(&t, METHOD_GET, CONTACT, "");
	trial_answer(&t);
	uuid_text(trial_contact.id, id);
	snprintf(want, sizeof(want),
		 "{\"id\":\"%s\",\"email\":\"jane@example.com\",\"phone_number\":\"+37061234567\","
		 "\"external_id\":\"3f2504e0-4f89-41d3-9a0c-0305e82c3301\",\"first_name\":\"Jane\","
		 "\"last_name\":\"Doe\",\"source\":\"api\",\"properties\":{\"age\":\"31\","
		 "\"score\":1.50,\"list\":[\"a\"]},\"is_suppressed\":false,"
		 "\"created_at\":\"2025-12-01T00:00:00.000Z\","
		 "\"updated_at\":\"2025-12-01T00:01:00.000Z\"}",
		 id);
	assert_int_equal(t.status, 200);
	assert_text("contact", t.body, want);
	trial_end(&t);

	run(&t, METHOD_GET, CONTACT, "");
	trial_answer_refused(&t, PROBLEM_UNKNOWN_CONTACT);
	assert_int_equal(t.status, 404);
	trial_end(&t);
}

static void test_refused(void **state)
{
	(void)state;
#define INVALID(message) \
	"{\"status_code\":422,\"name\":\"validation_error\",\"message\":\"" message "\"}"
	static const struct {
		enum method method;
		const char *target, *body;
		int status;
		const char *error; /* NULL: not looked at */
	} cases[] = {
		{ METHOD_POST, "/v1/events", "{\"name\":\"\"}", 422,
		  INVALID("name should not be empty") },
		{ METHOD_POST, "/v1/events", "{\"name\":\"e\",\"schema\":[]}", 422,
		  INVALID("schema must be an object") },
		{ METHOD_POST, "/v1/events",
		  "{\"name\":\"e\",\"schema\":{\"fields\":[{\"name\":\"a b\",\"type\":\"int\"}]}}",
		  422,
		  INVALID("schema.fields[0].required must be a boolean value, "
			  "schema.fields[0].name must match /^[A-Za-z_][A-Za-z0-9_]*$/ regular "
			  "expression, schema.fields[0].type must be one of the following values: "
			  "string, number, boolean, date") },
		{ METHOD_POST, "/v1/events",
		  "{\"name\":\"e\",\"conversion\":{\"enabled\":true,\"value_field\":\"n\"}}", 400,
		  "{\"status_code\":400,\"name\":\"bad_request\",\"message\":\"conversion.value_"
		  "field "
		  "does not name a field of the schema of the right type.\"}" },
		{ METHOD_PATCH, "/v1/events/x", "{}", 404,
		  "{\"status_code\":404,\"name\":\"not_found\",\"message\":\"Event x not "
		  "found\"}" },
		{ METHOD_POST, "/v1/contacts", "{}", 422,
		  INVALID("A contact must have an email, phone_number or external_id.") },
		{ METHOD_POST, "/v1/contacts", "{\"email\":\"a@b.co\",\"properties\":{\"x\":1}}",
		  422, INVALID("property properties.x should not exist") },
		{ METHOD_POST, "/v1/contacts", "{\"email\":\"a@b.co\",\"properties\":{\"age\":[]}}",
		  422, INVALID("properties.age must be a string, number, boolean or date") },
		{ METHOD_PATCH, CONTACT, "{\"email\":\"\"}", 422,
		  INVALID("email must be an email") },
		{ METHOD_PATCH, CONTACT, "[]", 400, NULL },
		{ METHOD_DELETE, "/v1/contacts/1", "", 404, NULL },
		{ METHOD_POST, "/v1/contacts/bulk-delete", "{\"contact_ids\":[1]}", 422,
		  INVALID("contact_ids must be an array of UUIDs") },
		{ METHOD_GET, "/v1/contacts?limit=101", "", 422,
		  INVALID("limit must be an integer from 1 to 100") },
		{ METHOD_GET, "/v1/contacts?after=" C1 "&before=" C1, "", 400, NULL },
		{ METHOD_GET, "/v1/contacts?tag_id=" C1, "", 422,
		  INVALID("property tag_id should not exist") },
		{ METHOD_GET, "/v1/contacts?email=%ff@b.co", "", 422,
		  INVALID("email must be an email") },
		{ METHOD_GET, "/v1/events?before=" C1, "", 422,
		  INVALID("before must be the id of an item") },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct trial t;
		run(&t, cases[i].method, cases[i].target, cases[i].body);
		trial_answer(&t);
		if (cases[i].error)
			assert_text(cases[i].body, t.body, cases[i].error);
		assert_int_equal(t.status, cases[i].status);
		assert_int_equal(t.call.n_ops, 0);
		trial_end(&t);
	}
}

#define PROPERTY "/v1/properties/03000000-0000-0000-0000-000000000000"

static void test_properties(void **state)
{
	(void)state;
	static const struct op_case cases[] = {
		{ METHOD_POST, "/v1/properties", "{\"field_key\":\"a_1\",\"display_name\":\"A\"}",
		  "field 0 rules 5\nname a_1\ntype string\ntitle A\ndescription \nfallback \n" },
		{ METHOD_POST, "/api/v1/properties",
		  "{\"field_key\":\"a\",\"display_name\":\"A\",\"data_type\":\"date\","
		  "\"description\":"
		  "\"d\",\"fallback_value\":\"f\"}",
		  "field 0 rules 29\nname a\ntype date\ntitle A\ndescription d\nfallback f\n" },
		{ METHOD_PATCH, PROPERTY, "{}",
		  "field 3 rules 0\nname \ntype \ntitle \ndescription \nfallback \n" },
		{ METHOD_PATCH, PROPERTY,
		  "{\"field_key\":\"points\",\"data_type\":\"number\",\"description\":null,"
		  "\"fallback_value\":\"1\"}",
		  "field 3 rules 24\nname \ntype \ntitle \ndescription \nfallback 1\n" },
		{ METHOD_DELETE, PROPERTY, "",
		  "field 3 rules 2\nname \ntype \ntitle \ndescription \nfallback \n" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		expect_op(&cases[i]);
	}
}

/* What only the committer knows. */
static void test_committer_says_no(void **state)
{
	(void)state;
	char event[64];
	snprintf(event, sizeof(event), "%s", event_path("order.completed"));
	const struct {
		enum method method;
		const char *target, *body;
		enum problem_code code;
		int status;
		const char *name;
	} cases[] = {
		{ METHOD_POST, "/v1/events", "{\"name\":\"e\"}", PROBLEM_EXISTS, 409, "conflict" },
		{ METHOD_POST, "/v1/events", "{\"name\":\"e\"}", PROBLEM_DEFINITIONS_FULL, 403,
		  "event_limit_reached" },
		{ METHOD_PATCH, event, "{\"conversion\":{\"enabled\":false}}", PROBLEM_EXISTS, 409,
		  "conflict" },
		{ METHOD_PATCH, event, "{}", PROBLEM_UNKNOWN_DEFINITION, 404, "not_found" },
		{ METHOD_POST, "/v1/contacts", "{\"email\":\"a@b.co\"}", PROBLEM_EXISTS, 409,
		  "conflict" },
		{ METHOD_PATCH, CONTACT, "{\"email\":\"a@b.co\"}", PROBLEM_TAKEN, 409, "conflict" },
		{ METHOD_PATCH, CONTACT, "{\"email\":null}", PROBLEM_ALTERNATIVES, 422,
		  "validation_error" },
		{ METHOD_PATCH, CONTACT, "{}", PROBLEM_UNKNOWN_CONTACT, 404, "not_found" },
		{ METHOD_PATCH, CONTACT, "{}", PROBLEM_CONTACT_FULL, 422, "validation_error" },
		{ METHOD_DELETE, CONTACT, "", PROBLEM_UNKNOWN_CONTACT, 404, "not_found" },
		{ METHOD_POST, "/v1/properties", "{\"field_key\":\"age\",\"display_name\":\"Age\"}",
		  PROBLEM_EXISTS, 409, "conflict" },
		{ METHOD_POST, "/v1/properties", "{\"field_key\":\"a\",\"display_name\":\"A\"}",
		  PROBLEM_CONTACT_FIELDS_FULL, 403, "forbidden" },
		{ METHOD_PATCH, PROPERTY, "{}", PROBLEM_UNKNOWN_FIELD, 404, "not_found" },
		{ METHOD_DELETE, PROPERTY, "", PROBLEM_UNKNOWN_FIELD, 404, "not_found" },
		{ METHOD_GET, "/v1/contacts?after=" C1, "", PROBLEM_UNKNOWN_CONTACT, 422,
		  "validation_error" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct trial t;
		char start[80];
		run(&t, cases[i].method, cases[i].target, cases[i].body);
		trial_answer_refused(&t, cases[i].code);
		snprintf(start, sizeof(start), "{\"status_code\":%d,\"name\":\"%s\",",
			 cases[i].status, cases[i].name);
		assert_int_equal(t.status, cases[i].status);
		assert_true(str_starts(t.body, str_of(start)));
		trial_end(&t);
	}
}

/* Letter for letter: some say what they are about, some do not. */
static void test_committer_says_no_in_words(void **state)
{
	(void)state;
	static const struct {
		const char *target, *body;
		enum problem_code code;
		const char *answer;
	} cases[] = {
		{ "/v1/properties", "{\"field_key\":\"plan\",\"display_name\":\"Plan\"}",
		  PROBLEM_CONTACT_FIELDS_FULL,
		  "{\"status_code\":403,\"name\":\"forbidden\",\"message\":\"The organization has "
		  "as "
		  "many properties as it may.\"}" },
		{ "/v1/properties", "{\"field_key\":\"plan\",\"display_name\":\"Plan\"}",
		  PROBLEM_EXISTS,
		  "{\"status_code\":409,\"name\":\"conflict\",\"message\":\"A property with the "
		  "key "
		  "\\\"plan\\\" already exists.\"}" },
		{ "/v1/events", "{\"name\":\"e\"}", PROBLEM_DEFINITIONS_FULL,
		  "{\"status_code\":403,\"name\":\"event_limit_reached\",\"message\":\"The "
		  "organization "
		  "has as many events as it may.\"}" },
		{ "/v1/events", "{\"name\":\"e\"}", PROBLEM_EXISTS,
		  "{\"status_code\":409,\"name\":\"conflict\",\"message\":\"An event named "
		  "\\\"e\\\" "
		  "already exists.\"}" },
		{ "/v1/events/send",
		  "{\"event\":\"order.completed\",\"email\":\"a@b.co\","
		  "\"data\":{\"order_id\":\"1\",\"total\":1}}",
		  PROBLEM_DEFINITIONS_FULL,
		  "{\"status_code\":403,\"name\":\"event_limit_reached\",\"message\":\"The "
		  "organization "
		  "has as many events as it may.\"}" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct trial t;
		run(&t, METHOD_POST, cases[i].target, cases[i].body);
		trial_answer_refused(&t, cases[i].code);
		assert_text(cases[i].body, t.body, cases[i].answer);
		trial_end(&t);
	}
}

static void test_batch(void **state)
{
	(void)state;
#define GOOD "{\"event\":\"purchase\",\"email\":\"a@b.co\",\"data\":{}}"
	static const struct {
		const char *body;
		unsigned ops;
	} cases[] = {
		{ GOOD, 1 },
		{ "{\"events\":[" GOOD "]}", 1 },
		{ "{\"events\":[" GOOD ",{},[],\"\"," GOOD "]}", 2 },
		{ "{\"events\":[null]}", 0 },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct trial t;
		run(&t, METHOD_POST, "/v1/events/send", cases[i].body);
		assert_int_equal(t.why, REFUSE_NOTHING);
		assert_int_equal(t.call.n_ops, cases[i].ops);
		assert_text("the key", t.call.request.key, "a:b:1");
		trial_answer(&t);
		assert_int_equal(t.status, 202);
		trial_end(&t);
	}
}

/* Equal for equal requests, and for no others: other bytes, or other events that were taken. */
static void test_payload(void **state)
{
	(void)state;
	static const struct {
		const char *body;
		unsigned like; /* the first case with the same payload */
	} cases[] = {
		{ GOOD, 0 },
		{ GOOD, 0 },
		{ GOOD " ", 2 },
		{ "{\"events\":[" GOOD "]}", 3 },
		{ "{\"events\":[" GOOD "]}", 3 },
	};
	uint64_t payloads[ARRAY_LEN(cases)];
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct trial t;
		run(&t, METHOD_POST, "/v1/events/send", cases[i].body);
		payloads[i] = t.call.payload;
		trial_end(&t);
		for (size_t k = 0; k < i; k++)
			assert_int_equal(payloads[k] == payloads[i],
					 cases[k].like == cases[i].like);
	}
}

static void test_other_payload(void **state)
{
	(void)state;
	struct trial t;
	run(&t, METHOD_POST, "/v1/events/send", GOOD);
	t.call.other_payload = true;
	trial_answer(&t);
	assert_int_equal(t.status, 409);
	trial_end(&t);
}

/* However little memory there is, one answer goes out, and it is a success or says why not. */
static void test_memory(void **state)
{
	(void)state;
	static const struct {
		enum method method;
		const char *target, *body;
	} cases[] = {
		{ METHOD_POST, "/v1/events",
		  "{\"name\":\"e\",\"schema\":{\"fields\":[" NUMBER
		  "]},\"conversion\":{\"enabled\":true," CONVERSION "}" },
		{ METHOD_GET, "/v1/events?search=e", "" },
		{ METHOD_POST, "/v1/contacts",
		  "{\"email\":\"a@b.co\",\"properties\":{\"age\":1}}" },
		{ METHOD_GET, "/v1/contacts?email=a@b.co&external_id=7", "" },
		{ METHOD_POST, "/v1/contacts/bulk-delete", "{\"contact_ids\":[\"" C1 "\"]}" },
		{ METHOD_POST, "/v1/events/send", "{\"events\":[" GOOD ",{}]}" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		unsigned served = 0;
		for (size_t memory = 1024; memory < 40 * 1024; memory += 512) {
			struct trial t;
			const struct trial_request from = { cases[i].method,
							    cases[i].target,
							    { HEADER("Authorization",
								     "Bearer " TRIAL_KEY) } };
			trial_run(&t, &arsel, &from, str_of(cases[i].body), memory);
			trial_answer(&t);
			assert_int_equal(t.answers, 1);
			assert_true(t.status < 300 || t.status == 503);
			served += t.status < 300;
			trial_end(&t);
		}
		assert_true(served > 0);
	}
}

/* Contacts go one by one; events are never done by halves, for they would be there twice. */
static void test_what_may_be_done_in_parts(void **state)
{
	static const struct {
		const char *target, *body;
		bool divisible;
	} cases[] = {
		{ "/v1/contacts/bulk-delete", "{\"contact_ids\":[\"" C1 "\",\"" C1 "\"]}", true },
		{ "/v1/events/send", "{\"events\":[" GOOD "," GOOD "]}", false },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct trial t;
		const struct trial_request from = { METHOD_POST,
						    cases[i].target,
						    { HEADER("Authorization",
							     "Bearer " TRIAL_KEY) } };
		trial_run(&t, &arsel, &from, str_of(cases[i].body), TRIAL_MEMORY);
		assert_int_equal(t.why, REFUSE_NOTHING);
		assert_int_equal(t.call.n_ops, 2);
		assert_int_equal(t.call.divisible, cases[i].divisible);
		trial_end(&t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_may_be_done_in_parts),
		cmocka_unit_test(test_definition_made),
		cmocka_unit_test(test_definition_changed),
		cmocka_unit_test(test_contact),
		cmocka_unit_test(test_contact_shown),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_properties),
		cmocka_unit_test(test_committer_says_no),
		cmocka_unit_test(test_committer_says_no_in_words),
		cmocka_unit_test(test_batch),
		cmocka_unit_test(test_payload),
		cmocka_unit_test(test_other_payload),
		cmocka_unit_test(test_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
