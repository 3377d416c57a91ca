/*
 * An operation: what a dialect makes of one thing asked for (an event reported, a contact changed,
 * a definition made), in words that no vendor owns. The dialect fills the first part on the net
 * loop, the committer reads it and fills the second part, the dialect words the answer from that.
 * All pointers lead into the request's arena.
 *
 * Thread: owned by the net loop until it is submitted, by the committer until it comes back.
 */
#pragma once

#include "base/timefmt.h"
#include "base/uuid.h"
#include "model/contact.h"
#include "model/definition.h"
#include "model/tokens.h"

enum op_kind {
	OP_EVENT,          /* a contact is found or made and changed, and the event is its newest */
	OP_CONTACT,        /* a contact is found or made and changed */
	OP_CONTACT_DELETE, /* a contact goes, with all that is known of it: see store.h */
	OP_KEY,        /* a key is made, with number 0, or else the one of that number revoked */
	OP_WORKSPACE,  /* a workspace is made, with its first key, or changed */
	OP_DEFINITION, /* a definition is made or changed */
	OP_DEFINITION_DELETE, /* a definition goes; its events stay and keep its name */
	OP_CONTACT_FIELD,     /* a contact field is made, changed or taken away */
	OP_DOCUMENT,          /* a destination or an automation is made or changed */
	OP_DOCUMENT_DELETE,   /* it goes; a destination only when no automation sends to it */
	OP_TOKEN_ISSUE,  /* a token is made; refused without problems when there are too many */
	OP_TOKEN_REVOKE, /* `token` goes, if it is there and of that issuer; a refresh token with
			  * all of its family */
	OP_BULK, /* the operations before it in its job are recorded, with what became of them */
};

struct bulk;
struct key;
struct workspace;
struct contact_field;
struct document;

/* What an identity in a report is for. Bits. */
enum who_use {
	WHO_LOOKUP = 1,  /* finds the contact; tried in the order given, the first match wins */
	WHO_CREATES = 2, /* may bring a new contact into being when nothing matches */
	WHO_ADOPT = 4,   /* the contact takes it when it has none of this kind and nobody owns it */
	/* The contact takes it in place of the one it has, of several the one that is shown, if
	 * nobody owns it. */
	WHO_REPLACE = 8,
	WHO_SHARED = 16, /* kept as an attribute even when another contact owns the identity */
	/* When no look-up found anybody: finds the contact that owns it, if that contact has no
	 * identity of the kinds looked up by; tried in the order given. So a person whom one
	 * vendor's clients know by e-mail is the same person when another's name her by an id of
	 * their own. */
	WHO_CLAIMS = 32,
	WHO_EXCLUSIVE = 64,  /* PROBLEM_TAKEN when another contact owns it; path: the kind's name */
	WHO_DROP = 128,      /* the contact loses it, and the attribute that shows it */
	WHO_DROP_KIND = 256, /* the contact loses all of this kind; value and key do not matter */
	WHO_ADD = 512,       /* the contact takes it beside those it has, if nobody owns it */
	/* The contact keeps it as it is stored, and shows it: for what was only looked up by, whose
	 * spelling here nobody has judged. */
	WHO_STAYS = 1024,
};

/*
 * An e-mail or phone that a contact takes is also its attribute `email` or `phone`, as reported:
 * shown. Of several one is, the first or what took its place; when it is dropped, another. A
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
	/* Likewise; of a list longer than ATTRIBUTE_RECORD_MAX only the last items stay, one at least. */
	ATTRIBUTE_RECORD,
	ATTRIBUTE_WITHOUT, /* `json` is an array; its items are taken out of the attribute's array
			    */
	/* To `json`, an object with the member `at`, an instant of time_put() with six digits; unless
	 * the attribute has a later one. */
	ATTRIBUTE_NEWER,
	/* Likewise in any case: `at` becomes the attribute's where that is later. */
	ATTRIBUTE_NOW,
};

/* Applied in order. Built-in attributes have one snake_case name for all dialects: first_name,
 * last_name, language, gender, birthdate, address, city, state, country, country_code,
 * postal_code, tags, consents, opt_ins, opt_outs, email_status, sms_status, active, subscribed
 * (booleans; absent: nobody has said). Custom ones live under `custom`. email_status and sms_status
 * are about the e-mail and the phone that the contact shows, and go with it. */
struct attribute_change {
	enum attribute_verb verb;
	bool custom;
	struct str name;
	struct str json; /* compact JSON text */
	/* One of the operation's identities, an e-mail or phone: without effect where that is not the
	 * one that the contact shows by then. NULL: it is about the person. */
	const struct who *of;
};

enum {
	CONTACT_CUSTOM_MAX = 1000,           /* custom attributes, unless an operation says fewer */
	ATTRIBUTE_RECORD_MAX = 48 * 1024,    /* bytes of a list that only grows, as JSON */
	CONTACT_ATTRIBUTES_MAX = 256 * 1024, /* bytes of attributes as JSON */
	CONTACT_IDENTITIES_MAX = 300,
};

/* A property of an event whose definition is inferred: what it looks like, what it may pass for. */
struct seen_field {
	struct str name;
	enum field_type type; /* recorded when the field is new */
	unsigned fits;        /* FIELD_BIT()s: the recorded types it satisfies */
};

/* How an operation on a contact meets the one that is there. Bits, with OP_CONTACT. */
enum contact_rule {
	CONTACT_MUST_BE_NEW = 1, /* PROBLEM_EXISTS when a look-up matches; path: the kind's name */
	/* What the operation does not name goes: attributes, e-mails, phones, external ids. */
	CONTACT_REPLACED = 2,
	/* PROBLEM_ALTERNATIVES when the contact loses its last e-mail, phone or external id, or is new
	 * and has none. */
	CONTACT_KEEPS_ONE = 4,
};

/* How an operation on a definition meets the one that is there. Bits, with OP_DEFINITION. */
enum definition_rule {
	DEFINITION_MUST_BE_NEW = 1, /* PROBLEM_EXISTS when the name is taken */
	DEFINITION_MUST_EXIST = 2,  /* PROBLEM_UNKNOWN_DEFINITION when `definition` is none */
	DEFINITION_GROWS = 4,  /* fields are added to those there; a type that differs clashes */
	DEFINITION_FIELDS = 8, /* `define.fields` is meant; else the fields stay */
	DEFINITION_TITLE = 16, /* likewise */
	DEFINITION_DESCRIPTION = 32,
	DEFINITION_ANNOTATIONS = 64,
	/* PROBLEM_EXISTS when it has changed since `define.updated_at`: what is set was made of
	 * what was there. */
	DEFINITION_AS_SEEN = 128,
};

/* What of a workspace that is there changes. Bits, with OP_WORKSPACE. */
enum workspace_rule {
	WORKSPACE_NAME = 1, /* `like.name` is meant; else that of one that is there stays */
	WORKSPACE_RATE = 2, /* likewise requests_per_second */
};

/* What an operation does to a contact field. Bits, with OP_CONTACT_FIELD. */
enum contact_field_rule {
	CONTACT_FIELD_NEW = 1,         /* is made: PROBLEM_EXISTS when the name is taken; else: */
	CONTACT_FIELD_GOES = 2,        /* is taken away; what contacts have of it stays */
	CONTACT_FIELD_TITLE = 4,       /* `contact_field->title` is meant; else it stays */
	CONTACT_FIELD_DESCRIPTION = 8, /* likewise */
	CONTACT_FIELD_FALLBACK = 16,
};

/* How an operation on a document meets the one that is there. Bits, with OP_DOCUMENT. */
enum document_rule {
	DOCUMENT_MUST_BE_NEW = 1, /* PROBLEM_EXISTS when the name is taken */
	DOCUMENT_MUST_EXIST = 2,  /* PROBLEM_UNKNOWN_DOCUMENT when there is none of that name */
	/* PROBLEM_CHANGED when it has changed since `document->updated_at`: what it shall be was
	 * made of what was there. */
	DOCUMENT_AS_SEEN = 4,
	/* Nothing else of it is changed: nothing else is looked at. */
	DOCUMENT_SWITCHED_OFF = 8,
};

/*
 * An id that the caller chose, so that a repetition is recognised: stored with the answer's facts
 * until it expires. `space` keeps the ids of one dialect's call apart from all others.
 *
 * Within one operation (events): a repetition comes back as OP_DONE with `repeated` set and the
 * first event's facts (id, times, seq, contact); nothing is written.
 * Over a whole job: see commit_job.
 */
enum { DEDUPE_KEY_MAX = 512 }; /* bytes; the dialect refuses longer ones */

struct dedupe {
	struct str key; /* .p NULL: none */
	uint8_t space;  /* of enum dedupe_space */
	int64_t keep_s; /* how long it is remembered; 0: for ever */
};

/* Stored: never renumber. */
enum dedupe_space {
	DEDUPE_INFOBIP_EVENT = 1,  /* eventId, of the account (infobip.md decision 11) */
	DEDUPE_OMNISEND_EVENT = 2, /* eventID and eventTime (omnisend.md decision 33) */
	DEDUPE_ARSEL_REQUEST = 3,  /* Idempotency-Key (arsel.md decision 19) */
	DEDUPE_DEED = 4,           /* the delivery by which an automation records an event */
};

/* Instead of a dialect's number, under the name "automation": no client reported the event. */
enum { DIALECT_AUTOMATION = 255 };

enum op_outcome {
	OP_PENDING,
	OP_DONE,        /* stored and synced */
	OP_REFUSED,     /* the store's truth says no: see problems; nothing of it was written */
	OP_OVERLOADED,  /* queue full or disk nearly so; come back later */
	OP_UNAVAILABLE, /* the batch could not be made durable; nothing was acknowledged */
};

struct op {
	struct arena *arena; /* for problems and their paths, and for `view` */
	enum op_kind kind;
	uint32_t workspace; /* OP_WORKSPACE: that one, 0: a new one */
	uint8_t dialect;    /* the number its events are stored under */
	const struct who *who;
	unsigned n_who;
	const struct attribute_change *changes;
	unsigned n_changes;
	unsigned custom_max; /* custom attributes the contact may have; 0: CONTACT_CUSTOM_MAX */

	unsigned rules; /* of the enum ..._rule of its kind */
	/* What is asked for beyond the outcome takes memory of `arena`, which may be refused, and the
	 * operation with it: not for jobs that are all or nothing (store_check()). */
	bool wants_view;  /* OP_EVENT, OP_CONTACT: fill `view` */
	bool wants_first; /* OP_EVENT: `repeated`, it has the first event's properties and
			   * definition_name */
	struct dedupe dedupe;

	/* OP_KEY: refused without problems when there is none of that number, or no number left. */
	const struct key *key;

	/* OP_WORKSPACE: what it shall be; of a new one id, name and limits too, and `key` is its
	 * first. Switches are those that are set; others of one that is there stay.
	 * PROBLEM_EXISTS when the id is taken, PROBLEM_WORKSPACES_FULL when no workspace or no key
	 * more can be made. */
	const struct workspace *like;

	/* OP_DEFINITION: what it shall be, by name (new) or by `definition` (there already). */
	const struct definition *define;

	/* OP_CONTACT_FIELD: what a new one shall be, or else the one of its `id` and what of it
	 * changes: PROBLEM_UNKNOWN_FIELD when there is none. */
	const struct contact_field *contact_field;

	/* OP_DOCUMENT: kind, name and body, which has been judged; all the same, an automation that
	 * sends to what is not there is PROBLEM_UNKNOWN_DOCUMENT, and PROBLEM_DOCUMENTS_FULL is one
	 * too many. OP_DOCUMENT_DELETE: kind and name; PROBLEM_UNKNOWN_DOCUMENT when there is none,
	 * PROBLEM_IN_USE when an automation, the path, sends to it. */
	const struct document *document;

	/* OP_TOKEN_ISSUE: all but its times, which are the committer's; OP_TOKEN_REVOKE: digest and
	 * issuer. */
	const struct token *token;
	const struct token *refresh; /* made along with it; NULL: none */
	int64_t token_lives_s;       /* of either */

	/*
	 * OP_TOKEN_ISSUE: what is given for it (digest, issuer, kind, family), NULL: nothing. All
	 * of its family goes, in any case: when it is good, what is made comes in its place, with
	 * the scopes it had, or those of `token`, if it has any; PROBLEM_VALUE when those are more.
	 * When it is not good (unknown, expired, given before), the operation is done and `created`
	 * says no: whoever has it may have stolen it.
	 */
	const struct token *spends;

	const struct bulk *bulk; /* OP_BULK */

	/* OP_EVENT. What is known of its definition, by row number, and is not to be extended; 0:
	 * nothing. With 0, or when that one has gone since, the one of that name, which is extended by
	 * what was seen, or made; without a name that is PROBLEM_UNKNOWN_DEFINITION. */
	uint32_t definition;
	struct str definition_name;
	const struct seen_field *seen;
	unsigned n_seen;

	struct str properties; /* compact JSON text of an object */
	/* How they are not what the definition declares, where that is no reason to refuse them:
	 * compact JSON text of an array of sentences, kept with the event; .p NULL: they are. */
	struct str mismatches;
	/* Why an automation records it: compact JSON text of an object, {"event_id":"...",
	 * "automations":["a","b"]}: the event it was about, and the names of those that led to this
	 * one, each to the next. .p NULL: a client reports it. */
	struct str cause;
	bool occurred_given; /* else occurred_at becomes received_at */
	instant_us occurred_at;

	/* The committer's answer. */
	enum op_outcome outcome;
	struct problems *problems; /* with OP_REFUSED */
	struct uuid event_id;      /* version 7, grows with seq */
	uint64_t seq;              /* position in commit order, from 1 */
	uint64_t contact;          /* row number: the outward 64-bit number */
	instant_us received_at;
	bool repeated; /* a dedupe matched: the facts are the first event's */
	bool created;  /* the contact, definition, contact field or document is new */
	bool changed; /* the contact's row, definition, contact field or document is not what it was */
	struct contact_view view;     /* with wants_view: the contact as it is now */
	unsigned token_scopes;        /* OP_TOKEN_ISSUE: those of `token` */
	uint32_t key_no;              /* OP_KEY; OP_WORKSPACE: of a new one's key */
	uint32_t workspace_no;        /* OP_WORKSPACE */
	uint64_t bulk_no;             /* OP_BULK */
	struct uuid contact_field_id; /* OP_CONTACT_FIELD: look it up in the catalog */
	uint32_t document_no;         /* OP_DOCUMENT, OP_DOCUMENT_DELETE */
	uint32_t definition_no;       /* OP_DEFINITION: look it up in the catalog */
};
