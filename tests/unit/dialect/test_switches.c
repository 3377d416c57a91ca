/* The table of switches is sound, and what a workspace has set is read by it. */
#include "dialect/switches.h"

#include <stdarg.h>
#include <stddef.h>

#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

static void table_is_whole(void **state)
{
	(void)state;
	for (unsigned i = SWITCH_NONE + 1; i < SWITCHES_END; i++) {
		const struct switch_info *info = &switches[i];
		assert_true(info->name.n > 0);
		assert_int_equal(switch_find(info->name), i);
		assert_non_null(info->dialect);
		assert_non_null(info->decision);
		assert_non_null(info->meaning);
		assert_null(strchr(info->meaning, '|')); /* it goes into a Markdown table */
		assert_non_null(info->values[0].p);
		assert_non_null(info->values[1].p);
		for (unsigned v = 0; v < SWITCH_VALUES_MAX && info->values[v].p; v++)
			assert_ptr_equal(switch_parse((enum switch_no)i, info->values[v]),
					 &info->values[v]);
	}
}

static void other_names_and_values_are_none(void **state)
{
	(void)state;
	assert_int_equal(switch_find(STR("")), SWITCH_NONE);
	assert_int_equal(switch_find(STR("strict")), SWITCH_NONE);
	assert_int_equal(switch_find(STR("STRICT_50")), SWITCH_NONE);
	assert_null(switch_parse(SWITCH_STRICT_50, STR("")));
	assert_null(switch_parse(SWITCH_STRICT_50, STR("True")));
	assert_null(switch_parse(SWITCH_STRICT_50, STR("specific")));
	assert_null(switch_parse(SWITCH_ERROR_NAMES, STR("true")));
}

static unsigned value_of(const char *name, const char *value, enum switch_no asked)
{
	const struct switch_setting set = { str_of(name), str_of(value) };
	const struct workspace w = { .switches = &set, .n_switches = 1 };
	assert_int_equal(switch_on(&w, asked), switch_value(&w, asked) > 0);
	return switch_value(&w, asked);
}

static void a_workspace_has_its_values(void **state)
{
	const struct workspace none = { 0 };
	(void)state;
	assert_false(switch_on(&none, SWITCH_STRICT_50));
	assert_int_equal(switch_value(&none, SWITCH_ERROR_NAMES), 0);
	assert_int_equal(value_of("strict_50", "true", SWITCH_STRICT_50), 1);
	assert_int_equal(value_of("strict_50", "false", SWITCH_STRICT_50), 0);
	assert_int_equal(value_of("strict_50", "true", SWITCH_ERROR_NAMES), 0);
	assert_int_equal(value_of("error_names", "specific", SWITCH_ERROR_NAMES), 1);
	assert_int_equal(value_of("error_names", "general", SWITCH_ERROR_NAMES), 0);
	/* Of another version of the program. */
	assert_int_equal(value_of("error_names", "new", SWITCH_ERROR_NAMES), 0);
	assert_int_equal(value_of("new", "true", SWITCH_STRICT_50), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table_is_whole),
		cmocka_unit_test(other_names_and_values_are_none),
		cmocka_unit_test(a_workspace_has_its_values),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
