/* Bytes to a server and what becomes of them: status lines, and the connection kept or closed. */
#pragma once

#include "harness.h"

#define REFUSED(status) { status }, CLOSED, NULL

struct wire {
	const char *what;
	struct str in;
	int statuses[4];
	enum { KEPT, CLOSED } end;
	const char *last_body; /* NULL: whatever */
};

static inline void probe_is_kept(void)
{
	push(inbox.fd, STR("GET /probe HTTP/1.1\r\nHost: p\r\n\r\n"), SIZE_MAX);
	expect(200, "/probe");
	shutdown(inbox.fd, SHUT_WR);
	expect_end();
}

/* The first thing that is wrong, or NULL. */
static inline const char *wire_verdict(const struct wire *w, struct answer *a)
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

static inline bool check_wire(const struct wire *w, size_t step)
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

static inline void check_wires(const struct wire *wires, size_t n, size_t step)
{
	struct net_config c = config();
	unsigned failed = 0;
	c.limits.request_memory_max = 1 << 20;
	start(&c);
	for (size_t i = 0; i < n; i++)
		failed += !check_wire(&wires[i], step);
	stop();
	assert_int_equal(failed, 0);
}
