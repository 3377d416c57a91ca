/*
 * A dialect: one vendor's HTTP surface. Its routes, where its callers put their key, how a body
 * becomes operations, and every word of its answers. One vendor, one file plus data; nothing
 * outside that file knows the vendor, and nothing in it waits, stores or keeps state.
 *
 * The intake takes a request through these stages and stops at the first that refuses:
 *
 *   route -> credentials -> scope -> rate -> body size -> decode -> (committer) -> answer
 *
 * Thread: all functions run on the request's net loop.
 */
#pragma once

#include "base/json.h"
#include "dialect/switches.h"
#include "model/bulk.h"
#include "model/catalog.h"
#include "model/check.h"
#include "model/op.h"
#include "net/reply.h"
#include "net/route.h"

/* Never renumber: events are stored under these. */
enum dialect_no {
	DIALECT_PRISTO = 1,
	DIALECT_OMNISEND = 2,
	DIALECT_INFOBIP = 3,
	DIALECT_ARSEL = 4
};

/* Why a request is not served. A dialect has an answer for each. */
enum refusal {
	REFUSE_NOTHING,
	REFUSE_FAULT,       /* the HTTP layer's no: call->req->fault */
	REFUSE_ROUTE,       /* no such path */
	REFUSE_METHOD,      /* the path is known: call->allowed */
	REFUSE_CREDENTIALS, /* none, malformed, unknown or revoked: not told apart */
	REFUSE_SCOPE,       /* the key may not: call->scope, or call->key->publishable */
	REFUSE_RATE,        /* call->rate */
	REFUSE_MEDIA_TYPE,  /* a Content-Type that the dialect does not take */
	REFUSE_JSON,        /* the body is no JSON or nested too deep: call->json_error */
	REFUSE_PROBLEMS,    /* call->problems, at least one */
	REFUSE_OVERLOADED,  /* queue, memory or disk at its ceiling: come back */
	REFUSE_UNAVAILABLE, /* could not be made durable; not known whether it was stored */
};

/* A count of requests per window, and where the caller stands in it. */
struct rate {
	unsigned requests; /* 0: no limit, and then nothing below is meant */
	unsigned window_s;
};

struct rate_state {
	unsigned limit, remaining;
	unsigned reset_s; /* whole seconds until the window ends, at least 1 */
};

struct credentials {
	struct str secret; /* .p NULL: none were given in a form the dialect knows */
	struct str name;   /* .p not NULL: the key must be of that name (Basic) */
	bool client;       /* name and secret are an OAuth client's */
	bool token;        /* the secret is a token, and no key will do */
	/* The name is that of an OAuth client which has sent a person's browser; the secret is a
	 * key that the person shows, if any: call->person. */
	bool by_person;
};

struct endpoint;
struct dialect;

/* One request on its way through a dialect. In the request's arena, from routing to the answer. */
struct call {
	struct request *req;
	const struct dialect *dialect;
	const struct endpoint *endpoint; /* NULL before routing succeeded */
	const char *pattern;             /* of the route, for the access log; NULL before */
	struct str params[ROUTE_PARAMS_MAX];
	unsigned allowed;

	/* Of the key, as it was when decode was called and again as it is when answer is, which sees
	 * what its operations made; valid until either returns. */
	const struct workspace *workspace;
	const struct key *key; /* valid until decode returns */
	/* Likewise, with credentials.by_person: whose key it is, one of the client's workspace that
	 * is not for everybody to see; NULL: none was shown, or none such. */
	const struct key *person;
	unsigned scopes; /* the key's, or those of its token */
	unsigned scope;  /* which of them it must have: the endpoint's, or what decode or answer
			 * find out; of several that it finds out any will do */
	uint32_t key_no; /* 0 before the credentials were found good */
	bool limited;    /* rate is meant */
	struct rate_state rate;
	struct str origin; /* where a browser comes from, if a publishable key of any workspace
				* lists it: for who answers across origins; .p NULL: none */

	/* What decode leaves: operations, a query, or what is wrong. With neither operations nor a
	 * query the call is answered at once. */
	struct op *ops;
	unsigned n_ops;
	bool all_or_nothing; /* if one operation is refused, none is done */
	/* Others need not wait for all of the operations: each stands for itself, and to do it again does
	 * no harm (see commit_job). When the call is refused for want of room or of a store that works,
	 * some of them may be done. */
	bool divisible;
	struct dedupe request; /* the caller's id of the whole request; .key.p NULL: none */
	uint64_t payload;      /* a hash of what the request says, with `request`; stored, so not
				* of hash64(), which differs with each start */
	bool other_payload;    /* comes back set: the id was used for something else */
	struct query *query;   /* what is to be read before the answer; NULL: nothing */
	struct problems problems;
	struct json_error json_error;
	void *state; /* the endpoint's own, from decode to answer */
};

/* What a dialect reads back of contacts and bulks, for a call without operations. Filled by decode, answered
 * by a worker thread. */
enum query_kind {
	QUERY_CONTACT,  /* whom all of `who` name: rows[0], or n_rows 0 */
	QUERY_CONTACTS, /* of the workspace, newest first */
	QUERY_BULKS,    /* of the workspace, see `bulk` */
};

/* What the contacts of one page have together: more is on the next. As JSON, and shown, it is several
 * times that in memory. */
enum { PAGE_BYTES_MAX = 4 * 1024 * 1024 };

struct query {
	enum query_kind kind;
	const struct who *who; /* QUERY_CONTACT: at least one */
	unsigned n_who;
	/* Of contacts: numbers between which they lie, exclusive; 0: open. With `after` the rows of
	 * a list are those next newer than it, newest first still. */
	uint64_t before, after;
	/* For who has no number: the contact that is `before`, or with `newer` `after`. NULL: none.
	 */
	const struct who *at;
	bool newer;
	bool oldest;   /* QUERY_CONTACTS: as with `after`, from the oldest on */
	unsigned skip; /* QUERY_CONTACTS: rows of pages before; costs a step each */
	bool wants_count;
	unsigned limit;
	size_t bytes_max; /* QUERY_CONTACTS: fewer rows where they have more; 0: no limit */

	struct bulk_query bulk;

	const struct contact_view *rows;
	const struct bulk_view *bulks; /* QUERY_BULKS: n_rows of them */
	unsigned n_rows;
	bool more;      /* of lists: there are rows beyond, in the direction asked for */
	uint64_t count; /* with wants_count: contacts that the workspace has */
	bool lost;      /* there is no contact `at` */
};

enum { ENDPOINT_BUCKETS = 9 };

struct endpoint {
	unsigned scope;  /* enum scope; what the key must carry */
	bool public;     /* publishable keys will do */
	size_t body_max; /* bytes */

	/* A switch without which the path is unknown: to the callers of a workspace that has it off,
	 * and to everybody where all have. SWITCH_NONE: it is there for all. */
	enum switch_no needs;

	/* Its own rate per key, counted with the other endpoints of that bucket; requests 0: the
	 * dialect's. */
	struct rate rate;
	bool guards;     /* the rate guards secrets, or what all share: no workspace lifts it */
	unsigned bucket; /* below ENDPOINT_BUCKETS; 0: the one of all that say nothing */

	/* Finds the credentials where the dialect's credentials() does not look, in the body for
	 * one; those may not do instead. Or says why not. NULL: nothing special. */
	enum refusal (*identify)(struct call *call, struct credentials *out);

	/* Reads the body, checks what can be checked without the store, fills call->ops. */
	enum refusal (*decode)(struct call *call);

	/* The query is answered, or all operations are back, none OVERLOADED or UNAVAILABLE: words
	 * the answer, which for a single OP_REFUSED operation is usually dialect->refuse(call,
	 * REFUSE_PROBLEMS) after its problems were copied to the call. */
	void (*answer)(struct call *call);
};

struct dialect {
	enum dialect_no no;
	const char *name;           /* lower case, stored with the events */
	const struct str *prefixes; /* the paths it owns: also their 404 and 405 are in its words */
	unsigned n_prefixes;
	const struct route *routes; /* their targets are endpoints */
	unsigned n_routes;
	bool slash_optional;  /* "/a/" is "/a" */
	bool request_id_uuid; /* X-Request-Id: only UUIDs are echoed, and one is made when absent */
	struct rate rate;     /* per key, where the workspace sets none */

	/* Finds the key that the request carries. */
	void (*credentials)(const struct call *call, struct credentials *out);

	/* Answers OPTIONS for a path it serves, whoever asks: call->allowed. NULL: 204 with Allow
	 * says it all. */
	void (*options)(struct call *call);

	/* Sends the answer that says no. Must work with whatever of the call is filled. */
	void (*refuse)(struct call *call, enum refusal why);
};

extern const struct dialect pristo, omnisend, infobip, arsel;

/* All of them; the next vendor is added here and nowhere else. */
extern const struct dialect *const dialects[];
extern const unsigned n_dialects;

/* --- What dialects share --- */

/* Begins the answer. Dialects add their own headers. */
void call_begin(struct call *call, int status);

/* Sends the body. A buf that failed becomes a bare 503 in place of all that was begun. */
void call_send(struct call *call, struct str content_type, struct buf *body);
void call_send_json(struct call *call, struct buf *body);

/* "Bearer K" of the Authorization header and the like: the rest behind the scheme (any case) and
 * its blanks; .p NULL when the header is another's or absent. */
struct str authorization(const struct request *req, struct str scheme);

/* Reads the body. REFUSE_NOTHING with *root set, or REFUSE_JSON, or REFUSE_OVERLOADED. */
enum refusal call_json(struct call *call, yyjson_val **root);

/* The call's one operation, filled as far as all dialects fill it alike. NULL: memory is refused.
 */
struct op *call_op(struct call *call);
/* Likewise so many of them, in call->ops; for n 0 none. */
struct op *call_ops(struct call *call, unsigned n);

/* The committer refused the operation: its problems become the call's and are sent. */
void call_refuse_op(struct call *call, const struct op *op);

/* {"path":["text",...],...}: the problems by where they are (as an answer repeats it), each in
 * the words of `put`. */
void problems_put_by_path(struct buf *b, const struct problems *ps,
			  void (*put)(struct buf *b, const struct problem *p));

/* A phone in E.164, however dialects write it; .p NULL stays so. `b` fails when memory is refused. */
struct str shown_phone(struct buf *b, struct str phone);

/* As much of a text out of the request as an answer repeats: its first 256 bytes or fewer, whole
 * code points of valid UTF-8 only. */
struct str echo(struct str s);

/* What the dialect of that name keeps with the definition; NULL: nothing. `b` fails when memory is
 * refused. */
yyjson_val *annotation(struct buf *b, const struct definition *d, struct str dialect);
/* The annotations with `json` in that place; what other dialects keep stays. `old` may be NULL.
 * .p NULL: memory is refused. */
struct str annotate(struct arena *a, const struct definition *old, struct str dialect,
		    struct str json);

/* The usual HTTP status of a refusal; dialects differ from it only where their contract says so. */
int refusal_status(const struct call *call, enum refusal why);

/* --- Shapes: a JSON object read by a table --- */

enum shape_type {
	SHAPE_STRING,
	SHAPE_OBJECT,
	SHAPE_ARRAY,
	SHAPE_BOOLEAN,
	SHAPE_ANY,
};

enum shape_flag {
	SHAPE_REQUIRED = 1,     /* PROBLEM_REQUIRED when absent */
	SHAPE_NULL_ABSENT = 2,  /* null counts as absent; else it is PROBLEM_TYPE */
	SHAPE_EMPTY_ABSENT = 4, /* "" counts as absent */
	SHAPE_NOT_EMPTY = 8,    /* "" is PROBLEM_EMPTY */
};

struct shape_member {
	struct str name;
	enum shape_type type;
	unsigned flags;
	unsigned max;                /* code points of a string; 0: no limit */
	bool (*valid)(struct str s); /* PROBLEM_FORMAT when false; NULL: any */
	const char *form;            /* the rule's name when not valid: "uuid", "email" ... */
};

/* Members of `object` into values[n] in the table's order; NULL: absent. `strict`: others are
 * PROBLEM_UNKNOWN_MEMBER. Paths begin with `path`. A value with a problem is NULL. */
void shape_read(struct call *call, yyjson_val *object, struct str path,
		const struct shape_member *members, unsigned n, bool strict, yyjson_val **values);

/* As many characters as there may be can be more bytes than an identity holds: false, with a problem. */
bool shape_identity_fits(struct call *call, struct str value, struct str path);

/* Formats that more than one dialect asks for. */
bool form_uuid(struct str s);
bool form_email(struct str s);
bool form_no_nul(struct str s); /* of names: U+0000 is where many a reader would end them */
