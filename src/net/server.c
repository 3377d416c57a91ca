#include "net/server.h"

#include "base/fail.h"
#include "net/accept.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>

const struct net_limits net_limits_default = {
	.head_max = 16 * 1024,
	.target_max = 8 * 1024,
	.headers_max = 100,
	.overhead_max = 64 * 1024,
	.request_memory_max = 256 * 1024 * 1024, /* what the largest body of all may turn into */
	.total_memory_max = 512 * 1024 * 1024,
	.connections_max = 16384,
	.pipeline_max = 64,
	.head_ms = 10 * 1000,
	.body_ms = 30 * 1000,
	.idle_ms = 60 * 1000,
	.write_ms = 30 * 1000,
	.drain_ms = 10 * 1000,
	.beat_ms = 15 * 1000,
};

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static int resolve(const char *host, uint16_t port, union address *out)
{
	if (strcmp(host, "localhost") == 0)
		host = "127.0.0.1";
	if (uv_ip4_addr(host, port, &out->v4) == 0 || uv_ip6_addr(host, port, &out->v6) == 0)
		return 0;
	return fail(-EINVAL, "%s is not a numeric address", host);
}

/* Where the next loop binds: where the first one did. */
static void set_port(union address *at, uint16_t port)
{
	if (at->any.sa_family == AF_INET6)
		at->v6.sin6_port = htons(port);
	else
		at->v4.sin_port = htons(port);
}

static int listen_all(struct net_server *s)
{
	const struct net_config *config = &s->config;
	bool share = config->loops > 1;
	union address at;
	int r = resolve(config->host, config->port, &at);
	if (r == 0 && share && config->port)
		r = accept_probe(&at.any);
	for (unsigned i = 0; r == 0 && i < config->loops; i++) {
		r = loop_new(s, i, &at.any, share, &s->loops[i]);
		if (r < 0)
			break;
		s->n_loops++;
		s->port = accept_port(s->loops[i]);
		set_port(&at, s->port);
	}
	return pass(r);
}

static int start_all(struct net_server *s)
{
	for (unsigned i = 0; i < s->n_loops; i++) {
		int r = loop_start(s->loops[i]);
		if (r < 0)
			return pass(r);
		s->n_threads++;
	}
	return 0;
}

int net_server_start(const struct net_config *config, struct net_server **out)
{
	must(config->loops >= 1 && config->loops <= NET_LOOPS_MAX);
	must(config->limits.pipeline_max >= 1 && config->app.serve && config->app.body_limit);
	struct net_server *s = calloc(1, sizeof(*s));
	if (!s)
		return fail(-ENOMEM, "no memory for a server");
	signal(SIGPIPE, SIG_IGN); /* a client that hangs up is no reason to die */
	s->config = *config;
	s->budget.max = config->limits.total_memory_max;

	int r = listen_all(s);
	if (r == 0)
		r = start_all(s);
	if (r < 0) {
		net_server_free(s);
		return pass(r);
	}
	*out = s;
	return 0;
}

uint16_t net_server_port(const struct net_server *s)
{
	return s->port;
}

unsigned net_server_connections(const struct net_server *s)
{
	return atomic_load_explicit(&s->n_conns, memory_order_relaxed);
}

/* All loops drain at the same time. */
void net_server_stop(struct net_server *s)
{
	for (unsigned i = 0; i < s->n_threads; i++)
		loop_stop(s->loops[i]);
	for (unsigned i = 0; i < s->n_threads; i++)
		loop_join(s->loops[i]);
	s->n_threads = 0;
}

void net_server_free(struct net_server *s)
{
	if (!s)
		return;
	net_server_stop(s);
	for (unsigned i = 0; i < s->n_loops; i++)
		loop_free(s->loops[i]);
	free(s);
}
