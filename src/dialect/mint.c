#include "dialect/mint.h"

enum { SECRET_BYTES = 32, SECRET_TEXT = 43 };

static struct str random_text(struct arena *a)
{
	uint8_t secret[SECRET_BYTES];
	char text[SECRET_TEXT];
	random_bytes(secret, sizeof(secret));
	size_t n = base64url_put(secret, sizeof(secret), text);
	must(n == SECRET_TEXT);
	return arena_str(a, (struct str){ text, n });
}

static struct token token_for(const struct call *call, enum token_kind kind, struct str text,
			      unsigned scopes)
{
	return (struct token){ .digest = sha256_of(text),
			       .issuer = call->key->digest,
			       .kind = kind,
			       .workspace = call->workspace->no,
			       .scopes = scopes };
}

static struct op *token_op(struct call *call, enum op_kind kind, struct token like, int64_t lives_s)
{
	struct token *t = arena_new(&call->req->arena, struct token);
	struct op *op = t ? call_op(call) : NULL;
	if (!op)
		return NULL;
	*t = like;
	op->kind = kind;
	op->token = t;
	op->token_lives_s = lives_s;
	return op;
}

enum refusal mint_token(struct call *call, int64_t lives_s, unsigned scopes, struct str *text)
{
	*text = random_text(&call->req->arena);
	if (!text->p)
		return REFUSE_OVERLOADED;
	struct token t = token_for(call, TOKEN_ACCESS, *text, scopes);
	return token_op(call, OP_TOKEN_ISSUE, t, lives_s) ? REFUSE_NOTHING : REFUSE_OVERLOADED;
}

enum refusal mint_revoke(struct call *call, struct str text)
{
	struct token t = token_for(call, TOKEN_ACCESS, text, 0);
	return token_op(call, OP_TOKEN_REVOKE, t, 0) ? REFUSE_NOTHING : REFUSE_OVERLOADED;
}

/* --- Consent --- */

static struct str family_half(struct str text)
{
	return str_head(text, SECRET_TEXT);
}

/* A text of the family, whose half is given. */
static struct str random_member(struct arena *a, struct str family)
{
	struct str own = random_text(a);
	if (!own.p || !family.p)
		return (struct str){ 0 };
	return arena_printf(a, STR_FMT STR_FMT, STR_ARG(family), STR_ARG(own));
}

/* Of all that must be the same when the code comes back; digests, so that no other texts give the
 * same bytes. */
static struct token code_for(const struct call *call, struct str code, const struct mint_bond *bond,
			     unsigned scopes)
{
	const struct sha256 parts[] = { sha256_of(code), sha256_of(bond->redirect),
					sha256_of(bond->challenge) };
	struct str all = { (const char *)parts, sizeof(parts) };
	struct token t = token_for(call, TOKEN_CODE, all, scopes);
	t.family = sha256_of(family_half(code));
	return t;
}

enum refusal mint_code(struct call *call, const struct mint_bond *bond, int64_t lives_s,
		       unsigned scopes, struct str *text)
{
	struct arena *a = &call->req->arena;
	*text = random_member(a, random_text(a));
	if (!text->p)
		return REFUSE_OVERLOADED;
	struct token t = code_for(call, *text, bond, scopes);
	return token_op(call, OP_TOKEN_ISSUE, t, lives_s) ? REFUSE_NOTHING : REFUSE_OVERLOADED;
}

/* What the operation's pointers lead to. */
struct exchange {
	struct token refresh, spends;
};

static enum refusal exchange(struct call *call, struct str given, struct token spends,
			     unsigned scopes, int64_t lives_s, struct mint_pair *out)
{
	struct arena *a = &call->req->arena;
	struct exchange *e = arena_new(a, struct exchange);
	out->access = random_text(a);
	out->refresh = random_member(a, family_half(given));
	if (!e || !out->access.p || !out->refresh.p)
		return REFUSE_OVERLOADED;
	struct token access = token_for(call, TOKEN_ACCESS, out->access, scopes);
	*e = (struct exchange){ token_for(call, TOKEN_REFRESH, out->refresh, 0), spends };
	access.family = e->refresh.family = spends.family;
	struct op *op = token_op(call, OP_TOKEN_ISSUE, access, lives_s);
	if (!op)
		return REFUSE_OVERLOADED;
	op->refresh = &e->refresh;
	op->spends = &e->spends;
	return REFUSE_NOTHING;
}

enum refusal mint_for_code(struct call *call, struct str code, const struct mint_bond *bond,
			   int64_t lives_s, struct mint_pair *out)
{
	return exchange(call, code, code_for(call, code, bond, 0), 0, lives_s, out);
}

enum refusal mint_for_refresh(struct call *call, struct str refresh, unsigned scopes,
			      int64_t lives_s, struct mint_pair *out)
{
	struct token spends = token_for(call, TOKEN_REFRESH, refresh, 0);
	spends.family = sha256_of(family_half(refresh));
	return exchange(call, refresh, spends, scopes, lives_s, out);
}
