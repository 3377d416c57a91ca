#include "net/conn.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

static void settle(struct conn *c);

/* ---- the end ---- */

static void drop_in(struct conn *c)
{
	if (!c->in)
		return;
	request_free(c->in->req);
	c->in = NULL;
}

static struct conn_rest *rest_keep(struct net_server *server, const char *data, size_t n)
{
	struct arena_budget *budget = &server->budget;
	if (atomic_fetch_add(&budget->used, n) + n <= budget->max) {
		struct conn_rest *rest = malloc(sizeof(*rest) + n);
		if (rest) {
			rest->n = n;
			memcpy(rest->data, data, n);
			return rest;
		}
	}
	atomic_fetch_sub(&budget->used, n);
	return NULL;
}

static void rest_free(struct net_server *server, struct conn_rest *rest)
{
	if (!rest)
		return;
	atomic_fetch_sub(&server->budget.used, rest->n);
	free(rest);
}

static void forget_requests(struct conn *c)
{
	drop_in(c);
	rest_free(c->loop->server, steal(&c->rest));
	struct request *next, *req = steal(&c->first);
	c->last = NULL;
	c->n_queue = c->n_sending = 0;
	for (; req; req = next) {
		next = req->next;
		request_orphan(req);
	}
}

static void on_closed(uv_handle_t *handle)
{
	struct conn *c = (struct conn *)handle;
	c->loop->n_conns--;
	free(c);
}

void conn_close(struct conn *c)
{
	struct net_loop *loop = c->loop;
	if (c->state == CONN_CLOSED)
		return;
	c->state = CONN_CLOSED;
	deadline_stop(&loop->deadlines, &c->reading);
	deadline_stop(&loop->deadlines, &c->writing);
	forget_requests(c);
	TAILQ_REMOVE(&loop->conns, c, all);
	if (c->is_dirty)
		TAILQ_REMOVE(&loop->dirty, c, dirty);
	c->is_dirty = false;
	atomic_fetch_sub(&loop->server->n_conns, 1);
	uv_close((uv_handle_t *)&c->tcp, on_closed);
}

static int descriptor(const struct conn *c)
{
	int fd = -1;
	must(uv_fileno((const uv_handle_t *)&c->tcp, &fd) == 0);
	return fd;
}

/* ---- reading ---- */

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	struct net_loop *loop = ((struct conn *)handle)->loop;
	(void)suggested;
	*buf = uv_buf_init(loop->scratch, sizeof(loop->scratch));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf);

static void set_reads(struct conn *c, bool on)
{
	if (c->reads == on)
		return;
	c->reads = on;
	if (!on)
		uv_read_stop((uv_stream_t *)&c->tcp);
	else if (uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read) < 0)
		conn_close(c);
}

/* Everything is answered, or will not be: no answer of ours may be lost to a reset. */
static void linger(struct conn *c)
{
	forget_requests(c);
	if (c->eof || shutdown(descriptor(c), SHUT_WR) < 0) {
		conn_close(c);
		return;
	}
	c->state = CONN_LINGER;
	deadline_start(&c->loop->deadlines, &c->reading, DEADLINE_LINGER);
	set_reads(c, true);
}

static void drop(struct conn *c, size_t n)
{
	c->dropped += n;
	if (c->dropped > LINGER_BYTES)
		conn_close(c);
}

static bool begin_request(struct conn *c)
{
	struct request *req = request_new(c->loop);
	if (!req)
		return false;
	req->conn = c;
	req->started_ms = c->loop->now_ms;
	c->in = parse_new(req, &c->loop->server->config, c->blank);
	if (!c->in)
		request_free(req);
	c->blank = BLANK_NONE;
	c->told = false;
	return c->in != NULL;
}

/* `in` is done: it joins the queue and goes to the app. */
static void serve(struct conn *c)
{
	struct request *req = c->in->req;
	c->in = NULL;
	deadline_stop(&c->loop->deadlines, &c->reading);
	c->no_more |= req->close_after;
	if (c->last)
		c->last->next = req;
	else
		c->first = req;
	c->last = req;
	c->n_queue++;
	request_serve(req);
}

/* Feeds the request under way, or begins one. Returns the bytes taken. */
static size_t take(struct conn *c, const char *data, size_t n)
{
	size_t blank = 0;
	if (!c->in) {
		blank = parse_skip_blank(&c->blank, data, n);
		if (blank == n)
			return n;
		if (!begin_request(c)) {
			conn_close(c);
			return n;
		}
	}
	bool head_was_open = c->in->stage == PARSE_HEAD;
	size_t took = parse_feed(c->in, data + blank, n - blank);
	if (head_was_open && c->in->stage != PARSE_HEAD)
		c->in->req->received_at = c->loop->now;
	if (c->in->stage == PARSE_DONE)
		serve(c);
	return blank + took;
}

static bool can_take(const struct conn *c)
{
	return c->state == CONN_OPEN && !c->no_more && !c->ends;
}

static bool is_full(const struct conn *c)
{
	return c->n_queue >= loop_limits(c->loop)->pipeline_max;
}

/* Bytes of the client, in their order. What cannot be taken now is kept in c->rest. */
static void feed(struct conn *c, const char *data, size_t n)
{
	c->feeding = true;
	while (n > 0 && can_take(c)) {
		if (is_full(c))
			send_ready(c);
		if (!can_take(c) || is_full(c))
			break;
		size_t took = take(c, data, n);
		data += took;
		n -= took;
	}
	c->feeding = false;
	if (n == 0 || !can_take(c))
		return;
	c->rest = rest_keep(c->loop->server, data, n);
	if (!c->rest)
		conn_close(c);
}

/* Goes on with what was read before, once half of the queue is answered. */
static void resume(struct conn *c)
{
	if (!c->rest || !can_take(c) || c->n_queue > loop_limits(c->loop)->pipeline_max / 2)
		return;
	struct conn_rest *rest = steal(&c->rest);
	loop_look_at_clock(c->loop);
	feed(c, rest->data, rest->n);
	rest_free(c->loop->server, rest);
}

static void end_of_input(struct conn *c)
{
	c->eof = true;
	c->no_more = true;
	set_reads(c, false);
	drop_in(c);
	settle(c);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct conn *c = (struct conn *)stream;
	if (n == 0)
		return;
	if (n < 0 && n != UV_EOF) {
		conn_close(c);
	} else if (c->state == CONN_LINGER) {
		if (n == UV_EOF)
			conn_close(c);
		else
			drop(c, (size_t)n);
	} else if (n == UV_EOF) {
		end_of_input(c);
	} else {
		loop_look_at_clock(c->loop);
		feed(c, buf->base, (size_t)n);
		settle(c);
	}
}

/* ---- what is awaited next ---- */

static bool is_idle(const struct conn *c)
{
	return !c->in && !c->first && !c->rest;
}

static bool has_unread_bytes(const struct conn *c)
{
	char byte;
	return recv(descriptor(c), &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

static enum deadline_kind awaited(const struct conn *c)
{
	if (c->in)
		return c->in->stage == PARSE_HEAD ? DEADLINE_HEAD : DEADLINE_BODY;
	return is_idle(c) ? DEADLINE_IDLE : DEADLINE_NONE;
}

static void set_deadline(struct conn *c)
{
	struct deadlines *all = &c->loop->deadlines;
	enum deadline_kind kind = awaited(c);
	if (kind == DEADLINE_NONE)
		deadline_stop(all, &c->reading);
	else if (kind != c->reading.kind)
		deadline_start(all, &c->reading, kind);
}

/* Nothing stands before it on the wire: c->first is NULL. */
static void say_continue(struct conn *c)
{
	static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
	uv_buf_t buf = uv_buf_init((char *)text, sizeof(text) - 1);
	int r = uv_try_write((uv_stream_t *)&c->tcp, &buf, 1);
	c->told = true;
	if (r != (int)buf.len && r != UV_EAGAIN)
		conn_close(c);
}

/* Reading on or off, the deadline, the end: all follow from where the connection stands. */
static void settle(struct conn *c)
{
	if (c->state != CONN_OPEN)
		return;
	if (is_idle(c) && c->no_more) {
		linger(c);
		return;
	}
	if (is_idle(c) && c->loop->draining && !has_unread_bytes(c)) {
		conn_close(c);
		return;
	}
	set_deadline(c);
	set_reads(c, can_take(c) && !c->rest);
	if (c->in && !c->first && !c->told && parse_wants_continue(c->in))
		say_continue(c);
}

void conn_touch(struct conn *c)
{
	if (c->is_dirty)
		return;
	c->is_dirty = true;
	TAILQ_INSERT_TAIL(&c->loop->dirty, c, dirty);
}

void conn_flush(struct conn *c)
{
	c->is_dirty = false;
	TAILQ_REMOVE(&c->loop->dirty, c, dirty);
	send_ready(c);
	if (c->state == CONN_OPEN && c->ends && !c->n_sending) {
		linger(c);
		return;
	}
	resume(c);
	settle(c);
}

void conn_answered(struct conn *c, unsigned n)
{
	must(n <= c->n_queue);
	for (unsigned i = 0; i < n; i++) {
		struct request *req = c->first;
		c->first = req->next;
		c->n_queue--;
		request_done(req);
	}
	if (!c->first)
		c->last = NULL;
}

bool conn_is_last(const struct conn *c, const struct request *req)
{
	if (req->close_after)
		return true;
	bool more = req->next || c->in || c->rest || c->feeding;
	return !more && (c->no_more || c->loop->draining);
}

void conn_drain(struct conn *c)
{
	settle(c);
}

/* A request is late. */
static void stop_waiting(struct conn *c, const char *detail)
{
	loop_look_at_clock(c->loop);
	if (!c->in->req->received_at)
		c->in->req->received_at = c->loop->now;
	if (parse_give_up(c->in, FAULT_TIMEOUT, detail)) {
		serve(c);
	} else {
		drop_in(c);
		c->no_more = true;
	}
	settle(c);
}

void conn_deadline_passed(struct deadline *d, enum deadline_kind kind)
{
	size_t at = kind == DEADLINE_WRITE ? offsetof(struct conn, writing)
					   : offsetof(struct conn, reading);
	struct conn *c = (struct conn *)((char *)d - at);
	if (kind == DEADLINE_HEAD)
		stop_waiting(c, "the head of the request did not come in time");
	else if (kind == DEADLINE_BODY)
		stop_waiting(c, "the body of the request did not come in time");
	else
		conn_close(c);
}

/* ---- the beginning ---- */

int conn_open(struct net_loop *loop)
{
	struct conn *c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->loop = loop;
	uv_tcp_init(&loop->uv, &c->tcp);
	TAILQ_INSERT_TAIL(&loop->conns, c, all);
	loop->n_conns++;
	if (uv_accept((uv_stream_t *)&loop->listener, (uv_stream_t *)&c->tcp) < 0)
		conn_close(c);
	else
		settle(c);
	return 0;
}

const char *conn_peer(const struct conn *c)
{
	static _Thread_local char text[INET6_ADDRSTRLEN];
	struct sockaddr_storage at;
	int size = sizeof(at);
	if (uv_tcp_getpeername(&c->tcp, (struct sockaddr *)&at, &size) < 0 ||
	    uv_ip_name((struct sockaddr *)&at, text, sizeof(text)) < 0)
		return "";
	return text;
}
