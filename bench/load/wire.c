#include "load/wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static SSL_CTX *context; /* NULL: plain */

void give_up(const char *what)
{
	fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
	exit(1);
}

void wire_init(const struct options *o)
{
	if (!o->tls)
		return;
	signal(SIGPIPE, SIG_IGN); /* OpenSSL writes without MSG_NOSIGNAL */
	context = SSL_CTX_new(TLS_client_method());
	if (!context)
		give_up("TLS");
	SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE |
					  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
					  SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_read_ahead(context, 1);
}

static int dial(const struct options *o)
{
	int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(o->port) };
	if (fd < 0 || inet_pton(AF_INET, o->host, &to.sin_addr) != 1)
		give_up("socket");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		give_up("connect");
	return fd;
}

static SSL *shake(int fd)
{
	SSL *ssl = SSL_new(context);
	if (!ssl || SSL_set_fd(ssl, fd) != 1 || SSL_connect(ssl) != 1)
		give_up("TLS handshake");
	return ssl;
}

void wire_open(struct wire *w, const struct options *o)
{
	w->fd = dial(o);
	w->ssl = context ? shake(w->fd) : NULL;
	if (fcntl(w->fd, F_SETFL, O_NONBLOCK) < 0)
		give_up("socket");
}

void wire_close(struct wire *w)
{
	SSL_free(w->ssl);
	close(w->fd);
}

/* What OpenSSL says of a call that took or gave nothing, in the words of a socket. */
static ssize_t in_short(const struct wire *w, int r)
{
	int why = SSL_get_error(w->ssl, r);
	ERR_clear_error();
	if (why == SSL_ERROR_ZERO_RETURN)
		return 0;
	errno = why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? EAGAIN : EPROTO;
	return -1;
}

ssize_t wire_send(struct wire *w, const char *p, size_t n)
{
	size_t sent;
	if (!w->ssl)
		return send(w->fd, p, n, MSG_NOSIGNAL);
	int r = SSL_write_ex(w->ssl, p, n, &sent);
	return r > 0 ? (ssize_t)sent : in_short(w, r);
}

ssize_t wire_recv(struct wire *w, char *p, size_t n)
{
	size_t got;
	if (!w->ssl)
		return recv(w->fd, p, n, 0);
	int r = SSL_read_ex(w->ssl, p, n, &got);
	return r > 0 ? (ssize_t)got : in_short(w, r);
}

bool wire_has_more(const struct wire *w)
{
	return w->ssl && SSL_has_pending(w->ssl);
}
