/*
 * Reading contacts: GET /v1/contacts/{id} and GET /v1/contacts. Both are answered by an index, the
 * list by the one on contacts by number, a filter by that on identities.
 */
#include "dialect/arsel_private.h"
#include "net/url.h"

enum { NO_BODY = 64 * 1024 /* bytes that are taken and not read */ };

/* --- GET /v1/contacts/{id} --- */

static void refuse_unknown(struct call *call)
{
	call->dialect->refuse(call, arsel_stop(call, ARSEL_NO_CONTACT, STR("")));
}

static enum refusal decode_get(struct call *call)
{
	struct who *who = NULL;
	struct arsel_no *s = arsel_state(call, sizeof(*s));
	struct query *q = arena_new(&call->req->arena, struct query);
	if (!s || !q)
		return REFUSE_OVERLOADED;
	enum refusal why = arsel_contact_named(call, &who);
	if (why)
		return why;
	*q = (struct query){ .kind = QUERY_CONTACT, .who = who, .n_who = 1 };
	call->query = q;
	return REFUSE_NOTHING;
}

static void answer_get(struct call *call)
{
	if (call->query->n_rows == 0)
		return refuse_unknown(call);
	arsel_contact_send(call, 200, call->query->rows);
}

const struct endpoint arsel_contact_get = {
	.scope = SCOPE_CONTACTS_READ,
	.body_max = NO_BODY,
	.decode = decode_get,
	.answer = answer_get,
};

/* --- GET /v1/contacts --- */

#define FILTERS_MAX 3

struct state {
	struct arsel_no no; /* first: see arsel_private.h */
	struct arsel_page page;
	struct who filters[FILTERS_MAX]; /* what a list is asked for; they all must hold */
	unsigned n_filters;
	struct who at; /* the cursor */
};

static const struct {
	struct str name;
	enum identity_kind kind;
} filters[FILTERS_MAX] = {
	{ STR_INIT("external_id"), IDENTITY_EXTERNAL_ID },
	{ STR_INIT("email"), IDENTITY_EMAIL },
	{ STR_INIT("phone_number"), IDENTITY_PHONE },
};

/* What would have to look at each contact, or at lists and tags that are not here, is refused
 * rather than answered with everybody. */
static const struct str not_served[] = { STR_INIT("search"), STR_INIT("list_id"),
					 STR_INIT("tag_id") };

static enum refusal read_filter(struct call *call, struct state *s, unsigned i)
{
	struct arena *a = &call->req->arena;
	struct str given = url_query(call->req->place, call->req->query, filters[i].name);
	if (!given.p)
		return REFUSE_NOTHING;
	if (str_utf8_prefix(given) < given.n || !identity_has_key(filters[i].kind, given)) {
		problem_at(&call->problems, PROBLEM_FORMAT, filters[i].name);
		return REFUSE_NOTHING;
	}
	bool good = arsel_who(a, &s->filters[s->n_filters++], filters[i].kind, WHO_LOOKUP, given);
	return good ? REFUSE_NOTHING : REFUSE_OVERLOADED;
}

static enum refusal read_filters(struct call *call, struct state *s)
{
	for (size_t i = 0; i < ARRAY_LEN(not_served); i++)
		if (url_query(call->req->place, call->req->query, not_served[i]).p)
			problem_at(&call->problems, PROBLEM_UNKNOWN_MEMBER, not_served[i]);
	enum refusal why = REFUSE_NOTHING;
	for (unsigned i = 0; i < FILTERS_MAX && !why; i++)
		why = read_filter(call, s, i);
	return why ?: call->problems.found ? REFUSE_PROBLEMS : REFUSE_NOTHING;
}

static enum refusal ask(struct call *call, struct state *s)
{
	struct arena *a = &call->req->arena;
	struct query *q = arena_new(a, struct query);
	struct str at = s->page.after.p ? s->page.after : s->page.before;
	if (!q)
		return REFUSE_OVERLOADED;
	*q = (struct query){ .kind = s->n_filters ? QUERY_CONTACT : QUERY_CONTACTS,
			     .who = s->filters,
			     .n_who = s->n_filters,
			     .limit = s->page.limit,
			     .bytes_max = PAGE_BYTES_MAX };
	call->query = q;
	if (!at.p)
		return REFUSE_NOTHING;
	/* Arsel's "after" an item is what follows in the list: what is older. */
	q->newer = s->page.before.p;
	q->at = &s->at;
	return arsel_who(a, &s->at, IDENTITY_UUID, WHO_LOOKUP, at) ? REFUSE_NOTHING
								   : REFUSE_OVERLOADED;
}

static enum refusal decode_list(struct call *call)
{
	struct state *s = arsel_state(call, sizeof(*s));
	if (!s)
		return REFUSE_OVERLOADED;
	enum refusal why = arsel_page_read(call, &s->page);
	why = why ?: read_filters(call, s);
	return why ?: ask(call, s);
}

static void answer_list(struct call *call)
{
	const struct query *q = call->query;
	struct buf body = buf_in(&call->req->arena);
	if (q->lost) {
		problem_at(&call->problems, PROBLEM_VALUE, q->newer ? STR("before") : STR("after"));
		return call->dialect->refuse(call, REFUSE_PROBLEMS);
	}
	arsel_list_open(&body, q->more);
	for (unsigned i = 0; i < q->n_rows; i++) {
		if (i > 0)
			buf_char(&body, ',');
		arsel_contact_put(&body, &q->rows[i]);
	}
	arsel_list_close(&body);
	arsel_send_json(call, 200, &body);
}

const struct endpoint arsel_contact_list = {
	.scope = SCOPE_CONTACTS_READ,
	.body_max = NO_BODY,
	.decode = decode_list,
	.answer = answer_list,
};
