#include "model/automation_bodies.h"

#include "model/body.h"

static unsigned triggering(const struct automation *m, const struct workspace *w,
			   const struct definition *list[BODY_SAMPLES_MAX])
{
	unsigned n = 0;
	for (unsigned i = 0; i < m->n_definitions && n < BODY_SAMPLES_MAX; i++) {
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
	unsigned n = w ? triggering(m, w, definitions) : 0, steps = BODY_STEPS_MAX;
	for (unsigned i = 0; i < m->n_actions; i++) {
		struct str text = m->actions[i].body, path;
		if (!text.p)
			continue;
		path = spec_path(&s, problem_index(a, STR("actions"), i), STR("body"));
		if (w)
			body_judge(&s, path, text, definitions, n, &steps);
		else
			body_judge_template(&s, path, text);
	}
	return !s.refused;
}
