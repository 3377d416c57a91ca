/*
 * Event definitions under /peopleevents/2/definitions: read, create, add to, delete. Reads come
 * from the catalog and need no store. So does the answer to an update: the definition as it has become.
 * What is made is shown as it was asked for.
 */
#include "dialect/infobip_private.h"

/* --- Words --- */

struct str infobip_definition_title(const struct definition *d)
{
	return d->title.n ? d->title : d->name;
}

void infobip_definition_put(struct buf *b, const struct definition *d)
{
	buf_lit(b, "{\"isInternalDefinition\":false,\"category\":\"external\",\"definitionId\":");
	buf_json_str(b, d->name);
	buf_lit(b, ",\"title\":");
	buf_json_str(b, infobip_definition_title(d));
	buf_lit(b, ",\"description\":");
	if (d->description.n)
		buf_json_str(b, d->description);
	else
		buf_lit(b, "null");
	buf_lit(b, ",\"fields\":");
	infobip_fields_put(b, d->fields, d->n_fields);
	buf_char(b, '}');
}

enum refusal infobip_keep(struct call *call, const struct buf *body)
{
	struct buf *kept = arena_new(&call->req->arena, struct buf);
	if (!kept || body->failed)
		return REFUSE_OVERLOADED;
	*kept = *body;
	call->state = kept;
	return REFUSE_NOTHING;
}

static enum refusal keep_definition(struct call *call, const struct definition *d)
{
	struct buf b = buf_in(&call->req->arena);
	infobip_definition_put(&b, d);
	return infobip_keep(call, &b);
}

static void send_kept(struct call *call, int status)
{
	call_begin(call, status);
	call_send_json(call, call->state);
}

static void send_no_matches(struct call *call)
{
	infobip_exception(call, 404, "NOT_FOUND", "No matches", NULL);
}

void infobip_read_answer(struct call *call)
{
	if (call->state)
		send_kept(call, 200);
	else
		send_no_matches(call);
}

/* --- One --- */

static const struct definition *named(const struct call *call)
{
	return workspace_definition(call->workspace, call->params[0]);
}

static enum refusal get_decode(struct call *call)
{
	const struct definition *d = named(call);
	return d ? keep_definition(call, d) : REFUSE_NOTHING;
}

/* --- Create and add to --- */

enum { DEFINITION_ID, TEMPLATE_ID, TITLE, DESCRIPTION, FIELDS, N_MEMBERS };

static bool form_id(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		if ((c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9'))
			return false;
	}
	return true;
}

static const char id_rule[] = "text of letters (A-Z, a-z) and digits";

static const struct shape_member members[N_MEMBERS] = {
	[DEFINITION_ID] = { STR_INIT("definitionId"), SHAPE_STRING,
			    SHAPE_NULL_ABSENT | SHAPE_NOT_EMPTY, 36, form_id, id_rule },
	[TEMPLATE_ID] = { STR_INIT("templateId"), SHAPE_STRING, SHAPE_NULL_ABSENT, 36, form_id,
			  id_rule },
	[TITLE] = { STR_INIT("title"), SHAPE_STRING,
		    SHAPE_REQUIRED | SHAPE_NULL_ABSENT | SHAPE_NOT_EMPTY, 100 },
	[DESCRIPTION] = { STR_INIT("description"), SHAPE_STRING, SHAPE_NULL_ABSENT,
			  DEFINITION_DESCRIPTION_MAX },
	[FIELDS] = { STR_INIT("fields"), SHAPE_ARRAY, SHAPE_NULL_ABSENT },
};

static struct str text_of(const yyjson_val *v)
{
	return v ? json_str(v) : STR("");
}

/* `as` is what it was, or nothing; it becomes what it shall be. */
static enum refusal read_definition(struct call *call, yyjson_val **v, struct definition *as)
{
	as->title = text_of(v[TITLE]);
	enum refusal why = infobip_fields_read(call, v[FIELDS], as->fields, as->n_fields,
					       &as->fields, &as->n_fields);
	return infobip_so_far(call) ?: why;
}

static enum refusal submit(struct call *call, struct definition *as, unsigned rules)
{
	struct op *op = call_op(call);
	if (!op)
		return REFUSE_OVERLOADED;
	op->kind = OP_DEFINITION;
	op->rules = rules;
	op->define = as;
	op->definition = as->no;
	return REFUSE_NOTHING;
}

static enum refusal create_decode(struct call *call)
{
	yyjson_val *root, *v[N_MEMBERS];
	struct definition *as = arena_new(&call->req->arena, struct definition);
	enum refusal why = as ? infobip_body(call, &root) : REFUSE_OVERLOADED;
	if (why)
		return why;
	shape_read(call, root, STR(""), members, N_MEMBERS, true, v);
	if (v[TEMPLATE_ID]) /* there are no templates (decision 43) */
		problem_at(&call->problems, PROBLEM_VALUE, members[TEMPLATE_ID].name);
	else if (!v[DEFINITION_ID] && !call->problems.found)
		problem_at(&call->problems, PROBLEM_REQUIRED, members[DEFINITION_ID].name);
	as->name = text_of(v[DEFINITION_ID]);
	as->description = text_of(v[DESCRIPTION]);
	as->annotations = STR("{}");
	why = read_definition(call, v, as);
	why = why
		      ?: submit(call, as,
				DEFINITION_MUST_BE_NEW | DEFINITION_FIELDS | DEFINITION_TITLE |
					DEFINITION_DESCRIPTION);
	return why ?: keep_definition(call, as);
}

/* What the request does not name stays as it is; nothing points into the catalog. Names, counts and
 * Lists are held against what is there, so no other change may come in between. */
static struct definition *copy_of(struct arena *a, const struct definition *d)
{
	struct definition *as = arena_new(a, struct definition);
	if (!as)
		return NULL;
	as->no = d->no;
	as->updated_at = d->updated_at;
	as->fields = d->fields; /* copied as they are read */
	as->n_fields = d->n_fields;
	as->name = arena_str(a, d->name);
	as->description = arena_str(a, d->description);
	as->annotations = arena_str(a, d->annotations);
	return as->name.p && as->description.p && as->annotations.p ? as : NULL;
}

/* `shown`: the title as it is, which may be written back though it is longer than a new one. */
static enum refusal read_update(struct call *call, yyjson_val *root, struct str shown,
				struct definition *as)
{
	yyjson_val *v[N_MEMBERS];
	struct shape_member row[N_MEMBERS];
	memcpy(row, members, sizeof(members));
	if (str_eq(json_str(json_get(root, members[TITLE].name)), shown))
		row[TITLE].max = 0;
	unsigned rules = DEFINITION_MUST_EXIST | DEFINITION_AS_SEEN | DEFINITION_GROWS |
			 DEFINITION_FIELDS | DEFINITION_TITLE;
	shape_read(call, root, STR(""), row + TITLE, N_MEMBERS - TITLE, true, v + TITLE);
	if (json_get(root, members[DESCRIPTION].name)) {
		as->description = text_of(v[DESCRIPTION]);
		rules |= DEFINITION_DESCRIPTION;
	}
	enum refusal why = read_definition(call, v, as);
	return why ?: submit(call, as, rules);
}

static enum refusal update_decode(struct call *call)
{
	yyjson_val *root;
	enum refusal why = infobip_body(call, &root);
	if (why)
		return why;
	const struct definition *d = named(call);
	if (!d)
		return REFUSE_NOTHING; /* nothing to do, nothing kept: a 404 */
	struct definition *as = copy_of(&call->req->arena, d);
	return as ? read_update(call, root, infobip_definition_title(d), as) : REFUSE_OVERLOADED;
}

static bool first_problem_is(const struct op *op, enum problem_code code)
{
	return op->outcome == OP_REFUSED && op->problems && op->problems->n &&
	       op->problems->list[0].code == code;
}

static void create_answer(struct call *call)
{
	if (first_problem_is(call->ops, PROBLEM_EXISTS))
		return infobip_exception(call, 409, "CONFLICT",
					 "Conflict. Definition with such 'definitionId' has "
					 "already existed.",
					 NULL);
	if (call->ops->outcome == OP_REFUSED)
		return call_refuse_op(call, call->ops);
	send_kept(call, 201);
}

static void send_definition(struct call *call, const struct definition *d)
{
	struct buf b = buf_in(&call->req->arena);
	infobip_definition_put(&b, d);
	call_begin(call, 200);
	call_send_json(call, &b);
}

static void update_answer(struct call *call)
{
	if (!call->ops || first_problem_is(call->ops, PROBLEM_UNKNOWN_DEFINITION))
		return send_no_matches(call);
	if (first_problem_is(call->ops, PROBLEM_EXISTS)) /* in another form than was seen */
		return infobip_exception(call, 409, "CONFLICT",
					 "Conflict. The definition has been changed by another "
					 "request meanwhile.",
					 NULL);
	if (call->ops->outcome == OP_REFUSED)
		return call_refuse_op(call, call->ops);
	const struct definition *d =
		workspace_definition_by_no(call->workspace, call->ops->definition_no);
	if (d)
		send_definition(call, d);
	else /* another client was quicker to delete it */
		send_no_matches(call);
}

/* --- Delete: an extension of our own --- */

static enum refusal delete_decode(struct call *call)
{
	const struct definition *d = named(call);
	if (!d)
		return REFUSE_NOTHING;
	struct op *op = call_op(call);
	if (!op)
		return REFUSE_OVERLOADED;
	op->kind = OP_DEFINITION_DELETE;
	op->definition = d->no;
	return REFUSE_NOTHING;
}

static void delete_answer(struct call *call)
{
	if (!call->ops || first_problem_is(call->ops, PROBLEM_UNKNOWN_DEFINITION))
		return send_no_matches(call);
	if (call->ops->outcome == OP_REFUSED)
		return call_refuse_op(call, call->ops);
	call_begin(call, 204);
	reply_send(call->req, STR(""), STR(""));
}

const struct endpoint infobip_definition_get = {
	.scope = SCOPE_DEFINITIONS_READ,
	.body_max = INFOBIP_BODY_MAX,
	.decode = get_decode,
	.answer = infobip_read_answer,
};

const struct endpoint infobip_definition_create = {
	.scope = SCOPE_DEFINITIONS_WRITE,
	.body_max = INFOBIP_BODY_MAX,
	.decode = create_decode,
	.answer = create_answer,
};

const struct endpoint infobip_definition_update = {
	.scope = SCOPE_DEFINITIONS_WRITE,
	.body_max = INFOBIP_BODY_MAX,
	.decode = update_decode,
	.answer = update_answer,
};

const struct endpoint infobip_definition_delete = {
	.scope = SCOPE_DEFINITIONS_WRITE,
	.body_max = INFOBIP_BODY_MAX,
	.decode = delete_decode,
	.answer = delete_answer,
};
