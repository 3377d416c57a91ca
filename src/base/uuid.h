/*
 * UUIDs (RFC 9562) and the random bytes behind them. Random bytes come from the kernel, fetched
 * in blocks per thread; a machine that cannot give any stops the program.
 */
#pragma once

#include "base/str.h"

struct uuid {
	uint8_t b[16];
};

#define UUID_TEXT 36 /* characters */

static inline bool uuid_eq(struct uuid a, struct uuid b)
{
	return memcmp(a.b, b.b, sizeof(a.b)) == 0;
}

/* 8-4-4-4-12 hex digits of either case, any version and variant, nothing around them. */
MUST_CHECK bool uuid_parse(struct str s, struct uuid *out);

/* Lower-case text, terminated. */
void uuid_text(struct uuid u, char out[UUID_TEXT + 1]);
/* Upper-case text, terminated. */
void uuid_text_upper(struct uuid u, char out[UUID_TEXT + 1]);

struct uuid uuid_v4(void);

/*
 * Version 7 with 48 bits of milliseconds, 12 bits that the caller chooses (its counter within the
 * millisecond, so that ids of one maker grow; section 6.2 method 1) and 62 bits `tail`.
 */
struct uuid uuid_v7(uint64_t unix_ms, uint16_t counter, uint64_t tail);
uint64_t uuid_v7_ms(struct uuid u);
uint64_t uuid_v7_tail(struct uuid u);

void random_bytes(void *out, size_t n);
uint64_t random_u64(void);
