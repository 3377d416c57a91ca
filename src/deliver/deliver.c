#include "deliver/deliver_private.h"

#include "base/fail.h"
#include "base/log.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>

enum {
	STOP_MS = 5 * 1000, /* for attempts under way */
	NICE = 10,
};

/* --- The thread --- */

/* For attempts to end, or to be woken. */
static void wait(struct deliver *d, int timeout_ms)
{
	http_run(d->http, timeout_ms);
	deeds_come_home(d->deeds);
}

/* Who will write soon anyway need not be called. */
static void sleep_until_called(struct deliver *d)
{
	atomic_store(&d->sleeps, !d->failed && !deliver_has_to_write(d));
	wait(d, deliver_ms_to_next(d));
	atomic_store(&d->sleeps, false);
}

static void finish(struct deliver *d)
{
	int64_t until = time_monotonic_ms() + STOP_MS;
	while (d->journeys.n_under_way > 0 && time_monotonic_ms() < until)
		wait(d, 100);
	if (deliver_write_last(d) < 0)
		deliver_after_failure(d);
	deliver_forget_ended(d);
	wishes_close(&d->wishes);
}

static void *deliver_main(void *arg)
{
	struct deliver *d = arg;
	/* Ingestion comes first where there are too few cores for both. */
	if (setpriority(PRIO_PROCESS, 0, NICE) < 0)
		log_warning("delivery_priority", LOG_S("cause", strerror(errno)));
	while (!atomic_load(&d->stopping)) {
		deliver_round(d);
		sleep_until_called(d);
	}
	finish(d);
	return NULL;
}

/* --- Other threads --- */

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

struct deliver_view *deliver_view(struct deliver *d)
{
	return view_cell_get(&d->view);
}

bool deliver_is_well(const struct deliver *d)
{
	return !atomic_load(&d->failed);
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
	journeys_init(&d->journeys, d->config.dir, d->http, d->kept);
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
	deliver_close_ledger(d);
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
	d->rules_memory.max = 2 * RULES_MEMORY_MAX;
	int r = open_parts(d);
	/* Here, so that all events from now on are behind the automations that there are. */
	if (r == 0)
		deliver_open(d);
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
		d->failed = true; /* nobody is there to mend it */
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
	http_wake(d->http); /* also from the pause after a round that failed */
	pthread_join(d->thread, NULL);
	d->running = false;
}
