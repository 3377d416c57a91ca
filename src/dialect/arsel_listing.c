/*
 * Lists of what is in memory, newest first: definitions and properties. One pass over all of them
 * keeps the few that the page shows.
 */
#include "dialect/arsel_private.h"
#include "net/url.h"

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

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

bool arsel_listing_finds(const struct arsel_listing *l, struct str name)
{
	return !l->search.p || contains(name, l->search);
}

enum refusal arsel_listing_read(struct call *call)
{
	struct arsel_listing *l = arsel_state(call, sizeof(*l));
	if (!l)
		return REFUSE_OVERLOADED;
	enum refusal why = arsel_page_read(call, &l->page);
	if (why)
		return why;
	l->search = url_query(call->req->place, call->req->query, STR("search"));
	l->found = arena_array(&call->req->arena, struct arsel_listed, l->page.limit + 1);
	return l->found ? REFUSE_NOTHING : REFUSE_OVERLOADED;
}

bool arsel_listing_begin(struct call *call, uint32_t cursor)
{
	struct arsel_listing *l = call->state;
	l->cursor = cursor;
	if (cursor || (!l->page.after.p && !l->page.before.p))
		return true;
	problem_at(&call->problems, PROBLEM_VALUE, l->page.after.p ? STR("after") : STR("before"));
	call->dialect->refuse(call, REFUSE_PROBLEMS);
	return false;
}

static bool is_beyond(const struct arsel_listing *l, uint32_t no)
{
	return l->cursor && (l->page.before.p ? no <= l->cursor : no >= l->cursor);
}

static bool is_nearer(const struct arsel_listing *l, uint32_t a, uint32_t b)
{
	return l->page.before.p ? a < b : a > b;
}

void arsel_listing_consider(struct arsel_listing *l, uint32_t no, const void *thing)
{
	unsigned room = l->page.limit + 1, at = l->n;
	if (is_beyond(l, no))
		return;
	while (at > 0 && is_nearer(l, no, l->found[at - 1].no))
		at--;
	if (at == room)
		return;
	l->n = MIN(l->n + 1, room);
	memmove(&l->found[at + 1], &l->found[at], (l->n - at - 1) * sizeof(l->found[0]));
	l->found[at] = (struct arsel_listed){ no, thing };
}

void arsel_listing_send(struct call *call, void (*put)(struct buf *b, const void *thing))
{
	const struct arsel_listing *l = call->state;
	struct buf body = buf_in(&call->req->arena);
	unsigned n = MIN(l->n, l->page.limit);
	arsel_list_open(&body, l->n > l->page.limit);
	for (unsigned i = 0; i < n; i++) {
		if (i > 0)
			buf_char(&body, ',');
		put(&body, l->found[l->page.before.p ? n - 1 - i : i].thing);
	}
	arsel_list_close(&body);
	arsel_send_json(call, 200, &body);
}
