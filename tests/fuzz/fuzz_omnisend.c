#include "fuzz/dialect_fuzz.h"

#define FORM   HEADER("Content-Type", "application/x-www-form-urlencoded")
#define VISIT  "/oauth2/authorize?response_type=code&client_id=trial%2Bclient&state=%3Cs%3E"
#define CLIENT HEADER("Authorization", "Basic dHJpYWwrY2xpZW50OnMzY3JldA==")

/* The first is what most of the corpus is sent to. */
static const struct trial_request requests[] = {
	{ METHOD_POST, "/v4/track", { HEADER("Authorization", "Bearer " TRIAL_KEY) } },
	{ METHOD_POST, "/v4/track?x=1", { HEADER("X-API-KEY", TRIAL_KEY) } },
	{ METHOD_POST, "/v4/track", { HEADER("Authorization", "Omnisend-API-Key " TRIAL_KEY) } },
	{ METHOD_POST, "/v4/track", { HEADER("Authorization", "Bearer " TRIAL_KEY_READS) } },
	{ METHOD_POST, "/v4/track", { HEADER("Authorization", "Bearer") } },
	{ METHOD_GET, "/v4/track", { HEADER("X-API-KEY", TRIAL_KEY) } },
	{ METHOD_POST, "/v4/nothing/%00\"", { HEADER("X-API-KEY", TRIAL_KEY) } },
	{ METHOD_POST, "/v5/events", { HEADER("X-API-KEY", TRIAL_KEY) } },
	{ METHOD_POST, "/api/events", { HEADER("X-API-KEY", TRIAL_KEY) } },
	{ METHOD_POST,
	  "/api/events",
	  { HEADER("X-API-KEY", TRIAL_KEY), HEADER("Omnisend-Version", "2020-01-01") } },
	{ METHOD_POST, "/v4/identify", { HEADER("X-API-KEY", TRIAL_KEY) } },
	{ METHOD_GET, "/v4/contacts/email:jane%40example.com", { HEADER("X-API-KEY", TRIAL_KEY) } },
	{ METHOD_GET, "/v4/contacts/phoneNumber%3A+37061", { HEADER("X-API-KEY", TRIAL_KEY) } },
	{ METHOD_POST, "/v5/contacts", { HEADER("X-API-KEY", TRIAL_KEY) } },
	{ METHOD_POST, "/api/contacts", { HEADER("X-API-KEY", TRIAL_KEY) } },
	{ METHOD_PATCH,
	  "/api/contacts/60fe7581b0aa9fa6e928f794",
	  { HEADER("X-API-KEY", TRIAL_KEY) } },
	{ METHOD_PATCH, "/v5/contacts?email=a%40b.co", { HEADER("X-API-KEY", TRIAL_KEY) } },
	{ METHOD_GET, "/v5/contacts?tag=vip&limit=1", { HEADER("X-API-KEY", TRIAL_KEY) } },
	{ METHOD_POST, "/v5/contacts/tags", { HEADER("X-API-KEY", TRIAL_KEY) } },
	{ METHOD_DELETE, "/api/contacts/tags", { HEADER("X-API-KEY", TRIAL_KEY) } },
	{ METHOD_POST, "/api/event-metadata", { HEADER("X-API-KEY", TRIAL_KEY) } },
	{ METHOD_PUT, "/api/event-metadata", { HEADER("X-API-KEY", TRIAL_KEY) } },
	{ METHOD_POST, "/api/event-metadata/query", { HEADER("X-API-KEY", TRIAL_KEY) } },
	{ METHOD_POST, "/oauth2/token", { FORM } },
	{ METHOD_POST, "/oauth2/token", { FORM, CLIENT } },
	{ METHOD_POST, "/oauth2/revoke", { FORM, CLIENT } },
	{ METHOD_POST, "/v4/track", { HEADER("X-API-KEY", TRIAL_KEY_ELSEWHERE) } },
	{ METHOD_POST, "/v5/batches", { HEADER("X-API-KEY", TRIAL_KEY) } },
	{ METHOD_POST, "/api/batches", { HEADER("X-API-KEY", TRIAL_KEY) } },
	{ METHOD_GET,
	  "/v5/batches?endpoint=contacts&offset=7",
	  { HEADER("X-API-KEY", TRIAL_KEY) } },
	{ METHOD_GET, "/v5/batches/" TRIAL_BULK_ID "/items", { HEADER("X-API-KEY", TRIAL_KEY) } },
	{ METHOD_GET, "/api/batches/" TRIAL_BULK_ID "/items", { HEADER("X-API-KEY", TRIAL_KEY) } },
	{ METHOD_POST, VISIT, { FORM } },
	/* 255, which brings its own target, comes to this one while they are 37. */
	{ METHOD_GET, VISIT, { HEADER("X-API-KEY", TRIAL_KEY) } },
	{ METHOD_POST,
	  VISIT "&redirect_uri=https%3A%2F%2Fapp.example%2Fback&code_challenge_method=S256"
		"&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
	  { FORM } },
	{ METHOD_POST, VISIT "&scope=admin", { FORM } },
	{ METHOD_GET, VISIT "&redirect_uri=https%3A%2F%2Fevil.example", { { { 0 }, { 0 } } } },
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return dialect_fuzz(&omnisend, requests, ARRAY_LEN(requests), data, size);
}
