/*
 * GET /v1/events: the definitions, newest first, out of the catalog. One pass over them keeps the
 * few that the page shows.
 */
#include "dialect/arsel_private.h"
#include "net/url.h"

struct listing {
	struct arsel_no no; /* first: see arsel_private.h */
	struct arsel_page page;
	struct str search; /* .p NULL: none */

	/* The best so far, best first, one more than asked for: nearest to the cursor, which is the
	 * newest end without one. */
	const struct definition **found;
	unsigned n;
	uint32_t cursor; /* number of the definition there; 0: none */
};

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/* ASCII letters of either case count as equal. */
static bool contains(struct str s, struct str part)
{
	for (size_t at = 0; at + part.n <= s.n; at++) {
		size_t i = 0;
		while (i < part.n && lower(s.p[at + i]) == lower(part.p[i]))
			i++;
		if (i == part.n)
			return true;
	}
	return false;
}

static bool belongs(const struct listing *l, const struct definition *d)
{
	if (l->cursor && (l->page.before.p ? d->no <= l->cursor : d->no >= l->cursor))
		return false;
	return !l->search.p || contains(d->name, l->search);
}

/* Definitions are numbered as they are made. */
static bool is_nearer(const struct listing *l, const struct definition *a,
		      const struct definition *b)
{
	return l->page.before.p ? a->no < b->no : a->no > b->no;
}

static void consider(struct listing *l, const struct definition *d)
{
	unsigned room = l->page.limit + 1, at = l->n;
	if (!belongs(l, d))
		return;
	while (at > 0 && is_nearer(l, d, l->found[at - 1]))
		at--;
	if (at == room)
		return;
	l->n = MIN(l->n + 1, room);
	memmove(&l->found[at + 1], &l->found[at], (l->n - at - 1) * sizeof(l->found[0]));
	l->found[at] = d;
}

static void put_found(struct buf *b, const struct listing *l)
{
	unsigned n = MIN(l->n, l->page.limit);
	arsel_list_open(b, l->n > l->page.limit);
	for (unsigned i = 0; i < n; i++) {
		if (i > 0)
			buf_char(b, ',');
		arsel_definition_put(b, l->found[l->page.before.p ? n - 1 - i : i]);
	}
	arsel_list_close(b);
}

static enum refusal decode_list(struct call *call)
{
	struct listing *l = arsel_state(call, sizeof(*l));
	if (!l)
		return REFUSE_OVERLOADED;
	enum refusal why = arsel_page_read(call, &l->page);
	if (why)
		return why;
	l->search = url_query(&call->req->arena, call->req->query, STR("search"));
	l->found = arena_array(&call->req->arena, const struct definition *, l->page.limit + 1);
	return l->found ? REFUSE_NOTHING : REFUSE_OVERLOADED;
}

static bool find_cursor(struct call *call, struct listing *l)
{
	struct arsel_page *page = &l->page;
	if (!page->after.p && !page->before.p)
		return true;
	const struct definition *d = arsel_definition_find(call->workspace, page->cursor);
	l->cursor = d ? d->no : 0;
	if (!d)
		problem_at(&call->problems, PROBLEM_VALUE,
			   page->after.p ? STR("after") : STR("before"));
	return d;
}

static void answer_list(struct call *call)
{
	struct listing *l = call->state;
	const struct workspace *w = call->workspace;
	if (!find_cursor(call, l))
		return call->dialect->refuse(call, REFUSE_PROBLEMS);
	for (unsigned i = 0; i < w->room; i++)
		if (w->definitions[i])
			consider(l, w->definitions[i]);
	struct buf body = buf_in(&call->req->arena);
	put_found(&body, l);
	arsel_send_json(call, 200, &body);
}

const struct endpoint arsel_definitions = {
	.scope = SCOPE_DEFINITIONS_READ,
	.body_max = 64 * 1024,
	.decode = decode_list,
	.answer = answer_list,
};
