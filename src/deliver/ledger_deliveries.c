/* Deliveries from their decision to their end, counted as they go. */
#include "deliver/ledger_private.h"
#include "model/automation.h"

#include <errno.h>

enum {
	DUE_IS_MEANT = 12,   /* the column behind those of due_row() */
	LOOKED_AT_MAX = 500, /* rows, for one page of first ones */
};

int ledger_decide(struct ledger *l, struct delivery *d)
{
	sqlite3_stmt *st = l->st[DELIVERY_ADD];
	ledger_bind_pair(st, d->workspace, d->automation);
	db_bind_i64(st, 3, d->action);
	db_bind_i64(st, 4, d->destination);
	db_bind_i64(st, 5, (int64_t)d->seq);
	db_bind_i64(st, 6, (int64_t)d->contact);
	db_bind_i64(st, 7, d->created_at);
	db_bind_i64(st, 8, d->due_at);
	db_bind_i64(st, 9, d->kind);
	int r = db_run(st);
	d->no = (uint64_t)sqlite3_last_insert_rowid(l->db);
	d->state = DELIVERY_PENDING;
	return pass(r ?: tally_add(l->tally, d->destination, d->state, 1));
}

static void bind_place(sqlite3_stmt *st, uint32_t destination, struct due_place behind)
{
	db_bind_i64(st, 1, destination);
	db_bind_i64(st, 2, behind.due_at);
	db_bind_i64(st, 3, (int64_t)behind.no);
}

static struct delivery due_row(sqlite3_stmt *st, uint32_t destination)
{
	return (struct delivery){
		.no = (uint64_t)db_i64(st, 0),
		.workspace = (uint32_t)db_i64(st, 1),
		.automation = (uint32_t)db_i64(st, 2),
		.action = (unsigned)db_i64(st, 3),
		.destination = destination,
		.seq = (uint64_t)db_i64(st, 4),
		.contact = (uint64_t)db_i64(st, 5),
		.attempts = (unsigned)db_i64(st, 6),
		.created_at = db_i64(st, 7),
		.due_at = db_i64(st, 8),
		.tried = (unsigned)db_i64(st, 9),
		.doubt_at = db_i64(st, 10),
		.kind = (unsigned)db_i64(st, 11),
	};
}

int ledger_due(struct ledger *l, struct arena *a, const struct due_query *q, struct due_page *page)
{
	sqlite3_stmt *st = l->st[q->first ? DELIVERY_DUE_FIRST : DELIVERY_DUE];
	unsigned looked_at = 0, most = q->first ? MAX(q->limit, LOOKED_AT_MAX) : q->limit;
	int r = DB_END;
	*page = (struct due_page){ .end = q->behind,
				   .rows = arena_array(a, struct delivery, q->limit) };
	if (!page->rows)
		return fail(-ENOMEM, "deliveries that are due");
	bind_place(st, q->destination, q->behind);
	db_bind_i64(st, 4, q->now);
	db_bind_i64(st, 5, most);
	while (page->n < q->limit && (r = db_step(st)) == DB_ROW) {
		struct delivery *d = &page->rows[page->n];
		*d = due_row(st, q->destination);
		page->end = (struct due_place){ d->due_at, d->no };
		page->n += db_i64(st, DUE_IS_MEANT) != 0;
		looked_at++;
	}
	db_reset(st);
	page->more = page->n == q->limit || looked_at == most;
	return r < 0 ? pass(r) : 0;
}

int ledger_next_due(struct ledger *l, uint32_t destination, struct due_place behind, instant_us *at)
{
	bool found;
	*at = 0;
	bind_place(l->st[DELIVERY_NEXT_DUE], destination, behind);
	return pass(ledger_get_i64(l->st[DELIVERY_NEXT_DUE], at, &found));
}

int ledger_first_of(struct ledger *l, uint32_t destination, uint64_t contact, struct delivery *d,
		    bool *found)
{
	sqlite3_stmt *st = l->st[DELIVERY_FIRST_OF];
	ledger_bind_pair(st, destination, contact);
	int r = db_step(st);
	*found = r == DB_ROW;
	if (*found)
		*d = due_row(st, destination);
	db_reset(st);
	return r < 0 ? pass(r) : 0;
}

static int move_tally(struct ledger *l, uint32_t destination, enum delivery_state from,
		      enum delivery_state to)
{
	int r = from == to ? 0 : tally_add(l->tally, destination, from, -1);
	return pass(from == to ? 0 : r ?: tally_add(l->tally, destination, to, 1));
}

static int add_attempt(struct ledger *l, uint64_t delivery, const struct attempt_row *attempt)
{
	sqlite3_stmt *st = l->st[ATTEMPT_ADD];
	ledger_bind_pair(st, delivery, attempt->n);
	db_bind_i64(st, 3, attempt->at);
	db_bind_i64(st, 4, attempt->duration_ms);
	db_bind_i64(st, 5, attempt->status);
	db_bind_text(st, 6, attempt->answer);
	return pass(db_run(st));
}

static int run_each(struct ledger *l, enum statement s, const uint64_t *deliveries, unsigned n,
		    instant_us at)
{
	int r = 0;
	for (unsigned i = 0; i < n && r == 0; i++) {
		ledger_bind_pair(l->st[s], (uint64_t)at, deliveries[i]);
		r = db_run(l->st[s]);
	}
	return pass(r);
}

int ledger_doubt(struct ledger *l, const uint64_t *deliveries, unsigned n, instant_us at)
{
	int r = ledger_sync_commits(l, true);
	r = r ?: ledger_begin(l);
	r = r ?: run_each(l, DELIVERY_DOUBT, deliveries, n, at);
	r = r ?: ledger_commit(l);
	return pass(r ?: ledger_sync_commits(l, false));
}

int ledger_undoubt(struct ledger *l, const uint64_t *deliveries, unsigned n, instant_us at)
{
	return pass(run_each(l, DELIVERY_UNDOUBT, deliveries, n, at));
}

int ledger_settle(struct ledger *l, const struct delivery *d, const struct attempt_row *attempt)
{
	sqlite3_stmt *st = l->st[DELIVERY_SETTLE];
	db_bind_i64(st, 1, d->state);
	db_bind_i64(st, 2, d->attempts);
	db_bind_i64(st, 3, d->due_at);
	db_bind_i64(st, 4, d->ended_at);
	db_bind_i64(st, 5, d->status);
	db_bind_text(st, 6, d->answer);
	db_bind_i64(st, 7, d->doubt_at);
	db_bind_text(st, 8, d->note);
	db_bind_i64(st, 9, (int64_t)d->no);
	int r = db_run(st);
	if (r < 0 || sqlite3_changes(l->db) == 0)
		return pass(r);
	r = move_tally(l, d->destination, DELIVERY_PENDING, d->state);
	return pass(r ?: attempt ? add_attempt(l, d->no, attempt) : 0);
}

int ledger_release(struct ledger *l, const struct delivery *d, instant_us due_at, unsigned *n)
{
	sqlite3_stmt *st = l->st[DELIVERY_RELEASE];
	ledger_bind_pair(st, d->no, d->automation);
	db_bind_i64(st, 3, (int64_t)d->seq);
	db_bind_i64(st, 4, due_at);
	db_bind_i64(st, 5, AUTOMATION_ACTIONS_MAX);
	int r = db_run(st);
	*n = r == 0 ? (unsigned)sqlite3_changes(l->db) : 0;
	return pass(r);
}

int ledger_end(struct ledger *l, const struct delivery *d, struct str why, instant_us now)
{
	sqlite3_stmt *st = l->st[DELIVERY_END];
	db_bind_i64(st, 1, now);
	db_bind_text(st, 2, why);
	db_bind_i64(st, 3, (int64_t)d->no);
	int r = db_run(st);
	if (r < 0 || sqlite3_changes(l->db) == 0)
		return pass(r);
	return pass(move_tally(l, d->destination, DELIVERY_PENDING, DELIVERY_DEAD));
}

int ledger_replay(struct ledger *l, const struct delivery *d, instant_us due_at)
{
	sqlite3_stmt *st = l->st[DELIVERY_REPLAY];
	db_bind_i64(st, 1, due_at);
	db_bind_i64(st, 2, (int64_t)d->no);
	db_bind_i64(st, 3, d->state);
	int r = db_run(st);
	if (r < 0 || sqlite3_changes(l->db) == 0)
		return pass(r);
	return pass(move_tally(l, d->destination, d->state, DELIVERY_PENDING));
}

uint64_t ledger_count(const struct ledger *l, uint32_t destination, enum delivery_state state)
{
	return tally_of(l->tally, destination, state);
}

bool ledger_next_awaited(const struct ledger *l, uint32_t *destination)
{
	return tally_next_pending(l->tally, destination);
}
