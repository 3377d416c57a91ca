#include "base/fail.h"
#include "store/audit_private.h"

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

/* What the rows of `sql` say is wrong; `mend` takes it away, NULL: nothing can. */
static const struct rule {
	enum finding kind;
	const char *sql, *mend;
} rules[] = {
	{ FINDING_REFERENCE,
	  "SELECT 'workspace ' || no || ': its switches are none' FROM workspace"
	  " WHERE CASE WHEN json_valid(switches) THEN json_type(switches) END IS NOT 'object'",
	  NULL },
	{ FINDING_REFERENCE,
	  "SELECT 'contact field ' || no || ': workspace ' || workspace || ' is not there'"
	  " FROM contact_field WHERE workspace NOT IN (SELECT no FROM workspace)",
	  NULL },
	{ FINDING_REFERENCE,
	  "SELECT 'definition ' || no || ': workspace ' || workspace || ' is not there'"
	  " FROM definition WHERE workspace NOT IN (SELECT no FROM workspace)",
	  NULL },
	{ FINDING_REFERENCE,
	  "SELECT 'definition ' || no || ': the list of its fields is none' FROM definition"
	  " WHERE CASE WHEN json_valid(fields) THEN json_type(fields) END IS NOT 'array'",
	  NULL },
	{ FINDING_REFERENCE,
	  "SELECT 'key ' || no || ': workspace ' || workspace || ' is not there' FROM access_key"
	  " WHERE workspace NOT IN (SELECT no FROM workspace)",
	  NULL },
	{ FINDING_REFERENCE,
	  "SELECT 'OAuth client ' || no || ': workspace ' || workspace || ' is not there'"
	  " FROM oauth_client WHERE workspace NOT IN (SELECT no FROM workspace)",
	  NULL },
	{ FINDING_REFERENCE,
	  "SELECT 'OAuth client ' || no || ': it has the number of a key' FROM oauth_client"
	  " WHERE no IN (SELECT no FROM access_key)",
	  NULL },
	{ FINDING_REFERENCE,
	  "SELECT count(*) || ' tokens: workspace ' || workspace || ' is not there' FROM token"
	  " WHERE workspace NOT IN (SELECT no FROM workspace) GROUP BY workspace",
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
	  " WHERE e.contact IS NOT x.contact",
	  "DELETE FROM erasure WHERE (SELECT e.contact FROM event e WHERE e.seq = next_seq) IS NOT"
	  " contact" },
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

int audit_rules(struct audit *a)
{
	int r = 0;
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
