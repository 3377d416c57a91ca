/*
 * Contacts in version 5 and the dated API, one at a time: POST, PATCH and GET.
 */
#include "dialect/omnisend_private.h"

const struct omnisend_no omnisend_not_found = { 404, "not-found", "Not found",
						"Contact not found" };
static const struct omnisend_no taken = { 409, "problem", "Conflict",
					  "The identifier belongs to another contact" };

enum { WHO_MAX = 3 };

static struct who *begin_op(struct op *op)
{
	struct who *list = arena_array(op->arena, struct who, WHO_MAX);
	op->kind = OP_CONTACT;
	op->who = list;
	op->custom_max = OMNISEND_CUSTOM_MAX;
	return list;
}

static enum refusal verdict(const struct call *call, enum refusal why)
{
	return why ?: call->problems.found ? REFUSE_PROBLEMS : REFUSE_NOTHING;
}

static void answer_contact(struct call *call, int status, const struct contact_view *c)
{
	struct buf body = buf_in(&call->req->arena);
	omnisend_put_contact(&body, call, c, omnisend_attributes(&body, c));
	omnisend_begin(call, status);
	call_send_json(call, &body);
}

const struct omnisend_no *omnisend_contact_no(enum problem_code code)
{
	if (code == PROBLEM_UNKNOWN_CONTACT)
		return &omnisend_not_found;
	return code == PROBLEM_TAKEN ? &taken : NULL;
}

static void answer_refused(struct call *call)
{
	const struct problems *ps = call->ops->problems;
	const struct omnisend_no *no = omnisend_contact_no(ps ? ps->list[0].code : PROBLEM_NONE);
	if (no)
		return omnisend_say_no(call, no);
	omnisend_refuse_op(call, STR(""));
}

/* --- POST: made, or changed when it is there --- */

static enum refusal read_as(struct call *call, yyjson_val *root, unsigned use, struct op *op)
{
	struct who *list = begin_op(op);
	if (!list)
		return REFUSE_OVERLOADED;
	enum refusal why = omnisend_profile(call, root, STR(""), false, op);
	why = why ?: omnisend_identifiers(call, root, use | WHO_ADOPT, use | WHO_REPLACE, op, list);
	if (!why && op->n_who == 0 && call->problems.found == 0)
		problem_at(&call->problems, PROBLEM_REQUIRED, STR("identifiers"));
	return why;
}

enum refusal omnisend_read_contact(struct call *call, yyjson_val *root, struct op *op)
{
	return read_as(call, root, WHO_LOOKUP | WHO_CREATES, op);
}

/* The one operation of a call, whose answer shows the contact. */
static struct op *shown_op(struct call *call)
{
	struct op *op = call_op(call);
	if (op)
		op->wants_view = true;
	return op;
}

static enum refusal create_decode(struct call *call)
{
	yyjson_val *root;
	enum refusal why = omnisend_body(call, &root);
	if (why)
		return why;
	struct op *op = shown_op(call);
	return op ? verdict(call, omnisend_read_contact(call, root, op)) : REFUSE_OVERLOADED;
}

/* Version 5 says 200 whether it was there or not. */
static void create_answer(struct call *call)
{
	const struct op *op = call->ops;
	if (op->outcome == OP_REFUSED)
		return answer_refused(call);
	answer_contact(call, op->created && omnisend_version(call)->dated ? 201 : 200, &op->view);
}

/* --- PATCH --- */

/* An e-mail is not modifiable, a phone is (decisions 24, 25); somebody else's is a conflict in the
 * dated API and ignored before. */
static unsigned strictness(const struct call *call)
{
	return omnisend_version(call)->dated ? WHO_EXCLUSIVE : 0;
}

enum refusal omnisend_read_known(struct call *call, yyjson_val *root, struct op *op)
{
	return read_as(call, root, WHO_LOOKUP | strictness(call), op);
}

enum refusal omnisend_read_changes(struct call *call, yyjson_val *root, struct who of,
				   struct op *op)
{
	unsigned strict = strictness(call);
	struct who *list = begin_op(op);
	if (!list)
		return REFUSE_OVERLOADED;
	list[op->n_who++] = of;
	enum refusal why = omnisend_profile(call, root, STR(""), false, op);
	return why
		       ?: omnisend_identifiers(call, root, WHO_ADOPT | strict, WHO_REPLACE | strict,
					       op, list);
}

static enum refusal patch(struct call *call, struct who of)
{
	yyjson_val *root;
	enum refusal why = omnisend_body(call, &root);
	if (why)
		return why;
	struct op *op = shown_op(call);
	return op ? verdict(call, omnisend_read_changes(call, root, of, op)) : REFUSE_OVERLOADED;
}

static enum refusal not_found(struct call *call)
{
	problem_at(&call->problems, PROBLEM_UNKNOWN_CONTACT, STR(""));
	call->state = (void *)&omnisend_not_found; /* only ever read */
	return REFUSE_PROBLEMS;
}

static enum refusal patch_by_id_decode(struct call *call)
{
	struct who who = { .kind = IDENTITY_HEX, .use = WHO_LOOKUP, .value = call->params[0] };
	enum refusal why = omnisend_begin_call(call);
	if (why)
		return why;
	return omnisend_is_name(who.kind, who.value) ? patch(call, who) : not_found(call);
}

static enum refusal patch_by_email_decode(struct call *call)
{
	struct arena *a = &call->req->arena;
	struct str email = str_trim(url_query(call->req->place, call->req->query, STR("email")));
	struct who who;
	enum refusal why = omnisend_begin_call(call);
	if (why)
		return why;
	if (email.n == 0) {
		problem_at(&call->problems, PROBLEM_REQUIRED, STR("email"));
		return REFUSE_PROBLEMS;
	}
	if (!omnisend_is_name(IDENTITY_EMAIL, email))
		return not_found(call);
	return omnisend_who(a, &who, IDENTITY_EMAIL, email) ? patch(call, who) : REFUSE_OVERLOADED;
}

static void patch_answer(struct call *call)
{
	if (call->ops->outcome == OP_REFUSED)
		return answer_refused(call);
	answer_contact(call, 200, &call->ops->view);
}

/* --- GET, also of version 4 --- */

/* Nothing is asked about a name that nobody can have. */
static enum refusal ask(struct call *call, enum identity_kind kind, struct str value)
{
	struct arena *a = &call->req->arena;
	if (!omnisend_is_name(kind, value))
		return REFUSE_NOTHING;
	struct who *who = arena_new(a, struct who);
	struct query *query = arena_new(a, struct query);
	if (!who || !query || !omnisend_who(a, who, kind, value))
		return REFUSE_OVERLOADED;
	*query = (struct query){ .kind = QUERY_CONTACT, .who = who, .n_who = 1 };
	call->query = query;
	return REFUSE_NOTHING;
}

static enum refusal by_id_decode(struct call *call)
{
	enum refusal why = omnisend_begin_call(call);
	return why ?: ask(call, IDENTITY_HEX, call->params[0]);
}

static enum refusal by_email_decode(struct call *call)
{
	return ask(call, IDENTITY_EMAIL, str_trim(call->params[0]));
}

static enum refusal by_phone_decode(struct call *call)
{
	return ask(call, IDENTITY_PHONE, str_trim(call->params[0]));
}

static void get_answer(struct call *call)
{
	if (!call->query || call->query->n_rows == 0)
		return omnisend_say_no(call, &omnisend_not_found);
	answer_contact(call, 200, &call->query->rows[0]);
}

#define GET(decode_)                                                                    \
	{                                                                               \
		.scope = SCOPE_CONTACTS_READ, .decode = (decode_), .answer = get_answer \
	}
#define WRITE(decode_, answer_)                                                                    \
	{                                                                                          \
		.scope = SCOPE_CONTACTS_WRITE, .body_max = OMNISEND_BODY_MAX, .decode = (decode_), \
		.answer = (answer_)                                                                \
	}

const struct endpoint omnisend_by_id = GET(by_id_decode);
const struct endpoint omnisend_by_email = GET(by_email_decode);
const struct endpoint omnisend_by_phone = GET(by_phone_decode);
const struct endpoint omnisend_create = WRITE(create_decode, create_answer);
const struct endpoint omnisend_patch = WRITE(patch_by_id_decode, patch_answer);
const struct endpoint omnisend_patch_by_email = WRITE(patch_by_email_decode, patch_answer);
