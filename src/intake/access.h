/*
 * Who is asking, and may they: credentials, scope, rate. Knows keys, tokens and limits, not where a
 * dialect's callers put them nor how it says no. Thread: the request's net loop.
 */
#pragma once

#include "intake/ratelimit.h"

/* Sets the call's key, workspace and rate. The catalog must outlive what the call keeps of it. */
enum refusal access_check(struct ratelimit *limits, struct tokens *tokens,
			  const struct catalog *catalog, struct call *call);

/* Whose request it is, by credentials alone, or NULL. */
const struct key *access_caller(struct tokens *tokens, const struct catalog *catalog,
				struct call *call);

/* The key or client of such credentials, or NULL. Tokens are neither. */
const struct key *access_key(const struct catalog *catalog, const struct credentials *c);
