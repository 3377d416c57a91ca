/* A decider beside a real store, whose events it asks about, and its ledger; with a clock of its own. */
#pragma once

#include "deliver/decide.h"

#include "../store/fixture.h"

#include <sys/syscall.h>
#include <time.h>

#define CRM     "{\"name\":\"crm\",\"type\":\"webhook\",\"url\":\"https://crm.example/in\"}"
#define LOG     "{\"name\":\"log\",\"type\":\"file\",\"path\":\"log\"}"
#define RULE    "{\"name\":\"r\",\"actions\":[{\"send\":\"crm\"}]}"
#define ONCE    "{\"name\":\"r\",\"once_per_contact\":true,\"actions\":[{\"send\":\"crm\"}]}"
#define COOL    "{\"name\":\"r\",\"cooldown_seconds\":60,\"actions\":[{\"send\":\"crm\"}]}"
#define DELAYED "{\"name\":\"r\",\"delay_seconds\":3600,\"actions\":[{\"send\":\"crm\"}]}"
#define PAUSED  "{\"name\":\"r\",\"paused\":true,\"actions\":[{\"send\":\"crm\"}]}"
#define FRESH                                                                         \
	"{\"name\":\"r\",\"actions\":[{\"send\":\"crm\"}],\"conditions\":{\"field\":" \
	"\"event.received_at\",\"operator\":\"within_last\",\"value\":60}}"
#define ABOUT                                                                         \
	"{\"name\":\"r\",\"actions\":[{\"send\":\"crm\"}],\"conditions\":{\"field\":" \
	"\"contact.email\",\"operator\":\"exists\"}}"
#define OFTEN                                                                         \
	"{\"name\":\"r\",\"actions\":[{\"send\":\"crm\"}],\"conditions\":{\"count\":" \
	"true,\"within_seconds\":60,\"operator\":\"gte\",\"value\":1}}"
#define RICH                                                                          \
	"{\"name\":\"r\",\"actions\":[{\"send\":\"crm\"}],\"conditions\":{\"field\":" \
	"\"properties.total\",\"operator\":\"gte\",\"value\":2}}"

enum { MOST = 400, RUN = 500 }; /* that may wait; events of one run */

/* The monotonic clock, and the processor time of the thread. */
static int64_t monotonic_us = 1000000, used_us;

/* In the place of libc's, for the whole program. */
int clock_gettime(clockid_t id, struct timespec *out)
{
	int64_t us = id == CLOCK_MONOTONIC ? monotonic_us : used_us;
	if (id != CLOCK_MONOTONIC && id != CLOCK_THREAD_CPUTIME_ID)
		return (int)syscall(SYS_clock_gettime, id, out);
	*out = (struct timespec){ us / US_PER_S, us % US_PER_S * 1000 };
	return 0;
}

struct world {
	struct fixture f;
	struct ledger *ledger;
	struct decider *decider;
	struct rules *rules;
	uint64_t origin;
};

static inline void open_world(struct world *w)
{
	memset(w, 0, sizeof(*w));
	fixture_begin(&w->f);
	fixture_provision(&w->f);
	assert_done(ledger_open(w->f.dir, &w->ledger));
	assert_done(ledger_origin(w->ledger, 0, &w->origin));
	assert_done(decider_new(w->ledger, w->f.reader, w->origin, MOST, &w->decider));
}

static inline void close_world(struct world *w)
{
	decider_free(w->decider);
	rules_unref(w->rules);
	ledger_close(w->ledger);
	fixture_end(&w->f);
}

static inline uint32_t declare(struct world *w, enum document_kind kind, const char *name,
			       const char *body)
{
	clock_us += 1000;
	return fixture_declare(&w->f, DOCUMENT_MUST_BE_NEW, kind, name, body);
}

static inline void change(struct world *w, const char *body)
{
	clock_us += 1000;
	fixture_declare(&w->f, DOCUMENT_MUST_EXIST, DOCUMENT_AUTOMATION, "r", body);
}

static inline void event(struct world *w, const char *email, const char *properties)
{
	struct op op = fixture_op(&w->f, email);
	op.properties = str_of(properties);
	clock_us += 1000;
	assert_int_equal(fixture_apply(&w->f, &op), STORE_OK);
}

static inline void take(struct world *w)
{
	CLEANUP(catalog_unref) struct catalog *c = NULL;
	rules_unref(w->rules);
	catalog_refresh(store_catalog(w->f.store), &c);
	assert_done(rules_new(c, NULL, &w->rules));
	assert_done(decider_take(w->decider, w->rules));
}

/* With one rule, "r", and the destination that it sends to. */
static inline void open_with(struct world *w, const char *rule)
{
	open_world(w);
	declare(w, DOCUMENT_DESTINATION, "crm", CRM);
	declare(w, DOCUMENT_AUTOMATION, "r", rule);
	take(w);
}

static inline unsigned run_a_turn(struct world *w, bool *more)
{
	unsigned decided;
	assert_done(ledger_begin(w->ledger));
	assert_done(decider_run(w->decider, clock_us, more, &decided));
	assert_done(ledger_commit(w->ledger));
	return decided;
}

/* Until there is no more; how many deliveries came of it. */
static inline unsigned run(struct world *w)
{
	unsigned all = 0;
	bool more = true;
	while (more)
		all += run_a_turn(w, &more);
	return all;
}
