#include "fuzz/dialect_fuzz.h"

#define RICH       "/peopleevents/2/persons/3/definitions/rich/events"
#define PERSONS    "/people/2/persons"
#define IDENTIFIED "?identifier=jane%40example.com&type=EMAIL"
#define APP        HEADER("Authorization", "App " TRIAL_KEY)
#define FORM       HEADER("Content-Type", "application/x-www-form-urlencoded")

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
	{ METHOD_POST, "/peopleevents/1/persons/3/definitions/rich/events", { APP } },
	{ METHOD_POST, "/people/3/events", { APP } },
	{ METHOD_GET, "/peopleevents/2/definitions?orderField=Title&orderType=Desc", { APP } },
	{ METHOD_GET, "/peopleevents/2/definitions/rich", { APP } },
	{ METHOD_POST, "/peopleevents/2/definitions", { APP } },
	{ METHOD_POST, "/peopleevents/2/definitions/rich", { APP } },
	{ METHOD_DELETE, "/peopleevents/2/definitions/rich", { APP } },
	{ METHOD_GET, PERSONS IDENTIFIED, { APP } },
	{ METHOD_GET, PERSONS "?page=1&limit=1", { APP } },
	{ METHOD_POST, PERSONS, { APP } },
	{ METHOD_PUT, PERSONS IDENTIFIED, { APP } },
	{ METHOD_PATCH, PERSONS IDENTIFIED, { APP } },
	{ METHOD_DELETE, PERSONS IDENTIFIED, { APP } },
	{ METHOD_PUT, PERSONS "/contactInformation" IDENTIFIED, { APP } },
	{ METHOD_PATCH, PERSONS "/contactInformation" IDENTIFIED, { APP } },
	{ METHOD_DELETE, PERSONS "/contactInformation" IDENTIFIED, { APP } },
	{ METHOD_PUT, "/people/3/persons/upsert", { APP } },
	{ METHOD_PATCH, "/people/3/persons/upsert", { APP } },
	{ METHOD_POST, "/auth/1/session", { HEADER("Content-Type", "application/json") } },
	{ METHOD_DELETE, "/auth/1/session", { HEADER("Authorization", "IBSSO " TRIAL_TOKEN) } },
	{ METHOD_POST, "/auth/1/oauth2/token", { FORM } },
	{ METHOD_POST,
	  "/auth/1/oauth2/token",
	  { FORM, HEADER("Authorization", "Basic dHJpYWwrY2xpZW50OnMzY3JldA==") } },
	{ METHOD_GET,
	  "/peopleevents/2/definitions?limit=0",
	  { HEADER("Authorization", "App " TRIAL_KEY_ELSEWHERE) } },
	{ METHOD_POST, "/peopleevents/2/definitions/crowded", { APP } },
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return dialect_fuzz(&infobip, requests, ARRAY_LEN(requests), data, size);
}
