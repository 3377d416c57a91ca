/*
 * Rounds of the delivering thread, without the thread: when the next is due, what one that fails
 * costs, and what the last one writes.
 */
#include "base/log.h"
#include "deliver/deliver_private.h"

#include "../store/fixture.h"

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define LOG    "{\"name\":\"log\",\"type\":\"file\",\"path\":\"log\"}"
#define RULE   "{\"name\":\"r\",\"actions\":[{\"send\":\"log\"}]}"
#define RULE_S "{\"name\":\"s\",\"actions\":[{\"send\":\"log\"}]}"

enum { SOON_MS = 21, TIDY_MS = 1001 };

static _Atomic int64_t step_s;  /* how far the clock was set */
static _Atomic int64_t later_s; /* how much of the other clock has passed besides */

/* In the place of libc's, for the whole program. */
int clock_gettime(clockid_t id, struct timespec *out)
{
	int r = (int)syscall(SYS_clock_gettime, id, out);
	if (id == CLOCK_REALTIME)
		out->tv_sec += step_s;
	else if (id == CLOCK_MONOTONIC)
		out->tv_sec += later_s;
	return r;
}

struct world {
	struct fixture f;
	struct deliver *d;
};

/* Nothing here is for the store. */
static bool submit_nothing(void *ctx, struct deliver_op *o)
{
	(void)ctx, (void)o;
	return false;
}

static void create(struct world *w)
{
	const struct deliver_commits commits = { submit_nothing, NULL };
	const struct deliver_config config = { .store = w->f.store, .dir = w->f.dir };
	assert_done(deliver_new(&config, &w->d));
	assert_done(deeds_new(&commits, w->d->http, &w->d->deeds));
	w->d->journeys.deeds = w->d->deeds;
}

static void begin(struct world *w)
{
	fixture_begin(&w->f);
	fixture_provision(&w->f);
	fixture_declare(&w->f, 0, DOCUMENT_DESTINATION, "log", LOG);
	fixture_declare(&w->f, 0, DOCUMENT_AUTOMATION, "r", RULE);
	create(w);
}

static void end(struct world *w)
{
	deliver_free(w->d);
	fixture_end(&w->f);
}

/* All that is to be written is. */
static void settle(struct deliver *d)
{
	do
		deliver_round(d);
	while (deliver_has_to_write(d));
	assert_true(deliver_is_well(d));
}

static void what_is_to_be_done_is_done_soon_wherever_the_clock_goes(void **state)
{
	static const int64_t steps_s[] = { 0, -1, -3600, 3600, -1000000000 };
	struct world w;
	(void)state;
	begin(&w);
	for (size_t i = 0; i < ARRAY_LEN(steps_s); i++) {
		settle(w.d);
		w.d->untidy = true;
		step_s = steps_s[i];
		assert_in_range(deliver_ms_to_next(w.d), 0, TIDY_MS);
		deliver_wake(w.d);
		assert_in_range(deliver_ms_to_next(w.d), 0, SOON_MS);
		atomic_store(&w.d->stopping, true);
		assert_in_range(deliver_ms_to_next(w.d), 0, SOON_MS);
		atomic_store(&w.d->stopping, false);
	}
	step_s = 0;
	end(&w);
}

/* Lanes that were broken off go on without a pause; what could not be begun is written soon. */
static void what_was_broken_off_goes_on_at_once(void **state)
{
	struct world w;
	(void)state;
	begin(&w);
	settle(w.d);
	assert_false(w.d->lanes.more);
	w.d->lanes.more = true;
	assert_int_equal(deliver_ms_to_next(w.d), 0);
	deliver_round(w.d);
	assert_false(w.d->lanes.more);
	w.d->journeys.n_unbegun = 1;
	assert_true(deliver_has_to_write(w.d));
	settle(w.d);
	assert_int_equal(w.d->journeys.n_unbegun, 0);
	end(&w);
}

/* --- What is in force --- */

static void add_workspace(struct world *w, uint8_t no)
{
	const struct provision_workspace one = { .id = fixture_workspace_id(no),
						 .name = STR("another") };
	assert_done(store_provision(w->f.store,
				    &(struct provision){ .workspaces = &one, .n_workspaces = 1 }));
}

static unsigned n_read;  /* positions, which all that is read anew has looked up */
static unsigned n_looks; /* for what is due */

static int count_statement(unsigned kind, void *ctx, void *statement, void *text)
{
	const char *sql = sqlite3_sql(statement);
	(void)kind, (void)ctx, (void)text;
	n_read += strncmp(sql, "SELECT seq FROM position", 24) == 0;
	n_looks += strstr(sql, "AND due_at <= ?4 ORDER BY due_at") != NULL;
	return 0;
}

static int watch(sqlite3 *db, char **error, const struct sqlite3_api_routines *api)
{
	(void)error, (void)api;
	return sqlite3_trace_v2(db, SQLITE_TRACE_STMT, count_statement, NULL);
}

/* Definitions grow with the events: it would be read anew with each of them. */
static void what_is_declared_is_read_anew_when_it_has_changed(void **state)
{
	struct world w;
	(void)state;
	begin(&w);
	settle(w.d);
	uint64_t version = w.d->rules->catalog->version;
	const struct automation *read = w.d->rules->automations;
	n_read = 0;
	add_workspace(&w, 7);
	deliver_wake(w.d);
	settle(w.d);
	assert_true(w.d->rules->catalog->version > version);
	assert_ptr_equal(w.d->rules->automations, read);
	assert_int_equal(n_read, 0);
	fixture_declare(&w.f, 0, DOCUMENT_AUTOMATION, "s", RULE_S);
	deliver_wake(w.d);
	settle(w.d);
	assert_int_equal(w.d->rules->n_automations, 2);
	assert_true(n_read > 0);
	end(&w);
}

enum { RULES = 60 }; /* what is little is not counted */

static void declare_many(struct world *w)
{
	char name[16], body[100];
	for (int i = 0; i < RULES; i++) {
		snprintf(name, sizeof(name), "r%d", i);
		snprintf(body, sizeof(body), "{\"name\":\"%s\",\"actions\":[{\"send\":\"log\"}]}",
			 name);
		fixture_declare(&w->f, 0, DOCUMENT_AUTOMATION, name, body);
	}
	deliver_wake(w->d);
}

/* While attempts under way have those of before, and a new ledger has to do with these too. */
static void what_is_declared_waits_for_memory(void **state)
{
	struct world w;
	(void)state;
	for (int reopened = 0; reopened < 2; reopened++) {
		begin(&w);
		declare_many(&w);
		settle(w.d);
		struct rules *before = w.d->rules;
		size_t max = w.d->rules_memory.max;
		w.d->rules_memory.max = w.d->rules_memory.used + 100;
		fixture_declare(&w.f, 0, DOCUMENT_AUTOMATION, "s", RULE_S);
		if (reopened)
			deliver_after_failure(w.d);
		for (int i = 0; i < 3; i++) {
			deliver_wake(w.d);
			settle(w.d);
			assert_ptr_equal(w.d->rules, before);
		}
		assert_in_range(deliver_ms_to_next(w.d), 0, TIDY_MS);
		w.d->rules_memory.max = max;
		later_s += 2;
		settle(w.d);
		assert_int_equal(w.d->rules->n_automations, RULES + 2);
		end(&w);
	}
}

/* --- A ledger that cannot be opened --- */

static void path_of(const struct world *w, const char *name, char out[static 200])
{
	assert_in_range(snprintf(out, 200, "%s/%s", w->f.dir, name), 1, 199);
}

static void take_away(struct world *w)
{
	char from[200], to[200];
	deliver_close_ledger(w->d);
	path_of(w, "deliveries.db", from);
	path_of(w, "away", to);
	assert_int_equal(rename(from, to), 0);
	assert_int_equal(mkdir(from, 0700), 0);
}

static void put_back(struct world *w)
{
	char from[200], to[200];
	path_of(w, "away", from);
	path_of(w, "deliveries.db", to);
	assert_int_equal(rmdir(to), 0);
	assert_int_equal(rename(from, to), 0);
}

static void it_is_tried_again_less_and_less_often(void **state)
{
	static const int pauses_ms[] = { 100, 200, 400, 800, 1600, 3200, 3200 };
	struct world w;
	(void)state;
	begin(&w);
	for (int twice = 0; twice < 2; twice++) {
		settle(w.d);
		take_away(&w);
		for (size_t i = 0; i < ARRAY_LEN(pauses_ms); i++) {
			deliver_round(w.d);
			assert_false(deliver_is_well(w.d));
			assert_int_equal(deliver_ms_to_next(w.d), pauses_ms[i]);
			deliver_wake(w.d);
			assert_int_equal(deliver_ms_to_next(w.d), pauses_ms[i]);
		}
		put_back(&w);
	}
	settle(w.d);
	end(&w);
}

/* --- The last --- */

static struct delivery decide(struct world *w, uint64_t contact)
{
	struct delivery d = { .workspace = 1,
			      .automation = 2,
			      .destination = 1,
			      .seq = 1,
			      .contact = contact,
			      .due_at = DELIVERY_WAITS }; /* nobody tries it */
	assert_done(ledger_begin(w->d->ledger));
	assert_done(ledger_decide(w->d->ledger, &d));
	assert_done(ledger_commit(w->d->ledger));
	return d;
}

/* An attempt at it has ended, and no round has come since. */
static void deliver(struct world *w, const struct delivery *d)
{
	struct journey *j = calloc(1, sizeof(*j));
	assert_non_null(j);
	arena_init(&j->attempt.arena, 1024, NULL);
	j->attempt.outcome = ATTEMPT_DELIVERED;
	j->delivery = *d;
	j->delivery.state = DELIVERY_DONE;
	j->delivery.answer = j->delivery.note = STR("");
	j->delivery.attempts = 1;
	j->rules = rules_ref(w->d->rules);
	j->next = w->d->journeys.ended;
	w->d->journeys.ended = j;
}

static int64_t in_ledger(const struct world *w, enum delivery_state state)
{
	assert_non_null(w->d->ledger);
	return (int64_t)ledger_count(w->d->ledger, 1, state);
}

/* Also when the ledger has been closed by a failure just before. */
static void the_last_writes_what_has_ended(void **state)
{
	(void)state;
	for (int closed = 0; closed < 2; closed++) {
		struct world w;
		begin(&w);
		settle(w.d);
		struct delivery one = decide(&w, 1);
		decide(&w, 2);
		deliver(&w, &one);
		if (closed)
			deliver_after_failure(w.d);
		assert_done(deliver_write_last(w.d));
		deliver_forget_ended(w.d);
		assert_int_equal(in_ledger(&w, DELIVERY_DONE), 1);
		assert_int_equal(in_ledger(&w, DELIVERY_PENDING), 1);
		end(&w);
	}
}

static void the_last_may_fail(void **state)
{
	struct world w;
	(void)state;
	begin(&w);
	settle(w.d);
	struct delivery one = decide(&w, 1);
	deliver(&w, &one);
	take_away(&w);
	assert_true(deliver_write_last(w.d) < 0);
	deliver_after_failure(w.d);
	deliver_forget_ended(w.d);
	put_back(&w);
	end(&w);
}

/* However many there are, and only they. */
static void the_last_forgets_who_was_deleted(void **state)
{
	enum { DELETED = 250, KEPT = 2 };
	struct world w;
	char email[40];
	(void)state;
	begin(&w);
	settle(w.d);
	for (unsigned i = 0; i < DELETED + KEPT; i++) {
		snprintf(email, sizeof(email), "c%u@example.com", i);
		struct op op = fixture_op(&w.f, email);
		assert_int_equal(fixture_apply(&w.f, &op), STORE_OK);
		decide(&w, op.contact);
		op.kind = OP_CONTACT_DELETE;
		if (i < DELETED)
			assert_int_equal(fixture_apply(&w.f, &op), STORE_OK);
	}
	assert_int_equal(in_ledger(&w, DELIVERY_PENDING), DELETED + KEPT);
	assert_done(deliver_write_last(w.d));
	assert_int_equal(in_ledger(&w, DELIVERY_PENDING), KEPT);
	end(&w);
}

/* No transaction is longer for it than for others, and the next contact waits until it has gone. */
static void who_had_many_deliveries_goes_in_pieces(void **state)
{
	enum { MANY = 1200, ROUND = 500 };
	struct world w;
	(void)state;
	begin(&w);
	settle(w.d);
	struct op op = fixture_op(&w.f, "a@example.com"), other = fixture_op(&w.f, "b@example.com");
	assert_int_equal(fixture_apply(&w.f, &op), STORE_OK);
	assert_int_equal(fixture_apply(&w.f, &other), STORE_OK);
	for (int i = 0; i < MANY; i++)
		decide(&w, op.contact);
	decide(&w, other.contact);
	op.kind = other.kind = OP_CONTACT_DELETE;
	assert_int_equal(fixture_apply(&w.f, &op), STORE_OK);
	assert_int_equal(fixture_apply(&w.f, &other), STORE_OK);
	for (int left = MANY + 1; left > 0;) {
		assert_done(ledger_begin(w.d->ledger));
		assert_done(deliver_forget_gone(w.d));
		assert_done(ledger_commit(w.d->ledger));
		left = MAX(left - ROUND, 0);
		assert_int_equal(in_ledger(&w, DELIVERY_PENDING), left);
		assert_int_equal(w.d->more_gone, left > 0);
	}
	end(&w);
}

/* Its deletions are counted anew then. */
static void who_is_deleted_after_a_store_was_put_back_is_forgotten(void **state)
{
	struct world w;
	(void)state;
	begin(&w);
	settle(w.d);
	assert_done(ledger_begin(w.d->ledger));
	assert_done(ledger_set_gone(w.d->ledger, 50));
	assert_done(ledger_commit(w.d->ledger));
	deliver_free(w.d);
	create(&w);
	struct op op = fixture_op(&w.f, "a@example.com");
	assert_int_equal(fixture_apply(&w.f, &op), STORE_OK);
	decide(&w, op.contact);
	op.kind = OP_CONTACT_DELETE;
	assert_int_equal(fixture_apply(&w.f, &op), STORE_OK);
	assert_done(deliver_write_last(w.d));
	assert_int_equal(in_ledger(&w, DELIVERY_PENDING), 0);
	end(&w);
}

#define ANSWER "Zebedee-4711"

static bool any_file_has_the_answer(const struct world *w)
{
	static const char *const names[] = { "deliveries.db", "deliveries.db-wal" };
	static char text[8 << 20];
	bool has = false;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		char path[200];
		path_of(w, names[i], path);
		FILE *in = fopen(path, "rb");
		size_t n = in ? fread(text, 1, sizeof(text), in) : 0;
		has |= memmem(text, n, ANSWER, strlen(ANSWER)) != NULL;
		assert_true(n < sizeof(text) && (!in || fclose(in) == 0));
	}
	return has;
}

/* Without anything else happening. */
static void what_was_answered_about_who_was_deleted_leaves_the_files(void **state)
{
	struct world w;
	(void)state;
	begin(&w);
	settle(w.d);
	struct op op = fixture_op(&w.f, "a@example.com");
	assert_int_equal(fixture_apply(&w.f, &op), STORE_OK);
	struct delivery row = decide(&w, op.contact);
	for (int i = 0; i < 100; i++) /* or what comes next overwrites it in the log */
		decide(&w, 1000);
	deliver(&w, &row);
	w.d->journeys.ended->delivery.answer = STR(ANSWER);
	w.d->journeys.ended->delivery.ended_at = time_now(); /* or it is purged */
	settle(w.d);
	op.kind = OP_CONTACT_DELETE;
	assert_int_equal(fixture_apply(&w.f, &op), STORE_OK);
	for (int s = 0; s < 2; s++) {
		assert_true(any_file_has_the_answer(&w));
		later_s += 2;
		assert_in_range(deliver_ms_to_next(w.d), 0, SOON_MS);
		settle(w.d);
	}
	assert_int_equal(in_ledger(&w, DELIVERY_DONE), 0);
	later_s += 10;
	assert_in_range(deliver_ms_to_next(w.d), 0, SOON_MS);
	settle(w.d);
	assert_false(any_file_has_the_answer(&w));
	later_s += 2;
	settle(w.d);
	assert_false(w.d->untidy);
	end(&w);
}

/* --- Automations that are gone --- */

static void drop(struct world *w, enum document_kind kind, const char *name)
{
	fixture_declare(&w->f, 0, kind, name, "");
	deliver_wake(w->d);
}

/* As after many seconds. */
static void tidy(struct deliver *d)
{
	do {
		d->tidied_us = 0;
		deliver_wake(d);
		settle(d);
	} while (d->untidy);
}

enum { FIRED_FOR = 1200 };

static void fire(struct world *w, uint32_t automation)
{
	assert_done(ledger_begin(w->d->ledger));
	for (unsigned i = 1; i <= FIRED_FOR; i++)
		assert_done(ledger_fire(w->d->ledger, automation, i, 50));
	assert_done(ledger_commit(w->d->ledger));
}

static instant_us fired(struct world *w, uint32_t automation)
{
	instant_us at;
	assert_done(ledger_fired(w->d->ledger, automation, FIRED_FOR, &at));
	return at;
}

/* In pieces, and not before; also over a start. What it decided stays decided. */
static void for_whom_it_fired_goes_with_an_automation(void **state)
{
	struct world w;
	bool known;
	(void)state;
	begin(&w);
	fixture_declare(&w.f, 0, DOCUMENT_AUTOMATION, "s", RULE_S);
	deliver_wake(w.d);
	tidy(w.d);
	fire(&w, 2);
	fire(&w, 3);
	fixture_declare(&w.f, 0, DOCUMENT_AUTOMATION, "r", RULE);
	tidy(w.d);
	assert_int_equal(fired(&w, 2), 50);
	drop(&w, DOCUMENT_AUTOMATION, "r");
	tidy(w.d);
	assert_int_equal(fired(&w, 2), 0);
	assert_int_equal(fired(&w, 3), 50);
	drop(&w, DOCUMENT_AUTOMATION, "s");
	deliver_free(w.d);
	create(&w);
	tidy(w.d);
	assert_int_equal(fired(&w, 3), 0);
	assert_done(ledger_knows(w.d->ledger, 3, &known));
	assert_true(known);
	end(&w);
}

/* --- Who has nothing to do with an event --- */

/* Each destination has something that waits, and one has something new. */
static void only_who_was_decided_for_is_looked_at(void **state)
{
	enum { DESTINATIONS = 20 };
	struct world w;
	char name[16], body[100];
	(void)state;
	begin(&w);
	for (int i = 0; i < DESTINATIONS; i++) {
		snprintf(name, sizeof(name), "log%d", i);
		snprintf(body, sizeof(body), "{\"name\":\"%s\",\"type\":\"file\",\"path\":\"%s\"}",
			 name, name);
		fixture_declare(&w.f, 0, DOCUMENT_DESTINATION, name, body);
	}
	deliver_wake(w.d);
	settle(w.d);
	for (unsigned i = 0; i < w.d->rules->n_destinations; i++) {
		struct delivery d = { .workspace = 1,
				      .destination = w.d->rules->destinations[i].no,
				      .due_at = DELIVERY_WAITS };
		assert_done(ledger_begin(w.d->ledger));
		assert_done(ledger_decide(w.d->ledger, &d));
		assert_done(ledger_commit(w.d->ledger));
	}
	tidy(w.d);
	struct op op = fixture_op(&w.f, "a@example.com");
	assert_int_equal(fixture_apply(&w.f, &op), STORE_OK);
	n_looks = 0;
	deliver_wake(w.d);
	settle(w.d);
	assert_in_range(n_looks, 1, DESTINATIONS / 2);
	end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_to_be_done_is_done_soon_wherever_the_clock_goes),
		cmocka_unit_test(what_was_broken_off_goes_on_at_once),
		cmocka_unit_test(what_is_declared_is_read_anew_when_it_has_changed),
		cmocka_unit_test(what_is_declared_waits_for_memory),
		cmocka_unit_test(it_is_tried_again_less_and_less_often),
		cmocka_unit_test(the_last_writes_what_has_ended),
		cmocka_unit_test(the_last_may_fail),
		cmocka_unit_test(the_last_forgets_who_was_deleted),
		cmocka_unit_test(who_had_many_deliveries_goes_in_pieces),
		cmocka_unit_test(who_is_deleted_after_a_store_was_put_back_is_forgotten),
		cmocka_unit_test(what_was_answered_about_who_was_deleted_leaves_the_files),
		cmocka_unit_test(for_whom_it_fired_goes_with_an_automation),
		cmocka_unit_test(only_who_was_decided_for_is_looked_at),
	};
	log_set_level((enum log_level)(LOG_ERROR + 1));
	sqlite3_auto_extension((void (*)(void))watch);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
