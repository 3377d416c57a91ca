/*
 * Conditions of automations: a tree of all, any and not over tests. A test asks one thing of the
 * event, its contact or how often something happened:
 *
 *   { "field": F, "operator": O, "value": V }
 *   { "count": "order.completed", "within_seconds": 86400, "operator": "gte", "value": 3 }
 *
 * F  properties.NAME, into objects by further dots; contact.NAME for a built-in attribute or an
 *    identity, contact.custom.NAME; event.definition, event.occurred_at, event.received_at
 * O  equals, not_equals, in   values of one type; what is not there equals nothing
 *    contains                 a part of a text, or an item of a list
 *    starts_with              of a text
 *    exists                   V true (or absent) or false; null is as if it were not there
 *    gt, gte, lt, lte         numbers; also texts that are a number, as Pristo's callers send
 *    before, after            instants: V is a date or a date with time
 *    within_last              instants: V seconds before now, and not after it
 *
 * A count is of the contact's events of that definition (true: of any) up to this one, among its
 * newest CONDITION_COUNT_MAX; within_seconds is optional. Pure; immutable once read.
 */
#pragma once

#include "model/catalog.h"
#include "model/contact.h"
#include "model/spec.h"

enum {
	CONDITION_TESTS_MAX = 100, /* in one tree */
	CONDITION_DEPTH_MAX = 8,   /* levels of conditions, that of the tests among them */
	CONDITION_FIELD_MAX = 300, /* code points of a field's name */
	CONDITION_COUNT_MAX = 1000,
};

struct condition;

/* NULL, with problems or spec.refused, when it is wrong. `v` must outlive what is made of it. */
const struct condition *condition_read(struct spec *s, yyjson_val *v, struct str path);

/* What the triggering definitions tell (n 0: any event triggers): a field that none of them has,
 * where all declare some; an operator that does not fit the type of a field. And definitions to
 * count that are not there. */
void condition_judge(const struct condition *c, const struct workspace *w,
		     const struct str *definitions, unsigned n, struct spec *s);

/* Whether any of its tests is about the contact itself. */
bool condition_asks_contact(const struct condition *c);

/* What a condition is asked about. */
struct facts {
	struct str definition;
	instant_us occurred_at, received_at, now;
	yyjson_val *properties;              /* of json_parse() */
	yyjson_val *attributes, *identities; /* the contact's, likewise; if it is asked about */

	/* How many of the contact's events, up to this one, are of the definition (.p NULL: of
	 * any) and were received since. Below zero: the store failed. */
	int (*count)(void *ctx, struct str definition, instant_us since, uint64_t *out);
	void *ctx;
};

/* *met; where it is not, *unmet is the path of the condition that was not. Below zero: a count
 * failed. */
MUST_CHECK int condition_meets(const struct condition *c, const struct facts *f, bool *met,
			       struct str *unmet);
