/*
 * What the files of Pristo's first generation share (pristo.md 3.3 to 3.5, decisions 26 and 27).
 * Its pages are gone and known in part: docs/dialects/pristo.md tells what was chosen.
 *
 *   pristo_older.c          whom a call names, the fields it brings, its noes
 *   pristo_older_event.c    an event
 *   pristo_older_contact.c  a contact made or changed, activated or not, opted out
 */
#pragma once

#include "dialect/pristo_private.h"

/* The members that name a contact: the start of each table of members. */
enum { OLDER_PRISTO_ID, OLDER_CLIENT_ID, OLDER_PHONE, OLDER_EMAIL, OLDER_IDENTIFIERS };

/* What is not set comes as null or "" out of many serializers. */
#define OLDER_OPTIONAL (SHAPE_NULL_ABSENT | SHAPE_EMPTY_ABSENT)
#define OLDER_ID_MEMBERS                                                                   \
	[OLDER_PRISTO_ID] = { STR_INIT("pristoContactId"), SHAPE_STRING, OLDER_OPTIONAL }, \
	[OLDER_CLIENT_ID] = { STR_INIT("clientContactId"), SHAPE_STRING, OLDER_OPTIONAL }
#define OLDER_IDENTIFIER_MEMBERS                                                               \
	OLDER_ID_MEMBERS, [OLDER_PHONE] = { STR_INIT("phone"), SHAPE_STRING, OLDER_OPTIONAL }, \
			  [OLDER_EMAIL] = { STR_INIT("email"), SHAPE_STRING, OLDER_OPTIONAL }

/* Dynamic fields. Where they stand is not published: in an object of their own, under one of two
 * names, or else beside the members that are known. */
#define OLDER_FIELDS_MEMBERS(at)                                                        \
	[at] = { STR_INIT("dynamicFields"), SHAPE_OBJECT, .flags = SHAPE_NULL_ABSENT }, \
	[(at) + 1] = { STR_INIT("customFields"), SHAPE_OBJECT, .flags = SHAPE_NULL_ABSENT }

struct pristo_older_fields {
	yyjson_val *object;
	struct str path;
	const struct shape_member *known; /* members of `object` that are no fields */
	unsigned n_known;
};

/* A body as read by a table of `n` members. */
struct pristo_older_body {
	const struct shape_member *members;
	unsigned n;
	yyjson_val *root, **v;
};

/* Judges the length of the population's name and reads the body, an object. */
enum refusal pristo_older_read(struct call *call, struct pristo_older_body *body);

/* The population, by its id or its name, is the caller's; else a problem. */
bool pristo_older_population_is_callers(struct call *call);

/* At least one of the first `n` identifiers is there; ids are of a length that can be. */
void pristo_older_judge_ids(struct call *call, struct str path, yyjson_val *const *v, unsigned n);

/* E-mail and phone have their form. Comes last of what is judged of the shape: it alone is not a
 * 400 everywhere. */
void pristo_older_judge_reach(struct call *call, struct str path, yyjson_val *const *v);

/* `at`: OLDER_FIELDS_MEMBERS(at) of the body. Judges the values. */
void pristo_older_fields_read(struct call *call, const struct pristo_older_body *body, unsigned at,
			      struct pristo_older_fields *out);
bool pristo_older_is_field(const struct pristo_older_fields *f, yyjson_val *name);

/* Whom the first `n` identifiers name, those that are there; uses[]: what each is for. False:
 * memory is refused. */
bool pristo_older_who(struct op *op, yyjson_val *const *v, const unsigned *uses, unsigned n);
