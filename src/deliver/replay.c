#include "deliver/replay.h"

#include "base/fail.h"
#include "deliver/decide.h"
#include "store/db.h"

#include <errno.h>
#include <stdlib.h>

enum {
	ROWS_MAX = 500,       /* deliveries of one replay in one transaction */
	LOOKED_AT_MAX = 2000, /* likewise, rows */
	TURNS_MAX = 4,        /* replays in one transaction */
	PAUSE_US = 1000000,   /* while a destination has too much waiting */
	AHEAD_US = 3000000,   /* what goes on later than that does since the clock was set back */
	PURGED_AT_ONCE = 10,
};

enum statement {
	ADD,
	LAST,
	RUNNING,
	STOP,
	DUE,
	AHEAD,
	NEXT,
	MOVE,
	ONE,
	PURGE,
	FORGET,
	FIRST_WALK,
	STATEMENTS = FIRST_WALK + WALKS,
};

const char *const replay_sql[FIRST_WALK] = {
	[ADD] = "INSERT INTO replay(workspace, automation, destination, contact, state, since,"
		" until, per_second, created_at, last, place, replayed, due_at, ended_at, stopped)"
		" VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 0, 0, ?9, 0, 0)",
	[LAST] = "SELECT max(no) FROM delivery",
	[RUNNING] = "SELECT count(*) FROM replay INDEXED BY replay_running WHERE workspace = ?"
		    " AND ended_at = 0",
	[STOP] = "UPDATE replay SET ended_at = ?3, stopped = 1 WHERE no = ?2 AND workspace = ?1"
		 " AND ended_at = 0",
	[DUE] = REPLAY_COLUMNS "WHERE ended_at = 0 AND due_at <= ? ORDER BY due_at LIMIT 1",
	[AHEAD] = REPLAY_COLUMNS "WHERE ended_at = 0 AND due_at > ? ORDER BY due_at LIMIT 1",
	[NEXT] = "SELECT due_at FROM replay WHERE ended_at = 0 ORDER BY due_at LIMIT 1",
	[MOVE] = "UPDATE replay SET place = ?2, replayed = ?3, due_at = ?4, ended_at = ?5"
		 " WHERE no = ?1",
	[ONE] = "SELECT destination FROM delivery WHERE no = ?1 AND workspace = ?2 AND state = ?3",
	[PURGE] = "DELETE FROM replay WHERE no IN (SELECT no FROM replay WHERE ended_at > 0"
		  " AND ended_at < ? ORDER BY ended_at LIMIT ?)",
	[FORGET] = "DELETE FROM replay WHERE contact = ?1 AND contact > 0",
};
const unsigned n_replay_sql = FIRST_WALK; /* then those of walk.h */

struct replays {
	sqlite3 *db;
	sqlite3_stmt *st[STATEMENTS];
	bool known; /* next_at is what the table says */
	instant_us next_at;
};

/* --- Begin and end --- */

struct replay replay_take(sqlite3_stmt *st)
{
	return (struct replay){
		.no = (uint64_t)db_i64(st, 0),
		.of = { .workspace = (uint32_t)db_i64(st, 1),
			.automation = (uint32_t)db_i64(st, 2),
			.destination = (uint32_t)db_i64(st, 3),
			.contact = (uint64_t)db_i64(st, 4),
			.state = (int)db_i64(st, 5),
			.since = db_i64(st, 6),
			.until = db_i64(st, 7),
			.ended_by = db_i64(st, 9) },
		.per_second = (unsigned)MIN(MAX(db_i64(st, 8), 1), REPLAY_RATE_MAX),
		.created_at = db_i64(st, 9),
		.last = (uint64_t)db_i64(st, 10),
		.place = (uint64_t)db_i64(st, 11),
		.replayed = (uint64_t)db_i64(st, 12),
		.due_at = db_i64(st, 13),
		.ended_at = db_i64(st, 14),
		.stopped = db_i64(st, 15) != 0,
	};
}

static int add(struct replays *r, struct replay *p, int64_t last)
{
	sqlite3_stmt *st = r->st[ADD];
	db_bind_i64(st, 1, p->of.workspace);
	db_bind_i64(st, 2, p->of.automation);
	db_bind_i64(st, 3, p->of.destination);
	db_bind_i64(st, 4, (int64_t)p->of.contact);
	db_bind_i64(st, 5, p->of.state);
	db_bind_i64(st, 6, p->of.since);
	db_bind_i64(st, 7, p->of.until);
	db_bind_i64(st, 8, p->per_second);
	db_bind_i64(st, 9, p->created_at);
	db_bind_i64(st, 10, last);
	int e = db_run(st);
	p->no = (uint64_t)sqlite3_last_insert_rowid(r->db);
	r->known = false;
	return pass(e);
}

int replays_add(struct replays *r, struct replay *p)
{
	int64_t running, last;
	db_bind_i64(r->st[RUNNING], 1, p->of.workspace);
	int e = db_first_i64(r->st[RUNNING], &running);
	if (e < 0 || running >= REPLAYS_RUNNING_MAX)
		return e < 0 ? pass(e) : REPLAY_FULL;
	e = db_first_i64(r->st[LAST], &last);
	return pass(e ?: add(r, p, last));
}

int replays_stop(struct replays *r, uint32_t workspace, uint64_t no, instant_us now)
{
	sqlite3_stmt *st = r->st[STOP];
	db_bind_i64(st, 1, workspace);
	db_bind_i64(st, 2, (int64_t)no);
	db_bind_i64(st, 3, now);
	int e = db_run(st);
	r->known = false;
	return e < 0 ? pass(e) : sqlite3_changes(r->db) ? REPLAY_OK : REPLAY_NONE;
}

int replays_one(struct replays *r, struct ledger *l, const struct delivery *d, instant_us now)
{
	struct delivery row = *d;
	int64_t destination = -1;
	sqlite3_stmt *st = r->st[ONE];
	db_bind_i64(st, 1, (int64_t)d->no);
	db_bind_i64(st, 2, d->workspace);
	db_bind_i64(st, 3, d->state);
	int e = db_step(st);
	if (e == DB_ROW)
		destination = db_i64(st, 0);
	db_reset(st);
	if (e != DB_ROW)
		return e < 0 ? pass(e) : REPLAY_NONE;
	row.destination = (uint32_t)destination;
	return pass(ledger_replay(l, &row, now));
}

/* --- A part of one --- */

/* What a turn has found: rows that are pending again next, and up to where it has looked. */
struct turn {
	struct delivery rows[ROWS_MAX];
	unsigned n, most;
	uint64_t place;
	bool end; /* of what there is */
};

static int find(struct replays *r, const struct replay *p, struct turn *t)
{
	uint64_t key;
	unsigned looked_at = 0;
	int e = DB_END;
	sqlite3_stmt *st = r->st[FIRST_WALK + (int)walk_for(&p->of, &key)];
	db_bind_i64(st, 1, (int64_t)key);
	db_bind_i64(st, 2, (int64_t)p->place);
	db_bind_i64(st, 3, LOOKED_AT_MAX);
	db_bind_i64(st, 4, (int64_t)p->last);
	while (t->n < t->most && (e = db_step(st)) == DB_ROW) {
		struct delivery *d = &t->rows[t->n];
		e = walk_take(st, d);
		if (e < 0)
			break;
		t->place = d->no;
		t->n += walk_means(&p->of, d);
		looked_at++;
	}
	db_reset(st);
	t->end = t->n < t->most && looked_at < LOOKED_AT_MAX;
	return e < 0 ? pass(e) : 0;
}

static bool is_full(const struct ledger *l, uint32_t destination)
{
	return ledger_count(l, destination, DELIVERY_PENDING) >= WAITING_MAX;
}

/* One after the other at the replay's pace. Where a destination has too much waiting it stops, and
 * goes on there later. */
static int put_back(struct ledger *l, struct replay *p, const struct turn *t, instant_us now)
{
	int64_t pause = US_PER_S / p->per_second;
	for (unsigned i = 0; i < t->n; i++) {
		if (is_full(l, t->rows[i].destination)) {
			p->due_at += PAUSE_US;
			return 0;
		}
		int e = ledger_replay(l, &t->rows[i], p->due_at);
		if (e < 0)
			return pass(e);
		p->place = t->rows[i].no;
		p->due_at += pause;
		p->replayed++;
	}
	p->place = MAX(t->place, p->place);
	if (t->end)
		p->ended_at = now;
	return 0;
}

static int move(struct replays *r, const struct replay *p)
{
	sqlite3_stmt *st = r->st[MOVE];
	db_bind_i64(st, 1, (int64_t)p->no);
	db_bind_i64(st, 2, (int64_t)p->place);
	db_bind_i64(st, 3, (int64_t)p->replayed);
	db_bind_i64(st, 4, p->due_at);
	db_bind_i64(st, 5, p->ended_at);
	return pass(db_run(st));
}

/* A second of it, or what goes into one transaction. What was missed is not caught up with. */
static int run_one(struct replays *r, struct ledger *l, struct replay *p, instant_us now)
{
	struct turn *t = calloc(1, sizeof(*t));
	if (!t)
		return fail(-ENOMEM, "a replay");
	p->due_at = now;
	t->most = MIN(p->per_second, ROWS_MAX);
	int e = find(r, p, t);
	e = e ?: put_back(l, p, t, now);
	free(t);
	return pass(e ?: move(r, p));
}

/* --- All --- */

static int take_first(sqlite3_stmt *st, instant_us at, struct replay *p)
{
	db_bind_i64(st, 1, at);
	int e = db_step(st);
	if (e == DB_ROW)
		*p = replay_take(st);
	db_reset(st);
	return e < 0 ? pass(e) : e;
}

static int next_due(struct replays *r, instant_us now, struct replay *p)
{
	int e = take_first(r->st[DUE], now, p);
	return e == DB_END ? take_first(r->st[AHEAD], now + AHEAD_US, p) : e;
}

int replays_run(struct replays *r, struct ledger *l, instant_us now, unsigned *moved)
{
	struct replay p;
	*moved = 0;
	for (unsigned i = 0; i < TURNS_MAX; i++) {
		int e = next_due(r, now, &p);
		if (e != DB_ROW)
			return e < 0 ? pass(e) : 0;
		uint64_t before = p.replayed;
		r->known = false;
		e = run_one(r, l, &p, now);
		if (e < 0)
			return pass(e);
		*moved += (unsigned)(p.replayed - before);
	}
	return 0;
}

int replays_next(struct replays *r, instant_us now, instant_us *at)
{
	int e = r->known ? 0 : db_first_i64(r->st[NEXT], &r->next_at);
	r->known = e == 0;
	*at = e < 0 ? 0 : r->next_at > now + AHEAD_US ? now : r->next_at;
	return pass(e);
}

int replays_purge(struct replays *r, instant_us ended_before)
{
	db_bind_i64(r->st[PURGE], 1, ended_before);
	db_bind_i64(r->st[PURGE], 2, PURGED_AT_ONCE);
	return pass(db_run(r->st[PURGE]));
}

int replays_forget(struct replays *r, uint64_t contact)
{
	r->known = false;
	db_bind_i64(r->st[FORGET], 1, (int64_t)contact);
	return pass(db_run(r->st[FORGET]));
}

/* --- Life --- */

int replays_open(sqlite3 *db, struct replays **out)
{
	struct replays *r = calloc(1, sizeof(*r));
	if (!r)
		return fail(-ENOMEM, "replays");
	r->db = db;
	int e = db_prepare_all(db, replay_sql, FIRST_WALK, r->st);
	e = e ?: db_prepare_all(db, walk_up_sql, WALKS, r->st + FIRST_WALK);
	if (e < 0) {
		replays_close(r);
		return pass(e);
	}
	*out = r;
	return 0;
}

void replays_close(struct replays *r)
{
	if (!r)
		return;
	db_finalize_all(r->st, STATEMENTS);
	free(r);
}
