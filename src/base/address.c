#include "base/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

struct network {
	const char *prefix;
	unsigned bits;
};

static const struct network networks4[] = {
	{ "0.0.0.0", 8 },       /* this network */
	{ "10.0.0.0", 8 },      /* private */
	{ "100.64.0.0", 10 },   /* shared by carriers */
	{ "127.0.0.0", 8 },     /* loopback */
	{ "169.254.0.0", 16 },  /* link-local; clouds keep their metadata there */
	{ "172.16.0.0", 12 },   /* private */
	{ "192.0.0.0", 24 },    /* protocol assignments */
	{ "192.0.2.0", 24 },    /* documentation */
	{ "192.168.0.0", 16 },  /* private */
	{ "198.18.0.0", 15 },   /* benchmarks */
	{ "198.51.100.0", 24 }, /* documentation */
	{ "203.0.113.0", 24 },  /* documentation */
	{ "224.0.0.0", 4 },     /* multicast */
	{ "240.0.0.0", 4 },     /* reserved; broadcast */
};

static const struct network networks6[] = {
	{ "::", 128 },         /* unspecified */
	{ "::1", 128 },        /* loopback */
	{ "64:ff9b:1::", 48 }, /* NAT64 of one network (RFC 8215), whose IPv4 is often private */
	{ "100::", 64 },       /* discard */
	{ "2001:2::", 48 },    /* benchmarks */
	{ "2001:db8::", 32 },  /* documentation */
	{ "3fff::", 20 },      /* documentation */
	{ "5f00::", 16 },      /* segment routing */
	{ "fc00::", 7 },       /* private */
	{ "fe80::", 10 },      /* link-local */
	{ "fec0::", 10 },      /* site-local, once */
	{ "ff00::", 8 },       /* multicast */
};

/* Networks of IPv6 that hold an IPv4 address, and at which byte. */
static const struct {
	struct network within;
	unsigned at;
} wrappers[] = {
	{ { "::ffff:0:0", 96 }, 12 },   /* mapped */
	{ { "::ffff:0:0:0", 96 }, 12 }, /* translated (RFC 2765) */
	{ { "::", 96 }, 12 },           /* compatible, once */
	{ { "64:ff9b::", 96 }, 12 },    /* NAT64 (RFC 6052) */
	{ { "2002::", 16 }, 2 },        /* 6to4 */
};

static bool is_within(const unsigned char *address, int family, struct network n)
{
	unsigned char prefix[16];
	unsigned whole = n.bits / 8, rest = n.bits % 8;
	must(inet_pton(family, n.prefix, prefix) == 1);
	if (memcmp(address, prefix, whole) != 0)
		return false;
	return rest == 0 || (address[whole] ^ prefix[whole]) >> (8 - rest) == 0;
}

static bool is_private4(const unsigned char *address)
{
	for (size_t i = 0; i < ARRAY_LEN(networks4); i++)
		if (is_within(address, AF_INET, networks4[i]))
			return true;
	return false;
}

static bool is_private6(const unsigned char *address)
{
	for (size_t i = 0; i < ARRAY_LEN(networks6); i++)
		if (is_within(address, AF_INET6, networks6[i]))
			return true;
	for (size_t i = 0; i < ARRAY_LEN(wrappers); i++)
		if (is_within(address, AF_INET6, wrappers[i].within))
			return is_private4(address + wrappers[i].at);
	return false;
}

bool address_is_private(const struct sockaddr *at)
{
	if (at->sa_family == AF_INET)
		return is_private4(
			(const unsigned char *)&((const struct sockaddr_in *)at)->sin_addr);
	if (at->sa_family == AF_INET6)
		return is_private6(
			(const unsigned char *)&((const struct sockaddr_in6 *)at)->sin6_addr);
	return true;
}

bool address_text_is_private(const char *text)
{
	unsigned char address[16];
	if (inet_pton(AF_INET, text, address) == 1)
		return is_private4(address);
	return inet_pton(AF_INET6, text, address) != 1 || is_private6(address);
}

bool address_host_is_private(struct str host)
{
	char text[INET6_ADDRSTRLEN] = "";
	unsigned char address[16];
	bool bracketed = host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']';
	if (bracketed)
		host = (struct str){ host.p + 1, host.n - 2 };
	if (host.n >= sizeof(text))
		return false;
	memcpy(text, host.p, host.n);
	if (bracketed)
		return inet_pton(AF_INET6, text, address) == 1 && is_private6(address);
	return inet_pton(AF_INET, text, address) == 1 && is_private4(address);
}
