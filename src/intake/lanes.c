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
};

struct lanes {
	struct lane lanes[LANES];
	bool passed_over; /* the slow one waited, and had nothing in the last batch */
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

/* Moves jobs to the batch until the next would make it larger than max; its first fits always. */
static void take(struct lanes *l, int lane, struct lane *batch, unsigned *n, unsigned max)
{
	struct commit_job *job;
	while ((job = next_of(l, lane)) && (!batch->first || *n + job->n_ops <= max)) {
		struct waiting *w = &l->keys[job->key_no];
		l->lanes[lane].first = (struct commit_job *)job->letter.next;
		*n += job->n_ops;
		w->ops -= job->n_ops;
		w->jobs[lane]--;
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
	take(l, first, &batch, &n, half);
	take(l, !first, &batch, &n, max);
	take(l, first, &batch, &n, max);
	take(l, SLOW, &batch, &n, max); /* what waited for some of the fast lane */
	l->passed_over = slow && l->lanes[SLOW].first == slow;
	return batch.first;
}
