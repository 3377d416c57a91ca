/*
 * SQLite with our manners: every error becomes a failure with its cause, values are bound and read
 * as the types we use. Thread: a connection belongs to one at a time.
 */
#pragma once

#include "base/str.h"

#include <sqlite3.h>

enum { DB_WAIT_MS = 5000 }; /* somebody's sqlite3 shell may hold a lock for a moment */

enum db_outcome {
	DB_ROW,
	DB_END, /* no row, or none any more */
};

/* Before anything else of SQLite's is used: its count of the memory it uses costs a lock at each
 * allocation, a tenth of an event. Too late, it stays on, which is no harm. */
void db_prepare_library(void);

/* An existing file. `flags`: SQLITE_OPEN_READONLY or _READWRITE. Sets what all connections share.
 */
MUST_CHECK int db_open(const char *path, int flags, sqlite3 **out);
/* The same, on a file system of that name; NULL: the default one. */
MUST_CHECK int db_open_on(const char *path, int flags, const char *file_system, sqlite3 **out);
void db_close(sqlite3 *db); /* NULL is fine; its statements finalised first */
DEFINE_CLEANUP(sqlite3 *, db_close);

/* For a lock that somebody else has. */
void db_wait_at_most(sqlite3 *db, int ms);

/* Copies all of the log into the database and cuts it to nothing, so that no file shows what was
 * overwritten. *held: who reads in it needs it, also after a moment's wait. `pages`, `copied`: of it. */
MUST_CHECK int db_end_log(sqlite3 *db, int *pages, int *copied, bool *held);

/*
 * After a sync of the database file has failed, or nobody knows whether one has: all of the log is copied
 * once more. SQLite keeps in the log's index how many of its pages have been copied (nBackfill), and
 * syncs the database file only after a copy that came to the log's end: the sync at the end of a
 * later one is for what the ones before have copied, too. When that one fails, the system forgets all
 * of it, but SQLite forgets only the last copy: the index is memory, and lives for as long as anybody has the
 * database open. (While no sync fails there is no danger in it, over a power cut neither: the index
 * is gone with it, and the log is whole, since it begins anew only after a copy that was synced.)
 *
 * So the index is made invalid, as a writer that dies amid a commit leaves it. The next who reads,
 * of whatever process, makes it anew from the log, and with nothing copied: sqlite.org/walformat.html.
 * Who is in a transaction sees what he saw: his mark stays, with the lock that he holds on it. None of
 * this process writes or copies meanwhile; for others -EBUSY, after a wait. A file that nobody has
 * open is fine.
 */
MUST_CHECK int db_forget_copied(const char *path);

/* Statements without results; several may follow each other. */
MUST_CHECK int db_exec(sqlite3 *db, const char *sql);
/* The one integer that a query gives. */
MUST_CHECK int db_query_i64(sqlite3 *db, const char *sql, int64_t *out);

/* For a statement that is kept. */
MUST_CHECK int db_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **out);
/* An array of them; on failure none is left open. */
MUST_CHECK int db_prepare_all(sqlite3 *db, const char *const *sql, size_t n, sqlite3_stmt **out);
void db_finalize_all(sqlite3_stmt **list, size_t n);
void db_finalize(sqlite3_stmt *st); /* NULL is fine */
DEFINE_CLEANUP(sqlite3_stmt *, db_finalize);

/* Parameters count from 1; what is bound stays where it is until the statement was run. */
void db_bind_i64(sqlite3_stmt *st, int at, int64_t v);
void db_bind_text(sqlite3_stmt *st, int at, struct str s);
void db_bind_blob(sqlite3_stmt *st, int at, const void *p, size_t n);

MUST_CHECK int db_step(sqlite3_stmt *st); /* enum db_outcome */
/* Makes the statement ready for its next use; every db_step() loop ends with it. */
void db_reset(sqlite3_stmt *st);
/* A whole statement that gives one number; 0 when it gives no row. */
MUST_CHECK int db_first_i64(sqlite3_stmt *st, int64_t *out);
/* A whole statement that gives no row. */
MUST_CHECK int db_run(sqlite3_stmt *st);

/* Columns count from 0. Views live until the next step or reset. Text of a column that is none is
 * an empty view; a blob of another size than n is a failure. */
int64_t db_i64(sqlite3_stmt *st, int column);
struct str db_text(sqlite3_stmt *st, int column);
MUST_CHECK int db_blob(sqlite3_stmt *st, int column, void *out, size_t n);

/* The failure for a result code of SQLite's. */
int db_fail(sqlite3 *db, int code, const char *what);
/* For what the file holds but cannot be: a row that we did not write so. */
int db_damaged(const char *what);
/* Whether that is this thread's newest failure. It will be the same the next time. */
bool db_is_damage(void);
/* What it was, where that is this thread's newest failure; valid until the next one. */
struct str db_damage(void);
