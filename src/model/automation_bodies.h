/* What automations send, where their actions have templates for it. Pure. */
#pragma once

#include "model/automation.h"

/* By the definitions that trigger it, as far as the workspace has them (NULL: that is done later).
 * Paths are made in the arena. False: memory is refused. */
MUST_CHECK bool automation_judge_bodies(const struct automation *m, const struct workspace *w,
					struct arena *a, struct problems *ps);
