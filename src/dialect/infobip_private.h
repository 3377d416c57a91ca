/*
 * What Infobip's files share: infobip.c (credentials, routes, refusals) and one file per endpoint
 * or family of them.
 */
#pragma once

#include "dialect/dialect.h"

extern const struct endpoint infobip_send_event, infobip_send_event_v1;
extern const struct endpoint infobip_send_batch;
extern const struct endpoint infobip_definition_list, infobip_definition_get;
extern const struct endpoint infobip_definition_create, infobip_definition_update;
extern const struct endpoint infobip_definition_delete;
extern const struct endpoint infobip_person_create, infobip_person_get, infobip_person_replace;
extern const struct endpoint infobip_person_merge, infobip_person_delete;
extern const struct endpoint infobip_contacts_set, infobip_contacts_add, infobip_contacts_remove;
extern const struct endpoint infobip_upsert_replace, infobip_upsert_merge;
extern const struct endpoint infobip_session_begin, infobip_session_end, infobip_oauth_token;

/* The calls that have a rate of their own (5 or 10 a second), each counted for itself. */
enum infobip_bucket {
	INFOBIP_BUCKET_EVENT, /* and all that says nothing */
	INFOBIP_BUCKET_BATCH,
	INFOBIP_BUCKET_GET,
	INFOBIP_BUCKET_CREATE,
	INFOBIP_BUCKET_REPLACE,
	INFOBIP_BUCKET_MERGE,
	INFOBIP_BUCKET_CONTACTS, /* deletions too */
	INFOBIP_BUCKET_UPSERT,
	INFOBIP_BUCKET_LOG_IN,
};
_Static_assert((int)INFOBIP_BUCKET_LOG_IN < (int)ENDPOINT_BUCKETS, "rates have a bucket each");

/* --- Bodies --- */

enum { INFOBIP_BODY_MAX = 512000 }; /* bytes of one event, definition or person */

enum refusal infobip_so_far(const struct call *call);

/* The body, which must be an object of a JSON media type. */
enum refusal infobip_body(struct call *call, yyjson_val **root);
bool infobip_takes_content_type(const struct request *req);

/* --- Answers --- */

/* The requestError envelope; ps may be NULL. */
void infobip_exception(struct call *call, int status, const char *id, const char *text,
		       const struct problems *ps);
void infobip_put_problem(struct buf *b, const struct problem *p);
void infobip_put_problem_at(struct buf *b, const struct problem *p); /* "path must be ..." */

/* --- Events: what the single call and the batch read alike --- */

extern const struct shape_member infobip_event_id_member;

/* The client's eventId makes the operation one that is done once; .p NULL: it gave none. */
void infobip_dedupe(struct op *op, struct str event_id);

/* Fills op->properties; what does not match the definition becomes a problem at `path`. */
enum refusal infobip_properties(struct call *call, const struct definition *d, yyjson_val *v,
				struct str path, struct op *op);

/* --- Identifiers: infobip_identifier.c --- */

MUST_CHECK bool infobip_identifier_type(struct str name, enum identity_kind *out);
extern const char infobip_identifier_types[]; /* as a problem's rule lists them */
bool infobip_wants_sender(enum identity_kind kind);

/* Fills value and key. REFUSE_PROBLEMS: nobody can go by that value; REFUSE_OVERLOADED: memory. */
MUST_CHECK enum refusal infobip_identify(struct arena *a, enum identity_kind kind, struct str value,
					 struct who *out);

enum {
	INFOBIP_NUMBER_MAX = 50,
	INFOBIP_ADDRESS_MAX = 255,
	INFOBIP_EXTERNAL_ID_MAX = 256,
};

/* Whether a body may give a person that identity: a phone, an e-mail or an external id of the right form
 * and length. Such a one also brings a person into being where it is asked for. */
bool infobip_may_have(enum identity_kind kind, struct str value);

/* --- Persons: infobip_person.c reads them, infobip_person_view.c shows them --- */

/* What becomes of the identities that a body names. */
enum infobip_person_use {
	INFOBIP_NEW,    /* the person must be new */
	INFOBIP_SET,    /* they are all it has from now on */
	INFOBIP_ADD,    /* added to those there */
	INFOBIP_REMOVE, /* taken away */
};

/* A person while a body is read into its operation. */
struct infobip_person {
	struct op *op;
	enum infobip_person_use use;
	bool finds;      /* the body's identities also find the person, or bring it into being */
	struct who *who; /* op->who, while it is filled */
	unsigned room;   /* of it */
	bool no_memory;  /* an identity was refused it */
};

enum { INFOBIP_CONTACTS_MAX = 100 }; /* of a kind */

/* Sets the operation up for a body that names up to n identities. */
MUST_CHECK bool infobip_person_begin(struct infobip_person *p, struct op *op, unsigned n);

/* One more identity, which finds the person or whatever else `use` says. */
void infobip_person_who(struct infobip_person *p, struct who w);

/* One that the body names; a value that cannot be one is a problem at `path`. */
void infobip_person_identity(struct call *call, struct infobip_person *p, enum identity_kind kind,
			     struct str value, struct str path);

/* How many identities there are in {"phone":[...],"email":[...]}, as far as they are read. */
unsigned infobip_contacts_count(yyjson_val *contacts);

/* Reads them; NULL: none. */
void infobip_contacts_read(struct call *call, struct infobip_person *p, yyjson_val *contacts,
			   struct str path);

/* All else that a person has, "" being where it begins. False: memory is refused. */
MUST_CHECK bool infobip_person_read(struct call *call, struct infobip_person *p,
				    yyjson_val *person);

/* The whole person; false when it is damaged or memory is refused. */
MUST_CHECK bool infobip_person_put(struct buf *b, struct arena *a, const struct contact_view *v);

/* --- Definitions: infobip_fields.c reads and shows their fields --- */

/* Those that came another way may have no title of their own. */
struct str infobip_definition_title(const struct definition *d);
void infobip_definition_put(struct buf *b, const struct definition *d);

/* The body of the answer once all is well, worded by decode. */
enum refusal infobip_keep(struct call *call, const struct buf *body);

/* 200 with what was kept, or 404: no matches. */
void infobip_read_answer(struct call *call);

/* What the event call says a value must be: "a Decimal". */
const char *infobip_type_phrase(enum field_type type);

void infobip_fields_put(struct buf *b, const struct field *fields, unsigned n);

/* The fields there (`old`, n_old of them) and those of `list` (NULL: none), which may name the old
 * ones if it gives them the types they have. Copied into the arena. REFUSE_PROBLEMS or
 * REFUSE_OVERLOADED when it cannot be. */
enum refusal infobip_fields_read(struct call *call, yyjson_val *list, const struct field *old,
				 unsigned n_old, const struct field **out, unsigned *n);
