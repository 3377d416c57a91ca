/*
 * Tokens: credentials that were fetched instead of provisioned. Only the SHA-256 of a token is ever
 * kept. This table is what requests are checked against: filled by the store when it starts and
 * changed by it after the commit that made the change, so it never knows more than the disk.
 *
 * A token is as good as who fetched it: the key or client must still be there with the same secret,
 * and what either may no longer do, the token may not either.
 */
#pragma once

#include "base/digest.h"
#include "base/timefmt.h"

#include <pthread.h>

enum { TOKENS_MAX = 1 << 20 }; /* live ones in one data directory; see tokens_have_room() */

/* Stored: never renumber. */
enum token_kind {
	TOKEN_ACCESS = 1,
	/* No credentials for any call but the one that takes them for others, once. */
	TOKEN_REFRESH = 2,
	TOKEN_CODE = 3, /* of a person's consent */
};

struct token {
	struct sha256 digest;
	struct sha256 issuer; /* struct key.digest of the key or client it was made for */
	struct sha256 family; /* all that came of one consent; zero: of none */
	enum token_kind kind;
	uint32_t workspace;
	unsigned scopes;
	instant_us created_at, expires_at;
};

/* Open addressing by digest, never more than half full. */
struct token_table {
	struct token *slots; /* kind 0: free */
	unsigned n, room;    /* room: a power of two, or 0 */
	unsigned *shares;    /* how many are of each workspace; NULL: room is 0 */
};

struct tokens {
	pthread_rwlock_t lock;
	struct token_table table;
};

void tokens_init(struct tokens *t);
void tokens_fini(struct tokens *t);

/* Any thread. A copy; false when there is no such token. Expiry is the caller's to judge. */
bool tokens_find(struct tokens *t, const struct sha256 *digest, struct token *out);
unsigned tokens_count(struct tokens *t);
/* Whether the workspace may have so many more. Of TOKENS_MAX it may have as many as would still be
 * free without it, so that none keeps the callers of the others from logging in. */
bool tokens_have_room(struct tokens *t, uint32_t workspace, unsigned more);

/* Room for so many more, so that tokens_put() cannot fail. -ENOMEM. One thread, the only writer,
 * for this and what follows. */
MUST_CHECK int tokens_reserve(struct tokens *t, unsigned more);
void tokens_put(struct tokens *t, const struct token *token);    /* or replaces it */
void tokens_drop(struct tokens *t, const struct sha256 *digest); /* one not there is fine */

/* Takes all of the other's in place of its own, at once for all readers. */
void tokens_take(struct tokens *t, struct tokens *from);
