/*
 * contacts:upsert, contacts:activation and contacts:unsubscribe of a population: a contact is made
 * or changed, made active or not, opted out. Each is answered with the contact as it is stored, in
 * the words of this generation.
 */
#include "dialect/pristo_older.h"

/* --- The contact as stored --- */

static const struct pristo_shown shown[] = {
	{ STR_INIT("firstName"), STR_INIT("first_name"), false },
	{ STR_INIT("lastName"), STR_INIT("last_name"), false },
	{ STR_INIT("phone"), STR_INIT("phone"), false },
	{ STR_INIT("email"), STR_INIT("email"), false },
	{ STR_INIT("language"), STR_INIT("language"), false },
	{ STR_INIT("isActive"), STR_INIT("active"), true },
	{ STR_INIT("isSubscribed"), STR_INIT("subscribed"), true },
};

static void put_client_id(struct buf *b, yyjson_val *identities)
{
	size_t i, max;
	yyjson_val *identity;
	yyjson_arr_foreach (identities, i, max, identity) {
		yyjson_val *kind = json_get(identity, STR("kind"));
		if (!kind || !str_eq(json_str(kind), STR("external_id")))
			continue;
		buf_lit(b, ",\"clientContactId\":");
		return json_put(b, json_get(identity, STR("value")));
	}
}

static void put_contact(struct buf *b, const struct contact_view *view)
{
	yyjson_val *identities = NULL, *attributes = NULL;
	char id[UUID_TEXT + 1];
	/* The store's own text: it fails to be read only when memory does. */
	b->failed |= json_parse(b->arena, view->identities, &identities, NULL) != JSON_OK ||
		     json_parse(b->arena, view->attributes, &attributes, NULL) != JSON_OK;
	uuid_text(view->id, id);
	buf_printf(b, "{\"contact\":{\"pristoContactId\":\"%s\"", id);
	put_client_id(b, identities);
	pristo_put_attributes(b, attributes, shown, ARRAY_LEN(shown));
	buf_lit(b, "}}");
}

static void answer(struct call *call)
{
	const struct op *op = call->ops;
	if (op->outcome == OP_REFUSED)
		return call_refuse_op(call, op);
	struct buf body = buf_in(&call->req->arena);
	put_contact(&body, &op->view);
	call_begin(call, op->created ? 201 : 200);
	call_send_json(call, &body);
}

static struct op *contact_op(struct call *call)
{
	struct op *op = call_op(call);
	if (op) {
		op->kind = OP_CONTACT;
		op->wants_view = true;
	}
	return op;
}

/* --- contacts:upsert --- */

enum {
	FIRST_NAME = OLDER_IDENTIFIERS,
	LAST_NAME,
	LANGUAGE,
	FIELDS,
	UPSERT_MEMBERS = FIELDS + 2,
	PERSON_NAME_MAX = 100,
};

static const struct shape_member upsert_members[UPSERT_MEMBERS] = {
	OLDER_IDENTIFIER_MEMBERS,
	[FIRST_NAME] = { STR_INIT("firstName"), SHAPE_STRING, SHAPE_NULL_ABSENT, PERSON_NAME_MAX },
	[LAST_NAME] = { STR_INIT("lastName"), SHAPE_STRING, SHAPE_NULL_ABSENT, PERSON_NAME_MAX },
	[LANGUAGE] = { STR_INIT("language"), SHAPE_STRING, OLDER_OPTIONAL, 35 },
	OLDER_FIELDS_MEMBERS(FIELDS),
};

static const struct {
	unsigned member;
	struct str attribute;
} attributes[] = {
	{ FIRST_NAME, STR_INIT("first_name") },
	{ LAST_NAME, STR_INIT("last_name") },
	{ LANGUAGE, STR_INIT("language") },
};

struct upsert {
	yyjson_val *v[UPSERT_MEMBERS];
	struct pristo_older_fields fields;
};

static enum refusal read_upsert(struct call *call, struct upsert *u)
{
	struct pristo_older_body body = { upsert_members, UPSERT_MEMBERS, NULL, u->v };
	enum refusal why = pristo_older_read(call, &body);
	if (why)
		return why;
	pristo_older_fields_read(call, &body, FIELDS, &u->fields);
	pristo_older_judge_ids(call, STR(""), u->v, OLDER_IDENTIFIERS);
	pristo_older_judge_reach(call, STR(""), u->v);
	return call->problems.found ? REFUSE_PROBLEMS : REFUSE_NOTHING;
}

static void judge_fields(struct call *call, const struct pristo_older_fields *f)
{
	size_t i, max;
	yyjson_val *name, *v;
	json_foreach_member (f->object, i, max, name, v)
		if (pristo_older_is_field(f, name) &&
		    !workspace_contact_field(call->workspace, json_str(name)))
			problem_at(&call->problems, PROBLEM_UNKNOWN_FIELD,
				   pristo_field_path(call, f->path, name));
}

/* Phone and e-mail name a contact where no id does. Beside an id they are data, and make nobody of
 * another id the same person. */
static bool fill_who(struct op *op, const struct upsert *u)
{
	enum { DATA = WHO_REPLACE | WHO_SHARED | WHO_CREATES };
	bool named = u->v[OLDER_PRISTO_ID] || u->v[OLDER_CLIENT_ID];
	unsigned reach = DATA | (named ? WHO_CLAIMS : WHO_LOOKUP);
	const unsigned uses[] = { WHO_LOOKUP, WHO_LOOKUP | WHO_ADOPT | WHO_CREATES, reach, reach };
	return pristo_older_who(op, u->v, uses, OLDER_IDENTIFIERS);
}

static bool fill_changes(struct op *op, const struct upsert *u)
{
	size_t i, max, n = ARRAY_LEN(attributes) + yyjson_obj_size(u->fields.object);
	yyjson_val *name, *v;
	struct attribute_change *list = arena_array(op->arena, struct attribute_change, n);
	bool good = list != NULL;
	op->changes = list;
	for (i = 0; i < ARRAY_LEN(attributes) && good; i++) {
		v = u->v[attributes[i].member];
		good = !v || pristo_add_change(op, list, attributes[i].attribute, false, v);
	}
	json_foreach_member (u->fields.object, i, max, name, v)
		if (good && pristo_older_is_field(&u->fields, name))
			good = pristo_add_change(op, list, json_str(name), true, v);
	return good;
}

static enum refusal upsert_decode(struct call *call)
{
	struct upsert u = { 0 };
	enum refusal why = read_upsert(call, &u);
	if (why)
		return why;
	if (!pristo_older_population_is_callers(call))
		return REFUSE_PROBLEMS;
	judge_fields(call, &u.fields);
	if (call->problems.found)
		return REFUSE_PROBLEMS;
	struct op *op = contact_op(call);
	return op && fill_who(op, &u) && fill_changes(op, &u) ? REFUSE_NOTHING : REFUSE_OVERLOADED;
}

const struct endpoint pristo_older_upsert = {
	.scope = SCOPE_CONTACTS_WRITE,
	.body_max = PRISTO_BODY_MAX,
	.needs = SWITCH_OLDER_GENERATION,
	.decode = upsert_decode,
	.answer = answer,
};

/* --- contacts:activation, contacts:unsubscribe --- */

enum { IDS = OLDER_PHONE, IS_ACTIVE = IDS, ACTIVATION_MEMBERS };

static const struct shape_member activation_members[ACTIVATION_MEMBERS] = {
	OLDER_ID_MEMBERS,
	[IS_ACTIVE] = { STR_INIT("isActive"), SHAPE_BOOLEAN, SHAPE_REQUIRED },
};

/* One attribute of the contact that one of the two ids names is set. What else the body says is
 * let be: nobody can tell any more what may stand there. */
static enum refusal set_one(struct call *call, const struct attribute_change *change,
			    yyjson_val *const *v)
{
	static const unsigned uses[IDS] = { WHO_LOOKUP, WHO_LOOKUP };
	pristo_older_judge_ids(call, STR(""), v, IDS);
	if (call->problems.found || !pristo_older_population_is_callers(call))
		return REFUSE_PROBLEMS;
	struct op *op = contact_op(call);
	struct attribute_change *list = op ? arena_new(op->arena, struct attribute_change) : NULL;
	if (!list || !pristo_older_who(op, v, uses, IDS))
		return REFUSE_OVERLOADED;
	*list = *change;
	op->changes = list;
	op->n_changes = 1;
	return REFUSE_NOTHING;
}

static enum refusal activation_decode(struct call *call)
{
	yyjson_val *v[ACTIVATION_MEMBERS];
	struct pristo_older_body body = { activation_members, ACTIVATION_MEMBERS, NULL, v };
	enum refusal why = pristo_older_read(call, &body);
	if (why)
		return why;
	struct attribute_change change = { .name = STR("active") };
	change.json = v[IS_ACTIVE] && yyjson_is_true(v[IS_ACTIVE]) ? STR("true") : STR("false");
	return set_one(call, &change, v);
}

const struct endpoint pristo_older_activation = {
	.scope = SCOPE_CONTACTS_WRITE,
	.body_max = PRISTO_BODY_MAX,
	.needs = SWITCH_OLDER_GENERATION,
	.decode = activation_decode,
	.answer = answer,
};

static enum refusal unsubscribe_decode(struct call *call)
{
	yyjson_val *v[IDS];
	struct pristo_older_body body = { activation_members, IDS, NULL, v };
	enum refusal why = pristo_older_read(call, &body);
	if (why)
		return why;
	return set_one(
		call, &(struct attribute_change){ .name = STR("subscribed"), .json = STR("false") },
		v);
}

const struct endpoint pristo_older_unsubscribe = {
	.scope = SCOPE_CONTACTS_WRITE,
	.body_max = PRISTO_BODY_MAX,
	.needs = SWITCH_OLDER_GENERATION,
	.decode = unsubscribe_decode,
	.answer = answer,
};
