#include "base/fail.h"
#include "store/contact_plan.h"

static int owner_of(struct store *s, const struct op *op, const struct who *who, uint64_t *contact)
{
	struct identity id = planning_identity(op, who);
	return identity_owner(s, &id, contact);
}

static int find_looked_up(struct store *s, const struct op *op, uint64_t *contact,
			  const struct who **by)
{
	int r = 0;
	for (unsigned i = 0; i < op->n_who && *contact == 0 && r == 0; i++) {
		*by = &op->who[i];
		if (op->who[i].use & WHO_LOOKUP)
			r = owner_of(s, op, *by, contact);
	}
	return pass(r);
}

static bool looks_up_by(const struct op *op, enum identity_kind kind)
{
	for (unsigned i = 0; i < op->n_who; i++)
		if ((op->who[i].use & WHO_LOOKUP) && op->who[i].kind == kind)
			return true;
	return false;
}

/* Whether somebody else's name for the contact stands in the way of claiming it. */
static int may_claim(struct store *s, struct op *op, uint64_t contact, bool *may)
{
	struct contact_plan plan = { .contact = contact };
	int r = contact_plan_read(s, op, &plan);
	*may = true;
	for (unsigned i = 0; i < plan.n_owned && r == 0; i++)
		*may &= !looks_up_by(op, plan.owned[i].id.kind);
	return pass(r);
}

static int find_claimed(struct store *s, struct op *op, uint64_t *contact, const struct who **by)
{
	int r = 0;
	for (unsigned i = 0; i < op->n_who && *contact == 0 && r == 0; i++) {
		bool may = true;
		*by = &op->who[i];
		if (op->who[i].use & WHO_CLAIMS)
			r = owner_of(s, op, *by, contact);
		if (r == 0 && *contact)
			r = may_claim(s, op, *contact, &may);
		if (!may)
			*contact = 0;
	}
	return pass(r);
}

int contact_find(struct store *s, struct op *op, uint64_t *contact, const struct who **by)
{
	*contact = 0;
	int r = find_looked_up(s, op, contact, by);
	return r < 0 || *contact ? pass(r) : find_claimed(s, op, contact, by);
}
