/*
 * Reads the YAML file that declares workspaces and what is in them: keys, definitions and so on.
 * Everything is judged here, so that the store gets only what is sound: every error is one line that
 * names file, line, path and rule. Secrets become digests at once and are in no error.
 */
#pragma once

#include "store/provision.h"

enum provision_file_outcome {
	PROVISION_FILE_OK,
	PROVISION_FILE_WRONG, /* `error` says what; the first of several wrongs */
};

/* What *out points to lives in the arena. Below zero: the file cannot be read, or no memory. */
MUST_CHECK int provision_file_read(const char *path, struct arena *a, struct provision *out,
				   char *error, size_t error_size);
