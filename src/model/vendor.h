/*
 * Vendors that a destination of type relay may send to, as data: what a declaration says of each,
 * and what stands for what it does not say. How an event becomes one of theirs is in
 * deliver/relay_*.c.
 */
#pragma once

#include "base/str.h"

enum vendor_no {
	VENDOR_PRISTO,
	VENDOR_OMNISEND,
	VENDOR_INFOBIP,
	VENDOR_ARSEL,
	VENDORS, /* how many */
};

/* Which custom attributes of a contact go along when the declaration names none. */
enum vendor_fields {
	VENDOR_FIELDS_NEVER,  /* the call takes none: they cannot be named either */
	VENDOR_FIELDS_NAMED,  /* those that are named: others the vendor does not know */
	VENDOR_FIELDS_ALWAYS, /* all */
};

struct vendor {
	struct str name;              /* as a declaration says it */
	struct str url;               /* of all its accounts; empty: each has its own */
	unsigned requests_per_second; /* the least that it documents */
	bool population;              /* an event goes to one, which must be named */
	unsigned requests_with_time;  /* a second, of another call that takes the time of an event,
				       * which the ordinary one does not; 0: there is no other */
	enum vendor_fields custom_fields;
};

/* By enum vendor_no. */
extern const struct vendor vendors[VENDORS];

/* "pristo, omnisend ...", for who has named another. */
extern const char vendor_names[];

/* NULL: there is none of that name. */
const struct vendor *vendor_find(struct str name);
