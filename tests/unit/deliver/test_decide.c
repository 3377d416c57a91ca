/* What the events of a real store mean for its automations, as the ledger has it afterwards. */
#include "decide_world.h"

static void what_is_selected_is_decided_once(void **state)
{
	struct world w;
	(void)state;
	open_with(&w, RICH);
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
	open_with(&w, RULE);
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
	open_with(&w, ONCE);
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
	open_with(&w, COOL);
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

/* It may come after the round has begun that decides it, and the clock may be set back. */
static void an_event_is_never_in_the_future(void **state)
{
	static const int64_t behind_us[] = { 0, 1, 1000, 3600 * US_PER_S };
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(behind_us); i++) {
		struct world w;
		open_with(&w, FRESH);
		event(&w, "a@example.com", "{\"total\":1}");
		clock_us -= behind_us[i];
		assert_int_equal(run(&w), 1);
		settle(&w, 1); /* and it is due */
		close_world(&w);
	}
}

/* What waits behind a turn is late in the next. */
static unsigned run_late(struct world *w)
{
	unsigned all = 0;
	bool more = true;
	while (more) {
		all += run_a_turn(w, &more);
		clock_us += 2 * US_PER_S;
	}
	return all;
}

/* What a destination that takes nothing costs has an end, and nothing is left out later. */
static void it_stands_still_while_too_much_waits(void **state)
{
	struct world w;
	(void)state;
	open_with(&w, RULE);
	for (int i = 0; i < 2 * RUN + 10; i++)
		event(&w, "a@example.com", "{\"total\":1}");
	assert_int_equal(run_late(&w), RUN);
	assert_int_equal(run_late(&w), 0);
	assert_int_equal(behind(&w), RUN + 10);
	settle(&w, RUN - MOST + 1);
	assert_int_equal(run_late(&w), RUN);
	take(&w); /* counts what waits anew */
	assert_int_equal(run_late(&w), 0);
	settle(&w, 2 * RUN - (RUN - MOST + 1));
	assert_int_equal(run_late(&w), 10);
	assert_int_equal(behind(&w), 0);
	close_world(&w);
}

/* However many there are, until their time has come. */
static void what_is_sent_later_is_no_backlog(void **state)
{
	struct world w;
	(void)state;
	open_with(&w, DELAYED);
	for (int i = 0; i < 2 * RUN + 10; i++)
		event(&w, "a@example.com", "{\"total\":1}");
	assert_int_equal(run_late(&w), 2 * RUN + 10);
	assert_int_equal(behind(&w), 0);
	clock_us += 3600 * US_PER_S;
	event(&w, "a@example.com", "{\"total\":1}");
	assert_int_equal(run_late(&w), 0);
	assert_int_equal(behind(&w), 1);
	close_world(&w);
}

/* One that has events before it that it could not yet decide, and is paused, sets nothing off for
 * those nor for what comes meanwhile, later neither. */
static void what_came_while_it_was_paused(void **state)
{
	struct world w;
	(void)state;
	for (int wait = 0; wait <= 1; wait++) {
		open_with(&w, RULE);
		for (int i = 0; i < RUN + 10; i++)
			event(&w, "a@example.com", "{\"total\":1}");
		decider_wait(w.decider, wait); /* else its destination has too much waiting */
		assert_int_equal(run_late(&w), wait ? 0 : RUN);
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
		open_with(&w, cases[i].before);
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
	open_with(&w, RULE);
	decider_wait(w.decider, true);
	event(&w, "a@example.com", "{\"total\":1}");
	assert_done(store_read_feed_end(w.f.reader, &end));
	assert_false(decider_has_work(w.decider, end, clock_us, &later));
	assert_false(later);
	assert_int_equal(run(&w), 0);
	decider_wait(w.decider, false);
	assert_true(decider_has_work(w.decider, end, clock_us, &later));
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
	open_with(&w, RICH);
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
		open_with(&w, cases[i].rule);
		event(&w, "a@example.com", "{\"total\":2}");
		event(&w, "b@example.com", "{\"total\":2}");
		event(&w, "c@example.com", "{\"total\":2}");
		fixture_sql(w.f.dir, cases[i].damage);
		assert_int_equal(run(&w), cases[i].decided);
		assert_false(decider_has_work(w.decider, 3, clock_us, &later));
		close_world(&w);
	}
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
		cmocka_unit_test(an_event_is_never_in_the_future),
		cmocka_unit_test(it_stands_still_while_too_much_waits),
		cmocka_unit_test(what_is_sent_later_is_no_backlog),
		cmocka_unit_test(large_events_come_in_parts),
		cmocka_unit_test(what_is_damaged_holds_nobody_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
