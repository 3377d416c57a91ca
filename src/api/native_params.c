/*
 * Query parameters of the native API: which there may be, and what they say. One that is unknown or
 * comes twice is refused on every path: what was misspelt would otherwise seem to have worked.
 */
#include "api/native_query.h"

#include "net/url.h"

enum { LIMIT_DEFAULT = 50, LIMIT_MAX = 1000, PAGE_BYTES = 4 * 1024 * 1024 };

const char *const native_page_params[] = { "limit", "before", NULL };

struct str native_param(struct native_query *q, const char *name)
{
	return url_query(q->req->place, q->req->query, str_of(name));
}

/* As much of what was sent as an answer repeats. */
static struct str part(struct str s)
{
	return echo(str_head(s, 40));
}

static bool refuse_value(struct native_query *q, const char *name, const char *want, struct str got)
{
	struct str why = arena_printf(&q->req->arena, "%s must be %s, not \"" STR_FMT "\"", name,
				      want, STR_ARG(part(got)));
	return native_refuse(q, 400, why.p ? why.p : "a parameter is not what is asked for");
}

bool native_number(struct native_query *q, const char *name, uint64_t min, uint64_t max,
		   uint64_t *out)
{
	struct str s = native_param(q, name);
	if (!s.p || (str_to_u64(s, out) && *out >= min && *out <= max))
		return true;
	struct str want = arena_printf(&q->req->arena, "a whole number from %llu to %llu",
				       (unsigned long long)min, (unsigned long long)max);
	return refuse_value(q, name, want.p ? want.p : "another number", s);
}

bool native_row_number(struct native_query *q, const char *unknown, uint64_t *no)
{
	if (str_to_u64(q->params[0], no) && *no > 0 && *no <= INT64_MAX)
		return true;
	return native_refuse(q, 404, unknown);
}

bool native_time(struct native_query *q, const char *name, instant_us *out)
{
	struct str s = native_param(q, name);
	if (!s.p || time_parse(s, TIME_DATE_ALONE, out))
		return true;
	return refuse_value(q, name, "a time such as 2026-06-01T12:00:00Z (RFC 3339)", s);
}

bool native_page(struct native_query *q)
{
	uint64_t limit = LIMIT_DEFAULT;
	bool good = native_number(q, "limit", 1, LIMIT_MAX, &limit) &&
		    native_number(q, "before", 1, INT64_MAX, &q->events.before);
	q->events.limit = (unsigned)limit;
	return good;
}

bool native_page_is_full(const struct native_query *q, unsigned n)
{
	return n == q->events.limit || q->body.n >= PAGE_BYTES;
}

static bool refuse_unknown(struct native_query *q, struct str name)
{
	struct buf b = buf_in(&q->req->arena);
	buf_printf(&b, "there is no parameter \"" STR_FMT "\" here, ", STR_ARG(part(name)));
	const char *between = "only ";
	for (const char *const *known = q->resource->params; known && *known; known++) {
		buf_printf(&b, "%s%s", between, *known);
		between = ", ";
	}
	if (!q->resource->params)
		buf_lit(&b, "nor any other");
	buf_char(&b, '\0');
	return native_refuse(q, 400, b.failed ? "there is no such parameter here" : b.p);
}

/* Its bit among those that the resource knows; 0: it is none of them. */
static unsigned bit_of(const struct native_query *q, struct str name)
{
	const char *const *known = q->resource->params;
	for (unsigned i = 0; known && known[i]; i++)
		if (str_eq(str_of(known[i]), name))
			return 1U << i;
	return 0;
}

bool native_params(struct native_query *q)
{
	struct str rest = q->req->query, name;
	unsigned seen = 0;
	while (url_query_next(q->req->place, &rest, &name)) {
		unsigned bit = bit_of(q, name);
		if (!bit)
			return refuse_unknown(q, name);
		if (seen & bit) {
			struct str why = arena_printf(
				&q->req->arena, STR_FMT " may be given only once", STR_ARG(name));
			return native_refuse(q, 400, why.p ? why.p : "a parameter is given twice");
		}
		seen |= bit;
	}
	return true;
}
