/*
 * To Omnisend: POST /api/events of the version 2026-03-15, which takes API keys and nested
 * properties. The event brings what is known of the contact along. eventID and eventTime are sent,
 * but Omnisend recognises repetitions by them among historical events only, not among those that
 * set off automations: so none is sent that might be one.
 */
#include "deliver/relay.h"

enum { NAME_MAX_BYTES = 128, STRING_MAX = 2048, PROPERTIES_MAX = 100, TAGS_MAX = 100 };
enum { PHONE_MIN = 6, PHONE_MAX = 14, CUSTOM_MAX = 200 };

/* --- The contact --- */

static bool is_gender(struct str s)
{
	return str_eq(s, STR("m")) || str_eq(s, STR("f"));
}

static bool is_country_code(struct str s)
{
	return s.n == 2 || s.n == 3;
}

static const struct {
	struct str attribute;
	const char *name;
	size_t max;               /* code points */
	bool (*is)(struct str s); /* NULL: any text is */
} profile[] = {
	{ STR_INIT("first_name"), "firstName", 50, NULL },
	{ STR_INIT("last_name"), "lastName", 50, NULL },
	{ STR_INIT("gender"), "gender", 6, is_gender },
	{ STR_INIT("birthdate"), "birthdate", 10, time_is_date },
	{ STR_INIT("address"), "address", 500, NULL },
	{ STR_INIT("city"), "city", 100, NULL },
	{ STR_INIT("state"), "state", 100, NULL },
	{ STR_INIT("country"), "country", 100, NULL },
	{ STR_INIT("country_code"), "countryCode", 3, is_country_code },
	{ STR_INIT("postal_code"), "postalCode", 20, NULL },
};

/* MALE and FEMALE are how Infobip's callers say it. */
static struct str profile_text(const struct relay_call *c, size_t i)
{
	struct str s = relay_text(c, profile[i].attribute);
	if (str_eq_nocase(s, STR("male")))
		return STR("m");
	return str_eq_nocase(s, STR("female")) ? STR("f") : s;
}

static void put_profile(struct relay_call *c)
{
	for (size_t i = 0; i < ARRAY_LEN(profile); i++) {
		struct str s = profile_text(c, i);
		if (!s.p)
			continue;
		relay_used(c, profile[i].attribute);
		if (str_code_points(s) <= profile[i].max && (!profile[i].is || profile[i].is(s)))
			relay_put_text(&c->body, profile[i].name, s);
		else
			relay_leave_out(c, STR("contact."), profile[i].attribute,
					"a form that Omnisend does not take");
	}
}

/* Omnisend adds them to those that it has. */
static void put_tags(struct relay_call *c)
{
	yyjson_val *tags = json_get(c->attributes, STR("tags"));
	size_t n = yyjson_arr_size(tags);
	if (n == 0)
		return;
	relay_used(c, STR("tags"));
	if (n > TAGS_MAX)
		return relay_leave_out(c, STR("contact."), STR("tags"), "too many");
	buf_lit(&c->body, ",\"tags\":");
	json_put(&c->body, tags);
}

static bool is_name(struct str name)
{
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];
		if ((c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') &&
		    c != '_')
			return false;
	}
	return name.n > 0 && name.n <= NAME_MAX_BYTES;
}

static bool are_strings(yyjson_val *list)
{
	size_t i, n;
	yyjson_val *v;
	yyjson_arr_foreach (list, i, n, v)
		if (!yyjson_is_str(v))
			return false;
	return true;
}

static const char *put_custom_value(struct relay_call *c, struct buf *b, struct str name,
				    yyjson_val *v)
{
	(void)c;
	if (!is_name(name))
		return "its name";
	if (yyjson_is_obj(v) || !are_strings(v))
		return "neither a plain value nor a list of strings";
	json_put(b, v);
	return NULL;
}

static void put_custom(struct relay_call *c)
{
	struct buf custom = buf_in(c->arena);
	unsigned n;
	relay_put_custom(c, &custom, put_custom_value, &n);
	c->failed |= custom.failed;
	if (n > CUSTOM_MAX)
		return relay_leave_out(c, STR("contact."), STR("custom"), "too many");
	if (n == 0)
		return;
	buf_lit(&c->body, ",\"customProperties\":");
	buf_put(&c->body, buf_str(&custom));
}

static void put_contact(struct relay_call *c)
{
	struct str email = relay_identity(c, IDENTITY_EMAIL);
	struct str digits = relay_phone(c, PHONE_MIN, PHONE_MAX);
	if (!email.p && !digits.p) {
		c->why_not = "Omnisend needs an e-mail or a phone of the contact";
		return;
	}
	buf_char(&c->body, '{');
	if (email.p)
		relay_used(c, STR("email"));
	relay_put_text(&c->body, "email", email);
	if (digits.p)
		relay_put_e164(c, "phone", digits);
	put_profile(c);
	put_tags(c);
	put_custom(c);
	buf_char(&c->body, '}');
}

/* --- The event --- */

static const char *put_value(struct relay_call *c, struct buf *b, struct str name, yyjson_val *v)
{
	if (!is_name(name))
		return "its name";
	if (yyjson_is_str(v) && str_code_points(json_str(v)) > STRING_MAX)
		return "longer than 2048 characters";
	relay_put_typed(c, b, name, v);
	return NULL;
}

static void make(struct relay_call *c)
{
	char id[UUID_TEXT + 1];
	relay_authorization(c, "Omnisend-API-Key ");
	relay_header(c, STR("omnisend-version"), STR("2026-03-15"));
	buf_lit(&c->path, "/api/events");
	uuid_text(relay_uuid(c), id);
	buf_printf(&c->body, "{\"eventID\":\"%s\",\"eventTime\":", id);
	relay_put_time(&c->body, c->event->occurred_at);
	relay_put_text(&c->body, "eventName", c->name);
	buf_lit(&c->body, ",\"origin\":\"api\",\"contact\":");
	put_contact(c);
	if (c->why_not)
		return;
	buf_lit(&c->body, ",\"properties\":");
	relay_put_properties(c, &c->body, PROPERTIES_MAX, put_value);
	buf_char(&c->body, '}');
}

/* Of 429: there is no header. */
static int64_t pause_s(struct arena *a, struct str answer)
{
	yyjson_val *root;
	int64_t s;
	if (json_parse(a, answer, &root, NULL) != JSON_OK)
		return -1;
	yyjson_val *v = json_get(root, STR("retryAfter"));
	return v && json_number_to_i64(v, &s) && s > 0 ? s : -1;
}

const struct relay_vendor relay_omnisend = { .make = make, .remembers_s = 0, .pause_s = pause_s };
