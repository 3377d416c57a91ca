#include "store/db.h"

#include "base/fail.h"
#include "base/timefmt.h"

#include <errno.h>
#include <pthread.h>

enum { END_WAIT_MS = 20 }; /* for those who read in the log, to end it */

/* Of a log's index: sqlite.org/walformat.html, 2. */
enum {
	INDEX_REGION = 32768,
	INDEX_HEADERS = 2 * 48, /* two copies of one, which count only when they are equal */
	INDEX_LOCKS = 3,        /* from the first on: to write, to copy, to make it anew */
	INDEX_PAUSE_MS = 1,
};

static int errno_of(int code)
{
	switch (code & 0xFF) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_NOTADB:
		return -EINVAL;
	default:
		return -EIO;
	}
}

int db_fail(sqlite3 *db, int code, const char *what)
{
	return fail(errno_of(code), "%s: %s (SQLite %d)", what,
		    db ? sqlite3_errmsg(db) : sqlite3_errstr(code),
		    db ? sqlite3_extended_errcode(db) : code);
}

#define DAMAGED "damaged database: "

int db_damaged(const char *what)
{
	return fail(-EIO, DAMAGED "%s", what);
}

bool db_is_damage(void)
{
	return str_starts(fail_words(), STR(DAMAGED));
}

/* Without the number's meaning, which stands behind every cause. */
struct str db_damage(void)
{
	struct str words = fail_words(), end = str_of(strerror(EIO));
	if (!db_is_damage())
		return words;
	words = str_from(words, strlen(DAMAGED));
	return str_head(words, words.n - MIN(words.n, end.n + strlen(": ")));
}

/*
 * The file is as hostile as a request: functions in its schema are not trusted, and cells are
 * checked as pages are read. Checkpoints are ours to start, and there are no foreign keys.
 */
static const char settings[] = "PRAGMA trusted_schema = OFF;"
			       "PRAGMA cell_size_check = ON;"
			       "PRAGMA foreign_keys = OFF;"
			       "PRAGMA wal_autocheckpoint = 0;"
			       "PRAGMA synchronous = FULL;"
			       "PRAGMA temp_store = MEMORY;";

static void stop_counting_memory(void)
{
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

void db_prepare_library(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	must(pthread_once(&once, stop_counting_memory) == 0);
}

int db_open(const char *path, int flags, sqlite3 **out)
{
	return db_open_on(path, flags, NULL, out);
}

int db_open_on(const char *path, int flags, const char *file_system, sqlite3 **out)
{
	db_prepare_library();
	CLEANUP(db_close) sqlite3 *db = NULL;
	int rc = sqlite3_open_v2(path, &db, flags | SQLITE_OPEN_NOMUTEX, file_system);
	if (rc != SQLITE_OK)
		return db_fail(db, rc, path);
	sqlite3_extended_result_codes(db, 1);
	db_wait_at_most(db, DB_WAIT_MS);
	int r = db_exec(db, settings);
	if (r < 0)
		return pass(r);
	*out = steal(&db);
	return 0;
}

void db_close(sqlite3 *db)
{
	must(sqlite3_close(db) == SQLITE_OK);
}

void db_wait_at_most(sqlite3 *db, int ms)
{
	must(sqlite3_busy_timeout(db, ms) == SQLITE_OK);
}

/* Who begins to read while this waits needs the log no more. */
int db_end_log(sqlite3 *db, int *pages, int *copied, bool *held)
{
	db_wait_at_most(db, END_WAIT_MS);
	int rc = sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_TRUNCATE, pages, copied);
	db_wait_at_most(db, DB_WAIT_MS);
	*held = rc == SQLITE_BUSY;
	return rc == SQLITE_OK || *held ? 0 : db_fail(db, rc, "checkpoint");
}

/* With the locks under which SQLite makes it anew, so that nobody is at it. */
static int forget_index(sqlite3_file *f)
{
	const sqlite3_io_methods *m = f->pMethods;
	void volatile *index = NULL;
	int rc = m->xShmMap(f, 0, INDEX_REGION, 0, &index);
	if (rc != SQLITE_OK || !index) /* there is none */
		return rc;
	rc = m->xShmLock(f, 0, INDEX_LOCKS, SQLITE_SHM_LOCK | SQLITE_SHM_EXCLUSIVE);
	if (rc != SQLITE_OK)
		return rc;
	memset((void *)index, 0, INDEX_HEADERS);
	m->xShmBarrier(f);
	return m->xShmLock(f, 0, INDEX_LOCKS, SQLITE_SHM_UNLOCK | SQLITE_SHM_EXCLUSIVE);
}

int db_forget_copied(const char *path)
{
	CLEANUP(db_close) sqlite3 *db = NULL;
	sqlite3_file *f = NULL;
	db_prepare_library();
	int rc = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	rc = rc ? rc : sqlite3_file_control(db, NULL, SQLITE_FCNTL_FILE_POINTER, &f);
	if (rc != SQLITE_OK)
		return db_fail(db, rc, path);
	int64_t until_ms = time_monotonic_ms() + DB_WAIT_MS;
	while ((rc = forget_index(f)) == SQLITE_BUSY && time_monotonic_ms() < until_ms)
		sqlite3_sleep(INDEX_PAUSE_MS);
	f->pMethods->xShmUnmap(f, 0);
	return rc == SQLITE_OK ? 0 : db_fail(NULL, rc, "index of the log");
}

int db_exec(sqlite3 *db, const char *sql)
{
	int rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
	return rc == SQLITE_OK ? 0 : db_fail(db, rc, "statement");
}

int db_query_i64(sqlite3 *db, const char *sql, int64_t *out)
{
	CLEANUP(db_finalize) sqlite3_stmt *st = NULL;
	int r = db_prepare(db, sql, &st);
	r = r ?: db_step(st);
	if (r < 0)
		return pass(r);
	if (r == DB_END)
		return fail(-EIO, "no answer: %s", sql);
	*out = db_i64(st, 0);
	return 0;
}

int db_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **out)
{
	int rc = sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL);
	return rc == SQLITE_OK ? 0 : db_fail(db, rc, sql);
}

int db_prepare_all(sqlite3 *db, const char *const *sql, size_t n, sqlite3_stmt **out)
{
	for (size_t i = 0; i < n; i++) {
		int r = db_prepare(db, sql[i], &out[i]);
		if (r < 0) {
			db_finalize_all(out, n);
			return pass(r);
		}
	}
	return 0;
}

void db_finalize_all(sqlite3_stmt **list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		db_finalize(list[i]);
		list[i] = NULL;
	}
}

void db_finalize(sqlite3_stmt *st)
{
	sqlite3_finalize(st); /* what it returns was seen when it was stepped */
}

void db_bind_i64(sqlite3_stmt *st, int at, int64_t v)
{
	must(sqlite3_bind_int64(st, at, v) == SQLITE_OK);
}

void db_bind_text(sqlite3_stmt *st, int at, struct str s)
{
	must(sqlite3_bind_text64(st, at, s.p ? s.p : "", s.n, SQLITE_STATIC, SQLITE_UTF8) ==
	     SQLITE_OK);
}

void db_bind_blob(sqlite3_stmt *st, int at, const void *p, size_t n)
{
	must(sqlite3_bind_blob64(st, at, p, n, SQLITE_STATIC) == SQLITE_OK);
}

int db_step(sqlite3_stmt *st)
{
	int rc = sqlite3_step(st);
	if (rc == SQLITE_ROW)
		return DB_ROW;
	if (rc == SQLITE_DONE)
		return DB_END;
	int r = db_fail(sqlite3_db_handle(st), rc, sqlite3_sql(st));
	db_reset(st);
	return r;
}

void db_reset(sqlite3_stmt *st)
{
	sqlite3_reset(st); /* repeats the error of the last step, which was seen */
}

int db_first_i64(sqlite3_stmt *st, int64_t *out)
{
	int r = db_step(st);
	if (r < 0)
		return pass(r);
	*out = r == DB_ROW ? db_i64(st, 0) : 0;
	db_reset(st);
	return 0;
}

int db_run(sqlite3_stmt *st)
{
	int r = db_step(st);
	if (r < 0)
		return pass(r);
	must(r == DB_END);
	db_reset(st);
	return 0;
}

int64_t db_i64(sqlite3_stmt *st, int column)
{
	return sqlite3_column_int64(st, column);
}

struct str db_text(sqlite3_stmt *st, int column)
{
	const char *p = (const char *)sqlite3_column_text(st, column);
	return p ? (struct str){ p, (size_t)sqlite3_column_bytes(st, column) } : STR("");
}

int db_blob(sqlite3_stmt *st, int column, void *out, size_t n)
{
	const void *p = sqlite3_column_blob(st, column);
	if (!p || (size_t)sqlite3_column_bytes(st, column) != n)
		return db_damaged(sqlite3_column_name(st, column));
	memcpy(out, p, n);
	return 0;
}
