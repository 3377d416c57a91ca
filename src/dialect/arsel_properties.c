/*
 * Arsel's contact properties: /v1/properties. They are the workspace's contact fields, read from
 * the catalog; a change goes through the committer and is shown from the catalog that it made.
 */
#include "dialect/arsel_private.h"

enum { SMALL_BODY = 64 * 1024 };

struct state {
	struct arsel_no no; /* first: see arsel_private.h */
	struct str field_key;
};

static struct str id_of(const struct call *call)
{
	return call->params[0];
}

static const struct contact_field *find_named(const struct call *call)
{
	struct uuid id;
	if (!uuid_parse(id_of(call), &id))
		return NULL;
	return contact_field_by_id(call->workspace->contact_fields, id);
}

/* --- Showing --- */

/* Where no type is declared, a string is right in any case. */
static struct str data_type_of(const struct contact_field *f)
{
	return arsel_type_name(f->typed ? f->type : FIELD_STRING);
}

static struct str or_null(struct str s)
{
	return s.n ? s : (struct str){ 0 };
}

static void put(struct buf *b, const void *field)
{
	char id[UUID_TEXT + 1];
	const struct contact_field *f = field;
	uuid_text(f->id, id);
	buf_printf(b, "{\"id\":\"%s\"", id);
	arsel_put_text(b, "field_key", f->name);
	arsel_put_text(b, "display_name", f->title.n ? f->title : f->name);
	arsel_put_text(b, "data_type", data_type_of(f));
	arsel_put_text(b, "description", or_null(f->description));
	arsel_put_text(b, "fallback_value", or_null(f->fallback));
	arsel_put_time(b, "created_at", f->created_at);
	arsel_put_time(b, "updated_at", f->updated_at);
	buf_char(b, '}');
}

static void send_property(struct call *call, int status, const struct contact_field *f)
{
	struct buf body = buf_in(&call->req->arena);
	put(&body, f);
	arsel_send_json(call, status, &body);
}

static enum refusal decode_get(struct call *call)
{
	return arsel_state(call, sizeof(struct state)) ? REFUSE_NOTHING : REFUSE_OVERLOADED;
}

static void refuse_unknown(struct call *call)
{
	call->dialect->refuse(call, arsel_stop(call, ARSEL_NO_PROPERTY, id_of(call)));
}

static void answer_get(struct call *call)
{
	const struct contact_field *f = find_named(call);
	if (f)
		send_property(call, 200, f);
	else
		refuse_unknown(call);
}

const struct endpoint arsel_property = {
	.scope = SCOPE_DEFINITIONS_READ,
	.body_max = SMALL_BODY,
	.decode = decode_get,
	.answer = answer_get,
};

static void answer_list(struct call *call)
{
	struct arsel_listing *l = call->state;
	const struct contact_fields *fields = call->workspace->contact_fields;
	const struct contact_field *at = contact_field_by_id(fields, l->page.cursor);
	if (!arsel_listing_begin(call, at ? at->no : 0))
		return;
	for (unsigned i = 0; fields && i < fields->n; i++) {
		const struct contact_field *f = &fields->list[i];
		if (arsel_listing_finds(l, f->name) || arsel_listing_finds(l, f->title))
			arsel_listing_consider(l, f->no, f);
	}
	arsel_listing_send(call, put);
}

const struct endpoint arsel_properties = {
	.scope = SCOPE_DEFINITIONS_READ,
	.body_max = SMALL_BODY,
	.decode = arsel_listing_read,
	.answer = answer_list,
};

/* --- Making and changing --- */

enum { FIELD_KEY, DATA_TYPE, DISPLAY_NAME, DESCRIPTION, FALLBACK_VALUE, N_MEMBERS };

static const struct shape_member members[N_MEMBERS] = {
	[FIELD_KEY] = { STR_INIT("field_key"), SHAPE_STRING,
			SHAPE_REQUIRED | SHAPE_NULL_ABSENT | SHAPE_NOT_EMPTY, 100, NULL, NULL },
	[DATA_TYPE] = { STR_INIT("data_type"), SHAPE_STRING, SHAPE_NULL_ABSENT, 0, NULL, NULL },
	[DISPLAY_NAME] = { STR_INIT("display_name"), SHAPE_STRING,
			   SHAPE_REQUIRED | SHAPE_NULL_ABSENT | SHAPE_NOT_EMPTY, 255, NULL, NULL },
	[DESCRIPTION] = { STR_INIT("description"), SHAPE_STRING, SHAPE_NULL_ABSENT, 500, NULL,
			  NULL },
	[FALLBACK_VALUE] = { STR_INIT("fallback_value"), SHAPE_STRING, SHAPE_NULL_ABSENT, 2000,
			     NULL, NULL },
};

static bool is_snake_case(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool later = c == '_' || (c >= '0' && c <= '9');
		if (!(c >= 'a' && c <= 'z') && (i == 0 || !later))
			return false;
	}
	return true;
}

/* What the vendor keeps for itself, of that which is snake_case at all. */
static bool is_reserved(struct str s)
{
	static const struct str reserved[] = { STR_INIT("id"), STR_INIT("email"),
					       STR_INIT("unsubscribed") };
	for (size_t i = 0; i < ARRAY_LEN(reserved); i++)
		if (str_eq(reserved[i], s))
			return true;
	return false;
}

static void judge_key(struct call *call, struct str key)
{
	if (!is_snake_case(key))
		problem_at(&call->problems, PROBLEM_NAME, STR("field_key"),
			   .rule = "must match /^[a-z][a-z0-9_]*$/ regular expression");
	else if (is_reserved(key))
		problem_at(&call->problems, PROBLEM_NAME, STR("field_key"),
			   .rule = "must not be a reserved field key");
}

static void take_type(struct call *call, yyjson_val *v, struct contact_field *f)
{
	f->typed = true;
	f->type = FIELD_STRING;
	if (v && !arsel_type_parse(json_str(v), &f->type))
		problem_at(&call->problems, PROBLEM_VALUE, STR("data_type"));
}

/* `root` says whether a member is there: null is, where it clears something. */
static void take_texts(struct op *op, yyjson_val *root, yyjson_val *const *v,
		       struct contact_field *f)
{
	f->title = v[DISPLAY_NAME] ? json_str(v[DISPLAY_NAME]) : STR("");
	f->description = v[DESCRIPTION] ? json_str(v[DESCRIPTION]) : STR("");
	f->fallback = v[FALLBACK_VALUE] ? json_str(v[FALLBACK_VALUE]) : STR("");
	if (v[DISPLAY_NAME])
		op->rules |= CONTACT_FIELD_TITLE;
	if (json_get(root, STR("description")))
		op->rules |= CONTACT_FIELD_DESCRIPTION;
	if (json_get(root, STR("fallback_value")))
		op->rules |= CONTACT_FIELD_FALLBACK;
}

/* The call's operation on a field, which is the call's to fill; NULL: memory is refused. */
static struct contact_field *begin_op(struct call *call, unsigned rules)
{
	struct contact_field *f = arena_new(&call->req->arena, struct contact_field);
	struct op *op = f ? call_op(call) : NULL;
	if (!op)
		return NULL;
	op->kind = OP_CONTACT_FIELD;
	op->rules = rules;
	op->contact_field = f;
	return f;
}

/* Submits nothing unless all is good. */
static enum refusal ready(struct call *call)
{
	if (!call->problems.found)
		return REFUSE_NOTHING;
	call->n_ops = 0;
	return REFUSE_PROBLEMS;
}

static enum refusal decode_new(struct call *call)
{
	yyjson_val *root = NULL, *v[N_MEMBERS];
	struct state *s = arsel_state(call, sizeof(*s));
	if (!s)
		return REFUSE_OVERLOADED;
	enum refusal why = arsel_object(call, &root);
	if (why)
		return why;
	struct contact_field *f = begin_op(call, CONTACT_FIELD_NEW);
	if (!f)
		return REFUSE_OVERLOADED;
	shape_read(call, root, STR(""), members, N_MEMBERS, false, v);
	f->name = s->field_key = json_str(v[FIELD_KEY]);
	judge_key(call, f->name);
	take_type(call, v[DATA_TYPE], f);
	take_texts(call->ops, root, v, f);
	return ready(call);
}

static void answer_changed(struct call *call, int status, struct str about)
{
	const struct op *op = call->ops;
	if (op->outcome == OP_REFUSED)
		return arsel_refuse_op(call, about);
	const struct contact_field *f =
		contact_field_by_id(call->workspace->contact_fields, op->contact_field_id);
	if (f)
		send_property(call, status, f);
	else /* another client was quicker to delete it */
		refuse_unknown(call);
}

static void answer_new(struct call *call)
{
	const struct state *s = call->state;
	answer_changed(call, 201, s->field_key);
}

const struct endpoint arsel_property_new = {
	.scope = SCOPE_DEFINITIONS_WRITE,
	.body_max = SMALL_BODY,
	.decode = decode_new,
	.answer = answer_new,
};

/* Key and type never change; who repeats them is let through, as the name of an event is. */
static void judge_fixed(struct call *call, yyjson_val *root, struct str name, struct str is)
{
	yyjson_val *v = json_get(root, name);
	if (v && !(yyjson_is_str(v) && str_eq(json_str(v), is)))
		problem_at(&call->problems, PROBLEM_UNKNOWN_MEMBER, name);
}

/* An absent name stays, and so does one that is null. */
static void read_changes(struct call *call, yyjson_val *root, struct contact_field *next)
{
	enum { FROM = DESCRIPTION };
	yyjson_val *v[N_MEMBERS] = { 0 };
	struct shape_member display_name = members[DISPLAY_NAME];
	display_name.flags &= ~(unsigned)SHAPE_REQUIRED;
	shape_read(call, root, STR(""), &display_name, 1, false, v + DISPLAY_NAME);
	shape_read(call, root, STR(""), members + FROM, N_MEMBERS - FROM, false, v + FROM);
	take_texts(call->ops, root, v, next);
}

static enum refusal decode_change(struct call *call)
{
	yyjson_val *root = NULL;
	if (!arsel_state(call, sizeof(struct state)))
		return REFUSE_OVERLOADED;
	enum refusal why = arsel_object(call, &root);
	if (why)
		return why;
	const struct contact_field *f = find_named(call);
	if (!f)
		return arsel_stop(call, ARSEL_NO_PROPERTY, id_of(call));
	judge_fixed(call, root, STR("field_key"), f->name);
	judge_fixed(call, root, STR("data_type"), data_type_of(f));
	struct contact_field *next = begin_op(call, 0);
	if (!next)
		return REFUSE_OVERLOADED;
	next->id = f->id;
	read_changes(call, root, next);
	return ready(call);
}

static void answer_change(struct call *call)
{
	answer_changed(call, 200, id_of(call));
}

const struct endpoint arsel_property_change = {
	.scope = SCOPE_DEFINITIONS_WRITE,
	.body_max = SMALL_BODY,
	.decode = decode_change,
	.answer = answer_change,
};

/* --- Deleting --- */

static enum refusal decode_delete(struct call *call)
{
	const struct contact_field *f = find_named(call);
	if (!arsel_state(call, sizeof(struct state)))
		return REFUSE_OVERLOADED;
	if (!f)
		return arsel_stop(call, ARSEL_NO_PROPERTY, id_of(call));
	struct contact_field *gone = begin_op(call, CONTACT_FIELD_GOES);
	if (!gone)
		return REFUSE_OVERLOADED;
	gone->id = f->id;
	return REFUSE_NOTHING;
}

static void answer_delete(struct call *call)
{
	if (call->ops->outcome == OP_REFUSED)
		return arsel_refuse_op(call, id_of(call));
	arsel_send_deleted(call, STR("property"), id_of(call), STR("Property deleted"));
}

const struct endpoint arsel_property_delete = {
	.scope = SCOPE_DEFINITIONS_WRITE,
	.body_max = SMALL_BODY,
	.decode = decode_delete,
	.answer = answer_delete,
};
