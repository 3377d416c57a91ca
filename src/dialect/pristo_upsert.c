/*
 * POST /v1/populations/{populationId}/contacts: a contact is made or changed without an event.
 */
#include "dialect/pristo_private.h"

static const struct shape_member request[] = {
	{ STR_INIT("contact"), SHAPE_OBJECT, .flags = SHAPE_REQUIRED },
};

static void read_request(struct call *call, yyjson_val *root, struct pristo_contact *out)
{
	yyjson_val *contact;
	if (!yyjson_is_obj(root)) {
		problem_at(&call->problems, PROBLEM_TYPE, STR(""), .rule = "object",
			   .actual = json_type_name(root));
		return;
	}
	shape_read(call, root, STR(""), request, ARRAY_LEN(request), false, &contact);
	if (contact)
		pristo_contact_read(call, contact, true, out);
}

static enum refusal make_op(struct call *call, struct pristo_contact *c)
{
	struct op *op = call_op(call);
	if (switch_on(call->workspace, SWITCH_UNREACHABLE_CONTACTS))
		c->id_use = WHO_CREATES;
	if (!op || !pristo_contact_fill(op, c))
		return REFUSE_OVERLOADED;
	op->kind = OP_CONTACT;
	op->wants_view = true;
	return REFUSE_NOTHING;
}

/* The order of checks is the one of an event (pristo.md section 2). */
static enum refusal upsert_decode(struct call *call)
{
	struct pristo_contact contact = { 0 };
	struct uuid population;
	yyjson_val *root;
	enum refusal why = call_json(call, &root);
	if (why)
		return why;
	pristo_population(call, &population);
	read_request(call, root, &contact);
	if (call->problems.found > 0 || !pristo_population_is_callers(call, population))
		return REFUSE_PROBLEMS;
	pristo_contact_judge(call, &contact);
	return call->problems.found > 0 ? REFUSE_PROBLEMS : make_op(call, &contact);
}

/* --- The contact as stored --- */

static const struct pristo_shown shown[] = {
	{ STR_INIT("email"), STR_INIT("email"), false },
	{ STR_INIT("phone"), STR_INIT("phone"), false },
	{ STR_INIT("language"), STR_INIT("language"), false },
	{ STR_INIT("name"), STR_INIT("first_name"), false },
	{ STR_INIT("lastName"), STR_INIT("last_name"), false },
};

/* Values are strings here; what another vendor's calls left in another type is its JSON text. */
static void put_string(struct buf *b, yyjson_val *v)
{
	if (yyjson_is_str(v))
		return json_put(b, v);
	struct buf text = buf_in(b->arena);
	json_put(&text, v);
	b->failed |= text.failed;
	buf_json_str(b, buf_str(&text));
}

static void put_fields(struct buf *b, yyjson_val *fields)
{
	size_t i, max;
	yyjson_val *name, *v;
	char between = '{';
	buf_lit(b, ",\"customFields\":");
	json_foreach_member (fields, i, max, name, v) {
		buf_char(b, between);
		buf_json_str(b, json_str(name));
		buf_char(b, ':');
		put_string(b, v);
		between = ',';
	}
	buf_char(b, '}');
}

void pristo_put_attributes(struct buf *b, yyjson_val *attributes, const struct pristo_shown *list,
			   size_t n)
{
	yyjson_val *fields = json_get(attributes, STR("custom"));
	for (size_t i = 0; i < n; i++) {
		yyjson_val *v = json_get(attributes, list[i].attribute);
		if (!v)
			continue;
		buf_char(b, ',');
		buf_json_str(b, list[i].name);
		buf_char(b, ':');
		if (list[i].as_it_is)
			json_put(b, v);
		else
			put_string(b, v);
	}
	if (yyjson_obj_size(fields) > 0)
		put_fields(b, fields);
}

static void put_contact(struct buf *b, struct str id, yyjson_val *attributes)
{
	buf_lit(b, "{\"id\":");
	buf_json_str(b, id);
	pristo_put_attributes(b, attributes, shown, ARRAY_LEN(shown));
	buf_char(b, '}');
}

static void upsert_answer(struct call *call)
{
	const struct op *op = call->ops;
	yyjson_val *attributes = NULL;
	struct buf body = buf_in(&call->req->arena);
	if (op->outcome == OP_REFUSED)
		return call_refuse_op(call, op);
	/* The store's own text: it fails to be read only when memory does. */
	body.failed =
		json_parse(&call->req->arena, op->view.attributes, &attributes, NULL) != JSON_OK;
	buf_lit(&body, "{\"contact\":");
	put_contact(&body, op->who[0].value, attributes);
	buf_char(&body, '}');
	call_begin(call, op->created ? 201 : 200);
	call_send_json(call, &body);
}

const struct endpoint pristo_upsert = {
	.scope = SCOPE_CONTACTS_WRITE,
	.body_max = PRISTO_BODY_MAX,
	.decode = upsert_decode,
	.answer = upsert_answer,
};
