/*
 * Tokens as dialects hand them out: 32 random bytes as base64url, of which only the digest leaves
 * this request. The call's operation makes or revokes one for call->key. Thread: the net loop's.
 *
 * What is made for a person's consent is of one family. A code and a refresh token, which are good
 * for one exchange, are twice as long: the first half is that of the whole family, so that one
 * which comes a second time is known for what it is although nothing is left of it.
 */
#pragma once

#include "dialect/dialect.h"

/* The token's text lives in the request's arena. Refused without problems (call_refuse_op()) when
 * there are too many. */
enum refusal mint_token(struct call *call, int64_t lives_s, unsigned scopes, struct str *text);

/* Only a token made for call->key goes; op->changed tells whether one did. A refresh token takes
 * its family along. */
enum refusal mint_revoke(struct call *call, struct str text);

/* What a code is good with and nothing else; either may be empty. */
struct mint_bond {
	struct str redirect, challenge;
};

enum refusal mint_code(struct call *call, const struct mint_bond *bond, int64_t lives_s,
		       unsigned scopes, struct str *text);

/* What comes back for a code or a refresh token; see op->spends for the outcomes. */
struct mint_pair {
	struct str access, refresh;
};

enum refusal mint_for_code(struct call *call, struct str code, const struct mint_bond *bond,
			   int64_t lives_s, struct mint_pair *out);
/* scopes 0: all that were granted. */
enum refusal mint_for_refresh(struct call *call, struct str refresh, unsigned scopes,
			      int64_t lives_s, struct mint_pair *out);
