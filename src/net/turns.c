#include "net/turns.h"

#include "net/conn.h"
#include "net/receive.h"

enum {
	ROUND_WORK = 64, /* a quarter of a millisecond */
	TURN = 8,        /* requests in one turn; their answers leave in one write */
	LIGHT = 17,      /* work; more is heavy */
	BODY_UNIT = 1024,
	ALMS = 64,
	PACE_MS = 5,
};

static int work_of(const struct request *req)
{
	return 1 + (int)MIN(req->body.n / BODY_UNIT, INT32_MAX / 2);
}

void turns_arrive(struct conn *c)
{
	struct turns *t = &c->loop->turns;
	c->came_first = c->standing != STANDING_UNWELCOME;
	c->allowed = 1;
	if (c->standing == STANDING_KNOWN)
		c->allowed += MAX(0, MIN(TURN - 1, t->left));
	else if (!c->came_first)
		c->allowed = t->alms > 0 && TAILQ_EMPTY(&t->unwelcome);
}

static int *allowance(const struct conn *c)
{
	struct turns *t = &c->loop->turns;
	return c->standing == STANDING_UNWELCOME ? &t->alms : &t->left;
}

bool turns_begin(struct conn *c)
{
	if (c->allowed == 0)
		return false;
	c->allowed--;
	return true;
}

bool turns_may_serve(const struct conn *c, const struct request *req)
{
	return work_of(req) <= LIGHT || *allowance(c) > 0;
}

void turns_served(struct conn *c, const struct request *req)
{
	int work = work_of(req);
	bool refused = !req->welcome || (req->ready && req->status >= 400);
	c->standing = refused ? STANDING_UNWELCOME : STANDING_KNOWN;
	if (!c->came_first || work > LIGHT)
		turns_spend(c, work);
	c->came_first = false;
}

void turns_spend(struct conn *c, int work)
{
	*allowance(c) -= work;
}

void turns_wait(struct conn *c)
{
	struct turns *t = &c->loop->turns;
	if (c->waits)
		return;
	c->waits = c->standing == STANDING_UNWELCOME ? &t->unwelcome : &t->known;
	TAILQ_INSERT_TAIL(c->waits, c, turn);
}

void turns_leave(struct conn *c)
{
	if (c->waits)
		TAILQ_REMOVE(c->waits, c, turn);
	c->waits = NULL;
}

static bool give(struct conn_list *waiting, const int *allowance)
{
	struct conn *c;
	bool any = false;
	while (*allowance > 0 && (c = TAILQ_FIRST(waiting))) {
		turns_leave(c);
		c->came_first = false;
		c->allowed = MIN(TURN, *allowance);
		receive_turn(c);
		any = true;
	}
	return any;
}

bool turns_give(struct net_loop *loop)
{
	struct turns *t = &loop->turns;
	bool any = give(&t->known, &t->left);
	return give(&t->unwelcome, &t->alms) || any;
}

static void on_pace(uv_timer_t *pace)
{
	struct net_loop *loop = pace->data;
	loop->turns.alms = MIN(ALMS, loop->turns.alms + ALMS);
}

static void on_again(uv_idle_t *again)
{
	(void)again;
}

void turns_end_round(struct net_loop *loop)
{
	struct turns *t = &loop->turns;
	t->round++;
	t->left = ROUND_WORK;
	if (TAILQ_EMPTY(&t->known))
		uv_idle_stop(&t->again);
	else
		uv_idle_start(&t->again, on_again);
	if (t->alms <= 0 && !uv_is_active((uv_handle_t *)&t->pace))
		uv_timer_start(&t->pace, on_pace, PACE_MS, 0);
}

void turns_init(struct net_loop *loop)
{
	struct turns *t = &loop->turns;
	*t = (struct turns){ .left = ROUND_WORK, .alms = ALMS, .round = 1 };
	TAILQ_INIT(&t->known);
	TAILQ_INIT(&t->unwelcome);
	uv_idle_init(&loop->uv, &t->again);
	uv_timer_init(&loop->uv, &t->pace);
	t->pace.data = loop;
}
