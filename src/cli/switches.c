#include "cli/command.h"

#include "dialect/switches.h"

#include <stdio.h>

enum { PAGE_MAX = 64 * 1024 };

/* docs/switches.md is this output. */
int command_switches(int argc, char **argv)
{
	(void)argv;
	if (argc > 1) {
		fputs("occurd switches takes no arguments\n", stderr);
		return 2;
	}
	struct arena arena;
	arena_init(&arena, PAGE_MAX, NULL);
	struct buf page = buf_in(&arena);
	switches_put(&page);
	bool done =
		!page.failed && fwrite(page.p, 1, page.n, stdout) == page.n && fflush(stdout) == 0;
	arena_fini(&arena);
	return done ? 0 : 1;
}
