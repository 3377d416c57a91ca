/* What catalog.c and catalog_edit.c share of the catalog's insides. */
#pragma once

#include "model/catalog.h"

void workspace_unref(struct workspace *w); /* NULL is fine */

/* The position of workspace `no`, or where it would go. */
unsigned catalog_workspace_at(const struct catalog *c, uint32_t no);

/* Where an entry is, or the free slot where it would go. `room` slots, never all taken. */
struct key *catalog_key_slot(struct key *keys, unsigned room, const struct sha256 *digest);
struct definition **workspace_slot(struct definition **table, unsigned room, struct str name);
