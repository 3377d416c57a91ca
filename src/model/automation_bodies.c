#include "model/automation_bodies.h"

#include "model/body.h"

static unsigned triggering(const struct automation *m, const struct workspace *w,
			   const struct definition *list[BODY_SAMPLES_MAX])
{
	unsigned n = 0;
	for (unsigned i = 0; w && i < m->n_definitions && n < BODY_SAMPLES_MAX; i++) {
		list[n] = workspace_definition(w, m->definitions[i]);
		n += list[n] != NULL;
	}
	return n;
}

bool automation_judge_bodies(const struct automation *m, const struct workspace *w, struct arena *a,
			     struct problems *ps)
{
	struct spec s = { .arena = a, .problems = ps };
	const struct definition *definitions[BODY_SAMPLES_MAX];
	unsigned n = triggering(m, w, definitions), steps = BODY_STEPS_MAX;
	for (unsigned i = 0; i < m->n_actions; i++) {
		struct str path = problem_index(a, STR("actions"), i);
		if (m->actions[i].body.p)
			body_judge(&s, spec_path(&s, path, STR("body")), m->actions[i].body,
				   definitions, n, &steps);
	}
	return !s.refused;
}
