#include "base/fail.h"
#include "store/state.h"

#include <errno.h>
#include <stdlib.h>

/*
 * Blocks are saved round robin, in the transactions of the batches. When a round ends, every block
 * in the database is at least as new as the round's beginning: from there a start reads events
 * again. A contact that is newer than the round has all of its events behind that point.
 *
 * For that a block counts as saved only as far as its row goes. The row is written before the commit,
 * so it is as of the batch before; what the running batch does to the block makes it dirty again:
 * heads_save_done() comes before heads_keep(), never after it.
 *
 * A round takes ROUND events, unless the store is told another number, so a start after a kill reads
 * at most about twice as many. With many contacts it takes longer: no more than one block (6 KiB)
 * for each PER_BLOCK events.
 */
enum { ROUND = 100000, PER_BLOCK = 16 }; /* events */

static int read_blocks(struct heads *h, sqlite3_stmt *st)
{
	uint8_t bytes[HEADS_BLOCK_BYTES];
	int r;
	while ((r = db_step(st)) == DB_ROW) {
		int64_t block = db_i64(st, 0);
		if (block < 0 || block >= HEADS_BLOCKS_MAX)
			return db_damaged("number of a block of heads");
		r = db_blob(st, 1, bytes, sizeof(bytes));
		r = r ?: heads_read(h, (uint32_t)block, bytes);
		if (r < 0)
			return pass(r);
	}
	return r < 0 ? pass(r) : 0;
}

static int replay(struct store *s, sqlite3_stmt *st)
{
	int r;
	while ((r = db_step(st)) == DB_ROW) {
		int64_t seq = db_i64(st, 0), contact = db_i64(st, 1), nth = db_i64(st, 2);
		if (contact <= 0 || contact > (int64_t)HEADS_CONTACT_MAX || nth <= 0 ||
		    nth > UINT32_MAX)
			return db_damaged("contact of an event");
		r = heads_replay(&s->heads, (uint64_t)contact, (uint64_t)seq, (uint32_t)nth);
		if (r < 0)
			return pass(r);
	}
	return r < 0 ? pass(r) : 0;
}

int heads_read_saved(sqlite3 *db, struct heads *h, int64_t *from)
{
	CLEANUP(db_finalize) sqlite3_stmt *st = NULL;
	int r = db_query_i64(db, start_sql[START_HEADS_FROM], from);
	r = r ?: db_prepare(db, start_sql[START_HEADS], &st);
	return pass(r ?: read_blocks(h, st));
}

int heads_load(struct store *s)
{
	CLEANUP(db_finalize) sqlite3_stmt *st = NULL;
	int64_t from = 0;
	/* A batch of unknown outcome may have changed a contact without an event to tell of it. */
	heads_forget_prints(&s->heads);
	int r = heads_read_saved(s->db, &s->heads, &from);
	r = r ?: db_prepare(s->db, start_sql[START_EVENTS_BEHIND], &st);
	if (r < 0)
		return pass(r);
	db_bind_i64(st, 1, from);
	r = replay(s, st);
	s->round.began_at = (uint64_t)from;
	s->round.next = 0;
	return pass(r);
}

static int note_written(struct heads_round *round, uint32_t block)
{
	if (round->n_written == round->room) {
		unsigned room = round->room ? 2 * round->room : 64;
		uint32_t *list = realloc(round->written, room * sizeof(*list));
		if (!list)
			return fail(-ENOMEM, "heads");
		round->written = list;
		round->room = room;
	}
	round->written[round->n_written++] = block;
	return 0;
}

static int save_block(struct store *s, uint32_t block)
{
	uint8_t bytes[HEADS_BLOCK_BYTES];
	sqlite3_stmt *st = s->st[ST_HEADS_PUT];
	int r = note_written(&s->round, block);
	if (r < 0)
		return pass(r);
	heads_write(&s->heads, block, bytes);
	db_bind_i64(st, 1, block);
	db_bind_blob(st, 2, bytes, sizeof(bytes));
	return db_run(st);
}

static int save_position(struct store *s, uint64_t from)
{
	db_bind_text(s->st[ST_META_PUT], 1, STR("heads_from"));
	db_bind_i64(s->st[ST_META_PUT], 2, (int64_t)from);
	return db_run(s->st[ST_META_PUT]);
}

/* The next dirty block of the round, or the round's end. */
static int advance(struct store *s, bool *ended)
{
	struct heads_round *round = &s->round;
	while (round->next < s->heads.n_blocks && !heads_dirty(&s->heads, round->next))
		round->next++;
	*ended = round->next >= s->heads.n_blocks;
	return *ended ? 0 : save_block(s, round->next++);
}

/* The blocks hold what was kept, not what the running batch adds. */
static int end_round(struct store *s)
{
	int r = save_position(s, s->round.began_at);
	s->round.began_at = s->kept.seq;
	s->round.next = 0;
	return pass(r);
}

int heads_save_some(struct store *s, uint64_t events)
{
	struct heads_round *round = &s->round;
	uint64_t length = s->round_events ? s->round_events : ROUND;
	uint64_t least = MIN(PER_BLOCK, length);
	uint64_t price = MAX(least, length / ((uint64_t)s->heads.n_blocks + 1));
	int r = 0;
	round->credit += events;
	while (r == 0 && round->credit >= price) {
		bool ended;
		round->credit -= price;
		r = advance(s, &ended);
		if (r == 0 && ended)
			r = end_round(s);
	}
	return pass(r);
}

int heads_save_all(struct store *s)
{
	int r = 0;
	for (uint32_t block = 0; r == 0 && block < s->heads.n_blocks; block++)
		if (heads_dirty(&s->heads, block))
			r = save_block(s, block);
	return pass(r ?: save_position(s, s->kept.seq));
}

/* Blocks that the batch has written are dirty no more; what it did to them comes after this. A round
 * that an abandoned batch was part of begins anew. */
void heads_save_done(struct store *s, bool committed)
{
	struct heads_round *round = &s->round;
	for (unsigned i = 0; committed && i < round->n_written; i++)
		heads_saved(&s->heads, round->written[i]);
	if (!committed)
		round->next = 0;
	round->n_written = 0;
}
