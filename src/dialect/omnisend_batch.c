/*
 * POST .../batches: up to 100 contacts or events. Each item is judged as its own call would be, and
 * one that is no good leaves the others alone. All is done, and recorded, before the answer leaves:
 * a batch is finished when it is first read.
 */
#include "dialect/omnisend_private.h"

enum { ITEMS_MAX = 100, ORIGIN_MAX = 100 };

enum { METHOD, ENDPOINT, ITEMS, ORIGIN, N_MEMBERS };

static const struct shape_member members[N_MEMBERS] = {
	[METHOD] = { STR_INIT("method"), SHAPE_STRING, SHAPE_REQUIRED | SHAPE_NULL_ABSENT },
	[ENDPOINT] = { STR_INIT("endpoint"), SHAPE_STRING, SHAPE_REQUIRED | SHAPE_NULL_ABSENT },
	[ITEMS] = { STR_INIT("items"), SHAPE_ARRAY, SHAPE_REQUIRED | SHAPE_NULL_ABSENT },
	[ORIGIN] = { STR_INIT("origin"), SHAPE_STRING, SHAPE_NULL_ABSENT, .max = ORIGIN_MAX },
};

struct batch {
	const struct omnisend_batched *of;
	bool put; /* the method: PUT, not POST */
	struct bulk bulk;
	struct bulk_item *items;
	unsigned n; /* of them read so far */
};

/* --- What is wrong with the whole --- */

static void judge_method(struct call *call, const struct batch *batch, yyjson_val *v)
{
	bool post = v && str_eq(json_str(v), STR("POST"));
	bool put = v && str_eq(json_str(v), STR("PUT"));
	bool known = post || (put && (!batch->of || strstr(batch->of->methods, "PUT")));
	if (v && !known)
		problem_at(&call->problems, PROBLEM_VALUE, members[METHOD].name,
			   .rule = batch->of ? batch->of->methods : "POST, PUT");
}

static void judge_items(struct call *call, yyjson_val *v)
{
	struct str path = members[ITEMS].name;
	size_t n = yyjson_arr_size(v);
	if (v && n == 0)
		problem_at(&call->problems, PROBLEM_EMPTY, path);
	if (n > ITEMS_MAX)
		problem_at(&call->problems, PROBLEM_TOO_MANY, path, .rule = "items",
			   .limit = ITEMS_MAX, .size = (int64_t)n);
}

/* The scope comes before everything else that the body says. */
static enum refusal judge(struct call *call, yyjson_val *root, struct batch *batch, yyjson_val **v)
{
	shape_read(call, root, STR(""), members, N_MEMBERS, false, v);
	if (v[ENDPOINT])
		batch->of =
			omnisend_batched_find(call, json_str(v[ENDPOINT]), members[ENDPOINT].name);
	if (batch->of && omnisend_batch_scope(call, batch->of->writes))
		return REFUSE_SCOPE;
	judge_method(call, batch, v[METHOD]);
	judge_items(call, v[ITEMS]);
	return call->problems.found ? REFUSE_PROBLEMS : REFUSE_NOTHING;
}

/* --- Items --- */

static enum refusal read_item(struct call *call, const struct batch *batch, yyjson_val *v,
			      struct op *op)
{
	if (yyjson_is_obj(v))
		return batch->of->read(call, v, batch->put, op);
	problem_at(&call->problems, PROBLEM_TYPE, STR(""), .rule = "object",
		   .actual = json_type_name(v));
	return REFUSE_NOTHING;
}

/* The item's problems are its own. */
static bool keep_problems(struct call *call, struct bulk_item *item)
{
	struct problems *ps = arena_new(&call->req->arena, struct problems);
	if (!ps)
		return false;
	*ps = call->problems;
	item->problems = ps;
	call->problems = (struct problems){ 0 };
	return true;
}

/* An operation that came of it is the next of the call's. */
static enum refusal add_item(struct call *call, struct batch *batch, yyjson_val *v)
{
	struct bulk_item *item = &batch->items[batch->n++];
	struct op *op = &call->ops[call->n_ops];
	const struct op fresh = *op;
	enum refusal why = read_item(call, batch, v, op);
	if (why)
		return why;
	item->request = json_text(&call->req->arena, v);
	if (!item->request.p)
		return REFUSE_OVERLOADED;
	if (call->problems.found) {
		*op = fresh;
		return keep_problems(call, item) ? REFUSE_NOTHING : REFUSE_OVERLOADED;
	}
	item->op = op;
	call->n_ops++;
	return REFUSE_NOTHING;
}

static enum refusal add_items(struct call *call, struct batch *batch, yyjson_val *list)
{
	size_t i, n;
	yyjson_val *v;
	call->n_ops = 0;
	yyjson_arr_foreach (list, i, n, v) {
		enum refusal why = add_item(call, batch, v);
		if (why)
			return why;
	}
	return REFUSE_NOTHING;
}

/* --- The whole --- */

static struct str about(struct arena *a, yyjson_val **v)
{
	struct buf b = buf_in(a);
	buf_lit(&b, "{\"method\":");
	json_put(&b, v[METHOD]);
	buf_lit(&b, ",\"origin\":");
	buf_json_str(&b, v[ORIGIN] ? json_str(v[ORIGIN]) : STR(""));
	buf_char(&b, '}');
	return b.failed ? (struct str){ 0 } : buf_str(&b);
}

/* The last operation records the others. */
static enum refusal record(struct call *call, struct batch *batch, yyjson_val **v)
{
	struct op *op = &call->ops[call->n_ops++];
	batch->bulk = (struct bulk){ .space = batch->of->space,
				     .about = about(op->arena, v),
				     .items = batch->items,
				     .n_items = batch->n,
				     .keep_s = OMNISEND_BATCH_KEEP_S };
	op->kind = OP_BULK;
	op->bulk = &batch->bulk;
	return batch->bulk.about.p ? REFUSE_NOTHING : REFUSE_OVERLOADED;
}

static enum refusal make_ops(struct call *call, struct batch *batch, yyjson_val **v)
{
	unsigned n = (unsigned)yyjson_arr_size(v[ITEMS]);
	batch->put = str_eq(json_str(v[METHOD]), STR("PUT"));
	batch->items = arena_array(&call->req->arena, struct bulk_item, n);
	if (!batch->items || !call_ops(call, n + 1))
		return REFUSE_OVERLOADED;
	enum refusal why = add_items(call, batch, v[ITEMS]);
	return why ?: record(call, batch, v);
}

static enum refusal batch_decode(struct call *call)
{
	struct batch *batch = arena_new(&call->req->arena, struct batch);
	yyjson_val *root, *v[N_MEMBERS];
	if (!batch)
		return REFUSE_OVERLOADED;
	enum refusal why = omnisend_batch_scope(call, SCOPE_CONTACTS_WRITE | SCOPE_EVENTS_WRITE);
	why = why ?: omnisend_body(call, &root);
	why = why ?: judge(call, root, batch, v);
	return why ?: make_ops(call, batch, v);
}

static void batch_answer(struct call *call)
{
	const struct op *op = &call->ops[call->n_ops - 1];
	struct buf b = buf_in(&call->req->arena);
	buf_char(&b, '{');
	omnisend_put_batch_id(&b, op->bulk_no, op->received_at);
	buf_printf(&b, ",\"totalCount\":%u}", op->bulk->n_items);
	omnisend_begin(call, 201);
	call_send_json(call, &b);
}

const struct endpoint omnisend_batch = {
	.body_max = OMNISEND_BODY_MAX,
	.decode = batch_decode,
	.answer = batch_answer,
};
