#include "base/fail.h"
#include "store/state.h"

#include <errno.h>

static int refuse(struct op *op, enum problem_code code, int64_t limit)
{
	return op_refuse(op, (struct problem){ .code = code, .limit = limit });
}

struct uuid definition_id(const struct store *s)
{
	uint64_t now_ms = (uint64_t)s->at.received_at / 1000;
	return uuid_v7(now_ms, (uint16_t)(s->at.definition & 0xFFF), random_u64());
}

void definition_plan_fini(struct definition_plan *plan)
{
	definition_unref(plan->next);
	plan->next = NULL;
}

static bool is_there(const struct store *s, const struct op *op)
{
	uint32_t no = op->definition;
	return no > 0 && no <= s->at.definition && s->definition_workspace[no] == op->workspace;
}

/* A whole number is a number, too. */
static bool passes_for(const struct seen_field *seen, enum field_type recorded)
{
	return seen->fits & FIELD_BIT(recorded) ||
	       (recorded == FIELD_NUMBER && seen->fits & FIELD_BIT(FIELD_INTEGER));
}

static struct str property_path(struct op *op, const struct seen_field *seen)
{
	return problem_path(op->arena, STR("properties"), seen->name);
}

static void add_clash(struct op *op, const struct seen_field *seen, enum field_type recorded)
{
	struct problems *ps = op_problems(op);
	if (ps)
		problem_at(ps, PROBLEM_FIELD_TYPE, property_path(op, seen),
			   .rule = field_type_name(recorded),
			   .actual = field_type_name(seen->type));
}

/* What fields_from_json() would not read back is not written. */
static bool may_be_added(struct op *op, const struct seen_field *seen)
{
	struct problems *ps = op_problems(op);
	bool ends = str_find(seen->name, '\0') == seen->name.n;
	if (seen->name.n > 0 && seen->name.n <= FIELD_NAME_MAX && ends)
		return true;
	if (ps)
		problem_at(ps, PROBLEM_NAME, property_path(op, seen), .limit = FIELD_NAME_MAX,
			   .size = (int64_t)seen->name.n);
	return false;
}

/* How many of the fields are new; below zero: one clashes. */
static int count_new(struct op *op, const struct definition *d)
{
	int n = 0;
	bool clash = false;
	for (unsigned i = 0; i < op->n_seen; i++) {
		const struct seen_field *seen = &op->seen[i];
		const struct field *f = definition_field(d, seen->name);
		if (!f && d->inferred) {
			n++;
			clash |= !may_be_added(op, seen);
		} else if (f && !passes_for(seen, f->type)) {
			add_clash(op, seen, f->type);
			clash = true;
		}
	}
	return clash ? -1 : n;
}

/* Of fields that are new the first of a name is the one. */
static bool drop_twins(struct arena *a, struct field *list, unsigned *n)
{
	const uint16_t *order = fields_by_name(a, list, *n);
	unsigned left = 0;
	if (!order)
		return false;
	for (unsigned k = *n; k-- > 1;)
		if (str_eq(list[order[k]].name, list[order[k - 1]].name))
			list[order[k]].name.p = NULL;
	for (unsigned i = 0; i < *n; i++)
		if (list[i].name.p)
			list[left++] = list[i];
	*n = left;
	return true;
}

/* What is there stays, what is inside it included; where anything may be inside, it still may. */
static bool extend_fields(struct arena *a, struct level old, struct level more,
			  const struct field **fields, unsigned *n)
{
	bool good = true;
	unsigned n_new = 0;
	struct field *list = arena_array(a, struct field, (size_t)old.n + more.n + 1);
	if (!list)
		return false;
	if (old.n)
		memcpy(list, old.fields, old.n * sizeof(*list));
	for (unsigned i = 0; i < more.n && good; i++) {
		const struct field *m = &more.fields[i];
		const struct field *o = field_search(old.fields, old.by_name, old.n, m->name);
		struct field *f = o ? &list[o - old.fields] : NULL;
		if (!o)
			list[old.n + n_new++] = *m;
		else if (o->n_fields && m->n_fields)
			good = extend_fields(a, LEVEL_OF(o), LEVEL_OF(m), &f->fields, &f->n_fields);
	}
	good = good && drop_twins(a, list + old.n, &n_new);
	*fields = list;
	*n = old.n + n_new;
	return good;
}

int definition_extend(struct store *s, const struct definition *from, const struct field *more,
		      unsigned n, struct definition_plan *plan)
{
	struct definition next = definition_draft(from);
	const struct level added = { more, NULL, n };
	if (!extend_fields(&s->scratch, LEVEL_OF(from), added, &next.fields, &next.n_fields))
		return fail(-ENOMEM, "definition");
	next.updated_at = batch_changed_at(s, from->updated_at);
	plan->next = definition_new(&next);
	return plan->next ? 0 : fail(-ENOMEM, "definition");
}

static int extend(struct store *s, struct op *op, const struct definition *from,
		  struct definition_plan *plan)
{
	struct field *more = arena_array(&s->scratch, struct field, op->n_seen + 1);
	if (!more)
		return fail(-ENOMEM, "definition");
	for (unsigned i = 0; i < op->n_seen; i++)
		more[i] = (struct field){ .name = op->seen[i].name, .type = op->seen[i].type };
	return definition_extend(s, from, more, op->n_seen, plan);
}

static int grow(struct store *s, struct op *op, const struct definition *d,
		struct definition_plan *plan)
{
	int n_new = count_new(op, d);
	if (n_new < 0)
		return STORE_REFUSED;
	if (n_new == 0 && plan->no)
		return STORE_OK;
	if (d->n_fields + (unsigned)n_new > DEFINITION_FIELDS_MAX)
		return refuse(op, PROBLEM_DEFINITIONS_FULL, DEFINITION_FIELDS_MAX);
	return extend(s, op, d, plan);
}

static int decide_new(struct store *s, struct op *op, struct definition_plan *plan)
{
	const struct workspace *w = catalog_find_workspace(s, op->workspace);
	struct definition none = {
		.no = s->at.definition + 1,
		.id = definition_id(s),
		.name = op->definition_name,
		.description = STR(""),
		.inferred = true,
		.created_at = s->at.received_at,
	};
	if (w->n_definitions >= WORKSPACE_DEFINITIONS_MAX)
		return refuse(op, PROBLEM_DEFINITIONS_FULL, WORKSPACE_DEFINITIONS_MAX);
	plan->no = 0;
	return grow(s, op, &none, plan);
}

int definition_fit(struct store *s, struct op *op, const struct definition_plan *plan)
{
	if (!plan->next || catalog_definition_fits(s, op->workspace, plan->next))
		return STORE_OK;
	return refuse(op, PROBLEM_DEFINITIONS_FULL, WORKSPACE_DEFINITIONS_BYTES_MAX);
}

static int decide_any(struct store *s, struct op *op, struct definition_plan *plan)
{
	if (!catalog_find_workspace(s, op->workspace))
		return refuse(op, PROBLEM_UNKNOWN_WORKSPACE, -1);
	if (is_there(s, op)) {
		plan->no = op->definition;
		return STORE_OK;
	}
	if (!op->definition_name.p)
		return refuse(op, PROBLEM_UNKNOWN_DEFINITION, -1);
	struct definition *d = catalog_find_definition(s, op->workspace, op->definition_name);
	if (!d)
		return decide_new(s, op, plan);
	plan->no = d->no;
	return grow(s, op, d, plan);
}

int definition_decide(struct store *s, struct op *op, struct definition_plan *plan)
{
	int r = decide_any(s, op, plan);
	return r == STORE_OK ? definition_fit(s, op, plan) : r;
}

static int add_row(struct store *s, uint32_t workspace, const struct definition *d,
		   struct str fields)
{
	sqlite3_stmt *st = s->st[ST_DEFINITION_ADD];
	db_bind_i64(st, 1, d->no);
	db_bind_i64(st, 2, workspace);
	db_bind_blob(st, 3, d->id.b, sizeof(d->id.b));
	db_bind_text(st, 4, d->name);
	db_bind_text(st, 5, d->title);
	db_bind_text(st, 6, d->description);
	db_bind_text(st, 7, d->annotations);
	db_bind_i64(st, 8, d->inferred);
	db_bind_text(st, 9, fields);
	db_bind_i64(st, 10, d->created_at);
	db_bind_i64(st, 11, d->updated_at);
	int r = db_run(st);
	return pass(r ?: catalog_note_definition(s, d->no, workspace));
}

static int set_row(struct store *s, const struct definition *d, struct str fields)
{
	sqlite3_stmt *st = s->st[ST_DEFINITION_SET];
	db_bind_text(st, 1, d->title);
	db_bind_text(st, 2, d->description);
	db_bind_text(st, 3, d->annotations);
	db_bind_i64(st, 4, d->inferred);
	db_bind_text(st, 5, fields);
	db_bind_i64(st, 6, d->updated_at);
	db_bind_i64(st, 7, d->no);
	return db_run(st);
}

int definition_write(struct store *s, uint32_t workspace, struct definition_plan *plan)
{
	struct definition *d = plan->next;
	struct buf fields = buf_in(&s->scratch);
	if (!d)
		return 0;
	fields_put_json(&fields, d->fields, d->n_fields);
	if (fields.failed)
		return fail(-ENOMEM, "definition");
	int r = catalog_begin_edit(s);
	r = r ?: catalog_edit_define(s->edit, workspace, d);
	if (r < 0)
		return pass(r);
	bool is_new = plan->no == 0;
	plan->no = d->no;
	return is_new ? add_row(s, workspace, d, buf_str(&fields))
		      : set_row(s, d, buf_str(&fields));
}
