#include "net/tls.h"

#include "base/fail.h"

#include <errno.h>
#include <openssl/err.h>
#include <string.h>

/* Of TLS 1.2; those of 1.3 are all good (RFC 8446 section 9.1). */
static const char ciphers[] = "ECDHE+AESGCM:ECDHE+CHACHA20";

static int refused(const char *what, const char *file)
{
	unsigned long e = ERR_peek_error();
	const char *reason = ERR_reason_error_string(e);
	ERR_clear_error();
	if (ERR_SYSTEM_ERROR(e) && ERR_GET_REASON(e) > 0) /* OpenSSL 3 has no words for these */
		return fail(-ERR_GET_REASON(e), "%s %s", what, file);
	return fail(-EINVAL, "%s %s: %s", what, file, reason ?: "unknown cause");
}

/* No server can be asked for a passphrase. */
static int no_passphrase(char *buf, int size, int writing, void *arg)
{
	(void)buf, (void)size, (void)writing, (void)arg;
	return -1;
}

/* RFC 7301: the one protocol we speak, or a fatal alert to who insists on others. */
static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *n,
			   const unsigned char *offered, unsigned n_offered, void *arg)
{
	static const unsigned char ours[] = "\x08http/1.1";
	unsigned char *chosen;
	(void)ssl, (void)arg;
	if (SSL_select_next_proto(&chosen, n, ours, sizeof(ours) - 1, offered, n_offered) !=
	    OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

static SSL_CTX *new_context(void)
{
	SSL_CTX *c = SSL_CTX_new(TLS_server_method());
	if (!c)
		return NULL;
	SSL_CTX_set_options(c, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
				       SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA |
				       SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_mode(c, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF); /* tickets do it */
	SSL_CTX_set_default_passwd_cb(c, no_passphrase);
	SSL_CTX_set_alpn_select_cb(c, choose_protocol, NULL);
	if (SSL_CTX_set_min_proto_version(c, TLS1_2_VERSION) && SSL_CTX_set_cipher_list(c, ciphers))
		return c;
	SSL_CTX_free(c);
	return NULL;
}

static int load(const struct tls *t, SSL_CTX **out)
{
	ERR_clear_error();
	SSL_CTX *c = new_context();
	int r = 0;
	if (!c)
		return fail(-ENOMEM, "cannot set up TLS");
	if (SSL_CTX_use_certificate_chain_file(c, t->cert) != 1)
		r = refused("no good TLS certificate in", t->cert);
	else if (SSL_CTX_use_PrivateKey_file(c, t->key, SSL_FILETYPE_PEM) != 1)
		r = refused("no good TLS key in", t->key);
	else if (SSL_CTX_check_private_key(c) != 1)
		r = refused("the TLS certificate is not that of the key in", t->key);
	if (r < 0)
		SSL_CTX_free(c);
	else
		*out = c;
	return r;
}

int tls_open(struct tls *t, const char *cert, const char *key)
{
	*t = (struct tls){ .cert = cert, .key = key };
	pthread_mutex_init(&t->lock, NULL);
	return pass(load(t, &t->context));
}

void tls_close(struct tls *t)
{
	if (!t->cert)
		return;
	SSL_CTX_free(t->context);
	pthread_mutex_destroy(&t->lock);
	t->cert = NULL;
}

int tls_reload(struct tls *t)
{
	SSL_CTX *fresh = NULL;
	int r = load(t, &fresh);
	if (r < 0)
		return pass(r);
	pthread_mutex_lock(&t->lock);
	SSL_CTX *old = t->context;
	t->context = fresh;
	pthread_mutex_unlock(&t->lock);
	SSL_CTX_free(old);
	return 0;
}

SSL *tls_accept(struct tls *t)
{
	pthread_mutex_lock(&t->lock);
	SSL *ssl = SSL_new(t->context);
	pthread_mutex_unlock(&t->lock);
	if (ssl)
		SSL_set_accept_state(ssl);
	return ssl;
}
