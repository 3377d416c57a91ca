/* The answers of a connection on their way out: in order, as many as are ready in one write. */
#include "net/conn.h"

#include <stdlib.h>

enum { SEND_BUFS = 128 };

struct batch {
	uv_buf_t bufs[SEND_BUFS];
	unsigned n_bufs, n_requests;
	size_t bytes;
};

/* What the socket did not take at once. */
struct late {
	uv_write_t write;
	struct conn *conn;
};

static void add(struct batch *b, struct str s)
{
	if (s.n == 0)
		return;
	b->bufs[b->n_bufs++] = uv_buf_init((char *)s.p, (unsigned)s.n);
	b->bytes += s.n;
}

static void gather(struct conn *c, struct batch *b)
{
	struct request *req = c->first;
	*b = (struct batch){ .n_bufs = 0 };
	for (; req && req->ready && !c->ends && b->n_bufs + 2 <= SEND_BUFS; req = req->next) {
		c->ends = conn_is_last(c, req);
		reply_seal(req, c->ends);
		add(b, req->out[0]);
		add(b, req->out[1]);
		b->n_requests++;
	}
}

static void on_written(uv_write_t *write, int status)
{
	struct late *late = (struct late *)write;
	struct conn *c = late->conn;
	free(late);
	if (c->state == CONN_CLOSED)
		return;
	deadline_stop(&c->loop->deadlines, &c->writing);
	unsigned n = c->n_sending;
	c->n_sending = 0;
	if (status < 0) {
		conn_close(c);
		return;
	}
	conn_answered(c, n);
	conn_touch(c);
}

/* Leaves the rest of the batch, behind its first `done` bytes, to libuv. */
static void send_later(struct conn *c, struct batch *b, size_t done)
{
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
	late->conn = c;
	c->n_sending = b->n_requests;
	deadline_start(&c->loop->deadlines, &c->writing, DEADLINE_WRITE);
	int r = uv_write(&late->write, (uv_stream_t *)&c->tcp, b->bufs + i, b->n_bufs - i,
			 on_written);
	if (r < 0) {
		free(late);
		conn_close(c);
	}
}

/* False when the socket has taken all it can. */
static bool send_batch(struct conn *c)
{
	struct batch b;
	gather(c, &b);
	int n = uv_try_write((uv_stream_t *)&c->tcp, b.bufs, b.n_bufs);
	if (n == UV_EAGAIN)
		n = 0;
	if (n < 0) {
		conn_close(c);
		return false;
	}
	if ((size_t)n < b.bytes) {
		send_later(c, &b, (size_t)n);
		return false;
	}
	conn_answered(c, b.n_requests);
	return true;
}

void send_ready(struct conn *c)
{
	while (c->state == CONN_OPEN && !c->n_sending && !c->ends && c->first && c->first->ready)
		if (!send_batch(c))
			return;
}
