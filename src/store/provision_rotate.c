/*
 * A key's name stands for one holder. When the file gives a name other secrets than are stored for
 * it, those have been replaced and no longer let anybody in. Names that the file does not mention
 * are left alone, as everything is that it does not mention; a list of two secrets under one name
 * keeps both, for the time it takes to change over.
 */
#include "base/fail.h"
#include "store/state.h"

static bool is_declared(const struct provision_workspace *p, const struct key *k, bool *name_is)
{
	*name_is = false;
	for (unsigned i = 0; i < p->n_keys; i++) {
		*name_is |= str_eq(p->keys[i].name, k->name);
		if (sha256_eq(&p->keys[i].digest, &k->digest))
			return true;
	}
	return false;
}

static int revoke(struct store *s, uint32_t workspace, struct key *k)
{
	CLEANUP(db_finalize) sqlite3_stmt *st = NULL;
	int r = db_prepare(s->db, start_sql[START_KEY_REVOKE], &st);
	if (r < 0)
		return pass(r);
	db_bind_i64(st, 1, k->no);
	k->revoked = true;
	r = db_run(st);
	r = r ?: catalog_begin_edit(s);
	return pass(r ?: catalog_edit_key(s->edit, workspace, k));
}

static int judge(struct store *s, uint32_t workspace, const struct provision_workspace *p,
		 sqlite3_stmt *st)
{
	bool name_is;
	struct key k = { .no = (uint32_t)db_i64(st, 0), .name = db_text(st, 1) };
	int r = db_blob(st, 2, k.digest.b, sizeof(k.digest.b));
	if (r < 0 || k.name.n == 0 || is_declared(p, &k, &name_is) || !name_is)
		return pass(r);
	return revoke(s, workspace, &k);
}

int provision_rotate(struct store *s, uint32_t workspace, const struct provision_workspace *p)
{
	CLEANUP(db_finalize) sqlite3_stmt *st = NULL;
	int r = db_prepare(s->db, start_sql[START_KEYS_OF], &st);
	if (r < 0)
		return pass(r);
	db_bind_i64(st, 1, workspace);
	while ((r = db_step(st)) == DB_ROW) {
		r = judge(s, workspace, p, st);
		if (r < 0)
			return pass(r);
	}
	return r < 0 ? pass(r) : 0;
}
