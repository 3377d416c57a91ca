#include "deliver/rest.h"

#include "base/base.h"
#include "base/timefmt.h"

#include <time.h>

enum { TIMES = 9 };

static int64_t thread_time_us(void)
{
	struct timespec t;
	must(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t) == 0);
	return t.tv_sec * US_PER_S + t.tv_nsec / 1000;
}

void rest_begin(struct rest *r, int64_t took_us)
{
	*r = (struct rest){ time_monotonic_us(), took_us, thread_time_us() };
}

int64_t rest_ends_us(const struct rest *r)
{
	if (r->took_us == 0)
		return r->began_us;
	int64_t used = thread_time_us() - r->used_us;
	return r->began_us + MIN(TIMES * r->took_us, r->took_us + used);
}
