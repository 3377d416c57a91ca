/*
 * Contacts in version 4: POST /v4/identify, and GET /v4/contacts/{key}:{value}.
 */
#include "dialect/omnisend_private.h"

#include "model/contact.h"

/* --- POST /v4/identify --- */

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

static void identify_answer(struct call *call)
{
	if (call->ops->outcome == OP_REFUSED)
		return omnisend_refuse_op(call, STR(""));
	omnisend_accepted(call);
}

const struct endpoint omnisend_identify = {
	.scope = SCOPE_CONTACTS_WRITE,
	.body_max = OMNISEND_BODY_MAX,
	.decode = identify_decode,
	.answer = identify_answer,
};

/* --- GET /v4/contacts/{key}:{value} --- */

static const struct omnisend_no not_found = { 404, "not-found", "Not found", "Contact not found" };

/* Asks for the contact of that identity; a value that nobody can have asks for nothing. */
static enum refusal ask(struct call *call, enum identity_kind kind, struct str value)
{
	struct arena *a = &call->req->arena;
	struct who *who = arena_new(a, struct who);
	struct query *query = arena_new(a, struct query);
	if (!who || !query)
		return REFUSE_OVERLOADED;
	*who = (struct who){ .kind = kind, .use = WHO_LOOKUP, .value = value };
	if (kind != IDENTITY_HEX)
		who->key = identity_key(a, kind, value);
	if (kind != IDENTITY_HEX && !who->key.p)
		return REFUSE_OVERLOADED;
	*query = (struct query){ .kind = QUERY_CONTACT, .who = who, .n_who = 1 };
	call->query = query;
	return REFUSE_NOTHING;
}

static enum refusal by_id_decode(struct call *call)
{
	uint64_t number;
	int64_t created_s;
	bool good = contact_hex_parse(call->params[0], &number, &created_s);
	return good ? ask(call, IDENTITY_HEX, call->params[0]) : REFUSE_NOTHING;
}

static enum refusal by_email_decode(struct call *call)
{
	struct str email = str_trim(call->params[0]);
	return form_email(email) ? ask(call, IDENTITY_EMAIL, email) : REFUSE_NOTHING;
}

static enum refusal by_phone_decode(struct call *call)
{
	struct str phone = str_trim(call->params[0]);
	bool good = phone.n && omnisend_form_phone(phone);
	return good ? ask(call, IDENTITY_PHONE, phone) : REFUSE_NOTHING;
}

static void contact_answer(struct call *call)
{
	struct buf body = buf_in(&call->req->arena);
	if (!call->query || call->query->n_rows == 0)
		return omnisend_say_no(call, &not_found);
	omnisend_put_v4(&body, &call->query->rows[0]);
	omnisend_begin(call, 200);
	call_send_json(call, &body);
}

#define BY(decode_)                                                                         \
	{                                                                                   \
		.scope = SCOPE_CONTACTS_READ, .decode = (decode_), .answer = contact_answer \
	}

const struct endpoint omnisend_by_id = BY(by_id_decode);
const struct endpoint omnisend_by_email = BY(by_email_decode);
const struct endpoint omnisend_by_phone = BY(by_phone_decode);
