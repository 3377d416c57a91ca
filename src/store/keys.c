#include "base/fail.h"
#include "store/state.h"

#include <errno.h>

int key_refuse_full(struct op *op)
{
	return op_refuse(op,
			 (struct problem){ .code = PROBLEM_KEYS_FULL, .limit = KEYS_BYTES_MAX });
}

int key_decide(struct store *s, struct op *op)
{
	int64_t no = 0;
	sqlite3_stmt *st = s->st[op->key->no ? ST_KEY_FIND : ST_KEY_NEXT];
	if (op->key->no) {
		db_bind_i64(st, 1, op->key->no);
		db_bind_i64(st, 2, op->workspace);
	}
	int r = db_first_i64(st, &no);
	op->key_no = (uint32_t)no;
	if (r < 0 || no == 0 || no > KEY_NO_MAX)
		return r < 0 ? pass(r) : STORE_REFUSED;
	/* To revoke one takes no more than there is. */
	if (!op->key->no && !catalog_key_numbered(s, op->workspace))
		return STORE_REFUSED;
	if (op->key->no || catalog_key_fits(s, op->workspace, op->key))
		return STORE_OK;
	return key_refuse_full(op);
}

int key_add(struct store *s, uint32_t workspace, uint32_t no, const struct key *like)
{
	sqlite3_stmt *st = s->st[ST_KEY_ADD];
	struct buf scopes = buf_in(&s->scratch), origins = buf_in(&s->scratch);
	struct key k = *like;
	scopes_put(&scopes, k.scopes);
	if (k.publishable)
		buf_json_strs(&origins, k.origins, k.n_origins);
	if (scopes.failed || origins.failed)
		return fail(-ENOMEM, "adding a key");
	k.no = no;
	db_bind_i64(st, 1, k.no);
	db_bind_i64(st, 2, workspace);
	db_bind_blob(st, 3, k.digest.b, sizeof(k.digest.b));
	db_bind_text(st, 4, k.name);
	db_bind_text(st, 5, buf_str(&scopes));
	db_bind_i64(st, 6, s->at.received_at);
	db_bind_text(st, 7, buf_str(&origins));
	int r = db_run(st);
	r = r ?: catalog_begin_edit(s);
	return pass(r ?: catalog_edit_key(s->edit, workspace, &k));
}

static int revoke(struct store *s, const struct op *op)
{
	sqlite3_stmt *st = s->st[ST_KEY_REVOKE];
	struct key k = { .no = op->key_no, .revoked = true };
	db_bind_i64(st, 1, k.no);
	int r = db_step(st);
	if (r != DB_ROW)
		return r < 0 ? pass(r) : db_damaged("a key that was there");
	k.name = db_text(st, 1);
	r = db_blob(st, 0, k.digest.b, sizeof(k.digest.b));
	r = r ?: scopes_read(db_text(st, 2), &k.scopes);
	r = r ?: catalog_begin_edit(s);
	r = r ?: catalog_edit_key(s->edit, op->workspace, &k);
	db_reset(st);
	return pass(r);
}

int key_write(struct store *s, struct op *op)
{
	op->created = op->key->no == 0;
	op->changed = true;
	op->received_at = s->at.received_at;
	return op->created ? key_add(s, op->workspace, op->key_no, op->key) : revoke(s, op);
}
