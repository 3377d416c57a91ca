/*
 * What reading costs, in steps of SQLite's virtual machine instead of time: a page in the middle of
 * many contacts and events costs what it costs among few, and no look-up reads more as they grow.
 */
#include "fixture.h"

#include "store/reader.h"

enum {
	FEW = 300,
	MANY = 6000,
	PAGE = 20,
	/* Steps that a deeper tree or a longer binary search may add. */
	SLACK = 200,
	PER_ROW = 100,
};

/* A store with n contacts of workspace 1. Each has an event "purchase"; every 50th contact has one
 * more, "visit", as rare as that in the same minute. */
struct sized {
	struct fixture f;
	unsigned n;
	struct uuid middle_event;
	instant_us middle_at;
	uint64_t middle_seq;
};

static struct sized few = { .n = FEW }, many = { .n = MANY };

static void write_contact(struct sized *s, unsigned i)
{
	char email[40];
	snprintf(email, sizeof(email), "c%u@x.io", i);
	struct op op = fixture_op(&s->f, email), visit = op;
	assert_int_equal(store_apply(s->f.store, &op), STORE_OK);
	visit.definition = fixture_definition(&s->f, 1, "visit");
	if (i % 50 == 0)
		assert_int_equal(store_apply(s->f.store, &visit), STORE_OK);
	if (i == s->n / 2) {
		s->middle_event = op.event_id;
		s->middle_at = op.received_at;
		s->middle_seq = op.seq;
	}
}

static void fill(struct sized *s)
{
	fixture_begin(&s->f);
	fixture_provision(&s->f);
	for (unsigned i = 1; i <= s->n;) {
		assert_done(store_begin(s->f.store));
		for (unsigned end = i + 100; i < end && i <= s->n; i++)
			write_contact(s, i);
		assert_done(store_commit(s->f.store));
		clock_us += US_PER_S / 4;
		arena_reset(&s->f.arena);
	}
}

static int set_up(void **state)
{
	(void)state;
	fill(&few);
	fill(&many);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	fixture_end(&few.f);
	fixture_end(&many.f);
	return 0;
}

/* --- What is asked; each gives the number of rows --- */

static unsigned contacts(struct sized *s, struct contact_query q)
{
	struct contact_view *rows;
	unsigned n;
	bool more;
	q.workspace = 1;
	q.limit = PAGE;
	assert_done(store_read_contacts(s->f.reader, &s->f.arena, &q, &rows, &n, &more));
	return n;
}

static unsigned first_page(struct sized *s)
{
	return contacts(s, (struct contact_query){ 0 });
}

static unsigned middle_page(struct sized *s)
{
	return contacts(s, (struct contact_query){ .before = s->n / 2 });
}

static unsigned middle_page_upwards(struct sized *s)
{
	return contacts(s, (struct contact_query){ .after = s->n / 2 });
}

static unsigned last_page(struct sized *s)
{
	return contacts(s, (struct contact_query){ .before = PAGE + 1 });
}

static unsigned oldest_page(struct sized *s)
{
	return contacts(s, (struct contact_query){ .oldest = true });
}

static unsigned page_by_number(struct sized *s)
{
	return contacts(s, (struct contact_query){ .skip = FEW / 2 });
}

static unsigned count(struct sized *s)
{
	uint64_t n;
	assert_done(store_count_contacts(s->f.reader, 1, &n));
	assert_int_equal(n, s->n);
	return 1;
}

static unsigned lookup(struct sized *s, enum identity_kind kind, const char *value)
{
	return fixture_contact(&s->f, 1, kind, value).number != 0;
}

static unsigned by_email(struct sized *s)
{
	return lookup(s, IDENTITY_EMAIL, "c150@x.io");
}

static unsigned by_number(struct sized *s)
{
	return lookup(s, IDENTITY_NUMBER, "150");
}

static unsigned by_unknown_phone(struct sized *s)
{
	return lookup(s, IDENTITY_PHONE, "+15550100") + 1;
}

static unsigned events(struct sized *s, struct event_query q)
{
	struct event_row *rows;
	uint64_t next;
	unsigned n;
	q.workspace = 1;
	q.limit = q.limit ? q.limit : PAGE;
	assert_done(store_read_events(s->f.reader, &s->f.arena, &q, &rows, &n, &next));
	return n;
}

static unsigned newest_events(struct sized *s)
{
	return events(s, (struct event_query){ .until = INT64_MAX });
}

static unsigned middle_events(struct sized *s)
{
	return events(s, (struct event_query){ .before = s->middle_seq, .until = INT64_MAX });
}

static unsigned events_until(struct sized *s)
{
	return events(s, (struct event_query){ .until = s->middle_at });
}

static unsigned events_since(struct sized *s)
{
	return events(s, (struct event_query){ .since = s->middle_at, .until = INT64_MAX });
}

static unsigned events_of_contact(struct sized *s)
{
	return events(s, (struct event_query){ .contact = 150, .until = INT64_MAX });
}

static unsigned events_of_other_workspace(struct sized *s)
{
	struct event_query q = { .workspace = 2, .limit = PAGE, .until = INT64_MAX };
	struct event_row *rows;
	uint64_t next;
	unsigned n;
	assert_done(store_read_events(s->f.reader, &s->f.arena, &q, &rows, &n, &next));
	return n + 1;
}

static unsigned event_by_id(struct sized *s)
{
	struct event_row row;
	assert_done(store_read_event(s->f.reader, &s->f.arena, 1, s->middle_event, &row));
	return 1;
}

static unsigned stats(struct sized *s)
{
	struct store_stats out;
	assert_done(store_read_stats(s->f.reader, &s->f.arena, 1, &out));
	assert_int_equal(out.contacts, s->n);
	return out.n_definitions;
}

static unsigned keys(struct sized *s)
{
	const struct key_query q = { .workspace = 1, .limit = PAGE };
	struct key_page page;
	assert_done(store_read_keys(s->f.reader, &s->f.arena, &q, &page));
	return 1;
}

static const struct ask {
	const char *name;
	unsigned (*ask)(struct sized *s);
	unsigned rows;
	unsigned stepped_over; /* rows that the page's number says come before */
} asks[] = {
	{ "first page", first_page, PAGE, 0 },
	{ "middle page", middle_page, PAGE, 0 },
	{ "middle page, upwards", middle_page_upwards, PAGE, 0 },
	{ "last page", last_page, PAGE, 0 },
	{ "oldest page", oldest_page, PAGE, 0 },
	{ "page by number", page_by_number, PAGE, FEW / 2 },
	{ "count", count, 1, 0 },
	{ "by e-mail", by_email, 1, 0 },
	{ "by number", by_number, 1, 0 },
	{ "by unknown phone", by_unknown_phone, 1, 0 },
	{ "newest events", newest_events, PAGE, 0 },
	{ "events in the middle", middle_events, PAGE, 0 },
	{ "events until", events_until, PAGE, 0 },
	{ "events since", events_since, PAGE, 0 },
	{ "events of a contact", events_of_contact, 2, 0 },
	{ "events of another workspace", events_of_other_workspace, 1, 0 },
	{ "event by id", event_by_id, 1, 0 },
	{ "counts", stats, 2, 0 },
	{ "keys", keys, 1, 0 },
};

/* --- What it costs --- */

static unsigned sum(sqlite3_stmt **list, size_t n, int counter)
{
	unsigned all = 0;
	for (size_t i = 0; i < n; i++)
		all += (unsigned)sqlite3_stmt_status(list[i], counter, 1);
	return all;
}

static unsigned steps_of(struct sized *s, const struct ask *a)
{
	sqlite3_stmt **list = s->f.reader->st;
	sum(list, READ_STATEMENTS, SQLITE_STMTSTATUS_VM_STEP);
	sum(list, READ_STATEMENTS, SQLITE_STMTSTATUS_FULLSCAN_STEP);
	assert_int_equal(a->ask(s), a->rows);
	assert_int_equal(sum(list, READ_STATEMENTS, SQLITE_STMTSTATUS_FULLSCAN_STEP), 0);
	assert_int_equal(sum(list, READ_STATEMENTS, SQLITE_STMTSTATUS_SORT), 0);
	return sum(list, READ_STATEMENTS, SQLITE_STMTSTATUS_VM_STEP);
}

static void cost_is_that_of_what_is_shown(void **state)
{
	bool good = true;
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(asks); i++) {
		const struct ask *a = &asks[i];
		unsigned little = steps_of(&few, a), much = steps_of(&many, a);
		unsigned may = SLACK + PER_ROW * a->rows + 10 * a->stepped_over;
		print_message("%-30s %6u steps of %u, %6u of %u\n", a->name, little, FEW, much,
			      MANY);
		good &= much <= little + SLACK && much <= may;
	}
	assert_true(good);
}

/* A rare event is found by its slice of the minute, not by reading all that came in between. */
static void rare_events_cost_their_slices(void **state)
{
	enum { BETWEEN = 5000 };
	struct fixture *f = &many.f;
	struct event_query q = { .definition = fixture_definition(f, 1, "visit"),
				 .limit = 1,
				 .until = INT64_MAX };
	(void)state;
	clock_us += 60 * US_PER_S;
	assert_done(store_begin(f->store));
	for (unsigned i = 0; i <= BETWEEN; i++) {
		struct op op = fixture_op(f, "c1@x.io");
		if (i == 0 || i == BETWEEN)
			op.definition = q.definition;
		assert_int_equal(store_apply(f->store, &op), STORE_OK);
		q.before = op.seq;
	}
	assert_done(store_commit(f->store));
	sum(f->reader->st, READ_STATEMENTS, SQLITE_STMTSTATUS_VM_STEP);
	assert_int_equal(events(&many, q), 1);
	unsigned steps = sum(f->reader->st, READ_STATEMENTS, SQLITE_STMTSTATUS_VM_STEP);
	assert_in_range(steps, 1, SLACK + 2 * PER_ROW);
}

/* --- What a batch does besides --- */

static void remember_ids(struct fixture *f, unsigned n)
{
	assert_done(store_begin(f->store));
	for (unsigned i = 0; i < n; i++) {
		struct op op = fixture_op(f, "a@x.io");
		op.dedupe = (struct dedupe){ .space = DEDUPE_INFOBIP_EVENT, .keep_s = 60 };
		op.dedupe.key = arena_printf(&f->arena, "id-%u", i);
		assert_int_equal(store_apply(f->store, &op), STORE_OK);
	}
	assert_done(store_commit(f->store));
	clock_us += 61 * US_PER_S;
}

static unsigned steps_of_an_empty_batch(struct fixture *f)
{
	sum(f->store->st, STATEMENTS, SQLITE_STMTSTATUS_VM_STEP);
	assert_done(store_begin(f->store));
	assert_done(store_commit(f->store));
	return sum(f->store->st, STATEMENTS, SQLITE_STMTSTATUS_VM_STEP);
}

/* Ids of callers that have expired go some at a time, whatever number there is. */
static void purging_costs_what_goes(void **state)
{
	unsigned steps[2];
	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(steps); i++) {
		struct fixture f;
		fixture_begin(&f);
		fixture_provision(&f);
		remember_ids(&f, i == 0 ? FEW : MANY);
		steps_of_an_empty_batch(&f); /* has the most to purge, for what was added before */
		steps[i] = steps_of_an_empty_batch(&f);
		fixture_end(&f);
	}
	print_message("%u, %u steps\n", steps[0], steps[1]);
	assert_in_range(steps[1], 1, steps[0] + SLACK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cost_is_that_of_what_is_shown),
		cmocka_unit_test(rare_events_cost_their_slices),
		cmocka_unit_test(purging_costs_what_goes),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
