/*
 * The workspaces' own rows: what a provisioning file declares, and what is made and changed while
 * the server runs. Numbers are given out in a row and none goes, so that the highest is also how
 * many there are.
 */
#include "base/fail.h"
#include "store/state.h"

#include <errno.h>

static int no_memory(void)
{
	return fail(-ENOMEM, "workspaces");
}

int workspace_find(struct store *s, struct uuid id, uint32_t *no)
{
	int64_t found = 0;
	sqlite3_stmt *st = s->st[ST_WORKSPACE_FIND];
	db_bind_blob(st, 1, id.b, sizeof(id.b));
	int r = db_first_i64(st, &found);
	*no = (uint32_t)found;
	return pass(r);
}

int workspace_next(struct store *s, uint32_t *no)
{
	int64_t next = 0;
	int r = db_first_i64(s->st[ST_WORKSPACE_NEXT], &next);
	*no = (uint32_t)next;
	return r < 0 ? pass(r) : next > WORKSPACES_MAX ? STORE_FULL : 0;
}

/* --- Switches --- */

static bool is_among(const struct switch_setting *list, unsigned n, struct str name)
{
	for (unsigned i = 0; i < n; i++)
		if (str_eq(list[i].name, name))
			return true;
	return false;
}

int workspace_set_switches(struct store *s, const struct workspace *old,
			   const struct switch_setting *set, unsigned n, struct workspace *w)
{
	struct switch_setting *list =
		arena_array(&s->scratch, struct switch_setting, n + (old ? old->n_switches : 0));
	if (!list)
		return no_memory();
	w->switches = list;
	w->n_switches = n;
	for (unsigned i = 0; i < n; i++)
		list[i] = set[i];
	for (unsigned i = 0; old && i < old->n_switches; i++)
		if (!is_among(set, n, old->switches[i].name))
			list[w->n_switches++] = old->switches[i];
	switch_settings_sort(list, w->n_switches);
	return 0;
}

static void put_switches(struct buf *b, const struct workspace *w)
{
	buf_char(b, '{');
	for (unsigned i = 0; i < w->n_switches; i++) {
		if (i > 0)
			buf_char(b, ',');
		buf_json_str(b, w->switches[i].name);
		buf_char(b, ':');
		buf_json_str(b, w->switches[i].value);
	}
	buf_char(b, '}');
}

/* --- The row --- */

static bool is_same(const struct workspace *a, const struct workspace *b)
{
	bool same = str_eq(a->name, b->name) && a->requests_per_second == b->requests_per_second &&
		    a->n_switches == b->n_switches;
	for (unsigned i = 0; same && i < a->n_switches; i++)
		same = str_eq(a->switches[i].name, b->switches[i].name) &&
		       str_eq(a->switches[i].value, b->switches[i].value);
	return same;
}

static int write_row(struct store *s, const struct workspace *w)
{
	sqlite3_stmt *st = s->st[ST_WORKSPACE_PUT];
	struct buf switches = buf_in(&s->scratch);
	put_switches(&switches, w);
	if (switches.failed)
		return no_memory();
	db_bind_i64(st, 1, w->no);
	db_bind_blob(st, 2, w->id.b, sizeof(w->id.b));
	db_bind_text(st, 3, w->name);
	db_bind_i64(st, 4, w->requests_per_second);
	db_bind_text(st, 5, buf_str(&switches));
	db_bind_i64(st, 6, w->updated_at);
	return db_run(st);
}

int workspace_put(struct store *s, struct workspace *w, bool *changed)
{
	const struct workspace *old = catalog_find_workspace(s, w->no);
	*changed = !old || !is_same(old, w);
	if (!*changed)
		return 0;
	w->created_at = old ? old->created_at : s->at.received_at;
	w->updated_at = s->at.received_at;
	int r = write_row(s, w);
	r = r ?: catalog_begin_edit(s);
	return pass(r ?: catalog_edit_workspace(s->edit, w));
}

/* --- An operation --- */

static int refuse_full(struct op *op, int64_t limit)
{
	return op_refuse(op, (struct problem){ .code = PROBLEM_WORKSPACES_FULL, .limit = limit });
}

/* Whether the id is free, and there are numbers left for the workspace and its key. */
static int decide_new(struct store *s, struct op *op)
{
	uint32_t taken;
	int64_t key_no;
	int r = workspace_find(s, op->like->id, &taken);
	r = r ?: db_first_i64(s->st[ST_KEY_NEXT], &key_no);
	if (r < 0)
		return pass(r);
	if (taken)
		return op_refuse(op, (struct problem){ .code = PROBLEM_EXISTS, .path = STR("id") });
	r = workspace_next(s, &op->workspace_no);
	if (r == STORE_FULL)
		return refuse_full(op, WORKSPACES_MAX);
	if (r == 0 && key_no > KEY_NO_MAX)
		return refuse_full(op, KEY_NO_MAX);
	op->key_no = (uint32_t)key_no;
	if (r == 0 && !catalog_key_fits(s, op->workspace_no, op->key))
		return key_refuse_full(op);
	return pass(r);
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

/* What the rules name is taken from `like`, the rest from what is there, if anything is. */
static int shape(struct store *s, const struct op *op, struct workspace *w)
{
	const struct workspace *old = catalog_find_workspace(s, op->workspace_no);
	const struct workspace *like = op->like, *rest = old ?: like;
	*w = (struct workspace){
		.no = op->workspace_no,
		.id = rest->id,
		.name = op->rules & WORKSPACE_NAME ? like->name : rest->name,
		.requests_per_second = op->rules & WORKSPACE_RATE ? like->requests_per_second
								  : rest->requests_per_second,
	};
	return workspace_set_switches(s, old, like->switches, like->n_switches, w);
}

int workspace_write(struct store *s, struct op *op)
{
	struct workspace w;
	op->received_at = s->at.received_at;
	op->created = op->workspace == 0;
	int r = shape(s, op, &w);
	r = r ?: workspace_put(s, &w, &op->changed);
	if (r < 0 || !op->created)
		return pass(r);
	return key_add(s, w.no, op->key_no, op->key);
}
