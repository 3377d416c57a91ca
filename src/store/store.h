/*
 * The store: everything that outlives the process, in one data directory, behind words of our own.
 * Owns the database, the heads of the contacts' event lists, the identity cache and the catalog.
 * Knows nothing of HTTP or of dialects beyond the name each dialect's events are stored under.
 *
 * Three kinds of callers:
 *   start-up     open, provision, close: one thread, before and after all others
 *   committer    begin, apply ..., commit or abandon: one thread, the only writer
 *   readers      each with a store_reader of its own, any thread, one call at a time
 */
#pragma once

#include "model/bulk.h"
#include "model/catalog.h"
#include "model/op.h"
#include "model/tokens.h"
#include "store/provision.h"

struct store;

struct store_dialect {
	uint8_t no; /* never reused for another name */
	const char *name;
};

struct store_config {
	const char *dir; /* made when it is not there */
	const struct store_dialect *dialects;
	unsigned n_dialects;
	/* Free disk below which writes are refused, beside what the log will take as it is copied. */
	uint64_t reserve_bytes;
	instant_us (*now)(void); /* the wall clock */
	unsigned log_pages;      /* of the write-ahead log, when copying it begins; 0: what suits */
	unsigned scrub_after_ms; /* from a deletion to when no file shows it; 0: what suits */
	unsigned round_events;   /* in which all heads that changed are saved; 0: what suits */
};

/*
 * Opens or creates the store: takes the directory's lock (-EBUSY when another process has it),
 * brings the schema up to date, reads what must be in memory. -EINVAL: the database is of a newer
 * version or not ours.
 */
MUST_CHECK int store_open(const struct store_config *config, struct store **out);
void store_close(struct store *s); /* NULL is fine; readers closed first */
DEFINE_CLEANUP(struct store *, store_close);

/* Creates or updates what is declared, leaves the rest alone; one transaction.
 * STORE_REFUSED, with p->error: what is declared does not fit what is there, as a key that belongs to
 * another workspace, or goes beyond what there may be; nothing is written. */
MUST_CHECK int store_provision(struct store *s, const struct provision *p);

/* The snapshot that requests are checked against; published on every change. */
struct catalog_cell *store_catalog(struct store *s);

/* The tokens that are good, unless they have expired; changed by every commit that changes them. */
struct tokens *store_tokens(struct store *s);

/*
 * A batch. Its events get growing seq, ids and received_at. store_apply() either writes all of an
 * operation or nothing of it. After a failure (below zero) the batch is lost: abandon it, then
 * store_recover() before the next begin.
 */
enum store_outcome {
	STORE_OK,
	STORE_REFUSED, /* apply: see op->problems */
	STORE_FULL,    /* begin: free disk is below the reserve */
	STORE_NONE,    /* read: no such thing */
};

MUST_CHECK int store_begin(struct store *s);

/*
 * What an OP_CONTACT_DELETE leaves: a row without identities and attributes, which nothing finds
 * and no list shows, so that the events keep their contact_id, seq and place in all counts. The
 * events' properties become {} in the batches that follow (store_has_chores()), so that a long life
 * does not hold up everybody. What is gone is overwritten with zeros in the database, and the log is
 * emptied, some seconds after the last of it (store_has_later_chores()), at the latest with a clean end.
 */
MUST_CHECK int store_apply(struct store *s, struct op *op);

/*
 * Whether store_apply() would take the operation now, nothing written: for jobs that are all or
 * nothing. STORE_REFUSED: see op->problems.
 *
 * What has passed is taken when it is applied, after others of its job that have passed too: so it
 * asks for nothing that the second time could be refused (wants_view, wants_first: memory of the
 * operation's), and the operations of such a job may not stand in each other's way, as events
 * about contacts that they find or make do not.
 */
MUST_CHECK int store_check(struct store *s, struct op *op);

/*
 * A whole job under one id of the caller's (Idempotency-Key). STORE_NONE: not seen before, or
 * expired; apply the operations, then remember. STORE_OK: seen with the same payload: the
 * operations are `repeated` and have their first outcomes, ids and times (a refused one has the
 * code of its first problem; no views), nothing is to be written. STORE_REFUSED: seen with another
 * payload; the operations are refused without problems.
 */
struct store_request {
	uint32_t workspace;
	struct dedupe id;
	uint64_t payload; /* a hash of what it says */
};

MUST_CHECK int store_recall(struct store *s, const struct store_request *request, struct op *ops,
			    unsigned n_ops);
MUST_CHECK int store_remember(struct store *s, const struct store_request *request,
			      const struct op *ops, unsigned n_ops);

/* Whether there is something left to do that no caller waits for: the properties of a deleted
 * contact's events, and what the files still hold of it. Each batch does a bounded part of it, an empty one too; the end of the store
 * does the rest, unless it is killed: then the next start goes on. */
bool store_has_chores(const struct store *s);
/* Whether there will be, by themselves: ask again in a second. */
bool store_has_later_chores(const struct store *s);

MUST_CHECK int store_commit(struct store *s); /* synced when it returns 0 */
void store_abandon(struct store *s);

/* After a failure: closes and reopens the database, verifies it, reads memory anew. While it fails
 * nothing may be written; call it again later. */
MUST_CHECK int store_recover(struct store *s);

/* Whether writes are taken, and if not, why: one line of text. Any thread. */
bool store_takes_writes(struct store *s, char *why, size_t size);

/* The newest committed event's seq, 0: there is none; who reads the feed after this was called finds
 * all up to it. Any thread; reads no file. */
uint64_t store_feed_end(const struct store *s);

struct store_size {
	uint64_t database_bytes, wal_bytes;
};

/* Any thread. */
struct store_size store_size(const struct store *s);

/* Reading. Rows live in the arena. Every call sees all that was committed before it began. */
struct store_reader;

MUST_CHECK int store_reader_open(struct store *s, struct store_reader **out);
void store_reader_close(struct store_reader *r);
/* The data directory. */
const char *store_reader_dir(const struct store_reader *r);

struct event_row {
	uint64_t seq;
	struct uuid id;
	struct str dialect, definition;
	struct uuid contact_id;
	instant_us occurred_at, received_at;
	struct str properties; /* JSON */
	struct str mismatches; /* JSON: see struct op; empty: none */
	struct str cause;      /* likewise */
};

struct event_query {
	uint32_t workspace;
	uint64_t contact;        /* row number; 0: any */
	uint32_t definition;     /* row number; 0: any */
	uint64_t before;         /* seq, exclusive; 0: from the newest */
	instant_us since, until; /* received_at; until is exclusive, INT64_MAX: open */
	unsigned limit;
};

/* Newest first. *next_before is 0 on the last page; others may have fewer than `limit`, or none.
 * STORE_REFUSED: `before` is no event of the contact, which has too many that are newer. */
MUST_CHECK int store_read_events(struct store_reader *r, struct arena *a,
				 const struct event_query *q, struct event_row **rows, unsigned *n,
				 uint64_t *next_before);
/* STORE_NONE when the workspace has no such event. */
MUST_CHECK int store_read_event(struct store_reader *r, struct arena *a, uint32_t workspace,
				struct uuid id, struct event_row *row);

/* The feed: committed events of all workspaces in commit order. */
struct feed_row {
	struct event_row event;
	uint32_t workspace; /* row number */
	uint64_t contact;   /* likewise */
	bool gone;          /* the contact was deleted */
};

enum { STORE_FEED_BYTES = 16 * 1024 * 1024 }; /* of properties, and one event's more, in one read */

/* Those behind `after`, at most `limit`; fewer where they are large, but one if there is one. One that
 * is damaged is left out, and said in the log: those behind it are no worse for it. *seen: all up to
 * there has been looked at; it may be NULL. */
MUST_CHECK int store_read_feed(struct store_reader *r, struct arena *a, uint64_t after,
			       unsigned limit, struct feed_row **rows, unsigned *n, uint64_t *seen);
/* Likewise, of one workspace only. */
struct feed_query {
	uint32_t workspace;
	uint64_t contact;      /* row number; 0: any */
	struct str definition; /* empty: any */
	uint64_t after, until; /* seq: exclusive, inclusive */
	unsigned limit;
	size_t bytes; /* of properties; what goes beyond is the last */
};

/* *seen is the next `after`. */
MUST_CHECK int store_read_feed_of(struct store_reader *r, struct arena *a,
				  const struct feed_query *q, struct event_row **rows, unsigned *n,
				  uint64_t *seen);
/* The newest event's seq; 0: there is none. */
MUST_CHECK int store_read_feed_end(struct store_reader *r, uint64_t *seq);

/* The newest that was received by then; 0: there is none. */
MUST_CHECK int store_read_feed_at(struct store_reader *r, instant_us at, uint64_t *seq);

/* The contact of that row number. STORE_NONE: it is gone. */
MUST_CHECK int store_read_contact(struct store_reader *r, struct arena *a, uint64_t number,
				  struct contact_view *row);

/* The name of a destination or automation by its row number; .p NULL: it is gone. */
MUST_CHECK int store_read_document_name(struct store_reader *r, struct arena *a, uint32_t no,
					struct str *name);

/* The row number of the workspace's definition of that name, or STORE_NONE. */
MUST_CHECK int store_find_definition(struct store_reader *r, uint32_t workspace, struct str name,
				     uint32_t *no);

/* A contact that was deleted: who keeps something of it elsewhere drops that. */
struct gone_row {
	uint64_t no, contact;
};

/* Those behind `after`, in the order of their deletion. */
MUST_CHECK int store_read_gone(struct store_reader *r, struct arena *a, uint64_t after,
			       unsigned limit, struct gone_row **rows, unsigned *n);

/* By any identity or outward id; `value` as a caller gives it. STORE_NONE when there is none. */
MUST_CHECK int store_find_contact(struct store_reader *r, struct arena *a, uint32_t workspace,
				  enum identity_kind kind, struct str value,
				  struct contact_view *row);
struct contact_query {
	uint32_t workspace;
	uint64_t before, after; /* numbers, exclusive; 0: open */
	unsigned limit;
	unsigned skip; /* so many, of which only the index is read, a step each */
	bool oldest;   /* begin at the oldest, as `after` does at its number */
	/* What identities and attributes of the rows may have together; one row may have more. 0: no
	 * limit. */
	size_t bytes_max;
};

/* Newest first; with `after` or `oldest` those that are next newer. *more: there are rows beyond,
 * in the direction asked for, or those that were too large. */
MUST_CHECK int store_read_contacts(struct store_reader *r, struct arena *a,
				   const struct contact_query *q, struct contact_view **rows,
				   unsigned *n, bool *more);

/* From a counter. */
MUST_CHECK int store_count_contacts(struct store_reader *r, uint32_t workspace, uint64_t *n);

/* The bulks of the workspace that have not expired, as asked for. *more: there are older ones. With
 * a number there is one or none. */
MUST_CHECK int store_read_bulks(struct store_reader *r, struct arena *a, uint32_t workspace,
				const struct bulk_query *q, struct bulk_view **rows, unsigned *n,
				bool *more);

/* What was asked for about the contact in bulks, oldest first: compact JSON text of an array, in `b`
 * and its arena. */
MUST_CHECK int store_read_bulk_requests(struct store_reader *r, uint32_t workspace,
					uint64_t contact, struct buf *b);

struct key_row {
	uint32_t no;
	struct str name, scopes; /* words with blanks between */
	bool revoked;
	struct str origins; /* a JSON array; .n 0: it is not publishable */
	instant_us created_at;
};

struct key_query {
	uint32_t workspace;
	uint64_t before; /* number, exclusive; 0: from the newest */
	unsigned limit;
};

struct key_page {
	struct key_row *rows;
	unsigned n;
	bool more; /* there are older ones */
};

/* Newest first. */
MUST_CHECK int store_read_keys(struct store_reader *r, struct arena *a, const struct key_query *q,
			       struct key_page *page);

struct definition_count {
	struct str definition;
	uint64_t events, events_last_hour;
};

struct store_stats {
	uint64_t events, contacts; /* of the workspace */
	const struct definition_count *definitions;
	unsigned n_definitions;
	uint64_t database_bytes, wal_bytes;
};

MUST_CHECK int store_read_stats(struct store_reader *r, struct arena *a, uint32_t workspace,
				struct store_stats *out);
