/*
 * The answers of a connection on their way out: in order, as many as are ready in one write, up to so
 * many bytes. TLS makes a copy of what is written, so there is little of it at a time, and who reads
 * slowly holds one. What is left of an answer goes with the next write.
 */
#include "net/conn.h"
#include "net/reply.h"

#include <stdlib.h>

enum {
	SEND_BUFS = 128,
	SEND_BYTES = 256 * 1024, /* of answers; pieces of streams have their own bounds */
};

struct batch {
	uv_buf_t bufs[SEND_BUFS];
	unsigned n_bufs, n_requests; /* so many are sent to their ends */
	size_t bytes;
	struct request *piece; /* of a stream, behind them; NULL: none */
};

/* What the socket did not take at once. */
struct late {
	uv_write_t write;
	struct conn *conn;
	size_t bytes;
};

static void add(struct batch *b, struct str s)
{
	if (s.n == 0)
		return;
	b->bufs[b->n_bufs++] = uv_buf_init((char *)s.p, (unsigned)s.n);
	b->bytes += s.n;
}

static bool has_piece(const struct request *req)
{
	return req && req->stream && req->stream->given && !req->ready;
}

static bool has_output(const struct conn *c)
{
	return c->first && (c->first->ready || has_piece(c->first));
}

static void gather_piece(struct batch *b, struct request *req)
{
	b->piece = req;
	for (size_t i = 0; i < ARRAY_LEN(req->stream->parts); i++)
		add(b, req->stream->parts[i]);
}

static void gather_answer(struct conn *c, struct batch *b, struct request *req)
{
	size_t skip = c->part, n = 0;
	if (c->part == 0) {
		c->ends = conn_is_last(c, req);
		reply_seal(req, c->ends);
	}
	for (size_t i = 0; i < ARRAY_LEN(req->out); i++) {
		size_t before = MIN(skip, req->out[i].n);
		struct str s = str_head(str_from(req->out[i], before), SEND_BYTES - b->bytes);
		skip -= before;
		n += before + s.n;
		add(b, s);
	}
	bool whole = n == req->out[0].n + req->out[1].n;
	c->part = whole ? 0 : n;
	b->n_requests += whole;
}

/* The last of the answers has not been gathered yet. */
static bool has_more(const struct conn *c)
{
	return !c->ends || c->part;
}

static bool has_room(const struct batch *b)
{
	return b->n_bufs + 6 <= SEND_BUFS && b->bytes < SEND_BYTES;
}

static void gather(struct conn *c, struct batch *b)
{
	struct request *req = c->first;
	*b = (struct batch){ .n_bufs = 0 };
	for (; req && req->ready && has_more(c) && has_room(b); req = req->next)
		gather_answer(c, b, req);
	if (has_piece(req) && !c->part && !c->ends)
		gather_piece(b, req);
}

/* All of the batch is with the socket. The deadline is that of the answer which waits for its end. */
static void sent(struct conn *c, unsigned n_requests, struct request *piece)
{
	if (n_requests || piece || !c->part)
		deadline_stop(&c->loop->deadlines, &c->writing);
	conn_answered(c, n_requests);
	if (piece)
		reply_stream_took(piece->stream);
}

static void on_written(uv_write_t *write, int status)
{
	struct late *late = (struct late *)write;
	struct conn *c = late->conn;
	size_t bytes = late->bytes;
	free(late);
	if (c->state == CONN_CLOSED)
		return;
	unsigned n = c->n_sending;
	struct request *piece = steal(&c->piece);
	c->n_sending = 0;
	c->writes = false;
	if (c->tls)
		tls_stream_sent(c->tls, bytes);
	if (status < 0) {
		conn_close(c);
		return;
	}
	sent(c, n, piece);
	conn_touch(c);
}

/* Leaves the rest of the batch, behind its first `done` bytes, to libuv. */
static void send_later(struct conn *c, struct batch *b, size_t done)
{
	size_t bytes = b->bytes - done;
	unsigned i = 0;
	for (; done >= b->bufs[i].len; i++)
		done -= b->bufs[i].len;
	b->bufs[i].base += done;
	b->bufs[i].len -= done;

	struct late *late = malloc(sizeof(*late));
	if (!late) {
		conn_close(c);
		return;
	}
	*late = (struct late){ .conn = c, .bytes = bytes };
	c->writes = true;
	c->n_sending = b->n_requests;
	c->piece = b->piece;
	if (c->writing.kind == DEADLINE_NONE)
		deadline_start(&c->loop->deadlines, &c->writing, DEADLINE_WRITE);
	int r = uv_write(&late->write, (uv_stream_t *)&c->tcp, b->bufs + i, b->n_bufs - i,
			 on_written);
	if (r < 0) {
		free(late);
		conn_close(c);
	}
}

/* Makes the batch what TLS makes of it, with what else it has to say. */
static bool encrypt(struct conn *c, struct batch *b)
{
	tls_stream_own(c->tls, conn_owner(c));
	for (unsigned i = 0; i < b->n_bufs; i++)
		if (!tls_stream_write(c->tls, (struct str){ b->bufs[i].base, b->bufs[i].len }))
			return false;
	b->n_bufs = 0;
	b->bytes = 0;
	add(b, tls_stream_output(c->tls));
	return true;
}

/* False when the socket has taken all it can. */
static bool send_batch(struct conn *c, struct batch *b)
{
	if (c->tls && !encrypt(c, b)) {
		conn_close(c);
		return false;
	}
	if (b->n_bufs == 0) {
		sent(c, b->n_requests, b->piece);
		return true;
	}
	int n = uv_try_write((uv_stream_t *)&c->tcp, b->bufs, b->n_bufs);
	if (n == UV_EAGAIN)
		n = 0;
	if (n < 0) {
		conn_close(c);
		return false;
	}
	if (c->tls)
		tls_stream_sent(c->tls, (size_t)n);
	if ((size_t)n < b->bytes) {
		send_later(c, b, (size_t)n);
		return false;
	}
	sent(c, b->n_requests, b->piece);
	return true;
}

static bool can_send(const struct conn *c)
{
	return c->state == CONN_OPEN && !c->writes;
}

void send_ready(struct conn *c)
{
	struct batch b;
	while (can_send(c) && has_more(c) && has_output(c)) {
		gather(c, &b);
		if (!send_batch(c, &b))
			return;
	}
	if (c->tls && can_send(c))
		send_ahead(c, STR(""));
}

void send_ahead(struct conn *c, struct str text)
{
	struct batch b = { .n_bufs = 0 };
	add(&b, text);
	(void)send_batch(c, &b);
}

void send_farewell(struct conn *c)
{
	if (!c->tls || c->writes)
		return;
	tls_stream_end(c->tls);
	struct str words = tls_stream_output(c->tls);
	uv_buf_t buf = uv_buf_init((char *)words.p, (unsigned)words.n);
	if (words.n)
		(void)uv_try_write((uv_stream_t *)&c->tcp, &buf, 1);
	tls_stream_sent(c->tls, words.n);
}
