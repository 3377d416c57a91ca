#include "base/fail.h"
#include "store/state.h"

/* The one that the operation means, or stands in its way; NULL: none. */
static const struct contact_field *there(struct store *s, const struct op *op)
{
	const struct workspace *w = catalog_find_workspace(s, op->workspace);
	const struct contact_field *f = op->contact_field;
	return op->rules & CONTACT_FIELD_NEW ? workspace_contact_field(w, f->name)
					     : contact_field_by_id(w->contact_fields, f->id);
}

static int decide_new(const struct workspace *w, struct op *op)
{
	unsigned n = w->contact_fields ? w->contact_fields->n : 0;
	if (n < WORKSPACE_CONTACT_FIELDS_MAX)
		return STORE_OK;
	return op_refuse(op, (struct problem){ .code = PROBLEM_CONTACT_FIELDS_FULL,
					       .limit = WORKSPACE_CONTACT_FIELDS_MAX });
}

int contact_field_decide(struct store *s, struct op *op)
{
	const struct workspace *w = catalog_find_workspace(s, op->workspace);
	bool is_new = op->rules & CONTACT_FIELD_NEW;
	if (!w)
		return op_refuse(op, (struct problem){ .code = PROBLEM_UNKNOWN_WORKSPACE });
	if (is_new == (there(s, op) != NULL))
		return op_refuse(op, (struct problem){ .code = is_new ? PROBLEM_EXISTS
								      : PROBLEM_UNKNOWN_FIELD,
						       .path = STR("name") });
	return is_new ? decide_new(w, op) : STORE_OK;
}

static struct str type_word(const struct contact_field *f)
{
	return f->typed ? str_of(field_type_name(f->type)) : STR("");
}

static int show(struct store *s, uint32_t workspace, const struct contact_field *field)
{
	int r = catalog_begin_edit(s);
	return pass(r ?: catalog_edit_contact_field(s->edit, workspace, field));
}

int contact_field_add(struct store *s, uint32_t workspace, struct contact_field *field)
{
	sqlite3_stmt *st = s->st[ST_CONTACT_FIELD_ADD];
	field->id = uuid_v7((uint64_t)s->at.received_at / 1000, 0, random_u64());
	field->created_at = field->updated_at = s->at.received_at;
	db_bind_i64(st, 1, workspace);
	db_bind_blob(st, 2, field->id.b, sizeof(field->id.b));
	db_bind_text(st, 3, field->name);
	db_bind_text(st, 4, type_word(field));
	db_bind_text(st, 5, field->title);
	db_bind_text(st, 6, field->description);
	db_bind_text(st, 7, field->fallback);
	db_bind_i64(st, 8, field->created_at);
	db_bind_i64(st, 9, field->updated_at);
	int r = db_run(st);
	field->no = (uint32_t)sqlite3_last_insert_rowid(s->db);
	return pass(r ?: show(s, workspace, field));
}

int contact_field_set(struct store *s, uint32_t workspace, const struct contact_field *field)
{
	sqlite3_stmt *st = s->st[ST_CONTACT_FIELD_SET];
	db_bind_text(st, 1, type_word(field));
	db_bind_text(st, 2, field->title);
	db_bind_text(st, 3, field->description);
	db_bind_text(st, 4, field->fallback);
	db_bind_i64(st, 5, field->updated_at);
	db_bind_i64(st, 6, field->no);
	int r = db_run(st);
	return pass(r ?: show(s, workspace, field));
}

static int drop(struct store *s, const struct op *op, const struct contact_field *old)
{
	sqlite3_stmt *st = s->st[ST_CONTACT_FIELD_DROP];
	db_bind_i64(st, 1, old->no);
	int r = db_run(st);
	r = r ?: catalog_begin_edit(s);
	return pass(r ?: catalog_edit_no_contact_field(s->edit, op->workspace, old->name));
}

/* What the rules name is taken from the operation, the rest stays. */
static struct contact_field merged(const struct op *op, const struct contact_field *old)
{
	struct contact_field next = *old;
	if (op->rules & CONTACT_FIELD_TITLE)
		next.title = op->contact_field->title;
	if (op->rules & CONTACT_FIELD_DESCRIPTION)
		next.description = op->contact_field->description;
	if (op->rules & CONTACT_FIELD_FALLBACK)
		next.fallback = op->contact_field->fallback;
	return next;
}

static bool same(const struct contact_field *a, const struct contact_field *b)
{
	return str_eq(a->title, b->title) && str_eq(a->description, b->description) &&
	       str_eq(a->fallback, b->fallback);
}

static int change(struct store *s, struct op *op, const struct contact_field *old)
{
	struct contact_field next = merged(op, old);
	op->changed = !same(old, &next);
	next.updated_at = s->at.received_at;
	return op->changed ? contact_field_set(s, op->workspace, &next) : 0;
}

static int add(struct store *s, struct op *op)
{
	struct contact_field next = *op->contact_field;
	int r = contact_field_add(s, op->workspace, &next);
	op->contact_field_id = next.id;
	return pass(r);
}

int contact_field_write(struct store *s, struct op *op)
{
	const struct contact_field *old = there(s, op);
	op->received_at = s->at.received_at;
	op->contact_field_id = op->contact_field->id;
	op->created = !old;
	op->changed = true;
	if (!old)
		return add(s, op);
	return op->rules & CONTACT_FIELD_GOES ? drop(s, op, old) : change(s, op, old);
}
