#include "deliver/decide_private.h"

#include "base/fail.h"
#include "base/log.h"

#include <errno.h>
#include <stdlib.h>

enum {
	EVENTS_PER_RUN = 500,
	RUN_MEMORY_MAX = 2 * JSON_MEMORY_MAX, /* bytes: rows of one run, or one event's JSON and its
						 contact's */
	SAVE_EVERY_US = 1000000,
	CALM_EVENTS_PER_RUN = 100,
	CALM_REST = 49,    /* times as long as a run took */
	LATE_US = 1000000, /* a destination is, from then on */
	RUN_US = 20000,    /* then it is broken off, behind an automation at least */
	COSTLY_US = RUN_US / 8,
};

int decider_new(struct ledger *l, struct store_reader *r, uint64_t origin, uint64_t most,
		struct decider **out)
{
	struct decider *d = calloc(1, sizeof(*d));
	if (!d)
		return fail(-ENOMEM, "automations");
	d->ledger = l;
	d->reader = r;
	d->origin = origin;
	d->most = most;
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
	free(d->outlooks);
	arena_fini(&d->rows);
	arena_fini(&d->scratch);
	free(d);
}

/* Where one begins that has no position yet. One that has goes on from there, but no store that was put
 * back makes it decide what came before it was made: it may have the number of one that is gone. */
static int find_start(struct decider *d, const struct automation *m, uint64_t *start)
{
	bool known;
	int r = ledger_knows(d->ledger, m->no, &known);
	r = r ?: store_read_feed_at(d->reader, m->created_at - known, start);
	*start = known ? *start : MAX(*start, d->origin);
	return pass(r);
}

/* n_destinations: there is no such destination. */
static unsigned place_of(const struct rules *rules, uint32_t workspace, const struct action *what)
{
	const struct destination *to = rules_target(rules, workspace, what);
	return to ? (unsigned)(to - rules->destinations) : rules->n_destinations;
}

/* Until it is a rule again nothing is decided that would be sent there. */
static bool is_without(const struct rules *rules, const struct walker *w)
{
	const struct automation *m = w->automation;
	const struct workspace *of = catalog_workspace(rules->catalog, m->workspace);
	for (unsigned i = 0; i < m->n_actions; i++)
		if (w->to[i] == rules->n_destinations && of &&
		    workspace_document(of, DOCUMENT_DESTINATION, m->actions[i].destination))
			return true;
	return false;
}

/* NULL: under the rules before there was none. */
static const struct walker *walker_before(const struct decider *d, const struct automation *m)
{
	const struct automation *before =
		d->rules ? rules_automation(d->rules, m->workspace, m->no) : NULL;
	return before ? &d->walkers[before - d->rules->automations] : NULL;
}

static int save(struct decider *d, struct walker *w)
{
	w->saved = w->seq;
	return pass(ledger_move(d->ledger, w->automation->no, w->seq));
}

/* A store that was put back to an earlier state has fewer events than were decided. It is noted at
 * once, so that what comes from now on is decided also after a kill. */
static int take_back(struct decider *d, struct walker *w, bool *taken_back)
{
	if (w->seq <= d->end)
		return 0;
	*taken_back = true;
	w->seq = d->end;
	return pass(save(d, w));
}

/* Nothing that came before it was paused, or went on, sets one off later. The ledger knows which is paused,
 * because it may be declared otherwise, and a start come, before that is seen here. */
static int pause_or_go_on(struct decider *d, struct walker *w)
{
	const struct automation *m = w->automation;
	bool was_paused;
	uint64_t from = 0;
	int r = ledger_paused(d->ledger, m->no, &was_paused);
	if (r == 0 && was_paused != m->paused)
		r = store_read_feed_at(d->reader, m->updated_at, &from);
	w->seq = MAX(w->seq, from);
	if (r < 0 || was_paused == m->paused)
		return pass(r);
	r = save(d, w);
	return pass(r ?: ledger_pause(d->ledger, m->no, m->paused));
}

static int place(struct decider *d, const struct rules *rules, const struct automation *m,
		 struct walker *w, bool *taken_back)
{
	const struct walker *before = walker_before(d, m);
	/* What selected nothing lately is in memory alone. */
	uint64_t start = before ? before->seq : 0;
	int r = before ? 0 : find_start(d, m, &start);
	r = r ?: ledger_position(d->ledger, m->no, start, &w->saved);
	for (unsigned i = 0; i < m->n_actions; i++)
		w->to[i] = place_of(rules, m->workspace, &m->actions[i]);
	w->seq = MAX(w->saved, start);
	w->automation = m;
	w->without = is_without(rules, w);
	r = r ?: take_back(d, w, taken_back);
	return pass(r ?: pause_or_go_on(d, w));
}

static int place_walkers(struct decider *d, const struct rules *rules, struct walker *walkers)
{
	bool taken_back = false;
	int r = store_read_feed_end(d->reader, &d->end);
	for (unsigned i = 0; i < rules->n_automations && r == 0; i++)
		r = place(d, rules, &rules->automations[i], &walkers[i], &taken_back);
	if (taken_back)
		log_warning("store_was_put_back", LOG_I("behind", d->end));
	return pass(r);
}

int decider_take(struct decider *d, struct rules *rules)
{
	struct walker *walkers = calloc(rules->n_automations + 1, sizeof(*walkers));
	struct outlook *outlooks = calloc(rules->n_destinations + 1, sizeof(*outlooks));
	int r = walkers && outlooks ? 0 : fail(-ENOMEM, "automations");
	r = r ?: place_walkers(d, rules, walkers);
	if (r < 0) {
		free(walkers);
		free(outlooks);
		return pass(r);
	}
	free(d->walkers);
	free(d->outlooks);
	d->walkers = walkers;
	d->outlooks = outlooks;
	decider_renew(d, rules);
	return 0;
}

void decider_renew(struct decider *d, struct rules *rules)
{
	rules_ref(rules);
	rules_unref(d->rules);
	d->rules = rules;
}

/* --- A run --- */

/* What is to be sent later, for its delay or after a failure, is no backlog. A failure counts as one: who
 * reads next will tell it. */
static bool is_late(const struct decider *d, uint32_t destination)
{
	instant_us at;
	int r = ledger_next_due(d->ledger, destination, (struct due_place){ 0 }, &at);
	return r < 0 || (at && at < d->now - LATE_US);
}

static void look_at_backlogs(struct decider *d)
{
	uint64_t few = MIN(d->most, WAITING_CALM);
	for (unsigned i = 0; i < d->rules->n_destinations; i++) {
		uint32_t no = d->rules->destinations[i].no;
		uint64_t n = ledger_count(d->ledger, no, DELIVERY_PENDING);
		d->outlooks[i].backlog = n >= few && is_late(d, no) ? n : 0;
	}
}

/* The most that waits for any of its destinations. */
static uint64_t waiting_behind(const struct decider *d, const struct walker *w)
{
	uint64_t most = 0;
	for (unsigned i = 0; i < w->automation->n_actions; i++)
		if (w->to[i] < d->rules->n_destinations)
			most = MAX(most, d->outlooks[w->to[i]].backlog);
	return most;
}

bool decider_has_decided_for(const struct decider *d, unsigned i)
{
	return d->outlooks[i].decided;
}

void decider_place(const struct decider *d, unsigned i, uint64_t *seq, bool *held)
{
	const struct walker *w = &d->walkers[i];
	*seq = w->automation->paused ? d->end : w->seq;
	*held = w->without || waiting_behind(d, w) >= d->most;
}

/* True: some stand still that could go on later. */
static bool hold_walkers(struct decider *d, bool resting)
{
	bool later = false;
	for (unsigned i = 0; i < d->rules->n_automations; i++) {
		struct walker *w = &d->walkers[i];
		uint64_t waiting = waiting_behind(d, w);
		bool may = waiting < d->most && !d->waits && !w->without && !w->automation->paused;
		w->calm = waiting >= WAITING_CALM;
		w->held = !may || (w->calm && resting);
		later |= w->held && may && w->seq < d->end;
	}
	return later;
}

static void let_costly_rest(struct decider *d, bool *later)
{
	bool resting = time_monotonic_us() < rest_ends_us(&d->costly);
	for (unsigned i = 0; i < d->rules->n_automations; i++) {
		struct walker *w = &d->walkers[i];
		w->costly &= w->seq < d->end;
		if (!w->costly || !resting || w->held)
			continue;
		w->held = true;
		*later = true;
	}
}

/* The first place from there on at which one that may go stands; UINT64_MAX: there is none. */
static uint64_t place_from(const struct decider *d, uint64_t from)
{
	uint64_t first = UINT64_MAX;
	for (unsigned i = 0; i < d->rules->n_automations; i++) {
		const struct walker *w = &d->walkers[i];
		if (!w->held && w->seq < d->end && w->seq >= from)
			first = MIN(first, w->seq);
	}
	return first;
}

static uint64_t foremost_place(const struct decider *d)
{
	uint64_t foremost = 0;
	for (unsigned i = 0; i < d->rules->n_automations; i++) {
		const struct walker *w = &d->walkers[i];
		if (!w->held && w->seq < d->end)
			foremost = MAX(foremost, w->seq);
	}
	return foremost;
}

/* Round and round between the hindmost and the end. */
static uint64_t place_between(const struct decider *d, uint64_t hindmost)
{
	uint64_t place = place_from(d, MAX(hindmost, d->got_to) + 1);
	if (place == UINT64_MAX)
		place = place_from(d, hindmost + 1);
	return place == UINT64_MAX ? hindmost : place;
}

/* Where those that may go begin. False: none has anything to do. */
static bool find_turn(const struct decider *d, uint64_t *seq)
{
	uint64_t hindmost = place_from(d, 0);
	*seq = hindmost;
	if (hindmost == UINT64_MAX)
		return false;
	if (d->way == WAY_FOREMOST)
		*seq = foremost_place(d);
	else if (d->way == WAY_BETWEEN)
		*seq = place_between(d, hindmost);
	return true;
}

int decider_save(struct decider *d, instant_us now)
{
	int r = 0;
	for (unsigned i = 0; d->rules && i < d->rules->n_automations && r == 0; i++)
		if (d->walkers[i].seq != d->walkers[i].saved)
			r = save(d, &d->walkers[i]);
	d->unsaved = false;
	d->saved_at = now;
	return pass(r);
}

static int save_selected(struct decider *d)
{
	int r = 0;
	for (unsigned i = 0; i < d->rules->n_automations && r == 0; i++)
		if (d->walkers[i].selected)
			r = save(d, &d->walkers[i]);
	return pass(r);
}

/* With what they selected; the others now and then, so that events without consequences cost little. */
static int save_if_due(struct decider *d, instant_us now, bool selected)
{
	int r = selected ? save_selected(d) : 0;
	bool due = d->unsaved && llabs(now - d->saved_at) >= SAVE_EVERY_US;
	return pass(r ?: due ? decider_save(d, now) : 0);
}

/* All up to there has been looked at, also what was damaged and left out. */
static void move_walkers(struct decider *d, uint64_t seen)
{
	for (unsigned i = 0; i < d->rules->n_automations; i++) {
		struct walker *w = &d->walkers[i];
		if (decider_goes(d, w))
			w->seq = MAX(w->seq, seen);
	}
}

static bool any_calm_goes(const struct decider *d)
{
	bool any = false;
	for (unsigned i = 0; i < d->rules->n_automations; i++)
		any |= d->walkers[i].calm && decider_goes(d, &d->walkers[i]);
	return any;
}

static bool any_costly_goes(const struct decider *d)
{
	bool any = false;
	for (unsigned i = 0; i < d->rules->n_automations; i++)
		any |= d->walkers[i].costly && decider_goes(d, &d->walkers[i]);
	return any;
}

static void find_costly(struct decider *d)
{
	for (unsigned i = 0; i < d->rules->n_parts; i++) {
		const struct rules_part *part = &d->rules->parts[i];
		struct walker *w = &d->walkers[part->automation];
		int64_t spent = 0;
		for (unsigned k = 0; k < part->n_automations; k++)
			spent += w[k].spent_us;
		for (unsigned k = 0; k < part->n_automations; k++)
			w[k].costly |= spent >= COSTLY_US;
	}
}

/* *seen: up to where all that go have seen them; as it was, if not the first one. */
static int decide_events(struct decider *d, const struct feed_row *rows, unsigned n, instant_us now,
			 unsigned *decided, uint64_t *seen)
{
	int r = 0;
	for (unsigned i = 0; i < n && r == 0 && !decider_is_over(d); i++) {
		r = decide_event(d, &rows[i], now, decided);
		if (!decider_is_over(d))
			*seen = rows[i].event.seq;
	}
	return pass(r);
}

static int run(struct decider *d, instant_us now, unsigned *decided)
{
	unsigned n = 0, most = any_calm_goes(d) ? CALM_EVENTS_PER_RUN : EVENTS_PER_RUN;
	struct feed_row *rows;
	uint64_t read = d->from, seen = d->from;
	arena_reset(&d->rows);
	int r = store_read_feed(d->reader, &d->rows, d->from, most, &rows, &n, &read);
	d->seen_us = time_monotonic_us();
	d->until_us = d->seen_us + RUN_US;
	r = r ?: decide_events(d, rows, n, now, decided, &seen);
	if (r < 0 || read == d->from)
		return pass(r);
	uint64_t to = decider_is_over(d) ? seen : read;
	move_walkers(d, to);
	if (d->way == WAY_BETWEEN)
		d->got_to = to;
	d->unsaved = true;
	return pass(save_if_due(d, now, *decided > 0));
}

static void begin_run(struct decider *d)
{
	for (unsigned i = 0; i < d->rules->n_automations; i++) {
		d->walkers[i].spent_us = 0;
		d->walkers[i].selected = false;
	}
	for (unsigned i = 0; i < d->rules->n_destinations; i++)
		d->outlooks[i].decided = false;
}

/* Behind a run that began then. */
static void begin_rests(struct decider *d, int64_t began, bool calm)
{
	int64_t ended = time_monotonic_us();
	if (decider_is_over(d))
		find_costly(d);
	if (calm)
		d->calm_until_us = ended + CALM_REST * (ended - began);
	if (any_costly_goes(d))
		rest_begin(&d->costly, ended - began);
}

void decider_wait(struct decider *d, bool wait)
{
	d->waits = wait;
}

/* Who may go now. True: others could go on later. */
static bool look_who_goes(struct decider *d, instant_us now)
{
	d->now = now;
	look_at_backlogs(d);
	bool later = hold_walkers(d, time_monotonic_us() < d->calm_until_us);
	let_costly_rest(d, &later);
	return later;
}

bool decider_has_work(struct decider *d, uint64_t end, instant_us now, bool *later)
{
	uint64_t from;
	*later = false;
	if (!d->rules || d->rules->n_automations == 0)
		return false;
	d->end = MAX(d->end, end);
	*later = look_who_goes(d, now);
	return find_turn(d, &from);
}

int decider_run(struct decider *d, instant_us now, bool *more, unsigned *decided)
{
	uint64_t next;
	*more = false;
	*decided = 0;
	if (!d->rules || d->rules->n_automations == 0)
		return 0;
	int r = store_read_feed_end(d->reader, &d->end);
	if (r < 0)
		return pass(r);
	*more = look_who_goes(d, now);
	if (!find_turn(d, &d->from))
		return pass(save_if_due(d, now, false));
	begin_run(d);
	bool calm = any_calm_goes(d);
	int64_t began = time_monotonic_us();
	r = run(d, now, decided);
	begin_rests(d, began, calm);
	d->way = (d->way + 1) % WAYS;
	*more |= find_turn(d, &next);
	return pass(r);
}
