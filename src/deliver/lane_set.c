#include "deliver/lane_set.h"

#include "base/fail.h"

#include <errno.h>
#include <stdlib.h>

enum {
	MOVE_US = 20000,
	TURN_US = 2000, /* a group's */
};

static const struct lane *lane_at(const void *slot)
{
	return *(struct lane *const *)slot;
}

static int by_destination(const void *a, const void *b)
{
	uint32_t x = lane_at(a)->destination, y = lane_at(b)->destination;
	return (x > y) - (x < y);
}

static int by_rank(const void *a, const void *b)
{
	unsigned x = lane_at(a)->rank, y = lane_at(b)->rank;
	return (x > y) - (x < y);
}

static void sort(struct lane_set *l, int (*order)(const void *a, const void *b))
{
	if (l->n > 0)
		qsort(l->list, l->n, sizeof(struct lane *), order);
}

/* Among the first n, which are sorted by destination. */
static struct lane *search(const struct lane_set *l, unsigned n, uint32_t destination)
{
	const struct lane wanted = { .destination = destination };
	const struct lane *key = &wanted;
	struct lane **slot =
		n ? bsearch(&key, l->list, n, sizeof(struct lane *), by_destination) : NULL;
	return slot ? *slot : NULL;
}

/* Of no rank yet. There is room for it. */
static int add(struct lane_set *l, const struct destination *to, struct ledger *ledger,
	       struct journeys *journeys)
{
	instant_us silenced_at;
	int r = ledger_silenced(ledger, to->no, &silenced_at);
	struct lane *lane = r < 0 ? NULL : calloc(1, sizeof(*lane));
	if (!lane)
		return r < 0 ? pass(r) : fail(-ENOMEM, "a destination");
	lane_init(lane, to->no, journeys);
	lane_refresh(lane, to);
	lane->disabled |= silenced_at == to->declared_at;
	lane->rank = UINT32_MAX;
	l->list[l->n++] = lane;
	return 0;
}

static int make_room(struct lane_set *l, unsigned more)
{
	/* NOLINTNEXTLINE(bugprone-sizeof-expression): pointers are what is kept */
	struct lane **longer = reallocarray(l->list, (size_t)l->n + more + 1, sizeof(*longer));
	if (!longer)
		return fail(-ENOMEM, "destinations");
	l->list = longer;
	return 0;
}

/* Those that there are not yet are added behind. */
static int complete(struct lane_set *l, const struct rules *rules, struct ledger *ledger,
		    struct journeys *journeys)
{
	unsigned known = l->n;
	int r = make_room(l, rules->n_destinations);
	sort(l, by_destination);
	for (unsigned i = 0; i < rules->n_destinations && r == 0; i++)
		if (!search(l, known, rules->destinations[i].no))
			r = add(l, &rules->destinations[i], ledger, journeys);
	return pass(r);
}

static void rank(struct lane_set *l, const struct rules *rules)
{
	sort(l, by_destination);
	for (unsigned i = 0; i < l->n; i++)
		l->list[i]->rank = UINT32_MAX;
	for (unsigned i = 0; i < rules->n_destinations; i++) {
		struct lane *lane = search(l, l->n, rules->destinations[i].no);
		must(lane); /* complete() has added it */
		lane->rank = i;
		lane_refresh(lane, &rules->destinations[i]);
	}
}

static void lane_free(struct lane *lane)
{
	lane_fini(lane);
	free(lane);
}

/* Their destinations are gone, whose numbers never come back. */
static void drop_unused(struct lane_set *l)
{
	unsigned kept = 0;
	for (unsigned i = 0; i < l->n; i++) {
		struct lane *lane = l->list[i];
		if (lane->rank == UINT32_MAX && lane->n_busy == 0)
			lane_free(lane);
		else
			l->list[kept++] = lane;
	}
	l->n = kept;
}

/* Behind the destinations that were declared, a workspace's beside each other, stand those of deeds. What
 * was owed is forgiven. */
static int make_groups(struct lane_set *l, const struct rules *rules)
{
	const struct destination *to = rules->destinations;
	struct lane_group *groups = calloc(rules->n_destinations + 1, sizeof(*groups));
	unsigned n = 0;
	if (!groups)
		return fail(-ENOMEM, "destinations");
	for (unsigned i = 0; i < rules->n_destinations; i++) {
		if (i == 0 || to[i].workspace != to[i - 1].workspace)
			groups[n++].first = i;
		groups[n - 1].n++;
	}
	free(l->groups);
	l->groups = groups;
	l->n_groups = n;
	return 0;
}

int lane_set_fit(struct lane_set *l, const struct rules *rules, struct ledger *ledger,
		 struct journeys *journeys)
{
	int r = complete(l, rules, ledger, journeys);
	r = r ?: make_groups(l, rules);
	if (r == 0) {
		rank(l, rules);
		drop_unused(l);
	}
	sort(l, by_rank);
	return pass(r);
}

void lane_set_free(struct lane_set *l)
{
	for (unsigned i = 0; i < l->n; i++) {
		struct lane *lane = l->list[i];
		while (lane->journeys) {
			struct journey *j = lane->journeys;
			lane->journeys = j->next;
			journey_free(j);
		}
		lane_free(lane);
	}
	free(l->list);
	free(l->groups);
	*l = (struct lane_set){ .list = NULL };
}

const struct lane *lane_set_find(const struct lane_set *l, uint32_t destination)
{
	for (unsigned i = 0; i < l->n; i++)
		if (l->list[i]->destination == destination)
			return l->list[i];
	return NULL;
}

int lane_set_load(struct lane_set *l, const struct rules *rules, struct ledger *ledger,
		  instant_us now)
{
	int r = 0;
	for (unsigned i = 0; i < rules->n_destinations && r == 0; i++)
		r = lane_load(l->list[i], &rules->destinations[i], ledger, now);
	return pass(r);
}

/* Each in its turn goes first; after a turn that was broken off that is who comes behind. */
static int move_group(struct lane_set *l, struct lane_group *g, const struct rules *rules,
		      struct journeys *js, instant_us now)
{
	int64_t began = js->seen_us;
	unsigned i = 0;
	int r = 0;
	journeys_begin_turn(js, TURN_US);
	for (; i < g->n && r == 0 && !journeys_turn_is_over(js); i++) {
		unsigned at = g->first + (g->turn + i) % g->n;
		r = journeys_begin(js, l->list[at], &rules->destinations[at], now);
	}
	bool broken_off = journeys_turn_is_over(js);
	g->turn = (g->turn + (broken_off ? i : 1)) % g->n;
	g->owed_us = broken_off ? js->seen_us - began : 0;
	return pass(r);
}

/* None for who owes: so all have the same time, however long it takes to make one of theirs. */
static int move_each_once(struct lane_set *l, const struct rules *rules, struct journeys *js,
			  int64_t until, instant_us now)
{
	unsigned i = 0;
	int r = 0;
	l->more = false;
	for (; i < l->n_groups && r == 0 && js->seen_us < until; i++) {
		struct lane_group *g = &l->groups[(l->turn + i) % l->n_groups];
		g->owed_us = MAX(g->owed_us - TURN_US, 0);
		if (g->owed_us == 0)
			r = move_group(l, g, rules, js, now);
		l->more |= g->owed_us > 0;
	}
	l->more |= i < l->n_groups;
	l->turn = l->n_groups ? (l->turn + (i < l->n_groups ? i : 1)) % l->n_groups : 0;
	return pass(r);
}

int lane_set_move(struct lane_set *l, const struct rules *rules, struct journeys *journeys,
		  instant_us now)
{
	int r;
	journeys->seen_us = time_monotonic_us();
	int64_t until = journeys->seen_us + MOVE_US;
	do
		r = move_each_once(l, rules, journeys, until, now);
	while (r == 0 && l->more && journeys->seen_us < until);
	int noted = journeys_begin_noted(journeys, now);
	return pass(r ?: noted);
}

instant_us lane_set_wake_at(const struct lane_set *l, const struct rules *rules, instant_us now)
{
	instant_us at = INT64_MAX;
	for (unsigned i = 0; i < rules->n_destinations; i++) {
		instant_us wish = lane_wakes_at(l->list[i], &rules->destinations[i], now);
		if (wish)
			at = MIN(at, wish);
	}
	return at;
}

void lane_set_look(struct lane_set *l, unsigned i)
{
	l->list[i]->look = true;
}

void lane_set_look_again(struct lane_set *l)
{
	for (unsigned i = 0; i < l->n; i++)
		l->list[i]->look = true;
}
