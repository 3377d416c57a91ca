/*
 * What Omnisend's files share. omnisend.c has the routes, the versions and how a key comes;
 * omnisend_answer.c words refusals, omnisend_problem.c those of the dated API; omnisend_event.c
 * takes an event, omnisend_identify.c a contact in version 4, omnisend_contacts.c in later ones;
 * omnisend_list.c and omnisend_tags.c are about many. What they read of a body:
 * omnisend_contact.c and omnisend_identifiers.c (who it is, in version 4 and later),
 * omnisend_profile.c (what changes of the contact), omnisend_properties.c (the event's properties
 * against its scheme). omnisend_view.c shows a contact; omnisend_token.c hands out tokens. Many at
 * once: omnisend_batch.c takes them, omnisend_batches.c and omnisend_batched.c show what became of
 * them; omnisend_page.c is what all lists have in common. Schemes that are declared and shown:
 * omnisend_metadata.c, omnisend_metadata_query.c, omnisend_scheme.c. Figures: omnisend.md 2.1.
 */
#pragma once

#include "dialect/dialect.h"
#include "net/url.h"

enum {
	OMNISEND_PROPERTIES_MAX = 100, /* in one event, nulls included */
	OMNISEND_NAME_MAX = 128,       /* of a property */
	OMNISEND_STRING_MAX = 2048,    /* code points of a property */
	OMNISEND_CUSTOM_MAX = 200,     /* custom properties of a contact */
	OMNISEND_TAGS_MAX = 100,
	OMNISEND_CONSENTS_MAX = 100,
	OMNISEND_OPT_INS_MAX = 10, /* opt-outs too */
	OMNISEND_BODY_MAX = 1024 * 1024,
	OMNISEND_BATCH_KEEP_S = 7 * 24 * 3600,
};

/* The calls that have a rate of their own, each counted for itself. */
enum {
	OMNISEND_BUCKET_TOKEN = 1,
	OMNISEND_BUCKET_PAGE,
	OMNISEND_BUCKET_CONSENT,
	OMNISEND_BUCKET_TAGS,
};

/* --- Versions --- */

/* Why the answer is no, where enum refusal does not say it: in call->state, with REFUSE_PROBLEMS.
 */
struct omnisend_no {
	int status;
	const char *type;           /* how the address of the problem's type ends */
	const char *title, *detail; /* the detail is what other versions answer as "error" */
};

/* What sets a version of the API apart from the others. */
struct omnisend_version {
	struct str prefix;
	bool first;       /* version 4, whose contacts look different */
	bool dated;       /* problem documents, no rate headers, the header Omnisend-Version */
	bool loose;       /* an event's properties may be nested, and clash with its scheme */
	bool phone_first; /* "phone" is the version's own name, not "phoneNumber" */
	const char *identifiers; /* told to who gave none */
	void (*put_no)(struct buf *b, const struct call *call, enum refusal why,
		       const struct omnisend_no *no);
};

/* Of the path, whether it is routed or not. */
const struct omnisend_version *omnisend_version(const struct call *call);

/* Each endpoint's first step: the version that the caller asks for is served. */
enum refusal omnisend_begin_call(struct call *call);

/* Begins the call, then reads the body, which is to be an object. */
enum refusal omnisend_body(struct call *call, yyjson_val **root);

/* --- Answers --- */

void omnisend_begin(struct call *call, int status);
void omnisend_accepted(struct call *call); /* 202, empty */
void omnisend_refuse(struct call *call, enum refusal why);
void omnisend_say_no(struct call *call, const struct omnisend_no *no);

/* The committer refused the call's operation. `contact`: where the contact stands in the body. */
void omnisend_refuse_op(struct call *call, struct str contact);

/* What the committer found gets the places that this dialect has for it. */
void omnisend_name_places(struct arena *a, struct problems *ps, struct str contact);

/* The body that says no to a call for these problems, and its status. `own`: the no that says it
 * better, or NULL. */
int omnisend_put_refusal(struct buf *b, struct call *call, const struct problems *ps,
			 const struct omnisend_no *own);

/* "contacts.read required" and the like: with REFUSE_SCOPE. */
void omnisend_put_scope(struct buf *b, const struct call *call);

/* A problem as versions up to 5 tell it. */
void omnisend_put_problem(struct buf *b, const struct problem *p);

/* omnisend_version.put_no */
void omnisend_put_error(struct buf *b, const struct call *call, enum refusal why,
			const struct omnisend_no *no);
void omnisend_put_document(struct buf *b, const struct call *call, enum refusal why,
			   const struct omnisend_no *no);

/* --- What bodies say --- */

/* Of a contact's members: clients send "" and null for what they do not know. */
#define OMNISEND_GIVEN (SHAPE_NULL_ABSENT | SHAPE_EMPTY_ABSENT)

/* RFC 3339, where a blank may stand for the T. */
bool omnisend_form_time(struct str s);
bool omnisend_form_phone(struct str s); /* trimmed; one that is has a key */
bool omnisend_form_phone_or_blank(struct str s);
bool omnisend_form_email_or_blank(struct str s);
/* A member without the blanks around it; empty when it says nothing. NULL is fine. */
struct str omnisend_given(yyjson_val *v);
#define OMNISEND_EVENT_NAME_FORM "name that is not blank and has no U+0000"
bool omnisend_form_event_name(struct str s);

/* A map of names and values: NULL when absent, null or [] (an empty map of PHP); NULL with a
 * problem when it is anything else but an object. */
yyjson_val *omnisend_map(struct call *call, yyjson_val *v, struct str path);

/* Whether a property may have that name; a problem when not. */
bool omnisend_name(struct call *call, struct str name, struct str path);

/* A list is one of strings, `most` of them; problems when not. NULL is fine. */
void omnisend_strings(struct call *call, yyjson_val *list, struct str path, size_t most);
bool omnisend_lists(yyjson_val *list, struct str s); /* it is in it */
/* ["a","b" of a list of strings, without the empty ones; nothing when it has no others. */
void omnisend_put_tags(struct buf *b, yyjson_val *tags);

/* A contact's identity in a body or a target; `use` of enum who_use. n_who grows when the value
 * is one at all. */
enum refusal omnisend_add_email(struct op *op, struct who *list, unsigned use, struct str email);
enum refusal omnisend_add_phone(struct op *op, struct who *list, unsigned use, struct str phone);

/* Whether anybody can be called that: HEX, EMAIL or PHONE. */
bool omnisend_is_name(enum identity_kind kind, struct str value);
/* Whoever is looked up by that, which has the form of its kind. False: memory is refused. */
MUST_CHECK bool omnisend_who(struct arena *a, struct who *w, enum identity_kind kind,
			     struct str value);

/* These give REFUSE_NOTHING, also with problems found, or REFUSE_OVERLOADED.
 *
 * Fills who, and changes from the contact that an event's body holds. */
enum refusal omnisend_contact(struct call *call, yyjson_val *root, struct op *op);

/* Fills who and changes from `contact`, an object that stands at `path` (.n 0: it is the body). */
enum refusal omnisend_person(struct call *call, yyjson_val *contact, struct str path,
			     struct op *op);

/* Fills changes. `with_records`: consents, optIns and optOuts too, which events and version 4 take;
 * what contacts of later versions show of them is not to be said again (omnisend.md 3.3). */
enum refusal omnisend_profile(struct call *call, yyjson_val *contact, struct str path,
			      bool with_records, struct op *op);

/* Fills definition, seen and properties. `event`: .p NULL when its name is no good. */
enum refusal omnisend_properties(struct call *call, yyjson_val *properties, struct str event,
				 struct op *op);

/* Fills who and changes from the `identifiers` of a contact in later versions. `list`, the
 * operation's, has room for two more. */
enum refusal omnisend_identifiers(struct call *call, yyjson_val *root, unsigned email_use,
				  unsigned phone_use, struct op *op, struct who *list);

/* --- Whole bodies, of a call or of an item of a batch; each makes one operation --- */

enum refusal omnisend_read_event(struct call *call, yyjson_val *root, struct op *op);
/* A contact that is made, or changed where there is one; or only where there is one. */
enum refusal omnisend_read_contact(struct call *call, yyjson_val *root, struct op *op);
enum refusal omnisend_read_known(struct call *call, yyjson_val *root, struct op *op);
/* What changes of the contact that `of` finds. */
enum refusal omnisend_read_changes(struct call *call, yyjson_val *root, struct who of,
				   struct op *op);
/* How a contact's operation that was refused is answered; NULL: as a body with problems is. */
const struct omnisend_no *omnisend_contact_no(enum problem_code code);

/* --- Batches --- */

/* What a batch may be of: an endpoint in the vendor's words. */
struct omnisend_batched {
	struct str name;
	enum bulk_space space;
	unsigned writes, reads; /* scopes: to make a batch, and one of which lets read it */
	const char *methods;    /* "POST, PUT" */
	/* An item that is an object. */
	enum refusal (*read)(struct call *call, yyjson_val *item, bool put, struct op *op);
	struct str contact; /* where the contact stands in an item */
	/* One that was refused for that, if not as a body with problems is; may be NULL. */
	const struct omnisend_no *(*no)(enum problem_code code);
	/* One that was done: the status, and the answer (null when there is none). */
	int (*put)(struct buf *b, const struct call *call, const struct bulk_item_view *item);
};

const struct omnisend_batched *omnisend_batched_in(enum bulk_space space);
/* By its name; NULL when there is none, with a problem at `path`. */
const struct omnisend_batched *omnisend_batched_find(struct call *call, struct str name,
						     struct str path);

/* The key must have one of these scopes. */
enum refusal omnisend_batch_scope(struct call *call, unsigned scopes);

/* {"batchID":...} and the rest; with responses and errors where the items were asked for. */
void omnisend_put_batch(struct buf *b, struct call *call, const struct bulk_view *batch);
void omnisend_put_batch_id(struct buf *b, uint64_t number, instant_us created_at);

/* --- Contacts asked for and shown --- */

/* NULL: `b` has failed. */
yyjson_val *omnisend_attributes(struct buf *b, const struct contact_view *c);
/* As the call's version shows it; `attributes`: those. */
void omnisend_put_contact(struct buf *b, const struct call *call, const struct contact_view *c,
			  yyjson_val *attributes);

struct str omnisend_status(yyjson_val *attributes); /* "subscribed" ... */

extern const struct omnisend_no omnisend_not_found;

/* --- Lists --- */

/* The parameter as a number; its default when it is absent, a problem when it is none from `least`
 * to `most`, which `range` says. */
uint64_t omnisend_number(struct call *call, struct str name, uint64_t otherwise, uint64_t least,
			 uint64_t most, const char *range);
uint64_t omnisend_limit(struct call *call); /* how many a page has */

/* The address that was called, as the caller sees it, with "name=value" in place of the parameters
 * of these names: a JSON string. */
void omnisend_put_link(struct buf *b, struct call *call, const struct str *names, unsigned n,
		       struct str name, struct str value);

/* --- Schemes declared and shown --- */

/* The `properties` of a scheme: {"total":{"type":"float","displayName":"Total"}}. What our fields
 * have no place for is kept as {"properties":{...}} in the definition's annotation: the list types,
 * and how properties are called and grouped. */

/* What is said, held against the fields there and what is kept of them (none, and NULL, for a new
 * scheme). A type that would change is PROBLEM_FIELD_TYPE. */
enum refusal omnisend_scheme_read(struct call *call, yyjson_val *said, const struct definition *old,
				  yyjson_val *kept, struct definition *out);
/* What is to be kept: what was, and what is said. */
void omnisend_scheme_keep(struct buf *b, yyjson_val *kept, yyjson_val *said);
void omnisend_scheme_put(struct buf *b, const struct field *fields, unsigned n, yyjson_val *kept);

/* The annotation of a scheme, and in it. NULL: it was never declared through Omnisend. */
yyjson_val *omnisend_kept(struct buf *b, const struct definition *d);
/* Where its events come from, an array of names; NULL: nobody said, which shows as "api". */
yyjson_val *omnisend_origins(yyjson_val *kept);

/* {"name":...,"displayName":...,"origins":[...] and the rest as asked for. */
void omnisend_metadata_put(struct buf *b, const struct definition *d, yyjson_val *kept,
			   bool with_explicit, bool with_properties);

/* --- Endpoints --- */

extern const struct endpoint omnisend_event;     /* POST /v4/track, /v5/events, /api/events */
extern const struct endpoint omnisend_identify;  /* POST /v4/identify */
extern const struct endpoint omnisend_token;     /* POST /oauth2/token */
extern const struct endpoint omnisend_revoke;    /* POST /oauth2/revoke */
extern const struct endpoint omnisend_authorize; /* GET /oauth2/authorize */
extern const struct endpoint omnisend_consent;   /* POST /oauth2/authorize */
/* GET /v4/contacts/id:, email: and phoneNumber:; the first also of later versions */
extern const struct endpoint omnisend_by_id, omnisend_by_email, omnisend_by_phone;
/* POST, PATCH and GET of .../contacts, PATCH of .../contacts/{id} */
extern const struct endpoint omnisend_create, omnisend_patch_by_email, omnisend_list;
extern const struct endpoint omnisend_patch;
extern const struct endpoint omnisend_tag, omnisend_untag; /* POST, DELETE .../contacts/tags */
/* POST and GET of .../batches, GET of .../batches/{id} and .../batches/{id}/items */
extern const struct endpoint omnisend_batch, omnisend_batches;
extern const struct endpoint omnisend_batch_by_id, omnisend_batch_items;
/* POST, PUT of /api/event-metadata, POST of /api/event-metadata/query */
extern const struct endpoint omnisend_declare, omnisend_extend, omnisend_schemes;
