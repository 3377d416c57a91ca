/* What catalog.c, catalog_edit.c, catalog_origins.c and catalog_clients.c share of the catalog's
 * insides. */
#pragma once

#include "model/catalog.h"

void workspace_unref(struct workspace *w); /* NULL is fine */

/* The position of workspace `no`, or where it would go. */
unsigned catalog_workspace_at(const struct catalog *c, uint32_t no);

/* Where an entry is, or the free slot where it would go. `room` slots, never all taken. */
struct key *catalog_key_slot(struct key *keys, unsigned room, const struct sha256 *digest);
struct definition **workspace_slot(struct definition **table, unsigned room, struct str name);

/* The origins of a key that comes into the catalog, which has copied them; and all of them anew
 * after one has gone or changed. -ENOMEM. */
MUST_CHECK int catalog_origins_add(struct catalog *c, const struct key *key);
MUST_CHECK int catalog_origins_rebuild(struct catalog *c);

/* Likewise the table of clients by name. */
MUST_CHECK int catalog_clients_add(struct catalog *c, const struct key *key);
MUST_CHECK int catalog_clients_rebuild(struct catalog *c);
