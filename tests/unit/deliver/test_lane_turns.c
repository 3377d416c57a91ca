/*
 * Turns of lanes: how much is begun at once when it takes long to make it or much memory, who goes next,
 * and how many syncs those cost that must be known to the ledger. Attempts are begun and never moved.
 */
#include "deliver/deed.h"
#include "deliver/lane_set.h"

#include "../store/fixture.h"

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define HOOK(name)                                                                       \
	"{\"name\":\"" name "\",\"type\":\"webhook\",\"url\":\"http://127.0.0.1:9/in\"," \
	"\"allow_private\":true,\"concurrency\":1000}"
#define RELAY(name)                                                            \
	"{\"name\":\"" name "\",\"type\":\"relay\",\"vendor\":\"pristo\","     \
	"\"key\":\"K\",\"url\":\"http://"                                      \
	"127.0.0.1:9\",\"allow_private\":true,\"requests_per_second\":100000," \
	"\"population\":\"7c9e6679-7425-40de-944b-e07fc1f90ae7\"}"
#define RULE(to) "{\"name\":\"" to "\",\"actions\":[{\"send\":\"" to "\"}]}"

enum { NOW = 10 };

/* The monotonic clock, and what it takes to read one of the events. */
static int64_t monotonic_us = 1000000;
static uint64_t slow_from, slow_to;
static int64_t slow_us;

static unsigned n_synced; /* transactions of which each is synced */

/* In the place of libc's, for the whole program. */
int clock_gettime(clockid_t id, struct timespec *out)
{
	if (id != CLOCK_MONOTONIC)
		return (int)syscall(SYS_clock_gettime, id, out);
	*out = (struct timespec){ monotonic_us / US_PER_S, monotonic_us % US_PER_S * 1000 };
	return 0;
}

static int on_statement(unsigned kind, void *ctx, void *statement, void *text)
{
	unsigned long long after = 0;
	char *sql = sqlite3_expanded_sql(statement);
	const char *at = sql ? strstr(sql, "WHERE e.seq > ") : NULL;
	(void)kind, (void)ctx, (void)text;
	if (at && sscanf(at, "WHERE e.seq > %llu", &after) == 1 && after + 1 >= slow_from &&
	    after + 1 <= slow_to)
		monotonic_us += slow_us;
	n_synced += sql && strstr(sql, "synchronous = FULL") != NULL;
	sqlite3_free(sql);
	return 0;
}

static int watch(sqlite3 *db, char **error, const struct sqlite3_api_routines *api)
{
	(void)error, (void)api;
	return sqlite3_trace_v2(db, SQLITE_TRACE_STMT, on_statement, NULL);
}

struct world {
	struct fixture f;
	struct ledger *ledger;
	struct http *http;
	struct catalog *catalog;
	struct rules *rules;
	void *kept[DESTINATION_TYPES];
	struct lane_set lanes;
	struct journeys js;
	const char *properties; /* of events */
};

static uint32_t declare(struct world *w, uint32_t workspace, enum document_kind kind,
			const char *name, const char *body)
{
	struct op op = fixture_document(&w->f, DOCUMENT_MUST_BE_NEW, kind, name, body);
	op.workspace = workspace;
	assert_int_equal(fixture_apply(&w->f, &op), STORE_OK);
	return op.document_no;
}

/* A destination and its rule, with so many deliveries that are due. Returns the last event's. */
static uint64_t add(struct world *w, uint32_t workspace, const char *name, const char *to,
		    const char *rule, unsigned n)
{
	struct delivery d = { .workspace = workspace, .due_at = 1, .created_at = INT64_MAX };
	d.destination = declare(w, workspace, DOCUMENT_DESTINATION, name, to);
	d.automation = declare(w, workspace, DOCUMENT_AUTOMATION, name, rule);
	for (unsigned i = 0; i < n; i++) {
		struct op op = fixture_op(&w->f, "a@example.com");
		op.workspace = workspace;
		op.definition = fixture_definition(&w->f, workspace, "purchase");
		op.properties = str_of(w->properties);
		assert_int_equal(fixture_apply(&w->f, &op), STORE_OK);
		d.seq = op.seq;
		d.contact = op.contact;
		assert_done(ledger_decide(w->ledger, &d));
	}
	return d.seq;
}

/* Nothing here is for the store. */
static bool submit_nothing(void *ctx, struct deliver_op *o)
{
	(void)ctx, (void)o;
	return false;
}

static void open_world(struct world *w)
{
	const struct deliver_commits commits = { submit_nothing, NULL };
	const struct provision_workspace other = { .id = fixture_workspace_id(2),
						   .name = STR("zeta"),
						   .definitions = fixture_definitions,
						   .n_definitions = 1 };
	memset(w, 0, sizeof(*w));
	fixture_begin(&w->f);
	fixture_provision(&w->f);
	assert_done(store_provision(
		w->f.store, &(struct provision){ .workspaces = &other, .n_workspaces = 1 }));
	assert_done(ledger_open(w->f.dir, &w->ledger));
	assert_done(http_new(&w->http));
	journeys_init(&w->js, w->f.dir, w->http, w->kept);
	w->properties = "{\"total\":1}";
	assert_done(deeds_new(&commits, w->http, &w->js.deeds));
}

static void begin(struct world *w)
{
	catalog_refresh(store_catalog(w->f.store), &w->catalog);
	assert_done(rules_new(w->catalog, NULL, &w->rules));
	w->js.reader = w->f.reader;
	w->js.ledger = w->ledger;
	w->js.rules = w->rules;
	assert_done(lane_set_fit(&w->lanes, w->rules, w->ledger, &w->js));
	assert_done(lane_set_load(&w->lanes, w->rules, w->ledger, NOW));
}

static void close_world(struct world *w)
{
	slow_from = slow_to = 0;
	deeds_free(w->js.deeds);
	http_free(w->http);
	lane_set_free(&w->lanes);
	rules_unref(w->rules);
	catalog_unref(w->catalog);
	ledger_close(w->ledger);
	fixture_end(&w->f);
}

static void move(struct world *w)
{
	assert_done(lane_set_move(&w->lanes, w->rules, &w->js, NOW));
}

/* How many are under way of the i-th destination. */
static unsigned busy(const struct world *w, unsigned i)
{
	return w->lanes.list[i]->n_busy;
}

/* What takes long is begun one by one, and another's go as if there were nothing else. */
static void who_takes_long_waits_for_others(void **state)
{
	enum { MANY = 200 };
	struct world w;
	(void)state;
	open_world(&w);
	slow_from = 1;
	slow_to = add(&w, 1, "a", HOOK("a"), RULE("a"), MANY);
	slow_us = 20000;
	add(&w, 2, "b", HOOK("b"), RULE("b"), MANY);
	begin(&w);
	move(&w);
	assert_int_equal(busy(&w, 0), 1);
	assert_int_equal(busy(&w, 1), 0);
	assert_true(w.lanes.more);
	move(&w);
	assert_int_equal(busy(&w, 0), 2); /* behind the other, who left room for it */
	assert_int_equal(busy(&w, 1), MANY);
	for (unsigned i = 3; w.lanes.more; i++) {
		move(&w);
		assert_in_range(busy(&w, 0), i - 1, i);
	}
	assert_int_equal(busy(&w, 0), MANY);
	close_world(&w);
}

/* Both have the same time, and one's many destinations no more of it than the other's one. */
static void workspaces_share_the_time(void **state)
{
	enum { EACH = 60 };
	struct world w;
	(void)state;
	open_world(&w);
	slow_from = 1;
	add(&w, 1, "a", HOOK("a"), RULE("a"), EACH);
	add(&w, 1, "b", HOOK("b"), RULE("b"), EACH);
	slow_to = add(&w, 1, "c", HOOK("c"), RULE("c"), EACH);
	add(&w, 2, "d", HOOK("d"), RULE("d"), EACH);
	slow_to += EACH;
	slow_us = 1000;
	begin(&w);
	while (busy(&w, 3) < EACH)
		move(&w);
	unsigned all = busy(&w, 0) + busy(&w, 1) + busy(&w, 2);
	assert_in_range(all, EACH - 4, EACH + 4);
	for (unsigned i = 0; i < 3; i++)
		assert_in_range(busy(&w, i), all / 3 - 3, all / 3 + 3);
	close_world(&w);
}

/* What it costs to make theirs is in proportion. */
static void who_takes_ten_times_as_long_begins_a_tenth(void **state)
{
	enum { EACH = 100 };
	struct world w;
	(void)state;
	open_world(&w);
	slow_from = 1;
	slow_to = add(&w, 1, "a", HOOK("a"), RULE("a"), EACH);
	slow_us = 10000;
	uint64_t last = add(&w, 2, "b", HOOK("b"), RULE("b"), EACH);
	begin(&w);
	move(&w);
	move(&w);
	assert_int_equal(busy(&w, 1), EACH);
	unsigned before = busy(&w, 0);
	assert_in_range(before, 1, 4);
	assert_true(last > slow_to);
	close_world(&w);
}

/* One transaction for all lanes together. */
static void what_is_noted_is_synced_once(void **state)
{
	static const char *const names[] = { "a", "b", "c" };
	static const char *const to[] = { RELAY("a"), RELAY("b"), RELAY("c") };
	static const char *const rules[] = { RULE("a"), RULE("b"), RULE("c") };
	enum { EACH = 3 };
	(void)state;
	for (unsigned n = 1; n <= ARRAY_LEN(names); n++) {
		struct world w;
		open_world(&w);
		for (unsigned i = 0; i < n; i++)
			add(&w, 1 + i % 2, names[i], to[i], rules[i], EACH);
		begin(&w);
		n_synced = 0;
		move(&w);
		assert_int_equal(n_synced, 1);
		assert_int_equal(w.js.n_under_way, n * EACH);
		assert_false(w.lanes.more);
		close_world(&w);
	}
}

/* --- Memory --- */

enum { LARGE = 200 * 1000, ROOM = 8 * 1024 * 1024 };

static void open_large(struct world *w)
{
	char *text = malloc(LARGE + 1);
	assert_non_null(text);
	open_world(w);
	memset(text, ' ', LARGE);
	memcpy(text, "{\"total\":1", 10);
	strcpy(text + LARGE - 1, "}");
	w->properties = arena_str(&w->f.arena, str_of(text)).p;
	w->js.memory.max = ROOM;
	free(text);
}

/* And never all of it for one workspace, so that there is room for others. */
static void what_is_under_way_has_a_ceiling(void **state)
{
	enum { MANY = 100, FEW = 2 };
	struct world w;
	(void)state;
	open_large(&w);
	add(&w, 1, "a", HOOK("a"), RULE("a"), MANY);
	add(&w, 1, "b", HOOK("b"), RULE("b"), MANY);
	add(&w, 2, "c", HOOK("c"), RULE("c"), FEW);
	begin(&w);
	move(&w);
	assert_in_range(busy(&w, 0) + busy(&w, 1), 3, MANY - 1);
	assert_in_range(atomic_load(&w.js.owners[1].held), ROOM / 4, ROOM * 2 / 3);
	assert_int_equal(busy(&w, 2), FEW);
	assert_in_range(atomic_load(&w.js.memory.used), ROOM / 4, ROOM);
	assert_false(w.lanes.more); /* nobody asks again before another has ended */
	close_world(&w);
}

/* Also where there was some room, and to find that out took as long as a turn. */
static void who_found_no_room_waits_for_it(void **state)
{
	enum { MANY = 8, STEP = 200 * 1024, STEPS = 12 };
	(void)state;
	for (unsigned i = 0; i < STEPS; i++) {
		struct world w;
		open_large(&w);
		w.js.memory.max = ROOM / 4 + i * (size_t)STEP;
		slow_from = 1;
		slow_us = 3000;
		slow_to = add(&w, 1, "a", HOOK("a"), RULE("a"), MANY);
		begin(&w);
		move(&w);
		for (unsigned k = 0; k < 2 * MANY && w.lanes.more; k++)
			move(&w);
		assert_false(w.lanes.more);
		assert_in_range(busy(&w, 0), 1, MANY - 1);
		close_world(&w);
	}
}

/* One of the destination's is taken, as if it had answered. */
static bool end_one(struct world *w, unsigned i)
{
	struct journey *j = w->lanes.list[i]->journeys;
	if (!j)
		return false;
	j->attempt.outcome = ATTEMPT_DELIVERED;
	j->attempt.retry_after_s = -1;
	j->attempt.answer = STR("");
	j->attempt.done(&j->attempt);
	return true;
}

/* As the delivering thread does it. */
static void settle(struct world *w)
{
	assert_done(ledger_begin(w->ledger));
	assert_done(ledger_undoubt(w->ledger, w->js.unbegun, w->js.n_unbegun, w->js.noted_at));
	w->js.n_unbegun = 0;
	while (w->js.ended) {
		struct journey *j = w->js.ended;
		const struct attempt_row attempt = { .n = j->delivery.attempts, .answer = STR("") };
		w->js.ended = j->next;
		assert_int_equal(j->delivery.attempts, 1);
		assert_int_equal(j->delivery.state, DELIVERY_DONE);
		assert_done(ledger_settle(w->ledger, &j->delivery, &attempt));
		journey_free(j);
	}
	assert_done(ledger_commit(w->ledger));
	assert_done(lane_set_load(&w->lanes, w->rules, w->ledger, NOW));
}

/* Each at its first attempt; also where there was no room for what had been noted already. */
static void all_are_sent_in_the_end(void **state)
{
	static const struct {
		const char *to;
		size_t room;
	} cases[] = {
		{ HOOK("a"), ROOM },      { HOOK("a"), ROOM / 2 },  { RELAY("a"), ROOM },
		{ RELAY("a"), ROOM / 2 }, { RELAY("a"), ROOM / 3 }, { RELAY("a"), ROOM / 4 },
	};
	enum { MANY = 40 };
	unsigned taken_back = 0;
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct world w;
		unsigned ended = 0;
		open_large(&w);
		w.js.memory.max = cases[i].room;
		uint64_t last = add(&w, 1, "a", cases[i].to, RULE("a"), MANY);
		begin(&w);
		for (unsigned k = 0; k < 4 * MANY && ended < MANY; k++) {
			move(&w);
			assert_in_range(atomic_load(&w.js.memory.used), 0, w.js.memory.max);
			taken_back += w.js.n_unbegun;
			ended += end_one(&w, 0);
			settle(&w);
		}
		assert_int_equal(ended, MANY);
		assert_int_equal(ledger_count(w.ledger, w.rules->destinations[0].no, DELIVERY_DONE),
				 MANY);
		assert_int_equal(atomic_load(&w.js.memory.used), 0);
		assert_int_equal(last, MANY);
		close_world(&w);
	}
	assert_true(taken_back > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_takes_long_waits_for_others),
		cmocka_unit_test(workspaces_share_the_time),
		cmocka_unit_test(who_takes_ten_times_as_long_begins_a_tenth),
		cmocka_unit_test(what_is_noted_is_synced_once),
		cmocka_unit_test(what_is_under_way_has_a_ceiling),
		cmocka_unit_test(who_found_no_room_waits_for_it),
		cmocka_unit_test(all_are_sent_in_the_end),
	};
	sqlite3_auto_extension((void (*)(void))watch);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
