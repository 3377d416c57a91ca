/* Operations on contacts without an event: their rules, the uses of identities that only they
 * have, and what they tell of the contact. Each case is a few operations in a fresh store. */
#include "fixture.h"

#define EMAIL    IDENTITY_EMAIL
#define PHONE    IDENTITY_PHONE
#define EXTERNAL IDENTITY_EXTERNAL_ID
#define L        WHO_LOOKUP
#define C        WHO_CREATES
#define A        WHO_ADOPT
#define R        WHO_REPLACE
#define X        WHO_EXCLUSIVE
#define MAKE     (L | C | A)

struct step {
	unsigned rules;
	struct {
		enum identity_kind kind;
		const char *value; /* NULL ends the list */
		unsigned use;
	} who[4];
	struct {
		enum attribute_verb verb;
		const char *name, *json; /* name NULL ends the list */
	} changes[3];
	uint64_t contact; /* 0: refused */
	bool created, changed;
	enum problem_code problem;
	const char *path;
	const char *identities, *attributes; /* of the view */
};

#define ID(kind, value) "{\"kind\":\"" kind "\",\"value\":\"" value "\"}"

static const struct change_case {
	const char *name;
	struct step steps[4]; /* one without who ends the list */
} cases[] = {
	{ "a new contact, and the same again",
	  { { 0,
	      { { EMAIL, "a@x.io", MAKE } },
	      { { ATTRIBUTE_SET, "city", "\"Bonn\"" } },
	      1,
	      true,
	      true,
	      0,
	      NULL,
	      "[" ID("email", "a@x.io") "]",
	      "{\"email\":\"a@x.io\",\"city\":\"Bonn\"}" },
	    { 0,
	      { { EMAIL, "a@x.io", MAKE } },
	      { { ATTRIBUTE_SET, "city", "\"Bonn\"" } },
	      1,
	      false,
	      false,
	      0,
	      NULL,
	      "[" ID("email", "a@x.io") "]",
	      "{\"email\":\"a@x.io\",\"city\":\"Bonn\"}" },
	    { 0,
	      { { EMAIL, "b@x.io", L | A } },
	      { { 0 } },
	      0,
	      false,
	      false,
	      PROBLEM_UNKNOWN_CONTACT,
	      "",
	      NULL,
	      NULL } } },
	{ "one that must be new",
	  { { CONTACT_MUST_BE_NEW,
	      { { EMAIL, "a@x.io", MAKE } },
	      { { 0 } },
	      1,
	      true,
	      true,
	      0,
	      NULL,
	      "[" ID("email", "a@x.io") "]",
	      "{\"email\":\"a@x.io\"}" },
	    { CONTACT_MUST_BE_NEW,
	      { { PHONE, "1", MAKE }, { EMAIL, "A@x.io", MAKE } },
	      { { 0 } },
	      0,
	      false,
	      false,
	      PROBLEM_EXISTS,
	      "email",
	      NULL,
	      NULL } } },
	{ "an identity that must not be taken",
	  { { 0, { { EMAIL, "a@x.io", MAKE } }, { { 0 } }, 1, true, true, 0, NULL, NULL, NULL },
	    { 0, { { EMAIL, "b@x.io", MAKE } }, { { 0 } }, 2, true, true, 0, NULL, NULL, NULL },
	    { 0,
	      { { EMAIL, "b@x.io", L }, { EMAIL, "a@x.io", R | X } },
	      { { ATTRIBUTE_SET, "city", "1" } },
	      0,
	      false,
	      false,
	      PROBLEM_TAKEN,
	      "email",
	      NULL,
	      NULL },
	    { 0,
	      { { EMAIL, "b@x.io", L }, { EMAIL, "B@x.io", R | X }, { PHONE, "1", A | X } },
	      { { 0 } },
	      2,
	      false,
	      true,
	      0,
	      NULL,
	      "[" ID("email", "B@x.io") "," ID("phone", "1") "]",
	      "{\"email\":\"B@x.io\",\"phone\":\"1\"}" } } },
	{ "an identity that is lost, with what shows it",
	  { { 0,
	      { { EMAIL, "a@x.io", MAKE }, { PHONE, "1", A } },
	      { { 0 } },
	      1,
	      true,
	      true,
	      0,
	      NULL,
	      NULL,
	      NULL },
	    { CONTACT_KEEPS_ONE,
	      { { EMAIL, "a@x.io", L }, { PHONE, "+1", WHO_DROP }, { PHONE, "2", WHO_DROP } },
	      { { 0 } },
	      1,
	      false,
	      true,
	      0,
	      NULL,
	      "[" ID("email", "a@x.io") "]",
	      "{\"email\":\"a@x.io\"}" },
	    { CONTACT_KEEPS_ONE,
	      { { EMAIL, "a@x.io", L }, { EMAIL, "", WHO_DROP_KIND } },
	      { { 0 } },
	      0,
	      false,
	      false,
	      PROBLEM_ALTERNATIVES,
	      "",
	      NULL,
	      NULL },
	    { CONTACT_KEEPS_ONE,
	      { { EMAIL, "a@x.io", L },
		{ EMAIL, "", WHO_DROP_KIND },
		{ EMAIL, "A@x.io", A },
		{ PHONE, "1", A } },
	      { { 0 } },
	      1,
	      false,
	      true,
	      0,
	      NULL,
	      "[" ID("email", "A@x.io") "," ID("phone", "1") "]",
	      "{\"email\":\"A@x.io\",\"phone\":\"1\"}" } } },
	{ "dropped and taken again is as it was",
	  { { 0, { { EMAIL, "a@x.io", MAKE } }, { { 0 } }, 1, true, true, 0, NULL, NULL, NULL },
	    { 0,
	      { { EMAIL, "a@x.io", L }, { EMAIL, "", WHO_DROP_KIND }, { EMAIL, "a@x.io", R } },
	      { { 0 } },
	      1,
	      false,
	      false,
	      0,
	      NULL,
	      "[" ID("email", "a@x.io") "]",
	      "{\"email\":\"a@x.io\"}" } } },
	{ "whoever never had a name needs none",
	  { { 0,
	      { { IDENTITY_ANONYMOUS_ID, "anon", MAKE } },
	      { { 0 } },
	      1,
	      true,
	      true,
	      0,
	      NULL,
	      NULL,
	      NULL },
	    { CONTACT_KEEPS_ONE,
	      { { IDENTITY_ANONYMOUS_ID, "anon", L } },
	      { { ATTRIBUTE_SET, "city", "\"Bonn\"" } },
	      1,
	      false,
	      true,
	      0,
	      NULL,
	      "[" ID("anonymous_id", "anon") "]",
	      "{\"city\":\"Bonn\"}" },
	    { CONTACT_KEEPS_ONE,
	      { { IDENTITY_ANONYMOUS_ID, "anon", L }, { PHONE, "1", A } },
	      { { 0 } },
	      1,
	      false,
	      true,
	      0,
	      NULL,
	      NULL,
	      NULL },
	    { CONTACT_KEEPS_ONE,
	      { { IDENTITY_ANONYMOUS_ID, "anon", L }, { PHONE, "1", WHO_DROP } },
	      { { 0 } },
	      0,
	      false,
	      false,
	      PROBLEM_ALTERNATIVES,
	      "",
	      NULL,
	      NULL } } },
	{ "nobody is made without a name",
	  { { CONTACT_KEEPS_ONE,
	      { { IDENTITY_ANONYMOUS_ID, "anon", MAKE } },
	      { { 0 } },
	      0,
	      false,
	      false,
	      PROBLEM_ALTERNATIVES,
	      "",
	      NULL,
	      NULL } } },
	{ "all that is not named goes",
	  { { 0,
	      { { EMAIL, "a@x.io", MAKE }, { PHONE, "1", A }, { EXTERNAL, "x", A } },
	      { { ATTRIBUTE_SET, "city", "1" }, { ATTRIBUTE_SET, "state", "2" } },
	      1,
	      true,
	      true,
	      0,
	      NULL,
	      NULL,
	      NULL },
	    { CONTACT_REPLACED,
	      { { EXTERNAL, "x", L | A }, { EMAIL, "b@x.io", A | X } },
	      { { ATTRIBUTE_SET, "state", "2" } },
	      1,
	      false,
	      true,
	      0,
	      NULL,
	      "[" ID("external_id", "x") "," ID("email", "b@x.io") "]",
	      "{\"email\":\"b@x.io\",\"state\":2}" },
	    { CONTACT_REPLACED,
	      { { EXTERNAL, "x", L | A }, { EMAIL, "b@x.io", A } },
	      { { ATTRIBUTE_SET, "state", "2" } },
	      1,
	      false,
	      false,
	      0,
	      NULL,
	      "[" ID("external_id", "x") "," ID("email", "b@x.io") "]",
	      "{\"email\":\"b@x.io\",\"state\":2}" },
	    { 0,
	      { { EMAIL, "a@x.io", MAKE | X }, { PHONE, "1", A | X } },
	      { { 0 } },
	      2,
	      true,
	      true,
	      0,
	      NULL,
	      NULL,
	      NULL } } },
	{ "the one that is shown gives way to another",
	  { { 0,
	      { { EXTERNAL, "x", MAKE }, { EMAIL, "w@x.io", A }, { EMAIL, "h@x.io", A } },
	      { { 0 } },
	      1,
	      true,
	      true,
	      0,
	      NULL,
	      NULL,
	      "{\"email\":\"w@x.io\"}" },
	    { 0,
	      { { EXTERNAL, "x", L }, { EMAIL, "h@x.io", R } },
	      { { 0 } },
	      1,
	      false,
	      true,
	      0,
	      NULL,
	      NULL,
	      "{\"email\":\"h@x.io\"}" },
	    { 0,
	      { { EXTERNAL, "x", L }, { EMAIL, "n@x.io", R } },
	      { { 0 } },
	      1,
	      false,
	      true,
	      0,
	      NULL,
	      "[" ID("external_id", "x") "," ID("email", "w@x.io") "," ID("email", "n@x.io") "]",
	      "{\"email\":\"n@x.io\"}" },
	    { 0,
	      { { EXTERNAL, "x", L }, { EMAIL, "w@x.io", R }, { EMAIL, "m@x.io", R } },
	      { { 0 } },
	      1,
	      false,
	      true,
	      0,
	      NULL,
	      "[" ID("external_id", "x") "," ID("email", "w@x.io") "," ID("email", "m@x.io") "]",
	      "{\"email\":\"w@x.io\"}" } } },
	{ "the first gives way where another is shown, or none",
	  { { 0,
	      { { EXTERNAL, "x", MAKE }, { PHONE, "1", A }, { PHONE, "2", A } },
	      { { ATTRIBUTE_SET, "phone", "\"9\"" } },
	      1,
	      true,
	      true,
	      0,
	      NULL,
	      NULL,
	      "{\"phone\":\"9\"}" },
	    { 0,
	      { { EXTERNAL, "x", L }, { PHONE, "3", R } },
	      { { ATTRIBUTE_REMOVE, "phone", "" } },
	      1,
	      false,
	      true,
	      0,
	      NULL,
	      "[" ID("external_id", "x") "," ID("phone", "2") "," ID("phone", "3") "]",
	      "{}" },
	    { 0,
	      { { EXTERNAL, "x", L }, { PHONE, "4", R } },
	      { { 0 } },
	      1,
	      false,
	      true,
	      0,
	      NULL,
	      "[" ID("external_id", "x") "," ID("phone", "3") "," ID("phone", "4") "]",
	      "{\"phone\":\"4\"}" } } },
	{ "what is left is shown in place of what goes",
	  { { 0,
	      { { EXTERNAL, "x", MAKE }, { EMAIL, "a@x.io", A }, { EMAIL, "B@x.io", A } },
	      { { 0 } },
	      1,
	      true,
	      true,
	      0,
	      NULL,
	      NULL,
	      "{\"email\":\"a@x.io\"}" },
	    { 0,
	      { { EXTERNAL, "x", L }, { EMAIL, "A@x.io", WHO_DROP } },
	      { { 0 } },
	      1,
	      false,
	      true,
	      0,
	      NULL,
	      "[" ID("external_id", "x") "," ID("email", "B@x.io") "]",
	      "{\"email\":\"B@x.io\"}" },
	    { 0,
	      { { EXTERNAL, "x", L }, { EMAIL, "c@x.io", WHO_ADD }, { EMAIL, "d@x.io", WHO_DROP } },
	      { { 0 } },
	      1,
	      false,
	      true,
	      0,
	      NULL,
	      "[" ID("external_id", "x") "," ID("email", "B@x.io") "," ID("email", "c@x.io") "]",
	      "{\"email\":\"B@x.io\"}" },
	    { 0,
	      { { EXTERNAL, "x", L },
		{ EMAIL, "b@x.io", WHO_DROP },
		{ EMAIL, "c@x.io", WHO_DROP } },
	      { { 0 } },
	      1,
	      false,
	      true,
	      0,
	      NULL,
	      "[" ID("external_id", "x") "]",
	      "{}" } } },
	{ "what the contact has is shown when it comes again and nothing is",
	  { { 0,
	      { { EXTERNAL, "x", MAKE }, { EMAIL, "a@x.io", A } },
	      { { ATTRIBUTE_REMOVE, "email", "" } },
	      1,
	      true,
	      true,
	      0,
	      NULL,
	      NULL,
	      "{}" },
	    { 0,
	      { { EXTERNAL, "x", L }, { EMAIL, "A@x.io", A } },
	      { { 0 } },
	      1,
	      false,
	      false,
	      0,
	      NULL,
	      NULL,
	      "{}" },
	    { 0,
	      { { EXTERNAL, "x", L }, { EMAIL, "A@x.io", WHO_ADD } },
	      { { 0 } },
	      1,
	      false,
	      true,
	      0,
	      NULL,
	      "[" ID("external_id", "x") "," ID("email", "a@x.io") "]",
	      "{\"email\":\"a@x.io\"}" },
	    { 0,
	      { { EXTERNAL, "x", L }, { EMAIL, "A@x.io", WHO_ADD } },
	      { { 0 } },
	      1,
	      false,
	      false,
	      0,
	      NULL,
	      NULL,
	      "{\"email\":\"a@x.io\"}" } } },
	{ "what stays is as it is stored, and shown",
	  { { 0,
	      { { EXTERNAL, "x", MAKE },
		{ EMAIL, "a@x.io", A },
		{ EMAIL, "b@x.io", A },
		{ PHONE, "1", A } },
	      { { ATTRIBUTE_SET, "email", "\"o@x.io\"" } },
	      1,
	      true,
	      true,
	      0,
	      NULL,
	      NULL,
	      "{\"email\":\"o@x.io\",\"phone\":\"1\"}" },
	    { CONTACT_REPLACED,
	      { { EMAIL, " B@x.io\t", L | WHO_STAYS } },
	      { { 0 } },
	      1,
	      false,
	      true,
	      0,
	      NULL,
	      "[" ID("email", "b@x.io") "]",
	      "{\"email\":\"b@x.io\"}" },
	    { CONTACT_REPLACED,
	      { { EMAIL, "B@x.io", L | WHO_STAYS } },
	      { { 0 } },
	      1,
	      false,
	      false,
	      0,
	      NULL,
	      "[" ID("email", "b@x.io") "]",
	      "{\"email\":\"b@x.io\"}" },
	    { 0,
	      { { EMAIL, "B@x.io", L | WHO_STAYS }, { PHONE, "2", WHO_STAYS } },
	      { { 0 } },
	      1,
	      false,
	      false,
	      0,
	      NULL,
	      "[" ID("email", "b@x.io") "]",
	      "{\"email\":\"b@x.io\"}" } } },
	{ "items are taken out of a list",
	  { { 0,
	      { { EMAIL, "a@x.io", MAKE } },
	      { { ATTRIBUTE_SET, "tags", "[\"a\",1,\"b\",\"a\",{\"x\":1}]" } },
	      1,
	      true,
	      true,
	      0,
	      NULL,
	      NULL,
	      NULL },
	    { 0,
	      { { EMAIL, "a@x.io", L } },
	      { { ATTRIBUTE_WITHOUT, "tags", "[\"a\",\"c\",{\"x\":1}]" },
		{ ATTRIBUTE_WITHOUT, "none", "[1]" },
		{ ATTRIBUTE_WITHOUT, "email", "[\"a@x.io\"]" } },
	      1,
	      false,
	      true,
	      0,
	      NULL,
	      NULL,
	      "{\"email\":\"a@x.io\",\"tags\":[1,\"b\"]}" },
	    { 0,
	      { { EMAIL, "a@x.io", L } },
	      { { ATTRIBUTE_WITHOUT, "tags", "[\"a\"]" } },
	      1,
	      false,
	      false,
	      0,
	      NULL,
	      NULL,
	      "{\"email\":\"a@x.io\",\"tags\":[1,\"b\"]}" },
	    { 0,
	      { { EMAIL, "a@x.io", L } },
	      { { ATTRIBUTE_WITHOUT, "tags", "[1,\"b\"]" } },
	      1,
	      false,
	      true,
	      0,
	      NULL,
	      NULL,
	      "{\"email\":\"a@x.io\",\"tags\":[]}" } } },
};

static struct op make_op(struct fixture *f, const struct step *step)
{
	struct op op = fixture_op(f, "-");
	struct who *who = arena_array(&f->arena, struct who, ARRAY_LEN(step->who));
	struct attribute_change *changes =
		arena_array(&f->arena, struct attribute_change, ARRAY_LEN(step->changes));
	assert_true(who && changes);
	op.kind = OP_CONTACT;
	op.rules = step->rules;
	op.wants_view = true;
	op.who = who;
	op.changes = changes;
	for (op.n_who = 0; op.n_who < ARRAY_LEN(step->who) && step->who[op.n_who].value; op.n_who++)
		who[op.n_who] = fixture_who(f, step->who[op.n_who].kind, step->who[op.n_who].value,
					    step->who[op.n_who].use);
	while (op.n_changes < ARRAY_LEN(step->changes) && step->changes[op.n_changes].name) {
		changes[op.n_changes] = (struct attribute_change){
			.verb = step->changes[op.n_changes].verb,
			.name = str_of(step->changes[op.n_changes].name),
			.json = str_of(step->changes[op.n_changes].json),
		};
		op.n_changes++;
	}
	return op;
}

static void expect_refused(struct fixture *f, const struct step *step, const struct op *op)
{
	(void)f;
	assert_non_null(op->problems);
	assert_int_equal(op->problems->list[0].code, step->problem);
	assert_str(op->problems->list[0].path, step->path);
}

/* What the operation says of the contact is what a reader sees. */
static void expect_view(struct fixture *f, const struct step *step, const struct op *op)
{
	char text[24];
	snprintf(text, sizeof(text), "%llu", (unsigned long long)op->contact);
	struct contact_view seen = fixture_contact(f, 1, IDENTITY_NUMBER, text);
	assert_int_equal(op->view.number, seen.number);
	assert_true(uuid_eq(op->view.id, seen.id));
	assert_true(str_eq(op->view.identities, seen.identities));
	assert_true(str_eq(op->view.attributes, seen.attributes));
	assert_int_equal(op->view.created_at, seen.created_at);
	assert_int_equal(op->view.updated_at, seen.updated_at);
	assert_int_equal(op->view.event_count, seen.event_count);
	assert_int_equal(op->view.last_event_at, seen.last_event_at);
	if (step->identities)
		assert_str(op->view.identities, step->identities);
	if (step->attributes)
		assert_str(op->view.attributes, step->attributes);
}

static void run_step(struct fixture *f, const struct step *step)
{
	struct op check = make_op(f, step), op = make_op(f, step);
	uint64_t before = fixture_fingerprint(f);
	clock_us += US_PER_S;
	check.wants_view = false;
	assert_done(store_begin(f->store));
	assert_int_equal(store_check(f->store, &check), step->contact ? STORE_OK : STORE_REFUSED);
	assert_done(store_commit(f->store));
	assert_int_equal(fixture_fingerprint(f), before);
	assert_int_equal(fixture_apply(f, &op), step->contact ? STORE_OK : STORE_REFUSED);
	if (!step->contact) {
		assert_int_equal(fixture_fingerprint(f), before);
		return expect_refused(f, step, &op);
	}
	assert_int_equal(op.contact, step->contact);
	assert_int_equal(op.created, step->created);
	assert_int_equal(op.changed, step->changed);
	assert_int_equal(fixture_fingerprint(f) != before, step->changed);
	expect_view(f, step, &op);
}

static void contacts_change_as_the_rules_say(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct fixture f;
		print_message("%s\n", cases[i].name);
		fixture_begin(&f);
		fixture_provision(&f);
		for (size_t k = 0; k < 4 && cases[i].steps[k].who[0].value; k++)
			run_step(&f, &cases[i].steps[k]);
		fixture_end(&f);
	}
}

/* The view counts the event that the operation itself is, and those before it. */
static void a_view_counts_events(void **state)
{
	struct fixture f;
	const struct step plain = { .who = { { EMAIL, "a@x.io", MAKE } } };
	(void)state;
	fixture_begin(&f);
	fixture_provision(&f);
	for (unsigned i = 1; i <= 3; i++) {
		struct op event = fixture_op(&f, "a@x.io"), op = make_op(&f, &plain);
		event.wants_view = true;
		clock_us += US_PER_S;
		assert_int_equal(fixture_apply(&f, &event), STORE_OK);
		assert_int_equal(event.created, i == 1);
		assert_int_equal(event.view.event_count, i);
		assert_int_equal(event.view.last_event_at, event.received_at);
		expect_view(&f, &plain, &event);
		assert_int_equal(fixture_apply(&f, &op), STORE_OK);
		assert_int_equal(op.view.event_count, i);
		assert_int_equal(op.view.last_event_at, event.received_at);
	}
	fixture_end(&f);
}

/* After a change by other means a report that comes again is looked at again. */
static void a_report_after_a_loss_counts(void **state)
{
	struct fixture f;
	const struct step loss = { .who = { { EXTERNAL, "x", L }, { EMAIL, "", WHO_DROP_KIND } } };
	(void)state;
	fixture_begin(&f);
	fixture_provision(&f);
	for (int round = 0; round < 3; round++) {
		struct op event = fixture_op(&f, "a@x.io"), op = make_op(&f, &loss);
		struct who who[] = { fixture_who(&f, EXTERNAL, "x", MAKE),
				     fixture_who(&f, EMAIL, "a@x.io", A) };
		event.who = who;
		event.n_who = 2;
		assert_int_equal(fixture_apply(&f, &event), STORE_OK);
		assert_int_equal(fixture_contact(&f, 1, EMAIL, "a@x.io").number, 1);
		assert_int_equal(fixture_apply(&f, &op), STORE_OK);
		assert_int_equal(fixture_contact(&f, 1, EMAIL, "a@x.io").number, 0);
	}
	fixture_end(&f);
}

static void contacts_are_listed_both_ways(void **state)
{
	static const struct {
		uint64_t before, after;
		unsigned limit, n;
		uint64_t first;
		bool more;
	} pages[] = {
		{ 0, 0, 10, 5, 5, false }, { 0, 0, 2, 2, 5, true },
		{ 4, 0, 2, 2, 3, true },   { 3, 0, 2, 2, 2, false },
		{ 1, 0, 2, 0, 0, false },  { 0, 1, 2, 2, 3, true },
		{ 0, 3, 2, 2, 5, false },  { 0, 5, 2, 0, 0, false },
		{ 5, 1, 9, 3, 4, false },  { 0, UINT64_MAX, 2, 0, 0, false },
	};
	struct fixture f;
	(void)state;
	fixture_begin(&f);
	fixture_provision(&f);
	for (unsigned i = 0; i < 5; i++) {
		char email[20];
		snprintf(email, sizeof(email), "%u@x.io", i);
		struct op op = fixture_op(&f, email);
		assert_int_equal(fixture_apply(&f, &op), STORE_OK);
	}
	for (size_t i = 0; i < ARRAY_LEN(pages); i++) {
		struct contact_view *rows;
		unsigned n;
		bool more;
		const struct contact_query q = { .workspace = 1,
						 .before = pages[i].before,
						 .after = pages[i].after,
						 .limit = pages[i].limit };
		print_message("page %zu\n", i);
		assert_done(store_read_contacts(f.reader, &f.arena, &q, &rows, &n, &more));
		assert_int_equal(n, pages[i].n);
		assert_int_equal(more, pages[i].more);
		for (unsigned k = 0; k < n; k++)
			assert_int_equal(rows[k].number, pages[i].first - k);
	}
	fixture_end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(contacts_change_as_the_rules_say),
		cmocka_unit_test(a_view_counts_events),
		cmocka_unit_test(a_report_after_a_loss_counts),
		cmocka_unit_test(contacts_are_listed_both_ways),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
