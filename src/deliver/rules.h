/*
 * The rules in force: all automations and destinations of a catalog, read from their declarations.
 * Immutable; attempts under way keep those that they began with. Thread: the delivering thread.
 */
#pragma once

#include "model/automation.h"
#include "model/destination.h"

struct rules {
	unsigned refs;
	struct catalog *catalog; /* a reference */
	struct arena arena;
	struct destination *destinations;
	unsigned n_destinations;
	struct automation *automations;
	unsigned n_automations;
};

/* -ENOMEM. A declaration that cannot be read is told in the log and left out. */
MUST_CHECK int rules_new(struct catalog *catalog, struct rules **out);
struct rules *rules_ref(struct rules *r);
void rules_unref(struct rules *r); /* NULL is fine */

/* NULL when there is none. */
const struct destination *rules_destination(const struct rules *r, uint32_t workspace,
					    struct str name);
