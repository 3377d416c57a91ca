/* The origins of publishable keys: of one key, and of all, so that a look costs no walk over keys. */
#include "base/fail.h"
#include "model/catalog_parts.h"

#include <errno.h>
#include <stdlib.h>

bool origin_is_valid(struct str s)
{
	size_t scheme = str_find(s, ':');
	struct str host = str_from(s, scheme);
	if (scheme == 0 || !str_starts(host, STR("://")) || host.n == 3)
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

/* The position of the first that is not before it. */
static unsigned position(const struct catalog *c, struct str origin)
{
	unsigned low = 0, high = c->n_origins;
	while (low < high) {
		unsigned mid = low + (high - low) / 2;
		if (str_cmp(c->origins[mid], origin) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

bool catalog_has_origin(const struct catalog *c, struct str origin)
{
	unsigned i = position(c, origin);
	return i < c->n_origins && str_eq(c->origins[i], origin);
}

static int make_room(struct catalog *c, unsigned n)
{
	if (c->n_origins + n <= c->origins_room)
		return 0;
	unsigned room = MAX(2 * c->origins_room, c->n_origins + n);
	struct str *list = realloc(c->origins, room * sizeof(*list));
	if (!list)
		return fail(-ENOMEM, "catalog");
	c->origins = list;
	c->origins_room = room;
	return 0;
}

int catalog_origins_add(struct catalog *c, const struct key *key)
{
	if (!key->publishable || key->revoked)
		return 0;
	int r = make_room(c, key->n_origins);
	for (unsigned i = 0; i < key->n_origins && r == 0; i++) {
		unsigned at = position(c, key->origins[i]);
		memmove(&c->origins[at + 1], &c->origins[at],
			(c->n_origins - at) * sizeof(*c->origins));
		c->origins[at] = key->origins[i];
		c->n_origins++;
	}
	return pass(r);
}

int catalog_origins_rebuild(struct catalog *c)
{
	int r = 0;
	c->n_origins = 0;
	for (unsigned i = 0; i < c->keys_room && r == 0; i++)
		if (c->keys[i].no)
			r = catalog_origins_add(c, &c->keys[i]);
	return pass(r);
}
