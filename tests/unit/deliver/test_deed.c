/* What automations do themselves, with a committer that does what the test says. */
#include "../store/fixture.h"
#include "deliver/deed.h"
#include "deliver/deliver.h"
#include "deliver/ledger_read.h"

#include <pthread.h>

enum { ASKED_MAX = 1000 };

static struct fixture f;
static struct deliver *deliver;

/* What was asked for and is not answered yet. */
static struct {
	pthread_mutex_t lock;
	struct deliver_op *list[ASKED_MAX];
	unsigned n;
	bool full;
} asked = { .lock = PTHREAD_MUTEX_INITIALIZER };

static bool submit(void *ctx, struct deliver_op *o)
{
	assert_ptr_equal(ctx, &asked);
	pthread_mutex_lock(&asked.lock);
	bool room = !asked.full;
	if (room && asked.n < ASKED_MAX)
		asked.list[asked.n++] = o;
	pthread_mutex_unlock(&asked.lock);
	return room;
}

static unsigned n_asked(void)
{
	pthread_mutex_lock(&asked.lock);
	unsigned n = asked.n;
	pthread_mutex_unlock(&asked.lock);
	return n;
}

/* For what another thread does on its own time. */
#define wait_for(condition)                             \
	do {                                            \
		for (unsigned ms_ = 0; !(condition);) { \
			assert_true(++ms_ < 20000);     \
			usleep(1000);                   \
		}                                       \
	} while (0)

static struct deliver_op *next_asked(void)
{
	wait_for(n_asked() > 0);
	pthread_mutex_lock(&asked.lock);
	struct deliver_op *o = asked.list[0];
	memmove(asked.list, asked.list + 1, --asked.n * sizeof(o));
	pthread_mutex_unlock(&asked.lock);
	return o;
}

static void set_full(bool full)
{
	pthread_mutex_lock(&asked.lock);
	asked.full = full;
	pthread_mutex_unlock(&asked.lock);
}

/* As the committer does it. */
static void commit(struct deliver_op *o)
{
	o->op.outcome = fixture_apply(&f, &o->op) == STORE_OK ? OP_DONE : OP_REFUSED;
}

static void answer(struct deliver_op *o)
{
	commit(o);
	o->done(o);
	deliver_wake(deliver);
}

/* --- Life --- */

/* Filled by looks. */
static struct arena looked_at;

static void declare(const char *automation)
{
	const struct provision_document documents[] = {
		{ DOCUMENT_DESTINATION,
		  STR("{\"name\":\"log\",\"type\":\"file\",\"path\":\"log\"}"), STR("d") },
		{ DOCUMENT_AUTOMATION, str_of(automation), STR("a") },
	};
	const struct provision_workspace w = { .id = fixture_workspace_id(1),
					       .name = STR("acme"),
					       .documents = documents,
					       .n_documents = 2 };
	char error[200] = "";
	const struct provision p = {
		.workspaces = &w, .n_workspaces = 1, .error = error, .error_size = sizeof(error)
	};
	if (store_provision(f.store, &p) != 0)
		fail_msg("%s: %s %s", automation, error, fail_text());
}

static int set_up(void **state)
{
	(void)state;
	fixture_begin(&f);
	fixture_provision(&f);
	arena_init(&looked_at, 16 << 20, NULL);
	asked.n = 0;
	asked.full = false;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_fini(&looked_at);
	fixture_end(&f);
	return 0;
}

static void start(const char *automation)
{
	const struct deliver_config config = { .store = f.store, .dir = f.dir };
	const struct deliver_commits commits = { submit, &asked };
	declare(automation);
	assert_done(deliver_new(&config, &deliver));
	assert_done(deliver_start(deliver, &commits));
}

static void stop(void)
{
	deliver_stop(deliver);
	deliver_free(deliver);
}

static struct op report(const char *email, struct str cause)
{
	struct op op = fixture_op(&f, email);
	op.cause = cause;
	assert_int_equal(fixture_apply(&f, &op), STORE_OK);
	deliver_wake(deliver);
	return op;
}

/* --- Looking --- */

static struct delivery *rows; /* until the next look */
static unsigned n_rows;

/* Newest first. */
static unsigned look(int state)
{
	const struct delivery_query q = {
		.of = { .workspace = 1, .state = state, .until = INT64_MAX }, .limit = 1000
	};
	uint64_t next;
	arena_reset(&looked_at);
	assert_done(ledger_read_deliveries(f.dir, &looked_at, &q, &rows, &n_rows, &next));
	return n_rows;
}

static uint64_t count_events(void)
{
	uint64_t seq;
	assert_done(store_read_feed_end(f.reader, &seq));
	return seq;
}

#define RULE(actions) \
	"{\"name\":\"rule\",\"trigger\":{\"definitions\":[\"purchase\"]},\"actions\":[" actions "]}"
#define LATE                                                               \
	"{\"name\":\"rule\",\"trigger\":{\"definitions\":[\"purchase\"]}," \
	"\"delay_seconds\":1,\"actions\":[" VISIT "]}"
#define VISIT "{\"record\":{\"definition\":\"visit\",\"properties\":{\"n\":1}}}"

/* --- The tests --- */

static void an_event_that_may_have_been_written_is_there_once(void **state)
{
	(void)state;
	start(RULE(VISIT));
	struct op first = report("a@b.co", STR(""));
	struct deliver_op *o = next_asked();
	assert_int_equal(o->op.kind, OP_EVENT);
	assert_int_equal(o->op.dialect, DIALECT_AUTOMATION);
	commit(o);
	struct uuid id = o->op.event_id;
	o->op.outcome = OP_UNAVAILABLE; /* as far as anybody knows */
	o->done(o);
	wait_for(look(-1) == 1 && rows->attempts == 1);
	assert_int_equal(rows->state, DELIVERY_PENDING);
	assert_str(rows->answer, "the store could not write it");
	answer(next_asked());
	wait_for(look(DELIVERY_DONE) == 1);
	char text[UUID_TEXT + 1];
	uuid_text(id, text);
	assert_true(str_eq(str_from(rows->answer, strlen("recorded event ")), str_of(text)));
	assert_int_equal(count_events(), first.seq + 1);
	stop();
}

static void a_queue_without_room_is_asked_again(void **state)
{
	(void)state;
	start(RULE("{\"add_tag\":\"x\"}"));
	set_full(true);
	report("a@b.co", STR(""));
	wait_for(look(-1) == 1 && rows->attempts >= 1);
	assert_int_equal(rows->state, DELIVERY_PENDING);
	assert_str(rows->answer, "there is no room in the queue");
	set_full(false);
	answer(next_asked());
	wait_for(look(DELIVERY_DONE) == 1);
	assert_str(rows->answer, "changed");
	assert_str(fixture_contact(&f, 1, IDENTITY_EMAIL, "a@b.co").attributes,
		   "{\"email\":\"a@b.co\",\"tags\":[\"x\"]}");
	stop();
}

static void one_after_the_other_and_then_what_is_sent(void **state)
{
	static const char *const expected[] = { "add_tag", "send", "record", "send" };
	(void)state;
	start(RULE("{\"add_tag\":\"x\"},{\"send\":\"log\"}," VISIT ",{\"send\":\"log\"}"));
	report("a@b.co", STR(""));
	struct deliver_op *o = next_asked();
	assert_int_equal(o->op.kind, OP_CONTACT);
	assert_int_equal(look(-1), 4);
	for (unsigned i = 0; i < 4; i++) {
		const struct delivery *d = &rows[3 - i];
		assert_string_equal(action_kind_name((enum action_kind)d->kind), expected[i]);
		assert_int_equal(d->due_at == DELIVERY_WAITS, i > 0);
	}
	answer(o);
	o = next_asked();
	assert_int_equal(o->op.kind, OP_EVENT);
	wait_for(look(DELIVERY_DONE) == 2);
	assert_int_equal(look(DELIVERY_PENDING), 2);
	assert_true(rows[0].due_at == DELIVERY_WAITS);
	answer(o);
	wait_for(look(DELIVERY_DONE) == 4);
	stop();
}

static void what_is_refused_is_dead_and_holds_nobody(void **state)
{
	(void)state;
	start(RULE(VISIT ",{\"send\":\"log\"}"));
	struct op first = report("a@b.co", STR(""));
	struct deliver_op *o = next_asked();
	struct who who = fixture_who(&f, IDENTITY_EMAIL, "a@b.co", WHO_LOOKUP);
	struct op gone = { .arena = &f.arena,
			   .kind = OP_CONTACT_DELETE,
			   .workspace = 1,
			   .who = &who,
			   .n_who = 1 };
	assert_int_equal(fixture_apply(&f, &gone), STORE_OK);
	commit(o);
	assert_int_equal(o->op.outcome, OP_REFUSED);
	o->done(o);
	/* The dead row goes with the contact, a moment later. */
	wait_for(look(-1) == 0);
	assert_int_equal(count_events(), first.seq);
	stop();
}

static void only_so_many_at_once(void **state)
{
	enum { REPORTED = 300 };
	(void)state;
	start(RULE("{\"add_tag\":\"x\"}"));
	for (unsigned i = 0; i < REPORTED; i++)
		report(arena_printf(&f.arena, "p%u@b.co", i).p, STR(""));
	wait_for(look(DELIVERY_PENDING) == REPORTED);
	wait_for(n_asked() == DEEDS_OF_WORKSPACE_MAX);
	for (unsigned i = 0; i < REPORTED; i++) {
		assert_true(n_asked() <= DEEDS_OF_WORKSPACE_MAX);
		answer(next_asked());
	}
	wait_for(look(DELIVERY_DONE) == REPORTED);
	assert_int_equal(n_asked(), 0);
	stop();
}

#define CAUSE(names) \
	STR("{\"event_id\":\"0190a1b2-0000-7000-8000-000000000000\",\"automations\":[" names "]}")

static void loops_end(void **state)
{
	static const struct {
		struct str cause;
		const char *why, *next; /* why not; else what the next event says */
	} cases[] = {
		{ STR_INIT(""), NULL, "[\"rule\"]}" },
		{ CAUSE("\"a\",\"b\",\"c\",\"d\""), NULL, "[\"a\",\"b\",\"c\",\"d\",\"rule\"]}" },
		{ CAUSE("\"a\",\"b\",\"c\",\"d\",\"e\""),
		  "a loop: five automations have led to this event, one after the other", NULL },
		{ CAUSE("\"a\",\"rule\",\"b\""),
		  "a loop: the automation has led to this event itself", NULL },
		{ CAUSE("\"rules\""), NULL, "[\"rules\",\"rule\"]}" },
	};
	(void)state;
	start(RULE(VISIT));
	for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
		struct op op = report("a@b.co", cases[i].cause);
		wait_for(look(-1) == i + 1);
		if (cases[i].why) {
			wait_for(look(-1) > 0 && rows->state == DELIVERY_DEAD);
			assert_str(rows->answer, cases[i].why);
			continue;
		}
		struct deliver_op *o = next_asked();
		char id[UUID_TEXT + 1];
		uuid_text(op.event_id, id);
		struct str whole = arena_printf(&f.arena, "{\"event_id\":\"%s\",\"automations\":%s",
						id, cases[i].next);
		assert_str(o->op.cause, whole.p);
		answer(o);
		wait_for(look(-1) > 0 && rows->state == DELIVERY_DONE);
	}
	stop();
}

static void what_is_no_longer_right_is_dead(void **state)
{
	static const struct {
		const char *instead, *why;
	} cases[] = {
		{ RULE("{\"add_tag\":\"x\"}"), "the automation was changed and does not do that" },
		{ NULL, "record.definition names no event type that is defined" },
	};
	(void)state;
	start(LATE);
	for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
		report("a@b.co", STR(""));
		wait_for(look(-1) == i + 1);
		struct op op = { .arena = &f.arena,
				 .kind = OP_DEFINITION_DELETE,
				 .workspace = 1,
				 .definition = fixture_definition(&f, 1, "visit") };
		if (cases[i].instead)
			declare(cases[i].instead);
		else
			assert_int_equal(fixture_apply(&f, &op), STORE_OK);
		wait_for(look(-1) > 0 && rows->state == DELIVERY_DEAD);
		assert_str(rows->answer, cases[i].why);
		if (cases[i].instead)
			declare(LATE);
	}
	assert_int_equal(n_asked(), 0);
	stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(f_) cmocka_unit_test_setup_teardown(f_, set_up, tear_down)
		CASE(an_event_that_may_have_been_written_is_there_once),
		CASE(a_queue_without_room_is_asked_again),
		CASE(one_after_the_other_and_then_what_is_sent),
		CASE(what_is_refused_is_dead_and_holds_nobody),
		CASE(only_so_many_at_once),
		CASE(loops_end),
		CASE(what_is_no_longer_right_is_dead),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
