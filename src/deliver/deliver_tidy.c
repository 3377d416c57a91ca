#include "deliver/deliver_private.h"

#include "base/fail.h"
#include "base/log.h"

#include <sys/statvfs.h>

enum {
	GONE_PER_ROUND = 100,
	FORGOTTEN_PER_ROUND = 500, /* deliveries of theirs */
	PURGED_PER_ROUND = 100,
	RESERVES = 2, /* so much must be free for decisions: the last one is for events */
};

#define KEPT_US (30LL * 24 * 60 * 60 * US_PER_S) /* ended deliveries */

int deliver_forget_gone(struct deliver *d)
{
	struct arena a;
	struct gone_row *rows;
	uint64_t seen;
	unsigned n, i = 0, left = FORGOTTEN_PER_ROUND;
	bool all = true;
	arena_init(&a, 64 * 1024, NULL);
	int r = ledger_gone(d->ledger, &seen);
	r = r ?: store_read_gone(d->reader, &a, seen, GONE_PER_ROUND, &rows, &n);
	while (r == 0 && all && i < n) {
		r = ledger_forget(d->ledger, rows[i].contact, &left, &all);
		i += all;
	}
	if (r == 0 && i > 0)
		r = ledger_set_gone(d->ledger, rows[i - 1].no);
	d->more_gone = r == 0 && (!all || n == GONE_PER_ROUND);
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

static bool is_time(int64_t last_us)
{
	return time_monotonic_us() - last_us >= TIDY_EVERY_US;
}

bool deliver_is_to_tidy(const struct deliver *d)
{
	return is_time(d->tidied_us) || d->more_gone || d->orphans == ORPHANS_MORE;
}

int deliver_tidy(struct deliver *d, instant_us now)
{
	int r = deliver_forget_gone(d);
	r = r ?: end_orphans(d, now);
	r = r ?: orphans_forget_fired(d->ledger, d->rules->catalog, &d->fired);
	look_at_disk(d);
	d->tidied_us = time_monotonic_us();
	d->untidy = d->disk_is_full || d->rules_wait || d->orphans != ORPHANS_NONE ||
		    orphans_have_fired(&d->fired) || ledger_has_to_scrub(d->ledger);
	return pass(r);
}

/* Twice as many as are added, so that they never pile up. */
int deliver_purge(struct deliver *d, instant_us now, bool due)
{
	unsigned limit = due ? PURGED_PER_ROUND : 0;
	for (const struct journey *j = d->journeys.ended; j; j = j->next)
		limit += 2;
	return limit ? pass(ledger_purge(d->ledger, now - KEPT_US, limit)) : 0;
}

/* Not more often than once a second; then a later round does it. */
int deliver_show(struct deliver *d)
{
	const struct view_source from = { d->rules, d->ledger, d->decider, &d->lanes };
	if (!is_time(d->shown_us)) {
		d->untidy = true;
		return 0;
	}
	d->shown_us = time_monotonic_us();
	return pass(view_show(&d->view, &from));
}
