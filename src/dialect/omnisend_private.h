/*
 * What Omnisend's files share: omnisend.c (routes, answers), omnisend_contact.c (whose event it
 * is), omnisend_profile.c (what it changes of the contact), omnisend_properties.c (the event's
 * properties against its scheme). Figures: omnisend.md 2.1.
 */
#pragma once

#include "dialect/dialect.h"

enum {
	OMNISEND_PROPERTIES_MAX = 100, /* in one event, nulls included */
	OMNISEND_NAME_MAX = 128,       /* of a property */
	OMNISEND_STRING_MAX = 2048,    /* code points of a property */
	OMNISEND_CUSTOM_MAX = 200,     /* custom properties of a contact */
	OMNISEND_TAGS_MAX = 100,
	OMNISEND_CONSENTS_MAX = 100,
	OMNISEND_OPT_INS_MAX = 10, /* opt-outs too */
};

/* Of a contact's members: clients send "" and null for what they do not know. */
#define OMNISEND_GIVEN (SHAPE_NULL_ABSENT | SHAPE_EMPTY_ABSENT)

/* RFC 3339, where a blank may stand for the T. */
bool omnisend_form_time(struct str s);

/* A map of names and values: NULL when absent, null or [] (an empty map of PHP); NULL with a
 * problem when it is anything else but an object. */
yyjson_val *omnisend_map(struct call *call, yyjson_val *v, struct str path);

/* Whether a property may have that name; a problem when not. */
bool omnisend_name(struct call *call, struct str name, struct str path);

/* These give REFUSE_NOTHING, also with problems found, or REFUSE_OVERLOADED.
 *
 * Fills who, and changes from the contact that the body holds. */
enum refusal omnisend_contact(struct call *call, yyjson_val *root, struct op *op);

/* Fills changes. `contact` is an object. */
enum refusal omnisend_profile(struct call *call, yyjson_val *contact, struct op *op);

/* Fills definition, seen and properties. `event`: .p NULL when its name is no good. */
enum refusal omnisend_properties(struct call *call, yyjson_val *properties, struct str event,
				 struct op *op);
