/*
 * What Arsel's files share.
 *
 *   arsel.c              routes, and the answer to every no
 *   arsel_words.c        what the noes say
 *   arsel_cors.c         what browsers are told
 *   arsel_send.c         events/send: one event or a batch, Idempotency-Key
 *   arsel_event.c        what one event says becomes an operation
 *   arsel_page.c         lists: limit and cursors; arsel_listing.c those out of memory
 *   arsel_definitions.c  event definitions, with arsel_definition_list.c; arsel_schema.c their
 *                        fields, arsel_conversion.c what they keep of conversions
 *   arsel_properties.c   contact properties, which are the workspace's contact fields
 *   arsel_contacts.c     contacts, with arsel_contact_list.c; arsel_contact.c reads one from a
 *                        body and shows one
 */
#pragma once

#include "dialect/dialect.h"

/* Where the checks stopped. */
enum arsel_stage {
	ARSEL_MEMBERS, /* the problems say it all */
	ARSEL_BODY,
	ARSEL_KEY,
	ARSEL_OTHER_PAYLOAD,
	ARSEL_ANONYMOUS,
	ARSEL_CONTACT_ID, /* with a publishable key */
	ARSEL_WHO_NEEDED, /* likewise */
	ARSEL_WHO_MISSING,
	ARSEL_WHO_AMBIGUOUS,
	ARSEL_EVENT,
	ARSEL_PAYLOAD,
	ARSEL_CONTACT,
	ARSEL_CURSORS,
	ARSEL_NO_DEFINITION,
	ARSEL_DEFINED,
	ARSEL_DEFINITION_CHANGED,
	ARSEL_DEFINITIONS_FULL,
	ARSEL_CONVERSION,
	ARSEL_NO_CONTACT,
	ARSEL_CONTACT_EXISTS,
	ARSEL_IDENTIFIER,
	ARSEL_NO_PROPERTY,
	ARSEL_PROPERTY_EXISTS,
	ARSEL_PROPERTIES_FULL,
};

/* What a no is about. The state of every call begins with one. */
struct arsel_no {
	enum arsel_stage stage;
	struct str about; /* what the words of that stage name */
};

/* --- arsel_words.c --- */

int arsel_no_status(const struct arsel_no *no);
/* `name` of an error, of a caller who is known */
struct str arsel_no_name(const struct call *call, const struct arsel_no *no);
struct str arsel_no_code(const struct arsel_no *no); /* `code` of a batch's item */
void arsel_put_message(struct buf *b, const struct arsel_no *no, const struct problems *ps);

/* --- arsel.c --- */

/* The call's state, of `size` bytes beginning with a struct arsel_no. NULL: memory is refused. */
void *arsel_state(struct call *call, size_t size);

/* Stops the call there: its only problem. `about` is the call's, not the answer's, to keep. */
enum refusal arsel_stop(struct call *call, enum arsel_stage stage, struct str about);

/* Reads the body as an object. */
enum refusal arsel_object(struct call *call, yyjson_val **root);

/* The answer's status and headers. */
void arsel_begin(struct call *call, int status);
void arsel_send_json(struct call *call, int status, struct buf *body);

/* What a refused operation's first problem stands for. */
enum arsel_stage arsel_stage_of(const struct op *op);

/* The committer refused the call's operation: answers so. */
void arsel_refuse_op(struct call *call, struct str about);

/* {"object":KIND,"id":ID,"deleted":true,"message":MESSAGE} (decision 24). */
void arsel_send_deleted(struct call *call, struct str kind, struct str id, struct str message);

/* --- arsel_cors.c --- */

/* The headers of an answer by which a browser lets the page see it. */
void arsel_cors(struct call *call);
void arsel_options(struct call *call);

/* --- arsel_event.c --- */

/* One event of a request, single or in a batch. */
struct arsel_event {
	struct arsel_no no;
	struct str contact_id; /* as sent; .p NULL: none */
	const struct op *op;   /* NULL: refused before it was one */
	struct str error;      /* then, in a batch: its error as JSON */
};

/* Judges what the body of one event says, `body` being any value, and fills the operation. What is
 * wrong is in call->problems and e->no. */
enum refusal arsel_event_read(struct call *call, yyjson_val *body, struct arsel_event *e,
			      struct op *op);

/* What Arsel takes for a phone number: E.164 with its plus. */
bool arsel_form_e164(struct str s);
bool arsel_form_email(struct str s);

/* An external_id may have 255 characters, but no more bytes than an identity holds: else it becomes
 * NULL, with a problem. */
void arsel_judge_bytes(struct call *call, yyjson_val **external_id);

/* Fills one who; false when memory is refused. */
MUST_CHECK bool arsel_who(struct arena *a, struct who *w, enum identity_kind kind, unsigned use,
			  struct str given);

/* --- Endpoints --- */

extern const struct endpoint arsel_send;
extern const struct endpoint arsel_define, arsel_definitions, arsel_definition, arsel_redefine,
	arsel_undefine;
extern const struct endpoint arsel_contact_new, arsel_contact_list, arsel_contact_get,
	arsel_contact_change, arsel_contact_delete, arsel_contacts_delete;
extern const struct endpoint arsel_property_new, arsel_properties, arsel_property,
	arsel_property_change, arsel_property_delete;

/* --- arsel_page.c --- */

struct arsel_page {
	unsigned limit;
	struct str after, before; /* at most one is given; .p NULL: not */
	struct uuid cursor;       /* of the one given */
};

/* Reads limit, after and before of the query. */
enum refusal arsel_page_read(struct call *call, struct arsel_page *page);

/* {"object":"list","has_more":MORE,"data":[ and what closes it. */
void arsel_list_open(struct buf *b, bool more);
void arsel_list_close(struct buf *b);

/* ,"name":"2026-06-01T12:00:00.000Z" and the like, each behind a comma. */
void arsel_put_text(struct buf *b, const char *name, struct str s); /* .p NULL: null */
void arsel_put_time(struct buf *b, const char *name, instant_us t);

/* --- arsel_listing.c --- */

struct arsel_listed {
	uint32_t no; /* grows as things are made */
	const void *thing;
};

/* The state of a call for such a list. */
struct arsel_listing {
	struct arsel_no no; /* first: see above */
	struct arsel_page page;
	struct str search; /* .p NULL: none */

	/* The best so far, best first, one more than asked for: nearest to the cursor, which is the
	 * newest end without one. */
	struct arsel_listed *found;
	unsigned n;
	uint32_t cursor; /* number of the thing there; 0: none */
};

/* Reads the query; all that such an endpoint has to decode. */
enum refusal arsel_listing_read(struct call *call);
/* To be answered: `cursor` is the number of the thing that page.cursor names, 0: there is none.
 * False: so it was refused. */
MUST_CHECK bool arsel_listing_begin(struct call *call, uint32_t cursor);
/* Whether the search, if any, finds that name; ASCII letters of either case count as equal. */
bool arsel_listing_finds(const struct arsel_listing *l, struct str name);
void arsel_listing_consider(struct arsel_listing *l, uint32_t no, const void *thing);
void arsel_listing_send(struct call *call, void (*put)(struct buf *b, const void *thing));

/* --- arsel_definitions.c --- */

/* NULL when there is none. Looks at each: no request that reports an event comes here. */
const struct definition *arsel_definition_find(const struct workspace *w, struct uuid id);
void arsel_definition_put(struct buf *b, const struct definition *d);

/* --- arsel_schema.c --- */

/* The fields of a `schema`. `old`: the definition that they replace, whose fields keep their exact
 * type where it is shown as the one sent; NULL: none. False: memory is refused; what is wrong
 * becomes problems. */
MUST_CHECK bool arsel_schema_read(struct call *call, yyjson_val *schema,
				  const struct definition *old, struct definition *define);
void arsel_schema_put(struct buf *b, const struct definition *d);
/* How a field's type is shown. */
struct str arsel_type_name(enum field_type type);
/* What a new field may be: one of four. */
MUST_CHECK bool arsel_type_parse(struct str name, enum field_type *out);

/* --- arsel_conversion.c --- */

/* Whether an event counts as a conversion; kept in the definition's annotations. */
struct arsel_conversion {
	bool enabled;
	struct str value_field, currency_field; /* .p NULL: null */
	yyjson_val *currencies;                 /* an array of strings, or NULL */
};

/* The member `conversion` of a body; what is wrong becomes problems. */
void arsel_conversion_read(struct call *call, yyjson_val *v, struct arsel_conversion *out);
void arsel_conversion_stored(struct arena *a, const struct definition *d,
			     struct arsel_conversion *out);
/* Whether the fields it names are there and of the right type; *about: what is not. */
bool arsel_conversion_fits(const struct arsel_conversion *c, const struct definition *d,
			   struct str *about);
void arsel_conversion_put(struct buf *b, const struct arsel_conversion *c);
/* The annotations of `old` (NULL: none) with this conversion in them; .p NULL: memory is refused.
 */
struct str arsel_conversion_annotate(struct arena *a, const struct definition *old,
				     const struct arsel_conversion *c);

/* --- arsel_contact.c --- */

/* What a body may say of a contact, made into the operation; `clears`: null takes away. What is
 * wrong becomes problems. False: memory is refused. */
MUST_CHECK bool arsel_contact_read(struct call *call, yyjson_val *root, bool clears, struct op *op);
void arsel_contact_put(struct buf *b, const struct contact_view *view);

/* --- arsel_contacts.c --- */

/* Whom the path names. */
enum refusal arsel_contact_named(struct call *call, struct who **out);
void arsel_contact_send(struct call *call, int status, const struct contact_view *view);
