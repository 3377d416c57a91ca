/* Pristo's first generation up to the committer and back; pristo.md 3.3 to 3.5. */
#include <stdarg.h>
#include <stddef.h>

#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "fuzz/dialect_fuzz.h"

#define POPULATION "/v1/populations/" TRIAL_ELSEWHERE "/"
#define EVENTS     POPULATION "events"
#define UPSERT     POPULATION "contacts:upsert"
#define ACTIVATION POPULATION "contacts:activation"
#define OPT_OUT    POPULATION "contacts:unsubscribe"
#define PERSON     "01957e3a-4b5c-7d8e-9f0a-1b2c3d4e5f6b"

static void run(struct trial *t, const char *target, const char *key, const char *body,
		size_t memory)
{
	static struct trial_request from; /* the request keeps its headers */
	from = (struct trial_request){ METHOD_POST,
				       target,
				       { { STR_INIT("X-API-Key"), str_of(key) } } };
	trial_run(t, &pristo, &from, str_of(body), memory);
}

static const struct {
	const char *target, *body, *op;
} taken[] = {
	{ EVENTS,
	  "{\"contact\":{\"email\":\"A@b.co\",\"phone\":\"555-0001\",\"clientContactId\":\"Row 7\","
	  "\"pristoContactId\":\"01957E3A-4B5C-7D8E-9F0A-1B2C3D4E5F6B\"},\"eventTypeId\":\"new\","
	  "\"channel\":\"web\",\"occurredAt\":\"2026-02-04T13:25:00Z\",\"n\":\"\"}",
	  "definition 0new\nat 2026-02-04T13:25:00.000000Z\n"
	  "properties {\"channel\":\"web\",\"n\":\"\"}\n"
	  "who uuid lookup 01957E3A-4B5C-7D8E-9F0A-1B2C3D4E5F6B key "
	  "01957E3A-4B5C-7D8E-9F0A-1B2C3D4E5F6B\n"
	  "who external_id lookup Row 7 key Row 7\n"
	  "who phone lookup 555-0001 key 5550001\n"
	  "who email lookup A@b.co key a@b.co\n" },
	{ EVENTS,
	  "{\"contact\":{\"clientContactId\":\"1\"},\"eventTypeId\":\"new\","
	  "\"customFields\":{\"contact\":\"x\"}}",
	  "definition 0new\nproperties {\"contact\":\"x\"}\nwho external_id lookup 1 key 1\n" },
	/* Beside an id an address is data. */
	{ UPSERT, "{\"clientContactId\":\"1\",\"phone\":\"555-0001\",\"email\":\"a@b.co\"}",
	  "who external_id lookup,creates,adopt 1 key 1\n"
	  "who phone creates,replace,shared,claims 555-0001 key 5550001\n"
	  "who email creates,replace,shared,claims a@b.co key a@b.co\n" },
	{ UPSERT, "{\"pristoContactId\":\"" PERSON "\",\"email\":\"a@b.co\",\"lastName\":\"L\"}",
	  "who uuid lookup " PERSON " key " PERSON "\n"
	  "who email creates,replace,shared,claims a@b.co key a@b.co\nset last_name \"L\"\n" },
	/* Alone it names the contact. */
	{ UPSERT, "{\"email\":\"a@b.co\",\"age\":\"31\",\"firstName\":\"\",\"language\":\"he\"}",
	  "who email lookup,creates,replace,shared a@b.co key a@b.co\n"
	  "set first_name \"\"\nset language \"he\"\nset custom.age \"31\"\n" },
	{ UPSERT,
	  "{\"clientContactId\":\"1\",\"dynamicFields\":{\"gender\":\"f\"},\"firstName\":null}",
	  "who external_id lookup,creates,adopt 1 key 1\nset custom.gender \"f\"\n" },
	{ ACTIVATION, "{\"clientContactId\":\"1\",\"isActive\":true}",
	  "who external_id lookup 1 key 1\nset active true\n" },
	{ ACTIVATION, "{\"pristoContactId\":\"x\",\"isActive\":false,\"email\":\"a@b.co\"}",
	  "who uuid lookup x key x\nset active false\n" },
	{ OPT_OUT, "{\"clientContactId\":\"1\",\"isActive\":7}",
	  "who external_id lookup 1 key 1\nset subscribed false\n" },
};

static void test_taken(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(taken); i++) {
		struct trial t;
		run(&t, taken[i].target, TRIAL_KEY_ELSEWHERE, taken[i].body, TRIAL_MEMORY);
		if (t.why)
			fail_msg("refused (%d): %s", t.why, taken[i].body);
		struct str text = trial_op_text(&t);
		if (!str_eq(text, str_of(taken[i].op)))
			fail_msg("%s became " STR_FMT, taken[i].body, STR_ARG(text));
		trial_end(&t);
	}
}

/* The committer finds nobody. */
static void test_nobody(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(taken); i++) {
		struct trial t;
		run(&t, taken[i].target, TRIAL_KEY_ELSEWHERE, taken[i].body, TRIAL_MEMORY);
		trial_answer_refused(&t, PROBLEM_UNKNOWN_CONTACT);
		assert_int_equal(t.status, strcmp(taken[i].target, UPSERT) ? 404 : 400);
		assert_non_null(memmem(t.body.p, t.body.n, "\"CONTACT_NOT_FOUND\"", 19));
		trial_end(&t);
	}
}

/* To a workspace that has the switch off these are no paths at all. */
static void test_switched_off(void **state)
{
	static const char *const targets[] = {
		"/v1/populations/" TRIAL_WORKSPACE "/events",
		"/v1/populations/" TRIAL_WORKSPACE "/contacts:upsert",
		"/v1/populations/" TRIAL_WORKSPACE "/contacts:activation",
		"/v1/populations/" TRIAL_WORKSPACE "/contacts:unsubscribe",
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
		struct trial t;
		run(&t, targets[i], TRIAL_KEY, "{\"clientContactId\":\"1\"}", TRIAL_MEMORY);
		assert_int_equal(t.why, REFUSE_ROUTE);
		trial_answer(&t);
		assert_int_equal(t.status, 404);
		trial_end(&t);
	}
}

/* However little memory there is, there is one answer: what it would have been, or to come back. */
static void test_memory(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(taken); i++) {
		unsigned good = 0, come_back = 0;
		for (size_t memory = 1024; memory < 24 * 1024; memory += 256) {
			struct trial t;
			run(&t, taken[i].target, TRIAL_KEY_ELSEWHERE, taken[i].body, memory);
			trial_answer(&t);
			assert_int_equal(t.answers, 1);
			good += t.status == 200 || t.status == 201;
			come_back += t.status == 503;
			assert_int_equal(trial_header(&t, "Retry-After").p != NULL,
					 t.status == 503);
			assert_true(t.status == 200 || t.status == 201 || t.status == 503);
			trial_end(&t);
		}
		assert_true(good > 0 && come_back > 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_taken),
		cmocka_unit_test(test_nobody),
		cmocka_unit_test(test_switched_off),
		cmocka_unit_test(test_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
