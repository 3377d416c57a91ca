#include "intake/lanes.h"

#include "base/fail.h"
#include "intake/committer.h"
#include "model/catalog.h"

#include <errno.h>
#include <stdlib.h>

/* As many as an honest sender with many connections has under way. */
enum { MUCH = 512 };

enum { FAST, SLOW, LANES };

struct lane {
	struct commit_job *first, *last;
};

/* Of one key. */
struct waiting {
	uint32_t ops; /* in both lanes */
	uint32_t jobs[LANES];
	uint32_t took_us; /* in a batch; only while some are put back */
};

struct lanes {
	struct lane lanes[LANES];
	struct commit_job *was; /* the first of the slow lane before that one was cut */
	bool passed_over;       /* the slow one waited, and had nothing in the last batch */
	struct waiting keys[KEY_NO_MAX + 1];
};

int lanes_new(struct lanes **out)
{
	/* Pages that no key touches are never backed by memory. */
	*out = calloc(1, sizeof(**out));
	return *out ? 0 : fail(-ENOMEM, "the commit queue");
}

void lanes_free(struct lanes *l)
{
	free(l);
}

bool lanes_are_empty(const struct lanes *l)
{
	return !l->lanes[FAST].first && !l->lanes[SLOW].first;
}

static void append(struct lane *lane, struct commit_job *job)
{
	job->letter.next = NULL;
	if (lane->first)
		lane->last->letter.next = &job->letter;
	else
		lane->first = job;
	lane->last = job;
}

void lanes_put(struct lanes *l, struct commit_job *list)
{
	for (struct commit_job *job = list, *next; job; job = next) {
		next = (struct commit_job *)job->letter.next;
		must(job->key_no <= KEY_NO_MAX);
		struct waiting *w = &l->keys[job->key_no];
		int lane = w->jobs[SLOW] || w->ops > MUCH ? SLOW : FAST;
		w->ops += job->n_ops;
		w->jobs[lane]++;
		append(&l->lanes[lane], job);
	}
}

/* The next of the lane, unless one of the same key that came before it waits in the other. */
static struct commit_job *next_of(const struct lanes *l, int lane)
{
	struct commit_job *job = l->lanes[lane].first;
	bool overtakes = lane == SLOW && job && l->keys[job->key_no].jobs[FAST];
	return overtakes ? NULL : job;
}

/* What can be divided fits: the batch's time decides how much of it is done. */
static unsigned room_for(const struct commit_job *job)
{
	return job->divisible ? 1 : job->n_ops;
}

/* Moves jobs to the batch until the next would make it larger than max; its first fits always. */
static void take(struct lanes *l, int lane, struct lane *batch, unsigned *n, unsigned max)
{
	struct commit_job *job;
	while ((job = next_of(l, lane)) && (!batch->first || *n + room_for(job) <= max)) {
		struct waiting *w = &l->keys[job->key_no];
		l->lanes[lane].first = (struct commit_job *)job->letter.next;
		*n += room_for(job);
		w->ops -= job->n_ops;
		w->jobs[lane]--;
		job->slow = lane == SLOW;
		append(batch, job);
	}
}

struct commit_job *lanes_cut(struct lanes *l, unsigned max)
{
	struct lane batch = { 0 };
	struct commit_job *slow = l->lanes[SLOW].first;
	int first = l->passed_over ? SLOW : FAST;
	unsigned n = 0, half = slow && l->lanes[FAST].first ? max / 2 : max;
	must(!lanes_are_empty(l));
	l->was = slow;
	take(l, first, &batch, &n, half);
	take(l, !first, &batch, &n, max);
	take(l, first, &batch, &n, max);
	take(l, SLOW, &batch, &n, max); /* what waited for some of the fast lane */
	l->passed_over = slow && l->lanes[SLOW].first == slow;
	return batch.first;
}

/* --- What a batch had no time for --- */

static struct commit_job *next_in(const struct commit_job *job)
{
	return (struct commit_job *)job->letter.next;
}

static struct commit_job *reversed(struct commit_job *list)
{
	struct commit_job *out = NULL;
	for (struct commit_job *next; list; list = next) {
		next = next_in(list);
		list->letter.next = out ? &out->letter : NULL;
		out = list;
	}
	return out;
}

static void prepend(struct lane *lane, struct commit_job *job)
{
	job->letter.next = lane->first ? &lane->first->letter : NULL;
	lane->last = lane->first ? lane->last : job;
	lane->first = job;
}

/* The key's jobs of that lane go to the end of the other list, in their order. */
static void move(struct lane *from, uint32_t key_no, struct lane *to)
{
	struct lane stay = { 0 };
	for (struct commit_job *job = from->first, *next; job; job = next) {
		next = next_in(job);
		append(job->key_no == key_no ? to : &stay, job);
	}
	*from = stay;
}

/* Those of the slow lane came behind those of the fast one. */
static void slow_down(struct lanes *l, uint32_t key_no)
{
	struct waiting *w = &l->keys[key_no];
	struct lane all = { 0 };
	move(&l->lanes[FAST], key_no, &all);
	move(&l->lanes[SLOW], key_no, &all);
	move(&all, key_no, &l->lanes[SLOW]);
	w->jobs[SLOW] += w->jobs[FAST];
	w->jobs[FAST] = 0;
}

/* What came meanwhile into the fast lane would overtake those that come back into the slow one. */
static void hold_back_newer(struct lanes *l, const struct commit_job *rest)
{
	for (const struct commit_job *job = rest; job; job = next_in(job))
		if (job->slow && l->keys[job->key_no].jobs[FAST])
			slow_down(l, job->key_no);
}

static void return_all(struct lanes *l, struct commit_job *rest)
{
	for (struct commit_job *job = reversed(rest), *next; job; job = next) {
		struct waiting *w = &l->keys[job->key_no];
		int lane = job->slow ? SLOW : FAST;
		next = next_in(job);
		w->ops += job->n_ops;
		w->jobs[lane]++;
		prepend(&l->lanes[lane], job);
	}
}

/* Those that took more than their part of it: a quarter, so there are few. */
static void slow_down_all(struct lanes *l, const struct commit_job *done)
{
	uint64_t all_us = 0;
	for (const struct commit_job *job = done; job; job = next_in(job))
		l->keys[job->key_no].took_us = 0;
	for (const struct commit_job *job = done; job; job = next_in(job)) {
		l->keys[job->key_no].took_us += job->took_us;
		all_us += job->took_us;
	}
	for (const struct commit_job *job = done; job; job = next_in(job)) {
		const struct waiting *w = &l->keys[job->key_no];
		if (w->jobs[FAST] && w->took_us > all_us / 4)
			slow_down(l, job->key_no);
	}
}

void lanes_put_back(struct lanes *l, const struct commit_job *done, struct commit_job *rest)
{
	hold_back_newer(l, rest);
	return_all(l, rest);
	l->passed_over = l->was && l->lanes[SLOW].first == l->was;
	slow_down_all(l, done);
}

void lanes_put_back_part(struct lanes *l, struct commit_job *job)
{
	struct waiting *w = &l->keys[job->key_no];
	w->ops += job->n_ops;
	w->jobs[FAST]++;
	prepend(&l->lanes[FAST], job);
	slow_down(l, job->key_no);
}
