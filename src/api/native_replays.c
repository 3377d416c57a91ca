/* Replays that were asked for, as they stand, from the ledger. */
#include "api/native_query.h"
#include "deliver/ledger_read.h"
#include "store/render.h"

const char native_unknown_replay[] = "there is no such replay";

static const char *state_of(const struct replay *p)
{
	if (!p->ended_at)
		return "running";
	return p->stopped ? "stopped" : "done";
}

/* A member of the filter; null when what it names is gone. */
static int put_name(struct native_query *q, struct store_reader *r, const char *member, uint32_t no)
{
	struct str name = { 0 };
	int e = no ? store_read_document_name(r, &q->req->arena, no, &name) : STORE_OK;
	if (e < 0 || !no)
		return e < 0 ? e : STORE_OK;
	buf_char(&q->body, ',');
	if (name.p)
		render_text(&q->body, member, name);
	else
		buf_printf(&q->body, "\"%s\":null", member);
	return STORE_OK;
}

static int put_contact(struct native_query *q, struct store_reader *r, uint64_t number)
{
	struct contact_view row;
	int e = number ? store_read_contact(r, &q->req->arena, number, &row) : STORE_NONE;
	if (e != STORE_OK)
		return e < 0 ? e : STORE_OK;
	buf_char(&q->body, ',');
	render_uuid(&q->body, "contact", row.id);
	return STORE_OK;
}

static int put_filter(struct native_query *q, struct store_reader *r,
		      const struct delivery_filter *of)
{
	struct buf *b = &q->body;
	buf_printf(b, ",\"filter\":{\"state\":\"%s\"",
		   of->state == DELIVERY_DONE ? "done" : "dead");
	int e = put_name(q, r, "automation", of->automation);
	e = e ?: put_name(q, r, "destination", of->destination);
	e = e ?: put_contact(q, r, of->contact);
	if (of->since)
		render_more_time(b, "since", of->since);
	if (of->until < INT64_MAX) { /* the beginning of all time too */
		buf_char(b, ',');
		render_time(b, "until", of->until);
	}
	buf_char(b, '}');
	return e;
}

static int put_replay(struct native_query *q, struct store_reader *r, const struct replay *p)
{
	struct buf *b = &q->body;
	buf_printf(b, "{\"number\":%llu,\"state\":\"%s\",\"replayed\":%llu,\"per_second\":%u",
		   (unsigned long long)p->no, state_of(p), (unsigned long long)p->replayed,
		   p->per_second);
	int e = put_filter(q, r, &p->of);
	render_more_time(b, "created_at", p->created_at);
	render_more_time(b, "ended_at", p->ended_at);
	buf_char(b, '}');
	return e;
}

static int read_list(struct native_query *q, struct store_reader *r)
{
	const struct replay_query of = { q->events.workspace, q->events.before, q->events.limit };
	struct replay *rows;
	uint64_t next_before;
	unsigned n;
	int e = ledger_read_replays(store_reader_dir(r), &q->req->arena, &of, &rows, &n,
				    &next_before);
	if (e < 0)
		return e;
	render_list_open(&q->body);
	for (unsigned i = 0; i < n && e == STORE_OK; i++) {
		render_list_next(&q->body, i);
		e = put_replay(q, r, &rows[i]);
	}
	render_list_close(&q->body, next_before);
	return e;
}

const struct resource native_replays = {
	.params = native_page_params,
	.prepare = native_page,
	.read = read_list,
};

static bool prepare_replay(struct native_query *q)
{
	return native_row_number(q, native_unknown_replay, &q->events.before);
}

static int read_replay(struct native_query *q, struct store_reader *r)
{
	struct replay p;
	int e = ledger_read_replay(store_reader_dir(r), q->events.workspace, q->events.before, &p);
	if (e == LEDGER_NONE)
		native_refuse(q, 404, native_unknown_replay);
	return e == LEDGER_OK ? put_replay(q, r, &p) : MIN(e, STORE_OK);
}

const struct resource native_replay = { .prepare = prepare_replay, .read = read_replay };
