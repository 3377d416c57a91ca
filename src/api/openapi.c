#include "api/openapi.h"

#include "api/problem_reply.h"

/* Written by the build from src/api/openapi/. */
static const char pristo[] =
#include "pristo.json.inc"
	;
static const char omnisend[] =
#include "omnisend.json.inc"
	;
static const char infobip[] =
#include "infobip.json.inc"
	;
static const char arsel[] =
#include "arsel.json.inc"
	;
static const char native[] =
#include "native.json.inc"
	;

#define DOCUMENT(name)                                     \
	{                                                  \
		STR_INIT(#name ".json"),                   \
		{                                          \
			.p = (name), .n = sizeof(name) - 1 \
		}                                          \
	}

static const struct {
	struct str name, text;
} documents[] = {
	DOCUMENT(pristo), DOCUMENT(omnisend), DOCUMENT(infobip), DOCUMENT(arsel), DOCUMENT(native),
};

/* .p is NULL when there is no document of that name. */
static struct str find(struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(documents); i++)
		if (str_eq(documents[i].name, name))
			return documents[i].text;
	return (struct str){ 0 };
}

bool openapi_serve(struct request *req)
{
	static const struct str folder = STR_INIT("/_/openapi/");
	if (!str_starts(req->path, folder))
		return false;
	struct str text = find(str_from(req->path, folder.n));
	if (req->fault != FAULT_NONE) {
		problem_reply_fault(req);
	} else if (!text.p) {
		problem_reply(req, 404, STR("there is no such document"));
	} else if (req->method != METHOD_GET && req->method != METHOD_HEAD) {
		problem_reply_method(req, STR("GET, HEAD"));
	} else {
		reply_begin(req, 200);
		reply_send(req, STR("application/json"), text);
	}
	return true;
}
