#include "net/policy.h"

#include "base/digest.h"

#define PASSED                ((struct verdict){ FAULT_NONE, NULL })
#define REFUSED(fault, words) ((struct verdict){ (fault), (words) })
#define MALFORMED(words)      REFUSED(FAULT_SYNTAX, words)

bool policy_is_token_char(char c)
{
	static const bool table[256] = {
		['0' ... '9'] = true, ['A' ... 'Z'] = true, ['a' ... 'z'] = true, ['!'] = true,
		['#'] = true,         ['$'] = true,         ['%'] = true,         ['&'] = true,
		['\''] = true,        ['*'] = true,         ['+'] = true,         ['-'] = true,
		['.'] = true,         ['^'] = true,         ['_'] = true,         ['`'] = true,
		['|'] = true,         ['~'] = true,
	};
	return table[(unsigned char)c];
}

static bool is_token(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!policy_is_token_char(s.p[i]))
			return false;
	return s.n > 0;
}

static bool is_digits(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	return true;
}

static enum method method_of(struct str name)
{
	static const struct {
		struct str name;
		enum method method;
	} known[] = {
		{ STR_INIT("GET"), METHOD_GET },         { STR_INIT("POST"), METHOD_POST },
		{ STR_INIT("HEAD"), METHOD_HEAD },       { STR_INIT("PUT"), METHOD_PUT },
		{ STR_INIT("PATCH"), METHOD_PATCH },     { STR_INIT("DELETE"), METHOD_DELETE },
		{ STR_INIT("OPTIONS"), METHOD_OPTIONS },
	};
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (str_eq(name, known[i].name))
			return known[i].method;
	return METHOD_OTHER;
}

/* RFC 3986: unreserved and sub-delims. */
static bool is_host_char(char c)
{
	static const bool table[256] = {
		['0' ... '9'] = true, ['A' ... 'Z'] = true, ['a' ... 'z'] = true, ['-'] = true,
		['.'] = true,         ['_'] = true,         ['~'] = true,         ['!'] = true,
		['$'] = true,         ['&'] = true,         ['\''] = true,        ['('] = true,
		[')'] = true,         ['*'] = true,         ['+'] = true,         [','] = true,
		[';'] = true,         ['='] = true,
	};
	return table[(unsigned char)c];
}

/* "host", "host:port", "[v6]:port": the part between, without the port, is what is checked. */
static bool host_name_ok(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (is_host_char(s.p[i]))
			continue;
		if (s.p[i] != '%' || i + 2 >= s.n || hex_value(s.p[i + 1]) < 0 ||
		    hex_value(s.p[i + 2]) < 0)
			return false;
		i += 2;
	}
	return s.n > 0;
}

static bool host_address_ok(struct str inside)
{
	for (size_t i = 0; i < inside.n; i++)
		if (hex_value(inside.p[i]) < 0 && inside.p[i] != ':' && inside.p[i] != '.')
			return false;
	return inside.n >= 2;
}

static bool host_ok(struct str s)
{
	size_t end;
	if (s.n && s.p[0] == '[') {
		end = str_find(s, ']');
		if (end == s.n || !host_address_ok((struct str){ s.p + 1, end - 1 }))
			return false;
		end++;
	} else {
		end = str_find(s, ':');
		if (!host_name_ok(str_head(s, end)))
			return false;
	}
	struct str port = str_from(s, end);
	return port.n == 0 || (port.p[0] == ':' && port.n <= 6 && is_digits(str_from(port, 1)));
}

static void set_path(struct request *req, struct str s)
{
	size_t end = str_find(s, '?');
	req->path = end ? str_head(s, end) : STR("/");
	req->query = end < s.n ? str_from(s, end + 1) : (struct str){ 0 };
}

/* http://host[:port][/path][?query] */
static struct verdict take_absolute(struct request *req, struct str target)
{
	size_t scheme = str_find(target, ':');
	struct str name = str_head(target, scheme);
	if (!str_eq_nocase(name, STR("http")) && !str_eq_nocase(name, STR("https")))
		return MALFORMED("the request target is neither a path nor an http URL");
	struct str rest = str_from(target, scheme);
	if (!str_starts(rest, STR("://")))
		return MALFORMED("the request target is not a URL");
	rest = str_from(rest, 3);
	size_t end = MIN(str_find(rest, '/'), str_find(rest, '?'));
	if (!host_ok(str_head(rest, end)))
		return MALFORMED("the request target has no valid host");
	set_path(req, str_from(rest, end));
	return PASSED;
}

/* Up to the first character that no URL has. */
static struct str clean_part(struct str target)
{
	size_t i = 0;
	while (i < target.n && target.p[i] > ' ' && target.p[i] <= '~' && target.p[i] != '#')
		i++;
	return str_head(target, i);
}

static struct verdict take_target(struct request *req, struct str target)
{
	struct str clean = clean_part(target);
	if (clean.n < target.n) {
		if (str_starts(clean, STR("/")))
			set_path(req, clean); /* whose it is says who words the answer */
		return MALFORMED("the request target holds a character that URLs have not");
	}
	if (target.n == 0)
		return MALFORMED("no request target");
	if (str_eq(target, STR("*"))) {
		req->path = STR("/");
		return req->method == METHOD_OPTIONS ? PASSED
						     : MALFORMED("\"*\" is for OPTIONS alone");
	}
	if (target.p[0] != '/')
		return take_absolute(req, target);
	set_path(req, target);
	return PASSED;
}

static struct verdict take_version(struct request *req, struct str version)
{
	req->old_http = str_eq(version, STR("HTTP/1.0"));
	if (req->old_http || str_eq(version, STR("HTTP/1.1")))
		return PASSED;
	bool formed = version.n == 8 && str_starts(version, STR("HTTP/")) &&
		      is_digits((struct str){ version.p + 5, 1 }) && version.p[6] == '.' &&
		      is_digits((struct str){ version.p + 7, 1 });
	return formed ? REFUSED(FAULT_VERSION, "only HTTP/1.0 and HTTP/1.1 are spoken here")
		      : MALFORMED("the request line does not end with an HTTP version");
}

static struct verdict take_method(struct request *req, struct str name)
{
	req->method = method_of(name);
	req->method_text = name;
	if (!is_token(name))
		return MALFORMED("the method is not a word");
	return PASSED;
}

/* The target begins behind the first blank and ends before the last one. */
static struct str target_of(struct str line, bool cut)
{
	struct str rest = str_from(line, MIN(str_find(line, ' ') + 1, line.n));
	const char *end = cut || rest.n == 0 ? NULL : memrchr(rest.p, ' ', rest.n);
	return end ? str_head(rest, (size_t)(end - rest.p)) : rest;
}

struct verdict policy_request_line(struct request *req, struct str line, bool cut,
				   size_t target_max)
{
	struct str name = str_head(line, str_find(line, ' '));
	struct verdict v = take_method(req, name);
	if (v.fault)
		return v;

	struct str target = target_of(line, cut);
	req->target = str_head(target, target_max);
	if (target.n > target_max) {
		take_target(req, req->target);
		return REFUSED(FAULT_TARGET_TOO_LONG, "the request target is too long");
	}
	if (cut)
		return PASSED;
	size_t version_at = name.n + 1 + target.n + 1;
	if (version_at >= line.n) {
		take_target(req, target);
		return MALFORMED("the request line does not end with an HTTP version");
	}
	v = take_version(req, str_from(line, version_at));
	struct verdict of_target;
	if (str_eq(name, STR("CONNECT")))
		of_target = REFUSED(FAULT_NOT_IMPLEMENTED, "this server is no proxy");
	else
		of_target = take_target(req, target);
	return v.fault ? v : of_target;
}

/* The fields that matter, as they were met. */
struct fields {
	unsigned n_host, n_length, n_coding, n_authorization, n_type;
	struct str host, length, coding;
	bool expects_continue, expects_other, encoded;
};

static void take_host(struct fields *f, struct str value)
{
	f->n_host++;
	f->host = value;
}

static void take_length(struct fields *f, struct str value)
{
	f->n_length++;
	f->length = value;
}

static void take_coding(struct fields *f, struct str value)
{
	f->n_coding++;
	f->coding = value;
}

static void take_expect(struct fields *f, struct str value)
{
	bool known = str_eq_nocase(value, STR("100-continue"));
	f->expects_continue |= known;
	f->expects_other |= !known;
}

static void take_content_coding(struct fields *f, struct str value)
{
	f->encoded |= !str_eq_nocase(value, STR("identity"));
}

static void take_authorization(struct fields *f, struct str value)
{
	(void)value;
	f->n_authorization++;
}

static void take_type(struct fields *f, struct str value)
{
	(void)value;
	f->n_type++;
}

static void take_field(struct fields *f, const struct header *h)
{
	static const struct {
		struct str name;
		void (*take)(struct fields *f, struct str value);
	} known[] = {
		{ STR_INIT("host"), take_host },
		{ STR_INIT("content-length"), take_length },
		{ STR_INIT("transfer-encoding"), take_coding },
		{ STR_INIT("expect"), take_expect },
		{ STR_INIT("content-encoding"), take_content_coding },
		{ STR_INIT("authorization"), take_authorization },
		{ STR_INIT("content-type"), take_type },
	};
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (h->name.n == known[i].name.n && str_eq_nocase(h->name, known[i].name))
			known[i].take(f, h->value);
}

static struct verdict judge_host(const struct request *req, const struct fields *f)
{
	if (f->n_host > 1)
		return MALFORMED("more than one Host");
	if (f->n_host == 0)
		return req->old_http ? PASSED : MALFORMED("no Host");
	return host_ok(f->host) ? PASSED : MALFORMED("Host is not a host name");
}

/* A list of words, perhaps with parameters: something that a newer HTTP could mean. */
static bool is_coding_list(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!policy_is_token_char(s.p[i]) && !memchr(",;= \t", s.p[i], 5))
			return false;
	return s.n > 0;
}

static struct verdict judge_coding(const struct request *req, const struct fields *f)
{
	if (f->n_coding == 0)
		return PASSED;
	if (f->n_length)
		return MALFORMED("both Content-Length and Transfer-Encoding");
	if (req->old_http)
		return MALFORMED("Transfer-Encoding in HTTP/1.0");
	if (f->n_coding > 1 || !is_coding_list(f->coding))
		return MALFORMED("Transfer-Encoding cannot be read");
	if (!str_eq_nocase(f->coding, STR("chunked")))
		return REFUSED(FAULT_NOT_IMPLEMENTED, "the only transfer coding here is chunked");
	return PASSED;
}

/* No length is a body of no bytes, whatever the method (RFC 9112 section 6.3): what it lacks is for the
 * endpoint to say, in its vendor's words. */
static struct verdict judge_length(const struct fields *f, uint64_t *out)
{
	*out = 0;
	if (f->n_length > 1)
		return MALFORMED("more than one Content-Length");
	if (f->n_length && !str_to_u64(f->length, out))
		return MALFORMED("Content-Length is not a number");
	return PASSED;
}

/* RFC 9110 section 5.3: a proxy that judges the last of two is not to be led past by the first. */
static struct verdict judge_single(const struct fields *f)
{
	if (f->n_authorization > 1)
		return MALFORMED("more than one Authorization");
	return f->n_type > 1 ? MALFORMED("more than one Content-Type") : PASSED;
}

/* What is framed well and yet will not be served. */
static struct verdict judge_wishes(const struct fields *f)
{
	if (f->expects_other)
		return REFUSED(FAULT_EXPECTATION, "the only expectation met here is 100-continue");
	if (f->encoded)
		return REFUSED(FAULT_CONTENT_CODING, "no Content-Encoding but identity is taken");
	return PASSED;
}

struct verdict policy_fields(const struct request *req, struct policy_body *out)
{
	struct fields f = { 0 };
	for (unsigned i = 0; i < req->n_headers; i++)
		take_field(&f, &req->headers[i]);

	struct verdict v = judge_host(req, &f);
	if (!v.fault)
		v = judge_coding(req, &f);
	if (!v.fault)
		v = judge_length(&f, &out->length);
	if (!v.fault)
		v = judge_single(&f);
	if (!v.fault)
		v = judge_wishes(&f);
	out->chunked = f.n_coding > 0;
	out->expects_continue = f.expects_continue && !req->old_http;
	return v;
}
