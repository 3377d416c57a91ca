#include "dialect/oauth_private.h"

enum { COME_BACK_S = 1 };

static const struct str names[OAUTH_PARAMETERS] = {
	[GRANT_TYPE] = STR_INIT("grant_type"),
	[CLIENT_ID] = STR_INIT("client_id"),
	[CLIENT_SECRET] = STR_INIT("client_secret"),
	[SCOPE] = STR_INIT("scope"),
	[TOKEN] = STR_INIT("token"),
	[CODE] = STR_INIT("code"),
	[CODE_VERIFIER] = STR_INIT("code_verifier"),
	[REDIRECT_URI] = STR_INIT("redirect_uri"),
	[REFRESH_TOKEN] = STR_INIT("refresh_token"),
};

enum refusal oauth_say_no(struct call *call, const struct oauth_no *no)
{
	struct oauth_form *form = call->state;
	form->no = no;
	problem_at(&call->problems, PROBLEM_VALUE, STR(""));
	return REFUSE_PROBLEMS;
}

/* --- Who asks --- */

bool oauth_is_form(const struct request *req)
{
	struct str type = request_header(req, STR("Content-Type"));
	return str_eq_nocase(str_trim(str_head(type, str_find(type, ';'))),
			     STR("application/x-www-form-urlencoded"));
}

static enum refusal read_form(struct call *call, struct oauth_form *form)
{
	static const struct oauth_no type = {
		"invalid_request", "The body must be application/x-www-form-urlencoded"
	};
	static const struct oauth_no malformed = { "invalid_request",
						   "The form is malformed or repeats a parameter" };
	/* Infobip's SDK for Node sends no body and has the form in the query. No body, no type. */
	bool in_query = call->req->body.n == 0;
	struct str body = in_query ? call->req->query : call->req->body;
	if (!in_query && !oauth_is_form(call->req))
		return oauth_say_no(call, &type);
	switch (url_form(&call->req->arena, body, names, OAUTH_PARAMETERS, form->values)) {
	case URL_FORM_OK:
		return REFUSE_NOTHING;
	case URL_FORM_MALFORMED:
		return oauth_say_no(call, &malformed);
	case URL_FORM_NO_MEMORY:
		break;
	}
	return REFUSE_OVERLOADED;
}

/* Both parts are percent-encoded (RFC 6749 section 2.3.1), which not every client knows. */
static struct str basic_part(struct url_place at, struct str part)
{
	struct str decoded = url_decode(at, part);
	return decoded.p ? decoded : part;
}

static enum refusal read_basic(struct call *call, struct oauth_form *form, struct str encoded,
			       struct credentials *out)
{
	static const struct oauth_no twice = { "invalid_request",
					       "The client authenticates in more than one way" };
	struct arena *a = &call->req->arena;
	struct url_place at;
	if (form->values[CLIENT_SECRET].p)
		return oauth_say_no(call, &twice);
	struct str pair = base64_parse(a, encoded);
	size_t colon = str_find(pair, ':');
	if (!pair.p || colon == pair.n)
		return REFUSE_CREDENTIALS;
	if (!url_place_make(a, pair, &at))
		return REFUSE_OVERLOADED;
	out->name = basic_part(at, str_head(pair, colon));
	out->secret = basic_part(at, str_from(pair, colon + 1));
	return REFUSE_NOTHING;
}

enum refusal oauth_identify(struct call *call, struct credentials *out)
{
	struct oauth_form *form = arena_new(&call->req->arena, struct oauth_form);
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

/* --- Answers --- */

void oauth_begin(struct call *call, int status)
{
	call_begin(call, status);
	reply_header(call->req, STR("Cache-Control"), STR("no-store"));
	reply_header(call->req, STR("Pragma"), STR("no-cache"));
}

/* --- Revocation --- */

enum refusal oauth_revoke(struct call *call)
{
	static const struct oauth_no missing = { "invalid_request", "token is missing" };
	struct oauth_form *form = call->state;
	struct str token = form->values[TOKEN];
	return token.n ? mint_revoke(call, token) : oauth_say_no(call, &missing);
}

/* Whether there was such a token is not told (RFC 7009 section 2.2). */
void oauth_answer_revoked(struct call *call)
{
	if (call->ops->outcome == OP_REFUSED)
		return oauth_refuse(call, REFUSE_OVERLOADED);
	oauth_begin(call, 200);
	reply_send(call->req, STR(""), STR(""));
}

/* --- Noes --- */

static struct oauth_no no_for(const struct call *call, enum refusal why)
{
	static const struct oauth_no bad = { "invalid_request", "The request is malformed" };
	const struct oauth_form *form = call->state;
	switch (why) {
	case REFUSE_CREDENTIALS:
		return (struct oauth_no){ "invalid_client", "Client authentication failed" };
	case REFUSE_SCOPE:
		return (struct oauth_no){ "unauthorized_client", "The client may not do this" };
	case REFUSE_RATE:
		return (struct oauth_no){ "temporarily_unavailable", "Too many requests" };
	case REFUSE_OVERLOADED:
		return (struct oauth_no){ "temporarily_unavailable", "Come back later" };
	case REFUSE_UNAVAILABLE:
		return (struct oauth_no){ "server_error", "Something went wrong" };
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

static void put_no(struct buf *b, const struct oauth_no *no)
{
	buf_printf(b, "{\"error\":\"%s\",\"error_description\":\"%s\"}", no->error,
		   no->description);
}

void oauth_send_no(struct call *call, int status, const struct oauth_no *no)
{
	struct buf body = buf_in(&call->req->arena);
	put_no(&body, no);
	oauth_begin(call, status);
	call_send_json(call, &body);
}

void oauth_refuse(struct call *call, enum refusal why)
{
	if (call->endpoint->identify == oauth_visit)
		return oauth_refuse_visit(call, why);
	struct oauth_no no = no_for(call, why);
	struct buf body = buf_in(&call->req->arena);
	put_no(&body, &no);
	oauth_begin(call, refusal_status(call, why));
	if (why == REFUSE_CREDENTIALS)
		reply_header(call->req, STR("WWW-Authenticate"), STR("Basic"));
	if (why == REFUSE_RATE)
		reply_header_u64(call->req, STR("Retry-After"), call->rate.reset_s);
	if (why == REFUSE_OVERLOADED)
		reply_header_u64(call->req, STR("Retry-After"), COME_BACK_S);
	call_send_json(call, &body);
}
