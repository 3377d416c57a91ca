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

/* Ends the connection after this answer. */
static inline void reply_close(struct request *req)
{
	req->close_after = true;
}
