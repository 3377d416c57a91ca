/*
 * An operation: what a dialect makes of one reported event, in words that no vendor owns. The
 * dialect fills the first part on the net loop, the committer reads it and fills the second part,
 * the dialect words the answer from that. All pointers lead into the request's arena.
 *
 * Thread: owned by the net loop until it is submitted, by the committer until it comes back.
 */
#pragma once

#include "base/timefmt.h"
#include "base/uuid.h"
#include "model/definition.h"
#include "model/identity.h"

/* What an identity in a report is for. Bits. */
enum who_use {
	WHO_LOOKUP = 1,  /* finds the contact; tried in the order given, the first match wins */
	WHO_CREATES = 2, /* may bring a new contact into being when nothing matches */
	WHO_ADOPT = 4,   /* the contact takes it when it has none of this kind and nobody owns it */
	WHO_REPLACE = 8, /* the contact takes it in place of the one it has, if nobody owns it */
	WHO_SHARED = 16, /* kept as an attribute even when another contact owns the identity */
	/* When no look-up found anybody: finds the contact that owns it, if that contact has no
	 * identity of the kinds looked up by. So a person whom one vendor's clients know by e-mail
	 * is the same person when another's name her by an id of their own. */
	WHO_CLAIMS = 32,
};

/*
 * An e-mail or phone that a contact takes is also its attribute `email` or `phone`, as reported. A
 * new contact takes every identity marked WHO_ADOPT or WHO_REPLACE. The first owner of an identity
 * keeps it.
 */
struct who {
	enum identity_kind kind;
	unsigned use;
	struct str value; /* as reported; at most IDENTITY_VALUE_MAX bytes */
	struct str key;   /* of identity_key(); .p NULL for the outward ids that need none */
};

enum attribute_verb {
	ATTRIBUTE_SET,    /* to `json` */
	ATTRIBUTE_REMOVE, /* no-op when absent */
	ATTRIBUTE_UNION,  /* `json` is an array; what the attribute's array lacks is appended */
	ATTRIBUTE_APPEND, /* `json` is an array; all of it is appended */
};

/* Applied in order. Built-in attributes have one snake_case name for all dialects: first_name,
 * last_name, language, gender, birthdate, address, city, state, country, country_code,
 * postal_code, tags, consents, opt_ins, opt_outs. Custom ones live under `custom`. */
struct attribute_change {
	enum attribute_verb verb;
	bool custom;
	struct str name;
	struct str json; /* compact JSON text */
};

enum {
	CONTACT_CUSTOM_MAX = 1000,           /* custom attributes, unless an operation says fewer */
	CONTACT_ATTRIBUTES_MAX = 256 * 1024, /* bytes of attributes as JSON */
	CONTACT_IDENTITIES_MAX = 300,
};

/* A property of an event whose definition is inferred: what it looks like, what it may pass for. */
struct seen_field {
	struct str name;
	enum field_type type; /* recorded when the field is new */
	unsigned fits;        /* FIELD_BIT()s: the recorded types it satisfies */
};

enum op_outcome {
	OP_PENDING,
	OP_DONE,        /* stored and synced */
	OP_REFUSED,     /* the store's truth says no: see problems; nothing of it was written */
	OP_OVERLOADED,  /* queue full or disk nearly so; come back later */
	OP_UNAVAILABLE, /* the batch could not be made durable; nothing was acknowledged */
};

struct op {
	struct arena *arena; /* for problems and their paths */
	uint32_t workspace;
	uint8_t dialect; /* the number its events are stored under */
	const struct who *who;
	unsigned n_who;
	const struct attribute_change *changes;
	unsigned n_changes;
	unsigned custom_max; /* custom attributes the contact may have; 0: CONTACT_CUSTOM_MAX */

	/* Declared: `definition` is its row number. Inferred: 0, then the name and what was seen.
	 */
	uint32_t definition;
	struct str definition_name;
	const struct seen_field *seen;
	unsigned n_seen;

	struct str properties; /* compact JSON text of an object */
	bool occurred_given;   /* else occurred_at becomes received_at */
	instant_us occurred_at;

	/* The committer's answer. */
	enum op_outcome outcome;
	struct problems *problems; /* with OP_REFUSED */
	struct uuid event_id;      /* version 7, grows with seq */
	uint64_t seq;              /* position in commit order, from 1 */
	uint64_t contact;          /* row number: the outward 64-bit number */
	instant_us received_at;
};
