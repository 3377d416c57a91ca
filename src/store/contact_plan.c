#include "base/fail.h"
#include "store/attributes.h"
#include "store/state.h"

#include <errno.h>

/* The plan while it is made. */
struct planning {
	struct store *s;
	struct op *op;
	struct contact_plan *plan;
	struct attributes attributes;
	unsigned owned_room, custom_before;
	bool identities_changed;
	/* Of several e-mails or phones the first that becomes or is the contact's counts. */
	bool email_done, phone_done;
};

static struct identity identity_of(const struct op *op, const struct who *who)
{
	return (struct identity){ op->workspace, who->kind, who->key.p ? who->key : who->value };
}

/* The first owner of an identity that is for `use`, 0: none. */
static int find_by(struct store *s, const struct op *op, enum who_use use, uint64_t *contact)
{
	*contact = 0;
	for (unsigned i = 0; i < op->n_who && *contact == 0; i++) {
		if (!(op->who[i].use & use))
			continue;
		struct identity id = identity_of(op, &op->who[i]);
		int r = identity_owner(s, &id, contact);
		if (r < 0)
			return pass(r);
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

static struct owned *add_owned(struct planning *p, struct identity id, struct str value)
{
	must(p->plan->n_owned < p->owned_room);
	struct owned *o = &p->plan->owned[p->plan->n_owned++];
	*o = (struct owned){ .id = id, .value = value };
	return o;
}

static struct owned *find_owned(const struct contact_plan *plan, const struct identity *id)
{
	for (unsigned i = 0; i < plan->n_owned; i++) {
		struct owned *o = &plan->owned[i];
		if (o->state != OWNED_LOST && o->id.kind == id->kind && str_eq(o->id.key, id->key))
			return o;
	}
	return NULL;
}

/* [{"kind":"email","value":"ann@example.com"}], as contact_write() stores it. */
static int read_owned(struct planning *p, yyjson_val *list)
{
	size_t i, n;
	yyjson_val *v;
	yyjson_arr_foreach (list, i, n, v) {
		struct identity id = { .workspace = p->op->workspace };
		struct str value = json_str(json_get(v, STR("value")));
		if (!identity_kind_parse(json_str(json_get(v, STR("kind"))), &id.kind))
			return db_damaged("kind of an identity");
		id.key = identity_key(&p->s->scratch, id.kind, value);
		if (!id.key.p)
			return db_damaged("value of an identity");
		add_owned(p, id, value);
	}
	return 0;
}

static int make_room(struct planning *p, size_t stored)
{
	if (stored > CONTACT_IDENTITIES_MAX)
		return db_damaged("number of a contact's identities");
	p->owned_room = (unsigned)stored + p->op->n_who;
	p->plan->owned = arena_array(&p->s->scratch, struct owned, p->owned_room + 1);
	return p->plan->owned ? 0 : fail(-ENOMEM, "identities of a contact");
}

static int read_row(struct planning *p, sqlite3_stmt *st)
{
	struct arena *a = &p->s->scratch;
	struct str identities = db_text(st, 0);
	struct str attributes = db_text(st, 1);
	yyjson_val *list;
	enum json_outcome parsed = json_parse(a, identities, &list, NULL);
	if (parsed == JSON_NO_MEMORY)
		return fail(-ENOMEM, "identities of a contact");
	if (parsed != JSON_OK || !yyjson_is_arr(list) || attributes.n == 0)
		return db_damaged("row of a contact");
	int r = db_blob(st, 2, p->plan->id.b, sizeof(p->plan->id.b));
	r = r ?: make_room(p, yyjson_arr_size(list));
	r = r ?: read_owned(p, list);
	/* Two are what e-mail and phone may add. */
	return pass(r ?: attributes_read(&p->attributes, a, attributes, p->op->n_changes + 2));
}

static int read_contact(struct planning *p)
{
	if (p->plan->contact == 0) {
		int r = make_room(p, 0);
		return pass(r
				    ?: attributes_read(&p->attributes, &p->s->scratch, STR(""),
						       p->op->n_changes + 2));
	}
	sqlite3_stmt *st = p->s->st[ST_CONTACT_READ];
	db_bind_i64(st, 1, (int64_t)p->plan->contact);
	int r = db_step(st);
	if (r < 0)
		return pass(r);
	r = r == DB_ROW ? read_row(p, st) : db_damaged("an identity without its contact");
	db_reset(st);
	return pass(r);
}

/* Whether somebody else's name for the contact stands in the way of claiming it. */
static int may_claim(struct store *s, struct op *op, uint64_t contact, bool *may)
{
	struct contact_plan plan = { .contact = contact };
	struct planning p = { .s = s, .op = op, .plan = &plan };
	int r = read_contact(&p);
	*may = true;
	for (unsigned i = 0; i < plan.n_owned && r == 0; i++)
		*may &= !looks_up_by(op, plan.owned[i].id.kind);
	return pass(r);
}

int contact_find(struct store *s, struct op *op, uint64_t *contact)
{
	bool may;
	int r = find_by(s, op, WHO_LOOKUP, contact);
	if (r < 0 || *contact)
		return pass(r);
	r = find_by(s, op, WHO_CLAIMS, contact);
	if (r < 0 || *contact == 0)
		return pass(r);
	r = may_claim(s, op, *contact, &may);
	if (r == 0 && !may)
		*contact = 0;
	return pass(r);
}

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
	if (only_if_absent && attributes_get(&p->attributes, false, name).p)
		return 0;
	*done = true;
	buf_json_str(&json, who->value);
	if (json.failed)
		return fail(-ENOMEM, "attributes of a contact");
	struct attribute_change c = { ATTRIBUTE_SET, false, name, buf_str(&json) };
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

static int take(struct planning *p, const struct who *who, struct identity id)
{
	bool is_new = p->plan->contact == 0;
	struct owned *old = who->use & WHO_REPLACE ? replaceable(p->plan, who->kind) : NULL;
	if (!(who->use & WHO_REPLACE) && !is_new && has_kind(p->plan, who->kind))
		return 0;
	if (old)
		old->state = OWNED_LOST;
	struct owned *o = add_owned(p, id, who->value);
	o->state = OWNED_NEW;
	o->named = true;
	p->identities_changed = true;
	return set_attribute(p, who, false);
}

/* The contact has it already: only how it is written may change. It counts all the same, so that
 * a report that comes again finds nothing to change. */
static int restate(struct planning *p, const struct who *who, struct owned *o)
{
	if (!(who->use & WHO_REPLACE)) {
		bool *done = done_flag(p, who->kind);
		if (done)
			*done = true;
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

static int consider(struct planning *p, const struct who *who)
{
	const unsigned takes = WHO_ADOPT | WHO_REPLACE;
	struct identity id = identity_of(p->op, who);
	uint64_t owner = 0;
	if (!(who->use & (takes | WHO_SHARED)) || !who->key.p || !is_text(who->value))
		return 0;
	struct owned *mine = find_owned(p->plan, &id);
	if (mine)
		return restate(p, who, mine);
	int r = identity_owner(p->s, &id, &owner);
	if (r < 0)
		return pass(r);
	if (owner == 0 && (who->use & takes))
		return take(p, who, id);
	p->plan->denied |= owner != 0;
	if (!(who->use & WHO_SHARED))
		return 0;
	return set_attribute(p, who, (who->use & takes) == WHO_ADOPT);
}

/* What the operation names is not what another identity of it takes the place of. */
static void mark_named(struct planning *p)
{
	for (unsigned i = 0; i < p->op->n_who; i++) {
		struct identity id = identity_of(p->op, &p->op->who[i]);
		struct owned *o = find_owned(p->plan, &id);
		if (o)
			o->named = true;
	}
}

static int refuse_full(struct op *op, int64_t limit, size_t size)
{
	struct problems *ps = op_problems(op);
	if (ps)
		problem_at(ps, PROBLEM_CONTACT_FULL, STR(""), .limit = limit,
			   .size = (int64_t)size);
	return STORE_REFUSED;
}

static int change_all(struct planning *p)
{
	struct op *op = p->op;
	mark_named(p);
	for (unsigned i = 0; i < op->n_who; i++) {
		int r = consider(p, &op->who[i]);
		if (r < 0)
			return pass(r);
	}
	for (unsigned i = 0; i < op->n_changes; i++) {
		const struct attribute_change *c = &op->changes[i];
		if (c->json.n > CONTACT_ATTRIBUTES_MAX)
			return refuse_full(op, CONTACT_ATTRIBUTES_MAX, c->json.n);
		int r = attributes_change(&p->attributes, c);
		if (r < 0)
			return pass(r);
	}
	return STORE_OK;
}

static void put_identities(const struct contact_plan *plan, struct buf *b)
{
	const char *comma = "";
	buf_char(b, '[');
	for (unsigned i = 0; i < plan->n_owned; i++) {
		const struct owned *o = &plan->owned[i];
		if (o->state == OWNED_LOST)
			continue;
		buf_printf(b, "%s{\"kind\":\"%s\",\"value\":", comma,
			   identity_kind_name(o->id.kind));
		buf_json_str(b, o->value);
		buf_char(b, '}');
		comma = ",";
	}
	buf_char(b, ']');
}

static unsigned count_owned(const struct contact_plan *plan)
{
	unsigned n = 0;
	for (unsigned i = 0; i < plan->n_owned; i++)
		n += plan->owned[i].state != OWNED_LOST;
	return n;
}

/* Who is beyond a limit already may still do what takes him no further. */
static int judge(struct planning *p)
{
	struct contact_plan *plan = p->plan;
	const struct attributes *at = &p->attributes;
	unsigned custom_max = p->op->custom_max ? p->op->custom_max : CONTACT_CUSTOM_MAX;
	unsigned n_owned = count_owned(plan);
	if (at->n_custom > custom_max && at->n_custom > p->custom_before)
		return refuse_full(p->op, custom_max, at->n_custom);
	if (plan->attributes.n > CONTACT_ATTRIBUTES_MAX)
		return refuse_full(p->op, CONTACT_ATTRIBUTES_MAX, plan->attributes.n);
	if (n_owned > CONTACT_IDENTITIES_MAX)
		return refuse_full(p->op, CONTACT_IDENTITIES_MAX, n_owned);
	return STORE_OK;
}

static int finish(struct planning *p)
{
	struct contact_plan *plan = p->plan;
	struct buf identities = buf_in(&p->s->scratch);
	bool other_id = plan->given && !uuid_eq(plan->id, *plan->given);
	plan->rewrite =
		plan->contact == 0 || p->identities_changed || p->attributes.changed || other_id;
	if (!plan->rewrite)
		return STORE_OK;
	put_identities(plan, &identities);
	if (identities.failed)
		return fail(-ENOMEM, "identities of a contact");
	plan->identities = buf_str(&identities);
	if (plan->given)
		plan->id = *plan->given;
	int r = attributes_json(&p->attributes, &plan->attributes);
	return r < 0 ? pass(r) : judge(p);
}

int contact_plan(struct store *s, struct op *op, struct contact_plan *plan)
{
	struct planning p = { .s = s, .op = op, .plan = plan };
	int r = read_contact(&p);
	p.custom_before = p.attributes.n_custom;
	r = r ?: change_all(&p);
	r = r ?: finish(&p);
	/* More than the memory set aside for one contact: nobody's attributes need it. */
	return r == -ENOMEM ? refuse_full(op, CONTACT_ATTRIBUTES_MAX, 0) : r;
}
