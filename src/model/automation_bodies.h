/* What automations send, where their actions have templates for it. Pure. */
#pragma once

#include "model/automation.h"

/* By the definitions that trigger it, as far as the workspace has them; without one (NULL) only that
 * they are templates, since what makes JSON of its properties may make none of any others. Paths are made in the arena. False: memory is refused. */
MUST_CHECK bool automation_judge_bodies(const struct automation *m, const struct workspace *w,
					struct arena *a, struct problems *ps);
