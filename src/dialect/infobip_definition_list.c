/*
 * GET /peopleevents/2/definitions: those that a text and a category choose, in an order, a page of
 * them. All from the catalog.
 */
#include "dialect/infobip_private.h"
#include "net/url.h"

#include <stdlib.h>

struct listing {
	uint64_t offset, limit;
	bool by_title, by_name, descending, none; /* none: a category that nothing is in */
	struct str search;
};

enum { LIST_MAX = 2147483647 };

static struct str param(struct call *call, const char *name)
{
	return url_query(call->req->place, call->req->query, str_of(name));
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
		struct str v = url_query(call->req->place, str_head(rest, end), name);
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
	       contains(infobip_definition_title(d), l->search) ||
	       contains(d->description, l->search);
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
	int c = str_cmp(infobip_definition_title(*(struct definition *const *)a),
			infobip_definition_title(*(struct definition *const *)b));
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
		infobip_definition_put(b, list[l->descending ? n - 1 - i : i]);
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
	/* NOLINTNEXTLINE(bugprone-sizeof-expression): pointers are what is sorted */
	qsort(list, n, sizeof(*list), l.by_title ? by_title : l.by_name ? by_name : by_no);
	l.descending &= l.by_title || l.by_name;
	bool none = n <= l.offset || l.limit == 0;
	if (none && !switch_on(w, SWITCH_EMPTY_DEFINITION_LIST))
		return REFUSE_NOTHING; /* 404 (decision 40) */
	struct buf b = buf_in(&call->req->arena);
	put_page(&b, &l, list, n);
	return infobip_keep(call, &b);
}

const struct endpoint infobip_definition_list = {
	.scope = SCOPE_DEFINITIONS_READ,
	.body_max = INFOBIP_BODY_MAX,
	.decode = list_decode,
	.answer = infobip_read_answer,
};
