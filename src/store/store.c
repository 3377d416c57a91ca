#include "base/fail.h"
#include "base/log.h"
#include "store/log_file.h"
#include "store/migrations.h"
#include "store/state.h"

#include <errno.h>
#include <stdlib.h>

enum { SCRATCH_MAX = 128 * 1024 * 1024 }; /* bytes that one operation may need */

static int put_dialect(struct store *s, const struct store_dialect *d)
{
	CLEANUP(db_finalize) sqlite3_stmt *st = NULL;
	int r = db_prepare(s->db, start_sql[START_DIALECT_PUT], &st);
	if (r < 0)
		return pass(r);
	db_bind_i64(st, 1, d->no);
	db_bind_text(st, 2, str_of(d->name));
	return db_run(st);
}

/* Numbers are forever: one that meant another dialect would retell history. */
static int check_dialect(struct store *s, const struct store_dialect *d)
{
	CLEANUP(db_finalize) sqlite3_stmt *st = NULL;
	int r = db_prepare(s->db, start_sql[START_DIALECT_CHECK], &st);
	if (r < 0)
		return pass(r);
	db_bind_i64(st, 1, d->no);
	db_bind_text(st, 2, str_of(d->name));
	r = db_step(st);
	return r == DB_END ? fail(-EINVAL, "dialect %u is not %s in this database", d->no, d->name)
			   : pass(r);
}

static int name_dialect(struct store *s, const struct store_dialect *d)
{
	int r = put_dialect(s, d);
	return pass(r ?: check_dialect(s, d));
}

static int name_dialects(struct store *s, const struct store_config *config)
{
	static const struct store_dialect own = { DIALECT_AUTOMATION, "automation" };
	int r = name_dialect(s, &own);
	for (unsigned i = 0; r == 0 && i < config->n_dialects; i++)
		r = name_dialect(s, &config->dialects[i]);
	return pass(r);
}

/* SQLite says what it made of it: not every file system can. */
static int use_wal(sqlite3 *db)
{
	CLEANUP(db_finalize) sqlite3_stmt *st = NULL;
	int r = db_prepare(db, "PRAGMA journal_mode = WAL", &st);
	r = r ?: db_step(st);
	if (r < 0)
		return pass(r);
	if (r != DB_ROW || !str_eq(db_text(st, 0), STR("wal")))
		return fail(-EINVAL, "this file system allows no write-ahead log");
	/* That it uses one is committed as the statement ends. Unless it is, the next start would
	 * take the file for one without a log, and pass over what the log holds. */
	r = db_step(st);
	return r < 0 ? pass(r) : 0;
}

static int migrate(struct store *s)
{
	bool empty = false;
	int r = migrations_look(s->db, &empty);
	r = r ?: directory_check_schema(&s->dir, empty);
	return pass(r ?: migrations_run(s->db));
}

/* A log that was large once is cut to 64 MiB when it begins anew. */
static const char writer_settings[] = "PRAGMA secure_delete = ON;"
				      "PRAGMA journal_size_limit = 67108864;";

static int connect(struct store *s)
{
	s->pages_kib = 0; /* SQLite's own opinion */
	int r = db_open_on(s->dir.db_path, SQLITE_OPEN_READWRITE, log_file_system(), &s->db);
	r = r ?: use_wal(s->db);
	r = r ?: db_exec(s->db, writer_settings);
	r = r ?: migrate(s);
	r = r ?: new_events_connect(&s->new_events, s->db);
	/* The log too is there now, and SQLite syncs its name only if it made it itself. */
	r = r ?: directory_sync(&s->dir);
	r = r ?: db_prepare_all(s->db, statement_sql, STATEMENTS, s->st);
	r = r ?: checkpoint_start(s->dir.db_path, s->db, s->log_pages, &s->checkpoint);
	if (r < 0)
		return pass(r);
	s->lookup = (struct lookup){ s->st[ST_IDENTITY_FIND], s->st[ST_CONTACT_KEYS] };
	return 0;
}

/* The last connection would copy the log into the database as it closes. When a sync has failed
 * that must not be: what that was for, batches that were then committed among it, may
 * never get to the disk, and a database that is newer than its log is damaged. The log stays, and is
 * written and synced once more before it is used again. */
static void leave_the_log(sqlite3 *db)
{
	sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
}

static void disconnect(struct store *s)
{
	bool failed = checkpoint_stop(steal(&s->checkpoint)) < 0 || status_is_failed(s, NULL, 0);
	db_finalize_all(s->st, STATEMENTS);
	if (!s->db)
		return;
	if (failed)
		leave_the_log(s->db);
	db_close(steal(&s->db));
}

static int open_all(struct store *s, const struct store_config *config)
{
	int r = directory_open(&s->dir, config->dir);
	r = r ?: heads_init(&s->heads);
	r = r ?: identity_cache_init(&s->identities);
	r = r ?: directory_rewrite_log(s->dir.db_path);
	r = r ?: connect(s);
	r = r ?: name_dialects(s, config);
	r = r ?: memory_load(s);
	return pass(r ?: directory_remember(&s->dir));
}

static void free_all(struct store *s)
{
	disconnect(s);
	rollup_forget(s);
	free(s->round.written);
	if (s->identities.sets)
		identity_cache_fini(&s->identities);
	if (s->heads.blocks)
		heads_fini(&s->heads);
	free(s->definition_workspace);
	catalog_edit_drop(s->edit);
	catalog_unref(s->catalog);
	catalog_cell_fini(&s->cell);
	tokens_fini(&s->tokens);
	free(s->token_changes);
	arena_fini(&s->scratch);
	directory_close(&s->dir);
	status_fini(s);
	free(s);
}

int store_open(const struct store_config *config, struct store **out)
{
	struct store *s = calloc(1, sizeof(*s));
	if (!s)
		return fail(-ENOMEM, "store");
	s->dir = directory_none;
	s->reserve_bytes = config->reserve_bytes;
	s->now = config->now;
	s->log_pages = config->log_pages;
	s->round_events = config->round_events;
	s->scrub_after_ms = config->scrub_after_ms;
	status_init(s);
	catalog_cell_init(&s->cell);
	tokens_init(&s->tokens);
	arena_init(&s->scratch, SCRATCH_MAX, NULL);
	int r = open_all(s, config);
	if (r < 0) {
		free_all(s);
		return pass(r);
	}
	*out = s;
	return 0;
}

/* Half a copy would be of no use, and would take the last of the disk. */
static int check_room_for_log(struct store *s)
{
	struct disk disk;
	int r = status_measure(s, &disk);
	if (r >= 0 && disk.free_bytes < disk.log_wants_bytes)
		return fail(-ENOSPC, "the log stays: it wants %llu bytes of disk",
			    (unsigned long long)disk.log_wants_bytes);
	return r < 0 ? pass(r) : 0;
}

/* A clean end leaves nothing for the next start to read again, and one file. */
static int save_for_start(struct store *s)
{
	int r = checkpoint_stop(steal(&s->checkpoint));
	r = r ?: check_room_for_log(s);
	r = r ?: db_run(s->st[ST_BEGIN]);
	r = r ?: heads_save_all(s);
	r = r ?: db_run(s->st[ST_COMMIT]);
	r = r ?: db_exec(s->db, "PRAGMA wal_checkpoint(TRUNCATE)");
	return r < 0 ? status_failed(s, r) : 0;
}

/* On a full disk they are for the next start. */
static int do_chores(struct store *s)
{
	int r = 0;
	while (r == 0 && store_has_chores(s)) {
		r = store_begin(s);
		r = r ?: store_commit(s);
		if (r < 0)
			store_abandon(s);
	}
	return r < 0 ? pass(r) : 0;
}

void store_close(struct store *s)
{
	if (!s)
		return;
	if (s->in_batch)
		store_abandon(s);
	bool well = s->db && !status_is_failed(s, NULL, 0);
	if (well && (do_chores(s) ?: save_for_start(s)) < 0)
		log_warning("store_close", LOG_S("cause", fail_text()));
	free_all(s);
}

struct catalog_cell *store_catalog(struct store *s)
{
	return &s->cell;
}

struct tokens *store_tokens(struct store *s)
{
	return &s->tokens;
}

uint64_t store_feed_end(const struct store *s)
{
	return atomic_load(&s->feed_end);
}

struct store_size store_size(const struct store *s)
{
	return (struct store_size){
		.database_bytes = directory_file_bytes(&s->dir, "occurd.db"),
		.wal_bytes = directory_file_bytes(&s->dir, "occurd.db-wal"),
	};
}

int store_recover(struct store *s)
{
	must(!s->in_batch);
	disconnect(s);
	int r = directory_rewrite_log(s->dir.db_path);
	r = r ?: connect(s);
	r = r ?: memory_load(s);
	if (r < 0)
		return status_failed(s, r);
	status_well(s);
	return 0;
}
