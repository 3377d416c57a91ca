/*
 * How often each latency was seen, from a nanosecond to centuries, never wrong by more than 1 %: each
 * power of two has 128 cells. Adding is a few instructions, so that measuring costs nothing.
 */
#pragma once

#include "base/base.h"

enum {
	HISTOGRAM_BITS = 7,
	HISTOGRAM_CELLS = (64 - HISTOGRAM_BITS + 1) << HISTOGRAM_BITS,
};

struct histogram {
	uint64_t cells[HISTOGRAM_CELLS];
	uint64_t n, max;
};

void histogram_add(struct histogram *h, uint64_t value);
/* The value that the share (0..1) of all values does not exceed; 0 when there are none. */
uint64_t histogram_at(const struct histogram *h, double share);
