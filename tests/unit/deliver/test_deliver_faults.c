/*
 * Every call about files that deliveries make to the system fails once: with an error, or by doing only
 * a part. Each event still gets to its destination, is decided once, and in the end is known to be
 * delivered; the store is not touched. Whoever asks for a replay gets an answer, and what was said to
 * have been accepted is there.
 */
#include "base/log.h"
#include "deliver/deliver.h"

#include "../store/fixture.h"

#include <fcntl.h>
#include <unistd.h>

#include "../calls.h"

#define LOG                                                                            \
	"{\"name\":\"log\",\"type\":\"file\",\"path\":\"log\",\"rotate_bytes\":65536," \
	"\"retry_seconds\":[1,1,1,1,1]}"
#define RULE "{\"name\":\"r\",\"actions\":[{\"send\":\"log\"}]}"

enum { EVENTS = 5, TICK_US = 5000, TICKS_MAX = 4000 };

static void send_events(struct fixture *f)
{
	for (int i = 0; i < EVENTS; i++) {
		struct op op = fixture_op(f, "a@example.com");
		op.properties = arena_printf(&f->arena, "{\"total\":%d}", 100 + i);
		assert_int_equal(fixture_apply(f, &op), STORE_OK);
	}
}

static bool has_all(const struct fixture *f)
{
	char path[100], text[16 * 1024], part[32];
	snprintf(path, sizeof(path), "%s/out/log", f->dir);
	FILE *in = fopen(path, "r");
	if (!in)
		return false;
	text[fread(text, 1, sizeof(text) - 1, in)] = '\0';
	fclose(in);
	for (int i = 0; i < EVENTS; i++) {
		snprintf(part, sizeof(part), "{\"total\":%d}", 100 + i);
		if (!strstr(text, part))
			return false;
	}
	return true;
}

static int64_t in_ledger(const struct fixture *f, const char *sql)
{
	char path[100];
	sqlite3 *db;
	sqlite3_stmt *st;
	int64_t n = -1;
	snprintf(path, sizeof(path), "%s/deliveries.db", f->dir);
	assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) == SQLITE_OK &&
	    sqlite3_step(st) == SQLITE_ROW)
		n = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	sqlite3_close(db);
	return n;
}

static bool all_done(const struct fixture *f)
{
	return in_ledger(f, "SELECT count(*) FROM delivery WHERE state = 1") == EVENTS;
}

static void wait_for(const struct fixture *f, bool (*come_true)(const struct fixture *f))
{
	int ticks = 0;
	while (!come_true(f)) {
		assert_true(ticks++ < TICKS_MAX);
		usleep(TICK_US);
	}
}

/* Nothing here is for the store. */
static bool submit_nothing(void *ctx, struct deliver_op *o)
{
	(void)ctx, (void)o;
	return false;
}

static struct deliver *start(const struct fixture *f)
{
	const struct deliver_config config = { .store = f->store, .dir = f->dir };
	const struct deliver_commits commits = { submit_nothing, NULL };
	struct deliver *d;
	assert_done(deliver_new(&config, &d));
	assert_done(deliver_start(d, &commits));
	return d;
}

static void stop(struct deliver *d)
{
	deliver_stop(d);
	deliver_free(d);
}

struct asked {
	struct wish wish; /* first */
	atomic_bool answered;
};

static void on_answer(struct wish *w)
{
	atomic_store(&((struct asked *)w)->answered, true);
}

static void ask(struct deliver *d, struct asked *a)
{
	*a = (struct asked){ .wish = { .kind = WISH_REPLAY, .done = on_answer } };
	a->wish.replay.of = (struct delivery_filter){ .workspace = 1,
						      .state = DELIVERY_DEAD,
						      .until = INT64_MAX };
	a->wish.replay.per_second = 1;
	assert_true(deliver_ask(d, &a->wish));
}

static void wait_for_answer(const struct asked *a)
{
	for (int ticks = 0; !atomic_load(&a->answered); usleep(TICK_US))
		assert_true(ticks++ < TICKS_MAX);
}

/* What failed may be there all the same, as a commit whose answer was lost. */
static void check_replay(const struct fixture *f, const struct asked *a)
{
	char sql[80];
	snprintf(sql, sizeof(sql), "SELECT count(*) FROM replay WHERE no = %llu",
		 (unsigned long long)a->wish.replay.no);
	assert_true(atomic_load(&a->answered));
	if (a->wish.outcome == REPLAY_OK)
		assert_int_equal(in_ledger(f, sql), 1);
	else
		assert_true(a->wish.outcome < 0);
}

/* How many calls failed. */
static int run(unsigned kinds, int fail_at, int error)
{
	struct fixture f;
	struct asked first, last;
	fixture_begin(&f);
	fixture_provision(&f);
	fixture_declare(&f, DOCUMENT_MUST_BE_NEW, DOCUMENT_DESTINATION, "log", LOG);
	fixture_declare(&f, DOCUMENT_MUST_BE_NEW, DOCUMENT_AUTOMATION, "r", RULE);
	struct deliver *d = start(&f);
	send_events(&f);
	calls_arm(kinds, fail_at, 1, error);
	deliver_wake(d);
	ask(d, &first);
	wait_for(&f, has_all);
	wait_for_answer(&first);
	ask(d, &last);
	stop(d);
	int failed = atomic_load(&calls.failed);
	calls_arm(0, 0, 0, 0);
	d = start(&f);
	wait_for(&f, all_done);
	stop(d);
	check_replay(&f, &first);
	check_replay(&f, &last);
	assert_int_equal(in_ledger(&f, "SELECT count(*) FROM delivery"), EVENTS);
	assert_int_equal(in_ledger(&f, "SELECT count(DISTINCT seq) FROM delivery"), EVENTS);
	assert_true(store_takes_writes(f.store, NULL, 0));
	fixture_end(&f);
	return failed;
}

static const struct calls_way ways[] = {
	{ CALL_OPEN, EMFILE, "open: too many files" },
	{ CALL_READ, EIO, "read: the disk" },
	{ CALL_WRITE, ENOSPC, "write: the disk is full" },
	{ CALL_WRITE, 0, "write: a part" },
	{ CALL_SYNC, EIO, "sync: the disk" },
	{ CALL_NAMES, EIO, "names: the disk" },
	{ CALL_MAP, ENOMEM, "map: no memory" },
};

static void each_call_may_fail(void **state)
{
	(void)state;
	assert_int_equal(run(0, 0, 0), 0);
	for (size_t i = 0; i < ARRAY_LEN(ways); i++)
		calls_try_each(&ways[i], run);
}

/* --- At the start --- */

static bool has_no_threads;

int pthread_create(pthread_t *out, const pthread_attr_t *attr, void *(*begin)(void *), void *arg)
{
	return has_no_threads ? EAGAIN : CALLS_NEXT(pthread_create)(out, attr, begin, arg);
}

static void start_in_vain(const struct fixture *f, bool has_memory)
{
	const struct deliver_config config = { .store = f->store, .dir = f->dir };
	const struct deliver_commits commits = { submit_nothing, NULL };
	struct wish w = { .done = on_answer };
	struct deliver *d;
	assert_done(deliver_new(&config, &d));
	assert_true(deliver_is_well(d));
	has_no_threads = has_memory;
	calls_arm(has_memory ? 0 : CALL_MEMORY, 1, 1, ENOMEM);
	assert_true(deliver_start(d, &commits) < 0);
	calls_arm(0, 0, 0, 0);
	has_no_threads = false;
	assert_false(deliver_is_well(d));
	assert_false(deliver_ask(d, &w));
	stop(d);
}

/* The server goes on without deliveries then, and says so. */
static void what_does_not_start_is_not_well(void **state)
{
	struct fixture f;
	(void)state;
	fixture_begin(&f);
	start_in_vain(&f, false);
	start_in_vain(&f, true);
	struct deliver *d = start(&f);
	assert_true(deliver_is_well(d));
	stop(d);
	fixture_end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_call_may_fail),
		cmocka_unit_test(what_does_not_start_is_not_well),
	};
	log_set_level(LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
