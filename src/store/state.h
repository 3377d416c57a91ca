/*
 * The insides of a store, for the files of this folder. What each file does with them is declared
 * below, in the order of a batch.
 *
 * Thread: `cell`, `status` and heads_seq() are for everybody; all else is the committer's.
 */
#pragma once

#include "store/checkpoint.h"
#include "store/db.h"
#include "store/directory.h"
#include "store/heads.h"
#include "store/identity_cache.h"
#include "store/lookup.h"
#include "store/new_events.h"
#include "store/rollup.h"
#include "store/statements.h"
#include "store/store.h"

/* Positions that grow with every batch. A batch moves `at`; a commit makes it `kept`. */
struct marks {
	uint64_t seq, contact; /* the last given out */
	uint32_t definition;
	struct uuid event_id;
	instant_us received_at;
};

/* Whether writes are taken, for any thread. */
struct status {
	pthread_mutex_t lock;
	bool failed;
	char why[256];
};

/* Events of one workspace and definition in the newest slice that has any; definition 0: all. */
struct rollup {
	uint32_t workspace, definition; /* workspace 0: free */
	int64_t minute;
	uint64_t events, first_seq, last_seq, total;
	int64_t new_contacts; /* of this batch, less those deleted; with definition 0 */
	bool dirty;
};

struct rollups {
	struct rollup *table; /* open addressing */
	unsigned n, room;
	uint32_t *dirty; /* room positions; the first n_dirty are meant */
	unsigned n_dirty;
};

/* The round in which dirty blocks of heads are saved, a few with each batch. */
struct heads_round {
	uint64_t began_at; /* seq: what came before is in the blocks, as they are saved from here */
	uint32_t next;     /* block */
	uint64_t credit;   /* events that have not yet paid for a block */
	uint32_t *written; /* blocks in the running transaction */
	unsigned n_written, room;
};

struct store {
	struct directory dir;
	uint64_t reserve_bytes;
	instant_us (*now)(void);
	unsigned log_pages, round_events, scrub_after_ms;

	struct catalog_cell cell;
	struct status status;
	struct heads heads;

	sqlite3 *db; /* NULL: a recovery failed half-way */
	sqlite3_stmt *st[STATEMENTS];
	struct lookup lookup; /* two of st */
	struct identity_cache identities;
	unsigned pages_kib; /* that SQLite may keep; 0: not said */
	struct rollups rollups;
	struct heads_round round;
	struct new_events new_events; /* of the batch, not yet in their table */
	struct checkpoint *checkpoint;
	struct arena scratch; /* what one operation needs while it is applied */

	struct catalog *catalog;        /* the one in the cell */
	struct catalog_edit *edit;      /* of the batch; NULL: nothing changed */
	uint32_t *definition_workspace; /* by number, up to at.definition */
	uint32_t definition_room;

	/* What is left to do between requests; both may promise too much, never too little. */
	bool erasing;           /* rows in `erasure` */
	instant_us next_expiry; /* of a row in `dedupe`; INT64_MAX: none */
	unsigned n_expiring;    /* added by this batch */

	instant_us next_bulk_expiry; /* as next_expiry */
	unsigned n_bulks;            /* added by this batch */

	/* What was erased is still in the files: when it is to go from there, of time_monotonic_ms();
	 * 0: nothing is. */
	int64_t scrub_at_ms;
	bool erased; /* something, by this batch */

	struct tokens tokens;        /* any thread looks into it */
	struct token *token_changes; /* of the batch, for when it is committed; kind 0: gone */
	unsigned n_token_changes, token_changes_room;
	instant_us next_token_expiry; /* as next_expiry */
	unsigned n_tokens_issued;     /* by this batch */

	bool in_batch;
	struct marks at, kept;
	atomic_uint_least64_t feed_end; /* kept.seq, for every thread */
	/* For every thread, as status_measure() found it: 0 also where there is room for all. */
	atomic_uint_least64_t log_wants_bytes;
	/* The log's file, as it was looked at last, and when (monotonic): status_measure() */
	uint64_t log_bytes;
	int64_t log_looked_ms;
};

/* status.c: whether writes are taken. */
void status_init(struct store *s);
void status_fini(struct store *s);
/* The batch, or the store as a whole, cannot go on, for this thread's newest cause. Gives r back.
 */
MUST_CHECK int status_failed(struct store *s, int r);
void status_well(struct store *s);
bool status_is_failed(struct store *s, char *why, size_t size);

/* Bytes that are free, and those that copying the log will take of them: what is in it alone has to go
 * into the database before the log can be given back. */
struct disk {
	uint64_t free_bytes, log_wants_bytes;
};

/* Or STORE_FULL: what is free beside what the log wants is below the reserve. Between two batches. */
MUST_CHECK int status_measure(struct store *s, struct disk *disk);

/* memory.c: what is read into memory at start and again by a recovery; what a batch has come to
 * stands. */
void memory_keep(struct store *s);
MUST_CHECK int memory_load(struct store *s);
/* Between two batches: caches grow with the contacts. */
MUST_CHECK int memory_fit(struct store *s);
unsigned memory_pages_kib(uint64_t contacts);

/* Who is told of each row that a start would fail at, db_damage() being what is wrong with it. */
struct damage_told {
	void (*tell)(void *arg, const char *row);
	void *arg;
};

/* catalog_load.c */
MUST_CHECK int catalog_load(struct store *s);
/* All rows as a start reads them, and nothing done with them. Of the store it takes `db` and `scratch`,
 * and leaves `definition_workspace`. */
MUST_CHECK int catalog_examine(struct store *s, const struct damage_told *told);
/* Words with blanks between, of a row. */
MUST_CHECK int scopes_read(struct str words, unsigned *out);
/* The catalog as the batch sees it. */
const struct catalog *catalog_so_far(const struct store *s);
const struct workspace *catalog_find_workspace(const struct store *s, uint32_t workspace);
struct definition *catalog_find_definition(const struct store *s, uint32_t workspace,
					   struct str name);
/* Whether the batch may add the key, or put it in the place of that of its number. */
bool catalog_key_fits(const struct store *s, uint32_t workspace, const struct key *like);
/* Whether it may have one more. */
bool catalog_key_numbered(const struct store *s, uint32_t workspace);
/* Likewise a definition, or put it in the place of that of its name. */
bool catalog_definition_fits(const struct store *s, uint32_t workspace,
			     const struct definition *like);
/* The batch's edit, begun when there is none. */
MUST_CHECK int catalog_begin_edit(struct store *s);
/* The batch is abandoned. */
void catalog_forget_edit(struct store *s);
/* Notes whose the definition is, 0: it is deleted. `no` is the last given out, or older. */
MUST_CHECK int catalog_note_definition(struct store *s, uint32_t no, uint32_t workspace);

/* identities.c */
MUST_CHECK int identity_owner(struct store *s, const struct identity *id, uint64_t *contact);
MUST_CHECK int identity_give(struct store *s, const struct identity *id, uint64_t contact);
MUST_CHECK int identity_take(struct store *s, const struct identity *id);

/* contact_plan.c: what an operation does to its contact, decided before anything is written. */
struct owned {
	struct identity id;
	struct str value;
	enum { OWNED_KEPT, OWNED_NEW, OWNED_LOST } state;
	bool named;  /* by the operation */
	bool stored; /* before the operation */
};

struct contact_plan {
	uint64_t contact;         /* 0: to be made */
	const struct uuid *given; /* the id it shall have (provisioning); NULL: its own */
	struct uuid id;
	instant_us created_at, updated_at;
	bool rewrite; /* the row changes */
	bool denied;  /* an identity was wanted that somebody else owns */
	struct owned *owned;
	unsigned n_owned;
	struct str identities, attributes; /* with rewrite, or op->wants_view */
};

/* STORE_REFUSED: see op->problems. `plan->contact` is set by the caller. */
MUST_CHECK int contact_plan(struct store *s, struct op *op, struct contact_plan *plan);
/* The plan of a contact as it is, `owned` included; nothing is to be changed. */
MUST_CHECK int contact_plan_read(struct store *s, struct op *op, struct contact_plan *plan);

/* contact_find.c: the contact that an operation names, 0: none. *by: the look-up that found it. */
MUST_CHECK int contact_find(struct store *s, struct op *op, uint64_t *contact,
			    const struct who **by);

/* contacts.c: the contact's number, where it is new, is `plan->contact` afterwards. */
MUST_CHECK int contact_id(struct store *s, uint64_t contact, struct uuid *out);
MUST_CHECK int contact_write(struct store *s, uint32_t workspace, struct contact_plan *plan);
/* op->view in two steps, so that nothing is refused after the first write. */
MUST_CHECK int contact_view_begin(struct op *op, const struct contact_plan *plan);
MUST_CHECK int contact_view_end(struct store *s, struct op *op, const struct contact_plan *plan,
				const struct head *head);

/* erasure.c: what a deleted contact leaves behind goes, some of it with each batch. */
MUST_CHECK int contact_erase(struct store *s, struct op *op, uint64_t contact);
MUST_CHECK int erasure_load(struct store *s);
MUST_CHECK int erasure_go_on(struct store *s);

/* scrub.c: what was erased goes from the files, too. */
void scrub_load(struct store *s);
void scrub_keep(struct store *s); /* the batch is committed */
MUST_CHECK int scrub_between_batches(struct store *s);
bool scrub_is_due(const struct store *s);

/* dedupe.c: ids that callers chose. */
MUST_CHECK int dedupe_load(struct store *s);
/* STORE_OK: the id is known, and the operation has its first event's facts. STORE_REFUSED: memory
 * for what wants_first is refused. */
MUST_CHECK int dedupe_find(struct store *s, struct op *op);
MUST_CHECK int dedupe_add(struct store *s, const struct op *op);
MUST_CHECK int dedupe_purge(struct store *s);

/* bulks.c: many operations recorded with what became of them. */
MUST_CHECK int bulk_load(struct store *s);
MUST_CHECK int bulk_write(struct store *s, struct op *op);
MUST_CHECK int bulk_purge(struct store *s);
MUST_CHECK int bulk_last_item(struct store *s, uint64_t *no); /* 0: there is none */
/* Requests up to that item which name the contact, or may: at most *budget of them, which is made
 * less. *left: there may be more. */
MUST_CHECK int bulk_erase(struct store *s, uint32_t workspace, uint64_t contact, uint64_t last_item,
			  unsigned *budget, bool *left);

/* token_rows.c: tokens on disk, and in memory once they are there. */
struct token_plan {
	unsigned scopes;
	bool lost; /* what is given for the token is not good */
};

MUST_CHECK int token_rows_load(struct store *s);
/* As catalog_examine(). */
MUST_CHECK int token_rows_examine(struct store *s, const struct damage_told *told);
/* Or STORE_REFUSED. */
MUST_CHECK int token_issue_decide(struct store *s, struct op *op, struct token_plan *plan);
MUST_CHECK int token_issue(struct store *s, struct op *op, const struct token_plan *plan);
MUST_CHECK int token_revoke(struct store *s, struct op *op);
/* Whoever the tokens were made for is no more. */
MUST_CHECK int token_rows_end(struct store *s, const struct sha256 *issuer);
MUST_CHECK int token_rows_purge(struct store *s);
void token_rows_keep(struct store *s);   /* the batch is committed */
void token_rows_forget(struct store *s); /* or abandoned */

/* keys.c: made and revoked while the server runs. */
/* Or STORE_REFUSED, without a problem where the number of a key is meant. */
MUST_CHECK int key_decide(struct store *s, struct op *op);
MUST_CHECK int key_refuse_full(struct op *op); /* STORE_REFUSED */
MUST_CHECK int key_write(struct store *s, struct op *op);
MUST_CHECK int key_add(struct store *s, uint32_t workspace, uint32_t no, const struct key *like);

/* workspaces.c */
MUST_CHECK int workspace_find(struct store *s, struct uuid id, uint32_t *no); /* 0: none has it */
/* The number for a new one, or STORE_FULL. */
MUST_CHECK int workspace_next(struct store *s, uint32_t *no);
/* The switches of `old` (NULL: none) with n of them set, into `w`. */
MUST_CHECK int workspace_set_switches(struct store *s, const struct workspace *old,
				      const struct switch_setting *set, unsigned n,
				      struct workspace *w);
/* Whether the workspace has room for it in place of the one of its name; *all: bytes with it. */
bool document_fits(const struct workspace *w, const struct document *d, size_t *all);
/* STORE_REFUSED, with *out: it is a relay, and an automation has a template for it; without: memory
 * is. What both say lives in the arena and in the workspace. */
MUST_CHECK int document_judge_relay(struct store *s, struct arena *a, const struct workspace *w,
				    const struct document *d, struct problem *out);
/* document_path.c. Likewise: it writes a file that a destination of another workspace writes, or one of
 * the two would have to be a folder on the way to the other. */
MUST_CHECK int document_judge_path(struct store *s, struct arena *a, uint32_t workspace,
				   const struct document *d, struct problem *out);
/* Adds it, or makes the one of that number so, unless it is; the times are filled in. */
MUST_CHECK int workspace_put(struct store *s, struct workspace *w, bool *changed);
MUST_CHECK int workspace_decide(struct store *s, struct op *op); /* or STORE_REFUSED */
MUST_CHECK int workspace_write(struct store *s, struct op *op);

/* definitions.c: the definition of an event, which may have to be made or to grow. */
struct definition_plan {
	uint32_t no;             /* 0: to be made */
	struct definition *next; /* to be written; NULL: stays as it is */
};

/* For a definition about to be made: a UUIDv7, as ids of the event API are. */
struct uuid definition_id(const struct store *s);
void definition_plan_fini(struct definition_plan *plan);
/* Whether there is room for what is to be written, or STORE_REFUSED. */
MUST_CHECK int definition_fit(struct store *s, struct op *op, const struct definition_plan *plan);
MUST_CHECK int definition_decide(struct store *s, struct op *op, struct definition_plan *plan);
MUST_CHECK int definition_write(struct store *s, uint32_t workspace, struct definition_plan *plan);
/* The fields of one level: of a definition, or of a field. LEVEL_OF() takes a pointer to either. */
struct level {
	const struct field *fields;
	const uint16_t *by_name; /* NULL: not there */
	unsigned n;
};
#define LEVEL_OF(x) ((struct level){ (x)->fields, (x)->by_name, (x)->n_fields })
/* The definition with what it lacks of more fields. */
MUST_CHECK int definition_extend(struct store *s, const struct definition *from,
				 const struct field *more, unsigned n,
				 struct definition_plan *plan);

/* definition_change.c: OP_DEFINITION and OP_DEFINITION_DELETE. */
MUST_CHECK int definition_change_decide(struct store *s, struct op *op,
					struct definition_plan *plan);
MUST_CHECK int definition_delete_decide(struct store *s, struct op *op);
MUST_CHECK int definition_delete(struct store *s, struct op *op);

/* contact_fields.c: OP_CONTACT_FIELD. */
MUST_CHECK int contact_field_decide(struct store *s, struct op *op);
MUST_CHECK int contact_field_write(struct store *s, struct op *op);
/* A new one, whose number it gets. */
MUST_CHECK int contact_field_add(struct store *s, uint32_t workspace, struct contact_field *field);
MUST_CHECK int contact_field_set(struct store *s, uint32_t workspace,
				 const struct contact_field *field);

/* documents.c: OP_DOCUMENT and OP_DOCUMENT_DELETE. */
MUST_CHECK int document_decide(struct store *s, struct op *op); /* or STORE_REFUSED */
MUST_CHECK int document_write(struct store *s, struct op *op);
MUST_CHECK int document_delete_decide(struct store *s, struct op *op); /* or STORE_REFUSED */
MUST_CHECK int document_delete(struct store *s, struct op *op);
/* Adds it, or makes the one of that name so, unless it is. */
MUST_CHECK int document_declare(struct store *s, uint32_t workspace, struct document *d);

/* batch.c: store_begin() without a look at the free disk. */
MUST_CHECK int batch_begin(struct store *s);
/* When a change made now is said to be of what was last changed at `before`: later, however the clock
 * goes, so that no two look alike (DEFINITION_AS_SEEN, DOCUMENT_AS_SEEN). */
instant_us batch_changed_at(const struct store *s, instant_us before);

/* provision.c and its parts: within store_provision()'s batch. STORE_REFUSED, with the line in the
 * provision's `error`: what is declared does not fit what is there. */
MUST_CHECK int provision_workspace_row(struct store *s, const struct provision *all,
				       const struct provision_workspace *p, uint32_t *no);
MUST_CHECK int provision_contact_field(struct store *s, uint32_t workspace,
				       const struct provision *all,
				       const struct provision_contact_field *p);
MUST_CHECK int provision_document(struct store *s, uint32_t workspace, const struct provision *p,
				  const struct provision_document *declared);
/* Once all of the file are there, those of other workspaces too. */
MUST_CHECK int provision_document_uses(struct store *s, uint32_t workspace,
				       const struct provision *p,
				       const struct provision_document *declared);
MUST_CHECK int provision_rotate(struct store *s, uint32_t workspace,
				const struct provision_workspace *p);
MUST_CHECK int provision_contact(struct store *s, uint32_t workspace, const struct provision *p,
				 const struct provision_contact *c);
/* provision_refuse.c. The line is the place and behind it ": RULE" or ".MEMBER: RULE". */
MUST_CHECK int provision_refuse(const struct provision *p, struct str place, const char *rule, ...)
	PRINTF(3, 4);
MUST_CHECK int provision_refuse_problem(struct store *s, const struct provision *p,
					struct str place, const struct problem *problem);

/* rollup.c */
MUST_CHECK int rollup_count(struct store *s, uint32_t workspace, uint32_t definition);
/* A contact was made (1) or deleted (-1); the workspace counts it with the batch. */
MUST_CHECK int rollup_count_contact(struct store *s, uint32_t workspace, int by);
MUST_CHECK int rollup_write(struct store *s);
void rollup_keep(struct store *s);
void rollup_forget(struct store *s);

/* events.c: an event's row is written with those of its neighbours, at the latest by
 * events_flush(), which goes before whatever reads or changes rows of the running batch. */
MUST_CHECK int event_write(struct store *s, struct op *op, uint32_t definition, struct head *head);
MUST_CHECK int events_flush(struct store *s);
MUST_CHECK int event_received_at(struct store *s, uint64_t seq, instant_us *out);

/* heads_save.c */
MUST_CHECK int heads_load(struct store *s);
/* The blocks as they were saved, and the event behind which they may be behind the truth. */
MUST_CHECK int heads_read_saved(sqlite3 *db, struct heads *h, int64_t *from);
MUST_CHECK int heads_save_some(struct store *s, uint64_t events);
MUST_CHECK int heads_save_all(struct store *s);
void heads_save_done(struct store *s, bool committed);

/* refuse.c: adds the problem, whose path lives as long as the operation. */
void op_problem(struct op *op, struct problem p);
/* And gives STORE_REFUSED. */
MUST_CHECK int op_refuse(struct op *op, struct problem p);
/* op->problems, made when the dialect gave none. NULL: the request's memory is used up. */
struct problems *op_problems(struct op *op);
