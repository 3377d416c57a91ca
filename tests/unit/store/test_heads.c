/* Heads in memory: what a batch changes, what the others see, what is saved and read back. */
#include "base/fail.h"
#include "store/heads.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct heads h;

static int set_up(void **state)
{
	(void)state;
	return heads_init(&h);
}

static int tear_down(void **state)
{
	(void)state;
	heads_fini(&h);
	return 0;
}

static void add_event(uint64_t contact, uint64_t seq)
{
	struct head *head = heads_touch(&h, contact);
	assert_non_null(head);
	head->seq = seq;
	head->count++;
	head->print = seq * 7;
}

static void batch_is_seen_after_it_is_kept(void **state)
{
	(void)state;
	add_event(5, 1);
	assert_int_equal(heads_touch(&h, 5)->seq, 1);
	assert_int_equal(heads_seq(&h, 5), 0);
	heads_keep(&h);
	assert_int_equal(heads_seq(&h, 5), 1);
	assert_int_equal(heads_touch(&h, 5)->count, 1);
	assert_int_equal(heads_touch(&h, 5)->print, 7);
}

static void dropped_batch_leaves_nothing(void **state)
{
	(void)state;
	add_event(5, 1);
	heads_keep(&h);
	add_event(5, 2);
	add_event(6, 3);
	heads_drop(&h);
	assert_int_equal(heads_seq(&h, 5), 1);
	assert_int_equal(heads_touch(&h, 5)->count, 1);
	assert_int_equal(heads_touch(&h, 6)->count, 0);
	heads_drop(&h);
}

static void many_contacts_in_one_batch(void **state)
{
	enum { CONTACTS = 20000, STEP = 37 };
	(void)state;
	for (uint64_t round = 0; round < 3; round++) {
		for (uint64_t i = 1; i <= CONTACTS; i++)
			add_event(i * STEP, round * CONTACTS + i);
		if (round == 1)
			heads_drop(&h);
		else
			heads_keep(&h);
	}
	for (uint64_t i = 1; i <= CONTACTS; i++) {
		assert_int_equal(heads_seq(&h, i * STEP), 2 * CONTACTS + i);
		assert_int_equal(heads_seq(&h, i * STEP + 1), 0);
		assert_int_equal(heads_touch(&h, i * STEP)->count, 2);
	}
	heads_drop(&h);
}

static void numbers_have_an_end(void **state)
{
	(void)state;
	add_event(HEADS_CONTACT_MAX, 1);
	heads_keep(&h);
	assert_int_equal(heads_seq(&h, HEADS_CONTACT_MAX), 1);
	assert_null(heads_touch(&h, (uint64_t)HEADS_CONTACT_MAX + 1));
	assert_int_equal(heads_seq(&h, (uint64_t)HEADS_CONTACT_MAX + 1), 0);
	assert_int_equal(heads_seq(&h, UINT64_MAX), 0);
	assert_true(heads_replay(&h, UINT64_MAX, 1, 1) < 0);
}

static void replay_takes_the_newest_in_any_order(void **state)
{
	static const struct {
		uint64_t seq;
		uint32_t nth;
	} events[] = { { 5, 2 }, { 9, 3 }, { 2, 1 }, { 9, 3 } };
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(events); i++)
		assert_int_equal(heads_replay(&h, 1, events[i].seq, events[i].nth), 0);
	assert_int_equal(heads_seq(&h, 1), 9);
	assert_int_equal(heads_touch(&h, 1)->count, 3);
	heads_drop(&h);
}

static void saved_block_reads_back(void **state)
{
	static uint8_t bytes[HEADS_BLOCK_BYTES];
	struct heads other;
	(void)state;
	add_event(HEADS_BLOCK, 3);
	add_event(HEADS_BLOCK + 1, UINT64_MAX / 3);
	add_event(2 * HEADS_BLOCK - 1, 7);
	assert_false(heads_dirty(&h, 1)); /* the batch is not kept yet */
	heads_keep(&h);
	assert_true(heads_dirty(&h, 1));
	assert_false(heads_dirty(&h, 0));
	heads_write(&h, 1, bytes);
	heads_saved(&h, 1);
	assert_false(heads_dirty(&h, 1));

	assert_int_equal(heads_init(&other), 0);
	assert_int_equal(heads_read(&other, 1, bytes), 0);
	assert_false(heads_dirty(&other, 1));
	for (uint64_t contact = 0; contact < 3 * HEADS_BLOCK; contact++)
		assert_int_equal(heads_seq(&other, contact), heads_seq(&h, contact));
	assert_int_equal(heads_touch(&other, 2 * HEADS_BLOCK - 1)->count, 1);
	heads_fini(&other);
}

/* After a recovery memory may know more than what was saved: that has to be saved again. */
static void older_block_does_not_overwrite(void **state)
{
	static uint8_t bytes[HEADS_BLOCK_BYTES];
	(void)state;
	add_event(1, 3);
	heads_keep(&h);
	heads_write(&h, 0, bytes);
	heads_saved(&h, 0);
	add_event(1, 4);
	heads_keep(&h);
	heads_saved(&h, 0);
	assert_int_equal(heads_read(&h, 0, bytes), 0);
	assert_int_equal(heads_seq(&h, 1), 4);
	assert_true(heads_dirty(&h, 0));
}

/* What does not concern the saved part does not make a block worth saving. */
static void print_alone_is_not_saved(void **state)
{
	(void)state;
	add_event(1, 3);
	heads_keep(&h);
	heads_saved(&h, 0);
	heads_touch(&h, 1)->print = 99;
	heads_keep(&h);
	assert_false(heads_dirty(&h, 0));
	assert_int_equal(heads_touch(&h, 1)->print, 99);
	heads_drop(&h);
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(batch_is_seen_after_it_is_kept),       CASE(dropped_batch_leaves_nothing),
		CASE(many_contacts_in_one_batch),           CASE(numbers_have_an_end),
		CASE(replay_takes_the_newest_in_any_order), CASE(saved_block_reads_back),
		CASE(older_block_does_not_overwrite),       CASE(print_alone_is_not_saved),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
