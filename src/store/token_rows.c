#include "base/fail.h"
#include "store/state.h"

#include <errno.h>
#include <stdlib.h>

/*
 * Tokens: a row each, and the same in memory. What a batch changes goes into memory after its
 * commit, and the room for it is made before, so that nothing can fail then. Expired rows go with
 * the batches that follow: at least twice as many as come in.
 *
 * Of one consent there is either a code, or a refresh token and the access token that came with it,
 * or nothing. So what was given for others once needs no row to be known again: its family says
 * whose it was.
 */
enum { PURGE_MIN = 16 };

/* --- What the batch has changed --- */

static int note_change(struct store *s, const struct token *t)
{
	if (s->n_token_changes == s->token_changes_room) {
		unsigned room = MAX(64U, 2 * s->token_changes_room);
		struct token *list = realloc(s->token_changes, room * sizeof(*list));
		if (!list)
			return fail(-ENOMEM, "tokens");
		s->token_changes = list;
		s->token_changes_room = room;
	}
	s->token_changes[s->n_token_changes++] = *t;
	return 0;
}

void token_rows_keep(struct store *s)
{
	for (unsigned i = 0; i < s->n_token_changes; i++) {
		const struct token *t = &s->token_changes[i];
		if (t->kind)
			tokens_put(&s->tokens, t);
		else
			tokens_drop(&s->tokens, &t->digest);
	}
	s->n_token_changes = s->n_tokens_issued = 0;
}

void token_rows_forget(struct store *s)
{
	s->n_token_changes = s->n_tokens_issued = 0;
	s->next_token_expiry = 0;
}

/* Runs a statement that gives the digests of what it deletes. */
static int drop_rows(struct store *s, sqlite3_stmt *st)
{
	int r;
	while ((r = db_step(st)) == DB_ROW) {
		struct token gone = { 0 };
		r = db_blob(st, 0, gone.digest.b, sizeof(gone.digest.b));
		r = r ?: note_change(s, &gone);
		if (r < 0)
			break;
	}
	db_reset(st);
	return r < 0 ? pass(r) : 0;
}

/* --- Operations --- */

static unsigned count_new(const struct op *op)
{
	return op->refresh ? 2 : 1;
}

/* STORE_NONE: there is no such token, or it is no longer good. */
static int find_spent(struct store *s, const struct op *op, unsigned *scopes)
{
	sqlite3_stmt *st = s->st[ST_TOKEN_FIND];
	const struct token *t = op->spends;
	db_bind_blob(st, 1, t->digest.b, sizeof(t->digest.b));
	db_bind_blob(st, 2, t->issuer.b, sizeof(t->issuer.b));
	db_bind_i64(st, 3, op->workspace);
	db_bind_i64(st, 4, t->kind);
	db_bind_i64(st, 5, s->at.received_at);
	int r = db_step(st);
	if (r < 0)
		return pass(r);
	int found = r == DB_ROW ? scopes_read(db_text(st, 0), scopes) : STORE_NONE;
	db_reset(st);
	return found;
}

static int decide_spending(struct store *s, struct op *op, struct token_plan *plan)
{
	int r = find_spent(s, op, &plan->scopes);
	plan->lost = r == STORE_NONE;
	if (r != STORE_OK)
		return r < 0 ? pass(r) : STORE_OK;
	if (op->token->scopes & ~plan->scopes)
		return op_refuse(op, (struct problem){ .code = PROBLEM_VALUE });
	return STORE_OK;
}

int token_issue_decide(struct store *s, struct op *op, struct token_plan *plan)
{
	/* Those of the batch are not in the table yet, and may all be the workspace's. */
	if (!tokens_have_room(&s->tokens, op->workspace, s->n_tokens_issued + count_new(op)))
		return STORE_REFUSED;
	plan->scopes = op->token->scopes;
	return op->spends ? decide_spending(s, op, plan) : STORE_OK;
}

static int put_row(struct store *s, const struct token *t)
{
	sqlite3_stmt *st = s->st[ST_TOKEN_ADD];
	struct buf scopes = buf_in(&s->scratch);
	scopes_put(&scopes, t->scopes);
	if (scopes.failed)
		return fail(-ENOMEM, "tokens");
	db_bind_blob(st, 1, t->digest.b, sizeof(t->digest.b));
	db_bind_blob(st, 2, t->issuer.b, sizeof(t->issuer.b));
	db_bind_i64(st, 3, t->kind);
	db_bind_i64(st, 4, t->workspace);
	db_bind_text(st, 5, buf_str(&scopes));
	db_bind_i64(st, 6, t->created_at);
	db_bind_i64(st, 7, t->expires_at);
	db_bind_blob(st, 8, t->family.b, sizeof(t->family.b));
	return db_run(st);
}

static int issue(struct store *s, const struct op *op, const struct token *like, unsigned scopes)
{
	struct token t = *like;
	t.workspace = op->workspace;
	t.scopes = scopes;
	t.created_at = s->at.received_at;
	t.expires_at = t.created_at + op->token_lives_s * US_PER_S;
	int r = tokens_reserve(&s->tokens, s->n_tokens_issued + 1);
	r = r ?: put_row(s, &t);
	r = r ?: note_change(s, &t);
	if (r < 0)
		return pass(r);
	s->n_tokens_issued++;
	s->next_token_expiry = MIN(s->next_token_expiry, t.expires_at);
	return 0;
}

static int drop_family(struct store *s, const struct op *op, const struct token *of)
{
	sqlite3_stmt *st = s->st[ST_TOKEN_DROP_FAMILY];
	db_bind_blob(st, 1, of->family.b, sizeof(of->family.b));
	db_bind_blob(st, 2, of->issuer.b, sizeof(of->issuer.b));
	db_bind_i64(st, 3, op->workspace);
	return pass(drop_rows(s, st));
}

int token_issue(struct store *s, struct op *op, const struct token_plan *plan)
{
	int r = op->spends ? drop_family(s, op, op->spends) : 0;
	op->received_at = s->at.received_at;
	if (r < 0 || plan->lost)
		return pass(r);
	op->token_scopes = op->token->scopes ?: plan->scopes;
	r = issue(s, op, op->token, op->token_scopes);
	if (op->refresh)
		r = r ?: issue(s, op, op->refresh, plan->scopes);
	op->created = true;
	return pass(r);
}

int token_revoke(struct store *s, struct op *op)
{
	sqlite3_stmt *st = s->st[ST_TOKEN_DROP];
	const struct token *t = op->token;
	unsigned before = s->n_token_changes;
	op->received_at = s->at.received_at;
	db_bind_blob(st, 1, t->digest.b, sizeof(t->digest.b));
	db_bind_blob(st, 2, t->issuer.b, sizeof(t->issuer.b));
	db_bind_i64(st, 3, op->workspace);
	int r = drop_rows(s, st);
	op->changed = s->n_token_changes > before;
	return pass(r);
}

int token_rows_end(struct store *s, const struct sha256 *issuer)
{
	CLEANUP(db_finalize) sqlite3_stmt *st = NULL;
	int r = db_prepare(s->db, start_sql[START_TOKENS_DROP], &st);
	if (r < 0)
		return pass(r);
	db_bind_blob(st, 1, issuer->b, sizeof(issuer->b));
	return pass(drop_rows(s, st));
}

/* --- Expiry --- */

static int load_expiry(struct store *s)
{
	sqlite3_stmt *st = s->st[ST_TOKEN_EXPIRY];
	int r = db_step(st);
	if (r < 0)
		return pass(r);
	/* min() of no rows is NULL, which reads as 0. */
	s->next_token_expiry = db_i64(st, 0) ?: INT64_MAX;
	db_reset(st);
	return 0;
}

int token_rows_purge(struct store *s)
{
	sqlite3_stmt *st = s->st[ST_TOKEN_PURGE];
	if (s->next_token_expiry > s->at.received_at)
		return 0;
	db_bind_i64(st, 1, s->at.received_at);
	db_bind_i64(st, 2, PURGE_MIN + 2 * s->n_tokens_issued);
	int r = drop_rows(s, st);
	return pass(r ?: load_expiry(s));
}

/* --- Start --- */

static int load_row(struct tokens *to, sqlite3_stmt *st)
{
	int64_t kind = db_i64(st, 2), workspace = db_i64(st, 3);
	struct token t = {
		.kind = (enum token_kind)kind,
		.workspace = (uint32_t)workspace,
		.created_at = db_i64(st, 5),
		.expires_at = db_i64(st, 6),
	};
	int r = db_blob(st, 0, t.digest.b, sizeof(t.digest.b));
	r = r ?: db_blob(st, 1, t.issuer.b, sizeof(t.issuer.b));
	r = r ?: db_blob(st, 7, t.family.b, sizeof(t.family.b));
	r = r ?: scopes_read(db_text(st, 4), &t.scopes);
	if (r == 0 && (kind < TOKEN_ACCESS || kind > TOKEN_CODE || workspace <= 0 ||
		       workspace > UINT32_MAX || tokens_count(to) >= TOKENS_MAX))
		r = db_damaged("kind, workspace or number of tokens");
	r = r ?: tokens_reserve(to, 1);
	if (r == 0)
		tokens_put(to, &t);
	return pass(r);
}

static int load_rows(struct store *s, struct tokens *to, const struct damage_told *told)
{
	CLEANUP(db_finalize) sqlite3_stmt *st = NULL;
	int r = db_prepare(s->db, start_sql[START_TOKENS], &st);
	while (r == 0 && (r = db_step(st)) == DB_ROW) {
		r = load_row(to, st);
		if (r == -EIO && told) {
			told->tell(told->arg, "a token");
			r = 0;
		}
	}
	return r < 0 ? pass(r) : 0;
}

int token_rows_examine(struct store *s, const struct damage_told *told)
{
	struct tokens all;
	tokens_init(&all);
	int r = load_rows(s, &all, told);
	tokens_fini(&all);
	return pass(r);
}

int token_rows_load(struct store *s)
{
	struct tokens fresh;
	token_rows_forget(s);
	tokens_init(&fresh);
	int r = load_rows(s, &fresh, NULL);
	if (r == 0)
		tokens_take(&s->tokens, &fresh);
	tokens_fini(&fresh);
	return pass(r ?: load_expiry(s));
}
