/*
 * The insides of decisions, for decide.c, which goes along the feed, and decide_event.c, which asks about
 * one event.
 */
#pragma once

#include "deliver/decide.h"
#include "deliver/rest.h"
#include "store/lookback.h"

/* An automation on its way along the feed. */
struct walker {
	const struct automation *automation;
	unsigned to[AUTOMATION_ACTIONS_MAX]; /* of each action: the destination's place */
	uint64_t seq;
	uint64_t saved; /* in the ledger */
	bool selected;  /* something, in this run */
	bool calm;      /* a destination has so much waiting that there is no hurry */
	bool held;      /* too much, or it rests, or it is without, or paused */
	bool without;   /* a destination that is declared and no rule: not now */
	/* Its workspace's took much of a run that was broken off, and since then it has not been at
	 * the feed's end. */
	bool costly;
	int64_t spent_us; /* in this run */
};

/* Of a destination. */
struct outlook {
	uint64_t backlog; /* how many wait, if it is late */
	bool decided;     /* something for it, in this run */
};

/* With whom a run begins; they take turns. So who has much before it holds up neither who has little nor
 * who stands between. */
enum decider_way {
	WAY_HINDMOST,
	WAY_FOREMOST,
	WAY_BETWEEN, /* the next behind where the last such run has got to */
	WAYS,
};

struct decider {
	struct ledger *ledger;
	struct store_reader *reader;
	uint64_t origin; /* of the ledger */
	uint64_t most;   /* that may wait for a destination */
	bool waits;      /* nothing is to be decided for now */
	struct rules *rules;
	struct walker *walkers;   /* one per automation, in their order */
	struct outlook *outlooks; /* likewise per destination */
	instant_us now;           /* when that was looked at */
	uint64_t end;             /* the newest event seen */
	bool unsaved; /* positions that selected nothing, and so are not in the ledger */
	instant_us saved_at;
	int64_t calm_until_us; /* monotonic */
	struct rest costly;    /* of all of them together */
	uint64_t from; /* where this run began: those that are further back have no part in it */
	int64_t seen_us, until_us; /* monotonic: in this run, and when it is broken off */
	enum decider_way way;
	uint64_t got_to;          /* the last run of WAY_BETWEEN */
	struct lookback lookback; /* from the event that is looked at */
	struct arena rows, scratch;
};

/* Whether it has a part in this run. */
static inline bool decider_goes(const struct decider *d, const struct walker *w)
{
	return !w->held && w->seq >= d->from;
}

/* Whether the run is to be broken off. */
static inline bool decider_is_over(const struct decider *d)
{
	return d->seen_us >= d->until_us;
}

/* What the event means for its workspace's that go and have not seen it. When the run's time is over,
 * those of them that come behind in the rules have not seen it yet. */
MUST_CHECK int decide_event(struct decider *d, const struct feed_row *row, instant_us now,
			    unsigned *decided);
