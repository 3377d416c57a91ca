/* The part of provision.c about the workspace's own row. */
#include "base/fail.h"
#include "store/state.h"

int provision_workspace_row(struct store *s, const struct provision *all,
			    const struct provision_workspace *p, uint32_t *no)
{
	struct workspace w = {
		.id = p->id,
		.name = p->name,
		.requests_per_second = p->requests_per_second,
	};
	bool changed;
	int r = workspace_find(s, p->id, &w.no);
	const struct workspace *old = w.no ? catalog_find_workspace(s, w.no) : NULL;
	if (r == 0 && !old)
		r = workspace_next(s, &w.no);
	if (r == STORE_FULL)
		return provision_refuse(all, p->place, ": there would be more than %d workspaces",
					WORKSPACES_MAX);
	if (old && p->keep_name)
		w.name = old->name;
	if (old && p->keep_rate)
		w.requests_per_second = old->requests_per_second;
	r = r ?: workspace_set_switches(s, old, p->switches, p->n_switches, &w);
	*no = w.no;
	return pass(r ?: workspace_put(s, &w, &changed));
}
