/*
 * Workspaces made and changed while the server runs. Their numbers are given out in a row and none
 * goes, so that the highest is also how many there are.
 */
#include "base/fail.h"
#include "store/state.h"

/* Whether the id is free, and there are numbers left for the workspace and its key. */
static int decide_new(struct store *s, struct op *op)
{
	int64_t taken, no, key_no;
	sqlite3_stmt *find = s->st[ST_WORKSPACE_FIND];
	db_bind_blob(find, 1, op->like->id.b, sizeof(op->like->id.b));
	int r = db_first_i64(find, &taken);
	r = r ?: db_first_i64(s->st[ST_WORKSPACE_NEXT], &no);
	r = r ?: db_first_i64(s->st[ST_KEY_NEXT], &key_no);
	if (r < 0)
		return pass(r);
	if (taken)
		return op_refuse(op, (struct problem){ .code = PROBLEM_EXISTS, .path = STR("id") });
	if (no > WORKSPACES_MAX || key_no > KEY_NO_MAX)
		return op_refuse(op, (struct problem){ .code = PROBLEM_WORKSPACES_FULL,
						       .limit = no > WORKSPACES_MAX ? WORKSPACES_MAX
										    : KEY_NO_MAX });
	op->workspace_no = (uint32_t)no;
	op->key_no = (uint32_t)key_no;
	return STORE_OK;
}

int workspace_decide(struct store *s, struct op *op)
{
	if (op->workspace == 0)
		return decide_new(s, op);
	op->workspace_no = op->workspace;
	if (catalog_find_workspace(s, op->workspace))
		return STORE_OK;
	return op_refuse(op, (struct problem){ .code = PROBLEM_UNKNOWN_WORKSPACE });
}

static int publish(struct store *s, const struct workspace *w)
{
	int r = catalog_begin_edit(s);
	return pass(r ?: catalog_edit_workspace(s->edit, w));
}

static int add(struct store *s, const struct op *op)
{
	sqlite3_stmt *st = s->st[ST_WORKSPACE_ADD];
	const struct workspace w = {
		.no = op->workspace_no,
		.id = op->like->id,
		.name = op->like->name,
		.requests_per_second = op->like->requests_per_second,
		.created_at = s->at.received_at,
		.updated_at = s->at.received_at,
	};
	db_bind_i64(st, 1, w.no);
	db_bind_blob(st, 2, w.id.b, sizeof(w.id.b));
	db_bind_text(st, 3, w.name);
	db_bind_i64(st, 4, w.requests_per_second);
	db_bind_i64(st, 5, w.created_at);
	int r = db_run(st);
	r = r ?: publish(s, &w);
	return pass(r ?: key_add(s, w.no, op->key_no, op->key));
}

static int set(struct store *s, const struct workspace *w)
{
	sqlite3_stmt *st = s->st[ST_WORKSPACE_SET];
	db_bind_text(st, 1, w->name);
	db_bind_i64(st, 2, w->requests_per_second);
	db_bind_i64(st, 3, w->updated_at);
	db_bind_i64(st, 4, w->no);
	int r = db_run(st);
	return pass(r ?: publish(s, w));
}

/* What the rules name is taken from `like`, the rest stays. */
static int change(struct store *s, struct op *op)
{
	const struct workspace *old = catalog_find_workspace(s, op->workspace), *like = op->like;
	const struct workspace next = {
		.no = old->no,
		.id = old->id,
		.name = op->rules & WORKSPACE_NAME ? like->name : old->name,
		.contact_fields = old->contact_fields,
		.n_contact_fields = old->n_contact_fields,
		.requests_per_second = op->rules & WORKSPACE_RATE ? like->requests_per_second
								  : old->requests_per_second,
		.created_at = old->created_at,
		.updated_at = s->at.received_at,
	};
	op->changed = !str_eq(next.name, old->name) ||
		      next.requests_per_second != old->requests_per_second;
	return op->changed ? set(s, &next) : 0;
}

int workspace_write(struct store *s, struct op *op)
{
	op->received_at = s->at.received_at;
	op->created = op->changed = op->workspace == 0;
	return op->created ? add(s, op) : change(s, op);
}
