/*
 * The insides of the ledger: its statements, and what the parts of it share. For ledger*.c alone.
 */
#pragma once

#include "base/fail.h"
#include "deliver/ledger.h"
#include "deliver/tally.h"
#include "store/db.h"

enum statement {
	BEGIN,
	COMMIT,
	ROLLBACK,
	POSITION_GET,
	POSITION_SET,
	PAUSED_GET,
	PAUSED_SET,
	FIRED_GET,
	FIRED_SET,
	FIRED_NEXT,
	FIRED_DROP,
	DELIVERY_ADD,
	DELIVERY_DUE,
	DELIVERY_DUE_FIRST,
	DELIVERY_FIRST_OF,
	DELIVERY_NEXT_DUE,
	DELIVERY_DOUBT,
	DELIVERY_UNDOUBT,
	DELIVERY_SETTLE,
	DELIVERY_RELEASE,
	DELIVERY_END,
	DELIVERY_REPLAY,
	ATTEMPT_ADD,
	FORGET_FIND,
	FORGET_FIRED,
	SILENCE_GET,
	SILENCE_SET,
	PURGE_FIND,
	DROP_ATTEMPTS,
	DROP_DELIVERY,
	STATEMENTS,
};

struct ledger {
	sqlite3 *db;
	sqlite3_stmt *st[STATEMENTS];
	struct tally *tally;
	struct replays *replays;
	int log_pages;       /* all of the log's, after the last commit */
	int unsettled_pages; /* of them, since it was settled */
	int64_t scrub_at_ms; /* monotonic; 0: it shows nobody who was forgotten */
	bool failed;
};

/* The first column of the first row; *found false when there is none. */
static inline int ledger_get_i64(sqlite3_stmt *st, int64_t *out, bool *found)
{
	int r = db_step(st);
	*found = r == DB_ROW;
	if (*found)
		*out = db_i64(st, 0);
	db_reset(st);
	return r < 0 ? pass(r) : 0;
}

/* Somebody was forgotten, or may have been. */
void ledger_ask_for_scrub(struct ledger *l);

static inline void ledger_bind_pair(sqlite3_stmt *st, uint64_t first, uint64_t second)
{
	db_bind_i64(st, 1, (int64_t)first);
	db_bind_i64(st, 2, (int64_t)second);
}
