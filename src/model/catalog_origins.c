/* The origins of publishable keys: of one key, and of all, so that a look costs no walk over keys. */
#include "base/fail.h"
#include "model/catalog_parts.h"

#include <errno.h>
#include <stdlib.h>

bool origin_is_valid(struct str s)
{
	size_t scheme = str_find(s, ':');
	struct str host = str_from(s, scheme);
	if (s.n > KEY_ORIGIN_MAX || scheme == 0 || !str_starts(host, STR("://")) || host.n == 3)
		return false;
	host = str_from(host, 3);
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] > '~' || (s.p[i] >= 'A' && s.p[i] <= 'Z'))
			return false;
	return str_find(host, '/') == host.n && str_find(host, '*') == host.n;
}

bool key_has_origin(const struct key *key, struct str origin)
{
	for (unsigned i = 0; i < key->n_origins; i++)
		if (str_eq(key->origins[i], origin))
			return true;
	return false;
}

/* Open addressing, shared by all snapshots with the same. The strings are the keys'. */
struct origin_set {
	atomic_uint refs;
	unsigned room; /* a power of two, at least twice as many as there are */
	struct str slots[];
};

static struct str *slot_of(struct origin_set *set, struct str origin)
{
	for (size_t i = hash64(origin);; i++) {
		struct str *slot = &set->slots[i & (set->room - 1)];
		if (!slot->p || str_eq(*slot, origin))
			return slot;
	}
}

bool catalog_has_origin(const struct catalog *c, struct str origin)
{
	return c->origins && slot_of(c->origins, origin)->p;
}

unsigned catalog_origins_of(const struct key *key)
{
	return key->publishable && !key->revoked ? key->n_origins : 0;
}

void catalog_origins_share(struct catalog *to, const struct catalog *from)
{
	if (from->origins)
		atomic_fetch_add_explicit(&from->origins->refs, 1, memory_order_relaxed);
	to->origins = from->origins;
}

void catalog_origins_unref(struct origin_set *set)
{
	if (set && catalog_was_last(&set->refs))
		free(set);
}

int catalog_origins_changed(struct catalog_edit *e)
{
	unsigned room = e->origins ? e->origins->room : 0, wanted = MAX(room, 8);
	while (wanted < 2 * (size_t)e->next->n_origins)
		wanted *= 2;
	if (wanted == room)
		return 0;
	struct origin_set *set = calloc(1, sizeof(*set) + wanted * sizeof(struct str));
	if (!set)
		return fail(-ENOMEM, "catalog");
	atomic_init(&set->refs, 1);
	set->room = wanted;
	free(e->origins);
	e->origins = set;
	return 0;
}

static void add(struct origin_set *set, const struct key *key)
{
	for (unsigned i = 0; i < catalog_origins_of(key); i++)
		*slot_of(set, key->origins[i]) = key->origins[i];
}

void catalog_origins_gather(struct catalog_edit *e)
{
	struct catalog *c = e->next;
	if (!e->origins)
		return;
	for (unsigned i = 0; i < c->keys_room; i++)
		if (c->keys[i].no)
			add(e->origins, &c->keys[i]);
	catalog_origins_unref(c->origins);
	c->origins = steal(&e->origins);
}
