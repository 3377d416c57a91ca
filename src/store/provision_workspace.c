/* The part of provision.c about the workspace's own row. */
#include "base/fail.h"
#include "store/state.h"

#include <errno.h>

static int no_memory(void)
{
	return fail(-ENOMEM, "provisioning");
}

static bool is_declared(const struct provision_workspace *p, struct str name)
{
	for (unsigned i = 0; i < p->n_switches; i++)
		if (str_eq(p->switches[i].name, name))
			return true;
	return false;
}

/* Those declared, and those there that the file does not mention. `old` may be NULL. */
static int want_switches(struct store *s, const struct provision_workspace *p,
			 const struct workspace *old, struct workspace *w)
{
	unsigned most = p->n_switches + (old ? old->n_switches : 0), n = p->n_switches;
	struct switch_setting *list = arena_array(&s->scratch, struct switch_setting, most + 1);
	if (!list)
		return no_memory();
	for (unsigned i = 0; i < p->n_switches; i++)
		list[i] = p->switches[i];
	for (unsigned i = 0; old && i < old->n_switches; i++)
		if (!is_declared(p, old->switches[i].name))
			list[n++] = old->switches[i];
	switch_settings_sort(list, n);
	w->switches = list;
	w->n_switches = n;
	return 0;
}

static int find_no(struct store *s, struct uuid id, uint32_t *no)
{
	CLEANUP(db_finalize) sqlite3_stmt *st = NULL;
	int r = db_prepare(s->db, start_sql[START_WORKSPACE_FIND], &st);
	if (r < 0)
		return pass(r);
	db_bind_blob(st, 1, id.b, sizeof(id.b));
	r = db_step(st);
	*no = r == DB_ROW ? (uint32_t)db_i64(st, 0) : 0;
	return r < 0 ? pass(r) : 0;
}

/* The row as it shall be; *old is what is there, or NULL. */
static int want_workspace(struct store *s, const struct provision_workspace *p, struct workspace *w,
			  const struct workspace **old)
{
	*w = (struct workspace){
		.id = p->id,
		.name = p->name,
		.requests_per_second = p->requests_per_second,
	};
	int r = find_no(s, p->id, &w->no);
	*old = w->no ? catalog_find_workspace(s, w->no) : NULL;
	return r ?: want_switches(s, p, *old, w);
}

static bool is_same(const struct workspace *a, const struct workspace *b)
{
	bool same = str_eq(a->name, b->name) && a->requests_per_second == b->requests_per_second &&
		    a->n_switches == b->n_switches;
	for (unsigned i = 0; same && i < a->n_switches; i++)
		same = str_eq(a->switches[i].name, b->switches[i].name) &&
		       str_eq(a->switches[i].value, b->switches[i].value);
	return same;
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

static int write_row(struct store *s, const struct workspace *w)
{
	CLEANUP(db_finalize) sqlite3_stmt *st = NULL;
	struct buf switches = buf_in(&s->scratch);
	put_switches(&switches, w);
	if (switches.failed)
		return no_memory();
	int r = db_prepare(s->db, start_sql[START_WORKSPACE_PUT], &st);
	if (r < 0)
		return pass(r);
	db_bind_i64(st, 1, w->no);
	db_bind_blob(st, 2, w->id.b, sizeof(w->id.b));
	db_bind_text(st, 3, w->name);
	db_bind_i64(st, 4, w->requests_per_second);
	db_bind_text(st, 5, buf_str(&switches));
	db_bind_i64(st, 6, s->at.received_at);
	return db_run(st);
}

int provision_workspace_row(struct store *s, const struct provision_workspace *p, uint32_t *no)
{
	struct workspace w;
	const struct workspace *old;
	int r = want_workspace(s, p, &w, &old);
	if (r == 0 && !w.no)
		r = provision_next_no(s, start_sql[START_WORKSPACE_NEXT], INT32_MAX, &w.no);
	*no = w.no;
	if (r < 0 || (old && is_same(old, &w)))
		return pass(r);
	r = write_row(s, &w);
	r = r ?: catalog_begin_edit(s);
	return pass(r ?: catalog_edit_workspace(s->edit, &w));
}
