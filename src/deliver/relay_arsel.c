/*
 * To Arsel: POST /v1/events/send. Whom it is about is said by all that Arsel knows people by, and
 * Arsel ranks it: external id, e-mail, phone; who is unknown is created. The delivery's id goes as
 * the Idempotency-Key, which Arsel remembers for 24 hours.
 */
#include "deliver/relay.h"

enum { NAME_MAX_CHARACTERS = 80, EXTERNAL_ID_MAX = 255, PHONE_MIN = 8, PHONE_MAX = 15 };

static void put_external_id(struct relay_call *c)
{
	static const struct str name = STR_INIT("external_id");
	struct str id = relay_identity(c, IDENTITY_EXTERNAL_ID);
	if (!id.p)
		return;
	relay_used(c, name);
	if (str_code_points(id) <= EXTERNAL_ID_MAX)
		relay_put_text(&c->body, "external_id", id);
	else
		relay_leave_out(c, STR("contact."), name, "longer than 255 characters");
}

static void put_email(struct relay_call *c)
{
	struct str email = relay_identity(c, IDENTITY_EMAIL);
	if (!email.p)
		return;
	relay_used(c, STR("email"));
	relay_put_text(&c->body, "email", email);
}

static void put_phone(struct relay_call *c)
{
	struct str digits = relay_phone(c, PHONE_MIN, PHONE_MAX);
	if (digits.p)
		relay_put_e164(c, "phone_number", digits);
}

static void put_contact(struct relay_call *c)
{
	size_t before = c->body.n;
	put_external_id(c);
	put_email(c);
	put_phone(c);
	if (c->body.n == before)
		c->why_not = "Arsel needs an external id, an e-mail or a phone of the contact";
}

static const char *put_value(struct relay_call *c, struct buf *b, struct str name, yyjson_val *v)
{
	relay_put_typed(c, b, name, v);
	return NULL;
}

static void make(struct relay_call *c)
{
	relay_authorization(c, "Bearer ");
	relay_header(c, STR("idempotency-key"), c->id);
	buf_lit(&c->path, "/v1/events/send");
	buf_char(&c->body, '{');
	put_contact(c);
	relay_put_text(&c->body, "event", c->name);
	buf_lit(&c->body, ",\"timestamp\":");
	relay_put_time(&c->body, c->event->occurred_at);
	buf_lit(&c->body, ",\"data\":");
	relay_put_properties(c, &c->body, UINT_MAX, put_value);
	buf_char(&c->body, '}');
	if (str_code_points(c->name) > NAME_MAX_CHARACTERS)
		c->why_not = "Arsel's event names have at most 80 characters";
}

const struct relay_vendor relay_arsel = {
	.make = make,
	.remembers_s = 24 * 60 * 60,
	.repeated_status = 409,
};
