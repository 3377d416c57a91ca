/* Tokens on disk and in memory: there after the commit and not before, after a restart too; gone
 * when revoked or expired; and whom they were made for. */
#include "fixture.h"

static struct fixture f;

static int set_up(void **state)
{
	(void)state;
	fixture_begin(&f);
	fixture_provision(&f);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	fixture_end(&f);
	return 0;
}

static struct sha256 digest_of(const char *text)
{
	return sha256_of(str_of(text));
}

static struct op issue_op(const char *secret, int64_t lives_s)
{
	struct token *t = arena_new(&f.arena, struct token);
	assert_non_null(t);
	*t = (struct token){ .digest = digest_of(secret),
			     .issuer = digest_of("one"),
			     .kind = TOKEN_ACCESS,
			     .scopes = SCOPE_EVENTS_WRITE | SCOPE_CONTACTS_READ };
	return (struct op){ .arena = &f.arena,
			    .kind = OP_TOKEN_ISSUE,
			    .workspace = 1,
			    .token = t,
			    .token_lives_s = lives_s };
}

static void issue(const char *secret, int64_t lives_s)
{
	struct op op = issue_op(secret, lives_s);
	assert_int_equal(fixture_apply(&f, &op), STORE_OK);
}

static bool revoke_token(const char *secret, const char *issuer, uint32_t workspace)
{
	const struct token t = { .digest = digest_of(secret), .issuer = digest_of(issuer) };
	struct op op = {
		.arena = &f.arena, .kind = OP_TOKEN_REVOKE, .workspace = workspace, .token = &t
	};
	assert_int_equal(fixture_apply(&f, &op), STORE_OK);
	return op.changed;
}

static bool is_there(const char *secret, struct token *out)
{
	struct sha256 digest = digest_of(secret);
	return tokens_find(store_tokens(f.store), &digest, out);
}

static void assert_there(const char *secret, bool yes)
{
	struct token t;
	assert_int_equal(is_there(secret, &t), yes);
}

static void empty_batch(void)
{
	assert_done(store_begin(f.store));
	assert_done(store_commit(f.store));
}

static void test_issue(void **state)
{
	struct token t, again;
	(void)state;
	issue("t1", 60);
	assert_true(is_there("t1", &t));
	assert_int_equal(t.workspace, 1);
	assert_int_equal(t.kind, TOKEN_ACCESS);
	assert_int_equal(t.scopes, SCOPE_EVENTS_WRITE | SCOPE_CONTACTS_READ);
	assert_int_equal(t.created_at, clock_us);
	assert_int_equal(t.expires_at, clock_us + 60 * US_PER_S);
	fixture_reopen(&f);
	assert_true(is_there("t1", &again));
	assert_memory_equal(&t, &again, sizeof(t));
	assert_there("t2", false);
}

static void test_not_before_the_commit(void **state)
{
	struct op op = issue_op("t1", 60);
	(void)state;
	assert_done(store_begin(f.store));
	assert_int_equal(store_apply(f.store, &op), STORE_OK);
	assert_there("t1", false);
	store_abandon(f.store);
	empty_batch();
	assert_there("t1", false);
	assert_done(store_recover(f.store));
	assert_there("t1", false);
}

static void test_revoke(void **state)
{
	(void)state;
	issue("t1", 60);
	issue("t2", 60);
	assert_false(revoke_token("t3", "one", 1));
	assert_false(revoke_token("t1", "two", 1)); /* another's */
	assert_false(revoke_token("t1", "one", 2));
	assert_there("t1", true);
	assert_true(revoke_token("t1", "one", 1));
	assert_there("t1", false);
	assert_there("t2", true);
	assert_done(store_recover(f.store));
	assert_there("t1", false);
	assert_there("t2", true);
	fixture_reopen(&f);
	assert_there("t1", false);
	assert_there("t2", true);
}

static void test_issue_and_revoke_in_one_batch(void **state)
{
	struct op made = issue_op("t1", 60);
	struct op gone = {
		.arena = &f.arena, .kind = OP_TOKEN_REVOKE, .workspace = 1, .token = made.token
	};
	(void)state;
	assert_done(store_begin(f.store));
	assert_int_equal(store_apply(f.store, &made), STORE_OK);
	assert_int_equal(store_apply(f.store, &gone), STORE_OK);
	assert_done(store_commit(f.store));
	assert_there("t1", false);
}

/* A few with each batch, and more than one batch adds. */
static void test_purge(void **state)
{
	enum { OLD = 40 };
	unsigned before;
	(void)state;
	for (unsigned i = 0; i < OLD; i++) {
		struct str name = arena_printf(&f.arena, "old %u", i);
		issue(name.p, 10);
	}
	issue("young", 1000);
	clock_us += 9 * US_PER_S;
	empty_batch();
	assert_int_equal(tokens_count(store_tokens(f.store)), OLD + 1);
	fixture_reopen(&f);
	clock_us += US_PER_S;
	do {
		before = tokens_count(store_tokens(f.store));
		empty_batch();
	} while (tokens_count(store_tokens(f.store)) < before);
	assert_int_equal(before, 1);
	assert_there("young", true);
	fixture_reopen(&f);
	assert_int_equal(tokens_count(store_tokens(f.store)), 1);
}

/* --- What comes of a consent --- */

static struct token *like(const char *secret, enum token_kind kind, unsigned scopes)
{
	struct token *t = arena_new(&f.arena, struct token);
	assert_non_null(t);
	*t = (struct token){ .digest = digest_of(secret),
			     .issuer = digest_of("one"),
			     .family = digest_of("family"),
			     .kind = kind,
			     .scopes = scopes };
	return t;
}

static void issue_code(const char *secret, int64_t lives_s)
{
	struct op op = issue_op(secret, lives_s);
	op.token = like(secret, TOKEN_CODE, SCOPE_EVENTS_WRITE | SCOPE_CONTACTS_READ);
	assert_int_equal(fixture_apply(&f, &op), STORE_OK);
	assert_true(op.created);
}

/* For a code or a refresh token: the access token "access <n>" and the refresh token "refresh <n>". */
static struct op exchange_op(const char *spent, enum token_kind kind, unsigned n, unsigned scopes)
{
	struct op op = issue_op("", 1000);
	op.token = like(arena_printf(&f.arena, "access %u", n).p, TOKEN_ACCESS, scopes);
	op.refresh = like(arena_printf(&f.arena, "refresh %u", n).p, TOKEN_REFRESH, 0);
	op.spends = like(spent, kind, 0);
	return op;
}

static bool exchange(const char *spent, enum token_kind kind, unsigned n)
{
	struct op op = exchange_op(spent, kind, n, 0);
	assert_int_equal(fixture_apply(&f, &op), STORE_OK);
	return op.created;
}

static unsigned count(void)
{
	return tokens_count(store_tokens(f.store));
}

static void test_exchange(void **state)
{
	struct token t, family = { .family = digest_of("family") };
	(void)state;
	issue("other", 1000);
	issue_code("code", 300);
	assert_true(exchange("code", TOKEN_CODE, 1));
	assert_there("code", false);
	assert_true(is_there("access 1", &t));
	assert_int_equal(t.kind, TOKEN_ACCESS);
	assert_int_equal(t.scopes, SCOPE_EVENTS_WRITE | SCOPE_CONTACTS_READ);
	assert_int_equal(t.expires_at, clock_us + 1000 * US_PER_S);
	assert_true(sha256_eq(&t.family, &family.family));
	assert_true(is_there("refresh 1", &t));
	assert_int_equal(t.kind, TOKEN_REFRESH);
	assert_true(exchange("refresh 1", TOKEN_REFRESH, 2));
	assert_there("access 1", false);
	assert_there("refresh 1", false);
	assert_there("access 2", true);
	assert_there("refresh 2", true);
	assert_int_equal(count(), 3);
	fixture_reopen(&f);
	assert_int_equal(count(), 3);
	assert_true(exchange("refresh 2", TOKEN_REFRESH, 3));
}

/* What was given once, or is not what it seems, ends all of its family and nothing else. */
static void test_given_twice(void **state)
{
	static const struct {
		const char *spent;
		enum token_kind kind;
	} bad[] = { { "code", TOKEN_CODE },
		    { "refresh 1", TOKEN_REFRESH },
		    { "never", TOKEN_CODE },
		    { "access 2", TOKEN_REFRESH },
		    { "refresh 2", TOKEN_CODE } };
	(void)state;
	issue("other", 1000);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		issue_code("code", 300);
		assert_true(exchange("code", TOKEN_CODE, 1));
		assert_true(exchange("refresh 1", TOKEN_REFRESH, 2));
		assert_int_equal(count(), 3);
		assert_false(exchange(bad[i].spent, bad[i].kind, 3));
		assert_int_equal(count(), 1);
		assert_there("other", true);
	}
	fixture_reopen(&f);
	assert_int_equal(count(), 1);
}

/* Of two in one batch the first wins, and loses it all to the second. */
static void test_exchanges_in_one_batch(void **state)
{
	(void)state;
	issue_code("code", 300);
	struct op first = exchange_op("code", TOKEN_CODE, 1, 0);
	struct op second = exchange_op("code", TOKEN_CODE, 2, 0);
	assert_done(store_begin(f.store));
	assert_int_equal(store_apply(f.store, &first), STORE_OK);
	assert_int_equal(store_apply(f.store, &second), STORE_OK);
	assert_done(store_commit(f.store));
	assert_true(first.created);
	assert_false(second.created);
	assert_int_equal(count(), 0);
}

static void test_exchange_abandoned(void **state)
{
	(void)state;
	issue_code("code", 300);
	struct op op = exchange_op("code", TOKEN_CODE, 1, 0);
	assert_done(store_begin(f.store));
	assert_int_equal(store_apply(f.store, &op), STORE_OK);
	assert_there("code", true);
	store_abandon(f.store);
	assert_done(store_recover(f.store));
	assert_int_equal(count(), 1);
	assert_true(exchange("code", TOKEN_CODE, 1));
}

static void test_code_expires(void **state)
{
	(void)state;
	issue_code("code", 300);
	clock_us += 299 * US_PER_S;
	assert_true(exchange("code", TOKEN_CODE, 1));
	issue_code("late", 300);
	clock_us += 300 * US_PER_S;
	assert_false(exchange("late", TOKEN_CODE, 2));
	assert_there("late", false);
	assert_there("access 2", false);
}

static void test_scopes_of_an_exchange(void **state)
{
	struct token t;
	(void)state;
	issue_code("code", 300);
	struct op wider = exchange_op("code", TOKEN_CODE, 1, SCOPE_CONTACTS_WRITE);
	assert_int_equal(fixture_apply(&f, &wider), STORE_REFUSED);
	assert_int_equal(wider.problems->list[0].code, PROBLEM_VALUE);
	assert_there("code", true);
	struct op narrow = exchange_op("code", TOKEN_CODE, 1, SCOPE_CONTACTS_READ);
	assert_int_equal(fixture_apply(&f, &narrow), STORE_OK);
	assert_int_equal(narrow.token_scopes, SCOPE_CONTACTS_READ);
	assert_true(is_there("access 1", &t));
	assert_int_equal(t.scopes, SCOPE_CONTACTS_READ);
	assert_true(is_there("refresh 1", &t));
	assert_int_equal(t.scopes, SCOPE_EVENTS_WRITE | SCOPE_CONTACTS_READ);
}

static void test_revoke_a_family(void **state)
{
	(void)state;
	issue("other", 1000);
	issue_code("code", 300);
	assert_true(exchange("code", TOKEN_CODE, 1));
	assert_false(revoke_token("refresh 1", "two", 1));
	assert_int_equal(count(), 3);
	assert_true(revoke_token("access 1", "one", 1));
	assert_there("refresh 1", true);
	assert_true(exchange("refresh 1", TOKEN_REFRESH, 2));
	assert_true(revoke_token("refresh 2", "one", 1));
	assert_int_equal(count(), 1);
	assert_there("other", true);
}

/* Times far away are times like others. */
static void test_forever(void **state)
{
	struct token t;
	(void)state;
	issue("t1", INT64_C(9223372036));
	assert_true(is_there("t1", &t));
	assert_true(t.expires_at > clock_us + INT64_C(9000000000) * US_PER_S);
	fixture_reopen(&f);
	empty_batch();
	assert_there("t1", true);
}

/* --- OAuth clients in the catalog --- */

static const struct key *client(struct catalog **c, const char *name, const char *secret)
{
	struct sha256 digest = digest_of(secret);
	catalog_refresh(store_catalog(f.store), c);
	return catalog_client(*c, str_of(name), &digest);
}

static const struct str redirects[] = { STR_INIT("https://b.c/d"), STR_INIT("https://a.b/\"c") };

static void provision_clients(const char *secret, bool revoked)
{
	const struct provision_key clients[] = {
		{ .digest = digest_of(secret),
		  .name = STR("app"),
		  .revoked = revoked,
		  .redirects = redirects,
		  .n_redirects = ARRAY_LEN(redirects) },
		{ .digest = digest_of("same"), .name = STR("app2"), .scopes = SCOPE_ADMIN },
		{ .digest = digest_of("same"), .name = STR("app3") },
	};
	const struct provision_key late = fixture_key("late", "late");
	const struct provision_workspace w = { .id = fixture_workspace_id(2),
					       .name = STR("zeta"),
					       .keys = &late,
					       .n_keys = 1,
					       .oauth_clients = clients,
					       .n_oauth_clients = ARRAY_LEN(clients) };
	assert_done(store_provision(f.store,
				    &(struct provision){ .workspaces = &w, .n_workspaces = 1 }));
}

static void check_clients(void)
{
	struct catalog *c = NULL;
	struct sha256 same = digest_of("same");
	const struct key *app = client(&c, "app", "s1"), *app2 = client(&c, "app2", "same"),
			 *app3 = client(&c, "app3", "same");
	assert_non_null(app);
	assert_non_null(app2);
	assert_non_null(app3);
	assert_int_equal(app2->workspace->no, 2);
	assert_int_equal(app2->scopes, SCOPE_ADMIN);
	/* Keys 1 and 2 are the fixture's, 3 is late. */
	assert_int_equal(app->no, 4);
	assert_int_equal(app2->no, 5);
	assert_int_equal(app3->no, 6);
	assert_ptr_equal(catalog_issuer(c, &app2->digest), app2);
	assert_ptr_equal(catalog_named_client(c, STR("app")), app);
	assert_int_equal(app->n_redirects, 2);
	assert_true(key_has_redirect(app, redirects[0]) && key_has_redirect(app, redirects[1]));
	assert_int_equal(app2->n_redirects, 0);
	assert_null(client(&c, "app", "same"));
	assert_null(client(&c, "app4", "same"));
	/* A client is no key, whatever is sent in place of a secret. */
	assert_null(catalog_key(c, &same));
	assert_null(catalog_key(c, &app->digest));
	assert_null(catalog_named_key(c, STR("app2"), &app2->digest));
	/* Nor is a key a client. */
	assert_null(client(&c, "late", "late"));
	catalog_unref(c);
}

static void test_clients(void **state)
{
	(void)state;
	provision_clients("s1", false);
	check_clients();
	fixture_reopen(&f);
	check_clients();
	provision_clients("s1", false);
	check_clients();
}

static void test_another_secret(void **state)
{
	struct catalog *c = NULL;
	(void)state;
	provision_clients("s1", false);
	provision_clients("s2", false);
	assert_null(client(&c, "app", "s1"));
	assert_non_null(client(&c, "app", "s2"));
	provision_clients("s2", true);
	assert_null(client(&c, "app", "s2"));
	fixture_reopen(&f);
	assert_null(client(&c, "app", "s2"));
	catalog_unref(c);
}

static void issue_for(const char *name, const char *secret)
{
	struct sha256 digest = digest_of(secret);
	struct op op = issue_op(name, 1000);
	struct token t = *op.token;
	t.issuer = catalog_client_digest(str_of(name), &digest);
	op.token = &t;
	op.workspace = 2;
	assert_int_equal(fixture_apply(&f, &op), STORE_OK);
}

/* Whose secret is replaced or revoked: nobody could use or end what was made for it. */
static void test_provisioning_ends_tokens(void **state)
{
	(void)state;
	provision_clients("s1", false);
	issue_for("app", "s1");
	issue_for("app2", "same");
	provision_clients("s1", false);
	assert_int_equal(count(), 2);
	provision_clients("s2", false);
	assert_int_equal(count(), 1);
	issue_for("app", "s2");
	provision_clients("s2", true);
	assert_int_equal(count(), 1);
	assert_there("app2", true);
	fixture_reopen(&f);
	assert_int_equal(count(), 1);
}

static void provision_key(bool revoked)
{
	struct provision_key key = fixture_key("one", "backend");
	key.revoked = revoked;
	const struct provision_workspace w = {
		.id = fixture_workspace_id(1), .name = STR("acme"), .keys = &key, .n_keys = 1
	};
	assert_done(store_provision(f.store,
				    &(struct provision){ .workspaces = &w, .n_workspaces = 1 }));
}

static void revoke_key(uint32_t no)
{
	const struct key key = { .no = no };
	struct op op = { .arena = &f.arena, .kind = OP_KEY, .workspace = 1, .key = &key };
	assert_int_equal(fixture_apply(&f, &op), STORE_OK);
}

/* The file brings a key back that was revoked, here or there, and none of its tokens. */
static void test_key_comes_back_without_tokens(void **state)
{
	(void)state;
	issue("t1", 1000);
	provision_key(false);
	assert_there("t1", true);
	revoke_key(1);
	fixture_reopen(&f);
	provision_key(false);
	assert_there("t1", false);
	issue("t2", 1000);
	provision_key(false);
	assert_there("t2", true);
	provision_key(true);
	provision_key(false);
	assert_there("t2", false);
	fixture_reopen(&f);
	assert_int_equal(count(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_issue, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_not_before_the_commit, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_revoke, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_issue_and_revoke_in_one_batch, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_purge, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_exchange, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_given_twice, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_exchanges_in_one_batch, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_exchange_abandoned, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_code_expires, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_scopes_of_an_exchange, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_revoke_a_family, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_forever, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_clients, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_another_secret, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_provisioning_ends_tokens, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_key_comes_back_without_tokens, set_up,
						tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
