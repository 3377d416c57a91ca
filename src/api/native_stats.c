/*
 * GET /_/v1/stats: what the store counts, and what the delivering thread shows of itself, as of about
 * a second ago.
 */
#include "api/native_query.h"
#include "deliver/deliver.h"
#include "store/render.h"

static void put_destination(struct buf *b, const struct destination_view *d, instant_us now)
{
	buf_char(b, '{');
	if (d->name.n == 0)
		buf_lit(b, "\"name\":null");
	else
		render_text(b, "name", d->name);
	buf_printf(b, ",\"state\":\"%s\"", lane_state_names[d->state]);
	for (int s = 0; s < DELIVERY_STATES; s++)
		buf_printf(b, ",\"%s\":%llu", delivery_state_names[s], (unsigned long long)d->n[s]);
	buf_printf(b, ",\"lag_seconds\":%.3f}", (double)destination_view_lag_us(d, now) / US_PER_S);
}

static void put_automation(struct buf *b, const struct automation_view *m, uint64_t feed_end)
{
	buf_char(b, '{');
	render_text(b, "name", m->name);
	buf_printf(b, ",\"state\":\"%s\",\"events_behind\":%llu}", automation_state_names[m->state],
		   (unsigned long long)automation_view_behind(m, feed_end));
}

static void put_deliveries(struct native_query *q, struct deliver_view *v, uint64_t feed_end)
{
	struct buf *b = &q->body;
	unsigned n = 0;
	buf_lit(b, ",\"destinations\":[");
	for (unsigned i = 0; v && i < v->n_destinations; i++) {
		if (v->destinations[i].workspace != q->events.workspace)
			continue;
		render_list_next(b, n++);
		put_destination(b, &v->destinations[i], time_now());
	}
	n = 0;
	buf_lit(b, "],\"automations\":[");
	for (unsigned i = 0; v && i < v->n_automations; i++) {
		if (v->automations[i].workspace != q->events.workspace)
			continue;
		render_list_next(b, n++);
		put_automation(b, &v->automations[i], feed_end);
	}
	buf_char(b, ']');
}

static int read_stats(struct native_query *q, struct store_reader *r)
{
	struct store_stats stats;
	uint64_t feed_end;
	struct deliver *d = native_deliver(q);
	CLEANUP(deliver_view_unref) struct deliver_view *v = d ? deliver_view(d) : NULL;
	int e = store_read_stats(r, &q->req->arena, q->events.workspace, &stats);
	e = e ?: store_read_feed_end(r, &feed_end);
	if (e != STORE_OK)
		return e;
	render_stats(&q->body, &stats);
	put_deliveries(q, v, feed_end);
	buf_printf(&q->body, ",\"delivering\":%s}", d && deliver_is_well(d) ? "true" : "false");
	return STORE_OK;
}

const struct resource native_stats = { .read = read_stats };
