/* `occurd check` has nothing to find in a store that nobody has open. */
#pragma once

#include "fixture.h"

#include "store/audit.h"

static inline void whole_tell(const char *line)
{
	print_error("check: %s\n", line);
}

static inline struct audit_result whole_check(const char *dir)
{
	const struct audit_config config = { .dir = dir, .tell = whole_tell };
	struct audit_result result;
	int r = audit_run(&config, &result);
	/* A life may end before there is a file. */
	if (r != -ENOENT)
		assert_done(r);
	assert_int_equal(result.left, 0);
	return result;
}
