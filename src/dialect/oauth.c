#include "dialect/oauth.h"

#include "dialect/mint.h"
#include "net/url.h"

enum { COME_BACK_S = 1 };

enum { GRANT_TYPE, CLIENT_ID, CLIENT_SECRET, SCOPE, TOKEN, N_PARAMETERS };

static const struct str names[N_PARAMETERS] = {
	[GRANT_TYPE] = STR_INIT("grant_type"),
	[CLIENT_ID] = STR_INIT("client_id"),
	[CLIENT_SECRET] = STR_INIT("client_secret"),
	[SCOPE] = STR_INIT("scope"),
	[TOKEN] = STR_INIT("token"),
};

struct no {
	const char *error, *description;
};

/* The request as it was read, in call->state. */
struct form {
	struct str values[N_PARAMETERS];
	const struct no *no; /* with REFUSE_PROBLEMS */
	struct str token;    /* the one that was made */
	unsigned scopes;     /* its scopes */
};

static enum refusal say_no(struct call *call, const struct no *no)
{
	struct form *form = call->state;
	form->no = no;
	problem_at(&call->problems, PROBLEM_VALUE, STR(""));
	return REFUSE_PROBLEMS;
}

/* --- Who asks --- */

static bool is_form(const struct request *req)
{
	struct str type = request_header(req, STR("Content-Type"));
	return str_eq_nocase(str_trim(str_head(type, str_find(type, ';'))),
			     STR("application/x-www-form-urlencoded"));
}

static enum refusal read_form(struct call *call, struct form *form)
{
	static const struct no type = { "invalid_request",
					"The body must be application/x-www-form-urlencoded" };
	static const struct no malformed = { "invalid_request",
					     "The form is malformed or repeats a parameter" };
	/* Infobip's SDK for Node sends no body and has the form in the query. */
	struct str body = call->req->body.n ? call->req->body : call->req->query;
	if (!is_form(call->req))
		return say_no(call, &type);
	switch (url_form(&call->req->arena, body, names, N_PARAMETERS, form->values)) {
	case URL_FORM_OK:
		return REFUSE_NOTHING;
	case URL_FORM_MALFORMED:
		return say_no(call, &malformed);
	case URL_FORM_NO_MEMORY:
		break;
	}
	return REFUSE_OVERLOADED;
}

/* Both parts are percent-encoded (RFC 6749 section 2.3.1), which not every client knows. */
static struct str basic_part(struct arena *a, struct str part)
{
	struct str decoded = url_decode(a, part);
	return decoded.p ? decoded : part;
}

static enum refusal read_basic(struct call *call, struct form *form, struct str encoded,
			       struct credentials *out)
{
	static const struct no twice = { "invalid_request",
					 "The client authenticates in more than one way" };
	struct arena *a = &call->req->arena;
	if (form->values[CLIENT_SECRET].p)
		return say_no(call, &twice);
	struct str pair = base64_parse(a, encoded);
	size_t colon = str_find(pair, ':');
	if (!pair.p || colon == pair.n)
		return REFUSE_CREDENTIALS;
	out->name = basic_part(a, str_head(pair, colon));
	out->secret = basic_part(a, str_from(pair, colon + 1));
	return REFUSE_NOTHING;
}

enum refusal oauth_identify(struct call *call, struct credentials *out)
{
	struct form *form = arena_new(&call->req->arena, struct form);
	struct str encoded = authorization(call->req, STR("Basic"));
	if (!form)
		return REFUSE_OVERLOADED;
	call->state = form;
	enum refusal why = read_form(call, form);
	if (why)
		return why;
	out->client = true;
	if (encoded.p)
		return read_basic(call, form, encoded, out);
	out->name = form->values[CLIENT_ID];
	out->secret = form->values[CLIENT_SECRET];
	return out->name.p ? REFUSE_NOTHING : REFUSE_CREDENTIALS;
}

/* --- Tokens --- */

/* What is asked for, all of it what the client may; nothing asked for: all that it may. */
static bool read_scopes(struct str words, unsigned may, unsigned *out)
{
	unsigned one;
	*out = 0;
	for (words = str_trim(words); words.n > 0; words = str_trim(words)) {
		struct str word = str_head(words, str_find(words, ' '));
		if (!scope_parse(word, &one) || !(one & may))
			return false;
		*out |= one;
		words = str_from(words, word.n);
	}
	*out = *out ?: may;
	return true;
}

enum refusal oauth_issue(struct call *call, int64_t lives_s)
{
	static const struct no missing = { "invalid_request", "grant_type is missing" };
	static const struct no grant = { "unsupported_grant_type",
					 "grant_type must be client_credentials" };
	static const struct no scope = { "invalid_scope",
					 "The scope is unknown or beyond the client's" };
	struct form *form = call->state;
	struct str given = form->values[GRANT_TYPE];
	if (given.n == 0)
		return say_no(call, &missing);
	if (!str_eq(given, STR("client_credentials")))
		return say_no(call, &grant);
	if (!read_scopes(form->values[SCOPE], call->key->scopes, &form->scopes))
		return say_no(call, &scope);
	return mint_token(call, lives_s, form->scopes, &form->token);
}

/* No cache keeps a token, nor that there was none. */
static void begin(struct call *call, int status)
{
	call_begin(call, status);
	reply_header(call->req, STR("Cache-Control"), STR("no-store"));
	reply_header(call->req, STR("Pragma"), STR("no-cache"));
}

void oauth_answer_token(struct call *call, int64_t lives_s, bool shows_scope)
{
	const struct form *form = call->state;
	struct buf body = buf_in(&call->req->arena);
	if (call->ops->outcome == OP_REFUSED)
		return oauth_refuse(call, REFUSE_OVERLOADED);
	buf_lit(&body, "{\"access_token\":\"");
	buf_put(&body, form->token);
	buf_printf(&body, "\",\"expires_in\":%lld,\"token_type\":\"Bearer\"", (long long)lives_s);
	if (shows_scope) {
		buf_lit(&body, ",\"scope\":\"");
		scopes_put(&body, form->scopes);
		buf_char(&body, '"');
	}
	buf_char(&body, '}');
	begin(call, 200);
	call_send_json(call, &body);
}

/* --- Revocation --- */

enum refusal oauth_revoke(struct call *call)
{
	static const struct no missing = { "invalid_request", "token is missing" };
	struct form *form = call->state;
	struct str token = form->values[TOKEN];
	return token.n ? mint_revoke(call, token) : say_no(call, &missing);
}

/* Whether there was such a token is not told (RFC 7009 section 2.2). */
void oauth_answer_revoked(struct call *call)
{
	if (call->ops->outcome == OP_REFUSED)
		return oauth_refuse(call, REFUSE_OVERLOADED);
	begin(call, 200);
	reply_send(call->req, STR(""), STR(""));
}

/* --- Noes --- */

static struct no no_for(const struct call *call, enum refusal why)
{
	static const struct no bad = { "invalid_request", "The request is malformed" };
	const struct form *form = call->state;
	switch (why) {
	case REFUSE_CREDENTIALS:
		return (struct no){ "invalid_client", "Client authentication failed" };
	case REFUSE_SCOPE:
		return (struct no){ "unauthorized_client", "The client may not do this" };
	case REFUSE_RATE:
		return (struct no){ "temporarily_unavailable", "Too many requests" };
	case REFUSE_OVERLOADED:
		return (struct no){ "temporarily_unavailable", "Come back later" };
	case REFUSE_UNAVAILABLE:
		return (struct no){ "server_error", "Something went wrong" };
	case REFUSE_PROBLEMS:
		return form && form->no ? *form->no : bad;
	case REFUSE_NOTHING:
	case REFUSE_FAULT:
	case REFUSE_ROUTE:
	case REFUSE_METHOD:
	case REFUSE_MEDIA_TYPE:
	case REFUSE_JSON:
		break;
	}
	return bad;
}

void oauth_refuse(struct call *call, enum refusal why)
{
	struct no no = no_for(call, why);
	struct buf body = buf_in(&call->req->arena);
	buf_printf(&body, "{\"error\":\"%s\",\"error_description\":\"%s\"}", no.error,
		   no.description);
	begin(call, refusal_status(call, why));
	if (why == REFUSE_CREDENTIALS)
		reply_header(call->req, STR("WWW-Authenticate"), STR("Basic"));
	if (why == REFUSE_RATE)
		reply_header_u64(call->req, STR("Retry-After"), call->rate.reset_s);
	if (why == REFUSE_OVERLOADED)
		reply_header_u64(call->req, STR("Retry-After"), COME_BACK_S);
	call_send_json(call, &body);
}
