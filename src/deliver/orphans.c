#include "deliver/orphans.h"

#include "base/fail.h"
#include "deliver/deed.h"

enum {
	AT_ONCE = 500,
	LOOKED_AT_MAX = 50, /* automations: each is looked for in the catalog */
	FIRED_AT_ONCE = 500,
	MEMORY_MAX = 1024 * 1024,
};

/* A declaration that cannot be read is no rule, but still there. */
static bool is_declared(const struct catalog *c, uint32_t document)
{
	for (unsigned i = 0; i < c->n_workspaces; i++)
		for (unsigned k = 0; k < c->workspaces[i]->n_documents; k++)
			if (c->workspaces[i]->documents[k].no == document)
				return true;
	return false;
}

static bool is_known(const struct rules *rules, uint32_t destination)
{
	return rules_have_destination(rules, destination) ||
	       is_declared(rules->catalog, destination);
}

/* A workspace has a destination for its deeds as long as it has automations. */
static int end_one(struct ledger *l, const struct delivery *d, instant_us now)
{
	unsigned released;
	if (!deeds_are_at(d->destination))
		return pass(ledger_end(l, d, STR("the destination was deleted"), now));
	int r = ledger_end(l, d, STR("the automation was deleted"), now);
	return pass(r ?: ledger_release(l, d, now, &released));
}

static int end_some(struct ledger *l, uint32_t destination, instant_us now)
{
	const struct due_query q = { .destination = destination,
				     .now = INT64_MAX,
				     .limit = AT_ONCE };
	struct arena a;
	struct due_page page;
	arena_init(&a, MEMORY_MAX, NULL);
	int r = ledger_due(l, &a, &q, &page);
	for (unsigned i = 0; i < page.n && r == 0; i++)
		r = end_one(l, &page.rows[i], now);
	arena_fini(&a);
	return pass(r);
}

int orphans_end(struct ledger *l, const struct rules *rules, const struct lane_set *lanes,
		instant_us now)
{
	enum orphans_outcome outcome = ORPHANS_NONE;
	uint32_t destination = 0;
	while (ledger_next_awaited(l, &destination)) {
		if (is_known(rules, destination))
			continue;
		const struct lane *lane = lane_set_find(lanes, destination);
		outcome = ORPHANS_LATER;
		if (lane && lane->n_busy > 0)
			continue;
		int r = end_some(l, destination, now);
		return r < 0 ? pass(r) : ORPHANS_MORE;
	}
	return outcome;
}

/* --- When automations fired --- */

bool orphans_have_fired(const struct orphans_walk *w)
{
	return w->again || w->automation;
}

/* Their positions stay: a store that is put back to an earlier state may have such an automation again,
 * and all that it has decided would be decided once more. */
int orphans_forget_fired(struct ledger *l, const struct catalog *c, struct orphans_walk *w)
{
	for (unsigned i = 0; i < LOOKED_AT_MAX && orphans_have_fired(w); i++) {
		uint32_t no = w->automation;
		bool all = true;
		int r = ledger_next_fired(l, &no);
		if (r == 0 && no && !is_declared(c, no))
			r = ledger_forget_fired(l, no, FIRED_AT_ONCE, &all);
		if (r < 0 || !all)
			return pass(r);
		if (w->automation == 0)
			w->again = false; /* what has gone by now, this walk comes to */
		w->automation = no;
	}
	return 0;
}
