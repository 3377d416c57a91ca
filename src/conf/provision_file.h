/*
 * The provisioning file: YAML in, plain data out. Everything is judged here, and each thing wrong
 * is one line that names file, line, field and rule:
 *
 *   acme.yaml:12: workspaces[0].keys[0].scopes[1]: must be one of events.write, ..., not "write"
 *
 * Secrets are digested at once and never stand in an error.
 */
#pragma once

#include "store/provision.h"

/* 0: *out lives in the arena. Above zero: the file is wrong, `error` says where. Below: it could
 * not be read. */
MUST_CHECK int provision_file_read(const char *path, struct arena *a, struct provision *out,
				   char *error, size_t error_size);
