#include "store/contact_plan.h"

#include "base/fail.h"

#include <errno.h>

struct identity planning_identity(const struct op *op, const struct who *who)
{
	return (struct identity){ op->workspace, who->kind, who->key.p ? who->key : who->value };
}

struct owned *planning_add(struct planning *p, struct identity id, struct str value)
{
	must(p->plan->n_owned < p->owned_room);
	struct owned *o = &p->plan->owned[p->plan->n_owned++];
	*o = (struct owned){ .id = id, .value = value };
	return o;
}

struct owned *planning_find(const struct contact_plan *plan, const struct identity *id)
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
		if (!identity_has_key(id.kind, value))
			return db_damaged("value of an identity");
		id.key = identity_key(&p->s->scratch, id.kind, value);
		if (!id.key.p)
			return fail(-ENOMEM, "identities of a contact");
		planning_add(p, id, value)->stored = true;
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
	p->stored_identities = arena_str(a, identities);
	p->stored_attributes = arena_str(a, attributes);
	if (!p->stored_identities.p || !p->stored_attributes.p)
		return fail(-ENOMEM, "row of a contact");
	p->plan->created_at = db_i64(st, 3);
	p->plan->updated_at = db_i64(st, 4);
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

/* What the operation names is not what another identity of it takes the place of. */
static void mark_named(struct planning *p)
{
	for (unsigned i = 0; i < p->op->n_who; i++) {
		struct identity id = planning_identity(p->op, &p->op->who[i]);
		struct owned *o = planning_find(p->plan, &id);
		if (o)
			o->named = true;
	}
}

static const char of_bytes[] = "bytes of one contact's attributes";

static int refuse_full(struct op *op, const char *of_what, int64_t limit, size_t size)
{
	return op_refuse(op, (struct problem){ .code = PROBLEM_CONTACT_FULL,
					       .rule = of_what,
					       .limit = limit,
					       .size = (int64_t)size });
}

/* All that is wrong with them is told. */
static int change_identities(struct planning *p)
{
	int outcome = STORE_OK;
	mark_named(p);
	if (p->op->rules & CONTACT_REPLACED)
		planning_drop_unnamed(p);
	for (unsigned i = 0; i < p->op->n_who; i++) {
		int r = planning_consider(p, &p->op->who[i]);
		if (r < 0)
			return pass(r);
		if (r != STORE_OK)
			outcome = r;
	}
	return outcome;
}

static int change_attribute(struct planning *p, const struct attribute_change *c)
{
	bool counts = true;
	int r = c->of ? planning_shows(p, c->of, &counts) : 0;
	return r < 0 || !counts ? pass(r) : attributes_change(&p->attributes, c);
}

static int change_attributes(struct planning *p)
{
	struct op *op = p->op;
	for (unsigned i = 0; i < op->n_changes; i++) {
		const struct attribute_change *c = &op->changes[i];
		if (c->json.n > CONTACT_ATTRIBUTES_MAX)
			return refuse_full(op, of_bytes, CONTACT_ATTRIBUTES_MAX, c->json.n);
		int r = change_attribute(p, c);
		if (r < 0)
			return pass(r);
	}
	if (op->rules & CONTACT_REPLACED)
		attributes_keep_touched(&p->attributes);
	return planning_forget_states(p);
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
		return refuse_full(p->op, "custom attributes of one contact", custom_max,
				   at->n_custom);
	if (plan->attributes.n > CONTACT_ATTRIBUTES_MAX)
		return refuse_full(p->op, of_bytes, CONTACT_ATTRIBUTES_MAX, plan->attributes.n);
	if (n_owned > CONTACT_IDENTITIES_MAX)
		return refuse_full(p->op, "identities of one contact", CONTACT_IDENTITIES_MAX,
				   n_owned);
	return STORE_OK;
}

/* Whether the contact is left without what people go by. One that never had any, whom an anonymous
 * id found or a messaging one, may stay so. */
static bool lost_the_last(const struct contact_plan *plan)
{
	bool had = plan->contact == 0, has = false;
	for (unsigned i = 0; i < plan->n_owned; i++) {
		const struct owned *o = &plan->owned[i];
		if (!planning_is_name(o->id.kind))
			continue;
		had |= o->stored;
		has |= o->state != OWNED_LOST;
	}
	return had && !has;
}

static int put_texts(struct planning *p)
{
	struct buf identities = buf_in(&p->s->scratch);
	put_identities(p->plan, &identities);
	if (identities.failed)
		return fail(-ENOMEM, "identities of a contact");
	p->plan->identities = buf_str(&identities);
	return attributes_json(&p->attributes, &p->plan->attributes);
}

static int finish(struct planning *p)
{
	struct contact_plan *plan = p->plan;
	bool other_id = plan->given && !uuid_eq(plan->id, *plan->given);
	bool touched = p->identities_changed || p->attributes.changed;
	if (p->op->rules & CONTACT_KEEPS_ONE && lost_the_last(plan))
		return op_refuse(p->op, (struct problem){ .code = PROBLEM_ALTERNATIVES,
							  .rule = "email, phone, external_id" });
	if (plan->contact && !other_id && !touched && !p->op->wants_view)
		return STORE_OK;
	int r = put_texts(p);
	if (r < 0)
		return pass(r);
	touched = touched && !(str_eq(plan->identities, p->stored_identities) &&
			       str_eq(plan->attributes, p->stored_attributes));
	plan->rewrite = plan->contact == 0 || other_id || touched;
	if (plan->given)
		plan->id = *plan->given;
	return plan->rewrite ? judge(p) : STORE_OK;
}

int contact_plan_read(struct store *s, struct op *op, struct contact_plan *plan)
{
	struct planning p = { .s = s, .op = op, .plan = plan };
	return read_contact(&p);
}

int contact_plan(struct store *s, struct op *op, struct contact_plan *plan)
{
	struct planning p = { .s = s, .op = op, .plan = plan };
	int r = read_contact(&p);
	p.custom_before = p.attributes.n_custom;
	if (r == 0)
		planning_note_shown(&p);
	r = r ?: change_identities(&p);
	r = r ?: planning_forget_states(&p);
	r = r ?: change_attributes(&p);
	r = r ?: finish(&p);
	/* More than the memory set aside for one contact: nobody's attributes need it. */
	return r == -ENOMEM && s->scratch.full
		       ? refuse_full(op, of_bytes, CONTACT_ATTRIBUTES_MAX, 0)
		       : r;
}
