/* How often something happened to a contact, as counted one by one. */
#include "store/lookback.h"

#include "fixture.h"

enum { EVENTS = CONDITION_COUNT_MAX + 20 };

static struct {
	uint64_t seq;
	uint32_t definition;
	instant_us at;
} past[EVENTS];

static void add(struct fixture *f, unsigned i, uint32_t definition)
{
	struct op op = fixture_op(f, "a@example.com");
	op.definition = definition;
	assert_int_equal(fixture_apply(f, &op), STORE_OK);
	past[i].seq = op.seq;
	past[i].definition = definition;
	past[i].at = op.received_at;
}

/* Up to the first that is older, among so many. */
static uint64_t expected(unsigned from, uint32_t definition, instant_us since)
{
	uint64_t n = 0;
	for (unsigned k = 0; k < CONDITION_COUNT_MAX && k <= from; k++) {
		if (past[from - k].at < since)
			break;
		n += definition == 0 || past[from - k].definition == definition;
	}
	return n;
}

static void check(struct lookback *b, unsigned from, uint32_t definition, instant_us since)
{
	uint64_t n = 0;
	assert_done(lookback_count(b, definition, since, &n));
	assert_int_equal(n, expected(from, definition, since));
}

/* Whoever asked before, for more or for less. */
static void counts_are_as_one_by_one(void **state)
{
	static const unsigned from[] = { 0, 1, 10, EVENTS - 21, EVENTS - 1 };
	static struct lookback b;
	struct fixture f;
	(void)state;
	fixture_begin(&f);
	fixture_provision(&f);
	uint32_t visit = fixture_definition(&f, 1, "visit");
	uint32_t purchase = fixture_definition(&f, 1, "purchase");
	for (unsigned i = 0; i < EVENTS; i++) {
		clock_us += i % 7 == 3 ? -2500 : 1000; /* somebody sets the clock back */
		add(&f, i, i % 3 == 0 ? visit : purchase);
	}
	for (size_t i = 0; i < ARRAY_LEN(from); i++) {
		lookback_begin(&b, f.reader, past[from[i]].seq);
		for (unsigned k = 0; k < EVENTS; k += 13) {
			unsigned at = (k * 7) % EVENTS;
			check(&b, from[i], visit, past[at].at);
			check(&b, from[i], 0, past[at].at + 1);
			check(&b, from[i], UINT32_MAX, past[at].at);
		}
		check(&b, from[i], purchase, 0);
		check(&b, from[i], 0, 0);
		check(&b, from[i], 0, INT64_MAX);
	}
	fixture_end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_are_as_one_by_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
