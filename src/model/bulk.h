/*
 * A bulk: many things asked for in one request, remembered with what became of each until it
 * expires, for callers that come back and ask. Recorded in the transaction that did them.
 */
#pragma once

#include "base/timefmt.h"
#include "model/problem.h"

/* Whose bulks, and of what. Stored: never renumber. */
enum bulk_space {
	BULK_OMNISEND_CONTACTS = 1,
	BULK_OMNISEND_EVENTS = 2,
};

struct op;

/* One of them, to be recorded. */
struct bulk_item {
	struct str request;              /* compact JSON text, as it was asked for */
	const struct op *op;             /* what it became, done by then; NULL: it was no good */
	const struct problems *problems; /* with op NULL: why not */
};

struct bulk {
	enum bulk_space space;
	struct str about; /* compact JSON text of an object: the dialect's own */
	const struct bulk_item *items;
	unsigned n_items; /* at least 1 */
	int64_t keep_s;
};

/* --- As it is read --- */

/* Stored: never renumber. */
enum bulk_outcome {
	BULK_DONE,
	BULK_MADE, /* done, and the contact was not there before */
	BULK_REFUSED,
};

struct bulk_item_view {
	uint64_t number;
	enum bulk_outcome outcome;
	enum problem_code problem;     /* the first, when refused; PROBLEM_NONE: memory was */
	struct str request;            /* .n 0: somebody it may have named was deleted */
	struct str problems;           /* JSON for problems_read_json(); .n 0 likewise, or none */
	uint64_t contact;              /* whom it was about; 0: nobody for certain */
	instant_us contact_created_at; /* with a contact, which may be deleted by now */
};

struct bulk_view {
	uint64_t number;
	enum bulk_space space;
	struct str about;
	unsigned n_items, n_refused;
	instant_us created_at;
	const struct bulk_item_view *items; /* in their order, when asked for */
};

/* Which are asked for: the one of that number; with 0 those of the space, newest first. */
struct bulk_query {
	uint64_t number;
	bool with_items; /* with a number */
	enum bulk_space space;
	instant_us since, until; /* created, both inclusive */
	unsigned offset, limit;
};
