#include "api/health.h"

#include "api/problem_reply.h"

static void send_status(struct request *req, struct str body)
{
	reply_begin(req, 200);
	reply_header(req, STR("Cache-Control"), STR("no-store"));
	reply_send(req, STR("application/json"), body);
}

static void serve_ready(struct store *store, struct request *req)
{
	char why[256];
	if (store_takes_writes(store, why, sizeof(why)))
		return send_status(req, STR("{\"status\":\"ready\"}"));
	problem_reply(req, 503, arena_str(&req->arena, str_of(why)));
}

bool health_serve(struct store *store, struct request *req)
{
	bool ready = str_eq(req->path, STR("/readyz"));
	if (!ready && !str_eq(req->path, STR("/healthz")))
		return false;
	if (req->fault != FAULT_NONE)
		problem_reply_fault(req);
	else if (req->method != METHOD_GET && req->method != METHOD_HEAD)
		problem_reply_method(req, STR("GET, HEAD"));
	else if (ready)
		serve_ready(store, req);
	else
		send_status(req, STR("{\"status\":\"ok\"}"));
	return true;
}
