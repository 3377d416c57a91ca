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
 *     "actions": [ { "send": "crm" } ] }
 */
#pragma once

#include "model/catalog.h"
#include "model/contact.h"

enum {
	AUTOMATION_NAME_MAX = 100, /* code points */
	AUTOMATION_DEFINITIONS_MAX = 100,
	AUTOMATION_TESTS_MAX = 100, /* in one automation */
	AUTOMATION_DEPTH_MAX = 8,   /* levels of all, any and not */
	AUTOMATION_ACTIONS_MAX = 10,
	AUTOMATION_SECONDS_MAX = 366 * 24 * 60 * 60, /* of delay and cool-down */
	AUTOMATION_COUNT_MAX = 1000, /* events of a contact that a count looks back over */
};

enum operator_name {
	OPERATOR_EQUALS,
	OPERATOR_NOT_EQUALS,
	OPERATOR_CONTAINS,
	OPERATOR_STARTS_WITH,
	OPERATOR_IN,
	OPERATOR_EXISTS,
	OPERATOR_GT,
	OPERATOR_GTE,
	OPERATOR_LT,
	OPERATOR_LTE,
	OPERATOR_BEFORE,
	OPERATOR_AFTER,
	OPERATOR_WITHIN_LAST,
	OPERATORS, /* how many */
};

struct condition; /* automation_conditions.c's own */

enum action_kind {
	ACTION_SEND, /* to a destination */
	ACTIONS,     /* how many */
};

struct action {
	enum action_kind kind;
	struct str destination; /* its name */
};

struct automation {
	uint32_t no, workspace; /* row numbers */
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

/* Reads what is declared. Each thing wrong becomes a problem with its path, and it returns false;
 * also when memory is refused, which is no problem. */
MUST_CHECK bool automation_read(struct arena *a, yyjson_val *v, struct problems *ps,
				struct automation *out);

/* What only the workspace can tell: definitions and destinations that are not there, fields that no
 * triggering definition has, values that do not fit a field's type. */
void automation_judge(const struct automation *m, const struct workspace *w, struct problems *ps);

/* What a rule is asked about. */
struct facts {
	struct str definition;
	instant_us occurred_at, received_at, now;
	const yyjson_val *properties; /* of json_parse() */
	const struct contact_view *contact;
	const yyjson_val *attributes, *identities; /* the contact's, of json_parse() */

	/* How many of the contact's newest AUTOMATION_COUNT_MAX events, up to this one, are of the
	 * definition (.n 0: of any) and were received since. Below zero: the store failed. */
	int (*count)(void *ctx, struct str definition, instant_us since, uint64_t *out);
	void *ctx;
};

struct verdict {
	bool met;
	const char *why; /* static, where it is not: "trigger", "conditions" */
	struct str path; /* of the condition that was not met; static or of the automation */
};

/* Below zero: a count failed. */
MUST_CHECK int automation_meets(const struct automation *m, const struct facts *f,
				struct verdict *out);
