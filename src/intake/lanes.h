/*
 * What waits for the committer, in two lanes: a key of which much waits goes into the slow one, so
 * that who asks little is not held up by who floods. A batch takes half of each, as long as both
 * have something; where the next of the slow lane is too large for what the fast one has left of the
 * batch, it goes first in the next. Jobs of one key leave in the order in which they came.
 *
 * Operations differ in the work that they are, which is known afterwards. What a batch had no time for
 * comes back, and then a key that took much of that time waits in the slow lane too.
 *
 * Under the committer's lock.
 */
#pragma once

#include "base/base.h"

struct commit_job;
struct lanes;

MUST_CHECK int lanes_new(struct lanes **out);
void lanes_free(struct lanes *l); /* NULL is fine */

bool lanes_are_empty(const struct lanes *l);

/* Jobs linked by letter.next, NULL ends them. */
void lanes_put(struct lanes *l, struct commit_job *list);

/* The next batch, likewise linked: at least one job, otherwise at most so many operations; what can be
 * divided counts for one. Not from empty ones. */
struct commit_job *lanes_cut(struct lanes *l, unsigned max);

/* Of the newest batch: those that are done, which say what they took, and the rest, which waits again in
 * front of what came meanwhile. Neither is empty. */
void lanes_put_back(struct lanes *l, const struct commit_job *done, struct commit_job *rest);

/* The last of the newest batch, of which only a part is done: it waits again in front of all of its key, and
 * with them behind those of others. After the rest. */
void lanes_put_back_part(struct lanes *l, struct commit_job *job);
