/*
 * Browsers, which ask before they let a page of another origin call, and again whether it may see
 * the answer. Yes for the origins that publishable keys list: which key it will be is not known when
 * a preflight comes, so any key's will do; the call itself is held against its own key's list.
 */
#include "dialect/arsel_private.h"

enum { PREFLIGHT_KEEP_S = 2 * 60 * 60 }; /* the most that browsers of all makes honour */

/* What depends on the origin must say so, also where the origin is none of ours. */
static void put_origin(struct call *call)
{
	reply_header(call->req, STR("Vary"), STR("Origin"));
	if (call->origin.p)
		reply_header(call->req, STR("Access-Control-Allow-Origin"), call->origin);
}

void arsel_cors(struct call *call)
{
	put_origin(call);
	if (call->origin.p)
		reply_header(call->req, STR("Access-Control-Expose-Headers"),
			     STR("retry-after, ratelimit-limit, ratelimit-remaining, "
				 "ratelimit-reset"));
}

void arsel_options(struct call *call)
{
	struct str methods = route_allow(&call->req->arena, call->allowed);
	call_begin(call, 204);
	reply_header(call->req, STR("Allow"), methods);
	put_origin(call);
	if (call->origin.p) {
		reply_header(call->req, STR("Access-Control-Allow-Methods"), methods);
		reply_header(call->req, STR("Access-Control-Allow-Headers"),
			     STR("authorization, content-type, idempotency-key, x-arsel-sdk, "
				 "if-none-match"));
		reply_header_u64(call->req, STR("Access-Control-Max-Age"), PREFLIGHT_KEEP_S);
	}
	reply_send(call->req, STR(""), STR(""));
}
