/* An answer as it arrives, piece by piece: its status and where it ends. Bodies are not looked at. */
#pragma once

#include "base/base.h"

enum answer_outcome {
	ANSWER_MORE,  /* not all here yet */
	ANSWER_DONE,  /* `status` is meant; what follows belongs to the next one */
	ANSWER_WRONG, /* no HTTP answer with a Content-Length */
};

struct answer {
	char head[2048];
	size_t n_head;
	uint64_t body_left;
	unsigned status;
	bool in_body, closes;
	bool says_when; /* to come again: there is a Retry-After */
};

void answer_begin(struct answer *a);
/* Takes some of the n bytes. */
enum answer_outcome answer_feed(struct answer *a, const char *p, size_t n, size_t *taken);
