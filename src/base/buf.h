/*
 * Text under construction in an arena: replies, log lines, JSON. A write that the arena refuses
 * sets `failed` and every later write does nothing, so a writer checks once, at the end.
 */
#pragma once

#include "base/arena.h"

struct buf {
	struct arena *arena; /* NULL: the room it was given is all it gets */
	char *p;
	size_t n, room; /* bytes used, bytes held */
	bool failed;
};

static inline struct buf buf_in(struct arena *a)
{
	return (struct buf){ .arena = a };
}

/* In memory of the caller's. */
static inline struct buf buf_over(char *p, size_t room)
{
	return (struct buf){ .p = p, .room = room };
}

char *buf_more_slow(struct buf *b, size_t n); /* buf_more() where the room may not do */
void buf_put_slow(struct buf *b, struct str s);

/* Room for n more bytes, or NULL with `failed` set. The caller adds what it wrote to b->n. */
static inline char *buf_more(struct buf *b, size_t n)
{
	return b->failed || n > b->room - b->n ? buf_more_slow(b, n) : b->p + b->n;
}

/* Inline, like the next one, because replies and stored JSON are made of many short pieces. */
static inline void buf_put(struct buf *b, struct str s)
{
	if (b->failed || s.n > b->room - b->n)
		return buf_put_slow(b, s);
	if (s.n) /* NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): bytes are somewhere */
		memcpy(b->p + b->n, s.p, s.n);
	b->n += s.n;
}

static inline void buf_char(struct buf *b, char c)
{
	char *at = buf_more(b, 1);
	if (!at)
		return;
	*at = c;
	b->n++;
}

void buf_u64(struct buf *b, uint64_t v);
void buf_i64(struct buf *b, int64_t v);
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF(2, 3);

/* A JSON string with its quotes; s must be valid UTF-8. Escapes what RFC 8259 section 7 requires.
 */
void buf_json_str(struct buf *b, struct str s);
void buf_json_text(struct buf *b, struct str s);                       /* without its quotes */
void buf_json_strs(struct buf *b, const struct str *list, unsigned n); /* an array */

#define buf_lit(b, literal) buf_put((b), STR(literal))

static inline struct str buf_str(const struct buf *b)
{
	return (struct str){ b->p, b->n };
}
