/*
 * POST and PUT /api/event-metadata: an event's scheme declared, or added to. What is said through
 * Omnisend is kept as {"omnisend":{"origins":[...],"properties":{...}}} in the definition's
 * annotations; that it is there is "explicitlyDefined". A name has one scheme, wherever its events
 * come from.
 */
#include "dialect/omnisend_private.h"

enum { NAME, ORIGIN, DISPLAY_NAME, PROPERTIES, N_MEMBERS };
enum {
	BODY_MAX = 256 * 1024,
	KEPT_MAX = 256 * 1024, /* bytes of the annotation */
	ORIGIN_MAX = 100,
	ORIGINS_MAX = 100,
	DISPLAY_NAME_MAX = 255
};

static const struct shape_member members[N_MEMBERS] = {
	[NAME] = { STR_INIT("name"), SHAPE_STRING, SHAPE_REQUIRED | SHAPE_NOT_EMPTY,
		   DEFINITION_NAME_MAX, omnisend_form_event_name, OMNISEND_EVENT_NAME_FORM },
	[ORIGIN] = { STR_INIT("origin"), SHAPE_STRING, SHAPE_REQUIRED | SHAPE_NOT_EMPTY,
		     ORIGIN_MAX },
	[DISPLAY_NAME] = { STR_INIT("displayName"), SHAPE_STRING, SHAPE_NOT_EMPTY,
			   DISPLAY_NAME_MAX },
	[PROPERTIES] = { STR_INIT("properties"), SHAPE_OBJECT },
};

static const struct omnisend_no exists = { 409, "problem", "Conflict",
					   "An event of this name exists already" };
static const struct omnisend_no changes = { 409, "problem", "Conflict",
					    "The type of a property would change" };
static const struct omnisend_no unknown = { 404, "not-found", "Not found", "Event not found" };
static const struct omnisend_no collided = { 503, "problem", "Service unavailable",
					     "Somebody else has just changed this event: retry" };

/* --- Showing --- */

yyjson_val *omnisend_kept(struct buf *b, const struct definition *d)
{
	return annotation(b, d, STR("omnisend"));
}

yyjson_val *omnisend_origins(yyjson_val *kept)
{
	return json_get(kept, STR("origins"));
}

bool omnisend_lists(yyjson_val *list, struct str s)
{
	size_t i, max;
	yyjson_val *v;
	yyjson_arr_foreach (list, i, max, v)
		if (str_eq(json_str(v), s))
			return true;
	return false;
}

void omnisend_metadata_put(struct buf *b, const struct definition *d, yyjson_val *kept,
			   bool with_explicit, bool with_properties)
{
	yyjson_val *origins = omnisend_origins(kept);
	buf_lit(b, "{\"name\":");
	buf_json_str(b, d->name);
	buf_lit(b, ",\"displayName\":");
	buf_json_str(b, d->title.n ? d->title : d->name);
	buf_lit(b, ",\"origins\":");
	if (origins)
		json_put(b, origins);
	else
		buf_lit(b, "[\"api\"]");
	if (with_explicit)
		buf_printf(b, ",\"explicitlyDefined\":%s", kept ? "true" : "false");
	if (with_properties) {
		buf_lit(b, ",\"properties\":");
		omnisend_scheme_put(b, d->fields, d->n_fields,
				    json_get(kept, members[PROPERTIES].name));
	}
	buf_char(b, '}');
}

/* --- Reading --- */

static void keep_origins(struct call *call, struct buf *b, const struct definition *old,
			 yyjson_val *kept, struct str origin)
{
	yyjson_val *list = omnisend_origins(kept);
	struct str was = list ? json_text(b->arena, list) : old ? STR("[\"api\"]") : STR("[]");
	bool there = list ? omnisend_lists(list, origin) : old && str_eq(origin, STR("api"));
	b->failed |= !was.p;
	if (was.p && there)
		return buf_put(b, was);
	if (list && yyjson_arr_size(list) >= ORIGINS_MAX)
		problem_at(&call->problems, PROBLEM_TOO_MANY, members[ORIGIN].name,
			   .rule = "origins", .limit = ORIGINS_MAX);
	if (was.p)
		buf_put(b, str_head(was, was.n - 1));
	if (was.n > 2)
		buf_char(b, ',');
	buf_json_str(b, origin);
	buf_char(b, ']');
}

static enum refusal keep(struct call *call, yyjson_val *const *v, const struct definition *old,
			 yyjson_val *kept, struct definition *define)
{
	struct arena *a = &call->req->arena;
	struct buf b = buf_in(a);
	buf_lit(&b, "{\"origins\":");
	keep_origins(call, &b, old, kept, json_str(v[ORIGIN]));
	buf_lit(&b, ",\"properties\":");
	omnisend_scheme_keep(&b, json_get(kept, members[PROPERTIES].name), v[PROPERTIES]);
	buf_char(&b, '}');
	if (b.failed)
		return REFUSE_OVERLOADED;
	struct str json = buf_str(&b);
	if (json.n > KEPT_MAX)
		problem_at(&call->problems, PROBLEM_TOO_LONG, members[PROPERTIES].name,
			   .limit = KEPT_MAX, .size = (int64_t)json.n);
	define->annotations = annotate(a, old, STR("omnisend"), json);
	return define->annotations.p ? REFUSE_NOTHING : REFUSE_OVERLOADED;
}

/* Types that would change are a conflict, unless more is wrong. */
static enum refusal judge(struct call *call)
{
	const struct problems *ps = &call->problems;
	bool conflict = ps->found == ps->n;
	for (unsigned i = 0; i < ps->n; i++)
		conflict &= ps->list[i].code == PROBLEM_FIELD_TYPE;
	if (!ps->found)
		return REFUSE_NOTHING;
	if (conflict)
		call->state = (void *)&changes; /* only ever read */
	return REFUSE_PROBLEMS;
}

static enum refusal submit(struct call *call, yyjson_val *const *v, const struct definition *old,
			   const struct definition *define)
{
	struct op *op = call_op(call);
	if (!op)
		return REFUSE_OVERLOADED;
	op->kind = OP_DEFINITION;
	op->define = define;
	op->definition = old ? old->no : 0;
	op->rules = old ? DEFINITION_MUST_EXIST | DEFINITION_AS_SEEN : DEFINITION_MUST_BE_NEW;
	op->rules |= DEFINITION_ANNOTATIONS;
	if (v[DISPLAY_NAME])
		op->rules |= DEFINITION_TITLE;
	if (v[PROPERTIES])
		op->rules |= DEFINITION_FIELDS | DEFINITION_GROWS;
	return REFUSE_NOTHING;
}

/* `old` NULL: it is new. */
static enum refusal define(struct call *call, yyjson_val *const *v, const struct definition *old)
{
	struct buf b = buf_in(&call->req->arena);
	yyjson_val *kept = omnisend_kept(&b, old);
	struct definition *as = arena_new(&call->req->arena, struct definition);
	if (!as || b.failed)
		return REFUSE_OVERLOADED;
	as->name = json_str(v[NAME]);
	as->title = v[DISPLAY_NAME] ? json_str(v[DISPLAY_NAME]) : STR("");
	as->description = STR("");
	as->updated_at = old ? old->updated_at : 0;
	enum refusal why = omnisend_scheme_read(call, v[PROPERTIES], old, kept, as);
	why = why ?: judge(call);
	why = why ?: keep(call, v, old, kept, as);
	why = why ?: judge(call);
	return why ?: submit(call, v, old, as);
}

static enum refusal read_body(struct call *call, yyjson_val **root, yyjson_val **v)
{
	enum refusal why = omnisend_body(call, root);
	if (!why)
		shape_read(call, *root, STR(""), members, N_MEMBERS, false, v);
	return why;
}

static enum refusal declare_decode(struct call *call)
{
	static const unsigned also[] = { DISPLAY_NAME, PROPERTIES };
	yyjson_val *root, *v[N_MEMBERS];
	enum refusal why = read_body(call, &root, v);
	if (why)
		return why;
	for (size_t i = 0; i < ARRAY_LEN(also); i++)
		if (!json_get(root, members[also[i]].name))
			problem_at(&call->problems, PROBLEM_REQUIRED, members[also[i]].name);
	if (v[PROPERTIES] && yyjson_obj_size(v[PROPERTIES]) == 0)
		problem_at(&call->problems, PROBLEM_EMPTY, members[PROPERTIES].name);
	return call->problems.found ? REFUSE_PROBLEMS : define(call, v, NULL);
}

static enum refusal extend_decode(struct call *call)
{
	yyjson_val *root, *v[N_MEMBERS];
	enum refusal why = read_body(call, &root, v);
	if (why || call->problems.found)
		return why ?: REFUSE_PROBLEMS;
	const struct definition *old = workspace_definition(call->workspace, json_str(v[NAME]));
	/* Nothing to do: a 404. */
	return old ? define(call, v, old) : REFUSE_NOTHING;
}

/* --- Answering --- */

static void refuse_op(struct call *call, const struct omnisend_no *there)
{
	struct problems *ps = call->ops->problems;
	enum problem_code code = ps && ps->n ? ps->list[0].code : PROBLEM_NONE;
	if (code == PROBLEM_EXISTS)
		return omnisend_say_no(call, there);
	if (code == PROBLEM_FIELD_TYPE)
		return omnisend_say_no(call, &changes);
	if (code == PROBLEM_UNKNOWN_DEFINITION)
		return omnisend_say_no(call, &unknown);
	if (code == PROBLEM_DEFINITIONS_FULL)
		ps->list[0].path = members[NAME].name;
	call_refuse_op(call, call->ops);
}

static void answer(struct call *call, int status, const struct omnisend_no *there)
{
	if (call->ops && call->ops->outcome == OP_REFUSED)
		return refuse_op(call, there);
	const struct definition *d =
		call->ops ? workspace_definition_by_no(call->workspace, call->ops->definition_no)
			  : NULL;
	if (!d) /* or another client was quicker to delete it */
		return omnisend_say_no(call, &unknown);
	struct buf b = buf_in(&call->req->arena);
	buf_lit(&b, "{\"event\":");
	omnisend_metadata_put(&b, d, omnisend_kept(&b, d), true, true);
	buf_char(&b, '}');
	omnisend_begin(call, status);
	call_send_json(call, &b);
}

static void declare_answer(struct call *call)
{
	answer(call, 201, &exists);
}

static void extend_answer(struct call *call)
{
	answer(call, 200, &collided);
}

const struct endpoint omnisend_declare = {
	.scope = SCOPE_EVENTS_WRITE,
	.body_max = BODY_MAX,
	.decode = declare_decode,
	.answer = declare_answer,
};

const struct endpoint omnisend_extend = {
	.scope = SCOPE_EVENTS_WRITE,
	.body_max = BODY_MAX,
	.decode = extend_decode,
	.answer = extend_answer,
};
