/* What is said of an e-mail or phone stays with it: reports one after the other, and what the contact
 * has then. */
#include "fixture.h"

#define EMAIL IDENTITY_EMAIL
#define PHONE IDENTITY_PHONE
#define L     WHO_LOOKUP
#define MAKE  (WHO_LOOKUP | WHO_CREATES | WHO_ADOPT)
#define A     WHO_ADOPT
#define R     WHO_REPLACE

struct report {
	struct {
		enum identity_kind kind;
		const char *value; /* NULL ends the list */
		unsigned use;
	} who[3];
	const char *email, *phone; /* what is said of the operation's last of that kind */
	unsigned rules;
};

static const struct states_case {
	const char *name;
	struct report reports[5]; /* one without who ends the list */
	const char *attributes;   /* of contact 1 */
} cases[] = {
	{ "of who is new, and once more",
	  { { .who = { { EMAIL, "a@x.io", MAKE }, { PHONE, "1", R } }, .email = "7", .phone = "8" },
	    { .who = { { EMAIL, "A@x.io", MAKE } }, .email = "9" } },
	  "{\"email\":\"a@x.io\",\"phone\":\"1\",\"email_status\":9,\"sms_status\":8}" },
	{ "an e-mail that the contact does not take",
	  { { .who = { { EMAIL, "a@x.io", MAKE } }, .email = "7" },
	    { .who = { { EMAIL, "a@x.io", L }, { EMAIL, "z@x.io", A } }, .email = "9" } },
	  "{\"email\":\"a@x.io\",\"email_status\":7}" },
	{ "a phone that is somebody else's",
	  { { .who = { { EMAIL, "a@x.io", MAKE } } },
	    { .who = { { EMAIL, "b@x.io", MAKE }, { PHONE, "1", R } }, .phone = "7" },
	    { .who = { { EMAIL, "a@x.io", L }, { PHONE, "1", R } }, .phone = "9" } },
	  "{\"email\":\"a@x.io\"}" },
	{ "a phone that another takes the place of",
	  { { .who = { { EMAIL, "a@x.io", MAKE }, { PHONE, "1", R } }, .email = "7", .phone = "8" },
	    { .who = { { EMAIL, "a@x.io", L }, { PHONE, "2", R } } } },
	  "{\"email\":\"a@x.io\",\"phone\":\"2\",\"email_status\":7}" },
	{ "and of which something is said",
	  { { .who = { { EMAIL, "a@x.io", MAKE }, { PHONE, "1", R } }, .phone = "8" },
	    { .who = { { EMAIL, "a@x.io", L }, { PHONE, "2", R } }, .phone = "9" } },
	  "{\"email\":\"a@x.io\",\"phone\":\"2\",\"sms_status\":9}" },
	{ "one that is written in another way",
	  { { .who = { { EMAIL, "a@x.io", MAKE }, { PHONE, "+1 2", R } }, .phone = "8" },
	    { .who = { { EMAIL, "a@x.io", L }, { PHONE, "12", R } } } },
	  "{\"email\":\"a@x.io\",\"phone\":\"12\",\"sms_status\":8}" },
	{ "one that goes",
	  { { .who = { { EMAIL, "a@x.io", MAKE }, { PHONE, "1", R } }, .email = "7", .phone = "8" },
	    { .who = { { EMAIL, "a@x.io", L }, { PHONE, "", WHO_DROP_KIND } } } },
	  "{\"email\":\"a@x.io\",\"email_status\":7}" },
	{ "one that the contact has beside those it shows",
	  { { .who = { { EMAIL, "a@x.io", MAKE } }, .email = "7" },
	    { .who = { { EMAIL, "a@x.io", L }, { EMAIL, "b@x.io", WHO_ADD } }, .email = "9" } },
	  "{\"email\":\"a@x.io\",\"email_status\":7}" },
	{ "all that is not named goes, and what was said of it",
	  { { .who = { { EMAIL, "a@x.io", MAKE }, { PHONE, "1", R } }, .email = "7", .phone = "8" },
	    { .who = { { EMAIL, "a@x.io", L | R } }, .email = "9", .rules = CONTACT_REPLACED } },
	  "{\"email\":\"a@x.io\",\"email_status\":9}" },
};

static void say(struct op *op, struct attribute_change *list, enum identity_kind kind,
		const char *json)
{
	const struct who *of = NULL;
	for (unsigned i = 0; i < op->n_who; i++)
		of = op->who[i].kind == kind ? &op->who[i] : of;
	if (json)
		list[op->n_changes++] =
			(struct attribute_change){ .name = kind == EMAIL ? STR("email_status")
									 : STR("sms_status"),
						   .json = str_of(json),
						   .of = of };
}

static void apply(struct fixture *f, const struct report *r)
{
	struct op op = { .arena = &f->arena,
			 .kind = OP_CONTACT,
			 .workspace = 1,
			 .dialect = DIALECT_A,
			 .rules = r->rules };
	struct who who[3];
	struct attribute_change changes[2];
	for (; op.n_who < 3 && r->who[op.n_who].value; op.n_who++)
		who[op.n_who] = fixture_who(f, r->who[op.n_who].kind, r->who[op.n_who].value,
					    r->who[op.n_who].use);
	op.who = who;
	say(&op, changes, EMAIL, r->email);
	say(&op, changes, PHONE, r->phone);
	op.changes = changes;
	assert_int_equal(fixture_apply(f, &op), STORE_OK);
}

static void what_is_said_stays_with_whom_it_was_said_of(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct fixture f;
		fixture_begin(&f);
		fixture_provision(&f);
		print_message("%s\n", cases[i].name);
		for (size_t k = 0; k < 5 && cases[i].reports[k].who[0].value; k++)
			apply(&f, &cases[i].reports[k]);
		assert_str(fixture_contact(&f, 1, EMAIL, "a@x.io").attributes, cases[i].attributes);
		fixture_end(&f);
	}
}

/* A value that no e-mail or phone is, of another dialect's making, is nobody's. */
static void nothing_is_said_of_what_is_no_text(void **state)
{
	struct fixture f;
	(void)state;
	fixture_begin(&f);
	fixture_provision(&f);
	struct who who = fixture_who(&f, EMAIL, "a@x.io", L | WHO_CREATES);
	const struct attribute_change changes[] = {
		{ .name = STR("email"), .json = STR("[1]") },
		{ .name = STR("email_status"), .json = STR("7"), .of = &who },
	};
	struct op op = fixture_op(&f, "a@x.io");
	op.who = &who;
	op.n_who = 1;
	op.changes = changes;
	op.n_changes = 2;
	assert_int_equal(fixture_apply(&f, &op), STORE_OK);
	struct contact_view row;
	assert_done(store_read_contact(f.reader, &f.arena, 1, &row));
	assert_str(row.attributes, "{\"email\":[1]}");
	fixture_end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_said_stays_with_whom_it_was_said_of),
		cmocka_unit_test(nothing_is_said_of_what_is_no_text),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
