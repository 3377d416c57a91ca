/*
 * Readers at rest, for worker threads: one borrows a reader for one piece of work and gives it
 * back. A reader is opened when none is idle. Thread: any.
 */
#pragma once

#include "store/store.h"

struct reader_pool;

MUST_CHECK int reader_pool_new(struct store *s, struct reader_pool **out);
void reader_pool_free(struct reader_pool *p); /* NULL is fine; all given back first */

MUST_CHECK int reader_pool_borrow(struct reader_pool *p, struct store_reader **out);
/* e: what the reading returned. A reader that failed is not used again; one whose rows had no room in
 * the request's memory has not failed. */
void reader_pool_return(struct reader_pool *p, struct store_reader *r, int e);
