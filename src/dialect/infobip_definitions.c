/*
 * Event definitions under /peopleevents/2/definitions: list, read, create, add to, delete. Reads
 * come from the catalog and need no store. What a change answers is worded while it is decoded:
 * the definition as it will be.
 */
#include "dialect/infobip_private.h"
#include "net/url.h"

#include <stdlib.h>

/* --- Words --- */

/* Those that came another way may have none. */
static struct str title_of(const struct definition *d)
{
	return d->title.n ? d->title : d->name;
}

static void put_definition(struct buf *b, const struct definition *d)
{
	buf_lit(b, "{\"isInternalDefinition\":false,\"category\":\"external\",\"definitionId\":");
	buf_json_str(b, d->name);
	buf_lit(b, ",\"title\":");
	buf_json_str(b, title_of(d));
	buf_lit(b, ",\"description\":");
	if (d->description.n)
		buf_json_str(b, d->description);
	else
		buf_lit(b, "null");
	buf_lit(b, ",\"fields\":");
	infobip_fields_put(b, d->fields, d->n_fields);
	buf_char(b, '}');
}

/* The answer once all is well: kept from decode. */
static enum refusal keep(struct call *call, const struct buf *body)
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
	put_definition(&b, d);
	return keep(call, &b);
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

/* --- List --- */

struct listing {
	uint64_t offset, limit;
	bool by_title, by_name, descending, none; /* none: a category that nothing is in */
	struct str search;
};

enum { LIST_MAX = 2147483647 };

static struct str param(struct call *call, const char *name)
{
	return url_query(&call->req->arena, call->req->query, str_of(name));
}

static void read_number(struct call *call, const char *name, uint64_t *out)
{
	struct str v = param(call, name);
	if (v.n && (!str_to_u64(v, out) || *out > LIST_MAX))
		problem_at(&call->problems, PROBLEM_FORMAT, str_of(name),
			   .rule = "number from 0 to 2147483647");
}

static void read_order(struct call *call, struct listing *l)
{
	struct str field = param(call, "orderField"), type = param(call, "orderType");
	bool by_title = str_eq_nocase(field, STR("Title"));
	bool by_name = str_eq_nocase(field, STR("DefinitionId"));
	l->descending = str_eq_nocase(type, STR("Desc"));
	if (field.n && !by_title && !by_name)
		problem_at(&call->problems, PROBLEM_VALUE, STR("orderField"),
			   .rule = "DefinitionId, Title");
	if (type.n && !l->descending && !str_eq_nocase(type, STR("Asc")))
		problem_at(&call->problems, PROBLEM_VALUE, STR("orderType"), .rule = "Asc, Desc");
	/* One without the other does nothing. */
	l->by_title = by_title && type.n;
	l->by_name = by_name && type.n;
}

static bool is_category(struct str s)
{
	static const struct str names[] = { STR_INIT("external"), STR_INIT("person"),
					    STR_INIT("channel"), STR_INIT("product"),
					    STR_INIT("template") };
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (str_eq_nocase(names[i], s))
			return true;
	return false;
}

/* It may be repeated; ours are all external. */
static void read_categories(struct call *call, struct listing *l)
{
	struct str rest = call->req->query, name = STR("category");
	bool any = false, external = false;
	while (rest.n > 0) {
		size_t end = str_find(rest, '&');
		struct str v = url_query(&call->req->arena, str_head(rest, end), name);
		rest = str_from(rest, MIN(end + 1, rest.n));
		if (v.n == 0)
			continue;
		any = true;
		external |= str_eq_nocase(v, STR("external"));
		if (!is_category(v))
			problem_at(&call->problems, PROBLEM_VALUE, name,
				   .rule = "external, person, channel, product, template");
	}
	l->none = any && !external;
}

/* ASCII letter case aside. */
static bool contains(struct str text, struct str part)
{
	for (size_t i = 0; i + part.n <= text.n; i++)
		if (str_eq_nocase(str_head(str_from(text, i), part.n), part))
			return true;
	return false;
}

static bool is_wanted(const struct listing *l, const struct definition *d)
{
	if (!d || l->none)
		return false;
	return l->search.n == 0 || contains(d->name, l->search) ||
	       contains(title_of(d), l->search) || contains(d->description, l->search);
}

static int by_no(const void *a, const void *b)
{
	const struct definition *x = *(struct definition *const *)a;
	const struct definition *y = *(struct definition *const *)b;
	return (x->no > y->no) - (x->no < y->no);
}

static int by_name(const void *a, const void *b)
{
	return str_cmp((*(struct definition *const *)a)->name,
		       (*(struct definition *const *)b)->name);
}

static int by_title(const void *a, const void *b)
{
	int c = str_cmp(title_of(*(struct definition *const *)a),
			title_of(*(struct definition *const *)b));
	return c ?: by_no(a, b);
}

static void put_page(struct buf *b, const struct listing *l, const struct definition **list,
		     uint64_t n)
{
	uint64_t end = l->offset + MIN(l->limit, n - MIN(l->offset, n));
	buf_char(b, '[');
	for (uint64_t i = l->offset; i < end; i++) {
		if (i > l->offset)
			buf_char(b, ',');
		put_definition(b, list[l->descending ? n - 1 - i : i]);
	}
	buf_char(b, ']');
}

static enum refusal list_decode(struct call *call)
{
	const struct workspace *w = call->workspace;
	struct listing l = { .limit = LIST_MAX, .search = param(call, "searchText") };
	uint64_t n = 0;
	read_number(call, "offset", &l.offset);
	read_number(call, "limit", &l.limit);
	read_order(call, &l);
	read_categories(call, &l);
	if (call->problems.found)
		return REFUSE_PROBLEMS;
	const struct definition **list =
		arena_array(&call->req->arena, const struct definition *, w->n_definitions + 1);
	if (!list)
		return REFUSE_OVERLOADED;
	for (unsigned i = 0; i < w->room; i++)
		if (is_wanted(&l, w->definitions[i]))
			list[n++] = w->definitions[i];
	qsort(list, n, sizeof(*list), l.by_title ? by_title : l.by_name ? by_name : by_no);
	l.descending &= l.by_title || l.by_name;
	if (n <= l.offset || l.limit == 0)
		return REFUSE_NOTHING;
	struct buf b = buf_in(&call->req->arena);
	put_page(&b, &l, list, n);
	return keep(call, &b);
}

static void read_answer(struct call *call)
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
	[DESCRIPTION] = { STR_INIT("description"), SHAPE_STRING, SHAPE_NULL_ABSENT, 2000 },
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
	return keep_definition(call, as);
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
	return why
		       ?: submit(call, as,
				 DEFINITION_MUST_BE_NEW | DEFINITION_FIELDS | DEFINITION_TITLE |
					 DEFINITION_DESCRIPTION);
}

/* What the request does not name stays as it is; nothing points into the catalog. */
static struct definition *copy_of(struct arena *a, const struct definition *d)
{
	struct definition *as = arena_new(a, struct definition);
	if (!as)
		return NULL;
	as->no = d->no;
	as->fields = d->fields; /* copied as they are read */
	as->n_fields = d->n_fields;
	as->name = arena_str(a, d->name);
	as->description = arena_str(a, d->description);
	as->annotations = arena_str(a, d->annotations);
	return as->name.p && as->description.p && as->annotations.p ? as : NULL;
}

static enum refusal read_update(struct call *call, yyjson_val *root, struct definition *as)
{
	yyjson_val *v[N_MEMBERS];
	unsigned rules =
		DEFINITION_MUST_EXIST | DEFINITION_GROWS | DEFINITION_FIELDS | DEFINITION_TITLE;
	shape_read(call, root, STR(""), members + TITLE, N_MEMBERS - TITLE, true, v + TITLE);
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
	return as ? read_update(call, root, as) : REFUSE_OVERLOADED;
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

static void update_answer(struct call *call)
{
	if (!call->ops || first_problem_is(call->ops, PROBLEM_UNKNOWN_DEFINITION))
		return send_no_matches(call);
	if (call->ops->outcome == OP_REFUSED)
		return call_refuse_op(call, call->ops);
	send_kept(call, 200);
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

const struct endpoint infobip_definition_list = {
	.scope = SCOPE_DEFINITIONS_READ,
	.body_max = INFOBIP_BODY_MAX,
	.decode = list_decode,
	.answer = read_answer,
};

const struct endpoint infobip_definition_get = {
	.scope = SCOPE_DEFINITIONS_READ,
	.body_max = INFOBIP_BODY_MAX,
	.decode = get_decode,
	.answer = read_answer,
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
