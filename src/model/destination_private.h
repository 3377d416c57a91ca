/*
 * Between model/destination.c, which reads what all destinations have, and one file per type for
 * what only that type has. Nobody else includes it.
 */
#pragma once

#include "model/destination.h"
#include "model/spec.h"

enum destination_member {
	NAME,
	TYPE,
	DISABLED,
	URL,
	SECRET,
	SECRETS,
	ALLOW_PRIVATE,
	PATH,
	ROTATE,
	VENDOR,
	KEY,
	POPULATION,
	NAMES,
	CONTACT_FIELDS,
	KEEP_TIME,
	AT_LEAST_ONCE,
	BROKERS,
	TOPIC,
	TLS,
	CA,
	SASL,
	USERNAME,
	PASSWORD,
	MESSAGE_MAX,
	RETRY,
	PARALLEL,
	RATE,
	ORDERED,
	BODY,
	N_MEMBERS,
};

struct destination_reader {
	struct spec spec;
	yyjson_val *v[N_MEMBERS]; /* NULL: absent */
	struct destination *out;
};

void destination_wrong(struct destination_reader *r, unsigned member, enum problem_code code,
		       const char *rule);

/* Visible ASCII alone: what may stand in a URL or a header. */
bool destination_is_visible(struct str s);
/* Of what stands behind // in a URL, or for a broker: the host alone, an address of IPv6 in its
 * brackets; and whether a port from 1 to 65535 follows it. */
struct str destination_host(struct str authority);
bool destination_has_port(struct str authority);
/* With `allow_private`, which says what the URL may be. */
void destination_read_url(struct destination_reader *r);
/* What is wrong with an address of a private network; names are judged when they are connected to. */
#define DESTINATION_PRIVATE  "public address, unless allow_private is true"
#define DESTINATION_PRIVATES "public addresses, unless allow_private is true"

void destination_read_relay(struct destination_reader *r);
void destination_put_relay(struct buf *b, const struct destination *d);
void destination_read_kafka(struct destination_reader *r);
void destination_put_kafka(struct buf *b, const struct destination *d);
