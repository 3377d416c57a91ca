/* A person's consent and what a client gets for it, up to the committer and back. */
#include <stdarg.h>
#include <stddef.h>

#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "fuzz/dialect_fuzz.h"

#define FORM     HEADER("Content-Type", "application/x-www-form-urlencoded")
#define PAGE     "/oauth2/authorize?"
#define NAMED    PAGE "client_id=trial%2Bclient&response_type=code"
#define HERE     "&redirect_uri=https%3A%2F%2Fapp.example%2Fback"
#define S256     "&code_challenge_method=S256&code_challenge="
#define VERIFIER "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
#define DIGEST   "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM" /* RFC 7636 appendix B */
#define ALLOW    "decision=allow&key=" TRIAL_KEY
#define BACK     TRIAL_REDIRECT "?"
#define CLIENT   "&client_id=trial%2Bclient&client_secret=" TRIAL_CLIENT_SECRET
#define BY_CODE  "grant_type=authorization_code" CLIENT
#define BY_TOKEN "grant_type=refresh_token" CLIENT

static void assert_holds(struct str text, const char *part)
{
	if (!memmem(text.p, text.n, part, strlen(part)))
		fail_msg("no %s in " STR_FMT, part, STR_ARG(text));
}

static void run(struct trial *t, enum method method, const char *target, const char *body)
{
	const struct trial_request from = { method, target, { FORM } };
	trial_run(t, &omnisend, &from, str_of(body), TRIAL_MEMORY);
}

/* --- The page --- */

static const struct {
	const char *target;
	int status;
	const char *holds; /* the page, or where the browser is sent */
} visits[] = {
	{ NAMED, 200, "report events" },
	{ NAMED HERE "&state=x&other=y", 200, "<b>https://app.example</b>" },
	{ NAMED "&scope=contacts.read", 200, "read contacts" },
	{ NAMED S256 DIGEST, 200, "<form method=\"post\">" },
	{ PAGE, 400, "not known" },
	{ "/oauth2/authorize", 400, "not known" },
	{ PAGE "client_id=", 400, "not known" },
	{ PAGE "client_id=trial", 400, "not known" },
	{ NAMED "&client_id=trial%2Bclient", 400, "malformed" },
	{ NAMED "&state=%", 400, "malformed" },
	{ NAMED HERE "%2F", 400, "not registered" },
	{ NAMED "&redirect_uri=", 400, "not registered" },
	{ PAGE "client_id=trial%2Bclient", 303, BACK "error=invalid_request&" },
	{ PAGE "client_id=trial%2Bclient&response_type=token&state=%20%C3%A9%00", 303,
	  "response_type%20must%20be%20code&state=%20%C3%A9%00" },
	{ NAMED "&scope=admin&state=", 303, "&state=\n" },
	{ NAMED S256 DIGEST "x", 303, "code_challenge%20must" },
	{ NAMED S256, 303, "code_challenge%20must" },
	{ NAMED "&code_challenge=" DIGEST, 303, "must%20be%20S256" },
	{ NAMED "&code_challenge_method=plain&code_challenge=" DIGEST, 303, "must%20be%20S256" },
};

static void test_visits(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(visits); i++) {
		struct trial t;
		run(&t, METHOD_GET, visits[i].target, "");
		trial_answer(&t);
		if (t.status != visits[i].status)
			fail_msg("%s: %d", visits[i].target, t.status);
		assert_int_equal(t.call.n_ops, 0);
		assert_holds(t.status == 303 ? buf_str(&t.headers) : t.body, visits[i].holds);
		assert_int_equal(trial_header(&t, "Location").p != NULL, t.status == 303);
		trial_end(&t);
	}
}

static const struct {
	const char *body;
	int status;
	const char *holds;
} decisions[] = {
	{ ALLOW, 303, BACK "code=" },
	{ "decision=deny", 303, BACK "error=access_denied&" },
	{ "decision=deny&key=" TRIAL_KEY, 303, BACK "error=access_denied&" },
	{ "decision=allow", 403, "Enter a key" },
	{ "decision=allow&key=wrong", 403, "no key of this workspace" },
	{ "decision=allow&key=" TRIAL_TOKEN, 403, "no key of this workspace" },
	{ "decision=allow&key=" TRIAL_KEY_READS, 403, "may not do all of that" },
	{ "decision=allow&key=" TRIAL_CLIENT_SECRET, 403, "no key of this workspace" },
	{ "key=" TRIAL_KEY, 400, "did not arrive whole" },
	{ "decision=ALLOW&key=" TRIAL_KEY, 400, "did not arrive whole" },
	{ ALLOW "&decision=deny", 400, "malformed" },
	{ "", 400, "did not arrive whole" },
};

static void test_decisions(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(decisions); i++) {
		struct trial t;
		run(&t, METHOD_POST, NAMED, decisions[i].body);
		trial_answer(&t);
		if (t.status != decisions[i].status)
			fail_msg("%s: %d", decisions[i].body, t.status);
		assert_holds(t.status == 303 ? buf_str(&t.headers) : t.body, decisions[i].holds);
		trial_end(&t);
	}
}

static void test_too_many(void **state)
{
	struct trial t;
	(void)state;
	run(&t, METHOD_POST, NAMED "&state=s", ALLOW);
	t.call.ops->outcome = OP_REFUSED;
	t.call.endpoint->answer(&t.call);
	assert_int_equal(t.status, 303);
	assert_holds(trial_header(&t, "Location"), "error=temporarily_unavailable&");
	trial_end(&t);
	run(&t, METHOD_POST, NAMED, ALLOW);
	trial_answer_trouble(&t, REFUSE_UNAVAILABLE);
	assert_int_equal(t.status, 500);
	assert_null(trial_header(&t, "Location").p);
	trial_end(&t);
}

/* --- The code and what is given for it --- */

/* The code that comes of a visit; *made: its token. */
static void take_code(const char *target, char code[87], struct token *made)
{
	struct trial t;
	run(&t, METHOD_POST, target, ALLOW);
	trial_answer(&t);
	struct str to = trial_header(&t, "Location");
	assert_true(str_starts(to, STR(BACK "code=")));
	memcpy(code, to.p + strlen(BACK "code="), 86);
	code[86] = '\0';
	*made = *t.call.ops->token;
	assert_int_equal(t.call.ops->kind, OP_TOKEN_ISSUE);
	assert_int_equal(t.call.ops->token_lives_s, 300);
	assert_int_equal(made->kind, TOKEN_CODE);
	assert_int_equal(made->scopes, SCOPE_EVENTS_WRITE | SCOPE_CONTACTS_READ);
	trial_end(&t);
}

/* Whether the operation for these fields, with the code behind them, gives that very token. */
static bool spends(const char *fields, const char *code, const struct token *made)
{
	char body[1024];
	struct trial t;
	snprintf(body, sizeof(body), "%s%s&code=%s", BY_CODE, fields, code);
	run(&t, METHOD_POST, "/oauth2/token", body);
	assert_int_equal(t.why, REFUSE_NOTHING);
	const struct op *op = t.call.ops;
	assert_int_equal(op->spends->kind, TOKEN_CODE);
	assert_true(sha256_eq(&op->spends->issuer, &made->issuer));
	assert_true(sha256_eq(&op->token->family, &op->spends->family));
	assert_true(sha256_eq(&op->refresh->family, &op->spends->family));
	bool same = sha256_eq(&op->spends->digest, &made->digest);
	assert_true(!same || sha256_eq(&op->spends->family, &made->family));
	trial_end(&t);
	return same;
}

static void test_codes(void **state)
{
	char code[87], other[87];
	struct token made, second;
	(void)state;
	take_code(NAMED, code, &made);
	take_code(NAMED, other, &second);
	assert_false(sha256_eq(&made.family, &second.family));
	assert_true(spends("", code, &made));
	assert_true(spends("&redirect_uri=", code, &made));
	assert_false(spends("", other, &made));
	assert_false(spends(HERE, code, &made));
	assert_false(spends("&code_verifier=" VERIFIER, code, &made));
	take_code(NAMED HERE, code, &made);
	assert_true(spends(HERE, code, &made));
	assert_false(spends("", code, &made));
	assert_false(spends(HERE "%2F", code, &made));
	take_code(NAMED HERE S256 DIGEST, code, &made);
	assert_true(spends(HERE "&code_verifier=" VERIFIER, code, &made));
	assert_false(spends(HERE, code, &made));
	assert_false(spends(HERE "&code_verifier=" VERIFIER "x", code, &made));
	assert_false(spends(HERE "&code_verifier=" DIGEST, code, &made));
}

static const struct {
	const char *body;
	int status;
	const char *holds;
} grants[] = {
	{ BY_CODE "&code=x", 200, "\"expires_in\":9223372036,\"token_type\":\"Bearer\"," },
	{ BY_TOKEN "&refresh_token=x", 200, "\"refresh_token\":\"" },
	{ BY_TOKEN "&refresh_token=x&scope=", 200, "" },
	{ BY_TOKEN "&refresh_token=x&scope=events.write", 200, "\"scope\":\"events.write\"}" },
	{ BY_TOKEN "&refresh_token=x&scope=admin", 400, "invalid_scope" },
	{ BY_TOKEN "&refresh_token=x&scope=x", 400, "invalid_scope" },
	{ BY_TOKEN "&refresh_token=", 400, "refresh_token is missing" },
	{ BY_TOKEN "&refresh_token=%ff", 400, "\"invalid_grant\"" }, /* none by its looks */
	{ BY_TOKEN "&refresh_token=%22", 400, "\"invalid_grant\"" },
	{ BY_CODE "&code=%22", 400, "\"invalid_grant\"" },
	{ BY_TOKEN "&refresh_token=x&refresh_token=x", 400, "repeats a parameter" },
	{ BY_CODE, 400, "code is missing" },
	{ BY_CODE "&code=x&code_verifier=", 400, "43 to 128" },
	{ BY_CODE "&code=x&code_verifier=" VERIFIER "%21", 400, "43 to 128" },
	{ BY_CODE "&code=x&code_verifier=" VERIFIER VERIFIER VERIFIER, 400, "43 to 128" },
	{ "grant_type=implicit" CLIENT, 400, "client_credentials, authorization_code or" },
};

static void test_grants(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(grants); i++) {
		struct trial t;
		run(&t, METHOD_POST, "/oauth2/token", grants[i].body);
		trial_answer(&t);
		if (t.status != grants[i].status)
			fail_msg("%s: %d", grants[i].body, t.status);
		assert_holds(t.body, grants[i].holds);
		trial_end(&t);
	}
}

static void test_what_the_committer_finds(void **state)
{
	struct problems ps = { 0 };
	struct trial t;
	(void)state;
	problem_at(&ps, PROBLEM_VALUE, STR(""));
	for (unsigned i = 0; i < 3; i++) {
		static const char *const said[] = { "invalid_grant", "invalid_scope",
						    "temporarily_unavailable" };
		run(&t, METHOD_POST, "/oauth2/token", BY_TOKEN "&refresh_token=x");
		t.call.ops->outcome = i == 0 ? OP_DONE : OP_REFUSED;
		t.call.ops->problems = i == 1 ? &ps : NULL;
		t.call.endpoint->answer(&t.call);
		assert_int_equal(t.status, i == 2 ? 503 : 400);
		assert_holds(t.body, said[i]);
		trial_end(&t);
	}
}

/* Infobip knows no consent. */
static void test_elsewhere(void **state)
{
	const struct trial_request from = { METHOD_POST, "/auth/1/oauth2/token", { FORM } };
	static const char *const bodies[] = { BY_CODE "&code=x", BY_TOKEN "&refresh_token=x" };
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		struct trial t;
		trial_run(&t, &infobip, &from, str_of(bodies[i]), TRIAL_MEMORY);
		trial_answer(&t);
		assert_int_equal(t.status, 400);
		assert_holds(t.body, "unsupported_grant_type");
		trial_end(&t);
	}
}

/* However little memory there is: an answer, and one. */
static void test_little_memory(void **state)
{
	static const struct {
		enum method method;
		const char *target, *body;
	} all[] = {
		{ METHOD_GET, NAMED HERE, "" },
		{ METHOD_GET, NAMED "&scope=admin&state=%20", "" },
		{ METHOD_POST, NAMED HERE "&state=%20", ALLOW },
		{ METHOD_POST, NAMED HERE, "decision=allow&key=wrong" },
		{ METHOD_POST, "/oauth2/token", BY_CODE "&code=x&code_verifier=" VERIFIER },
		{ METHOD_POST, "/oauth2/token", BY_TOKEN "&refresh_token=x" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		for (size_t memory = 0; memory < 12000; memory += 48) {
			const struct trial_request from = { all[i].method,
							    all[i].target,
							    { FORM } };
			struct trial t;
			trial_run(&t, &omnisend, &from, str_of(all[i].body), memory);
			trial_answer(&t);
			assert_int_equal(t.answers, 1);
			trial_end(&t);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_visits),    cmocka_unit_test(test_decisions),
		cmocka_unit_test(test_too_many),  cmocka_unit_test(test_codes),
		cmocka_unit_test(test_grants),    cmocka_unit_test(test_what_the_committer_finds),
		cmocka_unit_test(test_elsewhere), cmocka_unit_test(test_little_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
