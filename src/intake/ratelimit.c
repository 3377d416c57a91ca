#include "intake/ratelimit.h"

#include "base/fail.h"

#include <errno.h>
#include <stdlib.h>

/*
 * A bucket is one word, so that it changes as a whole: the millisecond its window began in the
 * upper 40 bits (34 years), the tokens taken in the lower 24.
 */
enum { TAKEN_BITS = 24 };
#define TAKEN_MAX ((1U << TAKEN_BITS) - 1)

enum {
	DIALECTS = 8,                    /* numbers are below this */
	FAMILIES = ENDPOINT_BUCKETS + 1, /* and RATELIMIT_OWN */
	BUCKETS_PER_KEY = DIALECTS * FAMILIES,
};

struct ratelimit {
	_Atomic uint64_t buckets[((size_t)KEY_NO_MAX + 1) * BUCKETS_PER_KEY];
};

struct window {
	int64_t began_ms;
	unsigned taken;
};

static struct window window_of(uint64_t bucket)
{
	return (struct window){ (int64_t)(bucket >> TAKEN_BITS), bucket & TAKEN_MAX };
}

static uint64_t bucket_of(struct window w)
{
	return (uint64_t)w.began_ms << TAKEN_BITS | w.taken;
}

int ratelimit_new(struct ratelimit **out)
{
	/* Pages that no key touches are never backed by memory. */
	*out = calloc(1, sizeof(**out));
	return *out ? 0 : fail(-ENOMEM, "rate limit buckets");
}

void ratelimit_free(struct ratelimit *r)
{
	free(r);
}

static unsigned seconds_left(struct window w, int64_t window_ms, int64_t now_ms)
{
	int64_t left_ms = w.began_ms + window_ms - now_ms;
	return left_ms <= 1000 ? 1 : (unsigned)((left_ms + 999) / 1000);
}

static _Atomic uint64_t *find(struct ratelimit *r, struct bucket b)
{
	must(b.key_no <= KEY_NO_MAX && (unsigned)b.dialect < DIALECTS && b.family < FAMILIES);
	unsigned within = b.dialect * FAMILIES + b.family;
	return &r->buckets[(size_t)b.key_no * BUCKETS_PER_KEY + within];
}

bool ratelimit_take(struct ratelimit *r, struct bucket which, struct rate rate, int64_t now_ms,
		    struct rate_state *state)
{
	_Atomic uint64_t *bucket = find(r, which);
	int64_t window_ms = (int64_t)rate.window_s * 1000;
	unsigned limit = MIN(rate.requests, TAKEN_MAX);

	uint64_t seen = atomic_load_explicit(bucket, memory_order_relaxed);
	struct window w;
	bool granted;
	do {
		w = window_of(seen);
		if (w.taken == 0 || now_ms - w.began_ms >= window_ms)
			w = (struct window){ now_ms, 0 };
		granted = w.taken < limit;
		w.taken += granted;
	} while (!atomic_compare_exchange_weak_explicit(
		bucket, &seen, bucket_of(w), memory_order_relaxed, memory_order_relaxed));

	*state = (struct rate_state){
		.limit = limit,
		.remaining = limit - MIN(w.taken, limit),
		.reset_s = seconds_left(w, window_ms, now_ms),
	};
	return granted;
}
