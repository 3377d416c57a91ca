/*
 * Making, changing and deleting contacts: /v1/contacts.
 */
#include "dialect/arsel_private.h"

enum { SMALL_BODY = 64 * 1024 };

static struct str id_of(const struct call *call)
{
	return call->params[0];
}

void arsel_contact_send(struct call *call, int status, const struct contact_view *view)
{
	struct buf body = buf_in(&call->req->arena);
	arsel_contact_put(&body, view);
	arsel_send_json(call, status, &body);
}

/* What Arsel calls what the problem is at. */
static struct str member_of(const struct op *op)
{
	struct str path = op->problems ? op->problems->list[0].path : STR("");
	return str_eq(path, STR("phone")) ? STR("phone_number") : path;
}

static void answer_changed(struct call *call, int status)
{
	if (call->ops->outcome == OP_REFUSED)
		return arsel_refuse_op(call, member_of(call->ops));
	arsel_contact_send(call, status, &call->ops->view);
}

/* An id that is no UUID is nobody's: 404, as for one that is not known. */
enum refusal arsel_contact_named(struct call *call, struct who **out)
{
	struct uuid id;
	struct arena *a = &call->req->arena;
	if (!uuid_parse(id_of(call), &id))
		return arsel_stop(call, ARSEL_NO_CONTACT, STR(""));
	*out = arena_new(a, struct who);
	return *out && arsel_who(a, *out, IDENTITY_UUID, WHO_LOOKUP, id_of(call))
		       ? REFUSE_NOTHING
		       : REFUSE_OVERLOADED;
}

/* --- POST /v1/contacts --- */

/* Submits nothing unless all is good. */
static enum refusal ready(struct call *call, enum refusal why)
{
	if (!why && call->problems.found)
		why = REFUSE_PROBLEMS;
	if (why)
		call->n_ops = 0;
	return why;
}

static enum refusal read_op(struct call *call, yyjson_val *root, bool clears)
{
	struct op *op = call->ops;
	op->kind = OP_CONTACT;
	op->wants_view = true;
	return arsel_contact_read(call, root, clears, op) ? REFUSE_NOTHING : REFUSE_OVERLOADED;
}

static enum refusal decode_new(struct call *call)
{
	yyjson_val *root = NULL;
	if (!arsel_state(call, sizeof(struct arsel_no)))
		return REFUSE_OVERLOADED;
	enum refusal why = arsel_object(call, &root);
	if (why)
		return why;
	if (!call_op(call))
		return REFUSE_OVERLOADED;
	call->ops->rules = CONTACT_MUST_BE_NEW;
	why = ready(call, read_op(call, root, false));
	if (!why && call->ops->n_who == 0)
		why = arsel_stop(call, ARSEL_IDENTIFIER, STR(""));
	return ready(call, why);
}

static void answer_new(struct call *call)
{
	answer_changed(call, 201);
}

const struct endpoint arsel_contact_new = {
	.scope = SCOPE_CONTACTS_WRITE,
	.body_max = 256 * 1024,
	.decode = decode_new,
	.answer = answer_new,
};

/* --- PATCH /v1/contacts/{id} --- */

static enum refusal decode_change(struct call *call)
{
	yyjson_val *root = NULL;
	struct who *who = NULL;
	if (!arsel_state(call, sizeof(struct arsel_no)))
		return REFUSE_OVERLOADED;
	enum refusal why = arsel_object(call, &root);
	why = why ?: arsel_contact_named(call, &who);
	if (why)
		return why;
	if (!call_op(call))
		return REFUSE_OVERLOADED;
	call->ops->rules = CONTACT_KEEPS_ONE;
	call->ops->who = who;
	call->ops->n_who = 1;
	return ready(call, read_op(call, root, true));
}

static void answer_change(struct call *call)
{
	answer_changed(call, 200);
}

const struct endpoint arsel_contact_change = {
	.scope = SCOPE_CONTACTS_WRITE,
	.body_max = 256 * 1024,
	.decode = decode_change,
	.answer = answer_change,
};

/* --- DELETE /v1/contacts/{id} --- */

static enum refusal decode_delete(struct call *call)
{
	struct who *who = NULL;
	if (!arsel_state(call, sizeof(struct arsel_no)))
		return REFUSE_OVERLOADED;
	enum refusal why = arsel_contact_named(call, &who);
	if (why)
		return why;
	if (!call_op(call))
		return REFUSE_OVERLOADED;
	call->ops->kind = OP_CONTACT_DELETE;
	call->ops->who = who;
	call->ops->n_who = 1;
	return REFUSE_NOTHING;
}

static void answer_delete(struct call *call)
{
	if (call->ops->outcome == OP_REFUSED)
		return arsel_refuse_op(call, STR(""));
	arsel_send_deleted(call, STR("contact"), id_of(call), STR("Contact deleted"));
}

const struct endpoint arsel_contact_delete = {
	.scope = SCOPE_CONTACTS_WRITE,
	.body_max = SMALL_BODY,
	.decode = decode_delete,
	.answer = answer_delete,
};

/* --- POST /v1/contacts/bulk-delete --- */

enum { BULK_MAX = 1000 };

static void judge_ids(struct call *call, yyjson_val *list)
{
	size_t i, max, n = yyjson_arr_size(list);
	yyjson_val *item;
	bool good = yyjson_is_arr(list);
	if (good && n == 0)
		return problem_at(&call->problems, PROBLEM_EMPTY, STR("contact_ids"));
	if (good && n > BULK_MAX)
		return problem_at(&call->problems, PROBLEM_TOO_MANY, STR("contact_ids"),
				  .rule = "items", .limit = BULK_MAX, .size = (int64_t)n);
	yyjson_arr_foreach (list, i, max, item)
		good = good && yyjson_is_str(item) && form_uuid(json_str(item));
	if (!good)
		problem_at(&call->problems, PROBLEM_TYPE, STR("contact_ids"));
}

static enum refusal fill_bulk(struct call *call, yyjson_val *list)
{
	size_t i, max, n = yyjson_arr_size(list);
	yyjson_val *item;
	struct who *who = arena_array(&call->req->arena, struct who, n);
	call->divisible = true;
	bool good = who && call_ops(call, (unsigned)n);
	yyjson_arr_foreach (list, i, max, item) {
		if (!good)
			break;
		call->ops[i].kind = OP_CONTACT_DELETE;
		call->ops[i].who = &who[i];
		call->ops[i].n_who = 1;
		good = arsel_who(&call->req->arena, &who[i], IDENTITY_UUID, WHO_LOOKUP,
				 json_str(item));
	}
	return good ? REFUSE_NOTHING : REFUSE_OVERLOADED;
}

static enum refusal decode_bulk(struct call *call)
{
	yyjson_val *root = NULL;
	if (!arsel_state(call, sizeof(struct arsel_no)))
		return REFUSE_OVERLOADED;
	enum refusal why = arsel_object(call, &root);
	if (why)
		return why;
	yyjson_val *list = json_get(root, STR("contact_ids"));
	judge_ids(call, list);
	return call->problems.found ? REFUSE_PROBLEMS : ready(call, fill_bulk(call, list));
}

/* Who is not there, or twice in the list, is not counted. */
static void answer_bulk(struct call *call)
{
	unsigned deleted = 0;
	for (unsigned i = 0; i < call->n_ops; i++)
		deleted += call->ops[i].outcome == OP_DONE;
	struct buf body = buf_in(&call->req->arena);
	buf_printf(&body, "{\"message\":\"Contacts deleted\",\"deleted\":%u}", deleted);
	arsel_send_json(call, 200, &body);
}

const struct endpoint arsel_contacts_delete = {
	.scope = SCOPE_CONTACTS_WRITE,
	.body_max = SMALL_BODY,
	.decode = decode_bulk,
	.answer = answer_bulk,
};
