#include "store/contact_plan.h"

#include "base/fail.h"

/*
 * What somebody said of a way to reach a person is about that e-mail or phone. It is not to be read of
 * another: a number that nobody has agreed to is not subscribed because the one before it was.
 */
static const struct {
	enum identity_kind kind;
	struct str state; /* the attribute */
} ways[PLANNING_WAYS] = {
	{ IDENTITY_EMAIL, STR_INIT("email_status") },
	{ IDENTITY_PHONE, STR_INIT("sms_status") },
};

static struct str shown(const struct planning *p, enum identity_kind kind)
{
	return attributes_get(&p->attributes, false, str_of(identity_kind_name(kind)));
}

void planning_note_shown(struct planning *p)
{
	for (size_t i = 0; i < ARRAY_LEN(ways); i++)
		p->shown[i] = shown(p, ways[i].kind);
}

static int is_other(struct planning *p, enum identity_kind kind, struct str was, struct str is,
		    bool *yes)
{
	struct str a, b;
	int r = planning_shown_key(p, kind, was, &a);
	r = r ?: planning_shown_key(p, kind, is, &b);
	*yes = r == 0 && !(a.p && b.p && str_eq(a, b));
	return pass(r);
}

int planning_forget_states(struct planning *p)
{
	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		const struct attribute_change c = { .verb = ATTRIBUTE_REMOVE,
						    .name = ways[i].state };
		struct str was = p->shown[i], is = shown(p, ways[i].kind);
		bool other = false;
		p->shown[i] = is;
		if (!attributes_get(&p->attributes, false, c.name).p || str_eq(was, is))
			continue;
		int r = is_other(p, ways[i].kind, was, is, &other);
		if (r == 0 && other)
			r = attributes_change(&p->attributes, &c);
		if (r < 0)
			return pass(r);
	}
	return 0;
}
