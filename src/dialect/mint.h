/*
 * Tokens as dialects hand them out: 32 random bytes as base64url, of which only the digest leaves
 * this request. The call's operation makes or revokes one for call->key. Thread: the net loop's.
 */
#pragma once

#include "dialect/dialect.h"

/* The token's text lives in the request's arena. Refused without problems (call_refuse_op()) when
 * there are too many. */
enum refusal mint_token(struct call *call, int64_t lives_s, unsigned scopes, struct str *text);

/* Only a token made for call->key goes; op->changed tells whether one did. */
enum refusal mint_revoke(struct call *call, struct str text);
