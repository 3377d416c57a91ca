/*
 * POST /oauth2/token and /oauth2/revoke: what a client fetches instead of a key.
 */
#include "dialect/oauth.h"
#include "dialect/omnisend_private.h"

enum {
	LIVES_S = 2 * 60 * 60,
	TOKENS = 10, /* a second; every token that lives takes memory */
};

static enum refusal token_decode(struct call *call)
{
	return oauth_issue(call, LIVES_S);
}

static void token_answer(struct call *call)
{
	oauth_answer_token(call, LIVES_S, true);
}

const struct endpoint omnisend_token = {
	.body_max = OAUTH_BODY_MAX,
	.rate = { .requests = TOKENS, .window_s = 1 },
	.bucket = OMNISEND_BUCKET_TOKEN,
	.identify = oauth_identify,
	.decode = token_decode,
	.answer = token_answer,
};

const struct endpoint omnisend_revoke = {
	.body_max = OAUTH_BODY_MAX,
	.identify = oauth_identify,
	.decode = oauth_revoke,
	.answer = oauth_answer_revoked,
};
