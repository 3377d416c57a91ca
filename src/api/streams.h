/*
 * Events as they are committed, to callers that stay: server-sent events. Nothing is kept for a
 * stream but where it stands on the feed and one page under way, until the client has taken that; then
 * it reads on, at the client's pace, and sleeps at the feed's end until it is woken. One that finds the
 * memory of all pages taken comes again at its next beat. Pages are small pieces of work, and of each
 * loop's streams a few are read for at a time, in turn, so that no number of them holds up who reads
 * something else.
 *
 * Thread: a stream belongs to the loop of its request; the worker threads read for it.
 */
#pragma once

#include "net/reply.h"
#include "store/reader_pool.h"

struct native_query;
struct streams;

enum { STREAMS_MAX = 100 };

MUST_CHECK int streams_new(struct store *store, struct reader_pool *readers, struct streams **out);
void streams_free(struct streams *all); /* NULL is fine; net loops stopped first */

/* Any thread: events have been committed. Costs a look at a number when there is no stream. */
void streams_wake(struct streams *all);

/* How many there are. */
unsigned streams_open(const struct streams *all);

/* As store_feed_end() has it. */
uint64_t streams_end(const struct streams *all);

/* Answers the call with the events of `feed` (workspace, contact, definition, after), for as long
 * as it lasts and the key is good. */
void streams_begin(struct streams *all, struct native_query *q, const struct feed_query *feed);
