#include "deliver/bell.h"

#include "base/fail.h"
#include "deliver/http.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

int bell_open(struct http *h, void (*rung)(void *arg), void *arg, int *fd)
{
	int bell = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (bell < 0)
		return fail(-errno, "an eventfd");
	int r = http_watch(h, bell, rung, arg);
	if (r < 0) {
		close(bell);
		return pass(r);
	}
	*fd = bell;
	return 0;
}

void bell_close(struct http *h, int fd)
{
	http_unwatch(h, fd);
	close(fd);
}

void bell_hush(int fd)
{
	uint64_t rings;
	(void)!read(fd, &rings, sizeof(rings));
}

/* It fails only where it has been rung 2^64 times, unheard. */
void bell_ring(int fd)
{
	uint64_t once = 1;
	(void)!write(fd, &once, sizeof(once));
}
