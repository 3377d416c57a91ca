/*
 * The identifiers of a contact in version 5 and the dated API: e-mail and phone with the state of
 * their channels and the consent they came with (omnisend.md 3.3).
 */
#include "dialect/omnisend_private.h"

enum { IDENTIFIERS_MAX = 100, CHANGES_MAX = 4 };

static bool form_type(struct str s)
{
	return str_eq(s, STR("email")) || str_eq(s, STR("phone"));
}

static bool form_status(struct str s)
{
	return str_eq(s, STR("subscribed")) || str_eq(s, STR("unsubscribed")) ||
	       str_eq(s, STR("nonSubscribed"));
}

enum { ID, TYPE, CHANNELS, CONSENT, N_IDENTIFIER };

static const struct shape_member identifier[N_IDENTIFIER] = {
	[ID] = { STR_INIT("id"), SHAPE_STRING, .flags = OMNISEND_GIVEN | SHAPE_REQUIRED },
	[TYPE] = { STR_INIT("type"), SHAPE_STRING, OMNISEND_GIVEN | SHAPE_REQUIRED, 0, form_type,
		   "type, email or phone" },
	[CHANNELS] = { STR_INIT("channels"), SHAPE_ANY, .flags = OMNISEND_GIVEN },
	[CONSENT] = { STR_INIT("consent"), SHAPE_ANY, .flags = OMNISEND_GIVEN },
};

enum { STATUS, STATUS_DATE, STATUS_CHANGED_AT, N_CHANNEL };

static const struct shape_member channel[N_CHANNEL] = {
	[STATUS] = { STR_INIT("status"), SHAPE_STRING, OMNISEND_GIVEN | SHAPE_REQUIRED, 0,
		     form_status, "status: subscribed, unsubscribed or nonSubscribed" },
	[STATUS_DATE] = { STR_INIT("statusDate"), SHAPE_STRING, OMNISEND_GIVEN, 0,
			  omnisend_form_time, "datetime" },
	[STATUS_CHANGED_AT] = { STR_INIT("statusChangedAt"), SHAPE_STRING, OMNISEND_GIVEN, 0,
				omnisend_form_time, "datetime" },
};

static const struct shape_member consent[] = {
	{ STR_INIT("source"), SHAPE_STRING, OMNISEND_GIVEN, .max = 100 },
	{ STR_INIT("createdAt"), SHAPE_STRING, OMNISEND_GIVEN, 0, omnisend_form_time, "datetime" },
	{ STR_INIT("ip"), SHAPE_STRING, .flags = OMNISEND_GIVEN },
	{ STR_INIT("userAgent"), SHAPE_STRING, OMNISEND_GIVEN, .max = 200 },
};

/* The channels there are, and the attributes that hold their states. */
static const struct {
	struct str name, attribute;
} channels[] = {
	{ STR_INIT("email"), STR_INIT("email_status") },
	{ STR_INIT("sms"), STR_INIT("sms_status") },
};

struct reading {
	struct call *call;
	struct str email, phone;
	struct str states[ARRAY_LEN(channels)]; /* JSON; .p NULL: not given */
	struct buf consents;                    /* items of an array */
	bool refused;                           /* memory was */
};

static struct str path_to(struct reading *r, struct str path, struct str name)
{
	return problem_path(&r->call->req->arena, path, name);
}

/* An object, or nothing that matters: PHP sends [] for an empty map. */
static yyjson_val *map_at(struct reading *r, yyjson_val *v, struct str path, struct str name)
{
	return v ? omnisend_map(r->call, v, path_to(r, path, name)) : NULL;
}

/* Where no date is given it changed now; ATTRIBUTE_NEWER asks for this form of it. */
static struct str state_of(struct reading *r, yyjson_val **v)
{
	yyjson_val *date = v[STATUS_CHANGED_AT] ?: v[STATUS_DATE];
	instant_us at = r->call->req->received_at;
	struct buf b = buf_in(&r->call->req->arena);
	if (date)
		must(time_parse(json_str(date), TIME_SPACE, &at));
	buf_lit(&b, "{\"status\":");
	json_put(&b, v[STATUS]);
	buf_lit(&b, ",\"at\":\"");
	time_put(&b, at, 6);
	buf_lit(&b, "\"}");
	r->refused |= b.failed;
	return buf_str(&b);
}

/* `counts`: what is said is kept; it is judged either way. */
static void read_channels(struct reading *r, yyjson_val *map, bool counts, struct str path)
{
	yyjson_val *v[N_CHANNEL];
	for (size_t i = 0; i < ARRAY_LEN(channels); i++) {
		yyjson_val *given = json_get(map, channels[i].name);
		yyjson_val *state = map_at(r, given, path, channels[i].name);
		if (!state)
			continue;
		shape_read(r->call, state, path_to(r, path, channels[i].name), channel, N_CHANNEL,
			   false, v);
		if (v[STATUS] && counts)
			r->states[i] = state_of(r, v);
	}
}

static void keep_consent(struct reading *r, yyjson_val *const *v, bool email)
{
	buf_put(&r->consents, r->consents.n ? STR(",") : STR("["));
	buf_put(&r->consents, email ? STR("{\"channel\":\"email\"") : STR("{\"channel\":\"sms\""));
	for (size_t i = 0; i < ARRAY_LEN(consent); i++) {
		if (!v[i])
			continue;
		buf_char(&r->consents, ',');
		buf_json_str(&r->consents, consent[i].name);
		buf_char(&r->consents, ':');
		json_put(&r->consents, v[i]);
	}
	buf_char(&r->consents, '}');
}

static void read_consent(struct reading *r, yyjson_val *map, bool email, bool counts,
			 struct str path)
{
	yyjson_val *v[ARRAY_LEN(consent)];
	shape_read(r->call, map, path, consent, ARRAY_LEN(consent), false, v);
	if (counts)
		keep_consent(r, v, email);
}

/* Of several of one type the first counts: what comes with another is about somebody else. */
static bool take_id(struct reading *r, struct str id, bool email, struct str path)
{
	struct str *place = email ? &r->email : &r->phone;
	bool good = email ? form_email(id) : omnisend_form_phone(id);
	if (!good)
		problem_at(&r->call->problems, PROBLEM_FORMAT, path_to(r, path, STR("id")),
			   .rule = email ? "email" : "phone number");
	else if (place->n == 0)
		*place = id;
	return good && str_eq(*place, id);
}

static void read_identifier(struct reading *r, yyjson_val *item, struct str path)
{
	yyjson_val *v[N_IDENTIFIER], *map;
	if (!yyjson_is_obj(item)) {
		problem_at(&r->call->problems, PROBLEM_TYPE, path, .rule = "object",
			   .actual = json_type_name(item));
		return;
	}
	shape_read(r->call, item, path, identifier, N_IDENTIFIER, false, v);
	if (!v[ID] || !v[TYPE])
		return;
	bool email = str_eq(json_str(v[TYPE]), STR("email"));
	bool counts = take_id(r, str_trim(json_str(v[ID])), email, path);
	map = map_at(r, v[CHANNELS], path, STR("channels"));
	if (map)
		read_channels(r, map, counts, path_to(r, path, STR("channels")));
	map = map_at(r, v[CONSENT], path, STR("consent"));
	if (map)
		read_consent(r, map, email, counts, path_to(r, path, STR("consent")));
}

static void read_list(struct reading *r, yyjson_val *list)
{
	static const struct str path = STR_INIT("identifiers");
	size_t n = yyjson_arr_size(list), i, max;
	yyjson_val *item;
	if (n > IDENTIFIERS_MAX) {
		problem_at(&r->call->problems, PROBLEM_TOO_MANY, path, .rule = "items",
			   .limit = IDENTIFIERS_MAX, .size = (int64_t)n);
		return;
	}
	yyjson_arr_foreach (list, i, max, item) {
		read_identifier(r, item, problem_index(&r->call->req->arena, path, i));
	}
}

/* What older clients still send at the top, and when the contact came to be elsewhere. */
enum { LIST, EMAIL, PHONE, CREATED_AT, N_TOP };

static const struct shape_member top[N_TOP] = {
	[LIST] = { STR_INIT("identifiers"), SHAPE_ARRAY, .flags = OMNISEND_GIVEN },
	[EMAIL] = { STR_INIT("email"), SHAPE_STRING, OMNISEND_GIVEN, 0,
		    omnisend_form_email_or_blank, "email" },
	[PHONE] = { STR_INIT("phone"), SHAPE_STRING, OMNISEND_GIVEN, 0,
		    omnisend_form_phone_or_blank, "phone number" },
	[CREATED_AT] = { STR_INIT("createdAt"), SHAPE_STRING, OMNISEND_GIVEN, 0, omnisend_form_time,
			 "datetime" },
};

/* The operation's changes, and room for some more. */
static struct attribute_change *more_changes(struct op *op)
{
	size_t n = op->n_changes + CHANGES_MAX;
	struct attribute_change *list = arena_array(op->arena, struct attribute_change, n);
	for (unsigned i = 0; list && i < op->n_changes; i++)
		list[i] = op->changes[i];
	op->changes = list;
	return list;
}

static void add(struct op *op, struct attribute_change *list, enum attribute_verb verb, bool custom,
		struct str name, struct str json)
{
	list[op->n_changes++] = (struct attribute_change){ verb, custom, name, json };
}

static enum refusal add_changes(struct reading *r, yyjson_val *created_at, struct op *op)
{
	struct attribute_change *list = more_changes(op);
	if (!list)
		return REFUSE_OVERLOADED;
	for (size_t i = 0; i < ARRAY_LEN(channels); i++)
		if (r->states[i].p)
			add(op, list, ATTRIBUTE_NEWER, false, channels[i].attribute, r->states[i]);
	if (r->consents.n)
		buf_char(&r->consents, ']');
	if (r->consents.n)
		add(op, list, ATTRIBUTE_UNION, false, STR("consents"), buf_str(&r->consents));
	if (created_at)
		add(op, list, ATTRIBUTE_SET, true, STR("externalCreated"),
		    json_text(op->arena, created_at));
	bool good = !r->refused && !r->consents.failed;
	return good && (!created_at || list[op->n_changes - 1].json.p) ? REFUSE_NOTHING
								       : REFUSE_OVERLOADED;
}

enum refusal omnisend_identifiers(struct call *call, yyjson_val *root, unsigned email_use,
				  unsigned phone_use, struct op *op, struct who *list)
{
	struct reading r = { .call = call, .consents = buf_in(op->arena) };
	yyjson_val *v[N_TOP];
	shape_read(call, root, STR(""), top, N_TOP, false, v);
	if (v[LIST])
		read_list(&r, v[LIST]);
	if (r.email.n == 0)
		r.email = omnisend_given(v[EMAIL]);
	if (r.phone.n == 0)
		r.phone = omnisend_given(v[PHONE]);
	enum refusal why = omnisend_add_email(op, list, email_use, r.email);
	why = why ?: omnisend_add_phone(op, list, phone_use, r.phone);
	return why ?: add_changes(&r, v[CREATED_AT], op);
}
