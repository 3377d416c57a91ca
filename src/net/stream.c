/* Answers in pieces: reply_stream of reply.h. */
#include "net/conn.h"
#include "net/reply.h"

#include <stdio.h>

static const struct str last_chunk = STR_INIT("0\r\n\r\n");

static bool in_chunks(const struct request *req)
{
	return !req->old_http;
}

static void put_head(struct request *req, struct str content_type)
{
	reply_put_date(req);
	reply_header(req, STR("Content-Type"), content_type);
	if (in_chunks(req))
		reply_header(req, STR("Transfer-Encoding"), STR("chunked"));
	buf_lit(&req->head, "Connection: close\r\n\r\n");
}

/* All that will be said is the head. */
static void answer_at_once(struct request *req)
{
	if (req->head.failed)
		reply_give_up(req);
	else
		req->out[0] = buf_str(&req->head);
	reply_hand_over(req);
}

bool reply_stream_begin(struct request *req, struct str content_type, struct reply_stream *s)
{
	must(req->status && !req->ready && !req->stream);
	s->req = req;
	req->stream = s;
	reply_close(req);
	put_head(req, content_type);
	if (req->head.failed || req->method == METHOD_HEAD) {
		answer_at_once(req);
		return false;
	}
	s->parts[0] = buf_str(&req->head);
	s->given = true;
	if (req->conn) {
		conn_begin_stream(req->conn, req);
		conn_touch(req->conn);
	}
	return true;
}

bool reply_stream_is_gone(const struct reply_stream *s)
{
	return !s->req->conn;
}

bool reply_stream_stops(const struct reply_stream *s)
{
	return s->req->loop->draining;
}

bool reply_stream_is_free(const struct reply_stream *s)
{
	return !s->given && !reply_stream_is_gone(s);
}

void reply_stream_put(struct reply_stream *s, struct str piece)
{
	must(piece.n && reply_stream_is_free(s));
	if (in_chunks(s->req)) {
		int n = snprintf(s->frame, sizeof(s->frame), "%zx\r\n", piece.n);
		s->parts[1] = (struct str){ s->frame, (size_t)n };
		s->parts[3] = STR("\r\n");
	}
	s->parts[2] = piece;
	s->given = true;
	s->beat = false;
	conn_touch(s->req->conn);
}

void reply_stream_took(struct reply_stream *s)
{
	for (size_t i = 0; i < ARRAY_LEN(s->parts); i++) {
		s->req->reply_bytes += s->parts[i].n;
		s->parts[i] = STR("");
	}
	s->given = false;
	s->look(s);
}

void reply_stream_end(struct reply_stream *s)
{
	must(reply_stream_is_free(s) || reply_stream_is_gone(s));
	if (in_chunks(s->req))
		s->req->out[0] = last_chunk;
	reply_hand_over(s->req);
}
