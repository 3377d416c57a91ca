/*
 * /oauth2/: what a client fetches instead of a key, and the page where a person says yes to it.
 */
#include "dialect/oauth.h"
#include "dialect/omnisend_private.h"

enum {
	LIVES_S = 2 * 60 * 60,
	TOKENS = 10, /* a second; every token that lives takes memory, which all share */
	/* For all who are sent by one client, whose other calls theirs must not use up. */
	PAGES = 100,   /* a second */
	CONSENTS = 30, /* a minute, so that no key is guessed */
};

/* The vendor's tokens for a consent do not expire, which it says with this number: 292 years. */
#define GRANTED_LIVES_S INT64_C(9223372036)

static const struct oauth_terms terms = {
	.lives_s = LIVES_S,
	.granted_lives_s = GRANTED_LIVES_S,
	.shows_scope = true,
};

static enum refusal token_decode(struct call *call)
{
	return oauth_issue(call, &terms);
}

static void token_answer(struct call *call)
{
	oauth_answer_token(call, &terms);
}

const struct endpoint omnisend_token = {
	.body_max = OAUTH_BODY_MAX,
	.rate = { .requests = TOKENS, .window_s = 1 },
	.guards = true,
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

const struct endpoint omnisend_authorize = {
	.rate = { .requests = PAGES, .window_s = 1 },
	.guards = true,
	.bucket = OMNISEND_BUCKET_PAGE,
	.identify = oauth_visit,
	.decode = oauth_ask,
	.answer = oauth_answer_visit,
};

const struct endpoint omnisend_consent = {
	.body_max = OAUTH_BODY_MAX,
	.rate = { .requests = CONSENTS, .window_s = 60 },
	.guards = true,
	.bucket = OMNISEND_BUCKET_CONSENT,
	.identify = oauth_visit,
	.decode = oauth_decide,
	.answer = oauth_answer_visit,
};
