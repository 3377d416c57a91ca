#include "store/backup.h"

#include "base/fail.h"
#include "base/timefmt.h"
#include "store/db.h"
#include "store/directory.h"
#include "store/migrations.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* A piece and a pause: the server's own reads and syncs come in between. */
enum { PIECE_PAGES = 256, PAUSE_MS = 1 };

struct backup {
	struct directory dir;
	sqlite3 *from, *to;
	char path[PATH_MAX]; /* that it shall have */
	char file[PATH_MAX]; /* what it is called by now */
	int fd;
	const volatile sig_atomic_t *stop;
};

static bool is_dir(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static int set_path(char out[PATH_MAX], const char *base, const char *tail)
{
	int n = snprintf(out, PATH_MAX, "%s%s", base, tail);
	return n < PATH_MAX ? 0 : fail(-ENAMETOOLONG, "%s", base);
}

static int choose_path(struct backup *b, const char *to)
{
	char name[40];
	struct tm utc;
	time_t now = (time_t)(time_now() / US_PER_S);
	gmtime_r(&now, &utc);
	strftime(name, sizeof(name), "/occurd-%Y%m%dT%H%M%SZ.db", &utc);
	int r = set_path(b->path, to, is_dir(to) ? name : "");
	r = r ?: set_path(b->file, b->path, ".part-XXXXXX");
	if (r == 0 && access(b->path, F_OK) == 0)
		return fail(-EEXIST, "%s is there already", b->path);
	return pass(r);
}

/* Nobody else may read it: it holds personal data. */
static int open_target(struct backup *b)
{
	b->fd = mkostemp(b->file, O_CLOEXEC);
	if (b->fd < 0)
		return fail(-errno, "make %s", b->file);
	int r = db_open(b->file, SQLITE_OPEN_READWRITE, &b->to);
	/* Until it has its name it is nothing, so it needs no journal of its own. */
	return pass(r ?: db_exec(b->to, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF"));
}

/* The transaction holds on to the moment: without it each commit would begin the copy anew. */
static int open_source(struct backup *b, const char *dir, struct backup_result *out)
{
	bool empty;
	int64_t last = 0;
	int r = directory_visit(&b->dir, dir, false);
	r = r ?: db_open(b->dir.db_path, SQLITE_OPEN_READONLY, &b->from);
	if (r < 0)
		return pass(r);
	sqlite3_db_config(b->from, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	r = db_exec(b->from, "BEGIN");
	r = r ?: migrations_check(b->from, &empty);
	if (r == 0 && empty)
		return fail(-ENOENT, "nothing was ever stored in %s", dir);
	r = r ?: db_query_i64(b->from, "SELECT coalesce(max(seq), 0) FROM event", &last);
	out->last_seq = (uint64_t)last;
	return pass(r);
}

static int check_stop(const struct backup *b)
{
	return b->stop && *b->stop ? fail(-EINTR, "stopped before the copy was done") : 0;
}

static int step(const struct backup *b, sqlite3_backup *copy)
{
	for (;;) {
		int r = check_stop(b);
		if (r < 0)
			return pass(r);
		int rc = sqlite3_backup_step(copy, PIECE_PAGES);
		if (rc == SQLITE_DONE)
			return 0;
		if (rc != SQLITE_OK && rc != SQLITE_BUSY && rc != SQLITE_LOCKED)
			return db_fail(b->to, rc, "copy");
		sqlite3_sleep(PAUSE_MS);
	}
}

static int copy_all(struct backup *b)
{
	sqlite3_backup *copy = sqlite3_backup_init(b->to, "main", b->from, "main");
	if (!copy)
		return db_fail(b->to, sqlite3_errcode(b->to), "copy");
	int r = step(b, copy);
	sqlite3_backup_finish(copy);
	if (r < 0)
		return pass(r);
	db_close(steal(&b->to));
	return 0;
}

static int sync_parent(const char *path)
{
	char dir[PATH_MAX];
	int r = set_path(dir, path, "");
	if (r < 0)
		return pass(r);
	char *slash = strrchr(dir, '/');
	if (slash)
		slash[slash == dir] = '\0'; /* "/" stays */
	return pass(directory_sync_at(slash ? dir : "."));
}

/* In two steps, of which the first is refused when the name is taken: what any file system can do,
 * also one without links. A kill between them leaves an empty file. */
static int take_name(const struct backup *b)
{
	int fd = open(b->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	close(fd);
	if (rename(b->file, b->path) == 0)
		return 0;
	int r = -errno;
	unlink(b->path);
	return r;
}

/* NFS, 9p and most of FUSE do not know the flag. */
static int take_name_at_once(const struct backup *b)
{
	if (renameat2(AT_FDCWD, b->file, AT_FDCWD, b->path, RENAME_NOREPLACE) == 0)
		return 0;
	return errno == EINVAL || errno == ENOSYS ? take_name(b) : -errno;
}

static int give_name(struct backup *b, struct backup_result *out)
{
	struct stat st;
	if (fsync(b->fd) != 0 || fstat(b->fd, &st) != 0)
		return fail(-errno, "sync %s", b->file);
	int r = check_stop(b);
	if (r < 0)
		return pass(r);
	r = take_name_at_once(b);
	if (r < 0)
		return fail(r, "name the copy %s", b->path);
	memcpy(b->file, b->path, sizeof(b->file));
	out->bytes = (uint64_t)st.st_size;
	memcpy(out->path, b->path, sizeof(out->path));
	return sync_parent(b->path);
}

static void close_all(struct backup *b, bool failed)
{
	db_close(b->from);
	db_close(b->to);
	if (b->fd >= 0)
		close(b->fd);
	if (b->fd >= 0 && failed)
		unlink(b->file);
	directory_close(&b->dir);
}

int backup_run(const struct backup_config *config, struct backup_result *out)
{
	struct backup b = { .dir = directory_none, .fd = -1, .stop = config->stop };
	int r = choose_path(&b, config->to);
	r = r ?: open_source(&b, config->dir, out);
	r = r ?: open_target(&b);
	r = r ?: copy_all(&b);
	r = r ?: give_name(&b, out);
	close_all(&b, r < 0);
	return pass(r);
}
