/*
 * POST /v1/events/send: one event, or a batch of which each item stands for itself (decisions 30 to
 * 32). With an Idempotency-Key a repetition gets the first answer again (decisions 19, 20, 40).
 */
#include "dialect/arsel_private.h"

enum {
	BATCH_MAX = 50,
	KEY_MAX = 256, /* bytes of an Idempotency-Key */
	KEY_KEEP_S = 24 * 60 * 60,
};

struct send {
	struct arsel_no no; /* first: see arsel_private.h */
	bool batch;
	struct arsel_event *events;
	unsigned n;
};

/* --- Reading --- */

/* The same for the same bytes, whenever and wherever the program runs. */
static uint64_t payload_of(struct str body)
{
	struct sha256 digest = sha256_of(body);
	uint64_t v;
	memcpy(&v, digest.b, sizeof(v));
	return v;
}

static enum refusal read_key(struct call *call)
{
	struct str key = request_header(call->req, STR("Idempotency-Key"));
	if (!key.p)
		return REFUSE_NOTHING;
	if (key.n == 0 || key.n > KEY_MAX)
		return arsel_stop(call, ARSEL_KEY, STR(""));
	call->request =
		(struct dedupe){ .key = key, .space = DEDUPE_ARSEL_REQUEST, .keep_s = KEY_KEEP_S };
	call->payload = payload_of(call->req->body);
	return REFUSE_NOTHING;
}

/* A member that is null is one that is absent. */
static yyjson_val *given(yyjson_val *root, struct str name)
{
	yyjson_val *v = json_get(root, name);
	return v && !yyjson_is_null(v) ? v : NULL;
}

/* The list of a batch, NULL for a single event. */
static enum refusal read_batch(struct call *call, yyjson_val *root, yyjson_val **list)
{
	*list = given(root, STR("event")) ? NULL : given(root, STR("events"));
	if (!*list)
		return REFUSE_NOTHING;
	size_t n = yyjson_arr_size(*list);
	if (!yyjson_is_arr(*list))
		problem_at(&call->problems, PROBLEM_TYPE, STR("events"), .rule = "array");
	else if (n == 0)
		problem_at(&call->problems, PROBLEM_EMPTY, STR("events"));
	else if (n > BATCH_MAX)
		problem_at(&call->problems, PROBLEM_TOO_MANY, STR("events"), .rule = "items",
			   .limit = BATCH_MAX, .size = (int64_t)n);
	return call->problems.found ? REFUSE_PROBLEMS : REFUSE_NOTHING;
}

static enum refusal make_room(struct call *call, struct send *send, unsigned n)
{
	send->events = arena_array(&call->req->arena, struct arsel_event, n);
	send->n = send->events ? n : 0;
	return send->events && call_ops(call, n) ? REFUSE_NOTHING : REFUSE_OVERLOADED;
}

static void put_error(struct buf *b, const struct arsel_no *no, const struct problems *ps)
{
	struct buf message = buf_in(b->arena);
	arsel_put_message(&message, no, ps);
	buf_printf(b, "{\"error\":{\"status_code\":%d,\"code\":", arsel_no_status(no));
	buf_json_str(b, arsel_no_code(no));
	buf_lit(b, ",\"message\":");
	buf_json_str(b, buf_str(&message));
	buf_lit(b, "}}");
	b->failed |= message.failed;
}

/* Reads the next event into the next operation, which it takes if it is good. */
static enum refusal read_event(struct call *call, yyjson_val *body, struct arsel_event *e)
{
	struct op *op = &call->ops[call->n_ops];
	enum refusal why = arsel_event_read(call, body, e, op);
	if (why)
		return why;
	e->op = op;
	call->n_ops++;
	return REFUSE_NOTHING;
}

/* An item's problems become its entry of the answer: they are nobody else's. */
static enum refusal read_item(struct call *call, yyjson_val *body, struct arsel_event *e)
{
	enum refusal why = read_event(call, body, e);
	if (why != REFUSE_PROBLEMS)
		return why;
	struct buf error = buf_in(&call->req->arena);
	put_error(&error, &e->no, &call->problems);
	call->problems = (struct problems){ 0 };
	e->error = buf_str(&error);
	return error.failed ? REFUSE_OVERLOADED : REFUSE_NOTHING;
}

static enum refusal read_items(struct call *call, struct send *send, yyjson_val *list)
{
	size_t i, max;
	yyjson_val *item;
	enum refusal why = make_room(call, send, (unsigned)yyjson_arr_size(list));
	send->batch = true;
	call->n_ops = 0;
	yyjson_arr_foreach (list, i, max, item) {
		if (why)
			break;
		why = read_item(call, item, &send->events[i]);
	}
	return why;
}

static enum refusal read_single(struct call *call, struct send *send, yyjson_val *root)
{
	enum refusal why = make_room(call, send, 1);
	call->n_ops = 0;
	why = why ?: read_event(call, root, send->events);
	if (why == REFUSE_PROBLEMS)
		send->no = send->events->no;
	return why;
}

/* Which events became operations is part of what a repetition must agree in: what was remembered
 * belongs to those. Definitions may have changed in between. */
static void mark_payload(struct call *call, const struct send *send)
{
	uint64_t taken = 0;
	_Static_assert(BATCH_MAX <= 64, "a bit for each event");
	for (unsigned i = 0; i < send->n; i++)
		taken |= (uint64_t)(send->events[i].op != NULL) << i;
	call->payload ^= taken;
}

static enum refusal decode(struct call *call)
{
	yyjson_val *root = NULL, *list = NULL;
	struct send *send = arsel_state(call, sizeof(*send));
	if (!send)
		return REFUSE_OVERLOADED;
	enum refusal why = read_key(call);
	why = why ?: arsel_object(call, &root);
	why = why ?: read_batch(call, root, &list);
	if (why)
		return why;
	why = list ? read_items(call, send, list) : read_single(call, send, root);
	mark_payload(call, send);
	return why;
}

/* --- Answering --- */

static void put_accepted(struct buf *b, const struct op *op)
{
	char id[UUID_TEXT + 1];
	uuid_text(op->event_id, id);
	buf_lit(b, "{\"id\":\"");
	buf_put(b, (struct str){ id, UUID_TEXT });
	buf_lit(b, "\",\"status\":\"accepted\"}");
}

static struct str about_op(const struct arsel_event *e)
{
	return arsel_stage_of(e->op) == ARSEL_CONTACT ? e->contact_id : e->no.about;
}

static void put_refused(struct buf *b, const struct arsel_event *e)
{
	static const struct problems none;
	struct arsel_no no = { arsel_stage_of(e->op), echo(about_op(e)) };
	b->failed |= !e->op->problems;
	put_error(b, &no, e->op->problems ?: &none);
}

static void put_result(struct buf *b, const struct arsel_event *e)
{
	if (!e->op)
		buf_put(b, e->error);
	else if (e->op->outcome == OP_REFUSED)
		put_refused(b, e);
	else
		put_accepted(b, e->op);
}

/* 202 even when every item was refused: clients settle a batch by its status alone. */
static void answer_batch(struct call *call, const struct send *send)
{
	struct buf body = buf_in(&call->req->arena);
	buf_lit(&body, "{\"results\":[");
	for (unsigned i = 0; i < send->n; i++) {
		if (i > 0)
			buf_char(&body, ',');
		put_result(&body, &send->events[i]);
	}
	buf_lit(&body, "]}");
	arsel_send_json(call, 202, &body);
}

static void answer_single(struct call *call, const struct send *send)
{
	if (call->ops->outcome == OP_REFUSED)
		return arsel_refuse_op(call, about_op(send->events));
	struct buf body = buf_in(&call->req->arena);
	put_accepted(&body, call->ops);
	arsel_send_json(call, 202, &body);
}

static void answer(struct call *call)
{
	const struct send *send = call->state;
	if (call->other_payload) {
		arsel_stop(call, ARSEL_OTHER_PAYLOAD, STR(""));
		return call->dialect->refuse(call, REFUSE_PROBLEMS);
	}
	if (send->batch)
		answer_batch(call, send);
	else
		answer_single(call, send);
}

const struct endpoint arsel_send = {
	.scope = SCOPE_EVENTS_WRITE,
	.public = true,
	.body_max = 4 * 1024 * 1024,
	.decode = decode,
	.answer = answer,
};
