#include "base/fail.h"
#include "store/reader.h"

static int take(struct arena *a, sqlite3_stmt *st, struct key_row *k)
{
	k->no = (uint32_t)db_i64(st, 0);
	k->revoked = db_i64(st, 3);
	k->created_at = db_i64(st, 4);
	int r = reader_text(a, db_text(st, 1), &k->name);
	r = r ?: reader_text(a, db_text(st, 2), &k->scopes);
	return pass(r ?: reader_text(a, db_text(st, 5), &k->origins));
}

int store_read_keys(struct store_reader *r, struct arena *a, const struct key_query *q,
		    struct key_page *page)
{
	sqlite3_stmt *st = r->st[RD_KEYS];
	int x = 0;
	*page = (struct key_page){ .rows = arena_array(a, struct key_row, q->limit) };
	if (!page->rows)
		return reader_no_memory();
	db_bind_i64(st, 1, q->workspace);
	db_bind_i64(st, 2, q->before ? (int64_t)q->before : INT64_MAX);
	db_bind_i64(st, 3, q->limit + 1);
	while (page->n < q->limit && (x = db_step(st)) == DB_ROW &&
	       (x = take(a, st, &page->rows[page->n])) == 0)
		page->n++;
	if (x >= 0 && page->n == q->limit)
		page->more = (x = db_step(st)) == DB_ROW;
	db_reset(st);
	return x < 0 ? pass(x) : 0;
}
