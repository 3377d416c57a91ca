/*
 * Destinations: where deliveries go. Declared as JSON of one workspace under a name, judged once,
 * when it is saved, and read again whenever a catalog is. Pure; immutable once read.
 *
 *   { "name": "crm", "type": "webhook", "url": "https://crm.example/in", "secret": "whsec_...",
 *     "allow_private": false, "retry_seconds": [5, 300, 1800], "concurrency": 10,
 *     "requests_per_second": 0, "ordered": false, "body": "{...}" }
 *   { "name": "to-pristo", "type": "relay", "vendor": "pristo", "key": "...", "population": "..." }
 *   { "name": "bus", "type": "kafka", "brokers": "k1:9092,k2:9092", "topic": "occurd.events",
 *     "tls": true, "sasl": "SCRAM-SHA-512", "username": "occurd", "password": "..." }
 *
 * Secrets and passwords are stored as they are, because they sign what is sent or let it in; nothing
 * that occurd serves shows them.
 */
#pragma once

#include "base/json.h"
#include "base/timefmt.h"
#include "model/problem.h"

enum destination_type {
	DESTINATION_WEBHOOK,
	DESTINATION_FILE,
	DESTINATION_RELAY,
	DESTINATION_KAFKA,
	DESTINATION_TYPES, /* how many */
};

enum {
	DESTINATION_NAME_MAX = 100, /* code points */
	DESTINATION_URL_MAX = 2048, /* bytes */
	DESTINATION_TOPIC_MAX = 249,
	DESTINATION_MESSAGE_MAX = 4 * 1024 * 1024, /* bytes */
	DESTINATION_RETRIES_MAX = 20,
	DESTINATION_RETRY_MAX_S = 7 * 24 * 60 * 60,
	DESTINATION_SECRETS_MAX = 2, /* valid at once: the new one signs first */
	DESTINATION_CONCURRENCY_MAX = 1000,
	DESTINATION_RENAMED_MAX = 1000,
	DESTINATION_FIELDS_MAX = 1000,
};

struct vendor;

/* An event type that has another name where it goes. */
struct renamed {
	struct str from, to;
};

/* To one vendor's account. */
struct destination_relay {
	const struct vendor *vendor;
	struct str key;        /* that the vendor knows the account by */
	struct str population; /* Pristo's; lower-case UUID */
	const struct renamed *names;
	unsigned n_names;
	const struct str *contact_fields; /* custom attributes that go along */
	unsigned n_contact_fields;
	bool all_contact_fields; /* instead: all of them */
	bool keep_time;          /* by the vendor's call that takes the time of an event */
	bool at_least_once;      /* rather twice than not at all, where nobody can know */
};

/* Strings are NUL-terminated behind their bytes, and have no NUL in them. */
struct destination_kafka {
	struct str brokers; /* "host:port,host:port" */
	struct str topic;
	bool tls;
	struct str ca;    /* PEM; .n 0: whom the system trusts */
	const char *sasl; /* the mechanism; NULL: without */
	struct str username, password;
	uint32_t message_max; /* bytes, with key and headers */
};

struct destination {
	uint32_t no, workspace; /* row numbers */
	instant_us declared_at; /* when it was changed last */
	struct str name;
	enum destination_type type;
	bool disabled;

	bool allow_private; /* addresses of this machine and of private networks will do */

	/* Webhook. The secrets are decoded: the bytes that sign. */
	struct str url;
	struct str secrets[DESTINATION_SECRETS_MAX];
	unsigned n_secrets;

	/* File. */
	struct str path; /* relative to `out` in the data directory */
	uint64_t rotate_bytes;

	struct destination_relay relay; /* to the URL, without what the vendor's calls add to it */
	struct destination_kafka kafka;

	/* All. */
	const uint32_t *retry_s; /* pauses before the second attempt, the third ... */
	unsigned n_retries;
	unsigned concurrency;         /* attempts under way at once */
	unsigned requests_per_second; /* 0: no limit */
	bool ordered;                 /* a contact's deliveries one after the other */
	struct str
		body; /* a template of what is sent (model/body.h); .p NULL: what is sent by default */
};

/* Reads what is declared; what is absent gets its default. Each thing wrong becomes a problem with
 * its path, and it returns false; also when memory is refused, which is no problem. */
MUST_CHECK bool destination_read(struct arena *a, yyjson_val *v, struct problems *ps,
				 struct destination *out);

/* The declaration as it is shown: without its secrets, of which only how many there are is told. */
void destination_put(struct buf *b, const struct destination *d);
