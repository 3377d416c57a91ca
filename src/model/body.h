/*
 * Bodies: what a delivery says, where a destination or an action has a template for it
 * (template/template.h). The names that such a template can use, and how it is judged when it is
 * saved. Pure.
 *
 *   event         as the native API shows it; properties is short for event.properties
 *   contact       likewise; contact.NAME is also an attribute or an identity, and contact.custom.NAME
 *                 a custom one, as for conditions
 *   automation, delivery_id   its name, and the delivery's id
 */
#pragma once

#include "model/catalog.h"
#include "model/spec.h"
#include "template/template.h"

enum {
	BODY_SAMPLES_MAX = 10, /* definitions that a template is tried with */
	/* Of a declaration's templates with all samples: some 40 ms. */
	BODY_STEPS_MAX = 2 * TEMPLATE_STEPS_MAX,
};

/*
 * A template that is none, or makes no JSON of a sample, is a PROBLEM_TEMPLATE. Samples are an event
 * without any properties of a contact that nothing is known of, and of each definition (n 0: of
 * none) one that has all that there can be, with values that would break a document if anything
 * could.
 */
void body_judge(struct spec *s, struct str path, struct str text,
		const struct definition *const *definitions, unsigned n, unsigned *steps);

/* What can be told of one without knowing what it is about: that it is a template. */
void body_judge_template(struct spec *s, struct str path, struct str text);

struct body {
	struct str delivery_id, automation;
	struct str event, contact; /* JSON, as the native API shows them */
};

enum {
	BODY_WRONG = 1, /* it makes no JSON of this event: `why` */
};

/* JSON on one line, or why there is none, in the arena. Below zero: -ENOMEM. */
MUST_CHECK int body_make(struct arena *a, struct str text, const struct body *b, struct str *json,
			 const char **why);
