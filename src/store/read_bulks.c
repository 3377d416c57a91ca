#include "base/fail.h"
#include "store/reader.h"

enum { ITEMS_MAX = 1000000 }; /* no row of ours has more */

static int take_row(struct store_reader *r, struct arena *a, sqlite3_stmt *st,
		    struct bulk_view *row, uint64_t *first_item)
{
	int64_t items = db_i64(st, 4), refused = db_i64(st, 5);
	*row = (struct bulk_view){ .number = (uint64_t)db_i64(st, 0),
				   .space = (enum bulk_space)db_i64(st, 1),
				   .n_items = (unsigned)items,
				   .n_refused = (unsigned)refused,
				   .created_at = db_i64(st, 6) };
	*first_item = (uint64_t)db_i64(st, 3);
	if (items < 1 || items > ITEMS_MAX || refused < 0 || refused > items)
		return db_damaged("items of a bulk");
	return reader_json(r, a, db_text(st, 2), JSON_SHAPE_OBJECT, &row->about);
}

/* --- Items --- */

/* Nothing, or JSON. */
static int take_json(struct store_reader *r, struct arena *a, struct str text, struct str *out)
{
	return text.n ? reader_json(r, a, text, JSON_SHAPE_ANY, out) : 0;
}

static int take_item(struct store_reader *r, struct arena *a, struct bulk_item_view *item)
{
	sqlite3_stmt *st = r->st[RD_BULK_ITEMS];
	int64_t outcome = db_i64(st, 2), problem = db_i64(st, 3);
	*item = (struct bulk_item_view){ .number = (uint64_t)db_i64(st, 0),
					 .contact = (uint64_t)db_i64(st, 1),
					 .outcome = (enum bulk_outcome)outcome,
					 .problem = (enum problem_code)problem,
					 .contact_created_at = db_i64(st, 6) };
	if (outcome < BULK_DONE || outcome > BULK_REFUSED || problem < PROBLEM_NONE ||
	    problem > PROBLEM_LAST)
		return db_damaged("an item of a bulk");
	int x = take_json(r, a, db_text(st, 4), &item->request);
	return pass(x ?: take_json(r, a, db_text(st, 5), &item->problems));
}

static int read_items(struct store_reader *r, struct arena *a, struct bulk_view *row,
		      uint64_t first)
{
	sqlite3_stmt *st = r->st[RD_BULK_ITEMS];
	struct bulk_item_view *items = arena_array(a, struct bulk_item_view, row->n_items);
	unsigned n = 0;
	int x = DB_END;
	if (!items)
		return reader_no_memory();
	db_bind_i64(st, 1, (int64_t)first);
	db_bind_i64(st, 2, row->n_items);
	while (n < row->n_items && (x = db_step(st)) == DB_ROW) {
		x = take_item(r, a, &items[n++]);
		if (x < 0)
			break;
	}
	db_reset(st);
	row->items = items;
	return x < 0 ? pass(x) : n == row->n_items ? 0 : db_damaged("items of a bulk");
}

/* --- Bulks --- */

static int read_one(struct store_reader *r, struct arena *a, uint32_t workspace,
		    const struct bulk_query *q, struct bulk_view *row, unsigned *n)
{
	sqlite3_stmt *st = r->st[RD_BULK];
	uint64_t first = 0;
	db_bind_i64(st, 1, (int64_t)q->number);
	db_bind_i64(st, 2, workspace);
	db_bind_i64(st, 3, r->s->now());
	int x = db_step(st);
	if (x < 0)
		return pass(x);
	*n = x == DB_ROW;
	x = *n ? take_row(r, a, st, row, &first) : 0;
	db_reset(st);
	return x == 0 && *n && q->with_items ? read_items(r, a, row, first) : pass(x);
}

static int read_list(struct store_reader *r, struct arena *a, uint32_t workspace,
		     const struct bulk_query *q, struct bulk_view *rows, unsigned *n)
{
	sqlite3_stmt *st = r->st[RD_BULKS];
	uint64_t first;
	int x = DB_END;
	db_bind_i64(st, 1, workspace);
	db_bind_i64(st, 2, q->space);
	db_bind_i64(st, 3, q->since);
	db_bind_i64(st, 4, q->until);
	db_bind_i64(st, 5, r->s->now());
	db_bind_i64(st, 6, (int64_t)q->limit + 1);
	db_bind_i64(st, 7, q->offset);
	while (*n <= q->limit && (x = db_step(st)) == DB_ROW) {
		x = take_row(r, a, st, &rows[(*n)++], &first);
		if (x < 0)
			break;
	}
	db_reset(st);
	return x < 0 ? pass(x) : 0;
}

int store_read_bulks(struct store_reader *r, struct arena *a, uint32_t workspace,
		     const struct bulk_query *q, struct bulk_view **rows, unsigned *n, bool *more)
{
	unsigned limit = q->number ? 1 : q->limit;
	*n = 0;
	*rows = arena_array(a, struct bulk_view, limit + 1);
	if (!*rows)
		return reader_no_memory();
	int x = reader_begin(r); /* a purge may come between a row and its items */
	if (x == 0)
		x = q->number ? read_one(r, a, workspace, q, *rows, n)
			      : read_list(r, a, workspace, q, *rows, n);
	reader_end(r);
	*more = *n > limit;
	*n = MIN(*n, limit);
	return pass(x);
}

int store_read_bulk_requests(struct store_reader *r, uint32_t workspace, uint64_t contact,
			     struct buf *b)
{
	sqlite3_stmt *st = r->st[RD_BULK_REQUESTS];
	struct str request;
	char between = '[';
	int x;
	db_bind_i64(st, 1, workspace);
	db_bind_i64(st, 2, (int64_t)contact);
	while ((x = db_step(st)) == DB_ROW) {
		x = reader_json(r, b->arena, db_text(st, 0), JSON_SHAPE_ANY, &request);
		if (x < 0)
			break;
		buf_char(b, between);
		buf_put(b, request);
		between = ',';
	}
	db_reset(st);
	buf_put(b, between == '[' ? STR("[]") : STR("]"));
	return x < 0 ? pass(x) : 0;
}
