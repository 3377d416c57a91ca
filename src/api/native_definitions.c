/*
 * Definitions under /_/v1. They are shown from the catalog, in memory; a change goes through the
 * committer and is shown from the catalog that it made.
 */
#include "api/native_query.h"
#include "model/spec.h"
#include "store/render.h"

#include <stdlib.h>

/* --- Showing --- */

static int newest_first(const void *a, const void *b)
{
	const struct definition *const *x = a, *const *y = b;
	return (*x)->no > (*y)->no ? -1 : (*x)->no < (*y)->no;
}

/* Those from which a page is taken. */
static unsigned sort_definitions(const struct workspace *w, uint64_t before,
				 const struct definition **list)
{
	unsigned n = 0;
	for (unsigned i = 0; i < w->room; i++)
		if (w->definitions[i] && (before == 0 || w->definitions[i]->no < before))
			list[n++] = w->definitions[i];
	if (n) /* NOLINTNEXTLINE(bugprone-sizeof-expression): pointers are what is sorted */
		qsort(list, n, sizeof(*list), newest_first);
	return n;
}

static void show_definitions(struct native_query *q)
{
	const struct workspace *w = q->workspace;
	const struct definition **list =
		arena_array(&q->req->arena, const struct definition *, w->n_definitions);
	if (!list)
		return (void)native_refuse(q, 503, "");
	unsigned n = sort_definitions(w, q->events.before, list);
	unsigned shown = 0;
	render_list_open(&q->body);
	for (; shown < n && !native_page_is_full(q, shown); shown++) {
		render_list_next(&q->body, shown);
		render_definition(&q->body, list[shown]);
	}
	render_list_close(&q->body, n > shown ? list[shown - 1]->no : 0);
}

const struct resource native_definitions = {
	SCOPE_DEFINITIONS_READ,
	.params = native_page_params,
	.prepare = native_page,
	.show = show_definitions,
};

static const struct definition *find_named(struct native_query *q)
{
	const struct definition *d = workspace_definition(q->workspace, q->params[0]);
	if (!d)
		native_refuse(q, 404, "there is no definition of that name");
	return d;
}

static void show_definition(struct native_query *q)
{
	const struct definition *d = find_named(q);
	if (d)
		render_definition(&q->body, d);
}

const struct resource native_definition = { SCOPE_DEFINITIONS_READ, .show = show_definition };

static void show_changed(struct native_query *q, int status)
{
	const struct definition *d = workspace_definition_by_no(q->workspace, q->op.definition_no);
	q->status = status;
	if (d)
		render_definition(&q->body, d);
	else /* another client was quicker to delete it */
		native_refuse(q, 404, "there is no definition of that name");
}

/* --- Reading a body --- */

enum { MEMBER_NAME, INFERRED, DESCRIPTION, FIELDS, N_MEMBERS };

/* Those from DESCRIPTION on can be changed. */
static const struct shape_member members[N_MEMBERS] = {
	[MEMBER_NAME] = { STR_INIT("name"), SHAPE_STRING, .flags = SHAPE_REQUIRED | SHAPE_NOT_EMPTY,
			  .max = DEFINITION_NAME_MAX },
	[INFERRED] = { STR_INIT("inferred"), .type = SHAPE_BOOLEAN },
	[DESCRIPTION] = { STR_INIT("description"), SHAPE_STRING,
			  .max = DEFINITION_DESCRIPTION_MAX },
	[FIELDS] = { STR_INIT("fields"), .type = SHAPE_ARRAY },
};

/* What the values say, into q->op and what it defines. */
static bool take(struct native_query *q, yyjson_val *const *v)
{
	struct problems *ps = &q->body_of.problems;
	struct definition *d = arena_new(&q->req->arena, struct definition);
	if (!d)
		return native_refuse(q, 503, "");
	q->op.define = d;
	d->title = d->annotations = STR("");
	d->name = v[MEMBER_NAME] ? json_str(v[MEMBER_NAME]) : STR("");
	d->inferred = yyjson_is_true(v[INFERRED]);
	d->description = v[DESCRIPTION] ? json_str(v[DESCRIPTION]) : STR("");
	q->op.rules |= v[DESCRIPTION] ? DEFINITION_DESCRIPTION : 0;
	q->op.rules |= v[FIELDS] ? DEFINITION_FIELDS : 0;
	if (v[MEMBER_NAME])
		spec_judge_name(ps, STR("name"), d->name);
	bool good = fields_from_json(&q->req->arena, v[FIELDS], ps, &d->fields, &d->n_fields);
	if (ps->found)
		return native_refuse_body(q);
	return good || native_refuse(q, 503, "");
}

/* The members from `first` on. */
static bool read_body(struct native_query *q, unsigned first)
{
	yyjson_val *root = NULL, *v[N_MEMBERS] = { 0 };
	if (!native_body(q, &root))
		return false;
	shape_read(&q->body_of, root, STR(""), members + first, N_MEMBERS - first, true, v + first);
	return take(q, v);
}

/* --- Changing --- */

static bool prepare_define(struct native_query *q)
{
	native_op(q, OP_DEFINITION);
	q->op.rules = DEFINITION_MUST_BE_NEW;
	return read_body(q, MEMBER_NAME);
}

static void show_defined(struct native_query *q)
{
	show_changed(q, 201);
	native_locate(q, "/_/v1/definitions/", q->op.define->name);
}

const struct resource native_define = {
	SCOPE_DEFINITIONS_WRITE,
	.prepare = prepare_define,
	.changed = show_defined,
};

static bool prepare_redefine(struct native_query *q)
{
	const struct definition *d = find_named(q);
	if (!d)
		return false;
	native_op(q, OP_DEFINITION);
	q->op.rules = DEFINITION_MUST_EXIST;
	q->op.definition = d->no;
	return read_body(q, DESCRIPTION);
}

static void show_redefined(struct native_query *q)
{
	show_changed(q, 200);
}

const struct resource native_redefine = {
	SCOPE_DEFINITIONS_WRITE,
	.prepare = prepare_redefine,
	.changed = show_redefined,
};

static bool prepare_undefine(struct native_query *q)
{
	const struct definition *d = find_named(q);
	if (!d)
		return false;
	native_op(q, OP_DEFINITION_DELETE);
	q->op.definition = d->no;
	return true;
}

static void say_gone(struct native_query *q)
{
	q->status = 204;
}

const struct resource native_undefine = {
	SCOPE_DEFINITIONS_WRITE,
	.prepare = prepare_undefine,
	.changed = say_gone,
};
