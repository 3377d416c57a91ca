/*
 * What the delivering thread shows of itself: made anew about once a second while something happens,
 * and then immutable. Names are copies. Thread: any, with a reference.
 */
#pragma once

#include "base/uuid.h"
#include "deliver/ledger.h"

#include <pthread.h>
#include <stdatomic.h>

enum lane_state {
	LANE_OPEN,
	LANE_BROKEN,   /* it fails and fails, and is tried now and then */
	LANE_DISABLED, /* it wants nothing, or its declaration says so */
	LANE_STATES,   /* how many */
};

struct destination_view {
	uint32_t no, workspace;
	struct uuid workspace_id;
	struct str name; /* "": what automations of the workspace do themselves */
	enum lane_state state;
	uint64_t n[DELIVERY_STATES];
	instant_us oldest_due_at; /* of those pending; 0: none */
};

enum automation_state {
	AUTOMATION_RUNNING,
	AUTOMATION_PAUSED,
	AUTOMATION_HELD,   /* a destination of its has too much waiting, or cannot be read */
	AUTOMATION_STATES, /* how many */
};

struct automation_view {
	uint32_t no, workspace;
	struct uuid workspace_id;
	struct str name;
	enum automation_state state;
	uint64_t seq; /* up to which event it has decided */
};

struct deliver_view {
	atomic_uint refs;
	struct arena arena;
	struct destination_view *destinations;
	unsigned n_destinations;
	struct automation_view *automations;
	unsigned n_automations;
};

extern const char *const lane_state_names[LANE_STATES];
extern const char *const automation_state_names[AUTOMATION_STATES];
extern const char *const delivery_state_names[DELIVERY_STATES];

void deliver_view_unref(struct deliver_view *v); /* NULL is fine */
DEFINE_CLEANUP(struct deliver_view *, deliver_view_unref);

/* By how long the oldest is late. */
int64_t destination_view_lag_us(const struct destination_view *v, instant_us now);
/* How many events are behind, of the feed that ends there. */
uint64_t automation_view_behind(const struct automation_view *v, uint64_t feed_end);

/* Where the newest one is. */
struct view_cell {
	pthread_mutex_t lock;
	struct deliver_view *view; /* a reference; NULL: none yet */
};

void view_cell_init(struct view_cell *c);
void view_cell_fini(struct view_cell *c);
/* With a reference for the caller. */
struct deliver_view *view_cell_get(struct view_cell *c);

struct decider;
struct lane_set;
struct rules;

/* What it is made of, on the delivering thread, between transactions. */
struct view_source {
	struct rules *rules;
	struct ledger *ledger;
	const struct decider *decider; /* of the same rules */
	const struct lane_set *lanes;  /* likewise */
};
MUST_CHECK int view_show(struct view_cell *c, const struct view_source *from);
