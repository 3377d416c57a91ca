#include "deliver/ledger.h"

#include "base/log.h"
#include "deliver/ledger_private.h"
#include "deliver/replay.h"
#include "store/directory.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	APPLICATION_ID = 0x6F63636C, /* "occl", for file(1) */
	VERSION = 1,
	LOG_PAGES = 1000, /* since it was settled, from which on that is due again: 4 MB */
	SCRUB_AFTER_MS = 10 * 1000,
	SCRUB_AGAIN_MS = 1000,
};

static const char schema[] =
#include "deliveries_1.sql.inc"
	;

/* One that is there is not opened: to close it would take the locks from all of this process that have it
 * open by SQLite (sqlite.org/howtocorrupt.html, 2.2). */
static int make_file(const char *path)
{
	int fd = open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0)
		return errno == EEXIST ? 0 : fail(-errno, "cannot make %s", path);
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
	/* Fewer than before: it has begun anew. */
	l->unsettled_pages += pages > l->log_pages ? pages - l->log_pages : pages;
	l->log_pages = pages;
	return SQLITE_OK;
}

static bool has_log(const char *path)
{
	char log[PATH_MAX + 4];
	struct stat st;
	snprintf(log, sizeof(log), "%s-wal", path);
	return stat(log, &st) == 0 && st.st_size > 0;
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
	if (r == 0 && has_log(path))
		ledger_ask_for_scrub(l);
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

static int sync_log(struct ledger *l)
{
	sqlite3_file *log = NULL;
	int rc = sqlite3_file_control(l->db, "main", SQLITE_FCNTL_JOURNAL_POINTER, (void *)&log);
	if (rc == SQLITE_OK && log && log->pMethods)
		rc = log->pMethods->xSync(log, SQLITE_SYNC_NORMAL);
	return rc == SQLITE_OK ? 0 : db_fail(l->db, rc, "syncing the ledger's log");
}

/* What readers hold back is neither copied nor synced by SQLite. */
int ledger_settle_log(struct ledger *l, bool all)
{
	int pages = 0, copied = 0;
	if (l->unsettled_pages < (all ? 1 : LOG_PAGES))
		return 0;
	int rc = sqlite3_wal_checkpoint_v2(l->db, NULL, SQLITE_CHECKPOINT_PASSIVE, &pages, &copied);
	if (rc != SQLITE_OK && rc != SQLITE_BUSY)
		return db_fail(l->db, rc, "copying the ledger's log");
	int r = rc == SQLITE_BUSY || copied < pages ? sync_log(l) : 0;
	if (r == 0)
		l->unsettled_pages = 0;
	return pass(r);
}

void ledger_ask_for_scrub(struct ledger *l)
{
	if (l->scrub_at_ms == 0)
		l->scrub_at_ms = time_monotonic_ms() + SCRUB_AFTER_MS;
}

bool ledger_has_to_scrub(const struct ledger *l)
{
	return l->scrub_at_ms > 0;
}

int ledger_scrub(struct ledger *l, int64_t now_ms)
{
	int pages, copied;
	bool held = false;
	if (l->scrub_at_ms == 0 || now_ms < l->scrub_at_ms)
		return 0;
	int r = db_end_log(l->db, &pages, &copied, &held);
	l->scrub_at_ms = held ? now_ms + SCRUB_AGAIN_MS : 0;
	return pass(r);
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
