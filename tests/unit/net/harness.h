/*
 * A server with a small app, and a client that speaks to it byte by byte. One at a time.
 *
 * The app answers at once ("/echo": the body; anything else: the target), or by letters from
 * another thread, always the newest first ("/later"), or when the test says so ("/hold"). Only
 * "/stranger" is not welcome, and "/all/big" is anybody's; others have a key, which shows when the head is there.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "net/loop.h"
#include "net/reply.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BIG = 8 * 1024 * 1024 };

static char big[BIG];

/* ---- the app ---- */

struct job {
	struct net_letter letter;
	struct request *req;
	struct job *next;
};

struct app {
	struct net_server *server;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct job *later, *held; /* newest first */
	unsigned n_held;
	bool stop;
	atomic_uint n_served, n_done, n_rounds;
	struct arena_owner key; /* of who is no stranger */
};

static struct app app;

static inline void answer(struct request *req)
{
	if (req->fault) {
		reply_begin(req, fault_status(req->fault));
		reply_send(req, STR("text/plain"), str_of(req->fault_detail));
		return;
	}
	reply_begin(req, 200);
	struct str said = req->target;
	if (str_eq(req->path, STR("/echo")))
		said = req->body;
	else if (str_eq(req->path, STR("/later/big")))
		said = (struct str){ big, sizeof(big) };
	reply_send(req, STR("text/plain"), said);
}

static inline void run_letter(struct net_letter *letter)
{
	answer(((struct job *)letter)->req);
}

static inline struct job *job_new(struct request *req)
{
	struct job *job = arena_new(&req->arena, struct job);
	assert_non_null(job);
	job->letter.run = run_letter;
	job->req = req;
	return job;
}

/* Each loop gets its letters as one list, in the order of `jobs`. */
static inline void post_all(struct job *jobs)
{
	for (struct job *next; jobs; jobs = next) {
		struct net_loop *loop = jobs->req->loop;
		struct net_letter *first = &jobs->letter, *last = first;
		next = jobs->next;
		while (next && next->req->loop == loop) {
			last = last->next = &next->letter;
			next = next->next;
		}
		net_loop_post(loop, first);
	}
}

static inline void *answer_later(void *arg)
{
	(void)arg;
	pthread_mutex_lock(&app.lock);
	while (!app.stop) {
		struct job *jobs = app.later;
		app.later = NULL;
		pthread_mutex_unlock(&app.lock);
		post_all(jobs);
		pthread_mutex_lock(&app.lock);
		if (!app.later && !app.stop)
			pthread_cond_wait(&app.changed, &app.lock);
	}
	pthread_mutex_unlock(&app.lock);
	return NULL;
}

static inline void queue(struct request *req, struct job **list, unsigned *n)
{
	struct job *job = job_new(req);
	pthread_mutex_lock(&app.lock);
	job->next = *list;
	*list = job;
	if (n)
		++*n;
	pthread_cond_broadcast(&app.changed);
	pthread_mutex_unlock(&app.lock);
}

static inline void release_held(void)
{
	pthread_mutex_lock(&app.lock);
	struct job *jobs = app.held;
	app.held = NULL;
	app.n_held = 0;
	pthread_mutex_unlock(&app.lock);
	post_all(jobs);
}

static inline unsigned n_held(void)
{
	pthread_mutex_lock(&app.lock);
	unsigned n = app.n_held;
	pthread_mutex_unlock(&app.lock);
	return n;
}

struct errand {
	struct net_work work;
	struct request *req;
	pthread_t ran_on;
};

static inline void errand_run(struct net_work *w)
{
	((struct errand *)w)->ran_on = pthread_self();
}

static inline void errand_done(struct net_work *w)
{
	struct errand *e = (struct errand *)w;
	assert_false(pthread_equal(e->ran_on, pthread_self()));
	answer(e->req);
}

static inline void serve_work(struct request *req)
{
	struct errand *e = arena_new(&req->arena, struct errand);
	e->req = req;
	e->work = (struct net_work){ .run = errand_run, .done = errand_done };
	assert_int_equal(net_loop_work(req->loop, &e->work), 0);
}

static inline void serve_odd(struct request *req)
{
	struct str content = str_of(request_peer(req));
	if (str_eq(req->path, STR("/status"))) {
		uint64_t status;
		assert_true(str_to_u64(req->query, &status));
		reply_begin(req, (int)status);
	} else {
		reply_begin(req, 200);
		reply_header(req, STR("X-Echo"),
			     STR("a\r\nX-Evil: b\0\t\x7f\xff"
				 "c"));
		reply_header_u64(req, STR("X-Number"), 42);
	}
	if (str_eq(req->path, STR("/field")))
		content = request_header(req, req->query);
	reply_send(req, STR(""), content);
}

/* As many bytes as the query says, made for it; or all there are. */
static inline void serve_big(struct request *req)
{
	struct str answer = { big, sizeof(big) };
	uint64_t n = 0;
	if (req->query.n) {
		assert_true(str_to_u64(req->query, &n));
		answer = arena_str(&req->arena, str_head(answer, n));
		assert_non_null(answer.p);
	}
	reply_begin(req, 200);
	reply_send(req, STR(""), answer);
}

static inline bool anybodys(void *ctx, const struct request *req)
{
	assert_ptr_equal(ctx, &app);
	return str_eq(req->path, STR("/all/big"));
}

static inline void serve(void *ctx, struct request *req)
{
	assert_ptr_equal(ctx, &app);
	atomic_fetch_add(&app.n_served, 1);
	req->welcome = !str_starts(req->path, STR("/stranger")) && !anybodys(ctx, req);
	req->looked_into = str_eq(req->path, STR("/stranger/form"));
	if (req->welcome)
		arena_own(&req->arena, &app.key);
	if (req->fault) {
		answer(req);
	} else if (str_starts(req->path, STR("/later"))) {
		queue(req, &app.later, NULL);
	} else if (str_starts(req->path, STR("/hold"))) {
		queue(req, &app.held, &app.n_held);
	} else if (str_eq(req->path, STR("/work"))) {
		serve_work(req);
	} else if (str_eq(req->path, STR("/big")) || str_eq(req->path, STR("/stranger/big")) ||
		   str_eq(req->path, STR("/all/big"))) {
		serve_big(req);
	} else if (str_eq(req->path, STR("/bye"))) {
		reply_close(req);
		answer(req);
	} else if (str_eq(req->path, STR("/hog"))) {
		reply_begin(req, 200);
		reply_header(req, STR("X-Hog"), (struct str){ big, sizeof(big) });
		reply_send(req, STR(""), STR("never sent"));
	} else if (str_eq(req->path, STR("/begun"))) {
		reply_begin(req, 202);
		reply_header(req, STR("X-Begun"), STR("never sent"));
		reply_send_503(req);
	} else if (str_eq(req->path, STR("/bare"))) {
		reply_send_503(req);
	} else if (str_eq(req->path, STR("/status")) || str_eq(req->path, STR("/inject")) ||
		   str_eq(req->path, STR("/field"))) {
		serve_odd(req);
	} else {
		answer(req);
	}
}

static inline size_t body_limit(void *ctx, struct request *req)
{
	assert_ptr_equal(ctx, &app);
	if (!str_starts(req->path, STR("/stranger")) && !anybodys(ctx, req))
		arena_own(&req->arena, &app.key);
	return str_eq(req->path, STR("/small")) ? 10 : sizeof(big);
}

static inline void round_end(void *ctx, struct net_loop *loop)
{
	assert_ptr_equal(ctx, &app);
	assert_true(net_loop_index(loop) < 4);
	atomic_fetch_add(&app.n_rounds, 1);
}

static inline void done(void *ctx, const struct request *req)
{
	assert_ptr_equal(ctx, &app);
	assert_true(req->status >= 200);
	assert_true(req->reply_bytes > 0);
	atomic_fetch_add(&app.n_done, 1);
}

static inline struct net_config config(void)
{
	return (struct net_config){
		.host = "127.0.0.1",
		.loops = 1,
		.limits = net_limits_default,
		.app = { &app, body_limit, serve, round_end, done, anybodys },
	};
}

static inline void start(const struct net_config *c)
{
	memset(big, 'b', sizeof(big));
	app = (struct app){ .lock = PTHREAD_MUTEX_INITIALIZER,
			    .changed = PTHREAD_COND_INITIALIZER };
	assert_int_equal(pthread_create(&app.thread, NULL, answer_later, NULL), 0);
	assert_int_equal(net_server_start(c, &app.server), 0);
	assert_true(net_server_port(app.server) > 0);
}

static inline void stop(void)
{
	net_server_stop(app.server);
	assert_int_equal(net_server_connections(app.server), 0);
	assert_int_equal(app.server->budget.used, 0);
	assert_int_equal(app.server->strangers.held, 0);
	assert_int_equal(app.server->keyed.held, 0);
	assert_int_equal(app.key.held, 0);
	net_server_free(app.server);
	pthread_mutex_lock(&app.lock);
	app.stop = true;
	pthread_cond_broadcast(&app.changed);
	pthread_mutex_unlock(&app.lock);
	pthread_join(app.thread, NULL);
	assert_int_equal(app.n_served, app.n_done);
}

/* ---- the client ---- */

static inline void set_timeout(int fd)
{
	struct timeval tv = { .tv_sec = 20 }; /* a server that does not answer fails the test */
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
}

static inline int dial_port(uint16_t port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(port) };
	int on = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_true(fd >= 0);
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	set_timeout(fd);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

static inline int dial(void)
{
	return dial_port(net_server_port(app.server));
}

/* The server may refuse and stop listening to us halfway: that shows in what it answers. */
static inline void push(int fd, struct str s, size_t step)
{
	while (s.n) {
		ssize_t n = send(fd, s.p, MIN(step, s.n), MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return;
		s = str_from(s, (size_t)n);
	}
}

static inline void say(int fd, const char *text)
{
	push(fd, str_of(text), SIZE_MAX);
}

/* What came and has not been looked at. */
struct inbox {
	int fd;
	size_t n;
	char data[64 * 1024];
};

static struct inbox inbox;

static inline void inbox_of(int fd)
{
	inbox.fd = fd;
	inbox.n = 0;
}

/* A server as configured (NULL: as most tests want it), and one client whose inbox is read. */
static inline int begin(const struct net_config *c)
{
	const struct net_config usual = config();
	start(c ? c : &usual);
	int fd = dial();
	inbox_of(fd);
	return fd;
}

static inline void end(int fd)
{
	close(fd);
	stop();
}

/* False at the end; a reset or a timeout fails. */
static inline bool more(void)
{
	assert_true(inbox.n < sizeof(inbox.data));
	ssize_t n;
	do /* libuv's use of io_uring interrupts the other threads of the process */
		n = recv(inbox.fd, inbox.data + inbox.n, sizeof(inbox.data) - inbox.n, 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		fail_msg("recv: %s", strerror(errno));
	inbox.n += (size_t)n;
	return n > 0;
}

static inline void forget(size_t n)
{
	inbox.n -= n;
	memmove(inbox.data, inbox.data + n, inbox.n);
}

struct answer {
	int status;
	bool says_close, says_keep;
	char head[1024];
	size_t body_n;
	char body[1024]; /* its beginning */
};

static inline size_t content_length(const char *head)
{
	const char *at = strstr(head, "\r\nContent-Length: ");
	return at ? strtoul(at + 18, NULL, 10) : 0;
}

static inline bool next_head(struct answer *a)
{
	char *end;
	while (!(end = memmem(inbox.data, inbox.n, "\r\n\r\n", 4)))
		if (!more()) {
			assert_int_equal(inbox.n, 0);
			return false;
		}
	size_t n = (size_t)(end - inbox.data) + 4;
	assert_true(n < sizeof(a->head));
	memset(a, 0, sizeof(*a));
	memcpy(a->head, inbox.data, n);
	forget(n);
	assert_int_equal(sscanf(a->head, "HTTP/1.1 %d ", &a->status), 1);
	a->says_close = strstr(a->head, "\r\nConnection: close\r\n");
	a->says_keep = strstr(a->head, "\r\nConnection: keep-alive\r\n");
	a->body_n = content_length(a->head);
	return true;
}

/* False at the end of the stream. A body is read to its end, the beginning of it is kept. */
static inline bool next_answer(struct answer *a)
{
	if (!next_head(a))
		return false;
	size_t kept = 0, left = a->body_n;
	while (left) {
		if (inbox.n == 0)
			assert_true(more());
		size_t n = MIN(inbox.n, left), keep = MIN(n, sizeof(a->body) - 1 - kept);
		memcpy(a->body + kept, inbox.data, keep);
		kept += keep;
		left -= n;
		forget(n);
	}
	return true;
}

static inline void expect(int status, const char *body)
{
	struct answer a;
	assert_true(next_answer(&a));
	assert_int_equal(a.status, status);
	if (body)
		assert_string_equal(a.body, body);
}

static inline void expect_end(void)
{
	struct answer a;
	assert_false(next_answer(&a));
}

/* Waits for something that another thread is about to do. */
#define until(cond)                               \
	do {                                      \
		for (int i_ = 0; !(cond); i_++) { \
			assert_true(i_ < 20000);  \
			usleep(1000);             \
		}                                 \
	} while (0)

#define HOST       "Host: a.example\r\n"
#define GET_OK     "GET /ok HTTP/1.1\r\n" HOST "\r\n"
#define POST       "POST /echo HTTP/1.1\r\n" HOST
#define CHUNKED    POST "Transfer-Encoding: chunked\r\n\r\n"
#define HEAD_OF(h) "GET /x HTTP/1.1\r\n" HOST h "\r\n"
#define SMUGGLED   "GET /smuggled HTTP/1.1\r\n" HOST "\r\n"
#define EXPECTING  POST "Expect: 100-continue\r\n"

/* n requests to /<path>0, /<path>1, ... in one write. */
static inline void say_numbered(int fd, const char *path, unsigned n)
{
	size_t room = n * 80, used = 0;
	char *text = malloc(room);
	for (unsigned i = 0; i < n; i++)
		used += (size_t)snprintf(text + used, room - used,
					 "GET /%s%u HTTP/1.1\r\n" HOST "\r\n", path, i);
	push(fd, (struct str){ text, used }, SIZE_MAX);
	free(text);
}

/* The head of a request with n bytes of body. */
static inline void say_post(int fd, const char *path, size_t n)
{
	char head[200];
	snprintf(head, sizeof(head), "POST %s HTTP/1.1\r\n" HOST "Content-Length: %zu\r\n\r\n",
		 path, n);
	say(fd, head);
}

static inline void expect_numbered(const char *path, unsigned from, unsigned to)
{
	for (unsigned i = from; i < to; i++) {
		char want[64];
		snprintf(want, sizeof(want), "/%s%u", path, i);
		expect(200, want);
	}
}

static inline void expect_continue(void)
{
	struct answer a;
	assert_true(next_head(&a));
	assert_string_equal(a.head, "HTTP/1.1 100 Continue\r\n\r\n");
}
