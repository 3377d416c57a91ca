#include "fixture.h"

/* Destinations and automations made, changed and deleted while the server runs. */

#define CRM   "{\"name\":\"crm\",\"type\":\"webhook\",\"url\":\"https://crm.example/in\"}"
#define RULE  "{\"name\":\"r\",\"actions\":[{\"send\":\"crm\"}]}"
#define RULE2 "{\"name\":\"r\",\"paused\":true,\"actions\":[{\"send\":\"crm\"}]}"

#define FILE_AT(path) "{\"name\":\"f\",\"type\":\"file\",\"path\":\"" path "\"}"

#define D DOCUMENT_DESTINATION
#define A DOCUMENT_AUTOMATION

static struct op apply(struct fixture *f, struct op op)
{
	assert_int_equal(fixture_apply(f, &op), STORE_OK);
	return op;
}

static struct op make(struct fixture *f, enum document_kind kind, const char *name,
		      const char *body)
{
	return apply(f, fixture_document(f, DOCUMENT_MUST_BE_NEW, kind, name, body));
}

/* "NO BODY CREATED UPDATED", the times in seconds of the test; NULL when there is none. */
static const char *look(struct fixture *f, enum document_kind kind, const char *name)
{
	CLEANUP(catalog_unref) struct catalog *c = NULL;
	catalog_refresh(store_catalog(f->store), &c);
	const struct workspace *w = catalog_workspace(c, 1);
	const struct document *d = workspace_document(w, kind, str_of(name));
	if (!d)
		return NULL;
	return arena_printf(&f->arena, "%u " STR_FMT " %d %d", d->no, STR_ARG(d->body),
			    (int)(d->created_at / US_PER_S - 1780000000),
			    (int)(d->updated_at / US_PER_S - 1780000000))
		.p;
}

static void expect_refused(struct fixture *f, struct op op, enum problem_code code,
			   const char *path)
{
	struct problem p = fixture_refused(f, &op);
	assert_int_equal(p.code, code);
	assert_str(p.path, path);
}

static void they_are_made_changed_and_deleted(void **state)
{
	struct fixture f;
	(void)state;
	fixture_begin(&f);
	fixture_provision(&f);
	struct op op = make(&f, D, "crm", CRM);
	assert_true(op.created && op.changed && op.document_no == 1);
	assert_int_equal(make(&f, A, "r", RULE).document_no, 2);
	for (int round = 0; round < 2; round++) {
		assert_string_equal(look(&f, D, "crm"), "1 " CRM " 0 0");
		assert_string_equal(look(&f, A, "r"), "2 " RULE " 0 0");
		assert_null(look(&f, A, "crm"));
		fixture_reopen(&f);
	}
	clock_us += US_PER_S;
	op = apply(&f, fixture_document(&f, DOCUMENT_MUST_EXIST, A, "r", RULE2));
	assert_true(!op.created && op.changed && op.document_no == 2);
	clock_us += US_PER_S;
	op = apply(&f, fixture_document(&f, 0, A, "r", RULE2)); /* it is asked for, so it counts */
	assert_true(!op.created && op.changed && op.document_no == 2);
	for (int round = 0; round < 2; round++) {
		assert_string_equal(look(&f, A, "r"), "2 " RULE2 " 0 2");
		fixture_reopen(&f);
	}
	assert_int_equal(fixture_declare(&f, 0, A, "r", ""), 2);
	fixture_declare(&f, 0, D, "crm", "");
	for (int round = 0; round < 2; round++) {
		assert_null(look(&f, A, "r"));
		assert_null(look(&f, D, "crm"));
		fixture_reopen(&f);
	}
	fixture_end(&f);
}

/* What was sent under a number must never be taken for another's. */
static void a_number_is_not_given_twice(void **state)
{
	struct fixture f;
	(void)state;
	fixture_begin(&f);
	fixture_provision(&f);
	assert_int_equal(make(&f, D, "crm", CRM).document_no, 1);
	fixture_declare(&f, 0, D, "crm", "");
	fixture_reopen(&f);
	assert_int_equal(make(&f, D, "crm", CRM).document_no, 2);
	fixture_end(&f);
}

static void what_is_refused_writes_nothing(void **state)
{
	struct fixture f;
	(void)state;
	fixture_begin(&f);
	fixture_provision(&f);
	make(&f, D, "crm", CRM);
	make(&f, D, "a\"b", "{}");
	make(&f, A, "r", RULE);
	make(&f, A, "s", "{\"name\":\"s\",\"actions\":[{\"send\":\"a\\\"b\"}]}");
	const struct {
		struct op op;
		enum problem_code code;
		const char *path;
	} cases[] = {
		{ fixture_document(&f, DOCUMENT_MUST_BE_NEW, D, "crm", CRM), PROBLEM_EXISTS,
		  "name" },
		{ fixture_document(&f, DOCUMENT_MUST_BE_NEW, A, "r", RULE), PROBLEM_EXISTS,
		  "name" },
		{ fixture_document(&f, DOCUMENT_MUST_EXIST, A, "x", RULE), PROBLEM_UNKNOWN_DOCUMENT,
		  "name" },
		{ fixture_document(&f, DOCUMENT_AS_SEEN, D, "crm", "{}"), PROBLEM_CHANGED, "name" },
		{ fixture_document(
			  &f, 0, A, "r",
			  "{\"name\":\"r\",\"actions\":[{\"send\":\"crm\"},{\"send\":\"r\"}]}"),
		  PROBLEM_UNKNOWN_DOCUMENT, "actions[1].send" },
		{ fixture_document(&f, 0, D, "r", ""), PROBLEM_UNKNOWN_DOCUMENT, "name" },
		{ fixture_document(&f, 0, A, "crm", ""), PROBLEM_UNKNOWN_DOCUMENT, "name" },
		{ fixture_document(&f, 0, D, "crm", ""), PROBLEM_IN_USE, "r" },
		{ fixture_document(&f, 0, D, "a\"b", ""), PROBLEM_IN_USE, "s" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		expect_refused(&f, cases[i].op, cases[i].code, cases[i].path);
	struct op elsewhere = fixture_document(&f, 0, D, "crm", "");
	elsewhere.workspace = 2;
	expect_refused(&f, elsewhere, PROBLEM_UNKNOWN_DOCUMENT, "name");
	elsewhere = fixture_document(&f, 0, D, "crm", CRM);
	elsewhere.workspace = 3;
	expect_refused(&f, elsewhere, PROBLEM_UNKNOWN_WORKSPACE, "");
	fixture_end(&f);
}

/* Lines of two workspaces in one file would be nobody's; of one they are its own affair. */
static void a_file_is_one_workspaces(void **state)
{
	static const struct {
		const char *path;
		bool elsewhere; /* whether another workspace may have it; the same may */
	} cases[] = {
		{ "a/b.ndjson", false },  { "a", false },       { "a/b.ndjson/c", false },
		{ "a/b.ndjson.1", true }, { "a/b", true },      { "a/c/b.ndjson", true },
		{ "b.ndjson", true },     { "ä/\\\"x", false }, { "ä/y", true },
	};
	struct fixture f;
	(void)state;
	fixture_begin(&f);
	fixture_provision(&f);
	make(&f, D, "f", FILE_AT("a/b.ndjson"));
	make(&f, D, "g", FILE_AT("ä/\\\"x"));
	make(&f, D, "damaged", "{\"path\":\"a\",");
	make(&f, D, "none", "{\"type\":\"webhook\",\"path\":\"b.ndjson\"}");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *body = arena_printf(&f.arena, FILE_AT("%s"), cases[i].path).p;
		for (uint32_t workspace = 1; workspace <= 2; workspace++) {
			struct op op = fixture_document(&f, 0, D, "new", body);
			struct op end = fixture_document(&f, 0, D, "new", "");
			op.workspace = end.workspace = workspace;
			if (workspace == 2 && !cases[i].elsewhere) {
				expect_refused(&f, op, PROBLEM_CLASH, "path");
				continue;
			}
			apply(&f, op);
			apply(&f, end);
		}
	}
	fixture_end(&f);
}

/* Where a name is only said, nothing is sent to it. */
static void a_destination_that_is_only_named_can_go(void **state)
{
	static const char *const rules[] = {
		"{\"name\":\"old\",\"actions\":[{\"send\":\"crm\"}]}",
		"{\"name\":\"r\",\"conditions\":{\"field\":\"contact.city\",\"operator\":"
		"\"equals\","
		"\"value\":\"old\"},\"actions\":[{\"send\":\"crm\"}]}",
		"{\"name\":\"r\",\"actions\":[{\"send\":\"crm\",\"body\":\"{\\\"send\\\":"
		"\\\"old\\\"}\"}]}",
		"{\"name\":\"r\",\"actions\":[{\"send\":\"crm\"},{\"record\":{\"definition\":"
		"\"purchase\",\"properties\":{\"send\":\"old\"}}}]}",
	};
	struct fixture f;
	(void)state;
	fixture_begin(&f);
	fixture_provision(&f);
	make(&f, D, "crm", CRM);
	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		make(&f, D, "old", CRM);
		make(&f, A, "r", rules[i]);
		fixture_declare(&f, 0, D, "old", "");
		fixture_declare(&f, 0, A, "r", "");
	}
	fixture_end(&f);
}

static struct op change_seen(struct fixture *f, const char *body, instant_us seen)
{
	struct op op = fixture_document(f, DOCUMENT_AS_SEEN, D, "crm", body);
	struct document *d = arena_new(&f->arena, struct document);
	assert_non_null(d);
	*d = *op.document;
	d->updated_at = seen;
	op.document = d;
	return op;
}

/* Of two that change what they both have seen, one does, however the clock goes. */
static void a_change_of_what_was_seen_is_made_once(void **state)
{
	static const struct {
		instant_us step; /* of the clock, between what was seen and the changes */
		const char *after;
	} cases[] = {
		{ US_PER_S, "1 {\"disabled\":true} 0 1" },
		{ 0, "1 {\"disabled\":true} 0 0" },
		{ -US_PER_S, "1 {\"disabled\":true} 0 0" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct fixture f;
		fixture_begin(&f);
		fixture_provision(&f);
		make(&f, D, "crm", CRM);
		instant_us seen = clock_us;
		clock_us += cases[i].step;
		apply(&f, change_seen(&f, "{\"disabled\":true}", seen));
		expect_refused(&f, change_seen(&f, "{}", seen), PROBLEM_CHANGED, "name");
		assert_string_equal(look(&f, D, "crm"), cases[i].after);
		fixture_end(&f);
	}
}

/* In one batch later operations see what earlier ones did, also when it is given up. */
static void an_abandoned_batch_changed_nothing(void **state)
{
	struct fixture f;
	(void)state;
	fixture_begin(&f);
	fixture_provision(&f);
	make(&f, D, "crm", CRM);
	struct op ops[] = { fixture_document(&f, 0, A, "r", RULE),
			    fixture_document(&f, 0, A, "r", ""),
			    fixture_document(&f, 0, D, "crm", ""),
			    fixture_document(&f, 0, A, "r", RULE) };
	assert_done(store_begin(f.store));
	for (size_t i = 0; i < ARRAY_LEN(ops); i++)
		assert_int_equal(store_apply(f.store, &ops[i]), i < 3 ? STORE_OK : STORE_REFUSED);
	store_abandon(f.store);
	assert_string_equal(look(&f, D, "crm"), "1 " CRM " 0 0");
	assert_null(look(&f, A, "r"));
	fixture_end(&f);
}

static void there_are_a_thousand_of_a_kind_at_most(void **state)
{
	struct fixture f;
	(void)state;
	fixture_begin(&f);
	fixture_provision(&f);
	assert_done(store_begin(f.store));
	for (unsigned i = 0; i <= DOCUMENTS_MAX; i++) {
		struct op op = fixture_document(&f, 0, D, arena_printf(&f.arena, "d%u", i).p, "{}");
		bool fits = i < DOCUMENTS_MAX;
		assert_int_equal(store_apply(f.store, &op), fits ? STORE_OK : STORE_REFUSED);
		if (!fits)
			assert_int_equal(op.problems->list[0].code, PROBLEM_DOCUMENTS_FULL);
	}
	assert_done(store_commit(f.store));
	fixture_reopen(&f);
	assert_non_null(look(&f, D, "d999"));
	assert_null(look(&f, D, "d1000"));
	fixture_declare(&f, 0, D, "d7", "{\"a\":1}");
	fixture_end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(they_are_made_changed_and_deleted),
		cmocka_unit_test(a_number_is_not_given_twice),
		cmocka_unit_test(what_is_refused_writes_nothing),
		cmocka_unit_test(a_file_is_one_workspaces),
		cmocka_unit_test(a_destination_that_is_only_named_can_go),
		cmocka_unit_test(a_change_of_what_was_seen_is_made_once),
		cmocka_unit_test(an_abandoned_batch_changed_nothing),
		cmocka_unit_test(there_are_a_thousand_of_a_kind_at_most),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
