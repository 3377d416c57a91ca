#include "net/parse.h"

enum {
	HEAD_FIRST = 1024,     /* room for a head that does not come in one piece */
	BODY_FIRST = 16 * 1024 /* bytes given to an announced body on its word alone */
};

static int refuse(struct parse *p, enum fault fault, const char *detail)
{
	struct request *req = p->req;
	must(p->stage != PARSE_DONE);
	p->stage = PARSE_DONE;
	req->fault = fault;
	req->fault_detail = detail;
	req->body = (struct str){ 0 };
	req->close_after = true;
	return -1; /* what stops llhttp */
}

static struct str request_line(const struct parse *p)
{
	return (struct str){ p->head, p->scan.first_line - 2 };
}

/* A head that ends early: what is known of its request line helps to word the answer. */
static int refuse_head(struct parse *p, enum fault fault, const char *detail)
{
	if (p->scan.first_line)
		policy_request_line(p->req, request_line(p), false, p->config->limits.target_max);
	return refuse(p, fault, detail);
}

static int no_memory(struct parse *p)
{
	return refuse(p, FAULT_NO_MEMORY, "no memory for this request at the moment");
}

/* ---- the body, as llhttp hands it over ---- */

static int check_overhead(struct parse *p, const char *at)
{
	uint64_t fed = p->body_fed + (uint64_t)(at - p->feeding);
	if (fed - p->req->body.n > p->config->limits.overhead_max)
		return refuse(p, FAULT_SYNTAX, "too much chunk framing");
	return 0;
}

/* Room for `need` bytes: never more than twice what has come, beyond the first, or all when a quarter
 * has. What was too small stays in the arena, and is no more than the body once again. */
static bool body_reserve(struct parse *p, size_t need)
{
	struct str *body = &p->req->body;
	if (need <= p->body_room)
		return true;
	size_t room = MIN(MAX(need * 2, (size_t)BODY_FIRST), p->body_max);
	if (need > p->body_max / 4)
		room = p->body_max;
	char *at = arena_grow(&p->req->arena, (char *)body->p, p->body_room, room);
	if (!at)
		return false;
	body->p = at;
	p->body_room = room;
	return true;
}

static int on_body(llhttp_t *l, const char *at, size_t n)
{
	struct parse *p = l->data;
	struct str *body = &p->req->body;
	if (check_overhead(p, at) < 0)
		return -1;
	if (n > p->body_max - body->n)
		return refuse(p, FAULT_BODY_TOO_LARGE, "the body is too large");
	if (!body_reserve(p, body->n + n))
		return no_memory(p);
	memcpy((char *)body->p + body->n, at, n);
	body->n += n;
	return 0;
}

static int on_message_complete(llhttp_t *l)
{
	struct parse *p = l->data;
	p->stage = PARSE_DONE;
	return HPE_PAUSED;
}

/* ---- the head ---- */

static int on_header_field(llhttp_t *l, const char *at, size_t n)
{
	struct parse *p = l->data;
	struct request *req = p->req;
	if (p->stage != PARSE_HEAD) /* a trailer field: dropped */
		return 0;
	if (n == 0)
		return refuse(p, FAULT_SYNTAX, "a field without a name");
	must(req->n_headers < p->scan.lines);
	p->headers[req->n_headers++] = (struct header){ { at, n }, { at + n, 0 } };
	return 0;
}

static int on_header_value(llhttp_t *l, const char *at, size_t n)
{
	struct parse *p = l->data;
	if (p->stage == PARSE_HEAD)
		p->headers[p->req->n_headers - 1].value = str_trim((struct str){ at, n });
	return 0;
}

static bool connection_ends(const struct request *req, unsigned flags)
{
	if (flags & F_CONNECTION_CLOSE)
		return true;
	return req->old_http && !(flags & F_CONNECTION_KEEP_ALIVE);
}

static size_t body_limit(const struct parse *p)
{
	const struct net_app *app = &p->config->app;
	return app->body_limit(app->ctx, p->req);
}

static int on_headers_complete(llhttp_t *l)
{
	struct parse *p = l->data;
	struct request *req = p->req;
	l->upgrade = 0; /* no other protocol is spoken here: an ordinary request */
	req->close_after = connection_ends(req, l->flags);

	struct verdict v = policy_fields(req, &p->body);
	if (v.fault)
		return refuse(p, v.fault, v.detail);
	p->stage = PARSE_BODY;
	if (!p->body.chunked && p->body.length == 0)
		return 0;
	p->body_max = body_limit(p);
	if (!p->body.chunked && p->body.length > p->body_max)
		return refuse(p, FAULT_BODY_TOO_LARGE, "the body is too large");
	if (!p->body.chunked)
		p->body_max = (size_t)p->body.length;
	return 0;
}

static const llhttp_settings_t callbacks = {
	.on_header_field = on_header_field,
	.on_header_value = on_header_value,
	.on_headers_complete = on_headers_complete,
	.on_body = on_body,
	.on_message_complete = on_message_complete,
};

/* Runs llhttp over n bytes; returns how many it took. */
static size_t run(struct parse *p, const char *data, size_t n)
{
	llhttp_errno_t r = llhttp_execute(&p->llhttp, data, n);
	if (r == HPE_OK)
		return n;
	if (r == HPE_PAUSED) /* by on_message_complete() */
		return (size_t)(llhttp_get_error_pos(&p->llhttp) - data);
	if (p->stage != PARSE_DONE)
		refuse(p, FAULT_SYNTAX, llhttp_get_error_reason(&p->llhttp));
	return n;
}

/* llhttp knows a list of methods; any other word reads as one of them, and is METHOD_OTHER. */
static void run_head(struct parse *p)
{
	size_t skip = 0;
	if (p->req->method == METHOD_OTHER) {
		run(p, "POST", 4);
		skip = str_find(request_line(p), ' ');
	}
	size_t took = run(p, p->head + skip, p->scan.n - skip);
	must(p->req->fault || took == p->scan.n - skip);
}

static void read_head(struct parse *p)
{
	struct request *req = p->req;
	struct verdict v =
		policy_request_line(req, request_line(p), false, p->config->limits.target_max);
	if (v.fault) {
		refuse(p, v.fault, v.detail);
		return;
	}
	p->headers = arena_alloc(&req->arena, sizeof(struct header) * p->scan.lines);
	if (!p->headers || !url_place_make(&req->arena, req->target, &req->place)) {
		no_memory(p);
		return;
	}
	req->headers = p->headers;
	run_head(p);
}

/* The line under way has no more room. */
static int refuse_long_line(struct parse *p)
{
	struct verdict v = { 0 };
	if (p->scan.lines == 0)
		v = policy_request_line(p->req, (struct str){ p->head, p->scan.n }, true,
					p->config->limits.target_max);
	if (v.fault)
		return refuse(p, v.fault, v.detail);
	return refuse_head(p, FAULT_HEAD_TOO_LARGE, "the head is too large");
}

/* Appends the n bytes that were scanned last. */
static bool keep_head(struct parse *p, const char *data, size_t n, bool whole)
{
	size_t before = p->scan.n - n;
	if (p->scan.n > p->head_room) {
		size_t room = whole ? p->scan.n : MAX(p->scan.n * 2, (size_t)HEAD_FIRST);
		char *at = arena_grow(&p->req->arena, p->head, p->head_room, room);
		if (!at)
			return false;
		p->head = at;
		p->head_room = room;
	}
	if (n)
		memcpy(p->head + before, data, n);
	return true;
}

static size_t feed_head(struct parse *p, const char *data, size_t n)
{
	size_t took;
	enum head_outcome r = head_scan(&p->scan, &p->config->limits, data, n, &took);
	if (!keep_head(p, data, took, r == HEAD_WHOLE)) {
		no_memory(p);
		return n;
	}
	switch (r) {
	case HEAD_MORE:
		break;
	case HEAD_WHOLE:
		read_head(p);
		break;
	case HEAD_MALFORMED:
		refuse_head(p, FAULT_SYNTAX, "a line of the head is broken or folded");
		break;
	case HEAD_LINE_TOO_LONG:
		refuse_long_line(p);
		break;
	case HEAD_TOO_MANY_LINES:
		refuse_head(p, FAULT_HEAD_TOO_LARGE, "too many header fields");
		break;
	}
	return took;
}

static size_t feed_body(struct parse *p, const char *data, size_t n)
{
	p->feeding = data;
	size_t took = run(p, data, n);
	if (p->req->fault)
		return n;
	enum parse_stage reached = p->stage;
	p->stage = PARSE_BODY; /* not done before the framing is judged too */
	if (check_overhead(p, data + took) == 0)
		p->stage = reached;
	p->body_fed += took;
	return took;
}

size_t parse_feed(struct parse *p, const char *data, size_t n)
{
	must(n > 0 && p->stage != PARSE_DONE);
	return p->stage == PARSE_HEAD ? feed_head(p, data, n) : feed_body(p, data, n);
}

size_t parse_skip_blank(enum parse_blank *blank, const char *data, size_t n)
{
	size_t i = 0;
	if (i < n && *blank == BLANK_NONE && data[i] == '\r') {
		*blank = BLANK_CR;
		i++;
	}
	if (i < n && *blank == BLANK_CR && data[i] == '\n') {
		*blank = BLANK_LINE;
		i++;
	}
	return i;
}

struct parse *parse_new(struct request *req, const struct net_config *config,
			enum parse_blank blank)
{
	struct parse *p = arena_new(&req->arena, struct parse);
	if (!p)
		return NULL;
	p->req = req;
	p->config = config;
	p->scan.after_cr =
		blank == BLANK_CR; /* a byte that is no LF follows: the first line is broken */
	llhttp_init(&p->llhttp, HTTP_REQUEST, &callbacks);
	p->llhttp.data = p;
	return p;
}

bool parse_wants_continue(const struct parse *p)
{
	return p->stage == PARSE_BODY && p->body.expects_continue && p->body_fed == 0;
}

size_t parse_awaits(const struct parse *p)
{
	if (p->stage != PARSE_BODY || p->body.chunked)
		return 0;
	return (size_t)p->body.length - p->req->body.n;
}

bool parse_give_up(struct parse *p, enum fault fault, const char *detail)
{
	if (p->stage == PARSE_HEAD && !p->scan.first_line)
		return false;
	if (p->stage == PARSE_HEAD)
		refuse_head(p, fault, detail);
	else
		refuse(p, fault, detail);
	return true;
}
