/*
 * A connection: reads requests, keeps them in their order until they are answered, writes the
 * answers, ends. Private to this folder; loop thread only.
 *
 *   CONN_OPEN    reads and answers, until `no_more` requests can come and the last is answered
 *   CONN_LINGER  the last answer is out and our half closed; what still comes is dropped, so that
 *                the kernel does not reset the connection before the client has read the answer
 *   CONN_CLOSED  on its way out, freed by libuv's close callback
 *
 * Requests: at most one is being read, or is read and waits for its turn (`in`); those that were
 * served wait in a queue, first to be answered first; of these the first `n_sending` are on their
 * way.
 *
 * An idle connection holds no request and no buffer.
 */
#pragma once

#include "net/loop.h"
#include "net/parse.h"
#include "net/tls_stream.h"

/* By the last request that was served. */
enum conn_standing {
	STANDING_NEW, /* there was none */
	STANDING_KNOWN,
	STANDING_REFUSED,   /* it was, at once, though who asked is known */
	STANDING_UNWELCOME, /* so it was, and who asked is not; or the connection lingers */
};

enum conn_state { CONN_OPEN, CONN_LINGER, CONN_CLOSED };

/* What was read before it could be taken: plain text, and behind it what TLS has not seen yet. */
struct conn_rest {
	struct arena_owner *owner;
	size_t n_plain, n; /* bytes; n: of both */
	size_t taken;      /* of the plain text */
	char data[];
};

struct conn {
	uv_tcp_t tcp;
	struct net_loop *loop;
	TAILQ_ENTRY(conn) all, dirty, turn;
	struct deadline reading, writing;
	struct tls_stream *tls; /* NULL: plain text */

	struct parse *in;
	struct request *first, *last;
	unsigned n_queue, n_sending;
	size_t part; /* bytes of the answer behind these that are on their way or with the client */
	struct request
		*stream; /* of the queue, what is answered in pieces and ends it all; or NULL */
	struct request *piece; /* the same, while one of them is on its way */
	struct conn_rest *rest;
	size_t dropped; /* bytes, while lingering or behind a stream */

	struct conn_list *waits; /* for its turn, in this list; NULL: it does not */
	uint64_t read_round;     /* in which it has read last */
	int allowed;             /* requests that may still begin now */

	enum conn_state state;
	enum conn_standing standing;
	enum parse_blank blank;
	bool is_dirty;
	bool no_more;    /* requests are read */
	bool eof;        /* the client has closed its half */
	bool feeding;    /* more bytes are at hand than `in` has seen */
	bool ends;       /* with the answers that are being sent */
	bool reads;      /* libuv does */
	bool writes;     /* likewise; one write at a time */
	bool told;       /* the client of `in` has got its 100 Continue */
	bool came_first; /* what it takes next is the first of its round */
	bool owes;       /* its last request was heavy, or the answer to it */
};

/* Takes the next connection of the loop's listener, which the server has counted. -ENOMEM: there
 * it waits still. */
MUST_CHECK int conn_open(struct net_loop *loop);

/* Ends the connection of this loop that has waited longest for a request, so that nobody keeps others
 * out by just being there. False: none is idle. */
bool conn_end_idlest(struct net_loop *loop);

/* The textual address; valid until the thread's next call. */
const char *conn_peer(const struct conn *c);
bool conn_is_encrypted(const struct conn *c);

/* A request is read completely and waits for its turn. */
static inline bool conn_is_ripe(const struct conn *c)
{
	return c->in && c->in->stage == PARSE_DONE;
}

/* Who holds what lies between a request and the socket. Not the key alone: its requests and answers may
 * fill its share, and then could not be read or sent. */
static inline struct arena_owner *conn_owner(const struct conn *c)
{
	struct net_server *server = c->loop->server;
	bool known = c->standing == STANDING_KNOWN || c->standing == STANDING_REFUSED;
	return known ? &server->keyed : &server->strangers;
}

/* An answer may be ready: look at it at the end of the round. */
void conn_touch(struct conn *c);

/* Writes what can be written, and whatever follows from that. */
void conn_flush(struct conn *c);

/* Ends at once. Requests that the app still holds go on without it. */
void conn_close(struct conn *c);

/* Reading on or off, the deadline, the end: all follow from where the connection stands, and are
 * put right here after anything has happened to it. It may be closed after it. */
void conn_settle(struct conn *c);

/* The request, which is of its queue, is answered in pieces from now on; what stands behind it there
 * loses its client. */
void conn_begin_stream(struct conn *c, struct request *req);
/* If there is one: something has changed for it. */
void conn_look_after_stream(struct conn *c);

/* One of its deadlines has passed. */
void conn_deadline_passed(struct deadline *d, enum deadline_kind kind);

/* send.c: writes the answers that are ready, in order, and what TLS has to say. The connection may
 * be closed after it. */
void send_ready(struct conn *c);

/* send.c: bytes that stand before all answers; nothing is being written. Likewise. */
void send_ahead(struct conn *c, struct str text);

/* send.c: the last words of TLS, if there is room for them. */
void send_farewell(struct conn *c);

/* conn.c, for send.c: the first n requests of the queue are answered. */
void conn_answered(struct conn *c, unsigned n);

/* Whether req's answer is the last: what says so, then. */
bool conn_is_last(const struct conn *c, const struct request *req);

/* stream.c, for send.c: the piece that was given is with the socket. */
void reply_stream_took(struct reply_stream *s);

/* reply.c, for send.c and stream.c. */
void reply_put_date(struct request *req);
void reply_hand_over(struct request *req);
void reply_give_up(struct request *req);

/* reply.c, for send.c: ends the head of a ready answer, once, right before it is written. */
void reply_seal(struct request *req, bool last);
