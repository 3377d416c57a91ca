#include "dialect/omnisend_private.h"

struct changes {
	struct call *call;
	struct str path; /* of the contact */
	struct attribute_change *list;
	unsigned n;
	bool refused; /* memory was */
};

static void change(struct changes *c, enum attribute_verb verb, bool custom, struct str name,
		   struct str json)
{
	c->refused |= !json.p;
	c->list[c->n++] = (struct attribute_change){ verb, custom, name, .json = json };
}

static void set(struct changes *c, bool custom, struct str name, const yyjson_val *v)
{
	change(c, ATTRIBUTE_SET, custom, name, json_text(&c->call->req->arena, v));
}

/* A list put together here. */
static void grow(struct changes *c, enum attribute_verb verb, struct str name, struct buf *list)
{
	buf_char(list, ']');
	c->refused |= list->failed;
	change(c, verb, false, name, buf_str(list));
}

static struct str path_to(struct changes *c, struct str name)
{
	return problem_path(&c->call->req->arena, c->path, name);
}

static bool form_gender(struct str s)
{
	return str_eq(s, STR("m")) || str_eq(s, STR("f"));
}

/* Two letters in v4, up to three in v5. */
static bool form_country_code(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((s.p[i] | 0x20) < 'a' || (s.p[i] | 0x20) > 'z')
			return false;
	return s.n == 2 || s.n == 3;
}

/* What is behind CUSTOM not every call takes. */
enum { TAGS = 10, CUSTOM, CONSENTS, OPT_INS, OPT_OUTS, N_PROFILE };

static const struct shape_member profile[N_PROFILE] = {
	{ STR_INIT("firstName"), SHAPE_STRING, OMNISEND_GIVEN, .max = 50 },
	{ STR_INIT("lastName"), SHAPE_STRING, OMNISEND_GIVEN, .max = 50 },
	{ STR_INIT("gender"), SHAPE_STRING, OMNISEND_GIVEN, 0, form_gender, "gender, m or f" },
	{ STR_INIT("birthdate"), SHAPE_STRING, OMNISEND_GIVEN, 0, time_is_date, "date" },
	{ STR_INIT("address"), SHAPE_STRING, OMNISEND_GIVEN, .max = 500 },
	{ STR_INIT("city"), SHAPE_STRING, OMNISEND_GIVEN, .max = 100 },
	{ STR_INIT("state"), SHAPE_STRING, OMNISEND_GIVEN, .max = 100 },
	{ STR_INIT("country"), SHAPE_STRING, OMNISEND_GIVEN, .max = 100 },
	{ STR_INIT("countryCode"), SHAPE_STRING, OMNISEND_GIVEN, 0, form_country_code,
	  "country code of two or three letters" },
	{ STR_INIT("postalCode"), SHAPE_STRING, OMNISEND_GIVEN, .max = 20 },
	[TAGS] = { STR_INIT("tags"), SHAPE_ARRAY, .flags = OMNISEND_GIVEN },
	[CUSTOM] = { STR_INIT("customProperties"), SHAPE_ANY, .flags = OMNISEND_GIVEN },
	[CONSENTS] = { STR_INIT("consents"), SHAPE_ARRAY, .flags = OMNISEND_GIVEN },
	[OPT_INS] = { STR_INIT("optIns"), SHAPE_ARRAY, .flags = OMNISEND_GIVEN },
	[OPT_OUTS] = { STR_INIT("optOuts"), SHAPE_ARRAY, .flags = OMNISEND_GIVEN },
};

/* Of the members above; custom properties are attributes of their own. */
static const struct str attributes[N_PROFILE] = {
	STR_INIT("first_name"),
	STR_INIT("last_name"),
	STR_INIT("gender"),
	STR_INIT("birthdate"),
	STR_INIT("address"),
	STR_INIT("city"),
	STR_INIT("state"),
	STR_INIT("country"),
	STR_INIT("country_code"),
	STR_INIT("postal_code"),
	[TAGS] = STR_INIT("tags"),
	[CONSENTS] = STR_INIT("consents"),
	[OPT_INS] = STR_INIT("opt_ins"),
	[OPT_OUTS] = STR_INIT("opt_outs"),
};

/* One that says nothing, null or "", leaves what is there. A workspace may want null to take it
 * away, as the vendor's page can be read (decision 20). */
static void read_built_in(struct changes *c, yyjson_val *contact, yyjson_val **v)
{
	bool removes = switch_on(c->call->workspace, SWITCH_NULL_REMOVES_BUILT_IN);
	for (unsigned i = 0; i < TAGS; i++)
		if (v[i])
			set(c, false, attributes[i], v[i]);
		else if (removes && yyjson_is_null(json_get(contact, profile[i].name)))
			change(c, ATTRIBUTE_REMOVE, false, attributes[i], STR(""));
}

static bool few_enough(struct call *call, struct str path, const char *what, size_t n, size_t max)
{
	if (n > max)
		problem_at(&call->problems, PROBLEM_TOO_MANY, path, .rule = what,
			   .limit = (int64_t)max, .size = (int64_t)n);
	return n <= max;
}

/* The first that is none is enough of a problem. */
static bool are_strings(struct call *call, yyjson_val *array, struct str path)
{
	size_t i, max;
	yyjson_val *v;
	yyjson_arr_foreach (array, i, max, v) {
		if (yyjson_is_str(v))
			continue;
		problem_at(&call->problems, PROBLEM_TYPE, problem_index(&call->req->arena, path, i),
			   .rule = "string", .actual = json_type_name(v));
		return false;
	}
	return true;
}

void omnisend_put_tags(struct buf *b, yyjson_val *tags)
{
	size_t i, max;
	yyjson_val *v;
	yyjson_arr_foreach (tags, i, max, v) {
		if (yyjson_get_len(v) == 0)
			continue;
		buf_char(b, b->n ? ',' : '[');
		buf_json_str(b, json_str(v));
	}
}

static void read_tags(struct changes *c, yyjson_val *tags)
{
	struct str path = path_to(c, profile[TAGS].name);
	size_t n = yyjson_arr_size(tags);
	struct buf json = buf_in(&c->call->req->arena);
	if (!few_enough(c->call, path, "items", n, OMNISEND_TAGS_MAX) ||
	    !are_strings(c->call, tags, path))
		return;
	omnisend_put_tags(&json, tags);
	if (json.n > 0 || json.failed)
		grow(c, ATTRIBUTE_UNION, attributes[TAGS], &json);
}

/* WordPress sends "phone" where the documents say "sms" (decision 31). */
static bool form_channel(struct str s)
{
	return str_eq(s, STR("email")) || str_eq(s, STR("sms")) || str_eq(s, STR("phone"));
}

#define CHANNEL                                                                        \
	{                                                                              \
		STR_INIT("channel"), SHAPE_STRING, OMNISEND_GIVEN | SHAPE_REQUIRED, 0, \
			form_channel, "channel, email or sms"                          \
	}
#define CREATED_AT                                                                          \
	{                                                                                   \
		STR_INIT("createdAt"), SHAPE_STRING, OMNISEND_GIVEN, 0, omnisend_form_time, \
			"datetime"                                                          \
	}

static const struct shape_member consent[] = {
	CHANNEL,
	CREATED_AT,
	{ STR_INIT("ip"), SHAPE_STRING, .flags = OMNISEND_GIVEN },
	{ STR_INIT("source"), SHAPE_STRING, OMNISEND_GIVEN, .max = 100 },
	{ STR_INIT("userAgent"), SHAPE_STRING, OMNISEND_GIVEN, .max = 200 },
};

static const struct shape_member opt_in[] = {
	CHANNEL,
	CREATED_AT,
	{ STR_INIT("source"), SHAPE_STRING, OMNISEND_GIVEN, .max = 100 },
};

static const struct shape_member opt_out[] = {
	CHANNEL,
	CREATED_AT,
	{ STR_INIT("reason"), SHAPE_STRING, OMNISEND_GIVEN, .max = 100 },
	{ STR_INIT("source"), SHAPE_STRING, OMNISEND_GIVEN, .max = 100 },
};

/* What a person agreed to or not: a list that only grows, and forgets the oldest where it is too
 * long, its items read by `members`. Clients send all they know with each event. */
struct record {
	unsigned at; /* in profile */
	unsigned max;
	const struct shape_member *members;
	unsigned n;
};

static const struct record records[] = {
	{ CONSENTS, OMNISEND_CONSENTS_MAX, consent, ARRAY_LEN(consent) },
	{ OPT_INS, OMNISEND_OPT_INS_MAX, opt_in, ARRAY_LEN(opt_in) },
	{ OPT_OUTS, OMNISEND_OPT_INS_MAX, opt_out, ARRAY_LEN(opt_out) },
};

static void put_record(struct buf *b, const struct record *r, yyjson_val **values)
{
	char between = '{';
	for (unsigned m = 0; m < r->n; m++) {
		if (!values[m])
			continue;
		struct str s = json_str(values[m]);
		bool phone = m == 0 && str_eq(s, STR("phone"));
		buf_char(b, between);
		buf_json_str(b, r->members[m].name);
		buf_char(b, ':');
		buf_json_str(b, phone ? STR("sms") : s);
		between = ',';
	}
	buf_char(b, '}');
}

static void read_record(struct changes *c, const struct record *r, yyjson_val *item,
			struct str path, struct buf *json)
{
	yyjson_val *values[ARRAY_LEN(consent)]; /* the longest of them */
	if (!yyjson_is_obj(item)) {
		problem_at(&c->call->problems, PROBLEM_TYPE, path, .rule = "object",
			   .actual = json_type_name(item));
		return;
	}
	shape_read(c->call, item, path, r->members, r->n, false, values);
	if (!values[0])
		return;
	buf_char(json, json->n ? ',' : '[');
	put_record(json, r, values);
}

static void read_records(struct changes *c, const struct record *r, yyjson_val *list)
{
	struct arena *a = &c->call->req->arena;
	size_t n = yyjson_arr_size(list), i, max;
	struct buf json = buf_in(a);
	yyjson_val *item;
	if (n == 0)
		return;
	struct str path = path_to(c, profile[r->at].name);
	if (!few_enough(c->call, path, "items", n, r->max))
		return;
	yyjson_arr_foreach (list, i, max, item) {
		read_record(c, r, item, problem_index(a, path, i), &json);
	}
	grow(c, ATTRIBUTE_RECORD, attributes[r->at], &json);
}

static bool custom_fits(struct call *call, yyjson_val *v, struct str path)
{
	if (yyjson_is_arr(v))
		return are_strings(call, v, path);
	if (!yyjson_is_obj(v))
		return true;
	problem_at(&call->problems, PROBLEM_NESTED, path, .actual = json_type_name(v));
	return false;
}

/* A contact field of the workspace may have a name that only other dialects give. */
static bool may_be_named(struct call *call, struct str name, struct str path)
{
	return workspace_contact_field(call->workspace, name) || omnisend_name(call, name, path);
}

static void read_custom_member(struct changes *c, struct str path, struct str name, yyjson_val *v)
{
	if (!may_be_named(c->call, name, path))
		return;
	if (yyjson_is_null(v))
		change(c, ATTRIBUTE_REMOVE, true, name, STR(""));
	else if (custom_fits(c->call, v, problem_path(&c->call->req->arena, path, name)))
		set(c, true, name, v);
}

/* `map` may be NULL. */
static void read_custom(struct changes *c, struct str path, yyjson_val *map)
{
	size_t i, max, sets = 0;
	yyjson_val *key, *v;
	if (!map)
		return;
	json_foreach_member (map, i, max, key, v) {
		sets += !yyjson_is_null(v);
	}
	if (!few_enough(c->call, path, "members", sets, OMNISEND_CUSTOM_MAX))
		return;
	json_foreach_member (map, i, max, key, v) {
		read_custom_member(c, path, json_str(key), v);
	}
}

enum refusal omnisend_profile(struct call *call, yyjson_val *contact, struct str path,
			      bool with_records, struct op *op)
{
	yyjson_val *v[N_PROFILE] = { 0 };
	shape_read(call, contact, path, profile, with_records ? N_PROFILE : CUSTOM + 1, false, v);
	struct str custom_path =
		v[CUSTOM] ? problem_path(op->arena, path, profile[CUSTOM].name) : path;
	yyjson_val *custom = omnisend_map(call, v[CUSTOM], custom_path);
	size_t most = N_PROFILE + yyjson_obj_size(custom);
	struct changes c = { .call = call,
			     .path = path,
			     .list = arena_array(op->arena, struct attribute_change, most) };
	if (!c.list)
		return REFUSE_OVERLOADED;
	read_built_in(&c, contact, v);
	if (v[TAGS])
		read_tags(&c, v[TAGS]);
	for (unsigned i = 0; i < ARRAY_LEN(records); i++)
		read_records(&c, &records[i], v[records[i].at]);
	read_custom(&c, custom_path, custom);
	op->changes = c.list;
	op->n_changes = c.n;
	return c.refused ? REFUSE_OVERLOADED : REFUSE_NOTHING;
}
