/*
 * The data directory: its one database, its lock, its free space.
 *
 * The file `lock` is held by the process that may write. What stands in it says that there was a
 * database once, so that one that is empty can be told from one that was lost.
 */
#pragma once

#include "base/base.h"

struct directory {
	char *path, *db_path;
	int fd, lock_fd;
};

static const struct directory directory_none = { .fd = -1, .lock_fd = -1 };

/* Makes the directory and an empty database when they are not there. -EBUSY: another process holds
 * the lock. After a failure directory_close() all the same. */
MUST_CHECK int directory_open(struct directory *d, const char *path);
/* Of one that exists; -ENOENT when it or its database does not. Locks only with `lock`. */
MUST_CHECK int directory_visit(struct directory *d, const char *path, bool lock);
/*
 * A sync that fails leaves pages that the system shows to everybody and will never write. What is
 * committed behind such pages of the log, or copied from them into the database, would be worth
 * nothing when the power goes off. So, before a log is used that may have such pages, after a
 * failure or by another process than the one that wrote it: what it shows is written once more, and
 * synced, and what is copied of it begins at its first page again (db_forget_copied(); in this order,
 * since whoever reads next may see of it what was not synced before). Nobody writes to it meanwhile.
 * That of any database; none is fine.
 */
MUST_CHECK int directory_rewrite_log(const char *db_path);
/* The files that are in it by now stay in it. */
MUST_CHECK int directory_sync(const struct directory *d);
MUST_CHECK int directory_sync_at(const char *path); /* likewise, of any */
/* There is a database here now: from here on one that is empty is one that was lost. */
MUST_CHECK int directory_remember(struct directory *d);
/* -ENOENT: there was a database here, and the file that is here has no schema: its log, with all that
 * was stored, is lost. */
MUST_CHECK int directory_check_schema(const struct directory *d, bool empty);
void directory_close(struct directory *d); /* directory_none is fine */

MUST_CHECK int directory_free_bytes(const struct directory *d, uint64_t *out);
uint64_t directory_file_bytes(const struct directory *d, const char *name); /* 0: no such file */
