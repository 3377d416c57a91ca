/*
 * The provisioning file as libcyaml loads it: the structs below, and the table that maps the file
 * to them and says what is known, required and how large. What the table cannot say is judged when
 * the structs become a struct provision.
 */
#pragma once

#include <cyaml/cyaml.h>
#include <stdbool.h>

/* Absent members are NULL or 0. */
struct file_key {
	char *secret, *name;
	char **scopes;
	unsigned scopes_count;
	bool revoked, publishable;
	char **allowed_origins;
	unsigned allowed_origins_count;
};

struct file_client {
	char *id, *secret;
	char **scopes;
	unsigned scopes_count;
	bool revoked;
	char **redirect_uris;
	unsigned redirect_uris_count;
};

struct file_field {
	char *name, *type;
	bool required;
	struct file_field *fields;
	unsigned fields_count;
};

struct file_definition {
	char *name, *description;
	bool inferred;
	struct file_field *fields;
	unsigned fields_count;
};

struct file_identity {
	char *kind, *value;
};

/* The free `attributes` are not loaded: they are read from the tree. */
struct file_contact {
	char *id;
	struct file_identity *identities;
	unsigned identities_count;
};

struct file_limits {
	int64_t requests_per_second;
};

/* The switches are not loaded: they are read from the tree. */
struct file_workspace {
	char *id, *name;
	struct file_key *keys;
	unsigned keys_count;
	struct file_client *oauth_clients;
	unsigned oauth_clients_count;
	struct file_definition *definitions;
	unsigned definitions_count;
	struct file_contact *contacts;
	unsigned contacts_count;
	struct file_limits limits;
};

struct provision_text {
	struct file_workspace *workspaces;
	unsigned workspaces_count;
};

extern const cyaml_schema_value_t provision_schema;

/* Of `contact_fields`, which is not loaded either: a list of names, or of names and types. */
extern const cyaml_schema_value_t provision_field_list, provision_field_name, provision_field;
