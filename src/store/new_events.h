/*
 * Events of the running batch that are not in their table yet. They gather here and go in many at a
 * time, by one statement that reads this list as a virtual table, `new_event`: an event then costs
 * what its row costs, and not also what a statement costs to set up and to end.
 *
 * Thread: the committer's.
 */
#pragma once

#include "base/str.h"
#include "base/uuid.h"

#include <sqlite3.h>

enum {
	NEW_EVENTS_MAX = 64,
	NEW_EVENTS_TEXT = 64 * 1024, /* bytes of all their texts together */
};

struct new_event {
	struct uuid id;
	int64_t workspace, contact, prev, nth, definition, dialect, occurred_at, received_at;
	struct str properties, mismatches, cause;
};

struct new_events {
	struct new_event list[NEW_EVENTS_MAX];
	unsigned n;
	size_t n_text;
	char text[NEW_EVENTS_TEXT];
};

/* Makes the list readable on that connection, for as long as both are there. */
MUST_CHECK int new_events_connect(struct new_events *all, sqlite3 *db);

/* Whether another event with so many bytes of text finds room; an empty list always has some. */
bool new_events_fit(const struct new_events *all, size_t text);

/* Copies the texts. False: they are too large for that, the list has only borrowed them and must
 * be emptied before they go. */
MUST_CHECK bool new_events_add(struct new_events *all, const struct new_event *e);
void new_events_clear(struct new_events *all);
