/*
 * A bell: how other threads call the delivering one while it waits in http_run(). Rung often before it
 * is heard, it is heard once.
 *
 * Thread: the delivering thread, but for bell_ring().
 */
#pragma once

#include "base/base.h"

struct http;

/* From now on http_run() calls rung(arg) when it was rung. *fd: the bell. */
MUST_CHECK int bell_open(struct http *h, void (*rung)(void *arg), void *arg, int *fd);
void bell_close(struct http *h, int fd);

/* It was heard: what is rung for from here on rings again. */
void bell_hush(int fd);

/* Any thread. */
void bell_ring(int fd);
