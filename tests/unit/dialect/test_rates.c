/* Endpoints that are counted together have one rate, so that the calls of one never shorten, or
 * lengthen, what is left of another's. */
#include "dialect/dialect.h"

#include <stdarg.h>
#include <stddef.h>

#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

static struct rate rate_of(const struct dialect *d, const struct endpoint *e)
{
	return e->rate.requests ? e->rate : d->rate;
}

static void judge(const struct dialect *d, const struct route *a, const struct route *b)
{
	const struct endpoint *first = a->target, *second = b->target;
	struct rate r = rate_of(d, first), s = rate_of(d, second);
	if (first->bucket != second->bucket)
		return;
	if (r.requests != s.requests || r.window_s != s.window_s || first->guards != second->guards)
		fail_msg("%s: %s and %s share bucket %u", d->name, a->pattern, b->pattern,
			 first->bucket);
}

static void a_bucket_has_one_rate(void **state)
{
	(void)state;
	for (unsigned n = 0; n < n_dialects; n++)
		for (unsigned i = 0; i < dialects[n]->n_routes; i++)
			for (unsigned k = 0; k < i; k++)
				judge(dialects[n], &dialects[n]->routes[k],
				      &dialects[n]->routes[i]);
}

static void buckets_are_there(void **state)
{
	(void)state;
	for (unsigned n = 0; n < n_dialects; n++)
		for (unsigned i = 0; i < dialects[n]->n_routes; i++) {
			const struct endpoint *e = dialects[n]->routes[i].target;
			assert_true(e->bucket < ENDPOINT_BUCKETS);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bucket_has_one_rate),
		cmocka_unit_test(buckets_are_there),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
