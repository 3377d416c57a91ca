#include "deliver/lane.h"

#include "base/fail.h"
#include "base/uuid.h"

#include <errno.h>

enum {
	MEMORY_MAX = 1024 * 1024,
	TOGETHER_US = 20000, /* what is so close is begun at once: a wake each would cost more */
	WAIT_US = 60 * US_PER_S, /* until what cannot be tried now is looked at again */
};

void lane_init(struct lane *l, uint32_t destination, void *owner)
{
	*l = (struct lane){ .destination = destination, .owner = owner, .look = true };
	arena_init(&l->memory, MEMORY_MAX, NULL);
}

void lane_fini(struct lane *l)
{
	arena_fini(&l->memory);
}

/* --- What is due --- */

/* Itself, or where the order counts another of its contact: what is replayed may have a smaller
 * number than one that is under way. It is looked for again when that has ended. */
static bool is_under_way(const struct lane *l, const struct delivery *d, bool ordered)
{
	for (const struct journey *j = l->journeys; j; j = j->next)
		if (j->delivery.no == d->no || (ordered && j->delivery.contact == d->contact))
			return true;
	return false;
}

/* Here, where what has ended is in the ledger: one that is under way now may have ended before its
 * turn comes, and would be begun again. */
static void leave_out_what_is_under_way(struct lane *l, bool ordered)
{
	unsigned kept = 0;
	for (unsigned i = 0; i < l->n; i++)
		if (!is_under_way(l, &l->rows[i], ordered))
			l->rows[kept++] = l->rows[i];
	l->n = kept;
}

/* Where to go on: behind what was loaded. A contact's next may stand anywhere, so then it is from the
 * start; and also with nothing under way. */
static struct due_place start_of(const struct lane *l, const struct destination *d)
{
	return d->ordered || !l->journeys ? (struct due_place){ 0 } : l->place;
}

/* A look that is begun is gone on with to its end, page by page: so all are found, however many of
 * those that come first are under way or have others of their contact before them. */
static int look(struct lane *l, const struct destination *d, struct ledger *ledger, instant_us now)
{
	const struct due_query q = {
		.destination = l->destination,
		.behind = l->more ? l->place : start_of(l, d),
		.now = now,
		.first = d->ordered,
		.limit = LANE_LOADED_MAX,
	};
	struct due_page page;
	int r = ledger_due(ledger, &l->memory, &q, &page);
	if (r < 0)
		return pass(r);
	l->rows = page.rows;
	l->n = page.n;
	l->look &= l->more;
	l->more = page.more;
	l->place = page.end;
	struct due_place later = { now, INT64_MAX };
	return pass(ledger_next_due(ledger, l->destination, later, &l->next_due));
}

static void load_anew(struct lane *l)
{
	l->next = l->n;
	l->place = (struct due_place){ 0 };
	l->more = false;
	l->look = true;
	l->n_ended = 0;
}

/* One step each, where a look may have to go past all that waits for them. */
static int load_next_of_ended(struct lane *l, struct ledger *ledger, instant_us now)
{
	int r = 0;
	l->rows = arena_array(&l->memory, struct delivery, l->n_ended);
	if (!l->rows)
		return fail(-ENOMEM, "deliveries that are next");
	for (unsigned i = 0; i < l->n_ended && r == 0; i++) {
		struct delivery *d = &l->rows[l->n];
		bool found;
		r = ledger_first_of(ledger, l->destination, l->ended[i], d, &found);
		l->n += r == 0 && found && d->due_at <= now;
	}
	l->n_ended = 0;
	return pass(r);
}

static bool wants_to_look(const struct lane *l)
{
	return l->look || l->more;
}

/* They take turns, so that neither holds the other up. */
static int load(struct lane *l, const struct destination *d, struct ledger *ledger, bool to_look,
		instant_us now)
{
	l->ended_last = l->n_ended > 0 && !(to_look && l->ended_last);
	int r = l->ended_last ? load_next_of_ended(l, ledger, now) : look(l, d, ledger, now);
	if (r < 0)
		return pass(r);
	leave_out_what_is_under_way(l, d->ordered);
	if (l->n == 0)
		arena_reset(&l->memory);
	return 0;
}

static void nothing_waits(struct lane *l)
{
	load_anew(l);
	l->look = false;
	l->next_due = 0;
}

int lane_load(struct lane *l, const struct destination *d, struct ledger *ledger, instant_us now)
{
	if (l->place.due_at > now) /* the clock was set back: what is decided now is before that */
		l->place = (struct due_place){ 0 };
	bool to_look = wants_to_look(l) || (l->next_due && l->next_due <= now);
	if (l->disabled || l->next < l->n || (!to_look && l->n_ended == 0))
		return 0;
	arena_reset(&l->memory);
	l->next = l->n = 0;
	if (ledger_count(ledger, l->destination, DELIVERY_PENDING) > 0)
		return pass(load(l, d, ledger, to_look, now));
	nothing_waits(l);
	return 0;
}

/* --- What may be begun --- */

static bool is_broken(const struct lane *l)
{
	return l->failures >= LANE_BREAKS_AFTER;
}

enum lane_state lane_state(const struct lane *l)
{
	if (l->disabled)
		return LANE_DISABLED;
	return is_broken(l) ? LANE_BROKEN : LANE_OPEN;
}

/* Turns are spread over the second. Counting within seconds of the clock would let twice as many go
 * around the end of one, and a vendor that counts otherwise refuse half of them. */
static int64_t gap_us(const struct destination *d)
{
	unsigned n = d->requests_per_second;
	return n ? (US_PER_S + n - 1) / n : 0;
}

static int64_t together_us(const struct destination *d)
{
	int64_t gap = gap_us(d);
	return gap ? TOGETHER_US / gap * gap : 0;
}

static bool is_its_turn(struct lane *l, const struct destination *d, instant_us now)
{
	if (l->turn_at > now + together_us(d) + gap_us(d)) /* the clock, or the rate, was changed */
		l->turn_at = now;
	return l->turn_at <= now + together_us(d);
}

/* What is further ahead than it can be was noted before the clock was set back. */
static instant_us not_before(instant_us at, int64_t most_s, instant_us now)
{
	return at > now + most_s * US_PER_S ? 0 : at;
}

static instant_us held_until(const struct lane *l, instant_us now)
{
	return not_before(l->held_until, DESTINATION_RETRY_MAX_S, now);
}

static instant_us try_at(const struct lane *l, instant_us now)
{
	return not_before(l->try_at, LANE_PAUSE_MAX_S, now);
}

static bool has_room(struct lane *l, const struct destination *d, instant_us now)
{
	if (now < held_until(l, now) || !is_its_turn(l, d, now))
		return false;
	if (is_broken(l))
		return l->n_busy == 0 && now >= try_at(l, now);
	return l->n_busy < d->concurrency;
}

const struct delivery *lane_next(struct lane *l, const struct destination *d, instant_us now)
{
	if (l->disabled || l->next == l->n || !has_room(l, d, now))
		return NULL;
	return &l->rows[l->next];
}

void lane_begun(struct lane *l, struct journey *j, instant_us now)
{
	must(l->next < l->n);
	l->next++;
	l->turn_at = MAX(l->turn_at, now) + gap_us(j->attempt.destination);
	l->n_busy++;
	j->next = l->journeys;
	l->journeys = j;
}

/* --- What came of it --- */

static void take_out(struct lane *l, const struct journey *j)
{
	struct journey **at = &l->journeys;
	while (*at != j)
		at = &(*at)->next;
	*at = j->next;
	l->n_busy--;
}

/* Nothing went out. */
static void give_turn_back(struct lane *l, const struct journey *j)
{
	l->turn_at -= gap_us(j->attempt.destination);
}

void lane_taken_back(struct lane *l, struct journey *j)
{
	take_out(l, j);
	give_turn_back(l, j);
	load_anew(l);
}

void lane_refresh(struct lane *l, const struct destination *d)
{
	l->look = true;
	if (l->declared_at == d->declared_at)
		return;
	load_anew(l);
	l->declared_at = d->declared_at;
	l->disabled = d->disabled;
	l->failures = 0;
	l->held_until = 0;
}

/* A tenth more or less, so that those which failed together do not come back together. */
static instant_us jittered(uint32_t seconds)
{
	struct uuid random = uuid_v4();
	int64_t tenth = (int64_t)seconds * US_PER_S / 10;
	int64_t part = (int64_t)random.b[0] << 8 | random.b[1]; /* 0..65535 */
	return (int64_t)seconds * US_PER_S + tenth * (2 * part - 65535) / 65535;
}

static void try_again(struct delivery *d, const struct attempt *a, instant_us now)
{
	unsigned n = d->attempts - d->tried - 1; /* pauses begin behind the first attempt */
	if (n >= a->destination->n_retries) {
		d->state = DELIVERY_DEAD;
		return;
	}
	instant_us pause = jittered(a->destination->retry_s[n]);
	if (a->retry_after_s > 0)
		pause = MAX(pause, MIN(a->retry_after_s, DESTINATION_RETRY_MAX_S) * US_PER_S);
	d->due_at = now + pause;
}

static void settle(struct delivery *d, const struct attempt *a, instant_us now)
{
	d->attempts += a->outcome != ATTEMPT_WAIT;
	d->status = a->status;
	d->answer = a->answer;
	d->note = a->note;
	d->doubt_at = d->doubt_at ?: a->doubtful ? a->now : 0;
	if (a->outcome == ATTEMPT_DELIVERED) {
		d->state = DELIVERY_DONE;
		d->doubt_at = 0; /* known by now: whoever replays it begins anew */
	} else if (a->outcome == ATTEMPT_RETRY)
		try_again(d, a, now);
	else if (a->outcome == ATTEMPT_DEAD)
		d->state = DELIVERY_DEAD;
	else if (a->outcome == ATTEMPT_WAIT)
		d->due_at = now + WAIT_US;
	else
		d->due_at = now; /* it waits until somebody enables the destination again */
	d->ended_at = d->state == DELIVERY_PENDING ? 0 : now;
}

static void hold(struct lane *l, int64_t seconds, instant_us now)
{
	instant_us until = now + MIN(seconds, DESTINATION_RETRY_MAX_S) * US_PER_S;
	l->held_until = MAX(l->held_until, until);
}

/* It was begun before the destination was changed. */
static bool is_of_before(const struct lane *l, const struct attempt *a)
{
	return a->destination->declared_at != l->declared_at;
}

/* What those who were asked are like now; of whom was asked before, nothing is said. */
static void note_health(struct lane *l, const struct attempt *a, instant_us now)
{
	if (a->unasked || is_of_before(l, a))
		return;
	if (a->hold)
		hold(l, a->retry_after_s, now);
	if (a->outcome != ATTEMPT_RETRY && !a->doubtful) {
		l->failures = 0;
		l->disabled |= a->outcome == ATTEMPT_DISABLE;
		return;
	}
	l->failures++;
	if (!is_broken(l))
		return;
	unsigned doublings = MIN(l->failures - LANE_BREAKS_AFTER, 6U);
	l->try_at = now + (instant_us)MIN(1U << doublings, LANE_PAUSE_MAX_S) * US_PER_S;
}

/* So many at once that a look is as good are looked for so. */
static void note_ended(struct lane *l, uint64_t contact)
{
	for (unsigned i = 0; i < l->n_ended; i++)
		if (l->ended[i] == contact)
			return;
	if (l->n_ended < LANE_ENDED_MAX)
		l->ended[l->n_ended++] = contact;
	else
		l->look = true;
}

void lane_ended(struct lane *l, struct journey *j, instant_us now)
{
	struct delivery *d = &j->delivery;
	take_out(l, j);
	if (j->attempt.unasked && !j->attempt.made)
		give_turn_back(l, j);
	l->look |= is_of_before(l, &j->attempt);
	if (j->attempt.destination->ordered)
		note_ended(l, d->contact);
	settle(d, &j->attempt, now);
	note_health(l, &j->attempt, now);
	if (d->state == DELIVERY_PENDING && (!l->next_due || d->due_at < l->next_due))
		l->next_due = d->due_at;
}

instant_us lane_wakes_at(const struct lane *l, const struct destination *d, instant_us now)
{
	bool loaded = l->next < l->n, look = wants_to_look(l) || l->n_ended > 0;
	instant_us held = held_until(l, now), ready = loaded || look ? now : l->next_due;
	if (l->disabled || !ready)
		return 0;
	if (is_broken(l))
		return l->n_busy || l->no_room ? 0 : MAX(MAX(try_at(l, now), held), ready);
	if (!loaded)
		return ready;
	if (now < held)
		return held;
	if (d->requests_per_second && l->turn_at > now + together_us(d))
		return l->turn_at;
	return 0; /* room comes with the end of an attempt */
}
