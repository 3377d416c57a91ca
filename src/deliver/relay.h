/*
 * Relays: an event goes out to a vendor's own API, in that vendor's shape, whatever dialect it came
 * in by. relay.c sends, and judges the answer; relay_parts.c is what the mappings have in common; a
 * vendor is one file, relay_<vendor>.c, that makes a request of an event and its contact, and its
 * row in model/vendor.c.
 *
 * What has no counterpart at the vendor is left out, and a note on the delivery says what it was.
 *
 * No event reaches a vendor twice. A vendor that recognises repetitions is given the delivery's id
 * as what it recognises them by, for as long as it does. Of others, an attempt that may have been
 * taken, though nobody has said so, is the last one: dead, with that as the reason. A declaration
 * may ask for at_least_once instead.
 */
#pragma once

#include "deliver/sender.h"
#include "model/vendor.h"

enum {
	RELAY_HEADERS_MAX = 5,
	RELAY_NOTE_MAX = 512, /* bytes */
	RELAY_USED_MAX = 32,
};

/* An event on its way to becoming a vendor's request. */
struct relay_call {
	struct arena *arena;
	const struct destination *to;
	const struct event_row *event;
	const struct definition *definition; /* NULL: it is gone */
	struct str id;                       /* of the delivery */
	instant_us now;
	struct str name; /* of the event, as the vendor knows it */
	yyjson_val *properties, *attributes, *identities;
	struct uuid contact_id;
	struct str used[RELAY_USED_MAX]; /* what of the contact was seen to */
	unsigned n_used;

	/* What is sent. */
	struct buf path; /* behind the declared URL, with a query */
	struct buf body;
	struct http_header headers[RELAY_HEADERS_MAX];
	unsigned n_headers;

	const char *why_not; /* nothing can be sent, for that reason */
	struct buf note;     /* what was left out */
	bool note_full;      /* and more */
	bool failed;         /* memory was refused */
};

struct relay_vendor {
	void (*make)(struct relay_call *c);
	int64_t remembers_s; /* how long it recognises a repetition */
	/* What it answers to one whose content has changed since it was taken; 0: nothing else. */
	int repeated_status;
	/* The pause that an answer's body asks for; -1: none. NULL: no answer does. */
	int64_t (*pause_s)(struct arena *a, struct str answer);
};

#define RELAY_FOREVER INT64_MAX

extern const struct relay_vendor relay_pristo, relay_omnisend, relay_infobip, relay_arsel;

/* Fills the call from the attempt and has the vendor make of it what is sent. Below zero:
 * memory. */
MUST_CHECK int relay_make(struct attempt *a, const struct relay_vendor *vendor,
			  struct relay_call *c);

/* --- For the vendors' files --- */

void relay_header(struct relay_call *c, struct str name, struct str value);
/* "Bearer <key>" with `scheme` "Bearer ". */
void relay_authorization(struct relay_call *c, const char *scheme);
/* UTC, to the millisecond, with its quotes. */
void relay_put_time(struct buf *b, instant_us t);
/* A UUID of the delivery's id: the same with each attempt. */
struct uuid relay_uuid(const struct relay_call *c);

/* The contact's identity of that kind; .p NULL: it has none. */
struct str relay_identity(struct relay_call *c, enum identity_kind kind);
/* The digits of a phone; .n 0: it has none. */
struct str relay_digits(struct relay_call *c, struct str phone);
/* Its phone by the digits alone, from `least` to `most` of them; .p NULL: it has none such,
 * which is noted if it has one. */
struct str relay_phone(struct relay_call *c, size_t least, size_t most);
/* Such digits as a member. */
void relay_put_e164(struct relay_call *c, const char *name, struct str digits);
/* The value of a built-in attribute that is text; .p NULL: it is none. */
struct str relay_text(const struct relay_call *c, struct str attribute);

/* `name` of the contact is seen to: it was sent. What is not is noted. */
void relay_used(struct relay_call *c, struct str name);
/* `name` ("properties.", "contact.") was left out. `why` may be NULL. */
void relay_leave_out(struct relay_call *c, struct str group, struct str name, const char *why);

/* A member with its comma in front unless it is the first; `.p NULL`: nothing. */
void relay_put_text(struct buf *b, const char *name, struct str value);

/* An object of what there is: `put` writes a value, or nothing and gives the reason. What is null
 * is as good as not there. */
typedef const char *(*relay_put)(struct relay_call *c, struct buf *b, struct str name,
				 yyjson_val *v);
void relay_put_properties(struct relay_call *c, struct buf *b, unsigned most, relay_put put);
/* Those custom attributes of the contact that go along; *n: how many that were. */
void relay_put_custom(struct relay_call *c, struct buf *b, relay_put put, unsigned *n);

/* The value in the type that the definition declares for the property: dialects whose values are
 * all text leave "12.50" where another has 12.50. */
void relay_put_typed(const struct relay_call *c, struct buf *b, struct str name, yyjson_val *v);
/* The value as text; false: it is an object or a list. */
bool relay_as_text(yyjson_val *v, struct str *out);
