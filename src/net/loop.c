#include "net/loop.h"

#include "base/fail.h"
#include "net/accept.h"
#include "net/conn.h"

#include <errno.h>
#include <stdlib.h>

void loop_look_at_clock(struct net_loop *loop)
{
	loop->now = time_now();
	loop->now_ms = time_monotonic_ms();
}

struct str loop_date_line(struct net_loop *loop)
{
	uint64_t now_ms = uv_now(&loop->uv);
	if (now_ms >= loop->date_until_ms) {
		char date[30];
		instant_us now = time_now();
		time_http_date(now, date);
		memcpy(loop->date, "Date: ", 6);
		memcpy(loop->date + 6, date, 29);
		memcpy(loop->date + 35, "\r\n", 2);
		loop->date_until_ms = now_ms + 1000 - (uint64_t)(now % US_PER_S) / 1000;
	}
	return (struct str){ loop->date, 37 };
}

unsigned net_loop_index(const struct net_loop *loop)
{
	return loop->index;
}

struct net_server *net_loop_server(const struct net_loop *loop)
{
	return loop->server;
}

/* ---- rounds ---- */

static void finish_answered(struct net_loop *loop)
{
	while (loop->answered) {
		struct request *req = loop->answered;
		loop->answered = req->next;
		request_done(req);
	}
}

static void end_round(struct net_loop *loop)
{
	const struct net_app *app = &loop->server->config.app;
	if (loop->n_fresh > 0) {
		loop->n_fresh = 0;
		if (app->round_end)
			app->round_end(app->ctx, loop);
	}
	struct conn *c;
	while ((c = TAILQ_FIRST(&loop->dirty)))
		conn_flush(c);
	finish_answered(loop);
}

void loop_look_up(struct net_loop *loop)
{
	if (loop->n_fresh < FRESH_MAX)
		return;
	mailbox_look(loop);
	end_round(loop);
}

static void close_handle(uv_handle_t *handle, void *arg)
{
	(void)arg;
	if (!uv_is_closing(handle))
		uv_close(handle, NULL);
}

/* Nothing is left that could need this loop. */
static bool is_over(const struct net_loop *loop)
{
	return loop->draining && !loop->n_conns && !loop->n_served && TAILQ_EMPTY(&loop->works);
}

static void on_round(uv_prepare_t *round)
{
	struct net_loop *loop = round->data;
	(void)turns_give(loop); /* to leave with what came first */
	do {
		end_round(loop); /* answers make room for requests that were read before */
	} while (turns_give(loop) || loop->n_fresh > 0 || loop->answered);
	turns_end_round(loop);
	if (is_over(loop))
		uv_walk(&loop->uv, close_handle, NULL);
}

/* ---- life ---- */

static void each_conn(struct net_loop *loop, void (*act)(struct conn *c))
{
	struct conn *next;
	for (struct conn *c = TAILQ_FIRST(&loop->conns); c; c = next) {
		next = TAILQ_NEXT(c, all);
		act(c);
	}
}

void loop_drain(struct net_loop *loop)
{
	loop->draining = true;
	deadline_start(&loop->deadlines, &loop->drain, DEADLINE_DRAIN);
	uv_close((uv_handle_t *)&loop->listener, NULL);
	each_conn(loop, conn_settle);
	each_conn(loop, conn_look_after_stream);
}

static void on_deadline(struct deadline *d, enum deadline_kind kind)
{
	if (kind != DEADLINE_DRAIN) {
		conn_deadline_passed(d, kind);
		return;
	}
	struct net_loop *loop = (struct net_loop *)((char *)d - offsetof(struct net_loop, drain));
	each_conn(loop, conn_close);
	mailbox_drop_works(loop); /* nobody is left to be answered */
}

static void init_deadlines(struct net_loop *loop)
{
	const struct net_limits *l = loop_limits(loop);
	struct deadlines *all = &loop->deadlines;
	deadlines_init(all, &loop->uv);
	all->passed = on_deadline;
	all->ms[DEADLINE_IDLE] = l->idle_ms;
	all->ms[DEADLINE_HEAD] = l->head_ms;
	all->ms[DEADLINE_BODY] = l->body_ms;
	all->ms[DEADLINE_WRITE] = l->write_ms;
	all->ms[DEADLINE_LINGER] = LINGER_MS;
	all->ms[DEADLINE_DRAIN] = l->drain_ms;
	all->ms[DEADLINE_BEAT] = l->beat_ms;
}

static int init_handles(struct net_loop *loop)
{
	init_deadlines(loop);
	turns_init(loop);
	uv_prepare_init(&loop->uv, &loop->round);
	loop->round.data = loop;
	uv_prepare_start(&loop->round, on_round);
	loop->wake.data = loop;
	int r = uv_async_init(&loop->uv, &loop->wake, mailbox_on_wake);
	return r < 0 ? fail(r, "cannot make a wake-up for an event loop") : 0;
}

int loop_new(struct net_server *server, unsigned index, const struct sockaddr *at, bool share,
	     struct net_loop **out)
{
	struct net_loop *loop = calloc(1, sizeof(*loop));
	if (!loop)
		return fail(-ENOMEM, "no memory for an event loop");
	int r = uv_loop_init(&loop->uv);
	if (r < 0) {
		free(loop);
		return fail(r, "cannot make an event loop");
	}
	loop->server = server;
	loop->index = index;
	TAILQ_INIT(&loop->conns);
	TAILQ_INIT(&loop->dirty);
	TAILQ_INIT(&loop->works);
	mailbox_init(&loop->mailbox);
	r = init_handles(loop);
	if (r == 0)
		r = accept_listen(loop, at, share);
	if (r < 0) {
		loop_free(loop);
		return pass(r);
	}
	*out = loop;
	return 0;
}

void loop_free(struct net_loop *loop)
{
	if (!loop)
		return;
	uv_walk(&loop->uv, close_handle, NULL);
	must(uv_run(&loop->uv, UV_RUN_DEFAULT) == 0);
	must(uv_loop_close(&loop->uv) == 0);
	request_free_spares(loop);
	mailbox_fini(&loop->mailbox);
	free(loop);
}

static void run(void *arg)
{
	struct net_loop *loop = arg;
	uv_run(&loop->uv, UV_RUN_DEFAULT);
}

int loop_start(struct net_loop *loop)
{
	int r = uv_thread_create(&loop->thread, run, loop);
	return r < 0 ? fail(r, "cannot start a thread") : 0;
}

void loop_join(struct net_loop *loop)
{
	must(uv_thread_join(&loop->thread) == 0);
}
