/*
 * Shares of a queue: the committer's, the workers'. What has a ceiling for all must not be one key's alone: a key may
 * hold as much as would still be free without it, so one that floods gets half, two get a third
 * each, and there is always room for who asks little (dynamic thresholds, Choudhury and Hahne 1998).
 *
 * Thread: any; two additions per request.
 */
#pragma once

#include "base/base.h"

struct shares;

/* max: operations or reads, of all keys together. */
MUST_CHECK int shares_new(unsigned max, struct shares **out);
void shares_free(struct shares *s); /* NULL is fine */

/* False: the key's share is used up, or the whole is. */
MUST_CHECK bool shares_take(struct shares *s, uint32_t key_no, unsigned n);
/* Whether there would be room for one more of the key. */
bool shares_has_room(const struct shares *s, uint32_t key_no);
/* How much is taken, by all keys together. */
unsigned shares_taken(const struct shares *s);
void shares_give(struct shares *s, uint32_t key_no, unsigned n);
