/*
 * Calls that ThreadSanitizer does not watch, made of those that it does: the threads of C11, which are
 * librdkafka's, of POSIX's, and libuv's way to close a file. Linked into a program they come before
 * the C library's.
 */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <threads.h>
#include <unistd.h>

/* --- Files --- */

/* Else a file that is opened under the number of one that was closed still counts as that one. */
long syscall(long number, ...)
{
	long (*real)(long, long, long, long, long, long, long);
	long a[6];
	va_list ap;
	va_start(ap, number);
	for (size_t i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	if (number == SYS_close)
		return close((int)a[0]);
	*(void **)&real = dlsym(RTLD_NEXT, "syscall");
	return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/* --- Threads --- */

/* glibc gives the types of <threads.h> the room that those of POSIX need. */
_Static_assert(sizeof(mtx_t) >= sizeof(pthread_mutex_t), "a mutex is one of POSIX's");
_Static_assert(sizeof(cnd_t) >= sizeof(pthread_cond_t), "likewise");
_Static_assert(sizeof(thrd_t) == sizeof(pthread_t), "likewise");

static int said(int error)
{
	switch (error) {
	case 0:
		return thrd_success;
	case EBUSY:
		return thrd_busy;
	case ETIMEDOUT:
		return thrd_timedout;
	case ENOMEM:
		return thrd_nomem;
	default:
		return thrd_error;
	}
}

struct start {
	thrd_start_t run;
	void *arg;
};

static void *run(void *arg)
{
	struct start start = *(struct start *)arg;
	free(arg);
	return (void *)(intptr_t)start.run(start.arg);
}

int thrd_create(thrd_t *out, thrd_start_t begin, void *arg)
{
	struct start *start = malloc(sizeof(*start));
	if (!start)
		return thrd_nomem;
	*start = (struct start){ begin, arg };
	int r = pthread_create(out, NULL, run, start);
	if (r)
		free(start);
	return said(r);
}

int thrd_join(thrd_t thread, int *result)
{
	void *end;
	int r = pthread_join(thread, &end);
	if (r == 0 && result)
		*result = (int)(intptr_t)end;
	return said(r);
}

int thrd_detach(thrd_t thread)
{
	return said(pthread_detach(thread));
}

static int64_t ns_of(clockid_t clock)
{
	struct timespec now;
	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Nor is this one of glibc's watched. */
int pthread_clockjoin_np(pthread_t thread, void **value, clockid_t clock,
			 const struct timespec *until)
{
	int64_t left = (int64_t)until->tv_sec * 1000000000 + until->tv_nsec - ns_of(clock);
	int64_t at = ns_of(CLOCK_REALTIME) + left;
	const struct timespec wall = { at / 1000000000, at % 1000000000 };
	return pthread_timedjoin_np(thread, value, &wall);
}

/* --- Locks --- */

int mtx_init(mtx_t *m, int type)
{
	pthread_mutexattr_t a;
	pthread_mutexattr_init(&a);
	if (type & mtx_recursive)
		pthread_mutexattr_settype(&a, PTHREAD_MUTEX_RECURSIVE);
	int r = pthread_mutex_init((pthread_mutex_t *)m, &a);
	pthread_mutexattr_destroy(&a);
	return said(r);
}

int mtx_lock(mtx_t *m)
{
	return said(pthread_mutex_lock((pthread_mutex_t *)m));
}

int mtx_trylock(mtx_t *m)
{
	return said(pthread_mutex_trylock((pthread_mutex_t *)m));
}

int mtx_unlock(mtx_t *m)
{
	return said(pthread_mutex_unlock((pthread_mutex_t *)m));
}

void mtx_destroy(mtx_t *m)
{
	pthread_mutex_destroy((pthread_mutex_t *)m);
}

/* --- Conditions --- */

int cnd_init(cnd_t *c)
{
	return said(pthread_cond_init((pthread_cond_t *)c, NULL));
}

int cnd_signal(cnd_t *c)
{
	return said(pthread_cond_signal((pthread_cond_t *)c));
}

int cnd_broadcast(cnd_t *c)
{
	return said(pthread_cond_broadcast((pthread_cond_t *)c));
}

int cnd_wait(cnd_t *c, mtx_t *m)
{
	return said(pthread_cond_wait((pthread_cond_t *)c, (pthread_mutex_t *)m));
}

int cnd_timedwait(cnd_t *restrict c, mtx_t *restrict m, const struct timespec *restrict until)
{
	return said(pthread_cond_timedwait((pthread_cond_t *)c, (pthread_mutex_t *)m, until));
}

void cnd_destroy(cnd_t *c)
{
	pthread_cond_destroy((pthread_cond_t *)c);
}
