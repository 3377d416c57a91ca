#include "fuzz/dialect_fuzz.h"

#define RICH "/peopleevents/2/persons/3/definitions/rich/events"
#define APP  HEADER("Authorization", "App " TRIAL_KEY)
#define FORM HEADER("Content-Type", "application/x-www-form-urlencoded")

/* The first is what most of the corpus is sent to. */
static const struct trial_request requests[] = {
	{ METHOD_POST, RICH "?identifierType=EXTERNAL_ID", { APP } },
	{ METHOD_POST,
	  RICH "/?createPerson=true&identifierType=phone",
	  { APP, HEADER("Content-Type", "application/vnd.x+json; charset=utf-8") } },
	{ METHOD_POST, RICH "?identifierType=ID&createPerson=maybe", { APP } },
	{ METHOD_POST, RICH "?identifierType=ID", { APP, HEADER("Content-Type", "text/plain") } },
	{ METHOD_POST,
	  "/peopleevents/2/persons/%ff/definitions/%22/events?identifierType=EMAIL",
	  { APP } },
	{ METHOD_POST,
	  RICH "?identifierType=ID",
	  { HEADER("Authorization",
		   "Basic dHJpYWw6MGY4ZmFkNWItZDljYi00NjlmLWExNjUtNzA4Njc3Mjg5NTBl") } },
	{ METHOD_POST, RICH, { HEADER("Authorization", "Bearer " TRIAL_KEY_READS) } },
	{ METHOD_POST, RICH, { HEADER("Authorization", "Basic !") } },
	{ METHOD_GET, RICH, { APP } },
	{ METHOD_POST, "/people/2/nothing/%00\"", { APP } },
	{ METHOD_POST, "/auth/1/session", { HEADER("Content-Type", "application/json") } },
	{ METHOD_DELETE, "/auth/1/session", { HEADER("Authorization", "IBSSO " TRIAL_TOKEN) } },
	{ METHOD_POST, "/auth/1/oauth2/token", { FORM } },
	{ METHOD_POST,
	  "/auth/1/oauth2/token",
	  { FORM, HEADER("Authorization", "Basic dHJpYWwrY2xpZW50OnMzY3JldA==") } },
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return dialect_fuzz(&infobip, requests, ARRAY_LEN(requests), data, size);
}
