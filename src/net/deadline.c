#include "net/deadline.h"

static void on_timer(uv_timer_t *timer);

static void arm(struct deadlines *all, uint64_t due_ms)
{
	uint64_t now = uv_now(all->timer.loop);
	all->armed_ms = due_ms;
	uv_timer_start(&all->timer, on_timer, due_ms > now ? due_ms - now : 0, 0);
}

static void arm_for_next(struct deadlines *all)
{
	uint64_t next = UINT64_MAX;
	for (int kind = 0; kind < DEADLINE_KINDS; kind++) {
		struct deadline *d = TAILQ_FIRST(&all->lists[kind]);
		if (d)
			next = MIN(next, d->due_ms);
	}
	if (next != UINT64_MAX)
		arm(all, next);
}

static void on_timer(uv_timer_t *timer)
{
	struct deadlines *all = timer->data;
	uint64_t now = uv_now(timer->loop);
	all->armed_ms = UINT64_MAX;
	for (int kind = 0; kind < DEADLINE_KINDS; kind++) {
		struct deadline *d;
		while ((d = TAILQ_FIRST(&all->lists[kind])) && d->due_ms <= now) {
			deadline_stop(all, d);
			all->passed(d, kind);
		}
	}
	arm_for_next(all);
}

void deadlines_init(struct deadlines *all, uv_loop_t *loop)
{
	uv_timer_init(loop, &all->timer);
	all->timer.data = all;
	all->armed_ms = UINT64_MAX;
	for (int kind = 0; kind < DEADLINE_KINDS; kind++)
		TAILQ_INIT(&all->lists[kind]);
}

void deadline_start(struct deadlines *all, struct deadline *d, enum deadline_kind kind)
{
	must(kind > DEADLINE_NONE && kind < DEADLINE_KINDS);
	deadline_stop(all, d);
	d->kind = kind;
	d->due_ms = uv_now(all->timer.loop) + all->ms[kind];
	TAILQ_INSERT_TAIL(&all->lists[kind], d, link);
	if (d->due_ms < all->armed_ms)
		arm(all, d->due_ms);
}

void deadline_stop(struct deadlines *all, struct deadline *d)
{
	if (d->kind == DEADLINE_NONE)
		return;
	TAILQ_REMOVE(&all->lists[d->kind], d, link);
	d->kind = DEADLINE_NONE;
}
