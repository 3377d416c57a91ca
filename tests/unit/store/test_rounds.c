/*
 * Rounds in which heads are saved, beside batches that change what is being saved: whatever ends
 * the store, the next start knows each contact's newest event. Few events make a round here, and
 * all contacts stand in one block, so that most batches save the block that they touch.
 */
#include "fixture.h"

#include "whole.h"

enum { CONTACTS = 3 };

enum ending {
	CLEAN_END,
	KILL,
	RECOVERY, /* the last batch fails; then a clean end */
};

static void add_batch(struct fixture *f, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct op op = fixture_op(f, arena_printf(&f->arena, "%u@x.io", i % CONTACTS).p);
		assert_int_equal(store_apply(f->store, &op), STORE_OK);
	}
}

static void add_batches(struct fixture *f, unsigned batches, unsigned n)
{
	while (batches-- > 0) {
		assert_done(store_begin(f->store));
		add_batch(f, n);
		assert_done(store_commit(f->store));
	}
}

/* One that saves, too, and comes to nothing. */
static void fail_batch(struct fixture *f, unsigned n)
{
	assert_done(store_begin(f->store));
	add_batch(f, n);
	store_abandon(f->store);
	assert_done(store_recover(f->store));
}

static void expect_counts(struct fixture *f, unsigned batches, unsigned n)
{
	for (unsigned i = 0; i < CONTACTS; i++) {
		const char *email = arena_printf(&f->arena, "%u@x.io", i).p;
		unsigned per_batch = n / CONTACTS + (i < n % CONTACTS);
		struct contact_view row = fixture_contact(f, 1, IDENTITY_EMAIL, email);
		assert_int_equal(row.event_count, batches * per_batch);
	}
}

static void expect_whole(struct fixture *f, unsigned batches, unsigned n)
{
	expect_counts(f, batches, n);
	fixture_close(f);
	whole_check(f->dir);
	fixture_open(f);
	expect_counts(f, batches, n);
}

static void live(unsigned round_events, unsigned batches, unsigned n, enum ending ending)
{
	struct fixture f, killed;
	fixture_round_events = round_events;
	fixture_begin(&f);
	fixture_provision(&f);
	add_batches(&f, batches, n);
	switch (ending) {
	case CLEAN_END:
		fixture_reopen(&f);
		break;
	case KILL:
		fixture_copy(&f, &killed);
		expect_whole(&killed, batches, n);
		fixture_end(&killed);
		break;
	case RECOVERY:
		fail_batch(&f, n);
		break;
	}
	expect_whole(&f, batches, n);
	fixture_end(&f);
}

/* Each number of batches ends the store at another place of a round. */
static void every_place_of_a_round(enum ending ending)
{
	static const struct {
		unsigned round_events, per_batch;
	} cases[] = {
		{ 1, 1 },  /* each batch saves, and ends a round */
		{ 4, 6 },  /* several rounds within a batch */
		{ 6, 3 },  /* one batch saves, the next one ends the round */
		{ 12, 3 }, /* rounds of some batches */
		{ 1000, 3 },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		for (unsigned batches = 1; batches <= 9; batches++) {
			print_message("\rrounds of %u, %u batches of %u  ", cases[i].round_events,
				      batches, cases[i].per_batch);
			live(cases[i].round_events, batches, cases[i].per_batch, ending);
		}
	print_message("\n");
}

static void a_clean_end_saves_all(void **state)
{
	(void)state;
	every_place_of_a_round(CLEAN_END);
}

static void a_kill_loses_no_head(void **state)
{
	(void)state;
	every_place_of_a_round(KILL);
}

static void nor_does_a_batch_that_fails(void **state)
{
	(void)state;
	every_place_of_a_round(RECOVERY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_clean_end_saves_all),
		cmocka_unit_test(a_kill_loses_no_head),
		cmocka_unit_test(nor_does_a_batch_that_fails),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
