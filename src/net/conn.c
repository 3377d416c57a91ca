#include "net/conn.h"

#include "net/receive.h"
#include "net/reply.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

static void forget_requests(struct conn *c)
{
	receive_forget(c);
	struct request *next, *req = steal(&c->first);
	c->last = c->stream = c->piece = NULL;
	c->n_queue = c->n_sending = 0;
	c->part = 0;
	for (; req; req = next) {
		next = req->next;
		request_orphan(req);
	}
}

static void on_closed(uv_handle_t *handle)
{
	struct conn *c = (struct conn *)handle;
	c->loop->n_conns--;
	tls_stream_free(c->tls);
	free(c);
}

void conn_close(struct conn *c)
{
	struct net_loop *loop = c->loop;
	if (c->state == CONN_CLOSED)
		return;
	send_farewell(c);
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

/* Everything is answered, or will not be: no answer of ours may be lost to a reset. */
static void linger(struct conn *c)
{
	forget_requests(c);
	send_farewell(c);
	if (c->eof || shutdown(descriptor(c), SHUT_WR) < 0) {
		conn_close(c);
		return;
	}
	c->state = CONN_LINGER;
	c->standing = STANDING_UNWELCOME;
	deadline_start(&c->loop->deadlines, &c->reading, DEADLINE_LINGER);
	receive_set(c, true);
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
	if (c->tls && !tls_stream_is_ready(c->tls))
		return DEADLINE_HEAD;
	if (c->stream)
		return DEADLINE_BEAT;
	if (c->in && !conn_is_ripe(c))
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
	c->told = true;
	send_ahead(c, STR("HTTP/1.1 100 Continue\r\n\r\n"));
}

/* They will not be answered, so for the app their client has gone. */
static void forget_behind(struct conn *c, struct request *last)
{
	struct request *next, *req = steal(&last->next);
	c->last = last;
	for (; req; req = next) {
		next = req->next;
		c->n_queue--;
		if (c->stream == req)
			c->stream = NULL;
		request_orphan(req);
	}
}

/* What was read behind it, and what comes, is of no use: the connection ends with the stream. Others
 * may have been served before this began, streams among them: of all the first in the queue counts,
 * whichever begins first. So none stands before this one: it would have forgotten it. */
void conn_begin_stream(struct conn *c, struct request *req)
{
	forget_behind(c, req);
	must(!c->stream);
	c->stream = req;
	c->no_more = true;
	receive_forget(c);
}

void conn_look_after_stream(struct conn *c)
{
	if (c->stream && !c->stream->ready)
		c->stream->stream->look(c->stream->stream);
}

void conn_settle(struct conn *c)
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
	receive_set(c, receive_wanted(c));
	if (c->in && !c->first && !c->writes && !c->told && parse_wants_continue(c->in))
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
	if (c->state == CONN_OPEN && c->ends && !c->writes) {
		linger(c);
		return;
	}
	receive_resume(c);
	conn_settle(c);
}

void conn_answered(struct conn *c, unsigned n)
{
	must(n <= c->n_queue);
	for (unsigned i = 0; i < n; i++) {
		struct request *req = c->first;
		c->first = req->next;
		c->n_queue--;
		if (c->stream == req)
			c->stream = NULL;
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

static void beat(struct conn *c)
{
	if (c->stream)
		c->stream->stream->beat = true;
	conn_look_after_stream(c);
	set_deadline(c);
}

bool conn_end_idlest(struct net_loop *loop)
{
	struct deadline *first = deadline_first(&loop->deadlines, DEADLINE_IDLE);
	if (!first)
		return false;
	struct conn *c = (struct conn *)((char *)first - offsetof(struct conn, reading));
	if (has_unread_bytes(c))
		return false;
	conn_close(c);
	return true;
}

void conn_deadline_passed(struct deadline *d, enum deadline_kind kind)
{
	size_t at = kind == DEADLINE_WRITE ? offsetof(struct conn, writing)
					   : offsetof(struct conn, reading);
	struct conn *c = (struct conn *)((char *)d - at);
	if (c->in && (kind == DEADLINE_HEAD || kind == DEADLINE_BODY))
		receive_late(c);
	else if (kind == DEADLINE_BEAT)
		beat(c);
	else
		conn_close(c);
}

/* ---- the beginning ---- */

static bool begin_tls(struct conn *c)
{
	struct net_server *server = c->loop->server;
	const struct net_config *config = &server->config;
	if (!config->tls)
		return true;
	c->tls = tls_stream_new(config->tls, config->limits.request_memory_max, &server->budget);
	if (c->tls)
		tls_stream_own(c->tls, conn_owner(c));
	return c->tls != NULL;
}

int conn_open(struct net_loop *loop)
{
	struct conn *c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->loop = loop;
	if (!begin_tls(c)) {
		free(c);
		return -ENOMEM;
	}
	uv_tcp_init(&loop->uv, &c->tcp);
	TAILQ_INSERT_TAIL(&loop->conns, c, all);
	loop->n_conns++;
	if (uv_accept((uv_stream_t *)&loop->listener, (uv_stream_t *)&c->tcp) < 0)
		conn_close(c);
	else
		conn_settle(c);
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

bool conn_is_encrypted(const struct conn *c)
{
	return c->tls != NULL;
}
