/*
 * The custom fields that a workspace declares for its contacts: one list for all dialects. A list
 * that a snapshot holds is never changed; the next snapshot shares it or has one of its own. Pure.
 */
#pragma once

#include "model/definition.h"

enum { WORKSPACE_CONTACT_FIELDS_MAX = 1000 };

struct contact_field {
	uint32_t no; /* row number; grows as fields are made; never 0 */
	struct uuid id;
	struct str name;               /* 1 to FIELD_NAME_MAX bytes; unique in the workspace */
	bool typed;                    /* else any plain value will do */
	enum field_type type;          /* no object and no array */
	struct str title, description; /* "": none, as for: */
	struct str fallback;           /* what a message says where the contact has no value */
	instant_us created_at, updated_at;
};

struct contact_fields {
	atomic_uint refs;
	struct contact_field *list; /* sorted by name */
	unsigned n, room;
	struct arena arena; /* the strings */
};

/* A list of its own for one who changes it: a copy of `from`, or empty for NULL. NULL: out of
 * memory. One reference belongs to the caller. */
struct contact_fields *contact_fields_new(const struct contact_fields *from);
struct contact_fields *contact_fields_ref(struct contact_fields *f); /* NULL is fine */
void contact_fields_unref(struct contact_fields *f);                 /* NULL is fine */

/* Adds it, or replaces the one of that name. Strings are copied. Only on a list that nobody else
 * holds. False: out of memory, nothing is changed. */
MUST_CHECK bool contact_fields_put(struct contact_fields *f, const struct contact_field *like);
/* Takes it out; likewise. One that is not there is no failure. */
void contact_fields_drop(struct contact_fields *f, struct str name);

/* NULL when there is none; `f` NULL: an empty list. */
const struct contact_field *contact_field_find(const struct contact_fields *f, struct str name);
/* With a look at each. */
const struct contact_field *contact_field_by_id(const struct contact_fields *f, struct uuid id);

/* What a contact field may be: all but an object or an array. */
bool contact_field_type_fits(enum field_type type);
