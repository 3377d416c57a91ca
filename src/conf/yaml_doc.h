/*
 * A YAML file as a tree that knows its lines (libyaml), for what libcyaml does not tell: where a
 * value stands, and what a free mapping holds. Plain YAML only, so that the tree is one and the
 * same for every reader of the text: UTF-8, one document, no anchors, aliases or tags, no U+0000,
 * keys that are strings and unique, a bounded depth and size.
 *
 * A place is a node with the way that leads to it; places live on the stack of whoever walks.
 */
#pragma once

#include "base/buf.h"

#include <yaml.h>

enum {
	YAML_TEXT_MAX = 16 * 1024 * 1024, /* bytes */
	YAML_DEPTH_MAX = 64,
	YAML_NODES_MAX = 2000000,
	YAML_NAMES_SHOWN = 60, /* bytes of a foreign word in an error */
};

enum yaml_outcome {
	YAML_OK,
	YAML_WRONG, /* the one error line is written */
};

struct yaml_doc {
	const char *file; /* as the error line names it */
	char *error;
	size_t error_size;
	yaml_document_t document;
	bool loaded;
};

struct yaml_place {
	const struct yaml_place *up; /* NULL: the root */
	struct str name;             /* .p NULL: an item of a list */
	unsigned index;
	yaml_node_t *node; /* NULL: absent */
};

/* Free the document with yaml_doc_fini() whatever the outcome. */
MUST_CHECK int yaml_doc_load(struct yaml_doc *d, struct str text);
void yaml_doc_fini(struct yaml_doc *d);

struct yaml_place yaml_root(struct yaml_doc *d);
struct yaml_place yaml_member(struct yaml_doc *d, const struct yaml_place *up, const char *name);
struct yaml_place yaml_item(struct yaml_doc *d, const struct yaml_place *up, unsigned index);
unsigned yaml_line(const struct yaml_place *at); /* of an absent node: where it would belong */

struct str yaml_text(const yaml_node_t *scalar);
/* "a mapping", "a list", "a string" (any scalar) */
const char *yaml_type_name(const yaml_node_t *node);

void yaml_path_put(struct buf *b, const struct yaml_place *at); /* "workspaces[0].name" */
/* FILE:LINE: PATH and the rule; returns YAML_WRONG. */
int yaml_wrong(struct yaml_doc *d, const struct yaml_place *at, const char *rule, ...) PRINTF(3, 4);
