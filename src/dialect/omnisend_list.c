/*
 * GET /v5/contacts and /api/contacts: newest or oldest first, page by page. E-mail and phone find one
 * contact at once, whom both must name; the other filters pick among the rows of a page, so that a page may be short,
 * or empty, while more follow; it is short, too, where the contacts are large.
 */
#include "dialect/omnisend_private.h"

#include "model/contact.h"

struct filter {
	struct str email, phone, status, tag, segment, from; /* .p NULL: not asked for */
	struct str after, before;
	uint64_t limit;
	instant_us updated_from;
	bool asc;
};

static struct str param(struct call *call, struct str name)
{
	return url_query(call->req->place, call->req->query, name);
}

static void read_filter(struct call *call, struct filter *f)
{
	struct str direction = param(call, STR("direction"));
	*f = (struct filter){ .email = str_trim(param(call, STR("email"))),
			      .phone = str_trim(param(call, STR("phone"))),
			      .status = param(call, STR("status")),
			      .tag = param(call, STR("tag")),
			      .segment = param(call, STR("segmentID")),
			      .from = param(call, STR("updatedAtFrom")),
			      .after = param(call, STR("after")),
			      .before = param(call, STR("before")),
			      .limit = omnisend_limit(call),
			      .asc = str_eq(direction, STR("asc")) };
	if (f->from.p && !time_parse(f->from, TIME_DATE_ALONE, &f->updated_from))
		f->updated_from = INT64_MAX;
}

/* Parameters that take one of a few words. */
static const struct choice {
	struct str name, words[3];
	const char *rule;
} choices[] = {
	{ STR_INIT("sort"), { STR_INIT("createdAt") }, "createdAt" },
	{ STR_INIT("direction"), { STR_INIT("asc"), STR_INIT("desc") }, "asc, desc" },
	{ STR_INIT("status"),
	  { STR_INIT("subscribed"), STR_INIT("unsubscribed"), STR_INIT("nonSubscribed") },
	  "subscribed, unsubscribed, nonSubscribed" },
};

static void judge_choice(struct call *call, const struct choice *c)
{
	struct str v = param(call, c->name);
	bool known = !v.p;
	for (size_t i = 0; i < ARRAY_LEN(c->words) && !known; i++)
		known = c->words[i].p && str_eq(v, c->words[i]);
	if (!known)
		problem_at(&call->problems, PROBLEM_VALUE, c->name, .rule = c->rule);
}

/* The contact's number; 0: none has that id. */
static uint64_t number_of(struct str cursor)
{
	uint64_t number = 0;
	int64_t created_s;
	bool good = contact_hex_parse(cursor, &number, &created_s) && number <= INT64_MAX;
	return good ? number : 0;
}

static void judge_cursor(struct call *call, struct str name, struct str cursor)
{
	if (cursor.p && number_of(cursor) == 0)
		problem_at(&call->problems, PROBLEM_FORMAT, name, .rule = "cursor");
}

static void judge_clashes(struct call *call, const struct filter *f)
{
	bool other = f->email.p || f->phone.p || f->status.p || f->segment.p || f->tag.p;
	if (f->tag.p && f->status.p)
		problem_at(&call->problems, PROBLEM_CLASH, STR("tag"), .rule = "status");
	if (f->from.p && other)
		problem_at(&call->problems, PROBLEM_CLASH, STR("updatedAtFrom"),
			   .rule = "another filter");
}

static void judge(struct call *call, const struct filter *f)
{
	if (f->from.p && f->updated_from == INT64_MAX)
		problem_at(&call->problems, PROBLEM_FORMAT, STR("updatedAtFrom"),
			   .rule = "day, or a date and time");
	judge_cursor(call, STR("after"), f->after);
	judge_cursor(call, STR("before"), f->before);
	for (size_t i = 0; i < ARRAY_LEN(choices); i++)
		judge_choice(call, &choices[i]);
	if (omnisend_version(call)->dated)
		judge_clashes(call, f);
}

/* Numbers grow with time: what comes after a row has a lower one, unless the oldest come first. */
static void place(struct query *q, const struct filter *f)
{
	if (f->after.p)
		*(f->asc ? &q->after : &q->before) = number_of(f->after);
	else if (f->before.p)
		*(f->asc ? &q->before : &q->after) = number_of(f->before);
}

static enum refusal ask_page(struct call *call, const struct filter *f)
{
	struct query *q = arena_new(&call->req->arena, struct query);
	if (!q)
		return REFUSE_OVERLOADED;
	*q = (struct query){ .kind = QUERY_CONTACTS,
			     .limit = (unsigned)f->limit,
			     .bytes_max = PAGE_BYTES_MAX };
	place(q, f);
	q->oldest = f->asc && !f->after.p && !f->before.p;
	call->query = q;
	return REFUSE_NOTHING;
}

/* False: what it asks for can be nobody's, and there are no segments here. */
static bool may_find(const struct filter *f)
{
	return !f->segment.p && (!f->email.p || omnisend_is_name(IDENTITY_EMAIL, f->email)) &&
	       (!f->phone.p || omnisend_is_name(IDENTITY_PHONE, f->phone));
}

static enum refusal ask_contact(struct call *call, const struct filter *f)
{
	struct arena *a = &call->req->arena;
	struct query *q = arena_new(a, struct query);
	struct who *who = arena_array(a, struct who, 2);
	bool good = q && who;
	if (!good)
		return REFUSE_OVERLOADED;
	*q = (struct query){ .kind = QUERY_CONTACT, .who = who };
	if (f->email.p)
		good &= omnisend_who(a, &who[q->n_who++], IDENTITY_EMAIL, f->email);
	if (f->phone.p)
		good &= omnisend_who(a, &who[q->n_who++], IDENTITY_PHONE, f->phone);
	place(q, f);
	call->query = q;
	return good ? REFUSE_NOTHING : REFUSE_OVERLOADED;
}

static enum refusal list_decode(struct call *call)
{
	struct filter f;
	enum refusal why = omnisend_begin_call(call);
	if (why)
		return why;
	read_filter(call, &f);
	judge(call, &f);
	if (call->problems.found)
		return REFUSE_PROBLEMS;
	if (!may_find(&f))
		return REFUSE_NOTHING;
	return f.email.p || f.phone.p ? ask_contact(call, &f) : ask_page(call, &f);
}

/* --- The answer --- */

static bool has_tag(yyjson_val *attributes, struct str tag)
{
	yyjson_val *tags = json_get(attributes, STR("tags")), *v;
	size_t i, max;
	if (yyjson_is_arr(tags))
		yyjson_arr_foreach (tags, i, max, v)
			if (yyjson_is_str(v) && str_eq(json_str(v), tag))
				return true;
	return false;
}

static bool fits(const struct filter *f, const struct contact_view *c, yyjson_val *attributes)
{
	if (f->tag.p && !has_tag(attributes, f->tag))
		return false;
	if (f->status.p && !str_eq(f->status, omnisend_status(attributes)))
		return false;
	return !f->from.p || c->updated_at >= f->updated_from;
}

static void put_rows(struct buf *b, struct call *call, const struct filter *f)
{
	const struct query *q = call->query;
	char between = '[';
	buf_lit(b, "{\"contacts\":");
	for (unsigned i = 0; q && i < q->n_rows; i++) {
		const struct contact_view *row = &q->rows[f->asc ? q->n_rows - 1 - i : i];
		yyjson_val *attributes = omnisend_attributes(b, row);
		if (!fits(f, row, attributes))
			continue;
		buf_char(b, between);
		omnisend_put_contact(b, call, row, attributes);
		between = ',';
	}
	buf_put(b, between == '[' ? STR("[]") : STR("]"));
}

struct ends {
	const struct contact_view *next, *previous; /* the row beyond which there are more; NULL:
						     * none */
};

/* Whoever came from somewhere can go back there. */
static struct ends ends_of(const struct query *q, bool asc)
{
	if (!q || q->kind != QUERY_CONTACTS || q->n_rows == 0)
		return (struct ends){ 0 };
	const struct contact_view *newest = &q->rows[0], *oldest = &q->rows[q->n_rows - 1];
	bool up = q->after || q->oldest;
	bool is_older = up ? q->after > 0 : q->more;
	bool is_newer = up ? q->more : q->before > 0;
	struct ends e = { is_older ? oldest : NULL, is_newer ? newest : NULL };
	return asc ? (struct ends){ e.previous, e.next } : e;
}

static void put_cursor(struct buf *b, const struct contact_view *c)
{
	char hex[CONTACT_HEX + 1];
	if (!c)
		return buf_lit(b, "null");
	contact_hex(c->number, c->created_at, hex);
	buf_printf(b, "\"%s\"", hex);
}

/* Version 5 tells whole addresses. */
static void put_link(struct buf *b, struct call *call, struct str name,
		     const struct contact_view *c)
{
	static const struct str cursors[] = { STR_INIT("after"), STR_INIT("before") };
	char hex[CONTACT_HEX + 1];
	if (!c)
		return buf_lit(b, "null");
	contact_hex(c->number, c->created_at, hex);
	omnisend_put_link(b, call, cursors, ARRAY_LEN(cursors), name, str_of(hex));
}

static void put_paging(struct buf *b, struct call *call, const struct filter *f)
{
	struct ends e = ends_of(call->query, f->asc);
	if (omnisend_version(call)->dated) {
		buf_lit(b, ",\"paging\":{\"cursors\":{\"after\":");
		put_cursor(b, e.next);
		buf_lit(b, ",\"before\":");
		put_cursor(b, e.previous);
		buf_printf(b, "},\"hasMore\":%s", e.next ? "true" : "false");
	} else {
		buf_lit(b, ",\"paging\":{\"next\":");
		put_link(b, call, STR("after"), e.next);
		buf_lit(b, ",\"previous\":");
		put_link(b, call, STR("before"), e.previous);
	}
	buf_printf(b, ",\"limit\":%u}}", (unsigned)f->limit);
}

static void list_answer(struct call *call)
{
	struct buf body = buf_in(&call->req->arena);
	struct filter f;
	read_filter(call, &f);
	put_rows(&body, call, &f);
	put_paging(&body, call, &f);
	omnisend_begin(call, 200);
	call_send_json(call, &body);
}

const struct endpoint omnisend_list = {
	.scope = SCOPE_CONTACTS_READ,
	.decode = list_decode,
	.answer = list_answer,
};
