#include "deliver/wish.h"

#include <errno.h>

enum { WAITING_MAX = 1000 };

void wishes_init(struct wishes *w)
{
	*w = (struct wishes){ .end = &w->first };
	pthread_mutex_init(&w->lock, NULL);
}

void wishes_fini(struct wishes *w)
{
	must(!w->first && !w->taken);
	pthread_mutex_destroy(&w->lock);
}

bool wishes_add(struct wishes *w, struct wish *one)
{
	one->next = NULL;
	pthread_mutex_lock(&w->lock);
	bool taken = !w->closed && w->n < WAITING_MAX;
	if (taken) {
		*w->end = one;
		w->end = &one->next;
		w->n++;
	}
	pthread_mutex_unlock(&w->lock);
	return taken;
}

bool wishes_take(struct wishes *w)
{
	if (w->taken)
		return true;
	pthread_mutex_lock(&w->lock);
	w->taken = w->first;
	w->first = NULL;
	w->end = &w->first;
	w->n = 0;
	pthread_mutex_unlock(&w->lock);
	return w->taken != NULL;
}

static int fulfil(struct wish *w, struct ledger *l, instant_us now)
{
	struct replays *r = ledger_replays(l);
	switch (w->kind) {
	case WISH_REPLAY:
		w->replay.created_at = now;
		return replays_add(r, &w->replay);
	case WISH_REPLAY_ONE:
		w->delivery.due_at = now;
		return replays_one(r, l, &w->delivery, now);
	case WISH_REPLAY_STOP:
		return replays_stop(r, w->replay.of.workspace, w->replay.no, now);
	}
	must(!"a kind of wish");
	return -EINVAL;
}

int wishes_fulfil(struct wishes *w, struct ledger *l, instant_us now)
{
	for (struct wish *one = w->taken; one; one = one->next) {
		one->outcome = fulfil(one, l, now);
		if (one->outcome < 0)
			return one->outcome;
	}
	return 0;
}

void wishes_answer(struct wishes *w, bool done)
{
	while (w->taken) {
		struct wish *one = w->taken;
		w->taken = one->next;
		if (!done)
			one->outcome = -EIO;
		one->done(one);
	}
}

void wishes_close(struct wishes *w)
{
	pthread_mutex_lock(&w->lock);
	w->closed = true;
	pthread_mutex_unlock(&w->lock);
	wishes_answer(w, false);
	if (wishes_take(w))
		wishes_answer(w, false);
}
