#include "deliver/ledger_read.h"

#include "base/fail.h"
#include "store/db.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>

enum {
	LOOKED_AT_MAX = 10000, /* rows for one page */
	ATTEMPTS_MAX = 100,
};

#define COLUMNS                                                                                 \
	"SELECT no, workspace, automation, action, destination, seq, contact, state, attempts," \
	" created_at, due_at, ended_at, status, answer, kind FROM delivery "

/* The narrowest index that the question has; what is left of it is looked at row by row. */
enum list {
	LIST_CONTACT,
	LIST_DEAD,
	LIST_AUTOMATION,
	LIST_DESTINATION,
	LIST_WORKSPACE,
};

static const char *const lists[] = {
	[LIST_CONTACT] = COLUMNS "WHERE contact = ?1 AND no < ?2 ORDER BY no DESC LIMIT ?3",
	[LIST_DEAD] = COLUMNS "WHERE workspace = ?1 AND state = 2 AND no < ?2"
			      " ORDER BY no DESC LIMIT ?3",
	[LIST_AUTOMATION] = COLUMNS "WHERE automation = ?1 AND no < ?2 ORDER BY no DESC LIMIT ?3",
	[LIST_DESTINATION] = COLUMNS "WHERE destination = ?1 AND no < ?2 ORDER BY no DESC LIMIT ?3",
	[LIST_WORKSPACE] = COLUMNS "WHERE workspace = ?1 AND no < ?2 ORDER BY no DESC LIMIT ?3",
};

static int open_read(const char *dir, sqlite3 **db)
{
	char path[PATH_MAX];
	if (snprintf(path, sizeof(path), "%s/deliveries.db", dir) >= (int)sizeof(path))
		return fail(-ENAMETOOLONG, "%s", dir);
	return pass(db_open(path, SQLITE_OPEN_READONLY, db));
}

static int take(sqlite3_stmt *st, struct arena *a, struct delivery *d)
{
	*d = (struct delivery){
		.no = (uint64_t)db_i64(st, 0),
		.workspace = (uint32_t)db_i64(st, 1),
		.automation = (uint32_t)db_i64(st, 2),
		.action = (unsigned)db_i64(st, 3),
		.destination = (uint32_t)db_i64(st, 4),
		.seq = (uint64_t)db_i64(st, 5),
		.contact = (uint64_t)db_i64(st, 6),
		.state = (enum delivery_state)db_i64(st, 7),
		.attempts = (unsigned)db_i64(st, 8),
		.created_at = db_i64(st, 9),
		.due_at = db_i64(st, 10),
		.ended_at = db_i64(st, 11),
		.status = (int)db_i64(st, 12),
		.answer = arena_str(a, db_text(st, 13)),
		.kind = (unsigned)db_i64(st, 14),
	};
	return d->answer.p ? 0 : fail(-ENOMEM, "a delivery");
}

/* --- A page --- */

static enum list list_for(const struct delivery_query *q, uint64_t *key)
{
	*key = q->contact;
	if (q->contact)
		return LIST_CONTACT;
	*key = q->workspace;
	if (q->state == DELIVERY_DEAD)
		return LIST_DEAD;
	*key = q->automation;
	if (q->automation)
		return LIST_AUTOMATION;
	*key = q->destination;
	if (q->destination)
		return LIST_DESTINATION;
	*key = q->workspace;
	return LIST_WORKSPACE;
}

static bool is_meant(const struct delivery_query *q, const struct delivery *d)
{
	return d->workspace == q->workspace && (!q->contact || d->contact == q->contact) &&
	       (!q->automation || d->automation == q->automation) &&
	       (!q->destination || d->destination == q->destination) &&
	       (q->state < 0 || (int)d->state == q->state);
}

static int read_page(sqlite3_stmt *st, struct arena *a, const struct delivery_query *q,
		     struct delivery *rows, unsigned *n, uint64_t *next_before)
{
	struct delivery d = { .no = 0 };
	unsigned looked_at = 0;
	int r;
	while ((r = db_step(st)) == DB_ROW) {
		if (*n == q->limit) {
			*next_before = rows[*n - 1].no;
			return 0;
		}
		r = take(st, a, &d);
		if (r < 0)
			break;
		if (is_meant(q, &d))
			rows[(*n)++] = d;
		looked_at++;
	}
	*next_before = looked_at == LOOKED_AT_MAX ? d.no : 0;
	return r < 0 ? pass(r) : 0;
}

int ledger_read_deliveries(const char *dir, struct arena *a, const struct delivery_query *q,
			   struct delivery **rows, unsigned *n, uint64_t *next_before)
{
	CLEANUP(db_close) sqlite3 *db = NULL;
	CLEANUP(db_finalize) sqlite3_stmt *st = NULL;
	uint64_t key = 0;
	*n = 0;
	*rows = arena_array(a, struct delivery, q->limit);
	int r = *rows ? open_read(dir, &db) : fail(-ENOMEM, "deliveries");
	r = r ?: db_prepare(db, lists[list_for(q, &key)], &st);
	if (r < 0)
		return pass(r);
	db_bind_i64(st, 1, (int64_t)key);
	db_bind_i64(st, 2, q->before ? (int64_t)MIN(q->before, (uint64_t)INT64_MAX) : INT64_MAX);
	db_bind_i64(st, 3, LOOKED_AT_MAX);
	return pass(read_page(st, a, q, *rows, n, next_before));
}

/* --- One --- */

static int read_one(sqlite3 *db, struct arena *a, uint32_t workspace, uint64_t no,
		    struct delivery *row)
{
	CLEANUP(db_finalize) sqlite3_stmt *st = NULL;
	int r = db_prepare(db, COLUMNS "WHERE no = ?", &st);
	if (r < 0)
		return pass(r);
	db_bind_i64(st, 1, (int64_t)no);
	r = db_step(st);
	if (r != DB_ROW)
		return r < 0 ? pass(r) : LEDGER_NONE;
	r = take(st, a, row);
	return r < 0 ? pass(r) : row->workspace == workspace ? LEDGER_OK : LEDGER_NONE;
}

static int read_attempts(sqlite3 *db, struct arena *a, uint64_t no, struct attempt_row *rows,
			 unsigned *n)
{
	CLEANUP(db_finalize) sqlite3_stmt *st = NULL;
	int r = db_prepare(db,
			   "SELECT n, at, duration_ms, status, answer FROM attempt"
			   " WHERE delivery = ? ORDER BY n LIMIT ?",
			   &st);
	if (r < 0)
		return pass(r);
	db_bind_i64(st, 1, (int64_t)no);
	db_bind_i64(st, 2, ATTEMPTS_MAX);
	while ((r = db_step(st)) == DB_ROW && *n < ATTEMPTS_MAX) {
		rows[*n] =
			(struct attempt_row){ (unsigned)db_i64(st, 0), db_i64(st, 1), db_i64(st, 2),
					      (int)db_i64(st, 3), arena_str(a, db_text(st, 4)) };
		if (!rows[(*n)++].answer.p)
			return fail(-ENOMEM, "a delivery's attempts");
	}
	return r < 0 ? pass(r) : 0;
}

int ledger_read_delivery(const char *dir, struct arena *a, uint32_t workspace, uint64_t no,
			 struct delivery *row, struct attempt_row **attempts, unsigned *n)
{
	CLEANUP(db_close) sqlite3 *db = NULL;
	*n = 0;
	*attempts = arena_array(a, struct attempt_row, ATTEMPTS_MAX);
	int r = *attempts ? open_read(dir, &db) : fail(-ENOMEM, "a delivery");
	r = r ?: read_one(db, a, workspace, no, row);
	return r ?: pass(read_attempts(db, a, no, *attempts, n));
}
