#include "intake/reads.h"

#include "base/fail.h"
#include "intake/shares.h"

#include <errno.h>
#include <stdlib.h>

/* At 2 ms for a page of a thousand events, half of them, which one key may have, keep a worker busy
 * for half a second. */
enum { READS_MAX = 512 };

struct reads {
	struct shares *shares;
};

int reads_new(struct reads **out)
{
	struct reads *reads = calloc(1, sizeof(*reads));
	if (!reads)
		return fail(-ENOMEM, "the reads");
	int r = shares_new(READS_MAX, &reads->shares);
	if (r < 0) {
		free(reads);
		return pass(r);
	}
	*out = reads;
	return 0;
}

void reads_free(struct reads *r)
{
	if (!r)
		return;
	shares_free(r->shares);
	free(r);
}

enum refusal reads_submit(struct reads *r, struct net_loop *loop, uint32_t key_no,
			  struct net_work *work)
{
	if (!shares_take(r->shares, key_no, 1))
		return REFUSE_OVERLOADED;
	if (net_loop_work(loop, work) == 0)
		return REFUSE_NOTHING;
	reads_done(r, key_no);
	return REFUSE_OVERLOADED;
}

void reads_done(struct reads *r, uint32_t key_no)
{
	shares_give(r->shares, key_no, 1);
}
