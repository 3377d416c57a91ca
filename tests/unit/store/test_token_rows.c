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

/* --- OAuth clients in the catalog --- */

static const struct key *client(struct catalog **c, const char *name, const char *secret)
{
	struct sha256 digest = digest_of(secret);
	catalog_refresh(store_catalog(f.store), c);
	return catalog_client(*c, str_of(name), &digest);
}

static void provision_clients(const char *secret, bool revoked)
{
	const struct provision_key clients[] = {
		{ .digest = digest_of(secret), .name = STR("app"), .revoked = revoked },
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
	assert_done(store_provision(f.store, &(struct provision){ &w, 1 }));
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_issue, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_not_before_the_commit, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_revoke, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_issue_and_revoke_in_one_batch, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_purge, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_clients, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_another_secret, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
