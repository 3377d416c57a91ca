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

/* One of a thousand origins, as long as they may be. */
static struct key large_key(struct fixture *f, unsigned n)
{
	struct str *origins = arena_array(&f->arena, struct str, KEY_ORIGINS_MAX);
	struct str name = arena_printf(&f->arena, "%u", n);
	assert_non_null(origins);
	for (unsigned i = 0; i < KEY_ORIGINS_MAX; i++)
		origins[i] = arena_printf(&f->arena, "https://%0*u", KEY_ORIGIN_MAX - 8,
					  n * KEY_ORIGINS_MAX + i);
	assert_true(origin_is_valid(origins[0]));
	return (struct key){ .digest = sha256_of(name),
			     .name = name,
			     .scopes = SCOPE_EVENTS_WRITE,
			     .publishable = true,
			     .origins = origins,
			     .n_origins = KEY_ORIGINS_MAX };
}

static size_t bytes_of_keys(struct fixture *f)
{
	CLEANUP(catalog_unref) struct catalog *c = NULL;
	catalog_refresh(store_catalog(f->store), &c);
	return c->keys_bytes;
}

/* STORE_OK, or STORE_REFUSED for want of room; the batch goes on all the same. */
static int try_large(struct fixture *f, uint32_t workspace, unsigned n)
{
	arena_reset(&f->arena);
	const struct key key = large_key(f, n);
	struct op large = key_op(f, &key);
	large.workspace = workspace;
	int r = fixture_apply(f, &large);
	if (r == STORE_REFUSED) {
		assert_int_equal(large.problems->n, 1);
		assert_int_equal(large.problems->list[0].code, PROBLEM_KEYS_FULL);
		assert_int_equal(large.problems->list[0].limit, KEYS_BYTES_MAX);
	}
	assert_int_equal(is_good(f, &key), r == STORE_OK && workspace == 1);
	return r;
}

static void one_workspace_leaves_room_for_others(void **state)
{
	enum { MOST = 300 };
	struct fixture f;
	unsigned n = 0, more = 0;
	(void)state;
	fixture_begin(&f);
	fixture_provision(&f);
	while (n < MOST && try_large(&f, 1, n) == STORE_OK)
		n++;
	assert_in_range(bytes_of_keys(&f), KEYS_BYTES_MAX / 2 - 400000, KEYS_BYTES_MAX / 2);
	while (more < MOST && try_large(&f, 2, MOST + more) == STORE_OK)
		more++;
	assert_in_range(more, n / 2 - 1, n / 2 + 1); /* as much as is free then */

	const struct key small = { .digest = sha256_of(STR("s")), .name = STR("s") };
	struct op make = key_op(&f, &small);
	make.workspace = 2;
	assert_int_equal(fixture_apply(&f, &make), STORE_OK);
	struct op grown = fixture_op(&f, "a@x.io");
	grown.definition = 0;
	grown.definition_name = STR("another");
	assert_int_equal(fixture_apply(&f, &grown), STORE_OK);

	/* What goes makes room. */
	const struct key gone = { .no = 3 };
	struct op revoke = key_op(&f, &gone);
	assert_int_equal(fixture_apply(&f, &revoke), STORE_OK);
	size_t before = bytes_of_keys(&f);
	fixture_reopen(&f);
	assert_int_equal(bytes_of_keys(&f), before);
	fixture_end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_key_is_good_until_it_is_revoked),
		cmocka_unit_test(an_abandoned_batch_made_and_revoked_nothing),
		cmocka_unit_test(one_workspace_leaves_room_for_others),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
