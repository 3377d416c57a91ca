/* A connection's bytes on their way to the server and back, plain or over TLS. */
#pragma once

#include "load/options.h"

#include <openssl/ssl.h>
#include <sys/types.h>

struct wire {
	int fd;
	SSL *ssl; /* NULL: plain */
};

/* Once, before the first is opened. Ends the program when there is no TLS to be had. */
void wire_init(const struct options *o);

/* Connects, and shakes hands over TLS, whoever the server says it is. Ends the program when it cannot. */
void wire_open(struct wire *w, const struct options *o);
void wire_close(struct wire *w);

/* As send(2) and recv(2), neither waits. */
ssize_t wire_send(struct wire *w, const char *p, size_t n);
ssize_t wire_recv(struct wire *w, char *p, size_t n);

/* There is more to be received that the socket does not tell of. */
bool wire_has_more(const struct wire *w);

/* Ends the program. */
_Noreturn void give_up(const char *what);
