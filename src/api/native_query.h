/*
 * One call of the native API, and what its resources are made of: the parameters read on the net
 * loop, what is asked for read and rendered on a worker thread, or one operation done by the committer.
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
	/* The catalog, the key's workspace in it, what the key may. On the net loop, and in show. */
	const struct catalog *catalog;
	const struct workspace *workspace;
	struct catalog *held; /* the same, while it is with a worker */
	unsigned scopes;

	/* What the parameters say. */
	struct event_query events; /* workspace, before and limit serve every list */
	enum identity_kind kind;   /* which contact; with value.p NULL: none asked for */
	struct str value;
	void *state; /* the resource's own, from prepare to read */

	/* What is to be done, and its way to the committer and back. */
	struct op op;
	struct str secret; /* of a new key: shown once, never stored */
	struct commit_job job;
	struct call body_of; /* the dialects' readers of bodies want one; no more of it is meant
			      * than the request and the problems */

	/* What came out. A status of success, or what problem to answer with. */
	struct buf body;
	int status;
	struct str location; /* of what was made; .p NULL: no header */
	struct str detail;
	const struct problems *problems; /* one by one; NULL: detail says it */
	bool failed;                     /* the store did: fail_text() is in detail, for the log */
};

struct resource {
	unsigned scopes; /* one of these, or admin */
	bool operators;  /* operator instead, and nothing less */

	enum document_kind documents; /* what it is about, where several kinds share it */

	/* The query parameters that there may be, each once, NULL behind the last. NULL: none. */
	const char *const *params;

	/* On the net loop. False: status and detail say why not. NULL: nothing to look at. */
	bool (*prepare)(struct native_query *q);

	/* On a worker thread. Below zero: the store failed. STORE_NONE: no such thing. With is_long it may
	 * take seconds, and a key has one of those at a time. */
	int (*read)(struct native_query *q, struct store_reader *r);
	bool is_long;

	/* After read, instead of an answer made of the body: on the net loop. */
	void (*follow)(struct native_query *q);

	/* Instead of read, what needs no store but the catalog: on a worker thread too, because it may
	 * be much. */
	void (*show)(struct native_query *q);

	/* Instead of both: q->op, which prepare has filled, is done. On the net loop; with the
	 * operation's workspace as it is now. */
	void (*changed)(struct native_query *q);
};

/* Whether the call's key may do this now still. */
bool native_may(struct native_query *q);
struct streams *native_streams(const struct native_query *q);
/* NULL: it could not be started. */
struct deliver *native_deliver(const struct native_query *q);

/* For follow: what read or a later refusal has left, and what the body says. */
void native_answer_refusal(struct native_query *q);
void native_answer_body(struct native_query *q);

extern const char native_not_durable[];

/* False, for prepare: with that problem. */
bool native_refuse(struct native_query *q, int status, const char *detail);

/* Whether the parameters are those that the resource has. */
bool native_params(struct native_query *q);
/* The value; .p NULL: it was not given. */
struct str native_param(struct native_query *q, const char *name);
/* Those not given leave *out as it is. */
bool native_number(struct native_query *q, const char *name, uint64_t min, uint64_t max,
		   uint64_t *out);
bool native_time(struct native_query *q, const char *name, instant_us *out);
/* limit and before, into q->events; and their names, for lists that have no others. */
bool native_page(struct native_query *q);
/* Whether the page in q->body, of n rows, is over: there are as many as may be, or it is large. */
bool native_page_is_full(const struct native_query *q, unsigned n);
extern const char *const native_page_params[];

/* Begins the operation: its kind, of this workspace. */
void native_op(struct native_query *q, enum op_kind kind);

/* The body, an object of JSON. */
bool native_body(struct native_query *q, yyjson_val **root);
/* False, for prepare: with the problems that the body has. */
bool native_refuse_body(struct native_query *q);

/* Location: this path and one segment. */
void native_locate(struct native_query *q, const char *path, struct str segment);

/* A new key's secret, into q->secret. False: memory is refused. */
bool native_secret(struct native_query *q, struct sha256 *digest);
/* The key that the operation has made, with its secret. */
void native_put_made_key(struct native_query *q);

/* A workspace's switches: as JSON, and out of a body. */
void native_put_switches(struct buf *b, const struct workspace *w);
bool native_read_switches(struct native_query *q, yyjson_val *object, struct workspace *w);

/* A contact's id in a path, any of its three outward forms, into kind and value. */
bool resource_contact_id(struct native_query *q);

/* The row number that the path names; false, for prepare: 404 with that detail. */
bool native_row_number(struct native_query *q, const char *unknown, uint64_t *no);
extern const char native_unknown_replay[];

/* The one that the path names; NULL: refused. */
const struct document *native_find_document(struct native_query *q);

extern const struct resource native_contact_delete, native_contact_export;
extern const struct resource native_deliveries, native_delivery;
extern const struct resource native_deliveries_replay, native_delivery_replay;
extern const struct resource native_replays, native_replay, native_replay_stop;
extern const struct resource native_stats;
extern const struct resource native_stream;
extern const struct resource native_destinations, native_destination;
extern const struct resource native_destination_make, native_destination_change;
extern const struct resource native_destination_delete;
extern const struct resource native_automations, native_automation;
extern const struct resource native_automation_make, native_automation_change;
extern const struct resource native_automation_delete, native_automation_test;
extern const struct resource native_keys, native_key, native_key_make, native_key_revoke;
extern const struct resource native_workspaces, native_workspace;
extern const struct resource native_workspace_make, native_workspace_change;
extern const struct resource native_definitions, native_definition;
extern const struct resource native_define, native_redefine, native_undefine;

extern const struct route native_routes[];
extern const unsigned n_native_routes;
