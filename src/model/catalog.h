/*
 * The catalog: everything a request is checked against without asking the store. An immutable
 * snapshot of workspaces, keys and definitions; a change makes a new snapshot that shares what did
 * not change and is swapped in whole.
 *
 * A cell holds the current snapshot. The committer publishes (before it reports the commit that
 * made the change, so who gets an answer finds what it created); every net loop keeps a reference
 * of its own and calls catalog_refresh() before each request: one atomic read when nothing changed.
 */
#pragma once

#include "base/digest.h"
#include "model/contact_fields.h"
#include "model/definition.h"
#include "model/document.h"

#include <pthread.h>

enum scope {
	SCOPE_EVENTS_WRITE = 1,
	SCOPE_CONTACTS_READ = 2,
	SCOPE_CONTACTS_WRITE = 4,
	SCOPE_DEFINITIONS_READ = 8,
	SCOPE_DEFINITIONS_WRITE = 16,
	SCOPE_ADMIN = 32, /* all of its own workspace, over the native API */
	/* All workspaces, to see, change and make. Given by a provisioning file and by nothing
	 * else, so that no key can make itself or another more than it is. */
	SCOPE_OPERATOR = 64,
};

/* "events.write" ...; false for a word that is none. */
MUST_CHECK bool scope_parse(struct str name, unsigned *out);
void scopes_put(struct buf *b, unsigned scopes); /* blank-separated words */

struct workspace;

enum {
	WORKSPACES_MAX = 10000, /* in one data directory */
	KEY_NO_MAX = 65535,     /* keys and OAuth clients ever made in one data directory */
	KEY_ORIGINS_MAX = 1000, /* of one key */
	KEY_ORIGIN_MAX = 300,   /* bytes: a scheme, a host of 253 and a port */
	/* Names and lists of all keys and clients: see catalog_has_room_for_key() */
	KEYS_BYTES_MAX = 64 * 1024 * 1024,
	WORKSPACE_DEFINITIONS_MAX = 10000,
	WORKSPACE_RATE_MAX = 1000000, /* requests_per_second */
};

/* Memory of all definitions together, and of one workspace's: see catalog_has_room_for_definition().
 * An ordinary one takes 8 KiB. */
#define DEFINITIONS_BYTES_MAX           ((size_t)2 << 30)
#define WORKSPACE_DEFINITIONS_BYTES_MAX ((size_t)256 << 20)

/* A key, or an OAuth client, which is good for nothing but fetching tokens. */
struct key {
	uint32_t no;          /* row number, 1..KEY_NO_MAX, of keys and clients together */
	struct sha256 digest; /* of the secret; a client's: catalog_client_digest() */
	bool client;
	struct str name;
	unsigned scopes;
	bool revoked;
	/* Stands in pages and apps for everybody to read: may report events and nothing else, and
	 * from a browser only where it comes from one of the origins ("https://shop.example"). */
	bool publishable;
	const struct str *origins;
	unsigned n_origins;
	/* A client's: where a person's browser may be sent with a code; exactly these. */
	const struct str *redirects;
	unsigned n_redirects;
	const struct workspace *workspace;
	struct key_text *text; /* the catalog's: what holds the strings */
};

struct origin_set;
struct client_slot;

/* A choice that the workspace has made. What names and values there are is for those to know who
 * read them. */
struct switch_setting {
	struct str name, value;
};

struct workspace {
	atomic_uint refs;
	uint32_t no;
	struct uuid id;
	struct str name;
	struct contact_fields *contact_fields; /* NULL: none */
	int64_t requests_per_second;           /* 0: the dialect's default; -1: none */
	const struct switch_setting *switches; /* sorted by name */
	unsigned n_switches;
	struct definition **definitions; /* open-addressing table by name; NULL: free */
	unsigned n_definitions, room;    /* room: a power of two */
	size_t definitions_bytes;
	struct document *documents; /* sorted by kind and name */
	unsigned n_documents, documents_room;
	instant_us created_at, updated_at;
	struct arena arena; /* the workspace's own strings */
};

struct catalog {
	atomic_uint refs;
	uint64_t version;
	struct workspace **workspaces; /* sorted by no */
	unsigned n_workspaces;
	size_t definitions_bytes; /* of all workspaces */
	struct key *keys;         /* open-addressing table by digest; no 0: free */
	unsigned n_keys, keys_room;
	size_t keys_bytes;           /* of the keys' names and lists */
	struct origin_set *origins;  /* of all publishable keys that are not revoked; NULL: none */
	unsigned n_origins;          /* as the keys list them, some twice */
	struct client_slot *clients; /* open-addressing table by name */
	unsigned n_clients, clients_room;
};

struct catalog *catalog_ref(struct catalog *c); /* any thread */
void catalog_unref(struct catalog *c);          /* any thread; NULL is fine */
DEFINE_CLEANUP(struct catalog *, catalog_unref);

/* NULL when there is none. Revoked keys are not found, and clients are none. */
const struct key *catalog_key(const struct catalog *c, const struct sha256 *digest);
/* The key of that workspace-independent name whose secret has that digest: for name-and-secret
 * schemes (Basic). */
const struct key *catalog_named_key(const struct catalog *c, struct str name,
				    const struct sha256 *digest);
/* The OAuth client of that name and secret (its digest); what it is found under. */
const struct key *catalog_client(const struct catalog *c, struct str name,
				 const struct sha256 *secret);
struct sha256 catalog_client_digest(struct str name, const struct sha256 *secret);
/* By name alone, which is no secret and shows nobody's right to anything. */
const struct key *catalog_named_client(const struct catalog *c, struct str name);
bool key_has_redirect(const struct key *client, struct str uri);
/* Key or client, by key.digest: whom a token was made for. */
const struct key *catalog_issuer(const struct catalog *c, const struct sha256 *digest);
/* As browsers send it: "https://shop.example", with a port where it is not the scheme's own. No
 * path, no slash at the end, no capitals: what is not letter for letter the same is another. At most
 * KEY_ORIGIN_MAX bytes. */
bool origin_is_valid(struct str s);
bool key_has_origin(const struct key *key, struct str origin);
/* Whether any publishable key has it: what a browser is told before a key is seen. */
bool catalog_has_origin(const struct catalog *c, struct str origin);
/*
 * Whether a key with such strings may be added, or take the place of that of its number. Of
 * KEYS_BYTES_MAX a workspace may have as much as would still be free without it, so that none keeps
 * the others from making keys. With a look at each, once half is taken.
 */
bool catalog_has_room_for_key(const struct catalog *c, uint32_t workspace, const struct key *like);
/* Likewise whether a definition may be added, or take the place of that of its name; one that is no
 * larger always may. */
bool catalog_has_room_for_definition(const struct catalog *c, const struct workspace *w,
				     const struct definition *like);
/* Whether a workspace may take one more of the numbers of keys, which are given out once: as many
 * as would still be free without it. With a look at each. */
bool catalog_has_number_for_key(const struct catalog *c, uint32_t workspace);
const struct workspace *catalog_workspace(const struct catalog *c, uint32_t no);
/* With a look at each. */
const struct workspace *catalog_workspace_by_id(const struct catalog *c, struct uuid id);
struct definition *workspace_definition(const struct workspace *w, struct str name);
/* By row number, with a look at each. */
struct definition *workspace_definition_by_no(const struct workspace *w, uint32_t no);
/* NULL when there is none. */
const struct contact_field *workspace_contact_field(const struct workspace *w, struct str name);
/* NULL when there is none. */
const struct document *workspace_document(const struct workspace *w, enum document_kind kind,
					  struct str name);
/* By row number, with a look at each. */
const struct document *workspace_document_by_no(const struct workspace *w, uint32_t no);
/* All of a kind: *n of them, sorted by name. */
const struct document *workspace_documents_of(const struct workspace *w, enum document_kind kind,
					      unsigned *n);
/* Whether all workspaces have the same documents in both, with a look at each workspace and at the
 * documents of those that have changed. Between a snapshot and one that was made of it. */
bool catalog_has_same_documents(const struct catalog *a, const struct catalog *b);
void switch_settings_sort(struct switch_setting *list, unsigned n);
/* The value; .p NULL: it is not set. */
struct str workspace_switch(const struct workspace *w, struct str name);

/*
 * Making the next snapshot. An edit begins as a copy of `from` (NULL: empty) that shares its
 * workspaces and definitions; those that it changes are copied once. Functions that return int
 * give -ENOMEM. The edit can be looked into while it is being made.
 */
struct catalog_edit;

MUST_CHECK int catalog_edit_new(struct catalog *from, struct catalog_edit **out);
void catalog_edit_drop(struct catalog_edit *e); /* NULL is fine */

/* Adds the workspace, or replaces all of it but its definitions, contact fields and documents.
 * Strings are copied. */
MUST_CHECK int catalog_edit_workspace(struct catalog_edit *e, const struct workspace *like);
/* Adds or replaces by no. Strings are copied. like->workspace is ignored in favour of `workspace`. */
MUST_CHECK int catalog_edit_key(struct catalog_edit *e, uint32_t workspace, const struct key *like);
/* Adds or replaces by name. Takes a reference of its own. */
MUST_CHECK int catalog_edit_define(struct catalog_edit *e, uint32_t workspace,
				   struct definition *d);
/* Takes it out; one that is not there is no failure. */
MUST_CHECK int catalog_edit_undefine(struct catalog_edit *e, uint32_t workspace, struct str name);
/* Adds or replaces by name. Strings are copied. */
MUST_CHECK int catalog_edit_contact_field(struct catalog_edit *e, uint32_t workspace,
					  const struct contact_field *like);
/* Takes it out; one that is not there is no failure. */
MUST_CHECK int catalog_edit_no_contact_field(struct catalog_edit *e, uint32_t workspace,
					     struct str name);
/* Adds or replaces by kind and name. Strings are copied. */
MUST_CHECK int catalog_edit_document(struct catalog_edit *e, uint32_t workspace,
				     const struct document *like);
/* Takes it out; one that is not there is no failure. `name` may be its own. */
MUST_CHECK int catalog_edit_no_document(struct catalog_edit *e, uint32_t workspace,
					enum document_kind kind, struct str name);
/* All of it so far, but for the set of origins, which is made at the end. */
const struct catalog *catalog_edit_so_far(const struct catalog_edit *e);

/* Ends the edit and gives its snapshot, one reference for the caller. */
struct catalog *catalog_edit_done(struct catalog_edit *e);

struct catalog_cell {
	pthread_mutex_t lock;
	struct catalog *current;  /* under the lock */
	_Atomic uint64_t version; /* of current; 0: nothing published yet */
};

void catalog_cell_init(struct catalog_cell *cell);
void catalog_cell_fini(struct catalog_cell *cell);

/* Takes the caller's reference; gives the snapshot the next version. Any thread. */
void catalog_publish(struct catalog_cell *cell, struct catalog *next);

/* Makes *mine the current snapshot (it may be NULL before the first time). Any thread, each with
 * its own `mine`. */
void catalog_refresh(struct catalog_cell *cell, struct catalog **mine);
