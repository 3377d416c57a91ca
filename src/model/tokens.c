#include "model/tokens.h"

#include "base/fail.h"

#include <errno.h>
#include <stdlib.h>

/* A power of two that workspaces are numbered below; one beyond would share with another. */
enum { SHARES = 1 << 14 };

void tokens_init(struct tokens *t)
{
	must(pthread_rwlock_init(&t->lock, NULL) == 0);
	t->table = (struct token_table){ 0 };
}

static void free_table(struct token_table *t)
{
	free(t->slots);
	free(t->shares);
}

void tokens_fini(struct tokens *t)
{
	free_table(&t->table);
	t->table = (struct token_table){ 0 };
	must(pthread_rwlock_destroy(&t->lock) == 0);
}

/* A digest is as good as a hash. */
static size_t home_of(const struct sha256 *digest)
{
	uint64_t hash;
	memcpy(&hash, digest->b, sizeof(hash));
	return (size_t)hash;
}

/* Where the token is, or the free slot where it would go. */
static struct token *slot_of(const struct token_table *t, const struct sha256 *digest)
{
	for (size_t i = home_of(digest);; i++) {
		struct token *slot = &t->slots[i & (t->room - 1)];
		if (!slot->kind || sha256_eq(&slot->digest, digest))
			return slot;
	}
}

bool tokens_find(struct tokens *t, const struct sha256 *digest, struct token *out)
{
	bool found = false;
	must(pthread_rwlock_rdlock(&t->lock) == 0);
	if (t->table.room) {
		*out = *slot_of(&t->table, digest);
		found = out->kind != 0;
	}
	must(pthread_rwlock_unlock(&t->lock) == 0);
	return found;
}

unsigned tokens_count(struct tokens *t)
{
	must(pthread_rwlock_rdlock(&t->lock) == 0);
	unsigned n = t->table.n;
	must(pthread_rwlock_unlock(&t->lock) == 0);
	return n;
}

static unsigned *share_of(const struct token_table *t, uint32_t workspace)
{
	return &t->shares[workspace & (SHARES - 1)];
}

bool tokens_have_room(struct tokens *t, uint32_t workspace, unsigned more)
{
	must(pthread_rwlock_rdlock(&t->lock) == 0);
	unsigned own = t->table.room ? *share_of(&t->table, workspace) : 0;
	uint64_t all = (uint64_t)t->table.n + own + 2 * (uint64_t)more;
	must(pthread_rwlock_unlock(&t->lock) == 0);
	return all <= TOKENS_MAX;
}

static unsigned room_for(unsigned n)
{
	unsigned room = 64;
	while (room < 2 * (n + 1))
		room *= 2;
	return room;
}

static void copy_all(struct token_table *to, const struct token_table *from)
{
	for (unsigned i = 0; i < from->room; i++)
		if (from->slots[i].kind)
			*slot_of(to, &from->slots[i].digest) = from->slots[i];
	to->n = from->n;
	if (from->shares)
		memcpy(to->shares, from->shares, SHARES * sizeof(*to->shares));
}

/* The new table is filled beside the old one: only the writer changes what it reads here. */
int tokens_reserve(struct tokens *t, unsigned more)
{
	must(more <= TOKENS_MAX && t->table.n <= TOKENS_MAX);
	struct token_table grown = { .room = room_for(t->table.n + more) };
	if (grown.room <= t->table.room)
		return 0;
	grown.slots = calloc(grown.room, sizeof(*grown.slots));
	grown.shares = calloc(SHARES, sizeof(*grown.shares));
	if (!grown.slots || !grown.shares) {
		free_table(&grown);
		return fail(-ENOMEM, "tokens");
	}
	copy_all(&grown, &t->table);
	must(pthread_rwlock_wrlock(&t->lock) == 0);
	free_table(&t->table);
	t->table = grown;
	must(pthread_rwlock_unlock(&t->lock) == 0);
	return 0;
}

void tokens_put(struct tokens *t, const struct token *token)
{
	must(token->kind);
	must(pthread_rwlock_wrlock(&t->lock) == 0);
	struct token *slot = slot_of(&t->table, &token->digest);
	if (slot->kind) {
		--*share_of(&t->table, slot->workspace);
	} else {
		t->table.n++;
		must(2 * t->table.n <= t->table.room);
	}
	*slot = *token;
	++*share_of(&t->table, token->workspace);
	must(pthread_rwlock_unlock(&t->lock) == 0);
}

/* What comes behind a freed slot moves up, so that every token is still found from its home. */
static void close_gap(struct token_table *t, size_t gap)
{
	size_t mask = t->room - 1;
	for (size_t i = (gap + 1) & mask; t->slots[i].kind; i = (i + 1) & mask) {
		size_t home = home_of(&t->slots[i].digest) & mask;
		if (((i - home) & mask) < ((i - gap) & mask))
			continue;
		t->slots[gap] = t->slots[i];
		gap = i;
	}
	t->slots[gap] = (struct token){ 0 };
}

void tokens_drop(struct tokens *t, const struct sha256 *digest)
{
	must(pthread_rwlock_wrlock(&t->lock) == 0);
	struct token *slot = t->table.room ? slot_of(&t->table, digest) : NULL;
	if (slot && slot->kind) {
		--*share_of(&t->table, slot->workspace);
		close_gap(&t->table, (size_t)(slot - t->table.slots));
		t->table.n--;
	}
	must(pthread_rwlock_unlock(&t->lock) == 0);
}

void tokens_take(struct tokens *t, struct tokens *from)
{
	must(pthread_rwlock_wrlock(&t->lock) == 0);
	free_table(&t->table);
	t->table = from->table;
	must(pthread_rwlock_unlock(&t->lock) == 0);
	from->table = (struct token_table){ 0 };
}
