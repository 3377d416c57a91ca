/*
 * What reports do to contacts: who is found, who is made, which identities and attributes they
 * take. Each case is a few reports in a fresh store and the contacts they leave behind.
 */
#include "fixture.h"

#define EMAIL    IDENTITY_EMAIL
#define PHONE    IDENTITY_PHONE
#define EXTERNAL IDENTITY_EXTERNAL_ID
#define L        WHO_LOOKUP
#define C        WHO_CREATES
#define A        WHO_ADOPT
#define R        WHO_REPLACE
#define S        WHO_SHARED
#define K        WHO_CLAIMS

#define SET    ATTRIBUTE_SET
#define REMOVE ATTRIBUTE_REMOVE
#define UNION  ATTRIBUTE_UNION
#define RECORD ATTRIBUTE_RECORD

struct case_who {
	enum identity_kind kind;
	const char *value; /* NULL ends the list */
	unsigned use;
};

struct case_change {
	enum attribute_verb verb;
	bool custom;
	const char *name, *json; /* name NULL ends the list */
};

struct case_report {
	struct case_who who[4];
	struct case_change changes[4];
	uint64_t contact;          /* that it reaches; 0: refused */
	enum problem_code problem; /* when refused */
};

struct case_contact {
	const char *identities, *attributes;
};

static const struct contact_case {
	const char *name;
	struct case_report reports[5];
	struct case_contact contacts[3]; /* by number, from 1 */
} cases[] = {
	{ "a new contact takes what it may",
	  { { { { EXTERNAL, "x1", L | A },
		{ EMAIL, "Ann@x.io", L | C | R },
		{ PHONE, "+49 151", L } },
	      { { 0 } },
	      1,
	      0 } },
	  { { "[{\"kind\":\"external_id\",\"value\":\"x1\"},{\"kind\":\"email\",\"value\":\"Ann@x."
	      "io\"}]",
	      "{\"email\":\"Ann@x.io\"}" } } },
	{ "nothing matches and nothing may create",
	  { { { { EMAIL, "a@x.io", L | A } }, { { 0 } }, 0, PROBLEM_UNKNOWN_CONTACT },
	    { { { EMAIL, "a@x.io", L | A } },
	      { { SET, false, "city", "\"Bonn\"" } },
	      0,
	      PROBLEM_UNKNOWN_CONTACT } },
	  { { NULL, NULL } } },
	{ "the first look-up that matches wins",
	  { { { { EMAIL, "a@x.io", L | C | A } }, { { 0 } }, 1, 0 },
	    { { { PHONE, "1", L | C | A } }, { { 0 } }, 2, 0 },
	    { { { PHONE, "+1", L }, { EMAIL, "a@x.io", L } }, { { 0 } }, 2, 0 },
	    { { { EXTERNAL, "no", L }, { EMAIL, "A@X.io", L }, { PHONE, "1", L } },
	      { { 0 } },
	      1,
	      0 } },
	  { { "[{\"kind\":\"email\",\"value\":\"a@x.io\"}]", "{\"email\":\"a@x.io\"}" },
	    { "[{\"kind\":\"phone\",\"value\":\"1\"}]", "{\"phone\":\"1\"}" } } },
	{ "what is not for look-up does not find",
	  { { { { EXTERNAL, "x1", L | C | A }, { EMAIL, "a@x.io", A } }, { { 0 } }, 1, 0 },
	    { { { EXTERNAL, "x2", L | C | A }, { EMAIL, "a@x.io", A } }, { { 0 } }, 2, 0 } },
	  { { "[{\"kind\":\"external_id\",\"value\":\"x1\"},{\"kind\":\"email\",\"value\":\"a@x."
	      "io\"}]",
	      "{\"email\":\"a@x.io\"}" },
	    { "[{\"kind\":\"external_id\",\"value\":\"x2\"}]", "{}" } } },
	{ "an adopted identity fills a gap and replaces nothing",
	  { { { { EXTERNAL, "x1", L | C | A } }, { { 0 } }, 1, 0 },
	    { { { EXTERNAL, "x1", L }, { EMAIL, "a@x.io", A } }, { { 0 } }, 1, 0 },
	    { { { EXTERNAL, "x1", L }, { EMAIL, "b@x.io", A } }, { { 0 } }, 1, 0 },
	    { { { EMAIL, "b@x.io", L } }, { { 0 } }, 0, PROBLEM_UNKNOWN_CONTACT } },
	  { { "[{\"kind\":\"external_id\",\"value\":\"x1\"},{\"kind\":\"email\",\"value\":\"a@x."
	      "io\"}]",
	      "{\"email\":\"a@x.io\"}" } } },
	{ "a replacing identity frees the one before",
	  { { { { EXTERNAL, "x1", L | C | A }, { EMAIL, "a@x.io", R } }, { { 0 } }, 1, 0 },
	    { { { EXTERNAL, "x1", L }, { EMAIL, "b@x.io", R } }, { { 0 } }, 1, 0 },
	    { { { EMAIL, "a@x.io", L | C | A } }, { { 0 } }, 2, 0 },
	    { { { EMAIL, "b@x.io", L } }, { { 0 } }, 1, 0 } },
	  { { "[{\"kind\":\"external_id\",\"value\":\"x1\"},{\"kind\":\"email\",\"value\":\"b@x."
	      "io\"}]",
	      "{\"email\":\"b@x.io\"}" },
	    { "[{\"kind\":\"email\",\"value\":\"a@x.io\"}]", "{\"email\":\"a@x.io\"}" } } },
	{ "the first owner keeps an identity, the second the attribute where it is shared",
	  { { { { EXTERNAL, "x1", L | C | A }, { EMAIL, "a@x.io", R | S } }, { { 0 } }, 1, 0 },
	    { { { EXTERNAL, "x2", L | C | A }, { EMAIL, "a@x.io", R | S } }, { { 0 } }, 2, 0 },
	    { { { EXTERNAL, "x3", L | C | A }, { EMAIL, "a@x.io", R } }, { { 0 } }, 3, 0 },
	    { { { EMAIL, "a@x.io", L } }, { { 0 } }, 1, 0 } },
	  { { "[{\"kind\":\"external_id\",\"value\":\"x1\"},{\"kind\":\"email\",\"value\":\"a@x."
	      "io\"}]",
	      "{\"email\":\"a@x.io\"}" },
	    { "[{\"kind\":\"external_id\",\"value\":\"x2\"}]", "{\"email\":\"a@x.io\"}" },
	    { "[{\"kind\":\"external_id\",\"value\":\"x3\"}]", "{}" } } },
	{ "a contact without an id of that kind is claimed, once",
	  { { { { EMAIL, "a@x.io", L | C | A } }, { { 0 } }, 1, 0 },
	    { { { EXTERNAL, "x1", L | A }, { EMAIL, "a@x.io", C | R | K } }, { { 0 } }, 1, 0 },
	    { { { EXTERNAL, "x2", L | A }, { EMAIL, "a@x.io", C | R | K } }, { { 0 } }, 2, 0 },
	    { { { EXTERNAL, "x1", L | A }, { EMAIL, "a@x.io", C | R | K } }, { { 0 } }, 1, 0 } },
	  { { "[{\"kind\":\"email\",\"value\":\"a@x.io\"},{\"kind\":\"external_id\",\"value\":"
	      "\"x1\"}]",
	      "{\"email\":\"a@x.io\"}" },
	    { "[{\"kind\":\"external_id\",\"value\":\"x2\"}]", "{}" } } },
	{ "a claim goes on where the first may not be claimed",
	  { { { { EXTERNAL, "x1", L | C | A }, { EMAIL, "a@x.io", R } }, { { 0 } }, 1, 0 },
	    { { { PHONE, "1", L | C | A } }, { { 0 } }, 2, 0 },
	    { { { EXTERNAL, "x2", L | A },
		{ EMAIL, "a@x.io", C | R | S | K },
		{ PHONE, "1", C | R | S | K } },
	      { { 0 } },
	      2,
	      0 },
	    { { { EXTERNAL, "x3", L | A },
		{ EMAIL, "a@x.io", C | R | K },
		{ PHONE, "1", C | R | K } },
	      { { 0 } },
	      3,
	      0 } },
	  { { "[{\"kind\":\"external_id\",\"value\":\"x1\"},{\"kind\":\"email\",\"value\":\"a@x."
	      "io\"}]",
	      "{\"email\":\"a@x.io\"}" },
	    { "[{\"kind\":\"phone\",\"value\":\"1\"},{\"kind\":\"external_id\",\"value\":"
	      "\"x2\"}]",
	      "{\"phone\":\"1\",\"email\":\"a@x.io\"}" },
	    { "[{\"kind\":\"external_id\",\"value\":\"x3\"}]", "{}" } } },
	{ "an external id that is a UUID is one in either letter case, another id is not",
	  { { { { EXTERNAL, "3F2504E0-4F89-41D3-9A0C-0305E82C3301", L | C | A } },
	      { { 0 } },
	      1,
	      0 },
	    { { { EXTERNAL, "3f2504e0-4f89-41d3-9a0c-0305e82c3301", L | C | A } },
	      { { 0 } },
	      1,
	      0 },
	    { { { EXTERNAL, "X1", L | C | A } }, { { 0 } }, 2, 0 },
	    { { { EXTERNAL, "x1", L | C | A } }, { { 0 } }, 3, 0 } },
	  { { "[{\"kind\":\"external_id\",\"value\":\"3F2504E0-4F89-41D3-9A0C-0305E82C3301\"}]",
	      "{}" },
	    { "[{\"kind\":\"external_id\",\"value\":\"X1\"}]", "{}" },
	    { "[{\"kind\":\"external_id\",\"value\":\"x1\"}]", "{}" } } },
	{ "a look-up that matches goes before a claim",
	  { { { { EMAIL, "a@x.io", L | C | A } }, { { 0 } }, 1, 0 },
	    { { { EXTERNAL, "x1", L | C | A } }, { { 0 } }, 2, 0 },
	    { { { EXTERNAL, "x1", L | A }, { EMAIL, "a@x.io", C | R | K } }, { { 0 } }, 2, 0 } },
	  { { "[{\"kind\":\"email\",\"value\":\"a@x.io\"}]", "{\"email\":\"a@x.io\"}" },
	    { "[{\"kind\":\"external_id\",\"value\":\"x1\"}]", "{}" } } },
	{ "what was denied is taken once it is free",
	  { { { { EXTERNAL, "x1", L | C | A }, { EMAIL, "a@x.io", R } }, { { 0 } }, 1, 0 },
	    { { { EXTERNAL, "x2", L | C | A }, { EMAIL, "a@x.io", A } }, { { 0 } }, 2, 0 },
	    { { { EXTERNAL, "x1", L }, { EMAIL, "b@x.io", R } }, { { 0 } }, 1, 0 },
	    { { { EXTERNAL, "x2", L | C | A }, { EMAIL, "a@x.io", A } }, { { 0 } }, 2, 0 },
	    { { { EMAIL, "a@x.io", L } }, { { 0 } }, 2, 0 } },
	  { { "[{\"kind\":\"external_id\",\"value\":\"x1\"},{\"kind\":\"email\",\"value\":\"b@x."
	      "io\"}]",
	      "{\"email\":\"b@x.io\"}" },
	    { "[{\"kind\":\"external_id\",\"value\":\"x2\"},{\"kind\":\"email\",\"value\":\"a@x."
	      "io\"}]",
	      "{\"email\":\"a@x.io\"}" } } },
	{ "the same identity in other letters is restated by R only",
	  { { { { EMAIL, "ann@x.io", L | C | A } }, { { 0 } }, 1, 0 },
	    { { { EMAIL, "ANN@x.io", L | A } }, { { 0 } }, 1, 0 },
	    { { { EMAIL, "Ann@x.io", L | R } }, { { 0 } }, 1, 0 } },
	  { { "[{\"kind\":\"email\",\"value\":\"Ann@x.io\"}]", "{\"email\":\"Ann@x.io\"}" } } },
	{ "several of a kind: a new contact takes all, the first is the attribute",
	  { { { { EMAIL, "a@x.io", L | C | R }, { EMAIL, "b@x.io", R }, { EMAIL, "A@x.io", R } },
	      { { 0 } },
	      1,
	      0 },
	    { { { EMAIL, "b@x.io", L } }, { { 0 } }, 1, 0 },
	    { { { EMAIL, "a@x.io", L | R }, { EMAIL, "c@x.io", R } }, { { 0 } }, 1, 0 } },
	  { { "[{\"kind\":\"email\",\"value\":\"a@x.io\"},{\"kind\":\"email\",\"value\":\"c@x.io\"}"
	      "]",
	      "{\"email\":\"a@x.io\"}" } } },
	{ "attributes are set, removed, united and recorded in order",
	  { { { { EMAIL, "a@x.io", L | C } },
	      { { SET, false, "city", "\"Bonn\"" },
		{ UNION, false, "tags", "[\"a\",\"b\",\"a\"]" },
		{ SET, true, "size", "4" },
		{ RECORD, true, "log", "[1]" } },
	      1,
	      0 },
	    { { { EMAIL, "a@x.io", L | C } }, { { 0 } }, 2, 0 } },
	  { { "[]",
	      "{\"city\":\"Bonn\",\"tags\":[\"a\",\"b\"],\"custom\":{\"size\":4,\"log\":[1]}}" },
	    { "[]", "{}" } } },
	{ "changes build on what is there",
	  { { { { EMAIL, "a@x.io", L | C | A } },
	      { { SET, false, "city", "\"Bonn\"" },
		{ UNION, false, "tags", "[\"a\",{\"k\":1}]" },
		{ SET, true, "size", "4" },
		{ RECORD, true, "log", "[1]" } },
	      1,
	      0 },
	    { { { EMAIL, "a@x.io", L } },
	      { { REMOVE, false, "city", "" },
		{ UNION, false, "tags", "[{\"k\":1},\"c\"]" },
		{ REMOVE, true, "size", "" },
		{ RECORD, true, "log", "[1,2]" } },
	      1,
	      0 },
	    { { { EMAIL, "a@x.io", L } },
	      { { REMOVE, false, "city", "" },
		{ UNION, false, "tags", "[{\"k\":1},\"c\"]" },
		{ REMOVE, true, "size", "" },
		{ RECORD, true, "log", "[3,2]" } },
	      1,
	      0 } },
	  { { "[{\"kind\":\"email\",\"value\":\"a@x.io\"}]",
	      "{\"email\":\"a@x.io\",\"tags\":[\"a\",{\"k\":1},\"c\"],\"custom\":{\"log\":[1,2,3]}"
	      "}" } } },
	{ "the later of two states stays, whichever comes last",
	  { { { { EMAIL, "a@x.io", L | C } },
	      { { SET, false, "other", "7" },
		{ ATTRIBUTE_NEWER, false, "state", "{\"s\":1,\"at\":\"2026-02-01\"}" },
		{ ATTRIBUTE_NEWER, false, "state", "{\"s\":2,\"at\":\"2026-01-31\"}" },
		{ ATTRIBUTE_NEWER, false, "other", "{\"s\":3,\"at\":\"2026-01-31\"}" } },
	      1,
	      0 },
	    { { { EMAIL, "b@x.io", L | C } },
	      { { ATTRIBUTE_NEWER, false, "state", "{\"s\":1,\"at\":\"2026-02-01\"}" },
		{ ATTRIBUTE_NEWER, false, "state", "{\"s\":2,\"at\":\"2026-02-01\"}" } },
	      2,
	      0 } },
	  { { "[]", "{\"other\":{\"s\":3,\"at\":\"2026-01-31\"},"
		    "\"state\":{\"s\":1,\"at\":\"2026-02-01\"}}" },
	    { "[]", "{\"state\":{\"s\":2,\"at\":\"2026-02-01\"}}" } } },
	{ "what is said now counts, and its instant never goes back",
	  { { { { EMAIL, "a@x.io", L | C } },
	      { { SET, false, "other", "7" },
		{ ATTRIBUTE_NEWER, false, "state", "{\"s\":1,\"at\":\"2026-02-01\"}" },
		{ ATTRIBUTE_NOW, false, "state", "{\"s\":2,\"at\":\"2026-01-31\",\"k\":[]}" },
		{ ATTRIBUTE_NOW, false, "other", "{\"s\":3,\"at\":\"2026-01-31\"}" } },
	      1,
	      0 },
	    { { { EMAIL, "b@x.io", L | C } },
	      { { ATTRIBUTE_NOW, false, "state", "{\"s\":1,\"at\":\"2026-02-01\"}" },
		{ ATTRIBUTE_NEWER, false, "state", "{\"s\":2,\"at\":\"2026-01-31\"}" },
		{ ATTRIBUTE_NOW, false, "state", "{\"s\":3,\"at\":\"2026-02-02\"}" } },
	      2,
	      0 } },
	  { { "[]", "{\"other\":{\"s\":3,\"at\":\"2026-01-31\"},"
		    "\"state\":{\"s\":2,\"at\":\"2026-02-01\",\"k\":[]}}" },
	    { "[]", "{\"state\":{\"s\":3,\"at\":\"2026-02-02\"}}" } } },
	{ "custom and built-in attributes of one name are two",
	  { { { { EMAIL, "a@x.io", L | C | A } },
	      { { SET, true, "email", "1" }, { SET, true, "custom", "2" } },
	      1,
	      0 } },
	  { { "[{\"kind\":\"email\",\"value\":\"a@x.io\"}]",
	      "{\"email\":\"a@x.io\",\"custom\":{\"email\":1,\"custom\":2}}" } } },
};

static struct op make_op(struct fixture *f, const struct case_report *r)
{
	struct op op = fixture_op(f, "unused@x.io");
	struct who *who = arena_array(&f->arena, struct who, 4);
	struct attribute_change *changes = arena_array(&f->arena, struct attribute_change, 4);
	op.n_who = 0;
	for (size_t i = 0; i < 4 && r->who[i].value; i++)
		who[op.n_who++] = fixture_who(f, r->who[i].kind, r->who[i].value, r->who[i].use);
	for (size_t i = 0; i < 4 && r->changes[i].name; i++)
		changes[op.n_changes++] =
			(struct attribute_change){ r->changes[i].verb, r->changes[i].custom,
						   str_of(r->changes[i].name),
						   .json = str_of(r->changes[i].json) };
	op.who = who;
	op.changes = changes;
	return op;
}

static void apply_report(struct fixture *f, const struct case_report *r)
{
	struct op op = make_op(f, r);
	int got = store_apply(f->store, &op);
	assert_int_equal(got, r->contact ? STORE_OK : STORE_REFUSED);
	if (got == STORE_OK)
		assert_int_equal(op.contact, r->contact);
	else
		assert_int_equal(op.problems->list[0].code, r->problem);
}

static void check_contacts(struct fixture *f, const struct contact_case *c)
{
	for (unsigned i = 0; i < ARRAY_LEN(c->contacts); i++) {
		char number[4];
		snprintf(number, sizeof(number), "%u", i + 1);
		struct contact_view row = fixture_contact(f, 1, IDENTITY_NUMBER, number);
		if (!c->contacts[i].identities) {
			assert_int_equal(row.number, 0);
			continue;
		}
		assert_int_equal(row.number, i + 1);
		assert_str(row.identities, c->contacts[i].identities);
		assert_str(row.attributes, c->contacts[i].attributes);
	}
}

/* Each report in a batch of its own, or all in one: the outcome is the same. */
static void run_case(const struct contact_case *c, bool one_batch)
{
	struct fixture f;
	print_message("%s (%s)\n", c->name, one_batch ? "one batch" : "batches");
	fixture_begin(&f);
	fixture_provision(&f);
	if (one_batch)
		assert_done(store_begin(f.store));
	for (size_t i = 0; i < ARRAY_LEN(c->reports) && c->reports[i].who[0].value; i++) {
		if (!one_batch)
			assert_done(store_begin(f.store));
		apply_report(&f, &c->reports[i]);
		if (!one_batch)
			assert_done(store_commit(f.store));
	}
	if (one_batch)
		assert_done(store_commit(f.store));
	check_contacts(&f, c);
	fixture_end(&f);
}

static void reports_leave_the_contacts_they_should(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		run_case(&cases[i], false);
		run_case(&cases[i], true);
	}
}

/* A report that changes nothing does not touch the row; one that only orders differently neither.
 */
static void row_is_rewritten_only_for_a_change(void **state)
{
	static const struct {
		const char *json;
		bool rewritten;
	} steps[] = {
		{ "{\"a\":1,\"b\":[1,{\"x\":null}]}", true },
		{ "{\"a\":1,\"b\":[1,{\"x\":null}]}", false },
		{ "{\"b\":[1,{\"x\":null}],\"a\":1}", false },
		{ "{\"b\":[{\"x\":null},1],\"a\":1}", true },
		{ "{\"b\":[{\"x\":null},1],\"a\":2}", true },
		{ "{\"b\":[{\"x\":null},1],\"a\":2,\"c\":true}", true },
		{ "\"text\"", true },
		{ "\"t\\u0065xt\"", false },
		{ "true", true },
		{ "false", true },
		{ "false", false },
		{ "1", true },
		{ "1.0", true }, /* the text that was sent is what is shown */
	};
	struct fixture f;
	(void)state;
	fixture_begin(&f);
	fixture_provision(&f);
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		const struct attribute_change change = { SET, false, STR("address"),
							 .json = str_of(steps[i].json) };
		struct op op = fixture_op(&f, "a@x.io");
		op.changes = &change;
		op.n_changes = 1;
		clock_us += US_PER_S;
		assert_int_equal(fixture_apply(&f, &op), STORE_OK);
		struct contact_view row = fixture_contact(&f, 1, IDENTITY_EMAIL, "a@x.io");
		if (steps[i].rewritten != (row.updated_at == clock_us))
			print_error("step %zu: %s\n", i, steps[i].json);
		assert_int_equal(row.updated_at == clock_us, steps[i].rewritten);
		assert_int_equal(row.event_count, i + 1);
	}
	fixture_end(&f);
}

static void outward_ids_find_within_their_workspace(void **state)
{
	struct fixture f;
	char uuid[UUID_TEXT + 1], upper[UUID_TEXT + 1];
	(void)state;
	fixture_begin(&f);
	fixture_provision(&f);
	struct op first = fixture_op(&f, "a@x.io");
	assert_int_equal(fixture_apply(&f, &first), STORE_OK);
	struct contact_view row = fixture_contact(&f, 1, IDENTITY_EMAIL, "a@x.io");
	uuid_text(row.id, uuid);
	uuid_text_upper(row.id, upper);
	char hex[25];
	snprintf(hex, sizeof(hex), "%08x%s", (unsigned)(clock_us / US_PER_S), "17fb89ee9dcab42a");

	const struct {
		uint32_t workspace;
		enum identity_kind kind;
		const char *value;
		bool found;
	} lookups[] = {
		{ 1, IDENTITY_UUID, uuid, true },
		{ 1, IDENTITY_UUID, upper, true },
		{ 1, IDENTITY_NUMBER, "1", true },
		{ 1, IDENTITY_NUMBER, "01", true },
		{ 1, IDENTITY_HEX, hex, true },
		{ 2, IDENTITY_UUID, uuid, false },
		{ 2, IDENTITY_NUMBER, "1", false },
		{ 2, IDENTITY_HEX, hex, false },
		{ 1, IDENTITY_UUID, "00000000-0000-4000-8000-000000000000", false },
		{ 1, IDENTITY_UUID, "not a uuid", false },
		{ 1, IDENTITY_NUMBER, "0", false },
		{ 1, IDENTITY_NUMBER, "2", false },
		{ 1, IDENTITY_NUMBER, "-1", false },
		{ 1, IDENTITY_NUMBER, "18446744073709551615", false },
		{ 1, IDENTITY_NUMBER, "99999999999999999999999", false },
		{ 1, IDENTITY_HEX, "0000000017fb89ee9dcab42a", false }, /* another second */
		{ 1, IDENTITY_HEX, "ffffffffffffffffffffffff", false },
		{ 1, IDENTITY_HEX, "", false },
	};
	for (unsigned twice = 0; twice < 2; twice++) {
		for (size_t i = 0; i < ARRAY_LEN(lookups); i++) {
			const struct who who = {
				lookups[i].kind, WHO_LOOKUP, str_of(lookups[i].value), { 0 }
			};
			struct op op = fixture_op(&f, "unused@x.io");
			op.workspace = lookups[i].workspace;
			op.definition = lookups[i].workspace == 1 ? op.definition : 0;
			op.definition_name = STR("inferred");
			op.who = &who;
			int want = lookups[i].found ? STORE_OK : STORE_REFUSED;
			if (fixture_apply(&f, &op) != want)
				fail_msg("look-up %zu: %s", i, lookups[i].value);
			row = fixture_contact(&f, lookups[i].workspace, lookups[i].kind,
					      lookups[i].value);
			assert_int_equal(row.number, lookups[i].found);
		}
	}
	fixture_end(&f);
}

static void contacts_of_workspaces_are_apart(void **state)
{
	struct fixture f;
	(void)state;
	fixture_begin(&f);
	fixture_provision(&f);
	struct op one = fixture_op(&f, "a@x.io"), two = fixture_op(&f, "a@x.io");
	two.workspace = 2;
	two.definition = 0;
	two.definition_name = STR("purchase");
	assert_int_equal(fixture_apply(&f, &one), STORE_OK);
	assert_int_equal(fixture_apply(&f, &two), STORE_OK);
	assert_int_not_equal(one.contact, two.contact);
	assert_int_equal(fixture_contact(&f, 1, EMAIL, "a@x.io").number, one.contact);
	assert_int_equal(fixture_contact(&f, 2, EMAIL, "a@x.io").number, two.contact);
	fixture_end(&f);
}

/* That there is no memory to look for somebody is not to say that there is nobody. */
static void no_memory_is_not_nobody(void **state)
{
	static const struct {
		enum identity_kind kind;
		const char *value;
		int outcome;
	} asks[] = {
		{ EMAIL, "A@x.io", -ENOMEM },    { PHONE, "+1", -ENOMEM },
		{ EMAIL, "b@x.io", STORE_NONE }, { EMAIL, " ", STORE_NONE },
		{ PHONE, "none", STORE_NONE },   { EXTERNAL, "", STORE_NONE },
		{ EXTERNAL, "x1", STORE_NONE },
	};
	struct fixture f;
	struct arena none;
	(void)state;
	fixture_begin(&f);
	fixture_provision(&f);
	arena_init(&none, 0, NULL);
	struct op op = fixture_op(&f, "a@x.io");
	assert_int_equal(fixture_apply(&f, &op), STORE_OK);
	for (size_t i = 0; i < ARRAY_LEN(asks); i++) {
		struct contact_view row;
		int r = store_find_contact(f.reader, &none, 1, asks[i].kind, str_of(asks[i].value),
					   &row);
		assert_int_equal(r, asks[i].outcome);
	}
	arena_fini(&none);
	fixture_end(&f);
}

/* n custom attributes, named from `from` on. */
static void set_many(struct fixture *f, struct op *op, unsigned from, unsigned n)
{
	struct attribute_change *list = arena_array(&f->arena, struct attribute_change, n);
	for (unsigned i = 0; i < n; i++)
		list[i] = (struct attribute_change){ SET, true,
						     arena_printf(&f->arena, "a%u", from + i),
						     .json = STR("1") };
	op->changes = list;
	op->n_changes = n;
}

static void expect_full(struct fixture *f, struct op *op, int64_t limit, const char *of_what)
{
	assert_int_equal(fixture_apply(f, op), STORE_REFUSED);
	assert_int_equal(op->problems->n, 1);
	assert_int_equal(op->problems->list[0].code, PROBLEM_CONTACT_FULL);
	assert_int_equal(op->problems->list[0].limit, limit);
	assert_string_equal(op->problems->list[0].rule, of_what);
}

static void contact_has_ceilings(void **state)
{
	struct fixture f;
	(void)state;
	fixture_begin(&f);
	fixture_provision(&f);
	struct op op = fixture_op(&f, "a@x.io");
	set_many(&f, &op, 0, CONTACT_CUSTOM_MAX + 1);
	expect_full(&f, &op, CONTACT_CUSTOM_MAX, "custom attributes of one contact");
	assert_int_equal(fixture_contact(&f, 1, EMAIL, "a@x.io").number, 0);

	op = fixture_op(&f, "a@x.io");
	set_many(&f, &op, 0, CONTACT_CUSTOM_MAX);
	assert_int_equal(fixture_apply(&f, &op), STORE_OK);
	op = fixture_op(&f, "a@x.io");
	set_many(&f, &op, CONTACT_CUSTOM_MAX, 1);
	expect_full(&f, &op, CONTACT_CUSTOM_MAX, "custom attributes of one contact");

	/* A dialect that allows fewer refuses more of them, not a change of what is there. */
	op = fixture_op(&f, "a@x.io");
	set_many(&f, &op, CONTACT_CUSTOM_MAX, 1);
	op.custom_max = 20;
	expect_full(&f, &op, 20, "custom attributes of one contact");
	op = fixture_op(&f, "a@x.io");
	const struct attribute_change change = { SET, true, STR("a1"), .json = STR("2") };
	op.changes = &change;
	op.n_changes = 1;
	op.custom_max = 20;
	assert_int_equal(fixture_apply(&f, &op), STORE_OK);
	fixture_end(&f);
}

static void attributes_have_a_size(void **state)
{
	struct fixture f;
	char *text = malloc(CONTACT_ATTRIBUTES_MAX + 10);
	(void)state;
	memset(text, 'x', CONTACT_ATTRIBUTES_MAX + 10);
	text[0] = text[CONTACT_ATTRIBUTES_MAX / 2] = '"';
	struct str half = { text, CONTACT_ATTRIBUTES_MAX / 2 + 1 };
	const struct attribute_change changes[] = {
		{ SET, false, STR("address"), .json = half },
		{ SET, false, STR("city"), .json = half },
	};
	fixture_begin(&f);
	fixture_provision(&f);
	struct op op = fixture_op(&f, "a@x.io");
	op.changes = changes;
	op.n_changes = 2;
	expect_full(&f, &op, CONTACT_ATTRIBUTES_MAX, "bytes of one contact's attributes");
	op = fixture_op(&f, "a@x.io");
	op.changes = changes;
	op.n_changes = 1;
	assert_int_equal(fixture_apply(&f, &op), STORE_OK);
	op = fixture_op(&f, "a@x.io");
	op.changes = changes + 1;
	op.n_changes = 1;
	expect_full(&f, &op, CONTACT_ATTRIBUTES_MAX, "bytes of one contact's attributes");
	assert_int_equal(fixture_contact(&f, 1, EMAIL, "a@x.io").event_count, 1);
	fixture_end(&f);
	free(text);
}

static void identities_have_a_number(void **state)
{
	struct fixture f;
	(void)state;
	fixture_begin(&f);
	fixture_provision(&f);
	struct who *who = arena_array(&f.arena, struct who, CONTACT_IDENTITIES_MAX + 1);
	for (unsigned i = 0; i <= CONTACT_IDENTITIES_MAX; i++)
		who[i] = fixture_who(&f, IDENTITY_PUSH, arena_printf(&f.arena, "p%u", i).p,
				     L | C | A);
	struct op op = fixture_op(&f, "unused@x.io");
	op.who = who;
	op.n_who = CONTACT_IDENTITIES_MAX + 1;
	expect_full(&f, &op, CONTACT_IDENTITIES_MAX, "identities of one contact");
	op = fixture_op(&f, "unused@x.io");
	op.who = who;
	op.n_who = CONTACT_IDENTITIES_MAX;
	assert_int_equal(fixture_apply(&f, &op), STORE_OK);
	fixture_end(&f);
}

/* Longer than the cache takes, with bytes that need an escape, and not even text. */
static void odd_identities_are_told_apart(void **state)
{
	struct fixture f;
	char longest[2][IDENTITY_VALUE_MAX + 1];
	(void)state;
	memset(longest, 'k', sizeof(longest));
	longest[0][IDENTITY_VALUE_MAX] = longest[1][IDENTITY_VALUE_MAX] = '\0';
	longest[1][IDENTITY_VALUE_MAX - 1] = 'x';
	const char *const values[] = { longest[0], longest[1], "a\"b\\c", "\xC3\xA4", "a'b%s" };
	fixture_begin(&f);
	fixture_provision(&f);
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < ARRAY_LEN(values); i++) {
			struct who who = fixture_who(&f, EXTERNAL, values[i], L | C | A);
			struct op op = fixture_op(&f, "unused@x.io");
			op.who = &who;
			assert_int_equal(fixture_apply(&f, &op), STORE_OK);
			assert_int_equal(op.contact, i + 1);
		}
		if (round == 1)
			fixture_reopen(&f);
	}
	struct who who = fixture_who(&f, EXTERNAL, "\xFF\xFE", L | C | A);
	struct op op = fixture_op(&f, "unused@x.io");
	op.who = &who;
	assert_int_equal(fixture_apply(&f, &op), STORE_OK);
	assert_str(fixture_contact(&f, 1, IDENTITY_NUMBER, "6").identities, "[]");
	fixture_end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reports_leave_the_contacts_they_should),
		cmocka_unit_test(row_is_rewritten_only_for_a_change),
		cmocka_unit_test(outward_ids_find_within_their_workspace),
		cmocka_unit_test(contacts_of_workspaces_are_apart),
		cmocka_unit_test(no_memory_is_not_nobody),
		cmocka_unit_test(contact_has_ceilings),
		cmocka_unit_test(attributes_have_a_size),
		cmocka_unit_test(identities_have_a_number),
		cmocka_unit_test(odd_identities_are_told_apart),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
