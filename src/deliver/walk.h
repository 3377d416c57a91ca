/*
 * Walks: deliveries in the order of their numbers, by the narrowest index that a filter has; what
 * is left of the filter is asked row by row. For readers and for the ledger's own connection.
 */
#pragma once

#include "deliver/ledger.h"

#include <sqlite3.h>

struct delivery_filter {
	uint32_t workspace;
	uint32_t automation, destination; /* 0: any */
	uint64_t contact;                 /* 0: any */
	int state;                        /* enum delivery_state; below 0: any */
	instant_us since, until;          /* created_at; until is exclusive, INT64_MAX: open */
	instant_us ended_by;              /* not later than that; 0: open */
};

enum walk {
	WALK_CONTACT,
	WALK_DEAD,
	WALK_AUTOMATION,
	WALK_DESTINATION,
	WALK_WORKSPACE,
	WALKS, /* how many */
};

/* Newest first, numbers below ?2; and oldest first, above ?2 and up to ?4. At most ?3 rows. */
extern const char *const walk_down_sql[WALKS], *const walk_up_sql[WALKS];

/* Which, and what is bound as ?1. */
enum walk walk_for(const struct delivery_filter *f, uint64_t *key);

/* One by its number; columns likewise. */
extern const char walk_one_sql[];

/* The row that such a statement stands on, but for its answer and note. */
MUST_CHECK int walk_take(sqlite3_stmt *st, struct delivery *d);
struct str walk_answer(sqlite3_stmt *st); /* until the next step */
struct str walk_note(sqlite3_stmt *st);   /* likewise */

bool walk_means(const struct delivery_filter *f, const struct delivery *d);
