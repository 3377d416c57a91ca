/*
 * What one Pristo report says: read, judged, made an operation.
 */
#include "dialect/pristo_private.h"

/* The zone may be missing: many serializers leave it out, and then it is UTC (decision 19). */
bool pristo_form_time(struct str s)
{
	return time_parse(s, TIME_ZONE_OPTIONAL, NULL);
}

enum { CONTACT, TYPE, OCCURRED_AT, FIELDS, EVENT_MEMBERS };

static const struct shape_member event_members[EVENT_MEMBERS] = {
	[CONTACT] = { STR_INIT("contact"), SHAPE_OBJECT, SHAPE_REQUIRED },
	[TYPE] = { STR_INIT("type"), SHAPE_STRING, SHAPE_REQUIRED | SHAPE_NOT_EMPTY,
		   DEFINITION_NAME_MAX, form_no_nul, "name without U+0000" },
	[OCCURRED_AT] = { STR_INIT("occurredAt"), SHAPE_STRING, 0, 0, pristo_form_time,
			  "datetime" },
	[FIELDS] = { STR_INIT("customFields"), SHAPE_OBJECT },
};

struct report {
	yyjson_val *event[EVENT_MEMBERS]; /* NULL: absent */
	struct pristo_contact contact;
};

static void read_report(struct call *call, yyjson_val *root, struct report *r)
{
	if (!yyjson_is_obj(root)) {
		problem_at(&call->problems, PROBLEM_TYPE, STR(""), .rule = "object",
			   .actual = json_type_name(root));
		return;
	}
	shape_read(call, root, STR(""), event_members, EVENT_MEMBERS, true, r->event);
	if (r->event[CONTACT])
		pristo_contact_read(call, r->event[CONTACT], false, &r->contact);
	pristo_judge_fields(call, STR("customFields"), r->event[FIELDS]);
}

const struct definition *pristo_definition(struct call *call, struct str path, struct str type)
{
	const struct definition *d = workspace_definition(call->workspace, type);
	if (!d && !switch_on(call->workspace, SWITCH_AUTO_DEFINE_EVENT_TYPES))
		problem_at(&call->problems, PROBLEM_UNKNOWN_DEFINITION, path);
	return d;
}

void pristo_event_of(const struct call *call, struct op *op, const struct definition *d,
		     struct str type)
{
	if (d)
		op->definition = d->no;
	/* Also when it is there: it may be gone by the time the event is written. */
	if (switch_on(call->workspace, SWITCH_AUTO_DEFINE_EVENT_TYPES))
		op->definition_name = type;
}

static enum refusal make_op(struct call *call, const struct report *r, const struct definition *d)
{
	struct op *op = call_op(call);
	if (!op || !pristo_contact_fill(op, &r->contact))
		return REFUSE_OVERLOADED;
	pristo_event_of(call, op, d, json_str(r->event[TYPE]));
	op->occurred_given =
		r->event[OCCURRED_AT] &&
		time_parse(json_str(r->event[OCCURRED_AT]), TIME_ZONE_OPTIONAL, &op->occurred_at);
	op->properties = r->event[FIELDS] ? json_text(op->arena, r->event[FIELDS]) : STR("{}");
	return op->properties.p ? REFUSE_NOTHING : REFUSE_OVERLOADED;
}

/* The order of checks is pristo.md section 2; each stage tells all that it finds. */
enum refusal pristo_send_decode(struct call *call)
{
	struct report r = { 0 };
	struct uuid population;
	yyjson_val *root;
	enum refusal why = call_json(call, &root);
	if (why)
		return why;
	pristo_population(call, &population);
	read_report(call, root, &r);
	if (call->problems.found > 0 || !pristo_population_is_callers(call, population))
		return REFUSE_PROBLEMS;

	const struct definition *d = pristo_definition(call, STR("type"), json_str(r.event[TYPE]));
	pristo_contact_judge(call, &r.contact);
	return call->problems.found > 0 ? REFUSE_PROBLEMS : make_op(call, &r, d);
}
