#include "base/digest.h"
#include "base/fail.h"
#include "store/state.h"

#include <errno.h>

static unsigned all_uses(const struct op *op)
{
	unsigned uses = 0;
	for (unsigned i = 0; i < op->n_who; i++)
		uses |= op->who[i].use;
	return uses;
}

enum {
	WHO_TAKES = WHO_ADOPT | WHO_REPLACE | WHO_ADD | WHO_SHARED | WHO_EXCLUSIVE | WHO_DROP |
		    WHO_DROP_KIND | WHO_STAYS
};

/* What the contact was found by is its own, and to adopt that is to change nothing. */
static bool takes(const struct who *w, const struct who *by)
{
	unsigned takes = w->use & WHO_TAKES;
	return takes && !(w == by && takes == WHO_ADOPT && w->use & WHO_LOOKUP);
}

/* Whether the report asks for anything beyond finding the contact. */
static bool takes_anything(const struct op *op, const struct who *by)
{
	bool any = op->n_changes > 0;
	for (unsigned i = 0; i < op->n_who && !any; i++)
		any = takes(&op->who[i], by);
	return any;
}

/*
 * A hash of all that a report asks of its contact. When a contact has just been given that, the
 * same report asks for nothing, and its row need not be read to see it. Never 0; 0 for a report
 * that may be refused, or asks for something, each time.
 */
static uint64_t report_print(const struct op *op)
{
	const unsigned no_print = WHO_EXCLUSIVE | WHO_DROP | WHO_DROP_KIND | WHO_STAYS;
	struct siphash print = siphash_begin();
	if (all_uses(op) & no_print)
		return 0;
	siphash_number(&print, (uint64_t)op->n_who << 32 | op->custom_max);
	for (unsigned i = 0; i < op->n_who; i++) {
		const struct who *who = &op->who[i];
		siphash_number(&print, (uint64_t)who->kind << 32 | who->use);
		siphash_text(&print, who->value);
	}
	for (unsigned i = 0; i < op->n_changes; i++) {
		const struct attribute_change *c = &op->changes[i];
		/* What is taken out, and put back by another change, comes last each time. */
		if (c->verb == ATTRIBUTE_WITHOUT && op->n_changes > 1)
			return 0;
		siphash_number(&print, (uint64_t)c->verb << 1 | c->custom);
		siphash_number(&print, c->of ? (uint64_t)(c->of - op->who) + 1 : 0);
		siphash_text(&print, c->name);
		siphash_text(&print, c->json);
	}
	return siphash_end(&print) | 1;
}

/* Everything that can be refused, before anything is written. */
struct decision {
	const struct who *by; /* what the contact was found by */
	struct contact_plan contact;
	struct definition_plan definition;
	struct token_plan token;
	uint64_t print; /* of the report; 0: it is not to be remembered */
};

/* The contact that the operation is about; 0 when one may be made. */
static int decide_who(struct store *s, struct op *op, struct decision *d)
{
	uint64_t *contact = &d->contact.contact;
	int r = contact_find(s, op, contact, &d->by);
	if (r < 0)
		return pass(r);
	if (*contact && op->kind == OP_CONTACT && op->rules & CONTACT_MUST_BE_NEW)
		return op_refuse(
			op, (struct problem){ .code = PROBLEM_EXISTS,
					      .path = str_of(identity_kind_name(d->by->kind)) });
	bool may_be_made = op->kind != OP_CONTACT_DELETE && all_uses(op) & WHO_CREATES;
	if (*contact == 0 && !may_be_made)
		return op_refuse(op, (struct problem){ .code = PROBLEM_UNKNOWN_CONTACT });
	return STORE_OK;
}

/* Whether the report asks for nothing that its contact has not got. */
static int is_settled(struct store *s, const struct op *op, struct decision *d, bool *settled)
{
	*settled = false;
	if (op->wants_view)
		return 0;
	*settled = d->contact.contact && !takes_anything(op, d->by);
	if (*settled)
		return 0;
	d->print = report_print(op);
	if (!d->print || !d->contact.contact)
		return 0;
	struct head *head = heads_touch(&s->heads, d->contact.contact);
	if (!head)
		return fail(-ENOMEM, "heads");
	*settled = head->print == d->print;
	return 0;
}

static int decide_contact(struct store *s, struct op *op, struct decision *d)
{
	int r = contact_plan(s, op, &d->contact);
	if (r == STORE_OK && op->wants_view)
		r = contact_view_begin(op, &d->contact);
	return r;
}

static int decide_event(struct store *s, struct op *op, struct decision *d)
{
	bool settled;
	int r = dedupe_find(s, op);
	if (r != STORE_NONE)
		return r;
	int who = decide_who(s, op, d);
	if (who < 0)
		return pass(who);
	r = definition_decide(s, op, &d->definition);
	if (r != STORE_OK || who != STORE_OK)
		return r < 0 ? pass(r) : STORE_REFUSED;
	r = is_settled(s, op, d, &settled);
	if (r < 0 || settled)
		return pass(r);
	return decide_contact(s, op, d);
}

static int decide(struct store *s, struct op *op, struct decision *d)
{
	int r;
	switch (op->kind) {
	case OP_EVENT:
		return decide_event(s, op, d);
	case OP_CONTACT:
		r = decide_who(s, op, d);
		return r == STORE_OK ? decide_contact(s, op, d) : r;
	case OP_CONTACT_DELETE:
		return decide_who(s, op, d);
	case OP_KEY:
		return key_decide(s, op);
	case OP_WORKSPACE:
		return workspace_decide(s, op);
	case OP_DEFINITION:
		return definition_change_decide(s, op, &d->definition);
	case OP_DEFINITION_DELETE:
		return definition_delete_decide(s, op);
	case OP_CONTACT_FIELD:
		return contact_field_decide(s, op);
	case OP_DOCUMENT:
		return document_decide(s, op);
	case OP_DOCUMENT_DELETE:
		return document_delete_decide(s, op);
	case OP_TOKEN_ISSUE:
		return token_issue_decide(s, op, &d->token);
	case OP_TOKEN_REVOKE:
	case OP_BULK:
		return STORE_OK;
	}
	return fail(-EINVAL, "an operation of no kind");
}

/* What of the decision concerns the contact, and its head. */
static int write_contact(struct store *s, struct op *op, struct decision *d, struct head **head)
{
	struct contact_plan *contact = &d->contact;
	op->created = contact->contact == 0;
	op->changed = contact->rewrite;
	int r = contact_write(s, op->workspace, contact);
	if (r < 0)
		return pass(r);
	*head = heads_touch(&s->heads, contact->contact);
	if (!*head)
		return fail(-ENOMEM, "heads");
	if (contact->rewrite || d->print)
		(*head)->print = contact->denied ? 0 : d->print;
	op->contact = contact->contact;
	op->received_at = s->at.received_at;
	return 0;
}

static int show_contact(struct store *s, struct op *op, const struct decision *d,
			const struct head *head)
{
	return op->wants_view ? contact_view_end(s, op, &d->contact, head) : 0;
}

static int do_event(struct store *s, struct op *op, struct decision *d)
{
	struct head *head;
	if (op->repeated)
		return 0;
	int r = definition_write(s, op->workspace, &d->definition);
	r = r ?: write_contact(s, op, d, &head);
	r = r ?: event_write(s, op, d->definition.no, head);
	r = r ?: dedupe_add(s, op);
	return pass(r ?: show_contact(s, op, d, head));
}

static int do_contact(struct store *s, struct op *op, struct decision *d)
{
	struct head *head;
	int r = write_contact(s, op, d, &head);
	return pass(r ?: show_contact(s, op, d, head));
}

static int do_contact_delete(struct store *s, struct op *op, const struct decision *d)
{
	op->contact = d->contact.contact;
	op->changed = true;
	op->received_at = s->at.received_at;
	return contact_erase(s, op, op->contact);
}

static int do_definition(struct store *s, struct op *op, struct decision *d)
{
	op->created = d->definition.no == 0;
	op->changed = d->definition.next != NULL;
	op->received_at = s->at.received_at;
	int r = definition_write(s, op->workspace, &d->definition);
	op->definition_no = d->definition.no;
	return pass(r);
}

static int do_definition_delete(struct store *s, struct op *op)
{
	op->changed = true;
	op->definition_no = op->definition;
	op->received_at = s->at.received_at;
	return definition_delete(s, op);
}

static int carry_out(struct store *s, struct op *op, struct decision *d)
{
	switch (op->kind) {
	case OP_EVENT:
		return do_event(s, op, d);
	case OP_CONTACT:
		return do_contact(s, op, d);
	case OP_CONTACT_DELETE:
		return do_contact_delete(s, op, d);
	case OP_KEY:
		return key_write(s, op);
	case OP_WORKSPACE:
		return workspace_write(s, op);
	case OP_DEFINITION:
		return do_definition(s, op, d);
	case OP_DEFINITION_DELETE:
		return do_definition_delete(s, op);
	case OP_CONTACT_FIELD:
		return contact_field_write(s, op);
	case OP_DOCUMENT:
		return document_write(s, op);
	case OP_DOCUMENT_DELETE:
		return document_delete(s, op);
	case OP_TOKEN_ISSUE:
		return token_issue(s, op, &d->token);
	case OP_TOKEN_REVOKE:
		return token_revoke(s, op);
	case OP_BULK:
		return bulk_write(s, op);
	}
	return fail(-EINVAL, "an operation of no kind");
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

int store_check(struct store *s, struct op *op)
{
	struct decision d = { 0 };
	must(s->in_batch && !op->wants_view && !op->wants_first);
	arena_reset(&s->scratch);
	int r = decide(s, op, &d);
	definition_plan_fini(&d.definition);
	return r < 0 ? status_failed(s, r) : r;
}
