/* What the operators of conditions make of values. Private to the conditions; see condition.h for
 * what each means. */
#pragma once

#include "base/json.h"
#include "base/timefmt.h"
#include "model/definition.h"

struct operator;

#define OPERATOR_NAMES                                                                      \
	"equals, not_equals, contains, starts_with, in, exists, gt, gte, lt, lte, before, " \
	"after, within_last"

/* What a test is about: a value of the event's JSON, or something that is none. */
struct operand {
	yyjson_val *json; /* NULL: not there, or one of the following */
	struct str text;  /* .p NULL: none */
	instant_us instant;
	bool is_instant;
};

struct operand operand_json(yyjson_val *v); /* NULL and null: not there */
struct operand operand_text(struct str s);
struct operand operand_instant(instant_us t);

const struct operator* operator_find(struct str name); /* NULL: none */

/* The rule that the value breaks, or NULL. */
const char *operator_value_rule(const struct operator* o, yyjson_val *value);
/* Whether the operator can be about a count, and what its value then breaks. */
bool operator_counts(const struct operator* o);
const char *operator_count_rule(yyjson_val *value, int64_t most);

/* Whether it can be about a field of that type; and what it can be about, in words. */
bool operator_fits(const struct operator* o, enum field_type type);
const char *operator_type_rule(const struct operator* o);
/* What the value, one of the list for `in`, would have to be so that a field of that type can ever
 * meet it; NULL: it can. A text may be a number or a boolean, as Pristo's callers send them. */
const char *operator_wants(const struct operator* o, enum field_type type, yyjson_val *value);

/* The same of an instant itself, which is no text that could have parts or be another. */
bool operator_fits_instant(const struct operator* o);
const char *operator_wants_instant(const struct operator* o, yyjson_val *value);

bool operator_met(const struct operator* o, struct operand of, yyjson_val *value, instant_us now);
bool operator_counted(const struct operator* o, uint64_t n, yyjson_val *value);
