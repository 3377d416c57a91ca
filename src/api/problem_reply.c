#include "api/problem_reply.h"

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
	{ 411, "Length Required" },
	{ 413, "Content Too Large" },
	{ 414, "URI Too Long" },
	{ 415, "Unsupported Media Type" },
	{ 417, "Expectation Failed" },
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

void problem_reply_send(struct request *req, int status, struct str detail)
{
	struct buf b = buf_in(&req->arena);
	buf_printf(&b, "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%d", title_of(status),
		   status);
	if (detail.n) {
		buf_lit(&b, ",\"detail\":");
		buf_json_str(&b, detail);
	}
	buf_lit(&b, "}");
	reply_send(req, STR("application/problem+json"), b.failed ? STR("") : buf_str(&b));
}

void problem_reply(struct request *req, int status, struct str detail)
{
	problem_reply_begin(req, status);
	problem_reply_send(req, status, detail);
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
