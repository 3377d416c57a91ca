#include "model/automation_sends.h"

bool automation_sends_to(const struct automation *m, struct str destination)
{
	for (unsigned i = 0; i < m->n_actions; i++)
		if (m->actions[i].kind == ACTION_SEND &&
		    str_eq(m->actions[i].destination, destination))
			return true;
	return false;
}

static void unknown(struct arena *a, struct problems *ps, unsigned action)
{
	struct str path = problem_index(a, STR("actions"), action);
	problem_at(ps, PROBLEM_UNKNOWN_DOCUMENT, problem_path(a, path, STR("send")),
		   .rule = document_kind_name(DOCUMENT_DESTINATION));
}

void automation_judge_sends(const struct automation *m, const struct workspace *w, struct arena *a,
			    struct problems *ps)
{
	for (unsigned i = 0; i < m->n_actions; i++)
		if (m->actions[i].kind == ACTION_SEND &&
		    !workspace_document(w, DOCUMENT_DESTINATION, m->actions[i].destination))
			unknown(a, ps, i);
}
