#include "load/engine.h"

#include "load/answer.h"
#include "load/wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum {
	SECOND = 1000000000,
	DRAIN_S = 5,      /* how long answers are awaited after the end */
	ROUND = 256,      /* connections looked at in one go */
	READ = 64 * 1024, /* bytes */
};

struct conn {
	struct wire wire;
	bool busy;
	uint64_t since; /* when the latency of its request begins */
	char *out;
	size_t n_out, sent;
	struct answer answer;
	struct conn *next_idle;
};

struct engine {
	const struct options *options;
	struct requests *requests;
	struct seen *seen;
	struct conn *conns;
	struct conn *idle, **idle_end; /* first in, first out */
	unsigned busy;
	int epoll;
	uint64_t start, counted_from, end; /* ns */
	uint64_t n_sent;
};

static uint64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec;
}

/* --- Connections --- */

static void watch(struct engine *e, struct conn *c, int how, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = c };
	if (epoll_ctl(e->epoll, how, c->wire.fd, &event) < 0)
		give_up("epoll");
}

static void rest(struct engine *e, struct conn *c)
{
	c->next_idle = NULL;
	*e->idle_end = c;
	e->idle_end = &c->next_idle;
}

static struct conn *wake(struct engine *e)
{
	struct conn *c = e->idle;
	e->idle = c->next_idle;
	if (!e->idle)
		e->idle_end = &e->idle;
	return c;
}

static void conn_open(struct engine *e, struct conn *c)
{
	wire_open(&c->wire, e->options);
	watch(e, c, EPOLL_CTL_ADD, EPOLLIN);
	answer_begin(&c->answer);
}

static void conn_reopen(struct engine *e, struct conn *c)
{
	wire_close(&c->wire);
	conn_open(e, c);
}

/* --- One request --- */

static bool is_counted(const struct engine *e, const struct conn *c)
{
	return c->since >= e->counted_from;
}

static void finish(struct engine *e, struct conn *c)
{
	c->busy = false;
	e->busy--;
	rest(e, c);
}

/* The connection ended, or was reset. */
static void lose(struct engine *e, struct conn *c)
{
	conn_reopen(e, c);
	if (!c->busy)
		return;
	e->seen->lost += is_counted(e, c);
	finish(e, c);
}

static void push(struct engine *e, struct conn *c)
{
	ssize_t n = wire_send(&c->wire, c->out + c->sent, c->n_out - c->sent);
	if (n < 0 && errno != EAGAIN)
		return lose(e, c);
	bool waited = c->sent > 0 || n < 0;
	c->sent += n > 0 ? (size_t)n : 0;
	if (c->sent < c->n_out)
		watch(e, c, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
	else if (waited)
		watch(e, c, EPOLL_CTL_MOD, EPOLLIN);
}

static void ask(struct engine *e, uint64_t since)
{
	struct conn *c = wake(e);
	c->n_out = requests_write(e->requests, c->out);
	c->sent = 0;
	c->since = since;
	c->busy = true;
	e->busy++;
	e->n_sent++;
	push(e, c);
}

static void count(struct engine *e, const struct conn *c, uint64_t now)
{
	struct seen *seen = e->seen;
	unsigned status = c->answer.status;
	if (!is_counted(e, c))
		return;
	seen->status[status]++;
	seen->vague += (status == 429 || status == 503) && !c->answer.says_when;
	if (status >= 300)
		return;
	seen->good += now <= e->end;
	histogram_add(&seen->latency, now - c->since);
}

static void take_answer(struct engine *e, struct conn *c)
{
	count(e, c, now_ns());
	if (c->answer.closes)
		conn_reopen(e, c);
	answer_begin(&c->answer);
	finish(e, c);
}

static void take_bytes(struct engine *e, struct conn *c, const char *p, size_t n)
{
	size_t taken;
	enum answer_outcome r = c->busy ? answer_feed(&c->answer, p, n, &taken) : ANSWER_WRONG;
	if (r == ANSWER_WRONG || (r == ANSWER_DONE && taken < n)) {
		errno = EPROTO;
		give_up("what came is not the answer to one request");
	}
	if (r == ANSWER_DONE)
		take_answer(e, c);
}

static void pull(struct engine *e, struct conn *c)
{
	char bytes[READ];
	ssize_t n;
	do {
		n = wire_recv(&c->wire, bytes, sizeof(bytes));
		if (n > 0)
			take_bytes(e, c, bytes, (size_t)n);
	} while (n > 0 && wire_has_more(&c->wire));
	if (n == 0 || (n < 0 && errno != EAGAIN))
		lose(e, c);
}

/* --- The pace --- */

static uint64_t due(const struct engine *e, uint64_t k)
{
	return e->start + (uint64_t)((double)k * SECOND / e->options->rate);
}

static bool is_over(const struct engine *e, uint64_t now)
{
	uint64_t wanted = e->options->requests;
	return now >= e->end || (wanted && e->n_sent >= wanted);
}

static void ask_all_due(struct engine *e)
{
	uint64_t now = now_ns();
	while (e->idle && !is_over(e, now)) {
		uint64_t since = e->options->rate > 0 ? due(e, e->n_sent) : now;
		if (since > now)
			break;
		ask(e, since);
		now = e->options->rate > 0 ? now : now_ns();
	}
}

/* Until an answer comes, the next request is due, or the end. */
static struct timespec patience(const struct engine *e, uint64_t now, uint64_t last)
{
	uint64_t until = last;
	if (e->options->rate > 0 && e->idle && !is_over(e, now))
		until = MIN(until, due(e, e->n_sent));
	uint64_t ns = until > now ? until - now : 0;
	return (struct timespec){ (time_t)(ns / SECOND), (long)(ns % SECOND) };
}

static void serve(struct engine *e, uint64_t last)
{
	struct epoll_event events[ROUND];
	struct timespec wait = patience(e, now_ns(), last);
	int n = epoll_pwait2(e->epoll, events, ROUND, &wait, NULL);
	if (n < 0 && errno != EINTR)
		give_up("epoll");
	for (int i = 0; i < n; i++) {
		struct conn *c = events[i].data.ptr;
		if (events[i].events & EPOLLOUT)
			push(e, c);
		if (events[i].events & ~(uint32_t)EPOLLOUT)
			pull(e, c);
	}
}

static void run(struct engine *e)
{
	uint64_t now;
	while (!is_over(e, now = now_ns())) {
		ask_all_due(e);
		serve(e, e->end);
	}
	e->end = MIN(e->end, now);
	if (e->options->rate > 0)
		while (due(e, e->n_sent + e->seen->unsent) < e->end)
			e->seen->unsent++;
	uint64_t last = now + (uint64_t)DRAIN_S * SECOND;
	while (e->busy && now_ns() < last)
		serve(e, last);
	e->seen->lost += e->busy;
	e->seen->seconds = (double)(e->end - e->counted_from) / SECOND;
}

static void allow_files(unsigned connections)
{
	struct rlimit files = { 0, 0 };
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = MIN(files.rlim_max, connections + 64);
	setrlimit(RLIMIT_NOFILE, &files);
}

static void set_clock(struct engine *e)
{
	const struct options *o = e->options;
	double warmup = o->requests ? 0 : o->warmup;
	e->start = now_ns();
	e->counted_from = e->start + (uint64_t)(warmup * SECOND);
	e->end = o->requests ? UINT64_MAX : e->counted_from + (uint64_t)(o->seconds * SECOND);
}

void engine_run(const struct options *o, struct requests *requests, struct seen *seen)
{
	struct engine e = { .options = o, .requests = requests, .seen = seen };
	allow_files(o->connections);
	wire_init(o);
	e.idle_end = &e.idle;
	e.epoll = epoll_create1(EPOLL_CLOEXEC);
	e.conns = calloc(o->connections, sizeof(*e.conns));
	if (e.epoll < 0 || !e.conns)
		give_up("start");
	for (unsigned i = 0; i < o->connections; i++) {
		e.conns[i].out = malloc(requests->size_max);
		if (!e.conns[i].out)
			give_up("memory");
		conn_open(&e, &e.conns[i]);
		rest(&e, &e.conns[i]);
	}
	set_clock(&e);
	run(&e);
	for (unsigned i = 0; i < o->connections; i++) {
		wire_close(&e.conns[i].wire);
		free(e.conns[i].out);
	}
	free(e.conns);
	close(e.epoll);
}
