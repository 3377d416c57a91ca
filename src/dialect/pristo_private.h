/*
 * What Pristo's files share: pristo.c (routes, words), pristo_event.c (a report becomes an
 * operation), pristo_upsert.c (a contact without an event), pristo_contact.c (the contact in
 * both). The first generation's calls have a header of their own, pristo_older.h.
 */
#pragma once

#include "dialect/dialect.h"

enum {
	PRISTO_ID,
	PRISTO_EMAIL,
	PRISTO_PHONE,
	PRISTO_LANGUAGE,
	PRISTO_NAME,
	PRISTO_LAST_NAME,
	PRISTO_FIELDS,
	PRISTO_MEMBERS
};

enum { PRISTO_BODY_MAX = 1024 * 1024 };

struct pristo_contact {
	yyjson_val *object;
	bool fields_beside;            /* custom fields may stand beside the members */
	unsigned id_use;               /* of enum who_use: what more its id is for */
	yyjson_val *v[PRISTO_MEMBERS]; /* NULL: absent */
};

/* The stages of a check, each of which tells all that it finds: the shape of `object`, then what
 * the population says to it. */
void pristo_contact_read(struct call *call, yyjson_val *object, bool fields_beside,
			 struct pristo_contact *out);
void pristo_contact_judge(struct call *call, const struct pristo_contact *c);

/* Fills who and changes from a contact without problems; who[0] is its id. False: memory is
 * refused. */
bool pristo_contact_fill(struct op *op, const struct pristo_contact *c);

/* --- What contacts of both generations have in common --- */

bool pristo_form_phone(struct str s);
/* An id that need not be a UUID. */
void pristo_judge_any_id(struct call *call, struct str path, struct str id);
/* False: memory is refused. */
bool pristo_who(struct arena *a, struct who *w, enum identity_kind kind, unsigned use,
		const yyjson_val *given);
/* Sets an attribute to `v`; the list has room. False: memory is refused. */
bool pristo_add_change(struct op *op, struct attribute_change *list, struct str name, bool custom,
		       yyjson_val *v);
/* "map.name"; costs no memory for a problem that is counted only. */
struct str pristo_field_path(struct call *call, struct str map, yyjson_val *name);
/* The value of a custom field is a string that is not too long. */
void pristo_judge_field(struct call *call, struct str map, yyjson_val *name, yyjson_val *v);
/* Those of an object, which may be NULL. */
void pristo_judge_fields(struct call *call, struct str map, yyjson_val *fields);

/* Attributes as members of an object that has some already, then the custom ones that there are. */
struct pristo_shown {
	struct str name, attribute;
	bool as_it_is; /* else as a string */
};
void pristo_put_attributes(struct buf *b, yyjson_val *attributes, const struct pristo_shown *list,
			   size_t n);

/* The event type of that name. NULL: there is none, which is a problem unless the type may define
 * itself (decision 10). */
const struct definition *pristo_definition(struct call *call, struct str path, struct str type);
/* What the event is of: `d`, or when there is none what it defines. */
void pristo_event_of(const struct call *call, struct op *op, const struct definition *d,
		     struct str type);
/* What generation B answered to an event, and what we answer to the first one's. */
void pristo_put_receipt(struct buf *b, const struct op *op);
bool pristo_form_time(struct str s);

/* The first parameter of the path; a problem when it is no UUID. */
void pristo_population(struct call *call, struct uuid *out);

/* A key reaches one population; that another exists is nobody's business (decision 9). */
bool pristo_population_is_callers(struct call *call, struct uuid population);

/* Decodes POST /v1/events/send/{populationId}. */
enum refusal pristo_send_decode(struct call *call);

extern const struct endpoint pristo_upsert; /* POST /v1/populations/{populationId}/contacts */

/* --- The first generation (pristo.md 3.3 to 3.5, decisions 26 and 27) --- */

extern const struct endpoint pristo_older_event, pristo_older_upsert, pristo_older_activation,
	pristo_older_unsubscribe;

struct pristo_words {
	int status;
	struct str code, message; /* message: .p NULL for the model's words */
};

/* What that generation's calls say otherwise; NULL: nothing. */
const struct pristo_words *pristo_older_words(const struct call *call, const struct problem *p);
