/*
 * POST /v4/identify: a contact without an event.
 */
#include "dialect/omnisend_private.h"

/* The contact is the body itself, or stands in it as it does in an event (omnisend.md 3.1). */
static yyjson_val *person_in(yyjson_val *root, struct str *path)
{
	yyjson_val *contact = json_get(root, STR("contact"));
	bool inside = yyjson_is_obj(contact);
	*path = inside ? STR("contact") : STR("");
	return inside ? contact : root;
}

static enum refusal identify_decode(struct call *call)
{
	yyjson_val *root;
	struct str path;
	enum refusal why = omnisend_body(call, &root);
	if (why)
		return why;
	struct op *op = call_op(call);
	if (!op)
		return REFUSE_OVERLOADED;
	op->kind = OP_CONTACT;
	yyjson_val *person = person_in(root, &path);
	why = omnisend_person(call, person, path, op);
	return why ?: call->problems.found ? REFUSE_PROBLEMS : REFUSE_NOTHING;
}

/* The body says once more where the contact stands. */
static void answer_refused(struct call *call)
{
	yyjson_val *root;
	struct str path;
	enum refusal why = call_json(call, &root);
	if (why)
		return omnisend_refuse(call, why);
	person_in(root, &path);
	omnisend_refuse_op(call, path);
}

static void identify_answer(struct call *call)
{
	if (call->ops->outcome == OP_REFUSED)
		return answer_refused(call);
	omnisend_accepted(call);
}

const struct endpoint omnisend_identify = {
	.scope = SCOPE_CONTACTS_WRITE,
	.body_max = OMNISEND_BODY_MAX,
	.decode = identify_decode,
	.answer = identify_answer,
};
