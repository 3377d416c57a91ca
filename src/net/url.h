/* Request targets (RFC 3986): percent-decoding and query parameters. Pure. */
#pragma once

#include "base/arena.h"

/* %XX decoded once; "+" stays a plus. .p is NULL when an escape is broken or memory is refused. */
struct str url_decode(struct arena *a, struct str s);

/* The decoded value of the first parameter of that name; "+" in it is a blank. .p is NULL when
 * there is none, or memory is refused; a parameter without "=" has the empty value. A broken escape
 * leaves the value as it was sent. Parameter names are compared after decoding. */
struct str url_query(struct arena *a, struct str query, struct str name);
