#include "base/fail.h"
#include "store/state.h"

#include <errno.h>

/*
 * Bulks and their items. Rows that have expired count as absent, and go with the batches that
 * follow: at least twice as many bulks as come in. What is personal in them goes before that with
 * the contact that it is about (erasure.c).
 */
enum { PURGE_MIN = 2 };

/* --- Recording --- */

/* A repeated event tells of the contact of the first, not of who is named this time. */
static uint64_t contact_of(const struct op *op)
{
	return op && op->outcome == OP_DONE && !op->repeated ? op->contact : 0;
}

static enum bulk_outcome outcome_of(const struct op *op)
{
	if (!op || op->outcome != OP_DONE)
		return BULK_REFUSED;
	return op->created ? BULK_MADE : BULK_DONE;
}

/* Runs a statement that gives one number, of the row it adds for one. */
static int one_number(sqlite3_stmt *st, uint64_t *no)
{
	int r = db_step(st);
	if (r < 0)
		return pass(r);
	*no = (uint64_t)db_i64(st, 0);
	db_reset(st);
	return 0;
}

static int add_item(struct store *s, uint32_t workspace, const struct bulk_item *item, uint64_t *no)
{
	sqlite3_stmt *st = s->st[ST_BULK_ITEM_ADD];
	const struct problems *problems = item->op ? item->op->problems : item->problems;
	bool refused = outcome_of(item->op) == BULK_REFUSED;
	struct buf text = buf_in(&s->scratch);
	if (!refused || (problems && problems->n == 0))
		problems = NULL;
	if (problems)
		problems_put_json(&text, problems);
	if (text.failed)
		return fail(-ENOMEM, "problems of a bulk");
	db_bind_i64(st, 1, workspace);
	db_bind_i64(st, 2, (int64_t)contact_of(item->op));
	db_bind_i64(st, 3, outcome_of(item->op));
	db_bind_i64(st, 4, problems ? problems->list[0].code : PROBLEM_NONE);
	db_bind_text(st, 5, item->request);
	db_bind_text(st, 6, buf_str(&text));
	return one_number(st, no);
}

static int add_items(struct store *s, const struct op *op, uint64_t *first, unsigned *refused)
{
	const struct bulk *bulk = op->bulk;
	uint64_t no = 0;
	for (unsigned i = 0; i < bulk->n_items; i++) {
		int r = add_item(s, op->workspace, &bulk->items[i], &no);
		if (r < 0)
			return pass(r);
		*refused += outcome_of(bulk->items[i].op) == BULK_REFUSED;
	}
	/* Nobody else adds any, so they have followed each other. */
	*first = no + 1 - bulk->n_items;
	return 0;
}

int bulk_write(struct store *s, struct op *op)
{
	const struct bulk *bulk = op->bulk;
	sqlite3_stmt *st = s->st[ST_BULK_ADD];
	instant_us expires_at = s->at.received_at + bulk->keep_s * US_PER_S;
	unsigned refused = 0;
	uint64_t first;
	must(bulk->n_items > 0);
	int r = add_items(s, op, &first, &refused);
	if (r < 0)
		return pass(r);
	db_bind_i64(st, 1, op->workspace);
	db_bind_i64(st, 2, bulk->space);
	db_bind_text(st, 3, bulk->about);
	db_bind_i64(st, 4, (int64_t)first);
	db_bind_i64(st, 5, bulk->n_items);
	db_bind_i64(st, 6, refused);
	db_bind_i64(st, 7, s->at.received_at);
	db_bind_i64(st, 8, expires_at);
	op->received_at = s->at.received_at;
	op->created = true;
	s->next_bulk_expiry = MIN(s->next_bulk_expiry, expires_at);
	s->n_bulks++;
	return one_number(st, &op->bulk_no);
}

/* --- Erasing --- */

int bulk_last_item(struct store *s, uint64_t *no)
{
	return one_number(s->st[ST_BULK_ITEM_LAST], no);
}

int bulk_erase(struct store *s, uint32_t workspace, uint64_t contact, uint64_t last_item,
	       unsigned *budget, bool *left)
{
	sqlite3_stmt *st = s->st[ST_BULK_ITEM_ERASE];
	db_bind_i64(st, 1, workspace);
	db_bind_i64(st, 2, (int64_t)contact);
	db_bind_i64(st, 3, (int64_t)last_item);
	db_bind_i64(st, 4, *budget);
	int r = db_run(st);
	if (r < 0)
		return pass(r);
	unsigned erased = (unsigned)sqlite3_changes(s->db);
	*left = erased == *budget;
	*budget -= erased;
	return 0;
}

/* --- Expiry --- */

int bulk_load(struct store *s)
{
	uint64_t expiry = 0;
	int r = one_number(s->st[ST_BULK_EXPIRY], &expiry);
	/* min() of no rows is NULL, which reads as 0. */
	s->next_bulk_expiry = (instant_us)expiry ?: INT64_MAX;
	s->n_bulks = 0;
	return pass(r);
}

static int drop_items(struct store *s, uint64_t first, int64_t n)
{
	sqlite3_stmt *st = s->st[ST_BULK_ITEMS_DROP];
	db_bind_i64(st, 1, (int64_t)first);
	db_bind_i64(st, 2, n);
	return db_run(st);
}

/* The oldest that has expired. *found: there was one. */
static int drop_one(struct store *s, bool *found)
{
	sqlite3_stmt *st = s->st[ST_BULK_DROP];
	db_bind_i64(st, 1, s->at.received_at);
	int r = db_step(st);
	if (r < 0)
		return pass(r);
	*found = r == DB_ROW;
	uint64_t first = (uint64_t)db_i64(st, 0);
	int64_t n = db_i64(st, 1);
	db_reset(st);
	return *found ? drop_items(s, first, n) : 0;
}

int bulk_purge(struct store *s)
{
	unsigned most = PURGE_MIN + 2 * s->n_bulks;
	bool found = true;
	s->n_bulks = 0;
	if (s->next_bulk_expiry > s->at.received_at)
		return 0;
	for (unsigned i = 0; i < most && found; i++) {
		int r = drop_one(s, &found);
		if (r < 0)
			return pass(r);
	}
	return pass(bulk_load(s));
}
