/*
 * Deadlines of one loop. All deadlines of a kind last equally long, so each kind is a list in the
 * order of starting and of ending alike: starting, stopping and finding the next are O(1), and one
 * timer serves them all.
 */
#pragma once

#include "base/base.h"

#include <sys/queue.h>
#include <uv.h>

enum deadline_kind {
	DEADLINE_NONE,
	DEADLINE_IDLE,
	DEADLINE_HEAD,
	DEADLINE_BODY,
	DEADLINE_WRITE,
	DEADLINE_LINGER,
	DEADLINE_BEAT,
	DEADLINE_DRAIN,
	DEADLINE_KINDS,
};

struct deadline {
	TAILQ_ENTRY(deadline) link;
	uint64_t due_ms;         /* on the loop's clock */
	enum deadline_kind kind; /* DEADLINE_NONE: not running */
};

TAILQ_HEAD(deadline_list, deadline);

struct deadlines {
	uv_timer_t timer;
	uint64_t armed_ms; /* when the timer fires; UINT64_MAX: never */
	uint64_t ms[DEADLINE_KINDS];
	struct deadline_list lists[DEADLINE_KINDS];
	void (*passed)(struct deadline *d, enum deadline_kind kind); /* d runs no more */
};

/* The caller fills `ms` and `passed`. */
void deadlines_init(struct deadlines *all, uv_loop_t *loop);

/* Ends the one that runs, if any, and begins anew. */
void deadline_start(struct deadlines *all, struct deadline *d, enum deadline_kind kind);
void deadline_stop(struct deadlines *all, struct deadline *d);

/* The one of a kind that ends next: it has run longest. NULL: none runs. */
static inline struct deadline *deadline_first(struct deadlines *all, enum deadline_kind kind)
{
	return TAILQ_FIRST(&all->lists[kind]);
}
