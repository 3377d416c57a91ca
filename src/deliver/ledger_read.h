/*
 * The ledger for those who only look: each call with a connection of its own. Thread: any.
 */
#pragma once

#include "deliver/ledger.h"

struct delivery_query {
	uint32_t workspace;
	uint32_t automation, destination; /* 0: any */
	uint64_t contact;                 /* 0: any */
	int state;                        /* enum delivery_state; below 0: any */
	uint64_t before;                  /* exclusive; 0: from the newest */
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

/* One, with its attempts, oldest first. */
MUST_CHECK int ledger_read_delivery(const char *dir, struct arena *a, uint32_t workspace,
				    uint64_t no, struct delivery *row,
				    struct attempt_row **attempts, unsigned *n);
