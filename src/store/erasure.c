#include "base/fail.h"
#include "base/log.h"
#include "model/contact.h"
#include "store/state.h"

#include <errno.h>

/*
 * A contact goes in two steps. With its operation: its identities, its attributes, and every way to
 * find it; its row stays, of no workspace, so that its events still have a contact. With the
 * batches that follow: its events' properties, newest first, down the list that `prev` makes. Where
 * that has got to is a row in `erasure`, which goes with the last event.
 */
enum { EVENTS_PER_BATCH = 1000 }; /* some ten milliseconds */

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

static int put_position(struct store *s, uint64_t contact, uint64_t next_seq)
{
	sqlite3_stmt *st = s->st[next_seq ? ST_ERASURE_PUT : ST_ERASURE_DROP];
	db_bind_i64(st, 1, (int64_t)contact);
	if (next_seq)
		db_bind_i64(st, 2, (int64_t)next_seq);
	s->erasing |= next_seq != 0;
	return db_run(st);
}

int contact_erase(struct store *s, struct op *op, uint64_t contact)
{
	struct contact_plan plan = { .contact = contact };
	sqlite3_stmt *st = s->st[ST_CONTACT_ERASE];
	struct head *head = heads_touch(&s->heads, contact);
	if (!head)
		return fail(-ENOMEM, "heads");
	head->print = 0;
	uint64_t newest = head->seq;
	int r = contact_plan_read(s, op, &plan);
	r = r ?: take_identities(s, op->workspace, &plan);
	db_bind_i64(st, 1, s->at.received_at);
	db_bind_i64(st, 2, (int64_t)contact);
	r = r ?: db_run(st);
	r = r ?: rollup_count_contact(s, op->workspace, -1);
	return pass(r ?: (newest ? put_position(s, contact, newest) : 0));
}

int erasure_load(struct store *s)
{
	int64_t n;
	int r = db_query_i64(s->db, start_sql[START_ERASURES], &n);
	s->erasing = r == 0 && n > 0;
	return pass(r);
}

/* STORE_NONE when nothing is left to do. */
static int next_position(struct store *s, uint64_t *contact, uint64_t *seq)
{
	sqlite3_stmt *st = s->st[ST_ERASURE_NEXT];
	int r = db_step(st);
	if (r < 0)
		return pass(r);
	*contact = (uint64_t)db_i64(st, 0);
	*seq = (uint64_t)db_i64(st, 1);
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

static int erase_some(struct store *s, unsigned *budget, uint64_t contact, uint64_t seq)
{
	int r = 0;
	while (r == 0 && seq && *budget > 0) {
		r = erase_event(s, contact, &seq);
		--*budget;
	}
	return pass(r ?: put_position(s, contact, seq));
}

int erasure_go_on(struct store *s)
{
	unsigned budget = EVENTS_PER_BATCH;
	while (s->erasing && budget > 0) {
		uint64_t contact, seq;
		int r = next_position(s, &contact, &seq);
		if (r < 0)
			return pass(r);
		if (r == STORE_NONE)
			s->erasing = false;
		else if ((r = erase_some(s, &budget, contact, seq)) < 0)
			return pass(r);
	}
	return 0;
}
