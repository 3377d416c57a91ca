/*
 * What /metrics says of deliveries: a series per destination and automation, of the first
 * METRICS_SERIES_MAX each; what is beyond stands together under the name "other", so that an answer
 * has a bound and the sums are right.
 */
#pragma once

#include "base/buf.h"
#include "deliver/deliver.h"

enum { METRICS_SERIES_MAX = 1000 };

/* d NULL: it could not be started. */
void metrics_put_deliver(struct buf *b, struct deliver *d, uint64_t feed_end);

/* Likewise, but for the thread itself. */
void metrics_put_view(struct buf *b, const struct deliver_view *v, uint64_t feed_end,
		      instant_us now);
