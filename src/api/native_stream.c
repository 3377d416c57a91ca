/* GET /_/v1/events/stream: which events, and from where on. */
#include "api/native_query.h"
#include "api/streams.h"

static const char *const params[] = { "definition", "contact", "after", NULL };

/* What the client has seen last: a header when it comes again by itself, else a parameter. */
static bool read_start(struct native_query *q, uint64_t *after)
{
	struct str last = request_header(q->req, STR("Last-Event-ID"));
	if (!native_number(q, "after", 0, INT64_MAX, after))
		return false;
	if (last.n == 0 || (str_to_u64(last, after) && *after <= INT64_MAX))
		return true;
	return native_refuse(q, 400, "Last-Event-ID must be the id of an event of a stream");
}

/* A position that is not there yet is of another store: silence would not tell. */
static bool judge_start(struct native_query *q, uint64_t *after)
{
	uint64_t end = streams_end(native_streams(q));
	if (*after == UINT64_MAX)
		*after = end;
	return *after <= end ||
	       native_refuse(q, 400,
			     "there is no such event yet: this is not the store it came from");
}

static bool prepare(struct native_query *q)
{
	struct feed_query *feed = arena_new(&q->req->arena, struct feed_query);
	if (!feed)
		return native_refuse(q, 503, "");
	q->state = feed;
	feed->workspace = q->events.workspace;
	feed->definition = native_param(q, "definition");
	feed->after = UINT64_MAX;
	if (feed->definition.p && feed->definition.n == 0)
		return native_refuse(q, 400, "definition must be the name of one");
	q->params[0] = native_param(q, "contact");
	return read_start(q, &feed->after) && judge_start(q, &feed->after) &&
	       (!q->params[0].p || resource_contact_id(q));
}

static int read_contact(struct native_query *q, struct store_reader *r)
{
	struct feed_query *feed = q->state;
	struct contact_view row;
	if (!q->value.p)
		return STORE_OK;
	int e = store_find_contact(r, &q->req->arena, q->events.workspace, q->kind, q->value, &row);
	if (e == STORE_OK)
		feed->contact = row.number;
	return e;
}

static void follow(struct native_query *q)
{
	streams_begin(native_streams(q), q, q->state);
}

const struct resource native_stream = {
	.params = params,
	.prepare = prepare,
	.read = read_contact,
	.follow = follow,
};
