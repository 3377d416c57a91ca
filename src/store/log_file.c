#include "store/log_file.h"

#include "store/db.h"

#include <string.h>

/* Bytes. SQLite's files take less than 128 KiB in one write, and it writes a page at most. */
enum { ROOM = 127 * 1024, PAGE_MAX = 64 * 1024 };

/* The default, and what differs from it. */
static sqlite3_vfs *real, own;

struct log_file {
	sqlite3_file base;
	sqlite3_int64 at; /* where in the file the first of them goes */
	int n;            /* bytes held */
	char *held;       /* ROOM */
};

/* The default's file lies behind ours. */
static sqlite3_file *real_of(sqlite3_file *f)
{
	return (sqlite3_file *)((struct log_file *)f + 1);
}

static int write_held(sqlite3_file *f)
{
	struct log_file *log = (struct log_file *)f;
	int n = log->n;
	log->n = 0;
	return n ? real_of(f)->pMethods->xWrite(real_of(f), log->held, n, log->at) : SQLITE_OK;
}

static int on_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
	struct log_file *log = (struct log_file *)f;
	must(n <= PAGE_MAX);
	if (at != log->at + log->n || n > ROOM - log->n) {
		int rc = write_held(f);
		if (rc != SQLITE_OK)
			return rc;
		log->at = at;
	}
	memcpy(log->held + log->n, p, (size_t)n);
	log->n += n;
	return SQLITE_OK;
}

static int on_close(sqlite3_file *f)
{
	struct log_file *log = (struct log_file *)f;
	int written = write_held(f);
	int closed = real_of(f)->pMethods->xClose(real_of(f));
	sqlite3_free(log->held);
	return written ? written : closed;
}

static int on_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
	int rc = write_held(f);
	return rc ? rc : real_of(f)->pMethods->xRead(real_of(f), p, n, at);
}

static int on_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	int rc = write_held(f);
	return rc ? rc : real_of(f)->pMethods->xTruncate(real_of(f), size);
}

static int on_sync(sqlite3_file *f, int flags)
{
	int rc = write_held(f);
	return rc ? rc : real_of(f)->pMethods->xSync(real_of(f), flags);
}

static int on_size(sqlite3_file *f, sqlite3_int64 *size)
{
	int rc = write_held(f);
	return rc ? rc : real_of(f)->pMethods->xFileSize(real_of(f), size);
}

static int on_lock(sqlite3_file *f, int level)
{
	return real_of(f)->pMethods->xLock(real_of(f), level);
}

static int on_unlock(sqlite3_file *f, int level)
{
	return real_of(f)->pMethods->xUnlock(real_of(f), level);
}

static int on_check_lock(sqlite3_file *f, int *out)
{
	return real_of(f)->pMethods->xCheckReservedLock(real_of(f), out);
}

static int on_control(sqlite3_file *f, int op, void *arg)
{
	return real_of(f)->pMethods->xFileControl(real_of(f), op, arg);
}

static int on_sector_size(sqlite3_file *f)
{
	return real_of(f)->pMethods->xSectorSize(real_of(f));
}

static int on_traits(sqlite3_file *f)
{
	return real_of(f)->pMethods->xDeviceCharacteristics(real_of(f));
}

/* Version 1: a log is neither shared memory nor mapped. */
static const sqlite3_io_methods methods = {
	.iVersion = 1,
	.xClose = on_close,
	.xRead = on_read,
	.xWrite = on_write,
	.xTruncate = on_truncate,
	.xSync = on_sync,
	.xFileSize = on_size,
	.xLock = on_lock,
	.xUnlock = on_unlock,
	.xCheckReservedLock = on_check_lock,
	.xFileControl = on_control,
	.xSectorSize = on_sector_size,
	.xDeviceCharacteristics = on_traits,
};

static int open_log(const char *name, sqlite3_file *f, int flags, int *out)
{
	struct log_file *log = (struct log_file *)f;
	*log = (struct log_file){ .held = sqlite3_malloc(ROOM) };
	if (!log->held)
		return SQLITE_NOMEM;
	int rc = real->xOpen(real, name, real_of(f), flags, out);
	if (real_of(f)->pMethods) /* is to be closed, opened or not */
		log->base.pMethods = &methods;
	else
		sqlite3_free(log->held);
	return rc;
}

static int on_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *out)
{
	(void)vfs;
	if (flags & SQLITE_OPEN_WAL)
		return open_log(name, f, flags, out);
	return real->xOpen(real, name, f, flags, out);
}

const char *log_file_system(void)
{
	static const char name[] = "occurd";
	db_prepare_library();
	if (real == sqlite3_vfs_find(NULL))
		return name;
	real = sqlite3_vfs_find(NULL);
	own = *real;
	own.zName = name;
	own.szOsFile += (int)sizeof(struct log_file);
	own.xOpen = on_open;
	must(sqlite3_vfs_register(&own, 0) == SQLITE_OK);
	return name;
}
