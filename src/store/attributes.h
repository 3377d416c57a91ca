/*
 * A contact's attributes while an operation changes them. Values are kept as JSON text and taken
 * apart only where two have to be compared or joined. Pure; all memory is the arena's.
 *
 * -EIO: the text is not what we store. -ENOMEM: the arena's ceiling.
 */
#pragma once

#include "base/json.h"
#include "model/op.h"

struct attribute {
	struct str name, json; /* json.p NULL: removed */
	bool custom;
	bool touched; /* by a change, or attributes_touch() */
};

struct attributes {
	struct arena *arena;
	struct attribute *list;
	unsigned n;        /* removed ones included */
	unsigned n_custom; /* that are there */
	unsigned *table;   /* open addressing: positions in list plus 1 */
	unsigned room;
	bool changed;
};

/* An object as stored, or "" for a new contact. `more`: how many can be added at most. */
MUST_CHECK int attributes_read(struct attributes *at, struct arena *a, struct str json,
			       unsigned more);
/* The value, .p NULL when it is not there. */
struct str attributes_get(const struct attributes *at, bool custom, struct str name);
MUST_CHECK int attributes_change(struct attributes *at, const struct attribute_change *c);
void attributes_touch(struct attributes *at, bool custom, struct str name);
/* Removes what was not touched. */
void attributes_keep_touched(struct attributes *at);
/* The object as stored. */
MUST_CHECK int attributes_json(const struct attributes *at, struct str *out);
