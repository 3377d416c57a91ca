#include "deliver/file_lines.h"

#include "base/buf.h"
#include "base/fail.h"
#include "store/directory.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

/* --- Names --- */

/* The folders on the way. */
static int make_folders(char *path, size_t from)
{
	for (char *slash = strchr(path + from, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		int r = mkdir(path, 0700) < 0 && errno != EEXIST ? -errno : 0;
		*slash = '/';
		if (r < 0)
			return fail(r, "cannot make the folders of the file");
	}
	return 0;
}

static int make_path(const struct file_place *to, char path[PATH_MAX])
{
	int n = snprintf(path, PATH_MAX, STR_FMT "/out/" STR_FMT, STR_ARG(to->dir),
			 STR_ARG(to->name));
	if (n >= PATH_MAX)
		return fail(-ENAMETOOLONG, "the path of the file");
	return pass(make_folders(path, to->dir.n + 1));
}

/* From the file's own folder up to the data directory: lines that are synced in a file which nobody
 * finds after a power cut are lost. */
static int sync_names(char *path, size_t from)
{
	int r = 0;
	for (char *slash; r == 0 && (slash = strrchr(path + from - 1, '/'));) {
		*slash = '\0';
		r = directory_sync_at(path);
	}
	return r < 0 ? fail(r, "cannot sync the folders of the file") : 0;
}

static void name_aside(char aside[PATH_MAX + 40], const char *path, instant_us at)
{
	char text[32];
	struct buf b = buf_over(text, sizeof(text));
	time_put(&b, at, 6);
	snprintf(aside, PATH_MAX + 40, "%s." STR_FMT, path, STR_ARG(buf_str(&b)));
}

/* Several may be put aside at the same instant, and none is ever overwritten. */
static int rotate(const char *path, instant_us now)
{
	char aside[PATH_MAX + 40];
	name_aside(aside, path, now);
	while (access(aside, F_OK) == 0)
		name_aside(aside, path, ++now);
	return rename(path, aside) < 0 ? fail(-errno, "cannot rename the file") : 0;
}

/* --- One file --- */

static int open_to_append(const struct file_place *to, const char *path, instant_us now)
{
	struct stat st;
	if (stat(path, &st) == 0 && (uint64_t)st.st_size >= to->rotate_bytes) {
		int r = rotate(path, now);
		if (r < 0)
			return pass(r);
	}
	int fd = open(path, O_CREAT | O_RDWR | O_APPEND | O_CLOEXEC, 0600);
	return fd < 0 ? fail(-errno, "cannot open the file") : fd;
}

/* What is written at once. */
struct batch {
	struct iovec parts[1 + 2 * FILE_LINES_MAX]; /* the system takes 1024 */
	unsigned n_parts, n_lines;
	size_t bytes;
};

static void put(struct batch *b, struct str s)
{
	b->parts[b->n_parts++] = (struct iovec){ (void *)s.p, s.n };
	b->bytes += s.n;
}

/* As many as there is room for in a file of `size` bytes, one in any case. */
static void gather(struct batch *b, uint64_t size, uint64_t rotate_bytes, const struct str *lines,
		   unsigned n)
{
	unsigned most = MIN(n, FILE_LINES_MAX);
	do {
		put(b, lines[b->n_lines++]);
		put(b, STR("\n"));
	} while (b->n_lines < most && b->bytes < FILE_LINES_BYTES &&
		 size + b->bytes < rotate_bytes);
}

static unsigned whole_lines(const struct str *lines, unsigned n, size_t bytes)
{
	unsigned i = 0;
	while (i < n && lines[i].n < bytes)
		bytes -= lines[i++].n + 1;
	return i;
}

/* What was written of it counts once it has been synced, also if that is not all. */
static int write_and_sync(int fd, const struct batch *b, const struct str *lines, unsigned *taken)
{
	ssize_t n = writev(fd, b->parts, (int)b->n_parts);
	if (n < 0)
		return fail(-errno, "cannot write");
	if (fdatasync(fd) < 0)
		return fail(-errno, "cannot sync");
	size_t before = b->n_parts - 2 * b->n_lines; /* the end of a torn line */
	*taken = (size_t)n > before ? whole_lines(lines, b->n_lines, (size_t)n - before) : 0;
	if ((size_t)n < b->bytes)
		return fail(-ENOSPC, "only %zd of %zu bytes could be written", n, b->bytes);
	return 0;
}

static bool ends_within_a_line(int fd, off_t size)
{
	char last;
	return size > 0 && pread(fd, &last, 1, size - 1) == 1 && last != '\n';
}

static int append(int fd, char *path, const struct file_place *to, const struct str *lines,
		  unsigned n, unsigned *taken)
{
	struct batch b = { .n_parts = 0 };
	struct stat st;
	if (fstat(fd, &st) < 0)
		return fail(-errno, "cannot look at the file");
	if (ends_within_a_line(fd, st.st_size))
		put(&b, STR("\n"));
	gather(&b, (uint64_t)st.st_size, to->rotate_bytes, lines, n);
	int r = st.st_size == 0 ? sync_names(path, to->dir.n + 1) : 0;
	return pass(r ?: write_and_sync(fd, &b, lines, taken));
}

int file_lines_append(const struct file_place *to, instant_us now, const struct str *lines,
		      unsigned n, unsigned *taken)
{
	char path[PATH_MAX];
	*taken = 0;
	must(n > 0);
	int r = make_path(to, path);
	int fd = r < 0 ? r : open_to_append(to, path, now);
	if (fd < 0)
		return pass(fd);
	r = append(fd, path, to, lines, n, taken);
	close(fd);
	return pass(r);
}
