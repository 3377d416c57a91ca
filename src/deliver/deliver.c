#include "deliver/deliver.h"

#include "base/fail.h"
#include "base/log.h"
#include "deliver/decide.h"
#include "deliver/deed.h"
#include "deliver/lane_set.h"
#include "deliver/orphans.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/statvfs.h>

enum {
	WAIT_MAX_MS = 60 * 1000,
	RETRY_MS = 100,     /* after the ledger or the store failed */
	STOP_MS = 5 * 1000, /* for attempts under way */
	GONE_PER_ROUND = 100,
	PURGED_PER_ROUND = 100,
	ANSWER_MAX = 512,
	TIDY_EVERY_US = 1000000,
	WRITE_EVERY_US = 2000, /* the ledger; a commit costs as much for one row as for many */
	REST_US = 20000,       /* instead, while all that there is to decide may wait */
	NICE = 10,
	RESERVES = 2, /* so much must be free for decisions: the last one is for events */
};

#define KEPT_US (30LL * 24 * 60 * 60 * US_PER_S) /* ended deliveries */

struct deliver {
	struct deliver_config config;
	uint64_t since; /* where the feed ended when it was made; UINT64_MAX: not read yet */
	pthread_t thread;
	atomic_uint wakes; /* how often somebody called */
	atomic_bool sleeps, stopping;
	bool running; /* the thread */
	struct wishes wishes;
	struct view_cell view;
	struct http *http;
	void *kept[DESTINATION_TYPES]; /* by senders */

	/* The thread's own. */
	struct ledger *ledger;
	struct store_reader *reader;
	struct decider *decider;
	struct deeds *deeds;
	struct catalog *catalog;
	struct rules *rules;
	struct lane_set lanes;
	struct journeys journeys;
	bool more;                    /* of the feed, at once */
	bool released;                /* what waited for a deed is due */
	bool more_gone;               /* contacts */
	enum orphans_outcome orphans; /* of the last look */
	bool rests;                   /* nothing is to be decided but what may wait */
	bool disk_is_full;
	atomic_bool failed;  /* the last round did */
	bool stale;          /* the rules: there is a newer catalog */
	unsigned wakes_seen; /* when the ledger was written last */
	instant_us written_at;
	bool untidy; /* something may have happened since it was last tidied */
	instant_us tidied_at, shown_at;
};

/* --- The ledger --- */

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
	int r = ledger_settle(d->ledger, &row, &attempt);
	if (r == 0 && a->outcome == ATTEMPT_DISABLE)
		r = ledger_silence(d->ledger, a->destination->no, a->destination->declared_at);
	return r < 0 ? pass(r) : release(d, &row);
}

static int settle_all(struct deliver *d)
{
	int r = 0;
	for (const struct journey *j = d->journeys.ended; j && r == 0; j = j->next)
		r = settle_one(d, j);
	return pass(r);
}

static void forget_ended(struct deliver *d)
{
	while (d->journeys.ended) {
		struct journey *j = d->journeys.ended;
		d->journeys.ended = j->next;
		journey_free(j);
	}
}

/* Who was deleted leaves the ledger too. */
static int forget_gone(struct deliver *d)
{
	struct arena a;
	struct gone_row *rows;
	uint64_t seen;
	unsigned n;
	arena_init(&a, 64 * 1024, NULL);
	int r = ledger_gone(d->ledger, &seen);
	r = r ?: store_read_gone(d->reader, &a, seen, GONE_PER_ROUND, &rows, &n);
	for (unsigned i = 0; r == 0 && i < n; i++)
		r = ledger_forget(d->ledger, rows[i].contact);
	if (r == 0 && n > 0)
		r = ledger_set_gone(d->ledger, rows[n - 1].no);
	d->more_gone = r == 0 && n == GONE_PER_ROUND;
	arena_fini(&a);
	return pass(r);
}

static int end_orphans(struct deliver *d, instant_us now)
{
	if (d->orphans == ORPHANS_NONE)
		return 0;
	int r = orphans_end(d->ledger, d->rules, &d->lanes, now);
	d->orphans = r < 0 ? ORPHANS_LATER : (enum orphans_outcome)r;
	d->released |= r == ORPHANS_MORE;
	return r < 0 ? pass(r) : 0;
}

/* Events wait on the feed meanwhile, and what has been decided goes out. */
static void look_at_disk(struct deliver *d)
{
	struct statvfs v;
	bool full = statvfs(d->config.dir, &v) == 0 &&
		    (uint64_t)v.f_bavail * v.f_frsize < RESERVES * d->config.reserve_bytes;
	if (full != d->disk_is_full)
		log_warning(full ? "deliveries_wait_for_disk" : "deliveries_have_disk");
	d->more |= d->disk_is_full && !full; /* what has come meanwhile */
	d->disk_is_full = full;
}

static int tidy(struct deliver *d, instant_us now)
{
	int r = forget_gone(d);
	r = r ?: end_orphans(d, now);
	look_at_disk(d);
	d->tidied_at = now;
	d->untidy = d->disk_is_full || d->orphans != ORPHANS_NONE;
	return pass(r);
}

/* Twice as many as are added, so that they never pile up. */
static int purge(struct deliver *d, instant_us now, bool due)
{
	unsigned limit = due ? PURGED_PER_ROUND : 0;
	for (const struct journey *j = d->journeys.ended; j; j = j->next)
		limit += 2;
	return limit ? pass(ledger_purge(d->ledger, now - KEPT_US, limit)) : 0;
}

/* Not more often than once a second; then a later round does it. */
static int show(struct deliver *d, instant_us now)
{
	const struct view_source from = { d->rules, d->ledger, d->decider, &d->lanes };
	if (llabs(now - d->shown_at) < TIDY_EVERY_US) {
		d->untidy = true;
		return 0;
	}
	d->shown_at = now;
	return pass(view_show(&d->view, &from));
}

struct deliver_view *deliver_view(struct deliver *d)
{
	return view_cell_get(&d->view);
}

bool deliver_is_well(const struct deliver *d)
{
	return !atomic_load(&d->failed);
}

/* --- One transaction --- */

/* What was asked for, and a part of each replay. */
static int replay(struct deliver *d, instant_us now, unsigned *moved)
{
	int r = wishes_fulfil(&d->wishes, d->ledger, now);
	return pass(r ?: replays_run(ledger_replays(d->ledger), d->ledger, now, moved));
}

static int is_replaying(struct deliver *d, instant_us now, bool *due)
{
	instant_us at;
	int r = replays_next(ledger_replays(d->ledger), &at);
	*due = at && at <= now && !d->disk_is_full;
	return pass(r);
}

/* One transaction, which costs a sync only if something came of it. */
static int write_ledger(struct deliver *d, instant_us now)
{
	unsigned decided = 0, moved = 0;
	bool asked = wishes_take(&d->wishes), replaying;
	int r = is_replaying(d, now, &replaying);
	bool due = llabs(now - d->tidied_at) >= TIDY_EVERY_US || d->more_gone ||
		   d->orphans == ORPHANS_MORE;
	bool deciding = decider_has_work(d->decider, store_feed_end(d->config.store), &d->more) &&
			!d->disk_is_full;
	d->untidy = true;
	d->rests = d->more && !deciding;
	if (r < 0 || (!d->journeys.ended && !due && !asked && !replaying && !deciding))
		return pass(r);
	r = asked ? ledger_sync_commits(d->ledger, true) : 0;
	r = r ?: ledger_begin(d->ledger);
	r = r ?: settle_all(d);
	if (asked || replaying)
		r = r ?: replay(d, now, &moved);
	if (!d->disk_is_full)
		r = r ?: decider_run(d->decider, now, &d->more, &decided);
	if (due)
		r = r ?: tidy(d, now);
	r = r ?: purge(d, now, due);
	r = r ?: ledger_commit(d->ledger);
	if (asked)
		r = r ?: ledger_sync_commits(d->ledger, false);
	if (r < 0)
		return pass(r);
	wishes_answer(&d->wishes, true);
	forget_ended(d);
	if (decided > 0 || moved > 0 || asked || d->released)
		lane_set_look_again(&d->lanes);
	d->released = false;
	if (moved > 0 || asked)
		d->orphans = MAX(d->orphans, ORPHANS_LATER);
	r = due ? show(d, now) : 0;
	return pass(r ?: ledger_settle_log(d->ledger, due));
}

/* --- Rounds --- */

static void refresh_senders(struct deliver *d)
{
	for (unsigned i = 0; i < DESTINATION_TYPES; i++)
		if (senders[i]->refresh)
			senders[i]->refresh(d->kept[i], d->rules);
}

static int take_rules(struct deliver *d)
{
	uint64_t before = d->catalog ? d->catalog->version : 0;
	struct rules *fresh;
	catalog_refresh(store_catalog(d->config.store), &d->catalog);
	d->stale |= !d->rules || d->catalog->version != before;
	if (!d->stale)
		return 0;
	int r = rules_new(d->catalog, &fresh);
	if (r < 0)
		return pass(r);
	r = decider_take(d->decider, fresh);
	r = r ?: lane_set_fit(&d->lanes, fresh, d->ledger, &d->journeys);
	if (r < 0) {
		rules_unref(fresh);
		return pass(r);
	}
	rules_unref(d->rules);
	d->rules = fresh;
	d->orphans = ORPHANS_LATER;
	d->stale = false;
	refresh_senders(d);
	return 0;
}

/* What ends meanwhile makes room for what is loaded; the ledger can wait a little. */
static int64_t pace_us(const struct deliver *d)
{
	return d->rests && !d->journeys.ended ? REST_US : WRITE_EVERY_US;
}

static bool is_time_to_write(const struct deliver *d, instant_us now)
{
	return llabs(now - d->written_at) >= pace_us(d);
}

static int write_and_load(struct deliver *d, instant_us now)
{
	d->wakes_seen = atomic_load(&d->wakes);
	int r = take_rules(d);
	r = r ?: write_ledger(d, now);
	r = r ?: lane_set_load(&d->lanes, d->rules, d->ledger, now);
	d->written_at = time_now();
	return pass(r);
}

/* What may fail now and succeed later. */
static int open_ledger(struct deliver *d)
{
	uint64_t end = d->since, origin;
	int r = d->reader ? 0 : store_reader_open(d->config.store, &d->reader);
	if (end == UINT64_MAX)
		r = r ?: store_read_feed_end(d->reader, &end);
	if (r == 0)
		d->since = end;
	r = r ?: ledger_open(d->config.dir, &d->ledger);
	r = r ?: ledger_origin(d->ledger, end, &origin);
	r = r ?: decider_new(d->ledger, d->reader, origin, WAITING_MAX, &d->decider);
	d->stale = true;
	lane_set_look_again(&d->lanes);
	return pass(r);
}

static void close_ledger(struct deliver *d)
{
	decider_free(steal(&d->decider));
	ledger_close(steal(&d->ledger));
}

static int round_once(struct deliver *d)
{
	instant_us now = time_now();
	int r = d->ledger ? 0 : open_ledger(d);
	if (r == 0 && is_time_to_write(d, now))
		r = write_and_load(d, now);
	if (r < 0)
		return pass(r);
	d->journeys.reader = d->reader;
	d->journeys.ledger = d->ledger;
	d->journeys.rules = d->rules;
	return pass(lane_set_move(&d->lanes, d->rules, &d->journeys, time_now()));
}

/* Nothing is lost by it: the ledger is as it was, and what has ended is still known. */
static void after_failure(struct deliver *d)
{
	if (!d->failed) /* for as long as it lasts it is said once */
		log_error("delivery_round_failed", LOG_S("cause", fail_text()));
	if (d->ledger)
		ledger_abandon(d->ledger);
	close_ledger(d);
	wishes_take(&d->wishes);
	wishes_answer(&d->wishes, false);
	d->written_at = 0;
}

/* The call to stop may have been seen as one to write. */
static bool has_to_write(const struct deliver *d)
{
	return d->more || d->more_gone || d->orphans == ORPHANS_MORE || d->journeys.ended ||
	       atomic_load(&d->stopping) || atomic_load(&d->wakes) != d->wakes_seen;
}

static int milliseconds_until(const struct deliver *d)
{
	instant_us now = time_now(), at = now + WAIT_MAX_MS * 1000LL;
	if (has_to_write(d))
		at = d->written_at + pace_us(d);
	else if (d->untidy)
		at = d->tidied_at + TIDY_EVERY_US;
	instant_us replay_at;
	if (!d->disk_is_full && replays_next(ledger_replays(d->ledger), &replay_at) == 0 &&
	    replay_at)
		at = MIN(at, MAX(replay_at, d->written_at + pace_us(d)));
	if (d->rules)
		at = MIN(at, MAX(lane_set_wake_at(&d->lanes, d->rules, now),
				 d->written_at + pace_us(d)));
	return at <= now ? 0 : (int)((at - now) / 1000 + 1);
}

/* For attempts to end, or to be woken. */
static void wait(struct deliver *d, int timeout_ms)
{
	http_run(d->http, timeout_ms);
	deeds_come_home(d->deeds);
}

/* Who will write soon anyway need not be called. */
static void sleep_until_called(struct deliver *d)
{
	atomic_store(&d->sleeps, !d->failed && !has_to_write(d));
	int timeout_ms = d->failed ? RETRY_MS : milliseconds_until(d);
	wait(d, timeout_ms);
	atomic_store(&d->sleeps, false);
}

static void finish(struct deliver *d)
{
	int64_t until = time_monotonic_ms() + STOP_MS;
	while (d->journeys.n_under_way > 0 && time_monotonic_ms() < until)
		wait(d, 100);
	int r = d->ledger ? ledger_begin(d->ledger) : fail(-EIO, "the ledger is closed");
	r = r ?: settle_all(d);
	r = r ?: decider_save(d->decider, time_now());
	r = r ?: ledger_commit(d->ledger);
	if (r < 0)
		after_failure(d);
	forget_ended(d);
	wishes_close(&d->wishes);
}

static void note_round(struct deliver *d, int r)
{
	if (r < 0)
		after_failure(d);
	else if (d->failed)
		log_info("deliveries_go_on");
	d->failed = r < 0;
}

static void *deliver_main(void *arg)
{
	struct deliver *d = arg;
	/* Ingestion comes first where there are too few cores for both. */
	if (setpriority(PRIO_PROCESS, 0, NICE) < 0)
		log_warning("delivery_priority", LOG_S("cause", strerror(errno)));
	while (!atomic_load(&d->stopping)) {
		note_round(d, round_once(d));
		sleep_until_called(d);
	}
	finish(d);
	return NULL;
}

void deliver_wake(struct deliver *d)
{
	atomic_fetch_add(&d->wakes, 1);
	if (atomic_load(&d->sleeps))
		http_wake(d->http);
}

bool deliver_ask(struct deliver *d, struct wish *w)
{
	if (!wishes_add(&d->wishes, w))
		return false;
	deliver_wake(d);
	return true;
}

/* --- Life --- */

static int open_senders(struct deliver *d)
{
	int r = 0;
	for (unsigned i = 0; i < DESTINATION_TYPES && r == 0; i++)
		if (senders[i]->open)
			r = senders[i]->open(d->http, &d->kept[i]);
	return pass(r);
}

static void close_senders(struct deliver *d)
{
	for (unsigned i = 0; i < DESTINATION_TYPES; i++)
		if (d->kept[i])
			senders[i]->close(d->kept[i]);
}

static int open_parts(struct deliver *d)
{
	int r = http_new(&d->http);
	d->journeys = (struct journeys){ .dir = d->config.dir, .http = d->http, .kept = d->kept };
	return pass(r ?: open_senders(d));
}

void deliver_free(struct deliver *d)
{
	if (!d)
		return;
	deeds_free(d->deeds);
	close_senders(d); /* drop what is under way, as does the next */
	http_free(d->http);
	lane_set_free(&d->lanes);
	close_ledger(d);
	rules_unref(d->rules);
	catalog_unref(d->catalog);
	store_reader_close(d->reader);
	view_cell_fini(&d->view);
	wishes_fini(&d->wishes);
	free(d);
}

int deliver_new(const struct deliver_config *config, struct deliver **out)
{
	struct deliver *d = calloc(1, sizeof(*d));
	if (!d)
		return fail(-ENOMEM, "deliveries");
	d->config = *config;
	wishes_init(&d->wishes);
	view_cell_init(&d->view);
	d->since = UINT64_MAX;
	int r = open_parts(d);
	/* Here, so that all events from now on are behind the automations that there are. */
	if (r == 0)
		note_round(d, open_ledger(d) ?: take_rules(d));
	if (r < 0) {
		deliver_free(d);
		return pass(r);
	}
	*out = d;
	return 0;
}

int deliver_start(struct deliver *d, const struct deliver_commits *commits)
{
	int r = deeds_new(commits, d->http, &d->deeds);
	d->journeys.deeds = d->deeds;
	if (r == 0 && (r = -pthread_create(&d->thread, NULL, deliver_main, d)) < 0)
		r = fail(r, "starting the delivering thread");
	if (r < 0) {
		wishes_close(&d->wishes);
		return pass(r);
	}
	d->running = true;
	pthread_setname_np(d->thread, "deliver");
	return 0;
}

void deliver_stop(struct deliver *d)
{
	if (!d || !d->running)
		return;
	atomic_store(&d->stopping, true);
	deliver_wake(d);
	pthread_join(d->thread, NULL);
	d->running = false;
}
