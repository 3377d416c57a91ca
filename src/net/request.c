#include "net/request.h"

#include "net/conn.h"
#include "net/reply.h"

#include <stdlib.h>

const char *method_name(enum method m)
{
	static const char *const names[] = {
		[METHOD_OTHER] = "OTHER",   [METHOD_GET] = "GET",         [METHOD_HEAD] = "HEAD",
		[METHOD_POST] = "POST",     [METHOD_PUT] = "PUT",         [METHOD_PATCH] = "PATCH",
		[METHOD_DELETE] = "DELETE", [METHOD_OPTIONS] = "OPTIONS",
	};
	must((size_t)m < ARRAY_LEN(names));
	return names[m];
}

int fault_status(enum fault f)
{
	static const int statuses[] = {
		[FAULT_NONE] = 200,
		[FAULT_SYNTAX] = 400,
		[FAULT_TIMEOUT] = 408,
		[FAULT_BODY_TOO_LARGE] = 413,
		[FAULT_TARGET_TOO_LONG] = 414,
		[FAULT_CONTENT_CODING] = 415,
		[FAULT_EXPECTATION] = 417,
		[FAULT_HEAD_TOO_LARGE] = 431,
		[FAULT_NO_MEMORY] = 503,
		[FAULT_NOT_IMPLEMENTED] = 501,
		[FAULT_VERSION] = 505,
	};
	must((size_t)f < ARRAY_LEN(statuses));
	return statuses[f];
}

struct str request_header(const struct request *req, struct str name)
{
	for (unsigned i = 0; i < req->n_headers; i++)
		if (str_eq_nocase(req->headers[i].name, name))
			return req->headers[i].value;
	return (struct str){ 0 };
}

struct str request_given_id(const struct request *req)
{
	enum { ID_MAX = 128 };
	struct str id = request_header(req, STR("X-Request-Id"));
	for (size_t i = 0; i < id.n; i++)
		if (id.p[i] <= ' ' || id.p[i] > '~')
			return (struct str){ 0 };
	return id.n > 0 && id.n <= ID_MAX ? id : (struct str){ 0 };
}

const char *request_peer(const struct request *req)
{
	return req->conn ? conn_peer(req->conn) : "";
}

bool request_is_encrypted(const struct request *req)
{
	return req->conn && conn_is_encrypted(req->conn);
}

static struct request *alloc(struct net_loop *loop)
{
	struct request *req = calloc(1, sizeof(*req));
	if (!req)
		return NULL;
	req->loop = loop;
	arena_init(&req->arena, loop_limits(loop)->request_memory_max, &loop->server->budget);
	return req;
}

static struct request *take_spare(struct net_loop *loop)
{
	struct request *req = loop->spare;
	if (!req)
		return NULL;
	loop->spare = req->next;
	loop->n_spare--;
	req->next = NULL;
	return req;
}

struct request *request_new(struct net_loop *loop)
{
	struct request *req = take_spare(loop) ?: alloc(loop);
	if (req)
		arena_own(&req->arena, &loop->server->strangers);
	return req;
}

static void request_destroy(struct request *req)
{
	arena_fini(&req->arena);
	free(req);
}

void request_free(struct request *req)
{
	struct net_loop *loop = req->loop;
	if (loop->n_spare == SPARE_REQUESTS_MAX) {
		request_destroy(req);
		return;
	}
	arena_reset(&req->arena);
	*req = (struct request){ .arena = req->arena, .loop = loop, .next = loop->spare };
	loop->spare = req;
	loop->n_spare++;
}

void request_free_spares(struct net_loop *loop)
{
	while (loop->spare) {
		struct request *req = loop->spare;
		loop->spare = req->next;
		request_destroy(req);
	}
}

void request_serve(struct request *req)
{
	struct net_loop *loop = req->loop;
	const struct net_app *app = &loop->server->config.app;
	loop->n_served++;
	loop->n_fresh++;
	app->serve(app->ctx, req);
}

void request_done(struct request *req)
{
	const struct net_app *app = &req->loop->server->config.app;
	if (app->done)
		app->done(app->ctx, req);
	request_free(req);
}

void request_orphan(struct request *req)
{
	req->conn = NULL;
	if (req->ready)
		request_done(req);
	else if (req->stream)
		req->stream->look(req->stream);
}
