#include "intake/shares.h"

#include "base/fail.h"
#include "model/catalog.h"

#include <errno.h>
#include <stdlib.h>

struct shares {
	unsigned max;
	atomic_uint all;
	atomic_uint held[KEY_NO_MAX + 1];
};

int shares_new(unsigned max, struct shares **out)
{
	must(max <= UINT32_MAX / 4);
	/* Pages that no key touches are never backed by memory. */
	*out = calloc(1, sizeof(**out));
	if (!*out)
		return fail(-ENOMEM, "the shares of a queue");
	(*out)->max = max;
	return 0;
}

void shares_free(struct shares *s)
{
	free(s);
}

bool shares_take(struct shares *s, uint32_t key_no, unsigned n)
{
	must(key_no <= KEY_NO_MAX);
	if (n > s->max)
		return false;
	unsigned all = atomic_fetch_add_explicit(&s->all, n, memory_order_relaxed);
	unsigned own = atomic_fetch_add_explicit(&s->held[key_no], n, memory_order_relaxed);
	if (all <= s->max && own + n <= s->max - all)
		return true;
	shares_give(s, key_no, n);
	return false;
}

bool shares_has_room(const struct shares *s, uint32_t key_no)
{
	must(key_no <= KEY_NO_MAX);
	unsigned all = shares_taken(s);
	unsigned own = atomic_load_explicit(&s->held[key_no], memory_order_relaxed);
	return all < s->max && own < s->max - all;
}

unsigned shares_taken(const struct shares *s)
{
	return atomic_load_explicit(&s->all, memory_order_relaxed);
}

void shares_give(struct shares *s, uint32_t key_no, unsigned n)
{
	atomic_fetch_sub_explicit(&s->held[key_no], n, memory_order_relaxed);
	atomic_fetch_sub_explicit(&s->all, n, memory_order_relaxed);
}
