#include "base/fail.h"
#include "store/state.h"

#include <stdio.h>

/* Where the last batch left off. */
static int load_last_event(struct store *s)
{
	CLEANUP(db_finalize) sqlite3_stmt *st = NULL;
	int r = db_prepare(s->db, start_sql[START_EVENT_NEWEST], &st);
	r = r ?: db_step(st);
	if (r < 0 || r == DB_END)
		return r < 0 ? pass(r) : 0;
	s->at.seq = (uint64_t)db_i64(st, 0);
	s->at.received_at = db_i64(st, 2);
	return db_blob(st, 1, s->at.event_id.b, sizeof(s->at.event_id.b));
}

static int load_marks(struct store *s)
{
	int64_t contact = 0;
	s->at = (struct marks){ 0 };
	int r = load_last_event(s);
	r = r ?: db_query_i64(s->db, start_sql[START_CONTACT_NEWEST], &contact);
	if (r == 0 && (contact < 0 || contact > (int64_t)HEADS_CONTACT_MAX ||
		       (int64_t)s->at.seq < 0 || s->at.received_at < 0))
		return db_damaged("row numbers");
	s->at.contact = (uint64_t)contact;
	return pass(r);
}

/* What was acknowledged is there, or the file is not the one we wrote. */
static int verify(const struct store *s)
{
	if (s->at.seq < s->kept.seq ||
	    (s->at.seq == s->kept.seq && !uuid_eq(s->at.event_id, s->kept.event_id)))
		return db_damaged("events that were acknowledged are gone");
	return 0;
}

void memory_keep(struct store *s)
{
	s->kept = s->at;
	atomic_store(&s->feed_end, s->at.seq);
}

/*
 * What SQLite keeps of the database in memory: mostly where the identities of new contacts go, which
 * is a place by chance. Powers of two, so that it changes seldom.
 */
unsigned memory_pages_kib(uint64_t contacts)
{
	enum { LEAST = 16 * 1024, MOST = 64 * 1024, CONTACTS = 16 }; /* in a KiB */
	unsigned kib = LEAST;
	while (kib < MOST && contacts / CONTACTS > kib)
		kib *= 2;
	return kib;
}

int memory_fit(struct store *s)
{
	char sql[64];
	unsigned kib = memory_pages_kib(s->kept.contact);
	identity_cache_fit(&s->identities, s->kept.contact);
	if (kib == s->pages_kib)
		return 0;
	s->pages_kib = kib;
	snprintf(sql, sizeof(sql), "PRAGMA cache_size = -%u", kib);
	return db_exec(s->db, sql);
}

int memory_load(struct store *s)
{
	int r = load_marks(s);
	r = r ?: verify(s);
	r = r ?: catalog_load(s);
	r = r ?: heads_load(s);
	r = r ?: erasure_load(s);
	scrub_load(s);
	r = r ?: dedupe_load(s);
	r = r ?: bulk_load(s);
	r = r ?: token_rows_load(s);
	if (r < 0)
		return pass(r);
	memory_keep(s);
	rollup_forget(s);
	identity_cache_clear(&s->identities);
	return memory_fit(s);
}
