/*
 * The switches: where a contract leaves a choice, a workspace may take the other one. The one
 * table of them (switches.c) is what a provisioning file is held against, what the dialects ask,
 * and what docs/switches.md is made of.
 */
#pragma once

#include "model/catalog.h"

enum switch_no {
	SWITCH_NONE,
	SWITCH_STRICT_50,
	SWITCH_CONTACT_ID_ANY_STRING,
	SWITCH_AUTO_DEFINE_EVENT_TYPES,
	SWITCH_UNREACHABLE_CONTACTS,
	SWITCH_EVENT_ANSWER,
	SWITCH_OLDER_GENERATION,
	SWITCH_ERROR_NAMES,
	SWITCH_NULL_REMOVES_BUILT_IN,
	SWITCH_EMPTY_DEFINITION_LIST,
	SWITCHES_END
};

enum { SWITCH_VALUES_MAX = 4 };

struct switch_info {
	struct str name;
	const char *dialect;                  /* as people write it */
	const char *decision;                 /* its number in that dialect's contract */
	struct str values[SWITCH_VALUES_MAX]; /* the first is the default; unused: .p NULL */
	const char *meaning;                  /* one or two sentences */
};

/* Indexed by enum switch_no, from SWITCH_NONE + 1 on. */
extern const struct switch_info switches[SWITCHES_END];

/* SWITCH_NONE: there is none of that name. */
enum switch_no switch_find(struct str name);
/* The table's own string for a value that it can be set to; NULL for any other. */
const struct str *switch_parse(enum switch_no no, struct str value);

/* The position of the workspace's value among `values`; 0, the default, where it has set none or
 * one that this version does not know. */
unsigned switch_value(const struct workspace *w, enum switch_no no);

/* For those of which there is just one other value than the default. */
static inline bool switch_on(const struct workspace *w, enum switch_no no)
{
	return w->n_switches > 0 && switch_value(w, no) > 0;
}

/* Whether any workspace has it on: for what is decided before it is known who asks. Looks at all of
 * them, so not for a path that is much used. */
bool switch_on_anywhere(const struct catalog *c, enum switch_no no);

/* The whole table as Markdown: docs/switches.md. */
void switches_put(struct buf *b);
