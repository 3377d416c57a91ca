/*
 * POST /_/v1/automations/{name}/test: what an automation would have made of events that are past. It
 * asks the same rules as the deliveries do, and writes nothing. Newest first, one event and its
 * contact in memory at a time; bounded in events and in time, and says how far it came.
 */
#include "api/native_query.h"
#include "base/fail.h"
#include "model/automation.h"
#include "store/lookback.h"

#include <errno.h>

enum {
	EVENTS_MAX = 1000,
	EVENTS_PER_PAGE = 20,
	SECONDS_MAX = 5,                         /* a worker thread is not held for longer */
	ROWS_BYTES_MAX = 64 * 1024 * 1024,       /* a page of events, as text */
	SCRATCH_BYTES_MAX = 2 * JSON_MEMORY_MAX, /* the JSON of one event and its contact's */
};

struct dry_run {
	struct native_query *q;
	struct store_reader *reader;
	struct automation automation;
	struct arena rows, scratch;
	const struct event_row *event;
	struct lookback lookback; /* from that event */
	unsigned looked_at, met;
	int64_t ends_ms;
};

/* --- One event --- */

static int count(void *ctx, struct str definition, instant_us since, uint64_t *out)
{
	struct dry_run *t = ctx;
	uint32_t no = 0;
	*out = 0;
	int r = definition.p
			? store_find_definition(t->reader, t->q->events.workspace, definition, &no)
			: STORE_OK;
	if (r != STORE_OK)
		return r < 0 ? pass(r) : 0;
	return pass(lookback_count(&t->lookback, no, since, out));
}

static int parse(struct dry_run *t, struct str text, yyjson_val **out)
{
	bool good = json_parse(&t->scratch, text, out, NULL) == JSON_OK;
	return good ? 0 : fail(-ENOMEM, "an event's JSON");
}

static int read_facts(struct dry_run *t, struct facts *f)
{
	char id[UUID_TEXT + 1];
	struct contact_view contact;
	uuid_text(t->event->contact_id, id);
	int r = store_find_contact(t->reader, &t->scratch, t->q->events.workspace, IDENTITY_UUID,
				   str_of(id), &contact);
	if (r != STORE_OK)
		return r;
	r = parse(t, t->event->properties, &f->properties);
	r = r ?: parse(t, contact.attributes, &f->attributes);
	return pass(r ?: parse(t, contact.identities, &f->identities));
}

/* As it would have been when the event came, but for the contact, which is as it is now. */
static int ask(struct dry_run *t, struct verdict *v)
{
	struct facts f = {
		.definition = t->event->definition,
		.occurred_at = t->event->occurred_at,
		.received_at = t->event->received_at,
		.now = t->event->received_at,
		.count = count,
		.ctx = t,
	};
	int r = read_facts(t, &f);
	*v = (struct verdict){ .why = "contact" }; /* with STORE_NONE */
	if (r == STORE_OK)
		r = automation_meets(&t->automation, &f, v);
	return r < 0 ? pass(r) : 0;
}

static void put_verdict(struct dry_run *t, const struct verdict *v)
{
	struct buf *b = &t->q->body;
	char event[UUID_TEXT + 1], contact[UUID_TEXT + 1];
	uuid_text(t->event->id, event);
	uuid_text(t->event->contact_id, contact);
	buf_printf(b, "%s{\"event_id\":\"%s\",\"definition\":", t->looked_at ? "," : "", event);
	buf_json_str(b, t->event->definition);
	buf_printf(b, ",\"contact_id\":\"%s\",\"met\":%s,\"why\":", contact,
		   v->met ? "true" : "false");
	if (v->met)
		return buf_lit(b, "null,\"path\":null}");
	buf_json_str(b, str_of(v->why));
	buf_lit(b, ",\"path\":");
	if (v->path.n)
		buf_json_str(b, v->path);
	else
		buf_lit(b, "null");
	buf_char(b, '}');
}

static int look_at(struct dry_run *t, const struct event_row *e)
{
	struct verdict v;
	arena_reset(&t->scratch);
	t->event = e;
	lookback_begin(&t->lookback, t->reader, e->seq);
	int r = ask(t, &v);
	if (r < 0)
		return pass(r);
	put_verdict(t, &v);
	t->looked_at++;
	t->met += v.met;
	return 0;
}

/* --- All of them --- */

static bool goes_on(const struct dry_run *t)
{
	return t->looked_at < EVENTS_MAX && time_monotonic_ms() < t->ends_ms;
}

/* One at a time where they are too large together. */
static int read_page(struct dry_run *t, struct event_row **rows, unsigned *n)
{
	struct event_query *q = &t->q->events;
	arena_reset(&t->rows);
	int r = store_read_events(t->reader, &t->rows, q, rows, n, &q->before);
	if (r != -ENOMEM || !t->rows.full || q->limit == 1)
		return r;
	q->limit = 1;
	return read_page(t, rows, n);
}

static int look_at_page(struct dry_run *t)
{
	struct event_row *rows = NULL;
	unsigned n = 0;
	int r = read_page(t, &rows, &n);
	for (unsigned i = 0; i < n && r == STORE_OK && goes_on(t); i++)
		r = look_at(t, &rows[i]);
	return pass(r);
}

static int look_at_all(struct dry_run *t)
{
	int r;
	buf_lit(&t->q->body, "{\"data\":[");
	do
		r = look_at_page(t);
	while (r == 0 && t->q->events.before && goes_on(t));
	buf_printf(&t->q->body, "],\"met\":%u,\"looked_at\":%u}", t->met, t->looked_at);
	return pass(r);
}

static int read_dry_run(struct native_query *q, struct store_reader *r)
{
	struct dry_run *t = q->state;
	t->reader = r;
	t->ends_ms = time_monotonic_ms() + SECONDS_MAX * 1000;
	arena_init(&t->rows, ROWS_BYTES_MAX, NULL);
	arena_init(&t->scratch, SCRATCH_BYTES_MAX, NULL);
	int e = look_at_all(t);
	arena_fini(&t->rows);
	arena_fini(&t->scratch);
	return pass(e);
}

/* --- Which automation, which events --- */

/* With one definition as its trigger only that one's events are looked at, so that rare ones are
 * found among many others. */
static void narrow(struct native_query *q, const struct automation *m)
{
	if (m->n_definitions != 1)
		return;
	const struct definition *d = workspace_definition(q->workspace, m->definitions[0]);
	q->events.definition = d ? d->no : UINT32_MAX; /* no definition's number */
}

static bool read_automation(struct native_query *q, const struct document *d, struct automation *m)
{
	struct problems problems = { 0 };
	struct str body = arena_str(&q->req->arena, d->body); /* it outlives the snapshot */
	yyjson_val *v;
	if (!body.p || json_parse(&q->req->arena, body, &v, NULL) != JSON_OK ||
	    !automation_read(&q->req->arena, v, &problems, m))
		return native_refuse(q, 503, "");
	return true;
}

static bool prepare_dry_run(struct native_query *q)
{
	const struct document *d = native_find_document(q);
	struct dry_run *t = arena_new(&q->req->arena, struct dry_run);
	if (!d)
		return false;
	if (!t)
		return native_refuse(q, 503, "");
	if (!native_time(q, "since", &q->events.since) || !read_automation(q, d, &t->automation))
		return false;
	t->q = q;
	q->state = t;
	q->events.limit = EVENTS_PER_PAGE;
	narrow(q, &t->automation);
	return true;
}

static const char *const params[] = { "since", NULL };

const struct resource native_automation_test = {
	.documents = DOCUMENT_AUTOMATION,
	.params = params,
	.prepare = prepare_dry_run,
	.read = read_dry_run,
	.is_long = true,
};
