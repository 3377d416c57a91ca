/*
 * Rate limits: each key has, per dialect and family of endpoints, a bucket of as many tokens as the
 * limit allows requests. The first request of a window starts the window; at its end the bucket is
 * full again. So the N+1st request of a window is refused, however fast tokens would trickle in
 * otherwise: that is what the vendors say ("250 requests / second", "401st call in a minute").
 *
 * Thread: any; one compare-and-swap per request. Buckets are not kept over a restart.
 */
#pragma once

#include "dialect/dialect.h"

struct ratelimit;

MUST_CHECK int ratelimit_new(struct ratelimit **out);
void ratelimit_free(struct ratelimit *r); /* NULL is fine */

struct bucket {
	uint32_t key_no;
	enum dialect_no dialect;
	unsigned family; /* of endpoints: endpoint->bucket; or RATELIMIT_OWN */
};

/* For a limit of the workspace's own, whose window is not the vendor's: a workspace that changes
 * from one to the other is not held to what was counted for the other. */
enum { RATELIMIT_OWN = ENDPOINT_BUCKETS };

/* Takes one token. False: none is left. *state tells where the key stands either way. now_ms is
 * monotonic; rate.requests is above 0 and may differ from call to call: what was taken in the
 * running window counts against the new rate, so that a change holds from the next request on. */
bool ratelimit_take(struct ratelimit *r, struct bucket bucket, struct rate rate, int64_t now_ms,
		    struct rate_state *state);
