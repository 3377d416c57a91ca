/*
 * One producer of librdkafka: what it is set up with, what it says, how it ends. librdkafka has
 * threads of its own, which block all signals; what they have to tell waits in a queue, and a
 * bell (bell.h) says that there is something in it.
 *
 * Thread: the delivering thread.
 */
#pragma once

#include "base/timefmt.h"
#include "model/destination.h"

#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>

enum {
	PRODUCER_TIMEOUT_MS = 15 * 1000, /* of a message, with all that librdkafka tries for it */
	PRODUCER_ERROR_MAX = 300,
};

struct producer {
	/* Its owner's. */
	LIST_ENTRY(producer) link;
	unsigned n_busy; /* messages whose report is still to come */
	bool retired;    /* takes no more, and is to be closed when those have come */

	uint32_t destination;
	char name[4 * DESTINATION_NAME_MAX + 1]; /* of the destination, for the log */
	instant_us declared_at; /* the destination it is made for, as it was declared then */
	bool allow_private;
	rd_kafka_t *rk;
	rd_kafka_queue_t *queue;
	void (*report)(struct producer *p, const rd_kafka_message_t *m);
	char error[PRODUCER_ERROR_MAX]; /* the newest since a message got through; "": none */
	pthread_t closer;
	bool has_closer;

	/* Of librdkafka's threads too. */
	atomic_bool closing;
	atomic_bool allowed;              /* an address was */
	atomic_int_least64_t refused_at;  /* monotonic milliseconds: when the first was; 0: none */
	atomic_int_least64_t log_from_ms; /* when the lines began to be counted */
	atomic_uint log_lines;
};

/* Rings `bell` when producer_serve() has something to do. Above zero: it cannot be made, and
 * `why` (of PRODUCER_ERROR_MAX bytes) says why. */
MUST_CHECK int producer_open(const struct destination *d, int bell,
			     void (*report)(struct producer *p, const rd_kafka_message_t *m),
			     struct producer **out, char *why);

/* Calls report() for each message that has come to its end. */
void producer_serve(struct producer *p);

/* Retires it if it can never again keep its promises; `error` says why. */
void producer_check(struct producer *p);

/* None of its brokers has an address that the destination allows. Said some seconds after the first
 * was refused, for a name may have several. */
bool producer_is_barred(const struct producer *p);

/* Drops what is under way, without reports. Done by a thread of its own: it takes as long as a name
 * that is being looked up. */
void producer_close(struct producer *p);

/* Frees it if that has come to its end, or does until then (CLOCK_MONOTONIC; NULL: does not wait). */
bool producer_gone(struct producer *p, const struct timespec *until);
