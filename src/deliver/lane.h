/*
 * A lane: one destination's way out. What is due is taken from the ledger a few hundred at a time
 * and begun as far as the destination takes it: so many at once, so many a second and those spread
 * over it, a contact's one after the other if that is asked for, and when it fails and fails, one
 * try now and then.
 *
 * Thread: the delivering thread.
 */
#pragma once

#include "deliver/ledger.h"
#include "deliver/rules.h"
#include "deliver/sender.h"
#include "deliver/view.h"

enum {
	LANE_LOADED_MAX = 256,
	LANE_BREAKS_AFTER = 5, /* failures in a row */
	LANE_PAUSE_MAX_S = 60,
	LANE_ENDED_MAX = 64,
};

struct journeys;

/* One that is under way. */
struct journey {
	struct attempt attempt; /* first */
	struct delivery delivery;
	struct rules *rules; /* a reference: whom it goes to */
	struct lane *lane;
	struct journeys *of; /* whose memory it has; NULL: nobody's */
	struct journey *next;
};

struct lane {
	uint32_t destination;
	unsigned rank;          /* of lane_set.c: among the rules' destinations; UINT32_MAX: none */
	void *owner;            /* whoever ends its journeys */
	struct due_place place; /* up to where was looked */
	struct delivery *rows;  /* those loaded, from next to n not yet begun */
	unsigned next, n;
	struct arena memory; /* of the rows */
	struct journey *journeys;
	unsigned n_busy;
	size_t wanted;       /* bytes that the next needs beside its own part; 0: as others do */
	bool no_room;        /* for the next, until an attempt of somebody's has ended */
	bool more;           /* the last look ended before the end: the next goes on there */
	bool look;           /* something may be due that was not when a look was begun */
	instant_us next_due; /* of what is not loaded; 0: nothing */
	uint64_t ended[LANE_ENDED_MAX]; /* contacts of whom the next may be due; if ordered */
	unsigned n_ended;
	bool ended_last;        /* what is loaded is theirs: now a look has its turn */
	unsigned failures;      /* in a row */
	instant_us try_at;      /* while broken: not before */
	instant_us held_until;  /* as the destination asked */
	instant_us turn_at;     /* of the next, by the destination's rate */
	bool disabled;          /* it wants nothing any more */
	instant_us declared_at; /* the destination that all of this is about */
};

enum lane_state lane_state(const struct lane *l);

void lane_init(struct lane *l, uint32_t destination, void *owner);
void lane_fini(struct lane *l); /* nothing is under way */

/* Loads what is due, where there is room for it. What has ended must be in the ledger. */
MUST_CHECK int lane_load(struct lane *l, const struct destination *d, struct ledger *ledger,
			 instant_us now);

/* The next that may be begun now; NULL: none. */
const struct delivery *lane_next(struct lane *l, const struct destination *d, instant_us now);
void lane_begun(struct lane *l, struct journey *j, instant_us now);

/* It could not be begun after all. What is loaded is loaded anew. */
void lane_taken_back(struct lane *l, struct journey *j);

/* If the destination has been changed, it is tried anew. */
void lane_refresh(struct lane *l, const struct destination *d);

/* What came of it: fills the delivery's new state from the attempt. Its journey is taken out. */
void lane_ended(struct lane *l, struct journey *j, instant_us now);

/* When the lane has to be looked at again without anything else happening; 0: never. */
instant_us lane_wakes_at(const struct lane *l, const struct destination *d, instant_us now);
