/*
 * Deliveries under /_/v1: what automations have set off and what came of it. Read from the ledger,
 * with the names and outward ids that the store knows.
 */
#include "api/native_query.h"
#include "deliver/ledger_read.h"
#include "deliver/payload.h"
#include "deliver/view.h"
#include "model/action.h"
#include "store/render.h"

/* What the parameters say of deliveries, from prepare to read. */
struct asked {
	struct delivery_query of;
	bool nothing; /* a name that there is not has no deliveries */
};

/* --- One delivery as JSON --- */

/* Members behind others; null where there is nothing. */
static void put_text(struct buf *b, const char *name, struct str text)
{
	buf_char(b, ',');
	if (text.p)
		render_text(b, name, text);
	else
		buf_printf(b, "\"%s\":null", name);
}

static void put_uuid(struct buf *b, const char *name, struct uuid id)
{
	buf_char(b, ',');
	render_uuid(b, name, id);
}

/* The name of what was declared; null when it is gone. */
static int put_name(struct native_query *q, struct store_reader *r, const char *member, uint32_t no)
{
	struct str name = { 0 };
	int e = store_read_document_name(r, &q->req->arena, no, &name);
	if (e >= 0)
		put_text(&q->body, member, name);
	return e < 0 ? e : STORE_OK;
}

static int put_event_ids(struct native_query *q, struct store_reader *r, const struct delivery *d)
{
	const struct event_row *event;
	int e = payload_read_event(r, &q->req->arena, d, &event);
	if (e != STORE_OK)
		return e;
	if (!event) {
		buf_lit(&q->body, ",\"id\":null,\"event_id\":null,\"contact_id\":null");
		return STORE_OK;
	}
	struct str id = payload_id(&q->req->arena, d, event);
	q->body.failed |= !id.p;
	put_text(&q->body, "id", id);
	put_uuid(&q->body, "event_id", event->id);
	put_uuid(&q->body, "contact_id", event->contact_id);
	return STORE_OK;
}

/* Everything but the closing brace. */
static int put_delivery(struct native_query *q, struct store_reader *r, const struct delivery *d)
{
	struct buf *b = &q->body;
	buf_printf(b, "{\"number\":%llu", (unsigned long long)d->no);
	int e = put_name(q, r, "automation", d->automation);
	e = e ?: put_name(q, r, "destination", d->destination);
	buf_printf(b, ",\"action\":\"%s\"", action_kind_name(d->kind) ?: "unknown");
	e = e ?: put_event_ids(q, r, d);
	buf_printf(b, ",\"state\":\"%s\",\"attempts\":%u", delivery_state_names[d->state],
		   d->attempts);
	render_more_time(b, "created_at", d->created_at);
	bool due = d->state == DELIVERY_PENDING && d->due_at != DELIVERY_WAITS;
	render_more_time(b, "due_at", due ? d->due_at : 0);
	render_more_time(b, "ended_at", d->ended_at);
	if (d->status)
		buf_printf(b, ",\"status\":%d", d->status);
	else
		buf_lit(b, ",\"status\":null");
	put_text(b, "answer", d->answer);
	put_text(b, "note", d->note.n ? d->note : (struct str){ 0 });
	return e;
}

/* --- The list --- */

static bool prepare_name(struct native_query *q, const char *param, enum document_kind kind,
			 uint32_t *no, struct asked *asked)
{
	struct str name = native_param(q, param);
	const struct document *d = name.p ? workspace_document(q->workspace, kind, name) : NULL;
	asked->nothing |= name.p && !d;
	*no = d ? d->no : 0;
	return true;
}

static bool prepare_state(struct native_query *q, struct asked *asked)
{
	struct str name = native_param(q, "state");
	asked->of.of.state = -1;
	if (!name.p)
		return true;
	for (int i = 0; i < DELIVERY_STATES; i++)
		if (str_eq(name, str_of(delivery_state_names[i])))
			asked->of.of.state = i;
	return asked->of.of.state >= 0 ||
	       native_refuse(q, 400, "state must be one of: pending, done, dead");
}

static bool prepare_contact(struct native_query *q)
{
	struct str id = native_param(q, "contact");
	q->params[0] = id;
	return !id.p || resource_contact_id(q);
}

static bool prepare_list(struct native_query *q)
{
	struct asked *asked = arena_new(&q->req->arena, struct asked);
	if (!asked)
		return native_refuse(q, 503, "no memory for the answer; come back later");
	q->state = asked;
	if (!native_page(q) || !prepare_state(q, asked) || !prepare_contact(q))
		return false;
	asked->of.of.workspace = q->events.workspace;
	asked->of.of.until = INT64_MAX;
	asked->of.before = q->events.before;
	asked->of.limit = q->events.limit;
	return prepare_name(q, "automation", DOCUMENT_AUTOMATION, &asked->of.of.automation,
			    asked) &&
	       prepare_name(q, "destination", DOCUMENT_DESTINATION, &asked->of.of.destination,
			    asked);
}

static int find_contact(struct native_query *q, struct store_reader *r, struct asked *asked)
{
	struct contact_view row;
	if (!q->value.p)
		return STORE_OK;
	int e = store_find_contact(r, &q->req->arena, q->events.workspace, q->kind, q->value, &row);
	asked->nothing |= e == STORE_NONE;
	asked->of.of.contact = e == STORE_OK ? row.number : 0;
	return e < 0 ? e : STORE_OK;
}

static int read_list(struct native_query *q, struct store_reader *r)
{
	struct asked *asked = q->state;
	struct delivery *rows;
	unsigned n = 0;
	uint64_t next_before = 0;
	int e = find_contact(q, r, asked);
	if (e == STORE_OK && !asked->nothing)
		e = ledger_read_deliveries(store_reader_dir(r), &q->req->arena, &asked->of, &rows,
					   &n, &next_before);
	render_list_open(&q->body);
	for (unsigned i = 0; i < n && e == STORE_OK; i++) {
		render_list_next(&q->body, i);
		e = put_delivery(q, r, &rows[i]);
		buf_char(&q->body, '}');
	}
	render_list_close(&q->body, next_before);
	return e;
}

static const char *const list_params[] = { "limit",   "before", "automation", "destination",
					   "contact", "state",  NULL };

const struct resource native_deliveries = {
	.params = list_params,
	.prepare = prepare_list,
	.read = read_list,
};

/* --- One, with its attempts --- */

static bool prepare_one(struct native_query *q)
{
	return native_row_number(q, "there is no such delivery", &q->events.before);
}

static void put_attempt(struct buf *b, const struct attempt_row *a)
{
	buf_printf(b, "{\"n\":%u", a->n);
	render_more_time(b, "at", a->at);
	buf_printf(b, ",\"duration_ms\":%lld,\"status\":", (long long)a->duration_ms);
	if (a->status)
		buf_printf(b, "%d", a->status);
	else
		buf_lit(b, "null");
	put_text(b, "answer", a->answer);
	buf_char(b, '}');
}

static int read_one(struct native_query *q, struct store_reader *r)
{
	struct delivery d;
	struct attempt_row *attempts;
	unsigned n;
	int e = ledger_read_delivery(store_reader_dir(r), &q->req->arena, q->events.workspace,
				     q->events.before, &d, &attempts, &n);
	if (e == LEDGER_NONE) {
		native_refuse(q, 404, "there is no such delivery");
		return STORE_OK;
	}
	e = e < 0 ? e : put_delivery(q, r, &d);
	buf_lit(&q->body, ",\"tries\":[");
	for (unsigned i = 0; i < n && e == STORE_OK; i++) {
		if (i > 0)
			buf_char(&q->body, ',');
		put_attempt(&q->body, &attempts[i]);
	}
	buf_lit(&q->body, "]}");
	return e;
}

const struct resource native_delivery = { .prepare = prepare_one, .read = read_one };
