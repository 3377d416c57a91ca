/*
 * The way to the worker threads for all that is read, the intake's queries and the native API's
 * alike. What waits has a ceiling and each key its share of it (intake/shares.h), so that neither
 * memory nor another key's patience ends before a key that floods is told to come back. Pages of
 * streams come by another way, few at a time (api/streams.c).
 *
 * Thread: all but new and free run on the net loop concerned.
 */
#pragma once

#include "dialect/dialect.h"
#include "net/server.h"

struct reads;

MUST_CHECK int reads_new(struct reads **out);
void reads_free(struct reads *r); /* NULL is fine; nothing is under way */

/* Room for one more read of the key. Of those that are long, and take a worker for seconds, a key has
 * one at a time. False: there is none. */
MUST_CHECK bool reads_take(struct reads *r, uint32_t key_no, bool is_long);

/* Takes room and the work. REFUSE_OVERLOADED: it was not taken. */
MUST_CHECK enum refusal reads_submit(struct reads *r, struct net_loop *loop, uint32_t key_no,
				     bool is_long, struct net_work *work);

/* First thing when work that was taken is done. */
void reads_done(struct reads *r, uint32_t key_no, bool is_long);
