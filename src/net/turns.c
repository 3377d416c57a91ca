#include "net/turns.h"

#include "net/conn.h"
#include "net/receive.h"

enum {
	ROUND_WORK = 64,       /* a quarter of a millisecond */
	TURN = 8,              /* requests in one turn; their answers leave in one write */
	LIGHT = 17,            /* work; more is heavy */
	PARSED_UNIT = 1024,    /* bytes of a body */
	READ_UNIT = 16 * 1024, /* likewise, if it was only read */
	MADE_UNIT = 8 * 1024,  /* bytes of memory that an answer took; about half are its text */
	DEBT_MAX = 32 * 1024,  /* work */
	ALMS = 64,
	PACE_MS = 5,
};

static int work_of(const struct request *req, size_t unit)
{
	return 1 + (int)MIN(req->body.n / unit, DEBT_MAX);
}

/* By memory, so that what was made counts though it was not sent: for HEAD, or for want of more of it. */
static int answer_work(const struct request *req, size_t made)
{
	return (int)MIN(made / MADE_UNIT + req->reply_bytes / READ_UNIT, DEBT_MAX);
}

static struct turns_line *line_of(const struct conn *c)
{
	struct turns *t = &c->loop->turns;
	if (c->standing == STANDING_REFUSED)
		return &t->refused;
	return c->standing == STANDING_UNWELCOME ? &t->unwelcome : &t->known;
}

void turns_arrive(struct conn *c)
{
	const struct turns_line *line = line_of(c);
	c->came_first = line == &c->loop->turns.known && !c->owes;
	c->allowed = 1;
	if (!c->came_first)
		c->allowed = line->left > 0 && TAILQ_EMPTY(&line->waiting);
	else if (c->standing == STANDING_KNOWN)
		c->allowed += MAX(0, MIN(TURN - 1, line->left));
}

bool turns_begin(struct conn *c)
{
	if (c->allowed == 0)
		return false;
	c->allowed--;
	return true;
}

static bool is_anybodys(const struct conn *c, const struct request *req)
{
	const struct net_app *app = &c->loop->server->config.app;
	return app->anybodys && app->anybodys(app->ctx, req);
}

bool turns_may_serve(struct conn *c, const struct request *req)
{
	if (is_anybodys(c, req)) {
		c->standing = STANDING_UNWELCOME;
		c->came_first = false;
		return line_of(c)->left > 0;
	}
	return work_of(req, PARSED_UNIT) <= LIGHT || line_of(c)->left > 0;
}

static enum conn_standing standing(const struct conn *c, const struct request *req)
{
	if (req->welcome && !(req->ready && req->status >= 400))
		return STANDING_KNOWN;
	bool strangers = req->arena.owner == &c->loop->server->strangers;
	return strangers ? STANDING_UNWELCOME : STANDING_REFUSED;
}

void turns_served(struct conn *c, const struct request *req, size_t made)
{
	bool parsed = req->welcome || req->looked_into;
	int work = work_of(req, parsed ? PARSED_UNIT : READ_UNIT) + answer_work(req, made);
	c->standing = standing(c, req);
	c->owes = work > LIGHT;
	if (!c->came_first || c->owes)
		turns_spend(c, work);
	c->came_first = false;
	if (line_of(c)->left <= 0)
		c->allowed = 0;
}

void turns_spend(struct conn *c, int work)
{
	struct turns_line *line = line_of(c);
	line->left = MAX(line->left - work, -DEBT_MAX);
}

void turns_wait(struct conn *c)
{
	if (c->waits)
		return;
	c->waits = &line_of(c)->waiting;
	TAILQ_INSERT_TAIL(c->waits, c, turn);
}

void turns_leave(struct conn *c)
{
	if (c->waits)
		TAILQ_REMOVE(c->waits, c, turn);
	c->waits = NULL;
}

static bool give(const struct turns_line *line)
{
	struct conn *c;
	bool any = false;
	while (line->left > 0 && (c = TAILQ_FIRST(&line->waiting))) {
		turns_leave(c);
		c->came_first = false;
		c->allowed = MIN(TURN, line->left);
		receive_turn(c);
		any = true;
	}
	return any;
}

bool turns_give(struct net_loop *loop)
{
	struct turns *t = &loop->turns;
	bool known = give(&t->known), refused = give(&t->refused), unwelcome = give(&t->unwelcome);
	return known || refused || unwelcome;
}

static void renew(struct turns_line *line, int allowance)
{
	line->left = MIN(allowance, line->left + allowance);
}

static void on_pace(uv_timer_t *pace)
{
	struct net_loop *loop = pace->data;
	renew(&loop->turns.refused, ALMS);
	renew(&loop->turns.unwelcome, ALMS);
}

static void on_again(uv_idle_t *again)
{
	(void)again;
}

void turns_end_round(struct net_loop *loop)
{
	struct turns *t = &loop->turns;
	t->round++;
	renew(&t->known, ROUND_WORK);
	if (TAILQ_EMPTY(&t->known.waiting))
		uv_idle_stop(&t->again);
	else
		uv_idle_start(&t->again, on_again);
	if (MIN(t->refused.left, t->unwelcome.left) <= 0 && !uv_is_active((uv_handle_t *)&t->pace))
		uv_timer_start(&t->pace, on_pace, PACE_MS, 0);
}

static void begin_line(struct turns_line *line, int left)
{
	TAILQ_INIT(&line->waiting);
	line->left = left;
}

void turns_init(struct net_loop *loop)
{
	struct turns *t = &loop->turns;
	*t = (struct turns){ .round = 1 };
	begin_line(&t->known, ROUND_WORK);
	begin_line(&t->refused, ALMS);
	begin_line(&t->unwelcome, ALMS);
	uv_idle_init(&loop->uv, &t->again);
	uv_timer_init(&loop->uv, &t->pace);
	t->pace.data = loop;
}
