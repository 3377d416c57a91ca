/*
 * One Arsel contact: what a body says of it becomes an operation, and what is known of it is shown.
 * Its properties are the custom attributes that the workspace declares.
 */
#include "dialect/arsel_private.h"

/* --- Reading --- */

enum { EMAIL, PHONE_NUMBER, EXTERNAL_ID, FIRST_NAME, LAST_NAME, PROPERTIES, LIST_IDS, N_MEMBERS };

static const struct shape_member members[N_MEMBERS] = {
	[EMAIL] = { STR_INIT("email"), SHAPE_STRING, SHAPE_NULL_ABSENT, 0, arsel_form_email, NULL },
	[PHONE_NUMBER] = { STR_INIT("phone_number"), SHAPE_STRING, SHAPE_NULL_ABSENT, 0,
			   arsel_form_e164, NULL },
	[EXTERNAL_ID] = { STR_INIT("external_id"), SHAPE_STRING,
			  SHAPE_NULL_ABSENT | SHAPE_NOT_EMPTY, 255, NULL, NULL },
	[FIRST_NAME] = { STR_INIT("first_name"), SHAPE_STRING, SHAPE_NULL_ABSENT, 100, NULL, NULL },
	[LAST_NAME] = { STR_INIT("last_name"), SHAPE_STRING, SHAPE_NULL_ABSENT, 100, NULL, NULL },
	[PROPERTIES] = { STR_INIT("properties"), SHAPE_OBJECT, SHAPE_NULL_ABSENT, 0, NULL, NULL },
	[LIST_IDS] = { STR_INIT("list_ids"), SHAPE_ARRAY, SHAPE_NULL_ABSENT, 0, NULL, NULL },
};

static const struct {
	unsigned member;
	enum identity_kind kind;
} identities[] = {
	{ EXTERNAL_ID, IDENTITY_EXTERNAL_ID },
	{ EMAIL, IDENTITY_EMAIL },
	{ PHONE_NUMBER, IDENTITY_PHONE },
};

/* A body under way into its operation. */
struct reading {
	struct call *call;
	yyjson_val *root, *v[N_MEMBERS];
	bool clears;
	struct op *op;
	struct who *who;
	struct attribute_change *changes;
};

/* Whether null was sent for it, and means that it goes. */
static bool is_cleared(const struct reading *r, unsigned member)
{
	return r->clears && yyjson_is_null(json_get(r->root, members[member].name));
}

static bool take_identity(struct reading *r, unsigned i)
{
	enum { NEW = WHO_LOOKUP | WHO_CREATES | WHO_ADOPT, CHANGED = WHO_REPLACE | WHO_EXCLUSIVE };
	unsigned member = identities[i].member;
	struct who *w = &r->who[r->op->n_who];
	if (r->v[member]) {
		r->op->n_who++;
		return arsel_who(r->op->arena, w, identities[i].kind, r->clears ? CHANGED : NEW,
				 json_str(r->v[member]));
	}
	if (is_cleared(r, member)) {
		r->op->n_who++;
		*w = (struct who){ .kind = identities[i].kind, .use = WHO_DROP_KIND };
	}
	return true;
}

static struct attribute_change *next_change(struct reading *r)
{
	return &r->changes[r->op->n_changes++];
}

static bool take_name(struct reading *r, unsigned member)
{
	bool cleared = is_cleared(r, member);
	if (!r->v[member] && !cleared)
		return true;
	struct attribute_change *c = next_change(r);
	c->verb = cleared ? ATTRIBUTE_REMOVE : ATTRIBUTE_SET;
	c->name = members[member].name;
	if (!cleared)
		c->json = json_text(r->op->arena, r->v[member]);
	return cleared || c->json.p;
}

/* A field without a declared type takes any plain value, as it does from other dialects. */
static bool is_of_type(const struct contact_field *f, const yyjson_val *v)
{
	return !f->typed || yyjson_is_null((yyjson_val *)v) ||
	       value_fits(v, CHECK_DATE_OR_TIME | CHECK_ZONE_OPTIONAL) & FIELD_BIT(f->type);
}

static void judge_property(struct reading *r, struct str name, const yyjson_val *v)
{
	struct str path = problem_path(r->op->arena, STR("properties"), name);
	const struct contact_field *f = workspace_contact_field(r->call->workspace, name);
	if (!f)
		problem_at(&r->call->problems, PROBLEM_UNKNOWN_FIELD, path);
	else if (yyjson_is_ctn((yyjson_val *)v))
		problem_at(&r->call->problems, PROBLEM_NESTED, path,
			   .rule = "must be a string, number, boolean or date");
	else if (!is_of_type(f, v))
		problem_at(&r->call->problems, PROBLEM_FIELD_TYPE, path,
			   .rule = field_type_name(f->type), .actual = json_type_name(v));
}

/* Merged by name (decision 26); null takes one away. */
static bool take_property(struct reading *r, struct str name, const yyjson_val *v)
{
	judge_property(r, name, v);
	struct attribute_change *c = next_change(r);
	c->custom = true;
	c->name = name;
	c->verb = yyjson_is_null((yyjson_val *)v) ? ATTRIBUTE_REMOVE : ATTRIBUTE_SET;
	if (c->verb == ATTRIBUTE_SET)
		c->json = json_text(r->op->arena, v);
	return c->verb == ATTRIBUTE_REMOVE || c->json.p;
}

static bool take_properties(struct reading *r)
{
	size_t i, max;
	yyjson_val *key, *v;
	bool good = true;
	if (!r->v[PROPERTIES])
		return true;
	json_foreach_member (r->v[PROPERTIES], i, max, key, v)
		good = good && take_property(r, json_str(key), v);
	return good;
}

/* All that may have been set. */
static bool clear_properties(struct reading *r)
{
	const struct contact_fields *fields = r->call->workspace->contact_fields;
	for (unsigned i = 0; fields && i < fields->n; i++) {
		struct attribute_change *c = next_change(r);
		c->custom = true;
		c->verb = ATTRIBUTE_REMOVE;
		c->name = arena_str(r->op->arena, fields->list[i].name);
		if (!c->name.p)
			return false;
	}
	return true;
}

/* For all that could come: each member once, and the identity that is looked up by. */
static bool make_room(struct reading *r)
{
	enum { NAMES = 2 };
	const struct contact_fields *fields = r->call->workspace->contact_fields;
	size_t properties = yyjson_obj_size(r->v[PROPERTIES]);
	size_t n = MAX(properties, fields ? (size_t)fields->n : 0) + NAMES;
	struct who *who = arena_array(r->op->arena, struct who, r->op->n_who + N_MEMBERS);
	r->changes = arena_array(r->op->arena, struct attribute_change, n);
	if (!who || !r->changes)
		return false;
	for (unsigned i = 0; i < r->op->n_who; i++)
		who[i] = r->op->who[i];
	r->op->who = r->who = who;
	r->op->changes = r->changes;
	return true;
}

bool arsel_contact_read(struct call *call, yyjson_val *root, bool clears, struct op *op)
{
	struct reading r = { .call = call, .root = root, .clears = clears, .op = op };
	shape_read(call, root, STR(""), members, N_MEMBERS, false, r.v);
	arsel_judge_bytes(call, &r.v[EXTERNAL_ID]);
	bool good = make_room(&r);
	for (unsigned i = 0; i < ARRAY_LEN(identities) && good; i++)
		good = take_identity(&r, i);
	good = good && take_name(&r, FIRST_NAME) && take_name(&r, LAST_NAME);
	if (!good)
		return false;
	return is_cleared(&r, PROPERTIES) ? clear_properties(&r) : take_properties(&r);
}

/* --- Showing --- */

/* The first identity of that kind; .p NULL when there is none. */
static struct str identity_of(yyjson_val *list, enum identity_kind kind)
{
	size_t i, max;
	yyjson_val *item;
	yyjson_arr_foreach (list, i, max, item)
		if (str_eq(json_str(json_get(item, STR("kind"))), str_of(identity_kind_name(kind))))
			return json_str(json_get(item, STR("value")));
	return (struct str){ 0 };
}

static struct str text_of(yyjson_val *attributes, struct str name)
{
	yyjson_val *v = json_get(attributes, name);
	return yyjson_is_str(v) ? json_str(v) : (struct str){ 0 };
}

/* As the contact was last reported to have it, else any that finds it. */
static struct str address_of(yyjson_val *attributes, yyjson_val *list, enum identity_kind kind)
{
	struct str s = text_of(attributes, str_of(identity_kind_name(kind)));
	return s.p ? s : identity_of(list, kind);
}

static void put_properties(struct buf *b, yyjson_val *attributes)
{
	yyjson_val *custom = json_get(attributes, STR("custom"));
	buf_lit(b, ",\"properties\":");
	if (yyjson_is_obj(custom))
		json_put(b, custom);
	else
		buf_lit(b, "{}");
}

void arsel_contact_put(struct buf *b, const struct contact_view *view)
{
	char id[UUID_TEXT + 1];
	yyjson_val *list = NULL, *attributes = NULL;
	if (json_parse(b->arena, view->identities, &list, NULL) != JSON_OK ||
	    json_parse(b->arena, view->attributes, &attributes, NULL) != JSON_OK) {
		b->failed = true;
		return;
	}
	uuid_text(view->id, id);
	buf_printf(b, "{\"id\":\"%s\"", id);
	arsel_put_text(b, "email", address_of(attributes, list, IDENTITY_EMAIL));
	arsel_put_text(b, "phone_number",
		       shown_phone(b, address_of(attributes, list, IDENTITY_PHONE)));
	arsel_put_text(b, "external_id", identity_of(list, IDENTITY_EXTERNAL_ID));
	arsel_put_text(b, "first_name", text_of(attributes, STR("first_name")));
	arsel_put_text(b, "last_name", text_of(attributes, STR("last_name")));
	arsel_put_text(b, "source", STR("api"));
	put_properties(b, attributes);
	buf_lit(b, ",\"is_suppressed\":false");
	arsel_put_time(b, "created_at", view->created_at);
	arsel_put_time(b, "updated_at", view->updated_at);
	buf_char(b, '}');
}
