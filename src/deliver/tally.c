#include "deliver/tally.h"

#include "base/fail.h"
#include "store/db.h"

#include <errno.h>
#include <stdlib.h>

enum { LOAD, PUT, DROP };

const char *const tally_sql[TALLY_STATEMENTS] = {
	[LOAD] = "SELECT destination, pending, done, dead FROM tally ORDER BY destination",
	[PUT] = "INSERT OR REPLACE INTO tally(destination, pending, done, dead)"
		" VALUES(?, ?, ?, ?)",
	[DROP] = "DELETE FROM tally WHERE destination = ?",
};

struct count {
	uint32_t destination;
	bool changed;
	int64_t n[DELIVERY_STATES];
};

struct tally {
	sqlite3_stmt *st[TALLY_STATEMENTS];
	struct count *counts; /* in the order of their destinations */
	unsigned n, room;
	bool changed;
};

/* --- In memory --- */

/* Where it stands, or would. */
static unsigned place_of(const struct tally *t, uint32_t destination)
{
	unsigned low = 0, high = t->n;
	while (low < high) {
		unsigned middle = low + (high - low) / 2;
		if (t->counts[middle].destination < destination)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct count *count_at(const struct tally *t, unsigned i, uint32_t destination)
{
	return i < t->n && t->counts[i].destination == destination ? &t->counts[i] : NULL;
}

static bool make_room(struct tally *t)
{
	if (t->n < t->room)
		return true;
	unsigned room = 2 * t->room + 16;
	struct count *longer = reallocarray(t->counts, room, sizeof(*longer));
	if (!longer)
		return false;
	t->counts = longer;
	t->room = room;
	return true;
}

static struct count *count_of(struct tally *t, uint32_t destination)
{
	unsigned i = place_of(t, destination);
	struct count *c = count_at(t, i, destination);
	if (c || !make_room(t))
		return c;
	memmove(&t->counts[i + 1], &t->counts[i], (t->n - i) * sizeof(*t->counts));
	t->n++;
	t->counts[i] = (struct count){ .destination = destination };
	return &t->counts[i];
}

int tally_add(struct tally *t, uint32_t destination, enum delivery_state state, int n)
{
	struct count *c = count_of(t, destination);
	if (!c)
		return fail(-ENOMEM, "counts of deliveries");
	if ((unsigned)state >= DELIVERY_STATES)
		return db_damaged("a delivery's state");
	c->n[state] = MAX(c->n[state] + n, 0);
	c->changed = t->changed = true;
	return 0;
}

uint64_t tally_of(const struct tally *t, uint32_t destination, enum delivery_state state)
{
	const struct count *c = count_at(t, place_of(t, destination), destination);
	return c ? (uint64_t)c->n[state] : 0;
}

bool tally_next_pending(const struct tally *t, uint32_t *destination)
{
	unsigned i = place_of(t, *destination);
	for (i += count_at(t, i, *destination) != NULL; i < t->n; i++) {
		*destination = t->counts[i].destination;
		if (t->counts[i].n[DELIVERY_PENDING] > 0)
			return true;
	}
	return false;
}

/* --- The table --- */

static int load(struct tally *t)
{
	sqlite3_stmt *st = t->st[LOAD];
	int r;
	while ((r = db_step(st)) == DB_ROW) {
		struct count *c = count_of(t, (uint32_t)db_i64(st, 0));
		if (!c) {
			r = fail(-ENOMEM, "counts of deliveries");
			break;
		}
		for (int i = 0; i < DELIVERY_STATES; i++)
			c->n[i] = MAX(db_i64(st, i + 1), 0);
	}
	db_reset(st);
	return r < 0 ? pass(r) : 0;
}

static int put(struct tally *t, const struct count *c)
{
	bool none = true;
	for (int i = 0; i < DELIVERY_STATES; i++)
		none &= c->n[i] == 0;
	sqlite3_stmt *st = t->st[none ? DROP : PUT];
	db_bind_i64(st, 1, c->destination);
	for (int i = 0; i < DELIVERY_STATES && !none; i++)
		db_bind_i64(st, i + 2, c->n[i]);
	return pass(db_run(st));
}

int tally_save(struct tally *t)
{
	int r = 0;
	for (unsigned i = 0; t->changed && i < t->n && r == 0; i++) {
		if (t->counts[i].changed)
			r = put(t, &t->counts[i]);
		t->counts[i].changed = false;
	}
	t->changed = false;
	return pass(r);
}

/* --- Life --- */

int tally_open(sqlite3 *db, struct tally **out)
{
	struct tally *t = calloc(1, sizeof(*t));
	if (!t)
		return fail(-ENOMEM, "counts of deliveries");
	int r = db_prepare_all(db, tally_sql, TALLY_STATEMENTS, t->st);
	r = r ?: load(t);
	if (r < 0) {
		tally_close(t);
		return pass(r);
	}
	*out = t;
	return 0;
}

void tally_close(struct tally *t)
{
	if (!t)
		return;
	db_finalize_all(t->st, TALLY_STATEMENTS);
	free(t->counts);
	free(t);
}
