/*
 * POST and DELETE /auth/1/session: a key's name and secret for a token, and its end. And POST
 * /auth/1/oauth2/token, which does the like for OAuth clients.
 */
#include "dialect/infobip_private.h"
#include "dialect/mint.h"
#include "dialect/oauth.h"

enum {
	LIVES_S = 60 * 60,
	BODY_MAX = 16 * 1024,
	LOG_INS = 10, /* a second; every token that lives takes memory, which all share */
};

#define RATE                                                            \
	.rate = { .requests = LOG_INS, .window_s = 1 }, .guards = true, \
	.bucket = INFOBIP_BUCKET_LOG_IN

/* --- Sessions --- */

enum { USERNAME, PASSWORD, N_MEMBERS };

static const struct shape_member members[N_MEMBERS] = {
	[USERNAME] = { STR_INIT("username"), SHAPE_STRING, SHAPE_REQUIRED | SHAPE_NOT_EMPTY },
	[PASSWORD] = { STR_INIT("password"), SHAPE_STRING, SHAPE_REQUIRED | SHAPE_NOT_EMPTY },
};

static enum refusal identify(struct call *call, struct credentials *out)
{
	yyjson_val *root, *values[N_MEMBERS];
	enum refusal why = infobip_body(call, &root);
	if (why)
		return why;
	shape_read(call, root, STR(""), members, N_MEMBERS, false, values);
	why = infobip_so_far(call);
	if (why)
		return why;
	out->name = json_str(values[USERNAME]);
	out->secret = json_str(values[PASSWORD]);
	return REFUSE_NOTHING;
}

static enum refusal begin_decode(struct call *call)
{
	struct str *token = arena_new(&call->req->arena, struct str);
	if (!token)
		return REFUSE_OVERLOADED;
	call->state = token;
	return mint_token(call, LIVES_S, call->key->scopes, token);
}

static void begin_answer(struct call *call)
{
	const struct str *token = call->state;
	struct buf body = buf_in(&call->req->arena);
	if (call->ops->outcome == OP_REFUSED)
		return call_refuse_op(call, call->ops);
	buf_lit(&body, "{\"token\":\"");
	buf_put(&body, *token);
	buf_lit(&body, "\"}");
	call_begin(call, 200);
	reply_header(call->req, STR("Cache-Control"), STR("no-store"));
	call_send_json(call, &body);
}

const struct endpoint infobip_session_begin = {
	.body_max = BODY_MAX,
	RATE,
	.identify = identify,
	.decode = begin_decode,
	.answer = begin_answer,
};

/* Sessions are of keys: what a client has fetched is its access token, and ends in other ways. */
static enum refusal end_decode(struct call *call)
{
	struct str token = authorization(call->req, STR("IBSSO"));
	return token.p && !call->key->client ? mint_revoke(call, token) : REFUSE_CREDENTIALS;
}

/* What got here without being there any more has just ended. */
static void end_answer(struct call *call)
{
	if (call->ops->outcome == OP_REFUSED)
		return call_refuse_op(call, call->ops);
	if (!call->ops->changed)
		return call->dialect->refuse(call, REFUSE_CREDENTIALS);
	call_begin(call, 200);
	reply_send(call->req, STR(""), STR(""));
}

const struct endpoint infobip_session_end = {
	.body_max = BODY_MAX,
	.decode = end_decode,
	.answer = end_answer,
};

/* --- OAuth --- */

static const struct oauth_terms terms = { .lives_s = LIVES_S };

static enum refusal token_decode(struct call *call)
{
	return oauth_issue(call, &terms);
}

static void token_answer(struct call *call)
{
	oauth_answer_token(call, &terms);
}

const struct endpoint infobip_oauth_token = {
	.body_max = OAUTH_BODY_MAX,
	RATE,
	.identify = oauth_identify,
	.decode = token_decode,
	.answer = token_answer,
};
