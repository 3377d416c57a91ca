/*
 * The native API under /_/v1: reading back what was stored, as JSON; definitions, keys, and the
 * end of contacts. Bearer keys with scope `admin`, or the scope of what is asked for; errors are
 * RFC 9457 problem documents.
 *
 * Calls that read run on the worker threads, each with a reader of the store of its own, or with a
 * reference to the catalog where that has the answer; those that change something go to the
 * committer through the intake's outbox, or as wishes to the delivering thread. A net loop never
 * waits for the disk.
 */
#pragma once

#include "api/streams.h"
#include "deliver/deliver.h"
#include "intake/intake.h"

struct native;

/* deliver NULL: it could not be started. */
MUST_CHECK int native_new(struct reader_pool *readers, struct intake *intake,
			  struct streams *streams, struct deliver *deliver, struct native **out);
void native_free(struct native *n); /* NULL is fine; net loops stopped first */

/* Bytes of body that such a request may have: little without a key. */
size_t native_body_limit(struct native *n, struct request *req);

/* Any request whose path begins with "/_/". */
void native_serve(struct native *n, struct request *req);

/* The pattern of the route behind a request that native serves, for the access log, or NULL. */
const char *native_pattern(const struct request *req);
