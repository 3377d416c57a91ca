/*
 * The ledger: what has been decided and what came of it, in a database of its own beside the
 * store's, so that deliveries and ingestion never wait for each other's writes. A delivery is
 * decided in the transaction that moves its automation's position on the feed, so each match leads
 * to its deliveries exactly once.
 *
 * The ledger holds row numbers, times and outcomes, and of people nothing but the first bytes that
 * a destination answered; what is sent is made of the event and the contact when it is sent.
 *
 * A commit is whole or not there, and the end of the process cannot take it back; but it is synced
 * only with the next ledger_settle_log(), a second later at most. When the power goes off, what was
 * committed last may be gone: positions together with what was decided since, so it is decided once
 * more, under the same ids, from events that are all there. So ingestion has the disk for its own
 * syncs.
 *
 * Thread: the delivering thread writes, with this handle; readers have one of their own each.
 */
#pragma once

#include "base/arena.h"
#include "base/timefmt.h"

struct ledger;

enum delivery_state { /* stored: never renumber */
		      DELIVERY_PENDING = 0,
		      DELIVERY_DONE = 1,
		      DELIVERY_DEAD = 2,
		      DELIVERY_STATES, /* how many */
};

/* The due_at of one that waits for another of the same event and automation to end. */
#define DELIVERY_WAITS INT64_MAX

struct delivery {
	uint64_t no; /* grows; also the list's order */
	uint32_t workspace, automation, destination;
	unsigned action;       /* which of the automation's */
	unsigned kind;         /* enum action_kind */
	uint64_t seq, contact; /* the event and whose it is */
	enum delivery_state state;
	unsigned attempts;
	unsigned tried; /* of them, before it was replayed last */
	instant_us created_at, due_at, ended_at;
	int status;        /* of the last attempt */
	struct str answer; /* likewise: its first bytes, or why there is none */
	/* When the first attempt began that may have been taken without our knowing; 0: there is
	 * none. Kept for destinations where it matters. */
	instant_us doubt_at;
	struct str note; /* on what was sent last: what of the event was left out */
};

struct attempt_row {
	unsigned n;
	instant_us at;
	int64_t duration_ms;
	int status;
	struct str answer;
};

/* Opens or creates `deliveries.db` in the data directory. */
MUST_CHECK int ledger_open(const char *dir, struct ledger **out);
void ledger_close(struct ledger *l); /* NULL is fine */

/* One transaction. After a failure, here or elsewhere: ledger_abandon(), ledger_close(), and all of
 * it may be tried again with one that was opened anew. */
MUST_CHECK int ledger_begin(struct ledger *l);
MUST_CHECK int ledger_commit(struct ledger *l);
void ledger_abandon(struct ledger *l);

/* Between transactions: whether each commit from now on is synced when it returns, with all before. */
MUST_CHECK int ledger_sync_commits(struct ledger *l, bool each);

/* Between transactions: syncs what was committed and copies it from the log into the database, as far
 * as no reader stands in the way; `all` of it, or only if it has become much. */
MUST_CHECK int ledger_settle_log(struct ledger *l, bool all);

/* Between transactions, as of that monotonic clock: some seconds after somebody was forgotten, and after
 * an opening that found a log, all of the log is copied and cut to nothing, as the store's is
 * (store/scrub.c). Who reads in it is waited for, by another try a second later. */
MUST_CHECK int ledger_scrub(struct ledger *l, int64_t now_ms);
/* Whether that is still to be done. */
bool ledger_has_to_scrub(const struct ledger *l);

/* Whether the automation has a position. */
MUST_CHECK int ledger_knows(struct ledger *l, uint32_t automation, bool *known);
/* Where the automation stands on the feed: the seq up to which all is decided. An automation that
 * has none starts at `start`, and so it is noted. */
MUST_CHECK int ledger_position(struct ledger *l, uint32_t automation, uint64_t start,
			       uint64_t *seq);
MUST_CHECK int ledger_move(struct ledger *l, uint32_t automation, uint64_t seq);

/* Whether the automation, which has a position, was paused when it was last looked at. */
MUST_CHECK int ledger_paused(struct ledger *l, uint32_t automation, bool *paused);
MUST_CHECK int ledger_pause(struct ledger *l, uint32_t automation, bool paused);

/* Where the feed ended when this ledger was begun: `end`, noted and synced by the first call, before
 * any event that is to be decided. */
MUST_CHECK int ledger_origin(struct ledger *l, uint64_t end, uint64_t *origin);

/* When the automation last fired for the contact; 0: never. */
MUST_CHECK int ledger_fired(struct ledger *l, uint32_t automation, uint64_t contact,
			    instant_us *at);
MUST_CHECK int ledger_fire(struct ledger *l, uint32_t automation, uint64_t contact, instant_us at);

/* Adds it as pending; `no` comes back. */
MUST_CHECK int ledger_decide(struct ledger *l, struct delivery *d);

/* A place among the pending deliveries of a destination, which stand in the order of when they are
 * due. {0}: before all. */
struct due_place {
	instant_us due_at;
	uint64_t no;
};

/* Those that are due behind the place, oldest first; with their rows in the arena. `first`: of each
 * contact only the first that is pending, due or not; so a page can hold few, or none, and not be the
 * last, because it looks at a bounded number. */
struct due_query {
	uint32_t destination;
	struct due_place behind;
	instant_us now;
	bool first;
	unsigned limit;
};
struct due_page {
	struct delivery *rows;
	unsigned n;
	struct due_place end; /* up to where was looked */
	bool more;            /* there may be others behind it */
};
MUST_CHECK int ledger_due(struct ledger *l, struct arena *a, const struct due_query *q,
			  struct due_page *page);
/* When the next behind the place is due; 0: there is none. */
MUST_CHECK int ledger_next_due(struct ledger *l, uint32_t destination, struct due_place behind,
			       instant_us *at);
/* The contact's first that is pending, due or not. */
MUST_CHECK int ledger_first_of(struct ledger *l, uint32_t destination, uint64_t contact,
			       struct delivery *d, bool *found);
/* How many of the destination are in the state, with what the transaction has done. */
uint64_t ledger_count(const struct ledger *l, uint32_t destination, enum delivery_state state);
/* The next destination behind that one for which some are pending. False: there is none. */
bool ledger_next_awaited(const struct ledger *l, uint32_t *destination);

/* Attempts at them are about to begin: until what came of each is settled, it is in doubt. Between
 * transactions; synced when it returns 0. */
MUST_CHECK int ledger_doubt(struct ledger *l, const uint64_t *deliveries, unsigned n,
			    instant_us at);

/* Those of which an attempt, noted then, could not be begun after all: in doubt no longer, unless they
 * were before. */
MUST_CHECK int ledger_undoubt(struct ledger *l, const uint64_t *deliveries, unsigned n,
			      instant_us at);

/* What came of an attempt: the row as it is now (state, attempts, due_at, status, answer ...). One
 * that is gone by now stays so. `attempt` NULL: it counts as no try. */
MUST_CHECK int ledger_settle(struct ledger *l, const struct delivery *d,
			     const struct attempt_row *attempt);

/* A deed has ended: of those behind it in its automation that wait for it, all up to the next deed
 * are due from then on. *n: how many. */
MUST_CHECK int ledger_release(struct ledger *l, const struct delivery *d, instant_us due_at,
			      unsigned *n);

/* A pending delivery is dead without another try. What waits for it is not released. */
MUST_CHECK int ledger_end(struct ledger *l, const struct delivery *d, struct str why,
			  instant_us now);

/* An ended delivery is pending again, due then, and has all tries of its schedule before it. */
MUST_CHECK int ledger_replay(struct ledger *l, const struct delivery *d, instant_us due_at);

/* All rows of the contact go, but for what the log still shows of them (see ledger_scrub()), at most
 * *left deliveries now, which becomes less by as many; *all: none is there any more. */
MUST_CHECK int ledger_forget(struct ledger *l, uint64_t contact, unsigned *left, bool *all);

/* The destination, as it was declared then, has said that it wants nothing any more. What is known of a
 * later declaration stays. */
MUST_CHECK int ledger_silence(struct ledger *l, uint32_t destination, instant_us declared_at);
/* Of which declaration that is known; 0: of none. */
MUST_CHECK int ledger_silenced(struct ledger *l, uint32_t destination, instant_us *declared_at);

/* The next automation behind that one that has fired for anybody; 0: there is none. */
MUST_CHECK int ledger_next_fired(struct ledger *l, uint32_t *automation);
/* When it fired is forgotten, for `limit` contacts or, *all, whoever is left. */
MUST_CHECK int ledger_forget_fired(struct ledger *l, uint32_t automation, unsigned limit,
				   bool *all);

/* Up to which of the store's deleted contacts that has been done. */
MUST_CHECK int ledger_gone(struct ledger *l, uint64_t *no);
MUST_CHECK int ledger_set_gone(struct ledger *l, uint64_t no);

/* Ended deliveries older than that go, at most `limit` at once. */
MUST_CHECK int ledger_purge(struct ledger *l, instant_us ended_before, unsigned limit);

/* What is written along with deliveries: replay.h. */
struct replays;
struct replays *ledger_replays(struct ledger *l);

/* All SQL of the ledger's own, for a test that shows the plan of each. */
extern const char *const ledger_sql[];
extern const unsigned n_ledger_sql;
