/* One connection's encryption against OpenSSL's own client, both in memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/str.h"
#include "net/tls_stream.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <unistd.h>

enum { CEILING = 256 * 1024 };

static char cert[] = "/tmp/occurd-tls-cert-XXXXXX", key[] = "/tmp/occurd-tls-key-XXXXXX";
static struct tls tls;

struct pair {
	struct tls_stream *server;
	SSL_CTX *context;
	SSL *client;
	BIO *to_client, *from_client; /* the client's */
	struct arena_budget budget;
};

/* --- A certificate --- */

static X509 *self_signed(EVP_PKEY *pkey)
{
	X509 *x = X509_new();
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), -60);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	X509_set_pubkey(x, pkey);
	assert_true(X509_sign(x, pkey, EVP_sha256()) > 0);
	return x;
}

static void write_pem(char *path, X509 *x, EVP_PKEY *pkey)
{
	FILE *f = fdopen(mkstemp(path), "w");
	assert_non_null(f);
	assert_int_equal(x ? PEM_write_X509(f, x)
			   : PEM_write_PrivateKey(f, pkey, NULL, NULL, 0, NULL, NULL),
			 1);
	fclose(f);
}

static int make_files(void **state)
{
	EVP_PKEY *pkey = EVP_EC_gen("P-256");
	X509 *x = self_signed(pkey);
	(void)state;
	write_pem(cert, x, NULL);
	write_pem(key, NULL, pkey);
	X509_free(x);
	EVP_PKEY_free(pkey);
	return tls_open(&tls, cert, key);
}

static int drop_files(void **state)
{
	(void)state;
	tls_close(&tls);
	unlink(cert);
	unlink(key);
	return 0;
}

/* --- Two ends --- */

static int open_pair(void **state)
{
	struct pair *p = calloc(1, sizeof(*p));
	p->budget.max = SIZE_MAX;
	p->server = tls_stream_new(&tls, CEILING, &p->budget);
	p->context = SSL_CTX_new(TLS_client_method());
	p->client = SSL_new(p->context);
	p->to_client = BIO_new(BIO_s_mem());
	p->from_client = BIO_new(BIO_s_mem());
	BIO_set_mem_eof_return(p->to_client, -1);
	SSL_set_bio(p->client, p->to_client, p->from_client);
	SSL_set_connect_state(p->client);
	*state = p;
	return p->server ? 0 : -1;
}

static int close_pair(void **state)
{
	struct pair *p = *state;
	tls_stream_free(p->server);
	assert_int_equal(p->budget.used, 0);
	SSL_free(p->client);
	SSL_CTX_free(p->context);
	free(p);
	return 0;
}

static void pass_to_client(struct pair *p)
{
	struct str out = tls_stream_output(p->server);
	if (out.n == 0)
		return;
	assert_int_equal(BIO_write(p->to_client, out.p, (int)out.n), (int)out.n);
	tls_stream_sent(p->server, out.n);
}

/* What the client has said reaches the server, which reads once. */
static enum tls_read pass_to_server(struct pair *p, char *text, size_t room, size_t *n)
{
	char *said;
	long n_said = BIO_get_mem_data(p->from_client, &said);
	tls_stream_give(p->server, (struct str){ said, (size_t)n_said });
	enum tls_read r = tls_stream_read(p->server, text, room, n);
	assert_int_equal(tls_stream_rest(p->server).n, 0);
	BIO_reset(p->from_client);
	return r;
}

static void shake_hands(struct pair *p)
{
	char text[16];
	size_t n;
	while (!tls_stream_is_ready(p->server)) {
		SSL_do_handshake(p->client);
		assert_int_equal(pass_to_server(p, text, sizeof(text), &n), TLS_MORE);
		pass_to_client(p);
	}
	assert_int_equal(SSL_do_handshake(p->client), 1);
}

static void client_reads(struct pair *p, struct str expect)
{
	char *text = malloc(expect.n + 1);
	size_t got = 0, n;
	while (got < expect.n && SSL_read_ex(p->client, text + got, expect.n + 1 - got, &n) == 1)
		got += n;
	assert_int_equal(got, expect.n);
	assert_memory_equal(text, expect.p, expect.n);
	free(text);
}

/* --- Cases --- */

static void test_both_ways(void **state)
{
	struct pair *p = *state;
	char text[64];
	size_t n;
	assert_false(tls_stream_is_ready(p->server));
	shake_hands(p);
	assert_int_equal(SSL_write(p->client, "asked", 5), 5);
	assert_int_equal(pass_to_server(p, text, sizeof(text), &n), TLS_DATA);
	assert_int_equal(n, 5);
	assert_memory_equal(text, "asked", 5);
	assert_true(tls_stream_write(p->server, STR("answered")));
	pass_to_client(p);
	client_reads(p, STR("answered"));
	SSL_shutdown(p->client);
	assert_int_equal(pass_to_server(p, text, sizeof(text), &n), TLS_END);
	tls_stream_end(p->server);
	pass_to_client(p);
	assert_int_equal(SSL_shutdown(p->client), 1);
}

static void test_nothing_before_the_handshake(void **state)
{
	struct pair *p = *state;
	assert_false(tls_stream_write(p->server, STR("too early")));
	tls_stream_end(p->server);
	assert_int_equal(tls_stream_output(p->server).n, 0);
}

static void test_no_tls(void **state)
{
	struct pair *p = *state;
	char text[16];
	size_t n;
	tls_stream_give(p->server, STR("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
	assert_int_equal(tls_stream_read(p->server, text, sizeof(text), &n), TLS_BROKEN);
}

/* What the socket holds stays where it is while more is said, and a part of it may go first. */
static void test_output_stays(void **state)
{
	struct pair *p = *state;
	static char large[60 * 1024];
	memset(large, 'a', sizeof(large));
	struct str text = { large, sizeof(large) };
	shake_hands(p);
	assert_true(tls_stream_write(p->server, text));
	struct str first = tls_stream_output(p->server);
	char *copy = malloc(first.n);
	memcpy(copy, first.p, first.n);
	assert_true(tls_stream_write(p->server, text));
	assert_memory_equal(first.p, copy, first.n);
	BIO_write(p->to_client, copy, 1000);
	tls_stream_sent(p->server, 1000);
	pass_to_client(p);
	client_reads(p, text);
	client_reads(p, text);
	assert_int_equal(tls_stream_output(p->server).n, 0);
	assert_int_equal(p->budget.used, 0);
	free(copy);
}

/* What waits is held by whoever it is for. */
static void test_owner(void **state)
{
	struct pair *p = *state;
	struct arena_owner first = { 0 }, second = { 0 };
	static char large[60 * 1024];
	struct str text = { large, sizeof(large) };
	shake_hands(p);
	tls_stream_own(p->server, &first);
	assert_true(tls_stream_write(p->server, text));
	assert_in_range(first.held, sizeof(large), 8 * sizeof(large));
	assert_int_equal(first.held, p->budget.used);
	tls_stream_own(p->server, &second);
	assert_int_equal(first.held, 0);
	assert_int_equal(second.held, p->budget.used);
	pass_to_client(p);
	client_reads(p, text);
	assert_int_equal(second.held, 0);
	assert_true(tls_stream_write(p->server, text)); /* still its own */
	assert_int_equal(second.held, p->budget.used);
	p->budget.max = p->budget.used + second.held - 1;
	assert_false(tls_stream_write(p->server, text)); /* more than its share */
	pass_to_client(p);
	assert_int_equal(second.held, 0);
}

static void test_ceiling(void **state)
{
	struct pair *p = *state;
	static char huge[CEILING];
	shake_hands(p);
	assert_false(tls_stream_write(p->server, (struct str){ huge, sizeof(huge) }));
}

/* What was not read yet comes back, to be given anew. */
static void test_rest(void **state)
{
	struct pair *p = *state;
	char text[64], *said;
	size_t n;
	shake_hands(p);
	SSL_write(p->client, "one", 3);
	SSL_write(p->client, "two", 3);
	long n_said = BIO_get_mem_data(p->from_client, &said);
	tls_stream_give(p->server, (struct str){ said, (size_t)n_said });
	assert_int_equal(tls_stream_read(p->server, text, sizeof(text), &n), TLS_DATA);
	assert_memory_equal(text, "one", 3);
	struct str rest = tls_stream_rest(p->server);
	assert_in_range(rest.n, 1, (size_t)n_said - 1);
	assert_int_equal(tls_stream_read(p->server, text, sizeof(text), &n), TLS_MORE);
	tls_stream_give(p->server, rest);
	assert_int_equal(tls_stream_read(p->server, text, sizeof(text), &n), TLS_DATA);
	assert_memory_equal(text, "two", 3);
}

/* A reload that fails changes nothing; one that does not changes who comes after it. */
static void test_reload(void **state)
{
	const char *good = tls.cert;
	SSL_CTX *before = tls.context;
	(void)state;
	tls.cert = "/nonexistent/cert.pem";
	assert_int_equal(tls_reload(&tls), -ENOENT);
	tls.cert = tls.key;
	assert_int_equal(tls_reload(&tls), -EINVAL);
	assert_ptr_equal(tls.context, before);
	tls.cert = good;
	assert_int_equal(tls_reload(&tls), 0);
	assert_ptr_not_equal(tls.context, before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(f) cmocka_unit_test_setup_teardown(f, open_pair, close_pair)
		CASE(test_both_ways), CASE(test_nothing_before_the_handshake),
		CASE(test_no_tls),    CASE(test_output_stays),
		CASE(test_owner),     CASE(test_ceiling),
		CASE(test_rest),      cmocka_unit_test(test_reload),
	};
	return cmocka_run_group_tests(tests, make_files, drop_files);
}
