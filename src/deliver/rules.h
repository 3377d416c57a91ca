/*
 * The rules in force: all automations and destinations of a catalog, read from their declarations.
 * Behind the destinations that were declared stand those of the workspaces' deeds (deliver/deed.h).
 * A workspace's stand beside each other. Immutable; attempts under way keep those that they began
 * with. Thread: the delivering thread.
 */
#pragma once

#include "model/automation.h"
#include "model/destination.h"

struct rules_memory;

/* Which of them are a workspace's. */
struct rules_part {
	uint32_t workspace;
	unsigned destination,
		n_destinations; /* the first, and how many; but for that of its deeds */
	unsigned automation, n_automations;
	unsigned
		deeds; /* the destination of its deeds; it has one if it has declared automations */
};

struct rules {
	unsigned refs;
	struct catalog *catalog;     /* a reference */
	struct rules_memory *memory; /* a reference: where all of these are */
	struct rules_part *parts;    /* in the order of the workspaces' numbers */
	unsigned n_parts;
	struct destination *destinations;
	unsigned n_destinations;
	uint32_t *numbers; /* of the destinations, ascending */
	struct automation *automations;
	unsigned n_automations;
};

enum {
	RULES_OK,
	RULES_LATER, /* the budget has no room beside those that attempts under way still have */
};

/* What all together need at most; a budget has room for those in force and the next. */
#define RULES_MEMORY_MAX ((size_t)1 << 30)

/* -ENOMEM. A declaration that cannot be read, or for which all the others leave no room, is told in the
 * log and left out. It is still declared: what concerns it waits until it is a rule again. `budget`: of all
 * that there are; NULL: none. */
MUST_CHECK int rules_new(struct catalog *catalog, struct arena_budget *budget, struct rules **out);
/* The same for a catalog that declares the same (catalog_has_same_documents()): nothing is read, and
 * each of them is where it was. -ENOMEM. */
MUST_CHECK int rules_renew(const struct rules *before, struct catalog *catalog, struct rules **out);
struct rules *rules_ref(struct rules *r);
void rules_unref(struct rules *r); /* NULL is fine */

/* In a few steps; NULL: it has declared nothing. */
const struct rules_part *rules_of(const struct rules *r, uint32_t workspace);
/* Likewise, whether the destination is one of them. */
bool rules_have_destination(const struct rules *r, uint32_t no);
/* With a look at each of the workspace's; NULL: none is. */
const struct automation *rules_automation(const struct rules *r, uint32_t workspace, uint32_t no);
/* Likewise: where the action goes; NULL when there is no such destination. */
const struct destination *rules_target(const struct rules *r, uint32_t workspace,
				       const struct action *what);
