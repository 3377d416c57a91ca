/*
 * One connection's encryption, apart from its socket: bytes of the peer go in, plain text comes
 * out; plain text goes in, bytes for the peer come out. Holds no buffer of its own while nothing
 * is on its way. Private to this folder; one thread.
 */
#pragma once

#include "base/arena.h"
#include "net/tls.h"

struct tls_stream;

/* What waits to be sent counts against the ceiling, in bytes, and the budget. NULL: no memory. */
struct tls_stream *tls_stream_new(struct tls *t, size_t ceiling, struct arena_budget *budget);
void tls_stream_free(struct tls_stream *s);           /* NULL is fine */
bool tls_stream_is_ready(const struct tls_stream *s); /* the handshake is done */

/* Whose share of the budget the output counts against, from now on. */
void tls_stream_own(struct tls_stream *s, struct arena_owner *owner);

/* What the peer sent, read in place: it must stay until it is used up or tls_stream_rest() has
 * told what is left, to be given anew. */
void tls_stream_give(struct tls_stream *s, struct str bytes);
struct str tls_stream_rest(struct tls_stream *s);

enum tls_read {
	TLS_DATA,   /* *n bytes, at least one */
	TLS_MORE,   /* all that was given is used up */
	TLS_END,    /* the peer has said that it sends no more */
	TLS_BROKEN, /* no TLS, or nothing in common; an alert is in the output */
};

MUST_CHECK enum tls_read tls_stream_read(struct tls_stream *s, char *out, size_t room, size_t *n);

/* Encrypts into the output. False: no memory, or the handshake is not done. */
MUST_CHECK bool tls_stream_write(struct tls_stream *s, struct str text);
/* Says to the peer that no more comes. */
void tls_stream_end(struct tls_stream *s);

/* What is to be sent; it stays where it is until that much has been. */
struct str tls_stream_output(const struct tls_stream *s);
void tls_stream_sent(struct tls_stream *s, size_t n);
