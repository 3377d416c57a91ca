#include "deliver/decide.h"

#include "base/fail.h"
#include "base/json.h"

#include <errno.h>
#include <stdlib.h>

enum {
	EVENTS_PER_RUN = 500,
	RUN_MEMORY_MAX = 256 * 1024 * 1024, /* bytes: rows of one run, and one event's JSON */
	SAVE_EVERY_US = 1000000,
};

/* An automation on its way along the feed. */
struct walker {
	const struct automation *automation;
	uint64_t seq;
	bool held; /* a destination has too much waiting */
};

/* How much waits for a destination: counted once, and then kept. */
struct waiting {
	uint32_t destination;
	uint64_t n;
};

struct decider {
	struct ledger *ledger;
	struct store_reader *reader;
	struct rules *rules;
	struct walker *walkers;  /* one per automation, in their order */
	struct waiting *waiting; /* one per destination, likewise */
	uint64_t end;            /* the newest event seen */
	bool unsaved;            /* positions that selected nothing, and so are not in the ledger */
	instant_us saved_at;
	struct arena rows, scratch;
};

int decider_new(struct ledger *l, struct store_reader *r, struct decider **out)
{
	struct decider *d = calloc(1, sizeof(*d));
	if (!d)
		return fail(-ENOMEM, "automations");
	d->ledger = l;
	d->reader = r;
	arena_init(&d->rows, RUN_MEMORY_MAX, NULL);
	arena_init(&d->scratch, RUN_MEMORY_MAX, NULL);
	*out = d;
	return 0;
}

void decider_free(struct decider *d)
{
	if (!d)
		return;
	rules_unref(d->rules);
	free(d->walkers);
	free(d->waiting);
	arena_fini(&d->rows);
	arena_fini(&d->scratch);
	free(d);
}

static int place_walkers(struct decider *d, const struct rules *rules, struct walker *walkers)
{
	int r = store_read_feed_end(d->reader, &d->end);
	for (unsigned i = 0; i < rules->n_automations && r == 0; i++) {
		walkers[i].automation = &rules->automations[i];
		r = ledger_position(d->ledger, rules->automations[i].no, d->end, &walkers[i].seq);
		/* A store that was put back to an earlier state has fewer events. */
		walkers[i].seq = MIN(walkers[i].seq, d->end);
	}
	return pass(r);
}

static int count_waiting(struct decider *d, const struct rules *rules, struct waiting *waiting)
{
	int r = 0;
	for (unsigned i = 0; i < rules->n_destinations && r == 0; i++) {
		waiting[i].destination = rules->destinations[i].no;
		r = ledger_pending(d->ledger, waiting[i].destination, 2ULL * WAITING_MAX,
				   &waiting[i].n);
	}
	return pass(r);
}

int decider_take(struct decider *d, struct rules *rules)
{
	struct walker *walkers = calloc(rules->n_automations + 1, sizeof(*walkers));
	struct waiting *waiting = calloc(rules->n_destinations + 1, sizeof(*waiting));
	int r = walkers && waiting ? 0 : fail(-ENOMEM, "automations");
	r = r ?: place_walkers(d, rules, walkers);
	r = r ?: count_waiting(d, rules, waiting);
	if (r < 0) {
		free(walkers);
		free(waiting);
		return pass(r);
	}
	free(d->walkers);
	free(d->waiting);
	rules_ref(rules);
	rules_unref(d->rules);
	d->walkers = walkers;
	d->waiting = waiting;
	d->rules = rules;
	return 0;
}

static uint64_t *waiting_for(struct decider *d, uint32_t destination)
{
	for (unsigned i = 0; d->rules && i < d->rules->n_destinations; i++)
		if (d->waiting[i].destination == destination)
			return &d->waiting[i].n;
	return NULL;
}

void decider_ended(struct decider *d, uint32_t destination)
{
	uint64_t *n = waiting_for(d, destination);
	if (n && *n > 0)
		--*n;
}

uint64_t decider_lag(const struct decider *d, uint32_t automation)
{
	for (unsigned i = 0; d->rules && i < d->rules->n_automations; i++)
		if (d->walkers[i].automation->no == automation)
			return d->end > d->walkers[i].seq ? d->end - d->walkers[i].seq : 0;
	return 0;
}

/* --- One event, one automation --- */

/* An event and what has been read for it so far. */
struct subject {
	struct decider *d;
	const struct feed_row *row;
	const struct workspace *workspace;
	struct facts facts;
	struct contact_view contact;
	bool read; /* the contact, and all JSON */
	bool gone; /* the contact is */
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
	return pass(store_count_back(s->d->reader, s->row->event.seq, no, since,
				     CONDITION_COUNT_MAX, out));
}

static int parse(struct subject *s, struct str text, yyjson_val **out)
{
	if (json_parse(&s->d->scratch, text, out, NULL) == JSON_OK)
		return 0;
	return fail(-ENOMEM, "an event's JSON for automations");
}

static int read_subject(struct subject *s)
{
	int r = store_read_contact(s->d->reader, &s->d->scratch, s->row->contact, &s->contact);
	s->read = true;
	s->gone = r == STORE_NONE;
	if (r != STORE_OK)
		return r < 0 ? pass(r) : 0;
	r = parse(s, s->row->event.properties, &s->facts.properties);
	r = r ?: parse(s, s->contact.attributes, &s->facts.attributes);
	return pass(r ?: parse(s, s->contact.identities, &s->facts.identities));
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
	if (at && (m->once_per_contact || s->facts.now - at < m->cooldown_s * US_PER_S))
		return 1;
	return pass(ledger_fire(s->d->ledger, m->no, s->row->contact, s->facts.now));
}

/* In order: what comes behind a deed waits until that has ended. */
static int add_deliveries(struct subject *s, const struct automation *m, unsigned *decided)
{
	int r = 0;
	bool waits = false;
	for (unsigned i = 0; i < m->n_actions && r == 0; i++) {
		const struct action *what = &m->actions[i];
		const struct destination *to = rules_target(s->d->rules, m->workspace, what);
		struct delivery d = {
			.workspace = m->workspace,
			.automation = m->no,
			.action = i,
			.kind = what->kind,
			.destination = to ? to->no : 0,
			.seq = s->row->event.seq,
			.contact = s->row->contact,
			.created_at = s->facts.now,
			.due_at = waits ? DELIVERY_WAITS : s->facts.now + m->delay_s * US_PER_S,
		};
		if (!to)
			continue;
		waits |= action_is_deed(what->kind);
		r = ledger_decide(s->d->ledger, &d);
		++*waiting_for(s->d, to->no);
		++*decided;
	}
	return pass(r);
}

static int decide(struct subject *s, const struct automation *m, unsigned *decided)
{
	struct verdict v;
	if (!automation_triggers(m, s->facts.definition))
		return 0;
	int r = s->read ? 0 : read_subject(s);
	if (r < 0 || s->gone)
		return pass(r);
	r = automation_meets(m, &s->facts, &v);
	if (r < 0 || !v.met)
		return pass(r);
	r = check_pause(s, m);
	return r ? (r < 0 ? pass(r) : 0) : pass(add_deliveries(s, m, decided));
}

/* --- A run --- */

static bool is_held(struct decider *d, const struct automation *m)
{
	for (unsigned i = 0; i < m->n_actions; i++) {
		const struct destination *to = rules_target(d->rules, m->workspace, &m->actions[i]);
		if (to && *waiting_for(d, to->no) >= WAITING_MAX)
			return true;
	}
	return false;
}

static void hold_walkers(struct decider *d)
{
	for (unsigned i = 0; i < d->rules->n_automations; i++)
		d->walkers[i].held = is_held(d, d->walkers[i].automation);
}

/* Where the hindmost of those that may go stands; false: none has anything to do. */
static bool hindmost(const struct decider *d, uint64_t *seq)
{
	*seq = UINT64_MAX;
	for (unsigned i = 0; i < d->rules->n_automations; i++)
		if (!d->walkers[i].held)
			*seq = MIN(*seq, d->walkers[i].seq);
	return *seq < d->end;
}

static int decide_event(struct decider *d, const struct feed_row *row, instant_us now,
			unsigned *decided)
{
	struct subject s = {
		.d = d,
		.row = row,
		.workspace = catalog_workspace(d->rules->catalog, row->workspace),
		.facts = { .definition = row->event.definition,
			   .occurred_at = row->event.occurred_at,
			   .received_at = row->event.received_at,
			   .now = now,
			   .count = count_back },
	};
	int r = 0;
	s.facts.ctx = &s;
	for (unsigned i = 0; i < d->rules->n_automations && r == 0; i++) {
		const struct walker *w = &d->walkers[i];
		if (w->automation->workspace == row->workspace && !w->automation->paused &&
		    !w->held && w->seq < row->event.seq && s.workspace)
			r = decide(&s, w->automation, decided);
	}
	arena_reset(&d->scratch);
	return pass(r);
}

static void move_walkers(struct decider *d, uint64_t seq)
{
	for (unsigned i = 0; i < d->rules->n_automations; i++) {
		struct walker *w = &d->walkers[i];
		if (!w->held)
			w->seq = MAX(w->seq, seq);
	}
	d->unsaved = true;
}

int decider_save(struct decider *d, instant_us now)
{
	int r = 0;
	for (unsigned i = 0; d->rules && i < d->rules->n_automations && r == 0; i++)
		r = ledger_move(d->ledger, d->walkers[i].automation->no, d->walkers[i].seq);
	d->unsaved = false;
	d->saved_at = now;
	return pass(r);
}

/* With what was selected; else now and then, so that events without consequences cost no sync. */
static int save_if_due(struct decider *d, instant_us now, bool selected)
{
	bool due = d->unsaved && llabs(now - d->saved_at) >= SAVE_EVERY_US;
	return selected || due ? pass(decider_save(d, now)) : 0;
}

int decider_run(struct decider *d, instant_us now, bool *more, unsigned *decided)
{
	struct feed_row *rows;
	uint64_t from;
	unsigned n = 0;
	*more = false;
	*decided = 0;
	if (!d->rules || d->rules->n_automations == 0)
		return 0;
	arena_reset(&d->rows);
	int r = store_read_feed_end(d->reader, &d->end);
	hold_walkers(d);
	if (r < 0 || !hindmost(d, &from))
		return r < 0 ? pass(r) : pass(save_if_due(d, now, false));
	r = store_read_feed(d->reader, &d->rows, from, EVENTS_PER_RUN, &rows, &n);
	for (unsigned i = 0; i < n && r == 0; i++)
		r = decide_event(d, &rows[i], now, decided);
	if (r < 0 || n == 0)
		return pass(r);
	*more = n == EVENTS_PER_RUN;
	move_walkers(d, rows[n - 1].event.seq);
	return pass(save_if_due(d, now, *decided > 0));
}
