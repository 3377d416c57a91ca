/*
 * Replays under /_/v1: deliveries that have ended are tried again, one of them or as many as a filter
 * means. Counted by a worker thread; then the delivering thread, which alone writes the ledger, is
 * asked, and the answer leaves when that has been synced.
 */
#include "api/native_query.h"
#include "deliver/deliver.h"
#include "deliver/ledger_read.h"
#include "store/render.h"

enum { RATE_DEFAULT = 50 };

/* What a call wants, and its way to the delivering thread and back. */
struct asked {
	struct wish wish; /* first */
	struct net_letter letter;
	struct native_query *q;
	bool dry_run;
	uint64_t count;
	bool complete;                /* it is all of them */
	void (*say)(struct asked *a); /* on the net loop, when it is done */
};

/* --- To the delivering thread and back --- */

static void refuse_outcome(struct native_query *q, const struct wish *w)
{
	if (w->outcome < 0)
		native_refuse(q, 500, native_not_durable);
	else if (w->outcome == REPLAY_FULL)
		native_refuse(q, 409, "ten replays are under way; stop one, or wait for its end");
	else if (w->kind == WISH_REPLAY_STOP)
		native_refuse(q, 409, "the replay has ended");
	else
		native_refuse(q, 409, "the delivery has changed its state");
	native_answer_refusal(q);
}

static void come_home(struct net_letter *letter)
{
	struct asked *a = (struct asked *)((char *)letter - offsetof(struct asked, letter));
	if (a->wish.outcome != REPLAY_OK)
		return refuse_outcome(a->q, &a->wish);
	a->say(a);
	native_answer_body(a->q);
}

static void on_done(struct wish *w)
{
	struct asked *a = (struct asked *)w;
	a->letter = (struct net_letter){ .run = come_home };
	net_loop_post(a->q->req->loop, &a->letter);
}

/* After what was read: nothing has been refused. */
static void ask(struct native_query *q)
{
	struct asked *a = q->state;
	struct deliver *d = native_deliver(q);
	a->wish.done = on_done;
	if (d && deliver_ask(d, &a->wish))
		return;
	native_refuse(q, 503, "nothing can be replayed now; come back later");
	native_answer_refusal(q);
}

static struct asked *asked_new(struct native_query *q, enum wish_kind kind)
{
	struct asked *a = arena_new(&q->req->arena, struct asked);
	if (!a) {
		native_refuse(q, 503, "");
		return NULL;
	}
	a->q = q;
	a->wish.kind = kind;
	q->state = a;
	return a;
}

/* --- What the body says --- */

enum { AUTOMATION, DESTINATION, CONTACT, STATE, SINCE, UNTIL, PER_SECOND, DRY_RUN, N_MEMBERS };

static const struct shape_member members[N_MEMBERS] = {
	[AUTOMATION] = { STR_INIT("automation"), SHAPE_STRING },
	[DESTINATION] = { STR_INIT("destination"), SHAPE_STRING },
	[CONTACT] = { STR_INIT("contact"), SHAPE_STRING },
	[STATE] = { STR_INIT("state"), SHAPE_STRING },
	[SINCE] = { STR_INIT("since"), SHAPE_STRING },
	[UNTIL] = { STR_INIT("until"), SHAPE_STRING },
	[PER_SECOND] = { STR_INIT("per_second"), SHAPE_ANY },
	[DRY_RUN] = { STR_INIT("dry_run"), SHAPE_BOOLEAN },
};

static uint32_t read_name(struct native_query *q, yyjson_val *v, const struct shape_member *m,
			  enum document_kind kind)
{
	const struct document *d = v ? workspace_document(q->workspace, kind, json_str(v)) : NULL;
	if (v && !d)
		problem_at(&q->body_of.problems, PROBLEM_UNKNOWN_DOCUMENT, m->name,
			   .rule = document_kind_name(kind));
	return d ? d->no : 0;
}

static instant_us read_time(struct native_query *q, yyjson_val *v, const struct shape_member *m,
			    instant_us otherwise)
{
	instant_us t = otherwise;
	if (v && !time_parse(json_str(v), TIME_DATE_ALONE, &t))
		problem_at(&q->body_of.problems, PROBLEM_FORMAT, m->name, .rule = "date-time");
	return t;
}

static enum delivery_state read_state(struct native_query *q, yyjson_val *v)
{
	if (!v || str_eq(json_str(v), STR("dead")))
		return DELIVERY_DEAD;
	if (!str_eq(json_str(v), STR("done")))
		problem_at(&q->body_of.problems, PROBLEM_VALUE, members[STATE].name,
			   .rule = "dead, done");
	return DELIVERY_DONE;
}

static unsigned read_rate(struct native_query *q, yyjson_val *v)
{
	int64_t rate = RATE_DEFAULT;
	if (v && !json_number_to_i64(v, &rate))
		problem_at(&q->body_of.problems, PROBLEM_TYPE, members[PER_SECOND].name,
			   .rule = "integer", .actual = json_type_name(v));
	else if (rate < 1 || rate > REPLAY_RATE_MAX)
		problem_at(&q->body_of.problems, PROBLEM_FORMAT, members[PER_SECOND].name,
			   .rule = "whole number from 1 to 10000");
	return (unsigned)rate;
}
_Static_assert(REPLAY_RATE_MAX == 10000, "the limit is told in words");

static void read_filter(struct native_query *q, yyjson_val *const *v, struct delivery_filter *of)
{
	of->workspace = q->events.workspace;
	of->automation = read_name(q, v[AUTOMATION], &members[AUTOMATION], DOCUMENT_AUTOMATION);
	of->destination = read_name(q, v[DESTINATION], &members[DESTINATION], DOCUMENT_DESTINATION);
	of->state = read_state(q, v[STATE]);
	of->since = read_time(q, v[SINCE], &members[SINCE], 0);
	of->until = read_time(q, v[UNTIL], &members[UNTIL], INT64_MAX);
}

/* --- Many --- */

static bool prepare_many(struct native_query *q)
{
	yyjson_val *root = NULL, *v[N_MEMBERS];
	struct asked *a = asked_new(q, WISH_REPLAY);
	if (!a || !native_body(q, &root))
		return false;
	shape_read(&q->body_of, root, STR(""), members, N_MEMBERS, true, v);
	read_filter(q, v, &a->wish.replay.of);
	a->wish.replay.per_second = read_rate(q, v[PER_SECOND]);
	a->dry_run = yyjson_is_true(v[DRY_RUN]);
	if (q->body_of.problems.found)
		return native_refuse_body(q);
	q->params[0] = v[CONTACT] ? json_str(v[CONTACT]) : (struct str){ 0 };
	return !v[CONTACT] || resource_contact_id(q);
}

static int find_contact(struct native_query *q, struct store_reader *r, uint64_t *out)
{
	struct contact_view row;
	if (!q->value.p)
		return STORE_OK;
	int e = store_find_contact(r, &q->req->arena, q->events.workspace, q->kind, q->value, &row);
	if (e == STORE_OK)
		*out = row.number;
	return e;
}

static int read_many(struct native_query *q, struct store_reader *r)
{
	struct asked *a = q->state;
	struct delivery_filter *of = &a->wish.replay.of;
	int e = find_contact(q, r, &of->contact);
	if (e == STORE_OK)
		e = ledger_read_count(store_reader_dir(r), of, &a->count, &a->complete);
	if (e == STORE_NONE)
		native_refuse(q, 404, "there is no such contact");
	return e < 0 ? e : STORE_OK;
}

static void say_many(struct asked *a)
{
	struct native_query *q = a->q;
	unsigned long long no = a->wish.replay.no;
	buf_printf(&q->body, "{\"dry_run\":%s,\"count\":%llu,\"complete\":%s,\"replay\":",
		   a->dry_run ? "true" : "false", (unsigned long long)a->count,
		   a->complete ? "true" : "false");
	if (a->dry_run)
		return buf_lit(&q->body, "null}");
	buf_printf(&q->body, "%llu}", no);
	q->status = 202;
	native_locate(q, "/_/v1/replays/", arena_printf(&q->req->arena, "%llu", no));
}

static void follow_many(struct native_query *q)
{
	struct asked *a = q->state;
	a->say = say_many;
	if (!a->dry_run)
		return ask(q);
	say_many(a);
	native_answer_body(q);
}

const struct resource native_deliveries_replay = {
	.prepare = prepare_many,
	.read = read_many,
	.is_long = true,
	.follow = follow_many,
};

/* --- One --- */

static bool prepare_one(struct native_query *q)
{
	yyjson_val *root = NULL, *v = NULL;
	struct asked *a = asked_new(q, WISH_REPLAY_ONE);
	if (!a || !native_row_number(q, "there is no such delivery", &a->wish.delivery.no))
		return false;
	if (q->req->body.n > 0 && !native_body(q, &root))
		return false;
	if (root)
		shape_read(&q->body_of, root, STR(""), &members[STATE], 1, true, &v);
	a->wish.delivery.workspace = q->events.workspace;
	a->wish.delivery.state = read_state(q, v);
	return !q->body_of.problems.found || native_refuse_body(q);
}

/* So that what is not there is told apart from what is not in that state. */
static int read_one(struct native_query *q, struct store_reader *r)
{
	struct asked *a = q->state;
	const struct delivery *wanted = &a->wish.delivery;
	struct delivery d;
	struct attempt_row *attempts;
	unsigned n;
	int e = ledger_read_delivery(store_reader_dir(r), &q->req->arena, wanted->workspace,
				     wanted->no, &d, &attempts, &n);
	if (e == LEDGER_NONE)
		native_refuse(q, 404, "there is no such delivery");
	else if (e == LEDGER_OK && d.state == DELIVERY_PENDING)
		native_refuse(q, 409, "the delivery is pending: it is tried by itself");
	else if (e == LEDGER_OK && d.state != wanted->state)
		native_refuse(q, 409,
			      d.state == DELIVERY_DONE
				      ? "the delivery is done; \"state\": \"done\" replays it"
				      : "the delivery is dead, not done");
	return e < 0 ? e : STORE_OK;
}

static void say_one(struct asked *a)
{
	const struct delivery *d = &a->wish.delivery;
	unsigned long long no = d->no;
	buf_printf(&a->q->body, "{\"number\":%llu,\"state\":\"pending\",", no);
	render_time(&a->q->body, "due_at", d->due_at);
	buf_char(&a->q->body, '}');
	a->q->status = 202;
	native_locate(a->q, "/_/v1/deliveries/", arena_printf(&a->q->req->arena, "%llu", no));
}

static void follow_one(struct native_query *q)
{
	struct asked *a = q->state;
	a->say = say_one;
	ask(q);
}

const struct resource native_delivery_replay = {
	.prepare = prepare_one,
	.read = read_one,
	.follow = follow_one,
};

/* --- Stop --- */

static bool prepare_stop(struct native_query *q)
{
	struct asked *a = asked_new(q, WISH_REPLAY_STOP);
	if (!a || !native_row_number(q, native_unknown_replay, &a->wish.replay.no))
		return false;
	a->wish.replay.of.workspace = q->events.workspace;
	return true;
}

static int read_stop(struct native_query *q, struct store_reader *r)
{
	const struct asked *a = q->state;
	struct replay p;
	int e = ledger_read_replay(store_reader_dir(r), q->events.workspace, a->wish.replay.no, &p);
	if (e == LEDGER_NONE)
		native_refuse(q, 404, native_unknown_replay);
	return e < 0 ? e : STORE_OK;
}

static void say_stopped(struct asked *a)
{
	a->q->status = 204;
}

static void follow_stop(struct native_query *q)
{
	struct asked *a = q->state;
	a->say = say_stopped;
	ask(q);
}

const struct resource native_replay_stop = {
	.prepare = prepare_stop,
	.read = read_stop,
	.follow = follow_stop,
};
