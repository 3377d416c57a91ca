/*
 * A free part of a YAML file as JSON: mappings, lists and strings as they are. A plain scalar that
 * reads as JSON (true, false, null, a number) is that; `~` and nothing at all are null; every other
 * scalar, and each quoted one, is a string.
 */
#pragma once

#include "conf/yaml_doc.h"

enum { YAML_JSON_MEMBERS_MAX = 1000 }; /* of one mapping */

/* Keys must be strings, not empty, and unique. b->failed tells when memory was refused. */
MUST_CHECK int yaml_json_put(struct yaml_doc *d, const struct yaml_place *at, struct buf *b);
