/*
 * Files: one line of JSON per delivery, appended and synced, under `out` in the data directory. A
 * file that has reached its size is renamed to its name with the time behind it, and a new one
 * begun. What a crash left of a line is ended before the next, so that each line is one delivery's
 * or none's.
 */
#include "base/fail.h"
#include "deliver/sender.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* The folders on the way. */
static int make_folders(char *path, size_t from)
{
	for (char *slash = strchr(path + from, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		int r = mkdir(path, 0700) < 0 && errno != EEXIST ? -errno : 0;
		*slash = '/';
		if (r < 0)
			return fail(r, "cannot make the folders of %s", path);
	}
	return 0;
}

static int make_path(const struct attempt *a, char path[PATH_MAX])
{
	struct str dir = a->data_dir, name = a->destination->path;
	int n = snprintf(path, PATH_MAX, STR_FMT "/out/" STR_FMT, STR_ARG(dir), STR_ARG(name));
	if (n >= PATH_MAX)
		return fail(-ENAMETOOLONG, STR_FMT, STR_ARG(name));
	return pass(make_folders(path, dir.n + 1));
}

static void name_aside(char aside[PATH_MAX + 40], const char *path, instant_us at)
{
	char text[32];
	struct buf b = buf_over(text, sizeof(text));
	time_put(&b, at, 6);
	snprintf(aside, PATH_MAX + 40, "%s." STR_FMT, path, STR_ARG(buf_str(&b)));
}

/* Many deliveries begin at the same instant, and what was put aside is never overwritten. */
static int rotate(const char *path, instant_us now)
{
	char aside[PATH_MAX + 40];
	name_aside(aside, path, now);
	while (access(aside, F_OK) == 0)
		name_aside(aside, path, ++now);
	return rename(path, aside) < 0 ? fail(-errno, "cannot rename %s", path) : 0;
}

static int open_to_append(const char *path)
{
	int fd = open(path, O_CREAT | O_RDWR | O_APPEND | O_CLOEXEC, 0600);
	return fd < 0 ? fail(-errno, "cannot open %s", path) : fd;
}

static int open_for(const struct attempt *a, const char *path)
{
	struct stat st;
	if (stat(path, &st) == 0 && (uint64_t)st.st_size >= a->destination->rotate_bytes) {
		int r = rotate(path, a->now);
		if (r < 0)
			return pass(r);
	}
	return open_to_append(path);
}

static bool ends_within_a_line(int fd)
{
	struct stat st;
	char last;
	return fstat(fd, &st) == 0 && st.st_size > 0 && pread(fd, &last, 1, st.st_size - 1) == 1 &&
	       last != '\n';
}

static int append(int fd, struct arena *arena, struct str line)
{
	struct buf b = buf_in(arena);
	if (ends_within_a_line(fd))
		buf_char(&b, '\n');
	buf_put(&b, line);
	buf_char(&b, '\n');
	if (b.failed)
		return fail(-ENOMEM, "a line");
	ssize_t n = write(fd, b.p, b.n);
	if (n < 0)
		return fail(-errno, "cannot write");
	if ((size_t)n < b.n)
		return fail(-ENOSPC, "only %zd of %zu bytes could be written", n, b.n);
	return fdatasync(fd) < 0 ? fail(-errno, "cannot sync") : 0;
}

static int deliver(struct attempt *a)
{
	char path[PATH_MAX];
	int r = make_path(a, path);
	int fd = r < 0 ? r : open_for(a, path);
	if (fd < 0)
		return pass(fd);
	r = append(fd, &a->arena, a->body);
	close(fd);
	return pass(r);
}

static int file_send(struct http *h, struct attempt *a)
{
	int64_t began_ms = time_monotonic_ms();
	(void)h;
	bool done = deliver(a) == 0;
	a->outcome = done ? ATTEMPT_DELIVERED : ATTEMPT_RETRY;
	a->status = 0;
	a->retry_after_s = -1;
	a->answer = done ? STR("") : arena_str(&a->arena, str_of(fail_text()));
	a->duration_ms = time_monotonic_ms() - began_ms;
	a->done(a);
	return 0;
}

const struct sender file = { .type = DESTINATION_FILE, .send = file_send };
