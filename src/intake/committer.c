/*
 * ~ Here an event becomes durable. commit_batch() takes what has gathered since the last sync, has
 * ~ the store apply it in one transaction, and only then sends the jobs home. Next: store/batch.c
 * ~ for the transaction, and what is written in it; then dialect/arsel.c for how a vendor's words are
 * ~ read and spoken.
 */
#include "intake/committer.h"

#include "base/fail.h"
#include "base/log.h"
#include "intake/lanes.h"
#include "intake/shares.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

enum {
	RECOVER_EVERY_S = 1,
	WORK_US = 30 * 1000, /* in one batch, so that what some ask holds up nobody for long */
};

struct committer {
	struct committer_config config;
	pthread_t thread;
	struct shares *shares;

	pthread_mutex_t lock; /* for the queue */
	pthread_cond_t arrived;
	struct lanes *lanes;
	bool stopping;

	/* The committer's thread only. */
	bool broken;      /* the last batch failed, and the store is not back yet */
	unsigned failed;  /* batches since the last that was committed */
	int64_t told_ms;  /* of the last line about a failure */
	bool full;        /* the last batch was refused for want of disk */
	bool stuck;       /* there are chores, but the disk is full */
	int64_t began_us; /* with the batch's work */

	/* Counted by the committer's thread, read by any. */
	atomic_uint_least64_t batches, failures, operations;
	struct durations took;
};

static struct commit_job *next_job(const struct commit_job *job)
{
	return (struct commit_job *)job->letter.next;
}

/* What is done twice when a client whose job was done in part asks again must be done as if once. */
static bool may_be_divided(const struct commit_job *job)
{
	bool may = !job->all_or_nothing && !job->id.key.p;
	for (unsigned i = 0; i < job->n_ops && may; i++)
		may = job->ops[i].kind == OP_CONTACT || job->ops[i].kind == OP_CONTACT_DELETE;
	return may;
}

enum committer_outcome committer_reserve(struct committer *c, const struct commit_job *job)
{
	must(!job->divisible || may_be_divided(job));
	return shares_take(c->shares, job->key_no, job->n_ops) ? COMMITTER_OK : COMMITTER_FULL;
}

bool committer_has_room(const struct committer *c, uint32_t key_no)
{
	return shares_has_room(c->shares, key_no);
}

void committer_submit(struct committer *c, struct commit_job *first, struct commit_job *last)
{
	last->letter.next = NULL;
	pthread_mutex_lock(&c->lock);
	bool was_empty = lanes_are_empty(c->lanes);
	lanes_put(c->lanes, first);
	pthread_mutex_unlock(&c->lock);
	if (was_empty)
		pthread_cond_signal(&c->arrived);
}

/* By the clock that nobody sets. */
static struct timespec in_seconds(int s)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec += s;
	return t;
}

/* Waits for jobs. NULL when stopping and nothing is left, when a store that is broken or stuck is
 * due another try, or when it has chores, or may have come to have some. */
static struct commit_job *take_batch(struct committer *c)
{
	struct commit_job *batch = NULL;
	struct timespec until = in_seconds(RECOVER_EVERY_S);
	bool held_up = c->broken || c->stuck;
	bool chores = !held_up && store_has_chores(c->config.store);
	bool look_again = held_up || store_has_later_chores(c->config.store);

	pthread_mutex_lock(&c->lock);
	while (lanes_are_empty(c->lanes) && !c->stopping && !chores) {
		if (!look_again)
			pthread_cond_wait(&c->arrived, &c->lock);
		else if (pthread_cond_timedwait(&c->arrived, &c->lock, &until) == ETIMEDOUT)
			break;
	}
	if (!lanes_are_empty(c->lanes))
		batch = lanes_cut(c->lanes, c->config.batch_max);
	pthread_mutex_unlock(&c->lock);
	return batch;
}

/* Of all that no former batch has done. */
static void set_outcome(struct commit_job *batch, enum op_outcome outcome)
{
	for (struct commit_job *job = batch; job; job = next_job(job)) {
		for (unsigned i = job->first; i < job->n_ops; i++)
			job->ops[i].outcome = outcome;
		job->left = 0;
	}
}

static bool is_over(const struct committer *c, int64_t now_us)
{
	return now_us - c->began_us >= WORK_US;
}

static int apply_all(struct committer *c, struct commit_job *job)
{
	bool over = false;
	unsigned i = job->first;
	for (; i < job->n_ops && !over; i++) {
		int r = store_apply(c->config.store, &job->ops[i]);
		/* Its neighbours are applied: half of such a job must not be committed. */
		if (r == STORE_REFUSED && job->all_or_nothing)
			r = fail(-EINVAL, "an operation is refused that had passed its check");
		if (r < 0)
			return pass(r);
		job->ops[i].outcome = r == STORE_REFUSED ? OP_REFUSED : OP_DONE;
		over = job->divisible && is_over(c, time_monotonic_us());
	}
	job->left = job->n_ops - i;
	return 0;
}

/* Marks all of the job as refused when one of its operations would be. */
static int check_all(struct committer *c, struct commit_job *job, bool *refused)
{
	*refused = false;
	for (unsigned i = 0; i < job->n_ops; i++) {
		int r = store_check(c->config.store, &job->ops[i]);
		if (r < 0)
			return pass(r);
		*refused |= r == STORE_REFUSED;
	}
	for (unsigned i = 0; *refused && i < job->n_ops; i++)
		job->ops[i].outcome = OP_REFUSED;
	return 0;
}

static int apply_new(struct committer *c, struct commit_job *job)
{
	bool refused = false;
	int r = job->all_or_nothing ? check_all(c, job, &refused) : 0;
	return r < 0 || refused ? pass(r) : apply_all(c, job);
}

/* Nobody by that name, and nothing else. */
static bool is_about_whom(const struct op *op)
{
	const struct problems *ps = op->problems;
	return ps && ps->found == 1 && ps->list[0].code == PROBLEM_UNKNOWN_CONTACT;
}

/* What was done must not be done again. Where nothing was, the answer stands only if it is about whom the
 * request names: a definition that is gone can be made anew, and what had no room may have some. */
static bool is_lasting(const struct commit_job *job)
{
	bool done = false, about_whom = true;
	for (unsigned i = 0; i < job->n_ops; i++) {
		done |= job->ops[i].outcome == OP_DONE;
		about_whom &= is_about_whom(&job->ops[i]);
	}
	return done || about_whom;
}

static int apply_job(struct committer *c, struct commit_job *job)
{
	const struct store_request id = { job->workspace, job->id, job->payload };
	if (!job->id.key.p)
		return apply_new(c, job);
	int r = store_recall(c->config.store, &id, job->ops, job->n_ops);
	job->other_payload = r == STORE_REFUSED;
	if (r != STORE_NONE)
		return r < 0 ? pass(r) : 0;
	r = apply_new(c, job);
	if (r < 0 || !is_lasting(job))
		return pass(r);
	return store_remember(c->config.store, &id, job->ops, job->n_ops);
}

/* The batch ends with `last`. */
static void put_back_rest(struct committer *c, struct commit_job *batch, struct commit_job *last)
{
	struct commit_job *rest = next_job(last);
	if (!rest)
		return;
	last->letter.next = NULL;
	pthread_mutex_lock(&c->lock);
	lanes_put_back(c->lanes, batch, rest);
	pthread_mutex_unlock(&c->lock);
}

static int apply_batch(struct committer *c, struct commit_job *batch)
{
	int64_t now_us = c->began_us = time_monotonic_us();
	int r = 0;
	for (struct commit_job *job = batch; job && r == 0; job = next_job(job)) {
		int64_t before_us = now_us;
		r = apply_job(c, job);
		now_us = time_monotonic_us();
		job->took_us = (uint32_t)(now_us - before_us);
		if (r == 0 && is_over(c, now_us))
			put_back_rest(c, batch, job);
	}
	return pass(r);
}

/* All of the batch, synced, or a failure; it is shorter afterwards where there was too much work in it.
 * STORE_FULL: nothing was tried. */
static int write_batch(struct committer *c, struct commit_job *batch)
{
	int r = store_begin(c->config.store);
	r = r ?: apply_batch(c, batch);
	return r ?: store_commit(c->config.store);
}

/* A disk that fails fails again and again: the first time is told, then every so often. */
static void tell_failure(struct committer *c, const char *event)
{
	enum { TELL_EVERY_MS = 10 * 1000 };
	int64_t now_ms = time_monotonic_ms();
	if (c->failed > 1 && now_ms - c->told_ms < TELL_EVERY_MS)
		return;
	c->told_ms = now_ms;
	log_error(event, LOG_S("cause", fail_text()), LOG_I("failed_batches", c->failed));
}

static void fail_batch(struct committer *c)
{
	c->failed++;
	atomic_fetch_add_explicit(&c->failures, 1, memory_order_relaxed);
	tell_failure(c, "batch_failed");
	store_abandon(c->config.store);
	c->broken = true;
}

/* Only a batch that was committed shows that the disk is well again. */
static void note_committed(struct committer *c, const struct commit_job *batch, int64_t began_us)
{
	uint64_t n = 0;
	for (; batch; batch = next_job(batch))
		n += batch->n_ops - batch->left - batch->first;
	atomic_fetch_add_explicit(&c->batches, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&c->operations, n, memory_order_relaxed);
	durations_add(&c->took, time_monotonic_us() - began_us);
	if (c->failed)
		log_info("store_recovered", LOG_I("failed_batches", c->failed));
	c->failed = 0;
	c->stuck = false;
}

static void recover(struct committer *c)
{
	if (store_recover(c->config.store) < 0)
		return tell_failure(c, "store_recover_failed");
	c->broken = false;
}

static void note_short_of_disk(struct committer *c)
{
	char why[256];
	c->full = !store_takes_writes(c->config.store, why, sizeof(why));
	if (c->full)
		log_warning("events_refused", LOG_S("cause", why));
}

/* One line when the disk runs short and one when it no longer does, not one per batch. */
static void note_full(struct committer *c, bool full)
{
	if (c->full == full)
		return;
	if (full)
		return note_short_of_disk(c);
	c->full = false;
	log_info("events_taken_again");
}

static void commit_batch(struct committer *c, struct commit_job *batch)
{
	if (c->broken)
		recover(c);
	if (c->broken)
		return set_outcome(batch, OP_UNAVAILABLE);

	int64_t began_us = time_monotonic_us();
	int r = write_batch(c, batch);
	if (r >= 0)
		note_full(c, r == STORE_FULL);
	if (r == STORE_FULL)
		return set_outcome(batch, OP_OVERLOADED);
	if (r == 0)
		return note_committed(c, batch, began_us);
	fail_batch(c);
	set_outcome(batch, OP_UNAVAILABLE);
}

/* The batch without its last job, when there is more to do of that; NULL: there was no other. */
static struct commit_job *put_back_part(struct committer *c, struct commit_job *batch)
{
	struct commit_job *before = NULL, *last = batch;
	for (; next_job(last); last = next_job(last))
		before = last;
	if (!last->left)
		return batch;
	if (before)
		before->letter.next = NULL;
	last->first = last->n_ops - last->left;
	pthread_mutex_lock(&c->lock);
	lanes_put_back_part(c->lanes, last);
	pthread_mutex_unlock(&c->lock);
	return before ? batch : NULL;
}

struct letters {
	struct net_loop *loop;
	struct net_letter *first, **end;
};

static void run_letters(struct letters *own)
{
	if (own->first)
		*own->end = NULL;
	for (struct net_letter *letter = own->first, *next; letter; letter = next) {
		next = letter->next;
		letter->run(letter);
	}
}

/* One list per loop, so that each loop is woken once. */
static void send_home(struct committer *c, struct commit_job *batch)
{
	struct letters home[NET_LOOPS_MAX] = { 0 }, own = { 0 };

	for (struct commit_job *job = batch, *next; job; job = next) {
		struct letters *h = job->loop ? &home[net_loop_index(job->loop)] : &own;
		next = next_job(job);
		must(!job->left);
		if (!h->first)
			*h = (struct letters){ job->loop, NULL, &h->first };
		*h->end = &job->letter;
		h->end = &job->letter.next;
		/* Before the letters: they end the jobs' lives. */
		shares_give(c->shares, job->key_no, job->n_ops);
	}
	for (unsigned i = 0; i < NET_LOOPS_MAX; i++) {
		if (!home[i].first)
			continue;
		*home[i].end = NULL;
		net_loop_post(home[i].loop, home[i].first);
	}
	run_letters(&own);
}

/* An empty batch does a part of them. */
static void do_chores(struct committer *c)
{
	int r = write_batch(c, NULL);
	c->stuck = r == STORE_FULL;
	if (r < 0)
		fail_batch(c);
}

static bool finished(struct committer *c)
{
	pthread_mutex_lock(&c->lock);
	bool yes = c->stopping && lanes_are_empty(c->lanes);
	pthread_mutex_unlock(&c->lock);
	return yes;
}

static void *committer_main(void *arg)
{
	struct committer *c = arg;
	while (!finished(c)) {
		struct commit_job *batch = take_batch(c);
		if (batch) {
			commit_batch(c, batch);
			send_home(c, put_back_part(c, batch));
			if (c->config.committed && !c->broken)
				c->config.committed(c->config.follower);
		} else if (c->broken) {
			recover(c);
		} else if (store_has_chores(c->config.store)) {
			do_chores(c);
		}
	}
	return NULL;
}

void committer_count(const struct committer *c, struct committer_counts *out)
{
	*out = (struct committer_counts){
		.batches = atomic_load_explicit(&c->batches, memory_order_relaxed),
		.failed = atomic_load_explicit(&c->failures, memory_order_relaxed),
		.operations = atomic_load_explicit(&c->operations, memory_order_relaxed),
		.queued = shares_taken(c->shares),
		.seconds = durations_look(&c->took),
	};
}

static void init_arrived(pthread_cond_t *arrived)
{
	pthread_condattr_t attr;
	must(pthread_condattr_init(&attr) == 0);
	must(pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0);
	must(pthread_cond_init(arrived, &attr) == 0);
	must(pthread_condattr_destroy(&attr) == 0);
}

int committer_start(const struct committer_config *config, struct committer **out)
{
	struct committer *c = calloc(1, sizeof(*c));
	if (!c)
		return fail(-ENOMEM, "the committer");
	c->config = *config;
	pthread_mutex_init(&c->lock, NULL);
	init_arrived(&c->arrived);
	int r = shares_new(config->queue_max, &c->shares);
	r = r ?: lanes_new(&c->lanes);
	/* A start with the disk full is for reading: say so before somebody wonders. */
	note_short_of_disk(c);
	if (r == 0 && (r = -pthread_create(&c->thread, NULL, committer_main, c)) < 0)
		r = fail(r, "starting the committer's thread");
	if (r < 0) {
		lanes_free(c->lanes);
		shares_free(c->shares);
		free(c);
		return pass(r);
	}
	pthread_setname_np(c->thread, "committer");
	*out = c;
	return 0;
}

void committer_stop(struct committer *c)
{
	if (!c)
		return;
	pthread_mutex_lock(&c->lock);
	c->stopping = true;
	pthread_mutex_unlock(&c->lock);
	pthread_cond_signal(&c->arrived);
	pthread_join(c->thread, NULL);
	pthread_cond_destroy(&c->arrived);
	pthread_mutex_destroy(&c->lock);
	lanes_free(c->lanes);
	shares_free(c->shares);
	free(c);
}
