/*
 * The lanes of all destinations that there are. In front stand those of the rules in force, each at its
 * destination's place, so that a round finds it without a search; behind them those of which something
 * is still under way.
 *
 * Thread: the delivering thread.
 */
#pragma once

#include "deliver/journeys.h"

/* The lanes of a workspace that stand together: which goes first, and how much longer than their
 * turn it took to make what they sent. What they owe they wait for. */
struct lane_group {
	unsigned first, n, turn;
	int64_t owed_us;
};

struct lane_set {
	struct lane **list;
	unsigned n;
	struct lane_group *groups;
	unsigned n_groups;
	unsigned turn; /* of the groups: which goes first */
	bool more;     /* some were broken off, or owe: there may be more to be begun at once */
};

/* As these rules have it, from now on; `journeys` own what is begun. After a failure as before. */
MUST_CHECK int lane_set_fit(struct lane_set *l, const struct rules *rules, struct ledger *ledger,
			    struct journeys *journeys);
void lane_set_free(struct lane_set *l); /* with what was under way, whose senders are closed */

/* NULL: there is none. One step for each. */
const struct lane *lane_set_find(const struct lane_set *l, uint32_t destination);

/* All of these with the rules of the last lane_set_fit(). Loads what is due. */
MUST_CHECK int lane_set_load(struct lane_set *l, const struct rules *rules, struct ledger *ledger,
			     instant_us now);
/* Begins what may be begun: a workspace's for two milliseconds, all for some twenty. Who is broken off
 * goes on with the next call, behind all others. */
MUST_CHECK int lane_set_move(struct lane_set *l, const struct rules *rules,
			     struct journeys *journeys, instant_us now);
/* When the next has to be looked at without anything else happening; INT64_MAX: never. */
instant_us lane_set_wake_at(const struct lane_set *l, const struct rules *rules, instant_us now);

/* Something may be due that was not: for the i-th destination of the rules, for any. */
void lane_set_look(struct lane_set *l, unsigned i);
void lane_set_look_again(struct lane_set *l);
