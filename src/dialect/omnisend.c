/*
 * Omnisend: its versions and what they serve. docs/dialects/omnisend.md tells what that is and
 * where the vendor's pages left a choice.
 */
#include "dialect/omnisend_private.h"

static const struct str prefixes[] = { STR_INIT("/v3/"), STR_INIT("/v4/"), STR_INIT("/v5/"),
				       STR_INIT("/api/"), STR_INIT("/oauth2/") };

/* An operator of a private server hands out keys: each of the vendor's ways to send one will do
 * (decision 5). */
static void credentials(const struct call *call, struct credentials *out)
{
	out->secret = authorization(call->req, STR("Bearer"));
	if (!out->secret.p)
		out->secret = request_header(call->req, STR("X-API-KEY"));
	if (!out->secret.p)
		out->secret = authorization(call->req, STR("Omnisend-API-Key"));
}

/* --- Versions --- */

static const struct omnisend_version v4 = {
	.prefix = STR_INIT("/v4/"),
	.first = true,
	.identifiers = "id, email, phoneNumber",
	.put_no = omnisend_put_error,
};

static const struct omnisend_version v5 = {
	.prefix = STR_INIT("/v5/"),
	.loose = true,
	.phone_first = true,
	.identifiers = "id, email, phone",
	.put_no = omnisend_put_error,
};

static const struct omnisend_version dated = {
	.prefix = STR_INIT("/api/"),
	.dated = true,
	.loose = true,
	.phone_first = true,
	.identifiers = "id, email, phone",
	.put_no = omnisend_put_document,
};

const struct omnisend_version *omnisend_version(const struct call *call)
{
	static const struct omnisend_version *const later[] = { &v5, &dated };
	for (size_t i = 0; i < ARRAY_LEN(later); i++)
		if (str_starts(call->req->path, later[i]->prefix))
			return later[i];
	return &v4;
}

/* The only release there is; a later date falls to it (omnisend.md 2.5). */
static const struct str release = STR_INIT("2026-03-15");

static const struct omnisend_no retired = { 410, "problem", "Gone",
					    "This version of the API is no longer served" };

static enum refusal check_release(struct call *call)
{
	static const struct str header = STR_INIT("Omnisend-Version");
	struct str asked = request_header(call->req, header);
	if (asked.n == 0 || str_eq(asked, STR("2026-preview")))
		return REFUSE_NOTHING;
	if (!time_is_date(asked))
		problem_at(&call->problems, PROBLEM_VALUE, header,
			   .rule = "2026-03-15, 2026-preview");
	else if (str_cmp(asked, release) < 0) {
		problem_at(&call->problems, PROBLEM_VALUE, header);
		call->state = (void *)&retired; /* only ever read */
	}
	return call->problems.found ? REFUSE_PROBLEMS : REFUSE_NOTHING;
}

enum refusal omnisend_begin_call(struct call *call)
{
	return omnisend_version(call)->dated ? check_release(call) : REFUSE_NOTHING;
}

enum refusal omnisend_body(struct call *call, yyjson_val **root)
{
	enum refusal why = omnisend_begin_call(call);
	why = why ?: call_json(call, root);
	if (why || yyjson_is_obj(*root))
		return why;
	call->json_error = (struct json_error){ .what = "the body is not an object" };
	return REFUSE_JSON;
}

/* --- Routes --- */

#define BATCHES(batches)                                                                       \
	{ METHOD_GET, batches, &omnisend_batches }, { METHOD_POST, batches, &omnisend_batch }, \
		{ METHOD_GET, batches "/{id}", &omnisend_batch_by_id },                        \
	{                                                                                      \
		METHOD_GET, batches "/{id}/items", &omnisend_batch_items                       \
	}

#define LATER(contacts)                                                                        \
	{ METHOD_GET, contacts, &omnisend_list }, { METHOD_POST, contacts, &omnisend_create }, \
		{ METHOD_PATCH, contacts, &omnisend_patch_by_email },                          \
		{ METHOD_GET, contacts "/{id}", &omnisend_by_id },                             \
		{ METHOD_PATCH, contacts "/{id}", &omnisend_patch },                           \
		{ METHOD_POST, contacts "/tags", &omnisend_tag },                              \
	{                                                                                      \
		METHOD_DELETE, contacts "/tags", &omnisend_untag                               \
	}

static const struct route routes[] = {
	{ METHOD_POST, "/v4/track", &omnisend_event },
	{ METHOD_POST, "/v4/identify", &omnisend_identify },
	{ METHOD_GET, "/v4/contacts/id:{id}", &omnisend_by_id },
	{ METHOD_GET, "/v4/contacts/email:{email}", &omnisend_by_email },
	{ METHOD_GET, "/v4/contacts/phoneNumber:{phone}", &omnisend_by_phone },
	{ METHOD_POST, "/v5/events", &omnisend_event },
	LATER("/v5/contacts"),
	BATCHES("/v5/batches"),
	{ METHOD_POST, "/api/events", &omnisend_event },
	LATER("/api/contacts"),
	BATCHES("/api/batches"),
	{ METHOD_POST, "/api/event-metadata", &omnisend_declare },
	{ METHOD_PUT, "/api/event-metadata", &omnisend_extend },
	{ METHOD_POST, "/api/event-metadata/query", &omnisend_schemes },
	{ METHOD_GET, "/oauth2/authorize", &omnisend_authorize },
	{ METHOD_POST, "/oauth2/authorize", &omnisend_consent },
	{ METHOD_POST, "/oauth2/token", &omnisend_token },
	{ METHOD_POST, "/oauth2/revoke", &omnisend_revoke },
};

const struct dialect omnisend = {
	.no = DIALECT_OMNISEND,
	.name = "omnisend",
	.prefixes = prefixes,
	.n_prefixes = ARRAY_LEN(prefixes),
	.routes = routes,
	.n_routes = ARRAY_LEN(routes),
	.rate = { .requests = 400, .window_s = 60 },
	.credentials = credentials,
	.refuse = omnisend_refuse,
};
