/* Connections and the server: deadlines, clients that go, listening, stopping. */
#include "base/fail.h"

#include "harness.h"

enum { N_UNTAKEN = 8 };

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
	while (poll(&p, 1, 20) <= 0) {
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

/* More answers than the client takes, and behind them what lies in `begun`: no further request begins
 * until he does. */
static int begin_behind_answers(const struct net_config *c, const char *begun)
{
	char text[N_UNTAKEN * 64] = "";
	for (int i = 0; i < N_UNTAKEN; i++)
		strcat(text, "GET /later/big HTTP/1.1\r\n" HOST "\r\n");
	strcat(text, begun);
	int fd = begin(c);
	say(fd, text);
	until(app.n_served == N_UNTAKEN);
	return fd;
}

static void expect_untaken(void)
{
	struct answer a;
	for (int i = 0; i < N_UNTAKEN; i++) {
		assert_true(next_answer(&a));
		assert_int_equal(a.body_n, sizeof(big));
	}
}

/* What has begun is read to its end meanwhile, so it cannot be late on our side. */
static void test_begun_behind_answers(void **state)
{
	(void)state;
	int fd = begin_behind_answers(NULL, "GET /ok HTTP/1.1\r\nHo");
	say(fd, "st: a\r\n\r\n" GET_OK);
	until(app.n_served == N_UNTAKEN + 1);
	expect_untaken();
	expect(200, "/ok");
	expect(200, "/ok");
	end(fd);
}

/* What never becomes a request ends the connection all the same, in time. */
static void test_late_behind_answers(void **state)
{
	static const char *const begun[] = { "G", "GET / HTTP/1.1\r\nHo" };
	struct net_config c = config();
	(void)state;
	c.limits.head_ms = 100;
	for (int i = 0; i < 2; i++) {
		int fd = begin_behind_answers(&c, begun[i]);
		say(fd, i ? "s" : "E");
		usleep(300 * 1000);
		expect_untaken();
		if (i)
			expect(408, NULL);
		expect_end();
		until(net_server_connections(app.server) == 0);
		end(fd);
	}
}

/* All of an answer has one deadline, in however many writes it goes. */
static void test_taken_slowly(void **state)
{
	struct net_config c = config();
	int little = 64 * 1024;
	size_t got = 0;
	(void)state;
	c.limits.write_ms = 300;
	int fd = begin(&c);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &little, sizeof(little));
	say(fd, "GET /big HTTP/1.1\r\n" HOST "\r\n");
	for (ssize_t n; (n = recv(fd, inbox.data, 16 * 1024, 0)) > 0; got += (size_t)n)
		usleep(10 * 1000);
	assert_true(got < sizeof(big));
	end(fd);
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
	struct answer a;
	(void)state;
	int fd = begin(NULL);
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
	end(fd);
}

/* What stands behind an answer that closes is not answered, but finished with. */
static void test_close_in_the_middle(void **state)
{
	(void)state;
	int fd = begin(NULL);
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
	say(a, "G"); /* neither is idle */
	say(b, "G");
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

/* Who waits longest for nothing makes room. */
static void test_connections_max_of_idle_ones(void **state)
{
	struct net_config c = config();
	(void)state;
	c.limits.connections_max = 2;
	start(&c);
	int idle[3] = { dial(), dial(), -1 };
	for (int i = 0; i < 2; i++) {
		inbox_of(idle[i]);
		say(idle[i], GET_OK);
		expect(200, "/ok");
	}
	idle[2] = dial();
	inbox_of(idle[2]);
	say(idle[2], GET_OK);
	expect(200, "/ok");
	inbox_of(idle[0]);
	expect_end();
	inbox_of(idle[1]);
	say(idle[1], GET_OK);
	expect(200, "/ok");
	assert_int_equal(net_server_connections(app.server), 2);
	for (int i = 0; i < 3; i++)
		close(idle[i]);
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

/* An address of nobody: RFC 5737 section 3 and RFC 3849 keep these for documents. */
static void test_foreign_addresses(void **state)
{
	static const struct {
		const char *host;
		unsigned loops;
	} cases[] = { { "192.0.2.1", 1 }, { "192.0.2.1", 2 }, { "2001:db8::1", 1 } };
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct net_config c = config();
		struct net_server *s = NULL;
		char want[100];
		c.host = cases[i].host;
		c.port = 8090;
		c.loops = cases[i].loops;
		assert_true(net_server_start(&c, &s) < 0);
		snprintf(want, sizeof(want), "cannot listen on %s port 8090: ", c.host);
		assert_memory_equal(fail_text(), want, strlen(want));
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

/* ---- memory ---- */

/* What others have sent before is read when it has its answers. */
static void ask_often(int fd)
{
	inbox_of(fd);
	for (int i = 0; i < 5; i++) {
		say(fd, GET_OK);
		expect(200, "/ok");
	}
}

/* Those who have shown no key hold a part of the memory together: there is always some for who has. */
static void test_memory_of_strangers(void **state)
{
	enum { N = 60, BODY = 64 * 1024, HELD = BODY - 1, OWN = 100 * 1024 };
	struct net_config c = config();
	int strangers[N], refused = 0;
	struct answer a;
	(void)state;
	c.limits.total_memory_max = 2 * 1024 * 1024;
	start(&c);
	int known = dial();
	for (int i = 0; i < N; i++) {
		strangers[i] = dial();
		say_post(strangers[i], "/stranger", BODY);
		push(strangers[i], (struct str){ big, HELD }, SIZE_MAX);
		ask_often(known);
	}
	say_post(known, "/echo", OWN);
	push(known, (struct str){ big, OWN }, SIZE_MAX);
	assert_true(next_answer(&a));
	assert_int_equal(a.status, 200);
	assert_int_equal(a.body_n, OWN);
	for (int i = 0; i < N; i++) {
		inbox_of(strangers[i]);
		push(strangers[i], (struct str){ big, BODY - HELD }, SIZE_MAX);
		assert_true(next_answer(&a));
		refused += a.status == 503;
		close(strangers[i]);
	}
	assert_in_range(refused, N / 2, N - 8);
	end(known);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_deadlines),
		cmocka_unit_test(test_begun_behind_answers),
		cmocka_unit_test(test_late_behind_answers),
		cmocka_unit_test(test_taken_slowly),
		cmocka_unit_test(test_orphans),
		cmocka_unit_test(test_half_closed),
		cmocka_unit_test(test_close_in_the_middle),
		cmocka_unit_test(test_connections_max),
		cmocka_unit_test(test_connections_max_of_idle_ones),
		cmocka_unit_test(test_taken_port),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_foreign_addresses),
		cmocka_unit_test(test_several_loops),
		cmocka_unit_test(test_drain),
		cmocka_unit_test(test_drain_ends),
		cmocka_unit_test(test_memory_of_strangers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
