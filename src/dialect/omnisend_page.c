/* What the lists of contacts and batches have in common. */
#include "dialect/omnisend_private.h"

enum { LIMIT_DEFAULT = 100, LIMIT_MAX = 250 };

uint64_t omnisend_number(struct call *call, struct str name, uint64_t otherwise, uint64_t least,
			 uint64_t most, const char *range)
{
	struct str text = url_query(call->req->place, call->req->query, name);
	uint64_t n = otherwise;
	if (text.p && (!str_to_u64(text, &n) || n < least || n > most))
		problem_at(&call->problems, PROBLEM_FORMAT, name, .rule = range);
	return n;
}

uint64_t omnisend_limit(struct call *call)
{
	return omnisend_number(call, STR("limit"), LIMIT_DEFAULT, 1, LIMIT_MAX,
			       "number from 1 to 250");
}

/* Whether a parameter, as it was sent, is one of these. */
static bool is_of(struct str parameter, const struct str *names, unsigned n)
{
	struct str name = str_head(parameter, str_find(parameter, '='));
	for (unsigned i = 0; i < n; i++)
		if (str_eq(name, names[i]))
			return true;
	return false;
}

/* "a=b&" for each of the others. */
static void put_others(struct buf *b, struct str query, const struct str *names, unsigned n)
{
	while (query.n) {
		struct str one = str_head(query, str_find(query, '&'));
		query = str_from(query, MIN(one.n + 1, query.n));
		if (one.n == 0 || is_of(one, names, n))
			continue;
		buf_put(b, one);
		buf_char(b, '&');
	}
}

void omnisend_put_link(struct buf *b, struct call *call, const struct str *names, unsigned n,
		       struct str name, struct str value)
{
	struct str proto = request_header(call->req, STR("X-Forwarded-Proto"));
	bool encrypted = request_is_encrypted(call->req) || str_eq(proto, STR("https"));
	struct buf link = buf_in(b->arena);
	buf_put(&link, encrypted ? STR("https://") : STR("http://"));
	buf_put(&link, request_header(call->req, STR("Host")));
	buf_put(&link, call->req->path);
	buf_char(&link, '?');
	put_others(&link, call->req->query, names, n);
	buf_put(&link, name);
	buf_char(&link, '=');
	buf_put(&link, value);
	b->failed |= link.failed;
	buf_json_str(b, buf_str(&link));
}
