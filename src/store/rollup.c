#include "base/fail.h"
#include "store/state.h"

#include <errno.h>
#include <stdlib.h>

enum {
	FIRST_ROOM = 256,
	KEPT_MAX = 65536, /* beyond it all are forgotten between two batches, and read again */
};

static struct rollup *slot_of(const struct rollups *all, uint32_t workspace, uint32_t definition)
{
	uint64_t key = (uint64_t)workspace << 32 | definition;
	for (uint64_t i = key * 0x9E3779B97F4A7C15 >> 32;; i++) {
		struct rollup *x = &all->table[i & (all->room - 1)];
		if (x->workspace == 0 || (x->workspace == workspace && x->definition == definition))
			return x;
	}
}

/* Positions change, so the list of dirty ones is made anew. */
static int grow(struct rollups *all)
{
	struct rollups next = { .room = all->room ? 2 * all->room : FIRST_ROOM };
	next.table = calloc(next.room, sizeof(*next.table));
	next.dirty = calloc(next.room, sizeof(*next.dirty));
	if (!next.table || !next.dirty) {
		free(next.table);
		free(next.dirty);
		return fail(-ENOMEM, "rollups");
	}
	for (unsigned i = 0; i < all->room; i++) {
		if (all->table[i].workspace == 0)
			continue;
		struct rollup *x =
			slot_of(&next, all->table[i].workspace, all->table[i].definition);
		*x = all->table[i];
		next.n++;
		if (x->dirty)
			next.dirty[next.n_dirty++] = (uint32_t)(x - next.table);
	}
	free(all->table);
	free(all->dirty);
	*all = next;
	return 0;
}

static int read_newest(struct store *s, struct rollup *x)
{
	sqlite3_stmt *st = s->st[ST_ROLLUP_NEWEST];
	db_bind_i64(st, 1, x->workspace);
	db_bind_i64(st, 2, x->definition);
	int r = db_step(st);
	if (r < 0)
		return pass(r);
	if (r == DB_ROW) {
		x->minute = db_i64(st, 0);
		x->events = (uint64_t)db_i64(st, 1);
		x->first_seq = (uint64_t)db_i64(st, 2);
		x->last_seq = (uint64_t)db_i64(st, 3);
		x->total = (uint64_t)db_i64(st, 4);
	}
	db_reset(st);
	return 0;
}

/* The counter, marked as changed. */
static int touch(struct store *s, uint32_t workspace, uint32_t definition, struct rollup **out)
{
	struct rollups *all = &s->rollups;
	int r = 2 * (all->n + 1) > all->room ? grow(all) : 0;
	if (r < 0)
		return pass(r);
	struct rollup *x = slot_of(all, workspace, definition);
	if (x->workspace == 0) {
		*x = (struct rollup){ .workspace = workspace, .definition = definition };
		all->n++;
		r = read_newest(s, x);
	}
	if (!x->dirty) {
		x->dirty = true;
		all->dirty[all->n_dirty++] = (uint32_t)(x - all->table);
	}
	*out = x;
	return pass(r);
}

static int write_one(struct store *s, const struct rollup *x)
{
	sqlite3_stmt *st = s->st[ST_ROLLUP_PUT];
	if (x->events == 0)
		return 0;
	db_bind_i64(st, 1, x->workspace);
	db_bind_i64(st, 2, x->definition);
	db_bind_i64(st, 3, x->minute);
	db_bind_i64(st, 4, (int64_t)x->events);
	db_bind_i64(st, 5, (int64_t)x->first_seq);
	db_bind_i64(st, 6, (int64_t)x->last_seq);
	db_bind_i64(st, 7, (int64_t)x->total);
	return db_run(st);
}

static int64_t this_minute(const struct store *s)
{
	return s->at.received_at / (60 * US_PER_S);
}

static bool is_over(const struct store *s, const struct rollup *x)
{
	return x->events == 0 || x->minute != this_minute(s) ||
	       s->at.seq - x->first_seq >= ROLLUP_SLICE;
}

/* The one before may have grown in this batch. */
static int begin_slice(struct store *s, struct rollup *x)
{
	int r = write_one(s, x);
	x->minute = this_minute(s);
	x->events = 0;
	x->first_seq = s->at.seq;
	return pass(r);
}

static int count_in(struct store *s, uint32_t workspace, uint32_t definition)
{
	struct rollup *x;
	int r = touch(s, workspace, definition, &x);
	if (r < 0)
		return pass(r);
	r = is_over(s, x) ? begin_slice(s, x) : 0;
	x->events++;
	x->total++;
	x->last_seq = s->at.seq;
	return pass(r);
}

int rollup_count(struct store *s, uint32_t workspace, uint32_t definition)
{
	int r = count_in(s, workspace, definition);
	return pass(r ?: count_in(s, workspace, 0));
}

int rollup_count_contact(struct store *s, uint32_t workspace, int by)
{
	struct rollup *x;
	int r = touch(s, workspace, 0, &x);
	if (r == 0)
		x->new_contacts += by;
	return pass(r);
}

static int write_contacts(struct store *s, const struct rollup *x)
{
	sqlite3_stmt *st = s->st[ST_WORKSPACE_GROW];
	if (x->new_contacts == 0)
		return 0;
	db_bind_i64(st, 1, x->new_contacts);
	db_bind_i64(st, 2, x->workspace);
	return db_run(st);
}

int rollup_write(struct store *s)
{
	int r = 0;
	for (unsigned i = 0; r == 0 && i < s->rollups.n_dirty; i++) {
		const struct rollup *x = &s->rollups.table[s->rollups.dirty[i]];
		r = write_one(s, x);
		r = r ?: write_contacts(s, x);
	}
	return pass(r);
}

void rollup_keep(struct store *s)
{
	struct rollups *all = &s->rollups;
	for (unsigned i = 0; i < all->n_dirty; i++) {
		all->table[all->dirty[i]].dirty = false;
		all->table[all->dirty[i]].new_contacts = 0;
	}
	all->n_dirty = 0;
	if (all->n > KEPT_MAX)
		rollup_forget(s);
}

void rollup_forget(struct store *s)
{
	free(s->rollups.table);
	free(s->rollups.dirty);
	s->rollups = (struct rollups){ 0 };
}
