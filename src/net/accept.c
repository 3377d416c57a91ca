#include "net/accept.h"

#include "base/fail.h"
#include "net/conn.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	BACKLOG = 4096,
	UNSENT_MAX =
		128 * 1024, /* bytes of a connection that the kernel keeps behind what is on the
				  * way; without it up to 4 MB for each client that does not read */
};

static void accept_next(struct net_loop *loop);

static void on_refused(uv_handle_t *handle)
{
	struct net_loop *loop = handle->data;
	loop->refusal.busy = false;
	if (loop->refusal.another && !loop->draining) {
		loop->refusal.another = false;
		accept_next(loop);
	}
}

/* One at a time and without asking for memory. libuv keeps the next one until it is taken. */
static void refuse_next(struct net_loop *loop)
{
	static const char busy[] = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\n"
				   "Content-Length: 0\r\nConnection: close\r\n\r\n";
	struct refusal *refusal = &loop->refusal;
	if (refusal->busy) {
		refusal->another = true;
		return;
	}
	refusal->busy = true;
	uv_tcp_init(&loop->uv, &refusal->tcp);
	refusal->tcp.data = loop;
	uv_stream_t *stream = (uv_stream_t *)&refusal->tcp;
	uv_buf_t text = uv_buf_init((char *)busy, sizeof(busy) - 1);
	if (uv_accept((uv_stream_t *)&loop->listener, stream) == 0 && !loop->server->config.tls)
		(void)uv_try_write(stream, &text, 1);
	uv_close((uv_handle_t *)stream, on_refused);
}

static void accept_next(struct net_loop *loop)
{
	struct net_server *server = loop->server;
	unsigned before = atomic_fetch_add(&server->n_conns, 1);
	bool room = before < server->config.limits.connections_max || conn_end_idlest(loop);
	if (room && conn_open(loop) == 0)
		return;
	atomic_fetch_sub(&server->n_conns, 1);
	refuse_next(loop);
}

static void on_connection(uv_stream_t *listener, int status)
{
	if (status == 0)
		accept_next(listener->data);
	else
		uv_sleep(1); /* out of descriptors: libuv asks again at once, and again */
}

static uint16_t port_of(const struct sockaddr *at)
{
	if (at->sa_family == AF_INET6)
		return ntohs(((const struct sockaddr_in6 *)at)->sin6_port);
	return ntohs(((const struct sockaddr_in *)at)->sin_port);
}

static int cannot_listen(int r, const struct sockaddr *at)
{
	char host[INET6_ADDRSTRLEN] = "";
	(void)uv_ip_name(at, host, sizeof(host));
	return fail(r, "cannot listen on %s port %u", host, port_of(at));
}

int accept_listen(struct net_loop *loop, const struct sockaddr *at, bool share)
{
	uv_tcp_t *listener = &loop->listener;
	int on = 1, unsent = UNSENT_MAX, fd;
	unsigned patience_ms = loop_limits(loop)->write_ms;
	int r = uv_tcp_init_ex(&loop->uv, listener, at->sa_family);
	if (r < 0)
		return fail(r, "cannot open a socket");
	listener->data = loop;
	must(uv_fileno((uv_handle_t *)listener, &fd) == 0);
	if (share && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) < 0)
		return fail(-errno, "cannot share the port between threads");
	r = uv_tcp_bind(listener, at, 0);
	if (r == 0) /* what is accepted inherits these */
		r = uv_tcp_nodelay(listener, 1);
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof(unsent));
	/* A stream's pieces fit into the kernel for hours after its reader has vanished. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &patience_ms, sizeof(patience_ms));
	if (r == 0)
		r = uv_listen((uv_stream_t *)listener, BACKLOG, on_connection);
	return r < 0 ? cannot_listen(r, at) : 0;
}

static socklen_t address_size(const struct sockaddr *at)
{
	return at->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
}

int accept_probe(const struct sockaddr *at)
{
	int on = 1, r = 0;
	int fd = socket(at->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return fail(-errno, "cannot open a socket");
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    bind(fd, at, address_size(at)) < 0)
		r = cannot_listen(-errno, at);
	close(fd);
	return r;
}

uint16_t accept_port(const struct net_loop *loop)
{
	struct sockaddr_storage at;
	int size = sizeof(at);
	must(uv_tcp_getsockname(&loop->listener, (struct sockaddr *)&at, &size) == 0);
	return port_of((struct sockaddr *)&at);
}
