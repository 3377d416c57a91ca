/*
 * Outgoing HTTP for deliveries, over libcurl's multi interface: many exchanges at once on one
 * thread, connections kept open, HTTP and HTTPS only, no redirects, no proxies from the
 * environment, bounded answers. Its wait is where the delivering thread sleeps.
 *
 * Addresses of this machine and of private, link-local, multicast and unspecified networks are
 * refused unless an exchange allows them; judged is the address that is connected to, after it was
 * resolved, so that no name can point there.
 */
#pragma once

#include "base/arena.h"
#include "base/timefmt.h"

struct http;

enum {
	HTTP_ANSWER_MAX = 512, /* bytes that are kept of an answer's body */
	HTTP_HEADERS_MAX = 16,
	HTTP_WATCHES_MAX = 4,
};

struct http_header {
	struct str name, value; /* visible ASCII and blanks */
};

/* One request and its answer. Owned by the caller, who leaves it alone until done() is called on
 * the thread of http_run(). */
struct exchange {
	struct str url, body; /* url: NUL-terminated behind its n bytes */
	struct http_header headers[HTTP_HEADERS_MAX];
	unsigned n_headers;
	bool allow_private;
	bool once; /* on a connection of its own: on one that was kept, libcurl repeats a request
		    * when that turns out to have been closed */
	int64_t timeout_ms; /* of all of it, and never stretched by a slow answer */
	void (*done)(struct exchange *x);

	/* What came of it. */
	int status;            /* 0: no answer */
	const char *error;     /* static, one phrase, where there was none: "timed out" */
	bool refused;          /* by the address: trying again will not help */
	bool sent;             /* some of it may have reached whom it was for */
	int begun_status;      /* of an answer of which the rest did not come; 0: none */
	int64_t retry_after_s; /* of Retry-After, in either form; -1: none */
	char answer[HTTP_ANSWER_MAX];
	size_t answer_n;
	int64_t duration_ms;
};

MUST_CHECK int http_new(struct http **out);
void http_free(struct http *h); /* exchanges under way are dropped without done(); NULL is fine */

/* Begins it. -ENOMEM. */
MUST_CHECK int http_start(struct http *h, struct exchange *x);

/* Moves all that can be moved, waits at most so long for more or a wake, calls done() for each that
 * has ended. */
void http_run(struct http *h, int timeout_ms);

/* http_run() also waits for `fd`: when it can be read, readable(arg) is called, which does. -ENOSPC:
 * there are HTTP_WATCHES_MAX. */
MUST_CHECK int http_watch(struct http *h, int fd, void (*readable)(void *arg), void *arg);
void http_unwatch(struct http *h, int fd);

/* Any thread: ends the wait. */
void http_wake(struct http *h);
