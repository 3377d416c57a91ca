/*
 * The HTTP/1.1 server: N loops, each a thread with its own listening socket (SO_REUSEPORT), its
 * connections and its requests. Knows no events: it hands complete requests to an app and sends
 * the answers in order. Framing is strict (RFC 9112, sections 2.2, 5, 6, 7): what two parsers
 * could read differently is refused and the connection closed.
 *
 * Deadlines are totals that a slow sender cannot stretch: a head is there `head_ms` after its
 * first byte, a body `body_ms` after its head, an answer is taken `write_ms` after it was its turn. The
 * kernel gives up after as long on what it has sent and nobody confirms, so that peers which vanished
 * do not hold a connection.
 */
#pragma once

#include "net/request.h"

struct net_limits {
	size_t head_max;           /* bytes of request line and headers */
	size_t target_max;         /* bytes of the request target */
	unsigned headers_max;      /* header lines */
	size_t overhead_max;       /* bytes of chunk framing and trailers in one request */
	size_t request_memory_max; /* arena ceiling of one request, bytes */
	size_t total_memory_max;   /* budget of all requests beyond their first chunk, bytes */
	unsigned connections_max;  /* of the whole server */
	unsigned pipeline_max;     /* unanswered requests of one connection; then it is not read */
	unsigned head_ms, body_ms, idle_ms, write_ms, drain_ms;
	unsigned beat_ms; /* so often is somebody asked to look after a stream */
};

extern const struct net_limits net_limits_default;

struct net_loop;

/* The app's callbacks run on the loop of the request and never block. */
struct net_app {
	void *ctx;

	/* The head is there: how many body bytes will be taken for this target. */
	size_t (*body_limit)(void *ctx, struct request *req);

	/* A complete request, or one with a fault. The app answers it with reply_send(), now or
	 * later, on the same loop. */
	void (*serve)(void *ctx, struct request *req);

	/* Once after each round of the loop in which requests were served: the moment to pass on in
	 * one go what they left behind. May be NULL. */
	void (*round_end)(void *ctx, struct net_loop *loop);

	/* The request's answer has been handed to the socket, or its client had gone: the last
	 * look at it, for the access log. May be NULL. */
	void (*done)(void *ctx, const struct request *req);

	/* A complete request, before it is served: whether anybody is answered, and at length. Who asks
	 * is a stranger then, whatever he was before (turns.h). May be NULL. */
	bool (*anybodys)(void *ctx, const struct request *req);
};

struct tls;

struct net_config {
	const char *host; /* numeric IPv4 or IPv6 address, or "localhost" */
	uint16_t port;    /* 0: the kernel chooses */
	unsigned loops;   /* 1..NET_LOOPS_MAX */
	struct net_limits limits;
	struct net_app app;
	struct tls *tls; /* NULL: plain text; else it outlives the server */
};

enum { NET_LOOPS_MAX = 64 };

struct net_server;

/* Binds and starts the threads. -EADDRINUSE when anyone else listens there, another occurd
 * included. Requests can arrive before it returns. */
MUST_CHECK int net_server_start(const struct net_config *config, struct net_server **out);

uint16_t net_server_port(const struct net_server *s);
unsigned net_server_connections(const struct net_server *s); /* open now; any thread */

/* Stops accepting, answers what has arrived (each last answer says Connection: close), closes idle
 * connections at once and the others after drain_ms, ends the threads. Whoever answers requests
 * must still be running: no thread ends before the app has answered all that it was handed.
 * Afterwards net_loop_post() may not be called. */
void net_server_stop(struct net_server *s);
void net_server_free(struct net_server *s); /* NULL is fine; stopped first */

/* The server that a loop is of. */
struct net_server *net_loop_server(const struct net_loop *loop);

/* The position of a loop, 0..loops-1: an index for what the app keeps per loop. */
unsigned net_loop_index(const struct net_loop *loop);

/* A letter to a loop. Posted by any thread, run on the loop's thread in the order posted; answers
 * sent by one round of letters leave in as few writes as possible. */
struct net_letter {
	struct net_letter *next;
	void (*run)(struct net_letter *letter);
};

/* Posts a whole list (linked by next, NULL ends it) with one wake-up. */
void net_loop_post(struct net_loop *loop, struct net_letter *list);

/* Work that may block, for a small pool of threads: run() there, then done() on the loop. */
struct net_work {
	void (*run)(struct net_work *w);
	void (*done)(struct net_work *w);
	bool dropped; /* for done(): the server stops, all clients have gone, run() never was called */
};
MUST_CHECK int net_loop_work(struct net_loop *loop, struct net_work *w);
