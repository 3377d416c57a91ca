#include "load/answer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

struct row {
	const char *bytes;
	enum answer_outcome outcome;
	unsigned status;
	size_t rest; /* bytes that belong to the next answer */
	bool closes;
};

#define HEAD(status, length) \
	"HTTP/1.1 " status "\r\nServer: x\r\nContent-Length: " length "\r\n\r\n"

static const struct row rows[] = {
	{ HEAD("202 Accepted", "5") "hello", ANSWER_DONE, 202, 0, false },
	{ HEAD("202 Accepted", "0"), ANSWER_DONE, 202, 0, false },
	{ HEAD("429 Too Many Requests", "2") "{}", ANSWER_DONE, 429, 0, false },
	{ HEAD("200 OK", "2") "{}HTTP", ANSWER_DONE, 200, 4, false },
	{ "HTTP/1.1 204 No Content\r\n\r\n", ANSWER_DONE, 204, 0, false },
	{ "HTTP/1.1 503 x\r\nconnection:  Close\r\ncontent-length:0\r\n\r\n", ANSWER_DONE, 503, 0,
	  true },
	{ HEAD("202 Accepted", "5") "hell", ANSWER_MORE, 202, 0, false },
	{ "HTTP/1.1 202 Acc", ANSWER_MORE, 0, 0, false },
	{ "HTTP/1.1 200 OK\r\n\r\n", ANSWER_WRONG, 0, 0, false }, /* until when? */
	{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", ANSWER_WRONG, 0, 0, false },
	{ "HTTP/1.1 99 x\r\nContent-Length: 0\r\n\r\n", ANSWER_WRONG, 0, 0, false },
	{ "SSH-2.0-x\r\n\r\n", ANSWER_WRONG, 0, 0, false },
};

/* Fed `step` bytes at a time, as a socket may. */
static void feed(const struct row *row, size_t step)
{
	struct answer a = { 0 };
	size_t n = strlen(row->bytes), at = 0;
	enum answer_outcome r = ANSWER_MORE;
	answer_begin(&a);
	while (at < n && r == ANSWER_MORE) {
		size_t taken;
		r = answer_feed(&a, row->bytes + at, MIN(step, n - at), &taken);
		at += taken;
	}
	assert_int_equal(r, row->outcome);
	if (r == ANSWER_WRONG)
		return;
	assert_int_equal(n - at, row->rest);
	assert_int_equal(a.status, row->status);
	assert_int_equal(a.closes, row->closes);
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		for (size_t step = 1; step < 100; step++)
			feed(&rows[i], step);
}

static void test_endless_head(void **state)
{
	struct answer a = { 0 };
	size_t taken;
	char line[] = "X: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n";
	enum answer_outcome r = ANSWER_MORE;
	(void)state;
	answer_begin(&a);
	for (int i = 0; i < 100 && r == ANSWER_MORE; i++)
		r = answer_feed(&a, line, strlen(line), &taken);
	assert_int_equal(r, ANSWER_WRONG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_endless_head),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
