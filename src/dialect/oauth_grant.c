/* The token endpoint: what a client gives, and what it gets for it. */
#include "dialect/oauth_private.h"

enum {
	VERIFIER_MIN = 43, /* characters, RFC 7636 section 4.1 */
	VERIFIER_MAX = 128,
};

static const struct oauth_no bad_scope = { "invalid_scope",
					   "The scope is unknown or beyond the client's" };
static const struct oauth_no bad_grant = {
	"invalid_grant", "What was given is not, or no longer, good for a token"
};

/* --- What is asked for --- */

bool oauth_scopes(struct str words, unsigned may, unsigned *out)
{
	unsigned one;
	*out = 0;
	for (words = str_trim(words); words.n > 0; words = str_trim(words)) {
		struct str word = str_head(words, str_find(words, ' '));
		if (!scope_parse(word, &one) || !(one & may))
			return false;
		*out |= one;
		words = str_from(words, word.n);
	}
	return true;
}

struct str oauth_challenge(struct arena *a, struct str verifier)
{
	struct sha256 digest = sha256_of(verifier);
	char text[44];
	size_t n = base64url_put(digest.b, sizeof(digest.b), text);
	return arena_str(a, (struct str){ text, n });
}

/* So are codes and refresh tokens. What is none by its looks ends here: the refresh token that is
 * made for one begins with a part of it, and stands in the answer as it is. */
static bool is_unreserved(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!url_unreserved(s.p[i]))
			return false;
	return true;
}

static bool is_verifier(struct str s)
{
	return s.n >= VERIFIER_MIN && s.n <= VERIFIER_MAX && is_unreserved(s);
}

/* --- Grants --- */

/* Nothing asked for: all that the client may. */
static enum refusal for_itself(struct call *call, const struct oauth_terms *terms)
{
	struct oauth_form *form = call->state;
	unsigned scopes;
	if (!oauth_scopes(form->values[SCOPE], form->may, &scopes))
		return oauth_say_no(call, &bad_scope);
	return mint_token(call, terms->lives_s, scopes ?: form->may, &form->made.access);
}

static enum refusal for_code(struct call *call, const struct oauth_terms *terms)
{
	static const struct oauth_no missing = { "invalid_request", "code is missing" };
	static const struct oauth_no malformed = { "invalid_request",
						   "code_verifier must be 43 to 128 characters of "
						   "A-Z, a-z, 0-9, -._~" };
	struct oauth_form *form = call->state;
	struct str code = form->values[CODE], verifier = form->values[CODE_VERIFIER];
	struct mint_bond bond = { .redirect = form->values[REDIRECT_URI] };
	if (code.n == 0)
		return oauth_say_no(call, &missing);
	if (verifier.p && !is_verifier(verifier))
		return oauth_say_no(call, &malformed);
	if (!is_unreserved(code))
		return oauth_say_no(call, &bad_grant);
	if (verifier.p)
		bond.challenge = oauth_challenge(&call->req->arena, verifier);
	if (verifier.p && !bond.challenge.p)
		return REFUSE_OVERLOADED;
	return mint_for_code(call, code, &bond, terms->granted_lives_s, &form->made);
}

static enum refusal for_refresh(struct call *call, const struct oauth_terms *terms)
{
	static const struct oauth_no missing = { "invalid_request", "refresh_token is missing" };
	struct oauth_form *form = call->state;
	struct str refresh = form->values[REFRESH_TOKEN];
	unsigned scopes;
	if (refresh.n == 0)
		return oauth_say_no(call, &missing);
	if (!oauth_scopes(form->values[SCOPE], form->may, &scopes))
		return oauth_say_no(call, &bad_scope);
	if (!is_unreserved(refresh))
		return oauth_say_no(call, &bad_grant);
	return mint_for_refresh(call, refresh, scopes, terms->granted_lives_s, &form->made);
}

static const struct {
	struct str name;
	bool of_consent;
	enum refusal (*issue)(struct call *call, const struct oauth_terms *terms);
} grants[] = {
	{ STR_INIT("client_credentials"), false, for_itself },
	{ STR_INIT("authorization_code"), true, for_code },
	{ STR_INIT("refresh_token"), true, for_refresh },
};

static enum refusal refuse_grant(struct call *call, const struct oauth_terms *terms)
{
	static const struct oauth_no missing = { "invalid_request", "grant_type is missing" };
	static const struct oauth_no one = { "unsupported_grant_type",
					     "grant_type must be client_credentials" };
	static const struct oauth_no any = { "unsupported_grant_type",
					     "grant_type must be client_credentials, "
					     "authorization_code or refresh_token" };
	const struct oauth_form *form = call->state;
	if (form->values[GRANT_TYPE].n == 0)
		return oauth_say_no(call, &missing);
	return oauth_say_no(call, terms->granted_lives_s ? &any : &one);
}

enum refusal oauth_issue(struct call *call, const struct oauth_terms *terms)
{
	struct oauth_form *form = call->state;
	form->may = call->key->scopes;
	for (size_t i = 0; i < ARRAY_LEN(grants); i++)
		if (str_eq(grants[i].name, form->values[GRANT_TYPE]) &&
		    (!grants[i].of_consent || terms->granted_lives_s))
			return grants[i].issue(call, terms);
	return refuse_grant(call, terms);
}

/* --- Answers --- */

static void put_token(struct buf *b, const struct op *op, const struct oauth_form *form,
		      bool shows_scope)
{
	buf_lit(b, "{\"access_token\":\"");
	buf_put(b, form->made.access);
	buf_printf(b, "\",\"expires_in\":%lld,\"token_type\":\"Bearer\"",
		   (long long)op->token_lives_s);
	if (form->made.refresh.p) {
		buf_lit(b, ",\"refresh_token\":\"");
		buf_put(b, form->made.refresh);
		buf_char(b, '"');
	}
	if (shows_scope) {
		buf_lit(b, ",\"scope\":\"");
		scopes_put(b, op->token_scopes & form->may);
		buf_char(b, '"');
	}
	buf_char(b, '}');
}

void oauth_answer_token(struct call *call, const struct oauth_terms *terms)
{
	const struct oauth_form *form = call->state;
	const struct op *op = call->ops;
	struct buf body = buf_in(&call->req->arena);
	if (op->outcome == OP_REFUSED && op->problems)
		return oauth_send_no(call, 400, &bad_scope);
	if (op->outcome == OP_REFUSED)
		return oauth_refuse(call, REFUSE_OVERLOADED);
	if (!op->created)
		return oauth_send_no(call, 400, &bad_grant);
	put_token(&body, op, form, terms->shows_scope);
	oauth_begin(call, 200);
	call_send_json(call, &body);
}
