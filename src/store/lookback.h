/*
 * A look back along a contact's events, from one of them down: how many are of a definition, and how
 * many were received since. Each event is read once, when the first asks for it, however many ask.
 *
 * Thread: the reader's.
 */
#pragma once

#include "model/condition.h"
#include "store/store.h"

struct lookback {
	struct store_reader *reader;
	uint64_t next;                         /* to be read; 0: those were all */
	unsigned n;                            /* that were read, newest first */
	instant_us since[CONDITION_COUNT_MAX]; /* when this one and all before it were received */
	uint32_t definitions[CONDITION_COUNT_MAX];
};

void lookback_begin(struct lookback *b, struct store_reader *r, uint64_t seq);

/* Of the definition (0: of any), among the newest CONDITION_COUNT_MAX. */
MUST_CHECK int lookback_count(struct lookback *b, uint32_t definition, instant_us since,
			      uint64_t *n);
