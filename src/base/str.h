/*
 * A view of bytes that somebody else owns: pointer and length, not terminated, never changed.
 * A view decoded from a request lives as long as the request; keep one longer, copy it.
 */
#pragma once

#include "base/base.h"

#include <string.h>

struct str {
	const char *p;
	size_t n;
};

#define STR(literal) ((struct str){ "" literal, sizeof(literal) - 1 })
#define STR_INIT(literal)                       \
	{                                       \
		"" literal, sizeof(literal) - 1 \
	} /* for static tables */
#define STR_FMT    "%.*s"
#define STR_ARG(s) (int)(s).n, (s).p

static inline struct str str_of(const char *terminated)
{
	return (struct str){ terminated, strlen(terminated) };
}

static inline bool str_eq(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* Bytewise order, a prefix before what it begins. */
int str_cmp(struct str a, struct str b);

bool str_eq_nocase_same_size(struct str a, struct str b);

/* ASCII letters of either case count as equal; no other byte does. Inline, because a header is
 * mostly told from another by its length. */
static inline bool str_eq_nocase(struct str a, struct str b)
{
	return a.n == b.n && str_eq_nocase_same_size(a, b);
}

/* The last byte first: what is tried one after the other mostly begins alike. */
static inline bool str_starts(struct str s, struct str prefix)
{
	if (s.n < prefix.n)
		return false;
	return prefix.n == 0 || (s.p[prefix.n - 1] == prefix.p[prefix.n - 1] &&
				 memcmp(s.p, prefix.p, prefix.n) == 0);
}

/* The position of byte c, or s.n. */
size_t str_find(struct str s, char c);

/* From byte `from` (at most s.n) to the end. */
static inline struct str str_from(struct str s, size_t from)
{
	must(from <= s.n);
	return (struct str){ from ? s.p + from : s.p, s.n - from };
}

/* The first n bytes, or all of s when it is shorter. */
static inline struct str str_head(struct str s, size_t n)
{
	return (struct str){ s.p, MIN(n, s.n) };
}

/* Without blanks and tabs at either end. */
struct str str_trim(struct str s);

/* Nothing but white space of ASCII, if that. */
bool str_is_blank(struct str s);

/* How many Unicode code points valid UTF-8 holds. */
size_t str_code_points(struct str utf8);

/* How many bytes from the start are valid UTF-8 (RFC 3629: no surrogates, nothing overlong or above
 * U+10FFFF), whole code points only; s.n when all are. */
size_t str_utf8_prefix(struct str s);
/* Copies what fits into `out` and says how many bytes that are: each that is no UTF-8 as U+FFFD, and
 * without a code point that the end of `s` cuts off. */
size_t str_utf8_mend(struct str s, char *out, size_t size);

/* Decimal digits only, no sign, no overflow: false otherwise and *out is left alone. */
MUST_CHECK bool str_to_u64(struct str s, uint64_t *out);
