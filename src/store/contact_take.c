#include "base/fail.h"
#include "store/contact_plan.h"

#include <errno.h>

/* NULL for a kind that is no attribute. */
static bool *done_flag(struct planning *p, enum identity_kind kind)
{
	if (kind == IDENTITY_EMAIL)
		return &p->email_done;
	return kind == IDENTITY_PHONE ? &p->phone_done : NULL;
}

static int put_attribute(struct planning *p, enum identity_kind kind, struct str value)
{
	struct buf json = buf_in(&p->s->scratch);
	buf_json_str(&json, value);
	if (json.failed)
		return fail(-ENOMEM, "attributes of a contact");
	struct attribute_change c = { .verb = ATTRIBUTE_SET,
				      .name = str_of(identity_kind_name(kind)),
				      .json = buf_str(&json) };
	return attributes_change(&p->attributes, &c);
}

/* E-mail and phone are attributes, too. */
static int set_attribute(struct planning *p, enum identity_kind kind, struct str value,
			 bool only_if_absent)
{
	bool *done = done_flag(p, kind);
	if (!done || *done)
		return 0;
	struct str name = str_of(identity_kind_name(kind));
	attributes_touch(&p->attributes, false, name);
	if (only_if_absent && attributes_get(&p->attributes, false, name).p)
		return 0;
	*done = true;
	return put_attribute(p, kind, value);
}

int planning_shown_key(struct planning *p, enum identity_kind kind, struct str json,
		       struct str *key)
{
	struct arena *a = &p->s->scratch;
	yyjson_val *v;
	*key = (struct str){ 0 };
	if (!json.p || !done_flag(p, kind))
		return 0;
	enum json_outcome parsed = json_parse(a, json, &v, NULL);
	if (parsed == JSON_NO_MEMORY)
		return fail(-ENOMEM, "attributes of a contact");
	if (parsed != JSON_OK)
		return fail(-EINVAL, "an attribute's value is not JSON");
	if (!yyjson_is_str(v) || !identity_has_key(kind, json_str(v)))
		return 0;
	*key = identity_key(a, kind, json_str(v));
	return key->p ? 0 : fail(-ENOMEM, "attributes of a contact");
}

static int shown_key(struct planning *p, enum identity_kind kind, struct str *key)
{
	struct str name = str_of(identity_kind_name(kind));
	return planning_shown_key(p, kind, attributes_get(&p->attributes, false, name), key);
}

int planning_shows(struct planning *p, const struct who *who, bool *yes)
{
	struct str key;
	int r = shown_key(p, who->kind, &key);
	*yes = r == 0 && key.p && str_eq(key, who->key);
	return pass(r);
}

/* The identity whose place another of its kind may take, NULL: none. One that the operation does
 * not name; of several the one that is shown, else the first. */
static int replaceable(struct planning *p, enum identity_kind kind, struct owned **out)
{
	struct str shown;
	int r = shown_key(p, kind, &shown);
	*out = NULL;
	for (unsigned i = 0; i < p->plan->n_owned; i++) {
		struct owned *o = &p->plan->owned[i];
		if (o->id.kind != kind || o->state != OWNED_KEPT || o->named)
			continue;
		if (!*out || str_eq(o->id.key, shown))
			*out = o;
	}
	return pass(r);
}

/* The first of that kind that the contact will have; NULL: none. */
static const struct owned *first_of(const struct contact_plan *plan, enum identity_kind kind)
{
	for (unsigned i = 0; i < plan->n_owned; i++)
		if (plan->owned[i].id.kind == kind && plan->owned[i].state != OWNED_LOST)
			return &plan->owned[i];
	return NULL;
}

/* The identity that the operation has just taken away, as it gives it back; else a new one. */
static struct owned *own(struct planning *p, struct identity id, struct str value)
{
	struct contact_plan *plan = p->plan;
	for (unsigned i = 0; i < plan->n_owned; i++) {
		struct owned *o = &plan->owned[i];
		if (o->id.kind != id.kind || !str_eq(o->id.key, id.key))
			continue;
		o->state = o->stored ? OWNED_KEPT : OWNED_NEW;
		o->value = value;
		return o;
	}
	struct owned *o = planning_add(p, id, value);
	o->state = OWNED_NEW;
	return o;
}

static int take(struct planning *p, const struct who *who, struct identity id)
{
	bool is_new = p->plan->contact == 0;
	struct owned *old = NULL;
	int r = who->use & WHO_REPLACE ? replaceable(p, who->kind, &old) : 0;
	if (!(who->use & (WHO_REPLACE | WHO_ADD)) && !is_new && first_of(p->plan, who->kind))
		return 0;
	if (old)
		old->state = OWNED_LOST;
	own(p, id, who->value)->named = true;
	p->identities_changed = true;
	return pass(r ?: set_attribute(p, who->kind, who->value, who->use & WHO_ADD));
}

static int respell(struct planning *p, const struct who *who, struct owned *o)
{
	if (!str_eq(o->value, who->value)) {
		o->value = who->value;
		p->identities_changed = true;
	}
	return set_attribute(p, who->kind, who->value, false);
}

/* The contact has it already: only how it is written may change, and whether it is shown. It counts
 * all the same, so that a report that comes again finds nothing to change. */
static int restate(struct planning *p, const struct who *who, struct owned *o)
{
	bool *done = done_flag(p, who->kind);
	int r = 0;
	if (who->use & WHO_REPLACE)
		return respell(p, who, o);
	if (who->use & (WHO_ADD | WHO_STAYS))
		r = set_attribute(p, who->kind, o->value, !(who->use & WHO_STAYS));
	if (done)
		*done = true;
	attributes_touch(&p->attributes, false, str_of(identity_kind_name(who->kind)));
	return pass(r);
}

/* Part of a URL need not be; it may look up, but it cannot be shown. */
static bool is_text(struct str s)
{
	return str_utf8_prefix(s) == s.n;
}

static void lose(struct planning *p, struct owned *o)
{
	o->state = OWNED_LOST;
	p->identities_changed = true;
}

/* What is gone is shown no longer, but another of its kind that is left. An `id` without a key
 * stands for all. */
static int unshow(struct planning *p, const struct identity *id)
{
	struct attribute_change c = { .verb = ATTRIBUTE_REMOVE,
				      .name = str_of(identity_kind_name(id->kind)) };
	struct str shown;
	if (!done_flag(p, id->kind))
		return 0;
	int r = shown_key(p, id->kind, &shown);
	if (r == 0 && id->key.p && !str_eq(shown, id->key))
		return 0;
	r = r ?: attributes_change(&p->attributes, &c);
	const struct owned *left = first_of(p->plan, id->kind);
	return pass(r < 0 || !left ? r : put_attribute(p, id->kind, left->value));
}

static int drop(struct planning *p, const struct who *who)
{
	struct identity id = planning_identity(p->op, who);
	struct owned *mine = planning_find(p->plan, &id);
	if (mine)
		lose(p, mine);
	return unshow(p, &id);
}

static int drop_kind(struct planning *p, enum identity_kind kind)
{
	const struct identity all = { p->op->workspace, kind, { 0 } };
	for (unsigned i = 0; i < p->plan->n_owned; i++) {
		struct owned *o = &p->plan->owned[i];
		if (o->id.kind == kind && o->state != OWNED_LOST)
			lose(p, o);
	}
	return unshow(p, &all);
}

bool planning_is_name(enum identity_kind kind)
{
	return kind == IDENTITY_EMAIL || kind == IDENTITY_PHONE || kind == IDENTITY_EXTERNAL_ID;
}

void planning_drop_unnamed(struct planning *p)
{
	for (unsigned i = 0; i < p->plan->n_owned; i++)
		if (!p->plan->owned[i].named && planning_is_name(p->plan->owned[i].id.kind))
			lose(p, &p->plan->owned[i]);
}

/* Of one that the contact has not. */
static int want(struct planning *p, const struct who *who, struct identity id)
{
	const unsigned takes = WHO_ADOPT | WHO_REPLACE | WHO_ADD;
	uint64_t owner = 0;
	int r = identity_owner(p->s, &id, &owner);
	if (r < 0)
		return pass(r);
	/* What the operation itself has taken away is free again. */
	bool is_free = owner == 0 || owner == p->plan->contact;
	if (!is_free && who->use & WHO_EXCLUSIVE)
		return op_refuse(p->op,
				 (struct problem){ .code = PROBLEM_TAKEN,
						   .path = str_of(identity_kind_name(who->kind)) });
	if (is_free && (who->use & takes))
		return take(p, who, id);
	p->plan->denied |= !is_free;
	if (!(who->use & WHO_SHARED))
		return 0;
	return set_attribute(p, who->kind, who->value, (who->use & takes) == WHO_ADOPT);
}

int planning_consider(struct planning *p, const struct who *who)
{
	const unsigned wants =
		WHO_ADOPT | WHO_REPLACE | WHO_ADD | WHO_SHARED | WHO_EXCLUSIVE | WHO_STAYS;
	if (who->use & WHO_DROP_KIND)
		return drop_kind(p, who->kind);
	if (!who->key.p)
		return 0;
	if (who->use & WHO_DROP)
		return drop(p, who);
	if (!(who->use & wants) || !is_text(who->value))
		return 0;
	struct identity id = planning_identity(p->op, who);
	struct owned *mine = planning_find(p->plan, &id);
	return mine ? restate(p, who, mine) : want(p, who, id);
}
