/*
 * The load itself: one thread, many connections over epoll, one request at a time on each.
 *
 * Closed loop: a connection sends its next request as soon as it has its answer, so a slow server
 * is asked less. Constant rate: request k is due at start + k / rate, whatever the answers do, and
 * goes out on the connection that has been idle for longest; when none is, it waits, and its latency
 * counts from when it was due. That corrects for coordinated omission as wrk2 does.
 */
#pragma once

#include "load/histogram.h"
#include "load/options.h"
#include "load/request.h"

enum { STATUS_END = 600 };

/* What was seen after the warm-up. */
struct seen {
	struct histogram latency; /* ns, of 2xx answers */
	uint64_t status[STATUS_END];
	uint64_t good;   /* 2xx until the end */
	uint64_t vague;  /* 429 and 503 that do not say when to come again */
	uint64_t lost;   /* requests whose connection ended without an answer */
	uint64_t unsent; /* due before the end, but no connection was idle */
	double seconds;
};

/* Ends the program when it cannot connect, or is answered what is no HTTP. */
void engine_run(const struct options *o, struct requests *requests, struct seen *seen);
