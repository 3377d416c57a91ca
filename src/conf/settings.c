#include "conf/settings.h"

#include "conf/line.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <unistd.h>

/* Each parser returns NULL, or the rule that the value breaks. */
typedef const char *parser(const char *value, struct settings *s);

static bool parse_port(const char *text, uint16_t *out)
{
	uint64_t port;
	if (!str_to_u64(str_of(text), &port) || port > UINT16_MAX)
		return false;
	*out = (uint16_t)port;
	return true;
}

static bool is_address(const char *host, bool bracketed)
{
	unsigned char binary[sizeof(struct in6_addr)];
	if (bracketed)
		return inet_pton(AF_INET6, host, binary) == 1;
	return strcmp(host, "localhost") == 0 || inet_pton(AF_INET, host, binary) == 1;
}

static const char *parse_listen(const char *value, struct settings *s)
{
	static const char rule[] = "must be HOST:PORT, HOST an IPv4 address, an IPv6 address in "
				   "brackets or localhost, PORT 0..65535";
	const char *colon = strrchr(value, ':');
	if (!colon || !parse_port(colon + 1, &s->port))
		return rule;

	struct str host = { value, (size_t)(colon - value) };
	bool bracketed = host.n >= 2 && host.p[0] == '[' && host.p[host.n - 1] == ']';
	if (bracketed)
		host = (struct str){ host.p + 1, host.n - 2 };
	if (host.n >= sizeof(s->host))
		return rule;
	memcpy(s->host, host.p, host.n);
	s->host[host.n] = '\0';
	return is_address(s->host, bracketed) ? NULL : rule;
}

static const char *parse_data(const char *value, struct settings *s)
{
	s->data = value;
	return *value ? NULL : "must name a directory";
}

static const char *parse_provision(const char *value, struct settings *s)
{
	s->provision = value;
	return *value ? NULL : "must name a file";
}

/* Half of the cores: the other half is for the committer, the readers and the kernel. */
static unsigned threads_for_machine(void)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	return cores < 4 ? 1 : (unsigned)MIN(cores / 2, SETTINGS_THREADS_MAX);
}

static const char *parse_threads(const char *value, struct settings *s)
{
	uint64_t n;
	if (strcmp(value, "auto") == 0)
		n = threads_for_machine();
	else if (!str_to_u64(str_of(value), &n) || n < 1 || n > SETTINGS_THREADS_MAX)
		return "must be 1..64 or auto";
	s->threads = (unsigned)n;
	return NULL;
}

static const char *parse_access_log(const char *value, struct settings *s)
{
	s->access_log = strcmp(value, "on") == 0;
	return s->access_log || strcmp(value, "off") == 0 ? NULL : "must be on or off";
}

static const char *parse_log_level(const char *value, struct settings *s)
{
	return log_level_parse(str_of(value), &s->log_level)
		       ? NULL
		       : "must be one of debug, info, warning, error";
}

static bool parse_unit(const char *unit, unsigned *shift)
{
	static const struct {
		const char *name;
		unsigned shift;
	} units[] = {
		{ "", 0 },     { "K", 10 }, { "KiB", 10 }, { "M", 20 },
		{ "MiB", 20 }, { "G", 30 }, { "GiB", 30 },
	};
	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		if (strcmp(unit, units[i].name) != 0)
			continue;
		*shift = units[i].shift;
		return true;
	}
	return false;
}

static const char *parse_disk_reserve(const char *value, struct settings *s)
{
	size_t digits = strspn(value, "0123456789");
	unsigned shift;
	uint64_t n;
	if (!str_to_u64((struct str){ value, digits }, &n) || !parse_unit(value + digits, &shift) ||
	    n > (uint64_t)INT64_MAX >> shift)
		return "must be a number of bytes, or one with K, M or G behind it";
	s->disk_reserve = n << shift;
	return NULL;
}

static const char *parse_connections_max(const char *value, struct settings *s)
{
	uint64_t n;
	if (!str_to_u64(str_of(value), &n) || n < 1 || n > 1000000)
		return "must be 1..1000000";
	s->connections_max = (unsigned)n;
	return NULL;
}

static const char *parse_tls_cert(const char *value, struct settings *s)
{
	s->tls_cert = value;
	return *value ? NULL : "must name a file";
}

static const char *parse_tls_key(const char *value, struct settings *s)
{
	s->tls_key = value;
	return *value ? NULL : "must name a file";
}

static const struct setting {
	const char *name, *argument, *env;
	const char *fallback; /* read like a given value; NULL: the setting stays unset */
	const char *help;
	parser *parse;
} table[] = {
	{ "listen", "HOST:PORT", "OCCURD_LISTEN", "127.0.0.1:8090",
	  "where to accept requests; IPv6 in brackets, port 0 for any free one", parse_listen },
	{ "data", "DIR", "OCCURD_DATA", "./data", "the data directory; made when it is not there",
	  parse_data },
	{ "provision", "FILE", "OCCURD_PROVISION", NULL,
	  "YAML file of workspaces, keys, definitions, destinations, automations and contacts to "
	  "create or update",
	  parse_provision },
	{ "threads", "N", "OCCURD_THREADS", "auto",
	  "threads that serve connections; auto is half of the cores", parse_threads },
	{ "access-log", "on|off", "OCCURD_ACCESS_LOG", "off", "log one line per request",
	  parse_access_log },
	{ "log-level", "LEVEL", "OCCURD_LOG_LEVEL", "info", "debug, info, warning or error",
	  parse_log_level },
	{ "disk-reserve", "BYTES", "OCCURD_DISK_RESERVE", "64M",
	  "free disk below which new events are refused; K, M or G may follow",
	  parse_disk_reserve },
	{ "connections-max", "N", "OCCURD_CONNECTIONS_MAX", "16384", "connections open at once",
	  parse_connections_max },
	{ "tls-cert", "FILE", "OCCURD_TLS_CERT", NULL,
	  "serve HTTPS with this certificate: PEM, its chain behind it; SIGHUP reads it anew",
	  parse_tls_cert },
	{ "tls-key", "FILE", "OCCURD_TLS_KEY", NULL, "the certificate's key: PEM, not encrypted",
	  parse_tls_key },
};

/* The value that counts, of all that are given. */
struct choice {
	const char *value; /* NULL: the setting stays unset */
	bool is_flag;
};

struct reader {
	struct settings *s;
	char *error;
	size_t error_size;
	struct choice chosen[ARRAY_LEN(table)];
};

static void choose_without_flags(struct reader *r)
{
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		const char *value = getenv(table[i].env);
		r->chosen[i].value = value && *value ? value : table[i].fallback;
	}
}

static enum settings_outcome take(const struct reader *r, size_t i)
{
	const struct setting *row = &table[i];
	const struct choice *c = &r->chosen[i];
	const char *rule = c->value ? row->parse(c->value, r->s) : NULL;
	if (!rule)
		return SETTINGS_OK;
	line_print(r->error, r->error_size, "%s%s %s, not \"%.100s\"", c->is_flag ? "--" : "",
		   c->is_flag ? row->name : row->env, rule, c->value);
	return SETTINGS_WRONG;
}

static const struct setting *find(struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (str_eq(name, str_of(table[i].name)))
			return &table[i];
	return NULL;
}

/* The flag's value: behind its `=`, else the next word. NULL: there is none. */
static const char *flag_value(struct str name, int argc, char **argv, int *i)
{
	if (name.p[name.n] == '=')
		return name.p + name.n + 1;
	return *i + 1 < argc ? argv[++*i] : NULL;
}

/* One flag at argv[*i]; *i is left at its last word. */
static enum settings_outcome choose_flag(struct reader *r, int argc, char **argv, int *i)
{
	const char *word = argv[*i], *value;
	bool dashes = strncmp(word, "--", 2) == 0;
	struct str name = str_of(dashes ? word + 2 : "");
	name = str_head(name, str_find(name, '='));
	const struct setting *row = find(name);

	if (!dashes)
		line_print(r->error, r->error_size, "unexpected argument \"%.100s\"", word);
	else if (!row)
		line_print(r->error, r->error_size, "there is no setting --%.*s",
			   (int)MIN(name.n, 100U), name.p);
	else if (!(value = flag_value(name, argc, argv, i)))
		line_print(r->error, r->error_size, "--%s needs a value: %s", row->name,
			   row->argument);
	else {
		r->chosen[row - table] = (struct choice){ value, true };
		return SETTINGS_OK;
	}
	return SETTINGS_WRONG;
}

static bool asks_for_help(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
			return true;
	return false;
}

static enum settings_outcome check_together(const struct reader *r)
{
	if (!r->s->tls_cert == !r->s->tls_key)
		return SETTINGS_OK;
	line_print(r->error, r->error_size, "--tls-cert and --tls-key go together: %s is missing",
		   r->s->tls_cert ? "--tls-key" : "--tls-cert");
	return SETTINGS_WRONG;
}

enum settings_outcome settings_read(int argc, char **argv, struct settings *out, char *error,
				    size_t error_size)
{
	struct reader r = { .s = out, .error = error, .error_size = error_size };
	memset(out, 0, sizeof(*out));
	if (asks_for_help(argc, argv))
		return SETTINGS_HELP;

	enum settings_outcome result = SETTINGS_OK;
	choose_without_flags(&r);
	for (int i = 1; i < argc && result == SETTINGS_OK; i++)
		result = choose_flag(&r, argc, argv, &i);
	for (size_t i = 0; i < ARRAY_LEN(table) && result == SETTINGS_OK; i++)
		result = take(&r, i);
	return result == SETTINGS_OK ? check_together(&r) : result;
}

void settings_help(FILE *to)
{
	fprintf(to, "usage: occurd serve [--SETTING VALUE]...\n\n"
		    "A setting is given as --name VALUE, --name=VALUE or in the environment; the "
		    "flag wins.\n\n");
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		const struct setting *row = &table[i];
		fprintf(to, "  --%s %s\n      %s\n      environment %s, default %s\n", row->name,
			row->argument, row->help, row->env, row->fallback ?: "none");
	}
}
