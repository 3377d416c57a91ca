/*
 * A person's visit: a client has sent the browser here, to be asked whether the client may have a
 * code (RFC 6749 section 4.1.1). The page sends its form to the address it was opened with, so what
 * the client asks for is read the same way both times, and nothing of it stands in the page.
 *
 * The browser is sent back, with a code or an error, only to an address that is registered for the
 * client; until that is certain, an error is a page of ours.
 */
#include "dialect/oauth_private.h"

enum {
	CODE_LIVES_S = 5 * 60,
	CHALLENGE = 43, /* characters of a SHA-256 */
};

enum {
	ASKED_CLIENT,
	ASKED_REDIRECT,
	ASKED_TYPE,
	ASKED_STATE,
	ASKED_SCOPE,
	ASKED_CHALLENGE,
	ASKED_METHOD,
	ASKED
};

static const struct str asked_names[ASKED] = {
	[ASKED_CLIENT] = STR_INIT("client_id"),
	[ASKED_REDIRECT] = STR_INIT("redirect_uri"),
	[ASKED_TYPE] = STR_INIT("response_type"),
	[ASKED_STATE] = STR_INIT("state"),
	[ASKED_SCOPE] = STR_INIT("scope"),
	[ASKED_CHALLENGE] = STR_INIT("code_challenge"),
	[ASKED_METHOD] = STR_INIT("code_challenge_method"),
};

enum { FORM_KEY, FORM_DECISION, FORM_FIELDS };

static const struct str form_names[FORM_FIELDS] = { STR_INIT("key"), STR_INIT("decision") };

/* In call->state. */
struct visit {
	struct str asked[ASKED], form[FORM_FIELDS];
	struct str client, redirect;
	unsigned scopes;
	const struct oauth_no *no; /* goes back with the browser; NULL: nothing is wrong */
	const char *remark;        /* on the page, when it is shown again */
	const char *sentence;      /* with REFUSE_PROBLEMS */
	struct str code;           /* with an operation */
};

/* Gives REFUSE_PROBLEMS. */
static enum refusal say(struct call *call, const char *sentence)
{
	struct visit *visit = call->state;
	visit->sentence = sentence;
	problem_at(&call->problems, PROBLEM_VALUE, STR(""));
	return REFUSE_PROBLEMS;
}

/* --- Who comes --- */

static enum refusal read_values(struct call *call, struct str text, const struct str *names,
				unsigned n, struct str *values)
{
	switch (url_form(&call->req->arena, text, names, n, values)) {
	case URL_FORM_OK:
		return REFUSE_NOTHING;
	case URL_FORM_MALFORMED:
		return say(call, "The application sent you here with a malformed address.");
	case URL_FORM_NO_MEMORY:
		break;
	}
	return REFUSE_OVERLOADED;
}

enum refusal oauth_visit(struct call *call, struct credentials *out)
{
	struct visit *visit = arena_new(&call->req->arena, struct visit);
	if (!visit)
		return REFUSE_OVERLOADED;
	call->state = visit;
	enum refusal why = read_values(call, call->req->query, asked_names, ASKED, visit->asked);
	if (!why && call->req->body.n > 0 && oauth_is_form(call->req))
		why = read_values(call, call->req->body, form_names, FORM_FIELDS, visit->form);
	if (why)
		return why;
	out->by_person = true;
	out->name = visit->asked[ASKED_CLIENT];
	out->secret = visit->form[FORM_KEY];
	return out->name.p ? REFUSE_NOTHING : REFUSE_CREDENTIALS;
}

/* --- What is asked for --- */

static const struct oauth_no *judge_challenge(const struct visit *visit)
{
	static const struct oauth_no method = { "invalid_request",
						"code_challenge_method must be S256" };
	static const struct oauth_no form = { "invalid_request",
					      "code_challenge must be 43 characters of base64url" };
	struct str challenge = visit->asked[ASKED_CHALLENGE], how = visit->asked[ASKED_METHOD];
	if (!challenge.p && !how.p)
		return NULL;
	if (!str_eq(how, STR("S256")))
		return &method;
	for (size_t i = 0; i < challenge.n; i++)
		if (!url_unreserved(challenge.p[i]))
			return &form;
	return challenge.n == CHALLENGE ? NULL : &form;
}

static const struct oauth_no *judge(struct visit *visit, unsigned may)
{
	static const struct oauth_no missing = { "invalid_request", "response_type is missing" };
	static const struct oauth_no type = { "unsupported_response_type",
					      "response_type must be code" };
	static const struct oauth_no scope = { "invalid_scope",
					       "The scope is unknown or beyond the client's" };
	if (visit->asked[ASKED_TYPE].n == 0)
		return &missing;
	if (!str_eq(visit->asked[ASKED_TYPE], STR("code")))
		return &type;
	if (!oauth_scopes(visit->asked[ASKED_SCOPE], may, &visit->scopes) || !may)
		return &scope;
	visit->scopes = visit->scopes ?: may;
	return judge_challenge(visit);
}

/* A client that has one address need not name it. */
static struct str redirect_of(const struct visit *visit, const struct key *client)
{
	struct str given = visit->asked[ASKED_REDIRECT];
	if (!given.p && client->n_redirects == 1)
		return client->redirects[0];
	return given.p && key_has_redirect(client, given) ? given : (struct str){ 0 };
}

enum refusal oauth_ask(struct call *call)
{
	struct visit *visit = call->state;
	struct arena *a = &call->req->arena;
	struct str redirect = redirect_of(visit, call->key);
	if (!redirect.p)
		return say(call, "The application wants you sent back to an address that is not "
				 "registered for it.");
	visit->redirect = arena_str(a, redirect);
	visit->client = arena_str(a, call->key->name);
	if (!visit->redirect.p || !visit->client.p)
		return REFUSE_OVERLOADED;
	visit->no = judge(visit, call->key->scopes);
	return REFUSE_NOTHING;
}

/* --- What the person says --- */

static const char *judge_key(const struct visit *visit, const struct key *person)
{
	if (visit->form[FORM_KEY].n == 0)
		return "Enter a key, or choose Deny.";
	if (!person)
		return "This is no key of this workspace.";
	if (person->scopes & SCOPE_ADMIN || (visit->scopes & ~person->scopes) == 0)
		return NULL;
	return "This key may not do all of that itself.";
}

static enum refusal allow(struct call *call)
{
	struct visit *visit = call->state;
	const struct mint_bond bond = { .redirect = visit->asked[ASKED_REDIRECT],
					.challenge = visit->asked[ASKED_CHALLENGE] };
	visit->remark = judge_key(visit, call->person);
	if (visit->remark)
		return REFUSE_NOTHING;
	return mint_code(call, &bond, CODE_LIVES_S, visit->scopes, &visit->code);
}

enum refusal oauth_decide(struct call *call)
{
	static const struct oauth_no denied = { "access_denied", "The person said no" };
	struct visit *visit = call->state;
	struct str decision = visit->form[FORM_DECISION];
	enum refusal why = oauth_ask(call);
	if (why || visit->no)
		return why;
	if (str_eq(decision, STR("allow")))
		return allow(call);
	if (!str_eq(decision, STR("deny")))
		return say(call, "The form did not arrive whole.");
	visit->no = &denied;
	return REFUSE_NOTHING;
}

/* --- Answers --- */

static void put_parameter(struct buf *b, char *between, const char *name, struct str value)
{
	struct str encoded = url_encode(b->arena, value);
	if (!encoded.p) {
		b->failed = true;
		return;
	}
	buf_char(b, *between);
	buf_put(b, str_of(name));
	buf_char(b, '=');
	buf_put(b, encoded);
	*between = '&';
}

static void send_back(struct call *call, const struct oauth_no *no)
{
	const struct visit *visit = call->state;
	struct str redirect = visit->redirect, state = visit->asked[ASKED_STATE];
	struct buf to = buf_in(&call->req->arena);
	char between = str_find(redirect, '?') == redirect.n ? '?' : '&';
	buf_put(&to, redirect);
	if (no) {
		put_parameter(&to, &between, "error", str_of(no->error));
		put_parameter(&to, &between, "error_description", str_of(no->description));
	} else {
		put_parameter(&to, &between, "code", visit->code);
	}
	if (state.p)
		put_parameter(&to, &between, "state", state);
	if (to.failed)
		return oauth_refuse(call, REFUSE_OVERLOADED);
	oauth_begin(call, 303);
	reply_header(call->req, STR("Location"), buf_str(&to));
	reply_header(call->req, STR("Referrer-Policy"), STR("no-referrer"));
	reply_send(call->req, STR(""), STR(""));
}

/* "https://app.example" of "https://app.example/back?x" */
static struct str origin_of(struct str redirect)
{
	size_t host = str_find(redirect, ':') + 3;
	struct str rest = str_from(redirect, MIN(host, redirect.n));
	size_t end = MIN(str_find(rest, '/'), str_find(rest, '?'));
	return str_head(redirect, redirect.n - rest.n + end);
}

void oauth_answer_visit(struct call *call)
{
	static const struct oauth_no full = { "temporarily_unavailable", "Come back later" };
	const struct visit *visit = call->state;
	if (visit->no)
		return send_back(call, visit->no);
	if (call->n_ops > 0)
		return send_back(call, call->ops->outcome == OP_REFUSED ? &full : NULL);
	const struct oauth_page page = { .client = visit->client,
					 .workspace = call->workspace->name,
					 .place = origin_of(visit->redirect),
					 .scopes = visit->scopes,
					 .remark = visit->remark };
	oauth_page_ask(call, visit->remark ? 403 : 200, &page);
}

static const char *sentence_for(const struct call *call, enum refusal why)
{
	const struct visit *visit = call->state;
	switch (why) {
	case REFUSE_CREDENTIALS:
		return "The application that sent you here is not known.";
	case REFUSE_RATE:
		return "Too many tries. Wait a minute, then go back and try again.";
	case REFUSE_OVERLOADED:
		return "There is too much to do. Wait a moment, then go back and try again.";
	case REFUSE_UNAVAILABLE:
		return "Something went wrong. Nothing was granted.";
	case REFUSE_PROBLEMS:
		if (visit && visit->sentence)
			return visit->sentence;
		break;
	case REFUSE_NOTHING:
	case REFUSE_FAULT:
	case REFUSE_ROUTE:
	case REFUSE_METHOD:
	case REFUSE_SCOPE:
	case REFUSE_MEDIA_TYPE:
	case REFUSE_JSON:
		break;
	}
	return "Your browser sent a malformed request.";
}

void oauth_refuse_visit(struct call *call, enum refusal why)
{
	oauth_page_no(call, why, sentence_for(call, why));
}
