/*
 * The settings of `occurd serve`: one table says of each its flag, its environment variable, its
 * default, its help and how it is read. A flag goes before the environment, the environment
 * before the default.
 */
#pragma once

#include "base/log.h"

#include <stdio.h>

struct settings {
	char host[64]; /* numeric address, without brackets, or "localhost" */
	uint16_t port; /* 0: the kernel chooses */
	const char *data;
	const char *provision; /* NULL: none */
	unsigned threads;      /* net loops, at least 1 */
	bool access_log;
	enum log_level log_level;
	uint64_t disk_reserve; /* bytes of free disk below which events are refused */
	unsigned connections_max;
};

enum settings_outcome {
	SETTINGS_OK,
	SETTINGS_HELP,	/* --help was asked for */
	SETTINGS_WRONG, /* error names setting, rule and value in one line */
};

/* argv[0] is the command's name. Strings in *out lead into argv and the environment. */
MUST_CHECK enum settings_outcome settings_read(int argc, char **argv, struct settings *out,
					       char *error, size_t error_size);

void settings_help(FILE *to);
