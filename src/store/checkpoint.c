#include "store/checkpoint.h"

#include "base/fail.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

/* Pages of the log. */
enum {
	BEGIN_AT = 1000, /* the thread begins: 4 MB */
	WAIT_TIMES = 8,  /* so many times that, and the committer waits for the thread: 32 MB */
	LITTLE = 64,     /* what the committer copies itself: well below a millisecond */
	ROUNDS_MAX = 8,  /* of the thread, to get down to LITTLE */
	HELD_SHARE = 8, /* by so much a log has grown when it is looked whether a reader has gone */
};

enum state {
	IDLE,
	WANTED, /* by the committer, for the thread */
	COPIED, /* by the thread, for the committer to finish */
};

struct checkpoint {
	sqlite3 *db;     /* the thread's */
	sqlite3 *writer; /* the committer's */
	int begin_at;    /* pages */
	int pages;       /* in the log after the last commit; the committer's */
	bool end_asked;  /* the committer's */
	int held_until; /* pages: a reader held a part back; looked again only then, unless asked */

	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	_Atomic enum state state; /* changed under the lock */
	bool stop;                /* under the lock */
	int left;                 /* under the lock: pages that the thread was not let copy */
	int failure;              /* under the lock; below zero: the thread failed */
	char why[256];            /* under the lock */
};

/* Readers may hold back a part, which is no failure. */
static int copy(sqlite3 *db, int *pages, int *copied)
{
	int rc = sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_PASSIVE, pages, copied);
	if (rc == SQLITE_OK || rc == SQLITE_BUSY)
		return 0;
	return db_fail(db, rc, "checkpoint");
}

static int copy_bulk(sqlite3 *db, int *left)
{
	int pages = 0, copied = 0, r = 0;
	for (int round = 0; r == 0 && round < ROUNDS_MAX; round++) {
		int before = copied;
		r = copy(db, &pages, &copied);
		/* What was there to copy is what came in while the round before was copying. */
		if (copied - before <= LITTLE)
			break;
	}
	*left = pages - copied;
	return pass(r);
}

static void set_state(struct checkpoint *c, enum state state)
{
	atomic_store_explicit(&c->state, state, memory_order_release);
	must(pthread_cond_broadcast(&c->changed) == 0);
}

static enum state state_of(const struct checkpoint *c)
{
	return atomic_load_explicit(&c->state, memory_order_acquire);
}

static void lock(struct checkpoint *c)
{
	must(pthread_mutex_lock(&c->lock) == 0);
}

static void unlock(struct checkpoint *c)
{
	must(pthread_mutex_unlock(&c->lock) == 0);
}

static void *run(void *arg)
{
	struct checkpoint *c = arg;
	lock(c);
	for (;;) {
		while (!c->stop && state_of(c) != WANTED)
			must(pthread_cond_wait(&c->changed, &c->lock) == 0);
		if (c->stop)
			break;
		unlock(c);
		int left, r = copy_bulk(c->db, &left);
		lock(c);
		c->left = left;
		if (r < 0) {
			c->failure = r;
			snprintf(c->why, sizeof(c->why), "%s", fail_text());
		}
		set_state(c, COPIED);
	}
	unlock(c);
	return NULL;
}

static int note_pages(void *arg, sqlite3 *db, const char *name, int pages)
{
	struct checkpoint *c = arg;
	(void)db;
	(void)name;
	c->pages = pages;
	return SQLITE_OK;
}

/* Signals are for other threads. */
static int start_thread(struct checkpoint *c)
{
	sigset_t all, before;
	sigfillset(&all);
	must(pthread_sigmask(SIG_SETMASK, &all, &before) == 0);
	int rc = pthread_create(&c->thread, NULL, run, c);
	must(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
	return rc == 0 ? 0 : fail(-rc, "checkpoint thread");
}

int checkpoint_start(const char *db_path, sqlite3 *writer, unsigned begin_at,
		     struct checkpoint **out)
{
	struct checkpoint *c = calloc(1, sizeof(*c));
	if (!c)
		return fail(-ENOMEM, "checkpoint");
	c->writer = writer;
	c->begin_at = begin_at ? (int)begin_at : BEGIN_AT;
	atomic_init(&c->state, IDLE);
	must(pthread_mutex_init(&c->lock, NULL) == 0);
	must(pthread_cond_init(&c->changed, NULL) == 0);
	int r = db_open(db_path, SQLITE_OPEN_READWRITE, &c->db);
	r = r ?: start_thread(c);
	if (r < 0) {
		db_close(c->db);
		free(c);
		return pass(r);
	}
	sqlite3_wal_hook(writer, note_pages, c);
	*out = c;
	return 0;
}

int checkpoint_stop(struct checkpoint *c)
{
	if (!c)
		return 0;
	lock(c);
	c->stop = true;
	must(pthread_cond_broadcast(&c->changed) == 0);
	unlock(c);
	must(pthread_join(c->thread, NULL) == 0);
	sqlite3_wal_hook(c->writer, NULL, NULL);
	db_close(c->db);
	must(pthread_cond_destroy(&c->changed) == 0);
	must(pthread_mutex_destroy(&c->lock) == 0);
	int r = c->failure < 0 ? fail(c->failure, "%s", c->why) : 0;
	free(c);
	return pass(r);
}

/* Everything is copied after this, unless a reader holds back: then the next write begins the log
 * anew. */
static int copy_rest(struct checkpoint *c)
{
	int pages, copied;
	int r = copy(c->writer, &pages, &copied);
	c->held_until = r == 0 && copied < pages ? pages + pages / HELD_SHARE : 0;
	return pass(r);
}

static int end_log(struct checkpoint *c, enum checkpoint_end *end)
{
	int pages = 0, copied = 0;
	bool held = false;
	c->end_asked = false;
	int r = db_end_log(c->writer, &pages, &copied, &held);
	c->held_until = copied < pages ? pages + pages / HELD_SHARE : 0;
	*end = held ? CHECKPOINT_HELD : CHECKPOINT_ENDED;
	return pass(r);
}

/* There is nothing to do for the committer before the reader has gone. */
static int hold_on(struct checkpoint *c, enum checkpoint_end *end)
{
	c->end_asked = false;
	c->held_until = c->pages + c->pages / HELD_SHARE;
	*end = CHECKPOINT_HELD;
	return 0;
}

static int finish(struct checkpoint *c, enum checkpoint_end *end)
{
	lock(c);
	int r = c->failure < 0 ? fail(c->failure, "%s", c->why) : 0;
	bool held = c->left >= c->begin_at; /* by somebody who reads for long */
	set_state(c, IDLE);
	unlock(c);
	if (r == 0 && held)
		return hold_on(c, end);
	c->pages = 0; /* until the next commit says */
	if (r < 0)
		return pass(r);
	return c->end_asked ? end_log(c, end) : copy_rest(c);
}

/* What somebody has held for long may take the thread seconds: asked in time, nobody waits for that. */
static void want(struct checkpoint *c)
{
	lock(c);
	if (state_of(c) == IDLE)
		set_state(c, WANTED);
	int wait_at = MAX(WAIT_TIMES * c->begin_at, c->held_until);
	while (c->pages >= wait_at && state_of(c) == WANTED)
		must(pthread_cond_wait(&c->changed, &c->lock) == 0);
	unlock(c);
}

void checkpoint_ask_for_end(struct checkpoint *c)
{
	c->end_asked = true;
}

bool checkpoint_is_copying(const struct checkpoint *c)
{
	return state_of(c) == WANTED;
}

int checkpoint_between_batches(struct checkpoint *c, enum checkpoint_end *end)
{
	bool due = c->end_asked || c->pages >= MAX(c->begin_at, c->held_until);
	*end = CHECKPOINT_NO_END;
	if (due && state_of(c) != COPIED)
		want(c);
	return state_of(c) == COPIED ? finish(c, end) : 0;
}
