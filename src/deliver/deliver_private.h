/*
 * The insides of the delivering thread, in layers that call only downwards:
 *
 *   deliver.c         its life, and the wait
 *   deliver_round.c   one round: what is in force, what is loaded and begun, when the next is due
 *   deliver_write.c   the ledger's transaction of a round
 *   deliver_tidy.c    what goes along with it now and then
 *
 * For deliver*.c alone.
 */
#pragma once

#include "deliver/decide.h"
#include "deliver/deed.h"
#include "deliver/deliver.h"
#include "deliver/lane_set.h"
#include "deliver/orphans.h"

#include <pthread.h>
#include <stdatomic.h>

enum { TIDY_EVERY_US = 1000000 };

struct deliver {
	struct deliver_config config;
	uint64_t since; /* where the feed ended when it was made; UINT64_MAX: not read yet */
	pthread_t thread;
	atomic_uint wakes; /* how often somebody called */
	atomic_bool sleeps, stopping;
	bool running; /* the thread */
	struct wishes wishes;
	struct view_cell view;
	struct http *http;
	void *kept[DESTINATION_TYPES]; /* by senders */

	/* The thread's own. */
	struct ledger *ledger;
	struct store_reader *reader;
	struct decider *decider;
	struct deeds *deeds;
	struct catalog *catalog;
	struct rules *rules;
	struct arena_budget rules_memory; /* of these and those of before, which attempts keep */
	bool rules_wait;                  /* for it */
	int64_t read_again_us;            /* then: monotonic */
	struct lane_set lanes;
	struct journeys journeys;
	bool more;                    /* of the feed, at once */
	bool released;                /* what waited for a deed is due */
	bool more_gone;               /* contacts */
	enum orphans_outcome orphans; /* of the last look */
	struct orphans_walk fired;
	bool rests; /* nothing is to be decided but what may wait */
	bool disk_is_full;
	atomic_bool failed;  /* the last round did, or there will be none */
	bool stale;          /* the rules: they are to be read anew */
	unsigned wakes_seen; /* when the ledger was written last */
	bool untidy;         /* something may have happened since it was last tidied */
	/* When that was done last, monotonic: the clock may be set back. */
	int64_t written_us, tidied_us, shown_us;
	int retry_ms; /* the next pause after a round that failed; 0: the last did not */
};

/* --- deliver_round.c --- */

/* Opens the ledger and takes what is in force. */
void deliver_open(struct deliver *d);
/* After one that failed the ledger is closed, and the next opens it. */
void deliver_round(struct deliver *d);
void deliver_after_failure(struct deliver *d);
MUST_CHECK int deliver_open_ledger(struct deliver *d);
void deliver_close_ledger(struct deliver *d);

/* A round is to be begun as soon as the pace allows it. */
bool deliver_has_to_write(const struct deliver *d);
/* How long until the next has something to do, if nobody calls; after one that failed, the pause. */
int deliver_ms_to_next(const struct deliver *d);

/* --- deliver_write.c --- */

/* One transaction, which costs a sync only if something came of it. */
MUST_CHECK int deliver_write(struct deliver *d, instant_us now);
/* What has ended, who was deleted, and where the automations stand. Opens the ledger if a failure has
 * closed it. */
MUST_CHECK int deliver_write_last(struct deliver *d);
/* What has ended is in the ledger, or will be tried again. */
void deliver_forget_ended(struct deliver *d);

/* --- deliver_tidy.c: within a transaction, but for deliver_show() --- */

bool deliver_is_to_tidy(const struct deliver *d);
MUST_CHECK int deliver_tidy(struct deliver *d, instant_us now);
/* Some of those who were deleted leave the ledger too: `more_gone` says whether there are others. */
MUST_CHECK int deliver_forget_gone(struct deliver *d);
/* `due`: it is also tidied. */
MUST_CHECK int deliver_purge(struct deliver *d, instant_us now, bool due);
/* What other threads see. */
MUST_CHECK int deliver_show(struct deliver *d);
