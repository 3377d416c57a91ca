/*
 * What Pristo's files share: pristo.c (routes, words), pristo_event.c (a report becomes an
 * operation), pristo_upsert.c (a contact without an event), pristo_contact.c (the contact in
 * both).
 */
#pragma once

#include "dialect/dialect.h"
#include "dialect/switches.h"

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

/* Values of custom fields are strings that are not too long. `fields` may be NULL. */
void pristo_judge_fields(struct call *call, struct str map, yyjson_val *fields);

/* The first parameter of the path; a problem when it is no UUID. */
void pristo_population(struct call *call, struct uuid *out);

/* A key reaches one population; that another exists is nobody's business (decision 9). */
bool pristo_population_is_callers(struct call *call, struct uuid population);

/* Decodes POST /v1/events/send/{populationId}. */
enum refusal pristo_send_decode(struct call *call);

extern const struct endpoint pristo_upsert; /* POST /v1/populations/{populationId}/contacts */
