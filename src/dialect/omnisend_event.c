/*
 * One event for one contact: POST /v4/track, POST /v5/events, POST /api/events. The scheme of an
 * event is inferred: the first event of a name creates it, later ones extend it.
 */
#include "dialect/omnisend_private.h"

bool omnisend_form_time(struct str s)
{
	return time_parse(s, TIME_SPACE, NULL);
}

bool omnisend_form_event_name(struct str s)
{
	return !str_is_blank(s) && form_no_nul(s);
}

enum { EVENT_NAME, EVENT_ID, EVENT_TIME, PROPERTIES, N_MEMBERS };

static const struct shape_member members[N_MEMBERS] = {
	[EVENT_NAME] = { STR_INIT("eventName"), SHAPE_STRING,
			 SHAPE_REQUIRED | SHAPE_NULL_ABSENT | SHAPE_NOT_EMPTY, DEFINITION_NAME_MAX,
			 omnisend_form_event_name, OMNISEND_EVENT_NAME_FORM },
	[EVENT_ID] = { STR_INIT("eventID"), SHAPE_STRING, SHAPE_NULL_ABSENT, 0, form_uuid, "uuid" },
	[EVENT_TIME] = { STR_INIT("eventTime"), SHAPE_STRING, SHAPE_NULL_ABSENT, 0,
			 omnisend_form_time, "datetime" },
	[PROPERTIES] = { STR_INIT("properties"), SHAPE_ANY, .flags = SHAPE_NULL_ABSENT },
};

/* An event is known by its id and its time together, the latter as an instant however it is
 * written; an id alone may be one that somebody has written into a template (decision 33). */
static bool recognise(struct op *op, struct str event_id)
{
	struct buf key = buf_in(op->arena);
	char text[UUID_TEXT + 1];
	struct uuid id;
	must(uuid_parse(event_id, &id));
	uuid_text(id, text);
	buf_printf(&key, "%s %lld", text, (long long)op->occurred_at);
	op->dedupe = (struct dedupe){ .key = buf_str(&key), .space = DEDUPE_OMNISEND_EVENT };
	return !key.failed;
}

enum refusal omnisend_read_event(struct call *call, yyjson_val *root, struct op *op)
{
	yyjson_val *v[N_MEMBERS];
	op->kind = OP_EVENT;
	shape_read(call, root, STR(""), members, N_MEMBERS, false, v);
	if (v[EVENT_TIME])
		op->occurred_given =
			time_parse(json_str(v[EVENT_TIME]), TIME_SPACE, &op->occurred_at);
	if (v[EVENT_ID] && op->occurred_given && !recognise(op, json_str(v[EVENT_ID])))
		return REFUSE_OVERLOADED;

	struct str event = v[EVENT_NAME] ? json_str(v[EVENT_NAME]) : (struct str){ 0 };
	enum refusal why = omnisend_contact(call, root, op);
	return why ?: omnisend_properties(call, v[PROPERTIES], event, op);
}

static enum refusal event_decode(struct call *call)
{
	yyjson_val *root;
	enum refusal why = omnisend_body(call, &root);
	if (why)
		return why;
	struct op *op = call_op(call);
	if (!op)
		return REFUSE_OVERLOADED;
	why = omnisend_read_event(call, root, op);
	return why ?: call->problems.found ? REFUSE_PROBLEMS : REFUSE_NOTHING;
}

static void event_answer(struct call *call)
{
	if (call->ops->outcome == OP_REFUSED)
		return omnisend_refuse_op(call, STR("contact"));
	omnisend_accepted(call);
}

const struct endpoint omnisend_event = {
	.scope = SCOPE_EVENTS_WRITE,
	.body_max = OMNISEND_BODY_MAX,
	.decode = event_decode,
	.answer = event_answer,
};
