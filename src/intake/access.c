#include "intake/access.h"

enum { SECRET_MAX = 1024 }; /* bytes; no key is longer, and digesting costs time */

const struct key *access_key(const struct catalog *catalog, const struct credentials *c)
{
	if (!c->secret.p || c->secret.n == 0 || c->secret.n > SECRET_MAX || c->token)
		return NULL;
	struct sha256 digest = sha256_of(c->secret);
	if (c->client)
		return catalog_client(catalog, c->name, &digest);
	return c->name.p ? catalog_named_key(catalog, c->name, &digest)
			 : catalog_key(catalog, &digest);
}

/* What the workspace says goes before what the vendor says, and is meant for all of the dialect. */
static struct rate rate_for(const struct call *call, unsigned *family)
{
	int64_t own = call->endpoint->guards ? 0 : call->workspace->requests_per_second;
	*family = RATELIMIT_OWN;
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

/* Whom the token was made for, if it is still good; and what it may. */
static const struct key *token_holder(struct tokens *tokens, const struct catalog *catalog,
				      const struct credentials *c, unsigned *scopes)
{
	struct token t;
	if (!c->secret.p || c->secret.n > SECRET_MAX || c->name.p || c->client)
		return NULL;
	struct sha256 digest = sha256_of(c->secret);
	if (!tokens_find(tokens, &digest, &t) || t.kind != TOKEN_ACCESS ||
	    t.expires_at <= time_now())
		return NULL;
	const struct key *issuer = catalog_issuer(catalog, &t.issuer);
	if (!issuer || issuer->workspace->no != t.workspace)
		return NULL;
	*scopes = issuer->scopes & t.scopes;
	return issuer;
}

/* The client; and the person's key, where it is one that says something about who has it. */
static const struct key *sent_by(struct call *call, const struct catalog *catalog,
				 const struct credentials *c)
{
	const struct credentials shown = { .secret = c->secret };
	const struct key *client = catalog_named_client(catalog, c->name);
	const struct key *person = access_key(catalog, &shown);
	if (client && person && person->workspace == client->workspace && !person->publishable)
		call->person = person;
	return client;
}

/* Whom the credentials stand for, and in call->scopes what they let do; NULL: nobody. */
static const struct key *whose(struct call *call, struct tokens *tokens,
			       const struct catalog *catalog, const struct credentials *c)
{
	const struct key *key = c->by_person ? sent_by(call, catalog, c) : access_key(catalog, c);
	if (!key && !c->by_person)
		return token_holder(tokens, catalog, c, &call->scopes);
	call->scopes = key ? key->scopes : 0;
	return key;
}

static enum refusal find_credentials(struct call *call, struct credentials *out)
{
	if (call->endpoint->identify)
		return call->endpoint->identify(call, out);
	call->dialect->credentials(call, out);
	return REFUSE_NOTHING;
}

const struct key *access_caller(struct tokens *tokens, const struct catalog *catalog,
				struct call *call)
{
	struct credentials c = { 0 };
	if (call->endpoint->identify) /* that takes the body */
		return NULL;
	call->dialect->credentials(call, &c);
	return whose(call, tokens, catalog, &c);
}

/* Who speaks for no browser sends no Origin. */
static bool may(const struct call *call, const struct key *key)
{
	struct str origin = request_header(call->req, STR("Origin"));
	if ((call->scopes & call->scope) != call->scope)
		return false;
	if (!key->publishable)
		return true;
	return call->endpoint->public && (!origin.p || key_has_origin(key, origin));
}

enum refusal access_check(struct ratelimit *limits, struct tokens *tokens,
			  const struct catalog *catalog, struct call *call)
{
	struct credentials c = { 0 };
	call->scope = call->endpoint->scope;
	enum refusal why = find_credentials(call, &c);
	if (why)
		return why;
	const struct key *key = whose(call, tokens, catalog, &c);
	if (!key)
		return REFUSE_CREDENTIALS;

	call->key = key;
	call->key_no = key->no;
	call->workspace = key->workspace;
	enum switch_no needs = call->endpoint->needs;
	if (needs && !switch_on(call->workspace, needs))
		return REFUSE_ROUTE;
	if (!may(call, key))
		return REFUSE_SCOPE;
	return within_rate(limits, call) ? REFUSE_NOTHING : REFUSE_RATE;
}
