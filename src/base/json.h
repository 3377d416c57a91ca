/*
 * JSON in and out, over yyjson. One reading for every dialect:
 *
 * - RFC 8259 and nothing beyond it: no comments, no trailing data, valid UTF-8, no byte order mark;
 * - at most JSON_DEPTH_MAX levels of objects and arrays;
 * - of equal keys in one object the last wins, and the others are gone from the tree (pristo.md
 *   decision 25, omnisend.md 19, infobip.md 54);
 * - numbers stay the text that was sent (type YYJSON_TYPE_RAW), so that nothing is rounded on the
 *   way through; the json_number_* functions read them. Those beyond the range of a double are
 *   refused (RFC 8259 section 6): many who would read them from us could not.
 *
 * The tree and its strings live in the arena. Strings may hold U+0000.
 */
#pragma once

#include "base/buf.h"

#include <yyjson.h>

enum { JSON_DEPTH_MAX = 64 };

/* Bytes that a text of 4 MiB and its tree may take, which is up to 25 for each byte of the text. No event
 * comes in a larger one, so it is the least for whoever parses again what a request has left: what
 * was taken and cannot be read back is in the way of all that comes behind it. */
enum { JSON_MEMORY_MAX = 128 * 1024 * 1024 };

enum json_outcome {
	JSON_OK,
	JSON_MALFORMED, /* not JSON, or empty, or a number out of range */
	JSON_TOO_DEEP,
	JSON_NO_MEMORY, /* the arena's ceiling or the shared budget */
};

struct json_error {
	size_t at;        /* byte position in the text; 0 when it is too deep or too large */
	const char *what; /* static, English, for a person */
};

/* `text` is left as it was. err may be NULL. */
MUST_CHECK enum json_outcome json_parse(struct arena *a, struct str text, yyjson_val **root,
					struct json_error *err);

/* The string of a string value, or the text of a number; .p is NULL for anything else. */
struct str json_str(const yyjson_val *v);

/* The member, or NULL; v may be NULL or no object. */
static inline yyjson_val *json_get(yyjson_val *v, struct str key)
{
	return yyjson_obj_getn(v, key.p, key.n);
}

/* As yyjson_obj_foreach(), which takes no NULL; what is NULL or no object has no members. */
#define json_foreach_member(object, i, n, key, v)                                               \
	for ((i) = 0, (n) = yyjson_obj_size(object),                                            \
	    (key) = (n) ? unsafe_yyjson_get_first(object) : NULL, (v) = (n) ? (key) + 1 : NULL; \
	     (i) < (n); (i)++, (key) = unsafe_yyjson_get_next(v), (v) = (key) + 1)

static inline bool json_is_number(const yyjson_val *v)
{
	return yyjson_is_raw((yyjson_val *)v);
}

/* The value is whole and fits a signed 64-bit integer: 10, 10.0, 1e1, 1200e-2. out may be NULL. */
MUST_CHECK bool json_number_to_i64(const yyjson_val *v, int64_t *out);

/* Whether a double can come near it. What stands behind the text ends it: a NUL will do. */
bool json_number_in_range(struct str number);

/* The nearest double; NaN when v is no number. */
double json_number_to_double(const yyjson_val *v);

/* Compact text of a tree that json_parse() made; null for NULL. */
void json_put(struct buf *b, const yyjson_val *v);
/* The same by itself; .p NULL: memory is refused. */
struct str json_text(struct arena *a, const yyjson_val *v);

/* "string", "number", "boolean", "object", "array", "null"; "nothing" for NULL. */
const char *json_type_name(const yyjson_val *v);
