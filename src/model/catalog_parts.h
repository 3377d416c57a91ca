/* What catalog.c and catalog_*.c share of the catalog's insides. */
#pragma once

#include "model/catalog.h"

/*
 * The edit holds its origin, so whatever it shares with it has two references or more: what has one
 * belongs to the edit alone and may be changed in place.
 */
struct catalog_edit {
	struct catalog *from; /* NULL: none */
	struct catalog *next;
	uint32_t last_key_no; /* the highest so far */
	/* Empty, with room for those of `next`, which still has those of `from`; NULL: none changed. */
	struct origin_set *origins;
};

/* One reference less. True for who held the last: all others' reads come before. */
bool catalog_was_last(atomic_uint *refs);

void workspace_unref(struct workspace *w); /* NULL is fine */

/* For a workspace without documents: those of `old`. False: out of memory. */
MUST_CHECK bool workspace_documents_share(struct workspace *w, const struct workspace *old);
void workspace_documents_fini(struct workspace *w);

/* The workspace, which is there, as one that the edit may change; NULL: out of memory. */
struct workspace *catalog_edit_own_workspace(struct catalog_edit *e, uint32_t no);

/* The position of workspace `no`, or where it would go. */
unsigned catalog_workspace_at(const struct catalog *c, uint32_t no);

/* Where an entry is, or the free slot where it would go. `room` slots, never all taken. */
struct key *catalog_key_slot(struct key *keys, unsigned room, const struct sha256 *digest);
struct definition **workspace_slot(struct definition **table, unsigned room, struct str name);

/* For a catalog without keys: those of `from`, with what follows from them. */
MUST_CHECK int catalog_keys_share(struct catalog *to, const struct catalog *from);
void catalog_keys_fini(struct catalog *c);

/* How many origins a key adds to the set; none unless it is good in a browser. */
unsigned catalog_origins_of(const struct key *key);
void catalog_origins_share(struct catalog *to, const struct catalog *from);
void catalog_origins_unref(struct origin_set *set); /* NULL is fine */
/* Some key's have: makes room for what there are now, so that nothing can fail at the end, where they
 * are gathered once, whatever the edit did. */
MUST_CHECK int catalog_origins_changed(struct catalog_edit *e);
void catalog_origins_gather(struct catalog_edit *e);

/* The table of clients by name: a copy; one more; all anew, after one has changed. */
MUST_CHECK int catalog_clients_copy(struct catalog *to, const struct catalog *from);
MUST_CHECK int catalog_clients_add(struct catalog *c, const struct key *key);
MUST_CHECK int catalog_clients_rebuild(struct catalog *c);
