#include "conf/settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

enum { WORDS = 8 };

/* Nothing but these: name, value, name, value ... */
static void set_environment(const char *const *variables)
{
	assert_int_equal(clearenv(), 0);
	for (; variables && *variables; variables += 2)
		assert_int_equal(setenv(variables[0], variables[1], 1), 0);
}

static enum settings_outcome read_words(const char *const *words, const char *const *variables,
					struct settings *s, char *error, size_t error_size)
{
	char *argv[WORDS + 1] = { (char *)"serve" };
	int argc = 1;
	for (; argc <= WORDS && words[argc - 1]; argc++)
		argv[argc] = (char *)words[argc - 1];
	error[0] = '\0';
	set_environment(variables);
	return settings_read(argc, argv, s, error, error_size);
}

static void test_defaults(void **state)
{
	struct settings s;
	char error[200];
	const char *none[] = { NULL };
	(void)state;
	assert_int_equal(read_words(none, NULL, &s, error, sizeof(error)), SETTINGS_OK);
	assert_string_equal(s.host, "127.0.0.1");
	assert_int_equal(s.port, 8090);
	assert_string_equal(s.data, "./data");
	assert_null(s.provision);
	assert_in_range(s.threads, 1, SETTINGS_THREADS_MAX);
	assert_false(s.access_log);
	assert_int_equal(s.log_level, LOG_INFO);
	assert_int_equal(s.disk_reserve, 64 * 1024 * 1024);
	assert_int_equal(s.connections_max, 16384);
	assert_null(s.tls_cert);
	assert_null(s.tls_key);
}

static void test_tls(void **state)
{
	const char *words[] = { "--tls-cert=a", NULL },
		   *variables[] = { "OCCURD_TLS_KEY", "b", NULL };
	struct settings s;
	char error[300];
	(void)state;
	assert_int_equal(read_words(words, variables, &s, error, sizeof(error)), SETTINGS_OK);
	assert_string_equal(s.tls_cert, "a");
	assert_string_equal(s.tls_key, "b");
}

/* What was read, in one line, so that a table can tell it. */
static void show(const struct settings *s, char *out, size_t size)
{
	snprintf(out, size, "%s %u %s %s t%u a%d l%d r%llu c%u", s->host, s->port, s->data,
		 s->provision ?: "-", s->threads, s->access_log, s->log_level,
		 (unsigned long long)s->disk_reserve, s->connections_max);
}

static void test_taken(void **state)
{
	static const struct {
		const char *words[WORDS], *variables[WORDS], *expect;
	} cases[] = {
		{ { "--threads=2", "--listen", "0.0.0.0:0" },
		  { NULL },
		  "0.0.0.0 0 ./data - t2 a0 l1 r67108864 c16384" },
		{ { "--threads=64", "--listen=[::1]:65535", "--data", "/var/lib/x y" },
		  { NULL },
		  "::1 65535 /var/lib/x y - t64 a0 l1 r67108864 c16384" },
		{ { "--threads=1", "--listen=localhost:1", "--provision", "a.yaml" },
		  { NULL },
		  "localhost 1 ./data a.yaml t1 a0 l1 r67108864 c16384" },
		{ { "--threads=1", "--access-log=on", "--log-level", "debug", "--disk-reserve=1K",
		    "--connections-max=1" },
		  { NULL },
		  "127.0.0.1 8090 ./data - t1 a1 l0 r1024 c1" },
		{ { NULL },
		  { "OCCURD_THREADS", "3", "OCCURD_DATA", "d", "OCCURD_DISK_RESERVE", "2GiB" },
		  "127.0.0.1 8090 d - t3 a0 l1 r2147483648 c16384" },
		{ { "--data=flag", "--threads=1" },
		  { "OCCURD_DATA", "variable" },
		  "127.0.0.1 8090 flag - t1 a0 l1 r67108864 c16384" },
		{ { "--data=one", "--threads=1", "--data=two", "--disk-reserve=0" },
		  { NULL },
		  "127.0.0.1 8090 two - t1 a0 l1 r0 c16384" },
		{ { "--threads=1" },
		  { "OCCURD_PROVISION", "", "OCCURD_LISTEN", "" },
		  "127.0.0.1 8090 ./data - t1 a0 l1 r67108864 c16384" },
		{ { "--data=flag", "--threads=1", "--listen=[::1]:1" },
		  { "OCCURD_LISTEN", "bad", "OCCURD_THREADS", "0", "OCCURD_DATA", "x" },
		  "::1 1 flag - t1 a0 l1 r67108864 c16384" },
		{ { "--threads=many", "--listen=bad", "--threads=2", "--listen=127.0.0.1:0" },
		  { NULL },
		  "127.0.0.1 0 ./data - t2 a0 l1 r67108864 c16384" },
		{ { "--threads=1", "--provision=a=b" },
		  { NULL },
		  "127.0.0.1 8090 ./data a=b t1 a0 l1 r67108864 c16384" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct settings s;
		char error[200], got[300];
		enum settings_outcome r =
			read_words(cases[i].words, cases[i].variables, &s, error, sizeof(error));
		assert_string_equal(error, "");
		assert_int_equal(r, SETTINGS_OK);
		show(&s, got, sizeof(got));
		assert_string_equal(got, cases[i].expect);
	}
}

#define LISTEN_RULE                                                                           \
	"must be HOST:PORT, HOST an IPv4 address, an IPv6 address in brackets or localhost, " \
	"PORT 0..65535, not "

static void test_refused(void **state)
{
	static const struct {
		const char *words[WORDS], *variables[WORDS], *expect;
	} cases[] = {
		{ { "--listen=8090" }, { NULL }, "--listen " LISTEN_RULE "\"8090\"" },
		{ { "--listen", ":8090" }, { NULL }, "--listen " LISTEN_RULE "\":8090\"" },
		{ { "--listen=::1:80" }, { NULL }, "--listen " LISTEN_RULE "\"::1:80\"" },
		{ { "--listen=[127.0.0.1]:80" },
		  { NULL },
		  "--listen " LISTEN_RULE "\"[127.0.0.1]:80\"" },
		{ { "--listen=example.com:80" },
		  { NULL },
		  "--listen " LISTEN_RULE "\"example.com:80\"" },
		{ { "--listen=127.0.0.1:65536" },
		  { NULL },
		  "--listen " LISTEN_RULE "\"127.0.0.1:65536\"" },
		{ { "--listen=127.0.0.1:" }, { NULL }, "--listen " LISTEN_RULE "\"127.0.0.1:\"" },
		{ { NULL },
		  { "OCCURD_LISTEN", "127.0.0.1:+80" },
		  "OCCURD_LISTEN " LISTEN_RULE "\"127.0.0.1:+80\"" },
		{ { "--data=" }, { NULL }, "--data must name a directory, not \"\"" },
		{ { "--provision", "" }, { NULL }, "--provision must name a file, not \"\"" },
		{ { "--threads=0" }, { NULL }, "--threads must be 1..64 or auto, not \"0\"" },
		{ { "--threads=65" }, { NULL }, "--threads must be 1..64 or auto, not \"65\"" },
		{ { "--threads=-1" }, { NULL }, "--threads must be 1..64 or auto, not \"-1\"" },
		{ { NULL },
		  { "OCCURD_THREADS", "many" },
		  "OCCURD_THREADS must be 1..64 or auto, not \"many\"" },
		{ { "--threads=2", "--threads=0" },
		  { "OCCURD_THREADS", "2" },
		  "--threads must be 1..64 or auto, not \"0\"" },
		{ { "--threads=2" },
		  { "OCCURD_THREADS", "0", "OCCURD_ACCESS_LOG", "yes" },
		  "OCCURD_ACCESS_LOG must be on or off, not \"yes\"" },
		{ { "--data=" }, { "OCCURD_DATA", "d" }, "--data must name a directory, not \"\"" },
		{ { "--access-log=yes" }, { NULL }, "--access-log must be on or off, not \"yes\"" },
		{ { "--log-level=loud" },
		  { NULL },
		  "--log-level must be one of debug, info, warning, error, not \"loud\"" },
		{ { "--disk-reserve=M" },
		  { NULL },
		  "--disk-reserve must be a number of bytes, or one with K, M or G behind it, not "
		  "\"M\"" },
		{ { "--disk-reserve=1MB" },
		  { NULL },
		  "--disk-reserve must be a number of bytes, or one with K, M or G behind it, not "
		  "\"1MB\"" },
		{ { "--disk-reserve=9007199254740992K" },
		  { NULL },
		  "--disk-reserve must be a number of bytes, or one with K, M or G behind it, not "
		  "\"9007199254740992K\"" },
		{ { "--connections-max=0" },
		  { NULL },
		  "--connections-max must be 1..1000000, not \"0\"" },
		{ { "--tls-cert=" }, { NULL }, "--tls-cert must name a file, not \"\"" },
		{ { "--tls-cert=a" },
		  { NULL },
		  "--tls-cert and --tls-key go together: --tls-key is missing" },
		{ { NULL },
		  { "OCCURD_TLS_KEY", "b" },
		  "--tls-cert and --tls-key go together: --tls-cert is missing" },
		{ { "--lisen=127.0.0.1:1" }, { NULL }, "there is no setting --lisen" },
		{ { "--" }, { NULL }, "there is no setting --" },
		{ { "--listen" }, { NULL }, "--listen needs a value: HOST:PORT" },
		{ { "serve" }, { NULL }, "unexpected argument \"serve\"" },
		{ { "-x" }, { NULL }, "unexpected argument \"-x\"" },
		{ { "--data=a", "b\nc" }, { NULL }, "unexpected argument \"b?c\"" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct settings s;
		char error[300];
		enum settings_outcome r =
			read_words(cases[i].words, cases[i].variables, &s, error, sizeof(error));
		assert_string_equal(error, cases[i].expect);
		assert_int_equal(r, SETTINGS_WRONG);
	}
}

static void test_short_room_for_error(void **state)
{
	const char *words[] = { "--threads=0", NULL };
	struct settings s;
	char error[12];
	(void)state;
	assert_int_equal(read_words(words, NULL, &s, error, sizeof(error)), SETTINGS_WRONG);
	assert_string_equal(error, "--threads m");
}

static void test_help(void **state)
{
	static const char *const expect[] = { "--listen HOST:PORT", "OCCURD_DATA, default ./data",
					      "OCCURD_PROVISION, default none",
					      "--connections-max N" };
	const char *words[] = { "--threads=0", "--help", NULL };
	struct settings s;
	char error[100], *text = NULL;
	size_t size = 0;
	(void)state;
	assert_int_equal(read_words(words, NULL, &s, error, sizeof(error)), SETTINGS_HELP);

	FILE *to = open_memstream(&text, &size);
	assert_non_null(to);
	settings_help(to);
	fclose(to);
	for (size_t i = 0; i < ARRAY_LEN(expect); i++)
		assert_non_null(strstr(text, expect[i]));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults), cmocka_unit_test(test_taken),
		cmocka_unit_test(test_refused),  cmocka_unit_test(test_short_room_for_error),
		cmocka_unit_test(test_tls),      cmocka_unit_test(test_help),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
