#include "base/fail.h"
#include "store/contact_plan.h"

#include <errno.h>

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

/* Of an attribute; .p NULL: it is not there, or nothing that has a key. */
static int key_of(struct planning *p, enum identity_kind kind, struct str json, struct str *key)
{
	struct arena *a = &p->s->scratch;
	yyjson_val *v = NULL;
	*key = (struct str){ 0 };
	if (!json.p)
		return 0;
	enum json_outcome parsed = json_parse(a, json, &v, NULL);
	if (parsed == JSON_NO_MEMORY)
		return fail(-ENOMEM, "attributes of a contact");
	if (parsed != JSON_OK)
		return fail(-EINVAL, "an attribute's value is not JSON");
	if (yyjson_is_str(v))
		*key = identity_key(a, kind, json_str(v));
	return 0;
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
	int r = key_of(p, kind, was, &a);
	r = r ?: key_of(p, kind, is, &b);
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

int planning_shows(struct planning *p, const struct who *who, bool *yes)
{
	struct str key;
	int r = key_of(p, who->kind, shown(p, who->kind), &key);
	*yes = r == 0 && key.p && str_eq(key, who->key);
	return pass(r);
}
