/*
 * POST /people/3/events: up to 5000 events, all of them or none. What is wrong is told in a problem
 * document of its own, so decode leaves no operations then and the answer words the errors it kept.
 * The checks go from the outside in (infobip.md decision 33): array, count, the items' own
 * properties, definitions and what they ask for, persons.
 */
#include "dialect/infobip_private.h"

enum {
	CODE_BODY = 400500,
	CODE_SCHEMA = 400501,
	CODE_EMPTY = 400502,
	CODE_COUNT = 400503,
	CODE_ITEM = 400504,
	CODE_PERSON = 400505,
};

enum {
	ITEMS_MAX = 5000,
	ITEM_BYTES_MAX = 512000,
	BATCH_BYTES_MAX = 15728640,
	ERRORS_MAX = 100, /* more than these are not told */
	AGE_MAX_S = 30 * 24 * 3600,
};

enum { DEFINITION, OCCURRED_TIME, IDENTIFIER, PROPERTIES, N_MEMBERS };
enum { ID, TYPE, N_IDENTIFIER };

static const struct shape_member members[N_MEMBERS] = {
	[DEFINITION] = { STR_INIT("definitionId"), SHAPE_STRING, SHAPE_REQUIRED | SHAPE_NOT_EMPTY },
	[OCCURRED_TIME] = { STR_INIT("occurredTime"), SHAPE_STRING, SHAPE_REQUIRED },
	[IDENTIFIER] = { STR_INIT("identifier"), SHAPE_OBJECT, SHAPE_REQUIRED },
	[PROPERTIES] = { STR_INIT("properties"), SHAPE_ANY, SHAPE_NULL_ABSENT },
};

static const struct shape_member identifier_members[N_IDENTIFIER] = {
	[ID] = { STR_INIT("id"), SHAPE_STRING, SHAPE_REQUIRED | SHAPE_NOT_EMPTY },
	[TYPE] = { STR_INIT("type"), SHAPE_STRING, SHAPE_REQUIRED | SHAPE_NOT_EMPTY },
};

/* Of the messaging channels; beside other types anything may stand there. */
static const struct shape_member sender_member = { STR_INIT("sender"), SHAPE_STRING,
						   .flags = SHAPE_REQUIRED | SHAPE_NULL_ABSENT |
							    SHAPE_NOT_EMPTY };

/* One item while it is decoded; it becomes the operation of the same index. */
struct item {
	yyjson_val *body[N_MEMBERS];
	enum identity_kind kind;
	struct str id;
};

struct batch {
	yyjson_val *root;
	struct item *items;
	unsigned n;
	struct buf errors; /* JSON objects with commas between */
	unsigned n_errors;
};

/* --- Errors --- */

static void put_message(struct buf *b, int code)
{
	switch (code) {
	case CODE_BODY:
		return buf_lit(b, "Invalid request. Please ensure the request body is a properly "
				  "structured JSON array.");
	case CODE_EMPTY:
		return buf_lit(b, "The batch cannot be empty. Please provide at least one item in "
				  "the request array.");
	case CODE_COUNT:
		return buf_printf(b,
				  "The batch count exceeds the allowed limit of %d items. Please "
				  "reduce the number of items in the request array.",
				  ITEMS_MAX);
	case CODE_ITEM:
		return buf_lit(b, "One or more batch items contain invalid properties. Please "
				  "review the details for specific validation errors.");
	case CODE_PERSON:
		return buf_lit(b, "Person with such identifier doesn't exist. Please verify the "
				  "identifier and ensure it corresponds to an existing person in "
				  "the system.");
	default:
		return buf_lit(b, "The event schema is invalid. Please ensure each event has a "
				  "valid definition ID and properties match the expected schema. "
				  "Details: ");
	}
}

static void put_detail(struct buf *b, const struct problem *p)
{
	struct buf text = buf_in(b->arena);
	if (p->code == PROBLEM_EMPTY)
		buf_lit(&text, "Must not be empty.");
	else if (p->code == PROBLEM_TYPE && p->path.n == 0)
		buf_lit(&text, "Must be an object."); /* it is no body that the words speak of */
	else if (p->code == PROBLEM_FORMAT && str_eq(p->path, infobip_event_id_member.name))
		buf_lit(&text, "Must only include letters (A-Z, a-z), digits (0-9), underscores "
			       "(_), and hyphens (-).");
	else if (p->code == PROBLEM_VALUE)
		buf_printf(&text, "Must be one of the following types: %s.", p->rule);
	else
		infobip_put_problem(&text, p);
	buf_lit(b, "{\"property\":");
	buf_json_str(b, echo(p->path));
	buf_lit(b, ",\"message\":");
	buf_json_str(b, buf_str(&text));
	buf_char(b, '}');
	b->failed |= text.failed;
}

static void put_details(struct buf *b, const struct problems *ps)
{
	buf_lit(b, ",\"details\":[");
	for (unsigned i = 0; i < ps->n; i++) {
		if (i > 0)
			buf_char(b, ',');
		put_detail(b, &ps->list[i]);
	}
	buf_char(b, ']');
}

/* The problems are told as details, or (of the schema) in the message. */
static void put_error(struct buf *b, int index, int code, const struct problems *ps)
{
	struct buf message = buf_in(b->arena);
	put_message(&message, code);
	for (unsigned i = 0; code == CODE_SCHEMA && i < ps->n; i++) {
		infobip_put_problem_at(&message, &ps->list[i]);
		buf_put(&message, i + 1 < ps->n ? STR("; ") : STR("."));
	}
	if (b->n > 0)
		buf_char(b, ',');
	buf_printf(b, "{\"index\":%d,\"code\":%d,\"message\":", index, code);
	buf_json_str(b, buf_str(&message));
	if (code == CODE_ITEM)
		put_details(b, ps);
	buf_char(b, '}');
	b->failed |= message.failed;
}

/* Told or one too many to be told, the problems are forgotten: the next item's begin anew. */
static void add_error(struct batch *batch, int index, int code, struct problems *ps)
{
	if (batch->n_errors++ < ERRORS_MAX)
		put_error(&batch->errors, index, code, ps);
	*ps = (struct problems){ 0 };
}

/* 00-<trace>-<span>-00, as W3C Trace Context writes it. */
static void put_trace_id(struct buf *b)
{
	uint8_t random[24];
	char hex[48];
	random_bytes(random, sizeof(random));
	hex_put(random, sizeof(random), hex);
	buf_printf(b, "00-%.32s-%.16s-00", hex, hex + 32);
}

static void send_errors(struct call *call, const struct batch *batch)
{
	struct buf b = buf_in(&call->req->arena);
	buf_lit(&b, "{\"errors\":[");
	buf_put(&b, buf_str(&batch->errors));
	buf_lit(&b, "],\"traceId\":\"");
	put_trace_id(&b);
	buf_lit(&b, "\",\"type\":\"https://tools.ietf.org/html/rfc9110#section-15.5.1\","
		    "\"title\":\"One or more validation errors occurred.\",\"status\":400}");
	b.failed |= batch->errors.failed;
	call_begin(call, 400);
	call_send_json(call, &b);
}

/* --- Decoding --- */

static void read_identifier(struct call *call, struct item *item)
{
	yyjson_val *v[N_IDENTIFIER], *sender;
	struct str path = members[IDENTIFIER].name;
	if (!item->body[IDENTIFIER])
		return;
	shape_read(call, item->body[IDENTIFIER], path, identifier_members, N_IDENTIFIER, false, v);
	if (v[ID])
		item->id = json_str(v[ID]);
	if (!v[TYPE])
		return;
	if (!infobip_identifier_type(json_str(v[TYPE]), &item->kind))
		problem_at(&call->problems, PROBLEM_VALUE, STR("identifier.type"),
			   .rule = infobip_identifier_types);
	else if (infobip_wants_sender(item->kind))
		shape_read(call, item->body[IDENTIFIER], path, &sender_member, 1, false, &sender);
}

static void read_time(struct call *call, const struct item *item, struct op *op)
{
	struct str path = members[OCCURRED_TIME].name;
	instant_us now = call->req->received_at;
	if (!item->body[OCCURRED_TIME])
		return;
	if (!time_parse(json_str(item->body[OCCURRED_TIME]), TIME_ZONE_OPTIONAL, &op->occurred_at))
		problem_at(&call->problems, PROBLEM_FORMAT, path, .rule = "datetime");
	else if (op->occurred_at < now - AGE_MAX_S * US_PER_S)
		problem_at(&call->problems, PROBLEM_FORMAT, path,
			   .rule = "time of the last 30 days");
	op->occurred_given = op->occurred_at <= now;
}

static void read_item(struct call *call, struct item *item, yyjson_val *v, struct op *op)
{
	yyjson_val *event_id;
	if (!yyjson_is_obj(v)) {
		problem_at(&call->problems, PROBLEM_TYPE, STR(""), .rule = "object",
			   .actual = json_type_name(v));
		return;
	}
	shape_read(call, v, STR(""), members, N_MEMBERS, false, item->body);
	shape_read(call, v, STR(""), &infobip_event_id_member, 1, false, &event_id);
	if (event_id)
		infobip_dedupe(op, json_str(event_id));
	read_identifier(call, item);
	read_time(call, item, op);
}

static void read_items(struct call *call, struct batch *batch)
{
	size_t i, n;
	yyjson_val *v;
	yyjson_arr_foreach (batch->root, i, n, v) {
		read_item(call, &batch->items[i], v, &call->ops[i]);
		if (call->problems.found)
			add_error(batch, (int)i, CODE_ITEM, &call->problems);
	}
}

static void no_definition(struct call *call, unsigned i)
{
	struct arena *a = &call->req->arena;
	problem_at(&call->problems, PROBLEM_UNKNOWN_DEFINITION,
		   problem_path(a, problem_index(a, STR(""), i), members[DEFINITION].name));
}

static enum refusal read_event(struct call *call, struct item *item, unsigned i, struct op *op)
{
	struct str path = problem_index(op->arena, STR(""), i);
	const struct definition *d =
		workspace_definition(call->workspace, json_str(item->body[DEFINITION]));
	if (!d) {
		no_definition(call, i);
		return REFUSE_PROBLEMS;
	}
	op->definition = d->no;
	enum refusal why =
		infobip_properties(call, d, item->body[PROPERTIES],
				   problem_path(op->arena, path, members[PROPERTIES].name), op);
	if (why || op->properties.n <= ITEM_BYTES_MAX)
		return why;
	problem_at(&call->problems, PROBLEM_TOO_MANY, path, .rule = "bytes",
		   .limit = ITEM_BYTES_MAX, .size = (int64_t)op->properties.n);
	return REFUSE_PROBLEMS;
}

/* All that does not match is told in one error. */
static enum refusal read_events(struct call *call, struct batch *batch)
{
	for (unsigned i = 0; i < batch->n; i++) {
		enum refusal why = read_event(call, &batch->items[i], i, &call->ops[i]);
		if (why == REFUSE_OVERLOADED)
			return why;
	}
	if (call->problems.found)
		add_error(batch, -1, CODE_SCHEMA, &call->problems);
	return REFUSE_NOTHING;
}

static enum refusal read_persons(struct call *call, struct batch *batch)
{
	struct who *list = arena_array(&call->req->arena, struct who, batch->n);
	if (!list)
		return REFUSE_OVERLOADED;
	for (unsigned i = 0; i < batch->n; i++) {
		struct op *op = &call->ops[i];
		struct item *item = &batch->items[i];
		enum refusal why = infobip_identify(op->arena, item->kind, item->id, &list[i]);
		if (why == REFUSE_PROBLEMS)
			add_error(batch, (int)i, CODE_PERSON, &call->problems);
		else if (why)
			return why;
		bool create = infobip_may_have(item->kind, item->id);
		list[i].use = WHO_LOOKUP | (create ? WHO_CREATES | WHO_ADOPT : 0);
		op->who = &list[i];
		op->n_who = 1;
	}
	return REFUSE_NOTHING;
}

static enum refusal read_body(struct call *call, struct batch *batch)
{
	enum refusal why = infobip_takes_content_type(call->req) ? call_json(call, &batch->root)
								 : REFUSE_MEDIA_TYPE;
	if (why && why != REFUSE_JSON)
		return why;
	size_t n = yyjson_arr_size(batch->root);
	if (why || !yyjson_is_arr(batch->root))
		add_error(batch, -1, CODE_BODY, &call->problems);
	else if (n == 0)
		add_error(batch, -1, CODE_EMPTY, &call->problems);
	else if (n > ITEMS_MAX)
		add_error(batch, -1, CODE_COUNT, &call->problems);
	batch->n = batch->n_errors ? 0 : (unsigned)n;
	return REFUSE_NOTHING;
}

static bool make_ops(struct call *call, struct batch *batch)
{
	struct arena *a = &call->req->arena;
	struct op *ops = arena_array(a, struct op, batch->n);
	batch->items = arena_array(a, struct item, batch->n);
	if (!ops || !batch->items)
		return false;
	for (unsigned i = 0; i < batch->n; i++)
		ops[i] = (struct op){ .arena = a,
				      .workspace = call->workspace->no,
				      .dialect = DIALECT_INFOBIP };
	call->ops = ops;
	return true;
}

static enum refusal batch_decode(struct call *call)
{
	struct batch *batch = arena_new(&call->req->arena, struct batch);
	if (!batch)
		return REFUSE_OVERLOADED;
	call->state = batch;
	batch->errors = buf_in(&call->req->arena);
	enum refusal why = read_body(call, batch);
	if (why || batch->n_errors)
		return why;
	if (!make_ops(call, batch))
		return REFUSE_OVERLOADED;
	read_items(call, batch);
	if (!batch->n_errors)
		why = read_events(call, batch);
	if (!why && !batch->n_errors)
		why = read_persons(call, batch);
	call->n_ops = batch->n_errors ? 0 : batch->n;
	call->all_or_nothing = true;
	return why;
}

/* --- The answer --- */

static bool has_problem(const struct op *op, enum problem_code code)
{
	const struct problems *ps = op->outcome == OP_REFUSED ? op->problems : NULL;
	for (unsigned i = 0; ps && i < ps->n; i++)
		if (ps->list[i].code == code)
			return true;
	return false;
}

/* Of definitions that were deleted since decode has seen them; what else is wrong comes after. */
static void judge_definitions(struct call *call, struct batch *batch)
{
	for (unsigned i = 0; i < call->n_ops; i++)
		if (has_problem(&call->ops[i], PROBLEM_UNKNOWN_DEFINITION))
			no_definition(call, i);
	if (call->problems.found)
		add_error(batch, -1, CODE_SCHEMA, &call->problems);
}

/* Those without problems were only in the company of others. */
static void judge_op(struct batch *batch, unsigned i, const struct op *op)
{
	if (op->outcome != OP_REFUSED || !op->problems || op->problems->n == 0)
		return;
	bool nobody = has_problem(op, PROBLEM_UNKNOWN_CONTACT);
	add_error(batch, (int)i, nobody ? CODE_PERSON : CODE_ITEM, op->problems);
}

static void batch_answer(struct call *call)
{
	struct batch *batch = call->state;
	bool refused = call->n_ops == 0;
	judge_definitions(call, batch);
	bool told = batch->n_errors > 0;
	for (unsigned i = 0; i < call->n_ops; i++) {
		refused |= call->ops[i].outcome == OP_REFUSED;
		if (!told)
			judge_op(batch, i, &call->ops[i]);
	}
	if (refused && batch->n_errors == 0)
		return call->dialect->refuse(call, REFUSE_OVERLOADED);
	if (refused)
		return send_errors(call, batch);
	call_begin(call, 202);
	reply_send(call->req, STR(""), STR(""));
}

const struct endpoint infobip_send_batch = {
	.scope = SCOPE_EVENTS_WRITE,
	.body_max = BATCH_BYTES_MAX,
	.rate = { .requests = 5, .window_s = 1 },
	.bucket = INFOBIP_BUCKET_BATCH,
	.decode = batch_decode,
	.answer = batch_answer,
};
