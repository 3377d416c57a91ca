#include "model/automation_sends.h"

static bool sends_to(const struct action *action, struct str destination)
{
	return action->kind == ACTION_SEND && str_eq(action->destination, destination);
}

bool automation_sends_to(const struct automation *m, struct str destination)
{
	for (unsigned i = 0; i < m->n_actions; i++)
		if (sends_to(&m->actions[i], destination))
			return true;
	return false;
}

bool automation_sends_body_to(const struct automation *m, struct str destination)
{
	for (unsigned i = 0; i < m->n_actions; i++)
		if (m->actions[i].body.p && sends_to(&m->actions[i], destination))
			return true;
	return false;
}

static void unknown(struct arena *a, struct problems *ps, unsigned action)
{
	struct str path = problem_index(a, STR("actions"), action);
	problem_at(ps, PROBLEM_UNKNOWN_DOCUMENT, problem_path(a, path, STR("send")),
		   .rule = document_kind_name(DOCUMENT_DESTINATION));
}

bool document_is_relay(struct arena *a, const struct document *destination)
{
	yyjson_val *v;
	return json_parse(a, destination->body, &v, NULL) == JSON_OK &&
	       str_eq(json_str(json_get(v, STR("type"))), STR("relay"));
}

static void judge_send(const struct action *action, const struct workspace *w, struct arena *a,
		       struct problems *ps, unsigned i)
{
	const struct document *to =
		workspace_document(w, DOCUMENT_DESTINATION, action->destination);
	if (!to)
		return unknown(a, ps, i);
	if (action->body.p && document_is_relay(a, to))
		problem_at(ps, PROBLEM_CLASH,
			   problem_path(a, problem_index(a, STR("actions"), i), STR("body")),
			   .rule = "a relay, which sends what its vendor wants");
}

void automation_judge_sends(const struct automation *m, const struct workspace *w, struct arena *a,
			    struct problems *ps)
{
	for (unsigned i = 0; i < m->n_actions; i++)
		if (m->actions[i].kind == ACTION_SEND)
			judge_send(&m->actions[i], w, a, ps, i);
}
