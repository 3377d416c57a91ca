/*
 * The lines of a request's head: where they end, and that nothing is odd about it. CR LF and
 * nothing else ends a line, no line but the first begins with a blank (RFC 9112 sections 2.2 and
 * 5.2), and the sizes are within the limits. Looks at bytes as they come, keeps none.
 */
#pragma once

#include "net/server.h"

struct head {
	size_t n;          /* bytes looked at and found good */
	size_t line_n;     /* of these in the line under way */
	size_t first_line; /* bytes of the request line with its end; 0 until it is there */
	unsigned lines;    /* complete, the request line included */
	bool after_cr;     /* the last byte was CR */
};

enum head_outcome {
	HEAD_MORE,
	HEAD_WHOLE,
	HEAD_MALFORMED,
	HEAD_LINE_TOO_LONG, /* the line under way leaves the room that there is for it */
	HEAD_TOO_MANY_LINES,
};

/* *took bytes are good. */
enum head_outcome head_scan(struct head *h, const struct net_limits *limits, const char *data,
			    size_t n, size_t *took);
