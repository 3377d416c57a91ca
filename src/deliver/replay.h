/*
 * Replays: deliveries that have ended and are to be tried again, of one workspace, as a filter says.
 * A replay is a row of the ledger that is worked off at its pace, some hundred deliveries in a
 * transaction, in which its place moves along: so what is chosen, however much, neither waits as
 * pending all at once nor is forgotten or done twice over a crash.
 *
 * Only what had ended when it was asked for is meant: what dies again is left alone.
 *
 * Thread: the delivering thread; all but open, close and next inside a transaction of the ledger's.
 */
#pragma once

#include "deliver/walk.h"

struct replays;

enum {
	REPLAYS_RUNNING_MAX = 10, /* of a workspace */
	REPLAY_RATE_MAX = 10000,  /* a second */
};

struct replay {
	uint64_t no;
	struct delivery_filter of;
	unsigned per_second;
	instant_us created_at;
	uint64_t last;     /* the newest delivery then */
	uint64_t place;    /* up to which it has come */
	uint64_t replayed; /* how many */
	instant_us due_at; /* when it goes on */
	instant_us ended_at;
	bool stopped; /* by somebody, before its end */
};

enum replay_outcome {
	REPLAY_OK,
	REPLAY_NONE, /* there is no such one */
	REPLAY_FULL, /* as many as may be are under way */
};

MUST_CHECK int replays_open(sqlite3 *db, struct replays **out);
void replays_close(struct replays *r); /* NULL is fine */

/* Begins one, of its filter and pace; `no` comes back. */
MUST_CHECK int replays_add(struct replays *r, struct replay *p);
/* REPLAY_NONE: the workspace has no such one under way. */
MUST_CHECK int replays_stop(struct replays *r, uint32_t workspace, uint64_t no, instant_us now);

/* The one delivery: due at once. REPLAY_NONE: the workspace has none of that number in that state. */
MUST_CHECK int replays_one(struct replays *r, struct ledger *l, const struct delivery *d,
			   instant_us now);

/* A part of each that is due; *moved: how many deliveries are pending again. */
MUST_CHECK int replays_run(struct replays *r, struct ledger *l, instant_us now, unsigned *moved);

/* When one goes on; 0: none is under way. Reads the database only after something has changed. */
MUST_CHECK int replays_next(struct replays *r, instant_us now, instant_us *at);

MUST_CHECK int replays_purge(struct replays *r, instant_us ended_before);
/* Those of the contact alone go, also while they are under way. */
MUST_CHECK int replays_forget(struct replays *r, uint64_t contact);

/* For readers: the columns of a replay from 0 on. */
#define REPLAY_COLUMNS                                                                 \
	"SELECT no, workspace, automation, destination, contact, state, since, until," \
	" per_second, created_at, last, place, replayed, due_at, ended_at, stopped FROM replay "
struct replay replay_take(sqlite3_stmt *st);

/* All SQL of it, for a test that shows the plan of each. */
extern const char *const replay_sql[];
extern const unsigned n_replay_sql;
