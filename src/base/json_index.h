/*
 * The members of a JSON object by name, for who asks for many of them: json_get() looks at one after
 * the other.
 */
#pragma once

#include "base/json.h"

struct json_index {
	yyjson_val **keys; /* sorted; each has its value behind it */
	unsigned n;
};

/* v may be NULL or no object: no members. False: memory is refused. */
MUST_CHECK bool json_index_make(struct arena *a, yyjson_val *v, struct json_index *out);

/* As json_get(). */
yyjson_val *json_index_get(const struct json_index *x, struct str name);
