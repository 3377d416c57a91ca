#include "base/fail.h"
#include "model/contact.h"
#include "store/state.h"

int contact_id(struct store *s, uint64_t contact, struct uuid *out)
{
	sqlite3_stmt *st = s->st[ST_CONTACT_KEYS];
	db_bind_i64(st, 1, (int64_t)contact);
	int r = db_step(st);
	if (r < 0)
		return pass(r);
	r = r == DB_ROW ? db_blob(st, 1, out->b, sizeof(out->b)) : db_damaged("contact");
	db_reset(st);
	return pass(r);
}

static int add_row(struct store *s, uint32_t workspace, struct contact_plan *plan)
{
	sqlite3_stmt *st = s->st[ST_CONTACT_ADD];
	plan->contact = s->at.contact + 1;
	if (plan->contact > HEADS_CONTACT_MAX)
		return db_damaged("contact numbers have run out");
	if (!plan->given)
		plan->id = contact_uuid(plan->contact, s->at.received_at);
	db_bind_i64(st, 1, (int64_t)plan->contact);
	db_bind_i64(st, 2, workspace);
	db_bind_blob(st, 3, plan->id.b, sizeof(plan->id.b));
	db_bind_text(st, 4, plan->identities);
	db_bind_text(st, 5, plan->attributes);
	plan->created_at = plan->updated_at = s->at.received_at;
	db_bind_i64(st, 6, s->at.received_at);
	db_bind_i64(st, 7, s->at.received_at);
	int r = db_run(st);
	if (r < 0)
		return pass(r);
	s->at.contact = plan->contact;
	return rollup_count_contact(s, workspace, 1);
}

static int set_row(struct store *s, struct contact_plan *plan)
{
	sqlite3_stmt *st = s->st[ST_CONTACT_SET];
	plan->updated_at = s->at.received_at;
	db_bind_blob(st, 1, plan->id.b, sizeof(plan->id.b));
	db_bind_text(st, 2, plan->identities);
	db_bind_text(st, 3, plan->attributes);
	db_bind_i64(st, 4, s->at.received_at);
	db_bind_i64(st, 5, (int64_t)plan->contact);
	return db_run(st);
}

static int write_identities(struct store *s, const struct contact_plan *plan)
{
	int r = 0;
	for (unsigned i = 0; r == 0 && i < plan->n_owned; i++)
		if (plan->owned[i].state == OWNED_LOST)
			r = identity_take(s, &plan->owned[i].id);
	for (unsigned i = 0; r == 0 && i < plan->n_owned; i++)
		if (plan->owned[i].state == OWNED_NEW)
			r = identity_give(s, &plan->owned[i].id, plan->contact);
	return pass(r);
}

int contact_write(struct store *s, uint32_t workspace, struct contact_plan *plan)
{
	if (!plan->rewrite)
		return 0;
	int r = plan->contact == 0 ? add_row(s, workspace, plan) : set_row(s, plan);
	return pass(r ?: write_identities(s, plan));
}

int contact_view_begin(struct op *op, const struct contact_plan *plan)
{
	op->view = (struct contact_view){
		.identities = arena_str(op->arena, plan->identities),
		.attributes = arena_str(op->arena, plan->attributes),
	};
	/* Without room for what is asked for there is none for problems. */
	return op->view.identities.p && op->view.attributes.p ? STORE_OK : STORE_REFUSED;
}

int contact_view_end(struct store *s, struct op *op, const struct contact_plan *plan,
		     const struct head *head)
{
	struct contact_view *v = &op->view;
	v->number = plan->contact;
	v->id = plan->id;
	v->created_at = plan->created_at;
	v->updated_at = plan->updated_at;
	v->event_count = head->count;
	return head->seq ? event_received_at(s, head->seq, &v->last_event_at) : 0;
}
