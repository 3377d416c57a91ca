/*
 * Orphans: deliveries that are pending for a destination which was deleted. Nobody would ever try
 * them, so they end as dead, with that reason. And for whom automations fired that were deleted.
 *
 * Thread: the delivering thread, inside a transaction of the ledger's.
 */
#pragma once

#include "deliver/lane_set.h"

enum orphans_outcome {
	ORPHANS_NONE,  /* are left */
	ORPHANS_LATER, /* an attempt to such a destination is under way */
	ORPHANS_MORE,  /* at once */
};

/* A part of them. */
MUST_CHECK int orphans_end(struct ledger *l, const struct rules *rules,
			   const struct lane_set *lanes, instant_us now);

/* Up to which automation was looked at when it fired; 0: it is at the start. */
struct orphans_walk {
	uint32_t automation;
	bool again; /* some may have gone since it was begun */
};

/* Whether there is something to look at. */
bool orphans_have_fired(const struct orphans_walk *w);
/* A piece: when automations fired that the catalog no longer has is forgotten. */
MUST_CHECK int orphans_forget_fired(struct ledger *l, const struct catalog *c,
				    struct orphans_walk *w);
