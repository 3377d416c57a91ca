/*
 * The rules in force: all automations and destinations of a catalog, read from their declarations.
 * Behind the destinations that were declared stand those of the workspaces' deeds (deliver/deed.h).
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

/* -ENOMEM. A declaration that cannot be read, or for which all the others leave no room, is told in the
 * log and left out. It is still declared: what concerns it waits until it is a rule again. */
MUST_CHECK int rules_new(struct catalog *catalog, struct rules **out);
struct rules *rules_ref(struct rules *r);
void rules_unref(struct rules *r); /* NULL is fine */

/* Where the action goes; NULL when there is no such destination. */
const struct destination *rules_target(const struct rules *r, uint32_t workspace,
				       const struct action *what);
