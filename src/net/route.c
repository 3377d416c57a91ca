#include "net/route.h"

#include "base/fail.h"
#include "net/url.h"

#include <errno.h>
#include <stdlib.h>

/* A segment of a pattern: all literal, or a parameter between two literals (often empty ones). */
struct segment {
	struct str before, after; /* literal: all of it is in `before` */
	bool is_param;
};

struct entry {
	const struct route *route;
	struct segment segments[ROUTE_SEGMENTS_MAX];
	unsigned n;
};

/* Sorted by number of segments, then by preference, so that the first shape that matches is the
 * best. */
struct route_table {
	bool slash_optional;
	unsigned n;
	unsigned
		begin[ROUTE_SEGMENTS_MAX + 2]; /* entries of n segments: [begin[n], begin[n + 1]) */
	struct entry entries[];
};

static bool parse_segment(struct str s, struct segment *out)
{
	size_t open = str_find(s, '{'), close = str_find(s, '}');
	*out = (struct segment){ .before = s, .after = STR(""), .is_param = open < s.n };
	if (!out->is_param)
		return close == s.n;
	if (close == s.n || close < open + 2)
		return false;
	out->before = str_head(s, open);
	out->after = str_from(s, close + 1);
	return str_find(out->after, '{') == out->after.n &&
	       str_find(out->after, '}') == out->after.n;
}

/* Cuts the first segment, which begins with "/", off *rest. */
static struct str next_segment(struct str *rest)
{
	struct str s = str_from(*rest, 1);
	s = str_head(s, str_find(s, '/'));
	*rest = str_from(*rest, s.n + 1);
	return s;
}

static int parse_pattern(const struct route *route, struct entry *e)
{
	struct str rest = str_of(route->pattern);
	unsigned n_params = 0;
	*e = (struct entry){ .route = route };
	if (rest.n == 0 || rest.p[0] != '/')
		return fail(-EINVAL, "route %s: does not begin with \"/\"", route->pattern);
	bool is_root = rest.n == 1;
	while (rest.n) {
		struct str s = next_segment(&rest);
		if ((s.n == 0 && !is_root) || e->n == ROUTE_SEGMENTS_MAX)
			return fail(-EINVAL, "route %s: empty segment or too many", route->pattern);
		if (!parse_segment(s, &e->segments[e->n]))
			return fail(-EINVAL, "route %s: broken parameter", route->pattern);
		n_params += e->segments[e->n++].is_param;
	}
	if (n_params > ROUTE_PARAMS_MAX)
		return fail(-EINVAL, "route %s: too many parameters", route->pattern);
	return 0;
}

static int compare_sizes(size_t a, size_t b)
{
	return a < b ? -1 : a > b;
}

/* What says more comes first: a literal, then the parameter with more literal around it. */
static int compare_segments(const struct segment *a, const struct segment *b)
{
	if (a->is_param != b->is_param)
		return a->is_param ? 1 : -1;
	int r = 0;
	if (a->is_param)
		r = compare_sizes(b->before.n + b->after.n, a->before.n + a->after.n);
	r = r ?: str_cmp(a->before, b->before);
	return r ?: str_cmp(a->after, b->after);
}

static int compare_shapes(const struct entry *a, const struct entry *b)
{
	int r = compare_sizes(a->n, b->n);
	for (unsigned i = 0; r == 0 && i < a->n; i++)
		r = compare_segments(&a->segments[i], &b->segments[i]);
	return r;
}

static int compare_entries(const void *pa, const void *pb)
{
	const struct entry *a = pa, *b = pb;
	return compare_shapes(a, b) ?: (int)a->route->method - (int)b->route->method;
}

static int sort_entries(struct route_table *t)
{
	qsort(t->entries, t->n, sizeof(t->entries[0]), compare_entries);
	for (unsigned i = 1; i < t->n; i++)
		if (compare_entries(&t->entries[i - 1], &t->entries[i]) == 0)
			return fail(-EINVAL, "route %s: there are two",
				    t->entries[i].route->pattern);
	unsigned i = 0;
	for (unsigned n = 0; n < ARRAY_LEN(t->begin); n++) {
		while (i < t->n && t->entries[i].n < n)
			i++;
		t->begin[n] = i;
	}
	return 0;
}

int route_table_new(const struct route *routes, unsigned n, bool slash_optional,
		    struct route_table **out)
{
	struct route_table *t = calloc(1, sizeof(*t) + n * sizeof(t->entries[0]));
	int r = 0;
	if (!t)
		return fail(-ENOMEM, "no memory for a table of routes");
	t->slash_optional = slash_optional;
	t->n = n;
	for (unsigned i = 0; r == 0 && i < n; i++)
		r = parse_pattern(&routes[i], &t->entries[i]);
	r = r ?: sort_entries(t);
	if (r < 0) {
		free(t);
		return pass(r);
	}
	*out = t;
	return 0;
}

void route_table_free(struct route_table *t)
{
	free(t);
}

/* The decoded segments of a path. False: too many, or a broken escape. */
static bool split_path(const struct route_table *t, const struct request *req, struct str *segments,
		       unsigned *n)
{
	struct str path = req->path;
	*n = 0;
	while (path.n) {
		if (path.p[0] != '/' || *n == ROUTE_SEGMENTS_MAX)
			return false;
		struct str s = next_segment(&path);
		if (s.n == 0 && *n > 0 && path.n == 0 && t->slash_optional)
			return true;
		segments[*n] = url_decode(req->place, s);
		if (!segments[(*n)++].p)
			return false;
	}
	return *n > 0;
}

static bool matches_segment(const struct segment *seg, struct str s)
{
	if (!seg->is_param)
		return str_eq(seg->before, s);
	if (s.n <= seg->before.n + seg->after.n || !str_starts(s, seg->before))
		return false;
	return str_eq(str_from(s, s.n - seg->after.n), seg->after);
}

static bool matches(const struct entry *e, const struct str *segments)
{
	for (unsigned i = 0; i < e->n; i++)
		if (!matches_segment(&e->segments[i], segments[i]))
			return false;
	return true;
}

static void take_params(const struct entry *e, const struct str *segments, struct route_match *out)
{
	out->n_params = 0;
	for (unsigned i = 0; i < e->n; i++) {
		const struct segment *seg = &e->segments[i];
		struct str s = segments[i];
		if (!seg->is_param)
			continue;
		out->params[out->n_params++] =
			(struct str){ s.p + seg->before.n, s.n - seg->before.n - seg->after.n };
	}
}

/* Of the entries with n segments, the best shape that the path has: the one of the method, else any
 * of that shape. What a less literal shape would take is not looked at: the path is the other's. */
static const struct entry *search(const struct route_table *t, const struct str *segments,
				  unsigned n, enum method method, unsigned *allowed)
{
	const struct entry *found = NULL;
	for (unsigned i = t->begin[n]; i < t->begin[n + 1]; i++) {
		const struct entry *e = &t->entries[i];
		if (found && compare_shapes(found, e) != 0)
			break;
		if (!found && !matches(e, segments))
			continue;
		if (!found || e->route->method == method)
			found = e;
		*allowed |= METHOD_BIT(e->route->method);
	}
	return found;
}

enum route_outcome route_find(const struct route_table *t, const struct request *req,
			      struct route_match *out)
{
	enum method method = req->method;
	struct str segments[ROUTE_SEGMENTS_MAX];
	unsigned n;
	*out = (struct route_match){ 0 };
	if (!split_path(t, req, segments, &n))
		return ROUTE_UNKNOWN;
	const struct entry *e = search(t, segments, n, method, &out->allowed);
	if (e && method == METHOD_HEAD && e->route->method != METHOD_HEAD) {
		method = METHOD_GET;
		e = search(t, segments, n, method, &out->allowed);
	}
	if (!e)
		return ROUTE_UNKNOWN;
	out->route = e->route;
	take_params(e, segments, out);
	return e->route->method == method ? ROUTE_FOUND : ROUTE_OTHER_METHOD;
}

struct str route_allow(struct arena *a, unsigned allowed)
{
	struct buf b = buf_in(a);
	for (enum method m = METHOD_GET; m <= METHOD_OPTIONS; m++) {
		if (!(allowed & METHOD_BIT(m)))
			continue;
		if (b.n)
			buf_lit(&b, ", ");
		buf_put(&b, str_of(method_name(m)));
	}
	return b.failed ? (struct str){ 0 } : buf_str(&b);
}
