#include "deliver/view.h"

#include "base/fail.h"
#include "deliver/decide.h"
#include "deliver/deed.h"
#include "deliver/lane_set.h"

#include <errno.h>
#include <stdlib.h>

enum { MEMORY_MAX = 1 << 30 }; /* bytes; what can be declared is far below */

const char *const lane_state_names[LANE_STATES] = {
	[LANE_OPEN] = "open",
	[LANE_BROKEN] = "broken",
	[LANE_DISABLED] = "disabled",
};

const char *const automation_state_names[AUTOMATION_STATES] = {
	[AUTOMATION_RUNNING] = "running",
	[AUTOMATION_PAUSED] = "paused",
	[AUTOMATION_HELD] = "held",
};

const char *const delivery_state_names[DELIVERY_STATES] = {
	[DELIVERY_PENDING] = "pending",
	[DELIVERY_DONE] = "done",
	[DELIVERY_DEAD] = "dead",
};

/* --- Made --- */

static struct uuid workspace_id(const struct rules *rules, uint32_t no)
{
	const struct workspace *w = catalog_workspace(rules->catalog, no);
	return w ? w->id : (struct uuid){ 0 };
}

/* A workspace that has no deeds has no use for their destination. */
static bool is_shown(const struct view_source *from, const struct destination *d)
{
	bool any = !deeds_are_at(d->no);
	for (int s = 0; s < DELIVERY_STATES && !any; s++)
		any = ledger_count(from->ledger, d->no, (enum delivery_state)s) > 0;
	return any;
}

static int look_at_destination(struct deliver_view *v, const struct view_source *from, unsigned i)
{
	const struct destination *d = &from->rules->destinations[i];
	struct destination_view *out = &v->destinations[v->n_destinations];
	if (!is_shown(from, d))
		return 0;
	v->n_destinations++;
	*out = (struct destination_view){
		.no = d->no,
		.workspace = d->workspace,
		.workspace_id = workspace_id(from->rules, d->workspace),
		.name = arena_str(&v->arena, d->name),
		.state = lane_state(from->lanes->list[i]),
	};
	for (int s = 0; s < DELIVERY_STATES; s++)
		out->n[s] = ledger_count(from->ledger, d->no, (enum delivery_state)s);
	int r = out->name.p ? 0 : fail(-ENOMEM, "a view of deliveries");
	struct due_place start = { 0 };
	if (out->n[DELIVERY_PENDING] > 0)
		r = r ?: ledger_next_due(from->ledger, d->no, start, &out->oldest_due_at);
	return pass(r);
}

static int look_at_automation(struct deliver_view *v, const struct view_source *from, unsigned i)
{
	const struct automation *m = &from->rules->automations[i];
	struct automation_view *out = &v->automations[i];
	bool held;
	*out = (struct automation_view){
		.no = m->no,
		.workspace = m->workspace,
		.workspace_id = workspace_id(from->rules, m->workspace),
		.name = arena_str(&v->arena, m->name),
	};
	decider_place(from->decider, i, &out->seq, &held);
	out->state = held ? AUTOMATION_HELD : AUTOMATION_RUNNING;
	if (m->paused)
		out->state = AUTOMATION_PAUSED;
	return out->name.p ? 0 : fail(-ENOMEM, "a view of deliveries");
}

static int look(struct deliver_view *v, const struct view_source *from)
{
	int r = 0;
	v->n_automations = from->rules->n_automations;
	v->destinations =
		arena_array(&v->arena, struct destination_view, from->rules->n_destinations);
	v->automations = arena_array(&v->arena, struct automation_view, v->n_automations);
	if (!v->destinations || !v->automations)
		return fail(-ENOMEM, "a view of deliveries");
	for (unsigned i = 0; i < from->rules->n_destinations && r == 0; i++)
		r = look_at_destination(v, from, i);
	for (unsigned i = 0; i < v->n_automations && r == 0; i++)
		r = look_at_automation(v, from, i);
	return pass(r);
}

static void put(struct view_cell *c, struct deliver_view *v)
{
	pthread_mutex_lock(&c->lock);
	struct deliver_view *old = c->view;
	c->view = v;
	pthread_mutex_unlock(&c->lock);
	deliver_view_unref(old);
}

int view_show(struct view_cell *c, const struct view_source *from)
{
	struct deliver_view *v = calloc(1, sizeof(*v));
	if (!v)
		return fail(-ENOMEM, "a view of deliveries");
	v->refs = 1;
	arena_init(&v->arena, MEMORY_MAX, NULL);
	int r = look(v, from);
	if (r < 0) {
		deliver_view_unref(v);
		return pass(r);
	}
	put(c, v);
	return 0;
}

/* --- Looked at --- */

void view_cell_init(struct view_cell *c)
{
	*c = (struct view_cell){ .view = NULL };
	pthread_mutex_init(&c->lock, NULL);
}

void view_cell_fini(struct view_cell *c)
{
	deliver_view_unref(c->view);
	pthread_mutex_destroy(&c->lock);
}

struct deliver_view *view_cell_get(struct view_cell *c)
{
	pthread_mutex_lock(&c->lock);
	struct deliver_view *v = c->view;
	if (v)
		atomic_fetch_add(&v->refs, 1);
	pthread_mutex_unlock(&c->lock);
	return v;
}

void deliver_view_unref(struct deliver_view *v)
{
	if (!v || atomic_fetch_sub(&v->refs, 1) > 1)
		return;
	arena_fini(&v->arena);
	free(v);
}

int64_t destination_view_lag_us(const struct destination_view *v, instant_us now)
{
	return v->oldest_due_at && v->oldest_due_at < now ? now - v->oldest_due_at : 0;
}

uint64_t automation_view_behind(const struct automation_view *v, uint64_t feed_end)
{
	return feed_end > v->seq ? feed_end - v->seq : 0;
}
