#include "net/receive.h"

#include <stdlib.h>

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

static void drop_in(struct conn *c)
{
	if (!c->in)
		return;
	request_free(c->in->req);
	c->in = NULL;
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

void receive_resume(struct conn *c)
{
	if (!c->rest || !can_take(c) || c->n_queue > loop_limits(c->loop)->pipeline_max / 2)
		return;
	struct conn_rest *rest = steal(&c->rest);
	loop_look_at_clock(c->loop);
	feed(c, rest->data, rest->n);
	rest_free(c->loop->server, rest);
}

/* ---- libuv ---- */

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	struct net_loop *loop = ((struct conn *)handle)->loop;
	(void)suggested;
	*buf = uv_buf_init(loop->scratch, sizeof(loop->scratch));
}

static void drop(struct conn *c, size_t n)
{
	c->dropped += n;
	if (c->dropped > LINGER_BYTES)
		conn_close(c);
}

static void end_of_input(struct conn *c)
{
	c->eof = true;
	c->no_more = true;
	receive_set(c, false);
	drop_in(c);
	conn_settle(c);
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
		conn_settle(c);
	}
}

/* ---- for conn.c ---- */

void receive_set(struct conn *c, bool on)
{
	if (c->reads == on)
		return;
	c->reads = on;
	if (!on)
		uv_read_stop((uv_stream_t *)&c->tcp);
	else if (uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read) < 0)
		conn_close(c);
}

bool receive_wanted(const struct conn *c)
{
	return can_take(c) && !c->rest;
}

void receive_late(struct conn *c)
{
	const char *detail = "the body of the request did not come in time";
	if (c->in->stage == PARSE_HEAD)
		detail = "the head of the request did not come in time";
	loop_look_at_clock(c->loop);
	if (!c->in->req->received_at)
		c->in->req->received_at = c->loop->now;
	if (parse_give_up(c->in, FAULT_TIMEOUT, detail)) {
		serve(c);
	} else {
		drop_in(c);
		c->no_more = true;
	}
	conn_settle(c);
}

void receive_forget(struct conn *c)
{
	drop_in(c);
	rest_free(c->loop->server, steal(&c->rest));
}
