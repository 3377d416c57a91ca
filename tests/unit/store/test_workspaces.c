#include "fixture.h"

/* Workspaces made and changed while the server runs. */

static const struct key first_key = { .name = STR_INIT("admin"), .scopes = SCOPE_ADMIN };

/* Number 3 of the fixture's ids is free. */
static struct workspace wanted(uint8_t id, const char *name, int64_t rate)
{
	return (struct workspace){ .id = fixture_workspace_id(id),
				   .name = str_of(name),
				   .requests_per_second = rate };
}

static struct op make_op(struct fixture *f, const struct workspace *like, const struct key *key)
{
	return (struct op){ .arena = &f->arena, .kind = OP_WORKSPACE, .like = like, .key = key };
}

static struct key key_of(const char *secret)
{
	struct key key = first_key;
	key.digest = sha256_of(str_of(secret));
	return key;
}

static struct op change_op(struct fixture *f, uint32_t workspace, unsigned rules,
			   const struct workspace *like)
{
	return (struct op){ .arena = &f->arena,
			    .kind = OP_WORKSPACE,
			    .workspace = workspace,
			    .rules = rules,
			    .like = like };
}

/* One that the catalog has, compared as a whole: "name rate fields definitions". */
static void check(struct fixture *f, uint32_t no, const char *want)
{
	CLEANUP(catalog_unref) struct catalog *c = NULL;
	catalog_refresh(store_catalog(f->store), &c);
	const struct workspace *w = catalog_workspace(c, no);
	struct buf b = buf_in(&f->arena);
	if (w)
		buf_printf(&b, STR_FMT " %lld %u %u", STR_ARG(w->name),
			   (long long)w->requests_per_second,
			   w->contact_fields ? w->contact_fields->n : 0, w->n_definitions);
	assert_str(buf_str(&b), want);
	assert_true(!w || catalog_workspace_by_id(c, w->id) == w);
}

static instant_us updated_at(struct fixture *f, uint32_t no, instant_us *created_at)
{
	CLEANUP(catalog_unref) struct catalog *c = NULL;
	catalog_refresh(store_catalog(f->store), &c);
	const struct workspace *w = catalog_workspace(c, no);
	assert_non_null(w);
	*created_at = w->created_at;
	return w->updated_at;
}

static uint32_t workspace_of(struct fixture *f, const struct key *key)
{
	CLEANUP(catalog_unref) struct catalog *c = NULL;
	catalog_refresh(store_catalog(f->store), &c);
	const struct key *found = catalog_key(c, &key->digest);
	return found ? found->workspace->no : 0;
}

static void one_is_made_with_its_key(void **state)
{
	struct fixture f;
	(void)state;
	fixture_begin(&f);
	fixture_provision(&f);
	const struct workspace like = wanted(3, "new", 7);
	const struct key key = key_of("s");
	struct op make = make_op(&f, &like, &key);
	assert_int_equal(fixture_apply(&f, &make), STORE_OK);
	assert_true(make.created && make.changed);
	assert_int_equal(make.workspace_no, 3);
	for (int i = 0; i < 2; i++) {
		check(&f, 3, "new 7 0 0");
		assert_int_equal(workspace_of(&f, &key), 3);
		instant_us created, updated = updated_at(&f, 3, &created);
		assert_true(created == make.received_at && updated == created);
		fixture_reopen(&f);
	}
	check(&f, 1, "acme 0 2 2");

	/* It takes what any other takes, keys of its own too. */
	struct op event = fixture_op(&f, "a@b.co");
	const struct key more = key_of("t");
	struct op define = { .arena = &f.arena,
			     .kind = OP_DEFINITION,
			     .workspace = 3,
			     .define = &(struct definition){ .name = STR("visit") } };
	struct op make_key = { .arena = &f.arena, .kind = OP_KEY, .workspace = 3, .key = &more };
	assert_int_equal(fixture_apply(&f, &define), STORE_OK);
	assert_int_equal(fixture_apply(&f, &make_key), STORE_OK);
	event.workspace = 3;
	event.definition = define.definition_no;
	assert_int_equal(fixture_apply(&f, &event), STORE_OK);
	assert_int_equal(workspace_of(&f, &more), 3);
	check(&f, 3, "new 7 0 1");
	fixture_end(&f);
}

static void check_refused(struct op *op, enum problem_code code, const char *path, int64_t limit)
{
	assert_non_null(op->problems);
	assert_int_equal(op->problems->n, 1);
	assert_int_equal(op->problems->list[0].code, code);
	assert_str(op->problems->list[0].path, path);
	assert_int_equal(op->problems->list[0].limit, limit);
}

static void an_id_is_taken_once(void **state)
{
	struct fixture f;
	(void)state;
	fixture_begin(&f);
	fixture_provision(&f);
	uint64_t before = fixture_fingerprint(&f);
	const struct workspace taken = wanted(2, "again", 0), like = wanted(3, "new", 0);
	const struct key key = key_of("s"), other = key_of("t");
	struct op refused = make_op(&f, &taken, &key);
	assert_int_equal(fixture_apply(&f, &refused), STORE_REFUSED);
	check_refused(&refused, PROBLEM_EXISTS, "id", 0);
	assert_true(fixture_fingerprint(&f) == before);
	check(&f, 2, "zeta 0 0 0");
	check(&f, 3, "");
	assert_int_equal(workspace_of(&f, &key), 0);

	/* Two within one batch. */
	struct op first = make_op(&f, &like, &key), second = make_op(&f, &like, &other);
	assert_done(store_begin(f.store));
	assert_int_equal(store_check(f.store, &first), STORE_OK);
	assert_int_equal(store_apply(f.store, &first), STORE_OK);
	assert_int_equal(store_apply(f.store, &second), STORE_REFUSED);
	assert_done(store_commit(f.store));
	check_refused(&second, PROBLEM_EXISTS, "id", 0);
	assert_int_equal(workspace_of(&f, &key), 3);
	assert_int_equal(workspace_of(&f, &other), 0);
	check(&f, 4, "");
	fixture_end(&f);
}

static void there_are_so_many_and_no_more(void **state)
{
	static const struct {
		const char *sql;
		int64_t limit; /* 0: there is room */
	} cases[] = {
		{ "UPDATE workspace SET no = 9999 WHERE no = 2;"
		  "UPDATE access_key SET workspace = 9999 WHERE workspace = 2",
		  0 },
		{ "UPDATE workspace SET no = 10000 WHERE no = 2;"
		  "UPDATE access_key SET workspace = 10000 WHERE workspace = 2",
		  WORKSPACES_MAX },
		{ "UPDATE access_key SET no = 65534 WHERE no = 2", 0 },
		{ "UPDATE access_key SET no = 65535 WHERE no = 2", KEY_NO_MAX },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct fixture f;
		const struct workspace like = wanted(3, "new", 0);
		const struct key key = key_of("s");
		fixture_begin(&f);
		fixture_provision(&f);
		fixture_close(&f);
		fixture_sql(f.dir, cases[i].sql);
		fixture_open(&f);
		struct op make = make_op(&f, &like, &key);
		int r = fixture_apply(&f, &make);
		assert_int_equal(r, cases[i].limit ? STORE_REFUSED : STORE_OK);
		if (r == STORE_REFUSED)
			check_refused(&make, PROBLEM_WORKSPACES_FULL, "", cases[i].limit);
		assert_int_equal(workspace_of(&f, &key) != 0, r == STORE_OK);
		fixture_end(&f);
	}
}

static void changes_are_what_is_named(void **state)
{
	static const struct {
		unsigned rules;
		const char *name;
		int64_t rate;
		const char *want; /* NULL: as it was */
	} cases[] = {
		{ WORKSPACE_RATE, "ignored", 5, "acme 5 2 2" },
		{ WORKSPACE_RATE, "", 5, NULL },
		{ WORKSPACE_NAME, "corp", 99, "corp 5 2 2" },
		{ WORKSPACE_NAME | WORKSPACE_RATE, "corp", 5, NULL },
		{ WORKSPACE_NAME | WORKSPACE_RATE, "acme", -1, "acme -1 2 2" },
		{ 0, "ignored", 8, NULL },
		{ WORKSPACE_RATE, "", 0, "acme 0 2 2" },
	};
	struct fixture f;
	const char *now = "acme 0 2 2";
	(void)state;
	fixture_begin(&f);
	fixture_provision(&f);
	const struct key key = key_of("one"); /* of the fixture */
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct workspace like = wanted(9, cases[i].name, cases[i].rate);
		instant_us created, created_now, before = updated_at(&f, 1, &created);
		uint64_t print = fixture_fingerprint(&f);
		struct op change = change_op(&f, 1, cases[i].rules, &like);
		clock_us += US_PER_S;
		assert_int_equal(fixture_apply(&f, &change), STORE_OK);
		assert_int_equal(change.workspace_no, 1);
		assert_false(change.created);
		assert_int_equal(change.changed, cases[i].want != NULL);
		assert_int_equal(fixture_fingerprint(&f) != print, cases[i].want != NULL);
		now = cases[i].want ?: now;
		check(&f, 1, now);
		assert_int_equal(updated_at(&f, 1, &created_now) > before, cases[i].want != NULL);
		assert_true(created_now == created);
		assert_int_equal(workspace_of(&f, &key), 1);
		fixture_reopen(&f);
		check(&f, 1, now);
		assert_int_equal(updated_at(&f, 1, &created_now) > before, cases[i].want != NULL);
	}
	check(&f, 2, "zeta 0 0 0");
	assert_int_equal(fixture_definition(&f, 1, "purchase"), 1);

	const struct workspace like = wanted(1, "x", 5);
	struct op unknown = change_op(&f, 3, WORKSPACE_NAME, &like);
	assert_int_equal(fixture_apply(&f, &unknown), STORE_REFUSED);
	check_refused(&unknown, PROBLEM_UNKNOWN_WORKSPACE, "", 0);
	fixture_end(&f);
}

static void an_abandoned_batch_made_and_changed_nothing(void **state)
{
	struct fixture f;
	(void)state;
	fixture_begin(&f);
	fixture_provision(&f);
	const struct workspace like = wanted(3, "new", 5);
	const struct key key = key_of("s");
	struct op make = make_op(&f, &like, &key);
	struct op change = change_op(&f, 1, WORKSPACE_NAME | WORKSPACE_RATE, &like);
	assert_done(store_begin(f.store));
	assert_int_equal(store_apply(f.store, &make), STORE_OK);
	assert_int_equal(store_apply(f.store, &change), STORE_OK);
	store_abandon(f.store);
	check(&f, 1, "acme 0 2 2");
	check(&f, 3, "");
	assert_int_equal(workspace_of(&f, &key), 0);
	assert_int_equal(fixture_apply(&f, &make), STORE_OK);
	assert_int_equal(make.workspace_no, 3);
	fixture_end(&f);
}

static void a_file_may_declare_one_that_was_made(void **state)
{
	struct fixture f;
	instant_us created, now;
	(void)state;
	fixture_begin(&f);
	const struct workspace like = wanted(2, "made", 5);
	const struct key key = key_of("s");
	struct op make = make_op(&f, &like, &key);
	assert_int_equal(fixture_apply(&f, &make), STORE_OK);
	assert_int_equal(make.workspace_no, 1);
	clock_us += US_PER_S;
	fixture_provision(&f);
	check(&f, 1, "zeta 0 0 0");
	check(&f, 2, "acme 0 2 2");
	assert_int_equal(workspace_of(&f, &key), 1);
	assert_true(updated_at(&f, 1, &created) > created);
	assert_true(updated_at(&f, 2, &now) == now && created < now);
	fixture_end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_is_made_with_its_key),
		cmocka_unit_test(an_id_is_taken_once),
		cmocka_unit_test(there_are_so_many_and_no_more),
		cmocka_unit_test(changes_are_what_is_named),
		cmocka_unit_test(an_abandoned_batch_made_and_changed_nothing),
		cmocka_unit_test(a_file_may_declare_one_that_was_made),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
