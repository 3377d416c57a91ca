/*
 * A copy of a store in one file, of one moment, while a server may be writing to it. Reads beside
 * the server, as any reader does, and in small pieces; what is written meanwhile is not in the copy
 * and stays in the write-ahead log until the copy is done.
 */
#pragma once

#include "base/base.h"

#include <limits.h>
#include <signal.h>

struct backup_config {
	const char *dir; /* of the store */
	const char *to;  /* a file that is not there, or a directory, in which one is made */
	const volatile sig_atomic_t *stop; /* once it is set: give up, -EINTR; NULL is fine */
};

struct backup_result {
	char path[PATH_MAX];
	uint64_t last_seq; /* of the newest event in it; all before are in it, too */
	uint64_t bytes;
};

/* All is synced when it returns 0; after a failure nothing is left behind. -EEXIST: the file is
 * there, and stays as it is. */
MUST_CHECK int backup_run(const struct backup_config *config, struct backup_result *out);
