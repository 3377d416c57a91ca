/* What who follows the feed reads. */
#include "base/fail.h"
#include "base/log.h"
#include "store/reader.h"

static int keep_row(struct store_reader *r, struct arena *a, sqlite3_stmt *st,
		    const struct raw_event *e, struct feed_row *row)
{
	row->workspace = e->workspace;
	row->contact = e->contact;
	row->gone = db_i64(st, 14) == 0;
	return pass(raw_event_keep(r, a, e, &row->event));
}

static void tell_damaged(struct store_reader *r, const struct raw_event *e)
{
	CLEANUP(catalog_unref) struct catalog *c = NULL;
	catalog_refresh(store_catalog(r->s), &c);
	const struct workspace *w = catalog_workspace(c, e->workspace);
	log_error("event_unreadable", LOG_STR("workspace", w ? w->name : STR("")),
		  LOG_I("seq", (int64_t)e->row.seq), LOG_STR("cause", db_damage()));
}

/* *kept: it is no damaged one. */
static int take_row(struct store_reader *r, struct arena *a, sqlite3_stmt *st, struct feed_row *row,
		    bool *kept)
{
	struct raw_event e;
	int x = raw_event_take(st, &e);
	x = x ?: keep_row(r, a, st, &e, row);
	*kept = x == 0;
	if (x == 0 || !db_is_damage())
		return pass(x);
	tell_damaged(r, &e);
	return 0;
}

static size_t bytes_of(const struct event_row *e)
{
	return e->properties.n + e->mismatches.n + e->cause.n;
}

int store_read_feed(struct store_reader *r, struct arena *a, uint64_t after, unsigned limit,
		    struct feed_row **rows, unsigned *n, uint64_t *seen)
{
	sqlite3_stmt *st = r->st[RD_FEED];
	size_t bytes = 0;
	uint64_t at = after;
	bool kept;
	int x = 0;
	*n = 0;
	*rows = arena_array(a, struct feed_row, limit);
	if (!*rows)
		return reader_no_memory();
	db_bind_i64(st, 1, (int64_t)after);
	db_bind_i64(st, 2, limit);
	while (*n < limit && bytes < STORE_FEED_BYTES && (x = db_step(st)) == DB_ROW) {
		at = (uint64_t)db_i64(st, 0);
		x = take_row(r, a, st, &(*rows)[*n], &kept);
		if (x < 0)
			break;
		if (kept)
			bytes += bytes_of(&(*rows)[(*n)++].event);
	}
	db_reset(st);
	if (seen)
		*seen = at;
	return x < 0 ? pass(x) : 0;
}

static void bind_feed_of(sqlite3_stmt *st, const struct feed_query *q)
{
	db_bind_i64(st, 1, (int64_t)q->after);
	db_bind_i64(st, 2, (int64_t)q->until);
	db_bind_i64(st, 3, q->workspace);
	db_bind_i64(st, 4, (int64_t)q->contact);
	db_bind_text(st, 5, q->definition);
}

int store_read_feed_of(struct store_reader *r, struct arena *a, const struct feed_query *q,
		       struct event_row **rows, unsigned *n, uint64_t *seen)
{
	sqlite3_stmt *st = r->st[RD_FEED_OF];
	size_t bytes = 0;
	bool kept;
	int x = DB_ROW;
	*n = 0;
	*rows = arena_array(a, struct event_row, q->limit);
	if (!*rows)
		return reader_no_memory();
	bind_feed_of(st, q);
	while (*n < q->limit && bytes < q->bytes && (x = db_step(st)) == DB_ROW) {
		struct feed_row row;
		x = take_row(r, a, st, &row, &kept);
		if (x < 0)
			break;
		x = DB_ROW;
		if (!kept)
			continue;
		bytes += bytes_of(&row.event);
		(*rows)[(*n)++] = row.event;
	}
	*seen = x == DB_ROW ? (*rows)[*n - 1].seq : q->until;
	db_reset(st);
	return x < 0 ? pass(x) : 0;
}

int store_read_feed_end(struct store_reader *r, uint64_t *seq)
{
	sqlite3_stmt *st = r->st[RD_EVENT_BELOW];
	db_bind_i64(st, 1, INT64_MAX);
	int x = db_step(st);
	*seq = x == DB_ROW ? (uint64_t)db_i64(st, 0) : 0;
	db_reset(st);
	return x < 0 ? pass(x) : 0;
}

int store_read_gone(struct store_reader *r, struct arena *a, uint64_t after, unsigned limit,
		    struct gone_row **rows, unsigned *n)
{
	sqlite3_stmt *st = r->st[RD_GONE];
	int x = 0;
	*n = 0;
	*rows = arena_array(a, struct gone_row, limit);
	if (!*rows)
		return reader_no_memory();
	db_bind_i64(st, 1, (int64_t)after);
	db_bind_i64(st, 2, limit);
	while (*n < limit && (x = db_step(st)) == DB_ROW)
		(*rows)[(*n)++] =
			(struct gone_row){ (uint64_t)db_i64(st, 0), (uint64_t)db_i64(st, 1) };
	db_reset(st);
	return x < 0 ? pass(x) : 0;
}

int store_read_document_name(struct store_reader *r, struct arena *a, uint32_t no, struct str *name)
{
	sqlite3_stmt *st = r->st[RD_DOCUMENT_NAME];
	*name = (struct str){ 0 };
	db_bind_i64(st, 1, no);
	int x = db_step(st);
	if (x == DB_ROW)
		x = reader_text(a, db_text(st, 0), name);
	db_reset(st);
	return x < 0 ? pass(x) : 0;
}

int store_find_definition(struct store_reader *r, uint32_t workspace, struct str name, uint32_t *no)
{
	sqlite3_stmt *st = r->st[RD_DEFINITION_FIND];
	db_bind_i64(st, 1, workspace);
	db_bind_text(st, 2, name);
	int x = db_step(st);
	if (x == DB_ROW)
		*no = (uint32_t)db_i64(st, 0);
	db_reset(st);
	if (x < 0)
		return pass(x);
	return x == DB_ROW ? STORE_OK : STORE_NONE;
}
