/* The listening socket of a loop, and how connections come from it. Private to this folder. */
#pragma once

#include "net/loop.h"

/* share: SO_REUSEPORT, so that other loops can bind there too. */
MUST_CHECK int accept_listen(struct net_loop *loop, const struct sockaddr *at, bool share);

/* 0 when nobody listens at `at` and it can be bound, also not with SO_REUSEPORT. */
MUST_CHECK int accept_probe(const struct sockaddr *at);

/* The port that the kernel chose. */
uint16_t accept_port(const struct net_loop *loop);
