/*
 * A contact that a provisioning file declares is treated like a report of it: what is declared is
 * looked up, created, taken and set as an operation would do it.
 */
#include "base/fail.h"
#include "base/json.h"
#include "store/state.h"

#include <errno.h>

static int no_memory(void)
{
	return fail(-ENOMEM, "provisioning");
}

/* The id first: it decides. The text of it lives in `text`. */
static int make_who(struct store *s, const struct provision_contact *c, char *text, struct op *op)
{
	struct who *list = arena_array(&s->scratch, struct who, c->n_identities + 1);
	unsigned n = 0;
	if (!list)
		return no_memory();
	if (c->has_id) {
		uuid_text(c->id, text);
		list[n++] = (struct who){
			IDENTITY_UUID, WHO_LOOKUP | WHO_CREATES, { text, UUID_TEXT }, { 0 }
		};
	}
	for (unsigned i = 0; i < c->n_identities; i++) {
		const struct provision_identity *p = &c->identities[i];
		list[n++] = (struct who){ p->kind, WHO_LOOKUP | WHO_CREATES | WHO_REPLACE, p->value,
					  p->key };
	}
	op->who = list;
	op->n_who = n;
	return 0;
}

static const struct str tags = STR_INIT("tags");

static int add_changes(struct arena *a, yyjson_val *object, bool custom,
		       struct attribute_change *list, unsigned *n)
{
	size_t i, max;
	yyjson_val *key, *v;
	json_foreach_member (object, i, max, key, v) {
		struct buf json = buf_in(a);
		if (!custom && str_eq(json_str(key), STR("custom")))
			continue;
		json_put(&json, v);
		if (json.failed)
			return no_memory();
		bool unites = !custom && str_eq(json_str(key), tags);
		list[(*n)++] =
			(struct attribute_change){ unites ? ATTRIBUTE_UNION : ATTRIBUTE_SET, custom,
						   json_str(key), .json = buf_str(&json) };
	}
	return 0;
}

/* What is declared takes the place of what was there; of the tags each counts once. */
static int make_changes(struct store *s, const struct provision_contact *c, struct op *op)
{
	yyjson_val *root = NULL;
	if (c->attributes.n == 0)
		return 0;
	enum json_outcome o = json_parse(&s->scratch, c->attributes, &root, NULL);
	if (o != JSON_OK)
		return o == JSON_NO_MEMORY ? no_memory()
					   : fail(-EINVAL, "attributes of a contact are not JSON");
	yyjson_val *custom = json_get(root, STR("custom"));
	if (!yyjson_is_obj(root) || (custom && !yyjson_is_obj(custom)))
		return fail(-EINVAL, "attributes of a contact are not an object");
	size_t room = yyjson_obj_size(root) + yyjson_obj_size(custom) + 1 /* emptied tags */;
	struct attribute_change *list = arena_array(&s->scratch, struct attribute_change, room);
	if (!list)
		return no_memory();
	if (json_get(root, tags))
		list[op->n_changes++] = (struct attribute_change){ .verb = ATTRIBUTE_SET,
								   .name = tags,
								   .json = STR("[]") };
	int r = add_changes(&s->scratch, root, false, list, &op->n_changes);
	r = r ?: add_changes(&s->scratch, custom, true, list, &op->n_changes);
	op->changes = list;
	return pass(r);
}

/* STORE_REFUSED: the contact of that id is another workspace's. */
static int check_elsewhere(struct store *s, uint32_t workspace, struct str id)
{
	CLEANUP(db_finalize) sqlite3_stmt *st = NULL;
	int r = db_prepare(s->db, start_sql[START_WORKSPACES_BUT], &st);
	if (r < 0)
		return pass(r);
	db_bind_i64(st, 1, workspace);
	while ((r = db_step(st)) == DB_ROW) {
		struct identity there = { (uint32_t)db_i64(st, 0), IDENTITY_UUID, id };
		uint64_t contact;
		r = lookup_contact(&s->lookup, &there, &contact);
		if (r < 0)
			return pass(r);
		if (contact)
			return STORE_REFUSED;
	}
	return r < 0 ? pass(r) : 0;
}

/* Likewise. Only an id that is new here can be somebody else's: this is looked up at each start, for
 * each contact that the file declares. */
static int check_id(struct store *s, uint32_t workspace, struct str id)
{
	struct identity here = { workspace, IDENTITY_UUID, id };
	uint64_t contact;
	int r = lookup_contact(&s->lookup, &here, &contact);
	return r < 0 || contact ? pass(r) : check_elsewhere(s, workspace, id);
}

/* A UUID that was given is an identity; one that is replaced is none any more. */
static int write_id(struct store *s, uint32_t workspace, const struct uuid *old,
		    const struct contact_plan *plan)
{
	char text[UUID_TEXT + 1];
	struct identity id = { workspace, IDENTITY_UUID, { text, UUID_TEXT } };
	if (old) {
		uuid_text(*old, text);
		int r = identity_take(s, &id);
		if (r < 0)
			return pass(r);
	}
	uuid_text(plan->id, text);
	return identity_give(s, &id, plan->contact);
}

static int write_contact(struct store *s, struct op *op, struct contact_plan *plan)
{
	uint64_t contact = plan->contact;
	struct uuid old = { 0 };
	int r = contact ? contact_id(s, contact, &old) : 0;
	bool other_id = plan->given && (contact == 0 || !uuid_eq(old, *plan->given));
	r = r ?: contact_write(s, op->workspace, plan);
	if (r == 0 && other_id)
		r = write_id(s, op->workspace, contact ? &old : NULL, plan);
	if (r < 0)
		return pass(r);
	struct head *head = heads_touch(&s->heads, plan->contact);
	if (!head)
		return no_memory();
	head->print = 0;
	return 0;
}

/* STORE_REFUSED: see op->problems. */
static int report(struct store *s, struct op *op, const struct uuid *given)
{
	struct contact_plan plan = { .given = given };
	const struct who *by;
	int r = contact_find(s, op, &plan.contact, &by);
	r = r ?: contact_plan(s, op, &plan);
	if (r != 0 || !plan.rewrite)
		return r;
	return write_contact(s, op, &plan);
}

int provision_contact(struct store *s, uint32_t workspace, const struct provision *p,
		      const struct provision_contact *c)
{
	char id[UUID_TEXT + 1];
	struct op op = { .arena = &s->scratch, .workspace = workspace };
	int r = make_who(s, c, id, &op);
	r = r ?: make_changes(s, c, &op);
	if (r == 0 && c->has_id)
		r = check_id(s, workspace, (struct str){ id, UUID_TEXT });
	if (r == STORE_REFUSED)
		return provision_refuse(p, c->place, ".id: belongs to another workspace already");
	r = r ?: report(s, &op, c->has_id ? &c->id : NULL);
	if (r == STORE_REFUSED)
		return op.problems ? provision_refuse_problem(s, p, c->place, &op.problems->list[0])
				   : no_memory();
	return pass(r);
}
