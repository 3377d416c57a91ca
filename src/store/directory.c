#include "base/fail.h"
#include "store/state.h"

#include <errno.h>
#include <fcntl.h>
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

static int make_dir(struct store *s)
{
	bool made = mkdir(s->dir, 0700) == 0;
	if (!made && errno != EEXIST)
		return fail(-errno, "make directory %s", s->dir);
	s->dir_fd = open(s->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->dir_fd < 0)
		return fail(-errno, "open directory %s", s->dir);
	return made ? sync_parent(s->dir_fd, s->dir) : 0;
}

static int take_lock(struct store *s)
{
	s->lock_fd = openat(s->dir_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (s->lock_fd < 0)
		return fail(-errno, "open %s/lock", s->dir);
	if (flock(s->lock_fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	return fail(errno == EWOULDBLOCK ? -EBUSY : -errno,
		    "directory %s is in use by another process", s->dir);
}

static bool is_empty(const struct store *s, const char *name)
{
	struct stat st;
	return fstatat(s->dir_fd, name, &st, 0) != 0 || st.st_size == 0;
}

/* An empty database is a new one only in a new directory: the lock remembers that there was one. */
static int check_not_lost(struct store *s)
{
	if (is_empty(s, "lock") || !is_empty(s, "occurd.db") || !is_empty(s, "occurd.db-wal"))
		return 0;
	return fail(-ENOENT,
		    "%s held events and is lost: put it back, or remove %s/lock to begin anew",
		    s->db_path, s->dir);
}

int directory_remember(struct store *s)
{
	static const char mark[] = "occurd\n";
	if (!is_empty(s, "lock"))
		return 0;
	if (pwrite(s->lock_fd, mark, sizeof(mark) - 1, 0) != (ssize_t)sizeof(mark) - 1 ||
	    fsync(s->lock_fd) != 0)
		return fail(-errno, "write %s/lock", s->dir);
	return 0;
}

/* SQLite gives its other files the mode that this one has. */
static int make_file(struct store *s)
{
	int fd = openat(s->dir_fd, "occurd.db", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return fail(-errno, "open %s", s->db_path);
	close(fd);
	return sync_dir(s->dir_fd, s->dir);
}

int directory_open(struct store *s, const char *dir)
{
	s->dir = strdup(dir);
	if (!s->dir || asprintf(&s->db_path, "%s/occurd.db", dir) < 0) {
		s->db_path = NULL;
		return fail(-ENOMEM, "store");
	}
	int r = make_dir(s);
	r = r ?: take_lock(s);
	r = r ?: check_not_lost(s);
	r = r ?: make_file(s);
	return pass(r);
}

void directory_close(struct store *s)
{
	if (s->lock_fd >= 0)
		close(s->lock_fd);
	if (s->dir_fd >= 0)
		close(s->dir_fd);
	s->lock_fd = s->dir_fd = -1;
	free(s->db_path);
	free(s->dir);
}

int directory_free_bytes(const struct store *s, uint64_t *out)
{
	struct statvfs v;
	if (fstatvfs(s->dir_fd, &v) != 0)
		return fail(-errno, "free space of %s", s->dir);
	*out = (uint64_t)v.f_bavail * v.f_frsize;
	return 0;
}

uint64_t directory_file_bytes(const struct store *s, const char *name)
{
	struct stat st;
	return fstatat(s->dir_fd, name, &st, 0) == 0 ? (uint64_t)st.st_size : 0;
}
