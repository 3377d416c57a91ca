/*
 * Answers what a dialect reads back of contacts. Thread: a worker; the query and the arena are its
 * own until it returns.
 */
#pragma once

#include "dialect/dialect.h"
#include "store/reader_pool.h"

/* Fills the query's rows. Below zero: the store could not be read. */
MUST_CHECK int query_run(struct reader_pool *readers, struct arena *a, uint32_t workspace,
			 struct query *q);
