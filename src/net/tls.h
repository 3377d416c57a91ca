/*
 * TLS for a server: the certificate with its key, and what is spoken (TLS 1.2 and 1.3, RFC 9325:
 * forward secrecy and authenticated encryption only, no renegotiation, no compression, ALPN
 * http/1.1). A reload puts new files in the place of the old ones for connections that come after
 * it; if they are no good, the old ones stay.
 */
#pragma once

#include "base/base.h"

#include <openssl/ssl.h>
#include <pthread.h>

struct tls {
	const char *cert, *key; /* PEM files: the chain, leaf first; the key, not encrypted */
	pthread_mutex_t lock;
	SSL_CTX *context; /* under the lock; connections hold references */
};

/* Reads the files. -EINVAL: they are no certificate and its key; other errors: one cannot be read. The
 * text names the file. The paths are kept, not copied. */
MUST_CHECK int tls_open(struct tls *t, const char *cert, const char *key);
void tls_close(struct tls *t); /* after the last connection has begun */

/* Any thread. */
MUST_CHECK int tls_reload(struct tls *t);

/* Any thread. A server's side of a new connection; NULL: no memory. */
SSL *tls_accept(struct tls *t);
