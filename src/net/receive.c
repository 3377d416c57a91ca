#include "net/receive.h"

#include <stdlib.h>

enum {
	STRANGER_READ = 8 * 1024, /* bytes, so that little of it has to be kept */
	UNTAKEN_MAX = 8,          /* requests, while the client takes no answers */
};

static struct conn_rest *rest_keep(const struct conn *c, struct str plain, struct str cipher)
{
	struct arena_budget *budget = &c->loop->server->budget;
	size_t n = plain.n + cipher.n;
	struct arena_owner *owner = conn_owner(c);
	if (!arena_budget_take(budget, owner, n))
		return NULL;
	struct conn_rest *rest = malloc(sizeof(*rest) + n);
	if (!rest) {
		arena_budget_return(budget, owner, n);
		return NULL;
	}
	*rest = (struct conn_rest){ .owner = owner, .n = n, .n_plain = plain.n };
	memcpy(rest->data, plain.p, plain.n);
	memcpy(rest->data + plain.n, cipher.p, cipher.n);
	return rest;
}

static void rest_free(struct net_server *server, struct conn_rest *rest)
{
	if (!rest)
		return;
	arena_budget_return(&server->budget, rest->owner, rest->n);
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
	size_t used = arena_used(&req->arena);
	request_serve(req);
	/* One that is not answered yet may be with another thread, and its arena with it. */
	turns_served(c, req, req->ready ? arena_used(&req->arena) - used : 0);
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
	if (conn_is_ripe(c) && turns_may_serve(c, c->in->req))
		serve(c);
	else if (conn_is_ripe(c))
		turns_wait(c);
	return blank + took;
}

/* More requests may come of it. */
static bool goes_on(const struct conn *c)
{
	return c->state == CONN_OPEN && !c->no_more && !c->ends;
}

static bool can_take(const struct conn *c)
{
	return goes_on(c) && !conn_is_ripe(c);
}

static bool is_full(const struct conn *c)
{
	unsigned max = loop_limits(c->loop)->pipeline_max;
	return c->n_queue >= (c->writes ? MIN(max, UNTAKEN_MAX) : max);
}

static bool may_begin(struct conn *c)
{
	if (is_full(c))
		send_ready(c);
	return can_take(c) && !is_full(c) && turns_begin(c);
}

/* Plain text in its order. Returns what was taken; what was not can only be taken later. A request
 * that has begun is read on whatever the queue holds, so that the deadline it runs against is never
 * missed on our side. */
static size_t feed(struct conn *c, const char *data, size_t n)
{
	const char *at = data, *end = data + n;
	c->feeding = true;
	while (at < end && can_take(c) && (c->in || may_begin(c)))
		at += take(c, at, (size_t)(end - at));
	c->feeding = false;
	return (size_t)(at - data);
}

static void end_of_input(struct conn *c)
{
	c->eof = true;
	c->no_more = true;
	receive_set(c, false);
	receive_forget(c);
	conn_settle(c);
}

/* What TLS makes of what it was given, as far as it can be taken; *left: text that could not. */
static enum tls_read decrypt(struct conn *c, struct str *left)
{
	char *text = c->loop->plain;
	size_t n;
	while (left->n == 0 && can_take(c)) {
		enum tls_read said = tls_stream_read(c->tls, text, sizeof(c->loop->plain), &n);
		if (said != TLS_DATA)
			return said;
		size_t took = feed(c, text, n);
		*left = (struct str){ text + took, n - took };
	}
	return TLS_MORE;
}

/* With something that can only be taken later: until it is its turn, or first until there is room. */
static void await_turn(struct conn *c)
{
	if (!is_full(c))
		turns_wait(c);
}

static void keep_rest(struct conn *c, struct str plain, struct str cipher)
{
	c->rest = rest_keep(c, plain, cipher);
	if (c->rest)
		await_turn(c);
	else
		conn_close(c);
}

/* What came, in its order: plain text, then what TLS has not seen. What cannot be taken now is
 * kept in c->rest; what stands behind the end is nothing. */
static void take_all(struct conn *c, struct str plain, struct str cipher)
{
	enum tls_read said = TLS_MORE;
	plain = str_from(plain, feed(c, plain.p, plain.n));
	if (cipher.n) {
		tls_stream_give(c->tls, cipher);
		if (plain.n == 0)
			said = decrypt(c, &plain);
		cipher = tls_stream_rest(c->tls);
		send_ready(c);
	}
	if (said == TLS_BROKEN)
		conn_close(c);
	else if (said == TLS_END && c->state == CONN_OPEN)
		end_of_input(c);
	else if (plain.n + cipher.n > 0 && goes_on(c))
		keep_rest(c, plain, cipher);
}

void receive_resume(struct conn *c)
{
	bool roomy = !is_full(c) && c->n_queue <= loop_limits(c->loop)->pipeline_max / 2;
	if (c->rest && goes_on(c) && roomy)
		turns_wait(c);
}

static void take_rest(struct conn *c, struct conn_rest *rest)
{
	struct str all = { rest->data, rest->n };
	struct str plain = str_from(str_head(all, rest->n_plain), rest->taken);
	size_t n = feed(c, plain.p, plain.n);
	rest->taken += n;
	if (n < plain.n && goes_on(c)) {
		c->rest = rest;
		await_turn(c);
		return;
	}
	if (n == plain.n && rest->n > rest->n_plain)
		take_all(c, STR(""), str_from(all, rest->n_plain));
	rest_free(c->loop->server, rest);
}

void receive_turn(struct conn *c)
{
	loop_look_at_clock(c->loop);
	if (c->state == CONN_LINGER) {
		turns_spend(c, 1);
		receive_set(c, true);
		return;
	}
	if (conn_is_ripe(c))
		serve(c);
	struct conn_rest *rest = steal(&c->rest);
	if (rest)
		take_rest(c, rest);
	conn_settle(c);
}

/* ---- libuv ---- */

static size_t read_room(const struct conn *c)
{
	size_t room = c->in ? MAX(parse_awaits(c->in), STRANGER_READ) : STRANGER_READ;
	return c->standing == STANDING_KNOWN ? READ_BUFFER : MIN(room, READ_BUFFER);
}

/* One read a round: libuv would go on while there is more. No room makes it stop. */
static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	struct conn *c = (struct conn *)handle;
	struct net_loop *loop = c->loop;
	(void)suggested;
	bool again = c->read_round == loop->turns.round;
	c->read_round = loop->turns.round;
	*buf = uv_buf_init(loop->scratch, again ? 0 : (unsigned)read_room(c));
}

/* What nobody reads; that it ends tells that the client has gone. */
static void drop(struct conn *c, ssize_t n)
{
	c->dropped += n == UV_EOF ? 0 : (size_t)n;
	if (n == UV_EOF || c->dropped > LINGER_BYTES)
		conn_close(c);
}

/* Piece by piece in its turn: who sends all that he can after his refusal would else keep a processor
 * busy with it. */
static void linger_on(struct conn *c, ssize_t n)
{
	drop(c, n);
	if (c->state == CONN_CLOSED)
		return;
	receive_set(c, false);
	turns_wait(c);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct conn *c = (struct conn *)stream;
	if (n == 0 || n == UV_ENOBUFS)
		return;
	if (n < 0 && n != UV_EOF) {
		conn_close(c);
	} else if (c->state == CONN_LINGER) {
		linger_on(c, n);
	} else if (c->stream) {
		drop(c, n);
	} else if (n == UV_EOF) {
		end_of_input(c);
	} else {
		struct str got = { buf->base, (size_t)n };
		loop_look_at_clock(c->loop);
		turns_arrive(c);
		take_all(c, c->tls ? STR("") : got, c->tls ? got : STR(""));
		conn_settle(c);
		loop_look_up(c->loop);
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
	return c->stream || (can_take(c) && !c->rest);
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
		receive_forget(c);
		c->no_more = true;
	}
	conn_settle(c);
}

void receive_forget(struct conn *c)
{
	drop_in(c);
	turns_leave(c);
	rest_free(c->loop->server, steal(&c->rest));
}
