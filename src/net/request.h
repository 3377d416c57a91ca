/*
 * One HTTP request, from its first byte until its answer has been written or its connection is
 * gone. Lives in its own arena on the net loop that received it; the app may keep a pointer to it
 * across threads until it calls reply_send(), even when the client has hung up meanwhile.
 *
 * Strings are views into the arena: as sent, nothing decoded, header values without blanks around.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/timefmt.h"
#include "net/url.h"

enum method {
	METHOD_OTHER, /* known to HTTP or not, none of the following */
	METHOD_GET,
	METHOD_HEAD,
	METHOD_POST,
	METHOD_PUT,
	METHOD_PATCH,
	METHOD_DELETE,
	METHOD_OPTIONS,
};

#define METHOD_BIT(m) (1U << (m))
const char *method_name(enum method m);

/* What the net layer itself refuses. The app words the answer; each of them ends the connection,
 * because what follows cannot be told from the body of this request. */
enum fault {
	FAULT_NONE,
	FAULT_SYNTAX,          /* 400: framing, header, host or target breaks RFC 9112 */
	FAULT_TIMEOUT,         /* 408: head or body not there in time */
	FAULT_BODY_TOO_LARGE,  /* 413: over what the app takes for this target */
	FAULT_TARGET_TOO_LONG, /* 414 */
	FAULT_CONTENT_CODING,  /* 415: Content-Encoding other than identity */
	FAULT_EXPECTATION,     /* 417: Expect other than 100-continue */
	FAULT_HEAD_TOO_LARGE,  /* 431: bytes or number of headers */
	FAULT_NO_MEMORY,       /* 503: the ceiling on request memory */
	FAULT_NOT_IMPLEMENTED, /* 501: a transfer coding other than chunked, CONNECT */
	FAULT_VERSION,         /* 505: not HTTP/1.0 or 1.1 */
};

int fault_status(enum fault f);

struct header {
	struct str name, value;
};

struct net_loop;
struct conn;
struct reply_stream;

struct request {
	/* What came. Before a fault that cut the head short, the later parts are empty. */
	enum method method;
	struct str method_text; /* as in the request line */
	struct str target;      /* as in the request line */
	struct str path;        /* of the target, still percent-encoded, always begins with "/" */
	struct str query;       /* behind "?", without it */
	struct url_place place; /* for path and query, of every request without a fault */
	const struct header *headers;
	unsigned n_headers;
	struct str body; /* chunked bodies are put together */
	enum fault fault;
	const char *fault_detail; /* static text for a person, or NULL */
	instant_us received_at;   /* wall clock, when the head was complete */
	int64_t started_ms;       /* monotonic, at the first byte */

	struct str id; /* the app's: every answer carries it as X-Request-Id; .p NULL: none */

	/* The strangers', who have a share of all memory together, until the app makes it somebody's
	 * (arena_own). */
	struct arena arena;
	struct net_loop *loop;
	void *state; /* the app's own */

	/* The app's, set before serve() is over: whoever asks may ask, and as often as that. Others are
	 * answered too, but who sends their like ahead waits (turns.h). */
	bool welcome;
	bool looked_into; /* likewise: its body was, though it is not welcome */

	/* What went out: set by reply_send(). */
	int status;
	size_t reply_bytes;

	/* The net layer's own. */
	struct conn *conn; /* NULL: the client has gone */
	struct request *next;
	struct buf head;             /* status line and headers under construction */
	struct str out[2];           /* head and body, ready */
	struct reply_stream *stream; /* NULL: an ordinary answer */
	bool ready, close_after, has_date;
	bool old_http; /* came as HTTP/1.0: that the connection stays open must be said */
};

/* The value of the first header of that name (any case), .p NULL when there is none. */
struct str request_header(const struct request *req, struct str name);

/* The X-Request-Id that came, if it is fit to be echoed: visible ASCII, at most 128 characters. */
struct str request_given_id(const struct request *req);

/* The textual address of the peer, or "" when it has gone; for logs. */
const char *request_peer(const struct request *req);

/* Whether it came over HTTPS, for addresses in answers; false when the peer has gone. */
bool request_is_encrypted(const struct request *req);
