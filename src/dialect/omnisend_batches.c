/* GET .../batches, .../batches/{id} and .../batches/{id}/items. */
#include "dialect/omnisend_private.h"

#include "model/contact.h"

/* A page is found by counting past what is before it. */
enum { OFFSET_MAX = 10000 };

static const struct omnisend_no no_such_batch = { 404, "not-found", "Not found",
						  "Batch not found" };

static enum refusal begin(struct call *call)
{
	enum refusal why = omnisend_batch_scope(call, SCOPE_CONTACTS_READ | SCOPE_CONTACTS_WRITE |
							      SCOPE_EVENTS_WRITE);
	return why ?: omnisend_begin_call(call);
}

static struct query *new_query(struct call *call)
{
	struct query *q = arena_new(&call->req->arena, struct query);
	if (q)
		q->kind = QUERY_BULKS;
	return q;
}

/* --- The list --- */

struct filter {
	const struct omnisend_batched *of;
	uint64_t limit, offset;
	instant_us since, until;
	bool none; /* that status no batch has */
};

static struct str param(struct call *call, struct str name)
{
	return url_query(call->req->place, call->req->query, name);
}

/* The last instant that is shown as the same time. */
static instant_us end_of_millisecond(instant_us at)
{
	return at + 999 - ((at % 1000 + 1000) % 1000);
}

/* A day stands for its midnight; `whole`: for its last instant, as a time does for its millisecond's.
 */
static instant_us read_time(struct call *call, struct str name, instant_us otherwise, bool whole)
{
	struct str text = param(call, name);
	instant_us at = otherwise;
	if (!text.p)
		return at;
	bool good = time_parse(text, TIME_DATE_ALONE | TIME_SPACE, &at);
	if (!good)
		problem_at(&call->problems, PROBLEM_FORMAT, name,
			   .rule = "day, or a date and time");
	if (!good || !whole)
		return at;
	return time_is_date(text) ? at + 24 * 3600 * US_PER_S - 1 : end_of_millisecond(at);
}

static bool read_status(struct call *call)
{
	static const struct str statuses[] = { STR_INIT("finished"), STR_INIT("pending"),
					       STR_INIT("inProgress"), STR_INIT("stopped") };
	struct str status = param(call, STR("status"));
	for (size_t i = 0; status.p && i < ARRAY_LEN(statuses); i++)
		if (str_eq(status, statuses[i]))
			return i > 0;
	if (status.p)
		problem_at(&call->problems, PROBLEM_VALUE, STR("status"),
			   .rule = "pending, inProgress, finished, stopped");
	return false;
}

/* None is older: rows that have expired, and lie there until they are purged, are not walked. */
static instant_us oldest(const struct call *call)
{
	return call->req->received_at - OMNISEND_BATCH_KEEP_S * US_PER_S;
}

static void read_filter(struct call *call, struct filter *f)
{
	static const struct str endpoint = STR_INIT("endpoint");
	struct str name = param(call, endpoint);
	*f = (struct filter){ 0 };
	if (name.p)
		f->of = omnisend_batched_find(call, name, endpoint);
	else
		problem_at(&call->problems, PROBLEM_REQUIRED, endpoint);
	f->limit = omnisend_limit(call);
	f->offset =
		omnisend_number(call, STR("offset"), 0, 0, OFFSET_MAX, "number from 0 to 10000");
	f->none = read_status(call);
	instant_us since = read_time(call, STR("dateFrom"), INT64_MIN, false);
	f->since = MAX(since, oldest(call));
	f->until = read_time(call, STR("dateTo"), INT64_MAX, true);
}

static enum refusal list_decode(struct call *call)
{
	struct filter f;
	enum refusal why = begin(call);
	if (why)
		return why;
	read_filter(call, &f);
	if (f.of && omnisend_batch_scope(call, f.of->reads))
		return REFUSE_SCOPE;
	if (call->problems.found)
		return REFUSE_PROBLEMS;
	must(f.of); /* else a problem was found */
	if (f.none)
		return REFUSE_NOTHING;
	call->query = new_query(call);
	if (!call->query)
		return REFUSE_OVERLOADED;
	call->query->bulk = (struct bulk_query){ .space = f.of->space,
						 .since = f.since,
						 .until = f.until,
						 .offset = (unsigned)f.offset,
						 .limit = (unsigned)f.limit };
	return REFUSE_NOTHING;
}

static void put_rows(struct buf *b, struct call *call)
{
	const struct query *q = call->query;
	buf_lit(b, "{\"batches\":[");
	for (unsigned i = 0; q && i < q->n_rows; i++) {
		if (i > 0)
			buf_char(b, ',');
		omnisend_put_batch(b, call, &q->bulks[i]);
	}
	buf_char(b, ']');
}

static void put_link(struct buf *b, struct call *call, bool there, uint64_t offset)
{
	static const struct str name = STR_INIT("offset");
	char text[24];
	struct buf number = buf_over(text, sizeof(text));
	if (!there)
		return buf_lit(b, "null");
	buf_u64(&number, offset);
	omnisend_put_link(b, call, &name, 1, name, buf_str(&number));
}

static void put_paging(struct buf *b, struct call *call, const struct filter *f)
{
	bool more = call->query && call->query->more;
	buf_printf(b, ",\"paging\":{\"limit\":%u,\"offset\":%u,\"next\":", (unsigned)f->limit,
		   (unsigned)f->offset);
	put_link(b, call, more && f->offset + f->limit <= OFFSET_MAX, f->offset + f->limit);
	buf_lit(b, ",\"previous\":");
	put_link(b, call, f->offset > 0, f->offset - MIN(f->offset, f->limit));
	buf_lit(b, "}}");
}

static void list_answer(struct call *call)
{
	struct buf body = buf_in(&call->req->arena);
	struct filter f;
	read_filter(call, &f);
	put_rows(&body, call);
	put_paging(&body, call, &f);
	omnisend_begin(call, 200);
	call_send_json(call, &body);
}

/* --- One --- */

static enum refusal ask(struct call *call, bool with_items)
{
	uint64_t number;
	int64_t created_s;
	enum refusal why = begin(call);
	if (why || !contact_hex_parse(call->params[0], &number, &created_s) || number == 0)
		return why;
	call->query = new_query(call);
	if (!call->query)
		return REFUSE_OVERLOADED;
	call->query->bulk = (struct bulk_query){ .number = number, .with_items = with_items };
	return REFUSE_NOTHING;
}

static enum refusal by_id_decode(struct call *call)
{
	return ask(call, false);
}

static enum refusal items_decode(struct call *call)
{
	return ask(call, true);
}

/* The id says when it was made, too. */
static bool is_asked_for(const struct call *call, const struct bulk_view *batch)
{
	char hex[CONTACT_HEX + 1];
	contact_hex(batch->number, batch->created_at, hex);
	return str_eq(call->params[0], str_of(hex));
}

static void one_answer(struct call *call)
{
	const struct query *q = call->query;
	struct buf body = buf_in(&call->req->arena);
	if (!q || q->n_rows == 0 || !is_asked_for(call, q->bulks))
		return omnisend_say_no(call, &no_such_batch);
	if (omnisend_batch_scope(call, omnisend_batched_in(q->bulks->space)->reads))
		return omnisend_refuse(call, REFUSE_SCOPE);
	omnisend_put_batch(&body, call, q->bulks);
	omnisend_begin(call, 200);
	call_send_json(call, &body);
}

#define GET(decode_, answer_)                            \
	{                                                \
		.decode = (decode_), .answer = (answer_) \
	}

const struct endpoint omnisend_batches = GET(list_decode, list_answer);
const struct endpoint omnisend_batch_by_id = GET(by_id_decode, one_answer);
const struct endpoint omnisend_batch_items = GET(items_decode, one_answer);
