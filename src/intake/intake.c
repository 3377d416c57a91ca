/*
 * ~ intake_serve(), near the end, is the main path of an event as a sentence: admit, decode, submit,
 * ~ or answer why not. What is submitted leaves at the end of the loop's round, with all that this
 * ~ round has brought; come_home() is where it comes back. Next: intake/committer.c, where it goes.
 */
#include "intake/intake.h"

#include "base/fail.h"
#include "base/log.h"
#include "intake/query.h"

#include <errno.h>
#include <stdlib.h>

struct intake {
	struct intake_config config;
	struct ratelimit *limits;
	struct route_table **routes; /* one per dialect, in the order of dialects[] */
	struct outbox outbox;
	struct reads *reads;
	struct catalog *catalogs[NET_LOOPS_MAX];    /* each loop's own view */
	struct arena_owner holders[KEY_NO_MAX + 1]; /* keys, of the memory of requests */
};

/* A call, and its operations' way to the committer and back, or its query's to a worker. */
struct passage {
	struct call call; /* first: the request's state points at it */
	struct intake *in;
	uint32_t workspace; /* row number */
	struct commit_job job;
	struct net_work work;
	enum refusal unread; /* why the query could not be answered */
	bool routed;
	enum refusal refused; /* by routing */
};

static bool owns(const struct dialect *d, struct str path, size_t *longest)
{
	bool better = false;
	for (unsigned i = 0; i < d->n_prefixes; i++) {
		if (d->prefixes[i].n <= *longest || !str_starts(path, d->prefixes[i]))
			continue;
		*longest = d->prefixes[i].n;
		better = true;
	}
	return better;
}

const struct dialect *intake_owner(struct str path)
{
	const struct dialect *owner = NULL;
	size_t longest = 0;
	for (unsigned i = 0; i < n_dialects; i++)
		if (owns(dialects[i], path, &longest))
			owner = dialects[i];
	return owner;
}

const struct catalog *intake_catalog(struct intake *in, const struct net_loop *loop)
{
	struct catalog **mine = &in->catalogs[net_loop_index(loop)];
	catalog_refresh(in->config.catalog, mine);
	return *mine;
}

/* --- Routing: when the head is there, and once --- */

static const struct route_table *table_of(const struct intake *in, const struct dialect *d)
{
	unsigned i = 0;
	while (dialects[i] != d)
		i++;
	return in->routes[i];
}

/* What is behind a switch that nobody has on is not there. */
static bool is_served(struct intake *in, struct request *req, const struct route *route)
{
	const struct endpoint *e = route->target;
	return e->needs == SWITCH_NONE ||
	       switch_on_anywhere(intake_catalog(in, req->loop), e->needs);
}

static enum refusal route_call(struct intake *in, struct call *call)
{
	struct request *req = call->req;
	struct route_match m = { 0 };
	enum route_outcome found = route_find(table_of(in, call->dialect), req, &m);
	if (found == ROUTE_UNKNOWN || !is_served(in, req, m.route))
		return REFUSE_ROUTE;
	call->pattern = m.route->pattern;
	call->allowed = m.allowed;
	if (found == ROUTE_OTHER_METHOD)
		return REFUSE_METHOD;
	call->endpoint = m.route->target;
	memcpy(call->params, m.params, sizeof(m.params));
	return REFUSE_NOTHING;
}

static struct str request_id(struct request *req, const struct dialect *d)
{
	struct str given = request_given_id(req);
	if (!d->request_id_uuid || form_uuid(given))
		return given;
	char text[UUID_TEXT + 1];
	uuid_text(uuid_v4(), text);
	return arena_str(&req->arena, (struct str){ text, UUID_TEXT });
}

static struct str known_origin(struct intake *in, struct request *req)
{
	const struct catalog *catalog = intake_catalog(in, req->loop);
	struct str origin = request_header(req, STR("Origin"));
	return origin.p && catalog_has_origin(catalog, origin) ? origin : (struct str){ 0 };
}

/* The request's passage, made and routed at the first call. `owner` of its path, NULL: to be looked
 * for. NULL: memory is refused. */
static struct passage *passage_of(struct intake *in, const struct dialect *owner,
				  struct request *req)
{
	struct passage *p = req->state ?: arena_new(&req->arena, struct passage);
	if (!p)
		return NULL;
	req->state = p;
	if (p->routed)
		return p;
	p->routed = true;
	p->in = in;
	p->call.req = req;
	p->call.dialect = owner ?: intake_owner(req->path);
	must(p->call.dialect);
	req->id = request_id(req, p->call.dialect);
	p->call.origin = known_origin(in, req);
	p->refused = route_call(in, &p->call);
	return p;
}

/* Without a known key nobody makes us hold a large body: what is beyond this is refused, and because
 * the key is judged before the size, the answer is about the key. */
enum { STRANGER_BODY_MAX = 16 * 1024 };

/* A body that takes no more of the budget, of which all strangers together have a share: whose it is can
 * wait until it is there. */
static bool is_small(const struct request *req)
{
	uint64_t length;
	struct str announced = request_header(req, STR("Content-Length"));
	return announced.p && str_to_u64(announced, &length) && arena_fits(&req->arena, length);
}

void intake_own(struct intake *in, struct request *req, uint32_t key_no)
{
	arena_own(&req->arena, &in->holders[key_no]);
}

size_t intake_body_limit(struct intake *in, const struct dialect *owner, struct request *req)
{
	struct passage *p = passage_of(in, owner, req);
	if (!p || !p->call.endpoint)
		return 0;
	size_t max = p->call.endpoint->body_max;
	if (is_small(req))
		return max;
	const struct catalog *catalog = intake_catalog(in, req->loop);
	const struct key *key = access_caller(in->config.tokens, catalog, &p->call);
	if (!key)
		return MIN(max, STRANGER_BODY_MAX);
	intake_own(in, req, key->no);
	return max;
}

/* --- Answers that need no store --- */

static void answer_options(struct call *call)
{
	if (call->dialect->options)
		return call->dialect->options(call);
	call_begin(call, 204);
	reply_header(call->req, STR("Allow"), route_allow(&call->req->arena, call->allowed));
	reply_send(call->req, STR(""), STR(""));
}

static void answer_refused(struct call *call, enum refusal why)
{
	if (why == REFUSE_METHOD && call->req->method == METHOD_OPTIONS &&
	    call->req->fault == FAULT_NONE)
		return answer_options(call);
	call->dialect->refuse(call, why);
}

/* Faults that concern the body come after the caller has shown a key: an unauthenticated caller
 * learns nothing of limits (pristo.md section 2, check order). */
static bool fault_waits_for_access(enum fault f)
{
	return f == FAULT_BODY_TOO_LARGE || f == FAULT_CONTENT_CODING || f == FAULT_EXPECTATION;
}

/* A flood costs least where it is refused before its bodies are read. What finds the room taken
 * later is refused then. */
static bool has_room(const struct intake *in, const struct call *call)
{
	const unsigned writes = SCOPE_EVENTS_WRITE | SCOPE_CONTACTS_WRITE | SCOPE_DEFINITIONS_WRITE;
	return !(call->scope & writes) || committer_has_room(in->config.committer, call->key_no);
}

static enum refusal admit(struct intake *in, struct passage *p)
{
	enum fault fault = p->call.req->fault;
	if (fault != FAULT_NONE && !fault_waits_for_access(fault))
		return REFUSE_FAULT;
	if (p->refused)
		return p->refused;
	const struct catalog *catalog = intake_catalog(in, p->call.req->loop);
	enum refusal why = access_check(in->limits, in->config.tokens, catalog, &p->call);
	if (p->call.key)
		intake_own(in, p->call.req, p->call.key_no);
	if (why)
		return why;
	if (fault != FAULT_NONE)
		return REFUSE_FAULT;
	return has_room(in, &p->call) ? REFUSE_NOTHING : REFUSE_OVERLOADED;
}

/* The catalog may have changed since decode saw it. */
static void answer(struct passage *p)
{
	const struct catalog *catalog = intake_catalog(p->in, p->call.req->loop);
	p->call.workspace = catalog_workspace(catalog, p->workspace);
	p->call.key = p->call.person = NULL;
	p->call.endpoint->answer(&p->call);
}

/* --- To a worker and back --- */

static struct passage *passage_of_work(struct net_work *work)
{
	return (struct passage *)((char *)work - offsetof(struct passage, work));
}

static void run_query(struct net_work *work)
{
	struct passage *p = passage_of_work(work);
	struct reader_pool *readers = p->in->config.readers;
	int r = query_run(readers, &p->call.req->arena, p->workspace, p->call.query);
	if (r == 0)
		return;
	p->unread = r == -ENOMEM ? REFUSE_OVERLOADED : REFUSE_UNAVAILABLE;
	if (r != -ENOMEM)
		log_error("read_failed", LOG_S("cause", fail_text()));
}

static void query_done(struct net_work *work)
{
	struct passage *p = passage_of_work(work);
	reads_done(p->in->reads, p->call.key_no, false);
	if (work->dropped)
		p->unread = REFUSE_OVERLOADED;
	if (p->unread)
		p->call.dialect->refuse(&p->call, p->unread);
	else
		answer(p);
}

static enum refusal ask(struct passage *p)
{
	p->work = (struct net_work){ .run = run_query, .done = query_done };
	return reads_submit(p->in->reads, p->call.req->loop, p->call.key_no, false, &p->work);
}

/* --- To the committer and back --- */

static void come_home(struct net_letter *letter)
{
	struct commit_job *job = (struct commit_job *)letter;
	struct passage *p = (struct passage *)((char *)job - offsetof(struct passage, job));
	enum refusal why = outbox_trouble(p->call.ops, p->call.n_ops);
	p->call.other_payload = job->other_payload;
	if (why)
		p->call.dialect->refuse(&p->call, why);
	else
		answer(p);
}

static enum refusal submit(struct intake *in, struct passage *p)
{
	p->job = (struct commit_job){
		.letter.run = come_home,
		.loop = p->call.req->loop,
		.ops = p->call.ops,
		.n_ops = p->call.n_ops,
		.workspace = p->workspace,
		.key_no = p->call.key_no,
		.all_or_nothing = p->call.all_or_nothing,
		.divisible = p->call.divisible,
		.id = p->call.request,
		.payload = p->call.payload,
	};
	return outbox_submit(&in->outbox, &p->job);
}

struct outbox *intake_outbox(struct intake *in)
{
	return &in->outbox;
}

struct reads *intake_reads(struct intake *in)
{
	return in->reads;
}

void intake_round_end(struct intake *in, struct net_loop *loop)
{
	outbox_round_end(&in->outbox, loop);
}

static enum refusal go_on(struct intake *in, struct passage *p)
{
	if (p->call.n_ops > 0)
		return submit(in, p);
	if (p->call.query)
		return ask(p);
	answer(p);
	return REFUSE_NOTHING;
}

/* intake_body_limit() had none for a passage: that no body was taken is not the client's mistake. */
static bool was_short_of_memory(const struct request *req)
{
	return req->fault == FAULT_BODY_TOO_LARGE && !req->state;
}

/* What does not go into the memory of one request never will: nobody need come back with it. */
static enum refusal decode(struct call *call)
{
	enum refusal why = call->endpoint->decode(call);
	if (why != REFUSE_OVERLOADED || !call->req->arena.full)
		return why;
	call->req->fault = FAULT_BODY_TOO_LARGE;
	return REFUSE_FAULT;
}

void intake_serve(struct intake *in, struct request *req)
{
	struct passage *p = was_short_of_memory(req) ? NULL : passage_of(in, NULL, req);
	if (!p)
		return reply_send_503(req);
	enum refusal why = admit(in, p);
	req->welcome = !why;
	req->looked_into = p->call.endpoint && p->call.endpoint->identify;
	if (!why) {
		must(p->call.endpoint);
		p->workspace = p->call.workspace->no;
	}
	why = why ?: decode(&p->call);
	why = why ?: go_on(in, p);
	if (why)
		answer_refused(&p->call, why);
}

const struct call *intake_call(const struct request *req)
{
	const struct passage *p = req->state;
	return p ? &p->call : NULL;
}

/* --- Life --- */

int intake_new(const struct intake_config *config, struct intake **out)
{
	/* Pages of `holders` that no key touches are never backed by memory. */
	struct intake *in = calloc(1, sizeof(*in));
	if (!in)
		return fail(-ENOMEM, "the intake");
	in->config = *config;
	outbox_init(&in->outbox, config->committer);
	int r = ratelimit_new(&in->limits);
	r = r ?: reads_new(&in->reads);
	in->routes = calloc(n_dialects, sizeof(struct route_table *));
	if (!in->routes)
		r = r ?: fail(-ENOMEM, "the intake");
	for (unsigned i = 0; i < n_dialects && r == 0; i++)
		r = route_table_new(dialects[i]->routes, dialects[i]->n_routes,
				    dialects[i]->slash_optional, &in->routes[i]);
	if (r < 0) {
		intake_free(in);
		return pass(r);
	}
	*out = in;
	return 0;
}

void intake_free(struct intake *in)
{
	if (!in)
		return;
	for (unsigned i = 0; i < NET_LOOPS_MAX; i++)
		catalog_unref(in->catalogs[i]);
	for (unsigned i = 0; in->routes && i < n_dialects; i++)
		route_table_free(in->routes[i]);
	free(in->routes);
	reads_free(in->reads);
	ratelimit_free(in->limits);
	free(in);
}
