#include "base/fail.h"
#include "store/reader.h"

static int take_ids(sqlite3_stmt *st, struct raw_event *e)
{
	int r = db_blob(st, 1, e->row.id.b, sizeof(e->row.id.b));
	return pass(r ?: db_blob(st, 11, e->row.contact_id.b, sizeof(e->row.contact_id.b)));
}

int raw_event_take(sqlite3_stmt *st, struct raw_event *e)
{
	*e = (struct raw_event){
		.row = {
			.seq = (uint64_t)db_i64(st, 0),
			.occurred_at = db_i64(st, 7),
			.received_at = db_i64(st, 8),
			.dialect = db_text(st, 9),
			.definition = db_text(st, 10),
			.properties = db_text(st, 12),
			.mismatches = db_text(st, 13),
			.cause = db_text(st, 15),
		},
		.workspace = (uint32_t)db_i64(st, 2),
		.contact = (uint64_t)db_i64(st, 3),
		.prev = (uint64_t)db_i64(st, 4),
		.definition = (uint32_t)db_i64(st, 6),
	};
	if (e->row.dialect.n == 0 || e->row.definition.n == 0)
		return db_damaged("an event without its dialect or definition");
	return take_ids(st, e);
}

int raw_event_keep(struct store_reader *r, struct arena *a, const struct raw_event *e,
		   struct event_row *out)
{
	*out = e->row;
	int x = reader_text(a, e->row.dialect, &out->dialect);
	x = x ?: reader_text(a, e->row.definition, &out->definition);
	x = x ?: reader_json(r, a, e->row.properties, JSON_SHAPE_OBJECT, &out->properties);
	if (e->row.mismatches.n > 0)
		x = x ?: reader_json(r, a, e->row.mismatches, JSON_SHAPE_ARRAY, &out->mismatches);
	if (e->row.cause.n > 0)
		x = x ?: reader_json(r, a, e->row.cause, JSON_SHAPE_OBJECT, &out->cause);
	return pass(x);
}

/* What is looked for in a list that is sorted by seq, received_at and id alike. */
struct seek {
	const struct uuid *id; /* NULL: by time */
	instant_us at;
};

static int is_below(sqlite3_stmt *st, const struct seek *key, bool *below)
{
	struct uuid id;
	*below = db_i64(st, 1) < key->at;
	if (!key->id)
		return 0;
	int r = db_blob(st, 2, id.b, sizeof(id.b));
	*below = r == 0 && memcmp(id.b, key->id->b, sizeof(id.b)) < 0;
	return pass(r);
}

static int newest_seq(struct store_reader *r, uint64_t at_most, uint64_t *seq, instant_us *at)
{
	sqlite3_stmt *st = r->st[RD_EVENT_BELOW];
	db_bind_i64(st, 1, (int64_t)MIN(at_most, (uint64_t)INT64_MAX));
	int x = db_step(st);
	if (x < 0)
		return pass(x);
	*seq = x == DB_ROW ? (uint64_t)db_i64(st, 0) : 0;
	*at = x == DB_ROW ? db_i64(st, 1) : 0;
	db_reset(st);
	return 0;
}

/* The first event that is not below the key; one behind the last when there is none. */
static int seek_event(struct store_reader *r, const struct seek *key, uint64_t *out)
{
	sqlite3_stmt *st = r->st[RD_EVENT_KEYS];
	instant_us unused;
	uint64_t low = 1, high = 0;
	int x = newest_seq(r, INT64_MAX, &high, &unused);
	high++;
	while (x == 0 && low < high) {
		uint64_t mid = low + (high - low) / 2;
		bool below = false;
		db_bind_i64(st, 1, (int64_t)mid);
		x = db_step(st);
		if (x < 0)
			break;
		/* The row may be one behind mid, where rows are missing. */
		uint64_t found = x == DB_ROW ? (uint64_t)db_i64(st, 0) : high;
		x = x == DB_ROW ? is_below(st, key, &below) : 0;
		db_reset(st);
		if (below)
			low = found + 1;
		else
			high = mid;
	}
	*out = low;
	return pass(x);
}

int store_read_feed_at(struct store_reader *r, instant_us at, uint64_t *seq)
{
	const struct seek later = { .at = at + 1 };
	int x = seek_event(r, &later, seq);
	--*seq;
	return pass(x);
}

/* One page as it fills. `room` is one more than the page has, to see whether another follows. */
struct page {
	struct store_reader *r;
	struct arena *a;
	const struct event_query *q;
	uint64_t low, high; /* seqs that are meant, both inclusive */
	struct event_row *rows;
	unsigned n, room;
	uint64_t go_on; /* where a walk was left, that went far enough; 0: it came to its end */
};

/* Of a contact's list, for one page: it leads past all events that are not meant. */
enum { LINKS_MAX = 5000 };

static bool is_full(const struct page *p)
{
	return p->n == p->room;
}

/* One beyond the page only says that it is there. */
static int add(struct page *p, const struct raw_event *e)
{
	if (p->n + 1 == p->room) {
		p->n++;
		return 0;
	}
	return raw_event_keep(p->r, p->a, e, &p->rows[p->n++]);
}

static int find_bounds(struct page *p)
{
	const struct event_query *q = p->q;
	int r = 0;
	p->low = 1;
	p->high = q->before ? q->before - 1 : INT64_MAX;
	if (q->since) {
		struct seek since = { NULL, q->since };
		r = seek_event(p->r, &since, &p->low);
	}
	if (r == 0 && q->until < INT64_MAX) {
		struct seek until = { NULL, q->until };
		uint64_t behind;
		r = seek_event(p->r, &until, &behind);
		p->high = r == 0 ? MIN(p->high, behind - 1) : p->high;
	}
	return pass(r);
}

static int read_one(struct store_reader *r, uint64_t seq, struct raw_event *e)
{
	sqlite3_stmt *st = r->st[RD_EVENT];
	db_reset(st);
	db_bind_i64(st, 1, (int64_t)seq);
	int x = db_step(st);
	if (x < 0)
		return pass(x);
	return x == DB_ROW ? raw_event_take(st, e) : STORE_NONE;
}

/* Where to step into a contact's list: behind `before` when that is one of its events, which it is
 * when it came from the page before; else at the newest. */
static int list_entry(struct page *p, uint64_t head, uint64_t *seq)
{
	struct raw_event e = { .prev = 0 };
	*seq = head;
	if (p->q->before == 0 || p->q->before > INT64_MAX)
		return 0;
	int r = read_one(p->r, p->q->before, &e);
	if (r == STORE_OK && e.contact == p->q->contact)
		*seq = e.prev;
	return r < 0 ? pass(r) : 0;
}

/* From that event the next page goes on; but who asks for those before another's event, far behind, would
 * get those in between. */
static int leave_list(struct page *p, uint64_t seq)
{
	p->go_on = seq;
	return p->q->before && seq > p->q->before ? STORE_REFUSED : 0;
}

static int read_contact_list(struct page *p, uint64_t head)
{
	const struct event_query *q = p->q;
	struct raw_event e = { .prev = 0 };
	uint64_t seq = 0;
	int r = list_entry(p, head, &seq);
	for (unsigned n = 0; r == 0 && seq >= p->low && seq > 0 && !is_full(p); n++) {
		if (n == LINKS_MAX)
			return leave_list(p, e.row.seq);
		r = read_one(p->r, seq, &e);
		if (r == STORE_NONE || (r == 0 && (e.contact != q->contact || e.prev >= seq)))
			r = db_damaged("the list of a contact's events");
		if (r < 0)
			break;
		bool meant = seq <= p->high && e.workspace == q->workspace &&
			     (q->definition == 0 || e.definition == q->definition);
		if (meant)
			r = add(p, &e);
		seq = e.prev;
	}
	return pass(r);
}

/* Events between two seqs, newest first; at most `events` of them are there. */
static int read_range(struct page *p, uint64_t first, uint64_t last, uint64_t events)
{
	sqlite3_stmt *st = p->r->st[RD_EVENTS_DOWN];
	struct raw_event e;
	int r = 0;
	db_bind_i64(st, 1, (int64_t)MAX(first, p->low));
	db_bind_i64(st, 2, (int64_t)MIN(last, p->high));
	db_bind_i64(st, 3, p->q->workspace);
	db_bind_i64(st, 4, p->q->definition);
	while (events-- > 0 && !is_full(p) && (r = db_step(st)) == DB_ROW) {
		r = raw_event_take(st, &e);
		r = r ?: add(p, &e);
		if (r < 0)
			break;
	}
	db_reset(st);
	return r < 0 ? pass(r) : 0;
}

/* Minutes, or slices of them, that have such events, newest first. */
static int read_minutes(struct page *p)
{
	sqlite3_stmt *st = p->r->st[RD_ROLLUPS];
	uint64_t seq;
	instant_us newest;
	int r = newest_seq(p->r, p->high, &seq, &newest);
	if (r < 0 || seq == 0)
		return pass(r);
	db_bind_i64(st, 1, p->q->workspace);
	db_bind_i64(st, 2, p->q->definition);
	db_bind_i64(st, 3, newest / (60 * US_PER_S));
	while (!is_full(p) && (r = db_step(st)) == DB_ROW) {
		uint64_t first = (uint64_t)db_i64(st, 0), last = (uint64_t)db_i64(st, 1);
		if (last < p->low)
			break;
		if (first <= p->high)
			r = read_range(p, first, last, (uint64_t)db_i64(st, 2));
		if (r < 0)
			return pass(r);
	}
	return r < 0 ? pass(r) : 0;
}

static int read_page(struct page *p, uint64_t head)
{
	int r = reader_begin(p->r);
	if (r < 0)
		return pass(r);
	r = find_bounds(p);
	if (r == 0 && p->low <= p->high)
		r = p->q->contact ? read_contact_list(p, head) : read_minutes(p);
	reader_end(p->r);
	return r < 0 ? pass(r) : r;
}

int store_read_events(struct store_reader *r, struct arena *a, const struct event_query *q,
		      struct event_row **rows, unsigned *n, uint64_t *next_before)
{
	struct page p = { .r = r, .a = a, .q = q, .room = q->limit + 1 };
	p.rows = arena_array(a, struct event_row, p.room);
	if (!p.rows)
		return reader_no_memory();
	/* Before the snapshot, so that the snapshot has the event it points at. */
	uint64_t head = q->contact ? heads_seq(&r->s->heads, q->contact) : 0;
	int x = read_page(&p, head);
	if (x != 0)
		return x < 0 ? pass(x) : x;
	*rows = p.rows;
	*n = MIN(p.n, q->limit);
	*next_before = p.n > q->limit && q->limit ? p.rows[q->limit - 1].seq : p.go_on;
	return 0;
}

static int find_event(struct store_reader *r, struct arena *a, uint32_t workspace, struct uuid id,
		      struct event_row *row)
{
	struct seek key = { &id, 0 };
	struct raw_event e;
	uint64_t seq;
	int x = seek_event(r, &key, &seq);
	x = x ?: read_one(r, seq, &e);
	if (x != STORE_OK)
		return x < 0 ? pass(x) : x;
	if (e.workspace != workspace || !uuid_eq(e.row.id, id))
		return STORE_NONE;
	return raw_event_keep(r, a, &e, row);
}

int store_read_event(struct store_reader *r, struct arena *a, uint32_t workspace, struct uuid id,
		     struct event_row *row)
{
	int x = reader_begin(r);
	if (x < 0)
		return pass(x);
	x = find_event(r, a, workspace, id, row);
	reader_end(r);
	return x;
}
