/*
 * Where each contact's newest event is, in memory: the entry to the list that the events' `prev`
 * makes. Indexed by contact number, in blocks that never move, so that readers look in without a
 * lock. Knows nothing of the database.
 *
 * What the running batch changes waits beside the blocks and reaches them by heads_keep(), after
 * the commit; a batch that fails is forgotten by heads_drop().
 *
 * Thread: the committer's, but for heads_seq().
 */
#pragma once

#include "base/base.h"

#include <stdatomic.h>

#define HEADS_CONTACT_MAX UINT32_MAX

enum {
	HEADS_BLOCK = 512,                         /* contacts */
	HEADS_BLOCK_BYTES = HEADS_BLOCK * (8 + 4), /* as saved */
	HEADS_BLOCKS_MAX = (HEADS_CONTACT_MAX / HEADS_BLOCK) + 1,
};

struct head {
	uint64_t contact;
	uint64_t seq;   /* 0: no event yet */
	uint32_t count; /* events */
	uint64_t print; /* the report that last changed nothing (apply.c); 0: none. Not saved */
};

struct head_block;

struct heads {
	_Atomic(struct head_block *) *blocks;
	uint32_t n_blocks; /* up to the highest that exists */

	/* The batch. `index` is an open-addressing table of positions in `batch` plus 1. */
	struct head *batch;
	uint32_t *index;
	unsigned n, room; /* room: of batch, a power of two; index has twice as many slots */
};

MUST_CHECK int heads_init(struct heads *h);
void heads_fini(struct heads *h); /* no reader looks in any more */

/* The contact's head as the running batch sees it, for the batch to change. Valid until the next
 * call. NULL: out of memory, or a number beyond HEADS_CONTACT_MAX. */
struct head *heads_touch(struct heads *h, uint64_t contact);
void heads_keep(struct heads *h);
void heads_drop(struct heads *h);

/* The contacts' rows may be other than the prints say: none is known any more. */
void heads_forget_prints(struct heads *h);

/* An event read back from the database; the newest of a contact counts, in whatever order. */
MUST_CHECK int heads_replay(struct heads *h, uint64_t contact, uint64_t seq, uint32_t nth);

/* Any thread: the contact's newest committed event, 0 when there is none. */
uint64_t heads_seq(const struct heads *h, uint64_t contact);

/* Saving. A block is dirty from a change until heads_saved(). */
bool heads_dirty(const struct heads *h, uint32_t block);
void heads_write(const struct heads *h, uint32_t block, uint8_t out[HEADS_BLOCK_BYTES]);
void heads_saved(struct heads *h, uint32_t block);
/* What was saved, read back; a block that already knows better stays dirty. */
MUST_CHECK int heads_read(struct heads *h, uint32_t block, const uint8_t in[HEADS_BLOCK_BYTES]);
