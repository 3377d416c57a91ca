/* Definitions that are made, changed and deleted by operations. */
#include "fixture.h"

static const struct field two[] = { { .name = STR_INIT("a"), .type = FIELD_STRING },
				    { .name = STR_INIT("b"), .type = FIELD_NUMBER } };
static const struct field more[] = { { .name = STR_INIT("b"), .type = FIELD_NUMBER },
				     { .name = STR_INIT("c"), .type = FIELD_DATE } };
static const struct field clash[] = { { .name = STR_INIT("a"), .type = FIELD_DATE },
				      { .name = STR_INIT("b"), .type = FIELD_STRING },
				      { .name = STR_INIT("d"), .type = FIELD_DATE } };

enum {
	ALL = DEFINITION_FIELDS | DEFINITION_TITLE | DEFINITION_DESCRIPTION | DEFINITION_ANNOTATIONS
};

enum { NONE = 0, BY_NO = 1, WRONG_NO = 99 };

/* Of one definition, "order", one after the other. */
static const struct step {
	const char *name;
	unsigned rules, by; /* by: NONE is by name */
	const char *title, *description, *annotations;
	const struct field *fields;
	unsigned n_fields;
	unsigned problems; /* 0: taken */
	enum problem_code problem;
	bool created, changed;
	const char *after; /* "title|description|annotations|fields" */
} steps[] = {
	{ "unknown number", ALL, WRONG_NO, "T", "", "", NULL, 0, 1, PROBLEM_UNKNOWN_DEFINITION,
	  false, false, NULL },
	{ "must exist", ALL | DEFINITION_MUST_EXIST, NONE, "T", "", "", NULL, 0, 1,
	  PROBLEM_UNKNOWN_DEFINITION, false, false, NULL },
	{ "new", ALL | DEFINITION_MUST_BE_NEW, NONE, "T", "D", "{\"x\":1}", two, 2, 0, 0, true,
	  true, "T|D|{\"x\":1}|a b" },
	{ "new again", ALL | DEFINITION_MUST_BE_NEW, NONE, "T", "D", "", two, 2, 1, PROBLEM_EXISTS,
	  false, false, "T|D|{\"x\":1}|a b" },
	{ "the same", ALL, NONE, "T", "D", "{\"x\":1}", two, 2, 0, 0, false, false,
	  "T|D|{\"x\":1}|a b" },
	{ "only the title", DEFINITION_TITLE, BY_NO, "T2", "no", "no", NULL, 0, 0, 0, false, true,
	  "T2|D|{\"x\":1}|a b" },
	{ "only the description", DEFINITION_DESCRIPTION, BY_NO, "no", "", "no", NULL, 0, 0, 0,
	  false, true, "T2||{\"x\":1}|a b" },
	{ "only annotations", DEFINITION_ANNOTATIONS, BY_NO, "no", "no", "", NULL, 0, 0, 0, false,
	  true, "T2||{}|a b" },
	{ "grows", DEFINITION_FIELDS | DEFINITION_GROWS, BY_NO, "", "", "", more, 2, 0, 0, false,
	  true, "T2||{}|a b c" },
	{ "grows no more", DEFINITION_FIELDS | DEFINITION_GROWS, BY_NO, "", "", "", two, 2, 0, 0,
	  false, false, "T2||{}|a b c" },
	{ "clashes", DEFINITION_FIELDS | DEFINITION_GROWS, BY_NO, "", "", "", clash, 3, 2,
	  PROBLEM_FIELD_TYPE, false, false, "T2||{}|a b c" },
	{ "replaced", DEFINITION_FIELDS | DEFINITION_MUST_EXIST, NONE, "", "", "", clash, 3, 0, 0,
	  false, true, "T2||{}|a b d" },
	{ "changed since", DEFINITION_TITLE | DEFINITION_AS_SEEN, BY_NO, "T3", "", "", NULL, 0, 1,
	  PROBLEM_EXISTS, false, false, "T2||{}|a b d" },
	{ "emptied", DEFINITION_FIELDS, BY_NO, "", "", "", NULL, 0, 0, 0, false, true, "T2||{}|" },
};

static const char *describe(struct fixture *f, const char *name)
{
	struct catalog *c = NULL;
	struct buf b = buf_in(&f->arena);
	catalog_refresh(store_catalog(f->store), &c);
	struct definition *d = workspace_definition(catalog_workspace(c, 1), str_of(name));
	if (d)
		buf_printf(&b, STR_FMT "|" STR_FMT "|" STR_FMT "|", STR_ARG(d->title),
			   STR_ARG(d->description), STR_ARG(d->annotations));
	for (unsigned i = 0; d && i < d->n_fields; i++)
		buf_printf(&b, "%s" STR_FMT, i ? " " : "", STR_ARG(d->fields[i].name));
	buf_char(&b, '\0');
	catalog_unref(c);
	return d ? b.p : NULL;
}

static void expect(struct fixture *f, const char *after)
{
	const char *is = describe(f, "order");
	if (after)
		assert_string_equal(is, after);
	else
		assert_null(is);
}

static struct op make_op(struct fixture *f, const struct step *step, struct definition *define)
{
	*define = (struct definition){ .name = STR("order"),
				       .title = str_of(step->title),
				       .description = str_of(step->description),
				       .annotations = str_of(step->annotations),
				       .fields = step->fields,
				       .n_fields = step->n_fields };
	return (struct op){
		.arena = &f->arena,
		.kind = OP_DEFINITION,
		.workspace = 1,
		.rules = step->rules,
		.define = define,
		.definition = step->by == BY_NO ? fixture_definition(f, 1, "order") : step->by,
	};
}

static void run_step(struct fixture *f, const struct step *step)
{
	struct definition define;
	struct op op = make_op(f, step, &define);
	uint64_t before = fixture_fingerprint(f);
	print_message("%s\n", step->name);
	clock_us += US_PER_S;
	assert_int_equal(fixture_apply(f, &op), step->problems ? STORE_REFUSED : STORE_OK);
	assert_int_equal(op.problems ? op.problems->found : 0, step->problems);
	if (step->problems)
		assert_int_equal(op.problems->list[0].code, step->problem);
	else
		assert_int_equal(op.definition_no, fixture_definition(f, 1, "order"));
	assert_int_equal(op.created, step->created);
	assert_int_equal(op.changed, step->changed);
	assert_int_equal(fixture_fingerprint(f) != before, step->changed);
	expect(f, step->after);
	fixture_reopen(f);
	expect(f, step->after);
}

static void definitions_change_as_the_rules_say(void **state)
{
	struct fixture f;
	(void)state;
	fixture_begin(&f);
	fixture_provision(&f);
	for (size_t i = 0; i < ARRAY_LEN(steps); i++)
		run_step(&f, &steps[i]);
	fixture_end(&f);
}

/* It was read when it had just been made: of two who then change it, the second is refused. */
static void what_was_seen_is_what_is_changed(void **state)
{
	struct fixture f;
	struct definition define;
	static const struct step make = { .rules = ALL | DEFINITION_MUST_BE_NEW,
					  .title = "T",
					  .description = "",
					  .annotations = "" };
	static const struct step change = { .rules = DEFINITION_TITLE | DEFINITION_AS_SEEN,
					    .by = BY_NO,
					    .title = "T2",
					    .description = "",
					    .annotations = "" };
	(void)state;
	fixture_begin(&f);
	fixture_provision(&f);
	struct op op = make_op(&f, &make, &define);
	assert_int_equal(fixture_apply(&f, &op), STORE_OK);
	struct catalog *c = NULL;
	catalog_refresh(store_catalog(f.store), &c);
	instant_us seen = workspace_definition(catalog_workspace(c, 1), STR("order"))->updated_at;
	catalog_unref(c);
	/* The clock stands still: a change is a later one nevertheless. */
	for (unsigned i = 0; i < 2; i++) {
		op = make_op(&f, &change, &define);
		define.updated_at = seen;
		assert_int_equal(fixture_apply(&f, &op), i ? STORE_REFUSED : STORE_OK);
	}
	assert_int_equal(op.problems->list[0].code, PROBLEM_EXISTS);
	fixture_end(&f);
}

static struct op delete_op(struct fixture *f, uint32_t no)
{
	return (struct op){
		.arena = &f->arena, .kind = OP_DEFINITION_DELETE, .workspace = 1, .definition = no
	};
}

static void expect_unknown(int r, const struct op *op)
{
	assert_int_equal(r, STORE_REFUSED);
	assert_int_equal(op->problems->list[0].code, PROBLEM_UNKNOWN_DEFINITION);
}

/* The events keep the name; the name is free for another. */
static void a_deleted_definition_is_known_by_its_events(void **state)
{
	struct fixture f;
	struct event_row *rows;
	struct store_stats stats;
	unsigned n;
	uint64_t next;
	(void)state;
	fixture_begin(&f);
	fixture_provision(&f);
	struct op event = fixture_op(&f, "a@x.io"), late = event, late_too = event;
	uint32_t no = event.definition;
	assert_int_equal(fixture_apply(&f, &event), STORE_OK);
	/* An event that was checked before and comes after, in the same batch and in a later one.
	 */
	struct op op = delete_op(&f, no), twice = delete_op(&f, no);
	assert_done(store_begin(f.store));
	assert_int_equal(store_apply(f.store, &op), STORE_OK);
	expect_unknown(store_apply(f.store, &late), &late);
	expect_unknown(store_apply(f.store, &twice), &twice);
	assert_done(store_commit(f.store));
	expect_unknown(fixture_apply(&f, &late_too), &late_too);
	fixture_reopen(&f);
	late = fixture_op(&f, "a@x.io");
	late.definition = no;
	expect_unknown(fixture_apply(&f, &late), &late);
	assert_int_equal(fixture_definition(&f, 1, "purchase"), 0);

	struct definition define = { .name = STR("purchase") };
	struct op again = { .arena = &f.arena,
			    .kind = OP_DEFINITION,
			    .workspace = 1,
			    .rules = DEFINITION_MUST_BE_NEW,
			    .define = &define };
	assert_int_equal(fixture_apply(&f, &again), STORE_OK);
	assert_int_not_equal(again.definition_no, no);
	fixture_reopen(&f);
	assert_int_equal(fixture_definition(&f, 1, "purchase"), again.definition_no);
	event = fixture_op(&f, "a@x.io");
	assert_int_equal(fixture_apply(&f, &event), STORE_OK);
	const struct event_query q = { .workspace = 1, .limit = 10, .until = INT64_MAX };
	assert_done(store_read_events(f.reader, &f.arena, &q, &rows, &n, &next));
	assert_int_equal(n, 2);
	assert_str(rows[0].definition, "purchase");
	assert_str(rows[1].definition, "purchase");
	assert_done(store_read_stats(f.reader, &f.arena, 1, &stats));
	assert_int_equal(stats.n_definitions, 2);
	fixture_end(&f);
}

/* A start has no more to read for it than its number. */
static void a_deleted_definition_takes_no_room(void **state)
{
	struct fixture f;
	(void)state;
	fixture_begin(&f);
	fixture_provision(&f);
	uint32_t no = fixture_definition(&f, 1, "purchase");
	struct op op = delete_op(&f, no);
	assert_int_equal(fixture_apply(&f, &op), STORE_OK);
	store_reader_close(f.reader);
	store_close(f.store);
	assert_int_equal(
		fixture_sql(f.dir,
			    "UPDATE definition SET fields = 'x' WHERE deleted = 1 AND title = ''"
			    " AND description = '' AND annotations = '{}' AND fields = '[]'"),
		1);
	fixture_open(&f);
	struct op late = fixture_op(&f, "a@x.io");
	late.definition = no;
	expect_unknown(fixture_apply(&f, &late), &late);
	fixture_end(&f);
}

static void an_abandoned_deletion_deleted_nothing(void **state)
{
	struct fixture f;
	(void)state;
	fixture_begin(&f);
	fixture_provision(&f);
	struct op event = fixture_op(&f, "a@x.io");
	struct op op = delete_op(&f, event.definition), other = op;
	assert_done(store_begin(f.store));
	assert_int_equal(store_apply(f.store, &op), STORE_OK);
	store_abandon(f.store);
	assert_int_equal(fixture_apply(&f, &event), STORE_OK);
	other.workspace = 2; /* it is not this one's to delete */
	expect_unknown(fixture_apply(&f, &other), &other);
	fixture_end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(definitions_change_as_the_rules_say),
		cmocka_unit_test(what_was_seen_is_what_is_changed),
		cmocka_unit_test(a_deleted_definition_is_known_by_its_events),
		cmocka_unit_test(a_deleted_definition_takes_no_room),
		cmocka_unit_test(an_abandoned_deletion_deleted_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
