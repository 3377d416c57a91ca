#include "base/durations.h"

const int64_t durations_bounds_us[DURATIONS_BOUNDS] = {
	500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 1000000, 5000000, 10000000,
};

void durations_add(struct durations *d, int64_t us)
{
	unsigned i = 0;
	us = MAX(us, 0);
	while (i < DURATIONS_BOUNDS && us > durations_bounds_us[i])
		i++;
	atomic_fetch_add_explicit(&d->counts[i], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&d->sum_us, (uint64_t)us, memory_order_relaxed);
}

struct durations_view durations_look(const struct durations *d)
{
	struct durations_view view;
	uint64_t n = 0;
	for (unsigned i = 0; i <= DURATIONS_BOUNDS; i++) {
		n += atomic_load_explicit(&d->counts[i], memory_order_relaxed);
		view.up_to[i] = n;
	}
	view.sum_us = atomic_load_explicit(&d->sum_us, memory_order_relaxed);
	return view;
}
