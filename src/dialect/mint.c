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

static struct op *token_op(struct call *call, enum op_kind kind, struct str text, unsigned scopes)
{
	struct token *t = arena_new(&call->req->arena, struct token);
	struct op *op = t ? call_op(call) : NULL;
	if (!op)
		return NULL;
	*t = (struct token){ .digest = sha256_of(text),
			     .issuer = call->key->digest,
			     .kind = TOKEN_ACCESS,
			     .workspace = call->workspace->no,
			     .scopes = scopes };
	op->kind = kind;
	op->token = t;
	return op;
}

enum refusal mint_token(struct call *call, int64_t lives_s, unsigned scopes, struct str *text)
{
	*text = random_text(&call->req->arena);
	struct op *op = text->p ? token_op(call, OP_TOKEN_ISSUE, *text, scopes) : NULL;
	if (!op)
		return REFUSE_OVERLOADED;
	op->token_lives_s = lives_s;
	return REFUSE_NOTHING;
}

enum refusal mint_revoke(struct call *call, struct str text)
{
	return token_op(call, OP_TOKEN_REVOKE, text, 0) ? REFUSE_NOTHING : REFUSE_OVERLOADED;
}
