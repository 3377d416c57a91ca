#include "store/identity_cache.h"

#include "base/digest.h"
#include "base/fail.h"
#include "base/space.h"

#include <errno.h>

enum {
	WAYS = 4,
	SLOTS_MIN = 4096,
	SLOTS_MAX = 16 * 1024 * 1024,
	SLOTS_PER_CONTACT = 2, /* so that few sets have more to hold than their ways */
};

struct identity_slot {
	uint64_t print;
	uint32_t more_print;
	uint32_t contact; /* 0: free */
};

/* One cache line. */
struct identity_set {
	struct identity_slot way[WAYS]; /* the newest first */
};

_Static_assert(sizeof(struct identity_set) == 64, "one cache line");

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
	uint64_t slots = contacts * SLOTS_PER_CONTACT;
	while (c->mask + 1 < SLOTS_MAX / WAYS && (c->mask + 1) * WAYS < slots)
		c->mask = 2 * c->mask + 1;
}

static struct hash128 hash_of(const struct identity *id)
{
	return hash128_seeded(id->key, (uint64_t)id->workspace << 8 | (uint8_t)id->kind);
}

/* The set by one part of the hash, the prints by the others. */
static struct identity_set *set_of(const struct identity_cache *c, struct hash128 hash)
{
	return &c->sets[(hash.b >> 32) & c->mask];
}

static bool is(const struct identity_slot *slot, struct hash128 hash)
{
	return slot->print == hash.a && slot->more_print == (uint32_t)hash.b && slot->contact != 0;
}

uint64_t identity_cache_get(struct identity_cache *c, const struct identity *id)
{
	struct hash128 hash = hash_of(id);
	const struct identity_set *set = set_of(c, hash);
	for (size_t i = 0; i < WAYS; i++)
		if (is(&set->way[i], hash))
			return set->way[i].contact;
	return 0;
}

static void forget(struct identity_set *set, struct hash128 hash)
{
	for (size_t i = 0; i < WAYS; i++)
		if (is(&set->way[i], hash))
			set->way[i].contact = 0;
}

void identity_cache_forget(struct identity_cache *c, const struct identity *id)
{
	struct hash128 hash = hash_of(id);
	forget(set_of(c, hash), hash);
}

void identity_cache_put(struct identity_cache *c, const struct identity *id, uint64_t contact)
{
	if (contact > UINT32_MAX)
		return;
	struct hash128 hash = hash_of(id);
	struct identity_set *set = set_of(c, hash);
	forget(set, hash);
	memmove(&set->way[1], &set->way[0], sizeof(set->way[0]) * (WAYS - 1));
	set->way[0] = (struct identity_slot){ hash.a, (uint32_t)hash.b, (uint32_t)contact };
}
