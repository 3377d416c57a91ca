/* Outgoing HTTP and webhooks against a receiver that says what it is told to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/digest.h"
#include "deliver/sender.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { WAIT_MS = 20 * 1000, ROOM = 64 * 1024 };

/* --- The receiver: one connection at a time, the same answer to each request --- */

struct receiver {
	pthread_t thread;
	int listener;
	unsigned port;
	const char *answer; /* NULL: hangs up; "": says nothing until the client has gone */
	atomic_uint connections;
	char got[ROOM]; /* the last request */
};

static size_t content_length(const char *head)
{
	const char *at = strcasestr(head, "content-length:");
	return at ? strtoul(at + 15, NULL, 10) : 0;
}

/* False: the client has gone. */
static bool read_request(struct receiver *r, int fd)
{
	size_t n = 0, body = SIZE_MAX;
	do {
		ssize_t got = recv(fd, r->got + n, sizeof(r->got) - 1 - n, 0);
		if (got <= 0)
			return false;
		n += (size_t)got;
		r->got[n] = '\0';
		char *end = strstr(r->got, "\r\n\r\n");
		if (end)
			body = (size_t)(end + 4 - r->got) + content_length(r->got);
	} while (n < body);
	return true;
}

static void serve(struct receiver *r, int fd)
{
	char drop[16];
	while (read_request(r, fd)) {
		if (!r->answer)
			return;
		if (!*r->answer) {
			while (recv(fd, drop, sizeof(drop), 0) > 0)
				;
			return;
		}
		if (send(fd, r->answer, strlen(r->answer), MSG_NOSIGNAL) < 0)
			return;
	}
}

static void *receive(void *arg)
{
	struct receiver *r = arg;
	int fd;
	while ((fd = accept(r->listener, NULL, NULL)) >= 0) {
		r->connections++;
		serve(r, fd);
		close(fd);
	}
	return NULL;
}

static void receiver_open(struct receiver *r, const char *answer)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(at);
	*r = (struct receiver){ .answer = answer };
	r->listener = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(r->listener, (struct sockaddr *)&at, size), 0);
	assert_int_equal(listen(r->listener, 100), 0);
	assert_int_equal(getsockname(r->listener, (struct sockaddr *)&at, &size), 0);
	r->port = ntohs(at.sin_port);
	assert_int_equal(pthread_create(&r->thread, NULL, receive, r), 0);
}

static void receiver_close(struct receiver *r)
{
	shutdown(r->listener, SHUT_RDWR);
	pthread_join(r->thread, NULL);
	close(r->listener);
}

/* --- A name with an address of this machine and a public one, where nobody listens --- */

#define TWOFOLD_NAME "twofold.test"
#define PUBLIC       "1.2.3.4"

static bool is_public(const struct sockaddr *at)
{
	struct sockaddr_in in;
	if (at->sa_family != AF_INET)
		return false;
	memcpy(&in, at, sizeof(in));
	return in.sin_addr.s_addr == inet_addr(PUBLIC);
}

/* In front of the C library's: nothing leaves this machine. */
int connect(int fd, const struct sockaddr *at, socklen_t n)
{
	int (*real)(int, const struct sockaddr *, socklen_t);
	if (is_public(at)) {
		errno = ECONNREFUSED;
		return -1;
	}
	*(void **)&real = dlsym(RTLD_NEXT, "connect");
	return real(fd, at, n);
}

/* --- A name whose servers do not answer --- */

#define SILENT_NAME "silent.test"

/* libcurl's thread that asks for it is held up until it may go on, or for long. */
static struct {
	sem_t asked, go_on, gone_on;
} silence;

/* In front of the C library's. */
int getaddrinfo(const char *restrict name, const char *restrict service,
		const struct addrinfo *restrict hints, struct addrinfo **restrict out)
{
	int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
	if (name && strcmp(name, SILENT_NAME) == 0) {
		struct timespec until;
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec += WAIT_MS / 1000;
		sem_post(&silence.asked);
		sem_timedwait(&silence.go_on, &until);
		sem_post(&silence.gone_on);
		return EAI_AGAIN;
	}
	*(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
	if (!name || strcmp(name, TWOFOLD_NAME) != 0)
		return real(name, service, hints, out);
	assert_int_equal(real("127.0.0.1", service, hints, out), 0);
	struct addrinfo *last = *out;
	while (last->ai_next)
		last = last->ai_next;
	return real(PUBLIC, service, hints, &last->ai_next);
}

/* --- One attempt --- */

static unsigned n_done;

static void on_done(struct attempt *a)
{
	(void)a;
	n_done++;
}

struct trial {
	struct attempt attempt;
	struct destination destination;
	char url[100];
};

static void trial_init(struct trial *t, const char *host, unsigned port)
{
	memset(t, 0, sizeof(*t));
	arena_init(&t->attempt.arena, 1 << 20, NULL);
	snprintf(t->url, sizeof(t->url), "http://%s:%u/in", host, port);
	t->destination = (struct destination){
		.type = DESTINATION_WEBHOOK,
		.url = str_of(t->url),
		.secrets = { base64_parse(&t->attempt.arena,
					  STR("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")) },
		.n_secrets = 1,
		.allow_private = true,
	};
	t->attempt.destination = &t->destination;
	t->attempt.id = STR("msg_p5jXN8AQM9LWM0D4loKWxJek");
	t->attempt.now = 1614265330 * US_PER_S;
	t->attempt.body = STR("{\"test\": 2432232314}");
	t->attempt.done = on_done;
}

static void send_all(struct http *h, struct trial *trials, unsigned n)
{
	int64_t until = time_monotonic_ms() + WAIT_MS;
	n_done = 0;
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(webhook.send(h, &trials[i].attempt), 0);
	while (n_done < n && time_monotonic_ms() < until)
		http_run(h, 1000);
	assert_int_equal(n_done, n);
}

#define ANSWER(line, headers, body) "HTTP/1.1 " line "\r\n" headers "\r\n" body

static void test_outcomes(void **state)
{
	static const struct {
		const char *answer;
		enum attempt_outcome outcome;
		int status;
		int64_t retry_after_s;
		const char *said;
	} cases[] = {
		{ ANSWER("200 OK", "Content-Length: 2\r\n", "ok"), ATTEMPT_DELIVERED, 200, -1,
		  "ok" },
		{ ANSWER("204 No Content", "", ""), ATTEMPT_DELIVERED, 204, -1, "" },
		{ ANSWER("299 Odd", "Content-Length: 0\r\n", ""), ATTEMPT_DELIVERED, 299, -1, "" },
		{ ANSWER("302 Found", "Location: http://127.0.0.1:1/\r\nContent-Length: 0\r\n", ""),
		  ATTEMPT_RETRY, 302, -1, "" },
		{ ANSWER("400 Bad", "Content-Length: 3\r\n", "bad"), ATTEMPT_RETRY, 400, -1,
		  "bad" },
		{ ANSWER("410 Gone", "Content-Length: 0\r\n", ""), ATTEMPT_DISABLE, 410, -1, "" },
		{ ANSWER("429 Slow", "Retry-After: 7\r\nContent-Length: 0\r\n", ""), ATTEMPT_RETRY,
		  429, 7, "" },
		{ ANSWER("503 Busy", "Retry-After: soon\r\nContent-Length: 0\r\n", ""),
		  ATTEMPT_RETRY, 503, -1, "" },
		{ ANSWER("500 Oops", "Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n0\r\n\r\n"),
		  ATTEMPT_RETRY, 500, -1, "abc" },
		{ NULL, ATTEMPT_RETRY, 0, -1, NULL },
		{ "SSH-2.0-x\r\n", ATTEMPT_RETRY, 0, -1, NULL },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct receiver r;
		struct trial t;
		struct http *h;
		receiver_open(&r, cases[i].answer);
		trial_init(&t, "127.0.0.1", r.port);
		assert_int_equal(http_new(&h), 0);
		send_all(h, &t, 1);
		assert_int_equal(t.attempt.outcome, cases[i].outcome);
		assert_int_equal(t.attempt.status, cases[i].status);
		assert_int_equal(t.attempt.retry_after_s, cases[i].retry_after_s);
		if (cases[i].said)
			assert_true(str_eq(t.attempt.answer, str_of(cases[i].said)));
		else
			assert_true(t.attempt.answer.n > 0);
		http_free(h);
		receiver_close(&r);
		arena_fini(&t.attempt.arena);
	}
}

static void assert_header(const char *request, const char *line)
{
	if (!strcasestr(request, line))
		fail_msg("no \"%s\" in %s", line, request);
}

/* The example of the specification's own libraries. */
static void test_what_is_sent(void **state)
{
	struct receiver r;
	struct trial t;
	struct http *h;
	(void)state;
	receiver_open(&r, ANSWER("200 OK", "Content-Length: 0\r\n", ""));
	trial_init(&t, "127.0.0.1", r.port);
	assert_int_equal(http_new(&h), 0);
	send_all(h, &t, 1);
	assert_memory_equal(r.got, "POST /in HTTP/1.1\r\n", 19);
	assert_header(r.got, "\r\nwebhook-id: msg_p5jXN8AQM9LWM0D4loKWxJek\r\n");
	assert_header(r.got, "\r\nwebhook-timestamp: 1614265330\r\n");
	assert_header(r.got, "\r\nwebhook-signature: "
			     "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=\r\n");
	assert_header(r.got, "\r\ncontent-type: application/json\r\n");
	assert_header(r.got, "\r\n\r\n{\"test\": 2432232314}");
	assert_null(strcasestr(r.got, "expect:"));
	http_free(h);
	receiver_close(&r);
	arena_fini(&t.attempt.arena);
}

static void test_connections_are_kept(void **state)
{
	enum { N = 20 };
	struct receiver r;
	struct http *h;
	(void)state;
	receiver_open(&r, ANSWER("200 OK", "Content-Length: 0\r\n", ""));
	assert_int_equal(http_new(&h), 0);
	for (unsigned i = 0; i < N; i++) {
		struct trial t;
		trial_init(&t, "127.0.0.1", r.port);
		send_all(h, &t, 1);
		assert_int_equal(t.attempt.outcome, ATTEMPT_DELIVERED);
		arena_fini(&t.attempt.arena);
	}
	assert_int_equal(r.connections, 1);
	http_free(h);
	receiver_close(&r);
}

/* Also through a name, and through a connection that somebody opened who may. */
static void test_private_addresses(void **state)
{
	static const char *const hosts[] = { "127.0.0.1", "localhost", "[::ffff:127.0.0.1]",
					     "0x7f.1", "0.0.0.0" };
	struct receiver r;
	struct http *h;
	(void)state;
	receiver_open(&r, ANSWER("200 OK", "Content-Length: 0\r\n", ""));
	assert_int_equal(http_new(&h), 0);
	for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
		struct trial t;
		trial_init(&t, hosts[i], r.port);
		t.destination.allow_private = false;
		send_all(h, &t, 1);
		assert_int_equal(t.attempt.outcome, ATTEMPT_DEAD);
		assert_int_equal(t.attempt.status, 0);
		arena_fini(&t.attempt.arena);
	}
	assert_int_equal(r.connections, 0);
	for (unsigned may = 2; may-- > 0;) {
		struct trial t;
		trial_init(&t, "127.0.0.1", r.port);
		t.destination.allow_private = may;
		r.got[0] = '\0';
		send_all(h, &t, 1);
		assert_int_equal(t.attempt.outcome, may ? ATTEMPT_DELIVERED : ATTEMPT_DEAD);
		assert_int_equal(r.got[0] != '\0', may);
		arena_fini(&t.attempt.arena);
	}
	http_free(h);
	receiver_close(&r);
}

/* A name that leads to a public address too is tried again when that cannot be reached just now,
 * also where somebody who may has left a connection to the other one. */
static void test_a_private_address_among_others(void **state)
{
	struct receiver r;
	struct http *h;
	(void)state;
	receiver_open(&r, ANSWER("200 OK", "Content-Length: 0\r\n", ""));
	assert_int_equal(http_new(&h), 0);
	for (unsigned i = 0; i < 3; i++) {
		struct trial t;
		bool may = i == 1;
		trial_init(&t, TWOFOLD_NAME, r.port);
		t.destination.allow_private = may;
		r.got[0] = '\0';
		send_all(h, &t, 1);
		assert_int_equal(t.attempt.outcome, may ? ATTEMPT_DELIVERED : ATTEMPT_RETRY);
		assert_int_equal(r.got[0] != '\0', may);
		arena_fini(&t.attempt.arena);
	}
	http_free(h);
	receiver_close(&r);
}

/* Of answers without an end no more is read than was asked for. */
static void test_no_more_than_asked_for(void **state)
{
	static const struct {
		const char *begin, *more;
		size_t answer_n;
		enum attempt_outcome outcome;
	} cases[] = {
		{ ANSWER("200 OK", "Content-Length: 2900000000\r\n", ""), "xxxxxxxx",
		  HTTP_ANSWER_MAX, ATTEMPT_DELIVERED },
		{ ANSWER("200 OK", "Transfer-Encoding: chunked\r\n", "2\r\nok\r\n0\r\n"),
		  "Trailer: more\r\n", 2, ATTEMPT_DELIVERED },
		{ "HTTP/1.1 200 OK\r\n", "Header: more\r\n", SIZE_MAX, ATTEMPT_RETRY },
		{ "", "HTTP/1.1 103 Early Hints\r\nLink: more\r\n\r\n", SIZE_MAX, ATTEMPT_RETRY },
	};
	static char answer[3 * 1024 * 1024];
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct receiver r;
		struct trial t;
		struct http *h;
		size_t n = (size_t)sprintf(answer, "%s", cases[i].begin);
		for (; n < 2900000; n += strlen(cases[i].more))
			strcpy(answer + n, cases[i].more);
		receiver_open(&r, answer);
		trial_init(&t, "127.0.0.1", r.port);
		assert_int_equal(http_new(&h), 0);
		send_all(h, &t, 1);
		assert_int_equal(t.attempt.outcome, cases[i].outcome);
		if (cases[i].answer_n != SIZE_MAX)
			assert_int_equal(t.attempt.answer.n, cases[i].answer_n);
		http_free(h);
		receiver_close(&r);
		arena_fini(&t.attempt.arena);
	}
}

/* What is under way when the end comes is dropped, and nobody is told. */
static void test_dropped_at_the_end(void **state)
{
	struct receiver r;
	struct trial t;
	struct http *h;
	(void)state;
	receiver_open(&r, "");
	trial_init(&t, "127.0.0.1", r.port);
	assert_int_equal(http_new(&h), 0);
	n_done = 0;
	assert_int_equal(webhook.send(h, &t.attempt), 0);
	http_run(h, 10);
	assert_int_equal(n_done, 0);
	http_free(h);
	receiver_close(&r);
	arena_fini(&t.attempt.arena);
}

struct pipe {
	int from, to;
	unsigned n_read;
};

static void read_one(void *arg)
{
	struct pipe *p = arg;
	char c;
	p->n_read += read(p->from, &c, 1) == 1;
}

/* Also while exchanges end in every round. */
static void test_watched(void **state)
{
	enum { N = 3 };
	struct pipe pipes[HTTP_WATCHES_MAX] = { 0 };
	struct receiver r;
	struct http *h;
	(void)state;
	receiver_open(&r, ANSWER("200 OK", "Content-Length: 0\r\n", ""));
	assert_int_equal(http_new(&h), 0);
	for (size_t i = 0; i < ARRAY_LEN(pipes); i++) {
		int ends[2];
		assert_int_equal(pipe(ends), 0);
		pipes[i].from = ends[0];
		pipes[i].to = ends[1];
		assert_int_equal(http_watch(h, ends[0], read_one, &pipes[i]), 0);
	}
	assert_int_equal(http_watch(h, pipes[0].from, read_one, &pipes[0]), -ENOSPC);
	assert_int_equal(write(pipes[2].to, "abc", N), N);
	for (unsigned i = 1; i <= N; i++) {
		http_run(h, WAIT_MS);
		assert_int_equal(pipes[2].n_read, i);
	}
	http_unwatch(h, pipes[2].from);
	assert_int_equal(write(pipes[2].to, "d", 1), 1);
	assert_int_equal(write(pipes[3].to, "e", 1), 1);
	struct trial t;
	trial_init(&t, "127.0.0.1", r.port);
	send_all(h, &t, 1);
	assert_int_equal(pipes[3].n_read, 1);
	assert_int_equal(pipes[2].n_read, N);
	assert_int_equal(pipes[0].n_read + pipes[1].n_read, 0);
	for (size_t i = 0; i < ARRAY_LEN(pipes); i++) {
		close(pipes[i].from);
		close(pipes[i].to);
	}
	arena_fini(&t.attempt.arena);
	http_free(h);
	receiver_close(&r);
}

/* --- Exchanges --- */

static void on_ended(struct exchange *x)
{
	(void)x;
	n_done++;
}

static void begin(struct http *h, struct exchange *x, const char *url)
{
	x->url = str_of(url);
	x->body = STR("{}");
	x->allow_private = true;
	x->timeout_ms = x->timeout_ms ?: WAIT_MS;
	x->done = on_ended;
	n_done = 0;
	assert_int_equal(http_start(h, x), 0);
}

static void await(struct http *h)
{
	int64_t until = time_monotonic_ms() + WAIT_MS;
	while (n_done == 0 && time_monotonic_ms() < until)
		http_run(h, 1000);
	assert_int_equal(n_done, 1);
}

static void exchange(struct http *h, struct exchange *x, unsigned port)
{
	char url[100];
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/", port);
	begin(h, x, url);
	await(h);
}

static unsigned closed_port(void)
{
	struct receiver r;
	receiver_open(&r, NULL);
	receiver_close(&r);
	return r.port;
}

static void test_whether_it_was_sent(void **state)
{
	static const struct {
		const char *answer;
		bool listens, sent;
		int status, begun_status;
		int64_t timeout_ms;
	} cases[] = {
		{ ANSWER("201 Created", "Content-Length: 0\r\n", ""), true, true, 201, 0, 0 },
		{ NULL, true, true, 0, 0, 0 },
		{ "", true, true, 0, 0, 100 },
		{ ANSWER("201 Created", "Content-Length: 9\r\n", "so"), true, true, 0, 201, 500 },
		{ NULL, false, false, 0, 0, 0 },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct exchange x = { .timeout_ms = cases[i].timeout_ms };
		struct receiver r;
		struct http *h;
		assert_int_equal(http_new(&h), 0);
		if (cases[i].listens)
			receiver_open(&r, cases[i].answer);
		exchange(h, &x, cases[i].listens ? r.port : closed_port());
		assert_int_equal(x.sent, cases[i].sent);
		assert_int_equal(x.status, cases[i].status);
		assert_int_equal(x.begun_status, cases[i].begun_status);
		http_free(h);
		if (cases[i].listens)
			receiver_close(&r);
	}
}

static void test_once_is_on_a_connection_of_its_own(void **state)
{
	struct receiver r;
	struct http *h;
	(void)state;
	receiver_open(&r, ANSWER("200 OK", "Content-Length: 0\r\n", ""));
	assert_int_equal(http_new(&h), 0);
	for (unsigned i = 0; i < 3; i++) {
		struct exchange x = { .once = true };
		exchange(h, &x, r.port);
		assert_int_equal(x.status, 200);
	}
	assert_int_equal(r.connections, 3);
	http_free(h);
	receiver_close(&r);
}

static bool has_gone_on(void)
{
	int n;
	sem_getvalue(&silence.gone_on, &n);
	return n > 0;
}

/* Neither an exchange whose time is over nor the end waits for a name: nor do the others. */
static void test_a_name_holds_nobody_up(void **state)
{
	static const char url[] = "http://" SILENT_NAME "/";
	struct exchange late = { .timeout_ms = 100 }, dropped = { 0 };
	struct http *h;
	(void)state;
	sem_init(&silence.asked, 0, 0);
	sem_init(&silence.go_on, 0, 0);
	sem_init(&silence.gone_on, 0, 0);
	assert_int_equal(http_new(&h), 0);
	begin(h, &late, url);
	await(h);
	assert_int_equal(late.status, 0);
	assert_false(late.sent);
	assert_false(has_gone_on());
	begin(h, &dropped, url);
	http_run(h, 0);
	http_free(h);
	assert_false(has_gone_on());
	for (unsigned i = 0; i < 2; i++) {
		sem_wait(&silence.asked);
		sem_post(&silence.go_on);
		sem_wait(&silence.gone_on);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_outcomes),
		cmocka_unit_test(test_whether_it_was_sent),
		cmocka_unit_test(test_once_is_on_a_connection_of_its_own),
		cmocka_unit_test(test_a_name_holds_nobody_up),
		cmocka_unit_test(test_what_is_sent),
		cmocka_unit_test(test_connections_are_kept),
		cmocka_unit_test(test_private_addresses),
		cmocka_unit_test(test_a_private_address_among_others),
		cmocka_unit_test(test_no_more_than_asked_for),
		cmocka_unit_test(test_dropped_at_the_end),
		cmocka_unit_test(test_watched),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
