/*
 * The pages that a person sees. They hold no scripts and load nothing, may not be framed, and all
 * that comes from elsewhere is escaped. A form leads to this server, which may send the browser on to
 * the client's registered address; browsers ask that both be named in the policy.
 */
#include "dialect/oauth_private.h"

enum { COME_BACK_S = 1 };

#define STYLE                                                                                   \
	"body{font:16px/1.5 system-ui,sans-serif;max-width:32em;margin:4em auto;padding:0 1em}" \
	"input,button{font:inherit;padding:.4em .8em}"                                          \
	"input{display:block;box-sizing:border-box;width:100%;margin:.3em 0 1em}"               \
	"[role=alert]{color:#b00020}"

/* Of STYLE, in base64, as the policy names it; the tests know when it is another. */
#define STYLE_SHA256 "gnfbbhPbGxmyAIryRgp0LZJOesZzd4Qm0rgnwt/9mkA="

static const struct {
	enum scope scope;
	const char *words;
} scopes_in_words[] = {
	{ SCOPE_EVENTS_WRITE, "report events" },
	{ SCOPE_CONTACTS_READ, "read contacts" },
	{ SCOPE_CONTACTS_WRITE, "create and change contacts" },
	{ SCOPE_DEFINITIONS_READ, "read event definitions" },
	{ SCOPE_DEFINITIONS_WRITE, "create, change and delete event definitions" },
	{ SCOPE_ADMIN, "administer: read all events, delete contacts, make and revoke keys" },
};

/* Also within quoted attributes. */
static void put_text(struct buf *b, struct str text)
{
	for (size_t i = 0; i < text.n; i++) {
		switch (text.p[i]) {
		case '&':
			buf_lit(b, "&amp;");
			break;
		case '<':
			buf_lit(b, "&lt;");
			break;
		case '>':
			buf_lit(b, "&gt;");
			break;
		case '"':
			buf_lit(b, "&quot;");
			break;
		case '\'':
			buf_lit(b, "&#39;");
			break;
		default:
			buf_char(b, text.p[i]);
		}
	}
}

static void put_start(struct buf *b, const char *title)
{
	buf_lit(b, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
		   "<meta name=\"viewport\" content=\"width=device-width\">\n<title>");
	buf_put(b, str_of(title));
	buf_lit(b, "</title>\n<style>" STYLE "</style>\n</head>\n<body>\n<h1>");
	buf_put(b, str_of(title));
	buf_lit(b, "</h1>\n");
}

static void put_end(struct buf *b)
{
	buf_lit(b, "</body>\n</html>\n");
}

/* Content-Security-Policy knows no IPv6 addresses; then any such address will do. */
static void put_policy(struct buf *b, struct str place)
{
	buf_lit(b, "default-src 'none'; style-src 'sha256-" STYLE_SHA256 "'; base-uri 'none'; "
		   "frame-ancestors 'none'; form-action ");
	if (!place.n)
		return buf_lit(b, "'none'");
	buf_lit(b, "'self' ");
	buf_put(b, str_find(place, '[') == place.n ? place
						   : str_head(place, str_find(place, ':') + 1));
}

/* `place`: where a form may lead; empty: there is none. */
static void begin(struct call *call, int status, struct str place, struct buf *page)
{
	struct buf policy = buf_in(&call->req->arena);
	put_policy(&policy, place);
	page->failed |= policy.failed;
	oauth_begin(call, status);
	reply_header(call->req, STR("Content-Security-Policy"), buf_str(&policy));
	reply_header(call->req, STR("X-Frame-Options"), STR("DENY"));
	reply_header(call->req, STR("X-Content-Type-Options"), STR("nosniff"));
	reply_header(call->req, STR("Referrer-Policy"), STR("no-referrer"));
}

static void send(struct call *call, struct buf *page)
{
	call_send(call, STR("text/html; charset=utf-8"), page);
}

static void put_scopes(struct buf *b, unsigned scopes)
{
	buf_lit(b, "<ul>\n");
	for (size_t i = 0; i < ARRAY_LEN(scopes_in_words); i++) {
		if (!(scopes & scopes_in_words[i].scope))
			continue;
		buf_lit(b, "<li>");
		buf_put(b, str_of(scopes_in_words[i].words));
		buf_lit(b, "</li>\n");
	}
	buf_lit(b, "</ul>\n");
}

static void put_named(struct buf *b, const char *before, struct str name, const char *after)
{
	buf_put(b, str_of(before));
	buf_lit(b, "<b>");
	put_text(b, name);
	buf_lit(b, "</b>");
	buf_put(b, str_of(after));
}

void oauth_page_ask(struct call *call, int status, const struct oauth_page *page)
{
	struct buf b = buf_in(&call->req->arena);
	put_start(&b, "Allow access?");
	put_named(&b, "<p>The application ", page->client, " asks for access ");
	put_named(&b, "to the workspace ", page->workspace, ". It could then:</p>\n");
	put_scopes(&b, page->scopes);
	if (page->remark) {
		buf_lit(&b, "<p role=\"alert\">");
		buf_put(&b, str_of(page->remark));
		buf_lit(&b, "</p>\n");
	}
	buf_lit(&b,
		"<form method=\"post\">\n<label for=\"key\">Your key of this workspace. It must "
		"be allowed all of this itself.</label>\n<input id=\"key\" name=\"key\" "
		"type=\"password\" autocomplete=\"off\" required autofocus>\n"
		"<button name=\"decision\" value=\"allow\">Allow</button>\n"
		"<button name=\"decision\" value=\"deny\" formnovalidate>Deny</button>\n"
		"</form>\n");
	put_named(&b, "<p>Either way you go back to ", page->place,
		  ". The application does not see your key. Its access lasts until it is "
		  "revoked.</p>\n");
	put_end(&b);
	begin(call, status, page->place, &b);
	send(call, &b);
}

void oauth_page_no(struct call *call, enum refusal why, const char *sentence)
{
	/* The person has no credentials to send along, as 401 would have it. */
	int status = why == REFUSE_CREDENTIALS ? 400 : refusal_status(call, why);
	struct buf b = buf_in(&call->req->arena);
	put_start(&b, "That did not work");
	buf_lit(&b, "<p>");
	buf_put(&b, str_of(sentence));
	buf_lit(&b, "</p>\n");
	put_end(&b);
	begin(call, status, STR(""), &b);
	if (why == REFUSE_RATE)
		reply_header_u64(call->req, STR("Retry-After"), call->rate.reset_s);
	if (why == REFUSE_OVERLOADED)
		reply_header_u64(call->req, STR("Retry-After"), COME_BACK_S);
	send(call, &b);
}
