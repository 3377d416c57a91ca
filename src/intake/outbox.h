/*
 * The outbox: what a round of a net loop asks of the committer gathers here and leaves with the
 * round's end, in one go. Serves whoever makes operations, the intake and the native API alike.
 *
 * Thread: all but init run on the net loop concerned.
 */
#pragma once

#include "dialect/dialect.h"
#include "intake/committer.h"

struct outbox {
	struct committer *committer;
	struct {
		struct commit_job *first, *last;
	} loops[NET_LOOPS_MAX];
};

void outbox_init(struct outbox *o, struct committer *committer);

/* Takes the job, whose letter comes home to job->loop. REFUSE_OVERLOADED: it was not taken. */
MUST_CHECK enum refusal outbox_submit(struct outbox *o, struct commit_job *job);

/* Sends what this round of the loop has left. */
void outbox_round_end(struct outbox *o, struct net_loop *loop);

/* Of operations that have come home: whether one could not be done for want of room or of a store
 * that works. What the store's truth refused is no trouble. */
enum refusal outbox_trouble(const struct op *ops, unsigned n);
