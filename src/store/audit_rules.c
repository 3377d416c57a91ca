#include "base/fail.h"
#include "store/audit_private.h"
#include "store/state.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

int audit_file(struct audit *a)
{
	CLEANUP(db_finalize) sqlite3_stmt *st = NULL;
	int r = db_prepare(a->db, "PRAGMA integrity_check(20)", &st);
	while (r == 0 && (r = db_step(st)) == DB_ROW) {
		struct str line = db_text(st, 0);
		if (!str_eq(line, STR("ok")))
			audit_found(a, FINDING_FILE, "the database: " STR_FMT, STR_ARG(line));
		r = 0;
	}
	return r < 0 ? pass(r) : 0;
}

/* Parts of what follows. Items: those in the rows that a bulk `b` leads to. */
#define ITEMS_OF_B                                                      \
	" (SELECT count(*) FROM bulk_item i WHERE i.no >= b.first_item" \
	" AND i.no < b.first_item + b.items AND i.workspace = b.workspace"
#define ITEMS_THERE   ITEMS_OF_B " AND i.outcome IN (0, 1, 2))"
#define ITEMS_REFUSED ITEMS_OF_B " AND i.outcome = 2)"
#define OF_NO_BULK                                                                           \
	" no NOT IN (SELECT i.no FROM bulk b CROSS JOIN bulk_item i ON i.no >= b.first_item" \
	" AND i.no < b.first_item + b.items)"
#define REQUEST_OUTLIVES                                                                      \
	" request IS NOT NULL AND (SELECT workspace FROM contact c WHERE c.no = contact) = 0" \
	" AND NOT EXISTS (SELECT 1 FROM erasure x WHERE x.contact = bulk_item.contact"        \
	" AND x.last_item >= bulk_item.no)"

/* PROBLEM_LAST, for SQL. */
#define PROBLEM_LAST_TEXT "29"
_Static_assert(PROBLEM_LAST == 29, "the highest problem stands in SQL");

/* What the rows of `sql` say is wrong; `mend` takes it away, NULL: nothing can. */
static const struct rule {
	enum finding kind;
	const char *sql, *mend;
} rules[] = {
	{ FINDING_REFERENCE,
	  "SELECT 'OAuth client ' || no || ': it has the number of a key' FROM oauth_client"
	  " WHERE no IN (SELECT no FROM access_key)",
	  NULL },
	{ FINDING_REFERENCE,
	  "SELECT count(*) || ' tokens: workspace ' || workspace || ' is not there' FROM token"
	  " WHERE workspace NOT IN (SELECT no FROM workspace) GROUP BY workspace",
	  NULL },
	{ FINDING_REFERENCE,
	  "SELECT count(*) || ' tokens: no consent has these together' FROM token"
	  " WHERE family IS NOT NULL GROUP BY family"
	  " HAVING count(*) > count(DISTINCT kind) OR (max(kind) = 3 AND count(*) > 1)",
	  NULL },
	{ FINDING_REFERENCE,
	  "SELECT 'contacts: workspace ' || workspace || ' is not there'"
	  " FROM (SELECT DISTINCT workspace FROM contact WHERE workspace <> 0)"
	  " WHERE workspace NOT IN (SELECT no FROM workspace)",
	  NULL },
	{ FINDING_ERASURE,
	  "SELECT 'contact ' || x.contact || ': its events wait for an end, but it is not deleted'"
	  " FROM erasure x LEFT JOIN contact c ON c.no = x.contact WHERE c.workspace IS NOT 0",
	  "DELETE FROM erasure WHERE (SELECT workspace FROM contact WHERE no = contact) IS NOT 0" },
	{ FINDING_ERASURE,
	  "SELECT 'contact ' || x.contact || ': event ' || x.next_seq || ', where its deletion is "
	  "to"
	  " go on, is none of its' FROM erasure x LEFT JOIN event e ON e.seq = x.next_seq"
	  " WHERE x.next_seq <> 0 AND e.contact IS NOT x.contact",
	  "UPDATE erasure SET next_seq = 0 WHERE (SELECT e.contact FROM event e"
	  " WHERE e.seq = next_seq) IS NOT contact" },
	{ FINDING_ERASURE,
	  "SELECT 'bulk item ' || no || ': contact ' || contact || ' is deleted, its request is "
	  "not'"
	  " FROM bulk_item WHERE" REQUEST_OUTLIVES,
	  "UPDATE bulk_item SET request = NULL WHERE" REQUEST_OUTLIVES },
	{ FINDING_BULK,
	  "SELECT 'bulk ' || no || ': its items are not all there' FROM bulk b"
	  " WHERE items < 1 OR items <>" ITEMS_THERE,
	  "DELETE FROM bulk AS b WHERE items < 1 OR items <>" ITEMS_THERE },
	{ FINDING_BULK,
	  "SELECT 'bulk ' || no || ': it says that ' || refused || ' items were refused' FROM bulk "
	  "b"
	  " WHERE refused <>" ITEMS_REFUSED,
	  "UPDATE bulk AS b SET refused =" ITEMS_REFUSED },
	{ FINDING_BULK,
	  "SELECT 'bulk ' || no || ': what is kept about it is none' FROM bulk"
	  " WHERE CASE WHEN json_valid(about) THEN json_type(about) END IS NOT 'object'",
	  "DELETE FROM bulk"
	  " WHERE CASE WHEN json_valid(about) THEN json_type(about) END IS NOT 'object'" },
	{ FINDING_BULK,
	  "SELECT 'bulk item ' || no || ': it is of no bulk' FROM bulk_item WHERE" OF_NO_BULK,
	  "DELETE FROM bulk_item WHERE" OF_NO_BULK },
	{ FINDING_BULK,
	  "SELECT 'bulk item ' || no || ': its problem is none' FROM bulk_item WHERE"
	  " NOT problem BETWEEN 0 AND " PROBLEM_LAST_TEXT,
	  "UPDATE bulk_item SET problem = 0 WHERE NOT problem BETWEEN 0 AND " PROBLEM_LAST_TEXT },
	{ FINDING_BULK,
	  "SELECT 'bulk item ' || no || ': its request or problems are none' FROM bulk_item"
	  " WHERE NOT json_valid(coalesce(request, '0')) OR NOT json_valid(coalesce(problems, "
	  "'0'))",
	  "UPDATE bulk_item SET request = NULL, problems = NULL"
	  " WHERE NOT json_valid(coalesce(request, '0')) OR NOT json_valid(coalesce(problems, "
	  "'0'))" },
	{ FINDING_DEDUPE,
	  "SELECT 'an id of workspace ' || d.workspace || ', space ' || d.space || ': event '"
	  " || d.seq || ', which came with it, is not there' FROM dedupe d"
	  " LEFT JOIN event e ON e.seq = d.seq"
	  " WHERE d.seq <> 0 AND e.workspace IS NOT d.workspace",
	  "DELETE FROM dedupe WHERE seq <> 0 AND"
	  " (SELECT e.workspace FROM event e WHERE e.seq = dedupe.seq) IS NOT workspace" },
	{ FINDING_DEDUPE,
	  "SELECT 'an id of workspace ' || workspace || ', space ' || space"
	  " || ': the outcomes kept for it are none' FROM dedupe"
	  " WHERE CASE WHEN json_valid(outcomes) THEN json_type(outcomes) END IS NOT 'array'",
	  "DELETE FROM dedupe WHERE CASE WHEN json_valid(outcomes) THEN json_type(outcomes) END IS "
	  "NOT 'array'" },
};

static void tell_damage(void *arg, const char *row)
{
	audit_found(arg, FINDING_REFERENCE, "%s: " STR_FMT, row, STR_ARG(db_damage()));
}

/* What a start reads into memory, by the start's own rules. */
static int examine(struct audit *a)
{
	const struct damage_told told = { tell_damage, a };
	struct store *s = calloc(1, sizeof(*s));
	if (!s)
		return fail(-ENOMEM, "store");
	s->db = a->db;
	s->scratch = a->scratch;
	int r = catalog_examine(s, &told);
	r = r ?: token_rows_examine(s, &told);
	a->scratch = s->scratch;
	free(s->definition_workspace);
	free(s);
	return pass(r);
}

int audit_rules(struct audit *a)
{
	int r = a->mending ? 0 : examine(a);
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(rules); i++) {
		const struct rule *rule = &rules[i];
		if (!a->mending)
			r = audit_found_rows(a, rule->kind, rule->sql);
		else if (rule->mend)
			r = db_exec(a->db, rule->mend);
	}
	return pass(r);
}

static int judge_count(struct audit *a, sqlite3_stmt *set, int64_t workspace, int64_t said,
		       int64_t n)
{
	if (said == n)
		return 0;
	if (!a->mending) {
		audit_found(a, FINDING_COUNT,
			    "workspace %" PRId64 ": it says %" PRId64
			    " contacts, there are %" PRId64,
			    workspace, said, n);
		return 0;
	}
	db_bind_i64(set, 1, n);
	db_bind_i64(set, 2, workspace);
	return db_run(set);
}

int audit_contact_counts(struct audit *a)
{
	CLEANUP(db_finalize) sqlite3_stmt *st = NULL, *set = NULL;
	int r = db_prepare(a->db,
			   "SELECT no, contacts,"
			   " (SELECT count(*) FROM contact c WHERE c.workspace = w.no)"
			   " FROM workspace w ORDER BY no",
			   &st);
	r = r ?: db_prepare(a->db, "UPDATE workspace SET contacts = ? WHERE no = ?", &set);
	while (r == 0 && (r = db_step(st)) == DB_ROW)
		r = judge_count(a, set, db_i64(st, 0), db_i64(st, 1), db_i64(st, 2));
	return r < 0 ? pass(r) : 0;
}
