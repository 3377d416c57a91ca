#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void assert_text(const struct buf *b, struct str wanted)
{
	assert_false(b->failed);
	assert_int_equal(b->n, wanted.n);
	if (wanted.n)
		assert_memory_equal(b->p, wanted.p, wanted.n);
}

static void writes_pieces_one_behind_the_other(void **state)
{
	struct arena a;
	arena_init(&a, 1 << 20, NULL);
	struct buf b = buf_in(&a);
	assert_text(&b, STR(""));
	buf_put(&b, (struct str){ NULL, 0 });
	assert_text(&b, STR(""));
	buf_lit(&b, "a\0b");
	buf_char(&b, ' ');
	buf_u64(&b, 0);
	buf_char(&b, ' ');
	buf_u64(&b, UINT64_MAX);
	buf_char(&b, ' ');
	buf_i64(&b, INT64_MIN);
	buf_char(&b, ' ');
	buf_i64(&b, -1);
	buf_printf(&b, " %s/%05d", "x", 42);
	assert_text(&b, STR("a\0b 0 18446744073709551615 -9223372036854775808 -1 x/00042"));
	arena_fini(&a);
	(void)state;
}

static void grows_as_it_is_written(void **state)
{
	struct arena a;
	arena_init(&a, 1 << 20, NULL);
	struct buf one = buf_in(&a), two = buf_in(&a);
	for (int i = 0; i < 5000; i++) {
		buf_printf(&one, "%d,", i % 10);
		buf_char(&two, (char)('a' + i % 26));
	}
	assert_int_equal(one.n, 10000);
	assert_int_equal(two.n, 5000);
	for (size_t i = 0; i < 5000; i++) {
		assert_int_equal(one.p[2 * i], '0' + i % 10);
		assert_int_equal(two.p[i], 'a' + i % 26);
	}
	arena_fini(&a);
	(void)state;
}

static void a_refused_write_sticks(void **state)
{
	struct arena a;
	arena_init(&a, 16 * 1024, NULL);
	struct buf b = buf_in(&a);
	buf_lit(&b, "kept");
	buf_printf(&b, "%*s", 1 << 20, "");
	assert_true(b.failed);
	assert_int_equal(b.n, 4);
	buf_lit(&b, "later");
	buf_char(&b, 'c');
	buf_u64(&b, 1);
	buf_json_str(&b, STR("s"));
	assert_true(b.failed);
	assert_int_equal(b.n, 4);
	arena_fini(&a);
	(void)state;
}

static void takes_less_than_double_where_the_ceiling_is_near(void **state)
{
	struct arena a;
	arena_init(&a, 8 * 1024, NULL);
	struct buf b = buf_in(&a);
	for (int i = 0; i < 5000; i++)
		buf_char(&b, 'x');
	assert_false(b.failed);
	assert_int_equal(b.n, 5000);
	arena_fini(&a);
	(void)state;
}

static void stays_in_the_room_of_a_borrowed_buffer(void **state)
{
	char room[8];
	struct buf b = buf_over(room, sizeof(room));
	buf_lit(&b, "12345678");
	assert_text(&b, STR("12345678"));
	assert_ptr_equal(b.p, room);
	buf_char(&b, '9');
	assert_true(b.failed);
	assert_int_equal(b.n, 8);
	(void)state;
}

static void writes_json_strings(void **state)
{
	static const struct {
		struct str in, out;
	} cases[] = {
		{ { NULL, 0 }, STR_INIT("\"\"") },
		{ STR_INIT("plain /'<>&"), STR_INIT("\"plain /'<>&\"") },
		{ STR_INIT("\""), STR_INIT("\"\\\"\"") },
		{ STR_INIT("a\\\\b"), STR_INIT("\"a\\\\\\\\b\"") },
		{ STR_INIT("\n\r\t"), STR_INIT("\"\\n\\r\\t\"") },
		{ STR_INIT("\0x\x01\x1f\b\f"),
		  STR_INIT("\"\\u0000x\\u0001\\u001f\\u0008\\u000c\"") },
		{ STR_INIT("\x7f\xc3\xa4\xe2\x80\xa8\xf0\x9f\x98\x80"),
		  STR_INIT("\"\x7f\xc3\xa4\xe2\x80\xa8\xf0\x9f\x98\x80\"") },
	};
	struct arena a;
	arena_init(&a, 1 << 20, NULL);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf b = buf_in(&a);
		buf_json_str(&b, cases[i].in);
		assert_text(&b, cases[i].out);
	}
	arena_fini(&a);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_pieces_one_behind_the_other),
		cmocka_unit_test(grows_as_it_is_written),
		cmocka_unit_test(a_refused_write_sticks),
		cmocka_unit_test(takes_less_than_double_where_the_ceiling_is_near),
		cmocka_unit_test(stays_in_the_room_of_a_borrowed_buffer),
		cmocka_unit_test(writes_json_strings),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
