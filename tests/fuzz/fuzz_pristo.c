#include "fuzz/dialect_fuzz.h"

#define ELSEWHERE "/v1/populations/" TRIAL_ELSEWHERE
#define KEY_THERE HEADER("X-API-Key", TRIAL_KEY_ELSEWHERE)

/* The first is what most of the corpus is sent to. */
static const struct trial_request requests[] = {
	{ METHOD_POST, "/v1/events/send/" TRIAL_WORKSPACE, { HEADER("X-API-Key", TRIAL_KEY) } },
	{ METHOD_POST,
	  "/v1/events/send/7C9E6679-7425-40DE-944B-E07FC1F90AE7",
	  { HEADER("X-API-Key", TRIAL_KEY) } },
	{ METHOD_POST, "/v1/events/send/" TRIAL_ELSEWHERE, { HEADER("X-API-Key", TRIAL_KEY) } },
	{ METHOD_POST, "/v1/events/send/not-a-uuid", { HEADER("X-API-Key", TRIAL_KEY) } },
	{ METHOD_POST, "/v1/events/send/%7c9e6679", { HEADER("X-API-Key", TRIAL_KEY) } },
	{ METHOD_POST,
	  "/v1/events/send/" TRIAL_WORKSPACE,
	  { HEADER("x-api-key", TRIAL_KEY_READS) } },
	{ .method = METHOD_POST, .target = "/v1/events/send/" TRIAL_WORKSPACE },
	{ METHOD_GET, "/v1/events/send/" TRIAL_WORKSPACE, { HEADER("X-API-Key", TRIAL_KEY) } },
	{ METHOD_POST,
	  "/v1/populations/" TRIAL_WORKSPACE "/events",
	  { HEADER("X-API-Key", TRIAL_KEY) } },
	{ METHOD_POST,
	  "/v1/populations/" TRIAL_WORKSPACE "/contacts",
	  { HEADER("X-API-Key", TRIAL_KEY) } },
	{ METHOD_POST, "/v1/events/send/" TRIAL_ELSEWHERE, { KEY_THERE } },
	{ METHOD_POST, ELSEWHERE "/contacts", { KEY_THERE } },
	{ METHOD_POST, ELSEWHERE "/events", { KEY_THERE } },
	{ METHOD_POST, ELSEWHERE "/contacts:upsert", { KEY_THERE } },
	{ METHOD_POST, ELSEWHERE "/contacts:activation", { KEY_THERE } },
	{ METHOD_POST, ELSEWHERE "/contacts:unsubscribe", { KEY_THERE } },
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return dialect_fuzz(&pristo, requests, ARRAY_LEN(requests), data, size);
}
