/*
 * POST /api/event-metadata/query: the schemes of the workspace, oldest first, out of the catalog.
 */
#include "dialect/omnisend_private.h"

#include <stdlib.h>

enum { CATEGORY, EVENTS, ORIGINS, INCLUDE, EXCLUDE, N_MEMBERS };
enum { EVENTS_MAX = WORKSPACE_DEFINITIONS_MAX, ORIGINS_MAX = 100 };

static bool form_category(struct str s)
{
	return str_eq(s, STR("automations")) || str_eq(s, STR("events")) ||
	       str_eq(s, STR("segments"));
}

static const struct shape_member members[N_MEMBERS] = {
	[CATEGORY] = { STR_INIT("category"), SHAPE_STRING, SHAPE_REQUIRED, 0, form_category,
		       "category: automations, events or segments" },
	[EVENTS] = { STR_INIT("events"), SHAPE_ARRAY },
	[ORIGINS] = { STR_INIT("origins"), SHAPE_ARRAY },
	[INCLUDE] = { STR_INIT("includeProperties"), SHAPE_BOOLEAN },
	[EXCLUDE] = { STR_INIT("excludeCustomEvents"), SHAPE_BOOLEAN },
};

/* Those that the vendor recommends; all others are custom (omnisend.md 2.2). */
static bool is_custom(struct str name)
{
	static const struct str known[] = {
		STR_INIT("added product to cart"), STR_INIT("started checkout"),
		STR_INIT("placed order"),          STR_INIT("paid for order"),
		STR_INIT("ordered product"),       STR_INIT("order refunded"),
		STR_INIT("order fulfilled"),       STR_INIT("order canceled"),
		STR_INIT("viewed product"),        STR_INIT("$pageViewed"),
	};
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (str_eq(known[i], name))
			return false;
	return true;
}

struct query_state {
	yyjson_val *v[N_MEMBERS];
};

/* --- Choosing --- */

static int by_no(const void *a, const void *b)
{
	const struct definition *x = *(struct definition *const *)a;
	const struct definition *y = *(struct definition *const *)b;
	return (x->no > y->no) - (x->no < y->no);
}

/* Into list, which has room for all; how many. An empty list of names chooses as none does. */
static size_t gather(const struct workspace *w, yyjson_val *names, const struct definition **list)
{
	size_t n = 0, i, max;
	yyjson_val *v;
	if (yyjson_arr_size(names) == 0) {
		for (unsigned k = 0; k < w->room; k++)
			if (w->definitions[k])
				list[n++] = w->definitions[k];
		return n;
	}
	yyjson_arr_foreach (names, i, max, v) {
		const struct definition *d = workspace_definition(w, json_str(v));
		if (d)
			list[n++] = d;
	}
	return n;
}

/* One of its origins is asked for, or none in particular. */
static bool is_from(yyjson_val *asked, yyjson_val *kept)
{
	size_t i, max;
	yyjson_val *v, *origins = omnisend_origins(kept);
	if (yyjson_arr_size(asked) == 0)
		return true;
	if (!origins)
		return omnisend_lists(asked, STR("api"));
	yyjson_arr_foreach (origins, i, max, v)
		if (omnisend_lists(asked, json_str(v)))
			return true;
	return false;
}

/* --- Answering --- */

static void put_list(struct buf *b, const struct query_state *q, const struct definition **list,
		     size_t n)
{
	bool any = false;
	buf_lit(b, "{\"events\":[");
	for (size_t i = 0; i < n; i++) {
		const struct definition *d = list[i];
		if (i > 0 && list[i - 1] == d) /* named twice */
			continue;
		yyjson_val *kept = omnisend_kept(b, d);
		if (!is_from(q->v[ORIGINS], kept) ||
		    (yyjson_is_true(q->v[EXCLUDE]) && is_custom(d->name)))
			continue;
		if (any)
			buf_char(b, ',');
		any = true;
		omnisend_metadata_put(b, d, kept, false, yyjson_is_true(q->v[INCLUDE]));
	}
	buf_lit(b, "]}");
}

static enum refusal schemes_decode(struct call *call)
{
	yyjson_val *root;
	enum refusal why = omnisend_body(call, &root);
	if (why)
		return why;
	struct query_state *q = arena_new(&call->req->arena, struct query_state);
	if (!q)
		return REFUSE_OVERLOADED;
	shape_read(call, root, STR(""), members, N_MEMBERS, false, q->v);
	omnisend_strings(call, q->v[EVENTS], members[EVENTS].name, EVENTS_MAX);
	omnisend_strings(call, q->v[ORIGINS], members[ORIGINS].name, ORIGINS_MAX);
	if (call->problems.found)
		return REFUSE_PROBLEMS;
	call->state = q;
	return REFUSE_NOTHING;
}

static void schemes_answer(struct call *call)
{
	const struct workspace *w = call->workspace;
	const struct query_state *q = call->state;
	struct buf b = buf_in(&call->req->arena);
	size_t room = MAX(w->n_definitions, yyjson_arr_size(q->v[EVENTS]));
	const struct definition **list =
		arena_array(&call->req->arena, const struct definition *, room + 1);
	if (!list)
		return omnisend_refuse(call, REFUSE_OVERLOADED);
	size_t n = gather(w, q->v[EVENTS], list);
	/* NOLINTNEXTLINE(bugprone-sizeof-expression): pointers are what is sorted */
	qsort(list, n, sizeof(*list), by_no);
	put_list(&b, q, list, n);
	omnisend_begin(call, 200);
	call_send_json(call, &b);
}

const struct endpoint omnisend_schemes = {
	.scope = 0,
	.body_max = OMNISEND_BODY_MAX,
	.decode = schemes_decode,
	.answer = schemes_answer,
};
