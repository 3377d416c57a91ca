/*
 * To Pristo: POST /v1/events/send/{population}. A contact is known there by a UUID of the client's:
 * the external id where that is one, else the id that the contact has here. Everything else is
 * text. Pristo recognises no repetitions.
 */
#include "deliver/relay.h"

enum {
	VALUE_MAX = 255, /* code points */
	PHONE_MAX = 32,
	PHONE_DIGITS_MIN = 5,
	LANGUAGE_MAX = 35,
};

/* --- The contact --- */

/* Whether the external id is one. */
static bool put_id(struct relay_call *c)
{
	static const struct str name = STR_INIT("external_id");
	struct str given = relay_identity(c, IDENTITY_EXTERNAL_ID);
	char text[UUID_TEXT + 1];
	struct uuid id;
	bool good = given.p && uuid_parse(given, &id);
	if (given.p && !good)
		relay_leave_out(c, STR("contact."), name, "no UUID");
	if (given.p)
		relay_used(c, name);
	uuid_text(good ? id : c->contact_id, text);
	relay_put_text(&c->body, "id", (struct str){ text, UUID_TEXT });
	return good;
}

/* As the contact was last reported to have it, whoever else has it too: Pristo looks nobody up by
 * it. */
static struct str address(struct relay_call *c, enum identity_kind kind)
{
	struct str s = relay_text(c, str_of(identity_kind_name(kind)));
	return s.p ? s : relay_identity(c, kind);
}

static bool put_email(struct relay_call *c)
{
	struct str email = address(c, IDENTITY_EMAIL);
	if (!email.p)
		return false;
	relay_used(c, STR("email"));
	relay_put_text(&c->body, "email", email);
	return true;
}

static bool put_phone(struct relay_call *c)
{
	static const struct str name = STR_INIT("phone");
	struct str phone = address(c, IDENTITY_PHONE);
	if (!phone.p)
		return false;
	struct str digits = relay_digits(c, phone);
	bool good = phone.n <= PHONE_MAX && digits.n >= PHONE_DIGITS_MIN;
	relay_used(c, name);
	if (good)
		relay_put_text(&c->body, "phone", phone);
	else
		relay_leave_out(c, STR("contact."), name, "not 5 digits in 32 characters");
	return good;
}

static void put_attribute(struct relay_call *c, const char *name, struct str attribute, size_t max)
{
	struct str s = relay_text(c, attribute);
	if (!s.p)
		return;
	relay_used(c, attribute);
	if (str_code_points(s) <= max)
		relay_put_text(&c->body, name, s);
	else
		relay_leave_out(c, STR("contact."), attribute, "too long");
}

static const char *put_value(struct relay_call *c, struct buf *b, struct str name, yyjson_val *v)
{
	struct str text;
	(void)c, (void)name;
	if (!relay_as_text(v, &text))
		return "not a plain value";
	if (str_code_points(text) > VALUE_MAX)
		return "longer than 255 characters";
	buf_json_str(b, text);
	return NULL;
}

static void put_contact(struct relay_call *c)
{
	unsigned n;
	struct buf custom = buf_in(c->arena);
	buf_char(&c->body, '{');
	bool known = put_id(c), email = put_email(c), phone = put_phone(c);
	if (!known && !email && !phone)
		c->why_not = "Pristo needs an external id that is a UUID, an e-mail or a phone of "
			     "the contact";
	put_attribute(c, "name", STR("first_name"), SIZE_MAX);
	put_attribute(c, "lastName", STR("last_name"), SIZE_MAX);
	put_attribute(c, "language", STR("language"), LANGUAGE_MAX);
	relay_put_custom(c, &custom, put_value, &n);
	c->failed |= custom.failed;
	if (n > 0) {
		buf_lit(&c->body, ",\"customFields\":");
		buf_put(&c->body, buf_str(&custom));
	}
	buf_char(&c->body, '}');
}

/* --- The event --- */

static void make(struct relay_call *c)
{
	char id[UUID_TEXT + 1];
	relay_header(c, STR("x-api-key"), c->to->relay.key);
	uuid_text(relay_uuid(c), id);
	relay_header(c, STR("x-request-id"), arena_printf(c->arena, "%s", id));
	buf_lit(&c->path, "/v1/events/send/");
	buf_put(&c->path, c->to->relay.population);
	buf_lit(&c->body, "{\"contact\":");
	put_contact(c);
	relay_put_text(&c->body, "type", c->name);
	buf_lit(&c->body, ",\"occurredAt\":");
	relay_put_time(&c->body, c->event->occurred_at);
	buf_lit(&c->body, ",\"customFields\":");
	relay_put_properties(c, &c->body, UINT_MAX, put_value);
	buf_char(&c->body, '}');
}

const struct relay_vendor relay_pristo = { .make = make, .remembers_s = 0 };
