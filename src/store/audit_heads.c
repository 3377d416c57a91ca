/*
 * What a start makes of the saved positions and the events behind them is each contact's newest
 * event.
 */
#include "base/fail.h"
#include "store/audit_private.h"
#include "store/heads.h"
#include "store/state.h"

#include <errno.h>
#include <inttypes.h>

/* As a start does, without reading the events again. */
static int start_from(struct audit *a, struct heads *h, int64_t from)
{
	int r = 0;
	for (uint64_t no = 1; r == 0 && no < a->n_tallies; no++)
		if ((int64_t)a->tallies[no].seq > from)
			r = heads_replay(h, no, a->tallies[no].seq, a->tallies[no].count);
	return pass(r);
}

static int compare(struct audit *a, struct heads *h)
{
	uint64_t end = MAX(a->n_tallies, (uint64_t)h->n_blocks * HEADS_BLOCK);
	for (uint64_t no = 0; no < end; no++) {
		struct tally *t = audit_tally(a, (int64_t)no), none = { 0 };
		struct head *head = heads_touch(h, no);
		if (!head)
			return fail(-ENOMEM, "heads");
		t = t ?: &none;
		if (head->seq != t->seq || head->count != t->count)
			audit_found(a, FINDING_HEAD,
				    "contact %" PRIu64 ": its newest event is %" PRIu64
				    " of %" PRIu32 ", the saved position says %" PRIu64
				    " of %" PRIu32,
				    no, t->seq, t->count, head->seq, head->count);
		heads_drop(h);
	}
	return 0;
}

/* What is saved is read, and is none; not that it could not be read. */
static bool is_none(struct audit *a, int r)
{
	int code = sqlite3_errcode(a->db);
	return r == -EIO && (code == SQLITE_OK || code == SQLITE_ROW || code == SQLITE_DONE);
}

static int look(struct audit *a, struct heads *h)
{
	int64_t from = 0;
	int r = heads_read_saved(a->db, h, &from);
	if (is_none(a, r)) {
		audit_found(a, FINDING_HEAD, "the saved positions are none: " STR_FMT,
			    STR_ARG(db_damage()));
		return 0;
	}
	if (r == 0 && (from < 0 || (uint64_t)from > a->last_seq))
		audit_found(a, FINDING_HEAD,
			    "positions are saved up to event %" PRId64 ", the last is %" PRIu64,
			    from, a->last_seq);
	r = r ?: start_from(a, h, from);
	return pass(r ?: compare(a, h));
}

static int write_blocks(struct heads *h, sqlite3_stmt *put)
{
	uint8_t bytes[HEADS_BLOCK_BYTES];
	int r = 0;
	for (uint32_t block = 0; r == 0 && block < h->n_blocks; block++) {
		if (!heads_dirty(h, block))
			continue;
		heads_write(h, block, bytes);
		db_bind_i64(put, 1, block);
		db_bind_blob(put, 2, bytes, sizeof(bytes));
		r = db_run(put);
	}
	return pass(r);
}

static int make_anew(struct audit *a, struct heads *h)
{
	CLEANUP(db_finalize) sqlite3_stmt *put = NULL, *from = NULL;
	int r = db_exec(a->db, "DELETE FROM contact_head");
	r = r ?: db_prepare(a->db, "INSERT INTO contact_head VALUES(?, ?)", &put);
	r = r ?: db_prepare(a->db, "INSERT OR REPLACE INTO meta VALUES('heads_from', ?)", &from);
	r = r ?: start_from(a, h, 0);
	r = r ?: write_blocks(h, put);
	if (r < 0)
		return pass(r);
	db_bind_i64(from, 1, (int64_t)a->last_seq);
	return db_run(from);
}

int audit_heads(struct audit *a)
{
	struct heads h;
	int r = heads_init(&h);
	if (r < 0)
		return pass(r);
	r = a->mending ? make_anew(a, &h) : look(a, &h);
	heads_fini(&h);
	return pass(r);
}
