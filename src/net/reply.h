/*
 * The answer to one request. Begun, given headers, sent; sent exactly once, on the request's loop.
 * Date, Content-Length and Connection are added here; answers leave in the order of the requests.
 *
 * Header values are made of visible characters and blanks: anything else is dropped from them, so
 * an echoed value can never split the answer. When memory for the answer is refused, a bare 503
 * is sent instead and the connection closed.
 */
#pragma once

#include "net/request.h"

void reply_begin(struct request *req, int status);
void reply_header(struct request *req, struct str name, struct str value);
void reply_header_u64(struct request *req, struct str name, uint64_t value);

/* Body and type must live as long as the request (or be static). No body: STR("") and STR(""):
 * Content-Length: 0, or nothing where the status has none (1xx, 204, 304). HEAD sends no body. */
void reply_send(struct request *req, struct str content_type, struct str body);

/* Instead of all that was begun: the bare 503, which needs no memory. Ends the connection. */
void reply_send_503(struct request *req);

/*
 * An answer whose length nobody knows: begun, given piece after piece, ended. In chunks, or to
 * HTTP/1.0 until the connection ends, as it does after every stream. What the client has sent behind
 * it is not answered, what it still sends is dropped; a client that closes its half has gone.
 *
 * One piece at a time: the next may be given when the one before has been handed to the socket. So
 * who reads slowly holds one piece and no more, and who reads none of it in write_ms is cut off.
 */
struct reply_stream {
	/* On the loop, whenever one of the questions below may have a new answer, and every
	 * beat_ms. Not from within the calls below, unless those are about another stream. */
	void (*look)(struct reply_stream *s);
	bool beat; /* it was time for that; a piece that is given puts it out */

	/* The net layer's own. */
	struct request *req;
	struct str parts[4]; /* of the piece: the head before the first, the frame around it */
	char frame[20];
	bool given; /* a piece waits to be sent, or is being sent */
};

/* Instead of reply_send(), behind the headers; `s` (look set, the rest zero) lives as long as the
 * request. False: it is over and answered already, because memory was refused or nothing but the
 * head was asked for. */
MUST_CHECK bool reply_stream_begin(struct request *req, struct str content_type,
				   struct reply_stream *s);

bool reply_stream_is_gone(const struct reply_stream *s); /* the client; nothing can be given */
bool reply_stream_stops(const struct reply_stream *s);   /* the server; end it soon */
bool reply_stream_is_free(const struct reply_stream *s); /* a piece can be given, or the end */

/* Not empty; stays as it is until the stream is free again or the client has gone. */
void reply_stream_put(struct reply_stream *s, struct str piece);

/* When it is free or gone. The request may have ended after it. */
void reply_stream_end(struct reply_stream *s);

/* Ends the connection after this answer. */
static inline void reply_close(struct request *req)
{
	req->close_after = true;
}
