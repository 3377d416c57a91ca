#include "base/fail.h"
#include "store/reader.h"

static int take_row(struct store_reader *r, struct arena *a, sqlite3_stmt *st,
		    struct contact_view *row)
{
	int x = db_blob(st, 0, row->id.b, sizeof(row->id.b));
	x = x ?: reader_json(r, a, db_text(st, 1), JSON_SHAPE_ARRAY, &row->identities);
	x = x ?: reader_json(r, a, db_text(st, 2), JSON_SHAPE_OBJECT, &row->attributes);
	row->created_at = db_i64(st, 3);
	row->updated_at = db_i64(st, 4);
	return pass(x);
}

/* Its newest event knows how many there are. */
static int take_last_event(struct store_reader *r, uint64_t head, struct contact_view *row)
{
	sqlite3_stmt *st = r->st[RD_EVENT];
	if (head == 0)
		return 0;
	db_bind_i64(st, 1, (int64_t)head);
	int x = db_step(st);
	if (x < 0)
		return pass(x);
	if (x == DB_ROW && (uint64_t)db_i64(st, 3) == row->number) {
		row->event_count = (uint64_t)db_i64(st, 5);
		row->last_event_at = db_i64(st, 8);
		x = 0;
	} else {
		x = db_damaged("a contact's newest event");
	}
	db_reset(st);
	return pass(x);
}

/* STORE_NONE when there is no such row. */
static int read_contact(struct store_reader *r, struct arena *a, uint64_t number,
			struct contact_view *row)
{
	sqlite3_stmt *st = r->st[RD_CONTACT];
	/* Before the rows, so that they have the event it points at. */
	uint64_t head = heads_seq(&r->s->heads, number);
	*row = (struct contact_view){ .number = number };
	db_bind_i64(st, 1, (int64_t)number);
	int x = db_step(st);
	if (x < 0)
		return pass(x);
	x = x == DB_ROW ? take_row(r, a, st, row) : STORE_NONE;
	db_reset(st);
	return x != STORE_OK ? x : take_last_event(r, head, row);
}

int store_read_contact(struct store_reader *r, struct arena *a, uint64_t number,
		       struct contact_view *row)
{
	return read_contact(r, a, number, row);
}

int store_find_contact(struct store_reader *r, struct arena *a, uint32_t workspace,
		       enum identity_kind kind, struct str value, struct contact_view *row)
{
	struct lookup l = { r->st[RD_IDENTITY_FIND], r->st[RD_CONTACT_KEYS] };
	struct identity id = { workspace, kind, identity_key(a, kind, value) };
	uint64_t contact;
	if (!id.key.p)
		return identity_has_key(kind, value) ? reader_no_memory() : STORE_NONE;
	int x = lookup_contact(&l, &id, &contact);
	if (x < 0)
		return pass(x);
	return contact ? read_contact(r, a, contact, row) : STORE_NONE;
}

static int64_t bound(uint64_t number)
{
	return number && number <= INT64_MAX ? (int64_t)number : INT64_MAX;
}

static bool goes_up(const struct contact_query *q)
{
	return q->after || q->oldest;
}

static int list_numbers(struct store_reader *r, const struct contact_query *q, uint64_t *list,
			unsigned room, unsigned *n)
{
	sqlite3_stmt *st = r->st[goes_up(q) ? RD_CONTACTS_UP : RD_CONTACTS_DOWN];
	int x = 0;
	db_bind_i64(st, 1, q->workspace);
	db_bind_i64(st, 2, bound(q->before));
	db_bind_i64(st, 3, room);
	if (goes_up(q))
		db_bind_i64(st, 4, q->after ? bound(q->after) : 0);
	db_bind_i64(st, 5, q->skip);
	*n = 0;
	while (*n < room && (x = db_step(st)) == DB_ROW)
		list[(*n)++] = (uint64_t)db_i64(st, 0);
	db_reset(st);
	return x < 0 ? pass(x) : 0;
}

/* One that was deleted since it was listed is left out. STORE_FULL: the others are too large. */
static int read_listed(struct store_reader *r, struct arena *a, const uint64_t *numbers,
		       unsigned n_numbers, size_t bytes_max, struct contact_view *rows, unsigned *n)
{
	size_t bytes = 0;
	*n = 0;
	for (unsigned i = 0; i < n_numbers; i++) {
		struct contact_view *row = &rows[*n];
		int x = read_contact(r, a, numbers[i], row);
		if (x < 0)
			return pass(x);
		if (x != STORE_OK)
			continue;
		bytes += row->identities.n + row->attributes.n;
		if (bytes_max && bytes > bytes_max && *n > 0)
			return STORE_FULL;
		(*n)++;
	}
	return 0;
}

static void turn_round(struct contact_view *rows, unsigned n)
{
	for (unsigned i = 0; i < n / 2; i++) {
		struct contact_view row = rows[i];
		rows[i] = rows[n - 1 - i];
		rows[n - 1 - i] = row;
	}
}

int store_read_contacts(struct store_reader *r, struct arena *a, const struct contact_query *q,
			struct contact_view **rows, unsigned *n, bool *more)
{
	unsigned found;
	uint64_t *numbers = arena_array(a, uint64_t, q->limit + 1);
	*rows = arena_array(a, struct contact_view, q->limit + 1);
	if (!numbers || !*rows)
		return reader_no_memory();
	int x = list_numbers(r, q, numbers, q->limit + 1, &found);
	x = x ?: read_listed(r, a, numbers, MIN(found, q->limit), q->bytes_max, *rows, n);
	if (x < 0)
		return pass(x);
	*more = found > q->limit || x == STORE_FULL;
	if (goes_up(q))
		turn_round(*rows, *n);
	return 0;
}

int store_count_contacts(struct store_reader *r, uint32_t workspace, uint64_t *n)
{
	sqlite3_stmt *st = r->st[RD_CONTACT_COUNT];
	db_bind_i64(st, 1, workspace);
	int x = db_step(st);
	if (x < 0)
		return pass(x);
	*n = x == DB_ROW ? (uint64_t)db_i64(st, 0) : 0;
	db_reset(st);
	return 0;
}
