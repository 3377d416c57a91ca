/* Outward ids of a contact lead back to its number, and look like what they claim to be. */
#include "model/contact.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

static const uint64_t numbers[] = {
	1, 2, 3, 4095, 4096, UINT32_MAX, 1ULL << 40, (1ULL << 62) - 2, (1ULL << 62) - 1,
};

static const instant_us times[] = {
	0, 999, 1000, 1780000000123456, 4294967295LL * US_PER_S + 999999,
};

static void uuid_leads_back_to_the_number(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		for (size_t j = 0; j < ARRAY_LEN(times); j++) {
			struct uuid id = contact_uuid(numbers[i], times[j]);
			assert_int_equal(contact_uuid_number(id), numbers[i]);
			assert_int_equal(uuid_v7_ms(id), times[j] / 1000);
			assert_int_equal(id.b[6] >> 4, 7);
			assert_int_equal(id.b[8] >> 6, 2);
		}
	}
}

static void hex_leads_back_to_number_and_second(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		for (size_t j = 0; j < ARRAY_LEN(times); j++) {
			char hex[CONTACT_HEX + 1];
			uint64_t number;
			int64_t created_s;
			contact_hex(numbers[i], times[j], hex);
			assert_int_equal(strlen(hex), CONTACT_HEX);
			assert_true(contact_hex_parse(str_of(hex), &number, &created_s));
			assert_int_equal(number, numbers[i]);
			assert_int_equal(created_s, times[j] / US_PER_S);
		}
	}
}

static void neighbours_do_not_look_alike(void **state)
{
	(void)state;
	for (uint64_t n = 1; n < 1000; n++) {
		uint64_t a = uuid_v7_tail(contact_uuid(n, 0));
		uint64_t b = uuid_v7_tail(contact_uuid(n + 1, 0));
		assert_true(__builtin_popcountll(a ^ b) >= 8);
	}
}

static void hex_is_read_strictly(void **state)
{
	static const char *const wrong[] = {
		"",
		"6a18b4800123456789abcde",   /* 23 */
		"6a18b4800123456789abcdef0", /* 25 */
		"6A18B4800123456789ABCDEF",  /* upper case */
		"6a18b4800123456789abcdeg",
		"6a18b480-123456789abcdef",
		" 6a18b480123456789abcdef",
	};
	uint64_t number = 77;
	int64_t created_s = 88;
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		assert_false(contact_hex_parse(str_of(wrong[i]), &number, &created_s));
	assert_int_equal(number, 77);
	assert_int_equal(created_s, 88);
}

/* They are out in the world: a change of the arithmetic would lose every contact's address. */
static void ids_stay_what_they_were(void **state)
{
	char text[UUID_TEXT + 1], hex[CONTACT_HEX + 1];
	(void)state;
	uuid_text(contact_uuid(1, 1780000000123456), text);
	contact_hex(1, 1780000000123456, hex);
	assert_string_equal(text, "019e7044-887b-774b-a737-299ddae8701e");
	assert_string_equal(hex, "6a18a50017fb89ee9dcab42a");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(uuid_leads_back_to_the_number),
		cmocka_unit_test(hex_leads_back_to_number_and_second),
		cmocka_unit_test(neighbours_do_not_look_alike),
		cmocka_unit_test(hex_is_read_strictly),
		cmocka_unit_test(ids_stay_what_they_were),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
