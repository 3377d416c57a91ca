#include "cli/command.h"

#include <stdio.h>

int command_version(int argc, char **argv)
{
	(void)argv;
	if (argc > 1) {
		fputs("occurd version takes no arguments\n", stderr);
		return 2;
	}
	puts("occurd " OCCURD_VERSION);
	return 0;
}
