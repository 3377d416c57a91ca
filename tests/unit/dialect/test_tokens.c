/* Fetching tokens from Infobip and Omnisend, up to the committer and back. */
#include <stdarg.h>
#include <stddef.h>

#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "fuzz/dialect_fuzz.h"

#define SESSION         "/auth/1/session"
#define FORM            HEADER("Content-Type", "application/x-www-form-urlencoded")
#define GRANT           "grant_type=client_credentials"
#define CLIENT          "&client_id=trial%2Bclient&client_secret=" TRIAL_CLIENT_SECRET
#define UNAUTHORIZED    "UNAUTHORIZED"
#define INVALID_REQUEST "\"error\":\"invalid_request\""

static void assert_holds(struct str body, const char *text)
{
	if (!memmem(body.p, body.n, text, strlen(text)))
		fail_msg("no %s in " STR_FMT, text, STR_ARG(body));
}

static void assert_str(struct str s, const char *expected)
{
	if (!str_eq(s, str_of(expected)))
		fail_msg("%s expected, got " STR_FMT, expected, STR_ARG(s));
}

/* The token between these; the operation has its digest and nothing else of it. */
static void assert_token(const struct trial *t, const char *before, const char *after)
{
	const struct op *op = t->call.ops;
	struct str rest = t->body;
	assert_true(str_starts(rest, str_of(before)));
	rest = str_from(rest, strlen(before));
	struct str token = str_head(rest, 43);
	assert_str(str_from(rest, token.n), after);
	struct sha256 digest = sha256_of(token);
	assert_int_equal(op->kind, OP_TOKEN_ISSUE);
	assert_true(sha256_eq(&op->token->digest, &digest));
	assert_int_equal(op->token->kind, TOKEN_ACCESS);
	assert_str(trial_header(t, "Cache-Control"), "no-store");
}

/* --- Infobip's sessions --- */

static const struct {
	const char *body;
	int status;
	const char *holds;
} sessions[] = {
	{ "{\"username\":\"trial\",\"password\":\"" TRIAL_KEY "\"}", 200, "{\"token\":\"" },
	{ "{\"username\":\"trial\",\"password\":\"" TRIAL_KEY "\",\"unsafe\":true}", 200, "" },
	{ "{\"username\":\"trial\",\"password\":\"wrong\"}", 401, UNAUTHORIZED },
	{ "{\"username\":\"other\",\"password\":\"" TRIAL_KEY "\"}", 401, UNAUTHORIZED },
	{ "{\"username\":\"" TRIAL_CLIENT "\",\"password\":\"" TRIAL_CLIENT_SECRET "\"}", 401,
	  UNAUTHORIZED },
	{ "{\"username\":\"trial\"}", 400, "\"password\"" },
	{ "{\"username\":\"\",\"password\":7}", 400, "\"username\"" },
	{ "{", 400, "BAD_REQUEST" },
	{ "[]", 400, "BAD_REQUEST" },
	{ "", 400, "BAD_REQUEST" },
};

static void test_sessions(void **state)
{
	const struct trial_request from = { METHOD_POST, SESSION, { { { 0 }, { 0 } } } };
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sessions); i++) {
		struct trial t;
		trial_run(&t, &infobip, &from, str_of(sessions[i].body), TRIAL_MEMORY);
		trial_answer(&t);
		assert_int_equal(t.status, sessions[i].status);
		assert_holds(t.body, sessions[i].holds);
		if (t.status == 200) {
			assert_token(&t, "{\"token\":\"", "\"}");
			assert_int_equal(t.call.ops->token_lives_s, 3600);
			assert_int_equal(t.call.ops->token->scopes, t.call.key->scopes);
		}
		trial_end(&t);
	}
}

/* The committer may find that it has ended meanwhile. */
static void test_session_end(void **state)
{
	const struct trial_request good = { METHOD_DELETE,
					    SESSION,
					    { HEADER("Authorization", "IBSSO " TRIAL_TOKEN) } };
	const struct trial_request other = { METHOD_DELETE,
					     SESSION,
					     { HEADER("Authorization", "App " TRIAL_KEY) } };
	struct sha256 digest = sha256_of(STR(TRIAL_TOKEN));
	struct trial t;
	(void)state;
	trial_run(&t, &infobip, &good, STR(""), TRIAL_MEMORY);
	assert_int_equal(t.why, REFUSE_NOTHING);
	assert_int_equal(t.call.ops->kind, OP_TOKEN_REVOKE);
	assert_true(sha256_eq(&t.call.ops->token->digest, &digest));
	assert_true(sha256_eq(&t.call.ops->token->issuer, &t.call.key->digest));
	t.call.ops->outcome = OP_DONE;
	t.call.ops->changed = false;
	t.call.endpoint->answer(&t.call);
	assert_int_equal(t.status, 401);
	trial_end(&t);

	trial_run(&t, &infobip, &good, STR(""), TRIAL_MEMORY);
	t.call.ops->outcome = OP_DONE;
	t.call.ops->changed = true;
	t.call.endpoint->answer(&t.call);
	assert_int_equal(t.status, 200);
	trial_end(&t);

	trial_run(&t, &infobip, &other, STR(""), TRIAL_MEMORY);
	assert_int_equal(t.why, REFUSE_CREDENTIALS);
	trial_end(&t);
}

/* --- OAuth --- */

static const struct {
	const char *body;
	int status;
	const char *holds;
} grants[] = {
	{ GRANT CLIENT, 200, "" },
	{ GRANT CLIENT "&scope=&resource=x", 200, "" },
	{ GRANT CLIENT "&scope=contacts.read%20events.write", 200, "" },
	{ GRANT CLIENT "&scope=contacts.write", 400, "\"error\":\"invalid_scope\"" },
	{ GRANT CLIENT "&scope=nonsense", 400, "\"error\":\"invalid_scope\"" },
	{ CLIENT, 400, INVALID_REQUEST },
	{ "grant_type=" CLIENT, 400, INVALID_REQUEST },
	{ "grant_type=password" CLIENT, 400, "\"error\":\"unsupported_grant_type\"" },
	{ GRANT "&" GRANT CLIENT, 400, INVALID_REQUEST },
	{ GRANT CLIENT "&scope=%zz", 400, INVALID_REQUEST },
	{ GRANT, 401, "\"error\":\"invalid_client\"" },
	{ "", 401, "\"error\":\"invalid_client\"" },
	{ GRANT "&client_id=trial%2Bclient", 401, "\"error\":\"invalid_client\"" },
	{ GRANT "&client_id=trial%2Bclient&client_secret=", 401, "\"error\":\"invalid_client\"" },
	{ GRANT "&client_id=trial%2Bclient&client_secret=wrong", 401,
	  "\"error\":\"invalid_client\"" },
	{ GRANT "&client_id=trial+client&client_secret=" TRIAL_CLIENT_SECRET, 401,
	  "\"error\":\"invalid_client\"" },
	/* A key is no client. */
	{ GRANT "&client_id=trial&client_secret=" TRIAL_KEY, 401, "\"error\":\"invalid_client\"" },
};

struct vendor {
	const struct dialect *dialect;
	const char *target;
	int64_t lives_s;
	const char *after;
};

static const struct vendor vendors[] = {
	{ &infobip, "/auth/1/oauth2/token", 3600,
	  "\",\"expires_in\":3600,\"token_type\":\"Bearer\"}" },
	{ &omnisend, "/oauth2/token", 7200,
	  "\",\"expires_in\":7200,\"token_type\":\"Bearer\","
	  "\"scope\":\"events.write contacts.read\"}" },
};

static void check_grant(const struct vendor *v, const char *body, int status, const char *holds)
{
	const struct trial_request from = { METHOD_POST, v->target, { FORM } };
	struct trial t;
	trial_run(&t, v->dialect, &from, str_of(body), TRIAL_MEMORY);
	trial_answer(&t);
	if (t.status != status)
		fail_msg("%s: %d", body, t.status);
	assert_holds(t.body, holds);
	assert_str(trial_header(&t, "Cache-Control"), "no-store");
	assert_int_equal(trial_header(&t, "WWW-Authenticate").p != NULL, status == 401);
	if (status == 200) {
		assert_token(&t, "{\"access_token\":\"", v->after);
		assert_int_equal(t.call.ops->token_lives_s, v->lives_s);
	}
	trial_end(&t);
}

static void test_grants(void **state)
{
	(void)state;
	for (size_t v = 0; v < ARRAY_LEN(vendors); v++)
		for (size_t i = 0; i < ARRAY_LEN(grants); i++)
			check_grant(&vendors[v], grants[i].body, grants[i].status, grants[i].holds);
}

/* trial+client:s3cret; the first with the plus as %2B. */
static const struct {
	struct header type, authorization;
	const char *body;
	int status;
} heads[] = {
	{ FORM, HEADER("Authorization", "Basic dHJpYWwlMkJjbGllbnQ6czNjcmV0"), GRANT, 200 },
	{ FORM, HEADER("Authorization", "Basic dHJpYWwrY2xpZW50OnMzY3JldA=="), GRANT, 200 },
	{ FORM, HEADER("Authorization", "Basic dHJpYWwrY2xpZW50OnMzY3JldA=="),
	  GRANT "&client_secret=s3cret", 400 },
	{ FORM, HEADER("Authorization", "Basic dHJpYWwrY2xpZW50Ondyb25n"), GRANT, 401 },
	{ FORM, HEADER("Authorization", "Basic !"), GRANT, 401 },
	{ HEADER("Content-Type", "Application/X-WWW-Form-Urlencoded; charset=utf-8"),
	  HEADER("Accept", "*/*"), GRANT CLIENT, 200 },
	{ HEADER("Content-Type", "application/json"), HEADER("Accept", "*/*"), GRANT CLIENT, 400 },
};

static void test_heads(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
		const struct trial_request from = { METHOD_POST,
						    "/oauth2/token",
						    { heads[i].type, heads[i].authorization } };
		struct trial t;
		trial_run(&t, &omnisend, &from, str_of(heads[i].body), TRIAL_MEMORY);
		trial_answer(&t);
		if (t.status != heads[i].status)
			fail_msg("%zu: %d", i, t.status);
		trial_end(&t);
	}
}

static void test_too_many(void **state)
{
	const struct trial_request from = { METHOD_POST, "/oauth2/token", { FORM } };
	struct trial t;
	(void)state;
	trial_run(&t, &omnisend, &from, STR(GRANT CLIENT), TRIAL_MEMORY);
	t.call.ops->outcome = OP_REFUSED;
	t.call.endpoint->answer(&t.call);
	assert_int_equal(t.status, 503);
	assert_holds(t.body, "temporarily_unavailable");
	trial_end(&t);
}

static void test_revoke(void **state)
{
	const struct trial_request from = { METHOD_POST, "/oauth2/revoke", { FORM } };
	struct sha256 digest = sha256_of(STR("abc"));
	struct trial t;
	(void)state;
	trial_run(&t, &omnisend, &from, STR("token=abc" CLIENT), TRIAL_MEMORY);
	assert_int_equal(t.why, REFUSE_NOTHING);
	assert_int_equal(t.call.ops->kind, OP_TOKEN_REVOKE);
	assert_true(sha256_eq(&t.call.ops->token->digest, &digest));
	trial_answer(&t);
	assert_int_equal(t.status, 200);
	assert_int_equal(t.body.n, 0);
	trial_end(&t);

	trial_run(&t, &omnisend, &from, STR("token=" CLIENT), TRIAL_MEMORY);
	trial_answer(&t);
	assert_int_equal(t.status, 400);
	trial_end(&t);
	trial_run(&t, &omnisend, &from, STR("token=abc"), TRIAL_MEMORY);
	trial_answer(&t);
	assert_int_equal(t.status, 401);
	trial_end(&t);
}

/* However little memory there is: an answer, and one. */
static void test_little_memory(void **state)
{
	(void)state;
	for (size_t v = 0; v < ARRAY_LEN(vendors); v++)
		for (size_t memory = 0; memory < 6000; memory += 16) {
			const struct trial_request from = { METHOD_POST,
							    vendors[v].target,
							    { FORM } };
			struct trial t;
			trial_run(&t, vendors[v].dialect, &from, STR(GRANT CLIENT), memory);
			trial_answer(&t);
			assert_int_equal(t.answers, 1);
			trial_end(&t);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sessions),      cmocka_unit_test(test_session_end),
		cmocka_unit_test(test_grants),        cmocka_unit_test(test_heads),
		cmocka_unit_test(test_too_many),      cmocka_unit_test(test_revoke),
		cmocka_unit_test(test_little_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
