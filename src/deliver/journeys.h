/*
 * Journeys: attempts from when they are due until what came of them goes into the ledger. What is
 * sent is made of the event and the contact as they are now; an attempt of which a repetition would
 * do harm is known to the ledger before it begins.
 *
 * Thread: the delivering thread.
 */
#pragma once

#include "deliver/lane.h"

struct deeds;

enum {
	JOURNEYS_NOTED_MAX = 1024,              /* in one transaction */
	JOURNEYS_BYTES_MAX = 256 * 1024 * 1024, /* all together; one workspace half of it at most */
	JOURNEY_BYTES = 32 * 1024,              /* what one costs that says little: libcurl's too */
	JOURNEYS_OWNERS = 4096,
};

struct journeys {
	const char *dir;   /* the data directory */
	struct http *http; /* all of these are the owner's */
	struct store_reader *reader;
	void *const *kept; /* by senders */
	struct deeds *deeds;
	struct ledger *ledger;
	struct rules *rules; /* in force */
	struct arena_budget memory;
	/* By workspace; those whose numbers are so many apart share one. */
	struct arena_owner owners[JOURNEYS_OWNERS];
	unsigned n_under_way;
	int64_t seen_us,
		until_us; /* of a turn, monotonic: behind what was made last, and its end */
	/* Made, and not begun before the ledger knows of them. */
	struct journey *noted[JOURNEYS_NOTED_MAX];
	unsigned n_noted;
	struct journey *ended; /* not yet in the ledger; the owner takes them out */
	/* Deliveries that were noted and could not be begun: the owner tells the ledger, and forgets
	 * them, before any other is noted. */
	uint64_t unbegun[JOURNEYS_NOTED_MAX];
	unsigned n_unbegun;
	instant_us noted_at;
};

void journeys_init(struct journeys *js, const char *dir, struct http *http, void *const *kept);

/* A turn: for so long something may be made, once at least. */
void journeys_begin_turn(struct journeys *js, int64_t us);
bool journeys_turn_is_over(const struct journeys *js);

/* Begins what the lane, whose owner these journeys are, may send now, as far as the turn goes. */
MUST_CHECK int journeys_begin(struct journeys *js, struct lane *lane, const struct destination *to,
			      instant_us now);
/* Behind all that may go together, in one transaction: those of them that must be noted. */
MUST_CHECK int journeys_begin_noted(struct journeys *js, instant_us now);

void journey_free(struct journey *j);
