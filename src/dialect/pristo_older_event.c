/*
 * POST /v1/populations/{populationId}/events: an event of a contact that is there already. It makes
 * none and changes none: that came with the next generation.
 */
#include "dialect/pristo_older.h"

enum { CONTACT, TYPE, OCCURRED_AT, FIELDS, MEMBERS = FIELDS + 2 };

static const struct shape_member members[MEMBERS] = {
	[CONTACT] = { STR_INIT("contact"), SHAPE_OBJECT, SHAPE_REQUIRED },
	[TYPE] = { STR_INIT("eventTypeId"), SHAPE_STRING, SHAPE_REQUIRED | SHAPE_NOT_EMPTY,
		   DEFINITION_NAME_MAX, form_no_nul, "name without U+0000" },
	[OCCURRED_AT] = { STR_INIT("occurredAt"), SHAPE_STRING, SHAPE_NULL_ABSENT, 0,
			  pristo_form_time, "datetime" },
	OLDER_FIELDS_MEMBERS(FIELDS),
};

static const struct shape_member contact_members[OLDER_IDENTIFIERS] = { OLDER_IDENTIFIER_MEMBERS };

struct report {
	yyjson_val *v[MEMBERS];
	yyjson_val *who[OLDER_IDENTIFIERS];
	struct pristo_older_fields fields;
};

static enum refusal read_report(struct call *call, struct report *r)
{
	static const struct str contact = STR_INIT("contact");
	struct pristo_older_body body = { members, MEMBERS, NULL, r->v };
	enum refusal why = pristo_older_read(call, &body);
	if (why)
		return why;
	if (r->v[CONTACT]) {
		shape_read(call, r->v[CONTACT], contact, contact_members, OLDER_IDENTIFIERS, true,
			   r->who);
		pristo_older_judge_ids(call, contact, r->who, OLDER_IDENTIFIERS);
		pristo_older_judge_reach(call, contact, r->who);
	}
	pristo_older_fields_read(call, &body, FIELDS, &r->fields);
	return call->problems.found ? REFUSE_PROBLEMS : REFUSE_NOTHING;
}

/* The fields as an object of their own. */
static struct str properties(struct arena *a, const struct pristo_older_fields *f)
{
	struct buf b = buf_in(a);
	size_t i, max;
	yyjson_val *name, *v;
	char between = '{';
	json_foreach_member (f->object, i, max, name, v) {
		if (!pristo_older_is_field(f, name))
			continue;
		buf_char(&b, between);
		buf_json_str(&b, json_str(name));
		buf_char(&b, ':');
		json_put(&b, v);
		between = ',';
	}
	buf_put(&b, between == '{' ? STR("{}") : STR("}"));
	return b.failed ? (struct str){ 0 } : buf_str(&b);
}

static enum refusal make_op(struct call *call, const struct report *r, const struct definition *d)
{
	static const unsigned uses[] = { WHO_LOOKUP, WHO_LOOKUP, WHO_LOOKUP, WHO_LOOKUP };
	struct op *op = call_op(call);
	if (!op || !pristo_older_who(op, r->who, uses, OLDER_IDENTIFIERS))
		return REFUSE_OVERLOADED;
	pristo_event_of(call, op, d, json_str(r->v[TYPE]));
	op->occurred_given = r->v[OCCURRED_AT] && time_parse(json_str(r->v[OCCURRED_AT]),
							     TIME_ZONE_OPTIONAL, &op->occurred_at);
	op->properties = properties(op->arena, &r->fields);
	return op->properties.p ? REFUSE_NOTHING : REFUSE_OVERLOADED;
}

static enum refusal decode(struct call *call)
{
	struct report r = { 0 };
	enum refusal why = read_report(call, &r);
	if (why)
		return why;
	if (!pristo_older_population_is_callers(call))
		return REFUSE_PROBLEMS;
	const struct definition *d =
		pristo_definition(call, STR("eventTypeId"), json_str(r.v[TYPE]));
	return call->problems.found ? REFUSE_PROBLEMS : make_op(call, &r, d);
}

static void answer(struct call *call)
{
	if (call->ops->outcome == OP_REFUSED)
		return call_refuse_op(call, call->ops);
	struct buf body = buf_in(&call->req->arena);
	pristo_put_receipt(&body, call->ops);
	call_begin(call, 201);
	call_send_json(call, &body);
}

const struct endpoint pristo_older_event = {
	.scope = SCOPE_EVENTS_WRITE,
	.body_max = PRISTO_BODY_MAX,
	.needs = SWITCH_OLDER_GENERATION,
	.decode = decode,
	.answer = answer,
};
