/* What it costs to ask automations about events, and who waits when it is much. */
#include "decide_world.h"

/* Never met, and each test is asked. */
#define COUNT(definition) "{\"count\":" definition ",\"operator\":\"gt\",\"value\":1000},"
#define COUNTS            COUNT("true") COUNT("\"purchase\"") COUNT("\"visit\"") COUNT("true")
#define COUNTING                                                                   \
	"\"actions\":[{\"send\":\"crm\"}],\"conditions\":{\"any\":[" COUNTS COUNTS \
	"{\"field\":\"properties.total\",\"operator\":\"gte\",\"value\":2}]}}"

/* --- What it costs, in statements of both databases --- */

#define RICH_S                                                                        \
	"{\"name\":\"s\",\"actions\":[{\"send\":\"crm\"}],\"conditions\":{\"field\":" \
	"\"properties.total\",\"operator\":\"gte\",\"value\":2}}"

static unsigned n_statements, n_links, n_saved;
static int64_t us_per_link;

static int count_statement(unsigned kind, void *ctx, void *statement, void *text)
{
	(void)kind, (void)ctx, (void)text;
	bool link = strstr(sqlite3_sql(statement), "SELECT prev, contact") != NULL;
	n_statements++;
	n_links += link;
	n_saved += strstr(sqlite3_sql(statement), "INTO position") != NULL;
	monotonic_us += link ? us_per_link : 0;
	return 0;
}

static int watch(sqlite3 *db, char **error, const struct sqlite3_api_routines *api)
{
	(void)error, (void)api;
	return sqlite3_trace_v2(db, SQLITE_TRACE_STMT, count_statement, NULL);
}

/* However many events there are: a row for each delivery, and the contact for who asks about it. */
static void each_event_costs_few_statements(void **state)
{
	static const struct {
		const char *rule;
		unsigned each; /* statements for an event */
	} cases[] = { { RULE, 1 }, { RICH, 1 }, { ABOUT, 3 }, { ONCE, 3 } };
	enum { N = 300, REST = 20 };
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct world w;
		open_with(&w, cases[i].rule);
		for (int k = 0; k < N; k++)
			event(&w, arena_printf(&w.f.arena, "%d@example.com", k).p, "{\"total\":2}");
		n_statements = 0;
		assert_int_equal(run(&w), N);
		assert_in_range(n_statements, N, cases[i].each * N + REST);
		close_world(&w);
	}
}

/* With what was selected the others are not written; they are now and then, as far as they have moved. */
static void only_who_selected_something_is_written(void **state)
{
	enum { OTHERS = 40 };
	struct world w;
	char name[16], body[256];
	(void)state;
	open_world(&w);
	declare(&w, DOCUMENT_DESTINATION, "crm", CRM);
	declare(&w, DOCUMENT_AUTOMATION, "r", RULE);
	for (int i = 0; i < OTHERS; i++) {
		snprintf(name, sizeof(name), "s%d", i);
		snprintf(body, sizeof(body),
			 "{\"name\":\"%s\",\"actions\":[{\"send\":\"crm\"}],\"conditions\":{"
			 "\"field\":"
			 "\"properties.total\",\"operator\":\"gte\",\"value\":2}}",
			 name);
		declare(&w, DOCUMENT_AUTOMATION, name, body);
	}
	take(&w);
	event(&w, "a@example.com", "{\"total\":1}");
	assert_int_equal(run(&w), 1); /* the first time all are */
	n_saved = 0;
	for (int i = 0; i < 3; i++) {
		event(&w, "a@example.com", "{\"total\":1}");
		assert_int_equal(run(&w), 1);
	}
	assert_int_equal(n_saved, 3);
	clock_us += 2 * US_PER_S;
	run(&w);
	assert_int_equal(n_saved, 3 + OTHERS);
	clock_us += 2 * US_PER_S;
	run(&w);
	assert_int_equal(n_saved, 3 + OTHERS);
	close_world(&w);
}

/* However many ask, and however many automations. */
static void each_event_behind_is_read_once(void **state)
{
	enum { N = 40 };
	struct world w;
	(void)state;
	open_world(&w);
	declare(&w, DOCUMENT_DESTINATION, "crm", CRM);
	declare(&w, DOCUMENT_AUTOMATION, "r", "{\"name\":\"r\"," COUNTING);
	declare(&w, DOCUMENT_AUTOMATION, "s", "{\"name\":\"s\"," COUNTING);
	take(&w);
	for (int i = 0; i < N; i++)
		event(&w, "a@example.com", "{\"total\":1}");
	n_links = 0;
	assert_int_equal(run(&w), 0);
	assert_int_equal(n_links, N * (N + 1) / 2);
	close_world(&w);
}

/* --- Whose conditions take long --- */

enum { LONG = 30, EACH_MS = 1 };

/* The events behind make each of the costly automations' a matter of LONG milliseconds and more. */
static void open_costly(struct world *w, unsigned automations)
{
	char name[16], body[2048];
	open_world(w);
	declare(w, DOCUMENT_DESTINATION, "crm", CRM);
	take(w);
	for (int i = 0; i < LONG; i++)
		event(w, "a@example.com", "{\"total\":1}");
	for (unsigned i = 0; i < automations; i++) {
		snprintf(name, sizeof(name), "r%u", i);
		snprintf(body, sizeof(body), "{\"name\":\"%s\"," COUNTING, name);
		declare(w, DOCUMENT_AUTOMATION, name, body);
	}
	us_per_link = 1000L * EACH_MS;
}

static void declare_other(struct world *w, enum document_kind kind, const char *name,
			  const char *body)
{
	struct op op = fixture_document(&w->f, DOCUMENT_MUST_BE_NEW, kind, name, body);
	op.workspace = 2;
	clock_us += 1000;
	assert_int_equal(fixture_apply(&w->f, &op), STORE_OK);
}

static void add_other_workspace(struct world *w)
{
	const struct provision_workspace other = { .id = fixture_workspace_id(2),
						   .name = STR("zeta"),
						   .definitions = fixture_definitions,
						   .n_definitions = 1 };
	assert_done(store_provision(
		w->f.store, &(struct provision){ .workspaces = &other, .n_workspaces = 1 }));
	declare_other(w, DOCUMENT_DESTINATION, "crm", CRM);
	declare_other(w, DOCUMENT_AUTOMATION, "q",
		      "{\"name\":\"q\",\"actions\":[{\"send\":\"crm\"}]}");
}

static void other_event(struct world *w)
{
	struct op op = fixture_op(&w->f, "b@example.com");
	op.workspace = 2;
	op.definition = fixture_definition(&w->f, 2, "purchase");
	clock_us += 1000;
	assert_int_equal(fixture_apply(&w->f, &op), STORE_OK);
}

static void close_costly(struct world *w)
{
	us_per_link = 0;
	close_world(w);
}

/* Of many events before its own the other's costs it the time of one run, and then they rest. */
static void who_costs_much_rests_while_others_go(void **state)
{
	enum { MANY = 50 };
	struct world w;
	bool more, later;
	uint64_t end;
	(void)state;
	open_costly(&w, 1);
	add_other_workspace(&w);
	take(&w);
	for (int i = 0; i < MANY; i++)
		event(&w, "a@example.com", "{\"total\":2}");
	other_event(&w);
	n_links = 0;
	assert_int_equal(run_a_turn(&w, &more), 1); /* one event, and its time was over */
	assert_int_equal(n_links, LONG + 1);
	assert_true(more);
	assert_int_equal(run_a_turn(&w, &more), 1); /* the other's */
	assert_int_equal(n_links, LONG + 1);
	assert_true(more);
	assert_done(store_read_feed_end(w.f.reader, &end));
	assert_false(decider_has_work(w.decider, end, clock_us, &later));
	assert_true(later);
	other_event(&w);
	assert_true(decider_has_work(w.decider, end + 1, clock_us, &later));
	assert_int_equal(run_a_turn(&w, &more), 1);
	assert_int_equal(n_links, LONG + 1);
	close_costly(&w);
}

/* Nine times as long as the run took, or until the thread had nothing to do for as long. */
static void how_long_it_rests(void **state)
{
	static const int64_t run_us = (LONG + 1) * 1000L * EACH_MS;
	static const struct {
		int64_t passed_us, used_us;
		bool goes;
	} cases[] = {
		{ 0, 0, false },
		{ run_us - 1, 0, false },
		{ run_us, 0, true },
		{ run_us, 1, false },
		{ 2 * run_us - 1, run_us, false },
		{ 2 * run_us, run_us, true },
		{ 9 * run_us - 1, 9 * run_us, false },
		{ 9 * run_us, 9 * run_us, true },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct world w;
		bool more, later;
		open_costly(&w, 1);
		take(&w);
		event(&w, "a@example.com", "{\"total\":2}");
		event(&w, "a@example.com", "{\"total\":2}");
		assert_int_equal(run_a_turn(&w, &more), 1);
		assert_true(more);
		monotonic_us += cases[i].passed_us;
		used_us += cases[i].used_us;
		assert_int_equal(decider_has_work(w.decider, 0, clock_us, &later), cases[i].goes);
		assert_int_equal(later, !cases[i].goes);
		assert_int_equal(run_a_turn(&w, &more), cases[i].goes);
		close_costly(&w);
	}
}

/* One event may be too much for one run: it is gone on with at the next automation. */
static void a_run_ends_within_an_event(void **state)
{
	enum { AUTOMATIONS = 5 };
	struct world w;
	bool more = true;
	unsigned runs = 0, decided = 0;
	(void)state;
	open_costly(&w, AUTOMATIONS);
	take(&w);
	event(&w, "a@example.com", "{\"total\":2}");
	event(&w, "a@example.com", "{\"total\":2}");
	while (more) {
		unsigned n = run_a_turn(&w, &more);
		assert_in_range(n, 0, 1);
		runs += n;
		decided += n;
		monotonic_us += LONG * 1000L * EACH_MS;
	}
	assert_int_equal(decided, 2 * AUTOMATIONS);
	assert_int_equal(runs, 2 * AUTOMATIONS);
	close_costly(&w);
}

/* Who has much before it, and costs little. */
static void a_backlog_does_not_hold_up_who_has_none(void **state)
{
	struct world w;
	bool more;
	unsigned decided = 0;
	(void)state;
	open_world(&w);
	declare(&w, DOCUMENT_DESTINATION, "crm", CRM);
	declare(&w, DOCUMENT_AUTOMATION, "r", RICH);
	add_other_workspace(&w);
	for (int i = 0; i < 10 * RUN; i++)
		event(&w, "a@example.com", "{\"total\":1}");
	other_event(&w);
	take(&w);
	uint64_t end;
	assert_done(store_read_feed_end(w.f.reader, &end));
	assert_done(ledger_begin(w.ledger));
	assert_done(ledger_move(w.ledger, w.rules->automations[1].no, end - 1));
	assert_done(ledger_commit(w.ledger));
	take(&w);
	for (int i = 0; i < 2; i++)
		decided += run_a_turn(&w, &more);
	assert_int_equal(decided, 1);
	assert_int_equal(run(&w), 0);
	close_world(&w);
}

/* One with much before it, one with little, one with a steady flow. */
static void who_stands_between_has_turns_too(void **state)
{
	enum { ENOUGH_RUNS = 9, LITTLE = 100 };
	struct world w;
	bool more;
	uint64_t end, at = 0;
	(void)state;
	open_world(&w);
	declare(&w, DOCUMENT_DESTINATION, "crm", CRM);
	declare(&w, DOCUMENT_AUTOMATION, "r", RICH);
	declare(&w, DOCUMENT_AUTOMATION, "s", RICH_S);
	add_other_workspace(&w);
	for (int i = 0; i < 10 * RUN; i++)
		event(&w, "a@example.com", "{\"total\":1}");
	take(&w);
	assert_done(store_read_feed_end(w.f.reader, &end));
	assert_done(ledger_begin(w.ledger));
	assert_done(ledger_move(w.ledger, w.rules->automations[1].no, end - LITTLE));
	assert_done(ledger_move(w.ledger, w.rules->automations[2].no, end));
	assert_done(ledger_commit(w.ledger));
	take(&w);
	for (int i = 0; i < ENOUGH_RUNS && at < end; i++) {
		bool held;
		other_event(&w);
		run_a_turn(&w, &more);
		decider_place(w.decider, 1, &at, &held);
	}
	assert_true(at >= end);
	close_world(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_event_costs_few_statements),
		cmocka_unit_test(only_who_selected_something_is_written),
		cmocka_unit_test(each_event_behind_is_read_once),
		cmocka_unit_test(who_costs_much_rests_while_others_go),
		cmocka_unit_test(how_long_it_rests),
		cmocka_unit_test(a_run_ends_within_an_event),
		cmocka_unit_test(a_backlog_does_not_hold_up_who_has_none),
		cmocka_unit_test(who_stands_between_has_turns_too),
	};
	sqlite3_auto_extension((void (*)(void))watch);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
