#include "deliver/decide.h"

#include "../store/fixture.h"

#include <sys/syscall.h>
#include <time.h>

/* What the events of a real store mean for its automations, as the ledger has it afterwards. */

#define CRM    "{\"name\":\"crm\",\"type\":\"webhook\",\"url\":\"https://crm.example/in\"}"
#define LOG    "{\"name\":\"log\",\"type\":\"file\",\"path\":\"log\"}"
#define RULE   "{\"name\":\"r\",\"actions\":[{\"send\":\"crm\"}]}"
#define ONCE   "{\"name\":\"r\",\"once_per_contact\":true,\"actions\":[{\"send\":\"crm\"}]}"
#define COOL   "{\"name\":\"r\",\"cooldown_seconds\":60,\"actions\":[{\"send\":\"crm\"}]}"
#define PAUSED "{\"name\":\"r\",\"paused\":true,\"actions\":[{\"send\":\"crm\"}]}"
#define ABOUT                                                                         \
	"{\"name\":\"r\",\"actions\":[{\"send\":\"crm\"}],\"conditions\":{\"field\":" \
	"\"contact.email\",\"operator\":\"exists\"}}"
#define OFTEN                                                                         \
	"{\"name\":\"r\",\"actions\":[{\"send\":\"crm\"}],\"conditions\":{\"count\":" \
	"true,\"within_seconds\":60,\"operator\":\"gte\",\"value\":1}}"
#define RICH                                                                          \
	"{\"name\":\"r\",\"actions\":[{\"send\":\"crm\"}],\"conditions\":{\"field\":" \
	"\"properties.total\",\"operator\":\"gte\",\"value\":2}}"

/* Never met, and each test is asked. */
#define COUNT(definition) "{\"count\":" definition ",\"operator\":\"gt\",\"value\":1000},"
#define COUNTS            COUNT("true") COUNT("\"purchase\"") COUNT("\"visit\"") COUNT("true")
#define COUNTING                                                                   \
	"\"actions\":[{\"send\":\"crm\"}],\"conditions\":{\"any\":[" COUNTS COUNTS \
	"{\"field\":\"properties.total\",\"operator\":\"gte\",\"value\":2}]}}"

enum { MOST = 400, RUN = 500 }; /* that may wait; events of one run */

/* The monotonic clock, and the processor time of the thread. */
static int64_t monotonic_us = 1000000, used_us, us_per_link;

/* In the place of libc's, for the whole program. */
int clock_gettime(clockid_t id, struct timespec *out)
{
	int64_t us = id == CLOCK_MONOTONIC ? monotonic_us : used_us;
	if (id != CLOCK_MONOTONIC && id != CLOCK_THREAD_CPUTIME_ID)
		return (int)syscall(SYS_clock_gettime, id, out);
	*out = (struct timespec){ us / US_PER_S, us % US_PER_S * 1000 };
	return 0;
}

struct world {
	struct fixture f;
	struct ledger *ledger;
	struct decider *decider;
	struct rules *rules;
	uint64_t origin;
};

static void open_world(struct world *w)
{
	memset(w, 0, sizeof(*w));
	fixture_begin(&w->f);
	fixture_provision(&w->f);
	assert_done(ledger_open(w->f.dir, &w->ledger));
	assert_done(ledger_origin(w->ledger, 0, &w->origin));
	assert_done(decider_new(w->ledger, w->f.reader, w->origin, MOST, &w->decider));
}

static void close_world(struct world *w)
{
	decider_free(w->decider);
	rules_unref(w->rules);
	ledger_close(w->ledger);
	fixture_end(&w->f);
}

static uint32_t declare(struct world *w, enum document_kind kind, const char *name,
			const char *body)
{
	clock_us += 1000;
	return fixture_declare(&w->f, DOCUMENT_MUST_BE_NEW, kind, name, body);
}

static void change(struct world *w, const char *body)
{
	clock_us += 1000;
	fixture_declare(&w->f, DOCUMENT_MUST_EXIST, DOCUMENT_AUTOMATION, "r", body);
}

static void event(struct world *w, const char *email, const char *properties)
{
	struct op op = fixture_op(&w->f, email);
	op.properties = str_of(properties);
	clock_us += 1000;
	assert_int_equal(fixture_apply(&w->f, &op), STORE_OK);
}

static void take(struct world *w)
{
	CLEANUP(catalog_unref) struct catalog *c = NULL;
	rules_unref(w->rules);
	catalog_refresh(store_catalog(w->f.store), &c);
	assert_done(rules_new(c, &w->rules));
	assert_done(decider_take(w->decider, w->rules));
}

static unsigned run_a_turn(struct world *w, bool *more)
{
	unsigned decided;
	assert_done(ledger_begin(w->ledger));
	assert_done(decider_run(w->decider, clock_us, more, &decided));
	assert_done(ledger_commit(w->ledger));
	return decided;
}

/* Until there is no more; how many deliveries came of it. */
static unsigned run(struct world *w)
{
	unsigned all = 0;
	bool more = true;
	while (more)
		all += run_a_turn(w, &more);
	return all;
}

static void what_is_selected_is_decided_once(void **state)
{
	struct world w;
	(void)state;
	open_world(&w);
	declare(&w, DOCUMENT_DESTINATION, "crm", CRM);
	declare(&w, DOCUMENT_AUTOMATION, "r", RICH);
	take(&w);
	for (int i = 0; i < 3; i++) {
		event(&w, "a@example.com", "{\"total\":1}");
		event(&w, "a@example.com", "{\"total\":2}");
	}
	assert_int_equal(run(&w), 3);
	assert_int_equal(run(&w), 0);
	take(&w); /* as after a failure */
	assert_int_equal(run(&w), 0);
	close_world(&w);
}

static void renew_decider(struct world *w, uint64_t end)
{
	decider_free(w->decider);
	assert_done(ledger_origin(w->ledger, end, &w->origin));
	assert_done(decider_new(w->ledger, w->f.reader, w->origin, MOST, &w->decider));
}

/* As when a ledger is begun beside a store that has a past. */
static void nothing_of_before_the_ledger_is_decided(void **state)
{
	struct world w;
	uint64_t end;
	(void)state;
	open_world(&w);
	declare(&w, DOCUMENT_DESTINATION, "crm", CRM);
	declare(&w, DOCUMENT_AUTOMATION, "r", RULE);
	event(&w, "a@example.com", "{\"total\":1}");
	assert_done(store_read_feed_end(w.f.reader, &end));
	decider_free(w.decider);
	assert_done(decider_new(w.ledger, w.f.reader, end, MOST, &w.decider));
	take(&w);
	assert_int_equal(run(&w), 0);
	event(&w, "a@example.com", "{\"total\":1}");
	assert_int_equal(run(&w), 1);
	close_world(&w);
}

/* Whatever a power cut took of where automations stand, the next start decides again. */
static void what_was_not_yet_synced_is_decided_after_a_start(void **state)
{
	struct world w;
	uint64_t end;
	(void)state;
	open_world(&w);
	event(&w, "a@example.com", "{\"total\":1}");
	declare(&w, DOCUMENT_DESTINATION, "crm", CRM);
	declare(&w, DOCUMENT_AUTOMATION, "r", RULE);
	event(&w, "a@example.com", "{\"total\":1}");
	assert_done(store_read_feed_end(w.f.reader, &end));
	renew_decider(&w, end);
	assert_int_equal(w.origin, 0);
	take(&w);
	assert_int_equal(run(&w), 1);
	close_world(&w);
}

/* As when a store was put back to an earlier state beside its ledger: it goes on where the store ends,
 * also if it is killed before it has decided anything there. */
static void where_the_store_has_fewer_events_it_begins_at_its_end(void **state)
{
	struct world w;
	(void)state;
	open_world(&w);
	declare(&w, DOCUMENT_DESTINATION, "crm", CRM);
	uint32_t rule = declare(&w, DOCUMENT_AUTOMATION, "r", RULE);
	event(&w, "a@example.com", "{\"total\":1}");
	assert_done(ledger_move(w.ledger, rule, 1000));
	take(&w);
	assert_int_equal(run(&w), 0);
	event(&w, "a@example.com", "{\"total\":1}");
	event(&w, "b@example.com", "{\"total\":1}");
	renew_decider(&w, 0);
	take(&w);
	assert_int_equal(run(&w), 2);
	close_world(&w);
}

/* Then a new automation may have the number of one that is gone with its past. */
static void whatever_the_ledger_says_nothing_of_before_it_was_made_is_decided(void **state)
{
	struct world w;
	(void)state;
	open_world(&w);
	uint32_t crm = declare(&w, DOCUMENT_DESTINATION, "crm", CRM);
	assert_done(ledger_move(w.ledger, crm + 1, 0));
	for (int i = 0; i < 3; i++)
		event(&w, "a@example.com", "{\"total\":1}");
	assert_int_equal(declare(&w, DOCUMENT_AUTOMATION, "r", RULE), crm + 1);
	event(&w, "a@example.com", "{\"total\":1}");
	take(&w);
	assert_int_equal(run(&w), 1);
	close_world(&w);
}

/* As where a clock was set back: all is of one instant, until it is past that. */
static void what_comes_at_the_instant_in_which_it_was_made_is_decided(void **state)
{
	struct world w;
	(void)state;
	open_world(&w);
	declare(&w, DOCUMENT_DESTINATION, "crm", CRM);
	declare(&w, DOCUMENT_AUTOMATION, "r", RULE);
	take(&w);
	clock_us -= 1000000;
	event(&w, "a@example.com", "{\"total\":1}");
	event(&w, "b@example.com", "{\"total\":1}");
	renew_decider(&w, 0);
	take(&w);
	assert_int_equal(run(&w), 2);
	close_world(&w);
}

/* However many events come between its being stored and its being noticed. */
static void an_automation_that_is_made_meanwhile_misses_no_event(void **state)
{
	struct world w;
	(void)state;
	open_world(&w);
	take(&w);
	event(&w, "a@example.com", "{\"total\":1}");
	declare(&w, DOCUMENT_DESTINATION, "crm", CRM);
	declare(&w, DOCUMENT_AUTOMATION, "r", RULE);
	event(&w, "a@example.com", "{\"total\":1}");
	event(&w, "b@example.com", "{\"total\":1}");
	take(&w);
	assert_int_equal(run(&w), 2);
	take(&w);
	assert_int_equal(run(&w), 0);
	close_world(&w);
}

static void once_per_contact(void **state)
{
	struct world w;
	(void)state;
	open_world(&w);
	declare(&w, DOCUMENT_DESTINATION, "crm", CRM);
	declare(&w, DOCUMENT_AUTOMATION, "r", ONCE);
	take(&w);
	event(&w, "a@example.com", "{\"total\":1}");
	event(&w, "a@example.com", "{\"total\":1}");
	event(&w, "b@example.com", "{\"total\":1}");
	assert_int_equal(run(&w), 2);
	close_world(&w);
}

/* Of the same contact; another has one of its own. */
static void a_cool_down_has_an_end(void **state)
{
	static const struct {
		int64_t after_us; /* what set it off last */
		unsigned decided;
	} cases[] = {
		{ 0, 1 },
		{ 1000, 0 },
		{ 60 * US_PER_S - 1, 0 },
		{ 60 * US_PER_S, 1 },
		{ 60 * US_PER_S - 1, 0 },
		{ 60 * US_PER_S + 1, 1 },
		{ -1, 0 }, /* the clock was set back */
		{ -60 * US_PER_S + 1, 0 },
		{ -3600 * US_PER_S, 1 },
	};
	struct world w;
	instant_us set_off = 0;
	(void)state;
	open_world(&w);
	declare(&w, DOCUMENT_DESTINATION, "crm", CRM);
	declare(&w, DOCUMENT_AUTOMATION, "r", COOL);
	take(&w);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		event(&w, "a@example.com", "{\"total\":1}");
		set_off = set_off ? set_off : clock_us;
		clock_us = set_off + cases[i].after_us;
		assert_int_equal(run(&w), cases[i].decided);
		set_off = cases[i].decided ? clock_us : set_off;
	}
	event(&w, "b@example.com", "{\"total\":1}");
	assert_int_equal(run(&w), 1);
	close_world(&w);
}

static uint64_t behind(const struct world *w)
{
	uint64_t seq, end;
	bool held;
	decider_place(w->decider, 0, &seq, &held);
	assert_done(store_read_feed_end(w->f.reader, &end));
	assert_int_equal(held, end > seq);
	return end - seq;
}

static void settle(struct world *w, unsigned n)
{
	const struct due_query q = { .destination = w->rules->destinations[0].no,
				     .now = clock_us,
				     .limit = n };
	struct due_page page;
	assert_done(ledger_begin(w->ledger));
	assert_done(ledger_due(w->ledger, &w->f.arena, &q, &page));
	assert_int_equal(page.n, n);
	struct delivery *rows = page.rows;
	for (unsigned i = 0; i < n; i++) {
		rows[i].state = DELIVERY_DONE;
		rows[i].ended_at = clock_us;
		assert_done(ledger_settle(w->ledger, &rows[i],
					  &(struct attempt_row){ .n = 1, .answer = STR("") }));
	}
	assert_done(ledger_commit(w->ledger));
}

/* What a destination that takes nothing costs has an end, and nothing is left out later. */
static void it_stands_still_while_too_much_waits(void **state)
{
	struct world w;
	(void)state;
	open_world(&w);
	declare(&w, DOCUMENT_DESTINATION, "crm", CRM);
	declare(&w, DOCUMENT_AUTOMATION, "r", RULE);
	take(&w);
	for (int i = 0; i < 2 * RUN + 10; i++)
		event(&w, "a@example.com", "{\"total\":1}");
	assert_int_equal(run(&w), RUN);
	assert_int_equal(run(&w), 0);
	assert_int_equal(behind(&w), RUN + 10);
	settle(&w, RUN - MOST + 1);
	assert_int_equal(run(&w), RUN);
	take(&w); /* counts what waits anew */
	assert_int_equal(run(&w), 0);
	settle(&w, 2 * RUN - (RUN - MOST + 1));
	assert_int_equal(run(&w), 10);
	assert_int_equal(behind(&w), 0);
	close_world(&w);
}

/* One that has events before it that it could not yet decide, and is paused, sets nothing off for
 * those nor for what comes meanwhile, later neither. */
static void what_came_while_it_was_paused(void **state)
{
	struct world w;
	(void)state;
	for (int wait = 0; wait <= 1; wait++) {
		open_world(&w);
		declare(&w, DOCUMENT_DESTINATION, "crm", CRM);
		declare(&w, DOCUMENT_AUTOMATION, "r", RULE);
		take(&w);
		for (int i = 0; i < RUN + 10; i++)
			event(&w, "a@example.com", "{\"total\":1}");
		decider_wait(w.decider, wait); /* else its destination has too much waiting */
		assert_int_equal(run(&w), wait ? 0 : RUN);
		change(&w, PAUSED);
		take(&w);
		event(&w, "a@example.com", "{\"total\":1}");
		assert_int_equal(run(&w), 0);
		if (!wait)
			settle(&w, RUN);
		decider_wait(w.decider, false);
		change(&w, RULE);
		take(&w);
		assert_int_equal(run(&w), 0);
		event(&w, "a@example.com", "{\"total\":1}");
		assert_int_equal(run(&w), 1);
		close_world(&w);
	}
}

/* A part of what there is. */
static unsigned run_once(struct world *w)
{
	bool more;
	return run_a_turn(w, &more);
}

/* Wherever the others stand: they decide the feed together, and may be far behind. */
static void what_came_while_it_was_paused_and_others_were_behind(void **state)
{
	struct world w;
	(void)state;
	open_world(&w);
	declare(&w, DOCUMENT_DESTINATION, "crm", CRM);
	declare(&w, DOCUMENT_DESTINATION, "log", LOG);
	declare(&w, DOCUMENT_AUTOMATION, "r", RULE);
	declare(&w, DOCUMENT_AUTOMATION, "s", "{\"name\":\"s\",\"actions\":[{\"send\":\"log\"}]}");
	take(&w);
	uint32_t crm = w.rules->destinations[0].no;
	for (int i = 0; i < RUN + 10; i++)
		event(&w, "a@example.com", "{\"total\":1}");
	assert_int_equal(run_once(&w), 2 * RUN);
	settle(&w, RUN);
	change(&w, PAUSED);
	take(&w);
	event(&w, "a@example.com", "{\"total\":1}");
	change(&w, RULE);
	event(&w, "a@example.com", "{\"total\":1}");
	take(&w);
	decider_wait(w.decider, true);
	run(&w);
	assert_int_equal(ledger_count(w.ledger, crm, DELIVERY_PENDING), 0);
	decider_wait(w.decider, false);
	run(&w);
	assert_int_equal(ledger_count(w.ledger, crm, DELIVERY_PENDING), 1);
	close_world(&w);
}

/* The run that goes on under the rules of before notes nothing that would hide it. */
static void what_came_after_a_pause_whose_end_was_not_seen_yet(void **state)
{
	struct world w;
	(void)state;
	open_world(&w);
	declare(&w, DOCUMENT_DESTINATION, "crm", CRM);
	declare(&w, DOCUMENT_DESTINATION, "log", LOG);
	declare(&w, DOCUMENT_AUTOMATION, "r", PAUSED);
	declare(&w, DOCUMENT_AUTOMATION, "s", "{\"name\":\"s\",\"actions\":[{\"send\":\"log\"}]}");
	take(&w);
	event(&w, "a@example.com", "{\"total\":1}");
	assert_int_equal(run(&w), 1);
	event(&w, "a@example.com", "{\"total\":1}");
	change(&w, RULE);
	event(&w, "a@example.com", "{\"total\":1}");
	assert_int_equal(run(&w), 2);
	take(&w);
	assert_int_equal(run(&w), 1);
	close_world(&w);
}

/* What changed, and whether the ledger was looked at in between, as it is not when a kill and a
 * provisioning file come together. */
static void what_came_before_a_start_with_another_declaration(void **state)
{
	static const struct {
		const char *before, *after;
		bool noticed;
		unsigned decided;
	} cases[] = {
		{ RULE, RULE, true, 3 },    { RICH, RULE, true, 3 },     { RULE, PAUSED, true, 0 },
		{ PAUSED, RULE, true, 0 },  { PAUSED, PAUSED, true, 0 }, { RULE, RULE, false, 3 },
		{ PAUSED, RULE, false, 0 },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct world w;
		open_world(&w);
		declare(&w, DOCUMENT_DESTINATION, "crm", CRM);
		declare(&w, DOCUMENT_AUTOMATION, "r", cases[i].before);
		take(&w);
		for (int k = 0; k < 3; k++)
			event(&w, "a@example.com", "{\"total\":1}");
		change(&w, cases[i].after);
		if (cases[i].noticed)
			take(&w);
		renew_decider(&w, 0);
		take(&w);
		assert_int_equal(run(&w), cases[i].decided);
		event(&w, "a@example.com", "{\"total\":1}");
		assert_int_equal(run(&w), strcmp(cases[i].after, PAUSED) != 0);
		renew_decider(&w, 0);
		take(&w);
		assert_int_equal(run(&w), 0);
		close_world(&w);
	}
}

/* A store that was put back may have it as it was before it was paused. */
static void one_that_was_paused_later_than_the_store_was_put_back(void **state)
{
	struct world w;
	(void)state;
	open_world(&w);
	declare(&w, DOCUMENT_DESTINATION, "crm", CRM);
	uint32_t rule = declare(&w, DOCUMENT_AUTOMATION, "r", RULE);
	event(&w, "a@example.com", "{\"total\":1}");
	assert_done(ledger_move(w.ledger, rule, 1000));
	assert_done(ledger_pause(w.ledger, rule, true));
	take(&w);
	assert_int_equal(run(&w), 0);
	event(&w, "a@example.com", "{\"total\":1}");
	assert_int_equal(run(&w), 1);
	close_world(&w);
}

/* As when the disk is short: it goes on from there. */
static void while_it_waits_nothing_is_decided(void **state)
{
	struct world w;
	bool later;
	uint64_t end;
	(void)state;
	open_world(&w);
	declare(&w, DOCUMENT_DESTINATION, "crm", CRM);
	declare(&w, DOCUMENT_AUTOMATION, "r", RULE);
	take(&w);
	decider_wait(w.decider, true);
	event(&w, "a@example.com", "{\"total\":1}");
	assert_done(store_read_feed_end(w.f.reader, &end));
	assert_false(decider_has_work(w.decider, end, &later));
	assert_false(later);
	assert_int_equal(run(&w), 0);
	decider_wait(w.decider, false);
	assert_true(decider_has_work(w.decider, end, &later));
	assert_int_equal(run(&w), 1);
	close_world(&w);
}

/* So that however many large ones come in a row, memory for them is bounded. */
static void large_events_come_in_parts(void **state)
{
	enum { LARGE = STORE_FEED_BYTES / 2 + 1024 };
	struct world w;
	struct feed_row *rows;
	unsigned n;
	char *text = malloc(LARGE + 1);
	(void)state;
	assert_non_null(text);
	memset(text, ' ', LARGE);
	memcpy(text, "{\"total\":2", 10);
	strcpy(text + LARGE - 1, "}");
	open_world(&w);
	declare(&w, DOCUMENT_DESTINATION, "crm", CRM);
	declare(&w, DOCUMENT_AUTOMATION, "r", RICH);
	take(&w);
	for (int i = 0; i < 5; i++)
		event(&w, "a@example.com", text);
	assert_done(store_read_feed(w.f.reader, &w.f.arena, 0, 500, &rows, &n, NULL));
	assert_int_equal(n, 2);
	assert_done(store_read_feed(w.f.reader, &w.f.arena, 0, 1, &rows, &n, NULL));
	assert_int_equal(n, 1);
	assert_int_equal(run(&w), 5);
	close_world(&w);
	free(text);
}

/* --- What is damaged --- */

/* One event that cannot be read, or judged, is left out alone; without it there is nothing to do. */
static void what_is_damaged_holds_nobody_up(void **state)
{
	static const struct {
		const char *rule, *damage;
		unsigned decided; /* of three events, the second and its contact damaged */
	} cases[] = {
		{ RULE, "UPDATE event SET properties = '{' WHERE seq = 2", 2 },
		{ RULE, "UPDATE event SET dialect = 99 WHERE seq = 2", 2 },
		{ RULE, "UPDATE event SET properties = '{' WHERE seq >= 2", 1 },
		{ RULE, "UPDATE event SET properties = '{'", 0 },
		{ RULE, "UPDATE contact SET attributes = 'null' WHERE no = 2", 3 },
		{ ABOUT, "UPDATE contact SET attributes = 'null' WHERE no = 2", 2 },
		{ ABOUT, "UPDATE contact SET identities = '' WHERE no = 2", 2 },
		{ ABOUT, "UPDATE contact SET id = x'00' WHERE no = 2", 2 },
		{ OFTEN, "UPDATE event SET prev = 9 WHERE seq = 2", 2 },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct world w;
		bool later;
		open_world(&w);
		declare(&w, DOCUMENT_DESTINATION, "crm", CRM);
		declare(&w, DOCUMENT_AUTOMATION, "r", cases[i].rule);
		take(&w);
		event(&w, "a@example.com", "{\"total\":2}");
		event(&w, "b@example.com", "{\"total\":2}");
		event(&w, "c@example.com", "{\"total\":2}");
		fixture_sql(w.f.dir, cases[i].damage);
		assert_int_equal(run(&w), cases[i].decided);
		assert_false(decider_has_work(w.decider, 3, &later));
		close_world(&w);
	}
}

/* --- What it costs, in statements of both databases --- */

static unsigned n_statements, n_links;

static int count_statement(unsigned kind, void *ctx, void *statement, void *text)
{
	(void)kind, (void)ctx, (void)text;
	bool link = strstr(sqlite3_sql(statement), "SELECT prev, contact") != NULL;
	n_statements++;
	n_links += link;
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
		open_world(&w);
		declare(&w, DOCUMENT_DESTINATION, "crm", CRM);
		declare(&w, DOCUMENT_AUTOMATION, "r", cases[i].rule);
		take(&w);
		for (int k = 0; k < N; k++)
			event(&w, arena_printf(&w.f.arena, "%d@example.com", k).p, "{\"total\":2}");
		n_statements = 0;
		assert_int_equal(run(&w), N);
		assert_in_range(n_statements, N, cases[i].each * N + REST);
		close_world(&w);
	}
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
	assert_false(decider_has_work(w.decider, end, &later));
	assert_true(later);
	other_event(&w);
	assert_true(decider_has_work(w.decider, end + 1, &later));
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
		assert_int_equal(decider_has_work(w.decider, 0, &later), cases[i].goes);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_selected_is_decided_once),
		cmocka_unit_test(nothing_of_before_the_ledger_is_decided),
		cmocka_unit_test(what_was_not_yet_synced_is_decided_after_a_start),
		cmocka_unit_test(an_automation_that_is_made_meanwhile_misses_no_event),
		cmocka_unit_test(where_the_store_has_fewer_events_it_begins_at_its_end),
		cmocka_unit_test(whatever_the_ledger_says_nothing_of_before_it_was_made_is_decided),
		cmocka_unit_test(what_comes_at_the_instant_in_which_it_was_made_is_decided),
		cmocka_unit_test(once_per_contact),
		cmocka_unit_test(a_cool_down_has_an_end),
		cmocka_unit_test(what_came_while_it_was_paused),
		cmocka_unit_test(what_came_while_it_was_paused_and_others_were_behind),
		cmocka_unit_test(what_came_after_a_pause_whose_end_was_not_seen_yet),
		cmocka_unit_test(what_came_before_a_start_with_another_declaration),
		cmocka_unit_test(one_that_was_paused_later_than_the_store_was_put_back),
		cmocka_unit_test(while_it_waits_nothing_is_decided),
		cmocka_unit_test(it_stands_still_while_too_much_waits),
		cmocka_unit_test(large_events_come_in_parts),
		cmocka_unit_test(what_is_damaged_holds_nobody_up),
		cmocka_unit_test(each_event_costs_few_statements),
		cmocka_unit_test(each_event_behind_is_read_once),
		cmocka_unit_test(who_costs_much_rests_while_others_go),
		cmocka_unit_test(how_long_it_rests),
		cmocka_unit_test(a_run_ends_within_an_event),
		cmocka_unit_test(a_backlog_does_not_hold_up_who_has_none),
	};
	sqlite3_auto_extension((void (*)(void))watch);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
