#include "store/identity_cache.h"

#include "base/digest.h"
#include "base/fail.h"
#include "base/space.h"

#include <errno.h>

enum {
	WAYS = 2,
	SLOTS_MIN = 4096,
	SLOTS_MAX = 1024 * 1024,
};

/* One cache line. */
struct identity_slot {
	uint32_t contact; /* 0: free */
	uint32_t workspace;
	uint8_t kind, n;
	char key[IDENTITY_CACHE_KEY];
};

_Static_assert(sizeof(struct identity_slot) == 64, "one cache line");

struct identity_set {
	struct identity_slot way[WAYS]; /* the newest first */
};

enum { SPACE = SLOTS_MAX / WAYS * sizeof(struct identity_set) };

int identity_cache_init(struct identity_cache *c)
{
	c->sets = space_new(SPACE);
	if (!c->sets)
		return fail(-ENOMEM, "identity cache");
	c->mask = SLOTS_MIN / WAYS - 1;
	return 0;
}

void identity_cache_fini(struct identity_cache *c)
{
	space_free(c->sets, SPACE);
	*c = (struct identity_cache){ 0 };
}

void identity_cache_clear(struct identity_cache *c)
{
	memset(c->sets, 0, (c->mask + 1) * sizeof(*c->sets));
}

/*
 * Nothing moves: with one more bit of the hash in use, half of the entries are where they will be
 * looked for, and the other half are never looked at again until they are overwritten.
 */
void identity_cache_fit(struct identity_cache *c, uint64_t contacts)
{
	while (c->mask + 1 < SLOTS_MAX / WAYS && (c->mask + 1) * WAYS < contacts)
		c->mask = 2 * c->mask + 1;
}

static struct identity_set *set_of(const struct identity_cache *c, const struct identity *id)
{
	uint64_t seed = (uint64_t)id->workspace << 8 | (uint8_t)id->kind;
	return &c->sets[hash64_seeded(id->key, seed) & c->mask];
}

static bool is(const struct identity_slot *slot, const struct identity *id)
{
	return slot->contact != 0 && slot->workspace == id->workspace && slot->kind == id->kind &&
	       slot->n == id->key.n && memcmp(slot->key, id->key.p, slot->n) == 0;
}

uint64_t identity_cache_get(struct identity_cache *c, const struct identity *id)
{
	if (id->key.n > IDENTITY_CACHE_KEY)
		return 0;
	const struct identity_set *set = set_of(c, id);
	for (size_t i = 0; i < WAYS; i++)
		if (is(&set->way[i], id))
			return set->way[i].contact;
	return 0;
}

void identity_cache_forget(struct identity_cache *c, const struct identity *id)
{
	if (id->key.n > IDENTITY_CACHE_KEY)
		return;
	struct identity_set *set = set_of(c, id);
	for (size_t i = 0; i < WAYS; i++)
		if (is(&set->way[i], id))
			set->way[i].contact = 0;
}

void identity_cache_put(struct identity_cache *c, const struct identity *id, uint64_t contact)
{
	if (id->key.n > IDENTITY_CACHE_KEY || contact > UINT32_MAX)
		return;
	identity_cache_forget(c, id);
	struct identity_set *set = set_of(c, id);
	memmove(&set->way[1], &set->way[0], sizeof(set->way[0]) * (WAYS - 1));
	struct identity_slot *slot = &set->way[0];
	slot->contact = (uint32_t)contact;
	slot->workspace = id->workspace;
	slot->kind = (uint8_t)id->kind;
	slot->n = (uint8_t)id->key.n;
	memcpy(slot->key, id->key.p, id->key.n);
}
