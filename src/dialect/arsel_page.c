/*
 * Arsel's lists: limit, after and before of the query, the envelope, and the members that all of
 * its objects have.
 */
#include "dialect/arsel_private.h"
#include "net/url.h"

enum { LIMIT_DEFAULT = 20, LIMIT_MAX = 100 };

static void read_limit(struct call *call, struct arsel_page *page)
{
	uint64_t v = LIMIT_DEFAULT;
	struct str given = url_query(call->req->place, call->req->query, STR("limit"));
	bool good = !given.p || str_to_u64(given, &v);
	if (!good || v < 1 || v > LIMIT_MAX)
		problem_at(&call->problems, PROBLEM_VALUE, STR("limit"));
	page->limit = (unsigned)v;
}

enum refusal arsel_page_read(struct call *call, struct arsel_page *page)
{
	page->after = url_query(call->req->place, call->req->query, STR("after"));
	page->before = url_query(call->req->place, call->req->query, STR("before"));
	if (page->after.p && page->before.p)
		return arsel_stop(call, ARSEL_CURSORS, STR(""));
	read_limit(call, page);
	if (page->after.p && !uuid_parse(page->after, &page->cursor))
		problem_at(&call->problems, PROBLEM_FORMAT, STR("after"));
	if (page->before.p && !uuid_parse(page->before, &page->cursor))
		problem_at(&call->problems, PROBLEM_FORMAT, STR("before"));
	return call->problems.found ? REFUSE_PROBLEMS : REFUSE_NOTHING;
}

void arsel_list_open(struct buf *b, bool more)
{
	buf_printf(b, "{\"object\":\"list\",\"has_more\":%s,\"data\":[", more ? "true" : "false");
}

void arsel_list_close(struct buf *b)
{
	buf_lit(b, "]}");
}

void arsel_put_text(struct buf *b, const char *name, struct str s)
{
	buf_printf(b, ",\"%s\":", name);
	if (s.p)
		buf_json_str(b, s);
	else
		buf_lit(b, "null");
}

void arsel_put_time(struct buf *b, const char *name, instant_us t)
{
	buf_printf(b, ",\"%s\":\"", name);
	time_put(b, t, 3);
	buf_char(b, '"');
}
