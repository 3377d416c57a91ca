/*
 * Finding a contact's number in the database, on whichever connection the two statements belong
 * to. Outward ids that are derived from a row are found without the table of identities: the row
 * must be of the workspace and bear out the id.
 */
#pragma once

#include "store/db.h"
#include "store/identity_cache.h"

struct lookup {
	sqlite3_stmt *identity; /* contact of (workspace, kind, key) */
	sqlite3_stmt *keys;     /* workspace, id, created_at of contact */
};

/* *contact is 0 when there is none. */
MUST_CHECK int lookup_contact(const struct lookup *l, const struct identity *id, uint64_t *contact);
