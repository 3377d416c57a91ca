#include "deliver/ledger_read.h"

#include "base/fail.h"
#include "base/timefmt.h"
#include "store/db.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>

enum {
	LOOKED_AT_MAX = 10000, /* rows for one page */
	ATTEMPTS_MAX = 100,
	COUNT_MS_MAX = 2000,
	COUNT_STEP = 4096, /* rows between two looks at the clock */
};

enum statement {
	ATTEMPTS,
	REPLAYS,
	REPLAY,
	STATEMENTS,
};

const char *const ledger_read_sql[STATEMENTS] = {
	[ATTEMPTS] = "SELECT n, at, duration_ms, status, answer FROM attempt"
		     " WHERE delivery = ? ORDER BY n DESC LIMIT ?",
	[REPLAYS] = REPLAY_COLUMNS "WHERE workspace = ? AND no < ? ORDER BY no DESC LIMIT ?",
	[REPLAY] = REPLAY_COLUMNS "WHERE no = ? AND workspace = ?",
};
const unsigned n_ledger_read_sql = STATEMENTS;

static int open_read(const char *dir, sqlite3 **db)
{
	char path[PATH_MAX];
	if (snprintf(path, sizeof(path), "%s/deliveries.db", dir) >= (int)sizeof(path))
		return fail(-ENAMETOOLONG, "%s", dir);
	return pass(db_open(path, SQLITE_OPEN_READONLY, db));
}

static int take_texts(sqlite3_stmt *st, struct arena *a, struct delivery *d)
{
	d->answer = arena_str(a, walk_answer(st));
	d->note = arena_str(a, walk_note(st));
	return d->answer.p && d->note.p ? 0 : fail(-ENOMEM, "a delivery");
}

static int64_t below(uint64_t before)
{
	return before ? (int64_t)MIN(before, (uint64_t)INT64_MAX) : INT64_MAX;
}

/* --- A page --- */

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
		r = walk_take(st, &d);
		bool meant = r == 0 && walk_means(&q->of, &d);
		r = meant ? take_texts(st, a, &d) : r;
		if (r < 0)
			break;
		if (meant)
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
	r = r ?: db_prepare(db, walk_down_sql[walk_for(&q->of, &key)], &st);
	if (r < 0)
		return pass(r);
	db_bind_i64(st, 1, (int64_t)key);
	db_bind_i64(st, 2, below(q->before));
	db_bind_i64(st, 3, LOOKED_AT_MAX);
	return pass(read_page(st, a, q, *rows, n, next_before));
}

/* --- One --- */

static int read_one(sqlite3 *db, struct arena *a, uint32_t workspace, uint64_t no,
		    struct delivery *row)
{
	CLEANUP(db_finalize) sqlite3_stmt *st = NULL;
	int r = db_prepare(db, walk_one_sql, &st);
	if (r < 0)
		return pass(r);
	db_bind_i64(st, 1, (int64_t)no);
	r = db_step(st);
	if (r != DB_ROW)
		return r < 0 ? pass(r) : LEDGER_NONE;
	r = walk_take(st, row);
	r = r ?: take_texts(st, a, row);
	return r < 0 ? pass(r) : row->workspace == workspace ? LEDGER_OK : LEDGER_NONE;
}

/* They come newest first. */
static void turn_round(struct attempt_row *rows, unsigned n)
{
	for (unsigned i = 0; i < n / 2; i++) {
		struct attempt_row one = rows[i];
		rows[i] = rows[n - 1 - i];
		rows[n - 1 - i] = one;
	}
}

static int read_attempts(sqlite3 *db, struct arena *a, uint64_t no, struct attempt_row *rows,
			 unsigned *n)
{
	CLEANUP(db_finalize) sqlite3_stmt *st = NULL;
	int r = db_prepare(db, ledger_read_sql[ATTEMPTS], &st);
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
	turn_round(rows, *n);
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

/* --- How many --- */

static int count_rows(sqlite3_stmt *st, const struct delivery_filter *of, uint64_t *n, bool *all)
{
	int64_t until = time_monotonic_ms() + COUNT_MS_MAX;
	struct delivery d;
	int r;
	for (uint64_t i = 1; (r = db_step(st)) == DB_ROW; i++) {
		if (i % COUNT_STEP == 0 && time_monotonic_ms() > until)
			return 0;
		r = walk_take(st, &d);
		if (r < 0)
			return pass(r);
		*n += walk_means(of, &d);
	}
	*all = r == DB_END;
	return r < 0 ? pass(r) : 0;
}

int ledger_read_count(const char *dir, const struct delivery_filter *of, uint64_t *n, bool *all)
{
	CLEANUP(db_close) sqlite3 *db = NULL;
	CLEANUP(db_finalize) sqlite3_stmt *st = NULL;
	uint64_t key = 0;
	*n = 0;
	*all = false;
	int r = open_read(dir, &db);
	r = r ?: db_prepare(db, walk_up_sql[walk_for(of, &key)], &st);
	if (r < 0)
		return pass(r);
	db_bind_i64(st, 1, (int64_t)key);
	db_bind_i64(st, 2, 0);
	db_bind_i64(st, 3, INT64_MAX);
	db_bind_i64(st, 4, INT64_MAX);
	return pass(count_rows(st, of, n, all));
}

/* --- Replays --- */

int ledger_read_replays(const char *dir, struct arena *a, const struct replay_query *q,
			struct replay **rows, unsigned *n, uint64_t *next_before)
{
	CLEANUP(db_close) sqlite3 *db = NULL;
	CLEANUP(db_finalize) sqlite3_stmt *st = NULL;
	*n = 0;
	*next_before = 0;
	*rows = arena_array(a, struct replay, q->limit);
	int r = *rows ? open_read(dir, &db) : fail(-ENOMEM, "replays");
	r = r ?: db_prepare(db, ledger_read_sql[REPLAYS], &st);
	if (r < 0)
		return pass(r);
	db_bind_i64(st, 1, q->workspace);
	db_bind_i64(st, 2, below(q->before));
	db_bind_i64(st, 3, (int64_t)q->limit + 1);
	while ((r = db_step(st)) == DB_ROW && *n < q->limit)
		(*rows)[(*n)++] = replay_take(st);
	if (r == DB_ROW)
		*next_before = (*rows)[*n - 1].no;
	return r < 0 ? pass(r) : 0;
}

int ledger_read_replay(const char *dir, uint32_t workspace, uint64_t no, struct replay *row)
{
	CLEANUP(db_close) sqlite3 *db = NULL;
	CLEANUP(db_finalize) sqlite3_stmt *st = NULL;
	int r = open_read(dir, &db);
	r = r ?: db_prepare(db, ledger_read_sql[REPLAY], &st);
	if (r < 0)
		return pass(r);
	db_bind_i64(st, 1, (int64_t)no);
	db_bind_i64(st, 2, workspace);
	r = db_step(st);
	if (r != DB_ROW)
		return r < 0 ? pass(r) : LEDGER_NONE;
	*row = replay_take(st);
	return LEDGER_OK;
}
