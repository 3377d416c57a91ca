/*
 * What an automation does when it has fired: one object in its list of `actions`.
 *
 *   { "send": "crm", "body": "{...}" }                          to a destination; see model/body.h
 *   { "set_attributes": { "city": "Berlin", "custom": { "tier": "gold" } } }
 *   { "remove_attributes": [ "city", "custom.tier" ] }          named as conditions name them
 *   { "add_tag": "vip" }, { "remove_tag": "vip" }
 *   { "record": { "definition": "vip.reached", "properties": { "level": 3 } } }
 *
 * All but the first are deeds: occurd does them itself, to the contact of the event. Pure.
 */
#pragma once

#include "model/catalog.h"
#include "model/op.h"
#include "model/spec.h"

enum action_kind { /* stored: never renumber */
		   ACTION_SEND = 0,
		   ACTION_SET_ATTRIBUTES = 1,
		   ACTION_REMOVE_ATTRIBUTES = 2,
		   ACTION_ADD_TAG = 3,
		   ACTION_REMOVE_TAG = 4,
		   ACTION_RECORD = 5,
		   ACTIONS, /* how many */
};

enum {
	ACTION_ATTRIBUTES_MAX = 100, /* in one action */
	ACTION_TEXT_MAX = 500,       /* code points of a built-in attribute */
	ACTION_TAG_MAX = 255,        /* likewise of a tag */
};

struct action {
	enum action_kind kind;
	struct str destination; /* send: its name */
	struct str body; /* likewise: a template of what is sent; .p NULL: the destination's */

	/* Attributes and tags. */
	const struct attribute_change *changes;
	unsigned n_changes;
	yyjson_val *custom; /* those that are set; NULL: none */

	/* Record. */
	struct str definition;  /* its name */
	yyjson_val *properties; /* NULL: none */
};

/* "send" ...; NULL for a number that is no kind. */
const char *action_kind_name(enum action_kind kind);
static inline bool action_is_deed(enum action_kind kind)
{
	return kind != ACTION_SEND;
}

/* Reads what is declared, with problems where it is wrong. What *out holds lives in the spec's arena
 * and in `v`. */
void action_read(struct spec *s, yyjson_val *v, struct str path, struct action *out);

/* What is wrong with the built-in attributes of a contact: those that actions may set, the shown identities and
 * tags. Others, and what is null, are not looked at. */
void action_judge_attributes(struct spec *s, yyjson_val *object, struct str path);

/* What the workspace tells of a deed: a definition that is not there, properties that are not as it
 * declares them, custom attributes that are not among the workspace's contact fields, where it has
 * any, or not of their types. */
void action_judge(const struct action *a, const struct workspace *w, struct str path,
		  struct spec *s);
