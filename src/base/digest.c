#include "base/digest.h"

#include "base/uuid.h"

#include <endian.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <pthread.h>

/*
 * Finding the algorithm and making a context cost more than digesting a key, so the first is done
 * once and the second once per thread.
 */
static pthread_once_t sha256_once = PTHREAD_ONCE_INIT;
static pthread_key_t context_key; /* only for its destructor, when a thread ends */
static EVP_MD *sha256;
static _Thread_local EVP_MD_CTX *context;

static void free_context(void *ctx)
{
	EVP_MD_CTX_free(ctx);
}

static void find_sha256(void)
{
	sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	must(sha256);
	must(pthread_key_create(&context_key, free_context) == 0);
}

static void make_context(void)
{
	must(pthread_once(&sha256_once, find_sha256) == 0);
	context = EVP_MD_CTX_new();
	must(context);
	must(pthread_setspecific(context_key, context) == 0);
	must(EVP_DigestInit_ex2(context, sha256, NULL) == 1);
}

struct sha256 sha256_of(struct str s)
{
	struct sha256 out;
	if (!context)
		make_context();
	/* No algorithm named: the context keeps the one it has. */
	must(EVP_DigestInit_ex2(context, NULL, NULL) == 1);
	must(EVP_DigestUpdate(context, s.p, s.n) == 1);
	must(EVP_DigestFinal_ex(context, out.b, NULL) == 1);
	return out;
}

struct sha256 hmac_sha256(struct str key, struct str s)
{
	struct sha256 out;
	unsigned n = sizeof(out.b);
	must(key.n <= INT32_MAX);
	must(HMAC(EVP_sha256(), key.p, (int)key.n, (const unsigned char *)s.p, s.n, out.b, &n));
	return out;
}

bool sha256_eq(const struct sha256 *a, const struct sha256 *b)
{
	return CRYPTO_memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

/* SipHash-2-4, after "SipHash: a fast short-input PRF" (Aumasson, Bernstein, 2012). */

static inline uint64_t rotl(uint64_t v, int bits)
{
	return v << bits | v >> (64 - bits);
}

static inline void sip_round(struct siphash *s)
{
	s->v0 += s->v1;
	s->v2 += s->v3;
	s->v1 = rotl(s->v1, 13) ^ s->v0;
	s->v3 = rotl(s->v3, 16) ^ s->v2;
	s->v0 = rotl(s->v0, 32);
	s->v2 += s->v1;
	s->v0 += s->v3;
	s->v1 = rotl(s->v1, 17) ^ s->v2;
	s->v3 = rotl(s->v3, 21) ^ s->v0;
	s->v2 = rotl(s->v2, 32);
}

static inline void sip_absorb(struct siphash *s, uint64_t word)
{
	s->v3 ^= word;
	sip_round(s);
	sip_round(s);
	s->v0 ^= word;
}

static inline uint64_t load_64(const char *p)
{
	uint64_t v;
	memcpy(&v, p, sizeof(v));
	return le64toh(v);
}

static inline uint64_t load_32(const char *p)
{
	uint32_t v;
	memcpy(&v, p, sizeof(v));
	return le32toh(v);
}

static inline uint64_t load_8(const char *p)
{
	return (uint8_t)*p;
}

/* What is left behind the last whole 8 bytes, as a little-endian number. Of fewer than 8 bytes in all
 * some are loaded twice: no call to copy them, and no loop. */
static inline uint64_t load_tail(struct str s)
{
	size_t n = s.n & 7;
	if (n == 0)
		return 0;
	if (s.n > 8)
		return load_64(s.p + s.n - 8) >> (64 - 8 * n);
	if (n >= 4)
		return load_32(s.p) | load_32(s.p + n - 4) << 8 * (n - 4);
	size_t middle = n / 2, last = n - 1;
	return load_8(s.p) | load_8(s.p + middle) << 8 * middle | load_8(s.p + last) << 8 * last;
}

/* `width` tells the forms of 128 bits from those of 64. */
static inline struct siphash sip_begin(struct hash_key key, uint64_t width)
{
	return (struct siphash){
		.v0 = key.k0 ^ 0x736f6d6570736575,
		.v1 = key.k1 ^ 0x646f72616e646f6d ^ width,
		.v2 = key.k0 ^ 0x6c7967656e657261,
		.v3 = key.k1 ^ 0x7465646279746573,
	};
}

static inline void sip_absorb_words(struct siphash *sip, struct str s)
{
	for (size_t i = 0; i + 8 <= s.n; i += 8)
		sip_absorb(sip, load_64(s.p + i));
}

static inline struct siphash sip_of(struct hash_key key, struct str s, uint64_t width)
{
	struct siphash sip = sip_begin(key, width);
	sip_absorb_words(&sip, s);
	sip_absorb(&sip, (uint64_t)s.n << 56 | load_tail(s));
	return sip;
}

static inline uint64_t sip_end(struct siphash *sip)
{
	for (int i = 0; i < 4; i++)
		sip_round(sip);
	return sip->v0 ^ sip->v1 ^ sip->v2 ^ sip->v3;
}

uint64_t siphash_end(struct siphash *sip)
{
	sip->v2 ^= 0xFF;
	return sip_end(sip);
}

uint64_t hash64_keyed(struct hash_key key, struct str s)
{
	struct siphash sip = sip_of(key, s, 0);
	return siphash_end(&sip);
}

struct hash128 hash128_keyed(struct hash_key key, struct str s)
{
	struct siphash sip = sip_of(key, s, 0xEE);
	struct hash128 out;
	sip.v2 ^= 0xEE;
	out.a = sip_end(&sip);
	sip.v1 ^= 0xDD;
	out.b = sip_end(&sip);
	return out;
}

static pthread_once_t key_once = PTHREAD_ONCE_INIT;
static struct hash_key process_key;

static void draw_key(void)
{
	random_bytes(&process_key, sizeof(process_key));
}

static struct hash_key seeded(uint64_t seed)
{
	must(pthread_once(&key_once, draw_key) == 0);
	return (struct hash_key){ process_key.k0 ^ seed, process_key.k1 };
}

uint64_t hash64_seeded(struct str s, uint64_t seed)
{
	return hash64_keyed(seeded(seed), s);
}

struct hash128 hash128_seeded(struct str s, uint64_t seed)
{
	return hash128_keyed(seeded(seed), s);
}

uint64_t hash64(struct str s)
{
	return hash64_seeded(s, 0);
}

struct siphash siphash_begin(void)
{
	return sip_begin(seeded(0), 0);
}

void siphash_number(struct siphash *sip, uint64_t n)
{
	sip_absorb(sip, n);
}

/* The length first, so that where one text ends is part of what is hashed. */
void siphash_text(struct siphash *sip, struct str s)
{
	sip_absorb(sip, s.n);
	sip_absorb_words(sip, s);
	if (s.n & 7)
		sip_absorb(sip, load_tail(s));
}

void hex_put(const uint8_t *p, size_t n, char *out)
{
	static const char digits[] = "0123456789abcdef";
	for (size_t i = 0; i < n; i++) {
		out[2 * i] = digits[p[i] >> 4];
		out[2 * i + 1] = digits[p[i] & 15];
	}
}

int hex_value(char c)
{
	/* One more than the value; 0: no digit */
	static const int8_t table[256] = {
		['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,
		['6'] = 7,  ['7'] = 8,  ['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12,
		['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16, ['A'] = 11, ['B'] = 12,
		['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
	};
	return table[(unsigned char)c] - 1;
}

bool hex_parse(struct str s, uint8_t *out, size_t n)
{
	if (s.n % 2 != 0 || s.n / 2 != n)
		return false;
	for (size_t i = 0; i < n; i++) {
		int v = hex_value(s.p[2 * i]) * 16 | hex_value(s.p[2 * i + 1]);
		if (v < 0)
			return false;
		out[i] = (uint8_t)v;
	}
	return true;
}

static size_t put_sextets(const uint8_t *p, size_t n, const char *alphabet, char *out)
{
	size_t used = 0;
	unsigned bits = 0, held = 0; /* held: how many low bits of `bits` are still to be written */
	for (size_t i = 0; i < n; i++) {
		bits = bits << 8 | p[i];
		for (held += 8; held >= 6; held -= 6)
			out[used++] = alphabet[bits >> (held - 6) & 63];
	}
	if (held > 0)
		out[used++] = alphabet[bits << (6 - held) & 63];
	return used;
}

#define SEXTETS_TO_61 "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

size_t base64url_put(const uint8_t *p, size_t n, char *out)
{
	return put_sextets(p, n, SEXTETS_TO_61 "-_", out);
}

size_t base64_put(const uint8_t *p, size_t n, char *out)
{
	size_t used = put_sextets(p, n, SEXTETS_TO_61 "+/", out);
	while (used % 4)
		out[used++] = '=';
	return used;
}

/* 0..63, or -1. */
static int base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Unpadded characters. Bits that are left over must be zero, so that each value has one text. */
static bool base64_decode(struct str s, char *out)
{
	unsigned bits = 0, held = 0;
	for (size_t i = 0; i < s.n; i++) {
		int v = base64_value(s.p[i]);
		if (v < 0)
			return false;
		bits = bits << 6 | (unsigned)v;
		held += 6;
		if (held < 8)
			continue;
		held -= 8;
		*out++ = (char)(bits >> held);
	}
	return (bits & ((1U << held) - 1)) == 0;
}

struct str base64_parse(struct arena *a, struct str s)
{
	size_t padding = 0;
	if (s.n % 4 != 0)
		return (struct str){ 0 };
	while (padding < 2 && padding < s.n && s.p[s.n - 1 - padding] == '=')
		padding++;
	size_t n = s.n / 4 * 3 - padding;
	char *p = arena_alloc(a, n);
	if (!p || !base64_decode(str_head(s, s.n - padding), p))
		return (struct str){ 0 };
	return (struct str){ p, n };
}
