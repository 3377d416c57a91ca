/*
 * POST /peopleevents/2/persons/{personId}/definitions/{definitionId}/events: one event of one
 * person; and the older form of it under /peopleevents/1/. Read in stages, each of which must be
 * without a problem before the next is looked at (infobip.md decision 51): media type, body, query,
 * definition, person, properties.
 */
#include "dialect/infobip_private.h"
#include "net/url.h"

enum { PROPERTIES, OLD_TYPE, N_MEMBERS };

static const struct shape_member members[N_MEMBERS] = {
	[PROPERTIES] = { STR_INIT("properties"), SHAPE_ANY, .flags = SHAPE_NULL_ABSENT },
	[OLD_TYPE] = { STR_INIT("personIdentifierType"), SHAPE_ANY, .flags = SHAPE_NULL_ABSENT },
};

/* The decoded request, kept for the answer. */
struct send {
	yyjson_val *body[N_MEMBERS];
	struct str event_id; /* the client's; .p NULL: ours */
	bool typed;          /* kind is meant; else the person's id tells (v1) */
	enum identity_kind kind;
	bool create;
	const struct definition *definition; /* valid until decode returns */
};

static enum refusal read_body(struct call *call, struct send *s)
{
	yyjson_val *root, *event_id;
	enum refusal why = infobip_body(call, &root);
	if (why)
		return why;
	shape_read(call, root, STR(""), members, N_MEMBERS, false, s->body);
	shape_read(call, root, STR(""), &infobip_event_id_member, 1, false, &event_id);
	if (event_id)
		s->event_id = json_str(event_id);
	infobip_dedupe(call->ops, s->event_id);
	return infobip_so_far(call);
}

static void read_type(struct call *call, struct send *s, struct str value, struct str path)
{
	s->typed = infobip_identifier_type(value, &s->kind);
	if (!s->typed)
		problem_at(&call->problems, PROBLEM_VALUE, path, .rule = infobip_identifier_types);
}

static void read_identifier_type(struct call *call, struct send *s)
{
	static const struct str path = STR_INIT("identifierType");
	struct str v = url_query(call->req->place, call->req->query, path);
	if (v.n == 0)
		problem_at(&call->problems, PROBLEM_REQUIRED, path);
	else
		read_type(call, s, v, path);
}

/* v1: in the query, else in the body, else nowhere (decision 48). */
static void read_old_type(struct call *call, struct send *s)
{
	struct str path = members[OLD_TYPE].name;
	struct str v = url_query(call->req->place, call->req->query, path);
	if (v.n == 0 && s->body[OLD_TYPE])
		v = json_str(s->body[OLD_TYPE]);
	if (v.n > 0 || s->body[OLD_TYPE])
		read_type(call, s, v, path);
}

static void read_create_person(struct call *call, struct send *s)
{
	static const struct str path = STR_INIT("createPerson");
	struct str v = url_query(call->req->place, call->req->query, path);
	s->create = str_eq_nocase(v, STR("true"));
	if (v.p && !s->create && !str_eq_nocase(v, STR("false")))
		problem_at(&call->problems, PROBLEM_VALUE, path, .rule = "true, false");
}

static enum refusal read_query(struct call *call, struct send *s)
{
	if (call->endpoint == &infobip_send_event_v1)
		read_old_type(call, s);
	else
		read_identifier_type(call, s);
	read_create_person(call, s);
	return infobip_so_far(call);
}

static enum refusal read_definition(struct call *call, struct send *s)
{
	s->definition = workspace_definition(call->workspace, call->params[1]);
	if (!s->definition)
		problem_at(&call->problems, PROBLEM_UNKNOWN_DEFINITION, STR("definitionId"));
	call->ops->definition = s->definition ? s->definition->no : 0;
	return infobip_so_far(call);
}

enum { GUESSES_MAX = 4 };

/* What a person of v1 may be named by when nothing says it. Letters name nobody by phone, though
 * phones are compared by their digits. */
static unsigned guess_kinds(struct str id, enum identity_kind kinds[GUESSES_MAX])
{
	unsigned n = 0;
	if (str_find(id, '@') < id.n) {
		kinds[0] = IDENTITY_EMAIL;
		return 1;
	}
	kinds[n++] = IDENTITY_EXTERNAL_ID;
	if (infobip_may_have(IDENTITY_PHONE, id))
		kinds[n++] = IDENTITY_PHONE;
	kinds[n++] = IDENTITY_PUSH;
	kinds[n++] = IDENTITY_NUMBER;
	return n;
}

static enum refusal read_person(struct call *call, struct send *s)
{
	enum identity_kind kinds[GUESSES_MAX] = { s->kind };
	struct op *op = call->ops;
	unsigned n = s->typed ? 1 : guess_kinds(call->params[0], kinds);
	struct who *list = arena_array(op->arena, struct who, n);
	if (!list)
		return REFUSE_OVERLOADED;
	for (unsigned i = 0; i < n; i++) {
		struct who *w = &list[op->n_who];
		enum refusal why = infobip_identify(op->arena, kinds[i], call->params[0], w);
		if (why == REFUSE_PROBLEMS)
			continue;
		if (why)
			return why;
		bool create = s->create && n == 1 && infobip_may_have(w->kind, w->value);
		w->use = WHO_LOOKUP | (create ? WHO_CREATES | WHO_ADOPT : 0);
		op->n_who++;
	}
	op->who = list;
	if (op->n_who == 0)
		problem_at(&call->problems, PROBLEM_UNKNOWN_CONTACT, STR("personId"));
	return infobip_so_far(call);
}

static enum refusal send_decode(struct call *call)
{
	struct send *s = arena_new(&call->req->arena, struct send);
	if (!s || !call_op(call))
		return REFUSE_OVERLOADED;
	call->state = s;
	call->ops->wants_first = true;
	enum refusal why = read_body(call, s);
	why = why ?: read_query(call, s);
	why = why ?: read_definition(call, s);
	why = why ?: read_person(call, s);
	return why
		       ?: infobip_properties(call, s->definition, s->body[PROPERTIES],
					     members[PROPERTIES].name, call->ops);
}

/* --- The answer --- */

static void put_event_id(struct buf *b, const struct send *s, struct uuid id)
{
	char text[UUID_TEXT + 1];
	uuid_text_upper(id, text);
	buf_put(b, s->event_id.p ? s->event_id : (struct str){ text, UUID_TEXT });
}

/* Of the event that was recorded, which may be an older one under the same id. */
static struct str definition_of(const struct call *call)
{
	return call->ops->repeated ? call->ops->definition_name : call->params[1];
}

static void send_answer(struct call *call)
{
	const struct op *op = call->ops;
	if (op->outcome == OP_REFUSED)
		return call_refuse_op(call, op);
	struct buf b = buf_in(&call->req->arena);
	buf_lit(&b, "{\"eventId\":\"");
	put_event_id(&b, call->state, op->event_id);
	buf_lit(&b, "\",\"definitionId\":");
	buf_json_str(&b, definition_of(call));
	buf_lit(&b, ",\"occurredTime\":\"");
	time_put(&b, op->occurred_at, 7);
	buf_lit(&b, "\",\"properties\":");
	buf_put(&b, op->properties);
	buf_lit(&b, ",\"metadata\":{\"source\":\"API\"}}");
	call_begin(call, 201);
	call_send_json(call, &b);
}

const struct endpoint infobip_send_event = {
	.scope = SCOPE_EVENTS_WRITE,
	.body_max = INFOBIP_BODY_MAX,
	.decode = send_decode,
	.answer = send_answer,
};

const struct endpoint infobip_send_event_v1 = {
	.scope = SCOPE_EVENTS_WRITE,
	.body_max = INFOBIP_BODY_MAX,
	.decode = send_decode,
	.answer = send_answer,
};
