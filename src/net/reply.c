#include "net/reply.h"

#include "net/conn.h"

#define SAY_CLOSE "Connection: close\r\n\r\n"
#define SAY_KEEP  "Connection: keep-alive\r\n\r\n"
#define SAY_NONE  "\r\n"

/* Needs no memory. */
static const struct str bare_503 = STR_INIT("HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\n"
					    "Content-Length: 0\r\n" SAY_CLOSE);

#define LINE(status, reason) \
	case status:         \
		return STR("HTTP/1.1 " #status " " reason "\r\n")

static struct str status_line(int status)
{
	switch (status) {
		LINE(200, "OK");
		LINE(201, "Created");
		LINE(202, "Accepted");
		LINE(204, "No Content");
		LINE(207, "Multi-Status");
		LINE(301, "Moved Permanently");
		LINE(302, "Found");
		LINE(303, "See Other");
		LINE(304, "Not Modified");
		LINE(307, "Temporary Redirect");
		LINE(308, "Permanent Redirect");
		LINE(400, "Bad Request");
		LINE(401, "Unauthorized");
		LINE(402, "Payment Required");
		LINE(403, "Forbidden");
		LINE(404, "Not Found");
		LINE(405, "Method Not Allowed");
		LINE(406, "Not Acceptable");
		LINE(408, "Request Timeout");
		LINE(409, "Conflict");
		LINE(410, "Gone");
		LINE(411, "Length Required");
		LINE(412, "Precondition Failed");
		LINE(413, "Content Too Large");
		LINE(414, "URI Too Long");
		LINE(415, "Unsupported Media Type");
		LINE(417, "Expectation Failed");
		LINE(421, "Misdirected Request");
		LINE(422, "Unprocessable Content");
		LINE(423, "Locked");
		LINE(424, "Failed Dependency");
		LINE(425, "Too Early");
		LINE(426, "Upgrade Required");
		LINE(428, "Precondition Required");
		LINE(429, "Too Many Requests");
		LINE(431, "Request Header Fields Too Large");
		LINE(451, "Unavailable For Legal Reasons");
		LINE(500, "Internal Server Error");
		LINE(501, "Not Implemented");
		LINE(502, "Bad Gateway");
		LINE(503, "Service Unavailable");
		LINE(504, "Gateway Timeout");
		LINE(505, "HTTP Version Not Supported");
		LINE(507, "Insufficient Storage");
	default:
		return (struct str){ 0 };
	}
}

static bool is_sendable(char c)
{
	return c >= ' ' && c <= '~';
}

/* The value as it is, or what is left of it without the bytes that no value may hold. */
static void put_value(struct buf *b, struct str value)
{
	size_t i = 0;
	while (i < value.n && is_sendable(value.p[i]))
		i++;
	buf_put(b, str_head(value, i));
	for (; i < value.n; i++)
		if (is_sendable(value.p[i]))
			buf_char(b, value.p[i]);
}

void reply_begin(struct request *req, int status)
{
	must(!req->ready && status >= 200 && status <= 599);
	req->status = status;
	req->has_date = false;
	req->head = buf_in(&req->arena);

	struct str line = status_line(status);
	buf_put(&req->head, line);
	if (line.n == 0) {
		buf_lit(&req->head, "HTTP/1.1 ");
		buf_u64(&req->head, (uint64_t)status);
		buf_lit(&req->head, " \r\n");
	}
	if (req->id.p)
		reply_header(req, STR("X-Request-Id"), req->id);
}

void reply_header(struct request *req, struct str name, struct str value)
{
	req->has_date |= str_eq_nocase(name, STR("date"));
	buf_put(&req->head, name);
	buf_lit(&req->head, ": ");
	put_value(&req->head, value);
	buf_lit(&req->head, "\r\n");
}

void reply_header_u64(struct request *req, struct str name, uint64_t value)
{
	buf_put(&req->head, name);
	buf_lit(&req->head, ": ");
	buf_u64(&req->head, value);
	buf_lit(&req->head, "\r\n");
}

static bool status_has_body(int status)
{
	return status != 204 && status != 304;
}

void reply_put_date(struct request *req)
{
	if (!req->has_date)
		buf_put(&req->head, loop_date_line(req->loop));
}

static void put_own_headers(struct request *req, struct str content_type, struct str body)
{
	struct buf *head = &req->head;
	reply_put_date(req);
	if (status_has_body(req->status)) {
		if (content_type.n)
			reply_header(req, STR("Content-Type"), content_type);
		reply_header_u64(req, STR("Content-Length"), body.n);
	}
	/* Room for what reply_seal() adds, so that it cannot fail. */
	buf_lit(head, SAY_KEEP);
	if (!head->failed)
		head->n -= sizeof(SAY_KEEP) - 1;
}

void reply_give_up(struct request *req)
{
	req->status = 503;
	req->close_after = true;
	req->head.failed = true; /* what was begun of it is not sent: reply_seal() */
	req->out[0] = bare_503;
	req->out[1] = (struct str){ 0 };
}

void reply_send(struct request *req, struct str content_type, struct str body)
{
	must(req->status && !req->ready);
	put_own_headers(req, content_type, body);
	bool silent = req->method == METHOD_HEAD || !status_has_body(req->status);
	req->out[0] = buf_str(&req->head);
	req->out[1] = silent ? (struct str){ 0 } : body;
	if (req->head.failed)
		reply_give_up(req);
	reply_hand_over(req);
}

void reply_send_503(struct request *req)
{
	must(!req->ready);
	reply_give_up(req);
	reply_hand_over(req);
}

void reply_hand_over(struct request *req)
{
	req->reply_bytes += req->out[0].n + req->out[1].n;
	req->ready = true;

	req->loop->n_served--;
	if (req->conn) {
		conn_touch(req->conn);
	} else {
		req->next = req->loop->answered;
		req->loop->answered = req;
	}
}

void reply_seal(struct request *req, bool last)
{
	struct str end = STR(SAY_NONE);
	if (last)
		end = STR(SAY_CLOSE);
	else if (req->old_http)
		end = STR(SAY_KEEP);
	if (req->head.failed || req->stream) /* the bare answer has its end, a stream had it */
		return;
	buf_put(&req->head, end);
	req->out[0] = buf_str(&req->head);
	req->reply_bytes = req->out[0].n + req->out[1].n;
}
