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

/* E-mail and phone are attributes, too. */
static int set_attribute(struct planning *p, const struct who *who, bool only_if_absent)
{
	bool *done = done_flag(p, who->kind);
	struct buf json = buf_in(&p->s->scratch);
	if (!done || *done)
		return 0;
	struct str name = str_of(identity_kind_name(who->kind));
	attributes_touch(&p->attributes, false, name);
	if (only_if_absent && attributes_get(&p->attributes, false, name).p)
		return 0;
	*done = true;
	buf_json_str(&json, who->value);
	if (json.failed)
		return fail(-ENOMEM, "attributes of a contact");
	struct attribute_change c = { ATTRIBUTE_SET, false, name, .json = buf_str(&json) };
	return attributes_change(&p->attributes, &c);
}

/* The identity whose place another of its kind may take: one that the operation does not name. */
static struct owned *replaceable(const struct contact_plan *plan, enum identity_kind kind)
{
	for (unsigned i = 0; i < plan->n_owned; i++) {
		struct owned *o = &plan->owned[i];
		if (o->id.kind == kind && o->state == OWNED_KEPT && !o->named)
			return o;
	}
	return NULL;
}

static bool has_kind(const struct contact_plan *plan, enum identity_kind kind)
{
	for (unsigned i = 0; i < plan->n_owned; i++)
		if (plan->owned[i].id.kind == kind && plan->owned[i].state != OWNED_LOST)
			return true;
	return false;
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
	struct owned *old = who->use & WHO_REPLACE ? replaceable(p->plan, who->kind) : NULL;
	if (!(who->use & (WHO_REPLACE | WHO_ADD)) && !is_new && has_kind(p->plan, who->kind))
		return 0;
	if (old)
		old->state = OWNED_LOST;
	own(p, id, who->value)->named = true;
	p->identities_changed = true;
	return set_attribute(p, who, who->use & WHO_ADD);
}

/* The contact has it already: only how it is written may change. It counts all the same, so that
 * a report that comes again finds nothing to change. */
static int restate(struct planning *p, const struct who *who, struct owned *o)
{
	if (!(who->use & WHO_REPLACE)) {
		bool *done = done_flag(p, who->kind);
		if (done)
			*done = true;
		attributes_touch(&p->attributes, false, str_of(identity_kind_name(who->kind)));
		return 0;
	}
	if (!str_eq(o->value, who->value)) {
		o->value = who->value;
		p->identities_changed = true;
	}
	return set_attribute(p, who, false);
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

/* Whether the attribute of that name shows the identity; one without a key stands for all. */
static int is_shown(struct planning *p, struct str name, const struct identity *id, bool *yes)
{
	struct arena *a = &p->s->scratch;
	struct str json = attributes_get(&p->attributes, false, name);
	yyjson_val *v;
	*yes = json.p && !id->key.p;
	if (!json.p || !id->key.p)
		return 0;
	if (json_parse(a, json, &v, NULL) != JSON_OK)
		return fail(-EINVAL, "an attribute's value is not JSON");
	struct str key = identity_key(a, id->kind, json_str(v));
	*yes = key.p && str_eq(key, id->key);
	return 0;
}

static int unshow(struct planning *p, const struct identity *id)
{
	bool shown;
	struct attribute_change c = { .verb = ATTRIBUTE_REMOVE,
				      .name = str_of(identity_kind_name(id->kind)) };
	if (!done_flag(p, id->kind))
		return 0;
	int r = is_shown(p, c.name, id, &shown);
	return r < 0 || !shown ? pass(r) : attributes_change(&p->attributes, &c);
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
	return set_attribute(p, who, (who->use & takes) == WHO_ADOPT);
}

int planning_consider(struct planning *p, const struct who *who)
{
	const unsigned wants = WHO_ADOPT | WHO_REPLACE | WHO_ADD | WHO_SHARED | WHO_EXCLUSIVE;
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
