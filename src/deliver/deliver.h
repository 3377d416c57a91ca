/*
 * ~ What an event sets off. One thread follows the committed feed: what an automation selects
 * ~ becomes deliveries in the ledger, and they go to their destinations until each is delivered or
 * ~ dead. It reads the store with a reader of its own and writes only the ledger, so that a
 * ~ destination that is slow or gone costs ingestion nothing. What automations do themselves goes
 * ~ into the store as what clients report does (deliver/deed.h).
 *
 * Order of a round: events since the last (bounded), decisions, one commit of the ledger, attempts
 * begun, the wait, outcomes.
 */
#pragma once

#include "deliver/commits.h"
#include "deliver/view.h"
#include "deliver/wish.h"
#include "store/store.h"

struct deliver_config {
	struct store *store;
	const char *dir;        /* the data directory */
	uint64_t reserve_bytes; /* free disk below which the store takes no events */
};

struct deliver;

MUST_CHECK int deliver_new(const struct deliver_config *config, struct deliver **out);
void deliver_free(struct deliver *d); /* stopped; nobody wakes it or commits; NULL is fine */

/* From here on it runs, and asks for commits. */
MUST_CHECK int deliver_start(struct deliver *d, const struct deliver_commits *commits);

/* Ends the attempts under way, or after a few seconds gives them up: they are tried again after the
 * next start, unless a repetition would do harm (sender.h, is_noted): then nobody knows what came of
 * them, as after a kill. Nothing is asked for any more; what was asked for may still come back. NULL
 * is fine, and so is one that was not started. */
void deliver_stop(struct deliver *d);

/* Any thread: events have been committed, or the catalog has changed. Costs next to nothing when it
 * is awake. */
void deliver_wake(struct deliver *d);

/* Any thread: hands it over. False: it was not taken, and done() is not called. */
MUST_CHECK bool deliver_ask(struct deliver *d, struct wish *w);

/* Any thread: what there is to see, as of about a second ago, with a reference for the caller. NULL:
 * nothing yet. */
struct deliver_view *deliver_view(struct deliver *d);
/* Whether it has started, if it was to, and the last round did what it had to do. */
bool deliver_is_well(const struct deliver *d);
