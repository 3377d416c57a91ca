#include "base/fail.h"
#include "base/json.h"
#include "store/audit_private.h"
#include "store/migrations.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { TOLD_MAX = 20 }; /* lines of one kind */

static const struct {
	const char *what; /* of what there are more */
	const char *meaning;
	bool mendable;
} kinds[FINDINGS] = {
	[FINDING_FILE] = { "the file", "the database file itself is damaged: restore a backup" },
	[FINDING_ORDER] = { "the order of events",
			    "pages by time or position may leave events out" },
	[FINDING_EVENT] = { "events", "this event cannot be shown as it was reported" },
	[FINDING_LIST] = { "contacts' lists of events", "the contact's list of events is not whole",
			   true },
	[FINDING_COUNT] = { "counts", "statistics and pages of events are wrong", true },
	[FINDING_HEAD] = { "saved positions",
			   "the next start would take another event for the contact's newest",
			   true },
	[FINDING_CONTACT] = { "contacts", "this contact cannot be shown or changed" },
	[FINDING_IDENTITY] = { "identities", "reports under it reach the wrong contact, or none",
			       true },
	[FINDING_ERASURE] = { "deletions",
			      "what is left of a deleted contact is not what should be", true },
	[FINDING_DEDUPE] = { "callers' ids", "its repetition cannot be answered", true },
	[FINDING_BULK] = { "bulks", "what became of its items cannot be told", true },
	[FINDING_REFERENCE] = { "references", "what depends on it cannot be used" },
};

void audit_found(struct audit *a, enum finding kind, const char *fmt, ...)
{
	char what[300], line[600];
	va_list args;
	if (a->mending || a->found[kind]++ >= TOLD_MAX)
		return;
	va_start(args, fmt);
	vsnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	snprintf(line, sizeof(line), "%s: %s%s", what, kinds[kind].meaning,
		 kinds[kind].mendable ? " (--repair makes it anew)" : "");
	a->config->tell(line);
}

int audit_found_rows(struct audit *a, enum finding kind, const char *sql)
{
	CLEANUP(db_finalize) sqlite3_stmt *st = NULL;
	int r = db_prepare(a->db, sql, &st);
	while (r == 0 && (r = db_step(st)) == DB_ROW) {
		audit_found(a, kind, STR_FMT, STR_ARG(db_text(st, 0)));
		r = 0;
	}
	return r < 0 ? pass(r) : 0;
}

struct tally *audit_tally(const struct audit *a, int64_t contact)
{
	if (contact <= 0 || (uint64_t)contact >= a->n_tallies)
		return NULL;
	return &a->tallies[contact];
}

static void tell_rest(struct audit *a)
{
	char line[200];
	for (int kind = 0; kind < FINDINGS; kind++) {
		if (a->found[kind] <= TOLD_MAX)
			continue;
		snprintf(line, sizeof(line), "%s: %" PRIu64 " more findings like these",
			 kinds[kind].what, a->found[kind] - TOLD_MAX);
		a->config->tell(line);
	}
}

static uint64_t count_found(const struct audit *a, bool mendable_only)
{
	uint64_t n = 0;
	for (int kind = 0; kind < FINDINGS; kind++)
		if (!mendable_only || kinds[kind].mendable)
			n += a->found[kind];
	return n;
}

static bool is_corrupt(sqlite3 *db)
{
	int code = sqlite3_errcode(db) & 0xFF;
	return code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
}

/* A part that cannot be read to its end is a finding, and the others are looked at all the same. */
static int look(struct audit *a, int (*part)(struct audit *a))
{
	int r = part(a);
	arena_reset(&a->scratch);
	if (r == 0 || a->mending || !is_corrupt(a->db))
		return pass(r);
	audit_found(a, FINDING_FILE, STR_FMT, STR_ARG(fail_words()));
	return 0;
}

/* Identities before contacts: what is not theirs goes before what is theirs is put. */
static int look_at_all(struct audit *a)
{
	int r = a->mending ? 0 : look(a, audit_file);
	r = r ?: look(a, audit_rules);
	r = r ?: look(a, audit_identities);
	r = r ?: look(a, audit_contacts);
	r = r ?: look(a, audit_events);
	r = r ?: look(a, audit_heads);
	return pass(r ?: look(a, audit_contact_counts));
}

static void forget(struct audit *a)
{
	free(a->tallies);
	a->tallies = NULL;
	a->n_tallies = a->last_seq = 0;
}

static int look_once(struct audit *a)
{
	memset(a->found, 0, sizeof(a->found));
	*a->result = (struct audit_result){ .found = a->result->found };
	forget(a);
	int r = look_at_all(a);
	tell_rest(a);
	a->result->left = count_found(a, false);
	return pass(r);
}

static int mend(struct audit *a)
{
	a->mending = true;
	forget(a);
	int r = db_exec(a->db, "PRAGMA secure_delete = ON; BEGIN IMMEDIATE");
	r = r ?: look_at_all(a);
	r = r ?: db_exec(a->db, "COMMIT");
	r = r ?: db_exec(a->db, "PRAGMA wal_checkpoint(TRUNCATE)");
	a->mending = false;
	return pass(r);
}

static int look_and_mend(struct audit *a)
{
	int r = look_once(a);
	a->result->found = a->result->left;
	if (r < 0 || !a->config->repair || !count_found(a, true))
		return pass(r);
	if (a->found[FINDING_FILE]) {
		a->config->tell("nothing is repaired in a damaged file");
		return 0;
	}
	r = mend(a);
	if (r < 0)
		return pass(r);
	a->config->tell("repaired what follows from the rest; looking again");
	return look_once(a);
}

/* Reading must not change the file: what a kill has left in the log stays there. */
static int open_db(struct audit *a)
{
	/* A first start that was killed before there was a log left a journal that has to be undone;
	 * that cannot be left out. */
	bool write = a->config->repair || directory_file_bytes(&a->dir, "occurd.db-journal") > 0;
	int flags = write ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY;
	int r = write ? directory_rewrite_log(a->dir.db_path) : 0;
	r = r ?: db_open(a->dir.db_path, flags, &a->db);
	if (r < 0 || write)
		return pass(r);
	sqlite3_db_config(a->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	return db_exec(a->db, "PRAGMA query_only = ON");
}

static int open_and_look(struct audit *a)
{
	bool empty = false;
	int r = directory_visit(&a->dir, a->config->dir, true);
	r = r ?: open_db(a);
	r = r ?: migrations_check(a->db, &empty);
	r = r ?: directory_check_schema(&a->dir, empty);
	return r < 0 || empty ? pass(r) : look_and_mend(a);
}

int audit_run(const struct audit_config *config, struct audit_result *out)
{
	struct audit a = { .config = config, .result = out, .dir = directory_none };
	*out = (struct audit_result){ 0 };
	arena_init(&a.scratch, JSON_MEMORY_MAX, NULL);
	int r = open_and_look(&a);
	db_close(a.db);
	forget(&a);
	arena_fini(&a.scratch);
	directory_close(&a.dir);
	return pass(r);
}
