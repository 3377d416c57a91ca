#include "base/fail.h"
#include "store/contact_plan.h"

/* The first owner of an identity that is for `use`, 0: none. */
static int find_by(struct store *s, const struct op *op, enum who_use use, uint64_t *contact,
		   const struct who **by)
{
	*contact = 0;
	*by = NULL;
	for (unsigned i = 0; i < op->n_who && *contact == 0; i++) {
		if (!(op->who[i].use & use))
			continue;
		struct identity id = planning_identity(op, &op->who[i]);
		int r = identity_owner(s, &id, contact);
		if (r < 0)
			return pass(r);
		*by = &op->who[i];
	}
	return 0;
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

int contact_find(struct store *s, struct op *op, uint64_t *contact, const struct who **by)
{
	bool may;
	int r = find_by(s, op, WHO_LOOKUP, contact, by);
	if (r < 0 || *contact)
		return pass(r);
	r = find_by(s, op, WHO_CLAIMS, contact, by);
	if (r < 0 || *contact == 0)
		return pass(r);
	r = may_claim(s, op, *contact, &may);
	if (r == 0 && !may)
		*contact = 0;
	return pass(r);
}
