#include "model/destination.h"

#include "base/address.h"
#include "base/digest.h"
#include "model/destination_private.h"
#include "template/template.h"

enum {
	SECRET_MIN = 24, /* bytes; Standard Webhooks 1.0.0: 24 to 64 */
	SECRET_MAX = 64,
	SECRET_TEXT_MAX = 100,
	PATH_MAX_BYTES = 1024,
	PATH_PART_MAX = 200, /* bytes; what is put aside gets a time behind its name */
	KEY_MAX = 4096,
	CONCURRENCY = 10,
	CA_MAX = 48 << 10,
	USERNAME_MAX = 255,
	PASSWORD_MAX = 1024,
	MESSAGE_MIN = 1000, /* bytes */
};

#define ROTATE_BYTES     (64 * 1024 * 1024LL)
#define ROTATE_BYTES_MIN (64 * 1024LL)
#define ROTATE_BYTES_MAX (64 * 1024 * 1024 * 1024LL)

/* Standard Webhooks' example: at once, then after 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h,
 * 24 h. */
static const uint32_t retries[] = { 5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400 };

static const struct spec_member members[N_MEMBERS] = {
	[NAME] = { STR_INIT("name"), SPEC_STRING, true, 1, DESTINATION_NAME_MAX },
	[TYPE] = { STR_INIT("type"), SPEC_STRING, true, 1, 20 },
	[DISABLED] = { STR_INIT("disabled"), SPEC_BOOLEAN },
	[URL] = { STR_INIT("url"), SPEC_STRING, false, 1, DESTINATION_URL_MAX },
	[SECRET] = { STR_INIT("secret"), SPEC_STRING, false, 1, SECRET_TEXT_MAX },
	[SECRETS] = { STR_INIT("secrets"), SPEC_ARRAY, false, 1, DESTINATION_SECRETS_MAX },
	[ALLOW_PRIVATE] = { STR_INIT("allow_private"), SPEC_BOOLEAN },
	[PATH] = { STR_INIT("path"), SPEC_STRING, false, 1, PATH_MAX_BYTES },
	[ROTATE] = { STR_INIT("rotate_bytes"), SPEC_INTEGER, false, ROTATE_BYTES_MIN,
		     ROTATE_BYTES_MAX },
	[VENDOR] = { STR_INIT("vendor"), SPEC_STRING, false, 1, 20 },
	[KEY] = { STR_INIT("key"), SPEC_STRING, false, 1, KEY_MAX },
	[POPULATION] = { STR_INIT("population"), SPEC_STRING, false, 1, DESTINATION_NAME_MAX },
	[NAMES] = { STR_INIT("names"), SPEC_OBJECT },
	[CONTACT_FIELDS] = { STR_INIT("contact_fields"), SPEC_ARRAY, false, 0,
			     DESTINATION_FIELDS_MAX },
	[KEEP_TIME] = { STR_INIT("keep_time"), SPEC_BOOLEAN },
	[AT_LEAST_ONCE] = { STR_INIT("at_least_once"), SPEC_BOOLEAN },
	[BROKERS] = { STR_INIT("brokers"), SPEC_STRING, false, 1, DESTINATION_URL_MAX },
	[TOPIC] = { STR_INIT("topic"), SPEC_STRING, false, 1, DESTINATION_TOPIC_MAX },
	[TLS] = { STR_INIT("tls"), SPEC_BOOLEAN },
	[CA] = { STR_INIT("ca"), SPEC_STRING, false, 1, CA_MAX },
	[SASL] = { STR_INIT("sasl"), SPEC_STRING, false, 1, 20 },
	[USERNAME] = { STR_INIT("username"), SPEC_STRING, false, 1, USERNAME_MAX },
	[PASSWORD] = { STR_INIT("password"), SPEC_STRING, false, 1, PASSWORD_MAX },
	[MESSAGE_MAX] = { STR_INIT("message_max_bytes"), SPEC_INTEGER, false, MESSAGE_MIN,
			  DESTINATION_MESSAGE_MAX },
	[RETRY] = { STR_INIT("retry_seconds"), SPEC_ARRAY, false, 0, DESTINATION_RETRIES_MAX },
	[PARALLEL] = { STR_INIT("concurrency"), SPEC_INTEGER, false, 1,
		       DESTINATION_CONCURRENCY_MAX },
	[RATE] = { STR_INIT("requests_per_second"), SPEC_INTEGER, false, 0, 100000 },
	[ORDERED] = { STR_INIT("ordered"), SPEC_BOOLEAN },
	[BODY] = { STR_INIT("body"), SPEC_STRING, false, 1, TEMPLATE_TEXT_MAX },
};

#define OF(type) (1U << DESTINATION_##type)

/* Members that only some types have: what stands in another is a mistake, not a wish. */
static const unsigned of_types[N_MEMBERS] = {
	[URL] = OF(WEBHOOK) | OF(RELAY),
	[SECRET] = OF(WEBHOOK),
	[SECRETS] = OF(WEBHOOK),
	[ALLOW_PRIVATE] = OF(WEBHOOK) | OF(KAFKA) | OF(RELAY),
	[PATH] = OF(FILE),
	[ROTATE] = OF(FILE),
	[VENDOR] = OF(RELAY),
	[KEY] = OF(RELAY),
	[POPULATION] = OF(RELAY),
	[NAMES] = OF(RELAY),
	[CONTACT_FIELDS] = OF(RELAY),
	[KEEP_TIME] = OF(RELAY),
	[AT_LEAST_ONCE] = OF(RELAY),
	[BROKERS] = OF(KAFKA),
	[TOPIC] = OF(KAFKA),
	[TLS] = OF(KAFKA),
	[CA] = OF(KAFKA),
	[SASL] = OF(KAFKA),
	[USERNAME] = OF(KAFKA),
	[PASSWORD] = OF(KAFKA),
	[MESSAGE_MAX] = OF(KAFKA),
	[BODY] = OF(WEBHOOK) | OF(FILE) | OF(KAFKA),
};

void destination_wrong(struct destination_reader *r, unsigned member, enum problem_code code,
		       const char *rule)
{
	problem_at(r->spec.problems, code, members[member].name, .rule = rule);
}

/* --- Webhooks --- */

bool destination_is_visible(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] > '~')
			return false;
	return true;
}

/* The colons of an address between brackets begin no port. */
struct str destination_host(struct str authority)
{
	size_t bracket = str_find(authority, ']');
	size_t from = bracket < authority.n ? bracket : 0;
	return str_head(authority, from + str_find(str_from(authority, from), ':'));
}

bool destination_has_port(struct str authority)
{
	struct str port = str_from(authority, destination_host(authority).n);
	uint64_t n;
	return port.n > 0 && str_to_u64(str_from(port, 1), &n) && n >= 1 && n <= UINT16_MAX;
}

void destination_read_url(struct destination_reader *r)
{
	struct str url = json_str(r->v[URL]);
	bool http = str_starts(url, STR("http://")), https = str_starts(url, STR("https://"));
	struct str at = http || https ? str_from(url, https ? 8 : 7) : STR("");
	at = str_head(at, MIN(str_find(at, '/'), str_find(at, '?')));
	struct str host = destination_host(at);
	r->out->allow_private = spec_boolean(r->v[ALLOW_PRIVATE], false);
	if (!host.n || !destination_is_visible(url))
		return destination_wrong(r, URL, PROBLEM_FORMAT, "url");
	if (str_find(at, '@') < at.n)
		return destination_wrong(r, URL, PROBLEM_FORMAT, "URL without a user");
	if (str_find(url, '#') < url.n)
		return destination_wrong(r, URL, PROBLEM_FORMAT, "URL without a fragment");
	if (host.n < at.n && !destination_has_port(at))
		return destination_wrong(r, URL, PROBLEM_FORMAT, "URL whose port is 1 to 65535");
	if (!r->out->allow_private && address_host_is_private(host))
		return destination_wrong(r, URL, PROBLEM_FORMAT, DESTINATION_PRIVATE);
	r->out->url = spec_copy(&r->spec, url);
}

static void read_secret(struct destination_reader *r, struct str path, struct str text)
{
	bool prefixed = str_starts(text, STR("whsec_"));
	struct str bytes = { 0 };
	if (prefixed)
		bytes = base64_parse(r->spec.arena, str_from(text, 6));
	if (!bytes.p || bytes.n < SECRET_MIN || bytes.n > SECRET_MAX)
		problem_at(r->spec.problems, PROBLEM_FORMAT, path,
			   .rule = "text of \"whsec_\" and 24 to 64 bytes in base64");
	else
		r->out->secrets[r->out->n_secrets++] = bytes;
}

static void read_secrets(struct destination_reader *r)
{
	size_t i, n;
	yyjson_val *v;
	if (r->v[SECRET] && r->v[SECRETS])
		return destination_wrong(r, SECRETS, PROBLEM_ALTERNATIVES, "secret or secrets");
	if (r->v[SECRET])
		return read_secret(r, members[SECRET].name, json_str(r->v[SECRET]));
	if (!r->v[SECRETS])
		return;
	yyjson_arr_foreach (r->v[SECRETS], i, n, v) {
		struct str path = problem_index(r->spec.arena, members[SECRETS].name, i);
		read_secret(r, path, yyjson_is_str(v) ? json_str(v) : STR(""));
	}
}

static void read_webhook(struct destination_reader *r)
{
	if (r->v[URL])
		destination_read_url(r);
	else
		destination_wrong(r, URL, PROBLEM_REQUIRED, NULL);
	read_secrets(r);
}

static void put_webhook(struct buf *b, const struct destination *d)
{
	buf_lit(b, ",\"url\":");
	buf_json_str(b, d->url);
	buf_printf(b, ",\"secrets\":%u,\"allow_private\":%s", d->n_secrets,
		   d->allow_private ? "true" : "false");
}

/* --- Files --- */

/* Relative, and without a way up: nobody with a key writes where the operator did not look. */
static bool is_inside(struct str path)
{
	if (path.p[0] == '/' || path.p[path.n - 1] == '/' || memchr(path.p, '\0', path.n))
		return false;
	for (struct str rest = path; rest.n > 0;) {
		size_t end = str_find(rest, '/');
		struct str part = str_head(rest, end);
		if (part.n == 0 || part.n > PATH_PART_MAX || str_eq(part, STR(".")) ||
		    str_eq(part, STR("..")))
			return false;
		rest = str_from(rest, end + (end < rest.n));
	}
	return true;
}

static void read_file(struct destination_reader *r)
{
	r->out->rotate_bytes = (uint64_t)spec_integer(r->v[ROTATE], ROTATE_BYTES);
	if (!r->v[PATH])
		return destination_wrong(r, PATH, PROBLEM_REQUIRED, NULL);
	if (!is_inside(json_str(r->v[PATH])))
		return destination_wrong(
			r, PATH, PROBLEM_FORMAT,
			"relative path without . and .., of names of up to 200 bytes");
	r->out->path = spec_copy(&r->spec, json_str(r->v[PATH]));
}

static void put_file(struct buf *b, const struct destination *d)
{
	buf_lit(b, ",\"path\":");
	buf_json_str(b, d->path);
	buf_printf(b, ",\"rotate_bytes\":%llu", (unsigned long long)d->rotate_bytes);
}

/* --- All --- */

static void take_retries(struct destination_reader *r, const uint32_t *list, unsigned n)
{
	uint32_t *copy = arena_array(r->spec.arena, uint32_t, n);
	r->spec.refused |= !copy;
	if (copy && n)
		memcpy(copy, list, n * sizeof(*list));
	r->out->retry_s = copy;
	r->out->n_retries = n;
}

static void read_retries(struct destination_reader *r)
{
	uint32_t list[DESTINATION_RETRIES_MAX];
	size_t i, n;
	yyjson_val *v;
	if (!r->v[RETRY])
		return take_retries(r, retries, ARRAY_LEN(retries));
	yyjson_arr_foreach (r->v[RETRY], i, n, v) {
		int64_t s = 0;
		if (!json_number_to_i64(v, &s) || s < 1 || s > DESTINATION_RETRY_MAX_S)
			problem_at(r->spec.problems, PROBLEM_FORMAT,
				   problem_index(r->spec.arena, members[RETRY].name, i),
				   .rule = "number of seconds from 1 to 604800");
		list[i] = (uint32_t)s;
	}
	take_retries(r, list, (unsigned)yyjson_arr_size(r->v[RETRY]));
}

static const struct {
	struct str name;
	void (*read)(struct destination_reader *r);
	void (*put)(struct buf *b, const struct destination *d);
} types[DESTINATION_TYPES] = {
	[DESTINATION_WEBHOOK] = { STR_INIT("webhook"), read_webhook, put_webhook },
	[DESTINATION_FILE] = { STR_INIT("file"), read_file, put_file },
	[DESTINATION_RELAY] = { STR_INIT("relay"), destination_read_relay, destination_put_relay },
	[DESTINATION_KAFKA] = { STR_INIT("kafka"), destination_read_kafka, destination_put_kafka },
};

static bool read_type(struct destination_reader *r)
{
	struct str name = r->v[TYPE] ? json_str(r->v[TYPE]) : STR("");
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		if (!str_eq(types[i].name, name))
			continue;
		r->out->type = (enum destination_type)i;
		return true;
	}
	if (r->v[TYPE])
		destination_wrong(r, TYPE, PROBLEM_VALUE, "webhook, file, kafka, relay");
	return false;
}

static void refuse_foreign(struct destination_reader *r)
{
	for (unsigned i = 0; i < N_MEMBERS; i++)
		if (r->v[i] && of_types[i] && !(of_types[i] & 1U << r->out->type))
			destination_wrong(r, i, PROBLEM_UNKNOWN_MEMBER, NULL);
}

bool destination_read(struct arena *a, yyjson_val *v, struct problems *ps, struct destination *out)
{
	struct destination_reader r = { .spec = { .arena = a, .problems = ps }, .out = out };
	unsigned before = ps->found;
	*out = (struct destination){ .no = 0 };
	spec_read(&r.spec, v, STR(""), members, N_MEMBERS, r.v);
	if (ps->found == before && read_type(&r)) {
		out->name = spec_copy(&r.spec, json_str(r.v[NAME]));
		out->disabled = spec_boolean(r.v[DISABLED], false);
		out->concurrency = (unsigned)spec_integer(r.v[PARALLEL], CONCURRENCY);
		out->requests_per_second = (unsigned)spec_integer(r.v[RATE], 0);
		out->ordered = spec_boolean(r.v[ORDERED], false);
		if (r.v[BODY])
			out->body = spec_copy(&r.spec, json_str(r.v[BODY]));
		read_retries(&r);
		refuse_foreign(&r);
		types[out->type].read(&r);
	}
	return ps->found == before && !r.spec.refused;
}

void destination_put(struct buf *b, const struct destination *d)
{
	buf_lit(b, "{\"name\":");
	buf_json_str(b, d->name);
	buf_printf(b, ",\"type\":\"" STR_FMT "\",\"disabled\":%s", STR_ARG(types[d->type].name),
		   d->disabled ? "true" : "false");
	types[d->type].put(b, d);
	buf_lit(b, ",\"retry_seconds\":[");
	for (unsigned i = 0; i < d->n_retries; i++)
		buf_printf(b, "%s%u", i ? "," : "", d->retry_s[i]);
	buf_printf(b, "],\"concurrency\":%u,\"requests_per_second\":%u,\"ordered\":%s",
		   d->concurrency, d->requests_per_second, d->ordered ? "true" : "false");
	if (d->body.p) {
		buf_lit(b, ",\"body\":");
		buf_json_str(b, d->body);
	}
	buf_char(b, '}');
}
