#include "base/fail.h"
#include "store/state.h"

/* Outward ids have several spellings, so the cache could not forget those of a contact. */
static bool is_cached(const struct identity *id)
{
	return id->kind < IDENTITY_UUID;
}

int identity_owner(struct store *s, const struct identity *id, uint64_t *contact)
{
	if (!is_cached(id))
		return lookup_contact(&s->lookup, id, contact);
	*contact = identity_cache_get(&s->identities, id);
	if (*contact)
		return 0;
	int r = lookup_contact(&s->lookup, id, contact);
	if (r == 0 && *contact)
		identity_cache_put(&s->identities, id, *contact);
	return pass(r);
}

static void bind(sqlite3_stmt *st, const struct identity *id)
{
	db_bind_i64(st, 1, id->workspace);
	db_bind_i64(st, 2, id->kind);
	db_bind_text(st, 3, id->key);
}

int identity_give(struct store *s, const struct identity *id, uint64_t contact)
{
	sqlite3_stmt *st = s->st[ST_IDENTITY_ADD];
	bind(st, id);
	db_bind_i64(st, 4, (int64_t)contact);
	int r = db_run(st);
	if (r == 0 && is_cached(id))
		identity_cache_put(&s->identities, id, contact);
	return pass(r);
}

int identity_take(struct store *s, const struct identity *id)
{
	identity_cache_forget(&s->identities, id);
	bind(s->st[ST_IDENTITY_DROP], id);
	return db_run(s->st[ST_IDENTITY_DROP]);
}
