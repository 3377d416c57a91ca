/*
 * ~ A complete request comes from the net layer into serve(), below. Paths tell who owns it; those
 * ~ of a vendor belong to its dialect and go to the intake. Next: intake_serve() in
 * ~ intake/intake.c.
 */
#include "api/app.h"

#include "api/health.h"
#include "api/metrics.h"
#include "api/openapi.h"
#include "api/problem_reply.h"
#include "base/fail.h"
#include "base/log.h"

#include <errno.h>
#include <stdlib.h>

struct app {
	struct app_config config;
	struct reader_pool *readers;
	struct intake *intake;
	struct native *native;
	struct metrics *metrics;
	struct streams *streams;
};

static bool is_native(const struct request *req)
{
	return str_starts(req->path, STR("/_/"));
}

/* Once the intake has seen the head, the request's state is its. */
static bool is_vendors(const struct request *req)
{
	return !is_native(req) && (req->state || intake_owner(req->path));
}

/* What nobody reads is taken as far as a request's first memory goes, so that the connection lasts. */
enum { UNREAD_BODY_MAX = 4 * 1024 };

static size_t body_limit(void *ctx, struct request *req)
{
	struct app *app = ctx;
	if (is_native(req))
		return native_body_limit(app->native, req);
	const struct dialect *owner = intake_owner(req->path);
	return owner ? intake_body_limit(app->intake, owner, req) : UNREAD_BODY_MAX;
}

/* Nobody owns the path, or the request broke before it had one. */
static void serve_nobody(struct request *req)
{
	if (req->fault == FAULT_NONE || req->fault == FAULT_BODY_TOO_LARGE)
		return problem_reply(req, 404, STR("there is no such path"));
	problem_reply_fault(req);
}

static void serve(void *ctx, struct request *req)
{
	struct app *app = ctx;
	if (is_vendors(req))
		return intake_serve(app->intake, req);
	req->id = request_given_id(req);
	if (openapi_serve(req))
		return;
	if (is_native(req))
		native_serve(app->native, req);
	else if (!health_serve(app->config.store, req) && !metrics_serve(app->metrics, req))
		serve_nobody(req);
}

static bool anybodys(void *ctx, const struct request *req)
{
	(void)ctx;
	return metrics_are_asked_for(req);
}

static void round_end(void *ctx, struct net_loop *loop)
{
	struct app *app = ctx;
	intake_round_end(app->intake, loop);
}

/* --- The access log: the pattern of the route, not the path, which may hold an e-mail --- */

static const char *pattern_of(const struct request *req)
{
	if (is_native(req))
		return native_pattern(req);
	const struct call *call = is_vendors(req) ? intake_call(req) : NULL;
	return call ? call->pattern : NULL;
}

static void done(void *ctx, const struct request *req)
{
	struct app *app = ctx;
	const struct call *call = is_vendors(req) ? intake_call(req) : NULL;
	metrics_count(app->metrics, call ? call->dialect : NULL, is_native(req), req->status);
	if (!app->config.access_log)
		return;
	const char *pattern = pattern_of(req);
	log_info("request", LOG_S("method", method_name(req->method)),
		 LOG_S("route", pattern ? pattern : "none"), LOG_I("status", req->status),
		 LOG_I("key", call ? call->key_no : 0), LOG_I("body_bytes", req->body.n),
		 LOG_I("reply_bytes", req->reply_bytes),
		 LOG_I("ms", time_monotonic_ms() - req->started_ms),
		 LOG_S("peer", request_peer(req)));
}

struct net_app app_callbacks(struct app *app)
{
	return (struct net_app){
		.ctx = app,
		.body_limit = body_limit,
		.serve = serve,
		.round_end = round_end,
		.done = done,
		.anybodys = anybodys,
	};
}

void app_wake(struct app *app)
{
	streams_wake(app->streams);
}

int app_new(const struct app_config *config, struct app **out)
{
	struct app *app = calloc(1, sizeof(*app));
	if (!app)
		return fail(-ENOMEM, "the app");
	app->config = *config;
	int r = reader_pool_new(config->store, &app->readers);
	struct intake_config intake = {
		.catalog = store_catalog(config->store),
		.tokens = store_tokens(config->store),
		.committer = config->committer,
		.readers = app->readers,
		.loops = config->loops,
	};
	r = r ?: intake_new(&intake, &app->intake);
	r = r ?: streams_new(config->store, app->readers, &app->streams);
	r = r
		    ?: metrics_new(config->store, config->committer, app->streams, config->deliver,
				   &app->metrics);
	r = r ?: native_new(app->readers, app->intake, app->streams, config->deliver, &app->native);
	if (r < 0) {
		app_free(app);
		return pass(r);
	}
	*out = app;
	return 0;
}

void app_free(struct app *app)
{
	if (!app)
		return;
	native_free(app->native);
	metrics_free(app->metrics);
	streams_free(app->streams);
	intake_free(app->intake);
	reader_pool_free(app->readers);
	free(app);
}
