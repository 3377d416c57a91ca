/*
 * ~ A batch from its begin to its commit. store_apply() first decides everything about an operation
 * ~ (whose contact, which definition, what changes), so that a refused one has written nothing, and
 * ~ then carries it out. The tour goes on in dialect/arsel.c.
 */
#include "base/digest.h"
#include "base/fail.h"
#include "store/state.h"

#include <errno.h>

int batch_begin(struct store *s)
{
	char why[256];
	must(!s->in_batch);
	if (status_is_failed(s, why, sizeof(why)))
		return fail(-EIO, "%s", why);
	int r = checkpoint_between_batches(s->checkpoint);
	r = r ?: db_run(s->st[ST_BEGIN]);
	if (r < 0)
		return status_failed(s, r);
	s->in_batch = true;
	s->at.received_at = MAX(s->kept.received_at, s->now());
	return 0;
}

int store_begin(struct store *s)
{
	uint64_t free_bytes;
	int r = status_disk(s, &free_bytes);
	if (r < 0)
		return status_failed(s, r);
	return r == STORE_FULL ? STORE_FULL : batch_begin(s);
}

static unsigned all_uses(const struct op *op)
{
	unsigned uses = 0;
	for (unsigned i = 0; i < op->n_who; i++)
		uses |= op->who[i].use;
	return uses;
}

/* Whether the report asks for anything beyond finding the contact. */
static bool takes_anything(const struct op *op)
{
	return op->n_changes > 0 || all_uses(op) & (WHO_ADOPT | WHO_REPLACE | WHO_SHARED);
}

static uint64_t mix(uint64_t print, struct str s)
{
	return hash64_seeded(s, print);
}

static uint64_t mix_number(uint64_t print, uint64_t n)
{
	return mix(print, (struct str){ (const char *)&n, sizeof(n) });
}

/*
 * A hash of all that a report asks of its contact. When a contact has just been given that, the
 * same report asks for nothing, and its row need not be read to see it. Never 0; 0 for a report
 * that asks for something each time.
 */
static uint64_t report_print(const struct op *op)
{
	uint64_t print = mix_number(op->n_who, op->custom_max);
	for (unsigned i = 0; i < op->n_who; i++) {
		const struct who *who = &op->who[i];
		print = mix_number(print, (uint64_t)who->kind << 8 | who->use);
		print = mix(print, who->value);
	}
	for (unsigned i = 0; i < op->n_changes; i++) {
		const struct attribute_change *c = &op->changes[i];
		if (c->verb == ATTRIBUTE_APPEND)
			return 0;
		print = mix_number(print, (uint64_t)c->verb << 1 | c->custom);
		print = mix(print, c->name);
		print = mix(print, c->json);
	}
	return print | 1;
}

static int refuse_unknown(struct op *op)
{
	struct problems *ps = op_problems(op);
	if (ps)
		problem_at(ps, PROBLEM_UNKNOWN_CONTACT, STR(""));
	return STORE_REFUSED;
}

/* Everything that can be refused, before anything is written. */
struct decision {
	struct contact_plan contact;
	struct definition_plan definition;
	uint64_t print; /* of the report; 0: it is not to be remembered */
};

static int decide(struct store *s, struct op *op, struct decision *d)
{
	int r = contact_find(s, op, &d->contact.contact);
	if (r < 0)
		return pass(r);
	bool unknown = d->contact.contact == 0 && !(all_uses(op) & WHO_CREATES);
	if (unknown)
		refuse_unknown(op);
	r = definition_decide(s, op, &d->definition);
	if (r != STORE_OK || unknown)
		return r < 0 ? pass(r) : STORE_REFUSED;
	if (d->contact.contact && !takes_anything(op))
		return STORE_OK;
	d->print = report_print(op);
	if (d->print && d->contact.contact) {
		struct head *head = heads_touch(&s->heads, d->contact.contact);
		if (!head)
			return fail(-ENOMEM, "heads");
		if (head->print == d->print)
			return STORE_OK;
	}
	return contact_plan(s, op, &d->contact);
}

static int carry_out(struct store *s, struct op *op, struct decision *d)
{
	struct contact_plan *contact = &d->contact;
	int r = definition_write(s, op->workspace, &d->definition);
	r = r ?: contact_write(s, op->workspace, contact);
	if (r < 0)
		return pass(r);
	struct head *head = heads_touch(&s->heads, contact->contact);
	if (!head)
		return fail(-ENOMEM, "heads");
	if (contact->rewrite || d->print)
		head->print = contact->denied ? 0 : d->print;
	return event_write(s, op, d->definition.no, head);
}

int store_apply(struct store *s, struct op *op)
{
	struct decision d = { 0 };
	must(s->in_batch);
	arena_reset(&s->scratch);
	int r = decide(s, op, &d);
	if (r == STORE_OK)
		r = carry_out(s, op, &d);
	definition_plan_fini(&d.definition);
	return r < 0 ? status_failed(s, r) : r;
}

/* From here on everybody sees the batch. */
static void publish(struct store *s)
{
	heads_keep(&s->heads);
	heads_save_done(s, true);
	rollup_keep(s);
	s->kept = s->at;
	s->in_batch = false;
	identity_cache_fit(&s->identities, s->at.contact);
	if (!s->edit)
		return;
	catalog_publish(&s->cell, catalog_edit_done(steal(&s->edit)));
	catalog_refresh(&s->cell, &s->catalog);
}

int store_commit(struct store *s)
{
	must(s->in_batch);
	int r = rollup_write(s);
	r = r ?: heads_save_some(s, s->at.seq - s->kept.seq);
	r = r ?: db_run(s->st[ST_COMMIT]);
	if (r < 0)
		return status_failed(s, r);
	publish(s);
	return 0;
}

void store_abandon(struct store *s)
{
	if (!s->in_batch)
		return;
	s->in_batch = false;
	/* A failed statement may have ended the transaction already. */
	int r = sqlite3_get_autocommit(s->db) ? 0 : db_run(s->st[ST_ROLLBACK]);
	if (r < 0)
		r = status_failed(s, r);
	heads_drop(&s->heads);
	heads_save_done(s, false);
	rollup_forget(s);
	identity_cache_clear(&s->identities);
	catalog_edit_drop(steal(&s->edit));
	s->at = s->kept;
}
