#include "store/lookup.h"

#include "base/fail.h"
#include "model/contact.h"

static int in_table(const struct lookup *l, const struct identity *id, uint64_t *contact)
{
	db_bind_i64(l->identity, 1, id->workspace);
	db_bind_i64(l->identity, 2, id->kind);
	db_bind_text(l->identity, 3, id->key);
	int r = db_step(l->identity);
	if (r < 0)
		return pass(r);
	*contact = r == DB_ROW ? (uint64_t)db_i64(l->identity, 0) : 0;
	db_reset(l->identity);
	return 0;
}

/* What an outward id says about the row that it was derived from. */
struct claim {
	uint64_t number;
	const struct uuid *id; /* NULL: not said */
	int64_t created_s;     /* -1: not said */
};

static int row_bears_out(sqlite3_stmt *st, uint32_t workspace, const struct claim *claim, bool *yes)
{
	struct uuid id = { { 0 } };
	int r = db_blob(st, 1, id.b, sizeof(id.b));
	if (r < 0)
		return pass(r);
	int64_t created_s = (int64_t)(uint32_t)(db_i64(st, 2) / US_PER_S);
	*yes = db_i64(st, 0) == workspace && (!claim->id || uuid_eq(id, *claim->id)) &&
	       (claim->created_s < 0 || created_s == claim->created_s);
	return 0;
}

static int in_row(const struct lookup *l, uint32_t workspace, const struct claim *claim,
		  uint64_t *contact)
{
	bool yes = false;
	if (claim->number == 0 || claim->number > INT64_MAX)
		return 0;
	db_bind_i64(l->keys, 1, (int64_t)claim->number);
	int r = db_step(l->keys);
	if (r < 0)
		return pass(r);
	if (r == DB_ROW)
		r = row_bears_out(l->keys, workspace, claim, &yes);
	else
		r = 0;
	db_reset(l->keys);
	*contact = yes ? claim->number : 0;
	return pass(r);
}

/* A UUID that was given to us is an identity; one of our own names its row. */
static int by_uuid(const struct lookup *l, const struct identity *named, uint64_t *contact)
{
	struct uuid id;
	char text[UUID_TEXT + 1];
	if (!uuid_parse(named->key, &id))
		return 0;
	uuid_text(id, text);
	struct identity lower = { named->workspace, IDENTITY_UUID, { text, UUID_TEXT } };
	int r = in_table(l, &lower, contact);
	if (r < 0 || *contact)
		return pass(r);
	struct claim claim = { contact_uuid_number(id), &id, -1 };
	return in_row(l, named->workspace, &claim, contact);
}

int lookup_contact(const struct lookup *l, const struct identity *id, uint64_t *contact)
{
	struct claim claim = { 0, NULL, -1 };
	*contact = 0;
	switch (id->kind) {
	case IDENTITY_UUID:
		return by_uuid(l, id, contact);
	case IDENTITY_NUMBER:
		if (!str_to_u64(id->key, &claim.number))
			return 0;
		return in_row(l, id->workspace, &claim, contact);
	case IDENTITY_HEX:
		if (!contact_hex_parse(id->key, &claim.number, &claim.created_s))
			return 0;
		return in_row(l, id->workspace, &claim, contact);
	default:
		return in_table(l, id, contact);
	}
}
