/*
 * Whether a value is of a type, and whether properties satisfy a definition. The definition says
 * what is declared, the policy says how strictly a dialect reads it. Pure.
 */
#pragma once

#include "model/definition.h"

/* How a dialect reads values and gaps. Bits. */
enum check_policy {
	CHECK_REQUIRED = 1, /* a required field must be there and not null (arsel.md 3.4) */
	CHECK_UNKNOWN = 2,  /* a field that is not declared is a problem (infobip.md 2.1 rule 2) */
	CHECK_DATE_OR_TIME = 4,   /* date and datetime each take either form (arsel.md 3.4) */
	CHECK_ZONE_OPTIONAL = 8,  /* a datetime without zone will do (infobip.md decision 23) */
	CHECK_ARRAY_OBJECTS = 16, /* items of an array are objects (infobip.md 2.1 rule 4) */
};

/* The types whose values v may be, each read strictly (omnisend.md 2.1, "which values fit"). */
unsigned value_fits(const yyjson_val *v, unsigned policy);

/* The most specific of them: the type an inferred definition records for v. v is neither null nor
 * object nor array. */
enum field_type value_type(const yyjson_val *v);

/* RFC 3986 scheme http or https in any letter case, a host, no blanks or control characters. */
bool url_is_valid(struct str s);

/*
 * Holds `properties` (an object; null or NULL counts as an empty one) against the definition's
 * fields, nested ones included; a null counts as absent. Problems get paths that begin with `path`,
 * except where memory is refused: those are cut short. True when none was found.
 */
bool check_properties(const struct definition *d, yyjson_val *properties, unsigned policy,
		      struct arena *a, struct str path, struct problems *ps);
