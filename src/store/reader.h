/*
 * The insides of a reader, for the read_*.c files. A connection of its own that can only read; no
 * lock is shared with the committer, so reading never makes a batch wait.
 */
#pragma once

#include "store/state.h"

enum read_statement {
	RD_EVENT,
	RD_EVENTS_DOWN,
	RD_EVENT_KEYS,
	RD_EVENT_BELOW,
	RD_FEED,
	RD_FEED_OF,
	RD_EVENT_LINK,
	RD_GONE,
	RD_DOCUMENT_NAME,
	RD_DEFINITION_FIND,
	RD_ROLLUPS,
	RD_ROLLUP_TOTAL,
	RD_ROLLUP_SINCE,
	RD_CONTACT,
	RD_CONTACTS_DOWN,
	RD_CONTACTS_UP,
	RD_CONTACT_COUNT,
	RD_IDENTITY_FIND,
	RD_CONTACT_KEYS,
	RD_BULK,
	RD_BULKS,
	RD_BULK_ITEMS,
	RD_BULK_REQUESTS,
	RD_DEFINITIONS,
	RD_KEYS,
	READ_STATEMENTS, /* how many */
};

/* All that readers prepare. */
extern const char *const reader_sql[READ_STATEMENTS];

struct store_reader {
	struct store *s;
	sqlite3 *db;
	sqlite3_stmt *st[READ_STATEMENTS];
	struct arena scratch;
};

/* An event's row as the statements give it; its text is a view until the next step. */
struct raw_event {
	struct event_row row;
	uint32_t workspace, definition;
	uint64_t contact, prev;
};

MUST_CHECK int raw_event_take(sqlite3_stmt *st, struct raw_event *e);
/* With its text in the arena. */
MUST_CHECK int raw_event_keep(struct store_reader *r, struct arena *a, const struct raw_event *e,
			      struct event_row *out);

/* One snapshot for several statements; whoever began it ends it, whatever happened. */
MUST_CHECK int reader_begin(struct store_reader *r);
void reader_end(struct store_reader *r);

/* Text of a row that has to be JSON, in the arena. */
enum json_shape { JSON_SHAPE_OBJECT, JSON_SHAPE_ARRAY, JSON_SHAPE_ANY };
MUST_CHECK int reader_json(struct store_reader *r, struct arena *a, struct str text,
			   enum json_shape shape, struct str *out);
MUST_CHECK int reader_text(struct arena *a, struct str text, struct str *out);
MUST_CHECK int reader_no_memory(void);
