/* What leaves the ledger: with its contact, or because it is old. */
#include "deliver/ledger_private.h"
#include "deliver/replay.h"

/* The row that the statement finds, whatever is bound to it: *no, counted as gone; 0: there is none. */
static int find(struct ledger *l, sqlite3_stmt *st, int64_t *no)
{
	int r = db_step(st);
	*no = r == DB_ROW ? db_i64(st, 0) : 0;
	if (r == DB_ROW)
		r = tally_add(l->tally, (uint32_t)db_i64(st, 1), (enum delivery_state)db_i64(st, 2),
			      -1);
	db_reset(st);
	return r < 0 ? pass(r) : 0;
}

static int drop(struct ledger *l, int64_t no)
{
	int r = 0;
	for (enum statement s = DROP_ATTEMPTS; s <= DROP_DELIVERY && r == 0; s++) {
		db_bind_i64(l->st[s], 1, no);
		r = db_run(l->st[s]);
	}
	return pass(r);
}

/* What the statement finds, one after the other; *left of them at most. *all: no other is there. */
static int drop_each(struct ledger *l, enum statement which, int64_t by, unsigned *left, bool *all)
{
	int64_t no;
	int r = 0;
	*all = false;
	while (r == 0 && *left > 0 && !*all) {
		db_bind_i64(l->st[which], 1, by);
		r = find(l, l->st[which], &no);
		*all = r == 0 && no == 0;
		if (r == 0 && no) {
			r = drop(l, no);
			--*left;
		}
	}
	return pass(r);
}

int ledger_forget(struct ledger *l, uint64_t contact, unsigned *left, bool *all)
{
	unsigned before = *left;
	db_bind_i64(l->st[FORGET_FIRED], 1, (int64_t)contact);
	int r = db_run(l->st[FORGET_FIRED]);
	bool fired = r == 0 && sqlite3_changes(l->db) > 0;
	r = r ?: drop_each(l, FORGET_FIND, (int64_t)contact, left, all);
	if (fired || *left < before)
		ledger_ask_for_scrub(l);
	return pass(r ?: replays_forget(l->replays, contact));
}

int ledger_purge(struct ledger *l, instant_us ended_before, unsigned limit)
{
	bool all;
	int r = replays_purge(l->replays, ended_before);
	return pass(r ?: drop_each(l, PURGE_FIND, ended_before, &limit, &all));
}
