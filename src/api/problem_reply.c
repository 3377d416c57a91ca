#include "api/problem_reply.h"

#include "dialect/dialect.h"

/* RFC 9457 section 4.2.1: with type about:blank the title is the status phrase. */
static const struct {
	int status;
	const char *title;
} titles[] = {
	{ 400, "Bad Request" },
	{ 401, "Unauthorized" },
	{ 403, "Forbidden" },
	{ 404, "Not Found" },
	{ 405, "Method Not Allowed" },
	{ 408, "Request Timeout" },
	{ 409, "Conflict" },
	{ 413, "Content Too Large" },
	{ 414, "URI Too Long" },
	{ 415, "Unsupported Media Type" },
	{ 417, "Expectation Failed" },
	{ 422, "Unprocessable Content" },
	{ 431, "Request Header Fields Too Large" },
	{ 500, "Internal Server Error" },
	{ 501, "Not Implemented" },
	{ 503, "Service Unavailable" },
	{ 505, "HTTP Version Not Supported" },
};

static const char *title_of(int status)
{
	for (size_t i = 0; i < ARRAY_LEN(titles); i++)
		if (titles[i].status == status)
			return titles[i].title;
	must(!"a status that problem documents are sent with");
	return "";
}

void problem_reply_begin(struct request *req, int status)
{
	reply_begin(req, status);
	if (status == 503)
		reply_header_u64(req, STR("Retry-After"), 1);
}

/* A path may hold a member's name as long as the body: it is repeated in part. */
static void put_error(struct buf *b, struct problem p)
{
	struct buf message = buf_in(b->arena);
	p.path = echo(p.path);
	problem_put_english(&message, &p);
	b->failed |= message.failed;
	buf_lit(b, "{\"path\":");
	buf_json_str(b, p.path);
	buf_lit(b, ",\"message\":");
	buf_json_str(b, buf_str(&message));
	buf_char(b, '}');
}

static void put_errors(struct buf *b, const struct problems *ps)
{
	buf_lit(b, ",\"errors\":[");
	for (unsigned i = 0; i < ps->n; i++) {
		if (i > 0)
			buf_char(b, ',');
		put_error(b, ps->list[i]);
	}
	buf_char(b, ']');
}

/* problems may be NULL. */
static void send(struct request *req, int status, struct str detail,
		 const struct problems *problems)
{
	struct buf b = buf_in(&req->arena);
	buf_printf(&b, "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%d", title_of(status),
		   status);
	if (detail.n) {
		buf_lit(&b, ",\"detail\":");
		buf_json_str(&b, detail);
	}
	if (problems)
		put_errors(&b, problems);
	buf_lit(&b, "}");
	reply_send(req, STR("application/problem+json"), b.failed ? STR("") : buf_str(&b));
}

void problem_reply_send(struct request *req, int status, struct str detail)
{
	send(req, status, detail, NULL);
}

void problem_reply_errors(struct request *req, int status, struct str detail,
			  const struct problems *problems)
{
	problem_reply_begin(req, status);
	send(req, status, detail, problems);
}

void problem_reply(struct request *req, int status, struct str detail)
{
	problem_reply_begin(req, status);
	problem_reply_send(req, status, detail);
}

void problem_reply_fault(struct request *req)
{
	const char *detail = req->fault_detail ? req->fault_detail : "";
	problem_reply(req, fault_status(req->fault), str_of(detail));
}

void problem_reply_method(struct request *req, struct str allowed)
{
	int status = req->method == METHOD_OPTIONS ? 204 : 405;
	reply_begin(req, status);
	reply_header(req, STR("Allow"), allowed);
	if (status == 204)
		return reply_send(req, STR(""), STR(""));
	problem_reply_send(req, status, STR(""));
}
