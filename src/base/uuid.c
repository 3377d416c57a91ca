#include "base/uuid.h"

#include "base/digest.h"

#include <endian.h>
#include <errno.h>
#include <sys/random.h>

/* How many bytes each of the five groups holds; a '-' stands between groups. */
static const uint8_t groups[] = { 4, 2, 2, 2, 6 };

bool uuid_parse(struct str s, struct uuid *out)
{
	struct uuid u;
	const char *from = s.p;
	uint8_t *to = u.b;

	if (s.n != UUID_TEXT)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(groups); i++) {
		if (i > 0 && *from++ != '-')
			return false;
		if (!hex_parse((struct str){ from, 2U * groups[i] }, to, groups[i]))
			return false;
		from += 2 * groups[i];
		to += groups[i];
	}
	*out = u;
	return true;
}

void uuid_text(struct uuid u, char out[UUID_TEXT + 1])
{
	const uint8_t *from = u.b;
	char *to = out;
	for (size_t i = 0; i < ARRAY_LEN(groups); i++) {
		hex_put(from, groups[i], to);
		from += groups[i];
		to += 2 * groups[i];
		*to++ = '-';
	}
	to[-1] = '\0';
}

void uuid_text_upper(struct uuid u, char out[UUID_TEXT + 1])
{
	uuid_text(u, out);
	for (char *c = out; *c; c++)
		if (*c >= 'a')
			*c = (char)(*c - 'a' + 'A');
}

struct uuid uuid_v4(void)
{
	struct uuid u;
	random_bytes(u.b, sizeof(u.b));
	u.b[6] = 0x40 | (u.b[6] & 0x0F);
	u.b[8] = 0x80 | (u.b[8] & 0x3F);
	return u;
}

/* Big-endian, as RFC 9562 lays numbers out. In two pieces, as whoever copies a UUID reads it: byte
 * by byte the processor would wait for all of them. */
static void put_be64(uint8_t *to, uint64_t v)
{
	v = htobe64(v);
	memcpy(to, &v, sizeof(v));
}

static uint64_t get_be64(const uint8_t *from)
{
	uint64_t v;
	memcpy(&v, from, sizeof(v));
	return be64toh(v);
}

struct uuid uuid_v7(uint64_t unix_ms, uint16_t counter, uint64_t tail)
{
	struct uuid u = { .b = { 0 } };
	put_be64(u.b, unix_ms << 16 | 7U << 12 | (counter & 0xFFF));
	put_be64(u.b + 8, 1ULL << 63 | (tail & UINT64_MAX >> 2));
	return u;
}

uint64_t uuid_v7_ms(struct uuid u)
{
	return get_be64(u.b) >> 16;
}

uint64_t uuid_v7_tail(struct uuid u)
{
	return get_be64(u.b + 8) & UINT64_MAX >> 2;
}

/* getrandom(2) is a whole system call for any size, so each thread draws a block ahead. 256 bytes
 * is the most it promises in one piece. */
static _Thread_local struct {
	uint8_t b[256];
	size_t left; /* unused bytes, at the end */
} block;

static void draw_block(void)
{
	ssize_t r;
	do
		r = getrandom(block.b, sizeof(block.b), 0);
	while (r < 0 && errno == EINTR);
	must(r == sizeof(block.b));
	block.left = sizeof(block.b);
}

void random_bytes(void *out, size_t n)
{
	for (uint8_t *to = out; n > 0;) {
		if (block.left == 0)
			draw_block();
		size_t take = MIN(n, block.left);
		uint8_t *from = block.b + sizeof(block.b) - block.left;
		memcpy(to, from, take);
		memset(from, 0, take); /* what was handed out may be a secret now */
		block.left -= take;
		to += take;
		n -= take;
	}
}

uint64_t random_u64(void)
{
	uint64_t v;
	random_bytes(&v, sizeof(v));
	return v;
}
