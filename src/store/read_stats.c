#include "base/fail.h"
#include "store/reader.h"

/* The first column of the first row; 0 when there is none. */
static int one_number(sqlite3_stmt *st, uint64_t *out)
{
	int x = db_step(st);
	if (x < 0)
		return pass(x);
	*out = x == DB_ROW ? (uint64_t)db_i64(st, 0) : 0;
	db_reset(st);
	return 0;
}

static int read_total(struct store_reader *r, uint32_t workspace, uint32_t definition,
		      uint64_t *out)
{
	sqlite3_stmt *st = r->st[RD_ROLLUP_TOTAL];
	db_bind_i64(st, 1, workspace);
	db_bind_i64(st, 2, definition);
	return one_number(st, out);
}

/* Whole minutes: the one that runs and the 59 before it. */
static int read_last_hour(struct store_reader *r, uint32_t workspace, uint32_t definition,
			  uint64_t *out)
{
	sqlite3_stmt *st = r->st[RD_ROLLUP_SINCE];
	db_bind_i64(st, 1, workspace);
	db_bind_i64(st, 2, definition);
	db_bind_i64(st, 3, r->s->now() / (60 * US_PER_S) - 59);
	return one_number(st, out);
}

struct definition_list {
	struct definition_count *list;
	unsigned n, room;
};

static int add_definition(struct store_reader *r, struct arena *a, uint32_t workspace,
			  struct definition_list *l)
{
	sqlite3_stmt *st = r->st[RD_DEFINITIONS];
	uint32_t definition = (uint32_t)db_i64(st, 0);
	if (l->n == l->room) {
		size_t room = l->room ? 2 * (size_t)l->room : 16;
		l->list =
			arena_grow(a, l->list, l->room * sizeof(*l->list), room * sizeof(*l->list));
		if (!l->list)
			return reader_no_memory();
		l->room = (unsigned)room;
	}
	struct definition_count *d = &l->list[l->n++];
	int x = reader_text(a, db_text(st, 1), &d->definition);
	x = x ?: read_total(r, workspace, definition, &d->events);
	return pass(x ?: read_last_hour(r, workspace, definition, &d->events_last_hour));
}

static int read_definitions(struct store_reader *r, struct arena *a, uint32_t workspace,
			    struct store_stats *out)
{
	struct definition_list l = { 0 };
	sqlite3_stmt *st = r->st[RD_DEFINITIONS];
	int x = 0;
	db_bind_i64(st, 1, workspace);
	while (x == 0 && (x = db_step(st)) == DB_ROW)
		x = add_definition(r, a, workspace, &l);
	out->definitions = l.list;
	out->n_definitions = l.n;
	return x < 0 ? pass(x) : 0;
}

static int read_all(struct store_reader *r, struct arena *a, uint32_t workspace,
		    struct store_stats *out)
{
	int x = read_total(r, workspace, 0, &out->events);
	x = x ?: store_count_contacts(r, workspace, &out->contacts);
	return pass(x ?: read_definitions(r, a, workspace, out));
}

int store_read_stats(struct store_reader *r, struct arena *a, uint32_t workspace,
		     struct store_stats *out)
{
	*out = (struct store_stats){ 0 };
	int x = reader_begin(r);
	if (x < 0)
		return pass(x);
	x = read_all(r, a, workspace, out);
	reader_end(r);
	struct store_size size = store_size(r->s);
	out->database_bytes = size.database_bytes;
	out->wal_bytes = size.wal_bytes;
	return pass(x);
}
