/*
 * The rest of those who cost much: nine times as long as their turn took, or until the thread has had
 * nothing to do for as long as that. So they have a tenth of the time while others want more of it, and
 * half of it while nobody else wants any.
 *
 * Thread: the delivering thread.
 */
#pragma once

#include <stdint.h>

struct rest {
	int64_t began_us; /* monotonic; 0: there was none yet */
	int64_t took_us;  /* the turn before it */
	int64_t used_us;  /* processor time of the thread, when it began */
};

void rest_begin(struct rest *r, int64_t took_us);

/* As it looks now; monotonic. It comes no later than it was said to while the thread sleeps. */
int64_t rest_ends_us(const struct rest *r);
