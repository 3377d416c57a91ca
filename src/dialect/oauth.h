/*
 * The part of OAuth 2.0 that vendors share: tokens for a client itself (RFC 6749 section 4.4) or for
 * a person's consent to it (section 4.1, with PKCE, RFC 7636), new ones for old ones (section 6),
 * their revocation (RFC 7009), with errors in their words. An endpoint that has oauth_identify() or
 * oauth_visit() is one of these, and its dialect leaves its refusals to oauth_refuse().
 *
 * Consent: a client sends a person's browser to a page of ours, which asks for a key of the client's
 * workspace that may do all that the client asks for; the browser then takes a code back to the
 * client, which gives it, once, for an access token and a refresh token. Those are the client's: the
 * key has only said yes.
 */
#pragma once

#include "dialect/dialect.h"

enum { OAUTH_BODY_MAX = 16 * 1024 }; /* bytes */

/* --- The client --- */

/* endpoint.identify: the client, named in the form or by Basic. Reads the form. */
enum refusal oauth_identify(struct call *call, struct credentials *out);

/* What a token endpoint hands out. */
struct oauth_terms {
	int64_t lives_s;         /* a token for the client itself */
	int64_t granted_lives_s; /* one for a consent, and its refresh token; 0: there are none */
	bool shows_scope;
};

/* endpoint.decode of a token endpoint, and its answer. */
enum refusal oauth_issue(struct call *call, const struct oauth_terms *terms);
void oauth_answer_token(struct call *call, const struct oauth_terms *terms);

/* endpoint.decode and .answer of a revocation endpoint. */
enum refusal oauth_revoke(struct call *call);
void oauth_answer_revoked(struct call *call);

/* --- The person --- */

/* endpoint.identify: the client that the query names, and the key of the form, if there is one. */
enum refusal oauth_visit(struct call *call, struct credentials *out);

/* endpoint.decode of the page itself and of what it sends, and the answer of both. */
enum refusal oauth_ask(struct call *call);
enum refusal oauth_decide(struct call *call);
void oauth_answer_visit(struct call *call);

/* --- Noes --- */

static inline bool oauth_owns(const struct call *call)
{
	return call->endpoint && (call->endpoint->identify == oauth_identify ||
				  call->endpoint->identify == oauth_visit);
}

void oauth_refuse(struct call *call, enum refusal why);
