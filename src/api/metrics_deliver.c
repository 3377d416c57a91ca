#include "api/metrics_deliver.h"

static void put_head(struct buf *b, const char *name, const char *help)
{
	buf_printf(b, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name);
}

/* A label's value: backslash, quote and line feed are escaped. */
static void put_escaped(struct buf *b, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\n')
			buf_lit(b, "\\n");
		else if (s.p[i] == '"' || s.p[i] == '\\')
			buf_printf(b, "\\%c", s.p[i]);
		else
			buf_char(b, s.p[i]);
	}
}

/* Left open for one more label. */
static void put_labels(struct buf *b, const char *name, struct uuid workspace, const char *kind,
		       struct str of)
{
	char id[UUID_TEXT + 1];
	uuid_text(workspace, id);
	buf_printf(b, "%s{workspace=\"%s\",%s=\"", name, id, kind);
	put_escaped(b, of);
	buf_char(b, '"');
}

static void put_other(struct buf *b, const char *name, const char *kind)
{
	buf_printf(b, "%s{workspace=\"other\",%s=\"other\"", name, kind);
}

/* --- Destinations --- */

static void put_counts(struct buf *b, const struct deliver_view *v, unsigned shown)
{
	static const char name[] = "occurd_deliveries";
	uint64_t other[DELIVERY_STATES] = { 0 };
	put_head(b, name, "Deliveries that are kept, by destination and state.");
	for (unsigned i = 0; i < v->n_destinations; i++) {
		const struct destination_view *d = &v->destinations[i];
		for (int s = 0; s < DELIVERY_STATES; s++) {
			other[s] += i < shown ? 0 : d->n[s];
			if (i >= shown)
				continue;
			put_labels(b, name, d->workspace_id, "destination", d->name);
			buf_printf(b, ",state=\"%s\"} %llu\n", delivery_state_names[s],
				   (unsigned long long)d->n[s]);
		}
	}
	for (int s = 0; s < DELIVERY_STATES && shown < v->n_destinations; s++) {
		put_other(b, name, "destination");
		buf_printf(b, ",state=\"%s\"} %llu\n", delivery_state_names[s],
			   (unsigned long long)other[s]);
	}
}

static void put_lags(struct buf *b, const struct deliver_view *v, unsigned shown, instant_us now)
{
	static const char name[] = "occurd_delivery_lag_seconds";
	int64_t other = 0;
	put_head(b, name, "By how long the oldest pending delivery of a destination is late.");
	for (unsigned i = 0; i < v->n_destinations; i++) {
		const struct destination_view *d = &v->destinations[i];
		int64_t lag = destination_view_lag_us(d, now);
		if (i < shown) {
			put_labels(b, name, d->workspace_id, "destination", d->name);
			buf_printf(b, "} %.15g\n", (double)lag / US_PER_S);
		} else {
			other = MAX(other, lag);
		}
	}
	if (shown < v->n_destinations) {
		put_other(b, name, "destination");
		buf_printf(b, "} %.15g\n", (double)other / US_PER_S);
	}
}

static void put_states(struct buf *b, const struct deliver_view *v, unsigned shown)
{
	static const char name[] = "occurd_destination_state";
	unsigned other[LANE_STATES] = { 0 };
	put_head(b, name, "1 for the state that a destination is in.");
	for (unsigned i = 0; i < v->n_destinations; i++) {
		const struct destination_view *d = &v->destinations[i];
		other[d->state] += i >= shown;
		for (int s = 0; s < LANE_STATES && i < shown; s++) {
			put_labels(b, name, d->workspace_id, "destination", d->name);
			buf_printf(b, ",state=\"%s\"} %d\n", lane_state_names[s],
				   (int)d->state == s);
		}
	}
	for (int s = 0; s < LANE_STATES && shown < v->n_destinations; s++) {
		put_other(b, name, "destination");
		buf_printf(b, ",state=\"%s\"} %u\n", lane_state_names[s], other[s]);
	}
}

/* --- Automations --- */

static void put_behind(struct buf *b, const struct deliver_view *v, uint64_t feed_end)
{
	static const char name[] = "occurd_automation_events_behind";
	unsigned shown = MIN(v->n_automations, METRICS_SERIES_MAX);
	uint64_t other = 0;
	put_head(b, name, "Events of the feed on which an automation has not decided yet.");
	for (unsigned i = 0; i < v->n_automations; i++) {
		const struct automation_view *m = &v->automations[i];
		uint64_t behind = automation_view_behind(m, feed_end);
		if (i < shown) {
			put_labels(b, name, m->workspace_id, "automation", m->name);
			buf_printf(b, "} %llu\n", (unsigned long long)behind);
		} else {
			other = MAX(other, behind);
		}
	}
	if (shown < v->n_automations) {
		put_other(b, name, "automation");
		buf_printf(b, "} %llu\n", (unsigned long long)other);
	}
}

/* --- All --- */

void metrics_put_view(struct buf *b, const struct deliver_view *v, uint64_t feed_end,
		      instant_us now)
{
	unsigned shown = MIN(v->n_destinations, METRICS_SERIES_MAX);
	put_counts(b, v, shown);
	put_lags(b, v, shown, now);
	put_states(b, v, shown);
	put_behind(b, v, feed_end);
}

void metrics_put_deliver(struct buf *b, struct deliver *d, uint64_t feed_end)
{
	static const char name[] = "occurd_delivering";
	CLEANUP(deliver_view_unref) struct deliver_view *v = d ? deliver_view(d) : NULL;
	put_head(b, name, "1 while deliveries are decided and made.");
	buf_printf(b, "%s %d\n", name, d && deliver_is_well(d));
	if (v)
		metrics_put_view(b, v, feed_end, time_now());
}
