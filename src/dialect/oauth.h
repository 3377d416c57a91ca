/*
 * The part of OAuth 2.0 that vendors share: client credentials for a token (RFC 6749 sections
 * 2.3.1, 4.4, 5.1, 5.2) and its revocation (RFC 7009), with errors in their words. An endpoint that
 * has oauth_identify() is one of these, and its dialect leaves its refusals to oauth_refuse().
 */
#pragma once

#include "dialect/dialect.h"

enum { OAUTH_BODY_MAX = 16 * 1024 }; /* bytes */

/* endpoint.identify: the client, named in the form or by Basic. Reads the form. */
enum refusal oauth_identify(struct call *call, struct credentials *out);

static inline bool oauth_owns(const struct call *call)
{
	return call->endpoint && call->endpoint->identify == oauth_identify;
}

/* endpoint.decode of a token endpoint. */
enum refusal oauth_issue(struct call *call, int64_t lives_s);
/* And its answer. */
void oauth_answer_token(struct call *call, int64_t lives_s, bool shows_scope);

/* endpoint.decode and .answer of a revocation endpoint. */
enum refusal oauth_revoke(struct call *call);
void oauth_answer_revoked(struct call *call);

void oauth_refuse(struct call *call, enum refusal why);
