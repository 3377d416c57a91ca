#include "fixture.h"

/* Contact fields made, changed and taken away while the server runs; the fixture has two. */

static struct op field_op(struct fixture *f, unsigned rules, const struct contact_field *field)
{
	return (struct op){ .arena = &f->arena,
			    .kind = OP_CONTACT_FIELD,
			    .workspace = 1,
			    .rules = rules,
			    .contact_field = field };
}

static struct contact_field make(const char *name)
{
	return (struct contact_field){ .name = str_of(name),
				       .typed = true,
				       .type = FIELD_DATE,
				       .title = STR("T"),
				       .description = STR("D"),
				       .fallback = STR("F") };
}

/* "1 name type title description fallback", or NULL when there is no such field. */
static const char *look(struct fixture *f, uint32_t workspace, const char *name)
{
	CLEANUP(catalog_unref) struct catalog *c = NULL;
	catalog_refresh(store_catalog(f->store), &c);
	const struct contact_field *field =
		workspace_contact_field(catalog_workspace(c, workspace), str_of(name));
	if (!field)
		return NULL;
	struct str text = arena_printf(&f->arena, "%u %s " STR_FMT " " STR_FMT " " STR_FMT "%c",
				       field->no, field->typed ? field_type_name(field->type) : "-",
				       STR_ARG(field->title), STR_ARG(field->description),
				       STR_ARG(field->fallback), '\0');
	return text.p;
}

static void expect_refused(struct fixture *f, struct op op, enum problem_code code)
{
	assert_int_equal(fixture_refused(f, &op).code, code);
}

static void a_field_is_made_changed_and_taken_away(void **state)
{
	struct fixture f;
	(void)state;
	fixture_begin(&f);
	fixture_provision(&f);
	struct contact_field field = make("zip"), next = { .title = STR("T2"),
							   .description = STR(""),
							   .fallback = STR("no") };
	struct op op = field_op(&f, CONTACT_FIELD_NEW, &field);
	assert_int_equal(fixture_apply(&f, &op), STORE_OK);
	assert_true(op.created);
	for (int round = 0; round < 2; round++) {
		assert_string_equal(look(&f, 1, "zip"), "3 date T D F");
		assert_null(look(&f, 2, "zip"));
		fixture_reopen(&f);
	}
	next.id = op.contact_field_id;
	op = field_op(&f, CONTACT_FIELD_TITLE | CONTACT_FIELD_DESCRIPTION, &next);
	assert_int_equal(fixture_apply(&f, &op), STORE_OK);
	assert_true(op.changed && !op.created && uuid_eq(op.contact_field_id, next.id));
	assert_string_equal(look(&f, 1, "zip"), "3 date T2  F");
	uint64_t before = fixture_fingerprint(&f);
	clock_us += US_PER_S;
	op = field_op(&f, CONTACT_FIELD_TITLE, &next);
	assert_int_equal(fixture_apply(&f, &op), STORE_OK);
	assert_false(op.changed);
	assert_int_equal(fixture_fingerprint(&f), before);
	fixture_reopen(&f);
	assert_string_equal(look(&f, 1, "zip"), "3 date T2  F");

	op = field_op(&f, CONTACT_FIELD_GOES, &next);
	assert_int_equal(fixture_apply(&f, &op), STORE_OK);
	for (int round = 0; round < 2; round++) {
		assert_null(look(&f, 1, "zip"));
		assert_string_equal(look(&f, 1, "age"), "2 number   ");
		fixture_reopen(&f);
	}
	op = field_op(&f, CONTACT_FIELD_NEW, &field);
	assert_int_equal(fixture_apply(&f, &op), STORE_OK);
	assert_false(uuid_eq(op.contact_field_id, next.id));
	fixture_end(&f);
}

static void what_is_refused_writes_nothing(void **state)
{
	struct fixture f;
	(void)state;
	fixture_begin(&f);
	fixture_provision(&f);
	struct contact_field field = make("zip"), taken = make("age"), nobody = make("x");
	struct op op = field_op(&f, CONTACT_FIELD_NEW, &field), elsewhere;
	assert_int_equal(fixture_apply(&f, &op), STORE_OK);
	field.id = op.contact_field_id;
	expect_refused(&f, field_op(&f, CONTACT_FIELD_NEW, &field), PROBLEM_EXISTS);
	expect_refused(&f, field_op(&f, CONTACT_FIELD_NEW, &taken), PROBLEM_EXISTS);
	expect_refused(&f, field_op(&f, CONTACT_FIELD_TITLE, &nobody), PROBLEM_UNKNOWN_FIELD);
	expect_refused(&f, field_op(&f, CONTACT_FIELD_GOES, &nobody), PROBLEM_UNKNOWN_FIELD);
	elsewhere = field_op(&f, CONTACT_FIELD_GOES, &field);
	elsewhere.workspace = 2;
	expect_refused(&f, elsewhere, PROBLEM_UNKNOWN_FIELD);
	elsewhere.workspace = 3;
	expect_refused(&f, elsewhere, PROBLEM_UNKNOWN_WORKSPACE);
	fixture_end(&f);
}

static void an_abandoned_batch_changed_nothing(void **state)
{
	struct fixture f;
	(void)state;
	fixture_begin(&f);
	fixture_provision(&f);
	struct contact_field field = make("zip"), stays = make("stays");
	struct op op = field_op(&f, CONTACT_FIELD_NEW, &stays);
	assert_int_equal(fixture_apply(&f, &op), STORE_OK);
	stays.id = op.contact_field_id;
	assert_done(store_begin(f.store));
	op = field_op(&f, CONTACT_FIELD_NEW, &field);
	assert_int_equal(store_apply(f.store, &op), STORE_OK);
	op = field_op(&f, CONTACT_FIELD_GOES, &stays);
	assert_int_equal(store_apply(f.store, &op), STORE_OK);
	store_abandon(f.store);
	assert_null(look(&f, 1, "zip"));
	assert_non_null(look(&f, 1, "stays"));
	fixture_end(&f);
}

/* All in one batch, as many as there may be: later operations see what earlier ones made. */
static void there_are_a_thousand_at_most(void **state)
{
	struct fixture f;
	(void)state;
	fixture_begin(&f);
	fixture_provision(&f);
	assert_done(store_begin(f.store));
	for (unsigned i = 2; i <= WORKSPACE_CONTACT_FIELDS_MAX; i++) {
		struct contact_field field = make(arena_printf(&f.arena, "f%u%c", i, 0).p);
		struct op op = field_op(&f, CONTACT_FIELD_NEW, &field);
		bool fits = i < WORKSPACE_CONTACT_FIELDS_MAX;
		assert_int_equal(store_apply(f.store, &op), fits ? STORE_OK : STORE_REFUSED);
		if (!fits)
			assert_int_equal(op.problems->list[0].code, PROBLEM_CONTACT_FIELDS_FULL);
	}
	assert_done(store_commit(f.store));
	fixture_reopen(&f);
	assert_non_null(look(&f, 1, "f999"));
	assert_null(look(&f, 1, "f1000"));

	const struct provision_contact_field more = { .name = STR("more"),
						      .place = STR("f:3: contact_fields[0]") };
	char error[200];
	const struct provision_workspace w = { .id = fixture_workspace_id(1),
					       .name = STR("acme"),
					       .contact_fields = &more,
					       .n_contact_fields = 1 };
	assert_int_equal(
		store_provision(f.store, &(struct provision){ .workspaces = &w,
							      .n_workspaces = 1,
							      .error = error,
							      .error_size = sizeof(error) }),
		STORE_REFUSED);
	assert_string_equal(error, "f:3: contact_fields[0]: a workspace would have more than 1000 "
				   "contact fields");
	assert_null(look(&f, 1, "more"));
	fixture_end(&f);
}

/* A declared type is taken over; where the file says none, what is there stays. */
static void provisioning_adds_and_leaves_the_rest_alone(void **state)
{
	struct fixture f;
	(void)state;
	fixture_begin(&f);
	fixture_provision(&f);
	struct contact_field field = make("zip");
	struct op op = field_op(&f, CONTACT_FIELD_NEW, &field);
	assert_int_equal(fixture_apply(&f, &op), STORE_OK);
	const struct provision_contact_field list[] = {
		{ .name = STR("zip") },
		{ .name = STR("gender"), .typed = true, .type = FIELD_STRING },
		{ .name = STR("new") },
	};
	const struct provision_workspace w = { .id = fixture_workspace_id(1),
					       .name = STR("acme"),
					       .contact_fields = list,
					       .n_contact_fields = ARRAY_LEN(list) };
	assert_done(store_provision(f.store,
				    &(struct provision){ .workspaces = &w, .n_workspaces = 1 }));
	assert_string_equal(look(&f, 1, "zip"), "3 date T D F");
	assert_string_equal(look(&f, 1, "gender"), "1 string   ");
	assert_string_equal(look(&f, 1, "age"), "2 number   ");
	assert_string_equal(look(&f, 1, "new"), "4 -   ");
	uint64_t before = fixture_fingerprint(&f);
	clock_us += US_PER_S;
	assert_done(store_provision(f.store,
				    &(struct provision){ .workspaces = &w, .n_workspaces = 1 }));
	assert_int_equal(fixture_fingerprint(&f), before);
	fixture_end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_field_is_made_changed_and_taken_away),
		cmocka_unit_test(what_is_refused_writes_nothing),
		cmocka_unit_test(an_abandoned_batch_changed_nothing),
		cmocka_unit_test(there_are_a_thousand_at_most),
		cmocka_unit_test(provisioning_adds_and_leaves_the_rest_alone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
