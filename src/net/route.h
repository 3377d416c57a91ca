/*
 * Routes: which handler answers a method and a path. Patterns are literal segments and
 * parameters: "/v1/events/send/{populationId}"; a segment may have a literal start or end around
 * its one parameter ("email:{email}", "{id}.json"). Segments are percent-decoded once, each alone,
 * before they are matched: "%2F" inside one is data. A literal segment wins over a parameter,
 * whatever the method: where "/events/send" is known, it is no "/events/{id}".
 */
#pragma once

#include "net/request.h"

enum { ROUTE_PARAMS_MAX = 4, ROUTE_SEGMENTS_MAX = 12 };

struct route {
	enum method method;
	const char *pattern;
	const void *target; /* the owner's: what to do */
};

enum route_outcome {
	ROUTE_FOUND,
	ROUTE_OTHER_METHOD, /* the path is known, not with this method: see allowed */
	ROUTE_UNKNOWN,
};

struct route_match {
	const struct route *route; /* with ROUTE_OTHER_METHOD: one of those that know the path */
	struct str params[ROUTE_PARAMS_MAX]; /* in the pattern's order, decoded, of the request */
	unsigned n_params;
	unsigned allowed; /* METHOD_BIT()s of the path */
};

struct route_table;

/* `routes` must outlive the table. -EINVAL for a pattern that breaks the rules above or repeats
 * another's method and shape. slash_optional: "/a/" matches "/a" too (infobip.md decision 49). */
MUST_CHECK int route_table_new(const struct route *routes, unsigned n, bool slash_optional,
			       struct route_table **out);
void route_table_free(struct route_table *t);

/* HEAD finds GET routes. A path with a broken escape is unknown. */
enum route_outcome route_find(const struct route_table *t, const struct request *req,
			      struct route_match *out);

/* "GET, POST" for an Allow header. */
struct str route_allow(struct arena *a, unsigned allowed);
