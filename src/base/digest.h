/*
 * Digests and the text forms of bytes: SHA-256 (OpenSSL), SipHash-2-4 for tables that strangers
 * fill, hex and base64. Thread: any.
 */
#pragma once

#include "base/arena.h"

struct sha256 {
	uint8_t b[32];
};

struct sha256 sha256_of(struct str s);

struct sha256 hmac_sha256(struct str key, struct str s); /* RFC 2104 */

/* In a time that does not depend on where they differ. */
bool sha256_eq(const struct sha256 *a, const struct sha256 *b);

/* Keyed with random bytes drawn once per process: equal input, equal hash, unknown to outsiders. */
uint64_t hash64(struct str s);
uint64_t hash64_seeded(struct str s, uint64_t seed); /* mixes `seed` in, for compound keys */

/* The same under way over numbers and texts, one after the other. Which of them are numbers is not
 * hashed: that must follow from those before. */
struct siphash {
	uint64_t v0, v1, v2, v3;
};
struct siphash siphash_begin(void);
void siphash_number(struct siphash *sip, uint64_t n);
void siphash_text(struct siphash *sip, struct str s);
uint64_t siphash_end(struct siphash *sip);

/* So wide that two inputs never have the same by chance. */
struct hash128 {
	uint64_t a, b;
};
struct hash128 hash128_seeded(struct str s, uint64_t seed);

/* SipHash-2-4 under a key of the caller's; k0 is the key's first 8 bytes, little-endian. */
struct hash_key {
	uint64_t k0, k1;
};
uint64_t hash64_keyed(struct hash_key key, struct str s);
struct hash128 hash128_keyed(struct hash_key key, struct str s); /* a is the first 8 bytes */

int hex_value(char c); /* 0..15, either case; -1: no hex digit */
/* Lower case, 2n characters, not terminated. */
void hex_put(const uint8_t *p, size_t n, char *out);
/* Either case; s.n must be 2n. */
MUST_CHECK bool hex_parse(struct str s, uint8_t *out, size_t n);

/* RFC 4648 section 5 without padding; out holds at least (4n+2)/3 characters, not terminated. */
size_t base64url_put(const uint8_t *p, size_t n, char *out);
/* RFC 4648 section 4, padded; out holds BASE64_ROOM(n) characters, not terminated. */
#define BASE64_ROOM(n) (((n) + 2) / 3 * 4)
size_t base64_put(const uint8_t *p, size_t n, char *out);
/* RFC 4648 section 4, padding required, nothing but the alphabet, unused bits zero. .p is NULL when
 * s is not base64 or memory is refused. */
struct str base64_parse(struct arena *a, struct str s);
