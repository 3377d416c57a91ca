#include "fixture.h"

/* Keys made and revoked while the server runs. */

static struct op key_op(struct fixture *f, const struct key *key)
{
	return (struct op){ .arena = &f->arena, .kind = OP_KEY, .workspace = 1, .key = key };
}

static bool is_good(struct fixture *f, const struct key *key)
{
	CLEANUP(catalog_unref) struct catalog *c = NULL;
	catalog_refresh(store_catalog(f->store), &c);
	const struct key *found = catalog_key(c, &key->digest);
	return found && found->workspace->no == 1 && found->scopes == key->scopes &&
	       str_eq(found->name, key->name);
}

static void a_key_is_good_until_it_is_revoked(void **state)
{
	struct fixture f;
	(void)state;
	fixture_begin(&f);
	fixture_provision(&f);
	const struct key key = { .digest = sha256_of(STR("s")),
				 .name = STR("k"),
				 .scopes = SCOPE_ADMIN | SCOPE_EVENTS_WRITE };
	struct op make = key_op(&f, &key);
	assert_false(is_good(&f, &key));
	assert_int_equal(fixture_apply(&f, &make), STORE_OK);
	assert_true(make.key_no > 0);
	assert_true(is_good(&f, &key));
	fixture_reopen(&f);
	assert_true(is_good(&f, &key));

	const struct key gone = { .no = make.key_no };
	struct op elsewhere = key_op(&f, &gone), revoke = key_op(&f, &gone), again = revoke;
	elsewhere.workspace = 2;
	assert_int_equal(fixture_apply(&f, &elsewhere), STORE_REFUSED);
	assert_true(is_good(&f, &key));
	assert_int_equal(fixture_apply(&f, &revoke), STORE_OK);
	assert_false(is_good(&f, &key));
	assert_int_equal(fixture_apply(&f, &again), STORE_OK);
	fixture_reopen(&f);
	assert_false(is_good(&f, &key));

	const struct key none = { .no = make.key_no + 1 };
	struct op unknown = key_op(&f, &none);
	assert_int_equal(fixture_apply(&f, &unknown), STORE_REFUSED);
	fixture_end(&f);
}

static void an_abandoned_batch_made_and_revoked_nothing(void **state)
{
	struct fixture f;
	(void)state;
	fixture_begin(&f);
	fixture_provision(&f);
	const struct key stays = { .digest = sha256_of(STR("a")), .name = STR("a") };
	const struct key lost = { .digest = sha256_of(STR("b")), .name = STR("b") };
	struct op make = key_op(&f, &stays), other = key_op(&f, &lost);
	assert_int_equal(fixture_apply(&f, &make), STORE_OK);
	const struct key gone = { .no = make.key_no };
	struct op revoke = key_op(&f, &gone);
	assert_int_equal(store_begin(f.store), 0);
	assert_int_equal(store_apply(f.store, &other), STORE_OK);
	assert_int_equal(store_apply(f.store, &revoke), STORE_OK);
	store_abandon(f.store);
	assert_true(is_good(&f, &stays));
	assert_false(is_good(&f, &lost));
	fixture_end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_key_is_good_until_it_is_revoked),
		cmocka_unit_test(an_abandoned_batch_made_and_revoked_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
