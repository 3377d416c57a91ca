/*
 * What a provisioning file declares, as plain data: read by conf, written by store_provision().
 * Everything is already judged by itself: ids are ids, names are within their limits, fields are
 * sound. `place` is "FILE:9: workspaces[0].keys[1]", for who has to mend what does not fit the store.
 */
#pragma once

#include "model/catalog.h"
#include "model/identity.h"

struct provision_key {
	struct sha256 digest;
	struct str name;
	unsigned scopes;
	bool revoked, publishable;
	const struct str *origins; /* with publishable */
	unsigned n_origins;
	const struct str *redirects; /* of a client */
	unsigned n_redirects;
	struct str place;
};

struct provision_contact_field {
	struct str name;
	bool typed; /* else whatever type it has stays */
	enum field_type type;
	struct str place;
};

struct provision_definition {
	struct str name, description;
	bool inferred;
	const struct field *fields;
	unsigned n_fields;
	struct str place;
};

/* A destination or an automation. */
struct provision_document {
	enum document_kind kind;
	struct str body; /* JSON of an object, judged by itself */
	struct str place;
};

struct provision_identity {
	enum identity_kind kind;
	struct str value, key;
};

/* A contact that shall exist. It is recognised by its id or any of its identities; what is
 * declared is then set on it. */
struct provision_contact {
	bool has_id;
	struct uuid id;
	const struct provision_identity *identities;
	unsigned n_identities;
	struct str attributes; /* JSON object text; its members are set, custom ones under custom */
	struct str place;
};

struct provision_workspace {
	struct uuid id;
	struct str name;
	const struct provision_contact_field *contact_fields;
	unsigned n_contact_fields;
	int64_t requests_per_second;
	/* What the file does not mention: of a workspace that is there it stays as it is. */
	bool keep_name, keep_rate;
	const struct switch_setting *switches; /* each name once; others stay as they are */
	unsigned n_switches;
	const struct provision_key *keys;
	unsigned n_keys;
	const struct provision_key *oauth_clients; /* name: the client id */
	unsigned n_oauth_clients;
	const struct provision_definition *definitions;
	unsigned n_definitions;
	const struct provision_document *documents; /* destinations, then automations */
	unsigned n_documents;
	const struct provision_contact *contacts;
	unsigned n_contacts;
	struct str place;
};

struct provision {
	const struct provision_workspace *workspaces;
	unsigned n_workspaces;
	char *error; /* gets the one line of what is refused; NULL: nobody asks */
	size_t error_size;
};
