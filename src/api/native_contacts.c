/* What ends a contact's stay, and what hands out all that is known of it. */
#include "api/native_query.h"
#include "base/fail.h"
#include "store/render.h"

#include <errno.h>

/* --- DELETE /_/v1/contacts/{id} --- */

static bool prepare_delete(struct native_query *q)
{
	struct who *who = arena_new(&q->req->arena, struct who);
	if (!resource_contact_id(q))
		return false;
	struct str key = identity_key(&q->req->arena, q->kind, q->value);
	if (!who || !key.p)
		return native_refuse(q, 503, "");
	*who = (struct who){ .kind = q->kind, .use = WHO_LOOKUP, .value = q->value, .key = key };
	native_op(q, OP_CONTACT_DELETE);
	q->op.who = who;
	q->op.n_who = 1;
	return true;
}

static void say_gone(struct native_query *q)
{
	q->status = 204;
}

const struct resource native_contact_delete = {
	SCOPE_CONTACTS_WRITE,
	.prepare = prepare_delete,
	.changed = say_gone,
};

/* --- GET /_/v1/contacts/{id}/export --- */

enum { PAGE_EVENTS = 1000 };

/* Events lead to those before them only, so all are held before the oldest can be written: what
 * fits into the memory of one request is the ceiling. Rows are newest first. */
struct page {
	struct event_row *rows;
	unsigned n;
	struct page *newer;
};

static int read_page(struct native_query *q, struct store_reader *r, struct page **oldest)
{
	struct page *p = arena_new(&q->req->arena, struct page);
	if (!p)
		return fail(-ENOMEM, "a page of an export");
	p->newer = *oldest;
	*oldest = p;
	return store_read_events(r, &q->req->arena, &q->events, &p->rows, &p->n, &q->events.before);
}

static int read_life(struct native_query *q, struct store_reader *r, struct page **oldest)
{
	int e;
	q->events.limit = PAGE_EVENTS;
	do
		e = read_page(q, r, oldest);
	while (e == STORE_OK && q->events.before);
	return pass(e);
}

static void put_export(struct buf *b, const struct contact_view *contact, const struct page *oldest,
		       const struct buf *requests)
{
	unsigned n = 0;
	buf_lit(b, "{\"contact\":");
	render_contact(b, contact);
	buf_lit(b, ",\"events\":[");
	for (const struct page *p = oldest; p; p = p->newer)
		for (unsigned i = p->n; i-- > 0;) {
			render_list_next(b, n++);
			render_event(b, &p->rows[i]);
		}
	buf_lit(b, "],\"bulk_requests\":");
	buf_put(b, buf_str(requests));
	buf_char(b, '}');
	b->failed |= requests->failed;
}

static int read_export(struct native_query *q, struct store_reader *r)
{
	struct contact_view contact;
	struct page *oldest = NULL;
	struct buf requests = buf_in(&q->req->arena);
	int e = store_find_contact(r, &q->req->arena, q->events.workspace, q->kind, q->value,
				   &contact);
	if (e != STORE_OK)
		return e;
	q->events.contact = contact.number;
	e = read_life(q, r, &oldest);
	e = e ?: store_read_bulk_requests(r, q->events.workspace, contact.number, &requests);
	if (e < 0 && e != -ENOMEM)
		return pass(e);
	if (e == STORE_OK)
		put_export(&q->body, &contact, oldest, &requests);
	bool short_of_memory = e == -ENOMEM || q->body.failed;
	if (short_of_memory && !q->req->arena.full) /* there may be more of it later */
		return fail(-ENOMEM, "an export");
	if (short_of_memory)
		native_refuse(q, 422,
			      "all of this contact is more than one answer holds: read its events "
			      "page by page, /_/v1/contacts/{id}/events");
	return STORE_OK;
}

const struct resource native_contact_export = {
	SCOPE_CONTACTS_READ,
	.prepare = resource_contact_id,
	.read = read_export,
	.is_long = true,
};
