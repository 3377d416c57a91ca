#include "deliver/payload.h"

#include "base/fail.h"
#include "model/body.h"
#include "store/render.h"

#include <errno.h>

struct str payload_id(struct arena *a, const struct delivery *d, const struct event_row *e)
{
	char event[UUID_TEXT + 1];
	uuid_text(e->id, event);
	return arena_printf(a, "msg_%s_%u_%u", event, d->automation, d->action);
}

static bool is_about(const struct delivery *d, const struct feed_row *row)
{
	return row->event.seq == d->seq && row->workspace == d->workspace &&
	       row->contact == d->contact && row->event.received_at <= d->created_at;
}

int payload_read_event(struct store_reader *r, struct arena *a, const struct delivery *d,
		       const struct event_row **event)
{
	struct feed_row *row;
	unsigned n;
	int e = store_read_feed(r, a, d->seq - 1, 1, &row, &n, NULL);
	*event = e == 0 && n > 0 && is_about(d, row) ? &row->event : NULL;
	return pass(e);
}

/* So that what is made of it grows in place. */
static bool reserve(struct arena *a, const struct payload *p)
{
	const struct event_row *e = p->event;
	const struct contact_view *c = p->contact;
	return arena_reserve(a, e->properties.n + e->mismatches.n + c->attributes.n +
					c->identities.n + 4096);
}

static int make_default(struct arena *a, const struct payload *p, struct str *json)
{
	struct buf b = buf_in(a);
	if (!reserve(a, p))
		return fail(-ENOMEM, "what a delivery says");
	buf_lit(&b, "{\"type\":");
	buf_json_str(&b, p->event->definition);
	buf_lit(&b, ",\"timestamp\":\"");
	time_put(&b, p->event->occurred_at, 6);
	buf_lit(&b, "\",\"data\":{\"delivery_id\":");
	buf_json_str(&b, p->id);
	buf_lit(&b, ",\"automation\":");
	buf_json_str(&b, p->automation->name);
	buf_lit(&b, ",\"event\":");
	render_event(&b, p->event);
	buf_lit(&b, ",\"contact\":");
	render_contact(&b, p->contact);
	buf_lit(&b, "}}");
	*json = buf_str(&b);
	return b.failed ? fail(-ENOMEM, "what a delivery says") : 0;
}

static int make_by(struct arena *a, struct str template, const struct payload *p, struct str *json,
		   const char **why)
{
	struct buf event = buf_in(a), contact = buf_in(a);
	render_event(&event, p->event);
	render_contact(&contact, p->contact);
	const struct body of = { p->id, p->automation->name, buf_str(&event), buf_str(&contact) };
	if (event.failed || contact.failed)
		return fail(-ENOMEM, "what a delivery says");
	int r = body_make(a, template, &of, json, why);
	return r == BODY_WRONG ? PAYLOAD_WRONG : pass(r);
}

/* The automation may have other actions by now. */
static struct str template_of(const struct payload *p)
{
	const struct automation *m = p->automation;
	const struct action *action = p->action < m->n_actions ? &m->actions[p->action] : NULL;
	bool same =
		action && action->kind == ACTION_SEND && str_eq(action->destination, p->to->name);
	return same && action->body.p ? action->body : p->to->body;
}

int payload_make(struct arena *a, const struct payload *p, struct str *json, const char **why)
{
	struct str template = template_of(p);
	return template.p ? make_by(a, template, p, json, why) : pass(make_default(a, p, json));
}
