/* Omnisend's contacts in version 5 and the dated API up to the committer; omnisend.md 3.3. What
 * they are answered is held over sockets (tests/wire/cases/omnisend_contacts.toml). */
#include <stdarg.h>
#include <stddef.h>

#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "fuzz/dialect_fuzz.h"

#define ID     "60fe7581b0aa9fa6e928f794"
#define CURSOR "6a18a50017fb89ee9dcab42a"    /* ID is no row's */
#define AT     "2025-12-01T00:00:00.000000Z" /* when every trial is received */

static void run_in(struct trial *t, enum method method, const char *target, const char *body,
		   size_t memory)
{
	static struct trial_request from; /* the request keeps its headers */
	from = (struct trial_request){ method, target, { HEADER("X-API-KEY", TRIAL_KEY) } };
	trial_run(t, &omnisend, &from, str_of(body), memory);
}

static void run(struct trial *t, enum method method, const char *target, const char *body)
{
	run_in(t, method, target, body, TRIAL_MEMORY);
}

/* An identifier with its state and consent, and what is kept of the former. */
#define EMAIL_IS(email, status)                                                                  \
	"{\"id\":\"" email "\",\"type\":\"email\",\"channels\":{\"email\":{\"status\":\"" status \
	"\"}},\"consent\":{\"ip\":\"" email "\"}}"
#define STATE(status) "now email_status {\"status\":\"" status "\",\"at\":\"" AT "\"} of email\n"

static const struct {
	enum method method;
	const char *target, *body, *op;
} accepted[] = {
	{ METHOD_POST, "/v5/contacts",
	  "{\"identifiers\":[{\"id\":\"+37061234567\",\"type\":\"phone\"},"
	  "{\"id\":\"a@b.co\",\"type\":\"email\"},{\"id\":\"c@d.co\",\"type\":\"email\"}]}",
	  "who email lookup,creates,adopt a@b.co key a@b.co\n"
	  "who phone creates,replace,claims +37061234567 key 37061234567\n" },
	/* alone, a phone finds its owner */
	{ METHOD_POST, "/api/contacts",
	  "{\"identifiers\":[{\"id\":\"+37061234567\",\"type\":\"phone\"}]}",
	  "who phone lookup,creates,replace +37061234567 key 37061234567\n" },
	{ METHOD_POST, "/v5/contacts", "{\"email\":\"\",\"phone\":\"+37061234567\"}",
	  "who phone lookup,creates,replace +37061234567 key 37061234567\n" },
	{ METHOD_POST, "/api/contacts",
	  "{\"email\":\"a@b.co\",\"city\":\"x\",\"identifiers\":null}",
	  "who email lookup,creates,adopt a@b.co key a@b.co\nset city \"x\"\n" },
	{ METHOD_POST, "/api/contacts",
	  "{\"identifiers\":[{\"id\":\"a@b.co\",\"type\":\"email\",\"channels\":{\"email\":{"
	  "\"status\":\"subscribed\"},\"sms\":{\"status\":\"unsubscribed\","
	  "\"statusDate\":\"2024-01-01T02:00:00+02:00\"}},\"consent\":{\"ip\":\"::1\"}}],"
	  "\"createdAt\":\"2020-01-01T00:00:00Z\"}",
	  "who email lookup,creates,adopt a@b.co key a@b.co\n"
	  "now email_status {\"status\":\"subscribed\",\"at\":\"" AT "\"} of email\n"
	  "record consents [{\"channel\":\"email\",\"ip\":\"::1\"}] of email\n"
	  "set custom.externalCreated \"2020-01-01T00:00:00Z\"\n" },
	/* a channel's state is about the identifier of its type; the consent about its own */
	{ METHOD_PATCH, "/v5/contacts/" ID,
	  "{\"identifiers\":[{\"id\":\"a@b.co\",\"type\":\"email\",\"channels\":{\"sms\":{"
	  "\"status\":\"unsubscribed\"}}},{\"id\":\"+37061234567\",\"type\":\"phone\","
	  "\"consent\":{\"userAgent\":\"u\",\"source\":\"s\",\"ip\":\"::1\","
	  "\"createdAt\":\"2020-01-01T00:00:00Z\"}}]}",
	  "who hex lookup " ID "\nwho email adopt a@b.co key a@b.co\n"
	  "who phone replace +37061234567 key 37061234567\n"
	  "now sms_status {\"status\":\"unsubscribed\",\"at\":\"" AT "\"} of phone\n"
	  "record consents [{\"channel\":\"sms\",\"createdAt\":\"2020-01-01T00:00:00Z\","
	  "\"ip\":\"::1\",\"source\":\"s\",\"userAgent\":\"u\"}] of phone\n" },
	/* what was at some time, and what is now */
	{ METHOD_POST, "/v5/contacts",
	  "{\"identifiers\":[{\"id\":\"a@b.co\",\"type\":\"email\",\"channels\":{\"email\":{"
	  "\"status\":\"unsubscribed\",\"statusDate\":\"2024-01-01T02:00:00+02:00\"},\"sms\":{"
	  "\"status\":\"unsubscribed\",\"statusDate\":null}}},"
	  "{\"id\":\"+37061234567\",\"type\":\"phone\"}]}",
	  "who email lookup,creates,adopt a@b.co key a@b.co\n"
	  "who phone creates,replace,claims +37061234567 key 37061234567\n"
	  "newer email_status {\"status\":\"unsubscribed\","
	  "\"at\":\"2024-01-01T00:00:00.000000Z\"} of email\n"
	  "now sms_status {\"status\":\"unsubscribed\",\"at\":\"" AT "\"} of phone\n" },
	/* what nobody has said */
	{ METHOD_POST, "/v5/contacts",
	  "{\"identifiers\":[{\"id\":\"a@b.co\",\"type\":\"email\",\"channels\":{\"email\":{"
	  "\"status\":\"nonSubscribed\",\"statusChangedAt\":null},\"sms\":{"
	  "\"status\":\"nonSubscribed\",\"statusDate\":null}}},"
	  "{\"id\":\"+37061234567\",\"type\":\"phone\"}]}",
	  "who email lookup,creates,adopt a@b.co key a@b.co\n"
	  "who phone creates,replace,claims +37061234567 key 37061234567\n" },
	{ METHOD_POST, "/v5/contacts",
	  "{\"identifiers\":[" EMAIL_IS("a@b.co", "nonSubscribed") "]}",
	  "who email lookup,creates,adopt a@b.co key a@b.co\n" STATE(
		  "nonSubscribed") "record consents [{\"channel\":\"email\",\"ip\":\"a@b.co\"}] of "
				   "email\n" },
	/* what a second e-mail says is about somebody else */
	{ METHOD_POST, "/v5/contacts",
	  "{\"identifiers\":[" EMAIL_IS("a@b.co", "subscribed") "," EMAIL_IS("c@d.co",
									     "unsubscribed") "]}",
	  "who email lookup,creates,adopt a@b.co key a@b.co\n" STATE(
		  "subscribed") "record consents [{\"channel\":\"email\",\"ip\":\"a@b.co\"}] of "
				"email\n" },
	{ METHOD_POST, "/v5/contacts",
	  "{\"identifiers\":[" EMAIL_IS("a@b.co", "unsubscribed") "," EMAIL_IS("c@d.co",
									       "subscribed") "]}",
	  "who email lookup,creates,adopt a@b.co key a@b.co\n" STATE(
		  "unsubscribed") "record consents [{\"channel\":\"email\",\"ip\":\"a@b.co\"}] of "
				  "email\n" },
	{ METHOD_POST, "/v5/contacts",
	  "{\"identifiers\":[{\"id\":\"a@b.co\",\"type\":\"email\"}," EMAIL_IS("c@d.co",
									       "subscribed") "]}",
	  "who email lookup,creates,adopt a@b.co key a@b.co\n" },
	/* the same one once more is not another */
	{ METHOD_POST, "/v5/contacts",
	  "{\"identifiers\":[{\"id\":\"a@b.co\",\"type\":\"email\"}," EMAIL_IS("a@b.co",
									       "subscribed") "]}",
	  "who email lookup,creates,adopt a@b.co key a@b.co\n" STATE(
		  "subscribed") "record consents [{\"channel\":\"email\",\"ip\":\"a@b.co\"}] of "
				"email\n" },
	{ METHOD_POST, "/v5/contacts", "{\"email\":\" a@b.co \",\"phone\":\"\\n\"}",
	  "who email lookup,creates,adopt a@b.co key a@b.co\n" },
	{ METHOD_PATCH, "/v5/contacts/" ID, "{}", "who hex lookup " ID "\n" },
	{ METHOD_PATCH, "/v5/contacts/" ID, "{\"phone\":\"370 612 345\",\"email\":\"a@b.co\"}",
	  "who hex lookup " ID "\nwho email adopt a@b.co key a@b.co\n"
	  "who phone replace +370612345 key 370612345\n" },
	{ METHOD_PATCH, "/api/contacts?x=1&email=a%40b.co", "{\"phone\":\"370612345\"}",
	  "who email lookup a@b.co key a@b.co\n"
	  "who phone replace,exclusive +370612345 key 370612345\n" },
};

static void test_accepted(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(accepted); i++) {
		struct trial t;
		run(&t, accepted[i].method, accepted[i].target, accepted[i].body);
		if (t.why)
			fail_msg("refused (%d): %s", t.why, accepted[i].body);
		assert_int_equal(t.call.ops->kind, OP_CONTACT);
		assert_true(t.call.ops->wants_view);
		struct str text = trial_op_text(&t);
		if (!str_eq(text, str_of(accepted[i].op)))
			fail_msg("%s became " STR_FMT, accepted[i].body, STR_ARG(text));
		trial_answer(&t);
		assert_int_equal(t.status, 200);
		trial_end(&t);
	}
}

static void test_what_the_committer_refuses(void **state)
{
	static const struct {
		enum method method;
		const char *target;
		enum problem_code code;
		int status;
	} cases[] = {
		{ METHOD_PATCH, "/v5/contacts/" ID, PROBLEM_UNKNOWN_CONTACT, 404 },
		{ METHOD_PATCH, "/api/contacts/" ID, PROBLEM_TAKEN, 409 },
		{ METHOD_PATCH, "/api/contacts/" ID, PROBLEM_CONTACT_FULL, 400 },
		{ METHOD_POST, "/v5/contacts", PROBLEM_CONTACT_FULL, 400 },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct trial t;
		run(&t, cases[i].method, cases[i].target, "{\"email\":\"a@b.co\"}");
		assert_int_equal(t.why, REFUSE_NOTHING);
		trial_answer_refused(&t, cases[i].code);
		assert_int_equal(t.status, cases[i].status);
		trial_end(&t);
	}
}

/* Names that nobody can have make no operation; the others are one each. */
static void test_tags(void **state)
{
	static const struct {
		enum method method;
		enum attribute_verb verb;
	} cases[] = { { METHOD_POST, ATTRIBUTE_UNION }, { METHOD_DELETE, ATTRIBUTE_WITHOUT } };
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct trial t;
		run(&t, cases[i].method, "/v5/contacts/tags",
		    "{\"tags\":[\"a\",\"b\"],\"contactIDs\":[\"" ID "\",\"x\"],"
		    "\"emails\":[\"a@b.co\",\"\"],\"phones\":[\"370612345\",\"no\"]}");
		assert_int_equal(t.why, REFUSE_NOTHING);
		assert_int_equal(t.call.n_ops, 3);
		assert_true(t.call.divisible);
		for (unsigned k = 0; k < t.call.n_ops; k++) {
			const struct op *op = &t.call.ops[k];
			assert_int_equal(op->kind, OP_CONTACT);
			assert_int_equal(op->n_who, 1);
			assert_int_equal(op->who->use, WHO_LOOKUP);
			assert_int_equal(op->n_changes, 1);
			assert_int_equal(op->changes->verb, cases[i].verb);
			assert_true(str_eq(op->changes->json, STR("[\"a\",\"b\"]")));
		}
		trial_answer_refused(&t, PROBLEM_UNKNOWN_CONTACT);
		assert_int_equal(t.status, 202);
		trial_end(&t);
	}
}

/* However little there is: nobody is left untagged by a call that is taken. */
static void test_little_memory(void **state)
{
	enum { TAGGED = 40, STEP = 64, MOST = 96 * 1024 };
	unsigned taken = 0, refused = 0;
	char body[TAGGED * 32 + 64] = "{\"tags\":[\"a\"],\"emails\":[";
	struct buf b = buf_over(body, sizeof(body));
	b.n = strlen(body);
	(void)state;
	for (unsigned i = 0; i < TAGGED; i++)
		buf_printf(&b, "%s\"SOMEBODY%u@b.co\"", i ? "," : "", i);
	buf_lit(&b, "]}");
	buf_char(&b, '\0');
	assert_false(b.failed);
	for (size_t memory = 0; memory <= MOST; memory += STEP) {
		struct trial t;
		run_in(&t, METHOD_POST, "/v5/contacts/tags", body, memory);
		if (t.why == REFUSE_NOTHING)
			assert_int_equal(t.call.n_ops, TAGGED);
		taken += t.why == REFUSE_NOTHING;
		refused += t.why != REFUSE_NOTHING;
		trial_end(&t);
	}
	assert_true(taken > 0 && refused > 0);
}

static void test_pages(void **state)
{
	static const struct {
		const char *target;
		unsigned limit;
		bool before, after; /* of the query */
	} cases[] = {
		{ "/v5/contacts", 100, false, false },
		{ "/api/contacts?limit=250&after=" CURSOR, 250, true, false },
		{ "/api/contacts?before=" CURSOR "&limit=1", 1, false, true },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct trial t;
		run(&t, METHOD_GET, cases[i].target, "");
		assert_int_equal(t.why, REFUSE_NOTHING);
		assert_int_equal(t.call.query->kind, QUERY_CONTACTS);
		assert_int_equal(t.call.query->limit, cases[i].limit);
		assert_int_equal(t.call.query->before != 0, cases[i].before);
		assert_int_equal(t.call.query->after != 0, cases[i].after);
		trial_answer(&t);
		assert_int_equal(t.status, 200);
		trial_end(&t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepted), cmocka_unit_test(test_what_the_committer_refuses),
		cmocka_unit_test(test_tags),     cmocka_unit_test(test_little_memory),
		cmocka_unit_test(test_pages),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
