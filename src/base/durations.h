/*
 * How long something took, counted by size for who watches: a histogram with fixed bounds. Adding
 * costs two relaxed additions and takes no lock. Thread: any, for all of it.
 */
#pragma once

#include "base/base.h"

#include <stdatomic.h>

enum { DURATIONS_BOUNDS = 12 };

/* Microseconds, growing: what took no longer counts up to there. */
extern const int64_t durations_bounds_us[DURATIONS_BOUNDS];

struct durations {
	atomic_uint_least64_t counts[DURATIONS_BOUNDS + 1]; /* the last: longer than all bounds */
	atomic_uint_least64_t sum_us;
};

struct durations_view {
	uint64_t up_to[DURATIONS_BOUNDS + 1]; /* cumulative; the last: all */
	uint64_t sum_us;
};

void durations_add(struct durations *d, int64_t us);
struct durations_view durations_look(const struct durations *d);
