/*
 * One call of the native API, and what its resources are made of: the parameters read on the net
 * loop, the rows read and rendered on a worker thread.
 */
#pragma once

#include "intake/intake.h"

struct resource;

struct native_query {
	struct net_work work; /* first */
	struct request *req;
	struct native *native;
	const struct resource *resource;
	const char *pattern;
	struct str params[ROUTE_PARAMS_MAX];
	const struct workspace *workspace; /* of the key; on the net loop only */

	/* What the parameters say. */
	struct event_query events; /* workspace, before and limit serve every list */
	enum identity_kind kind;   /* which contact; with value.p NULL: none asked for */
	struct str value;

	/* What came out. status 200, or what problem to answer with. */
	struct buf body;
	int status;
	struct str detail;
	bool failed; /* the store did: fail_text() is in detail, for the log */
};

struct resource {
	unsigned scopes; /* one of these, or admin */

	/* On the net loop. False: status and detail say why not. NULL: no parameters. */
	bool (*prepare)(struct native_query *q);

	/* On a worker thread. Below zero: the store failed. STORE_NONE: no such thing. */
	int (*read)(struct native_query *q, struct store_reader *r);

	/* Instead of read, what needs no store: on the net loop. */
	void (*show)(struct native_query *q);
};

extern const struct route native_routes[];
extern const unsigned n_native_routes;
