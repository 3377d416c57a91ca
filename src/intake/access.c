#include "intake/access.h"

enum { SECRET_MAX = 1024 }; /* bytes; no key is longer, and digesting costs time */

const struct key *access_key(const struct catalog *catalog, const struct credentials *c)
{
	if (!c->secret.p || c->secret.n == 0 || c->secret.n > SECRET_MAX)
		return NULL;
	struct sha256 digest = sha256_of(c->secret);
	return c->name.p ? catalog_named_key(catalog, c->name, &digest)
			 : catalog_key(catalog, &digest);
}

/* What the workspace says goes before what the vendor says, and is meant for all of the dialect. */
static struct rate rate_for(const struct call *call, unsigned *family)
{
	int64_t own = call->workspace->requests_per_second;
	if (own < 0)
		return (struct rate){ 0 };
	if (own > 0)
		return (struct rate){ .requests = (unsigned)MIN(own, INT32_MAX), .window_s = 1 };
	*family = call->endpoint->bucket;
	return call->endpoint->rate.requests ? call->endpoint->rate : call->dialect->rate;
}

static bool within_rate(struct ratelimit *limits, struct call *call)
{
	unsigned family = 0;
	struct rate rate = rate_for(call, &family);
	if (rate.requests == 0)
		return true;
	call->limited = true;
	struct bucket bucket = { call->key_no, call->dialect->no, family };
	return ratelimit_take(limits, bucket, rate, time_monotonic_ms(), &call->rate);
}

/* Who speaks for no browser sends no Origin. */
static bool may(const struct call *call, const struct key *key)
{
	unsigned scope = call->endpoint->scope;
	struct str origin = request_header(call->req, STR("Origin"));
	if ((key->scopes & scope) != scope)
		return false;
	if (!key->publishable)
		return true;
	return call->endpoint->public && (!origin.p || key_has_origin(key, origin));
}

enum refusal access_check(struct ratelimit *limits, const struct catalog *catalog,
			  struct call *call)
{
	struct credentials c = { 0 };
	call->dialect->credentials(call, &c);
	const struct key *key = access_key(catalog, &c);
	if (!key)
		return REFUSE_CREDENTIALS;

	call->key = key;
	call->key_no = key->no;
	call->workspace = key->workspace;
	if (!may(call, key))
		return REFUSE_SCOPE;
	return within_rate(limits, call) ? REFUSE_NOTHING : REFUSE_RATE;
}
