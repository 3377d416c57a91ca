/*
 * Decisions: what the events of the feed mean for the automations. Each automation has a position
 * on the feed; what it selects is written to the ledger in the transaction that moves it. An
 * automation whose destination is late and has too much waiting stands still, and goes on from there
 * later: so a destination that is gone for long costs no more than that. While much waits, but not too
 * much, it goes on slowly, so that ingestion has the processor. It stands still too while its destination is
 * declared and no rule (deliver/rules.h). One that is paused stands at the end, wherever it was: what
 * it has not decided by then sets nothing off. A run is broken off after some time; who took much of
 * it rests (deliver/rest.h).
 *
 * Thread: the delivering thread.
 */
#pragma once

#include "deliver/ledger.h"
#include "deliver/rules.h"
#include "store/store.h"

struct decider;

enum { /* pending deliveries of one destination */
       WAITING_MAX = 1000000,
       WAITING_CALM = 2000, /* from here on it is decided with a fiftieth of the time */
};

/* `origin`: of ledger_origin(). `most`: how much may wait for a destination. */
MUST_CHECK int decider_new(struct ledger *l, struct store_reader *r, uint64_t origin, uint64_t most,
			   struct decider **out);
void decider_free(struct decider *d); /* NULL is fine */

/* The rules from now on, and where each stands by the ledger; also after a transaction that failed.
 * An automation that the ledger does not know begins behind what was received when it was made,
 * however late it is noticed and whatever a power cut took from the ledger, but never before the
 * ledger's own origin. */
MUST_CHECK int decider_take(struct decider *d, struct rules *rules);

/* Likewise rules that declare the same (rules_renew()): all stand where they stood. */
void decider_renew(struct decider *d, struct rules *rules);

/* Whether nothing is to be decided for now. Automations then stand still, and go on from there. */
void decider_wait(struct decider *d, bool wait);

/* Whether there is something to decide now, of a feed that ends there, or later without anything
 * else happening. Reads no more than a step for each destination with many that wait. */
bool decider_has_work(struct decider *d, uint64_t end, instant_us now, bool *later);

/* A part of what is left, in a transaction of the caller's. *more: there may be more at once;
 * *decided: how many deliveries were added. */
MUST_CHECK int decider_run(struct decider *d, instant_us now, bool *more, unsigned *decided);

/* Whether the last run has added any for the destination, the i-th of the rules. */
bool decider_has_decided_for(const struct decider *d, unsigned i);

/* In such a transaction: where all stand, also those that selected nothing lately. */
MUST_CHECK int decider_save(struct decider *d, instant_us now);

/* Where the automation, the i-th of the rules, stands on the feed, and whether it waits there. */
void decider_place(const struct decider *d, unsigned i, uint64_t *seq, bool *held);
