#include "base/fail.h"
#include "store/reader.h"

static int take(struct arena *a, sqlite3_stmt *st, struct key_row **out)
{
	struct key_row *k = arena_new(a, struct key_row);
	*out = k;
	if (!k)
		return reader_no_memory();
	k->no = (uint32_t)db_i64(st, 0);
	k->revoked = db_i64(st, 3);
	k->created_at = db_i64(st, 4);
	int r = reader_text(a, db_text(st, 1), &k->name);
	return pass(r ?: reader_text(a, db_text(st, 2), &k->scopes));
}

int store_read_keys(struct store_reader *r, struct arena *a, uint32_t workspace,
		    struct key_row **first)
{
	sqlite3_stmt *st = r->st[RD_KEYS];
	struct key_row **end = first;
	int x;
	db_bind_i64(st, 1, workspace);
	*first = NULL;
	while ((x = db_step(st)) == DB_ROW && (x = take(a, st, end)) == 0)
		end = &(*end)->next;
	db_reset(st);
	return x < 0 ? pass(x) : 0;
}
