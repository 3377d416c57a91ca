/*
 * Holds a tree against a libcyaml schema, so that the one table that loads the file also judges its
 * shape, and what is wrong gets a path, a line and a rule. (libcyaml's own messages tell neither in
 * a form to rely on, quote secrets, and let through what it cannot read, such as `required:
 * maybe`.)
 *
 * Understood are the types the provisioning schema uses: mapping, sequence, string, int, bool and
 * ignore. Sizes of strings are bytes.
 */
#pragma once

#include "conf/yaml_doc.h"

#include <cyaml/cyaml.h>

MUST_CHECK int yaml_shape_judge(struct yaml_doc *d, const struct yaml_place *at,
				const cyaml_schema_value_t *schema);
