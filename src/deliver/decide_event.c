#include "base/fail.h"
#include "base/json.h"
#include "base/log.h"
#include "deliver/decide_private.h"
#include "store/db.h"

#include <errno.h>
#include <stdlib.h>

/* An event and what has been read for it so far. */
struct subject {
	struct decider *d;
	const struct feed_row *row;
	const struct workspace *workspace;
	instant_us now;
	struct facts facts;
	bool contact_read;
};

static int count_back(void *ctx, struct str definition, instant_us since, uint64_t *out)
{
	struct subject *s = ctx;
	uint32_t no = 0;
	*out = 0;
	if (definition.p) {
		const struct definition *of = workspace_definition(s->workspace, definition);
		if (!of)
			return 0;
		no = of->no;
	}
	return pass(lookback_count(&s->d->lookback, no, since, out));
}

static int parse(struct subject *s, struct str text, yyjson_val **out)
{
	if (json_parse(&s->d->scratch, text, out, NULL) == JSON_OK)
		return 0;
	return fail(-ENOMEM, "an event's JSON for automations");
}

static int read_contact(struct subject *s)
{
	struct contact_view contact;
	int r = store_read_contact(s->d->reader, &s->d->scratch, s->row->contact, &contact);
	if (r != STORE_OK)
		return pass(r);
	s->contact_read = true;
	r = parse(s, contact.attributes, &s->facts.attributes);
	return pass(r ?: parse(s, contact.identities, &s->facts.identities));
}

/* Only what is asked about, and once for all automations. STORE_NONE: the contact is gone. */
static int read_facts(struct subject *s, const struct automation *m)
{
	int r = 0;
	if (m->conditions && !s->facts.properties)
		r = parse(s, s->row->event.properties, &s->facts.properties);
	if (r == 0 && m->conditions && !s->contact_read && condition_asks_contact(m->conditions))
		r = read_contact(s);
	return pass(r);
}

/* Above zero: it has fired for this contact, and may not again yet. */
static int check_pause(struct subject *s, const struct automation *m)
{
	instant_us at;
	if (!m->once_per_contact && m->cooldown_s == 0)
		return 0;
	int r = ledger_fired(s->d->ledger, m->no, s->row->contact, &at);
	if (r < 0)
		return pass(r);
	/* Set back by more than that, the clock makes no pause longer than twice that. */
	if (at && (m->once_per_contact || llabs(s->now - at) < m->cooldown_s * US_PER_S))
		return 1;
	return pass(ledger_fire(s->d->ledger, m->no, s->row->contact, s->now));
}

/* In order: what comes behind a deed waits until that has ended. */
static int add_deliveries(struct subject *s, const struct walker *w, unsigned *decided)
{
	const struct automation *m = w->automation;
	int r = 0;
	bool waits = false;
	for (unsigned i = 0; i < m->n_actions && r == 0; i++) {
		struct delivery d = {
			.workspace = m->workspace,
			.automation = m->no,
			.action = i,
			.kind = m->actions[i].kind,
			.seq = s->row->event.seq,
			.contact = s->row->contact,
			.created_at = s->facts.now,
			.due_at = waits ? DELIVERY_WAITS : s->now + m->delay_s * US_PER_S,
		};
		if (w->to[i] == s->d->rules->n_destinations)
			continue;
		waits |= action_is_deed(m->actions[i].kind);
		d.destination = s->d->rules->destinations[w->to[i]].no;
		r = ledger_decide(s->d->ledger, &d);
		s->d->outlooks[w->to[i]].decided = true;
		++*decided;
	}
	return pass(r);
}

static int decide(struct subject *s, struct walker *w, unsigned *decided)
{
	const struct automation *m = w->automation;
	struct verdict v;
	if (!automation_triggers(m, s->facts.definition))
		return 0;
	int r = read_facts(s, m);
	if (r)
		return r < 0 ? pass(r) : 0;
	r = automation_meets(m, &s->facts, &v);
	if (r < 0 || !v.met)
		return pass(r);
	r = check_pause(s, m);
	if (r)
		return r < 0 ? pass(r) : 0;
	w->selected = true;
	return pass(add_deliveries(s, w, decided));
}

/* What is damaged, or larger than anything of ours, will be no better the next time, and must not hold
 * up the others for ever. */
static int decide_or_leave(struct subject *s, struct walker *w, unsigned *decided)
{
	int r = decide(s, w, decided);
	bool too_large = r == -ENOMEM && s->d->scratch.full;
	if (r == 0 || (!too_large && !db_is_damage()))
		return pass(r);
	log_error("event_left_out", LOG_STR("workspace", s->workspace->name),
		  LOG_STR("automation", w->automation->name),
		  LOG_I("seq", (int64_t)s->row->event.seq), LOG_STR("cause", db_damage()));
	return 0;
}

static int decide_in_time(struct subject *s, struct walker *w, unsigned *decided)
{
	int64_t began = s->d->seen_us;
	int r = decide_or_leave(s, w, decided);
	s->d->seen_us = time_monotonic_us();
	w->spent_us += s->d->seen_us - began;
	return pass(r);
}

int decide_event(struct decider *d, const struct feed_row *row, instant_us now, unsigned *decided)
{
	struct subject s = {
		.d = d,
		.row = row,
		.workspace = catalog_workspace(d->rules->catalog, row->workspace),
		.now = now,
		/* Never asked before it came, though `now` is the beginning of the round and the
		 * clock may have been set back: then it would be in the future. It also tells its
		 * deliveries from those of another event (payload_read_event()). */
		.facts = { .definition = row->event.definition,
			   .occurred_at = row->event.occurred_at,
			   .received_at = row->event.received_at,
			   .now = MAX(now, row->event.received_at),
			   .count = count_back },
	};
	const struct rules_part *part = rules_of(d->rules, row->workspace);
	int r = 0;
	if (!part || !s.workspace || row->gone)
		return 0;
	s.facts.ctx = &s;
	lookback_begin(&d->lookback, d->reader, row->event.seq);
	for (unsigned i = 0; i < part->n_automations && r == 0 && !decider_is_over(d); i++) {
		struct walker *w = &d->walkers[part->automation + i];
		if (!decider_goes(d, w) || w->seq >= row->event.seq)
			continue;
		r = decide_in_time(&s, w, decided);
		w->seq = row->event.seq;
	}
	arena_reset(&d->scratch);
	return pass(r);
}
