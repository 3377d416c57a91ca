/* Definitions that events make and extend, and that a refused operation leaves no trace. */
#include "fixture.h"

#define F(type) FIELD_BIT(FIELD_##type)

struct seen_case {
	const char *name; /* of the definition */
	struct seen_field seen[4];
	unsigned n;
	unsigned clashes;   /* 0: taken */
	const char *fields; /* of the definition afterwards; NULL: it is not there */
};

#define SEEN(name_, type_, fits_)                     \
	{                                             \
		STR_INIT(name_), FIELD_##type_, fits_ \
	}

/* One store after the other; each event in a batch of its own. */
static const struct seen_case cases[] = {
	{ "a", { { { 0 }, 0, 0 } }, 0, 0, "[]" },
	{ "a", { SEEN("n", INTEGER, F(INTEGER) | F(NUMBER)) }, 1, 0, "n:integer" },
	{ "a", { SEEN("n", NUMBER, F(NUMBER)) }, 1, 1, "n:integer" },
	{ "a",
	  { SEEN("n", STRING, F(STRING)), SEEN("new", STRING, F(STRING)) },
	  2,
	  1,
	  "n:integer" },
	{ "a",
	  { SEEN("n", INTEGER, F(INTEGER) | F(NUMBER)), SEEN("s", EMAIL, F(EMAIL) | F(STRING)) },
	  2,
	  0,
	  "n:integer s:email" },
	{ "a", { SEEN("s", STRING, F(STRING)) }, 1, 1, "n:integer s:email" },
	{ "a",
	  { SEEN("s", STRING, F(STRING)), SEEN("n", STRING, F(STRING)) },
	  2,
	  2,
	  "n:integer s:email" },
	{ "a", { { { 0 }, 0, 0 } }, 0, 0, "n:integer s:email" },
	{ "b", { SEEN("x", NUMBER, F(NUMBER)) }, 1, 0, "x:number" },
	{ "b",
	  { SEEN("x", INTEGER, F(INTEGER)) },
	  1,
	  0,
	  "x:number" }, /* whole numbers are numbers */
	{ "b", { SEEN("x", BOOLEAN, F(BOOLEAN)) }, 1, 1, "x:number" },
	{ "b", { SEEN("", BOOLEAN, F(BOOLEAN)) }, 1, 1, "x:number" },
	{ "b",
	  { { .name = STR_INIT("y\0"), .type = FIELD_URL, .fits = F(URL) } },
	  1,
	  1,
	  "x:number" },
	{ "b", { SEEN("y", URL, F(URL)), SEEN("y", URL, F(URL)) }, 2, 0, "x:number y:url" },
	{ "c", { SEEN("", BOOLEAN, F(BOOLEAN)) }, 1, 1, NULL },
	/* Declared: what is declared is checked, what is not is let through and not added. */
	{ "purchase", { SEEN("total", STRING, F(STRING)) }, 1, 1, "total:number note:string" },
	{ "purchase",
	  { SEEN("total", INTEGER, F(INTEGER)), SEEN("more", DATE, F(DATE)) },
	  2,
	  0,
	  "total:number note:string" },
};

static struct op make_op(struct fixture *f, const char *name, const struct seen_field *seen,
			 unsigned n)
{
	struct op op = fixture_op(f, "a@x.io");
	op.definition = 0;
	op.definition_name = str_of(name);
	op.seen = seen;
	op.n_seen = n;
	return op;
}

/* "n:integer s:email", "[]" for none; NULL when there is no such definition. */
static const char *fields_of(struct fixture *f, const char *name)
{
	struct catalog *c = NULL;
	struct buf b = buf_in(&f->arena);
	catalog_refresh(store_catalog(f->store), &c);
	struct definition *d = workspace_definition(catalog_workspace(c, 1), str_of(name));
	for (unsigned i = 0; d && i < d->n_fields; i++)
		buf_printf(&b, "%s" STR_FMT ":%s", i ? " " : "", STR_ARG(d->fields[i].name),
			   field_type_name(d->fields[i].type));
	catalog_unref(c);
	if (b.n == 0)
		buf_lit(&b, "[]");
	buf_char(&b, '\0');
	return d ? b.p : NULL;
}

static void expect_fields(struct fixture *f, const struct seen_case *c)
{
	const char *fields = fields_of(f, c->name);
	if (c->fields)
		assert_string_equal(fields, c->fields);
	else
		assert_null(fields);
}

static void run_case(struct fixture *f, const struct seen_case *c)
{
	struct op op = make_op(f, c->name, c->seen, c->n);
	uint64_t before = fixture_fingerprint(f);
	assert_int_equal(fixture_apply(f, &op), c->clashes ? STORE_REFUSED : STORE_OK);
	assert_int_equal(op.problems ? op.problems->found : 0, c->clashes);
	if (c->clashes)
		assert_int_equal(fixture_fingerprint(f), before);
	expect_fields(f, c);
}

static void events_teach_their_definitions(void **state)
{
	struct fixture f;
	(void)state;
	fixture_begin(&f);
	fixture_provision(&f);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		print_message("case %zu: %s\n", i, cases[i].name);
		run_case(&f, &cases[i]);
		fixture_reopen(&f);
		expect_fields(&f, &cases[i]);
	}
	fixture_end(&f);
}

static void clash_names_field_and_types(void **state)
{
	static const struct seen_field good = SEEN("when", DATE, F(DATE) | F(STRING));
	static const struct seen_field bad = SEEN("when", BOOLEAN, F(BOOLEAN));
	struct fixture f;
	(void)state;
	fixture_begin(&f);
	fixture_provision(&f);
	struct op op = make_op(&f, "a", &good, 1);
	assert_int_equal(fixture_apply(&f, &op), STORE_OK);
	op = make_op(&f, "a", &bad, 1);
	assert_int_equal(fixture_apply(&f, &op), STORE_REFUSED);
	const struct problem *p = &op.problems->list[0];
	assert_int_equal(p->code, PROBLEM_FIELD_TYPE);
	assert_str(p->path, "properties.when");
	assert_string_equal(p->rule, "date");
	assert_string_equal(p->actual, "boolean");
	fixture_end(&f);
}

static void one_batch_sees_its_own_growth(void **state)
{
	static const struct seen_field one = SEEN("x", STRING, F(STRING));
	static const struct seen_field two = SEEN("y", STRING, F(STRING));
	static const struct seen_field not_one = SEEN("x", BOOLEAN, F(BOOLEAN));
	struct fixture f;
	(void)state;
	fixture_begin(&f);
	fixture_provision(&f);
	struct op a = make_op(&f, "d", &one, 1), b = make_op(&f, "d", &two, 1);
	struct op c = make_op(&f, "d", &not_one, 1);
	assert_done(store_begin(f.store));
	assert_int_equal(store_apply(f.store, &a), STORE_OK);
	assert_null(fields_of(&f, "d")); /* not before the commit */
	assert_int_equal(store_apply(f.store, &b), STORE_OK);
	assert_int_equal(store_apply(f.store, &c), STORE_REFUSED);
	assert_done(store_commit(f.store));
	assert_string_equal(fields_of(&f, "d"), "x:string y:string");
	fixture_end(&f);
}

static void abandoned_definition_is_gone(void **state)
{
	static const struct seen_field x = SEEN("x", STRING, F(STRING));
	static const struct seen_field y = SEEN("x", BOOLEAN, F(BOOLEAN));
	struct fixture f;
	(void)state;
	fixture_begin(&f);
	fixture_provision(&f);
	struct op op = make_op(&f, "d", &x, 1);
	assert_done(store_begin(f.store));
	assert_int_equal(store_apply(f.store, &op), STORE_OK);
	store_abandon(f.store);
	assert_null(fields_of(&f, "d"));
	op = make_op(&f, "d", &y, 1);
	assert_int_equal(fixture_apply(&f, &op), STORE_OK);
	assert_string_equal(fields_of(&f, "d"), "x:boolean");
	fixture_end(&f);
}

static void expect_full(struct fixture *f, struct op *op, int64_t limit)
{
	assert_int_equal(fixture_apply(f, op), STORE_REFUSED);
	assert_int_equal(op->problems->list[0].code, PROBLEM_DEFINITIONS_FULL);
	assert_int_equal(op->problems->list[0].limit, limit);
}

static void definition_has_a_number_of_fields(void **state)
{
	struct fixture f;
	(void)state;
	fixture_begin(&f);
	fixture_provision(&f);
	unsigned n = DEFINITION_FIELDS_MAX + 1;
	struct seen_field *seen = arena_array(&f.arena, struct seen_field, n);
	for (unsigned i = 0; i < n; i++)
		seen[i] = (struct seen_field){ arena_printf(&f.arena, "f%u", i), FIELD_STRING,
					       F(STRING) };
	struct op op = make_op(&f, "wide", seen, n);
	expect_full(&f, &op, DEFINITION_FIELDS_MAX);
	op = make_op(&f, "wide", seen, n - 1);
	assert_int_equal(fixture_apply(&f, &op), STORE_OK);
	op = make_op(&f, "wide", seen + n - 1, 1);
	expect_full(&f, &op, DEFINITION_FIELDS_MAX);
	op = make_op(&f, "wide", seen, n - 1);
	assert_int_equal(fixture_apply(&f, &op), STORE_OK);
	fixture_end(&f);
}

static void workspace_has_a_number_of_definitions(void **state)
{
	struct fixture f;
	(void)state;
	fixture_begin(&f);
	fixture_provision(&f);
	assert_done(store_begin(f.store));
	for (unsigned i = 2; i < WORKSPACE_DEFINITIONS_MAX; i++) {
		struct op op = make_op(&f, arena_printf(&f.arena, "d%u", i).p, NULL, 0);
		assert_int_equal(store_apply(f.store, &op), STORE_OK);
	}
	assert_done(store_commit(f.store));
	struct op op = make_op(&f, "one too many", NULL, 0);
	expect_full(&f, &op, WORKSPACE_DEFINITIONS_MAX);
	op = make_op(&f, "d2", NULL, 0);
	assert_int_equal(fixture_apply(&f, &op), STORE_OK);
	op = make_op(&f, "of another workspace", NULL, 0);
	op.workspace = 2;
	assert_int_equal(fixture_apply(&f, &op), STORE_OK);
	fixture_end(&f);
}

/* What they take is not made here, but said to be. */
static void workspace_has_a_number_of_bytes(void **state)
{
	static const struct seen_field x = { STR_INIT("x"), FIELD_STRING, F(STRING) };
	struct fixture f;
	struct catalog *c = NULL;
	(void)state;
	fixture_begin(&f);
	fixture_provision(&f);
	struct op op = make_op(&f, "d1", &x, 1);
	assert_int_equal(fixture_apply(&f, &op), STORE_OK);
	catalog_refresh(store_catalog(f.store), &c);
	((struct workspace *)catalog_workspace(c, 1))->definitions_bytes =
		WORKSPACE_DEFINITIONS_BYTES_MAX;
	op = make_op(&f, "d2", &x, 1);
	expect_full(&f, &op, (int64_t)WORKSPACE_DEFINITIONS_BYTES_MAX);
	const struct definition define = { .name = STR("d3") };
	op = (struct op){
		.arena = &f.arena, .kind = OP_DEFINITION, .workspace = 1, .define = &define
	};
	expect_full(&f, &op, (int64_t)WORKSPACE_DEFINITIONS_BYTES_MAX);
	op = make_op(&f, "d1", &x, 1);
	assert_int_equal(fixture_apply(&f, &op), STORE_OK);
	op = make_op(&f, "d2", &x, 1);
	op.workspace = 2;
	assert_int_equal(fixture_apply(&f, &op), STORE_OK);
	catalog_unref(c);
	fixture_end(&f);
}

static void refuse(struct fixture *f, struct op *op, enum problem_code first)
{
	uint64_t before = fixture_fingerprint(f);
	assert_int_equal(fixture_apply(f, op), STORE_REFUSED);
	assert_int_equal(op->problems->list[0].code, first);
	assert_int_equal(fixture_fingerprint(f), before);
}

static void unknown_numbers_are_refused(void **state)
{
	static const uint32_t wrong[] = { 3, 4, 1000, 100000, UINT32_MAX };
	struct fixture f;
	(void)state;
	fixture_begin(&f);
	fixture_provision(&f);
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		struct op op = fixture_op(&f, "a@x.io");
		op.definition = wrong[i];
		refuse(&f, &op, PROBLEM_UNKNOWN_DEFINITION);
	}
	struct op op = fixture_op(&f, "a@x.io");
	op.workspace = 2; /* it has none of those numbers */
	refuse(&f, &op, PROBLEM_UNKNOWN_DEFINITION);
	op = fixture_op(&f, "a@x.io");
	op.workspace = 77;
	refuse(&f, &op, PROBLEM_UNKNOWN_WORKSPACE);
	fixture_end(&f);
}

/* A number that was good when the event was decoded: its name makes the definition anew. */
static void event_goes_on_by_name(void **state)
{
	static const struct seen_field x = SEEN("x", STRING, F(STRING));
	struct fixture f;
	(void)state;
	fixture_begin(&f);
	fixture_provision(&f);
	struct op gone = {
		.arena = &f.arena, .kind = OP_DEFINITION_DELETE, .workspace = 1, .definition = 1
	};
	struct op op = make_op(&f, "purchase", &x, 1);
	op.definition = 1;
	assert_int_equal(fixture_apply(&f, &op), STORE_OK);
	assert_string_equal(fields_of(&f, "purchase"), "total:number note:string");
	assert_int_equal(fixture_apply(&f, &gone), STORE_OK);
	assert_null(fields_of(&f, "purchase"));
	op = make_op(&f, "purchase", &x, 1);
	op.definition = 1;
	assert_int_equal(fixture_apply(&f, &op), STORE_OK);
	assert_string_equal(fields_of(&f, "purchase"), "x:string");

	op = fixture_op(&f, "a@x.io");
	op.definition = 1;
	refuse(&f, &op, PROBLEM_UNKNOWN_DEFINITION);
	op.definition = 0;
	refuse(&f, &op, PROBLEM_UNKNOWN_DEFINITION);
	fixture_end(&f);
}

/* A new definition, a new field and a new contact, none of which may stay behind. */
static void refusal_writes_nothing(void **state)
{
	static const struct seen_field x = SEEN("x", STRING, F(STRING));
	static const struct seen_field both[] = { SEEN("x", BOOLEAN, F(BOOLEAN)),
						  SEEN("y", STRING, F(STRING)) };
	struct fixture f;
	(void)state;
	fixture_begin(&f);
	fixture_provision(&f);
	struct op op = make_op(&f, "d", &x, 1);
	assert_int_equal(fixture_apply(&f, &op), STORE_OK);

	struct who who = fixture_who(&f, IDENTITY_EMAIL, "nobody@x.io", WHO_LOOKUP | WHO_ADOPT);
	op = make_op(&f, "new definition", &x, 1);
	op.who = &who;
	refuse(&f, &op, PROBLEM_UNKNOWN_CONTACT);
	assert_int_equal(op.problems->found, 1);

	op = make_op(&f, "d", both, 2);
	op.who = &who;
	refuse(&f, &op, PROBLEM_UNKNOWN_CONTACT);
	assert_int_equal(op.problems->found, 2); /* and the clash */

	who.use |= WHO_CREATES;
	op = make_op(&f, "d", both, 2);
	op.who = &who;
	refuse(&f, &op, PROBLEM_FIELD_TYPE);
	assert_int_equal(fixture_contact(&f, 1, IDENTITY_EMAIL, "nobody@x.io").number, 0);
	assert_string_equal(fields_of(&f, "d"), "x:string");
	fixture_end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(events_teach_their_definitions),
		cmocka_unit_test(clash_names_field_and_types),
		cmocka_unit_test(one_batch_sees_its_own_growth),
		cmocka_unit_test(abandoned_definition_is_gone),
		cmocka_unit_test(definition_has_a_number_of_fields),
		cmocka_unit_test(workspace_has_a_number_of_definitions),
		cmocka_unit_test(workspace_has_a_number_of_bytes),
		cmocka_unit_test(unknown_numbers_are_refused),
		cmocka_unit_test(event_goes_on_by_name),
		cmocka_unit_test(refusal_writes_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
