/*
 * A receiver of webhooks that is faster than who sends them: one thread, kept connections, a fixed
 * answer. It notes when each arrives, against the time at which the server says that it received
 * the event. A POST to a path that begins with /hang is never answered.
 *
 *     bench_receive        prints its port
 *     GET /seen            what came since the start, or since the last GET /reset
 */
#include "base/timefmt.h"
#include "load/histogram.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	CONNS_MAX = 4096,
	ROUND = 256,
	REQUEST_MAX = 64 * 1024, /* bytes */
};

struct conn {
	size_t n;
	char bytes[REQUEST_MAX + 1];
};

static struct conn *conns[CONNS_MAX]; /* by file descriptor */
static struct histogram latency;      /* microseconds */
static uint64_t n_received, n_hung, n_undated;
static instant_us first_at, last_at;
static int epoll;

static void give_up(const char *what)
{
	perror(what);
	exit(1);
}

/* --- What is seen --- */

static void reset(void)
{
	memset(&latency, 0, sizeof(latency));
	n_received = n_hung = n_undated = 0;
	first_at = last_at = 0;
}

static bool find_received_at(const char *body, instant_us *at)
{
	static const char name[] = "\"received_at\":\"";
	const char *p = strstr(body, name);
	if (!p)
		return false;
	p += sizeof(name) - 1;
	return time_parse((struct str){ p, strcspn(p, "\"") }, TIME_STRICT, at);
}

static void note(const char *body)
{
	instant_us now = time_now(), at;
	first_at = first_at ? first_at : now;
	last_at = now;
	n_received++;
	if (find_received_at(body, &at) && at <= now)
		histogram_add(&latency, (uint64_t)(now - at));
	else
		n_undated++;
}

static double ms(double share)
{
	return (double)histogram_at(&latency, share) / 1e3;
}

/* --- Answers --- */

static void answer(int fd, const char *body)
{
	char text[512];
	int n = snprintf(text, sizeof(text),
			 "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
			 "Content-Length: %zu\r\n\r\n%s",
			 strlen(body), body);
	if (send(fd, text, (size_t)n, MSG_NOSIGNAL) != n && errno != EPIPE && errno != ECONNRESET)
		give_up("send");
}

static void answer_seen(int fd)
{
	char body[300];
	snprintf(body, sizeof(body),
		 "{\"received\":%lu,\"hung\":%lu,\"undated\":%lu,\"seconds\":%.6f,\"p50\":%.3f,"
		 "\"p90\":%.3f,\"p99\":%.3f,\"max\":%.3f}",
		 n_received, n_hung, n_undated, (double)(last_at - first_at) / US_PER_S, ms(0.5),
		 ms(0.9), ms(0.99), (double)latency.max / 1e3);
	answer(fd, body);
}

static bool begins(const char *p, const char *with)
{
	return strncmp(p, with, strlen(with)) == 0;
}

static void serve(int fd, const char *head, const char *body)
{
	if (begins(head, "POST /hang")) {
		n_hung++;
	} else if (begins(head, "POST ")) {
		note(body);
		answer(fd, "{}");
	} else if (begins(head, "GET /seen")) {
		answer_seen(fd);
	} else {
		reset();
		answer(fd, "{}");
	}
}

/* --- Requests --- */

/* How many bytes the first request has; 0: not all of it is there. */
static size_t request_size(const struct conn *c, const char **body)
{
	const char *end = strstr(c->bytes, "\r\n\r\n");
	if (!end)
		return 0;
	const char *length = strcasestr(c->bytes, "\r\ncontent-length:");
	size_t n_body = length && length < end ? strtoull(length + 17, NULL, 10) : 0;
	*body = end + 4;
	size_t n = (size_t)(*body - c->bytes) + n_body;
	return n <= c->n ? n : 0;
}

static void serve_all(int fd, struct conn *c)
{
	const char *body;
	size_t n;
	while ((n = request_size(c, &body)) > 0) {
		char next = c->bytes[n];
		c->bytes[n] = '\0';
		serve(fd, c->bytes, body);
		c->bytes[n] = next;
		c->n -= n;
		memmove(c->bytes, c->bytes + n, c->n + 1);
	}
}

static void end_conn(int fd)
{
	close(fd);
	free(conns[fd]);
	conns[fd] = NULL;
}

static void pull(int fd)
{
	struct conn *c = conns[fd];
	ssize_t n = recv(fd, c->bytes + c->n, REQUEST_MAX - c->n, 0);
	if (n <= 0) {
		end_conn(fd);
		return;
	}
	c->n += (size_t)n;
	c->bytes[c->n] = '\0';
	serve_all(fd, c);
}

/* --- Connections --- */

static void watch(int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0)
		give_up("epoll");
}

static void take_conn(int listener)
{
	int on = 1, fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (fd < 0)
		return;
	if (fd >= CONNS_MAX || !(conns[fd] = calloc(1, sizeof(**conns)))) {
		close(fd);
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	watch(fd);
}

static int listen_anywhere(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, n) < 0 || listen(fd, 1024) < 0 ||
	    getsockname(fd, (struct sockaddr *)&at, &n) < 0)
		give_up("listen");
	printf("%u\n", ntohs(at.sin_port));
	fflush(stdout);
	return fd;
}

int main(void)
{
	struct epoll_event events[ROUND];
	epoll = epoll_create1(EPOLL_CLOEXEC);
	if (epoll < 0)
		give_up("epoll");
	int listener = listen_anywhere();
	watch(listener);
	for (;;) {
		int n = epoll_wait(epoll, events, ROUND, -1);
		for (int i = 0; i < n; i++) {
			if (events[i].data.fd == listener)
				take_conn(listener);
			else
				pull(events[i].data.fd);
		}
	}
}
