/*
 * GET /metrics: what the server counts, as text that Prometheus reads (format 0.0.4), without a
 * key: no name of a workspace, no secret, nothing about people. Sums over the whole server, and series
 * of destinations and automations under their names and the ids of their workspaces.
 *
 * Thread: any loop. Counting is one relaxed addition; an answer reads no database.
 */
#pragma once

#include "api/streams.h"
#include "deliver/deliver.h"
#include "intake/intake.h"

struct metrics;

MUST_CHECK int metrics_new(struct store *store, struct committer *committer,
			   struct streams *streams, struct deliver *deliver, struct metrics **out);
void metrics_free(struct metrics *m); /* NULL is fine; net loops stopped first */

/* A request was answered; owner NULL: it was of no dialect. */
void metrics_count(struct metrics *m, const struct dialect *owner, bool native, int status);

bool metrics_are_asked_for(const struct request *req);

/* Whether the request was for this, and then it is answered. */
bool metrics_serve(struct metrics *m, struct request *req);
