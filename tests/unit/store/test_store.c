/* The life of a store: open, provision, write, read, close, open again. */
#include "fixture.h"

static void empty_store_opens_again(void **state)
{
	struct fixture f;
	(void)state;
	fixture_begin(&f);
	fixture_reopen(&f);
	char why[100];
	assert_true(store_takes_writes(f.store, why, sizeof(why)));
	fixture_end(&f);
}

static void second_process_is_kept_out(void **state)
{
	struct fixture f;
	struct store *second;
	(void)state;
	fixture_begin(&f);
	struct store_config config = fixture_config(&f);
	assert_int_equal(store_open(&config, &second), -EBUSY);
	fixture_end(&f);
}

static void event_is_there_after_commit_and_reopen(void **state)
{
	struct fixture f;
	struct event_row *rows;
	unsigned n;
	uint64_t next;
	(void)state;
	fixture_begin(&f);
	fixture_provision(&f);
	struct op op = fixture_op(&f, "Ann@Example.com");
	assert_int_equal(fixture_apply(&f, &op), STORE_OK);
	assert_int_equal(op.seq, 1);
	assert_int_equal(op.contact, 1);
	assert_int_equal(op.received_at, clock_us);
	assert_int_equal(op.occurred_at, clock_us);

	for (int round = 0; round < 2; round++) {
		struct contact_view c = fixture_contact(&f, 1, IDENTITY_EMAIL, "ann@example.com");
		assert_int_equal(c.number, 1);
		assert_int_equal(c.event_count, 1);
		assert_int_equal(c.last_event_at, clock_us);
		assert_str(c.identities, "[{\"kind\":\"email\",\"value\":\"Ann@Example.com\"}]");
		assert_str(c.attributes, "{\"email\":\"Ann@Example.com\"}");

		struct event_query q = {
			.workspace = 1, .contact = 1, .limit = 10, .until = INT64_MAX
		};
		assert_done(store_read_events(f.reader, &f.arena, &q, &rows, &n, &next));
		assert_int_equal(n, 1);
		assert_int_equal(next, 0);
		assert_true(uuid_eq(rows[0].id, op.event_id));
		assert_true(uuid_eq(rows[0].contact_id, c.id));
		assert_str(rows[0].dialect, "pristo");
		assert_str(rows[0].definition, "purchase");
		assert_str(rows[0].properties, "{\"total\":1}");
		fixture_reopen(&f);
	}
	fixture_end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_store_opens_again),
		cmocka_unit_test(second_process_is_kept_out),
		cmocka_unit_test(event_is_there_after_commit_and_reopen),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
