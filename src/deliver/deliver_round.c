#include "deliver/deliver_private.h"

#include "base/fail.h"
#include "base/log.h"

enum {
	WAIT_MAX_US = 60 * 1000 * 1000,
	RETRY_MS = 100, /* after the ledger or the store failed; doubled each time */
	RETRY_MAX_MS = 32 * RETRY_MS,
	WRITE_EVERY_US = 2000,  /* the ledger; a commit costs as much for one row as for many */
	REST_US = 20000,        /* instead, while all that there is to decide may wait */
	READ_AGAIN_US = 250000, /* rules for which there was no memory */
};

/* --- What is in force --- */

static void refresh_senders(struct deliver *d)
{
	for (unsigned i = 0; i < DESTINATION_TYPES; i++)
		if (senders[i]->refresh)
			senders[i]->refresh(d->kept[i], d->rules);
}

static int renew_rules(struct deliver *d)
{
	struct rules *fresh;
	int r = rules_renew(d->rules, d->catalog, &fresh);
	if (r < 0)
		return pass(r);
	decider_renew(d->decider, fresh);
	rules_unref(d->rules);
	d->rules = fresh;
	return 0;
}

/* Attempts under way keep the memory of the rules that they began with, for some seconds each. Those of
 * before stay in force until then, also with a decider that is new. */
static int wait_for_memory(struct deliver *d)
{
	if (!d->rules_wait)
		log_warning("rules_wait_for_memory");
	d->rules_wait = true;
	d->read_again_us = time_monotonic_us() + READ_AGAIN_US;
	return pass(decider_take(d->decider, d->rules));
}

static int read_rules(struct deliver *d)
{
	struct rules *fresh;
	if (d->rules_wait && time_monotonic_us() < d->read_again_us)
		return 0;
	int r = rules_new(d->catalog, &d->rules_memory, &fresh);
	if (r != RULES_OK)
		return r < 0 ? pass(r) : pass(wait_for_memory(d));
	r = decider_take(d->decider, fresh);
	r = r ?: lane_set_fit(&d->lanes, fresh, d->ledger, &d->journeys);
	if (r < 0) {
		rules_unref(fresh);
		return pass(r);
	}
	rules_unref(d->rules);
	d->rules = fresh;
	d->orphans = ORPHANS_LATER;
	d->fired.again = true;
	d->stale = d->rules_wait = false;
	refresh_senders(d);
	return 0;
}

/* Most changes of a catalog are of something else: definitions grow with the events. */
static int take_rules(struct deliver *d)
{
	catalog_refresh(store_catalog(d->config.store), &d->catalog);
	if (!d->stale && d->catalog == d->rules->catalog)
		return 0;
	d->stale = d->stale || !catalog_has_same_documents(d->rules->catalog, d->catalog);
	return pass(d->stale ? read_rules(d) : renew_rules(d));
}

/* --- The ledger --- */

/* A store that was put back to an earlier state has fewer deletions, and gives their numbers to others. To
 * forget once more who has been forgotten does no harm. */
static int count_gone_anew(struct deliver *d)
{
	struct arena a;
	struct gone_row *rows;
	uint64_t seen;
	unsigned n = 0;
	arena_init(&a, 4096, NULL);
	int r = ledger_gone(d->ledger, &seen);
	if (r == 0 && seen > 0)
		r = store_read_gone(d->reader, &a, seen - 1, 1, &rows, &n);
	if (r == 0 && seen > 0 && n == 0)
		r = ledger_set_gone(d->ledger, 0);
	arena_fini(&a);
	return pass(r);
}

/* What may fail now and succeed later. */
int deliver_open_ledger(struct deliver *d)
{
	uint64_t end = d->since, origin;
	int r = d->reader ? 0 : store_reader_open(d->config.store, &d->reader);
	if (end == UINT64_MAX)
		r = r ?: store_read_feed_end(d->reader, &end);
	if (r == 0)
		d->since = end;
	r = r ?: ledger_open(d->config.dir, &d->ledger);
	r = r ?: ledger_origin(d->ledger, end, &origin);
	r = r ?: count_gone_anew(d);
	/* A store that was put back may end before it. */
	r = r ?: decider_new(d->ledger, d->reader, MIN(origin, end), WAITING_MAX, &d->decider);
	d->stale = true;
	d->read_again_us = 0; /* the decider knows none */
	lane_set_look_again(&d->lanes);
	return pass(r);
}

void deliver_close_ledger(struct deliver *d)
{
	decider_free(steal(&d->decider));
	ledger_close(steal(&d->ledger));
}

/* --- One round --- */

/* What ends meanwhile makes room for what is loaded; the ledger can wait a little. */
static int64_t pace_us(const struct deliver *d)
{
	return d->rests && !d->journeys.ended ? REST_US : WRITE_EVERY_US;
}

/* Below zero or 0: now. */
static int64_t until_write_us(const struct deliver *d)
{
	return d->written_us + pace_us(d) - time_monotonic_us();
}

static int write_and_load(struct deliver *d, instant_us now)
{
	d->wakes_seen = atomic_load(&d->wakes);
	int r = take_rules(d);
	r = r ?: deliver_write(d, now);
	r = r ?: lane_set_load(&d->lanes, d->rules, d->ledger, now);
	d->written_us = time_monotonic_us();
	return pass(r);
}

static int round_once(struct deliver *d)
{
	instant_us now = time_now();
	int r = d->ledger ? 0 : deliver_open_ledger(d);
	if (r == 0 && until_write_us(d) <= 0)
		r = write_and_load(d, now);
	if (r < 0)
		return pass(r);
	d->journeys.reader = d->reader;
	d->journeys.ledger = d->ledger;
	d->journeys.rules = d->rules;
	return pass(lane_set_move(&d->lanes, d->rules, &d->journeys, time_now()));
}

/* Nothing is lost by it: the ledger is as it was, and what has ended is still known. */
void deliver_after_failure(struct deliver *d)
{
	if (!d->failed) /* for as long as it lasts it is said once */
		log_error("delivery_round_failed", LOG_S("cause", fail_text()));
	if (d->ledger)
		ledger_abandon(d->ledger);
	deliver_close_ledger(d);
	wishes_take(&d->wishes);
	wishes_answer(&d->wishes, false);
	d->written_us = 0;
}

static void note_round(struct deliver *d, int r)
{
	if (r < 0)
		deliver_after_failure(d);
	else if (d->failed)
		log_info("deliveries_go_on");
	d->failed = r < 0;
	d->retry_ms = r < 0 ? MIN(MAX(2 * d->retry_ms, RETRY_MS), RETRY_MAX_MS) : 0;
}

void deliver_open(struct deliver *d)
{
	note_round(d, deliver_open_ledger(d) ?: take_rules(d));
}

void deliver_round(struct deliver *d)
{
	note_round(d, round_once(d));
}

/* --- The next --- */

/* The call to stop may have been seen as one to write. */
bool deliver_has_to_write(const struct deliver *d)
{
	return d->more || d->more_gone || d->orphans == ORPHANS_MORE || d->journeys.ended ||
	       d->journeys.n_unbegun > 0 || atomic_load(&d->stopping) ||
	       atomic_load(&d->wakes) != d->wakes_seen;
}

/* What the clock says is due is begun no sooner than the pace allows. */
static int64_t until_due_us(const struct deliver *d)
{
	instant_us now = time_now(), at = INT64_MAX, replay_at;
	int64_t soonest = until_write_us(d);
	if (d->rules)
		at = lane_set_wake_at(&d->lanes, d->rules, now);
	if (!d->disk_is_full && replays_next(ledger_replays(d->ledger), now, &replay_at) == 0 &&
	    replay_at)
		at = MIN(at, replay_at);
	return MAX(at - now, soonest);
}

static int64_t until_next_us(const struct deliver *d)
{
	if (d->lanes.more)
		return 0;
	if (deliver_has_to_write(d))
		return until_write_us(d);
	int64_t due = until_due_us(d);
	if (!d->untidy)
		return due;
	int64_t tidy = d->tidied_us + TIDY_EVERY_US - time_monotonic_us();
	return MIN(due, tidy);
}

int deliver_ms_to_next(const struct deliver *d)
{
	if (d->failed)
		return d->retry_ms;
	int64_t pause = until_next_us(d);
	return pause <= 0 ? 0 : (int)(MIN(pause, WAIT_MAX_US) / 1000 + 1);
}
