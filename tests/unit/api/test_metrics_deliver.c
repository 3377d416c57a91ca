/* /metrics of deliveries: what is escaped, and what an answer has at most. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/metrics_deliver.h"

#include <stdio.h>
#include <stdlib.h>

enum { MANY = METRICS_SERIES_MAX + 3 };

#define NOW (100 * US_PER_S)
#define ID  "00000000-0000-0000-0000-000000000000"

static struct arena arena;
static struct deliver_view view;

static int set_up(void **state)
{
	(void)state;
	arena_init(&arena, 16 << 20, NULL);
	view = (struct deliver_view){
		.destinations = calloc(MANY, sizeof(struct destination_view)),
		.automations = calloc(MANY, sizeof(struct automation_view)),
	};
	assert_true(view.destinations && view.automations);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	free(view.destinations);
	free(view.automations);
	arena_fini(&arena);
	return 0;
}

static const char *answer(void)
{
	struct buf b = buf_in(&arena);
	metrics_put_view(&b, &view, 50, NOW);
	buf_char(&b, '\0');
	assert_false(b.failed);
	return b.p;
}

static void assert_has(const char *text, const char *line)
{
	if (!strstr(text, line))
		fail_msg("no %s in:\n%.2000s", line, text);
}

static unsigned count(const char *text, const char *what)
{
	unsigned n = 0;
	while ((text = strstr(text, what))) {
		text++;
		n++;
	}
	return n;
}

static void test_one_of_each(void **state)
{
	(void)state;
	view.n_destinations = view.n_automations = 1;
	view.destinations[0] = (struct destination_view){
		.name = STR("a \"b\" \\c\nd"),
		.state = LANE_BROKEN,
		.n = { 3, 2, 1 },
		.oldest_due_at = NOW - 1500000,
	};
	view.automations[0] = (struct automation_view){ .name = STR("rule"), .seq = 43 };
	const char *text = answer();
#define LABELS "{workspace=\"" ID "\",destination=\"a \\\"b\\\" \\\\c\\nd\""
	assert_has(text, "\noccurd_deliveries" LABELS ",state=\"pending\"} 3\n");
	assert_has(text, "\noccurd_deliveries" LABELS ",state=\"done\"} 2\n");
	assert_has(text, "\noccurd_deliveries" LABELS ",state=\"dead\"} 1\n");
	assert_has(text, "\noccurd_delivery_lag_seconds" LABELS "} 1.5\n");
	assert_has(text, "\noccurd_destination_state" LABELS ",state=\"open\"} 0\n");
	assert_has(text, "\noccurd_destination_state" LABELS ",state=\"broken\"} 1\n");
	assert_has(text, "\noccurd_automation_events_behind{workspace=\"" ID
			 "\",automation=\"rule\"} 7\n");
	assert_null(strstr(text, "other"));
	view.destinations[0].oldest_due_at = NOW + 5;
	assert_has(answer(), "\noccurd_delivery_lag_seconds" LABELS "} 0\n");
}

/* Those beyond the bound stand together. */
static void test_many(void **state)
{
	(void)state;
	view.n_destinations = view.n_automations = MANY;
	for (unsigned i = 0; i < MANY; i++) {
		view.destinations[i] = (struct destination_view){ .name = STR("x"),
								  .state = LANE_DISABLED,
								  .n = { 1, 10, i },
								  .oldest_due_at = NOW - i };
		view.automations[i] = (struct automation_view){ .name = STR("y"), .seq = i % 50 };
	}
	const char *text = answer();
	assert_int_equal(count(text, "\noccurd_deliveries{"), 3 * METRICS_SERIES_MAX + 3);
	assert_int_equal(count(text, "\noccurd_delivery_lag_seconds{"), METRICS_SERIES_MAX + 1);
	assert_int_equal(count(text, "\noccurd_destination_state{"), 3 * METRICS_SERIES_MAX + 3);
	assert_int_equal(count(text, "\noccurd_automation_events_behind{"), METRICS_SERIES_MAX + 1);
#define OTHER "{workspace=\"other\",destination=\"other\""
	assert_has(text, "\noccurd_deliveries" OTHER ",state=\"pending\"} 3\n");
	assert_has(text, "\noccurd_deliveries" OTHER ",state=\"done\"} 30\n");
	assert_has(text, "\noccurd_deliveries" OTHER ",state=\"dead\"} 3003\n");
	assert_has(text, "\noccurd_delivery_lag_seconds" OTHER "} 0.001002\n");
	assert_has(text, "\noccurd_destination_state" OTHER ",state=\"disabled\"} 3\n");
	assert_has(text, "{workspace=\"other\",automation=\"other\"} 50\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_one_of_each, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_many, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
