/* Events and contacts that templates are tried with. Private to body.c. */
#pragma once

#include "model/definition.h"

/* JSON as the native API shows it, in the arena: an event with all fields that the definition
 * declares (NULL: with none), and a contact that nothing is known of. False: memory is refused. */
MUST_CHECK bool body_sample(struct arena *a, const struct definition *d, struct str *event,
			    struct str *contact);

/* The text that would break a document if anything could. */
MUST_CHECK bool body_sample_text(struct arena *a, yyjson_val **out);
