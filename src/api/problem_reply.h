/* Errors as RFC 9457 problem documents: for the native API and for paths that nobody owns. */
#pragma once

#include "model/problem.h"
#include "net/reply.h"

/* Answers with {"type":"about:blank","title":<reason phrase>,"status":...,"detail":...}. detail may
 * be empty. Headers can be added between begin and send. */
void problem_reply_begin(struct request *req, int status);
void problem_reply_send(struct request *req, int status, struct str detail);

/* Both in one. */
void problem_reply(struct request *req, int status, struct str detail);

/* Likewise, with "errors":[{"path","message"}], one for each problem. */
void problem_reply_errors(struct request *req, int status, struct str detail,
			  const struct problems *problems);

/* What the net layer has found: req->fault. */
void problem_reply_fault(struct request *req);

/* 405 with these methods in Allow; to OPTIONS 204 with the same. */
void problem_reply_method(struct request *req, struct str allowed);
