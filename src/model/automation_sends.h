/* Where automations send: names of destinations of their workspace. Pure. */
#pragma once

#include "model/automation.h"

bool automation_sends_to(const struct automation *m, struct str destination);
/* And says itself what. */
bool automation_sends_body_to(const struct automation *m, struct str destination);

/* Which sends what its vendor wants, and takes no template. */
bool document_is_relay(struct arena *a, const struct document *destination);

/* Destinations that the workspace has not got, and templates for those that take none. Paths are
 * made in the arena. */
void automation_judge_sends(const struct automation *m, const struct workspace *w, struct arena *a,
			    struct problems *ps);
