#include "model/contact.h"

#include "base/digest.h"

#include <stdio.h>

enum { UUID_TAIL_BITS = 62 };

/*
 * Row numbers grow by one, and ids made of them should not show it. Multiplying by an odd number
 * and folding the upper half into the lower one can both be undone, for any even width. This hides
 * nothing from somebody who reads this file.
 */
static const uint64_t first = 0x9E3779B97F4A7C15, second = 0xD6E8FEB86659FD93;
/* first * first_undo == 1 modulo 2^64, and so modulo any smaller power of two. */
static const uint64_t first_undo = 0xF1DE83E19937733D, second_undo = 0xCFEE444D8B59A89B;

static uint64_t low_bits(int bits)
{
	return UINT64_MAX >> (64 - bits);
}

static uint64_t fold(uint64_t v, int bits)
{
	return v ^ v >> bits / 2;
}

static uint64_t scramble(uint64_t v, int bits)
{
	uint64_t mask = low_bits(bits);
	v = fold(v * first & mask, bits);
	return fold(v * second & mask, bits);
}

static uint64_t unscramble(uint64_t v, int bits)
{
	uint64_t mask = low_bits(bits);
	v = fold(v, bits) * second_undo & mask;
	return fold(v, bits) * first_undo & mask;
}

struct uuid contact_uuid(uint64_t number, instant_us created_at)
{
	must(number <= low_bits(UUID_TAIL_BITS) && created_at >= 0);
	uint16_t fraction = (uint16_t)(created_at % 1000 * 4096 / 1000);
	return uuid_v7((uint64_t)created_at / 1000, fraction, scramble(number, UUID_TAIL_BITS));
}

uint64_t contact_uuid_number(struct uuid id)
{
	return unscramble(uuid_v7_tail(id), UUID_TAIL_BITS);
}

void contact_hex(uint64_t number, instant_us created_at, char out[CONTACT_HEX + 1])
{
	snprintf(out, CONTACT_HEX + 1, "%08x%016llx", (uint32_t)(created_at / US_PER_S),
		 (unsigned long long)scramble(number, 64));
}

static bool is_lower_hex(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!memchr("0123456789abcdef", s.p[i], 16))
			return false;
	return true;
}

bool contact_hex_parse(struct str hex, uint64_t *number, int64_t *created_s)
{
	uint8_t b[CONTACT_HEX / 2];
	if (hex.n != CONTACT_HEX || !is_lower_hex(hex) || !hex_parse(hex, b, sizeof(b)))
		return false;

	uint64_t second_of = 0, scrambled = 0;
	for (size_t i = 0; i < 4; i++)
		second_of = second_of << 8 | b[i];
	for (size_t i = 4; i < sizeof(b); i++)
		scrambled = scrambled << 8 | b[i];
	*created_s = (int64_t)second_of;
	*number = unscramble(scrambled, 64);
	return true;
}
