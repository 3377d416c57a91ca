/*
 * A set of words that remembers where each was first seen: for "must be unique" in files. Words are
 * views that the caller keeps; the table grows in its arena.
 */
#pragma once

#include "base/arena.h"

struct seen_word {
	struct str word; /* .p NULL: free */
	uint64_t hash;
	unsigned line;
};

struct seen {
	struct arena *arena;
	struct seen_word *slots;
	unsigned n, room; /* room: a power of two, or 0 */
};

enum seen_outcome {
	SEEN_NEW,
	SEEN_BEFORE, /* *first is the line of the first time */
};

/* -ENOMEM when the arena refuses. */
MUST_CHECK int seen_add(struct seen *s, struct str word, unsigned line, unsigned *first);
