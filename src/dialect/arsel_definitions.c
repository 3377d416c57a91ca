/*
 * Arsel's event definitions: /v1/events. They are read from the catalog, in memory; a change goes
 * through the committer and is shown from the catalog that it made.
 */
#include "dialect/arsel_private.h"

struct state {
	struct arsel_no no; /* first: see arsel_private.h */
	struct uuid id;
	struct str name;
};

static struct str id_of(const struct call *call)
{
	return call->params[0];
}

const struct definition *arsel_definition_find(const struct workspace *w, struct uuid id)
{
	for (unsigned i = 0; i < w->room; i++)
		if (w->definitions[i] && uuid_eq(w->definitions[i]->id, id))
			return w->definitions[i];
	return NULL;
}

static const struct definition *find_named(const struct call *call)
{
	struct uuid id;
	return uuid_parse(id_of(call), &id) ? arsel_definition_find(call->workspace, id) : NULL;
}

/* --- Showing --- */

void arsel_definition_put(struct buf *b, const struct definition *d)
{
	char id[UUID_TEXT + 1];
	struct arsel_conversion conversion;
	arsel_conversion_stored(b->arena, d, &conversion);
	uuid_text(d->id, id);
	buf_printf(b, "{\"id\":\"%s\"", id);
	arsel_put_text(b, "name", d->name);
	arsel_put_text(b, "description", d->description.n ? d->description : (struct str){ 0 });
	arsel_schema_put(b, d);
	buf_lit(b, ",\"conversion\":");
	arsel_conversion_put(b, &conversion);
	arsel_put_time(b, "created_at", d->created_at);
	arsel_put_time(b, "updated_at", d->updated_at);
	buf_char(b, '}');
}

static void send_definition(struct call *call, int status, const struct definition *d)
{
	struct buf body = buf_in(&call->req->arena);
	arsel_definition_put(&body, d);
	arsel_send_json(call, status, &body);
}

static enum refusal decode_get(struct call *call)
{
	return arsel_state(call, sizeof(struct state)) ? REFUSE_NOTHING : REFUSE_OVERLOADED;
}

static void refuse_unknown(struct call *call)
{
	call->dialect->refuse(call, arsel_stop(call, ARSEL_NO_DEFINITION, id_of(call)));
}

static void answer_get(struct call *call)
{
	const struct definition *d = find_named(call);
	if (d)
		send_definition(call, 200, d);
	else
		refuse_unknown(call);
}

const struct endpoint arsel_definition = {
	.scope = SCOPE_DEFINITIONS_READ,
	.body_max = 64 * 1024,
	.decode = decode_get,
	.answer = answer_get,
};

/* --- Making and changing --- */

enum { MEMBER_NAME, DESCRIPTION, SCHEMA, CONVERSION, N_MEMBERS };

static const struct shape_member members[N_MEMBERS] = {
	[MEMBER_NAME] = { STR_INIT("name"), SHAPE_STRING,
			  SHAPE_REQUIRED | SHAPE_NULL_ABSENT | SHAPE_NOT_EMPTY, 80, form_no_nul,
			  "must not contain U+0000" },
	[DESCRIPTION] = { STR_INIT("description"), SHAPE_STRING, SHAPE_NULL_ABSENT,
			  DEFINITION_DESCRIPTION_MAX, NULL, NULL },
	[SCHEMA] = { STR_INIT("schema"), SHAPE_OBJECT, SHAPE_NULL_ABSENT, 0, NULL, NULL },
	[CONVERSION] = { STR_INIT("conversion"), SHAPE_OBJECT, SHAPE_NULL_ABSENT, 0, NULL, NULL },
};

/* The fields that the conversion is held against: those given, else those there. */
static const struct definition *with_fields(const struct definition *define, unsigned rules,
					    const struct definition *old)
{
	return rules & DEFINITION_FIELDS || !old ? define : old;
}

/* Fields and annotations are made of those that are there and held against each other; a change that
 * came in between would be undone, or not held against. */
static void rest_on_what_is_seen(struct op *op)
{
	if (op->definition && op->rules & (DEFINITION_FIELDS | DEFINITION_ANNOTATIONS))
		op->rules |= DEFINITION_AS_SEEN;
}

/* A change of neither leaves both as they are, also where the fields have changed elsewhere and no
 * longer hold what the conversion names. */
static enum refusal take_conversion(struct call *call, yyjson_val *const *v,
				    const struct definition *old, struct op *op,
				    struct definition *define)
{
	struct str about;
	struct arsel_conversion c = { 0 };
	struct arena *a = &call->req->arena;
	if (!v[CONVERSION] && !v[SCHEMA])
		return call->problems.found ? REFUSE_PROBLEMS : REFUSE_NOTHING;
	if (v[CONVERSION])
		arsel_conversion_read(call, v[CONVERSION], &c);
	else if (old)
		arsel_conversion_stored(a, old, &c);
	if (call->problems.found)
		return REFUSE_PROBLEMS;
	if (!arsel_conversion_fits(&c, with_fields(define, op->rules, old), &about))
		return arsel_stop(call, ARSEL_CONVERSION, about);
	if (!v[CONVERSION])
		return REFUSE_NOTHING;
	op->rules |= DEFINITION_ANNOTATIONS;
	define->annotations = arsel_conversion_annotate(a, old, &c);
	return define->annotations.p ? REFUSE_NOTHING : REFUSE_OVERLOADED;
}

/* `root` says whether a member is there: null is, where it clears something. */
static enum refusal fill(struct call *call, yyjson_val *root, yyjson_val *const *v,
			 const struct definition *old, struct op *op)
{
	struct definition *define = arena_new(&call->req->arena, struct definition);
	if (!define)
		return REFUSE_OVERLOADED;
	op->define = define;
	if (json_get(root, STR("description")))
		op->rules |= DEFINITION_DESCRIPTION;
	define->description = v[DESCRIPTION] ? json_str(v[DESCRIPTION]) : STR("");
	define->title = STR("");
	define->annotations = STR("");
	define->updated_at = old ? old->updated_at : 0;
	if (v[SCHEMA])
		op->rules |= DEFINITION_FIELDS;
	if (v[SCHEMA] && !arsel_schema_read(call, v[SCHEMA], old, define))
		return REFUSE_OVERLOADED;
	return take_conversion(call, v, old, op, define);
}

/* Submits nothing unless all is good. */
static enum refusal ready(struct call *call, enum refusal why)
{
	if (why)
		call->n_ops = 0;
	return why;
}

static enum refusal decode_define(struct call *call)
{
	yyjson_val *root = NULL, *v[N_MEMBERS];
	struct state *s = arsel_state(call, sizeof(*s));
	if (!s)
		return REFUSE_OVERLOADED;
	enum refusal why = arsel_object(call, &root);
	if (why)
		return why;
	shape_read(call, root, STR(""), members, N_MEMBERS, false, v);
	struct op *op = call_op(call);
	if (!op)
		return REFUSE_OVERLOADED;
	op->kind = OP_DEFINITION;
	op->rules = DEFINITION_MUST_BE_NEW;
	why = fill(call, root, v, NULL, op);
	if (why)
		return ready(call, why);
	s->name = json_str(v[MEMBER_NAME]);
	((struct definition *)op->define)->name = s->name;
	return REFUSE_NOTHING;
}

static void answer_changed(struct call *call, int status, struct str about)
{
	const struct op *op = call->ops;
	if (op->outcome == OP_REFUSED)
		return arsel_refuse_op(call, about);
	const struct definition *d = workspace_definition_by_no(call->workspace, op->definition_no);
	if (d)
		send_definition(call, status, d);
	else /* another client was quicker to delete it */
		refuse_unknown(call);
}

static void answer_define(struct call *call)
{
	const struct state *s = call->state;
	answer_changed(call, 201, s->name);
}

const struct endpoint arsel_define = {
	.scope = SCOPE_DEFINITIONS_WRITE,
	.body_max = 256 * 1024,
	.decode = decode_define,
	.answer = answer_define,
};

/* The name never changes; who repeats it is let through (decision 18). */
static void judge_name(struct call *call, yyjson_val *root, const struct definition *d)
{
	yyjson_val *name = json_get(root, STR("name"));
	if (name && !(yyjson_is_str(name) && str_eq(json_str(name), d->name)))
		problem_at(&call->problems, PROBLEM_UNKNOWN_MEMBER, STR("name"));
}

static enum refusal decode_redefine(struct call *call)
{
	yyjson_val *root = NULL, *v[N_MEMBERS] = { 0 };
	if (!arsel_state(call, sizeof(struct state)))
		return REFUSE_OVERLOADED;
	enum refusal why = arsel_object(call, &root);
	if (why)
		return why;
	const struct definition *d = find_named(call);
	if (!d)
		return arsel_stop(call, ARSEL_NO_DEFINITION, id_of(call));
	judge_name(call, root, d);
	shape_read(call, root, STR(""), members + DESCRIPTION, N_MEMBERS - DESCRIPTION, false,
		   v + DESCRIPTION);
	struct op *op = call_op(call);
	if (!op)
		return REFUSE_OVERLOADED;
	op->kind = OP_DEFINITION;
	op->rules = DEFINITION_MUST_EXIST;
	op->definition = d->no;
	why = fill(call, root, v, d, op);
	rest_on_what_is_seen(op);
	return ready(call, why);
}

static void answer_redefine(struct call *call)
{
	answer_changed(call, 200, id_of(call));
}

const struct endpoint arsel_redefine = {
	.scope = SCOPE_DEFINITIONS_WRITE,
	.body_max = 256 * 1024,
	.decode = decode_redefine,
	.answer = answer_redefine,
};

/* --- Deleting --- */

static enum refusal decode_undefine(struct call *call)
{
	const struct definition *d = find_named(call);
	if (!arsel_state(call, sizeof(struct state)))
		return REFUSE_OVERLOADED;
	if (!d)
		return arsel_stop(call, ARSEL_NO_DEFINITION, id_of(call));
	struct op *op = call_op(call);
	if (!op)
		return REFUSE_OVERLOADED;
	op->kind = OP_DEFINITION_DELETE;
	op->definition = d->no;
	return REFUSE_NOTHING;
}

static void answer_undefine(struct call *call)
{
	if (call->ops->outcome == OP_REFUSED)
		return arsel_refuse_op(call, id_of(call));
	arsel_send_deleted(call, STR("event"), id_of(call), STR("Event deleted"));
}

const struct endpoint arsel_undefine = {
	.scope = SCOPE_DEFINITIONS_WRITE,
	.body_max = 64 * 1024,
	.decode = decode_undefine,
	.answer = answer_undefine,
};
