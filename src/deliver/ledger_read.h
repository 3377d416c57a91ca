/*
 * The ledger for those who only look: each call with a connection of its own. Thread: any.
 */
#pragma once

#include "deliver/replay.h"

struct delivery_query {
	struct delivery_filter of;
	uint64_t before; /* exclusive; 0: from the newest */
	unsigned limit;
};

/* Newest first, with their rows in the arena. *next_before is 0 on the last page. Looks at a bounded
 * number of rows: a page can be short, and still not be the last. */
MUST_CHECK int ledger_read_deliveries(const char *dir, struct arena *a,
				      const struct delivery_query *q, struct delivery **rows,
				      unsigned *n, uint64_t *next_before);

enum ledger_outcome {
	LEDGER_OK,
	LEDGER_NONE, /* the workspace has no such delivery */
};

/* One, with its newest attempts, oldest first. */
MUST_CHECK int ledger_read_delivery(const char *dir, struct arena *a, uint32_t workspace,
				    uint64_t no, struct delivery *row,
				    struct attempt_row **attempts, unsigned *n);

/* How many the filter means. Looks for two seconds at most: *all says whether that was enough. */
MUST_CHECK int ledger_read_count(const char *dir, const struct delivery_filter *of, uint64_t *n,
				 bool *all);

struct replay_query {
	uint32_t workspace;
	uint64_t before; /* exclusive; 0: from the newest */
	unsigned limit;
};

/* Newest first, as above. */
MUST_CHECK int ledger_read_replays(const char *dir, struct arena *a, const struct replay_query *q,
				   struct replay **rows, unsigned *n, uint64_t *next_before);
MUST_CHECK int ledger_read_replay(const char *dir, uint32_t workspace, uint64_t no,
				  struct replay *row); /* enum ledger_outcome */

/* All SQL of these but that of walk.h, for a test that shows the plan of each. */
extern const char *const ledger_read_sql[];
extern const unsigned n_ledger_read_sql;
