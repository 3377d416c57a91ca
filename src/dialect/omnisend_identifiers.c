/*
 * The identifiers of a contact in version 5 and the dated API: e-mail and phone with the state of
 * their channels and the consent they came with (omnisend.md 3.3).
 */
#include "dialect/omnisend_private.h"

enum { IDENTIFIERS_MAX = 100, CHANGES_MAX = 5 };

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

/* In the order of omnisend_profile.c, so that one consent is one text, wherever it was given. */
static const struct shape_member consent[] = {
	{ STR_INIT("createdAt"), SHAPE_STRING, OMNISEND_GIVEN, 0, omnisend_form_time, "datetime" },
	{ STR_INIT("ip"), SHAPE_STRING, .flags = OMNISEND_GIVEN },
	{ STR_INIT("source"), SHAPE_STRING, OMNISEND_GIVEN, .max = 100 },
	{ STR_INIT("userAgent"), SHAPE_STRING, OMNISEND_GIVEN, .max = 200 },
};

/* The channels there are, each by one type of identifier, and the attributes that hold their
 * states. */
enum { EMAIL, SMS, N_CHANNELS };

static const struct {
	struct str name, attribute;
} channels[N_CHANNELS] = {
	[EMAIL] = { STR_INIT("email"), STR_INIT("email_status") },
	[SMS] = { STR_INIT("sms"), STR_INIT("sms_status") },
};

/* What is said of one channel, and of whom. */
struct way {
	struct str id;       /* empty: of nobody */
	struct str state;    /* JSON; .p NULL: not given */
	bool dated;          /* that is how it was at some time; else it is so now */
	struct buf consents; /* items of an array */
};

struct reading {
	struct call *call;
	struct way ways[N_CHANNELS];
	struct attribute_change *changes; /* the operation's, with room for more */
	bool refused;                     /* memory was */
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

static yyjson_val *date_of(yyjson_val **v)
{
	return v[STATUS_CHANGED_AT] ?: v[STATUS_DATE];
}

/* As ATTRIBUTE_NEWER and ATTRIBUTE_NOW ask for it; cut to what is shown of it, so that the date that
 * a contact shows is not an older one. */
static struct str state_of(struct reading *r, yyjson_val **v)
{
	yyjson_val *date = date_of(v);
	instant_us at = r->call->req->received_at;
	struct buf b = buf_in(&r->call->req->arena);
	if (date)
		must(time_parse(json_str(date), TIME_SPACE, &at));
	buf_lit(&b, "{\"status\":");
	json_put(&b, v[STATUS]);
	buf_lit(&b, ",\"at\":\"");
	time_put(&b, at - (at % 1000 + 1000) % 1000, 6);
	buf_lit(&b, "\"}");
	r->refused |= b.failed;
	return buf_str(&b);
}

/* That is how omnisend_view.c shows what nobody has said. */
static bool says_nothing(yyjson_val *state, yyjson_val **v)
{
	return str_eq(json_str(v[STATUS]), STR("nonSubscribed")) && !date_of(v) &&
	       (yyjson_is_null(json_get(state, channel[STATUS_DATE].name)) ||
		yyjson_is_null(json_get(state, channel[STATUS_CHANGED_AT].name)));
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
		if (!v[STATUS] || !counts || says_nothing(state, v))
			continue;
		r->ways[i].state = state_of(r, v);
		r->ways[i].dated = date_of(v) != NULL;
	}
}

static void keep_consent(struct buf *b, yyjson_val *const *v, struct str channel_name)
{
	buf_put(b, b->n ? STR(",{\"channel\":") : STR("[{\"channel\":"));
	buf_json_str(b, channel_name);
	for (size_t i = 0; i < ARRAY_LEN(consent); i++) {
		if (!v[i])
			continue;
		buf_char(b, ',');
		buf_json_str(b, consent[i].name);
		buf_char(b, ':');
		json_put(b, v[i]);
	}
	buf_char(b, '}');
}

static void read_consent(struct reading *r, yyjson_val *map, unsigned way, bool counts,
			 struct str path)
{
	yyjson_val *v[ARRAY_LEN(consent)];
	shape_read(r->call, map, path, consent, ARRAY_LEN(consent), false, v);
	if (counts)
		keep_consent(&r->ways[way].consents, v, channels[way].name);
}

/* Of several of one type the first counts: what comes with another is about somebody else. */
static bool take_id(struct reading *r, struct str id, unsigned way, struct str path)
{
	struct str *place = &r->ways[way].id;
	bool good = way == EMAIL ? form_email(id) : omnisend_form_phone(id);
	if (!good)
		problem_at(&r->call->problems, PROBLEM_FORMAT, path_to(r, path, STR("id")),
			   .rule = way == EMAIL ? "email" : "phone number");
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
	unsigned way = str_eq(json_str(v[TYPE]), STR("email")) ? EMAIL : SMS;
	bool counts = take_id(r, str_trim(json_str(v[ID])), way, path);
	map = map_at(r, v[CHANNELS], path, STR("channels"));
	if (map)
		read_channels(r, map, counts, path_to(r, path, STR("channels")));
	map = map_at(r, v[CONSENT], path, STR("consent"));
	if (map)
		read_consent(r, map, way, counts, path_to(r, path, STR("consent")));
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

/* When the contact came to be elsewhere, and what older clients still send at the top: in the order
 * of the channels. */
enum { LIST, CREATED_AT, TOP_EMAIL, TOP_PHONE, N_TOP };

static const struct shape_member top[N_TOP] = {
	[LIST] = { STR_INIT("identifiers"), SHAPE_ARRAY, .flags = OMNISEND_GIVEN },
	[CREATED_AT] = { STR_INIT("createdAt"), SHAPE_STRING, OMNISEND_GIVEN, 0, omnisend_form_time,
			 "datetime" },
	[TOP_EMAIL] = { STR_INIT("email"), SHAPE_STRING, OMNISEND_GIVEN, 0,
			omnisend_form_email_or_blank, "email" },
	[TOP_PHONE] = { STR_INIT("phone"), SHAPE_STRING, OMNISEND_GIVEN, 0,
			omnisend_form_phone_or_blank, "phone number" },
};

/* The dated API shows a list of phones there, which may come back: it asks for none. */
static bool takes_phone(const struct call *call, yyjson_val *root)
{
	return !omnisend_version(call)->dated || yyjson_is_str(json_get(root, STR("phone")));
}

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

static void add(struct reading *r, struct op *op, struct attribute_change c)
{
	r->refused |= !c.json.p;
	r->changes[op->n_changes++] = c;
}

/* `of`: the identity it is said of. Of none, there is nobody to say it of. */
static void add_way(struct reading *r, unsigned way, const struct who *of, struct op *op)
{
	struct way *w = &r->ways[way];
	if (w->state.p)
		add(r, op,
		    (struct attribute_change){ .verb = w->dated ? ATTRIBUTE_NEWER : ATTRIBUTE_NOW,
					       .name = channels[way].attribute,
					       .json = w->state,
					       .of = of });
	if (w->consents.n == 0 && !w->consents.failed)
		return;
	buf_char(&w->consents, ']');
	r->refused |= w->consents.failed;
	add(r, op,
	    (struct attribute_change){ .verb = ATTRIBUTE_RECORD,
				       .name = STR("consents"),
				       .json = buf_str(&w->consents),
				       .of = of });
}

static enum refusal take_ways(struct reading *r, const unsigned *uses, struct op *op,
			      struct who *list)
{
	for (unsigned i = 0; i < N_CHANNELS; i++) {
		struct str id = r->ways[i].id;
		enum refusal why = i == EMAIL ? omnisend_add_email(op, list, uses[i], id)
					      : omnisend_add_phone(op, list, uses[i], id);
		if (why)
			return why;
		if (id.n)
			add_way(r, i, &list[op->n_who - 1], op);
	}
	return REFUSE_NOTHING;
}

/* Whom an e-mail names is found by that: a phone may be a family's. It finds its owner only where
 * that one has no e-mail. */
static unsigned beside_email(unsigned phone_use)
{
	return phone_use & WHO_LOOKUP ? (phone_use & ~(unsigned)WHO_LOOKUP) | WHO_CLAIMS
				      : phone_use;
}

enum refusal omnisend_identifiers(struct call *call, yyjson_val *root, unsigned email_use,
				  unsigned phone_use, struct op *op, struct who *list)
{
	struct reading r = { .call = call };
	yyjson_val *v[N_TOP] = { 0 };
	shape_read(call, root, STR(""), top, takes_phone(call, root) ? N_TOP : TOP_PHONE, false, v);
	for (unsigned i = 0; i < N_CHANNELS; i++)
		r.ways[i].consents = buf_in(op->arena);
	if (v[LIST])
		read_list(&r, v[LIST]);
	for (unsigned i = 0; i < N_CHANNELS; i++)
		if (r.ways[i].id.n == 0)
			r.ways[i].id = omnisend_given(v[TOP_EMAIL + i]);
	if (r.ways[EMAIL].id.n)
		phone_use = beside_email(phone_use);
	const unsigned uses[N_CHANNELS] = { email_use, phone_use };
	r.changes = more_changes(op);
	if (!r.changes)
		return REFUSE_OVERLOADED;
	enum refusal why = take_ways(&r, uses, op, list);
	if (v[CREATED_AT])
		add(&r, op,
		    (struct attribute_change){ .verb = ATTRIBUTE_SET,
					       .custom = true,
					       .name = STR("externalCreated"),
					       .json = json_text(op->arena, v[CREATED_AT]) });
	return why ?: r.refused ? REFUSE_OVERLOADED : REFUSE_NOTHING;
}
