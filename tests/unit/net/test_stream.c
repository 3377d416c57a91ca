/* Answers in pieces. Each stream sends so many pieces of a size as its query says, "<n>x<size>",
 * or with n 0 one for every beat; then it ends. */
#include "harness.h"

struct pieces {
	struct reply_stream out;
	uint64_t left, size;
	bool beats, ending;
};

static atomic_uint n_looks, n_gone, n_stopped;

static void go_on(struct reply_stream *out)
{
	struct pieces *p = (struct pieces *)out;
	atomic_fetch_add(&n_looks, 1);
	if (p->ending)
		return;
	bool gone = reply_stream_is_gone(out);
	if (!gone && !reply_stream_is_free(out))
		return;
	if (!gone && !reply_stream_stops(out) && (p->left || p->beats)) {
		if (p->beats && !out->beat)
			return;
		p->left -= !p->beats;
		reply_stream_put(out, p->beats ? STR("beat\n") : (struct str){ big, p->size });
		assert_false(out->beat);
		return;
	}
	atomic_fetch_add(&n_gone, gone);
	atomic_fetch_add(&n_stopped, !gone && reply_stream_stops(out));
	p->ending = true;
	reply_stream_end(out);
}

static void begin_stream(struct request *req)
{
	struct pieces *p = arena_new(&req->arena, struct pieces);
	size_t x = str_find(req->query, 'x');
	assert_true(str_to_u64(str_head(req->query, x), &p->left));
	assert_true(str_to_u64(str_from(req->query, x + 1), &p->size));
	p->beats = p->left == 0;
	p->out.look = go_on;
	reply_begin(req, 200);
	if (!reply_stream_begin(req, STR("text/plain"), &p->out))
		return;
	assert_false(reply_stream_is_free(&p->out));
	if (reply_stream_is_gone(&p->out))
		go_on(&p->out);
}

/* Those that the test begins, in the order in which they came. */
static struct job *waiting[4];
static atomic_uint n_waiting;

static void begin_letter(struct net_letter *letter)
{
	begin_stream(((struct job *)letter)->req);
}

static void serve_stream(void *ctx, struct request *req)
{
	bool later = str_eq(req->path, STR("/stream-later"));
	if (!later && !str_eq(req->path, STR("/stream")))
		return serve(ctx, req);
	atomic_fetch_add(&app.n_served, 1);
	if (!later)
		return begin_stream(req);
	struct job *job = job_new(req);
	job->letter.run = begin_letter;
	assert_true(n_waiting < ARRAY_LEN(waiting));
	waiting[n_waiting] = job;
	atomic_fetch_add(&n_waiting, 1);
}

static void start_streams(unsigned beat_ms)
{
	struct net_config c = config();
	c.app.serve = serve_stream;
	c.limits.beat_ms = beat_ms;
	n_looks = n_gone = n_stopped = n_waiting = 0;
	start(&c);
}

static int ask(const char *request)
{
	int fd = dial();
	inbox_of(fd);
	say(fd, request);
	return fd;
}

static void expect_head(const char *has, const char *has_not)
{
	struct answer a;
	assert_true(next_head(&a));
	assert_int_equal(a.status, 200);
	assert_true(a.says_close);
	assert_null(strstr(a.head, "Content-Length"));
	assert_non_null(strstr(a.head, has));
	assert_null(strstr(a.head, has_not));
}

static void expect_bytes(const char *text)
{
	size_t n = strlen(text);
	while (inbox.n < n)
		assert_true(more());
	assert_memory_equal(inbox.data, text, n);
	forget(n);
}

/* So many bytes and the end. */
static void expect_many(size_t n)
{
	do {
		assert_true(inbox.n <= n);
		n -= inbox.n;
		forget(inbox.n);
	} while (more());
	assert_int_equal(n, 0);
}

#define STREAM(query, version) "GET /stream?" query " HTTP/" version "\r\n" HOST "\r\n"

static void test_chunks(void **state)
{
	(void)state;
	start_streams(60000);
	int fd = ask(STREAM("3x4", "1.1"));
	expect_head("\r\nTransfer-Encoding: chunked\r\n", "keep-alive");
	expect_bytes("4\r\nbbbb\r\n4\r\nbbbb\r\n4\r\nbbbb\r\n0\r\n\r\n");
	expect_many(0);
	close(fd);
	stop();
}

static void test_until_the_connection_ends(void **state)
{
	static const char *const requests[] = {
		STREAM("3x4", "1.0"),
		"GET /stream?3x4 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
	};
	(void)state;
	start_streams(60000);
	for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
		int fd = ask(requests[i]);
		expect_head("\r\nConnection: close\r\n", "chunked");
		expect_bytes("bbbbbbbbbbbb");
		expect_many(0);
		close(fd);
	}
	stop();
}

static void test_head_only(void **state)
{
	(void)state;
	start_streams(60000);
	int fd = ask("HEAD /stream?3x4 HTTP/1.1\r\n" HOST "\r\n");
	expect_head("\r\nTransfer-Encoding: chunked\r\n", "Content-Length");
	expect_many(0);
	close(fd);
	stop();
	assert_int_equal(n_looks, 0);
}

/* Behind others in its turn; what stands behind it is dropped. */
static void test_in_its_turn(void **state)
{
	(void)state;
	start_streams(60000);
	int fd = ask("GET /hold HTTP/1.1\r\n" HOST "\r\n" STREAM("1x1", "1.1") GET_OK);
	until(n_held() == 1);
	release_held();
	expect(200, "/hold");
	expect_head("chunked", "keep-alive");
	expect_bytes("1\r\nb\r\n0\r\n\r\n");
	expect_many(0);
	close(fd);
	stop();
	assert_int_equal(app.n_served, 2);
}

/* An answer that takes several writes is whole before the stream behind it says anything. */
static void test_behind_a_large_answer(void **state)
{
	struct answer a;
	(void)state;
	start_streams(60000);
	int fd = ask("GET /big HTTP/1.1\r\n" HOST "\r\n" STREAM("1x1", "1.1"));
	assert_true(next_answer(&a));
	assert_int_equal(a.body_n, sizeof(big));
	expect_head("chunked", "keep-alive");
	expect_bytes("1\r\nb\r\n0\r\n\r\n");
	expect_many(0);
	close(fd);
	stop();
}

#define LATER(query) "GET /stream-later?" query " HTTP/1.1\r\n" HOST "\r\n"
#define HELD         "GET /hold HTTP/1.1\r\n" HOST "\r\n"

/* Sent before any of them begins, in whatever order they do: the first is answered, what stands before
 * it too, and what stands behind it is not. */
static void test_the_first_of_several(void **state)
{
	static const struct {
		const char *requests;
		const char *order; /* of beginning */
		unsigned others;   /* streams that end without a client */
	} cases[] = {
		{ GET_OK LATER("1x1") LATER("1x2"), "01", 1 },
		{ GET_OK LATER("1x1") LATER("1x2"), "10", 1 },
		{ GET_OK LATER("1x1") LATER("1x2") LATER("0x0"), "210", 2 },
		{ GET_OK LATER("1x1") LATER("1x2") LATER("0x0"), "120", 2 },
		{ GET_OK LATER("1x1") LATER("1x2") LATER("0x0"), "012", 2 },
		{ GET_OK LATER("1x1") GET_OK LATER("0x0") GET_OK, "10", 1 },
		{ GET_OK LATER("1x1") STREAM("0x0", "1.1"), "0", 1 },
		{ GET_OK LATER("1x1") STREAM("0x0", "1.1") LATER("9x9") GET_OK, "0", 1 },
		{ GET_OK STREAM("1x1", "1.1") STREAM("1x2", "1.1"), "", 0 },
		{ GET_OK LATER("1x1") GET_OK POST "Content-Length: 10\r\n\r\nhalf", "0", 0 },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		start_streams(60000);
		int fd = ask(cases[i].requests);
		expect(200, "/ok");
		until(n_waiting == strlen(cases[i].order));
		for (const char *at = cases[i].order; *at; at++)
			net_loop_post(waiting[*at - '0']->req->loop, &waiting[*at - '0']->letter);
		expect_head("chunked", "keep-alive");
		expect_bytes("1\r\nb\r\n0\r\n\r\n");
		expect_many(0);
		close(fd);
		until(n_gone == cases[i].others);
		stop();
	}
}

/* Behind the stream there are others with the app, and the client goes. */
static void test_held_behind_it(void **state)
{
	(void)state;
	start_streams(60000);
	int fd = ask(LATER("0x0") HELD HELD);
	until(n_held() == 2 && n_waiting == 1);
	net_loop_post(waiting[0]->req->loop, &waiting[0]->letter);
	expect_head("chunked", "keep-alive");
	release_held();
	until(app.n_done == 2);
	close(fd);
	until(app.n_done == 3);
	stop();
}

/* Larger than what sockets hold, so that pieces wait. */
static void test_large_pieces(void **state)
{
	(void)state;
	start_streams(60000);
	int fd = ask(STREAM("4x8000000", "1.0"));
	expect_head("close", "chunked");
	expect_many(4 * 8000000);
	close(fd);
	stop();
}

static void test_a_slow_reader_gets_one_piece(void **state)
{
	(void)state;
	start_streams(20);
	int fd = ask(STREAM("100x8000000", "1.1"));
	until(n_looks > 5); /* by beats, while the first waits */
	close(fd);
	until(n_gone == 1);
	stop();
}

static void test_beats(void **state)
{
	(void)state;
	start_streams(5);
	int fd = ask(STREAM("0x0", "1.1"));
	expect_head("chunked", "keep-alive");
	expect_bytes("5\r\nbeat\n\r\n5\r\nbeat\n\r\n5\r\nbeat\n\r\n");
	close(fd);
	until(n_gone == 1);
	stop();
}

static void test_a_client_that_closes_its_half_has_gone(void **state)
{
	(void)state;
	start_streams(60000);
	int fd = ask(STREAM("0x0", "1.1"));
	expect_head("chunked", "keep-alive");
	say(fd, "what it says is dropped");
	shutdown(fd, SHUT_WR);
	expect_many(0);
	until(n_gone == 1);
	close(fd);
	stop();
}

static void test_stop_ends_them(void **state)
{
	(void)state;
	start_streams(60000);
	int fd = ask(STREAM("0x0", "1.1"));
	expect_head("chunked", "keep-alive");
	stop();
	assert_int_equal(n_stopped, 1);
	expect_bytes("0\r\n\r\n");
	expect_many(0);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_chunks),
		cmocka_unit_test(test_until_the_connection_ends),
		cmocka_unit_test(test_head_only),
		cmocka_unit_test(test_in_its_turn),
		cmocka_unit_test(test_behind_a_large_answer),
		cmocka_unit_test(test_the_first_of_several),
		cmocka_unit_test(test_held_behind_it),
		cmocka_unit_test(test_large_pieces),
		cmocka_unit_test(test_a_slow_reader_gets_one_piece),
		cmocka_unit_test(test_beats),
		cmocka_unit_test(test_a_client_that_closes_its_half_has_gone),
		cmocka_unit_test(test_stop_ends_them),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
