/* Destinations and automations of a provisioning file: made, replaced, or refused with a line. */
#include "fixture.h"

#define CRM "{\"name\":\"crm\",\"type\":\"webhook\",\"url\":\"https://crm.example/in\"}"
#define CRM_OFF                                                                 \
	"{\"name\":\"crm\",\"type\":\"webhook\",\"url\":\"https://crm.example/" \
	"in\",\"disabled\":true}"
#define LOG     "{\"name\":\"log\",\"type\":\"file\",\"path\":\"log\"}"
#define RULE    "{\"name\":\"r\",\"actions\":[{\"send\":\"crm\"}]}"
#define PAUSED  "{\"name\":\"r\",\"actions\":[{\"send\":\"crm\"}],\"paused\":true}"
#define RESUMED "{\"name\":\"r\",\"actions\":[{\"send\":\"crm\"}],\"paused\":false}"

static struct fixture f;

static int set_up(void **state)
{
	(void)state;
	fixture_begin(&f);
	fixture_provision(&f);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	fixture_end(&f);
	return 0;
}

static int declare(const char *destination, const char *automation, char *error, size_t error_size)
{
	const struct provision_document documents[] = {
		{ DOCUMENT_DESTINATION, str_of(destination ?: ""), STR("f:1: workspaces[0].d[0]") },
		{ DOCUMENT_AUTOMATION, str_of(automation), STR("f:2: workspaces[0].a[0]") },
	};
	const struct provision_workspace w = {
		.id = fixture_workspace_id(1),
		.name = STR("acme"),
		.documents = destination ? documents : documents + 1,
		.n_documents = destination ? 2 : 1,
	};
	return store_provision(f.store, &(struct provision){ .workspaces = &w,
							     .n_workspaces = 1,
							     .error = error,
							     .error_size = error_size });
}

static const char *body_of(enum document_kind kind, const char *name)
{
	CLEANUP(catalog_unref) struct catalog *c = NULL;
	catalog_refresh(store_catalog(f.store), &c);
	const struct workspace *w = catalog_workspace(c, 1);
	const struct document *d = workspace_document(w, kind, str_of(name));
	return d ? arena_str(&f.arena, d->body).p : NULL;
}

static void they_are_made_and_replaced(void **state)
{
	(void)state;
	assert_done(declare(CRM, RULE, NULL, 0));
	assert_string_equal(body_of(DOCUMENT_DESTINATION, "crm"), CRM);
	assert_string_equal(body_of(DOCUMENT_AUTOMATION, "r"), RULE);
	uint64_t before = fixture_fingerprint(&f);
	clock_us += US_PER_S;
	assert_done(declare(CRM, RULE, NULL, 0));
	assert_int_equal(fixture_fingerprint(&f), before);
	/* What is not named stays, and counts among what an automation can send to. */
	assert_done(declare(LOG,
			    "{\"name\":\"s\",\"delay_seconds\":null,\"actions\":[{\"send\":\"crm\"}"
			    ",{\"send\":\"log\"}]}",
			    NULL, 0));
	fixture_reopen(&f);
	assert_string_equal(body_of(DOCUMENT_DESTINATION, "crm"), CRM);
	assert_string_equal(body_of(DOCUMENT_DESTINATION, "log"), LOG);
	assert_string_equal(body_of(DOCUMENT_AUTOMATION, "r"), RULE);
	assert_string_equal(body_of(DOCUMENT_AUTOMATION, "s"),
			    "{\"name\":\"s\",\"actions\":[{\"send\":\"crm\"},{\"send\":\"log\"}]}");
}

/* By a person or by a 410: a start is no reason to begin again. */
static void what_is_switched_off_stays_so(void **state)
{
	uint64_t before = 0;
	(void)state;
	assert_done(declare(CRM, RULE, NULL, 0));
	fixture_declare(&f, 0, DOCUMENT_AUTOMATION, "r", PAUSED);
	fixture_declare(&f, 0, DOCUMENT_DESTINATION, "crm",
			"{\"disabled\":true,\"name\":\"crm\",\"type\":\"file\",\"path\":\"x\"}");
	for (int round = 0; round < 2; round++) {
		assert_done(declare(CRM, RULE, NULL, 0));
		assert_string_equal(body_of(DOCUMENT_DESTINATION, "crm"), CRM_OFF);
		assert_string_equal(body_of(DOCUMENT_AUTOMATION, "r"), PAUSED);
		assert_true(round == 0 || fixture_fingerprint(&f) == before);
		before = fixture_fingerprint(&f);
		clock_us += US_PER_S;
	}
	/* Unless the file says something about it. */
	assert_done(declare(CRM, RESUMED, NULL, 0));
	assert_string_equal(body_of(DOCUMENT_AUTOMATION, "r"), RESUMED);
	assert_string_equal(body_of(DOCUMENT_DESTINATION, "crm"), CRM_OFF);
}

#define RELAY     "{\"name\":\"crm\",\"type\":\"relay\",\"vendor\":\"omnisend\",\"key\":\"k\"}"
#define RULE_BODY "{\"name\":\"r\",\"actions\":[{\"send\":\"crm\",\"body\":\"{}\"}]}"

#define LOG_BELOW "{\"name\":\"log\",\"type\":\"file\",\"path\":\"log/below\"}"
#define LOG_RULE  "{\"name\":\"r\",\"actions\":[{\"send\":\"log\"}]}"

/* An older version let two workspaces have one file. That is no reason to refuse what has nothing to do
 * with it. */
static void a_clash_of_before_hinders_no_start(void **state)
{
	(void)state;
	assert_done(declare(LOG, LOG_RULE, NULL, 0));
	fixture_close(&f);
	assert_int_equal(
		fixture_sql(
			f.dir,
			"INSERT INTO document(workspace, kind, name, body, created_at, updated_at)"
			" SELECT 2, kind, name, body, created_at, updated_at FROM document"
			" WHERE name = 'log'"),
		1);
	fixture_open(&f);
	clock_us += US_PER_S;
	assert_done(declare(LOG, "{\"name\":\"s\",\"actions\":[{\"send\":\"log\"}]}", NULL, 0));
	assert_non_null(body_of(DOCUMENT_AUTOMATION, "s"));
	assert_int_equal(declare(LOG_BELOW, LOG_RULE, NULL, 0), STORE_REFUSED);
	assert_string_equal(body_of(DOCUMENT_DESTINATION, "log"), LOG);
}

/* What is judged is how all of the file leaves the workspace. */
static void a_relay_takes_no_template_of_before(void **state)
{
	char error[200];
	(void)state;
	assert_done(declare(CRM, RULE_BODY, NULL, 0));
	uint64_t before = fixture_fingerprint(&f);
	assert_int_equal(declare(RELAY, "{\"name\":\"s\",\"actions\":[{\"send\":\"crm\"}]}", error,
				 sizeof(error)),
			 STORE_REFUSED);
	assert_string_equal(error, "f:1: workspaces[0].d[0].type: may not stand together with the "
				   "body that the automation \"r\" has for it");
	assert_int_equal(fixture_fingerprint(&f), before);
	assert_done(declare(RELAY, RULE, NULL, 0));
	assert_string_equal(body_of(DOCUMENT_DESTINATION, "crm"), RELAY);
	assert_string_equal(body_of(DOCUMENT_AUTOMATION, "r"), RULE);
}

static void what_does_not_fit_is_refused_with_all(void **state)
{
	static const struct {
		const char *destination, *automation, *error;
	} cases[] = {
		{ NULL, RULE,
		  "f:2: workspaces[0].a[0].actions[0].send: names no destination that is there" },
		{ LOG, RULE,
		  "f:2: workspaces[0].a[0].actions[0].send: names no destination that is there" },
		{ CRM,
		  "{\"name\":\"r\",\"trigger\":{\"definitions\":[\"purchase\",\"none\"]},"
		  "\"actions\":[{\"send\":\"crm\"}]}",
		  "f:2: workspaces[0].a[0].trigger.definitions[1]: names no event type that is "
		  "defined" },
		{ CRM,
		  "{\"name\":\"r\",\"trigger\":{\"definitions\":[\"purchase\"]},\"conditions\":{"
		  "\"field\":\"properties.note\",\"operator\":\"gt\",\"value\":1},"
		  "\"actions\":[{\"send\":\"crm\"}]}",
		  "f:2: workspaces[0].a[0].conditions.operator: may not stand together with a "
		  "field of type string: it wants a number" },
		{ "{\"name\":\"crm\"}", RULE, "f:1: workspaces[0].d[0].type: is required" },
		{ "[]", RULE, "f:1: workspaces[0].d[0]: must be an object, not an array" },
	};
	(void)state;
	uint64_t before = fixture_fingerprint(&f);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char error[300] = "";
		assert_int_equal(
			declare(cases[i].destination, cases[i].automation, error, sizeof(error)),
			STORE_REFUSED);
		assert_string_equal(error, cases[i].error);
		assert_null(body_of(DOCUMENT_DESTINATION, "crm"));
		assert_int_equal(declare(cases[i].destination, cases[i].automation, NULL, 0),
				 STORE_REFUSED);
	}
	assert_int_equal(fixture_fingerprint(&f), before);
}

/* Those that are there count, too. */
static void there_are_so_many_and_no_more(void **state)
{
	char error[200];
	(void)state;
	for (unsigned i = 0; i < DOCUMENTS_MAX; i++) {
		const char *name = arena_printf(&f.arena, "d%u%c", i, 0).p;
		struct document d = { .kind = DOCUMENT_DESTINATION,
				      .name = str_of(name),
				      .body = arena_printf(&f.arena,
							   "{\"name\":\"%s\",\"type\":\"file\","
							   "\"path\":\"x\"}",
							   name) };
		struct op op = {
			.arena = &f.arena, .kind = OP_DOCUMENT, .workspace = 1, .document = &d
		};
		assert_int_equal(fixture_apply(&f, &op), STORE_OK);
	}
	assert_int_equal(declare(CRM, RULE, error, sizeof(error)), STORE_REFUSED);
	assert_string_equal(error, "f:1: workspaces[0].d[0]: a workspace would have more than 1000 "
				   "destinations");
}

/* A definition and a destination of the same file will do. */
static void what_the_file_declares_counts(void **state)
{
	static const struct provision_definition definition = { .name = STR_INIT("new") };
	const struct provision_document documents[] = {
		{ DOCUMENT_DESTINATION, STR(LOG), STR("") },
		{ DOCUMENT_AUTOMATION,
		  STR("{\"name\":\"r\",\"trigger\":{\"definitions\":[\"new\"]},\"actions\":[{"
		      "\"send\":\"log\"}]}"),
		  STR("") },
	};
	const struct provision_workspace w = {
		.id = fixture_workspace_id(9),
		.name = STR("fresh"),
		.definitions = &definition,
		.n_definitions = 1,
		.documents = documents,
		.n_documents = 2,
	};
	(void)state;
	assert_done(store_provision(f.store,
				    &(struct provision){ .workspaces = &w, .n_workspaces = 1 }));
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(they_are_made_and_replaced),
		CASE(what_is_switched_off_stays_so),
		CASE(a_clash_of_before_hinders_no_start),
		CASE(a_relay_takes_no_template_of_before),
		CASE(what_does_not_fit_is_refused_with_all),
		CASE(there_are_so_many_and_no_more),
		CASE(what_the_file_declares_counts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
