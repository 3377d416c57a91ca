/*
 * The settings of `occurd serve`: one table says for each its flag, its environment variable, its
 * default, its help and its rule. A flag wins over the environment, the environment over the
 * default; of several equal flags the last one counts; an empty variable counts as unset. Only the
 * value that counts is judged.
 */
#pragma once

#include "base/log.h"

#include <stdio.h>

enum { SETTINGS_THREADS_MAX = 64, SETTINGS_HOST = 64 };

struct settings {
	char host[SETTINGS_HOST]; /* numeric IPv4 or IPv6 without brackets, or "localhost" */
	uint16_t port;            /* 0: the kernel chooses */
	const char *data;
	const char *provision; /* NULL: none */
	unsigned threads;      /* net loops */
	bool access_log;
	enum log_level log_level;
	uint64_t disk_reserve; /* bytes */
	unsigned connections_max;
	const char *tls_cert, *tls_key; /* NULL: plain HTTP; else both are set */
};

enum settings_outcome {
	SETTINGS_OK,
	SETTINGS_HELP,  /* --help was asked for */
	SETTINGS_WRONG, /* `error` says which setting, the rule and the value, in one line */
};

/* argv[0] is the command's name. Pointers in *out lead into argv, the environment or are static. */
MUST_CHECK enum settings_outcome settings_read(int argc, char **argv, struct settings *out,
					       char *error, size_t error_size);

void settings_help(FILE *to);
