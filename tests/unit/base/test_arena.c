#include "base/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { KIB = 1024, MIB = 1024 * 1024 };

static void hands_out_aligned_pieces_that_do_not_overlap(void **state)
{
	static const size_t sizes[] = { 1, 0, 15, 16, 17, 4000, 0, 9000, 3, 100000 };
	unsigned char *pieces[ARRAY_LEN(sizes)];
	struct arena a;
	arena_init(&a, MIB, NULL);

	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		pieces[i] = arena_alloc(&a, sizes[i]);
		assert_non_null(pieces[i]);
		assert_int_equal((uintptr_t)pieces[i] % 16, 0);
		memset(pieces[i], (int)i + 1, sizes[i]);
	}
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
		for (size_t at = 0; at < sizes[i]; at++)
			assert_int_equal(pieces[i][at], i + 1);
	arena_fini(&a);
	(void)state;
}

static void an_empty_piece_is_no_refusal(void **state)
{
	struct arena a;
	arena_init(&a, KIB, NULL);
	void *first = arena_alloc(&a, 0), *second = arena_zalloc(&a, 0);
	assert_non_null(first);
	assert_non_null(second);
	assert_ptr_not_equal(first, second);
	assert_non_null(arena_array(&a, uint64_t, 0));
	arena_fini(&a);
	(void)state;
}

static void clears_what_should_be_clear(void **state)
{
	struct arena a;
	arena_init(&a, MIB, NULL);
	memset(arena_alloc(&a, 4096), 0xFF, 4096);
	arena_reset(&a);
	unsigned char *p = arena_zalloc(&a, 1000);
	uint64_t *array = arena_array(&a, uint64_t, 100);
	for (size_t i = 0; i < 1000; i++)
		assert_int_equal(p[i], 0);
	for (size_t i = 0; i < 100; i++)
		assert_int_equal(array[i], 0);
	arena_fini(&a);
	(void)state;
}

static void refuses_sizes_that_wrap_around(void **state)
{
	struct arena a;
	arena_init(&a, SIZE_MAX, NULL);
	assert_null(arena_alloc(&a, SIZE_MAX));
	assert_null(arena_alloc(&a, SIZE_MAX - 8));
	assert_null(arena_array(&a, uint64_t, SIZE_MAX / 8 + 2));
	void *p = arena_alloc(&a, 16);
	assert_null(arena_grow(&a, p, 16, SIZE_MAX));
	arena_fini(&a);
	(void)state;
}

static void stops_at_its_ceiling(void **state)
{
	struct arena a;
	arena_init(&a, 64 * KIB, NULL);
	size_t got = 0;
	while (arena_alloc(&a, KIB))
		got += KIB;
	assert_in_range(got, 48 * KIB, 64 * KIB);
	assert_true(a.held <= a.ceiling);
	assert_true(a.full);

	arena_reset(&a);
	assert_false(a.full);
	assert_null(arena_alloc(&a, 64 * KIB));
	assert_non_null(arena_alloc(&a, 40 * KIB));
	arena_fini(&a);

	arena_init(&a, 0, NULL);
	assert_null(arena_alloc(&a, 1));
	arena_fini(&a);
	(void)state;
}

static void takes_the_rest_of_a_ceiling_that_has_no_room_for_a_doubled_chunk(void **state)
{
	struct arena a;
	arena_init(&a, 12 * KIB, NULL);
	assert_non_null(arena_alloc(&a, 8000));
	assert_non_null(arena_alloc(&a, 4000)); /* a chunk of 16 KiB would be next */
	assert_null(arena_alloc(&a, 4000));
	arena_fini(&a);
	(void)state;
}

static void says_what_room_its_ceiling_leaves(void **state)
{
	struct arena a;
	arena_init(&a, 64 * KIB, NULL);
	assert_non_null(arena_alloc(&a, 8000));
	size_t room = arena_room(&a);
	assert_in_range(room, 48 * KIB, 56 * KIB);
	assert_false(arena_reserve(&a, room + 1));
	assert_true(a.full);
	assert_true(arena_reserve(&a, room));
	assert_int_equal(arena_room(&a), 0);
	arena_fini(&a);

	arena_init(&a, 1, NULL);
	assert_int_equal(arena_room(&a), 0);
	arena_fini(&a);
	(void)state;
}

static void shares_a_budget_beyond_the_first_chunk(void **state)
{
	struct arena_budget budget = { .max = 40 * KIB };
	struct arena a, b;
	arena_init(&a, MIB, &budget);
	arena_init(&b, MIB, &budget);

	assert_non_null(arena_alloc(&a, 4 * KIB));
	assert_non_null(arena_alloc(&b, 4 * KIB));
	assert_int_equal(budget.used, 0);
	assert_non_null(arena_alloc(&a, 30 * KIB));
	size_t used = budget.used;
	assert_in_range(used, 30 * KIB, 40 * KIB);
	assert_null(arena_alloc(&b, 30 * KIB));
	assert_int_equal(budget.used, used);
	assert_non_null(arena_alloc(&b, 1 * KIB)); /* what it holds goes on */

	arena_reset(&a);
	assert_int_equal(budget.used, 0);
	assert_non_null(arena_alloc(&b, 30 * KIB));
	arena_fini(&b);
	assert_int_equal(budget.used, 0);
	arena_fini(&a);
	(void)state;
}

/* Pieces of 32 KiB in arenas of their own, until one is refused. */
static unsigned hold(struct arena *arenas, unsigned most, struct arena_budget *budget,
		     struct arena_owner *owner)
{
	for (unsigned n = 0; n < most; n++) {
		arena_init(&arenas[n], MIB, budget);
		arena_own(&arenas[n], owner);
		if (!arena_alloc(&arenas[n], 32 * KIB - 16))
			return n;
	}
	return most;
}

static void leaves_room_beside_an_owner(void **state)
{
	enum { MAX = 120 };
	struct arena_budget budget = { .max = MAX * 32 * KIB };
	struct arena_owner owners[2] = { 0 };
	struct arena first[MAX], second[MAX], nobodys;
	(void)state;
	assert_int_equal(hold(first, MAX, &budget, &owners[0]), MAX / 2);
	assert_int_equal(owners[0].held, budget.used);
	assert_int_equal(hold(second, MAX, &budget, &owners[1]), MAX / 4);

	arena_reset(&first[0]);
	assert_int_equal(owners[0].held, (MAX / 2 - 1) * 32 * KIB);
	assert_null(first[0].owner);
	arena_own(&first[0], &owners[0]);
	assert_null(arena_alloc(&first[0], 32 * KIB - 16)); /* still above its share */
	assert_non_null(arena_alloc(&first[0], 10 * KIB));  /* the words for that */
	arena_reset(&first[0]);

	arena_init(&nobodys, MIB, &budget);
	assert_non_null(arena_alloc(&nobodys, (MAX / 4) * 32 * KIB - 16)); /* all that is left */
	arena_own(&nobodys, &owners[1]); /* what it held before is the owner's too */
	assert_int_equal(owners[1].held, 2 * (MAX / 4) * 32 * KIB);
	arena_own(&nobodys, &owners[1]);
	arena_fini(&nobodys);
	assert_int_equal(owners[1].held, (MAX / 4) * 32 * KIB);

	arena_own(&second[0], &owners[0]); /* one owner's becomes another's */
	assert_int_equal(owners[0].held, (MAX / 2) * 32 * KIB);
	assert_int_equal(owners[1].held, (MAX / 4 - 1) * 32 * KIB);
	arena_own(&second[0], NULL);
	assert_int_equal(owners[0].held, (MAX / 2 - 1) * 32 * KIB);
	for (unsigned i = 0; i <= MAX / 2; i++)
		arena_fini(&first[i]);
	for (unsigned i = 0; i <= MAX / 4; i++)
		arena_fini(&second[i]);
	assert_int_equal(budget.used + owners[0].held + owners[1].held, 0);
}

/* One that was not doubled because of it is none, nor is one at the ceiling. */
static void tells_what_was_refused_for_the_budget(void **state)
{
	struct arena_budget budget = { .max = 40 * KIB };
	struct arena a;
	(void)state;
	arena_init(&a, 60 * KIB, &budget);
	assert_non_null(arena_alloc(&a, 100));
	assert_null(arena_alloc(&a, 55 * KIB));
	assert_true(a.full && !a.poor);
	assert_non_null(arena_alloc(&a, 24 * KIB));
	assert_non_null(arena_alloc(&a, 10 * KIB));
	assert_false(a.poor);
	assert_null(arena_alloc(&a, 10 * KIB));
	assert_true(a.poor && !a.full);
	assert_non_null(arena_alloc(&a, 1 * KIB));
	assert_true(a.poor);
	arena_reset(&a);
	assert_false(a.poor);
	arena_fini(&a);
}

static void budgets_what_lies_in_no_arena(void **state)
{
	struct arena_budget budget = { .max = 100 * KIB };
	struct arena_owner owner = { 0 };
	assert_true(arena_budget_take(&budget, &owner, 50 * KIB));
	assert_false(arena_budget_take(&budget, &owner, 20 * KIB));
	assert_true(arena_budget_take(&budget, &owner, 10 * KIB));
	assert_int_equal(owner.held, 60 * KIB);
	assert_true(arena_budget_take(&budget, NULL, 40 * KIB));
	assert_false(arena_budget_take(&budget, NULL, 1));
	arena_budget_return(&budget, NULL, 40 * KIB);
	arena_budget_return(&budget, &owner, 60 * KIB);
	assert_int_equal(budget.used + owner.held, 0);
	(void)state;
}

static void knows_what_fits(void **state)
{
	struct arena a;
	arena_init(&a, MIB, NULL);
	assert_false(arena_fits(&a, 0)); /* it has nothing yet */
	assert_non_null(arena_alloc(&a, 4 * KIB));
	assert_true(arena_fits(&a, 0));
	assert_true(arena_fits(&a, 3 * KIB));
	assert_false(arena_fits(&a, 4 * KIB));
	assert_false(arena_fits(&a, SIZE_MAX));
	assert_false(arena_fits(&a, SIZE_MAX / 2));
	arena_fini(&a);
	(void)state;
}

static void charges_a_large_first_piece_too(void **state)
{
	struct arena_budget budget = { .max = 100 * KIB };
	struct arena a;
	arena_init(&a, MIB, &budget);
	assert_null(arena_alloc(&a, 200 * KIB));
	assert_int_equal(budget.used, 0);
	assert_non_null(arena_alloc(&a, 50 * KIB));
	assert_true(budget.used >= 50 * KIB);
	arena_reset(&a);
	assert_int_equal(budget.used, 0);
	assert_int_equal(a.held, 0);
	assert_non_null(arena_alloc(&a, 100));
	arena_fini(&a);
	(void)state;
}

static void reset_keeps_the_first_chunk_for_the_next_request(void **state)
{
	struct arena a;
	arena_init(&a, MIB, NULL);
	arena_reset(&a);
	void *first = arena_alloc(&a, 100);
	size_t held = a.held;
	assert_non_null(arena_alloc(&a, 100 * KIB));
	arena_reset(&a);
	assert_int_equal(a.held, held);
	assert_ptr_equal(arena_alloc(&a, 100), first);
	arena_fini(&a);
	assert_int_equal(a.held, 0);
	(void)state;
}

static void grows_in_place_or_by_copy(void **state)
{
	struct arena a;
	arena_init(&a, MIB, NULL);
	char *p = arena_grow(&a, NULL, 0, 10);
	memcpy(p, "0123456789", 10);
	assert_ptr_equal(arena_grow(&a, p, 10, 1000), p);
	assert_ptr_equal(arena_grow(&a, p, 1000, 1001), p);

	char *fence = arena_alloc(&a, 1);
	char *moved = arena_grow(&a, p, 1001, 2000);
	assert_ptr_not_equal(moved, p);
	assert_memory_equal(moved, "0123456789", 10);
	assert_true(moved > fence || moved + 2000 <= fence);

	char *far = arena_grow(&a, moved, 2000, 100 * KIB); /* leaves the chunk */
	assert_ptr_not_equal(far, moved);
	assert_memory_equal(far, "0123456789", 10);
	assert_null(arena_grow(&a, far, 100 * KIB, 2 * MIB));
	assert_memory_equal(far, "0123456789", 10);

	char *less = arena_grow(&a, moved, 2000, 4);
	assert_memory_equal(less, "0123", 4);
	arena_fini(&a);
	(void)state;
}

/* There under AddressSanitizer only. */
int __asan_address_is_poisoned(const volatile void *p) __attribute__((weak));

static bool is_poisoned(const char *p)
{
	return __asan_address_is_poisoned(p);
}

static void what_nobody_was_given_is_poisoned(void **state)
{
	struct arena a;
	(void)state;
	if (!__asan_address_is_poisoned)
		skip();
	arena_init(&a, MIB, NULL);
	char *first = arena_alloc(&a, 32), *second = arena_alloc(&a, 5);
	assert_false(is_poisoned(first + 31));
	assert_true(is_poisoned(first + 32) && first + 32 < second);
	assert_false(is_poisoned(second + 4));
	assert_true(is_poisoned(second + 5));
	assert_ptr_equal(arena_grow(&a, second, 5, 100), second);
	assert_false(is_poisoned(second + 99));
	assert_true(is_poisoned(second + 100));
	arena_reset(&a);
	assert_true(is_poisoned(first));
	arena_fini(&a);
}

static void copies_and_prints_text(void **state)
{
	struct arena a;
	arena_init(&a, 16 * KIB, NULL);
	struct str s = arena_str(&a, STR("a\0b"));
	assert_true(str_eq(s, STR("a\0b")));
	assert_int_equal(s.p[3], '\0');
	s = arena_str(&a, (struct str){ NULL, 0 });
	assert_non_null(s.p);
	assert_int_equal(s.n, 0);
	assert_string_equal(arena_printf(&a, "%s-%d", "x", 7).p, "x-7");
	assert_null(arena_printf(&a, "%*s", 20 * KIB, "").p);
	assert_null(arena_str(&a, (struct str){ "", SIZE_MAX / 2 }).p);
	arena_fini(&a);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hands_out_aligned_pieces_that_do_not_overlap),
		cmocka_unit_test(an_empty_piece_is_no_refusal),
		cmocka_unit_test(clears_what_should_be_clear),
		cmocka_unit_test(refuses_sizes_that_wrap_around),
		cmocka_unit_test(stops_at_its_ceiling),
		cmocka_unit_test(takes_the_rest_of_a_ceiling_that_has_no_room_for_a_doubled_chunk),
		cmocka_unit_test(says_what_room_its_ceiling_leaves),
		cmocka_unit_test(shares_a_budget_beyond_the_first_chunk),
		cmocka_unit_test(leaves_room_beside_an_owner),
		cmocka_unit_test(tells_what_was_refused_for_the_budget),
		cmocka_unit_test(budgets_what_lies_in_no_arena),
		cmocka_unit_test(knows_what_fits),
		cmocka_unit_test(charges_a_large_first_piece_too),
		cmocka_unit_test(reset_keeps_the_first_chunk_for_the_next_request),
		cmocka_unit_test(grows_in_place_or_by_copy),
		cmocka_unit_test(what_nobody_was_given_is_poisoned),
		cmocka_unit_test(copies_and_prints_text),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
