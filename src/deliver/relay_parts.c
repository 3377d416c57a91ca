/* What the mappings to vendors have in common. */
#include "base/digest.h"
#include "deliver/relay.h"

/* --- Requests --- */

void relay_header(struct relay_call *c, struct str name, struct str value)
{
	must(c->n_headers < RELAY_HEADERS_MAX);
	c->failed |= !value.p;
	c->headers[c->n_headers++] = (struct http_header){ name, value };
}

void relay_authorization(struct relay_call *c, const char *scheme)
{
	struct str key = c->to->relay.key;
	relay_header(c, STR("authorization"),
		     arena_printf(c->arena, "%s" STR_FMT, scheme, STR_ARG(key)));
}

void relay_put_time(struct buf *b, instant_us t)
{
	buf_char(b, '"');
	time_put(b, t, 3);
	buf_char(b, '"');
}

void relay_put_text(struct buf *b, const char *name, struct str value)
{
	if (!value.p)
		return;
	if (b->n > 0 && b->p[b->n - 1] != '{')
		buf_char(b, ',');
	buf_printf(b, "\"%s\":", name);
	buf_json_str(b, value);
}

/* Of version 5's looks: that of a name's digest. */
struct uuid relay_uuid(const struct relay_call *c)
{
	struct sha256 digest = sha256_of(c->id);
	struct uuid id;
	memcpy(id.b, digest.b, sizeof(id.b));
	id.b[6] = (uint8_t)(0x50 | (id.b[6] & 0x0F));
	id.b[8] = (uint8_t)(0x80 | (id.b[8] & 0x3F));
	return id;
}

/* --- Notes --- */

void relay_leave_out(struct relay_call *c, struct str group, struct str name, const char *why)
{
	struct buf *b = &c->note;
	size_t before = b->n;
	if (c->note_full)
		return;
	buf_put(b, before ? STR(", ") : STR("left out: "));
	buf_put(b, group);
	buf_put(b, name);
	if (why)
		buf_printf(b, " (%s)", why);
	if (b->failed || b->n < RELAY_NOTE_MAX - sizeof(", and more"))
		return;
	b->n = before;
	buf_put(b, before ? STR(", and more") : STR("left out: what has a very long name"));
	c->note_full = true;
}

void relay_used(struct relay_call *c, struct str name)
{
	must(c->n_used < RELAY_USED_MAX);
	c->used[c->n_used++] = name;
}

/* --- The contact --- */

static bool is_kind(yyjson_val *identity, enum identity_kind kind)
{
	return str_eq(json_str(json_get(identity, STR("kind"))), str_of(identity_kind_name(kind)));
}

/* Of several the one that the contact was last reported to have. */
struct str relay_identity(struct relay_call *c, enum identity_kind kind)
{
	struct str found = { 0 }, value, last = relay_text(c, str_of(identity_kind_name(kind)));
	size_t i, n;
	yyjson_val *v;
	yyjson_arr_foreach (c->identities, i, n, v) {
		value = json_str(json_get(v, STR("value")));
		if (is_kind(v, kind) && (!found.p || str_eq(value, last)))
			found = value;
	}
	return found;
}

struct str relay_text(const struct relay_call *c, struct str attribute)
{
	yyjson_val *v = json_get(c->attributes, attribute);
	bool some = yyjson_is_str(v) && yyjson_get_len(v) > 0;
	return some ? json_str(v) : (struct str){ 0 };
}

struct str relay_digits(struct relay_call *c, struct str phone)
{
	struct str digits = identity_key(c->arena, IDENTITY_PHONE, phone);
	c->failed |= !digits.p && identity_has_key(IDENTITY_PHONE, phone);
	return digits;
}

struct str relay_phone(struct relay_call *c, size_t least, size_t most)
{
	static const struct str phone = STR_INIT("phone");
	struct str value = relay_identity(c, IDENTITY_PHONE), digits;
	if (!value.p)
		return value;
	relay_used(c, phone);
	digits = relay_digits(c, value);
	if (digits.p && digits.n >= least && digits.n <= most)
		return digits;
	relay_leave_out(c, STR("contact."), phone, "not an international number");
	return (struct str){ 0 };
}

void relay_put_e164(struct relay_call *c, const char *name, struct str digits)
{
	struct str phone = identity_e164(c->arena, digits);
	c->failed |= !phone.p;
	relay_put_text(&c->body, name, phone);
}

/* --- Values --- */

static bool is_number(const struct relay_call *c, struct str text, bool whole)
{
	yyjson_val *v;
	bool good =
		text.n > 0 && json_parse(c->arena, text, &v, NULL) == JSON_OK && json_is_number(v);
	return good && (!whole || json_number_to_i64(v, NULL));
}

/* Whether the text is a value of that other type, as JSON writes it. */
static bool is_other(const struct relay_call *c, struct str text, enum field_type type)
{
	if (type == FIELD_NUMBER || type == FIELD_INTEGER)
		return is_number(c, text, type == FIELD_INTEGER);
	return type == FIELD_BOOLEAN && (str_eq(text, STR("true")) || str_eq(text, STR("false")));
}

void relay_put_typed(const struct relay_call *c, struct buf *b, struct str name, yyjson_val *v)
{
	const struct field *f = c->definition ? definition_field(c->definition, name) : NULL;
	struct str text;
	bool plain = relay_as_text(v, &text);
	if (f && plain && yyjson_is_str(v) && is_other(c, text, f->type))
		buf_put(b, str_trim(text));
	else if (f && plain && !yyjson_is_str(v) && f->type == FIELD_STRING)
		buf_json_str(b, text);
	else
		json_put(b, v);
}

bool relay_as_text(yyjson_val *v, struct str *out)
{
	if (yyjson_is_bool(v))
		*out = yyjson_is_true(v) ? STR("true") : STR("false");
	else
		*out = json_str(v);
	return out->p;
}

/* --- Objects --- */

/* Writes name and value, or takes the name back. */
static bool put_member(struct relay_call *c, struct buf *b, struct str group, struct str name,
		       yyjson_val *v, relay_put put)
{
	size_t before = b->n;
	if (b->p[b->n - 1] != '{')
		buf_char(b, ',');
	buf_json_str(b, name);
	buf_char(b, ':');
	const char *why = b->failed ? NULL : put(c, b, name, v);
	if (!why)
		return true;
	b->n = before;
	relay_leave_out(c, group, name, why);
	return false;
}

void relay_put_properties(struct relay_call *c, struct buf *b, unsigned most, relay_put put)
{
	static const struct str group = STR_INIT("properties.");
	size_t i, n;
	unsigned sent = 0;
	yyjson_val *key, *v;
	buf_char(b, '{');
	json_foreach_member (c->properties, i, n, key, v) {
		if (yyjson_is_null(v) || b->failed)
			continue;
		if (sent == most)
			relay_leave_out(c, group, json_str(key), "too many");
		else
			sent += put_member(c, b, group, json_str(key), v, put);
	}
	buf_char(b, '}');
}

static bool goes_along(const struct relay_call *c, struct str name)
{
	const struct destination_relay *to = &c->to->relay;
	for (unsigned i = 0; i < to->n_contact_fields; i++)
		if (str_eq(to->contact_fields[i], name))
			return true;
	return to->all_contact_fields;
}

void relay_put_custom(struct relay_call *c, struct buf *b, relay_put put, unsigned *n)
{
	static const struct str group = STR_INIT("contact.custom.");
	size_t i, count;
	yyjson_val *key, *v;
	*n = 0;
	relay_used(c, STR("custom"));
	buf_char(b, '{');
	json_foreach_member (json_get(c->attributes, STR("custom")), i, count, key, v) {
		if (yyjson_is_null(v) || b->failed)
			continue;
		if (goes_along(c, json_str(key)))
			*n += put_member(c, b, group, json_str(key), v, put);
		else
			relay_leave_out(c, group, json_str(key), "not in contact_fields");
	}
	buf_char(b, '}');
}
