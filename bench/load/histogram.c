#include "load/histogram.h"

/* The power of two that the value's cells have in width. */
static unsigned width_of(uint64_t value)
{
	unsigned top = 63 - (unsigned)__builtin_clzll(value | 1);
	return top > HISTOGRAM_BITS ? top - HISTOGRAM_BITS : 0;
}

void histogram_add(struct histogram *h, uint64_t value)
{
	unsigned width = width_of(value);
	h->cells[(width << HISTOGRAM_BITS) + (value >> width)]++;
	h->n++;
	h->max = MAX(h->max, value);
}

/* The largest value of a cell. */
static uint64_t top_of(unsigned cell)
{
	unsigned width = cell >> HISTOGRAM_BITS;
	if (width == 0)
		return cell;
	width--;
	uint64_t first = cell - (width << HISTOGRAM_BITS);
	return ((first + 1) << width) - 1;
}

uint64_t histogram_at(const struct histogram *h, double share)
{
	uint64_t wanted = (uint64_t)(share * (double)h->n), seen = 0;
	for (unsigned cell = 0; cell < HISTOGRAM_CELLS; cell++) {
		seen += h->cells[cell];
		if (seen > 0 && seen >= wanted)
			return MIN(top_of(cell), h->max);
	}
	return h->max;
}
