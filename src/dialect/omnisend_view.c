/*
 * A contact as Omnisend shows it.
 */
#include "dialect/omnisend_private.h"

#include "model/contact.h"

/* A member of the answer, and the attribute it comes from. */
struct shown {
	struct str name, attribute;
	char empty; /* what stands for absent: '"' a string, '[' a list, '{' an object */
};

static const struct shown v4[] = {
	{ STR_INIT("email"), STR_INIT("email"), '"' },
	{ STR_INIT("phoneNumber"), STR_INIT("phone"), '"' },
	{ STR_INIT("firstName"), STR_INIT("first_name"), '"' },
	{ STR_INIT("lastName"), STR_INIT("last_name"), '"' },
	{ STR_INIT("gender"), STR_INIT("gender"), '"' },
	{ STR_INIT("birthdate"), STR_INIT("birthdate"), '"' },
	{ STR_INIT("address"), STR_INIT("address"), '"' },
	{ STR_INIT("country"), STR_INIT("country"), '"' },
	{ STR_INIT("countryCode"), STR_INIT("country_code"), '"' },
	{ STR_INIT("city"), STR_INIT("city"), '"' },
	{ STR_INIT("state"), STR_INIT("state"), '"' },
	{ STR_INIT("postalCode"), STR_INIT("postal_code"), '"' },
	{ STR_INIT("tags"), STR_INIT("tags"), '[' },
	{ STR_INIT("consents"), STR_INIT("consents"), '[' },
	{ STR_INIT("optIns"), STR_INIT("opt_ins"), '[' },
	{ STR_INIT("optOuts"), STR_INIT("opt_outs"), '[' },
	{ STR_INIT("customProperties"), STR_INIT("custom"), '{' },
};

static bool is_of(yyjson_val *v, char type)
{
	if (type == '"')
		return yyjson_is_str(v);
	return type == '[' ? yyjson_is_arr(v) : yyjson_is_obj(v);
}

/* The member of that name if it is a string; .p NULL when not. */
static struct str text_at(yyjson_val *object, struct str name)
{
	yyjson_val *v = json_get(object, name);
	return yyjson_is_str(v) ? json_str(v) : (struct str){ 0 };
}

/* An attribute's text as it is shown: phones with a "+" (decision 27). */
static struct str as_shown(struct buf *b, struct str attribute, struct str s)
{
	return str_eq(attribute, STR("phone")) ? shown_phone(b, s) : s;
}

/* What another dialect has stored under the name in another type is not shown: clients are typed.
 */
static void put_member(struct buf *b, const struct shown *m, yyjson_val *attributes)
{
	yyjson_val *v = json_get(attributes, m->attribute);
	buf_char(b, ',');
	buf_json_str(b, m->name);
	buf_char(b, ':');
	if (!is_of(v, m->empty))
		buf_put(b, m->empty == '"' ? STR("\"\"") : m->empty == '[' ? STR("[]") : STR("{}"));
	else if (m->empty == '"')
		buf_json_str(b, as_shown(b, m->attribute, json_str(v)));
	else
		json_put(b, v);
}

static void put_id(struct buf *b, const char *name, const struct contact_view *c)
{
	char hex[CONTACT_HEX + 1];
	contact_hex(c->number, c->created_at, hex);
	buf_printf(b, "\"%s\":\"%s\"", name, hex);
}

/* The store's own text: it fails to be read only when memory does. */
yyjson_val *omnisend_attributes(struct buf *b, const struct contact_view *c)
{
	yyjson_val *root = NULL;
	b->failed |= json_parse(b->arena, c->attributes, &root, NULL) != JSON_OK;
	return root;
}

/* --- Version 4 --- */

static void put_v4(struct buf *b, const struct contact_view *c, yyjson_val *attributes)
{
	buf_char(b, '{');
	put_id(b, "id", c);
	for (size_t i = 0; i < ARRAY_LEN(v4); i++)
		put_member(b, &v4[i], attributes);
	buf_char(b, '}');
}

/* --- Later versions --- */

static const struct shown later[] = {
	{ STR_INIT("firstName"), STR_INIT("first_name"), '"' },
	{ STR_INIT("lastName"), STR_INIT("last_name"), '"' },
	{ STR_INIT("gender"), STR_INIT("gender"), '"' },
	{ STR_INIT("birthdate"), STR_INIT("birthdate"), '"' },
	{ STR_INIT("address"), STR_INIT("address"), '"' },
	{ STR_INIT("city"), STR_INIT("city"), '"' },
	{ STR_INIT("state"), STR_INIT("state"), '"' },
	{ STR_INIT("country"), STR_INIT("country"), '"' },
	{ STR_INIT("countryCode"), STR_INIT("country_code"), '"' },
	{ STR_INIT("postalCode"), STR_INIT("postal_code"), '"' },
	{ STR_INIT("tags"), STR_INIT("tags"), '[' },
	{ STR_INIT("consents"), STR_INIT("consents"), '[' },
	{ STR_INIT("customProperties"), STR_INIT("custom"), '{' },
};

/* A way to reach a person, and what is kept of it. */
static const struct way {
	struct str channel, type, attribute, status;
} ways[] = {
	{ STR_INIT("email"), STR_INIT("email"), STR_INIT("email"), STR_INIT("email_status") },
	{ STR_INIT("sms"), STR_INIT("phone"), STR_INIT("phone"), STR_INIT("sms_status") },
};

static struct str status_of(yyjson_val *attributes, const struct way *w)
{
	struct str status = text_at(json_get(attributes, w->status), STR("status"));
	return status.p ? status : STR("nonSubscribed");
}

struct str omnisend_status(yyjson_val *attributes)
{
	bool email = text_at(attributes, ways[0].attribute).p != NULL;
	return status_of(attributes, &ways[email ? 0 : 1]);
}

static void put_text(struct buf *b, const char *before, struct str s)
{
	buf_put(b, str_of(before));
	buf_json_str(b, s);
}

static void put_time(struct buf *b, const char *name, instant_us t)
{
	buf_printf(b, ",\"%s\":\"", name);
	time_put(b, t, 3);
	buf_char(b, '"');
}

/* "status":"subscribed","<date>":"..." */
static void put_state(struct buf *b, yyjson_val *attributes, const struct way *w, const char *date)
{
	instant_us at;
	put_text(b, "\"status\":", status_of(attributes, w));
	if (time_parse(text_at(json_get(attributes, w->status), STR("at")), TIME_STRICT, &at))
		put_time(b, date, at);
	else
		buf_printf(b, ",\"%s\":null", date);
}

static void put_statuses(struct buf *b, yyjson_val *attributes, const char *date)
{
	char between = '[';
	buf_lit(b, ",\"statuses\":");
	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		if (!text_at(attributes, ways[i].attribute).p)
			continue;
		buf_char(b, between);
		put_text(b, "{\"channel\":", ways[i].channel);
		buf_char(b, ',');
		put_state(b, attributes, &ways[i], date);
		buf_char(b, '}');
		between = ',';
	}
	buf_put(b, between == '[' ? STR("[]") : STR("]"));
}

static void put_identifiers(struct buf *b, yyjson_val *attributes, const char *date)
{
	char between = '[';
	buf_lit(b, ",\"identifiers\":");
	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		struct str name = ways[i].attribute;
		struct str id = as_shown(b, name, text_at(attributes, name));
		if (!id.p)
			continue;
		buf_char(b, between);
		put_text(b, "{\"id\":", id);
		put_text(b, ",\"type\":", ways[i].type);
		put_text(b, ",\"channels\":{", ways[i].channel);
		buf_lit(b, ":{");
		put_state(b, attributes, &ways[i], date);
		buf_lit(b, "}}}");
		between = ',';
	}
	buf_put(b, between == '[' ? STR("[]") : STR("]"));
}

/* Kept under version 4's names, which say createdAt. */
static void put_opt_ins(struct buf *b, yyjson_val *attributes, const char *date)
{
	yyjson_val *list = json_get(attributes, STR("opt_ins")), *v;
	size_t i, max;
	char between = '[';
	buf_lit(b, ",\"optIns\":");
	if (yyjson_is_arr(list))
		yyjson_arr_foreach (list, i, max, v) {
			buf_char(b, between);
			put_text(b, "{\"channel\":", text_at(v, STR("channel")));
			buf_printf(b, ",\"%s\":", date);
			json_put(b, json_get(v, STR("createdAt")));
			buf_char(b, '}');
			between = ',';
		}
	buf_put(b, between == '[' ? STR("[]") : STR("]"));
}

/* The phone is a list in the dated API. */
static void put_reach(struct buf *b, yyjson_val *attributes, bool dated)
{
	struct str email = text_at(attributes, STR("email"));
	struct str phone = shown_phone(b, text_at(attributes, STR("phone")));
	put_text(b, ",\"email\":", email.p ? email : STR(""));
	buf_put(b, dated ? STR(",\"phone\":[") : STR(",\"phone\":"));
	if (phone.p || !dated)
		buf_json_str(b, phone.p ? phone : STR(""));
	if (dated)
		buf_char(b, ']');
}

static void put_later(struct buf *b, const struct contact_view *c, yyjson_val *attributes,
		      bool dated)
{
	buf_char(b, '{');
	put_id(b, dated ? "id" : "contactID", c);
	put_reach(b, attributes, dated);
	put_text(b, ",\"status\":", omnisend_status(attributes));
	put_statuses(b, attributes, dated ? "statusChangedAt" : "date");
	put_opt_ins(b, attributes, dated ? "optInAt" : "date");
	buf_lit(b, ",\"segments\":[]");
	put_identifiers(b, attributes, dated ? "statusChangedAt" : "statusDate");
	for (size_t i = 0; i < ARRAY_LEN(later); i++)
		put_member(b, &later[i], attributes);
	put_time(b, "createdAt", c->created_at);
	put_time(b, "updatedAt", c->updated_at);
	buf_char(b, '}');
}

void omnisend_put_contact(struct buf *b, const struct call *call, const struct contact_view *c,
			  yyjson_val *attributes)
{
	const struct omnisend_version *version = omnisend_version(call);
	if (version->first)
		put_v4(b, c, attributes);
	else
		put_later(b, c, attributes, version->dated);
}
