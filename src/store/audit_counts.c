/*
 * The rollup as the events make it: for each definition, and for each workspace as a whole, the
 * slice of a minute that its events are in; when the next one begins, the one before is compared
 * with its row.
 */
#include "base/fail.h"
#include "store/audit_private.h"
#include "store/rollup.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

struct counter {
	uint32_t workspace, definition;
	int64_t minute;
	uint64_t events, first_seq, last_seq, total;
};

struct audit_counts {
	struct audit *a;
	struct counter *definitions, *workspaces; /* by number */
	uint32_t n_definitions, n_workspaces;
	uint64_t rows; /* there should be */
	sqlite3_stmt *find, *put;
};

static int make_list(struct audit *a, const char *sql, struct counter **list, uint32_t *n)
{
	int64_t max;
	int r = db_query_i64(a->db, sql, &max);
	if (r < 0)
		return pass(r);
	*n = (uint32_t)MIN(MAX(max, 0), (int64_t)INT32_MAX) + 1;
	*list = calloc(*n, sizeof(**list));
	return *list ? 0 : fail(-ENOMEM, "a check of so many definitions");
}

static int read_definitions(struct audit_counts *c)
{
	CLEANUP(db_finalize) sqlite3_stmt *st = NULL;
	int r = db_prepare(c->a->db, "SELECT no, workspace FROM definition WHERE no > 0", &st);
	while (r == 0 && (r = db_step(st)) == DB_ROW) {
		int64_t no = db_i64(st, 0);
		if (no < c->n_definitions)
			c->definitions[no] = (struct counter){ .workspace = (uint32_t)db_i64(st, 1),
							       .definition = (uint32_t)no };
		r = 0;
	}
	return r < 0 ? pass(r) : 0;
}

static int read_workspaces(struct audit_counts *c)
{
	CLEANUP(db_finalize) sqlite3_stmt *st = NULL;
	int r = db_prepare(c->a->db, "SELECT no FROM workspace WHERE no > 0", &st);
	while (r == 0 && (r = db_step(st)) == DB_ROW) {
		int64_t no = db_i64(st, 0);
		if (no < c->n_workspaces)
			c->workspaces[no].workspace = (uint32_t)no;
		r = 0;
	}
	return r < 0 ? pass(r) : 0;
}

int audit_counts_begin(struct audit *a, struct audit_counts **out)
{
	CLEANUP(audit_counts_free) struct audit_counts *c = calloc(1, sizeof(*c));
	if (!c)
		return fail(-ENOMEM, "counts");
	c->a = a;
	int r = make_list(a, "SELECT coalesce(max(no), 0) FROM definition", &c->definitions,
			  &c->n_definitions);
	r = r
		    ?: make_list(a, "SELECT coalesce(max(no), 0) FROM workspace", &c->workspaces,
				 &c->n_workspaces);
	r = r ?: read_definitions(c);
	r = r ?: read_workspaces(c);
	r = r
		    ?: db_prepare(a->db,
				  "SELECT events, first_seq, last_seq, total FROM rollup"
				  " WHERE workspace = ? AND definition = ? AND minute = ?"
				  " AND first_seq <= ? ORDER BY first_seq DESC LIMIT 1",
				  &c->find);
	r = r
		    ?: db_prepare(a->db,
				  "INSERT OR REPLACE INTO rollup VALUES(?, ?, ?, ?, ?, ?, ?)",
				  &c->put);
	if (r == 0 && a->mending)
		r = db_exec(a->db, "DELETE FROM rollup");
	if (r == 0)
		*out = steal(&c);
	/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): freed by CLEANUP, which it does not know */
	return pass(r);
}

void audit_counts_free(struct audit_counts *c)
{
	db_finalize(c->find);
	db_finalize(c->put);
	free(c->definitions);
	free(c->workspaces);
	free(c);
}

uint32_t audit_counts_workspace(const struct audit_counts *c, int64_t definition)
{
	bool there = definition > 0 && definition < c->n_definitions;
	return there ? c->definitions[definition].workspace : 0;
}

static int write_row(struct audit_counts *c, const struct counter *x)
{
	db_bind_i64(c->put, 1, x->workspace);
	db_bind_i64(c->put, 2, x->definition);
	db_bind_i64(c->put, 3, x->minute);
	db_bind_i64(c->put, 4, (int64_t)x->events);
	db_bind_i64(c->put, 5, (int64_t)x->first_seq);
	db_bind_i64(c->put, 6, (int64_t)x->last_seq);
	db_bind_i64(c->put, 7, (int64_t)x->total);
	return db_run(c->put);
}

static int compare_row(struct audit_counts *c, const struct counter *x)
{
	db_bind_i64(c->find, 1, x->workspace);
	db_bind_i64(c->find, 2, x->definition);
	db_bind_i64(c->find, 3, x->minute);
	db_bind_i64(c->find, 4, (int64_t)x->last_seq);
	int r = db_step(c->find);
	if (r < 0)
		return pass(r);
	bool same = r == DB_ROW && (uint64_t)db_i64(c->find, 0) == x->events &&
		    (uint64_t)db_i64(c->find, 1) == x->first_seq &&
		    (uint64_t)db_i64(c->find, 2) == x->last_seq &&
		    (uint64_t)db_i64(c->find, 3) == x->total;
	if (!same)
		audit_found(c->a, FINDING_COUNT,
			    "workspace %u, definition %u, minute %" PRId64 ": %s, but there are"
			    " %" PRIu64 " events from %" PRIu64 " to %" PRIu64 ", %" PRIu64
			    " up to then",
			    x->workspace, x->definition, x->minute,
			    r == DB_ROW ? "its count says otherwise" : "it has no count", x->events,
			    x->first_seq, x->last_seq, x->total);
	db_reset(c->find);
	return 0;
}

static int end_slice(struct audit_counts *c, struct counter *x)
{
	if (x->events == 0)
		return 0;
	c->rows++;
	int r = c->a->mending ? write_row(c, x) : compare_row(c, x);
	x->events = 0;
	return pass(r);
}

static int count_in(struct audit_counts *c, struct counter *x, const struct counted *e)
{
	bool over = x->minute != e->minute || (uint64_t)e->seq - x->first_seq >= ROLLUP_SLICE;
	int r = over ? end_slice(c, x) : 0;
	if (x->events == 0)
		x->first_seq = (uint64_t)e->seq;
	x->minute = e->minute;
	x->last_seq = (uint64_t)e->seq;
	x->events++;
	x->total++;
	return pass(r);
}

int audit_count(struct audit_counts *c, const struct counted *e)
{
	if (e->workspace == 0 || e->workspace >= c->n_workspaces)
		return 0;
	int r = count_in(c, &c->definitions[e->definition], e);
	return pass(r ?: count_in(c, &c->workspaces[e->workspace], e));
}

/* A row that should not be there begins with an event that is not of it. */
static int find_surplus(struct audit_counts *c)
{
	int64_t rows;
	int r = db_query_i64(c->a->db, "SELECT count(*) FROM rollup", &rows);
	if (r < 0 || c->a->mending || (uint64_t)rows <= c->rows)
		return pass(r);
	return audit_found_rows(c->a, FINDING_COUNT,
				"SELECT 'workspace ' || r.workspace || ', definition ' ||"
				" r.definition || ', minute ' || r.minute || ': it counts events,"
				" but there are none' FROM rollup r"
				" LEFT JOIN event e ON e.seq = r.first_seq"
				" WHERE e.workspace IS NOT r.workspace"
				" OR (r.definition <> 0 AND e.definition <> r.definition)"
				" OR e.received_at / 60000000 <> r.minute");
}

int audit_counts_end(struct audit_counts *c)
{
	int r = 0;
	for (uint32_t i = 0; r == 0 && i < c->n_definitions; i++)
		r = end_slice(c, &c->definitions[i]);
	for (uint32_t i = 0; r == 0 && i < c->n_workspaces; i++)
		r = end_slice(c, &c->workspaces[i]);
	return pass(r ?: find_surplus(c));
}
