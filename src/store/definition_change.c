#include "base/fail.h"
#include "store/state.h"

#include <errno.h>

static int refuse(struct op *op, enum problem_code code, const char *path, int64_t limit)
{
	return op_refuse(op,
			 (struct problem){ .code = code, .path = str_of(path), .limit = limit });
}

/* The one that the operation means; NULL: none is there. */
static const struct definition *meant(struct store *s, const struct op *op,
				      const struct workspace *w)
{
	if (op->definition)
		return workspace_definition_by_no(w, op->definition);
	return catalog_find_definition(s, op->workspace, op->define->name);
}

static int plan(const struct definition *next, struct definition_plan *plan)
{
	plan->next = definition_new(next);
	return plan->next ? STORE_OK : fail(-ENOMEM, "definition");
}

static int decide_new(struct store *s, struct op *op, const struct workspace *w,
		      struct definition_plan *p)
{
	struct definition next = *op->define;
	if (op->definition || op->rules & DEFINITION_MUST_EXIST)
		return refuse(op, PROBLEM_UNKNOWN_DEFINITION, "", -1);
	if (w->n_definitions >= WORKSPACE_DEFINITIONS_MAX)
		return refuse(op, PROBLEM_DEFINITIONS_FULL, "", WORKSPACE_DEFINITIONS_MAX);
	next.no = s->at.definition + 1;
	next.id = definition_id(s);
	next.created_at = next.updated_at = s->at.received_at;
	int r = plan(&next, p);
	return r < 0 ? pass(r) : definition_fit(s, op, p);
}

/* Whether the fields fit those that are there; every one that does not is told. */
static bool fits(struct op *op, struct level old, struct level more, struct str path)
{
	bool all = true;
	unsigned n = old.n;
	for (unsigned i = 0; i < more.n; i++) {
		const struct field *f = &more.fields[i];
		const struct field *there = field_search(old.fields, old.by_name, old.n, f->name);
		struct str at = problem_path(op->arena, path, f->name);
		n += !there;
		if (!there)
			continue;
		if (there->type == f->type) {
			all &= fits(op, LEVEL_OF(there), LEVEL_OF(f), at);
			continue;
		}
		all = false;
		op_problem(op, (struct problem){ .code = PROBLEM_FIELD_TYPE,
						 .path = at,
						 .rule = field_type_name(there->type),
						 .actual = field_type_name(f->type) });
	}
	if (n > DEFINITION_FIELDS_MAX)
		op_problem(op, (struct problem){ .code = PROBLEM_DEFINITIONS_FULL,
						 .limit = DEFINITION_FIELDS_MAX });
	return all && n <= DEFINITION_FIELDS_MAX;
}

/* What the rules name is taken from `define`, the rest stays. */
static struct definition merged(const struct op *op, const struct definition *old)
{
	const struct definition *define = op->define;
	struct definition next = definition_draft(old);
	if (op->rules & DEFINITION_TITLE)
		next.title = define->title;
	if (op->rules & DEFINITION_DESCRIPTION)
		next.description = define->description;
	if (op->rules & DEFINITION_ANNOTATIONS)
		next.annotations = define->annotations.n ? define->annotations : STR("{}");
	if (op->rules & DEFINITION_FIELDS && !(op->rules & DEFINITION_GROWS)) {
		next.fields = define->fields;
		next.n_fields = define->n_fields;
		next.by_name = NULL;
	}
	return next;
}

static int same(struct store *s, const struct definition *a, const struct definition *b, bool *yes)
{
	struct buf x = buf_in(&s->scratch), y = buf_in(&s->scratch);
	fields_put_json(&x, a->fields, a->n_fields);
	fields_put_json(&y, b->fields, b->n_fields);
	if (x.failed || y.failed)
		return fail(-ENOMEM, "definition");
	*yes = str_eq(buf_str(&x), buf_str(&y)) && str_eq(a->title, b->title) &&
	       str_eq(a->description, b->description) && str_eq(a->annotations, b->annotations);
	return 0;
}

static int decide_change(struct store *s, struct op *op, const struct definition *old,
			 struct definition_plan *p)
{
	struct definition next = merged(op, old);
	bool grows = op->rules & DEFINITION_GROWS, is_same = true;
	p->no = old->no;
	if (grows && !fits(op, LEVEL_OF(old), LEVEL_OF(op->define), STR("fields")))
		return STORE_REFUSED;
	next.updated_at = batch_changed_at(s, old->updated_at);
	int r = grows ? definition_extend(s, &next, op->define->fields, op->define->n_fields, p)
		      : plan(&next, p);
	r = r ?: same(s, old, p->next, &is_same);
	if (r < 0)
		return pass(r);
	if (is_same)
		definition_plan_fini(p);
	return definition_fit(s, op, p);
}

int definition_change_decide(struct store *s, struct op *op, struct definition_plan *p)
{
	const struct workspace *w = catalog_find_workspace(s, op->workspace);
	if (!w)
		return refuse(op, PROBLEM_UNKNOWN_WORKSPACE, "", -1);
	const struct definition *old = meant(s, op, w);
	if (!old)
		return decide_new(s, op, w, p);
	bool newer = old->updated_at != op->define->updated_at;
	if (op->rules & DEFINITION_MUST_BE_NEW || (op->rules & DEFINITION_AS_SEEN && newer))
		return refuse(op, PROBLEM_EXISTS, "name", 0);
	return decide_change(s, op, old, p);
}

static const struct definition *to_delete(struct store *s, const struct op *op)
{
	const struct workspace *w = catalog_find_workspace(s, op->workspace);
	return w ? workspace_definition_by_no(w, op->definition) : NULL;
}

int definition_delete_decide(struct store *s, struct op *op)
{
	return to_delete(s, op) ? STORE_OK : refuse(op, PROBLEM_UNKNOWN_DEFINITION, "", -1);
}

int definition_delete(struct store *s, struct op *op)
{
	sqlite3_stmt *st = s->st[ST_DEFINITION_DROP];
	const struct definition *d = to_delete(s, op);
	must(d); /* as decided */
	db_bind_i64(st, 1, s->at.received_at);
	db_bind_i64(st, 2, d->no);
	int r = db_run(st);
	r = r ?: catalog_note_definition(s, d->no, 0);
	r = r ?: catalog_begin_edit(s);
	return pass(r ?: catalog_edit_undefine(s->edit, op->workspace, d->name));
}
