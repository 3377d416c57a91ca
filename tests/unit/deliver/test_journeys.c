/*
 * Attempts that must be known to the ledger before they begin, when a call of theirs fails: whatever
 * it was, what has begun is in doubt afterwards, and nothing else, so that it is sent later.
 */
#include "deliver/journeys.h"
#include "deliver/payload.h"

#include "../store/fixture.h"

#include <fcntl.h>
#include <unistd.h>

#include "../calls.h"

#define RELAY                                                                  \
	"{\"name\":\"away\",\"type\":\"relay\",\"vendor\":\"pristo\","         \
	"\"key\":\"K\",\"url\":\"http://127.0.0.1:9\",\"allow_private\":true," \
	"\"population\":\"7c9e6679-7425-40de-944b-e07fc1f90ae7\"}"
#define RULE "{\"name\":\"r\",\"actions\":[{\"send\":\"away\"}]}"

enum { EVENTS = 5 };

struct world {
	struct fixture f;
	struct ledger *ledger;
	struct http *http;
	struct catalog *catalog;
	struct rules *rules;
	void *kept[DESTINATION_TYPES];
	struct lane lane;
	struct journeys js;
};

static void decide(struct world *w, uint32_t automation, uint32_t destination)
{
	struct op op = fixture_op(&w->f, "a@example.com");
	assert_int_equal(fixture_apply(&w->f, &op), STORE_OK);
	struct delivery d = { .workspace = 1,
			      .automation = automation,
			      .destination = destination,
			      .seq = op.seq,
			      .contact = 1,
			      .created_at = op.received_at,
			      .due_at = 1 };
	assert_done(ledger_decide(w->ledger, &d));
}

static void open_world(struct world *w)
{
	memset(w, 0, sizeof(*w));
	fixture_begin(&w->f);
	fixture_provision(&w->f);
	assert_done(ledger_open(w->f.dir, &w->ledger));
	assert_done(http_new(&w->http));
	uint32_t to =
		fixture_declare(&w->f, DOCUMENT_MUST_BE_NEW, DOCUMENT_DESTINATION, "away", RELAY);
	uint32_t rule =
		fixture_declare(&w->f, DOCUMENT_MUST_BE_NEW, DOCUMENT_AUTOMATION, "r", RULE);
	for (unsigned i = 0; i < EVENTS; i++)
		decide(w, rule, to);
	catalog_refresh(store_catalog(w->f.store), &w->catalog);
	assert_done(rules_new(w->catalog, NULL, &w->rules));
	assert_int_equal(w->rules->destinations[0].no, to);
	lane_init(&w->lane, to, &w->js);
	journeys_init(&w->js, w->f.dir, w->http, w->kept);
	w->js.reader = w->f.reader;
	w->js.ledger = w->ledger;
	w->js.rules = w->rules;
}

static void free_all(struct journey *list)
{
	while (list) {
		struct journey *j = list;
		list = j->next;
		journey_free(j);
	}
}

static void close_world(struct world *w)
{
	http_free(w->http);
	free_all(w->lane.journeys);
	free_all(w->js.ended);
	lane_fini(&w->lane);
	rules_unref(w->rules);
	catalog_unref(w->catalog);
	ledger_close(w->ledger);
	fixture_end(&w->f);
}

/* As the delivering thread does it after a failure. */
static void go_on(struct world *w)
{
	ledger_abandon(w->ledger);
	ledger_close(w->ledger);
	assert_done(ledger_open(w->f.dir, &w->ledger));
	assert_done(ledger_begin(w->ledger));
	assert_done(ledger_undoubt(w->ledger, w->js.unbegun, w->js.n_unbegun, w->js.noted_at));
	assert_done(ledger_commit(w->ledger));
	w->js.n_unbegun = 0;
	w->js.ledger = w->ledger;
}

static int begin(struct world *w)
{
	const struct destination *to = &w->rules->destinations[0];
	int r = lane_load(&w->lane, to, w->ledger, 10);
	journeys_begin_turn(&w->js, US_PER_S);
	r = r ?: journeys_begin(&w->js, &w->lane, to, 10);
	int noted = journeys_begin_noted(&w->js, 10);
	return r ?: noted;
}

static bool has_begun(const struct world *w, uint64_t no)
{
	for (const struct journey *j = w->lane.journeys; j; j = j->next)
		if (j->delivery.no == no)
			return true;
	for (const struct journey *j = w->js.ended; j; j = j->next)
		if (j->delivery.no == no)
			return true;
	return false;
}

static void check_doubts(struct world *w)
{
	const struct due_query q = { .destination = w->lane.destination,
				     .now = 10,
				     .limit = 2 * EVENTS };
	struct due_page page;
	assert_done(ledger_due(w->ledger, &w->f.arena, &q, &page));
	assert_int_equal(page.n, EVENTS);
	for (unsigned i = 0; i < page.n; i++)
		assert_int_equal(page.rows[i].doubt_at > 0, has_begun(w, page.rows[i].no));
}

/* How many calls failed. */
static int run(unsigned kinds, int fail_at, int error)
{
	struct world w;
	open_world(&w);
	calls_arm(kinds, fail_at, 1, error);
	int r = begin(&w), failed = atomic_load(&calls.failed);
	calls_arm(0, 0, 0, 0);
	assert_true(r == 0 || failed > 0);
	if (r < 0)
		go_on(&w);
	check_doubts(&w);
	lane_refresh(&w.lane, &w.rules->destinations[0]);
	assert_done(begin(&w)); /* those that were taken back */
	check_doubts(&w);
	assert_int_equal(w.js.n_under_way, w.lane.n_busy);
	for (const struct journey *j = w.lane.journeys; j; j = j->next)
		assert_int_equal(j->attempt.doubt_at, 0); /* or it would be dead */
	close_world(&w);
	return failed;
}

static const struct calls_way ways[] = {
	{ CALL_MEMORY, ENOMEM, "memory" },
	{ CALL_WRITE, ENOSPC, "write: the disk is full" },
	{ CALL_WRITE, 0, "write: a part" },
	{ CALL_SYNC, EIO, "sync: the disk" },
};

static void what_did_not_begin_is_in_no_doubt(void **state)
{
	(void)state;
	assert_int_equal(run(0, 0, 0), 0);
	for (size_t i = 0; i < ARRAY_LEN(ways); i++)
		assert_true(calls_try_each(&ways[i], run) > 0);
}

/* --- What is damaged --- */

/* It would be as damaged the next time: it is dead at once. */
static void what_is_damaged_holds_nobody_up(void **state)
{
	static const char *const damages[] = {
		"UPDATE event SET properties = '{'",
		"UPDATE event SET definition = 99",
		"UPDATE contact SET attributes = '[]'",
		"UPDATE contact SET identities = ''",
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(damages); i++) {
		struct world w;
		open_world(&w);
		fixture_sql(w.f.dir, damages[i]);
		assert_done(begin(&w));
		assert_int_equal(w.js.n_under_way, 0);
		assert_non_null(w.js.ended);
		for (const struct journey *j = w.js.ended; j; j = j->next)
			assert_int_equal(j->attempt.outcome, ATTEMPT_DEAD);
		close_world(&w);
	}
}

/* A store that was put back to an earlier state may have another event where a delivery's was. */
static void only_its_own_event_is_a_deliverys(void **state)
{
	static const struct {
		uint32_t workspace;
		uint64_t seq, contact;
		int64_t decided_after_us; /* it was received */
		bool there;
	} cases[] = {
		{ 1, 1, 1, 0, true },     { 1, 1, 1, 1000, true }, { 2, 1, 1, 0, false },
		{ 1, 1, 2, 0, false },    { 1, 1, 0, 0, false },   { 1, 1, 1, -1, false },
		{ 1, 2, 1, 0, false },    { 1, 2, 2, 0, true },    { 1, 2, 2, -1, false },
		{ 1, 3, 1, 1000, false },
	};
	struct fixture f;
	instant_us received_at = 0;
	(void)state;
	fixture_begin(&f);
	fixture_provision(&f);
	for (int i = 0; i < 2; i++) {
		struct op op = fixture_op(&f, i ? "b@example.com" : "a@example.com");
		assert_int_equal(fixture_apply(&f, &op), STORE_OK);
		received_at = op.received_at;
	}
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct delivery d = {
			.workspace = cases[i].workspace,
			.seq = cases[i].seq,
			.contact = cases[i].contact,
			.created_at = received_at + cases[i].decided_after_us,
		};
		const struct event_row *event;
		assert_done(payload_read_event(f.reader, &f.arena, &d, &event));
		assert_int_equal(event != NULL, cases[i].there);
		assert_true(!event || event->seq == d.seq);
	}
	fixture_end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_did_not_begin_is_in_no_doubt),
		cmocka_unit_test(only_its_own_event_is_a_deliverys),
		cmocka_unit_test(what_is_damaged_holds_nobody_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
