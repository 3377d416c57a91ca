/*
 * Who owns an identity, as far as that was asked before. Bounded, and never wrong: it holds only
 * what the database says, seen from within the running batch. Who abandons a batch empties it.
 *
 * An entry holds 96 bits of its identity's hash, under a key that is drawn for each process, beside
 * those that lead to its place. A question meets four entries, so it is answered wrongly once in
 * 10^28 times: less often than memory errs unnoticed, and nobody outside can look for such a key.
 *
 * Thread: the committer's.
 */
#pragma once

#include "base/str.h"
#include "model/identity.h"

struct identity {
	uint32_t workspace;
	enum identity_kind kind;
	struct str key;
};

struct identity_set;

struct identity_cache {
	struct identity_set *sets; /* all that there may ever be; untouched ones cost nothing */
	uint64_t mask;             /* how many are used, less one */
};

MUST_CHECK int identity_cache_init(struct identity_cache *c);
void identity_cache_fini(struct identity_cache *c);
void identity_cache_clear(struct identity_cache *c);
/* Makes it as large as so many contacts deserve. It never shrinks. */
void identity_cache_fit(struct identity_cache *c, uint64_t contacts);

uint64_t identity_cache_get(struct identity_cache *c, const struct identity *id); /* 0: not there */
void identity_cache_put(struct identity_cache *c, const struct identity *id, uint64_t contact);
void identity_cache_forget(struct identity_cache *c, const struct identity *id);
