/* Pristo's contacts without an event; pristo.md 3.2. */
#include <stdarg.h>
#include <stddef.h>

#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "fuzz/dialect_fuzz.h"

#define TARGET           "/v1/populations/" TRIAL_WORKSPACE "/contacts"
#define C1               "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
#define CONTACT(members) "{\"contact\":{\"id\":\"" C1 "\"" members "}}"
#define WHO              "who external_id lookup,adopt " C1 " key " C1 "\n"

static void run(struct trial *t, const char *target, const char *body)
{
	static struct trial_request from; /* the request keeps its headers */
	from = (struct trial_request){ METHOD_POST, target, { HEADER("X-API-Key", TRIAL_KEY) } };
	trial_run(t, &pristo, &from, str_of(body), TRIAL_MEMORY);
}

static void assert_holds(struct str body, const char *text)
{
	if (!memmem(body.p, body.n, text, strlen(text)))
		fail_msg("no %s in " STR_FMT, text, STR_ARG(body));
}

static const struct {
	const char *body, *op;
} accepted[] = {
	{ CONTACT(",\"email\":\"a@b.co\""),
	  WHO "who email creates,replace,shared,claims a@b.co key a@b.co\n" },
	{ "{\"contact\":{\"id\":\"3F2504E0-4F89-41D3-9A0C-0305E82C3301\"},\"more\":1}",
	  "who external_id lookup,adopt 3F2504E0-4F89-41D3-9A0C-0305E82C3301 key " C1 "\n" },
	{ CONTACT(",\"lastName\":\"L\",\"customFields\":{\"age\":\"31\"}"),
	  WHO "set last_name \"L\"\nset custom.age \"31\"\n" },
	/* decision 14: a field of the population beside the members */
	{ CONTACT(",\"gender\":\"f\",\"name\":\"D\""),
	  WHO "set first_name \"D\"\nset custom.gender \"f\"\n" },
};

static void test_accepted(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(accepted); i++) {
		struct trial t;
		run(&t, TARGET, accepted[i].body);
		if (t.why)
			fail_msg("refused (%d): %s", t.why, accepted[i].body);
		assert_int_equal(t.call.ops->kind, OP_CONTACT);
		struct str text = trial_op_text(&t);
		if (!str_eq(text, str_of(accepted[i].op)))
			fail_msg("%s became " STR_FMT, accepted[i].body, STR_ARG(text));
		trial_end(&t);
	}
}

static const struct {
	const char *body, *text;
} refused[] = {
	{ "{\"contact\":{\"email\":\"a@b.co\"}}", "VALIDATION_ERROR\",\"message\":\"contact.id" },
	{ "{\"contact\":{\"id\":\"12345\"}}", "VALIDATION_ERROR" },
	{ "{}", "contact is required" },
	{ "{\"contact\":[]}", "VALIDATION_ERROR" },
	{ "[]", "VALIDATION_ERROR" },
	{ "{", "INVALID_JSON" },
	{ CONTACT(",\"nickname\":\"x\""), "contact.nickname" },
	{ CONTACT(",\"gender\":5"), "contact.gender" },
	{ CONTACT(",\"name\":null"), "contact.name" },
	{ CONTACT(",\"customFields\":{\"shoeSize\":\"44\"}"), "UNKNOWN_CUSTOM_FIELD" },
	{ CONTACT(",\"customFields\":{\"age\":31}"), "VALIDATION_ERROR" },
};

static void test_refused(void **state)
{
	struct trial t;
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		run(&t, TARGET, refused[i].body);
		if (!t.why)
			fail_msg("accepted: %s", refused[i].body);
		trial_answer(&t);
		assert_int_equal(t.status, 400);
		assert_holds(t.body, refused[i].text);
		trial_end(&t);
	}
	run(&t, "/v1/populations/" TRIAL_ELSEWHERE "/contacts", CONTACT(""));
	trial_answer(&t);
	assert_holds(t.body, "POPULATION_NOT_FOUND");
	trial_end(&t);
	run(&t, "/v1/populations/x/contacts", CONTACT(""));
	trial_answer(&t);
	assert_holds(t.body, "populationId");
	trial_end(&t);
	run(&t, TARGET, CONTACT(""));
	trial_answer_refused(&t, PROBLEM_UNKNOWN_CONTACT);
	assert_int_equal(t.status, 400);
	assert_holds(t.body, "CONTACT_NOT_REACHABLE");
	trial_end(&t);
}

static void test_answer(void **state)
{
	(void)state;
	for (int created = 0; created < 2; created++) {
		struct trial t;
		run(&t, TARGET, CONTACT(""));
		assert_int_equal(t.why, REFUSE_NOTHING);
		t.call.ops->created = created;
		trial_answer(&t);
		assert_int_equal(t.status, created ? 201 : 200);
		assert_true(str_eq(
			t.body,
			STR("{\"contact\":{\"id\":\"" C1
			    "\",\"email\":\"jane@example.com\",\"phone\":\"+37061234567\","
			    "\"name\":\"Jane\",\"lastName\":\"Doe\",\"customFields\":{"
			    "\"age\":\"31\",\"score\":\"1.50\",\"list\":\"[\\\"a\\\"]\"}}}")));
		trial_end(&t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepted),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_answer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
