#include "fuzz/dialect_fuzz.h"

/* The first is what most of the corpus is sent to. */
static const struct trial_request requests[] = {
	{ METHOD_POST, "/v1/events/send", { HEADER("Authorization", "Bearer " TRIAL_KEY) } },
	{ METHOD_POST, "/api/v1/events/send", { HEADER("Authorization", "bearer   " TRIAL_KEY) } },
	{ METHOD_POST, "/v1/events/send", { HEADER("Authorization", "Bearer " TRIAL_KEY_READS) } },
	{ METHOD_POST, "/v1/events/send", { HEADER("Authorization", "Basic " TRIAL_KEY) } },
	{ METHOD_POST, "/v1/events/send", { HEADER("Authorization", "Bearer") } },
	{ METHOD_GET, "/v1/events/send?x=1", { HEADER("Authorization", "Bearer " TRIAL_KEY) } },
	{ METHOD_POST, "/v1/nowhere/%00\"", { HEADER("Authorization", "Bearer " TRIAL_KEY) } },
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return dialect_fuzz(&arsel, requests, ARRAY_LEN(requests), data, size);
}
