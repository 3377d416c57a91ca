#include "api/native.h"

#include "api/native_query.h"
#include "api/problem_reply.h"
#include "base/fail.h"
#include "base/log.h"
#include "net/url.h"

#include <errno.h>
#include <stdlib.h>

struct native {
	struct reader_pool *readers;
	struct intake *intake;
	struct streams *streams;
	struct deliver *deliver; /* NULL: it could not be started */
	struct route_table *routes;
};

/* --- One query --- */

static void say_failed(struct native_query *q)
{
	q->failed = true;
	q->status = 500;
	q->detail = arena_str(&q->req->arena, str_of(fail_text()));
}

static const char too_large[] = "there is no memory for the answer now; ask for fewer";

static int read_store(struct native_query *q)
{
	struct store_reader *r = NULL;
	int e = reader_pool_borrow(q->native->readers, &r);
	if (e == 0)
		e = q->resource->read(q, r);
	if (r)
		reader_pool_return(q->native->readers, r, e);
	return e;
}

/* Whatever the net loop does to its own snapshot meanwhile. */
static void hold_catalog(struct native_query *q)
{
	q->held = catalog_ref((struct catalog *)q->catalog);
}

static void release_catalog(struct native_query *q)
{
	q->catalog = NULL;
	q->workspace = NULL;
	catalog_unref(steal(&q->held));
}

/* On a worker thread. */
static void run(struct net_work *work)
{
	struct native_query *q = (struct native_query *)work;
	int e = STORE_OK;
	if (q->resource->show)
		q->resource->show(q);
	else
		e = read_store(q);
	release_catalog(q);
	if (e == -ENOMEM)
		native_refuse(q, 503, too_large);
	else if (e < 0)
		say_failed(q);
	else if (e == STORE_NONE)
		q->status = 404;
}

void native_answer_refusal(struct native_query *q)
{
	if (q->failed) {
		log_error("read_failed", LOG_STR("cause", q->detail));
		return problem_reply(q->req, 500, STR("the store could not be read"));
	}
	if (q->problems)
		return problem_reply_errors(q->req, q->status, q->detail, q->problems);
	problem_reply(q->req, q->status, q->detail);
}

void native_answer_body(struct native_query *q)
{
	if (q->body.failed)
		return problem_reply(q->req, 503, str_of(too_large));
	reply_begin(q->req, q->status);
	if (q->location.p)
		reply_header(q->req, STR("Location"), q->location);
	if (q->secret.p)
		reply_header(q->req, STR("Cache-Control"), STR("no-store"));
	reply_send(q->req, q->status == 204 ? STR("") : STR("application/json"), buf_str(&q->body));
}

static void answer(struct native_query *q)
{
	if (q->failed || q->problems || q->status >= 400)
		return native_answer_refusal(q);
	if (q->resource->follow && !q->body.failed)
		return q->resource->follow(q);
	native_answer_body(q);
}

static void done(struct net_work *work)
{
	struct native_query *q = (struct native_query *)work;
	reads_done(intake_reads(q->native->intake), q->job.key_no, q->resource->is_long);
	if (work->dropped) {
		release_catalog(q);
		native_refuse(q, 503, "the server stops");
	}
	answer(q);
}

bool native_refuse(struct native_query *q, int status, const char *detail)
{
	q->status = status;
	q->detail = str_of(detail);
	return false;
}

void native_locate(struct native_query *q, const char *path, struct str segment)
{
	struct buf b = buf_in(&q->req->arena);
	struct str encoded = url_encode(&q->req->arena, segment);
	buf_put(&b, str_of(path));
	buf_put(&b, encoded);
	if (encoded.p && !b.failed)
		q->location = buf_str(&b);
}

/* --- One operation --- */

void native_op(struct native_query *q, enum op_kind kind)
{
	q->op = (struct op){
		.arena = &q->req->arena,
		.kind = kind,
		.workspace = q->workspace->no,
	};
}

const char native_not_durable[] =
	"it could not be made durable; it is not known whether it was done";

static void refuse_trouble(struct native_query *q, enum refusal why)
{
	if (why == REFUSE_OVERLOADED)
		native_refuse(q, 503, "there is no room for it now; nothing was done");
	else
		native_refuse(q, 500, native_not_durable);
	answer(q);
}

static int op_status(const struct problems *ps)
{
	switch (ps->list[0].code) {
	case PROBLEM_UNKNOWN_DOCUMENT: /* else it is one that the body names */
		return str_eq(ps->list[0].path, STR("name")) ? 404 : 400;
	case PROBLEM_TOO_MANY: /* of all documents; of one the body was judged before */
	case PROBLEM_DOCUMENTS_FULL:
	case PROBLEM_IN_USE:
	case PROBLEM_CHANGED:
		return 409;
	case PROBLEM_UNKNOWN_CONTACT:
	case PROBLEM_UNKNOWN_DEFINITION:
	case PROBLEM_UNKNOWN_WORKSPACE:
		return 404;
	case PROBLEM_EXISTS:
	case PROBLEM_DEFINITIONS_FULL:
	case PROBLEM_WORKSPACES_FULL:
	case PROBLEM_KEYS_FULL:
		return 409;
	default:
		return 400;
	}
}

static void refuse_key(struct native_query *q)
{
	if (q->op.key->no)
		native_refuse(q, 404, "there is no such key");
	else
		native_refuse(q, 409, "there are as many keys as there can be");
	answer(q);
}

/* The store's truth says no. */
static void refuse_op(struct native_query *q)
{
	q->problems = q->op.problems;
	if (q->op.kind == OP_KEY && !q->problems)
		return refuse_key(q);
	if (!q->problems || q->problems->n == 0) /* the arena had no room for them */
		return refuse_trouble(q, REFUSE_OVERLOADED);
	native_refuse(q, op_status(q->problems), "");
	answer(q);
}

static void come_home(struct net_letter *letter)
{
	struct commit_job *job = (struct commit_job *)letter;
	struct native_query *q =
		(struct native_query *)((char *)job - offsetof(struct native_query, job));
	enum refusal why = outbox_trouble(&q->op, 1);
	if (why)
		return refuse_trouble(q, why);
	if (q->op.outcome == OP_REFUSED)
		return refuse_op(q);
	uint32_t no = q->op.kind == OP_WORKSPACE ? q->op.workspace_no : q->op.workspace;
	q->catalog = intake_catalog(q->native->intake, q->req->loop);
	q->workspace = catalog_workspace(q->catalog, no);
	q->resource->changed(q);
	answer(q);
}

static void submit(struct native_query *q)
{
	q->job = (struct commit_job){
		.letter.run = come_home,
		.loop = q->req->loop,
		.ops = &q->op,
		.n_ops = 1,
		.workspace = q->op.workspace,
		.key_no = q->job.key_no,
	};
	enum refusal why = outbox_submit(intake_outbox(q->native->intake), &q->job);
	if (why)
		refuse_trouble(q, why);
}

/* --- Admission --- */

static bool may(const struct key *key, const struct resource *resource)
{
	unsigned enough = resource->operators ? SCOPE_OPERATOR : resource->scopes | SCOPE_ADMIN;
	return key->scopes & enough;
}

/* In that snapshot: the next call of intake_catalog() may end it. */
static const struct key *key_of(const struct catalog *catalog, struct request *req)
{
	struct credentials c = { .secret = authorization(req, STR("Bearer")) };
	return access_key(catalog, &c);
}

static const struct key *caller(struct native_query *q)
{
	q->catalog = intake_catalog(q->native->intake, q->req->loop);
	return key_of(q->catalog, q->req);
}

bool native_may(struct native_query *q)
{
	const struct key *key = caller(q);
	return key && key->workspace->no == q->events.workspace && may(key, q->resource);
}

struct streams *native_streams(const struct native_query *q)
{
	return q->native->streams;
}

struct deliver *native_deliver(const struct native_query *q)
{
	return q->native->deliver;
}

static void refuse_caller(struct request *req)
{
	problem_reply_begin(req, 401);
	reply_header(req, STR("WWW-Authenticate"), STR("Bearer"));
	problem_reply_send(req, 401, STR("a key is needed: Authorization: Bearer <key>"));
}

static void submit_read(struct native_query *q)
{
	if (q->resource->show)
		hold_catalog(q);
	if (!reads_submit(intake_reads(q->native->intake), q->req->loop, q->job.key_no,
			  q->resource->is_long, &q->work))
		return;
	release_catalog(q);
	native_refuse(q, 503, "too much of this key is being read now");
	answer(q);
}

static void serve_query(struct native_query *q)
{
	struct request *req = q->req;
	const struct key *key = caller(q);
	if (!key)
		return refuse_caller(req);
	intake_own(q->native->intake, req, key->no);
	if (!may(key, q->resource))
		return problem_reply(req, 403, STR("the key lacks the scope for this"));

	req->welcome = true;
	q->workspace = key->workspace;
	q->scopes = key->scopes;
	q->events.workspace = key->workspace->no;
	q->events.until = INT64_MAX;
	q->job.key_no = key->no;
	q->status = 200;
	if (!native_params(q))
		return answer(q);
	if (q->resource->prepare && !q->resource->prepare(q))
		return answer(q);
	if (q->resource->changed)
		submit(q);
	else
		submit_read(q);
}

enum { BODY_MAX = 1024 * 1024, UNREAD_BODY_MAX = 64 * 1024 };

size_t native_body_limit(struct native *n, struct request *req)
{
	bool read = req->method == METHOD_POST || req->method == METHOD_PATCH;
	const struct key *key = read ? key_of(intake_catalog(n->intake, req->loop), req) : NULL;
	if (!key)
		return UNREAD_BODY_MAX;
	intake_own(n->intake, req, key->no);
	return BODY_MAX;
}

/* HEAD is answered wherever GET is. */
static struct str allow(struct request *req, unsigned methods)
{
	if (methods & METHOD_BIT(METHOD_GET))
		methods |= METHOD_BIT(METHOD_HEAD);
	return route_allow(&req->arena, methods);
}

void native_serve(struct native *n, struct request *req)
{
	struct native_query *q = arena_new(&req->arena, struct native_query);
	struct route_match m = { 0 };
	if (req->fault != FAULT_NONE)
		return problem_reply_fault(req);
	if (!q)
		return problem_reply(req, 503, STR(""));
	req->state = q;

	switch (route_find(n->routes, req, &m)) {
	case ROUTE_UNKNOWN:
		return problem_reply(req, 404, STR("there is no such path"));
	case ROUTE_OTHER_METHOD:
		return problem_reply_method(req, allow(req, m.allowed));
	case ROUTE_FOUND:
		break;
	}
	*q = (struct native_query){
		.work = { .run = run, .done = done },
		.req = req,
		.native = n,
		.resource = m.route->target,
		.pattern = m.route->pattern,
		.body_of = { .req = req },
		.body = buf_in(&req->arena),
	};
	memcpy(q->params, m.params, sizeof(m.params));
	serve_query(q);
}

const char *native_pattern(const struct request *req)
{
	const struct native_query *q = req->state;
	return q ? q->pattern : NULL;
}

/* --- Life --- */

int native_new(struct reader_pool *readers, struct intake *intake, struct streams *streams,
	       struct deliver *deliver, struct native **out)
{
	struct native *n = calloc(1, sizeof(*n));
	if (!n)
		return fail(-ENOMEM, "the native API");
	n->readers = readers;
	n->intake = intake;
	n->streams = streams;
	n->deliver = deliver;
	int r = route_table_new(native_routes, n_native_routes, false, &n->routes);
	if (r < 0) {
		native_free(n);
		return pass(r);
	}
	*out = n;
	return 0;
}

void native_free(struct native *n)
{
	if (!n)
		return;
	route_table_free(n->routes);
	free(n);
}
