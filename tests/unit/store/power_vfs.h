/*
 * A disk that loses power. Everything goes through to SQLite's own files, so that reads see it at
 * once. Beside them stands what a power cut would leave: of each file the bytes that were synced,
 * and what was written since, of which any part may have reached the disk, sector by sector and in
 * any order; of each name the file it surely leads to, and what it has led to since.
 *
 * power_cut_at(n) lets the n-th change fail, and every one after it. power_restart() then turns the
 * real files into what one such cut has left, drawn from a seed.
 *
 * What SQLite may rely on, and does: a write changes nothing beside its bytes (power-safe
 * overwrite), and a name is durable once its directory was synced.
 */
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { POWER_SECTOR = 512, POWER_NAMES = 8, POWER_HISTORY = 16, POWER_PATH = 128 };

struct power_change {
	sqlite3_int64 at; /* below zero: truncation to `n` */
	sqlite3_int64 n;
	uint8_t *bytes;
	struct power_change *next;
};

/* A file apart from its name. */
struct power_inode {
	uint8_t *bytes; /* synced */
	sqlite3_int64 n;
	struct power_change *first, **end;
	struct power_inode *next; /* of all */
};

struct power_name {
	char path[POWER_PATH];
	struct power_inode *durable;                /* NULL: no such file */
	struct power_inode *history[POWER_HISTORY]; /* since the directory was synced */
	unsigned n;
};

static struct {
	pthread_mutex_t lock;
	sqlite3_vfs vfs, *real;
	uint64_t calls, cut_at; /* 0: never */
	bool off;
	uint64_t fail_from;  /* call from which on syncs fail */
	unsigned fail_n;     /* so many of them */
	const char *fail_of; /* of this path alone; NULL: any */
	uint64_t rng;        /* for those */
	struct power_inode *inodes;
	struct power_name names[POWER_NAMES];
	unsigned n_names;
} power = { .lock = PTHREAD_MUTEX_INITIALIZER };

struct power_file {
	sqlite3_file base;
	struct power_inode *inode; /* NULL: of no interest */
	bool sync_dir;             /* with the first sync of the file */
	sqlite3_file *real;        /* behind this struct */
};

static inline sqlite3_file *power_real(sqlite3_file *f)
{
	return ((struct power_file *)f)->real;
}

/* --- What a cut would leave --- */

static inline struct power_inode *power_inode_new(void)
{
	struct power_inode *i = calloc(1, sizeof(*i));
	assert_non_null(i);
	i->end = &i->first;
	i->next = power.inodes;
	power.inodes = i;
	return i;
}

static inline void power_resize(struct power_inode *i, sqlite3_int64 n)
{
	if (n > i->n) {
		i->bytes = realloc(i->bytes, (size_t)n);
		assert_non_null(i->bytes);
		memset(i->bytes + i->n, 0, (size_t)(n - i->n));
	}
	i->n = n;
}

static inline void power_note(struct power_inode *i, sqlite3_int64 at, const void *bytes,
			      sqlite3_int64 n)
{
	struct power_change *c = calloc(1, sizeof(*c));
	assert_non_null(c);
	*c = (struct power_change){ .at = at, .n = n };
	if (bytes) {
		c->bytes = malloc((size_t)n);
		assert_non_null(c->bytes);
		memcpy(c->bytes, bytes, (size_t)n);
	}
	*i->end = c;
	i->end = &c->next;
}

static inline void power_change_free(struct power_change *c)
{
	free(c->bytes);
	free(c);
}

static inline void power_apply(struct power_inode *i, const struct power_change *c)
{
	if (c->at < 0) {
		power_resize(i, c->n);
		return;
	}
	if (c->at + c->n > i->n)
		power_resize(i, c->at + c->n);
	memcpy(i->bytes + c->at, c->bytes, (size_t)c->n);
}

static inline void power_settle(struct power_inode *i)
{
	for (struct power_change *c = i->first, *next; c; c = next) {
		next = c->next;
		power_apply(i, c);
		power_change_free(c);
	}
	i->first = NULL;
	i->end = &i->first;
}

static inline struct power_name *power_name(const char *path)
{
	for (unsigned k = 0; k < power.n_names; k++)
		if (strcmp(power.names[k].path, path) == 0)
			return &power.names[k];
	assert_true(power.n_names < POWER_NAMES && strlen(path) < POWER_PATH);
	struct power_name *name = &power.names[power.n_names++];
	memset(name, 0, sizeof(*name));
	snprintf(name->path, sizeof(name->path), "%s", path);
	return name;
}

static inline struct power_inode *power_now(const struct power_name *name)
{
	return name->n ? name->history[name->n - 1] : name->durable;
}

static inline void power_lead_to(struct power_name *name, struct power_inode *i)
{
	assert_true(name->n < POWER_HISTORY);
	name->history[name->n++] = i;
}

static inline void power_sync_dir(void)
{
	for (unsigned k = 0; k < power.n_names; k++) {
		power.names[k].durable = power_now(&power.names[k]);
		power.names[k].n = 0;
	}
}

/* Whether there is power for one more change; called with the lock. The one at which it goes off
 * was on its way: it may still reach the disk. */
static inline bool power_spend(bool *last)
{
	if (power.off)
		return false;
	power.calls++;
	*last = power.cut_at && power.calls >= power.cut_at;
	power.off = *last;
	return true;
}

static inline uint64_t power_draw(uint64_t *rng, uint64_t n)
{
	*rng ^= *rng << 13;
	*rng ^= *rng >> 7;
	*rng ^= *rng << 17;
	return (*rng >> 20) % n;
}

/* Some of the sectors that it touches; what it should have made longer may be as long and hold
 * anything. */
static inline void power_tear(struct power_inode *i, const struct power_change *c, uint64_t *rng)
{
	sqlite3_int64 before = i->n, end = c->at + c->n;
	if (end > before && power_draw(rng, 2)) {
		power_resize(i, end);
		if (power_draw(rng, 2))
			memset(i->bytes + before, 0xA5, (size_t)(end - before));
	}
	for (sqlite3_int64 at = c->at; at < end;) {
		sqlite3_int64 stop = (at / POWER_SECTOR + 1) * POWER_SECTOR;
		sqlite3_int64 n = (stop < end ? stop : end) - at;
		const struct power_change part = { .at = at,
						   .n = n,
						   .bytes = c->bytes + (at - c->at) };
		if (power_draw(rng, 2))
			power_apply(i, &part);
		at += n;
	}
}

static inline void power_shuffle(struct power_change **list, unsigned n, uint64_t *rng)
{
	for (unsigned k = n; k > 1; k--) {
		unsigned with = (unsigned)power_draw(rng, k);
		struct power_change *c = list[k - 1];
		list[k - 1] = list[with];
		list[with] = c;
	}
}

/* How much of what was not synced arrives: nothing, all, or any part of it in any order. */
static inline void power_leave(struct power_inode *i, uint64_t *rng)
{
	struct power_change *list[4096];
	unsigned n = 0;
	uint64_t manner = power_draw(rng, 5);
	for (struct power_change *c = i->first; c; c = c->next) {
		assert_true(n < 4096);
		list[n++] = c;
	}
	if (manner >= 3)
		power_shuffle(list, n, rng);
	for (unsigned k = 0; k < n; k++) {
		uint64_t whole = manner == 0 ? 0 : manner == 1 ? 1 : power_draw(rng, 3);
		if (whole == 1)
			power_apply(i, list[k]);
		else if (whole == 2 && list[k]->at >= 0)
			power_tear(i, list[k], rng);
		power_change_free(list[k]);
	}
	i->first = NULL;
	i->end = &i->first;
}

/*
 * A sync that fails leaves what it was for to chance, for good: the system forgets that it was not
 * written and shows it to readers all the same, and later syncs are not about it.
 */
static inline bool power_refuses_sync(const struct power_inode *i)
{
	if (power.fail_n == 0 || power.calls < power.fail_from)
		return false;
	if (power.fail_of && i != power_now(power_name(power.fail_of)))
		return false;
	power.fail_n--;
	return true;
}

static inline void power_fail_syncs(uint64_t from, unsigned n, uint64_t seed)
{
	power.fail_from = from;
	power.fail_n = n;
	power.fail_of = NULL;
	power.rng = seed | 1;
}

/* The next one of this file; the path stays where it is until then. */
static inline void power_fail_sync_of(const char *path, uint64_t seed)
{
	power_fail_syncs(0, 1, seed);
	power.fail_of = path;
}

/* --- The file methods --- */

static inline int power_close(sqlite3_file *f)
{
	return power_real(f)->pMethods->xClose(power_real(f));
}

static inline int power_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
	return power_real(f)->pMethods->xRead(power_real(f), p, n, at);
}

static inline int power_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
	struct power_inode *i = ((struct power_file *)f)->inode;
	int rc = SQLITE_IOERR_WRITE;
	bool last = false;
	pthread_mutex_lock(&power.lock);
	if (power_spend(&last)) {
		if (i)
			power_note(i, at, p, n);
		if (!last)
			rc = power_real(f)->pMethods->xWrite(power_real(f), p, n, at);
	}
	pthread_mutex_unlock(&power.lock);
	return rc;
}

static inline int power_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	struct power_inode *i = ((struct power_file *)f)->inode;
	int rc = SQLITE_IOERR_TRUNCATE;
	bool last = false;
	pthread_mutex_lock(&power.lock);
	if (power_spend(&last)) {
		if (i)
			power_note(i, -1, NULL, size);
		if (!last)
			rc = power_real(f)->pMethods->xTruncate(power_real(f), size);
	}
	pthread_mutex_unlock(&power.lock);
	return rc;
}

static inline int power_sync(sqlite3_file *f, int flags)
{
	struct power_file *file = (struct power_file *)f;
	int rc = SQLITE_IOERR_FSYNC;
	bool last = false;
	(void)flags;
	pthread_mutex_lock(&power.lock);
	if (power_spend(&last) && !last && power_refuses_sync(file->inode)) {
		if (file->inode)
			power_leave(file->inode, &power.rng);
	} else if (!power.off) {
		if (file->inode)
			power_settle(file->inode);
		if (file->sync_dir)
			power_sync_dir();
		file->sync_dir = false;
		rc = SQLITE_OK; /* the real one has nothing to lose */
	}
	pthread_mutex_unlock(&power.lock);
	return rc;
}

static inline int power_size(sqlite3_file *f, sqlite3_int64 *size)
{
	return power_real(f)->pMethods->xFileSize(power_real(f), size);
}

static inline int power_lock_file(sqlite3_file *f, int level)
{
	return power_real(f)->pMethods->xLock(power_real(f), level);
}

static inline int power_unlock(sqlite3_file *f, int level)
{
	return power_real(f)->pMethods->xUnlock(power_real(f), level);
}

static inline int power_reserved(sqlite3_file *f, int *out)
{
	return power_real(f)->pMethods->xCheckReservedLock(power_real(f), out);
}

static inline int power_control(sqlite3_file *f, int op, void *arg)
{
	return power_real(f)->pMethods->xFileControl(power_real(f), op, arg);
}

static inline int power_sector(sqlite3_file *f)
{
	return power_real(f)->pMethods->xSectorSize(power_real(f));
}

static inline int power_traits(sqlite3_file *f)
{
	return power_real(f)->pMethods->xDeviceCharacteristics(power_real(f));
}

/* The index of the log is memory that the connections share; a cut loses it (power_restart). */
static inline int power_shm_map(sqlite3_file *f, int i, int size, int extend, void volatile **p)
{
	return power_real(f)->pMethods->xShmMap(power_real(f), i, size, extend, p);
}

static inline int power_shm_lock(sqlite3_file *f, int offset, int n, int flags)
{
	return power_real(f)->pMethods->xShmLock(power_real(f), offset, n, flags);
}

static inline void power_shm_barrier(sqlite3_file *f)
{
	power_real(f)->pMethods->xShmBarrier(power_real(f));
}

static inline int power_shm_unmap(sqlite3_file *f, int delete_it)
{
	return power_real(f)->pMethods->xShmUnmap(power_real(f), delete_it);
}

static const sqlite3_io_methods power_methods = {
	.iVersion = 2,
	.xClose = power_close,
	.xRead = power_read,
	.xWrite = power_write,
	.xTruncate = power_truncate,
	.xSync = power_sync,
	.xFileSize = power_size,
	.xLock = power_lock_file,
	.xUnlock = power_unlock,
	.xCheckReservedLock = power_reserved,
	.xFileControl = power_control,
	.xSectorSize = power_sector,
	.xDeviceCharacteristics = power_traits,
	.xShmMap = power_shm_map,
	.xShmLock = power_shm_lock,
	.xShmBarrier = power_shm_barrier,
	.xShmUnmap = power_shm_unmap,
};

/* --- Names --- */

static inline bool power_is_there(const char *path)
{
	return access(path, F_OK) == 0;
}

/* The file that the name leads to: one that others have made is on disk. */
static inline struct power_inode *power_find(const char *path)
{
	struct power_name *name = power_name(path);
	if (!power_now(name) && !power.off && power_is_there(path)) {
		struct stat st;
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_size, 0);
		name->durable = power_inode_new();
		name->n = 0;
	}
	return power_now(name);
}

static inline int power_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *f, int flags,
			     int *out_flags)
{
	struct power_file *file = (struct power_file *)f;
	const int journals = SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_WAL;
	bool tracked = path && flags & (SQLITE_OPEN_MAIN_DB | journals);
	bool last = false;
	(void)vfs;
	memset(file, 0, sizeof(*file));
	file->real = (sqlite3_file *)(file + 1);
	pthread_mutex_lock(&power.lock);
	struct power_inode *inode = tracked ? power_find(path) : NULL;
	bool makes = tracked && !inode && flags & SQLITE_OPEN_CREATE;
	int rc = SQLITE_CANTOPEN;
	if (!makes || power_spend(&last))
		rc = power.real->xOpen(power.real, path, file->real, flags, out_flags);
	if (makes && rc == SQLITE_OK) {
		inode = power_inode_new();
		power_lead_to(power_name(path), inode);
		file->sync_dir = flags & journals;
	}
	file->inode = inode;
	pthread_mutex_unlock(&power.lock);
	if (file->real->pMethods)
		file->base.pMethods = &power_methods;
	return rc;
}

static inline int power_delete(sqlite3_vfs *vfs, const char *path, int sync_dir)
{
	int rc = SQLITE_IOERR_DELETE;
	bool last = false;
	(void)vfs;
	pthread_mutex_lock(&power.lock);
	if (power_spend(&last)) {
		if (!last)
			rc = power.real->xDelete(power.real, path, 0);
		if (last || rc == SQLITE_OK)
			power_lead_to(power_name(path), NULL);
		if (!last && sync_dir)
			power_sync_dir();
	}
	pthread_mutex_unlock(&power.lock);
	return rc;
}

/* The store syncs its directory itself, and at times writes its log again. What follows takes the
 * place of libc's. */

static inline struct power_inode *power_inode_of(int fd)
{
	char link[40], path[POWER_PATH];
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	ssize_t n = readlink(link, path, sizeof(path) - 1);
	path[n < 0 ? 0 : n] = '\0';
	for (unsigned k = 0; k < power.n_names; k++)
		if (strcmp(power.names[k].path, path) == 0)
			return power_now(&power.names[k]);
	return NULL;
}

int fsync(int fd)
{
	struct stat st;
	bool last = false;
	int r = -1;
	pthread_mutex_lock(&power.lock);
	struct power_inode *i = power_inode_of(fd);
	if (power_spend(&last) && !last && power_refuses_sync(i)) {
		if (i)
			power_leave(i, &power.rng);
	} else if (!power.off) {
		if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
			power_sync_dir();
		if (i)
			power_settle(i);
		r = 0;
	}
	pthread_mutex_unlock(&power.lock);
	if (r < 0)
		errno = EIO;
	return r;
}

ssize_t pwrite(int fd, const void *p, size_t n, off_t at)
{
	bool last = false;
	ssize_t r = -1;
	pthread_mutex_lock(&power.lock);
	struct power_inode *i = power_inode_of(fd);
	bool on = i == NULL || power_spend(&last);
	if (i && on)
		power_note(i, at, p, (sqlite3_int64)n);
	if (on && !last)
		r = pwrite64(fd, p, n, at);
	else
		errno = EIO;
	pthread_mutex_unlock(&power.lock);
	return r;
}

static inline void power_install(void)
{
	power.real = sqlite3_vfs_find(NULL);
	power.vfs = *power.real;
	power.vfs.zName = "power";
	power.vfs.szOsFile = (int)sizeof(struct power_file) + power.real->szOsFile;
	power.vfs.xOpen = power_open;
	power.vfs.xDelete = power_delete;
	sqlite3_vfs_register(&power.vfs, 1);
}

/* --- The cut --- */

static inline void power_cut_at(uint64_t n)
{
	power.calls = 0;
	power.cut_at = n;
	power.off = false;
	power.fail_n = 0;
}

static inline void power_write_out(const struct power_name *name)
{
	const struct power_inode *i = name->durable;
	unlink(name->path);
	if (!i)
		return;
	int fd = open(name->path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	assert_true(fd >= 0);
	assert_int_equal(pwrite64(fd, i->bytes, (size_t)i->n, 0), i->n);
	close(fd);
}

static inline void power_drop_inodes(void)
{
	struct power_inode *kept = NULL;
	for (struct power_inode *i = power.inodes, *next; i; i = next) {
		bool named = false;
		next = i->next;
		for (unsigned k = 0; k < power.n_names; k++)
			named |= power.names[k].durable == i;
		if (named) {
			i->next = kept;
			kept = i;
			continue;
		}
		power_settle(i);
		free(i->bytes);
		free(i);
	}
	power.inodes = kept;
}

/* All connections are closed. The real files become what is left; power is back. */
static inline void power_restart(uint64_t *rng)
{
	char shm[POWER_PATH + 8];
	power_cut_at(0);
	for (unsigned k = 0; k < power.n_names; k++) {
		struct power_name *name = &power.names[k];
		/* What happened to one name happened in order. */
		uint64_t kept = power_draw(rng, name->n + 1);
		if (kept > 0)
			name->durable = name->history[kept - 1];
		name->n = 0;
	}
	for (struct power_inode *i = power.inodes; i; i = i->next)
		power_leave(i, rng);
	for (unsigned k = 0; k < power.n_names; k++) {
		power_write_out(&power.names[k]);
		snprintf(shm, sizeof(shm), "%s-shm", power.names[k].path);
		unlink(shm);
	}
	power_drop_inodes();
}

/* Another directory comes. */
static inline void power_forget(void)
{
	power.n_names = 0;
	power_drop_inodes();
	power_cut_at(0);
}
