#include "deliver/payload.h"

#include "store/render.h"

struct str payload_id(struct arena *a, const struct delivery *d, const struct event_row *e)
{
	char event[UUID_TEXT + 1];
	uuid_text(e->id, event);
	return arena_printf(a, "msg_%s_%u_%u", event, d->automation, d->action);
}

void payload_put(struct buf *b, struct str id, const struct automation *m,
		 const struct event_row *e, const struct contact_view *c)
{
	buf_lit(b, "{\"type\":");
	buf_json_str(b, e->definition);
	buf_lit(b, ",\"timestamp\":\"");
	time_put(b, e->occurred_at, 6);
	buf_lit(b, "\",\"data\":{\"delivery_id\":");
	buf_json_str(b, id);
	buf_lit(b, ",\"automation\":");
	buf_json_str(b, m->name);
	buf_lit(b, ",\"event\":");
	render_event(b, e);
	buf_lit(b, ",\"contact\":");
	render_contact(b, c);
	buf_lit(b, "}}");
}
