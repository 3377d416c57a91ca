#include "base/fail.h"
#include "base/log.h"
#include "model/contact.h"
#include "store/state.h"

#include <errno.h>

/*
 * A contact goes in two steps. With its operation: its identities, its attributes, and every way to
 * find it; its row stays, of no workspace, so that its events still have a contact. With the
 * batch's end and those that follow: the requests of bulks that name it or may do so, then its
 * events' properties, newest first, down the list that `prev` makes. Where that has got to is a row
 * in `erasure`, which goes with the last of them.
 */
enum { ERASED_PER_BATCH = 1000 }; /* some ten milliseconds */

static int take_identities(struct store *s, uint32_t workspace, const struct contact_plan *plan)
{
	char text[UUID_TEXT + 1];
	struct identity given = { workspace, IDENTITY_UUID, { text, UUID_TEXT } };
	uuid_text(plan->id, text);
	int r = identity_take(s, &given);
	for (unsigned i = 0; r == 0 && i < plan->n_owned; i++)
		r = identity_take(s, &plan->owned[i].id);
	return pass(r);
}

/* What is left of a deletion. */
struct remains {
	uint64_t contact;
	uint32_t workspace;
	uint64_t next_seq, last_item; /* 0: nothing */
};

static int put_remains(struct store *s, const struct remains *left)
{
	bool any = left->next_seq || left->last_item;
	sqlite3_stmt *st = s->st[any ? ST_ERASURE_PUT : ST_ERASURE_DROP];
	db_bind_i64(st, 1, (int64_t)left->contact);
	if (any) {
		db_bind_i64(st, 2, left->workspace);
		db_bind_i64(st, 3, (int64_t)left->next_seq);
		db_bind_i64(st, 4, (int64_t)left->last_item);
	}
	s->erasing |= any;
	return db_run(st);
}

/* An id that was given goes with the contact, since it may be given again: the row gets the one it
 * would have had without, as nearly all have it already. */
static int empty_row(struct store *s, const struct contact_plan *plan)
{
	sqlite3_stmt *st = s->st[ST_CONTACT_ERASE];
	struct uuid id = contact_uuid(plan->contact, plan->created_at);
	db_bind_blob(st, 1, id.b, sizeof(id.b));
	db_bind_i64(st, 2, s->at.received_at);
	db_bind_i64(st, 3, (int64_t)plan->contact);
	return db_run(st);
}

int contact_erase(struct store *s, struct op *op, uint64_t contact)
{
	struct remains left = { .contact = contact, .workspace = op->workspace };
	struct contact_plan plan = { .contact = contact };
	struct head *head = heads_touch(&s->heads, contact);
	if (!head)
		return fail(-ENOMEM, "heads");
	head->print = 0;
	s->erased = true;
	left.next_seq = head->seq;
	int r = contact_plan_read(s, op, &plan);
	r = r ?: take_identities(s, op->workspace, &plan);
	r = r ?: empty_row(s, &plan);
	db_bind_i64(s->st[ST_GONE_ADD], 1, (int64_t)contact);
	r = r ?: db_run(s->st[ST_GONE_ADD]);
	r = r ?: rollup_count_contact(s, op->workspace, -1);
	r = r ?: bulk_last_item(s, &left.last_item);
	return pass(r ?: put_remains(s, &left));
}

int erasure_load(struct store *s)
{
	int64_t n;
	int r = db_query_i64(s->db, start_sql[START_ERASURES], &n);
	s->erasing = r == 0 && n > 0;
	return pass(r);
}

/* STORE_NONE when nothing is left to do. */
static int next_remains(struct store *s, struct remains *left)
{
	sqlite3_stmt *st = s->st[ST_ERASURE_NEXT];
	int r = db_step(st);
	if (r < 0)
		return pass(r);
	*left = (struct remains){ .contact = (uint64_t)db_i64(st, 0),
				  .workspace = (uint32_t)db_i64(st, 1),
				  .next_seq = (uint64_t)db_i64(st, 2),
				  .last_item = (uint64_t)db_i64(st, 3) };
	db_reset(st);
	return r == DB_ROW ? STORE_OK : STORE_NONE;
}

/* *seq becomes the one before. A list that does not hold together ends where it breaks: what is
 * behind cannot be told to be the contact's. */
static int erase_event(struct store *s, uint64_t contact, uint64_t *seq)
{
	sqlite3_stmt *st = s->st[ST_EVENT_ERASE];
	db_bind_i64(st, 1, (int64_t)*seq);
	db_bind_i64(st, 2, (int64_t)contact);
	int r = db_step(st);
	if (r < 0)
		return pass(r);
	uint64_t prev = (uint64_t)db_i64(st, 0);
	bool sound = r == DB_ROW && prev < *seq;
	db_reset(st);
	if (!sound)
		log_error("erasure_broke_off", LOG_I("contact", (int64_t)contact),
			  LOG_I("seq", (int64_t)*seq));
	*seq = sound ? prev : 0;
	return 0;
}

/* Requests first: with the deletion itself, as long as they are not too many. */
static int erase_some(struct store *s, unsigned *budget, struct remains *left)
{
	bool more = false;
	int r = 0;
	s->erased = true;
	if (left->last_item)
		r = bulk_erase(s, left->workspace, left->contact, left->last_item, budget, &more);
	left->last_item = more ? left->last_item : 0;
	while (r == 0 && left->next_seq && *budget > 0) {
		r = erase_event(s, left->contact, &left->next_seq);
		--*budget;
	}
	return pass(r ?: put_remains(s, left));
}

int erasure_go_on(struct store *s)
{
	unsigned budget = ERASED_PER_BATCH;
	while (s->erasing && budget > 0) {
		struct remains left;
		int r = next_remains(s, &left);
		if (r < 0)
			return pass(r);
		if (r == STORE_NONE)
			s->erasing = false;
		else if ((r = erase_some(s, &budget, &left)) < 0)
			return pass(r);
	}
	return 0;
}
