#include "deliver/journeys.h"

#include "base/fail.h"
#include "deliver/deed.h"
#include "deliver/payload.h"
#include "store/db.h"

#include <errno.h>
#include <stdlib.h>

/* Bytes: the largest event with its tree, and what is made of it. */
enum { MEMORY_MAX = 2 * JSON_MEMORY_MAX };

static const struct sender *sender_for(const struct destination *to)
{
	return deeds_are_at(to->no) ? &deed : senders[to->type];
}

/* --- Memory --- */

void journeys_init(struct journeys *js, const char *dir, struct http *http, void *const *kept)
{
	memset(js, 0, sizeof(*js));
	js->dir = dir;
	js->http = http;
	js->kept = kept;
	js->memory.max = JOURNEYS_BYTES_MAX;
}

static struct arena_owner *owner_of(struct journeys *js, uint32_t workspace)
{
	return &js->owners[workspace % JOURNEYS_OWNERS];
}

/* For another one, and for as much as was not enough for it before. */
static bool has_memory(struct journeys *js, const struct lane *lane, const struct destination *to)
{
	struct arena_owner *owner = owner_of(js, to->workspace);
	size_t n = JOURNEY_BYTES + lane->wanted;
	bool room = arena_budget_take(&js->memory, owner, n);
	if (room)
		arena_budget_return(&js->memory, owner, n);
	return room;
}

/* Its own part, beside its arena's. */
static bool take_memory(struct journeys *js, struct journey *j)
{
	struct arena_owner *owner = owner_of(js, j->delivery.workspace);
	if (!arena_budget_take(&js->memory, owner, JOURNEY_BYTES))
		return false;
	j->of = js;
	arena_init(&j->attempt.arena, MEMORY_MAX, &js->memory);
	arena_own(&j->attempt.arena, owner);
	return true;
}

void journey_free(struct journey *j)
{
	rules_unref(j->rules);
	arena_fini(&j->attempt.arena);
	if (j->of)
		arena_budget_return(&j->of->memory, owner_of(j->of, j->delivery.workspace),
				    JOURNEY_BYTES);
	free(j);
}

/* --- What is made --- */

/* The attempt is over: what came of it goes to the ledger with the next round. */
static void on_done(struct attempt *a)
{
	struct journey *j = (struct journey *)a;
	struct journeys *js = j->lane->owner;
	lane_ended(j->lane, j, time_now());
	js->n_under_way--;
	j->next = js->ended;
	js->ended = j;
}

/* What cannot be sent any more, because the automation or the contact is gone, or not now. */
static void give_up(struct journey *j, enum attempt_outcome outcome, const char *why)
{
	j->attempt.outcome = outcome;
	j->attempt.unasked = true;
	j->attempt.retry_after_s = -1;
	j->attempt.answer = str_of(why);
	j->attempt.done(&j->attempt);
}

static const struct definition *definition_of(const struct journey *j, struct str name)
{
	const struct workspace *w = catalog_workspace(j->rules->catalog, j->delivery.workspace);
	return w ? workspace_definition(w, name) : NULL;
}

enum {
	NOTHING_TO_SEND = 1,
	NOT_NOW,
	NO_ROOM, /* others have the memory: it is as if it had not been tried */
};

/* A declaration that is no rule, because this version cannot read it or for want of room, may be one
 * later. */
static int find_automation(struct journey *j, const char **why)
{
	const struct delivery *d = &j->delivery;
	const struct workspace *w = catalog_workspace(j->rules->catalog, d->workspace);
	j->attempt.automation = rules_automation(j->rules, d->workspace, d->automation);
	if (j->attempt.automation)
		return 0;
	bool declared = w && workspace_document_by_no(w, d->automation);
	*why = declared ? "the automation cannot be read" : "the automation was deleted";
	return declared ? NOT_NOW : NOTHING_TO_SEND;
}

/* Above zero: `why` it cannot be sent. */
static int read_and_make(struct journeys *js, struct journey *j, const char **why)
{
	struct arena *a = &j->attempt.arena;
	const struct event_row *event;
	struct contact_view *contact = arena_new(a, struct contact_view);
	if (!contact)
		return fail(-ENOMEM, "what a delivery says");
	int r = payload_read_event(js->reader, a, &j->delivery, &event);
	if (r < 0)
		return pass(r);
	*why = "the event is not there, or damaged";
	if (!event)
		return NOTHING_TO_SEND;
	r = store_read_contact(js->reader, a, j->delivery.contact, contact);
	*why = "the contact was deleted";
	if (r != STORE_OK)
		return r < 0 ? pass(r) : NOTHING_TO_SEND;
	j->attempt.definition = definition_of(j, event->definition);
	j->attempt.id = payload_id(a, &j->delivery, event);
	j->attempt.event = event;
	j->attempt.contact = contact;
	if (!j->attempt.id.p)
		return fail(-ENOMEM, "what a delivery says");
	if (sender_for(j->attempt.destination)->makes_own)
		return 0;
	const struct payload what = {
		.id = j->attempt.id,
		.automation = j->attempt.automation,
		.action = j->delivery.action,
		.to = j->attempt.destination,
		.event = event,
		.contact = contact,
	};
	j->attempt.made = true;
	r = payload_make(a, &what, &j->attempt.body, why);
	return r == PAYLOAD_WRONG ? NOTHING_TO_SEND : pass(r);
}

static struct journey *journey_new(struct journeys *js, struct lane *lane,
				   const struct destination *to, const struct delivery *what,
				   instant_us now)
{
	struct journey *j = calloc(1, sizeof(*j));
	if (!j)
		return NULL;
	j->attempt.destination = to;
	j->attempt.kept = deeds_are_at(to->no) ? js->deeds : js->kept[to->type];
	j->attempt.data_dir = str_of(js->dir);
	j->attempt.n = what->attempts + 1;
	j->attempt.now = now;
	j->attempt.doubt_at = what->doubt_at;
	j->attempt.done = on_done;
	j->delivery = *what;
	j->rules = rules_ref(js->rules);
	j->lane = lane;
	return j;
}

/* Why it cannot be sent, NULL: it may be better the next time. What will not must not hold up the others for
 * ever. `needed`: bytes that it would need of the memory of all. */
static const char *why_never(const struct arena *a, size_t needed)
{
	if (a->full || (a->poor && needed > JOURNEYS_BYTES_MAX - JOURNEY_BYTES))
		return "it is too large to be sent";
	return db_is_damage() ? "what it says is damaged" : NULL;
}

/* What came of it before it was begun. The next is not tried before there is room for what it has taken and
 * what it was refused; twice for what it holds, since that counts as taken and as its owner's. */
static int end_early(struct journey *j, int r, const char **why)
{
	const struct arena *a = &j->attempt.arena;
	size_t needed = JOURNEY_BYTES + 2 * a->held + a->poor;
	const char *never = r < 0 ? why_never(a, needed) : NULL;
	if (never) {
		*why = never;
		return NOTHING_TO_SEND;
	}
	if (r >= 0 || !a->poor)
		return r;
	j->lane->wanted = needed;
	return NO_ROOM;
}

static int make(struct journeys *js, struct journey *j, const char **why)
{
	if (!take_memory(js, j))
		return NO_ROOM;
	int r = find_automation(j, why);
	return end_early(j, r ?: read_and_make(js, j, why), why);
}

/* It counts as begun from here on, unless there was no room. *out is NULL when it has ended already:
 * there was nothing to send. */
static int prepare(struct journeys *js, struct lane *lane, const struct destination *to,
		   const struct delivery *what, instant_us now, struct journey **out)
{
	struct journey *j = *out = journey_new(js, lane, to, what, now);
	const char *why = "";
	int r = j ? make(js, j, &why) : fail(-ENOMEM, "an attempt");
	if (r < 0 || r == NO_ROOM) {
		*out = NULL;
		if (j)
			journey_free(j);
		return r;
	}
	must(j);
	lane->wanted = 0;
	lane_begun(lane, j, now);
	js->n_under_way++;
	if (r > 0) {
		*out = NULL;
		give_up(j, r == NOT_NOW ? ATTEMPT_WAIT : ATTEMPT_DEAD, why);
	}
	return 0;
}

static bool is_noted(const struct destination *to)
{
	const struct sender *sender = sender_for(to);
	return sender->is_noted && sender->is_noted(to);
}

static void take_back(struct journeys *js, struct journey *j)
{
	if (is_noted(j->attempt.destination)) {
		must(js->n_unbegun < JOURNEYS_NOTED_MAX);
		js->unbegun[js->n_unbegun++] = j->delivery.no;
		js->noted_at = j->attempt.now;
	}
	lane_taken_back(j->lane, j);
	js->n_under_way--;
	journey_free(j);
}

/* What must be known of them before they begin, also after a power cut. */
static int note_all(struct journeys *js, struct journey *const *list, unsigned n, instant_us now)
{
	uint64_t deliveries[JOURNEYS_NOTED_MAX];
	must(n <= JOURNEYS_NOTED_MAX);
	for (unsigned i = 0; i < n; i++)
		deliveries[i] = list[i]->delivery.no;
	return pass(ledger_doubt(js->ledger, deliveries, n, now));
}

static int start(struct journeys *js, struct journey *j)
{
	const char *why;
	int r = sender_for(j->attempt.destination)->send(js->http, &j->attempt);
	r = end_early(j, r, &why);
	if (r != NOTHING_TO_SEND)
		return r;
	give_up(j, ATTEMPT_DEAD, why);
	return 0;
}

/* One that cannot be begun after all is taken back. */
static int start_or_take_back(struct journeys *js, struct journey *j)
{
	int r = start(js, j);
	if (r != 0)
		take_back(js, j);
	return r < 0 ? pass(r) : 0;
}

int journeys_begin_noted(struct journeys *js, instant_us now)
{
	unsigned n = js->n_noted;
	int r = n > 0 ? note_all(js, js->noted, n, now) : 0;
	js->n_noted = 0;
	for (unsigned i = 0; i < n; i++)
		if (r == 0)
			r = start_or_take_back(js, js->noted[i]);
		else
			take_back(js, js->noted[i]);
	return pass(r);
}

/* What was taken back before is told to the ledger first. */
static bool has_room(struct journeys *js, const struct lane *lane, const struct destination *to)
{
	if (is_noted(to) && js->n_unbegun > 0)
		return false;
	if (deeds_are_at(to->no) && js->n_noted >= deeds_room(js->deeds))
		return false;
	return has_memory(js, lane, to);
}

static bool find_room(struct journeys *js, struct lane *lane, const struct destination *to)
{
	lane->no_room = !has_room(js, lane, to);
	return !lane->no_room;
}

static int start_or_note(struct journeys *js, struct journey *j, instant_us now)
{
	if (!is_noted(j->attempt.destination))
		return pass(start_or_take_back(js, j));
	js->noted[js->n_noted++] = j;
	return js->n_noted < JOURNEYS_NOTED_MAX ? 0 : pass(journeys_begin_noted(js, now));
}

static int begin_one(struct journeys *js, struct lane *lane, const struct destination *to,
		     const struct delivery *what, instant_us now)
{
	struct journey *j;
	int r = prepare(js, lane, to, what, now, &j);
	if (j)
		r = start_or_note(js, j, now);
	js->seen_us = time_monotonic_us();
	return r < 0 ? pass(r) : r;
}

void journeys_begin_turn(struct journeys *js, int64_t us)
{
	js->until_us = js->seen_us + us;
}

bool journeys_turn_is_over(const struct journeys *js)
{
	return js->seen_us >= js->until_us;
}

int journeys_begin(struct journeys *js, struct lane *lane, const struct destination *to,
		   instant_us now)
{
	const struct sender *sender = sender_for(to);
	const struct delivery *next;
	int r = 0;
	while (r == 0 && !journeys_turn_is_over(js) && (next = lane_next(lane, to, now)) &&
	       find_room(js, lane, to))
		r = begin_one(js, lane, to, next, now);
	if (sender->flush)
		sender->flush(js->kept[to->type]);
	return r < 0 ? pass(r) : 0;
}
