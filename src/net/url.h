/* Request targets (RFC 3986): percent-decoding and query parameters; forms. Pure. */
#pragma once

#include "base/arena.h"

/* Letters, digits and -._~ */
bool url_unreserved(char c);

/*
 * Where the parts of a text are decoded: each at its own place in a twin of the text, so that it needs no
 * more memory, and comes to the same as often as it is done. Who has one can decode; nothing that
 * was sent can be taken for nothing because memory is short.
 */
struct url_place {
	const char *text;
	char *twin; /* NULL: no part of the text needs it */
};

/* False: memory is refused. */
MUST_CHECK bool url_place_make(struct arena *a, struct str text, struct url_place *out);

/* In what follows texts are parts of that of `at`. */

/* %XX decoded once; "+" stays a plus. .p is NULL when an escape is broken. */
struct str url_decode(struct url_place at, struct str s);

/* All but unreserved characters as %XX: what can stand as one segment of a path or the value of a
 * query parameter. .p is NULL when memory is refused. */
struct str url_encode(struct arena *a, struct str s);

/* The decoded value of the first parameter of that name; "+" in it is a blank. .p is NULL when
 * there is none; a parameter without "=" has the empty value. A broken escape leaves the value as
 * it was sent. Parameter names are compared after decoding. */
struct str url_query(struct url_place at, struct str query, struct str name);

/* Cuts the first parameter off *query: its decoded name. False when there is none left. */
bool url_query_next(struct url_place at, struct str *query, struct str *name);

enum url_form {
	URL_FORM_OK,
	URL_FORM_MALFORMED, /* a broken escape, or one of the names twice */
	URL_FORM_NO_MEMORY,
};

/* A body of application/x-www-form-urlencoded: the values of n names, .p NULL where there is none.
 * Other names are ignored. */
MUST_CHECK enum url_form url_form(struct arena *a, struct str body, const struct str *names,
				  unsigned n, struct str *values);
