#include "net/tls_stream.h"

#include "base/buf.h"

#include <openssl/err.h>
#include <stdlib.h>

struct tls_stream {
	SSL *ssl;
	struct str in; /* not yet used up */
	struct buf out;
	size_t n_sent;       /* of `out` */
	struct arena memory; /* of `out`; where it grows, what it was stays readable */
};

/* --- The peer, as OpenSSL sees it --- */

static int bio_read(BIO *bio, char *to, int room)
{
	struct tls_stream *s = BIO_get_data(bio);
	size_t n = MIN(s->in.n, (size_t)room);
	BIO_clear_retry_flags(bio);
	if (n == 0) {
		BIO_set_retry_read(bio);
		return -1;
	}
	memcpy(to, s->in.p, n);
	s->in = str_from(s->in, n);
	return (int)n;
}

static int bio_write(BIO *bio, const char *data, int n)
{
	struct tls_stream *s = BIO_get_data(bio);
	BIO_clear_retry_flags(bio);
	buf_put(&s->out, (struct str){ data, (size_t)n });
	return s->out.failed ? -1 : n;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
	(void)bio, (void)number, (void)pointer;
	return command == BIO_CTRL_FLUSH;
}

static BIO_METHOD *method;

static void make_method(void)
{
	int type = BIO_get_new_index();
	method = BIO_meth_new(type | BIO_TYPE_SOURCE_SINK, "net/tls_stream");
	if (!method)
		return;
	BIO_meth_set_read(method, bio_read);
	BIO_meth_set_write(method, bio_write);
	BIO_meth_set_ctrl(method, bio_ctrl);
}

static BIO *new_bio(struct tls_stream *s)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, make_method);
	BIO *bio = method ? BIO_new(method) : NULL;
	if (!bio)
		return NULL;
	BIO_set_data(bio, s);
	BIO_set_init(bio, 1);
	return bio;
}

/* --- Life --- */

struct tls_stream *tls_stream_new(struct tls *t, size_t ceiling, struct arena_budget *budget)
{
	struct tls_stream *s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	arena_init(&s->memory, ceiling, budget);
	s->out = buf_in(&s->memory);
	s->ssl = tls_accept(t);
	BIO *bio = s->ssl ? new_bio(s) : NULL;
	if (!bio) {
		tls_stream_free(s);
		return NULL;
	}
	SSL_set_bio(s->ssl, bio, bio);
	return s;
}

void tls_stream_free(struct tls_stream *s)
{
	if (!s)
		return;
	SSL_free(s->ssl);
	arena_fini(&s->memory);
	free(s);
}

void tls_stream_own(struct tls_stream *s, struct arena_owner *owner)
{
	arena_own(&s->memory, owner);
}

bool tls_stream_is_ready(const struct tls_stream *s)
{
	return SSL_is_init_finished(s->ssl);
}

/* --- In --- */

void tls_stream_give(struct tls_stream *s, struct str bytes)
{
	must(s->in.n == 0);
	s->in = bytes;
}

struct str tls_stream_rest(struct tls_stream *s)
{
	struct str rest = s->in;
	s->in = STR("");
	return rest;
}

enum tls_read tls_stream_read(struct tls_stream *s, char *out, size_t room, size_t *n)
{
	ERR_clear_error();
	if (SSL_read_ex(s->ssl, out, room, n) == 1)
		return TLS_DATA;
	switch (SSL_get_error(s->ssl, 0)) {
	case SSL_ERROR_WANT_READ:
		return TLS_MORE;
	case SSL_ERROR_ZERO_RETURN:
		return TLS_END;
	default:
		return TLS_BROKEN;
	}
}

/* --- Out --- */

bool tls_stream_write(struct tls_stream *s, struct str text)
{
	size_t took;
	ERR_clear_error();
	return text.n == 0 || SSL_write_ex(s->ssl, text.p, text.n, &took) == 1;
}

void tls_stream_end(struct tls_stream *s)
{
	ERR_clear_error();
	if (tls_stream_is_ready(s))
		SSL_shutdown(s->ssl);
}

struct str tls_stream_output(const struct tls_stream *s)
{
	return str_from(buf_str(&s->out), s->n_sent);
}

void tls_stream_sent(struct tls_stream *s, size_t n)
{
	struct arena was = s->memory;
	s->n_sent += n;
	must(s->n_sent <= s->out.n);
	if (s->n_sent < s->out.n)
		return;
	s->n_sent = 0;
	arena_fini(&s->memory);
	arena_init(&s->memory, was.ceiling, was.budget);
	arena_own(&s->memory, was.owner);
	s->out = buf_in(&s->memory);
}
