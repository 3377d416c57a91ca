/*
 * How what automations do themselves gets into the store. Deliveries know nothing of who commits;
 * whoever starts them hands this over.
 */
#pragma once

#include "model/op.h"

/* One operation. Whoever asks owns it, and leaves it alone until done() is called. */
struct deliver_op {
	struct op op;
	void (*done)(struct deliver_op *o); /* any thread; op.outcome tells what came of it */
};

struct deliver_commits {
	/* False: there is no room for it now, and done() is not called. */
	bool (*submit)(void *ctx, struct deliver_op *o);
	void *ctx;
};
