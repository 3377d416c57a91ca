/* Answers: their shape, their order, when they are late or large. */
#include "harness.h"

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
		  "\r\nContent-Length: 9\r\n", "Content-Type" },
		{ "GET /status?204 HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 204 No Content\r\n",
		  "\r\nDate: ", "Content-" },
		{ "GET /status?299 HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 299 \r\n",
		  "\r\nDate: ", "Connection" },
		{ "GET /status?503 HTTP/1.1\r\n" HOST "\r\n",
		  "HTTP/1.1 503 Service Unavailable\r\n", "\r\nDate: ", "Connection" },
		{ "GET /begun HTTP/1.1\r\n" HOST "\r\n",
		  "HTTP/1.1 503 Service Unavailable\r\n", "\r\nRetry-After: 1\r\n", "X-Begun" },
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

static void test_what_the_app_sees(void **state)
{
	static const struct {
		const char *in, *body;
	} cases[] = {
		{ "GET /field?x HTTP/1.1\r\n" HOST "X: one\r\nX: two\r\n\r\n", "one" },
		{ "GET /field?X-Y HTTP/1.1\r\n" HOST "x-y: \t a b \t \r\n\r\n", "a b" },
		{ "GET /field?host HTTP/1.1\r\n" HOST "\r\n", "a.example" },
		{ "GET /field?X HTTP/1.1\r\n" HOST "XX: 1\r\n\r\n", "" },
		{ "GET /inject HTTP/1.1\r\n" HOST "\r\n", "127.0.0.1" },
	};
	(void)state;
	int fd = begin(NULL);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		say(fd, cases[i].in);
		expect(200, cases[i].body);
	}
	end(fd);
}

/* ---- order, pauses ---- */

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
	(void)state;
	int fd = begin(NULL);
	say_numbered(fd, "hold", 20);
	until(n_held() == 20);
	release_held();
	expect_numbered("hold", 0, 20);
	end(fd);
}

static void test_pause(void **state)
{
	struct net_config c = config();
	(void)state;
	c.limits.pipeline_max = 4;
	int fd = begin(&c);
	say_numbered(fd, "hold", 1000);
	for (unsigned answered = 0; answered < 1000; answered += 4) {
		until(n_held() == 4);
		usleep(answered < 20 ? 5000 : 0); /* time to do wrong */
		assert_int_equal(n_held(), 4);
		release_held();
		expect_numbered("hold", answered, answered + 4);
	}
	end(fd);
}

/* What is cut by the pause may also be a request that has only begun, or half a body. */
static void test_pause_cuts(void **state)
{
	struct net_config c = config();
	(void)state;
	c.limits.pipeline_max = 2;
	int fd = begin(&c);
	say_numbered(fd, "hold", 2);
	say(fd, POST "Content-Le");
	until(n_held() == 2);
	say(fd, "ngth: 5\r\n\r\nhe");
	release_held();
	expect_numbered("hold", 0, 2);
	say(fd, "llo");
	expect(200, "hello");
	end(fd);
}

static void test_work(void **state)
{
	(void)state;
	int fd = begin(NULL);
	say(fd, "GET /work HTTP/1.1\r\n" HOST "\r\n" GET_OK);
	expect(200, "/work");
	expect(200, "/ok");
	end(fd);
}

/* ---- bodies ---- */

static void test_large_chunked_body(void **state)
{
	enum { SIZE = 3 * 1024 * 1024 };
	struct answer a;
	(void)state;
	int fd = begin(NULL);
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
	end(fd);
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
	struct answer a;
	(void)state;
	int fd = begin(NULL);
	say(fd, "GET /big HTTP/1.1\r\n" HOST "\r\nGET /big HTTP/1.1\r\n" HOST "\r\n" GET_OK);
	for (int i = 0; i < 2; i++) {
		assert_true(next_answer(&a));
		assert_int_equal(a.body_n, sizeof(big));
	}
	expect(200, "/ok");
	end(fd);
}

/* ---- 100-continue ---- */

static void test_continue(void **state)
{
	(void)state;
	int fd = begin(NULL);

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
	end(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answer_shape),
		cmocka_unit_test(test_what_the_app_sees),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_reverse_order),
		cmocka_unit_test(test_pause),
		cmocka_unit_test(test_pause_cuts),
		cmocka_unit_test(test_work),
		cmocka_unit_test(test_large_chunked_body),
		cmocka_unit_test(test_refusal_is_readable),
		cmocka_unit_test(test_large_answer),
		cmocka_unit_test(test_continue),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
