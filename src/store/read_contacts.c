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

int store_find_contact(struct store_reader *r, struct arena *a, uint32_t workspace,
		       enum identity_kind kind, struct str value, struct contact_view *row)
{
	struct lookup l = { r->st[RD_IDENTITY_FIND], r->st[RD_CONTACT_KEYS] };
	struct identity id = { workspace, kind, identity_key(a, kind, value) };
	uint64_t contact;
	if (!id.key.p)
		return STORE_NONE;
	int x = lookup_contact(&l, &id, &contact);
	if (x < 0)
		return pass(x);
	return contact ? read_contact(r, a, contact, row) : STORE_NONE;
}

static int list_numbers(struct store_reader *r, uint32_t workspace, uint64_t before, uint64_t *list,
			unsigned room, unsigned *n)
{
	sqlite3_stmt *st = r->st[RD_CONTACTS_DOWN];
	int x = 0;
	db_bind_i64(st, 1, workspace);
	db_bind_i64(st, 2, before && before <= INT64_MAX ? (int64_t)before : INT64_MAX);
	db_bind_i64(st, 3, room);
	*n = 0;
	while (*n < room && (x = db_step(st)) == DB_ROW)
		list[(*n)++] = (uint64_t)db_i64(st, 0);
	db_reset(st);
	return x < 0 ? pass(x) : 0;
}

int store_read_contacts(struct store_reader *r, struct arena *a, uint32_t workspace,
			uint64_t before, unsigned limit, struct contact_view **rows, unsigned *n,
			uint64_t *next_before)
{
	unsigned found;
	uint64_t *numbers = arena_array(a, uint64_t, limit + 1);
	*rows = arena_array(a, struct contact_view, limit + 1);
	if (!numbers || !*rows)
		return reader_no_memory();
	int x = list_numbers(r, workspace, before, numbers, limit + 1, &found);
	*n = MIN(found, limit);
	for (unsigned i = 0; x == 0 && i < *n; i++)
		x = read_contact(r, a, numbers[i], &(*rows)[i]);
	if (x > 0)
		return db_damaged("a contact that the index has and the table has not");
	*next_before = found > limit && limit ? numbers[limit - 1] : 0;
	return pass(x);
}
