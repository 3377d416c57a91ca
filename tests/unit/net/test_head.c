/* Heads: the request line, Host, fields, what a connection does between requests. Each case is sent
 * whole and byte by byte. */
#include "wire.h"

/* clang-format off */
static const struct wire wires[] = {
	{ "plain GET", STR_INIT(GET_OK), { 200 }, KEPT, "/ok" },
	{ "query", STR_INIT("GET /a/b?c=d&e HTTP/1.1\r\n" HOST "\r\n"), { 200 }, KEPT, "/a/b?c=d&e"
	  },
	{ "HEAD", STR_INIT("HEAD /status?204 HTTP/1.1\r\n" HOST "\r\n"), { 204 }, KEPT, "" },
	{ "POST with length", STR_INIT(POST "Content-Length: 5\r\n\r\nhello"), { 200 }, KEPT,
	  "hello" },
	{ "length 0", STR_INIT(POST "Content-Length: 0\r\n\r\n"), { 200 }, KEPT, "" },
	{ "length with zeros in front", STR_INIT(POST "Content-Length: 005\r\n\r\nhello"), { 200 },
	  KEPT, "hello" },
	{ "blanks around a length", STR_INIT(POST "Content-Length:   5  \r\n\r\nhello"), { 200 },
	  KEPT, "hello" },
	{ "GET with a body", STR_INIT("GET /echo HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\nhi"),
	  { 200 }, KEPT, "hi" },
	{ "DELETE without a body", STR_INIT("DELETE /d HTTP/1.1\r\n" HOST "\r\n"), { 200 }, KEPT,
	  "/d" },
	{ "a method nobody knows", STR_INIT("BREW /pot HTTP/1.1\r\n" HOST "\r\n"), { 200 }, KEPT,
	  "/pot" },
	{ "a method with a body", STR_INIT("BREW /echo HTTP/1.1\r\n" HOST
	  "Content-Length: 2\r\n\r\nhi"), { 200 }, KEPT, "hi" },
	{ "a method of RTSP", STR_INIT("DESCRIBE /x HTTP/1.1\r\n" HOST "\r\n"), { 200 }, KEPT, "/x"
	  },
	{ "lower-case method is another", STR_INIT("get /x HTTP/1.1\r\n" HOST "\r\n"), { 200 },
	  KEPT, "/x" },
	{ "two at once", STR_INIT(GET_OK GET_OK), { 200, 200 }, KEPT, "/ok" },
	{ "three, later", STR_INIT("GET /later1 HTTP/1.1\r\n" HOST "\r\n"
	  "GET /later2 HTTP/1.1\r\n" HOST "\r\n" "GET /later3 HTTP/1.1\r\n" HOST "\r\n"),
	  { 200, 200, 200 }, KEPT, "/later3" },
	{ "sync behind later", STR_INIT("GET /later HTTP/1.1\r\n" HOST "\r\n" GET_OK),
	  { 200, 200 }, KEPT, "/ok" },
	{ "a blank line first", STR_INIT("\r\n" GET_OK), { 200 }, KEPT, "/ok" },
	{ "a blank line between", STR_INIT(GET_OK "\r\n" GET_OK), { 200, 200 }, KEPT, "/ok" },
	{ "two blank lines", STR_INIT("\r\n\r\n" GET_OK), REFUSED(400) },
	{ "LF first", STR_INIT("\n" GET_OK), REFUSED(400) },
	{ "CR first", STR_INIT("\r" GET_OK), REFUSED(400) },
	{ "blank first", STR_INIT(" " GET_OK), REFUSED(400) },
	{ "NUL first", STR_INIT("\0" GET_OK), REFUSED(400) },
	{ "TLS", STR_INIT("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"), REFUSED(400) },

	/* Versions. */
	{ "1.0", STR_INIT("GET /ok HTTP/1.0\r\n\r\n"), { 200 }, CLOSED, "/ok" },
	{ "1.0 keep-alive", STR_INIT("GET /ok HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"),
	  { 200 }, KEPT, "/ok" },
	{ "1.0 Keep-Alive, close",
	  STR_INIT("GET /ok HTTP/1.0\r\nConnection: Keep-Alive, close\r\n\r\n" SMUGGLED), { 200 },
	  CLOSED, "/ok" },
	{ "1.1 close", STR_INIT(HEAD_OF("Connection: close\r\n")), { 200 }, CLOSED, "/x" },
	{ "1.1 CLOSE in a list", STR_INIT(HEAD_OF("Connection: x-y , CLOSE\r\n") SMUGGLED),
	  { 200 }, CLOSED, "/x" },
	{ "1.1 keep-alive", STR_INIT(HEAD_OF("Connection: keep-alive\r\n")), { 200 }, KEPT, "/x" },
	{ "0.9", STR_INIT("GET /\r\n\r\n"), REFUSED(400) },
	{ "0.9 said", STR_INIT("GET / HTTP/0.9\r\n" HOST "\r\n"), REFUSED(505) },
	{ "1.2", STR_INIT("GET / HTTP/1.2\r\n" HOST "\r\n"), REFUSED(505) },
	{ "2.0", STR_INIT("GET / HTTP/2.0\r\n" HOST "\r\n"), REFUSED(505) },
	{ "h2 preface", STR_INIT("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), REFUSED(505) },
	{ "1.10", STR_INIT("GET / HTTP/1.10\r\n" HOST "\r\n"), REFUSED(400) },
	{ "11", STR_INIT("GET / HTTP/11\r\n" HOST "\r\n"), REFUSED(400) },
	{ "http/1.1", STR_INIT("GET / http/1.1\r\n" HOST "\r\n"), REFUSED(400) },
	{ "HTTPS/1.1", STR_INIT("GET / HTTPS/1.1\r\n" HOST "\r\n"), REFUSED(400) },
	{ "ICE", STR_INIT("SOURCE / ICE/1.0\r\n" HOST "\r\n"), REFUSED(400) },
	{ "RTSP", STR_INIT("OPTIONS / RTSP/1.0\r\n" HOST "\r\n"), REFUSED(400) },
	{ "blank behind the version", STR_INIT("GET / HTTP/1.1 \r\n" HOST "\r\n"), REFUSED(400) },

	/* Request lines and targets. */
	{ "two blanks", STR_INIT("GET  / HTTP/1.1\r\n" HOST "\r\n"), REFUSED(400) },
	{ "tab for a blank", STR_INIT("GET\t/ HTTP/1.1\r\n" HOST "\r\n"), REFUSED(400) },
	{ "blank in the target", STR_INIT("GET /a b HTTP/1.1\r\n" HOST "\r\n"), REFUSED(400) },
	{ "no target", STR_INIT("GET HTTP/1.1\r\n" HOST "\r\n"), REFUSED(400) },
	{ "no path", STR_INIT("GET a HTTP/1.1\r\n" HOST "\r\n"), REFUSED(400) },
	{ "only a query", STR_INIT("GET ?a HTTP/1.1\r\n" HOST "\r\n"), REFUSED(400) },
	{ "fragment", STR_INIT("GET /a#b HTTP/1.1\r\n" HOST "\r\n"), REFUSED(400) },
	{ "raw UTF-8", STR_INIT("GET /\xc3\xa9 HTTP/1.1\r\n" HOST "\r\n"), REFUSED(400) },
	{ "NUL in the target", STR_INIT("GET /\0 HTTP/1.1\r\n" HOST "\r\n"), REFUSED(400) },
	{ "DEL in the target", STR_INIT("GET /\x7f HTTP/1.1\r\n" HOST "\r\n"), REFUSED(400) },
	{ "method with a colon", STR_INIT("GE:T / HTTP/1.1\r\n" HOST "\r\n"), REFUSED(400) },
	{ "odd characters that pass", STR_INIT("GET /{a}|\"<>^`\\ HTTP/1.1\r\n" HOST "\r\n"),
	  { 200 }, KEPT, "/{a}|\"<>^`\\" },
	{ "URL", STR_INIT("GET http://b.example:80/p?q HTTP/1.1\r\n" HOST "\r\n"), { 200 }, KEPT,
	  "http://b.example:80/p?q" },
	{ "URL's path is the path", STR_INIT("POST HTTPS://b.example/echo HTTP/1.1\r\n" HOST
	  "Content-Length: 2\r\n\r\nhi"), { 200 }, KEPT, "hi" },
	{ "URL without a path", STR_INIT("GET http://b.example HTTP/1.1\r\n" HOST "\r\n"), { 200 },
	  KEPT, "http://b.example" },
	{ "URL without a Host", STR_INIT("GET http://b.example/ HTTP/1.1\r\n\r\n"), REFUSED(400) },
	{ "URL with a user", STR_INIT("GET http://u@b.example/ HTTP/1.1\r\n" HOST "\r\n"),
	  REFUSED(400) },
	{ "URL without a host", STR_INIT("GET http:///p HTTP/1.1\r\n" HOST "\r\n"), REFUSED(400) },
	{ "another scheme", STR_INIT("GET ftp://b.example/ HTTP/1.1\r\n" HOST "\r\n"), REFUSED(400)
	  },
	{ "OPTIONS *", STR_INIT("OPTIONS * HTTP/1.1\r\n" HOST "\r\n"), { 200 }, KEPT, "*" },
	{ "GET *", STR_INIT("GET * HTTP/1.1\r\n" HOST "\r\n"), REFUSED(400) },
	{ "CONNECT", STR_INIT("CONNECT a.example:443 HTTP/1.1\r\n" HOST "\r\nbytes"), REFUSED(501)
	  },

	/* Host. */
	{ "no Host", STR_INIT("GET / HTTP/1.1\r\n\r\n"), REFUSED(400) },
	{ "Host twice", STR_INIT(HEAD_OF(HOST)), REFUSED(400) },
	{ "Host twice in 1.0", STR_INIT("GET / HTTP/1.0\r\n" HOST HOST "\r\n"), REFUSED(400) },
	{ "empty Host", STR_INIT("GET / HTTP/1.1\r\nHost:\r\n\r\n"), REFUSED(400) },
	{ "blank Host", STR_INIT("GET / HTTP/1.1\r\nHost: \t\r\n\r\n"), REFUSED(400) },
	{ "Host with a port", STR_INIT("GET / HTTP/1.1\r\nHost: localhost:8090\r\n\r\n"), { 200 },
	  KEPT, "/" },
	{ "Host v6", STR_INIT("GET / HTTP/1.1\r\nhost:[::1]:8090\r\n\r\n"), { 200 }, KEPT, "/" },
	{ "Host v6 broken", STR_INIT("GET / HTTP/1.1\r\nHost: [::1\r\n\r\n"), REFUSED(400) },
	{ "Host v6 junk", STR_INIT("GET / HTTP/1.1\r\nHost: [::1]x\r\n\r\n"), REFUSED(400) },
	{ "Host with a path", STR_INIT("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"), REFUSED(400) },
	{ "Host with a user", STR_INIT("GET / HTTP/1.1\r\nHost: u@a\r\n\r\n"), REFUSED(400) },
	{ "Host list", STR_INIT("GET / HTTP/1.1\r\nHost: a, b\r\n\r\n"), REFUSED(400) },
	{ "Host with a blank", STR_INIT("GET / HTTP/1.1\r\nHost: a b\r\n\r\n"), REFUSED(400) },
	{ "Host port junk", STR_INIT("GET / HTTP/1.1\r\nHost: a:b\r\n\r\n"), REFUSED(400) },
	{ "Host bad escape", STR_INIT("GET / HTTP/1.1\r\nHost: a%zz\r\n\r\n"), REFUSED(400) },

	/* Fields. */
	{ "a value that is long",
	  STR_INIT(HEAD_OF("X: some words, a \"quote\" and more of it\r\n")), { 200 }, KEPT, "/x"
	  },
	{ "tab and high bytes in a value", STR_INIT(HEAD_OF("X: a\tb\xc3\xa9\xff\r\n")), { 200 },
	  KEPT, "/x" },
	{ "empty value", STR_INIT(HEAD_OF("X:\r\nY: \r\n")), { 200 }, KEPT, "/x" },
	{ "folded", STR_INIT(HEAD_OF("X: a\r\n b\r\n")), REFUSED(400) },
	{ "folded with a tab", STR_INIT(HEAD_OF("X: a\r\n\tb\r\n")), REFUSED(400) },
	{ "folded, empty before", STR_INIT(HEAD_OF("X:\r\n b\r\n")), REFUSED(400) },
	{ "folded, empty behind", STR_INIT(HEAD_OF("X: a\r\n \r\n")), REFUSED(400) },
	{ "folded length", STR_INIT(POST "Content-Length:\r\n 5\r\n\r\nhello"), REFUSED(400) },
	{ "folded coding", STR_INIT(POST "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n"),
	  REFUSED(400) },
	{ "first field begins with a blank", STR_INIT("GET / HTTP/1.1\r\n X: a\r\n" HOST "\r\n"),
	  REFUSED(400) },
	{ "bare LF behind the request line", STR_INIT("GET / HTTP/1.1\n" HOST "\r\n"), REFUSED(400)
	  },
	{ "bare LF behind a field", STR_INIT("GET / HTTP/1.1\r\nHost: a\n\r\n"), REFUSED(400) },
	{ "bare LF at the end", STR_INIT("GET / HTTP/1.1\r\n" HOST "\n"), REFUSED(400) },
	{ "LF alone everywhere", STR_INIT("GET / HTTP/1.1\nHost: a\n\n"), REFUSED(400) },
	{ "bare CR in the request line", STR_INIT("GET /\r HTTP/1.1\r\n" HOST "\r\n"), REFUSED(400)
	  },
	{ "bare CR for a line end", STR_INIT("GET / HTTP/1.1\r" HOST "\r\n"), REFUSED(400) },
	{ "bare CR in a value", STR_INIT(HEAD_OF("X: a\rb\r\n")), REFUSED(400) },
	{ "CR CR LF", STR_INIT(HEAD_OF("X: a\r\r\n")), REFUSED(400) },
	{ "CR at the end", STR_INIT("GET / HTTP/1.1\r\n" HOST "\rX"), REFUSED(400) },
	{ "NUL in a value", STR_INIT(HEAD_OF("X: a\0b\r\n")), REFUSED(400) },
	{ "control in a value", STR_INIT(HEAD_OF("X: a\x01\r\n")), REFUSED(400) },
	{ "DEL in a value", STR_INIT(HEAD_OF("X: a\x7f\r\n")), REFUSED(400) },
	{ "blank before the colon", STR_INIT(HEAD_OF("X : a\r\n")), REFUSED(400) },
	{ "tab before the colon", STR_INIT(HEAD_OF("X\t: a\r\n")), REFUSED(400) },
	{ "blank in a name", STR_INIT(HEAD_OF("X Y: a\r\n")), REFUSED(400) },
	{ "no name", STR_INIT(HEAD_OF(": a\r\n")), REFUSED(400) },
	{ "no colon", STR_INIT(HEAD_OF("X\r\n")), REFUSED(400) },
	{ "odd name", STR_INIT(HEAD_OF("X(): a\r\n")), REFUSED(400) },
	{ "high byte in a name", STR_INIT(HEAD_OF("X\xe9: a\r\n")), REFUSED(400) },
	{ "NUL in a name", STR_INIT(HEAD_OF("X\0: a\r\n")), REFUSED(400) },
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_byte_by_byte),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
