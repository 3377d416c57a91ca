/*
 * The committer: one thread that turns submitted jobs into durable batches. Takes what has
 * gathered, applies it to the store in one transaction with one sync, and posts each job back to
 * the net loop it came from. While one batch is being synced the next one gathers: that is the
 * whole group commit. Knows nothing of HTTP or of dialects; words no answer.
 *
 * Order: jobs of one key and loop are applied in the order submitted. Promise: an operation comes back as
 * OP_DONE only after the store has synced the batch that holds it.
 *
 * A job that may be divided comes back when its last part is done, with its place kept before newer ones of its
 * key.
 *
 * When a batch fails, all of it comes back OP_UNAVAILABLE, and the store is reopened and verified
 * before anything else is taken; meanwhile jobs come back OP_UNAVAILABLE at once.
 */
#pragma once

#include "base/durations.h"
#include "net/server.h"
#include "store/store.h"

/* The operations of one request: owned by the submitter, who must not touch them until the letter
 * has come home. */
struct commit_job {
	struct net_letter letter; /* run() is the submitter's; next links jobs in every list */
	struct net_loop *loop;    /* NULL: of none; the letter is run on the committer's thread */
	struct op *ops;
	unsigned n_ops;
	uint32_t workspace;
	uint32_t key_no; /* whose share of the queue it takes; 0: no key's */

	/* If one operation is refused, none is done: the others come back OP_REFUSED without
	 * problems. Each is judged against what was there before the job, and then must be taken
	 * (store_check() says which are); one that is not fails the batch, so that half a job is
	 * never stored. */
	bool all_or_nothing;

	/* Each operation stands for itself, and to do it again does no harm: OP_CONTACT or
	 * OP_CONTACT_DELETE. What a batch has no time for is done by later ones, with others in between.
	 * If one of them fails, what former ones have done is OP_DONE and the rest is not. Neither
	 * all_or_nothing nor under an id. */
	bool divisible;

	/* The caller's id of the whole request (Idempotency-Key) and a hash of what it says.
	 * A repetition comes back with the first outcomes, ids and times, unless nothing of the
	 * first was done, for another reason than that nobody is by the names it gives. */
	struct dedupe id;
	uint64_t payload;
	bool other_payload; /* comes back set: the id was used for something else; nothing was done
			     */

	/* The committer's and its lanes'. */
	bool slow; /* the lane that it came from */
	uint32_t took_us;
	unsigned first; /* operation that no former batch has done */
	unsigned left;  /* operations at the end, for later ones */
};

struct committer_config {
	struct store *store;
	unsigned queue_max; /* operations accepted and not yet home; see shares.h */
	/* Operations in one transaction, unless one job alone has more; fewer where they are much work
	 * (lanes_put_back()). A job that can be divided counts for one. */
	unsigned batch_max;

	/* Called after each batch that was committed, on the committer's thread, when its jobs are on
	 * their way home; NULL: nobody follows. */
	void (*committed)(void *follower);
	void *follower;
};

struct committer;

/* What it has done since its start. */
struct committer_counts {
	uint64_t batches, failed, operations;
	uint64_t queued; /* operations accepted and not yet home */
	struct durations_view seconds;
};

/* Any thread; each number is right by itself. */
void committer_count(const struct committer *c, struct committer_counts *out);

enum committer_outcome { COMMITTER_OK, COMMITTER_FULL };

/* Says in the log when no writes are taken, and then when they are again. */
MUST_CHECK int committer_start(const struct committer_config *config, struct committer **out);

/* Finishes what was submitted, then ends the thread. NULL is fine. */
void committer_stop(struct committer *c);

/* Any thread. Room for the job's operations, to be used by a submit; COMMITTER_FULL: answer with
 * back-pressure. */
MUST_CHECK enum committer_outcome committer_reserve(struct committer *c,
						    const struct commit_job *job);

/* Any thread. Whether a reservation for one operation of the key would succeed now. */
bool committer_has_room(const struct committer *c, uint32_t key_no);

/* Any thread. Jobs linked by letter.next, NULL ends them; room for all must have been reserved. */
void committer_submit(struct committer *c, struct commit_job *first, struct commit_job *last);
