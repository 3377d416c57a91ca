/*
 * Orphans: deliveries that are pending for a destination which was deleted. Nobody would ever try
 * them, so they end as dead, with that reason.
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
