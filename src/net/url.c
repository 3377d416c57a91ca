#include "net/url.h"

#include "base/digest.h"

/* Decodes s into out, which holds s.n bytes. False: a broken escape. */
static bool decode(struct str s, bool plus_is_blank, char *out, size_t *n)
{
	*n = 0;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		if (c == '%') {
			int high = i + 2 < s.n ? hex_value(s.p[i + 1]) : -1;
			int low = high < 0 ? -1 : hex_value(s.p[i + 2]);
			if (low < 0)
				return false;
			c = (char)(high << 4 | low);
			i += 2;
		} else if (c == '+' && plus_is_blank) {
			c = ' ';
		}
		out[(*n)++] = c;
	}
	return true;
}

bool url_place_make(struct arena *a, struct str text, struct url_place *out)
{
	bool plain = str_find(text, '%') == text.n && str_find(text, '+') == text.n;
	*out = (struct url_place){ text.p, plain ? NULL : arena_alloc(a, text.n) };
	return plain || out->twin;
}

/* .p NULL: a broken escape, or a text whose place was never made. */
static struct str decode_at(struct url_place at, struct str s, bool plus_is_blank)
{
	size_t n;
	char *out = at.twin ? at.twin + (s.p - at.text) : NULL;
	return out && decode(s, plus_is_blank, out, &n) ? (struct str){ out, n }
							: (struct str){ 0 };
}

struct str url_decode(struct url_place at, struct str s)
{
	if (str_find(s, '%') == s.n)
		return s.p ? s : STR("");
	return decode_at(at, s, false);
}

static struct str decode_form(struct url_place at, struct str s)
{
	if (str_find(s, '%') == s.n && str_find(s, '+') == s.n)
		return s;
	struct str value = decode_at(at, s, true);
	return value.p ? value : s;
}

bool url_unreserved(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '.' || c == '_' || c == '~';
}

struct str url_encode(struct arena *a, struct str s)
{
	static const char hex[] = "0123456789ABCDEF";
	char *out = arena_alloc(a, 3 * s.n + 1);
	size_t n = 0;
	if (!out)
		return (struct str){ 0 };
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if (url_unreserved(s.p[i])) {
			out[n++] = s.p[i];
			continue;
		}
		out[n++] = '%';
		out[n++] = hex[c >> 4];
		out[n++] = hex[c & 15];
	}
	return (struct str){ out, n };
}

/* Cuts the first pair off; empty ones between two "&" are none. */
static struct str next_pair(struct str *query)
{
	struct str pair = { 0 };
	while (query->n && pair.n == 0) {
		pair = str_head(*query, str_find(*query, '&'));
		*query = str_from(*query, MIN(pair.n + 1, query->n));
	}
	return pair;
}

static struct str name_of(struct url_place at, struct str pair)
{
	return decode_form(at, str_head(pair, str_find(pair, '=')));
}

bool url_query_next(struct url_place at, struct str *query, struct str *name)
{
	struct str pair = next_pair(query);
	*name = pair.n ? name_of(at, pair) : (struct str){ 0 };
	return pair.n > 0;
}

struct str url_query(struct url_place at, struct str query, struct str name)
{
	for (struct str pair = next_pair(&query); pair.n; pair = next_pair(&query)) {
		size_t equals = str_find(pair, '=');
		if (str_eq(name_of(at, pair), name))
			return equals < pair.n ? decode_form(at, str_from(pair, equals + 1))
					       : STR("");
	}
	return (struct str){ 0 };
}

/* None: *why says it. */
static struct str form_part(struct arena *a, struct str s, enum url_form *why)
{
	struct str part = { arena_alloc(a, s.n + 1), 0 };
	if (!part.p)
		*why = URL_FORM_NO_MEMORY;
	else if (!decode(s, true, (char *)part.p, &part.n))
		*why = URL_FORM_MALFORMED;
	return part;
}

static enum url_form take_pair(struct arena *a, struct str pair, const struct str *names,
			       unsigned n, struct str *values)
{
	enum url_form why = URL_FORM_OK;
	size_t equals = str_find(pair, '=');
	struct str name = form_part(a, str_head(pair, equals), &why);
	struct str value = form_part(a, str_from(pair, MIN(equals + 1, pair.n)), &why);
	for (unsigned i = 0; i < n && !why; i++) {
		if (!str_eq(names[i], name))
			continue;
		if (values[i].p)
			return URL_FORM_MALFORMED;
		values[i] = value;
	}
	return why;
}

enum url_form url_form(struct arena *a, struct str body, const struct str *names, unsigned n,
		       struct str *values)
{
	enum url_form why = URL_FORM_OK;
	for (unsigned i = 0; i < n; i++)
		values[i] = (struct str){ 0 };
	while (body.n && !why) {
		struct str pair = str_head(body, str_find(body, '&'));
		body = str_from(body, MIN(pair.n + 1, body.n));
		if (pair.n)
			why = take_pair(a, pair, names, n, values);
	}
	return why;
}
