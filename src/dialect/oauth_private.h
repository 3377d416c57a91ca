/*
 * What the files of oauth.h share: oauth.c knows the client and says no, oauth_grant.c makes its
 * tokens; oauth_visit.c takes a person through the consent, oauth_page.c has the pages.
 */
#pragma once

#include "dialect/mint.h"
#include "dialect/oauth.h"
#include "net/url.h"

/* An error as RFC 6749 sections 4.1.2.1 and 5.2 have it. */
struct oauth_no {
	const char *error, *description;
};

enum oauth_parameter {
	GRANT_TYPE,
	CLIENT_ID,
	CLIENT_SECRET,
	SCOPE,
	TOKEN,
	CODE,
	CODE_VERIFIER,
	REDIRECT_URI,
	REFRESH_TOKEN,
	OAUTH_PARAMETERS,
};

/* A client's request as it was read, in call->state. */
struct oauth_form {
	struct str values[OAUTH_PARAMETERS];
	const struct oauth_no *no; /* with REFUSE_PROBLEMS */
	unsigned may;              /* the client's scopes */
	struct mint_pair made;
};

/* Whether the body is a form at all, going by its Content-Type. */
bool oauth_is_form(const struct request *req);

/* Gives REFUSE_PROBLEMS. */
enum refusal oauth_say_no(struct call *call, const struct oauth_no *no);
void oauth_send_no(struct call *call, int status, const struct oauth_no *no);

/* No cache keeps a token, nor that there was none. */
void oauth_begin(struct call *call, int status);

/* Words with blanks between, each one that is in `may`; 0 for none. */
MUST_CHECK bool oauth_scopes(struct str words, unsigned may, unsigned *out);

/* code_challenge of method S256. .p NULL: memory is refused. */
struct str oauth_challenge(struct arena *a, struct str verifier);

/* --- Pages --- */

struct oauth_page {
	struct str client, workspace;
	struct str place; /* where the browser goes afterwards: "https://app.example" */
	unsigned scopes;
	const char *remark; /* about what was sent before; NULL: nothing was */
};

void oauth_page_ask(struct call *call, int status, const struct oauth_page *page);
void oauth_page_no(struct call *call, enum refusal why, const char *sentence);

/* --- Visits --- */

void oauth_refuse_visit(struct call *call, enum refusal why);
