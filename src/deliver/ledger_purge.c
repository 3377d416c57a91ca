/* What leaves the ledger: with its contact, or because it is old. */
#include "deliver/ledger_private.h"
#include "deliver/replay.h"

/* Of the row that the statement stands on. */
static int drop_from_tally(struct ledger *l, sqlite3_stmt *st, int first_column)
{
	return pass(tally_add(l->tally, (uint32_t)db_i64(st, first_column),
			      (enum delivery_state)db_i64(st, first_column + 1), -1));
}

static int drop_contact_from_tally(struct ledger *l, uint64_t contact)
{
	sqlite3_stmt *st = l->st[FORGET_FIND];
	int r;
	db_bind_i64(st, 1, (int64_t)contact);
	while ((r = db_step(st)) == DB_ROW && (r = drop_from_tally(l, st, 0)) == 0)
		;
	db_reset(st);
	return r < 0 ? pass(r) : 0;
}

int ledger_forget(struct ledger *l, uint64_t contact)
{
	int r = drop_contact_from_tally(l, contact), n = 0;
	for (enum statement s = FORGET_ATTEMPTS; s <= FORGET_FIRED && r == 0; s++) {
		db_bind_i64(l->st[s], 1, (int64_t)contact);
		r = db_run(l->st[s]);
		n += sqlite3_changes(l->db);
	}
	if (n > 0)
		ledger_ask_for_scrub(l);
	return pass(r ?: replays_forget(l->replays, contact));
}

/* The oldest that has ended before then; *no 0: there is none. */
static int find_purged(struct ledger *l, instant_us ended_before, int64_t *no)
{
	sqlite3_stmt *st = l->st[PURGE_FIND];
	db_bind_i64(st, 1, ended_before);
	int r = db_step(st);
	*no = r == DB_ROW ? db_i64(st, 0) : 0;
	if (r == DB_ROW)
		r = drop_from_tally(l, st, 1);
	db_reset(st);
	return r < 0 ? pass(r) : 0;
}

int ledger_purge(struct ledger *l, instant_us ended_before, unsigned limit)
{
	int64_t no = 1;
	int r = replays_purge(l->replays, ended_before);
	for (unsigned i = 0; i < limit && r == 0 && no; i++) {
		r = find_purged(l, ended_before, &no);
		for (enum statement s = PURGE_ATTEMPTS; s <= PURGE_DELIVERY && r == 0 && no; s++) {
			db_bind_i64(l->st[s], 1, no);
			r = db_run(l->st[s]);
		}
	}
	return pass(r);
}
