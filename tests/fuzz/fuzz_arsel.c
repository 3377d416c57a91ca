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
	{ METHOD_POST, "/v1/events", { HEADER("Authorization", "Bearer " TRIAL_KEY) } },
	{ METHOD_GET,
	  "/v1/events?limit=2&search=E",
	  { HEADER("Authorization", "Bearer " TRIAL_KEY) } },
	{ METHOD_GET,
	  "/v1/events/00000000-0000-0000-0000-000000000003",
	  { HEADER("Authorization", "Bearer " TRIAL_KEY) } },
	{ METHOD_PATCH,
	  "/v1/events/00000000-0000-0000-0000-000000000003",
	  { HEADER("Authorization", "Bearer " TRIAL_KEY) } },
	{ METHOD_DELETE,
	  "/v1/events/00000000-0000-0000-0000-000000000003",
	  { HEADER("Authorization", "Bearer " TRIAL_KEY) } },
	{ METHOD_POST, "/v1/contacts", { HEADER("Authorization", "Bearer " TRIAL_KEY) } },
	{ METHOD_GET, "/v1/contacts?limit=3", { HEADER("Authorization", "Bearer " TRIAL_KEY) } },
	{ METHOD_PATCH,
	  "/v1/contacts/01957e3a-4b5c-7d8e-9f0a-1b2c3d4e5f6b",
	  { HEADER("Authorization", "Bearer " TRIAL_KEY) } },
	{ METHOD_DELETE,
	  "/v1/contacts/01957e3a-4b5c-7d8e-9f0a-1b2c3d4e5f6b",
	  { HEADER("Authorization", "Bearer " TRIAL_KEY) } },
	{ METHOD_GET,
	  "/v1/contacts/01957e3a-4b5c-7d8e-9f0a-1b2c3d4e5f6b",
	  { HEADER("Authorization", "Bearer " TRIAL_KEY) } },
	{ METHOD_POST,
	  "/v1/contacts/bulk-delete",
	  { HEADER("Authorization", "Bearer " TRIAL_KEY) } },
	{ METHOD_POST,
	  "/v1/events/send",
	  { HEADER("Authorization", "Bearer " TRIAL_KEY), HEADER("Idempotency-Key", "a:b:2") } },
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return dialect_fuzz(&arsel, requests, ARRAY_LEN(requests), data, size);
}
