/*
 * Between model/destination.c, which reads what all destinations have, and one file per type for
 * what only that type has. Nobody else includes it.
 */
#pragma once

#include "model/destination.h"
#include "model/spec.h"

enum destination_member {
	NAME,
	TYPE,
	DISABLED,
	URL,
	SECRET,
	SECRETS,
	ALLOW_PRIVATE,
	PATH,
	ROTATE,
	RETRY,
	PARALLEL,
	RATE,
	ORDERED,
	BODY,
	N_MEMBERS,
};

struct destination_reader {
	struct spec spec;
	yyjson_val *v[N_MEMBERS]; /* NULL: absent */
	struct destination *out;
};

void destination_wrong(struct destination_reader *r, unsigned member, enum problem_code code,
		       const char *rule);
