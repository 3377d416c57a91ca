/*
 * The tree of a condition, for those who read, judge and ask it: condition.c, condition_judge.c,
 * condition_meets.c.
 */
#pragma once

#include "model/condition.h"
#include "model/condition_value.h"

enum condition_kind {
	CONDITION_ALL,
	CONDITION_ANY,
	CONDITION_NOT,
	CONDITION_TEST,
	CONDITION_COUNT,
};

struct condition {
	enum condition_kind kind;
	struct str path; /* in the declaration */

	const struct condition **parts; /* of all, any; the one of not */
	unsigned n_parts;

	struct str field; /* of a test */
	struct str of;    /* of a count: the definition; .p NULL: any */
	int64_t within_s; /* of a count; 0: ever */
	const struct operator* operator;
	yyjson_val *value; /* NULL: none */
};

/* The members of a declaration. */
enum { FIELD, COUNT, WITHIN, OPERATOR, VALUE, ALL, ANY, NOT, N_MEMBERS };
extern const struct spec_member condition_members[N_MEMBERS];
