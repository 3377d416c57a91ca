/*
 * Destinations and automations under /_/v1, alike but for what a body may say. They are shown from
 * the catalog, in memory; a change goes through the committer and is shown from the catalog that it
 * made. Who may read definitions sees automations; destinations, whose addresses are often secrets
 * themselves, are for admins, as is every change.
 */
#include "api/native_query.h"
#include "model/declaration.h"
#include "model/destination.h"
#include "store/render.h"

#include <stdlib.h>

static enum document_kind kind_of(const struct native_query *q)
{
	return q->resource->documents;
}

/* --- Showing --- */

static void put_times(struct buf *b, const struct document *d)
{
	buf_lit(b, ",\"created_at\":\"");
	time_put(b, d->created_at, 6);
	buf_lit(b, "\",\"updated_at\":\"");
	time_put(b, d->updated_at, 6);
	buf_lit(b, "\"}");
}

/* With all that it has by default, and without secrets. */
static void put_destination(struct native_query *q, const struct document *d)
{
	struct problems problems = { 0 };
	struct destination read;
	struct buf own = buf_in(&q->req->arena);
	yyjson_val *v;
	if (json_parse(&q->req->arena, d->body, &v, NULL) != JSON_OK ||
	    !destination_read(&q->req->arena, v, &problems, &read)) {
		q->body.failed = true;
		return;
	}
	destination_put(&own, &read);
	q->body.failed |= own.failed;
	buf_put(&q->body, str_head(buf_str(&own), own.n - 1));
}

static void put_document(struct native_query *q, const struct document *d)
{
	if (d->kind == DOCUMENT_DESTINATION)
		put_destination(q, d);
	else
		buf_put(&q->body, str_head(d->body, d->body.n - 1));
	put_times(&q->body, d);
}

static int newest_first(const void *a, const void *b)
{
	const struct document *const *x = a, *const *y = b;
	return (*x)->no > (*y)->no ? -1 : (*x)->no < (*y)->no;
}

/* Those from which a page is taken. NULL: out of memory. */
static const struct document **sorted(struct native_query *q, unsigned *n)
{
	unsigned all;
	const struct document *of = workspace_documents_of(q->workspace, kind_of(q), &all);
	const struct document **list = arena_array(&q->req->arena, const struct document *, all);
	*n = 0;
	for (unsigned i = 0; i < all && list; i++)
		if (q->events.before == 0 || of[i].no < q->events.before)
			list[(*n)++] = &of[i];
	if (*n) /* NOLINTNEXTLINE(bugprone-sizeof-expression): pointers are what is sorted */
		qsort(list, *n, sizeof(*list), newest_first);
	return list;
}

static void show_all(struct native_query *q)
{
	unsigned n;
	const struct document **list = sorted(q, &n);
	if (!list)
		return (void)native_refuse(q, 503, "");
	unsigned shown = 0;
	render_list_open(&q->body);
	for (; shown < n && !native_page_is_full(q, shown); shown++) {
		render_list_next(&q->body, shown);
		put_document(q, list[shown]);
	}
	render_list_close(&q->body, n > shown ? list[shown - 1]->no : 0);
}

const struct document *native_find_document(struct native_query *q)
{
	const struct document *d = workspace_document(q->workspace, kind_of(q), q->params[0]);
	if (!d)
		native_refuse(q, 404,
			      kind_of(q) == DOCUMENT_DESTINATION
				      ? "there is no destination of that name"
				      : "there is no automation of that name");
	return d;
}

static void show_one(struct native_query *q)
{
	const struct document *d = native_find_document(q);
	if (d)
		put_document(q, d);
}

/* Unless another client was quicker to delete it. */
static void show_changed(struct native_query *q)
{
	q->params[0] = q->op.document->name;
	show_one(q);
}

/* --- Making --- */

/* What is declared, into the operation. */
static bool take(struct native_query *q, yyjson_val *v, const struct workspace *w,
		 struct document *d)
{
	if (declaration_read(&q->req->arena, kind_of(q), v, w, &q->body_of.problems, d))
		return true;
	return q->body_of.problems.found ? native_refuse_body(q) : native_refuse(q, 503, "");
}

static struct document *begin(struct native_query *q, enum op_kind kind, unsigned rules)
{
	struct document *d = arena_new(&q->req->arena, struct document);
	native_op(q, kind);
	q->op.rules = rules;
	q->op.document = d;
	if (!d)
		native_refuse(q, 503, "");
	return d;
}

static bool prepare_make(struct native_query *q)
{
	yyjson_val *root = NULL;
	struct document *d = begin(q, OP_DOCUMENT, DOCUMENT_MUST_BE_NEW);
	return d && native_body(q, &root) && take(q, root, q->workspace, d);
}

static void show_made(struct native_query *q)
{
	q->status = 201;
	show_changed(q);
	native_locate(q,
		      kind_of(q) == DOCUMENT_DESTINATION ? "/_/v1/destinations/"
							 : "/_/v1/automations/",
		      q->op.document->name);
}

/* --- Changing --- */

/* To stop it must be possible whatever has become of what it is about. */
static bool only_switches_off(enum document_kind kind, yyjson_val *patch)
{
	return yyjson_obj_size(patch) == 1 &&
	       yyjson_is_true(json_get(patch, declaration_off(kind)));
}

static bool judge_same_name(struct native_query *q, const struct document *old, yyjson_val *patch)
{
	yyjson_val *name = json_get(patch, STR("name"));
	if (!name || (yyjson_is_str(name) && str_eq(json_str(name), old->name)))
		return true;
	problem_at(&q->body_of.problems, PROBLEM_NAME, STR("name"),
		   .rule = "the name cannot be changed");
	return native_refuse_body(q);
}

static bool prepare_change(struct native_query *q)
{
	const struct document *old = native_find_document(q);
	struct document *d = begin(q, OP_DOCUMENT, DOCUMENT_MUST_EXIST | DOCUMENT_AS_SEEN);
	yyjson_val *patch = NULL, *whole;
	if (!old || !d || !native_body(q, &patch) || !judge_same_name(q, old, patch))
		return false;
	struct str body = document_merge(&q->req->arena, old->body, patch);
	if (!body.p || json_parse(&q->req->arena, body, &whole, NULL) != JSON_OK)
		return native_refuse(q, 503, "");
	bool off = only_switches_off(old->kind, patch);
	q->op.rules |= off ? DOCUMENT_SWITCHED_OFF : 0;
	bool good = take(q, whole, off ? NULL : q->workspace, d);
	d->updated_at = old->updated_at;
	return good;
}

/* --- Deleting --- */

static bool prepare_delete(struct native_query *q)
{
	struct document *d = begin(q, OP_DOCUMENT_DELETE, 0);
	if (!d || !native_find_document(q))
		return false;
	d->kind = kind_of(q);
	d->name = q->params[0];
	return true;
}

static void say_gone(struct native_query *q)
{
	q->status = 204;
}

/* --- Both kinds --- */

#define RESOURCES(kind, readers, all, one, make, change, drop)                                  \
	const struct resource all = { readers, .documents = kind, .params = native_page_params, \
				      .prepare = native_page, .show = show_all };               \
	const struct resource one = { readers, .documents = kind, .show = show_one };           \
	const struct resource make = { .documents = kind,                                       \
				       .prepare = prepare_make,                                 \
				       .changed = show_made };                                  \
	const struct resource change = { .documents = kind,                                     \
					 .prepare = prepare_change,                             \
					 .changed = show_changed };                             \
	const struct resource drop = { .documents = kind,                                       \
				       .prepare = prepare_delete,                               \
				       .changed = say_gone };

RESOURCES(DOCUMENT_DESTINATION, 0, native_destinations, native_destination, native_destination_make,
	  native_destination_change, native_destination_delete)
RESOURCES(DOCUMENT_AUTOMATION, SCOPE_DEFINITIONS_READ, native_automations, native_automation,
	  native_automation_make, native_automation_change, native_automation_delete)
