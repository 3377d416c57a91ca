/*
 * The bytes of one request, in whatever pieces they come, into a struct request. Knows no sockets.
 *
 * The head is gathered in the request's arena and read at once when it is whole: head.c sees to
 * line ends, folded lines and sizes as the bytes come, then policy.c to the request line and to
 * the fields that frame the body, llhttp to the fields' syntax, lengths and chunks. Bytes are
 * judged in their order, so the verdict does not depend on the pieces they come in.
 *
 * Begun with parse_new(), fed until `stage` is PARSE_DONE; then the request is complete, or its
 * `fault` says why it cannot be. Lives in the request's arena; nothing to free.
 */
#pragma once

#include "net/head.h"
#include "net/policy.h"
#include "net/server.h"

#include <llhttp.h>

enum parse_stage { PARSE_HEAD, PARSE_BODY, PARSE_DONE };

struct parse {
	enum parse_stage stage;
	struct request *req;
	const struct net_config *config;

	/* The head so far: scan.n bytes. */
	struct head scan;
	char *head;
	size_t head_room;
	struct header *headers;

	/* The body so far. */
	struct policy_body body;
	size_t body_max, body_room;
	uint64_t body_fed;   /* bytes behind the head that earlier feeds took */
	const char *feeding; /* where the bytes being fed begin */

	llhttp_t llhttp;
};

/* One blank line may stand before a request line (RFC 9112 section 2.2). Belongs to the
 * connection, because it is no request yet. */
enum parse_blank { BLANK_NONE, BLANK_CR, BLANK_LINE };

/* Takes what there is of that line, returns how many bytes. */
size_t parse_skip_blank(enum parse_blank *blank, const char *data, size_t n);

/* NULL: no memory. `blank` as it stands before the first byte to be fed. */
MUST_CHECK struct parse *parse_new(struct request *req, const struct net_config *config,
				   enum parse_blank blank);

/* Takes at least one byte unless the request ends before it; n > 0, stage not PARSE_DONE. */
size_t parse_feed(struct parse *p, const char *data, size_t n);

/* The client should be told to send the body: it waits for that, and none of it is here. */
bool parse_wants_continue(const struct parse *p);

/* How many bytes of the body are still to come, as far as the head has told. */
size_t parse_awaits(const struct parse *p);

/* Nothing more is awaited. False: not even the request line is there, so there is nothing to
 * answer. True: the request has the fault and is done. */
bool parse_give_up(struct parse *p, enum fault fault, const char *detail);
