/*
 * Memory by lifetime: an arena hands out pieces and takes them all back at once. A request has
 * one, from its first byte to its last answer byte; nothing in it is freed alone.
 *
 * Every arena is born with a ceiling. What lies beyond an ordinary first chunk is also counted
 * against a budget that many arenas share, so a thousand large requests cannot take the machine.
 *
 * Thread: whoever owns the arena at the moment; never two at once. The budget may be shared
 * between threads.
 */
#pragma once

#include "base/base.h"
#include "base/str.h"

#include <stdatomic.h>

struct arena_budget {
	atomic_size_t used; /* bytes */
	size_t max;         /* bytes */
};

/* Of those who hold a budget together: one may hold as much as would still be free without it, so that one
 * alone gets half, two get a third each, and there is always room for who needs little. Small pieces
 * may go beyond that, so that an owner without room can still be told so. Zeroed is ready. */
struct arena_owner {
	atomic_size_t held; /* bytes of the budget */
};

struct arena_chunk;

struct arena {
	struct arena_chunk *newest;  /* NULL until the first piece is asked for */
	char *at, *end;              /* the free part of the newest chunk */
	size_t held, ceiling;        /* bytes, chunk headers included */
	struct arena_budget *budget; /* NULL: none */
	struct arena_owner *owner;   /* NULL: nobody, who may have all of the budget */
	bool full;                   /* the last refusal was for the ceiling */
	size_t poor; /* bytes: last refused for the budget, since it was reset; 0: nothing */
};

void arena_init(struct arena *a, size_t ceiling, struct arena_budget *budget);

/* What it takes of the budget is the owner's, until it is reset or another's; what it has taken already
 * too, share or no share. */
void arena_own(struct arena *a, struct arena_owner *owner);

/* Gives everything back but an ordinary first chunk, which the next use starts with. */
void arena_reset(struct arena *a);
void arena_fini(struct arena *a);

/* Aligned for any type, not cleared. NULL: the ceiling, the budget or the machine says no; never
 * because n is 0. */
MUST_CHECK void *arena_alloc(struct arena *a, size_t n);
MUST_CHECK void *arena_zalloc(struct arena *a, size_t n);
MUST_CHECK void *arena_zalloc_n(struct arena *a, size_t each, size_t n); /* n of them */

/* n bytes in one piece would take nothing of the budget. */
bool arena_fits(const struct arena *a, size_t n);

/* Bytes that were handed out, with what was left over between them. */
static inline size_t arena_used(const struct arena *a)
{
	return a->held - (size_t)(a->end - a->at);
}

/* Bytes that the ceiling leaves for one more piece in a chunk of its own. */
size_t arena_room(const struct arena *a);

/* Makes sure that the next n bytes are handed out in one row, so that what grows among them need not
 * move. False: refused, and nothing has changed. */
MUST_CHECK bool arena_reserve(struct arena *a, size_t n);

/* Grows the newest piece in place where it can, else copies. `old` may be NULL with old_n 0. */
MUST_CHECK void *arena_grow(struct arena *a, void *old, size_t old_n, size_t n);

/* A copy with a terminating NUL behind it (not counted). .p is NULL when memory is refused. */
MUST_CHECK struct str arena_str(struct arena *a, struct str s);
MUST_CHECK struct str arena_printf(struct arena *a, const char *fmt, ...) PRINTF(2, 3);

/* The same share for what lies in no arena; the owner may be NULL. False: no room. */
MUST_CHECK bool arena_budget_take(struct arena_budget *b, struct arena_owner *owner, size_t n);
void arena_budget_return(struct arena_budget *b, struct arena_owner *owner, size_t n);

#define arena_new(a, type)      ((type *)arena_zalloc((a), sizeof(type)))
#define arena_array(a, type, n) ((type *)arena_zalloc_n((a), sizeof(type), (size_t)(n)))
