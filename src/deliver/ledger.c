#include "deliver/ledger.h"

#include "base/fail.h"
#include "base/log.h"
#include "deliver/replay.h"
#include "deliver/tally.h"
#include "model/automation.h"
#include "store/db.h"
#include "store/directory.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	APPLICATION_ID = 0x6F63636C, /* "occl", for file(1) */
	VERSION = 1,
	LOG_PAGES = 1000, /* of the log, from which on it is copied: 4 MB */
};

static const char schema[] =
#include "deliveries_1.sql.inc"
	;

enum statement {
	BEGIN,
	COMMIT,
	ROLLBACK,
	POSITION_GET,
	POSITION_SET,
	FIRED_GET,
	FIRED_SET,
	DELIVERY_ADD,
	DELIVERY_DUE,
	DELIVERY_DUE_FIRST,
	DELIVERY_NEXT_DUE,
	DELIVERY_DOUBT,
	DELIVERY_SETTLE,
	DELIVERY_RELEASE,
	DELIVERY_END,
	DELIVERY_REPLAY,
	ATTEMPT_ADD,
	FORGET_FIND,
	FORGET_ATTEMPTS,
	FORGET_DELIVERIES,
	FORGET_FIRED,
	FORGET_REPLAYS,
	SILENCE_GET,
	SILENCE_SET,
	PURGE_FIND,
	PURGE_ATTEMPTS,
	PURGE_DELIVERY,
	STATEMENTS,
};

#define DUE_COLUMNS                                                                     \
	"SELECT no, workspace, automation, action, seq, contact, attempts, created_at," \
	" due_at, tried, doubt_at, kind FROM delivery WHERE destination = ?1"           \
	" AND state = 0"                                                                \
	" AND (due_at, no) > (?2, ?3) AND due_at <= ?4"

const char *const ledger_sql[STATEMENTS] = {
	[BEGIN] = "BEGIN IMMEDIATE",
	[COMMIT] = "COMMIT",
	[ROLLBACK] = "ROLLBACK",
	[POSITION_GET] = "SELECT seq FROM position WHERE automation = ?",
	[POSITION_SET] = "INSERT OR REPLACE INTO position(automation, seq) VALUES(?, ?)",
	[FIRED_GET] = "SELECT at FROM fired WHERE automation = ? AND contact = ?",
	[FIRED_SET] = "INSERT OR REPLACE INTO fired(automation, contact, at) VALUES(?, ?, ?)",
	[DELIVERY_ADD] = "INSERT INTO delivery(workspace, automation, action, destination, seq,"
			 " contact, state, attempts, tried, created_at, due_at, ended_at, status,"
			 " answer, kind) VALUES(?, ?, ?, ?, ?, ?, 0, 0, 0, ?, ?, 0, 0, '', ?)",
	[DELIVERY_DUE] = DUE_COLUMNS " ORDER BY due_at, no LIMIT ?5",
	[DELIVERY_DUE_FIRST] = DUE_COLUMNS
	" AND NOT EXISTS (SELECT 1 FROM delivery e WHERE e.contact = delivery.contact"
	" AND e.no < delivery.no AND e.state = 0 AND e.destination = ?1)"
	" ORDER BY due_at, no LIMIT ?5",
	[DELIVERY_NEXT_DUE] = "SELECT due_at FROM delivery WHERE destination = ?1 AND state = 0"
			      " AND (due_at, no) > (?2, ?3) ORDER BY due_at, no LIMIT 1",
	[DELIVERY_DOUBT] = "UPDATE delivery SET doubt_at = ? WHERE no = ? AND doubt_at = 0",
	[DELIVERY_SETTLE] = "UPDATE delivery SET state = ?, attempts = ?, due_at = ?,"
			    " ended_at = ?, status = ?, answer = ?, doubt_at = ?, note = ?"
			    " WHERE no = ? AND state = 0",
	/* Of one event and automation all stand behind each other. */
	[DELIVERY_RELEASE] =
		"UPDATE delivery SET due_at = ?4 WHERE no > ?1 AND no <= ?1 + ?5"
		" AND automation = ?2 AND seq = ?3 AND state = 0 AND due_at = 9223372036854775807"
		" AND no <= coalesce((SELECT min(no) FROM delivery WHERE no > ?1 AND no <= ?1 + ?5"
		" AND automation = ?2 AND seq = ?3 AND kind > 0), ?1 + ?5)",
	[DELIVERY_END] = "UPDATE delivery SET state = 2, ended_at = ?, answer = ?"
			 " WHERE no = ? AND state = 0",
	[DELIVERY_REPLAY] = "UPDATE delivery SET state = 0, due_at = ?, ended_at = 0,"
			    " tried = attempts WHERE no = ? AND state = ?",
	[ATTEMPT_ADD] = "INSERT OR REPLACE INTO attempt(delivery, n, at, duration_ms, status,"
			" answer) VALUES(?, ?, ?, ?, ?, ?)",
	[FORGET_FIND] = "SELECT destination, state FROM delivery WHERE contact = ?",
	[FORGET_ATTEMPTS] = "DELETE FROM attempt WHERE delivery IN"
			    " (SELECT no FROM delivery WHERE contact = ?)",
	[FORGET_DELIVERIES] = "DELETE FROM delivery WHERE contact = ?",
	[FORGET_FIRED] = "DELETE FROM fired WHERE contact = ?",
	[FORGET_REPLAYS] = "DELETE FROM replay WHERE contact = ?1 AND contact > 0",
	[SILENCE_GET] = "SELECT declared_at FROM silenced WHERE destination = ?",
	[SILENCE_SET] = "INSERT OR REPLACE INTO silenced(destination, declared_at) VALUES(?, ?)",
	[PURGE_FIND] = "SELECT no, destination, state FROM delivery WHERE state > 0"
		       " AND ended_at < ? ORDER BY ended_at LIMIT 1",
	[PURGE_ATTEMPTS] = "DELETE FROM attempt WHERE delivery = ?",
	[PURGE_DELIVERY] = "DELETE FROM delivery WHERE no = ?",
};
const unsigned n_ledger_sql = STATEMENTS;

struct ledger {
	sqlite3 *db;
	sqlite3_stmt *st[STATEMENTS];
	struct tally *tally;
	struct replays *replays;
	int log_pages; /* not yet copied into the database */
	bool failed;
};

/* --- Life --- */

static int make_file(const char *path)
{
	int fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0)
		return fail(-errno, "cannot make %s", path);
	close(fd);
	return 0;
}

static int make_schema(sqlite3 *db)
{
	char mark[80];
	snprintf(mark, sizeof(mark), "PRAGMA application_id = %d; PRAGMA user_version = %d",
		 APPLICATION_ID, VERSION);
	int r = db_exec(db, "BEGIN IMMEDIATE");
	r = r ?: db_exec(db, schema);
	r = r ?: db_exec(db, mark);
	return pass(r ?: db_exec(db, "COMMIT"));
}

static int check_schema(sqlite3 *db)
{
	int64_t application = 0, version = 0, tables = 0;
	int r = db_query_i64(db, "PRAGMA application_id", &application);
	r = r ?: db_query_i64(db, "PRAGMA user_version", &version);
	r = r ?: db_query_i64(db, "SELECT count(*) FROM sqlite_schema", &tables);
	if (r < 0)
		return pass(r);
	if (application == 0 && version == 0 && tables == 0)
		return pass(make_schema(db));
	if (application != APPLICATION_ID || version != VERSION)
		return fail(-EINVAL, "deliveries.db is not a ledger of this occurd's");
	return 0;
}

static int note_pages(void *arg, sqlite3 *db, const char *name, int pages)
{
	struct ledger *l = arg;
	(void)db, (void)name;
	l->log_pages = pages;
	return SQLITE_OK;
}

/* See ledger.h for why a commit does not sync. */
static int configure(struct ledger *l)
{
	sqlite3_wal_hook(l->db, note_pages, l);
	return pass(db_exec(l->db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
				   "PRAGMA secure_delete = ON"));
}

int ledger_open(const char *dir, struct ledger **out)
{
	char path[PATH_MAX];
	struct ledger *l = calloc(1, sizeof(*l));
	if (!l)
		return fail(-ENOMEM, "the ledger");
	int r = 0;
	if (snprintf(path, sizeof(path), "%s/deliveries.db", dir) >= (int)sizeof(path))
		r = fail(-ENAMETOOLONG, "%s", dir);
	r = r ?: make_file(path);
	r = r ?: directory_rewrite_log(path);
	r = r ?: db_open(path, SQLITE_OPEN_READWRITE, &l->db);
	r = r ?: configure(l);
	r = r ?: check_schema(l->db);
	r = r ?: db_prepare_all(l->db, ledger_sql, STATEMENTS, l->st);
	r = r ?: tally_open(l->db, &l->tally);
	r = r ?: replays_open(l->db, &l->replays);
	/* Its name and its log's: without them automations would begin anew. */
	r = r ?: directory_sync_at(dir);
	if (r < 0) {
		l->failed = true;
		ledger_close(l);
		return pass(r);
	}
	*out = l;
	return 0;
}

void ledger_close(struct ledger *l)
{
	if (!l)
		return;
	replays_close(l->replays);
	tally_close(l->tally);
	db_finalize_all(l->st, STATEMENTS);
	if (l->failed &&
	    l->db) /* the next one to open it makes sure of the log first: store/directory.h */
		sqlite3_db_config(l->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	db_close(l->db);
	free(l);
}

int ledger_begin(struct ledger *l)
{
	return pass(db_run(l->st[BEGIN]));
}

int ledger_commit(struct ledger *l)
{
	int r = tally_save(l->tally);
	return pass(r ?: db_run(l->st[COMMIT]));
}

int ledger_sync_commits(struct ledger *l, bool each)
{
	return pass(
		db_exec(l->db, each ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL"));
}

int ledger_settle_log(struct ledger *l, bool all)
{
	if (l->log_pages == 0 || (!all && l->log_pages < LOG_PAGES))
		return 0;
	int rc = sqlite3_wal_checkpoint_v2(l->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	if (rc != SQLITE_OK && rc != SQLITE_BUSY)
		return db_fail(l->db, rc, "copying the ledger's log");
	l->log_pages = 0;
	return 0;
}

void ledger_abandon(struct ledger *l)
{
	l->failed = true;
	/* SQLite may have done it by itself. */
	if (!sqlite3_get_autocommit(l->db) && db_run(l->st[ROLLBACK]) < 0)
		log_error("ledger_rollback_failed", LOG_S("cause", fail_text()));
}

struct replays *ledger_replays(struct ledger *l)
{
	return l->replays;
}

/* --- Single values --- */

/* The first column of the first row; *found false when there is none. */
static int get_i64(sqlite3_stmt *st, int64_t *out, bool *found)
{
	int r = db_step(st);
	*found = r == DB_ROW;
	if (*found)
		*out = db_i64(st, 0);
	db_reset(st);
	return r < 0 ? pass(r) : 0;
}

static void bind_pair(sqlite3_stmt *st, uint64_t first, uint64_t second)
{
	db_bind_i64(st, 1, (int64_t)first);
	db_bind_i64(st, 2, (int64_t)second);
}

/* Kept where no automation's position is. */
enum { GONE = 0, ORIGIN = -1 };

static int move(struct ledger *l, int64_t whose, uint64_t seq)
{
	bind_pair(l->st[POSITION_SET], (uint64_t)whose, seq);
	return pass(db_run(l->st[POSITION_SET]));
}

static int position(struct ledger *l, int64_t whose, uint64_t start, uint64_t *seq)
{
	int64_t at;
	bool found;
	db_bind_i64(l->st[POSITION_GET], 1, whose);
	int r = get_i64(l->st[POSITION_GET], &at, &found);
	if (r < 0)
		return pass(r);
	*seq = found ? (uint64_t)at : start;
	return found ? 0 : pass(move(l, whose, start));
}

int ledger_move(struct ledger *l, uint32_t automation, uint64_t seq)
{
	return pass(move(l, automation, seq));
}

int ledger_position(struct ledger *l, uint32_t automation, uint64_t start, uint64_t *seq)
{
	return pass(position(l, automation, start, seq));
}

int ledger_origin(struct ledger *l, uint64_t end, uint64_t *origin)
{
	int r = ledger_sync_commits(l, true);
	r = r ?: position(l, ORIGIN, end, origin);
	return pass(r ?: ledger_sync_commits(l, false));
}

int ledger_knows(struct ledger *l, uint32_t automation, bool *known)
{
	int64_t seq;
	db_bind_i64(l->st[POSITION_GET], 1, automation);
	return pass(get_i64(l->st[POSITION_GET], &seq, known));
}

int ledger_fired(struct ledger *l, uint32_t automation, uint64_t contact, instant_us *at)
{
	bool found;
	*at = 0;
	bind_pair(l->st[FIRED_GET], automation, contact);
	return pass(get_i64(l->st[FIRED_GET], at, &found));
}

int ledger_fire(struct ledger *l, uint32_t automation, uint64_t contact, instant_us at)
{
	bind_pair(l->st[FIRED_SET], automation, contact);
	db_bind_i64(l->st[FIRED_SET], 3, at);
	return pass(db_run(l->st[FIRED_SET]));
}

uint64_t ledger_count(const struct ledger *l, uint32_t destination, enum delivery_state state)
{
	return tally_of(l->tally, destination, state);
}

bool ledger_next_awaited(const struct ledger *l, uint32_t *destination)
{
	return tally_next_pending(l->tally, destination);
}

/* --- Deliveries --- */

int ledger_decide(struct ledger *l, struct delivery *d)
{
	sqlite3_stmt *st = l->st[DELIVERY_ADD];
	bind_pair(st, d->workspace, d->automation);
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

int ledger_due(struct ledger *l, struct arena *a, const struct due_query *q, struct delivery **rows,
	       unsigned *n)
{
	sqlite3_stmt *st = l->st[q->first ? DELIVERY_DUE_FIRST : DELIVERY_DUE];
	int r;
	*n = 0;
	*rows = arena_array(a, struct delivery, q->limit);
	if (!*rows)
		return fail(-ENOMEM, "deliveries that are due");
	bind_place(st, q->destination, q->behind);
	db_bind_i64(st, 4, q->now);
	db_bind_i64(st, 5, q->limit);
	while ((r = db_step(st)) == DB_ROW && *n < q->limit)
		(*rows)[(*n)++] = due_row(st, q->destination);
	db_reset(st);
	return r < 0 ? pass(r) : 0;
}

int ledger_next_due(struct ledger *l, uint32_t destination, struct due_place behind, instant_us *at)
{
	bool found;
	*at = 0;
	bind_place(l->st[DELIVERY_NEXT_DUE], destination, behind);
	return pass(get_i64(l->st[DELIVERY_NEXT_DUE], at, &found));
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
	bind_pair(st, delivery, attempt->n);
	db_bind_i64(st, 3, attempt->at);
	db_bind_i64(st, 4, attempt->duration_ms);
	db_bind_i64(st, 5, attempt->status);
	db_bind_text(st, 6, attempt->answer);
	return pass(db_run(st));
}

int ledger_doubt(struct ledger *l, const uint64_t *deliveries, unsigned n, instant_us at)
{
	int r = ledger_sync_commits(l, true);
	r = r ?: ledger_begin(l);
	for (unsigned i = 0; i < n && r == 0; i++) {
		bind_pair(l->st[DELIVERY_DOUBT], (uint64_t)at, deliveries[i]);
		r = db_run(l->st[DELIVERY_DOUBT]);
	}
	r = r ?: ledger_commit(l);
	return pass(r ?: ledger_sync_commits(l, false));
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
	return pass(r ?: add_attempt(l, d->no, attempt));
}

int ledger_release(struct ledger *l, const struct delivery *d, instant_us due_at, unsigned *n)
{
	sqlite3_stmt *st = l->st[DELIVERY_RELEASE];
	bind_pair(st, d->no, d->automation);
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

/* --- What goes --- */

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
	int r = drop_contact_from_tally(l, contact);
	for (enum statement s = FORGET_ATTEMPTS; s <= FORGET_REPLAYS && r == 0; s++) {
		db_bind_i64(l->st[s], 1, (int64_t)contact);
		r = db_run(l->st[s]);
	}
	return pass(r);
}

int ledger_silence(struct ledger *l, uint32_t destination, instant_us declared_at)
{
	bind_pair(l->st[SILENCE_SET], destination, (uint64_t)declared_at);
	return pass(db_run(l->st[SILENCE_SET]));
}

int ledger_silenced(struct ledger *l, uint32_t destination, instant_us *declared_at)
{
	bool found;
	*declared_at = 0;
	db_bind_i64(l->st[SILENCE_GET], 1, destination);
	return pass(get_i64(l->st[SILENCE_GET], declared_at, &found));
}

int ledger_gone(struct ledger *l, uint64_t *no)
{
	return pass(position(l, GONE, 0, no));
}

int ledger_set_gone(struct ledger *l, uint64_t no)
{
	return pass(move(l, GONE, no));
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
