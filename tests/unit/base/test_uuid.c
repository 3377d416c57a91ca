#include "base/uuid.h"

#include <pthread.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct uuid known = { { 0x0f, 0x8f, 0xad, 0x5b, 0xd9, 0xcb, 0x46, 0x9f, 0xa1, 0x65,
				     0x70, 0x86, 0x77, 0x28, 0x95, 0x0e } };
#define KNOWN       "0f8fad5b-d9cb-469f-a165-70867728950e"
#define KNOWN_UPPER "0F8FAD5B-D9CB-469F-A165-70867728950E"

static void reads_and_writes_text(void **state)
{
	static const char *const taken[] = { KNOWN, KNOWN_UPPER,
					     "0f8FAD5b-D9cb-469F-a165-70867728950E" };
	char text[UUID_TEXT + 1];
	struct uuid u;
	for (size_t i = 0; i < ARRAY_LEN(taken); i++) {
		memset(&u, 0, sizeof(u));
		assert_true(uuid_parse(str_of(taken[i]), &u));
		assert_true(uuid_eq(u, known));
	}
	uuid_text(known, text);
	assert_string_equal(text, KNOWN);
	uuid_text_upper(known, text);
	assert_string_equal(text, KNOWN_UPPER);
	assert_true(uuid_parse(STR("00000000-0000-0000-0000-000000000000"), &u));
	assert_false(uuid_eq(u, known));
	assert_true(uuid_parse(STR("ffffffff-ffff-ffff-ffff-ffffffffffff"), &u));
	(void)state;
}

static void refuses_other_text(void **state)
{
	static const struct str refused[] = {
		{ NULL, 0 },
		STR_INIT("0f8fad5b-d9cb-469f-a165-70867728950"),
		STR_INIT("0f8fad5b-d9cb-469f-a165-70867728950e0"),
		STR_INIT("0f8fad5b-d9cb-469f-a165-70867728950e\0"),
		STR_INIT("{0f8fad5b-d9cb-469f-a165-70867728950e}"),
		STR_INIT("0f8fad5bd9cb469fa16570867728950e"),
		STR_INIT("0f8fad5bd9cb469fa16570867728950e0000"),
		STR_INIT("0f8fad5b-d9cb-469f-a165_70867728950e"),
		STR_INIT("0f8fad5-bd9cb-469f-a165-70867728950e"),
		STR_INIT("0f8fad5b-d9cb-469f-a165-7086772895-e"),
		STR_INIT("0f8fad5g-d9cb-469f-a165-70867728950e"),
		STR_INIT("0f8fad5b-d9cb-469f-a165-7086772895 e"),
		STR_INIT("0f8fad5b-d9cb-469f-a165-70867728950\x10"),
		STR_INIT("+f8fad5b-d9cb-469f-a165-70867728950e"),
	};
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		struct uuid u = known;
		assert_false(uuid_parse(refused[i], &u));
		assert_true(uuid_eq(u, known));
	}
	(void)state;
}

static void version_4_is_marked_and_never_the_same(void **state)
{
	struct uuid before = uuid_v4();
	for (int i = 0; i < 1000; i++) {
		struct uuid u = uuid_v4();
		assert_int_equal(u.b[6] >> 4, 4);
		assert_int_equal(u.b[8] >> 6, 2);
		assert_false(uuid_eq(u, before));
		before = u;
	}
	(void)state;
}

static void version_7_gives_back_what_it_was_made_of(void **state)
{
	const uint64_t tail_max = UINT64_MAX >> 2, ms_max = UINT64_MAX >> 16;
	static const uint64_t some_ms = 0x017F22E279B0; /* the example of RFC 9562, appendix A.6 */
	char text[UUID_TEXT + 1];

	struct uuid u = uuid_v7(some_ms, 0xCC3, 0x18C4DC0C0C07398F);
	uuid_text(u, text);
	assert_string_equal(text, "017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
	assert_int_equal(uuid_v7_ms(u), some_ms);
	assert_int_equal(uuid_v7_tail(u), 0x18C4DC0C0C07398F);

	u = uuid_v7(ms_max, 0xFFF, tail_max);
	uuid_text(u, text);
	assert_string_equal(text, "ffffffff-ffff-7fff-bfff-ffffffffffff");
	assert_int_equal(uuid_v7_ms(u), ms_max);
	assert_int_equal(uuid_v7_tail(u), tail_max);

	u = uuid_v7(0, 0xF000, ~tail_max); /* what is too wide is cut, the marks stay */
	uuid_text(u, text);
	assert_string_equal(text, "00000000-0000-7000-8000-000000000000");
	(void)state;
}

static void version_7_grows_with_time_then_counter(void **state)
{
	const struct uuid rising[] = {
		uuid_v7(1, 0, UINT64_MAX), uuid_v7(1, 1, 0),       uuid_v7(1, 0xFFF, 5),
		uuid_v7(2, 0, 0),          uuid_v7(256, 0xFFF, 0), uuid_v7(65536, 0, 0),
	};
	for (size_t i = 1; i < ARRAY_LEN(rising); i++)
		assert_true(memcmp(rising[i - 1].b, rising[i].b, sizeof(rising[i].b)) < 0);
	(void)state;
}

static void random_bytes_fill_exactly_what_was_asked(void **state)
{
	static const size_t sizes[] = { 0, 1, 7, 8, 255, 256, 257, 1000 };
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		unsigned char out[1002] = { 0 }, seen[1002] = { 0 };
		for (int round = 0; round < 8; round++) {
			random_bytes(out + 1, sizes[i]);
			for (size_t at = 0; at < sizeof(out); at++)
				seen[at] |= out[at];
		}
		/* eight rounds leave a byte all zero once in 2^64 */
		for (size_t at = 0; at < sizeof(seen); at++)
			assert_int_equal(seen[at] != 0, at >= 1 && at <= sizes[i]);
	}
	(void)state;
}

static void *draw(void *out)
{
	random_bytes(out, 64);
	return NULL;
}

static void threads_draw_different_bytes(void **state)
{
	unsigned char a[64], b[64];
	pthread_t first, second;
	assert_int_equal(pthread_create(&first, NULL, draw, a), 0);
	assert_int_equal(pthread_create(&second, NULL, draw, b), 0);
	pthread_join(first, NULL);
	pthread_join(second, NULL);
	assert_memory_not_equal(a, b, sizeof(a));
	assert_int_not_equal(random_u64(), random_u64());
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_and_writes_text),
		cmocka_unit_test(refuses_other_text),
		cmocka_unit_test(version_4_is_marked_and_never_the_same),
		cmocka_unit_test(version_7_gives_back_what_it_was_made_of),
		cmocka_unit_test(version_7_grows_with_time_then_counter),
		cmocka_unit_test(random_bytes_fill_exactly_what_was_asked),
		cmocka_unit_test(threads_draw_different_bytes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
