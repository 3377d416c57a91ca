/*
 * One net loop: a thread with its listening socket, its connections and its requests. Private to
 * this folder. Everything belongs to the loop's thread, except the mailbox.
 *
 * A round is one turn of the libuv loop. What a round leaves behind (answers to write, requests to
 * pass on) is dealt with once, at its end, right before the loop would sleep. Where more connections
 * have something than FRESH_MAX that is done in between as well: libuv reads them all in one round,
 * and their requests and sockets would be out of the processor's caches before they are answered.
 */
#pragma once

#include "net/deadline.h"
#include "net/server.h"
#include "net/turns.h"

enum {
	READ_BUFFER = 64 * 1024,   /* what one read takes at most; one per loop */
	FRESH_MAX = 256,           /* requests, until they are passed on */
	SPARE_REQUESTS_MAX = 1024, /* kept for reuse; each with the first chunk of its arena */
	LINGER_MS = 1000,
	LINGER_BYTES = 8 * 1024 * 1024, /* so that who still sends reads why not */
};

/* Letters from other threads. `lock` guards all of it. */
struct mailbox {
	uv_mutex_t lock;
	struct net_letter *first, **end;
	bool stop;
};

/* A connection that is one too many: taken, told so and closed. */
struct refusal {
	uv_tcp_t tcp;
	bool busy;
	bool another; /* waits */
};

struct net_loop {
	struct net_server *server;
	unsigned index;
	bool draining;

	struct conn_list conns, dirty; /* all; those with answers to write */
	struct request *answered;      /* those without a client: done at the round's end */
	struct request *spare;
	TAILQ_HEAD(, work) works; /* that came by net_loop_work() and are not done */
	unsigned n_conns;
	unsigned n_served; /* requests that the app holds */
	unsigned n_fresh;  /* requests that it got since it was last told that a round ends */
	unsigned n_spare;

	instant_us now; /* at the read under way */
	int64_t now_ms;
	uint64_t date_until_ms; /* on the loop's clock: when `date` is old */
	char date[40];          /* "Date: ...\r\n" */

	struct turns turns;
	struct deadlines deadlines;
	struct deadline drain;
	struct mailbox mailbox;
	struct refusal refusal;
	uv_loop_t uv;
	uv_tcp_t listener;
	uv_async_t wake;
	uv_prepare_t round;
	uv_thread_t thread;
	char scratch[READ_BUFFER]; /* as it comes from a socket */
	char plain[READ_BUFFER];   /* the same without TLS */
};

struct net_server {
	struct net_config config;
	struct arena_budget budget;
	struct arena_owner strangers; /* who have shown no key hold what they hold together */
	struct arena_owner keyed;     /* the others what conn_owner() says, likewise */
	atomic_uint n_conns;
	uint16_t port;
	unsigned n_loops, n_threads; /* so many are made; so many run */
	struct net_loop *loops[NET_LOOPS_MAX];
};

static inline const struct net_limits *loop_limits(const struct net_loop *loop)
{
	return &loop->server->config.limits;
}

/* Listens at once; connections are taken when it runs. share: other loops will bind there too. */
MUST_CHECK int loop_new(struct net_server *server, unsigned index, const struct sockaddr *at,
			bool share, struct net_loop **out);
void loop_free(struct net_loop *loop); /* does not run (any more); NULL is fine */
MUST_CHECK int loop_start(struct net_loop *loop);
void loop_stop(struct net_loop *loop); /* any thread: makes it drain and end */
void loop_join(struct net_loop *loop); /* waits for the thread's end */

/* Closes idle connections, makes the others end with what they have; ends the loop after it. */
void loop_drain(struct net_loop *loop);

/* In the middle of a round, after a connection was read: passes requests on and takes answers in, if
 * there are many. Any connection may be closed after it. */
void loop_look_up(struct net_loop *loop);

/* Reads the clocks, for requests that begin or end now. */
void loop_look_at_clock(struct net_loop *loop);

/* "Date: ...\r\n" of now. */
struct str loop_date_line(struct net_loop *loop);

/* mailbox.c */
void mailbox_init(struct mailbox *box);
void mailbox_fini(struct mailbox *box);
void mailbox_on_wake(uv_async_t *wake);
void mailbox_look(struct net_loop *loop);
void mailbox_drop_works(struct net_loop *loop); /* that have not begun: they are done without */

/* request.c: a request from the loop's spares; NULL: no memory. */
struct request *request_new(struct net_loop *loop);
void request_free(struct request *req);
void request_free_spares(struct net_loop *loop);

/* Hands it to the app, which holds it until reply_send(). */
void request_serve(struct request *req);

/* The answer is written, or there is nobody to write it to: the app's last look. */
void request_done(struct request *req);

/* The client has gone. */
void request_orphan(struct request *req);
