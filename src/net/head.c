#include "net/head.h"

#include "net/policy.h"

enum { LINE_REST = 64 }; /* of a request line, besides the target: method, version, blanks */

/* How far the line under way may reach. */
static size_t limit_of(const struct head *h, const struct net_limits *limits)
{
	size_t first = limits->target_max + LINE_REST;
	return h->lines ? limits->head_max : MIN(limits->head_max, first);
}

static bool may_begin_line(const struct head *h, char c)
{
	if (h->lines == 0)
		return policy_is_token_char(c);
	return c != ' ' && c != '\t';
}

/* n bytes of a line, the LF last if `ended`. */
static bool line_end_ok(struct head *h, const char *data, size_t n, bool ended)
{
	if (h->after_cr && data[0] != '\n')
		return false;
	const char *cr = memchr(data, '\r', n);
	if (ended)
		return cr ? cr == data + n - 2 : n == 1 && h->after_cr;
	h->after_cr = cr != NULL;
	return !cr || cr == data + n - 1;
}

static enum head_outcome end_line(struct head *h, const struct net_limits *limits)
{
	bool empty = h->line_n == 2;
	h->line_n = 0;
	h->after_cr = false;
	if (h->lines++ == 0)
		h->first_line = h->n;
	if (empty)
		return HEAD_WHOLE;
	return h->lines > limits->headers_max + 1 ? HEAD_TOO_MANY_LINES : HEAD_MORE;
}

/* The line under way in data[0..n), n > 0. */
static enum head_outcome scan_line(struct head *h, const struct net_limits *limits,
				   const char *data, size_t n, size_t *took)
{
	if (h->line_n == 0 && !may_begin_line(h, data[0]))
		return HEAD_MALFORMED;
	n = MIN(n, limit_of(h, limits) - h->n);
	if (n == 0)
		return HEAD_LINE_TOO_LONG;
	const char *lf = memchr(data, '\n', n);
	if (lf)
		n = (size_t)(lf - data) + 1;
	if (!line_end_ok(h, data, n, lf != NULL))
		return HEAD_MALFORMED;
	*took += n;
	h->n += n;
	h->line_n += n;
	return lf ? end_line(h, limits) : HEAD_MORE;
}

enum head_outcome head_scan(struct head *h, const struct net_limits *limits, const char *data,
			    size_t n, size_t *took)
{
	enum head_outcome r = HEAD_MORE;
	*took = 0;
	while (r == HEAD_MORE && *took < n)
		r = scan_line(h, limits, data + *took, n - *took, took);
	return r;
}
