/*
 * The server over real sockets. One table of bytes and verdicts, each case sent whole and byte by
 * byte; then what takes time, order or several hands.
 *
 * The app answers at once ("/echo": the body; anything else: the target), or by letters from
 * another thread, always the newest first ("/later"), or when the test says so ("/hold").
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "net/reply.h"

#include "net/server.h"

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
};

static struct app app;

static void answer(struct request *req)
{
	if (req->fault) {
		reply_begin(req, fault_status(req->fault));
		reply_send(req, STR("text/plain"), str_of(req->fault_detail));
		return;
	}
	reply_begin(req, 200);
	bool echo = str_eq(req->path, STR("/echo"));
	reply_send(req, STR("text/plain"), echo ? req->body : req->target);
}

static void run_letter(struct net_letter *letter)
{
	answer(((struct job *)letter)->req);
}

static struct job *job_new(struct request *req)
{
	struct job *job = arena_new(&req->arena, struct job);
	assert_non_null(job);
	job->letter.run = run_letter;
	job->req = req;
	return job;
}

/* Each loop gets its letters as one list, in the order of `jobs`. */
static void post_all(struct job *jobs)
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

static void *answer_later(void *arg)
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

static void queue(struct request *req, struct job **list, unsigned *n)
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

static void release_held(void)
{
	pthread_mutex_lock(&app.lock);
	struct job *jobs = app.held;
	app.held = NULL;
	app.n_held = 0;
	pthread_mutex_unlock(&app.lock);
	post_all(jobs);
}

static unsigned n_held(void)
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

static void errand_run(struct net_work *w)
{
	((struct errand *)w)->ran_on = pthread_self();
}

static void errand_done(struct net_work *w)
{
	struct errand *e = (struct errand *)w;
	assert_false(pthread_equal(e->ran_on, pthread_self()));
	answer(e->req);
}

static void serve_work(struct request *req)
{
	struct errand *e = arena_new(&req->arena, struct errand);
	e->req = req;
	e->work = (struct net_work){ .run = errand_run, .done = errand_done };
	assert_int_equal(net_loop_work(req->loop, &e->work), 0);
}

static void serve_odd(struct request *req)
{
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
	reply_send(req, STR(""), STR("odd"));
}

static void serve(void *ctx, struct request *req)
{
	assert_ptr_equal(ctx, &app);
	atomic_fetch_add(&app.n_served, 1);
	if (req->fault) {
		answer(req);
	} else if (str_starts(req->path, STR("/later"))) {
		queue(req, &app.later, NULL);
	} else if (str_starts(req->path, STR("/hold"))) {
		queue(req, &app.held, &app.n_held);
	} else if (str_eq(req->path, STR("/work"))) {
		serve_work(req);
	} else if (str_eq(req->path, STR("/big"))) {
		reply_begin(req, 200);
		reply_send(req, STR(""), (struct str){ big, sizeof(big) });
	} else if (str_eq(req->path, STR("/bye"))) {
		reply_close(req);
		answer(req);
	} else if (str_eq(req->path, STR("/hog"))) {
		reply_begin(req, 200);
		reply_header(req, STR("X-Hog"), (struct str){ big, sizeof(big) });
		reply_send(req, STR(""), STR("never sent"));
	} else if (str_eq(req->path, STR("/status")) || str_eq(req->path, STR("/inject"))) {
		serve_odd(req);
	} else {
		answer(req);
	}
}

static size_t body_limit(void *ctx, const struct request *req)
{
	assert_ptr_equal(ctx, &app);
	return str_eq(req->path, STR("/small")) ? 10 : sizeof(big);
}

static void round_end(void *ctx, struct net_loop *loop)
{
	assert_ptr_equal(ctx, &app);
	assert_true(net_loop_index(loop) < 4);
	atomic_fetch_add(&app.n_rounds, 1);
}

static void done(void *ctx, const struct request *req)
{
	assert_ptr_equal(ctx, &app);
	assert_true(req->status >= 200);
	assert_true(req->reply_bytes > 0);
	atomic_fetch_add(&app.n_done, 1);
}

static struct net_config config(void)
{
	return (struct net_config){
		.host = "127.0.0.1",
		.loops = 1,
		.limits = net_limits_default,
		.app = { &app, body_limit, serve, round_end, done },
	};
}

static void start(const struct net_config *c)
{
	memset(big, 'b', sizeof(big));
	app = (struct app){ .lock = PTHREAD_MUTEX_INITIALIZER,
			    .changed = PTHREAD_COND_INITIALIZER };
	assert_int_equal(pthread_create(&app.thread, NULL, answer_later, NULL), 0);
	assert_int_equal(net_server_start(c, &app.server), 0);
	assert_true(net_server_port(app.server) > 0);
}

static void stop(void)
{
	net_server_stop(app.server);
	assert_int_equal(net_server_connections(app.server), 0);
	net_server_free(app.server);
	pthread_mutex_lock(&app.lock);
	app.stop = true;
	pthread_cond_broadcast(&app.changed);
	pthread_mutex_unlock(&app.lock);
	pthread_join(app.thread, NULL);
	assert_int_equal(app.n_served, app.n_done);
}

/* ---- the client ---- */

static void set_timeout(int fd)
{
	struct timeval tv = { .tv_sec = 20 }; /* a server that does not answer fails the test */
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
}

static int dial_port(uint16_t port)
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

static int dial(void)
{
	return dial_port(net_server_port(app.server));
}

/* The server may refuse and stop listening to us halfway: that shows in what it answers. */
static void push(int fd, struct str s, size_t step)
{
	while (s.n) {
		ssize_t n = send(fd, s.p, MIN(step, s.n), MSG_NOSIGNAL);
		if (n < 0)
			return;
		s = str_from(s, (size_t)n);
	}
}

static void say(int fd, const char *text)
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

static void inbox_of(int fd)
{
	inbox.fd = fd;
	inbox.n = 0;
}

/* False at the end; a reset or a timeout fails. */
static bool more(void)
{
	assert_true(inbox.n < sizeof(inbox.data));
	ssize_t n = recv(inbox.fd, inbox.data + inbox.n, sizeof(inbox.data) - inbox.n, 0);
	if (n < 0)
		fail_msg("recv: %s", strerror(errno));
	inbox.n += (size_t)n;
	return n > 0;
}

static void forget(size_t n)
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

static size_t content_length(const char *head)
{
	const char *at = strstr(head, "\r\nContent-Length: ");
	return at ? strtoul(at + 18, NULL, 10) : 0;
}

static bool next_head(struct answer *a)
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
static bool next_answer(struct answer *a)
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

static void expect(int status, const char *body)
{
	struct answer a;
	assert_true(next_answer(&a));
	assert_int_equal(a.status, status);
	if (body)
		assert_string_equal(a.body, body);
}

static void expect_end(void)
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

/* ---- bytes and verdicts ---- */

#define HOST       "Host: a.example\r\n"
#define GET_OK     "GET /ok HTTP/1.1\r\n" HOST "\r\n"
#define POST       "POST /echo HTTP/1.1\r\n" HOST
#define CHUNKED    POST "Transfer-Encoding: chunked\r\n\r\n"
#define HEAD_OF(h) "GET /x HTTP/1.1\r\n" HOST h "\r\n"
#define SMUGGLED   "GET /smuggled HTTP/1.1\r\n" HOST "\r\n"

struct wire {
	const char *what;
	struct str in;
	int statuses[4];
	enum { KEPT, CLOSED } end;
	const char *last_body; /* NULL: whatever */
};

static const struct wire wires[] = {
	{ "plain GET", STR_INIT(GET_OK), { 200 }, KEPT, "/ok" },
	{ "query",
	  STR_INIT("GET /a/b?c=d&e HTTP/1.1\r\n" HOST "\r\n"),
	  { 200 },
	  KEPT,
	  "/a/b?c=d&e" },
	{ "HEAD", STR_INIT("HEAD /status?204 HTTP/1.1\r\n" HOST "\r\n"), { 204 }, KEPT, "" },
	{ "POST with length",
	  STR_INIT(POST "Content-Length: 5\r\n\r\nhello"),
	  { 200 },
	  KEPT,
	  "hello" },
	{ "length 0", STR_INIT(POST "Content-Length: 0\r\n\r\n"), { 200 }, KEPT, "" },
	{ "length with zeros in front",
	  STR_INIT(POST "Content-Length: 005\r\n\r\nhello"),
	  { 200 },
	  KEPT,
	  "hello" },
	{ "blanks around a length",
	  STR_INIT(POST "Content-Length:   5  \r\n\r\nhello"),
	  { 200 },
	  KEPT,
	  "hello" },
	{ "GET with a body",
	  STR_INIT("GET /echo HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\nhi"),
	  { 200 },
	  KEPT,
	  "hi" },
	{ "DELETE without a body",
	  STR_INIT("DELETE /d HTTP/1.1\r\n" HOST "\r\n"),
	  { 200 },
	  KEPT,
	  "/d" },
	{ "a method nobody knows",
	  STR_INIT("BREW /pot HTTP/1.1\r\n" HOST "\r\n"),
	  { 200 },
	  KEPT,
	  "/pot" },
	{ "a method with a body",
	  STR_INIT("BREW /echo HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\nhi"),
	  { 200 },
	  KEPT,
	  "hi" },
	{ "a method of RTSP",
	  STR_INIT("DESCRIBE /x HTTP/1.1\r\n" HOST "\r\n"),
	  { 200 },
	  KEPT,
	  "/x" },
	{ "lower-case method is another",
	  STR_INIT("get /x HTTP/1.1\r\n" HOST "\r\n"),
	  { 200 },
	  KEPT,
	  "/x" },
	{ "two at once", STR_INIT(GET_OK GET_OK), { 200, 200 }, KEPT, "/ok" },
	{ "three, later",
	  STR_INIT("GET /later1 HTTP/1.1\r\n" HOST "\r\n"
		   "GET /later2 HTTP/1.1\r\n" HOST "\r\n"
		   "GET /later3 HTTP/1.1\r\n" HOST "\r\n"),
	  { 200, 200, 200 },
	  KEPT,
	  "/later3" },
	{ "sync behind later",
	  STR_INIT("GET /later HTTP/1.1\r\n" HOST "\r\n" GET_OK),
	  { 200, 200 },
	  KEPT,
	  "/ok" },
	{ "a blank line first", STR_INIT("\r\n" GET_OK), { 200 }, KEPT, "/ok" },
	{ "a blank line between", STR_INIT(GET_OK "\r\n" GET_OK), { 200, 200 }, KEPT, "/ok" },
	{ "two blank lines", STR_INIT("\r\n\r\n" GET_OK), { 400 }, CLOSED, NULL },
	{ "LF first", STR_INIT("\n" GET_OK), { 400 }, CLOSED, NULL },
	{ "CR first", STR_INIT("\r" GET_OK), { 400 }, CLOSED, NULL },
	{ "blank first", STR_INIT(" " GET_OK), { 400 }, CLOSED, NULL },
	{ "NUL first", STR_INIT("\0" GET_OK), { 400 }, CLOSED, NULL },
	{ "TLS", STR_INIT("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"), { 400 }, CLOSED, NULL },

	/* Versions. */
	{ "1.0", STR_INIT("GET /ok HTTP/1.0\r\n\r\n"), { 200 }, CLOSED, "/ok" },
	{ "1.0 keep-alive",
	  STR_INIT("GET /ok HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"),
	  { 200 },
	  KEPT,
	  "/ok" },
	{ "1.0 Keep-Alive, close",
	  STR_INIT("GET /ok HTTP/1.0\r\nConnection: Keep-Alive, close\r\n\r\n" SMUGGLED),
	  { 200 },
	  CLOSED,
	  "/ok" },
	{ "1.1 close", STR_INIT(HEAD_OF("Connection: close\r\n")), { 200 }, CLOSED, "/x" },
	{ "1.1 CLOSE in a list",
	  STR_INIT(HEAD_OF("Connection: x-y , CLOSE\r\n") SMUGGLED),
	  { 200 },
	  CLOSED,
	  "/x" },
	{ "1.1 keep-alive", STR_INIT(HEAD_OF("Connection: keep-alive\r\n")), { 200 }, KEPT, "/x" },
	{ "0.9", STR_INIT("GET /\r\n\r\n"), { 400 }, CLOSED, NULL },
	{ "0.9 said", STR_INIT("GET / HTTP/0.9\r\n" HOST "\r\n"), { 505 }, CLOSED, NULL },
	{ "1.2", STR_INIT("GET / HTTP/1.2\r\n" HOST "\r\n"), { 505 }, CLOSED, NULL },
	{ "2.0", STR_INIT("GET / HTTP/2.0\r\n" HOST "\r\n"), { 505 }, CLOSED, NULL },
	{ "h2 preface", STR_INIT("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), { 505 }, CLOSED, NULL },
	{ "1.10", STR_INIT("GET / HTTP/1.10\r\n" HOST "\r\n"), { 400 }, CLOSED, NULL },
	{ "11", STR_INIT("GET / HTTP/11\r\n" HOST "\r\n"), { 400 }, CLOSED, NULL },
	{ "http/1.1", STR_INIT("GET / http/1.1\r\n" HOST "\r\n"), { 400 }, CLOSED, NULL },
	{ "HTTPS/1.1", STR_INIT("GET / HTTPS/1.1\r\n" HOST "\r\n"), { 400 }, CLOSED, NULL },
	{ "ICE", STR_INIT("SOURCE / ICE/1.0\r\n" HOST "\r\n"), { 400 }, CLOSED, NULL },
	{ "RTSP", STR_INIT("OPTIONS / RTSP/1.0\r\n" HOST "\r\n"), { 400 }, CLOSED, NULL },
	{ "blank behind the version",
	  STR_INIT("GET / HTTP/1.1 \r\n" HOST "\r\n"),
	  { 400 },
	  CLOSED,
	  NULL },

	/* Request lines and targets. */
	{ "two blanks", STR_INIT("GET  / HTTP/1.1\r\n" HOST "\r\n"), { 400 }, CLOSED, NULL },
	{ "tab for a blank", STR_INIT("GET\t/ HTTP/1.1\r\n" HOST "\r\n"), { 400 }, CLOSED, NULL },
	{ "blank in the target",
	  STR_INIT("GET /a b HTTP/1.1\r\n" HOST "\r\n"),
	  { 400 },
	  CLOSED,
	  NULL },
	{ "no target", STR_INIT("GET HTTP/1.1\r\n" HOST "\r\n"), { 400 }, CLOSED, NULL },
	{ "no path", STR_INIT("GET a HTTP/1.1\r\n" HOST "\r\n"), { 400 }, CLOSED, NULL },
	{ "only a query", STR_INIT("GET ?a HTTP/1.1\r\n" HOST "\r\n"), { 400 }, CLOSED, NULL },
	{ "fragment", STR_INIT("GET /a#b HTTP/1.1\r\n" HOST "\r\n"), { 400 }, CLOSED, NULL },
	{ "raw UTF-8", STR_INIT("GET /\xc3\xa9 HTTP/1.1\r\n" HOST "\r\n"), { 400 }, CLOSED, NULL },
	{ "NUL in the target",
	  STR_INIT("GET /\0 HTTP/1.1\r\n" HOST "\r\n"),
	  { 400 },
	  CLOSED,
	  NULL },
	{ "DEL in the target",
	  STR_INIT("GET /\x7f HTTP/1.1\r\n" HOST "\r\n"),
	  { 400 },
	  CLOSED,
	  NULL },
	{ "method with a colon",
	  STR_INIT("GE:T / HTTP/1.1\r\n" HOST "\r\n"),
	  { 400 },
	  CLOSED,
	  NULL },
	{ "odd characters that pass",
	  STR_INIT("GET /{a}|\"<>^`\\ HTTP/1.1\r\n" HOST "\r\n"),
	  { 200 },
	  KEPT,
	  "/{a}|\"<>^`\\" },
	{ "URL",
	  STR_INIT("GET http://b.example:80/p?q HTTP/1.1\r\n" HOST "\r\n"),
	  { 200 },
	  KEPT,
	  "http://b.example:80/p?q" },
	{ "URL's path is the path",
	  STR_INIT("POST HTTPS://b.example/echo HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\nhi"),
	  { 200 },
	  KEPT,
	  "hi" },
	{ "URL without a path",
	  STR_INIT("GET http://b.example HTTP/1.1\r\n" HOST "\r\n"),
	  { 200 },
	  KEPT,
	  "http://b.example" },
	{ "URL without a Host",
	  STR_INIT("GET http://b.example/ HTTP/1.1\r\n\r\n"),
	  { 400 },
	  CLOSED,
	  NULL },
	{ "URL with a user",
	  STR_INIT("GET http://u@b.example/ HTTP/1.1\r\n" HOST "\r\n"),
	  { 400 },
	  CLOSED,
	  NULL },
	{ "URL without a host",
	  STR_INIT("GET http:///p HTTP/1.1\r\n" HOST "\r\n"),
	  { 400 },
	  CLOSED,
	  NULL },
	{ "another scheme",
	  STR_INIT("GET ftp://b.example/ HTTP/1.1\r\n" HOST "\r\n"),
	  { 400 },
	  CLOSED,
	  NULL },
	{ "OPTIONS *", STR_INIT("OPTIONS * HTTP/1.1\r\n" HOST "\r\n"), { 200 }, KEPT, "*" },
	{ "GET *", STR_INIT("GET * HTTP/1.1\r\n" HOST "\r\n"), { 400 }, CLOSED, NULL },
	{ "CONNECT",
	  STR_INIT("CONNECT a.example:443 HTTP/1.1\r\n" HOST "\r\nbytes"),
	  { 501 },
	  CLOSED,
	  NULL },

	/* Host. */
	{ "no Host", STR_INIT("GET / HTTP/1.1\r\n\r\n"), { 400 }, CLOSED, NULL },
	{ "Host twice", STR_INIT(HEAD_OF(HOST)), { 400 }, CLOSED, NULL },
	{ "Host twice in 1.0",
	  STR_INIT("GET / HTTP/1.0\r\n" HOST HOST "\r\n"),
	  { 400 },
	  CLOSED,
	  NULL },
	{ "empty Host", STR_INIT("GET / HTTP/1.1\r\nHost:\r\n\r\n"), { 400 }, CLOSED, NULL },
	{ "blank Host", STR_INIT("GET / HTTP/1.1\r\nHost: \t\r\n\r\n"), { 400 }, CLOSED, NULL },
	{ "Host with a port",
	  STR_INIT("GET / HTTP/1.1\r\nHost: localhost:8090\r\n\r\n"),
	  { 200 },
	  KEPT,
	  "/" },
	{ "Host v6", STR_INIT("GET / HTTP/1.1\r\nhost:[::1]:8090\r\n\r\n"), { 200 }, KEPT, "/" },
	{ "Host v6 broken",
	  STR_INIT("GET / HTTP/1.1\r\nHost: [::1\r\n\r\n"),
	  { 400 },
	  CLOSED,
	  NULL },
	{ "Host v6 junk",
	  STR_INIT("GET / HTTP/1.1\r\nHost: [::1]x\r\n\r\n"),
	  { 400 },
	  CLOSED,
	  NULL },
	{ "Host with a path",
	  STR_INIT("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"),
	  { 400 },
	  CLOSED,
	  NULL },
	{ "Host with a user",
	  STR_INIT("GET / HTTP/1.1\r\nHost: u@a\r\n\r\n"),
	  { 400 },
	  CLOSED,
	  NULL },
	{ "Host list", STR_INIT("GET / HTTP/1.1\r\nHost: a, b\r\n\r\n"), { 400 }, CLOSED, NULL },
	{ "Host with a blank",
	  STR_INIT("GET / HTTP/1.1\r\nHost: a b\r\n\r\n"),
	  { 400 },
	  CLOSED,
	  NULL },
	{ "Host port junk",
	  STR_INIT("GET / HTTP/1.1\r\nHost: a:b\r\n\r\n"),
	  { 400 },
	  CLOSED,
	  NULL },
	{ "Host bad escape",
	  STR_INIT("GET / HTTP/1.1\r\nHost: a%zz\r\n\r\n"),
	  { 400 },
	  CLOSED,
	  NULL },

	/* Fields. */
	{ "a value that is long",
	  STR_INIT(HEAD_OF("X: some words, a \"quote\" and more of it\r\n")),
	  { 200 },
	  KEPT,
	  "/x" },
	{ "tab and high bytes in a value",
	  STR_INIT(HEAD_OF("X: a\tb\xc3\xa9\xff\r\n")),
	  { 200 },
	  KEPT,
	  "/x" },
	{ "empty value", STR_INIT(HEAD_OF("X:\r\nY: \r\n")), { 200 }, KEPT, "/x" },
	{ "folded", STR_INIT(HEAD_OF("X: a\r\n b\r\n")), { 400 }, CLOSED, NULL },
	{ "folded with a tab", STR_INIT(HEAD_OF("X: a\r\n\tb\r\n")), { 400 }, CLOSED, NULL },
	{ "folded, empty before", STR_INIT(HEAD_OF("X:\r\n b\r\n")), { 400 }, CLOSED, NULL },
	{ "folded, empty behind", STR_INIT(HEAD_OF("X: a\r\n \r\n")), { 400 }, CLOSED, NULL },
	{ "folded length",
	  STR_INIT(POST "Content-Length:\r\n 5\r\n\r\nhello"),
	  { 400 },
	  CLOSED,
	  NULL },
	{ "folded coding",
	  STR_INIT(POST "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n"),
	  { 400 },
	  CLOSED,
	  NULL },
	{ "first field begins with a blank",
	  STR_INIT("GET / HTTP/1.1\r\n X: a\r\n" HOST "\r\n"),
	  { 400 },
	  CLOSED,
	  NULL },
	{ "bare LF behind the request line",
	  STR_INIT("GET / HTTP/1.1\n" HOST "\r\n"),
	  { 400 },
	  CLOSED,
	  NULL },
	{ "bare LF behind a field",
	  STR_INIT("GET / HTTP/1.1\r\nHost: a\n\r\n"),
	  { 400 },
	  CLOSED,
	  NULL },
	{ "bare LF at the end", STR_INIT("GET / HTTP/1.1\r\n" HOST "\n"), { 400 }, CLOSED, NULL },
	{ "LF alone everywhere", STR_INIT("GET / HTTP/1.1\nHost: a\n\n"), { 400 }, CLOSED, NULL },
	{ "bare CR in the request line",
	  STR_INIT("GET /\r HTTP/1.1\r\n" HOST "\r\n"),
	  { 400 },
	  CLOSED,
	  NULL },
	{ "bare CR for a line end",
	  STR_INIT("GET / HTTP/1.1\r" HOST "\r\n"),
	  { 400 },
	  CLOSED,
	  NULL },
	{ "bare CR in a value", STR_INIT(HEAD_OF("X: a\rb\r\n")), { 400 }, CLOSED, NULL },
	{ "CR CR LF", STR_INIT(HEAD_OF("X: a\r\r\n")), { 400 }, CLOSED, NULL },
	{ "CR at the end", STR_INIT("GET / HTTP/1.1\r\n" HOST "\rX"), { 400 }, CLOSED, NULL },
	{ "NUL in a value", STR_INIT(HEAD_OF("X: a\0b\r\n")), { 400 }, CLOSED, NULL },
	{ "control in a value", STR_INIT(HEAD_OF("X: a\x01\r\n")), { 400 }, CLOSED, NULL },
	{ "DEL in a value", STR_INIT(HEAD_OF("X: a\x7f\r\n")), { 400 }, CLOSED, NULL },
	{ "blank before the colon", STR_INIT(HEAD_OF("X : a\r\n")), { 400 }, CLOSED, NULL },
	{ "tab before the colon", STR_INIT(HEAD_OF("X\t: a\r\n")), { 400 }, CLOSED, NULL },
	{ "blank in a name", STR_INIT(HEAD_OF("X Y: a\r\n")), { 400 }, CLOSED, NULL },
	{ "no name", STR_INIT(HEAD_OF(": a\r\n")), { 400 }, CLOSED, NULL },
	{ "no colon", STR_INIT(HEAD_OF("X\r\n")), { 400 }, CLOSED, NULL },
	{ "odd name", STR_INIT(HEAD_OF("X(): a\r\n")), { 400 }, CLOSED, NULL },
	{ "high byte in a name", STR_INIT(HEAD_OF("X\xe9: a\r\n")), { 400 }, CLOSED, NULL },
	{ "NUL in a name", STR_INIT(HEAD_OF("X\0: a\r\n")), { 400 }, CLOSED, NULL },

	/* Lengths. */
	{ "two lengths",
	  STR_INIT(POST "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello"),
	  { 400 },
	  CLOSED,
	  NULL },
	{ "two equal lengths",
	  STR_INIT(POST "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello"),
	  { 400 },
	  CLOSED,
	  NULL },
	{ "list of lengths",
	  STR_INIT(POST "Content-Length: 5, 5\r\n\r\nhello"),
	  { 400 },
	  CLOSED,
	  NULL },
	{ "length +5", STR_INIT(POST "Content-Length: +5\r\n\r\nhello"), { 400 }, CLOSED, NULL },
	{ "length -5", STR_INIT(POST "Content-Length: -5\r\n\r\nhello"), { 400 }, CLOSED, NULL },
	{ "length 0x5", STR_INIT(POST "Content-Length: 0x5\r\n\r\nhello"), { 400 }, CLOSED, NULL },
	{ "length 5_0", STR_INIT(POST "Content-Length: 5_0\r\n\r\nhello"), { 400 }, CLOSED, NULL },
	{ "length 5 0", STR_INIT(POST "Content-Length: 5 0\r\n\r\nhello"), { 400 }, CLOSED, NULL },
	{ "length 5.0", STR_INIT(POST "Content-Length: 5.0\r\n\r\nhello"), { 400 }, CLOSED, NULL },
	{ "length abc", STR_INIT(POST "Content-Length: abc\r\n\r\nhello"), { 400 }, CLOSED, NULL },
	{ "no digits", STR_INIT(POST "Content-Length: \r\n\r\nhello"), { 400 }, CLOSED, NULL },
	{ "length over 64 bits",
	  STR_INIT(POST "Content-Length: 18446744073709551621\r\n\r\nhello"),
	  { 400 },
	  CLOSED,
	  NULL },
	{ "length and chunks",
	  STR_INIT(POST
		   "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" SMUGGLED),
	  { 400 },
	  CLOSED,
	  NULL },
	{ "chunks and length",
	  STR_INIT(POST
		   "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" SMUGGLED),
	  { 400 },
	  CLOSED,
	  NULL },
	{ "chunks and length 0",
	  STR_INIT(POST "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n0\r\n\r\n"),
	  { 400 },
	  CLOSED,
	  NULL },
	{ "POST without a length keeps the connection",
	  STR_INIT(POST "\r\n" GET_OK),
	  { 411, 200 },
	  KEPT,
	  "/ok" },
	{ "PUT without a length",
	  STR_INIT("PUT /p HTTP/1.1\r\n" HOST "\r\n"),
	  { 411 },
	  KEPT,
	  NULL },
	{ "PATCH without a length, 1.0",
	  STR_INIT("PATCH /p HTTP/1.0\r\n\r\n"),
	  { 411 },
	  CLOSED,
	  NULL },

	/* Transfer codings. */
	{ "chunks",
	  STR_INIT(CHUNKED "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n" GET_OK),
	  { 200, 200 },
	  KEPT,
	  "/ok" },
	{ "chunks, put together",
	  STR_INIT(CHUNKED "5\r\nhello\r\n006\r\n world\r\n00\r\n\r\n"),
	  { 200 },
	  KEPT,
	  "hello world" },
	{ "no chunk but the last", STR_INIT(CHUNKED "0\r\n\r\n"), { 200 }, KEPT, "" },
	{ "upper-case Chunked",
	  STR_INIT(POST "Transfer-Encoding: Chunked\r\n\r\n0\r\n\r\n"),
	  { 200 },
	  KEPT,
	  "" },
	{ "chunk sizes in hex",
	  STR_INIT(CHUNKED "A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n"),
	  { 200 },
	  KEPT,
	  "01234567890123456789" },
	{ "chunk extensions",
	  STR_INIT(CHUNKED "2;a;b=c;d=\"e f\"\r\nhi\r\n0;z\r\n\r\n" GET_OK),
	  { 200, 200 },
	  KEPT,
	  "/ok" },
	{ "trailers",
	  STR_INIT(CHUNKED "2\r\nhi\r\n0\r\nX: y\r\nZ: a b\r\n\r\n" GET_OK),
	  { 200, 200 },
	  KEPT,
	  "/ok" },
	{ "chunks to GET",
	  STR_INIT("GET /echo HTTP/1.1\r\n" HOST
		   "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"),
	  { 200 },
	  KEPT,
	  "hi" },
	{ "gzip", STR_INIT(POST "Transfer-Encoding: gzip\r\n\r\n"), { 501 }, CLOSED, NULL },
	{ "gzip, chunked",
	  STR_INIT(POST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
	  { 501 },
	  CLOSED,
	  NULL },
	{ "chunked, gzip",
	  STR_INIT(POST "Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n"),
	  { 400 },
	  CLOSED,
	  NULL },
	{ "identity", STR_INIT(POST "Transfer-Encoding: identity\r\n\r\n"), { 501 }, CLOSED, NULL },
	{ "xchunked",
	  STR_INIT(POST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
	  { 501 },
	  CLOSED,
	  NULL },
	{ "chunkedx",
	  STR_INIT(POST "Transfer-Encoding: chunkedx\r\n\r\n0\r\n\r\n"),
	  { 501 },
	  CLOSED,
	  NULL },
	{ "chunked;q=1",
	  STR_INIT(POST "Transfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n"),
	  { 501 },
	  CLOSED,
	  NULL },
	{ "chunked twice",
	  STR_INIT(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"
			"\r\n\r\n0\r\n\r\n"),
	  { 400 },
	  CLOSED,
	  NULL },
	{ "quoted coding",
	  STR_INIT(POST "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n"),
	  { 400 },
	  CLOSED,
	  NULL },
	{ "vertical tab in the coding",
	  STR_INIT(POST "Transfer-Encoding: \x0b"
			"chunked\r\n\r\n0\r\n\r\n"),
	  { 400 },
	  CLOSED,
	  NULL },
	{ "empty coding", STR_INIT(POST "Transfer-Encoding:\r\n\r\n"), { 400 }, CLOSED, NULL },
	{ "chunks in 1.0",
	  STR_INIT("POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
	  { 400 },
	  CLOSED,
	  NULL },
	{ "chunk size +5", STR_INIT(CHUNKED "+5\r\nhello\r\n0\r\n\r\n"), { 400 }, CLOSED, NULL },
	{ "chunk size 0x5", STR_INIT(CHUNKED "0x5\r\nhello\r\n0\r\n\r\n"), { 400 }, CLOSED, NULL },
	{ "chunk size -5", STR_INIT(CHUNKED "-5\r\nhello\r\n0\r\n\r\n"), { 400 }, CLOSED, NULL },
	{ "chunk size 5_0", STR_INIT(CHUNKED "5_0\r\nhello\r\n0\r\n\r\n"), { 400 }, CLOSED, NULL },
	{ "no chunk size", STR_INIT(CHUNKED "\r\nhello\r\n0\r\n\r\n"), { 400 }, CLOSED, NULL },
	{ "only an extension",
	  STR_INIT(CHUNKED ";a\r\nhello\r\n0\r\n\r\n"),
	  { 400 },
	  CLOSED,
	  NULL },
	{ "blank before a chunk size",
	  STR_INIT(CHUNKED " 5\r\nhello\r\n0\r\n\r\n"),
	  { 400 },
	  CLOSED,
	  NULL },
	{ "blank behind a chunk size",
	  STR_INIT(CHUNKED "5 \r\nhello\r\n0\r\n\r\n"),
	  { 400 },
	  CLOSED,
	  NULL },
	{ "chunk size over 64 bits",
	  STR_INIT(CHUNKED "10000000000000005\r\nhello\r\n0\r\n\r\n"),
	  { 400 },
	  CLOSED,
	  NULL },
	{ "LF behind a chunk size",
	  STR_INIT(CHUNKED "5\nhello\r\n0\r\n\r\n"),
	  { 400 },
	  CLOSED,
	  NULL },
	{ "CR behind a chunk size",
	  STR_INIT(CHUNKED "5\rhello\r\n0\r\n\r\n"),
	  { 400 },
	  CLOSED,
	  NULL },
	{ "LF behind an extension",
	  STR_INIT(CHUNKED "5;a\nhello\r\n0\r\n\r\n"),
	  { 400 },
	  CLOSED,
	  NULL },
	{ "CR in an extension",
	  STR_INIT(CHUNKED "5;a\rb\r\nhello\r\n0\r\n\r\n"),
	  { 400 },
	  CLOSED,
	  NULL },
	{ "LF in a quoted extension",
	  STR_INIT(CHUNKED "5;a=\"\n\"\r\nhello\r\n0\r\n\r\n"),
	  { 400 },
	  CLOSED,
	  NULL },
	{ "NUL in an extension",
	  STR_INIT(CHUNKED "5;\0\r\nhello\r\n0\r\n\r\n"),
	  { 400 },
	  CLOSED,
	  NULL },
	{ "LF behind a chunk", STR_INIT(CHUNKED "5\r\nhello\n0\r\n\r\n"), { 400 }, CLOSED, NULL },
	{ "CR behind a chunk", STR_INIT(CHUNKED "5\r\nhello\r0\r\n\r\n"), { 400 }, CLOSED, NULL },
	{ "nothing behind a chunk",
	  STR_INIT(CHUNKED "5\r\nhello0\r\n\r\n"),
	  { 400 },
	  CLOSED,
	  NULL },
	{ "chunk longer than said",
	  STR_INIT(CHUNKED "5\r\nhello!\r\n0\r\n\r\n"),
	  { 400 },
	  CLOSED,
	  NULL },
	{ "LF behind the last chunk", STR_INIT(CHUNKED "0\n\r\n"), { 400 }, CLOSED, NULL },
	{ "LF at the very end", STR_INIT(CHUNKED "0\r\n\n"), { 400 }, CLOSED, NULL },
	{ "CR at the very end", STR_INIT(CHUNKED "0\r\n\rX"), { 400 }, CLOSED, NULL },
	{ "LF behind a trailer", STR_INIT(CHUNKED "0\r\nX: y\n\r\n"), { 400 }, CLOSED, NULL },
	{ "folded trailer", STR_INIT(CHUNKED "0\r\nX: y\r\n z\r\n\r\n"), { 400 }, CLOSED, NULL },
	{ "blank before a trailer", STR_INIT(CHUNKED "0\r\n X: y\r\n\r\n"), { 400 }, CLOSED, NULL },
	{ "a line behind a folded trailer",
	  STR_INIT(CHUNKED "0\r\nX:\r\n\ty\r\n\r\n"),
	  { 400 },
	  CLOSED,
	  NULL },
	{ "length in a trailer",
	  STR_INIT(CHUNKED "0\r\nContent-Length: 5\r\n\r\n"),
	  { 400 },
	  CLOSED,
	  NULL },

	/* Upgrades are ignored, and what follows stays framed. */
	{ "Upgrade",
	  STR_INIT(HEAD_OF("Connection: Upgrade\r\nUpgrade: websocket\r\n") GET_OK),
	  { 200, 200 },
	  KEPT,
	  "/ok" },
	{ "Upgrade h2c",
	  STR_INIT(HEAD_OF("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
			   "HTTP2-Settings: AAMAAABk\r\n")),
	  { 200 },
	  KEPT,
	  "/x" },
	{ "Upgrade with a length",
	  STR_INIT(POST "Connection: Upgrade\r\nUpgrade: x\r\n"
			"Content-Length: 5\r\n\r\nhello" GET_OK),
	  { 200, 200 },
	  KEPT,
	  "/ok" },
	{ "Upgrade with chunks",
	  STR_INIT(POST "Connection: Upgrade\r\nUpgrade: x\r\n"
			"Transfer-Encoding: chunked\r\n\r\n"
			"2\r\nhi\r\n0\r\n\r\n" GET_OK),
	  { 200, 200 },
	  KEPT,
	  "/ok" },

	/* Wishes. */
	{ "identity content",
	  STR_INIT(POST "Content-Encoding: identity\r\nContent-Length: 2\r\n\r\n"
			"hi"),
	  { 200 },
	  KEPT,
	  "hi" },
	{ "gzip content",
	  STR_INIT(POST "Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\nhi"),
	  { 415 },
	  CLOSED,
	  NULL },
	{ "two content codings",
	  STR_INIT(POST "Content-Encoding: identity\r\nContent-Encoding: br\r\n"
			"Content-Length: 2\r\n\r\nhi"),
	  { 415 },
	  CLOSED,
	  NULL },
	{ "unknown expectation",
	  STR_INIT(POST "Expect: wonders\r\nContent-Length: 2\r\n\r\nhi"),
	  { 417 },
	  CLOSED,
	  NULL },
	{ "expectation in 1.0",
	  STR_INIT("POST /echo HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi"),
	  { 200 },
	  CLOSED,
	  "hi" },
	{ "body just small enough",
	  STR_INIT("POST /small HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\n0123456789"),
	  { 200 },
	  KEPT,
	  "/small" },
	{ "body too large",
	  STR_INIT("POST /small HTTP/1.1\r\n" HOST "Content-Length: 11\r\n\r\n"),
	  { 413 },
	  CLOSED,
	  NULL },
	{ "body far too large",
	  STR_INIT("POST /small HTTP/1.1\r\n" HOST "Content-Length: 18446744073709551615\r\n\r\n"),
	  { 413 },
	  CLOSED,
	  NULL },
	{ "chunks just small enough",
	  STR_INIT("POST /small HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
		   "5\r\n01234\r\n5\r\n56789\r\n0\r\n\r\n"),
	  { 200 },
	  KEPT,
	  "/small" },
	{ "chunks too large",
	  STR_INIT("POST /small HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
		   "5\r\n01234\r\n6\r\n567890"),
	  { 413 },
	  CLOSED,
	  NULL },
	{ "good, then bad",
	  STR_INIT(GET_OK "GET / HTTP/1.1\r\n\r\n" SMUGGLED),
	  { 200, 400 },
	  CLOSED,
	  NULL },
	{ "later, then bad",
	  STR_INIT("GET /later HTTP/1.1\r\n" HOST "\r\nGET /\n"),
	  { 200, 400 },
	  CLOSED,
	  NULL },
	{ "the app closes",
	  STR_INIT("GET /bye HTTP/1.1\r\n" HOST "\r\n"),
	  { 200 },
	  CLOSED,
	  "/bye" },
	{ "no memory for an answer",
	  STR_INIT("GET /hog HTTP/1.1\r\n" HOST "\r\n"),
	  { 503 },
	  CLOSED,
	  "" },
};

static void probe_is_kept(void)
{
	push(inbox.fd, STR("GET /probe HTTP/1.1\r\nHost: p\r\n\r\n"), SIZE_MAX);
	expect(200, "/probe");
	shutdown(inbox.fd, SHUT_WR);
	expect_end();
}

/* The first thing that is wrong, or NULL. */
static const char *wire_verdict(const struct wire *w, struct answer *a)
{
	for (unsigned i = 0; i < ARRAY_LEN(w->statuses) && w->statuses[i]; i++) {
		if (!next_answer(a))
			return "no answer";
		if (a->status != w->statuses[i])
			return "another status";
	}
	if (w->last_body && strcmp(w->last_body, a->body) != 0)
		return "another body";
	if (a->says_close != (w->end == CLOSED))
		return "Connection: close said or not said";
	return NULL;
}

static bool check_wire(const struct wire *w, size_t step)
{
	struct answer a = { 0 };
	int fd = dial();
	inbox_of(fd);
	push(fd, w->in, step);
	const char *wrong = wire_verdict(w, &a);
	if (wrong)
		print_error("%s: %s: %d %s\n", w->what, wrong, a.status, a.body);
	else if (w->end == CLOSED)
		expect_end();
	else
		probe_is_kept();
	close(fd);
	return !wrong;
}

static void check_wires(size_t step)
{
	struct net_config c = config();
	unsigned failed = 0;
	c.limits.request_memory_max = 1 << 20;
	start(&c);
	for (size_t i = 0; i < ARRAY_LEN(wires); i++)
		failed += !check_wire(&wires[i], step);
	stop();
	assert_int_equal(failed, 0);
}

static void test_whole(void **state)
{
	(void)state;
	check_wires(SIZE_MAX);
}

static void test_byte_by_byte(void **state)
{
	(void)state;
	check_wires(1);
}

/* ---- sizes ---- */

/* head, `n` times `fill`, tail */
struct sized {
	const char *what, *head, *fill;
	unsigned n;
	const char *tail;
	int status; /* 200: and the connection is kept */
};

/* With head_max 1000, target_max 200, headers_max 10, overhead_max 500. */
static const struct sized sizes[] = {
	{ "target at its limit", "GET /", "a", 199, " HTTP/1.1\r\n" HOST "\r\n", 200 },
	{ "target over its limit", "GET /", "a", 200, " HTTP/1.1\r\n" HOST "\r\n", 414 },
	{ "target far over its limit", "GET /", "a", 5000, " HTTP/1.1\r\n" HOST "\r\n", 414 },
	{ "target without an end", "GET /", "a", 500, "", 414 },
	{ "method without an end", "G", "E", 500, "", 431 },
	{ "head at its limit", "GET / HTTP/1.1\r\nHost: a\r\nX: ", "a", 1000 - 32, "\r\n\r\n",
	  200 },
	{ "head over its limit", "GET / HTTP/1.1\r\nHost: a\r\nX: ", "a", 1001 - 32, "\r\n\r\n",
	  431 },
	{ "field without an end", "GET / HTTP/1.1\r\nHost: a\r\nX: ", "a", 2000, "", 431 },
	{ "fields at their limit", "GET / HTTP/1.1\r\nHost: a\r\n", "X: a\r\n", 9, "\r\n", 200 },
	{ "fields over their limit", "GET / HTTP/1.1\r\nHost: a\r\n", "X: a\r\n", 10, "\r\n", 431 },
	{ "extension within limits", CHUNKED "2;", "a", 400, "\r\nhi\r\n0\r\n\r\n", 200 },
	{ "extension over its limit", CHUNKED "2;", "a", 600, "\r\nhi\r\n0\r\n\r\n", 400 },
	{ "extension without an end", CHUNKED "2;", "a", 60000, "", 400 },
	{ "tiny chunks within limits", CHUNKED, "1\r\na\r\n", 90, "0\r\n\r\n", 200 },
	{ "tiny chunks over the limit", CHUNKED, "1\r\na\r\n", 110, "0\r\n\r\n", 400 },
	{ "trailers without an end", CHUNKED "0\r\n", "X: y\r\n", 200, "", 400 },
	{ "zeros before a chunk size", CHUNKED, "0", 1000, "2\r\nhi\r\n0\r\n\r\n", 400 },
};

static void check_sized(const struct sized *s, size_t step)
{
	int fd = dial();
	struct answer a;
	inbox_of(fd);
	push(fd, str_of(s->head), step);
	for (unsigned i = 0; i < s->n; i++)
		push(fd, str_of(s->fill), step);
	push(fd, str_of(s->tail), step);
	assert_true(next_answer(&a));
	if (a.status != s->status)
		fail_msg("%s: %d instead of %d (%s)", s->what, a.status, s->status, a.body);
	if (s->status == 200)
		probe_is_kept();
	else
		expect_end();
	close(fd);
}

static void test_sizes(void **state)
{
	struct net_config c = config();
	(void)state;
	c.limits.head_max = 1000;
	c.limits.target_max = 200;
	c.limits.headers_max = 10;
	c.limits.overhead_max = 500;
	start(&c);
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		check_sized(&sizes[i], SIZE_MAX);
		check_sized(&sizes[i], 1);
	}
	stop();
}

/* A body that the request's memory cannot hold, with and without its length said before. */
static void test_memory_ceiling(void **state)
{
	struct net_config c = config();
	(void)state;
	c.limits.request_memory_max = 100 * 1024;
	start(&c);
	for (int chunked = 0; chunked < 2; chunked++) {
		int fd = dial();
		inbox_of(fd);
		say(fd, chunked ? CHUNKED "30000\r\n" : POST "Content-Length: 196608\r\n\r\n");
		push(fd, (struct str){ big, 0x30000 }, SIZE_MAX);
		expect(503, NULL);
		expect_end();
		close(fd);
	}
	stop();
}

/* ---- the shape of an answer ---- */

static void test_answer_shape(void **state)
{
	static const struct {
		const char *in, *first_line, *has, *has_not;
	} cases[] = {
		{ GET_OK, "HTTP/1.1 200 OK\r\n", "\r\nContent-Length: 3\r\n", "Connection" },
		{ GET_OK, "HTTP/1.1 200 OK\r\n", " GMT\r\nContent-Type: text/plain\r\n",
		  "keep-alive" },
		{ "GET /inject HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 200 OK\r\n",
		  "\r\nX-Echo: aX-Evil: bc\r\nX-Number: 42\r\nDate: ", "Content-Type" },
		{ "HEAD /inject HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 200 OK\r\n",
		  "\r\nContent-Length: 3\r\n", "Content-Type" },
		{ "GET /status?204 HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 204 No Content\r\n",
		  "\r\nDate: ", "Content-" },
		{ "GET /status?299 HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 299 \r\n",
		  "\r\nDate: ", "Connection" },
		{ "GET /status?503 HTTP/1.1\r\n" HOST "\r\n",
		  "HTTP/1.1 503 Service Unavailable\r\n", "\r\nDate: ", "Connection" },
		{ "GET /ok HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "HTTP/1.1 200 OK\r\n",
		  "\r\nConnection: keep-alive\r\n", "close" },
		{ "GET /ok HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK\r\n", "\r\nConnection: close\r\n",
		  "keep-alive" },
	};
	struct net_config c = config();
	(void)state;
	start(&c);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct answer a;
		int fd = dial();
		inbox_of(fd);
		say(fd, cases[i].in);
		assert_true(next_head(&a));
		assert_true(str_starts(str_of(a.head), str_of(cases[i].first_line)));
		assert_non_null(strstr(a.head, cases[i].has));
		assert_null(strstr(a.head, cases[i].has_not));
		shutdown(fd, SHUT_WR);
		while (more())
			;
		if (strncmp(cases[i].in, "HEAD", 4) == 0 || a.status == 204)
			assert_int_equal(inbox.n, 0);
		close(fd);
	}
	stop();
}

/* ---- order, pauses ---- */

/* n requests to /<path>0, /<path>1, ... in one write. */
static void say_numbered(int fd, const char *path, unsigned n)
{
	size_t room = n * 80, used = 0;
	char *text = malloc(room);
	for (unsigned i = 0; i < n; i++)
		used += (size_t)snprintf(text + used, room - used,
					 "GET /%s%u HTTP/1.1\r\n" HOST "\r\n", path, i);
	push(fd, (struct str){ text, used }, SIZE_MAX);
	free(text);
}

static void expect_numbered(const char *path, unsigned from, unsigned to)
{
	for (unsigned i = from; i < to; i++) {
		char want[64];
		snprintf(want, sizeof(want), "/%s%u", path, i);
		expect(200, want);
	}
}

static void test_order(void **state)
{
	static const char *const paths[] = { "sync", "later" };
	struct net_config c = config();
	(void)state;
	start(&c);
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		int fd = dial();
		inbox_of(fd);
		say_numbered(fd, paths[i], 3000);
		expect_numbered(paths[i], 0, 3000);
		close(fd);
	}
	assert_true(app.n_rounds > 0);
	stop();
}

static void test_reverse_order(void **state)
{
	struct net_config c = config();
	(void)state;
	start(&c);
	int fd = dial();
	inbox_of(fd);
	say_numbered(fd, "hold", 20);
	until(n_held() == 20);
	release_held();
	expect_numbered("hold", 0, 20);
	close(fd);
	stop();
}

static void test_pause(void **state)
{
	struct net_config c = config();
	(void)state;
	c.limits.pipeline_max = 4;
	start(&c);
	int fd = dial();
	inbox_of(fd);
	say_numbered(fd, "hold", 1000);
	for (unsigned answered = 0; answered < 1000; answered += 4) {
		until(n_held() == 4);
		usleep(answered < 20 ? 5000 : 0); /* time to do wrong */
		assert_int_equal(n_held(), 4);
		release_held();
		expect_numbered("hold", answered, answered + 4);
	}
	close(fd);
	stop();
}

/* What is cut by the pause may also be a request that has only begun, or half a body. */
static void test_pause_cuts(void **state)
{
	struct net_config c = config();
	(void)state;
	c.limits.pipeline_max = 2;
	start(&c);
	int fd = dial();
	inbox_of(fd);
	say_numbered(fd, "hold", 2);
	say(fd, POST "Content-Le");
	until(n_held() == 2);
	say(fd, "ngth: 5\r\n\r\nhe");
	release_held();
	expect_numbered("hold", 0, 2);
	say(fd, "llo");
	expect(200, "hello");
	close(fd);
	stop();
}

static void test_work(void **state)
{
	struct net_config c = config();
	(void)state;
	start(&c);
	int fd = dial();
	inbox_of(fd);
	say(fd, "GET /work HTTP/1.1\r\n" HOST "\r\n" GET_OK);
	expect(200, "/work");
	expect(200, "/ok");
	close(fd);
	stop();
}

/* ---- bodies ---- */

static void test_large_chunked_body(void **state)
{
	enum { SIZE = 3 * 1024 * 1024 };
	struct net_config c = config();
	struct answer a;
	(void)state;
	start(&c);
	int fd = dial();
	inbox_of(fd);
	say(fd, CHUNKED);
	for (size_t sent = 0, n = 1000; sent < SIZE; sent += n) {
		char line[32];
		n = MIN(n + 777, SIZE - sent);
		snprintf(line, sizeof(line), "%zx\r\n", n);
		say(fd, line);
		push(fd, (struct str){ big + sent, n }, SIZE_MAX);
		say(fd, "\r\n");
	}
	say(fd, "0\r\n\r\n" GET_OK);
	assert_true(next_answer(&a));
	assert_int_equal(a.status, 200);
	assert_int_equal(a.body_n, SIZE);
	expect(200, "/ok");
	close(fd);
	stop();
}

/* The answer can be read although the client goes on sending what nobody wants. */
static void test_refusal_is_readable(void **state)
{
	struct net_config c = config();
	(void)state;
	start(&c);
	for (int i = 0; i < 20; i++) {
		int fd = dial();
		inbox_of(fd);
		say(fd, "POST /small HTTP/1.1\r\n" HOST "Content-Length: 1000000\r\n\r\n");
		for (int k = 0; k < 20; k++)
			push(fd, (struct str){ big, 10000 }, SIZE_MAX);
		expect(413, NULL);
		expect_end();
		close(fd);
	}
	stop();
}

static void test_large_answer(void **state)
{
	struct net_config c = config();
	struct answer a;
	(void)state;
	start(&c);
	int fd = dial();
	inbox_of(fd);
	say(fd, "GET /big HTTP/1.1\r\n" HOST "\r\nGET /big HTTP/1.1\r\n" HOST "\r\n" GET_OK);
	for (int i = 0; i < 2; i++) {
		assert_true(next_answer(&a));
		assert_int_equal(a.body_n, sizeof(big));
	}
	expect(200, "/ok");
	close(fd);
	stop();
}

/* ---- 100-continue ---- */

#define EXPECTING POST "Expect: 100-continue\r\n"

static void expect_continue(void)
{
	struct answer a;
	assert_true(next_head(&a));
	assert_string_equal(a.head, "HTTP/1.1 100 Continue\r\n\r\n");
}

static void test_continue(void **state)
{
	struct net_config c = config();
	(void)state;
	start(&c);
	int fd = dial();
	inbox_of(fd);

	say(fd, EXPECTING "Content-Length: 5\r\n\r\n");
	expect_continue();
	say(fd, "hello");
	expect(200, "hello");

	say(fd, EXPECTING "Transfer-Encoding: chunked\r\n\r\n");
	expect_continue();
	say(fd, "2\r\nhi\r\n0\r\n\r\n");
	expect(200, "hi");

	/* The body is there, or there is none. */
	say(fd, EXPECTING "Content-Length: 5\r\n\r\nhello");
	expect(200, "hello");
	say(fd, EXPECTING "Content-Length: 5\r\n\r\nh");
	say(fd, "ello");
	expect(200, "hello");
	say(fd, EXPECTING "Content-Length: 0\r\n\r\n");
	expect(200, "");

	/* Not before the answers that come first. */
	say(fd, "GET /hold HTTP/1.1\r\n" HOST "\r\n" EXPECTING "Content-Length: 5\r\n\r\n");
	until(n_held() == 1);
	release_held();
	expect(200, "/hold");
	expect_continue();
	say(fd, "hello");
	expect(200, "hello");

	/* Not for a body that is not wanted. */
	say(fd,
	    "POST /small HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 11\r\n\r\n");
	expect(413, NULL);
	expect_end();
	close(fd);
	stop();
}

/* ---- deadlines ---- */

static void check_late(const char *bytes, int status)
{
	int fd = dial();
	inbox_of(fd);
	say(fd, bytes);
	if (status)
		expect(status, NULL);
	expect_end();
	close(fd);
}

/* A byte now and then does not help. */
static void check_slow(const char *first, const char *bytes, int status)
{
	int fd = dial();
	struct pollfd p = { .fd = fd, .events = POLLIN };
	inbox_of(fd);
	say(fd, first);
	while (poll(&p, 1, 20) == 0) {
		push(fd, str_head(str_of(bytes), 1), SIZE_MAX);
		bytes += bytes[1] != '\0';
	}
	if (status)
		expect(status, NULL);
	expect_end();
	close(fd);
}

static void check_not_taken(void)
{
	int fd = dial();
	for (int i = 0; i < 10; i++)
		say(fd, "GET /big HTTP/1.1\r\n" HOST "\r\n");
	until(net_server_connections(app.server) == 1);
	until(net_server_connections(app.server) == 0);
	close(fd);
}

static void test_deadlines(void **state)
{
	struct net_config c = config();
	struct net_limits *l = &c.limits;
	(void)state;
	l->head_ms = l->body_ms = l->idle_ms = l->write_ms = 150;
	start(&c);
	check_late("", 0);
	check_late("\r\n", 0);
	check_late("G", 0);
	check_late("GET / HTTP/1.1\r", 0);
	check_late("GET / HTTP/1.1\r\n", 408);
	check_late("GET / HTTP/1.1\r\nHost: a\r\nX", 408);
	check_late(POST "Content-Length: 5\r\n\r\nhell", 408);
	check_late(CHUNKED "5\r\nhello\r\n0\r\n", 408);
	check_late(GET_OK, 200);
	check_late(GET_OK "G", 200);
	check_slow("", "GET / HTTP/1.1\r\n", 0);
	check_slow("GET / HTTP/1.1\r\n", "Host: aaaaaaaaaa", 408);
	check_slow(POST "Content-Length: 1000\r\n\r\n", "hello", 408);
	check_slow(CHUNKED, "1\r\nh\r\n1\r\ne\r\n1\r\nl\r\n", 408);
	check_not_taken();

	int fd = dial();
	inbox_of(fd);
	say(fd, EXPECTING "Content-Length: 5\r\n\r\n");
	expect_continue();
	expect(408, NULL);
	expect_end();
	close(fd);

	/* No deadline for the app. */
	fd = dial();
	inbox_of(fd);
	say(fd, "GET /hold HTTP/1.1\r\n" HOST "\r\n");
	usleep(400 * 1000);
	release_held();
	expect(200, "/hold");
	close(fd);
	stop();
}

/* ---- clients that go ---- */

static void reset(int fd)
{
	struct linger hard = { .l_onoff = 1 };
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	close(fd);
}

static void test_orphans(void **state)
{
	struct net_config c = config();
	(void)state;
	start(&c);
	int fd = dial();
	say(fd, "GET /hold HTTP/1.1\r\n" HOST "\r\nGET /ok HTTP/1.1\r\n" HOST "\r\n"
		"GET /hold HTTP/1.1\r\n" HOST "\r\n" POST "Content-Length: 100\r\n\r\nhalf");
	until(n_held() == 2);
	assert_int_equal(app.n_done, 0);
	reset(fd);
	until(net_server_connections(app.server) == 0);
	until(app.n_done == 1);
	release_held();
	until(app.n_done == 3);
	stop();
	assert_int_equal(app.n_served, 3);
}

static void test_half_closed(void **state)
{
	struct net_config c = config();
	struct answer a;
	(void)state;
	start(&c);
	int fd = dial();
	inbox_of(fd);
	say(fd, "GET /hold1 HTTP/1.1\r\n" HOST "\r\nGET /hold2 HTTP/1.1\r\n" HOST "\r\nGET /cut");
	shutdown(fd, SHUT_WR);
	until(n_held() == 2);
	usleep(20 * 1000);
	release_held();
	expect(200, "/hold1");
	assert_true(next_answer(&a));
	assert_int_equal(a.status, 200);
	assert_true(a.says_close);
	expect_end();
	close(fd);
	stop();
}

/* What stands behind an answer that closes is not answered, but finished with. */
static void test_close_in_the_middle(void **state)
{
	struct net_config c = config();
	(void)state;
	start(&c);
	int fd = dial();
	inbox_of(fd);
	say(fd, "GET /hold1 HTTP/1.1\r\n" HOST "\r\nGET /bye HTTP/1.1\r\n" HOST "\r\n"
		"GET /hold2 HTTP/1.1\r\n" HOST "\r\n" GET_OK);
	until(n_held() == 2 && app.n_served == 4);
	release_held();
	expect(200, "/hold1");
	expect(200, "/bye");
	expect_end();
	close(fd);
	stop();
	assert_int_equal(app.n_served, 4);
}

/* ---- listening ---- */

static void test_connections_max(void **state)
{
	struct net_config c = config();
	(void)state;
	c.limits.connections_max = 2;
	start(&c);
	int a = dial(), b = dial();
	until(net_server_connections(app.server) == 2);
	for (int i = 0; i < 5; i++) {
		int fd = dial();
		inbox_of(fd);
		expect(503, "");
		expect_end();
		close(fd);
	}
	assert_int_equal(net_server_connections(app.server), 2);
	close(a);
	until(net_server_connections(app.server) == 1);
	a = dial();
	inbox_of(a);
	say(a, GET_OK);
	expect(200, "/ok");
	close(a);
	close(b);
	stop();
}

static void test_taken_port(void **state)
{
	(void)state;
	for (unsigned first = 1; first <= 2; first++) {
		struct net_config c = config();
		c.loops = first;
		start(&c);
		c.port = net_server_port(app.server);
		for (unsigned second = 1; second <= 2; second++) {
			struct net_server *other = NULL;
			c.loops = second;
			assert_int_equal(net_server_start(&c, &other), -EADDRINUSE);
			assert_null(other);
		}
		stop();
	}
}

static void test_addresses(void **state)
{
	static const struct {
		const char *host;
		int want;
	} cases[] = {
		{ "127.0.0.1", 0 },       { "localhost", 0 },     { "0.0.0.0", 0 },
		{ "", -EINVAL },          { "example", -EINVAL }, { "127.0.0.1.1", -EINVAL },
		{ "300.0.0.1", -EINVAL }, { ":::", -EINVAL },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct net_config c = config();
		struct net_server *s = NULL;
		c.host = cases[i].host;
		assert_int_equal(net_server_start(&c, &s), cases[i].want);
		net_server_free(s);
	}
}

static void test_several_loops(void **state)
{
	struct net_config c = config();
	int fds[40];
	(void)state;
	c.loops = 3;
	start(&c);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		fds[i] = dial();
		say_numbered(fds[i], "later", 10);
	}
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		inbox_of(fds[i]);
		expect_numbered("later", 0, 10);
		close(fds[i]);
	}
	stop();
}

/* ---- stopping ---- */

static void *stop_server(void *arg)
{
	(void)arg;
	net_server_stop(app.server);
	return NULL;
}

static void expect_last(const char *body)
{
	struct answer a;
	assert_true(next_answer(&a));
	assert_int_equal(a.status, 200);
	assert_string_equal(a.body, body);
	assert_true(a.says_close);
	expect_end();
	close(inbox.fd);
}

static void test_drain(void **state)
{
	struct net_config c = config();
	pthread_t stopper;
	(void)state;
	start(&c);
	int idle = dial(), held = dial(), half = dial();
	say(held, "GET /hold HTTP/1.1\r\n" HOST "\r\n" GET_OK);
	say(half, GET_OK "GET /half HTTP/1.1\r\n");
	inbox_of(half);
	expect(200, "/ok");
	until(net_server_connections(app.server) == 3 && n_held() == 1);

	pthread_create(&stopper, NULL, stop_server, NULL);
	inbox_of(idle);
	expect_end();
	close(idle);

	inbox_of(half);
	say(half, HOST "\r\n");
	expect_last("/half");

	release_held();
	inbox_of(held);
	expect(200, "/hold");
	expect_last("/ok");
	pthread_join(stopper, NULL);
	stop();
}

/* A client that does not take its answer, and one that never finishes: drain_ms ends them. */
static void test_drain_ends(void **state)
{
	struct net_config c = config();
	(void)state;
	c.limits.drain_ms = 150;
	start(&c);
	int deaf = dial(), half = dial(), held = dial();
	say(deaf, "GET /big HTTP/1.1\r\n" HOST "\r\n");
	say(half, "GET / HTTP/1.1\r\n");
	say(held, "GET /hold HTTP/1.1\r\n" HOST "\r\n");
	until(net_server_connections(app.server) == 3 && n_held() == 1);
	pthread_t stopper;
	pthread_create(&stopper, NULL, stop_server, NULL);
	until(net_server_connections(app.server) == 0);
	release_held(); /* the app may be later than the clients are patient */
	pthread_join(stopper, NULL);
	close(deaf);
	close(half);
	close(held);
	stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_byte_by_byte),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_memory_ceiling),
		cmocka_unit_test(test_answer_shape),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_reverse_order),
		cmocka_unit_test(test_pause),
		cmocka_unit_test(test_pause_cuts),
		cmocka_unit_test(test_work),
		cmocka_unit_test(test_large_chunked_body),
		cmocka_unit_test(test_refusal_is_readable),
		cmocka_unit_test(test_large_answer),
		cmocka_unit_test(test_continue),
		cmocka_unit_test(test_deadlines),
		cmocka_unit_test(test_orphans),
		cmocka_unit_test(test_half_closed),
		cmocka_unit_test(test_close_in_the_middle),
		cmocka_unit_test(test_connections_max),
		cmocka_unit_test(test_taken_port),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_several_loops),
		cmocka_unit_test(test_drain),
		cmocka_unit_test(test_drain_ends),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
