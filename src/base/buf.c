#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>

/* Twice the room, so that a long text is not copied for each piece; when that is refused, just what
 * is needed. */
static bool grow(struct buf *b, size_t needed)
{
	if (!b->arena)
		return false;
	size_t room = MAX(MAX(b->room * 2, 256), needed);
	char *p = arena_grow(b->arena, b->p, b->room, room);
	if (!p && room > needed) {
		room = needed;
		p = arena_grow(b->arena, b->p, b->room, room);
	}
	if (!p)
		return false;
	b->p = p;
	b->room = room;
	return true;
}

char *buf_more_slow(struct buf *b, size_t n)
{
	if (b->failed)
		return NULL;
	if (n > b->room - b->n && !grow(b, b->n + n)) {
		b->failed = true;
		return NULL;
	}
	return b->p + b->n;
}

void buf_put_slow(struct buf *b, struct str s)
{
	char *at = s.n ? buf_more(b, s.n) : NULL;
	if (!at)
		return;
	memcpy(at, s.p, s.n);
	b->n += s.n;
}

void buf_u64(struct buf *b, uint64_t v)
{
	char digits[20];
	size_t at = sizeof(digits);
	do {
		digits[--at] = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	buf_put(b, (struct str){ digits + at, sizeof(digits) - at });
}

void buf_i64(struct buf *b, int64_t v)
{
	if (v < 0)
		buf_char(b, '-');
	buf_u64(b, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
}

/* Into what room there is, and where that does not do once more. */
void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list args, again;
	size_t room = b->failed ? 0 : b->room - b->n;
	va_start(args, fmt);
	va_copy(again, args);
	int n = vsnprintf(room ? b->p + b->n : NULL, room, fmt, args);
	va_end(args);

	char *at = n < 0 ? NULL : buf_more(b, (size_t)n + 1);
	if (at && (size_t)n >= room)
		vsnprintf(at, (size_t)n + 1, fmt, again);
	if (at)
		b->n += (size_t)n;
	va_end(again);
}

static void put_escaped(struct buf *b, unsigned char c)
{
	switch (c) {
	case '"':
		return buf_lit(b, "\\\"");
	case '\\':
		return buf_lit(b, "\\\\");
	case '\n':
		return buf_lit(b, "\\n");
	case '\r':
		return buf_lit(b, "\\r");
	case '\t':
		return buf_lit(b, "\\t");
	default:
		return buf_printf(b, "\\u%04x", c);
	}
}

void buf_json_text(struct buf *b, struct str s)
{
	size_t plain = 0; /* where the run of bytes that need no escape begins */
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if (c >= 0x20 && c != '"' && c != '\\')
			continue;
		buf_put(b, (struct str){ s.p + plain, i - plain });
		put_escaped(b, c);
		plain = i + 1;
	}
	buf_put(b, str_from(s, plain));
}

void buf_json_str(struct buf *b, struct str s)
{
	buf_char(b, '"');
	buf_json_text(b, s);
	buf_char(b, '"');
}

void buf_json_strs(struct buf *b, const struct str *list, unsigned n)
{
	buf_char(b, '[');
	for (unsigned i = 0; i < n; i++) {
		if (i > 0)
			buf_char(b, ',');
		buf_json_str(b, list[i]);
	}
	buf_char(b, ']');
}
