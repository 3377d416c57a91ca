/*
 * Which network addresses are nobody's business outside: what a webhook's URL must not reach
 * unless its owner says so (IANA's special-purpose registries, RFC 6890).
 */
#pragma once

#include "base/str.h"

#include <sys/socket.h>

/* Of this machine, of private, shared, link-local, test, multicast or reserved networks; of IPv6 also
 * what only wraps such an IPv4 address. Families other than these two: true. */
bool address_is_private(const struct sockaddr *at);

/* Likewise for its text; true for what is no numeric address. */
bool address_text_is_private(const char *text);

/* Likewise for a host as a URL has it, an address of IPv6 in brackets. False for a name: what that
 * stands for is known when it is connected to. */
bool address_host_is_private(struct str host);
