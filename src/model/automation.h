/*
 * Automations: rules of a workspace. When an event meets a rule's trigger and conditions, its
 * actions are due. Declared as JSON under a name, judged once, when it is saved, and read again
 * whenever a catalog is. Pure; immutable once read.
 *
 *   { "name": "big-order", "paused": false,
 *     "trigger": { "definitions": ["order.completed"] },            none or []: any
 *     "conditions": { "all": [ { "field": "properties.total", "operator": "gte", "value": 100 },
 *                              { "not": { "field": "contact.city", "operator": "exists" } } ] },
 *     "delay_seconds": 0, "once_per_contact": false, "cooldown_seconds": 0,
 *     "actions": [ { "send": "crm" }, ... ] }                       see model/action.h
 */
#pragma once

#include "model/action.h"
#include "model/condition.h"

enum {
	AUTOMATION_NAME_MAX = 100, /* code points */
	AUTOMATION_DEFINITIONS_MAX = 100,
	AUTOMATION_ACTIONS_MAX = 10,
	AUTOMATION_SECONDS_MAX = 366 * 24 * 60 * 60, /* of delay and cool-down */
};

struct condition; /* model/condition.h */

struct automation {
	uint32_t no, workspace; /* row numbers */
	instant_us created_at, updated_at;
	struct str name;
	bool paused;
	const struct str *definitions; /* names; none: any */
	unsigned n_definitions;
	const struct condition *conditions; /* NULL: none, always met */
	int64_t delay_s, cooldown_s;
	bool once_per_contact;
	const struct action *actions;
	unsigned n_actions;
};

/* Reads what is declared; what *out holds lives in the arena and in `v`. Each thing wrong becomes a
 * problem with its path, and it returns false; also when memory is refused, which is no problem. */
MUST_CHECK bool automation_read(struct arena *a, yyjson_val *v, struct problems *ps,
				struct automation *out);

/* What only the workspace can tell: definitions that are not there, and what condition_judge() and
 * action_judge() find. Paths are made in the arena. */
void automation_judge(const struct automation *m, const struct workspace *w, struct arena *a,
		      struct problems *ps);

/* Whether an event of the definition is one that it looks at. */
bool automation_triggers(const struct automation *m, struct str definition);

struct verdict {
	bool met;
	const char *why; /* static, where it is not: "trigger" or "conditions" */
	struct str path; /* of the condition that was not met, in the declaration */
};

/* Below zero: a count failed. */
MUST_CHECK int automation_meets(const struct automation *m, const struct facts *f,
				struct verdict *out);
