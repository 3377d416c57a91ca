/*
 * Calls to the system that fail when the test says so. The functions below take the place of
 * libc's in the whole program, libraries included; each counts, and from a chosen one on it (or it
 * and all that follow) says no. For one program, which includes this once, behind cmocka.h.
 */
#pragma once

#include <dlfcn.h>
#include <errno.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/types.h>
#include <sys/uio.h>

/* Kinds, as bits. */
enum calls_kind {
	CALL_OPEN = 1,
	CALL_READ = 2,
	CALL_WRITE = 4, /* and truncation */
	CALL_SYNC = 8,
	CALL_NAMES = 16, /* mkdir, unlink, rename */
	CALL_LOOK = 32,  /* the size of a file, the free space of a disk */
	CALL_MAP = 64,
	CALL_MEMORY = 128, /* that the program itself asks for */
	CALL_SQLITE_MEMORY = 2048,
	CALL_ACCEPT = 256,
	CALL_RECEIVE = 512,
	CALL_SEND = 1024,
};

static struct {
	atomic_uint kinds; /* that count */
	atomic_int seen, fail_at;
	atomic_int times; /* how many fail, from fail_at on */
	atomic_int error; /* 0: a write or read of a part, where there can be one */
	atomic_int failed;
} calls;

static inline void calls_arm(unsigned kinds, int fail_at, int times, int error)
{
	atomic_store(&calls.kinds, 0);
	atomic_store(&calls.seen, 0);
	atomic_store(&calls.failed, 0);
	atomic_store(&calls.fail_at, fail_at);
	atomic_store(&calls.times, times);
	atomic_store(&calls.error, error);
	atomic_store(&calls.kinds, kinds);
}

/* One way to fail, for each call in its turn. */
struct calls_way {
	unsigned kinds;
	int error; /* as calls.error */
	const char *what;
};

/* Runs until no call is left to fail. run() gives how many failed; this, how many there were. */
static inline int calls_try_each(const struct calls_way *way,
				 int (*run)(unsigned kinds, int fail_at, int error))
{
	int n = 0;
	print_message("%s", way->what);
	while (run(way->kinds, n + 1, way->error) > 0)
		n++;
	print_message(": %d calls\n", n);
	return n;
}

/* Memory is asked for before a sanitizer is ready. */
#define CALLS_EARLY __attribute__((no_sanitize("address", "undefined", "thread")))

/* Whether this call says no. */
CALLS_EARLY static bool calls_fail(unsigned kind)
{
	if (!(atomic_load(&calls.kinds) & kind))
		return false;
	int n = atomic_fetch_add(&calls.seen, 1) + 1, at = atomic_load(&calls.fail_at);
	if (at == 0 || n < at || n >= at + atomic_load(&calls.times))
		return false;
	atomic_fetch_add(&calls.failed, 1);
	errno = atomic_load(&calls.error);
	return true;
}

/* Below zero, with errno; or how much of it is to be done. */
static inline ssize_t calls_part(unsigned kind, size_t n)
{
	if (!calls_fail(kind))
		return (ssize_t)n;
	return errno || n < 2 ? -1 : (ssize_t)(n / 2);
}

#define CALLS_NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

/* --- Files --- */

static inline mode_t calls_mode(int flags, va_list args)
{
	return flags & O_CREAT ? (mode_t)va_arg(args, int) : 0;
}

#define CALLS_DEFINE_OPEN(name)                             \
	int name(const char *path, int flags, ...)          \
	{                                                   \
		va_list args;                               \
		va_start(args, flags);                      \
		mode_t mode = calls_mode(flags, args);      \
		va_end(args);                               \
		if (calls_fail(CALL_OPEN))                  \
			return -1;                          \
		return CALLS_NEXT(name)(path, flags, mode); \
	}

CALLS_DEFINE_OPEN(open)
CALLS_DEFINE_OPEN(open64)

int openat(int dir, const char *path, int flags, ...)
{
	va_list args;
	va_start(args, flags);
	mode_t mode = calls_mode(flags, args);
	va_end(args);
	return calls_fail(CALL_OPEN) ? -1 : CALLS_NEXT(openat)(dir, path, flags, mode);
}

ssize_t pread64(int fd, void *p, size_t n, off64_t at)
{
	ssize_t part = calls_part(CALL_READ, n);
	return part < 0 ? -1 : CALLS_NEXT(pread64)(fd, p, (size_t)part, at);
}

ssize_t pwrite64(int fd, const void *p, size_t n, off64_t at)
{
	ssize_t part = calls_part(CALL_WRITE, n);
	return part < 0 ? -1 : CALLS_NEXT(pwrite64)(fd, p, (size_t)part, at);
}

ssize_t pwrite(int fd, const void *p, size_t n, off_t at)
{
	ssize_t part = calls_part(CALL_WRITE, n);
	return part < 0 ? -1 : CALLS_NEXT(pwrite)(fd, p, (size_t)part, at);
}

int ftruncate64(int fd, off64_t n)
{
	return calls_fail(CALL_WRITE) ? -1 : CALLS_NEXT(ftruncate64)(fd, n);
}

int fsync(int fd)
{
	return calls_fail(CALL_SYNC) ? -1 : CALLS_NEXT(fsync)(fd);
}

int fdatasync(int fd)
{
	return calls_fail(CALL_SYNC) ? -1 : CALLS_NEXT(fdatasync)(fd);
}

int mkdir(const char *path, mode_t mode)
{
	return calls_fail(CALL_NAMES) ? -1 : CALLS_NEXT(mkdir)(path, mode);
}

int unlink(const char *path)
{
	return calls_fail(CALL_NAMES) ? -1 : CALLS_NEXT(unlink)(path);
}

int fstat64(int fd, struct stat64 *out)
{
	return calls_fail(CALL_LOOK) ? -1 : CALLS_NEXT(fstat64)(fd, out);
}

int fstatvfs(int fd, struct statvfs *out)
{
	return calls_fail(CALL_LOOK) ? -1 : CALLS_NEXT(fstatvfs)(fd, out);
}

/* Of a file: memory without one is asked for in many ways. */
void *mmap64(void *at, size_t n, int prot, int flags, int fd, off64_t offset)
{
	if (fd >= 0 && calls_fail(CALL_MAP))
		return MAP_FAILED;
	return CALLS_NEXT(mmap64)(at, n, prot, flags, fd, offset);
}

/* --- Memory --- */

extern const char __executable_start, etext;

/* Called by the program itself: libc and the sanitizer ask for memory where nobody can refuse. */
CALLS_EARLY static bool calls_is_ours(const void *caller)
{
	return (const char *)caller >= &__executable_start && (const char *)caller < &etext;
}

/* Asked for before there is a dlsym() to be asked: by name, the
 * sanitizer's (newer ones have one underscore more) or else libc's. */
#define CALLS_DEFINE_MEMORY(name, parameters, ...)                                                    \
	extern void *__interceptor_##name parameters __attribute__((weak));                           \
	extern void *___interceptor_##name parameters __attribute__((weak));                          \
	extern void *__libc_##name parameters;                                                        \
	CALLS_EARLY void *name parameters                                                             \
	{                                                                                             \
		if (calls_is_ours(__builtin_return_address(0)) && calls_fail(CALL_MEMORY))            \
			return NULL;                                                                  \
		return (__interceptor_##name ?: ___interceptor_##name ?: __libc_##name)(__VA_ARGS__); \
	}

CALLS_DEFINE_MEMORY(malloc, (size_t n), n)
CALLS_DEFINE_MEMORY(calloc, (size_t n, size_t each), n, each)
CALLS_DEFINE_MEMORY(realloc, (void *p, size_t n), p, n)

char *strdup(const char *s)
{
	return calls_fail(CALL_MEMORY) ? NULL : CALLS_NEXT(strdup)(s);
}

int asprintf(char **out, const char *format, ...)
{
	va_list args;
	if (calls_fail(CALL_MEMORY))
		return -1;
	va_start(args, format);
	int n = vasprintf(out, format, args);
	va_end(args);
	return n;
}

static sqlite3_mem_methods calls_sqlite; /* its own */

static inline void *calls_sqlite_malloc(int n)
{
	if (calls_fail(CALL_SQLITE_MEMORY))
		return NULL;
	return calls_sqlite.xMalloc(n);
}

static inline void *calls_sqlite_realloc(void *old, int n)
{
	if (calls_fail(CALL_SQLITE_MEMORY))
		return NULL;
	return calls_sqlite.xRealloc(old, n);
}

/* Before anything else is done with SQLite. */
static inline void calls_tell_sqlite(void)
{
	sqlite3_config(SQLITE_CONFIG_GETMALLOC, &calls_sqlite);
	sqlite3_mem_methods ours = calls_sqlite;
	ours.xMalloc = calls_sqlite_malloc;
	ours.xRealloc = calls_sqlite_realloc;
	sqlite3_config(SQLITE_CONFIG_MALLOC, &ours);
}

/* --- Sockets: the server's; a client here uses send() and recv() --- */

static inline bool calls_is_socket(int fd)
{
	int type;
	socklen_t n = sizeof(type);
	int before = errno;
	bool yes = getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n) == 0;
	errno = before;
	return yes;
}

int accept4(int fd, struct sockaddr *from, socklen_t *n, int flags)
{
	return calls_fail(CALL_ACCEPT) ? -1 : CALLS_NEXT(accept4)(fd, from, n, flags);
}

ssize_t read(int fd, void *p, size_t n)
{
	ssize_t part = (ssize_t)n;
	if (calls_is_socket(fd))
		part = calls_part(CALL_RECEIVE, n);
	/* The room is far larger than what there is: a part of that is a few bytes. */
	if (part >= 0 && part < (ssize_t)n)
		part = part < 5 ? part : 5;
	return part < 0 ? -1 : CALLS_NEXT(read)(fd, p, (size_t)part);
}

ssize_t write(int fd, const void *p, size_t n)
{
	ssize_t part = (ssize_t)n;
	if (calls_is_socket(fd))
		part = calls_part(CALL_SEND, n);
	return part < 0 ? -1 : CALLS_NEXT(write)(fd, p, (size_t)part);
}

ssize_t writev(int fd, const struct iovec *list, int n)
{
	ssize_t part = calls_part(calls_is_socket(fd) ? CALL_SEND : CALL_WRITE, (size_t)n);
	return part < 0 ? -1 : CALLS_NEXT(writev)(fd, list, (int)part);
}
