/* Rules: which are a workspace's, and what a newer catalog leaves as it is. */
#include "deliver/deed.h"
#include "deliver/rules.h"

#include "../store/fixture.h"

#define CRM  "{\"name\":\"crm\",\"type\":\"webhook\",\"url\":\"https://crm.example/in\"}"
#define BAD  "{\"name\":\"bad\",\"type\":\"pigeon\"}"
#define RULE "{\"name\":\"r\",\"actions\":[{\"send\":\"crm\"}]}"
#define TAG  "{\"name\":\"t\",\"actions\":[{\"add_tag\":\"big\"}]}"

static uint32_t last_no;

static void declare(struct catalog_edit *e, uint32_t workspace, enum document_kind kind,
		    const char *name, const char *body)
{
	const struct document d = {
		.no = ++last_no, .kind = kind, .name = str_of(name), .body = str_of(body)
	};
	assert_done(catalog_edit_document(e, workspace, &d));
}

static void add_workspace(struct catalog_edit *e, uint32_t no)
{
	const struct workspace like = { .no = no,
					.id = fixture_workspace_id((uint8_t)no),
					.name = STR("w") };
	assert_done(catalog_edit_workspace(e, &like));
}

/*
 * 1: two automations and a destination. 2: nothing. 5: a destination. 7: two destinations, of which
 * one cannot be read, and an automation.
 */
static struct catalog *make_catalog(void)
{
	static const uint32_t numbers[] = { 1, 2, 5, 7 };
	struct catalog_edit *e;
	last_no = 0;
	assert_done(catalog_edit_new(NULL, &e));
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		add_workspace(e, numbers[i]);
	declare(e, 1, DOCUMENT_DESTINATION, "crm", CRM);
	declare(e, 1, DOCUMENT_AUTOMATION, "r", RULE);
	declare(e, 1, DOCUMENT_AUTOMATION, "t", TAG);
	declare(e, 5, DOCUMENT_DESTINATION, "crm", CRM);
	declare(e, 7, DOCUMENT_DESTINATION, "bad", BAD);
	declare(e, 7, DOCUMENT_DESTINATION, "crm", CRM);
	declare(e, 7, DOCUMENT_AUTOMATION, "r", RULE);
	return catalog_edit_done(e);
}

static void a_workspace_has_its_own(void **state)
{
	static const struct {
		uint32_t workspace;
		unsigned destinations, automations;
		bool any;
	} cases[] = {
		{ 0, 0, 0, false },          { 1, 1, 2, true },  { 2, 0, 0, false },
		{ 5, 1, 0, true },           { 6, 0, 0, false }, { 7, 1, 1, true },
		{ UINT32_MAX, 0, 0, false },
	};
	CLEANUP(catalog_unref) struct catalog *c = make_catalog();
	struct rules *r;
	(void)state;
	assert_done(rules_new(c, NULL, &r));
	assert_int_equal(r->n_destinations, 3 + 2); /* those of deeds */
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct rules_part *part = rules_of(r, cases[i].workspace);
		assert_int_equal(part != NULL, cases[i].any);
		for (unsigned k = 0; part && k < part->n_destinations; k++)
			assert_int_equal(r->destinations[part->destination + k].workspace,
					 cases[i].workspace);
		for (unsigned k = 0; part && k < part->n_automations; k++)
			assert_int_equal(r->automations[part->automation + k].workspace,
					 cases[i].workspace);
		assert_int_equal(part ? part->n_destinations : 0, cases[i].destinations);
		assert_int_equal(part ? part->n_automations : 0, cases[i].automations);
	}
	rules_unref(r);
}

static void nobody_finds_what_is_another_workspace_s(void **state)
{
	static const struct {
		uint32_t workspace, automation;
		bool found;
	} cases[] = {
		{ 1, 2, true },  { 1, 3, true },  { 1, 1, false }, { 1, 7, false },
		{ 2, 2, false }, { 5, 2, false }, { 7, 7, true },  { 7, 2, false },
	};
	CLEANUP(catalog_unref) struct catalog *c = make_catalog();
	struct rules *r;
	(void)state;
	assert_done(rules_new(c, NULL, &r));
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct automation *m =
			rules_automation(r, cases[i].workspace, cases[i].automation);
		assert_int_equal(m != NULL, cases[i].found);
		assert_true(!m ||
			    (m->no == cases[i].automation && m->workspace == cases[i].workspace));
	}
	rules_unref(r);
}

static void destinations_are_known_by_number(void **state)
{
	CLEANUP(catalog_unref) struct catalog *c = make_catalog();
	const uint32_t known[] = { 1, 4, 6, deeds_destination_no(1), deeds_destination_no(7) };
	const uint32_t unknown[] = { 0, 2, 5, 7, 99, deeds_destination_no(2), UINT32_MAX };
	struct rules *r;
	(void)state;
	assert_done(rules_new(c, NULL, &r));
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		assert_true(rules_have_destination(r, known[i]));
	for (size_t i = 0; i < ARRAY_LEN(unknown); i++)
		assert_false(rules_have_destination(r, unknown[i]));
	rules_unref(r);
}

static void an_action_goes_to_its_workspace_s(void **state)
{
	static const struct action send = { .destination = STR_INIT("crm") },
				   away = { .destination = STR_INIT("bad") },
				   tag = { .kind = ACTION_ADD_TAG };
	CLEANUP(catalog_unref) struct catalog *c = make_catalog();
	struct rules *r;
	(void)state;
	assert_done(rules_new(c, NULL, &r));
	assert_int_equal(rules_target(r, 1, &send)->no, 1);
	assert_int_equal(rules_target(r, 5, &send)->no, 4);
	assert_int_equal(rules_target(r, 7, &send)->no, 6);
	assert_null(rules_target(r, 2, &send));
	assert_null(rules_target(r, 7, &away));
	assert_int_equal(rules_target(r, 1, &tag)->no, deeds_destination_no(1));
	assert_int_equal(rules_target(r, 7, &tag)->no, deeds_destination_no(7));
	assert_null(rules_target(r, 2, &tag));
	rules_unref(r);
}

/* Whoever has begun with the ones before keeps them, and the last of all frees what they share. */
static void with_a_newer_catalog_all_stay_where_they_are(void **state)
{
	struct catalog *c = make_catalog(), *next;
	struct catalog_edit *e;
	struct rules *r, *renewed;
	(void)state;
	assert_done(rules_new(c, NULL, &r));
	assert_done(catalog_edit_new(c, &e));
	add_workspace(e, 8);
	next = catalog_edit_done(e);
	assert_done(rules_renew(r, next, &renewed));
	assert_ptr_equal(renewed->automations, r->automations);
	assert_ptr_equal(renewed->destinations, r->destinations);
	assert_ptr_equal(renewed->catalog, next);
	assert_ptr_equal(r->catalog, c);
	catalog_unref(c);
	catalog_unref(next);
	rules_unref(r);
	assert_true(str_eq(rules_automation(renewed, 1, 2)->name, STR("r")));
	assert_non_null(catalog_workspace(renewed->catalog, 8));
	rules_unref(renewed);
}

/* What is little is not counted. */
static struct catalog *make_large_catalog(void)
{
	char name[16];
	struct catalog_edit *e;
	assert_done(catalog_edit_new(NULL, &e));
	add_workspace(e, 1);
	for (int i = 0; i < 60; i++) {
		snprintf(name, sizeof(name), "crm%d", i);
		declare(e, 1, DOCUMENT_DESTINATION, name, CRM);
	}
	return catalog_edit_done(e);
}

static void there_is_a_ceiling_for_all_generations_together(void **state)
{
	CLEANUP(catalog_unref) struct catalog *c = make_large_catalog();
	struct arena_budget budget = { .max = 1024 * 1024 };
	struct rules *list[100];
	size_t n = 0;
	int r;
	(void)state;
	while ((r = rules_new(c, &budget, &list[n])) == RULES_OK)
		assert_true(++n < ARRAY_LEN(list));
	assert_int_equal(r, RULES_LATER);
	assert_true(n > 1 && budget.used <= budget.max);
	rules_unref(list[--n]);
	assert_int_equal(rules_new(c, &budget, &list[n]), RULES_OK);
	for (size_t i = 0; i <= n; i++)
		rules_unref(list[i]);
	assert_int_equal(budget.used, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_workspace_has_its_own),
		cmocka_unit_test(nobody_finds_what_is_another_workspace_s),
		cmocka_unit_test(destinations_are_known_by_number),
		cmocka_unit_test(an_action_goes_to_its_workspace_s),
		cmocka_unit_test(with_a_newer_catalog_all_stay_where_they_are),
		cmocka_unit_test(there_is_a_ceiling_for_all_generations_together),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
