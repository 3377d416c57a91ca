/*
 * What a request's head must look like beyond what llhttp sees to: the request line, and the
 * fields that decide where the request ends or whether it can be served. Pure: reads and judges.
 *
 * RFC 9112 sections 2.3, 3, 6.1, 6.3; RFC 9110 sections 7.2, 8.4, 8.6, 10.1.1.
 */
#pragma once

#include "net/request.h"

struct verdict {
	enum fault fault;
	const char *detail; /* static text; NULL without a fault */
};

/* Whether a byte may stand in a method or a field name. */
bool policy_is_token_char(char c);

/*
 * `line` is the request line without its line end, or the beginning of one that is `cut`. Sets
 * method, target, path, query and old_http as far as they can be told, with a fault too. With
 * `cut` only the length of the target is judged.
 */
struct verdict policy_request_line(struct request *req, struct str line, bool cut,
				   size_t target_max);

/* What the fields say about the body. */
struct policy_body {
	bool chunked;
	bool expects_continue;
	uint64_t length; /* 0 when chunked or absent */
};

/* Judges req->headers, all of them; the request line has been judged before. */
struct verdict policy_fields(const struct request *req, struct policy_body *out);
