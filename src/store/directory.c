#include "store/directory.h"

#include "base/fail.h"
#include "base/str.h"
#include "store/db.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* A directory entry is on disk when its directory was synced. */
static int sync_dir(int fd, const char *what)
{
	return fsync(fd) == 0 ? 0 : fail(-errno, "sync %s", what);
}

static int sync_parent(int dir_fd, const char *what)
{
	int fd = openat(dir_fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno == EACCES ? 0 : fail(-errno, "parent of %s", what);
	int r = sync_dir(fd, what);
	close(fd);
	return pass(r);
}

static bool is_empty(const struct directory *d, const char *name)
{
	struct stat st;
	return fstatat(d->fd, name, &st, 0) != 0 || st.st_size == 0;
}

static int make_dir(struct directory *d)
{
	if (mkdir(d->path, 0700) != 0 && errno != EEXIST)
		return fail(-errno, "make directory %s", d->path);
	d->fd = open(d->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (d->fd < 0)
		return fail(-errno, "open directory %s", d->path);
	/* Whoever made it may not have got as far as this. */
	return is_empty(d, "lock") ? sync_parent(d->fd, d->path) : 0;
}

static int take_lock(struct directory *d)
{
	d->lock_fd = openat(d->fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (d->lock_fd < 0)
		return fail(-errno, "open %s/lock", d->path);
	if (flock(d->lock_fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	return fail(errno == EWOULDBLOCK ? -EBUSY : -errno,
		    "directory %s is in use by another process", d->path);
}

/* An empty database is a new one only in a new directory: the lock remembers that there was one. That
 * there is a log makes no difference: the database's first page says that it has one, and was synced
 * before there was any. */
static int check_not_lost(const struct directory *d)
{
	if (is_empty(d, "lock") || !is_empty(d, "occurd.db"))
		return 0;
	return fail(-ENOENT,
		    "%s held events and is lost: put it back, or remove %s/lock to begin anew",
		    d->db_path, d->path);
}

int directory_check_schema(const struct directory *d, bool empty)
{
	if (is_empty(d, "lock") || !empty)
		return 0;
	return fail(-ENOENT,
		    "what %s held was in its log, and %s-wal is lost: put it back, or remove"
		    " %s/lock to begin anew",
		    d->db_path, d->db_path, d->path);
}

static int write_all(int fd, struct str s, off_t at)
{
	for (size_t n = 0; n < s.n;) {
		ssize_t part = pwrite(fd, s.p + n, s.n - n, at + (off_t)n);
		if (part < 0 && errno != EINTR)
			return -errno;
		n += part > 0 ? (size_t)part : 0;
	}
	return 0;
}

static int sync_fd(int fd)
{
	return fsync(fd) == 0 ? 0 : -errno;
}

static int write_mark(int fd)
{
	return write_all(fd, STR("occurd\n"), 0) ?: sync_fd(fd);
}

static int rewrite(int fd)
{
	char block[64 * 1024];
	off_t at = 0;
	for (;;) {
		ssize_t n = pread(fd, block, sizeof(block), at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : sync_fd(fd);
		int r = write_all(fd, (struct str){ block, (size_t)n }, at);
		if (r < 0)
			return r;
		at += n;
	}
}

int directory_rewrite_log(const char *db_path)
{
	char path[PATH_MAX];
	if (snprintf(path, sizeof(path), "%s-wal", db_path) >= (int)sizeof(path))
		return fail(-ENAMETOOLONG, "%s", db_path);
	int fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : fail(-errno, "open %s", path);
	int r = rewrite(fd);
	close(fd);
	return r < 0 ? fail(r, "rewrite %s", path) : pass(db_forget_copied(db_path));
}

int directory_remember(struct directory *d)
{
	int r = is_empty(d, "lock") ? write_mark(d->lock_fd) : 0;
	return r < 0 ? fail(r, "write %s/lock", d->path) : 0;
}

/* SQLite gives its other files the mode that this one has. One that is there is not opened: to close it
 * would take the locks from all of this process that have it open (sqlite.org/howtocorrupt.html, 2.2). */
static int make_file(struct directory *d)
{
	int fd = openat(d->fd, "occurd.db", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return errno == EEXIST ? 0 : fail(-errno, "open %s", d->db_path);
	close(fd);
	return 0;
}

int directory_sync_at(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return fail(-errno, "open directory %s", path);
	int r = sync_dir(fd, path);
	close(fd);
	return pass(r);
}

int directory_sync(const struct directory *d)
{
	return sync_dir(d->fd, d->path);
}

static int set_paths(struct directory *d, const char *path)
{
	*d = directory_none;
	d->path = strdup(path);
	if (d->path && asprintf(&d->db_path, "%s/occurd.db", path) >= 0)
		return 0;
	d->db_path = NULL;
	return fail(-ENOMEM, "store");
}

int directory_open(struct directory *d, const char *path)
{
	int r = set_paths(d, path);
	r = r ?: make_dir(d);
	r = r ?: take_lock(d);
	r = r ?: check_not_lost(d);
	r = r ?: make_file(d);
	return pass(r);
}

static int find_dir(struct directory *d)
{
	d->fd = open(d->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (d->fd < 0)
		return fail(-errno, "open directory %s", d->path);
	if (faccessat(d->fd, "occurd.db", R_OK, 0) != 0)
		return fail(-errno, "read %s", d->db_path);
	return 0;
}

int directory_visit(struct directory *d, const char *path, bool lock)
{
	int r = set_paths(d, path);
	r = r ?: find_dir(d);
	if (r < 0 || !lock)
		return pass(r);
	r = take_lock(d);
	return pass(r ?: check_not_lost(d));
}

void directory_close(struct directory *d)
{
	if (d->lock_fd >= 0)
		close(d->lock_fd);
	if (d->fd >= 0)
		close(d->fd);
	d->lock_fd = d->fd = -1;
	free(d->db_path);
	free(d->path);
}

int directory_free_bytes(const struct directory *d, uint64_t *out)
{
	struct statvfs v;
	if (fstatvfs(d->fd, &v) != 0)
		return fail(-errno, "free space of %s", d->path);
	*out = (uint64_t)v.f_bavail * v.f_frsize;
	return 0;
}

uint64_t directory_file_bytes(const struct directory *d, const char *name)
{
	struct stat st;
	return fstatat(d->fd, name, &st, 0) == 0 ? (uint64_t)st.st_size : 0;
}
