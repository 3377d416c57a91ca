#include "deliver/deliver_private.h"

#include "base/fail.h"

enum {
	ANSWER_MAX = 512,
	GONE_ROUNDS_MAX = 100, /* at a stop; what is left goes after the next start */
};

/* --- What has ended --- */

/* It has ended, so what waits for it is due. */
static int release(struct deliver *d, const struct delivery *row)
{
	unsigned n;
	if (!deeds_are_at(row->destination) || row->state == DELIVERY_PENDING)
		return 0;
	int r = ledger_release(d->ledger, row, time_now(), &n);
	d->released |= n > 0;
	return pass(r);
}

static int settle_one(struct deliver *d, const struct journey *j)
{
	const struct attempt *a = &j->attempt;
	struct delivery row = j->delivery;
	char answer[ANSWER_MAX];
	row.answer = (struct str){ answer, str_utf8_mend(row.answer, answer, sizeof(answer)) };
	const struct attempt_row attempt = {
		.n = row.attempts,
		.at = a->now,
		.duration_ms = a->duration_ms,
		.status = a->status,
		.answer = row.answer,
	};
	bool tried = a->outcome != ATTEMPT_WAIT;
	int r = ledger_settle(d->ledger, &row, tried ? &attempt : NULL);
	if (r == 0 && a->outcome == ATTEMPT_DISABLE)
		r = ledger_silence(d->ledger, a->destination->no, a->destination->declared_at);
	return r < 0 ? pass(r) : release(d, &row);
}

static int settle_all(struct deliver *d)
{
	const struct journeys *js = &d->journeys;
	int r = ledger_undoubt(d->ledger, js->unbegun, js->n_unbegun, js->noted_at);
	for (const struct journey *j = js->ended; j && r == 0; j = j->next)
		r = settle_one(d, j);
	return pass(r);
}

void deliver_forget_ended(struct deliver *d)
{
	d->journeys.n_unbegun = 0;
	while (d->journeys.ended) {
		struct journey *j = d->journeys.ended;
		d->journeys.ended = j->next;
		journey_free(j);
	}
}

/* --- One transaction --- */

/* What there is to do. */
struct work {
	instant_us now;
	bool asked;     /* for something */
	bool replaying; /* a part of a replay is due */
	bool tidying;
	bool deciding;

	/* What came of it. */
	unsigned decided, moved;
};

/* What was asked for, and a part of each replay. */
static int replay(struct deliver *d, instant_us now, unsigned *moved)
{
	int r = wishes_fulfil(&d->wishes, d->ledger, now);
	return pass(r ?: replays_run(ledger_replays(d->ledger), d->ledger, now, moved));
}

static int is_replaying(struct deliver *d, instant_us now, bool *due)
{
	instant_us at;
	int r = replays_next(ledger_replays(d->ledger), now, &at);
	*due = at && at <= now && !d->disk_is_full;
	return pass(r);
}

static int look_for_work(struct deliver *d, struct work *w)
{
	w->asked = wishes_take(&d->wishes);
	int r = is_replaying(d, w->now, &w->replaying);
	w->tidying = deliver_is_to_tidy(d);
	decider_wait(d->decider, d->disk_is_full);
	w->deciding =
		decider_has_work(d->decider, store_feed_end(d->config.store), w->now, &d->more);
	d->untidy = true;
	d->rests = d->more && !w->deciding;
	return pass(r);
}

static bool has_work(const struct deliver *d, const struct work *w)
{
	return d->journeys.ended || d->journeys.n_unbegun > 0 || w->tidying || w->asked ||
	       w->replaying || w->deciding;
}

static int do_work(struct deliver *d, struct work *w)
{
	int r = settle_all(d);
	if (w->asked || w->replaying)
		r = r ?: replay(d, w->now, &w->moved);
	r = r ?: decider_run(d->decider, w->now, &d->more, &w->decided);
	if (w->tidying)
		r = r ?: deliver_tidy(d, w->now);
	return pass(r ?: deliver_purge(d, w->now, w->tidying));
}

/* Who asked is told of nothing that a power cut could take back. */
static int commit_work(struct deliver *d, struct work *w)
{
	int r = w->asked ? ledger_sync_commits(d->ledger, true) : 0;
	r = r ?: ledger_begin(d->ledger);
	r = r ?: do_work(d, w);
	r = r ?: ledger_commit(d->ledger);
	if (w->asked)
		r = r ?: ledger_sync_commits(d->ledger, false);
	return pass(r);
}

static void after_commit(struct deliver *d, const struct work *w)
{
	wishes_answer(&d->wishes, true);
	deliver_forget_ended(d);
	for (unsigned i = 0; i < d->rules->n_destinations && w->decided > 0; i++)
		if (decider_has_decided_for(d->decider, i))
			lane_set_look(&d->lanes, i);
	if (w->moved > 0 || w->asked || d->released)
		lane_set_look_again(&d->lanes);
	d->released = false;
	if (w->moved > 0 || w->asked)
		d->orphans = MAX(d->orphans, ORPHANS_LATER);
}

int deliver_write(struct deliver *d, instant_us now)
{
	struct work w = { .now = now };
	int r = look_for_work(d, &w);
	if (r < 0 || !has_work(d, &w))
		return pass(r);
	r = commit_work(d, &w);
	if (r < 0)
		return pass(r);
	after_commit(d, &w);
	r = w.tidying ? deliver_show(d) : 0;
	r = r ?: ledger_settle_log(d->ledger, w.tidying);
	return pass(r ?: ledger_scrub(d->ledger, time_monotonic_ms()));
}

static int forget_all_gone(struct deliver *d)
{
	int r = deliver_forget_gone(d);
	for (unsigned i = 1; i < GONE_ROUNDS_MAX && r == 0 && d->more_gone; i++)
		r = deliver_forget_gone(d);
	return pass(r);
}

int deliver_write_last(struct deliver *d)
{
	int r = d->ledger ? 0 : deliver_open_ledger(d);
	r = r ?: ledger_begin(d->ledger);
	r = r ?: settle_all(d);
	r = r ?: forget_all_gone(d);
	r = r ?: decider_save(d->decider, time_now());
	return pass(r ?: ledger_commit(d->ledger));
}
