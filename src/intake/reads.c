#include "intake/reads.h"

#include "base/fail.h"
#include "intake/shares.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

/* At 2 ms for a page of a thousand events, half of them, which one key may have, keep a worker busy
 * for half a second. */
enum { READS_MAX = 512 };

struct reads {
	struct shares *shares;
	atomic_bool has_long[KEY_NO_MAX + 1];
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

bool reads_take(struct reads *r, uint32_t key_no, bool is_long)
{
	must(key_no <= KEY_NO_MAX);
	if (is_long && atomic_exchange(&r->has_long[key_no], true))
		return false;
	if (shares_take(r->shares, key_no, 1))
		return true;
	if (is_long)
		atomic_store(&r->has_long[key_no], false);
	return false;
}

enum refusal reads_submit(struct reads *r, struct net_loop *loop, uint32_t key_no, bool is_long,
			  struct net_work *work)
{
	if (!reads_take(r, key_no, is_long))
		return REFUSE_OVERLOADED;
	if (net_loop_work(loop, work) == 0)
		return REFUSE_NOTHING;
	reads_done(r, key_no, is_long);
	return REFUSE_OVERLOADED;
}

void reads_done(struct reads *r, uint32_t key_no, bool is_long)
{
	shares_give(r->shares, key_no, 1);
	if (is_long)
		atomic_store(&r->has_long[key_no], false);
}
