/* Bodies: where they end, how large they may be, what is asked of them. Each case is sent whole and
 * byte by byte. */
#include "wire.h"

/* clang-format off */
static const struct wire wires[] = {
	/* Lengths. */
	{ "two lengths", STR_INIT(POST "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello"),
	  REFUSED(400) },
	{ "two equal lengths", STR_INIT(POST
	  "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello"), REFUSED(400) },
	{ "list of lengths", STR_INIT(POST "Content-Length: 5, 5\r\n\r\nhello"), REFUSED(400) },
	{ "length +5", STR_INIT(POST "Content-Length: +5\r\n\r\nhello"), REFUSED(400) },
	{ "length -5", STR_INIT(POST "Content-Length: -5\r\n\r\nhello"), REFUSED(400) },
	{ "length 0x5", STR_INIT(POST "Content-Length: 0x5\r\n\r\nhello"), REFUSED(400) },
	{ "length 5_0", STR_INIT(POST "Content-Length: 5_0\r\n\r\nhello"), REFUSED(400) },
	{ "length 5 0", STR_INIT(POST "Content-Length: 5 0\r\n\r\nhello"), REFUSED(400) },
	{ "length 5.0", STR_INIT(POST "Content-Length: 5.0\r\n\r\nhello"), REFUSED(400) },
	{ "length abc", STR_INIT(POST "Content-Length: abc\r\n\r\nhello"), REFUSED(400) },
	{ "no digits", STR_INIT(POST "Content-Length: \r\n\r\nhello"), REFUSED(400) },
	{ "length over 64 bits", STR_INIT(POST
	  "Content-Length: 18446744073709551621\r\n\r\nhello"), REFUSED(400) },
	{ "length and chunks", STR_INIT(POST
	  "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" SMUGGLED),
	  REFUSED(400) },
	{ "chunks and length", STR_INIT(POST
	  "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" SMUGGLED),
	  REFUSED(400) },
	{ "chunks and length 0", STR_INIT(POST
	  "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n0\r\n\r\n"), REFUSED(400) },
	{ "POST without a length has no body", STR_INIT(POST "\r\n"), { 200 }, KEPT, "" },
	{ "POST without a length ends with its head", STR_INIT(POST "\r\n" GET_OK), { 200, 200 },
	  KEPT, "/ok" },
	{ "POST without a length, and a body", STR_INIT(POST "\r\n{\"a\":1}"), { 200, 400 },
	  CLOSED, NULL },
	{ "PUT without a length", STR_INIT("PUT /echo HTTP/1.1\r\n" HOST "\r\n"), { 200 }, KEPT,
	  "" },
	{ "PATCH without a length, 1.0", STR_INIT("PATCH /echo HTTP/1.0\r\n\r\n"), { 200 },
	  CLOSED, "" },

	/* Transfer codings. */
	{ "chunks", STR_INIT(CHUNKED "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n" GET_OK),
	  { 200, 200 }, KEPT, "/ok" },
	{ "chunks, put together", STR_INIT(CHUNKED "5\r\nhello\r\n006\r\n world\r\n00\r\n\r\n"),
	  { 200 }, KEPT, "hello world" },
	{ "no chunk but the last", STR_INIT(CHUNKED "0\r\n\r\n"), { 200 }, KEPT, "" },
	{ "upper-case Chunked", STR_INIT(POST "Transfer-Encoding: Chunked\r\n\r\n0\r\n\r\n"),
	  { 200 }, KEPT, "" },
	{ "chunk sizes in hex", STR_INIT(CHUNKED
	  "A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n"), { 200 }, KEPT, "01234567890123456789"
	  },
	{ "chunk extensions", STR_INIT(CHUNKED "2;a;b=c;d=\"e f\"\r\nhi\r\n0;z\r\n\r\n" GET_OK),
	  { 200, 200 }, KEPT, "/ok" },
	{ "trailers", STR_INIT(CHUNKED "2\r\nhi\r\n0\r\nX: y\r\nZ: a b\r\n\r\n" GET_OK),
	  { 200, 200 }, KEPT, "/ok" },
	{ "chunks to GET", STR_INIT("GET /echo HTTP/1.1\r\n" HOST
	  "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"), { 200 }, KEPT, "hi" },
	{ "gzip", STR_INIT(POST "Transfer-Encoding: gzip\r\n\r\n"), REFUSED(501) },
	{ "gzip, chunked", STR_INIT(POST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
	  REFUSED(501) },
	{ "chunked, gzip", STR_INIT(POST "Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n"),
	  REFUSED(400) },
	{ "identity", STR_INIT(POST "Transfer-Encoding: identity\r\n\r\n"), REFUSED(501) },
	{ "xchunked", STR_INIT(POST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"), REFUSED(501)
	  },
	{ "chunkedx", STR_INIT(POST "Transfer-Encoding: chunkedx\r\n\r\n0\r\n\r\n"), REFUSED(501)
	  },
	{ "chunked;q=1", STR_INIT(POST "Transfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n"),
	  REFUSED(501) },
	{ "chunked twice", STR_INIT(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"
	  "\r\n\r\n0\r\n\r\n"), REFUSED(400) },
	{ "quoted coding", STR_INIT(POST "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n"),
	  REFUSED(400) },
	{ "vertical tab in the coding", STR_INIT(POST "Transfer-Encoding: \x0b"
	  "chunked\r\n\r\n0\r\n\r\n"), REFUSED(400) },
	{ "empty coding", STR_INIT(POST "Transfer-Encoding:\r\n\r\n"), REFUSED(400) },
	{ "chunks in 1.0",
	  STR_INIT("POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
	  REFUSED(400) },
	{ "chunk size +5", STR_INIT(CHUNKED "+5\r\nhello\r\n0\r\n\r\n"), REFUSED(400) },
	{ "chunk size 0x5", STR_INIT(CHUNKED "0x5\r\nhello\r\n0\r\n\r\n"), REFUSED(400) },
	{ "chunk size -5", STR_INIT(CHUNKED "-5\r\nhello\r\n0\r\n\r\n"), REFUSED(400) },
	{ "chunk size 5_0", STR_INIT(CHUNKED "5_0\r\nhello\r\n0\r\n\r\n"), REFUSED(400) },
	{ "no chunk size", STR_INIT(CHUNKED "\r\nhello\r\n0\r\n\r\n"), REFUSED(400) },
	{ "only an extension", STR_INIT(CHUNKED ";a\r\nhello\r\n0\r\n\r\n"), REFUSED(400) },
	{ "blank before a chunk size", STR_INIT(CHUNKED " 5\r\nhello\r\n0\r\n\r\n"), REFUSED(400)
	  },
	{ "blank behind a chunk size", STR_INIT(CHUNKED "5 \r\nhello\r\n0\r\n\r\n"), REFUSED(400)
	  },
	{ "chunk size over 64 bits", STR_INIT(CHUNKED "10000000000000005\r\nhello\r\n0\r\n\r\n"),
	  REFUSED(400) },
	{ "LF behind a chunk size", STR_INIT(CHUNKED "5\nhello\r\n0\r\n\r\n"), REFUSED(400) },
	{ "CR behind a chunk size", STR_INIT(CHUNKED "5\rhello\r\n0\r\n\r\n"), REFUSED(400) },
	{ "LF behind an extension", STR_INIT(CHUNKED "5;a\nhello\r\n0\r\n\r\n"), REFUSED(400) },
	{ "CR in an extension", STR_INIT(CHUNKED "5;a\rb\r\nhello\r\n0\r\n\r\n"), REFUSED(400) },
	{ "LF in a quoted extension", STR_INIT(CHUNKED "5;a=\"\n\"\r\nhello\r\n0\r\n\r\n"),
	  REFUSED(400) },
	{ "NUL in an extension", STR_INIT(CHUNKED "5;\0\r\nhello\r\n0\r\n\r\n"), REFUSED(400) },
	{ "LF behind a chunk", STR_INIT(CHUNKED "5\r\nhello\n0\r\n\r\n"), REFUSED(400) },
	{ "CR behind a chunk", STR_INIT(CHUNKED "5\r\nhello\r0\r\n\r\n"), REFUSED(400) },
	{ "nothing behind a chunk", STR_INIT(CHUNKED "5\r\nhello0\r\n\r\n"), REFUSED(400) },
	{ "chunk longer than said", STR_INIT(CHUNKED "5\r\nhello!\r\n0\r\n\r\n"), REFUSED(400) },
	{ "LF behind the last chunk", STR_INIT(CHUNKED "0\n\r\n"), REFUSED(400) },
	{ "LF at the very end", STR_INIT(CHUNKED "0\r\n\n"), REFUSED(400) },
	{ "CR at the very end", STR_INIT(CHUNKED "0\r\n\rX"), REFUSED(400) },
	{ "LF behind a trailer", STR_INIT(CHUNKED "0\r\nX: y\n\r\n"), REFUSED(400) },
	{ "folded trailer", STR_INIT(CHUNKED "0\r\nX: y\r\n z\r\n\r\n"), REFUSED(400) },
	{ "blank before a trailer", STR_INIT(CHUNKED "0\r\n X: y\r\n\r\n"), REFUSED(400) },
	{ "a line behind a folded trailer", STR_INIT(CHUNKED "0\r\nX:\r\n\ty\r\n\r\n"),
	  REFUSED(400) },
	{ "length in a trailer", STR_INIT(CHUNKED "0\r\nContent-Length: 5\r\n\r\n"), REFUSED(400)
	  },

	/* Upgrades are ignored, and what follows stays framed. */
	{ "Upgrade", STR_INIT(HEAD_OF("Connection: Upgrade\r\nUpgrade: websocket\r\n") GET_OK),
	  { 200, 200 }, KEPT, "/ok" },
	{ "Upgrade h2c", STR_INIT(HEAD_OF("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
	  "HTTP2-Settings: AAMAAABk\r\n")), { 200 }, KEPT, "/x" },
	{ "Upgrade with a length", STR_INIT(POST "Connection: Upgrade\r\nUpgrade: x\r\n"
	  "Content-Length: 5\r\n\r\nhello" GET_OK), { 200, 200 }, KEPT, "/ok" },
	{ "Upgrade with chunks", STR_INIT(POST "Connection: Upgrade\r\nUpgrade: x\r\n"
	  "Transfer-Encoding: chunked\r\n\r\n" "2\r\nhi\r\n0\r\n\r\n" GET_OK), { 200, 200 }, KEPT,
	  "/ok" },

	/* Wishes. */
	{ "identity content", STR_INIT(POST
	  "Content-Encoding: identity\r\nContent-Length: 2\r\n\r\n" "hi"), { 200 }, KEPT, "hi" },
	{ "gzip content", STR_INIT(POST "Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\nhi"),
	  REFUSED(415) },
	{ "two content codings", STR_INIT(POST
	  "Content-Encoding: identity\r\nContent-Encoding: br\r\n" "Content-Length: 2\r\n\r\nhi"),
	  REFUSED(415) },
	{ "unknown expectation", STR_INIT(POST "Expect: wonders\r\nContent-Length: 2\r\n\r\nhi"),
	  REFUSED(417) },
	{ "expectation in 1.0",
	  STR_INIT("POST /echo HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi"),
	  { 200 }, CLOSED, "hi" },
	{ "body just small enough", STR_INIT("POST /small HTTP/1.1\r\n" HOST
	  "Content-Length: 10\r\n\r\n0123456789"), { 200 }, KEPT, "/small" },
	{ "body too large", STR_INIT("POST /small HTTP/1.1\r\n" HOST "Content-Length: 11\r\n\r\n"),
	  REFUSED(413) },
	{ "body far too large", STR_INIT("POST /small HTTP/1.1\r\n" HOST
	  "Content-Length: 18446744073709551615\r\n\r\n"), REFUSED(413) },
	{ "chunks just small enough", STR_INIT("POST /small HTTP/1.1\r\n" HOST
	  "Transfer-Encoding: chunked\r\n\r\n" "5\r\n01234\r\n5\r\n56789\r\n0\r\n\r\n"), { 200 },
	  KEPT, "/small" },
	{ "chunks too large", STR_INIT("POST /small HTTP/1.1\r\n" HOST
	  "Transfer-Encoding: chunked\r\n\r\n" "5\r\n01234\r\n6\r\n567890"), REFUSED(413) },
	{ "good, then bad", STR_INIT(GET_OK "GET / HTTP/1.1\r\n\r\n" SMUGGLED), { 200, 400 },
	  CLOSED, NULL },
	{ "later, then bad", STR_INIT("GET /later HTTP/1.1\r\n" HOST "\r\nGET /\n"), { 200, 400 },
	  CLOSED, NULL },
	{ "the app closes", STR_INIT("GET /bye HTTP/1.1\r\n" HOST "\r\n"), { 200 }, CLOSED, "/bye"
	  },
	{ "no memory for an answer", STR_INIT("GET /hog HTTP/1.1\r\n" HOST "\r\n"), { 503 },
	  CLOSED, "" },
	{ "no memory for the rest of it", STR_INIT("GET /begun HTTP/1.1\r\n" HOST "\r\n"), { 503 },
	  CLOSED, "" },
	{ "the same for the head alone", STR_INIT("HEAD /begun HTTP/1.1\r\n" HOST "\r\n"), { 503 },
	  CLOSED, "" },
	{ "no memory to begin it", STR_INIT("GET /bare HTTP/1.1\r\n" HOST "\r\n"), { 503 },
	  CLOSED, "" },
	{ "the same in HTTP/1.0", STR_INIT("GET /bare HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"),
	  { 503 }, CLOSED, "" },
};
/* clang-format on */

static void test_whole(void **state)
{
	(void)state;
	check_wires(wires, ARRAY_LEN(wires), SIZE_MAX);
}

static void test_byte_by_byte(void **state)
{
	(void)state;
	check_wires(wires, ARRAY_LEN(wires), 1);
}

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

/* What says something in an encoded way can be decoded, or it is not served at all. */
static void test_memory_of_target(void **state)
{
	enum { N = 5000 };
	static const struct {
		const char *before, *after;
		int status;
	} cases[] = {
		{ "", "", 200 },        { "?a=", "", 200 },    { "%61", "", 503 },
		{ "", "%61", 503 },     { "?a=", "%61", 503 }, { "?a=+", "", 503 },
		{ "?a=", "&b+=", 503 },
	};
	static char target[2 * N];
	struct net_config c = config();
	(void)state;
	c.limits.request_memory_max = 10 * 1024;
	start(&c);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int fd = dial();
		inbox_of(fd);
		snprintf(target, sizeof(target), "GET /%s%.*s%s HTTP/1.1\r\n" HOST "\r\n",
			 cases[i].before, N, big, cases[i].after);
		say(fd, target);
		expect(cases[i].status, NULL);
		close(fd);
	}
	stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),          cmocka_unit_test(test_byte_by_byte),
		cmocka_unit_test(test_sizes),          cmocka_unit_test(test_memory_of_target),
		cmocka_unit_test(test_memory_ceiling),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
