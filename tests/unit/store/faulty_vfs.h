/*
 * A file system that fails: everything goes through to SQLite's own, but the writes, syncs and
 * truncations are counted, and from a chosen one on some of them fail. It becomes the default for
 * connections opened after faulty_install().
 */
#pragma once

#include <sqlite3.h>
#include <stdatomic.h>
#include <string.h>

static struct {
	atomic_int calls;      /* seen so far */
	atomic_int fail_at;    /* the call that fails, counted from 1; 0: none */
	atomic_bool and_after; /* all later ones, too */
	atomic_int code;       /* what a failing call returns */
	atomic_int failed;     /* how many did */
	sqlite3_vfs vfs, *real;
} faulty;

struct faulty_file {
	sqlite3_file base;
	sqlite3_file *real; /* behind this struct */
};

static inline sqlite3_file *faulty_real(sqlite3_file *f)
{
	return ((struct faulty_file *)f)->real;
}

static inline int faulty_judge(void)
{
	int n = atomic_fetch_add(&faulty.calls, 1) + 1, at = atomic_load(&faulty.fail_at);
	if (at == 0 || n < at || (n > at && !atomic_load(&faulty.and_after)))
		return SQLITE_OK;
	atomic_fetch_add(&faulty.failed, 1);
	return atomic_load(&faulty.code);
}

static inline int faulty_close(sqlite3_file *f)
{
	return faulty_real(f)->pMethods->xClose(faulty_real(f));
}

static inline int faulty_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
	return faulty_real(f)->pMethods->xRead(faulty_real(f), p, n, at);
}

/* A write that fails may have written a part. */
static inline int faulty_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
	int rc = faulty_judge();
	if (rc == SQLITE_OK)
		return faulty_real(f)->pMethods->xWrite(faulty_real(f), p, n, at);
	faulty_real(f)->pMethods->xWrite(faulty_real(f), p, n / 2, at);
	return rc;
}

static inline int faulty_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	int rc = faulty_judge();
	return rc ? rc : faulty_real(f)->pMethods->xTruncate(faulty_real(f), size);
}

static inline int faulty_sync(sqlite3_file *f, int flags)
{
	int rc = faulty_judge();
	return rc ? rc : faulty_real(f)->pMethods->xSync(faulty_real(f), flags);
}

static inline int faulty_size(sqlite3_file *f, sqlite3_int64 *size)
{
	return faulty_real(f)->pMethods->xFileSize(faulty_real(f), size);
}

static inline int faulty_lock(sqlite3_file *f, int level)
{
	return faulty_real(f)->pMethods->xLock(faulty_real(f), level);
}

static inline int faulty_unlock(sqlite3_file *f, int level)
{
	return faulty_real(f)->pMethods->xUnlock(faulty_real(f), level);
}

static inline int faulty_reserved(sqlite3_file *f, int *out)
{
	return faulty_real(f)->pMethods->xCheckReservedLock(faulty_real(f), out);
}

static inline int faulty_control(sqlite3_file *f, int op, void *arg)
{
	return faulty_real(f)->pMethods->xFileControl(faulty_real(f), op, arg);
}

static inline int faulty_sector(sqlite3_file *f)
{
	return faulty_real(f)->pMethods->xSectorSize(faulty_real(f));
}

static inline int faulty_traits(sqlite3_file *f)
{
	return faulty_real(f)->pMethods->xDeviceCharacteristics(faulty_real(f));
}

static inline int faulty_shm_map(sqlite3_file *f, int i, int size, int extend, void volatile **p)
{
	return faulty_real(f)->pMethods->xShmMap(faulty_real(f), i, size, extend, p);
}

static inline int faulty_shm_lock(sqlite3_file *f, int offset, int n, int flags)
{
	return faulty_real(f)->pMethods->xShmLock(faulty_real(f), offset, n, flags);
}

static inline void faulty_shm_barrier(sqlite3_file *f)
{
	faulty_real(f)->pMethods->xShmBarrier(faulty_real(f));
}

static inline int faulty_shm_unmap(sqlite3_file *f, int delete_it)
{
	return faulty_real(f)->pMethods->xShmUnmap(faulty_real(f), delete_it);
}

static const sqlite3_io_methods faulty_methods = {
	.iVersion = 2,
	.xClose = faulty_close,
	.xRead = faulty_read,
	.xWrite = faulty_write,
	.xTruncate = faulty_truncate,
	.xSync = faulty_sync,
	.xFileSize = faulty_size,
	.xLock = faulty_lock,
	.xUnlock = faulty_unlock,
	.xCheckReservedLock = faulty_reserved,
	.xFileControl = faulty_control,
	.xSectorSize = faulty_sector,
	.xDeviceCharacteristics = faulty_traits,
	.xShmMap = faulty_shm_map,
	.xShmLock = faulty_shm_lock,
	.xShmBarrier = faulty_shm_barrier,
	.xShmUnmap = faulty_shm_unmap,
};

static inline int faulty_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags,
			      int *out_flags)
{
	struct faulty_file *file = (struct faulty_file *)f;
	(void)vfs;
	memset(file, 0, sizeof(*file));
	file->real = (sqlite3_file *)(file + 1);
	int rc = faulty.real->xOpen(faulty.real, name, file->real, flags, out_flags);
	if (file->real->pMethods)
		file->base.pMethods = &faulty_methods;
	return rc;
}

static inline void faulty_install(void)
{
	faulty.real = sqlite3_vfs_find(NULL);
	faulty.vfs = *faulty.real;
	faulty.vfs.zName = "faulty";
	faulty.vfs.szOsFile = (int)sizeof(struct faulty_file) + faulty.real->szOsFile;
	faulty.vfs.xOpen = faulty_open;
	sqlite3_vfs_register(&faulty.vfs, 1);
}

/* From now on, the n-th call; 0: none. */
static inline void faulty_arm(int n, bool and_after, int code)
{
	atomic_store(&faulty.calls, 0);
	atomic_store(&faulty.failed, 0);
	atomic_store(&faulty.code, code);
	atomic_store(&faulty.and_after, and_after);
	atomic_store(&faulty.fail_at, n);
}
