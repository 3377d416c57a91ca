/*
 * Templates: Mustache that makes JSON. What is read by template_read() is right by construction:
 * whatever the values are, a text stays within the quotes that the template has around it, and a
 * JSON value stays one value.
 *
 *   {{x}}           the text of a value within a JSON string: escaped, no quotes; of a number,
 *                   boolean, list or object its JSON; nothing for null and what is not there
 *   {{{x}}}, {{&x}} the value as JSON, where a value may stand: null for what is not there
 *   {{#x}}...{{/x}} once for each item of a list; not at all for what is not there, null, false,
 *                   an empty list and an empty text; else once, with x in front
 *   {{^x}}...{{/x}} once where the other would say nothing
 *   {{-first}}, {{-last}}  about the innermost list: true at that item; without a list true
 *   {{.}}           what the innermost section is about
 *   {{!...}}        nothing
 *
 * A name is looked up from the innermost section outwards. Dots lead into objects; the last
 * name of them may itself hold dots, and the longer one counts. Numbers keep the text they were sent as. There are no
 * partials, no other delimiters and no code.
 *
 * Pure. Bounded in what is read, what is made, and how long it takes.
 */
#pragma once

#include "base/json.h"

enum {
	TEMPLATE_TEXT_MAX = 64 * 1024, /* bytes */
	TEMPLATE_TAGS_MAX = 1000,
	TEMPLATE_DEPTH_MAX = 32,           /* sections in sections */
	TEMPLATE_OUTPUT_MAX = 1024 * 1024, /* bytes */
	/* Parts, members looked at, pairs of bytes made: some 20 ms. */
	TEMPLATE_STEPS_MAX = 5 * 1000 * 1000,
};

/* Outcomes beside 0; the error says more. */
enum {
	TEMPLATE_WRONG = 1, /* it is no template, or makes no JSON of these values */
	TEMPLATE_TOO_MUCH,  /* it would make too much of them, or take too long */
};

struct template_error {
	const char *what; /* one phrase for a person; static */
	size_t at;        /* byte of the template */
};

struct template_part;

struct template
{
	struct str text;
	const struct template_part *parts;
	unsigned n_parts;
};

/* Views into `text`, and what lives in the arena. Below zero: -ENOMEM. */
MUST_CHECK int template_read(struct arena *a, struct str text, struct template *out,
			     struct template_error *err);

/* What a name outside of all sections leads to: of several values the first that has what is asked
 * for counts, and the first alone is what the bare name means. */
enum { TEMPLATE_VALUES_MAX = 3 };

struct template_name {
	struct str name;                         /* without dots */
	yyjson_val *values[TEMPLATE_VALUES_MAX]; /* of json_parse(); NULL: not there */
};

struct template_data {
	const struct template_name *names;
	unsigned n_names;
	yyjson_val *otherwise; /* stands for all that is not there; NULL: nothing does */
	unsigned *steps;       /* left for this one and others; NULL: as many as one may take */
};

/* The JSON, compact, in the arena. Below zero: -ENOMEM, never for the arena's ceiling, which is
 * TEMPLATE_TOO_MUCH. */
MUST_CHECK int template_render(const struct template *t, struct arena *a,
			       const struct template_data *data, struct str *json,
			       struct template_error *err);
