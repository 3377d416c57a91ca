#include "conf/provision_schema.h"

#include "model/catalog.h"
#include "model/op.h"

/* Bytes; a code point has at most four. */
enum {
	NAME_BYTES = 4 * DEFINITION_NAME_MAX,
	DESCRIPTION_BYTES = 4 * DEFINITION_DESCRIPTION_MAX,
	SECRET_BYTES = 1024,
	WORD_BYTES = 64,
	UUID_BYTES = 64,
	SCOPES_MAX = 16,
	ORIGIN_BYTES = 300,
	REDIRECT_BYTES = 2000,
	REDIRECTS_MAX = 100, /* of one client */
};

#define STRING(member, type, min, max, flags) \
	CYAML_FIELD_STRING_PTR(#member, CYAML_FLAG_POINTER | (flags), type, member, min, max)
#define REQUIRED(member, type, max) STRING(member, type, 1, max, CYAML_FLAG_DEFAULT)
#define OPTIONAL(member, type, max) STRING(member, type, 1, max, CYAML_FLAG_OPTIONAL)
#define BOOL(member, type)          CYAML_FIELD_BOOL(#member, CYAML_FLAG_OPTIONAL, type, member)
#define LIST(member, type, entry, max)                                                        \
	CYAML_FIELD_SEQUENCE(#member, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, type, member, \
			     &(entry), 0, max)

static const cyaml_schema_value_t word = {
	CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char *, 1, WORD_BYTES),
};

static const cyaml_schema_value_t anything = {
	.type = CYAML_IGNORE,
	.flags = CYAML_FLAG_OPTIONAL,
};

const cyaml_schema_value_t provision_field_list = {
	CYAML_VALUE_SEQUENCE(CYAML_FLAG_POINTER, char *, &anything, 0,
			     WORKSPACE_CONTACT_FIELDS_MAX),
};

const cyaml_schema_value_t provision_document_list = {
	CYAML_VALUE_SEQUENCE(CYAML_FLAG_POINTER, char *, &anything, 0, DOCUMENTS_MAX),
};

const cyaml_schema_value_t provision_field_name = {
	CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char *, 1, FIELD_NAME_MAX),
};

/* For its names and sizes: nothing is loaded by it. */
static const cyaml_schema_field_t contact_field_members[] = {
	REQUIRED(name, struct file_field, FIELD_NAME_MAX),
	OPTIONAL(type, struct file_field, WORD_BYTES),
	CYAML_FIELD_END,
};

const cyaml_schema_value_t provision_field = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct file_field, contact_field_members),
};

static const cyaml_schema_value_t origin = {
	CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char *, 1, ORIGIN_BYTES),
};

static const cyaml_schema_value_t redirect = {
	CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char *, 1, REDIRECT_BYTES),
};

static const cyaml_schema_field_t key_members[] = {
	REQUIRED(secret, struct file_key, SECRET_BYTES),
	OPTIONAL(name, struct file_key, NAME_BYTES),
	CYAML_FIELD_SEQUENCE("scopes", CYAML_FLAG_POINTER, struct file_key, scopes, &word, 0,
			     SCOPES_MAX),
	BOOL(revoked, struct file_key),
	BOOL(publishable, struct file_key),
	LIST(allowed_origins, struct file_key, origin, KEY_ORIGINS_MAX),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t key = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct file_key, key_members),
};

static const cyaml_schema_field_t client_members[] = {
	REQUIRED(id, struct file_client, NAME_BYTES),
	REQUIRED(secret, struct file_client, SECRET_BYTES),
	CYAML_FIELD_SEQUENCE("scopes", CYAML_FLAG_POINTER, struct file_client, scopes, &word, 0,
			     SCOPES_MAX),
	BOOL(revoked, struct file_client),
	LIST(redirect_uris, struct file_client, redirect, REDIRECTS_MAX),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t client = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct file_client, client_members),
};

static const cyaml_schema_value_t field;

static const cyaml_schema_field_t field_members[] = {
	REQUIRED(name, struct file_field, FIELD_NAME_MAX),
	REQUIRED(type, struct file_field, WORD_BYTES),
	BOOL(required, struct file_field),
	LIST(fields, struct file_field, field, DEFINITION_FIELDS_MAX),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t field = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct file_field, field_members),
};

static const cyaml_schema_field_t definition_members[] = {
	REQUIRED(name, struct file_definition, NAME_BYTES),
	STRING(description, struct file_definition, 0, DESCRIPTION_BYTES, CYAML_FLAG_OPTIONAL),
	BOOL(inferred, struct file_definition),
	LIST(fields, struct file_definition, field, DEFINITION_FIELDS_MAX),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t definition = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct file_definition, definition_members),
};

static const cyaml_schema_field_t identity_members[] = {
	REQUIRED(kind, struct file_identity, WORD_BYTES),
	REQUIRED(value, struct file_identity, IDENTITY_VALUE_MAX),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t identity = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct file_identity, identity_members),
};

static const cyaml_schema_field_t contact_members[] = {
	OPTIONAL(id, struct file_contact, UUID_BYTES),
	LIST(identities, struct file_contact, identity, CONTACT_IDENTITIES_MAX),
	CYAML_FIELD_IGNORE("attributes", CYAML_FLAG_OPTIONAL),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t contact = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct file_contact, contact_members),
};

static const cyaml_schema_field_t limit_members[] = {
	CYAML_FIELD_INT("requests_per_second", CYAML_FLAG_OPTIONAL, struct file_limits,
			requests_per_second),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t workspace_members[] = {
	REQUIRED(id, struct file_workspace, UUID_BYTES),
	OPTIONAL(name, struct file_workspace, NAME_BYTES),
	CYAML_FIELD_IGNORE("switches", CYAML_FLAG_OPTIONAL),
	CYAML_FIELD_IGNORE("contact_fields", CYAML_FLAG_OPTIONAL),
	LIST(keys, struct file_workspace, key, KEY_NO_MAX),
	LIST(oauth_clients, struct file_workspace, client, KEY_NO_MAX),
	LIST(definitions, struct file_workspace, definition, WORKSPACE_DEFINITIONS_MAX),
	CYAML_FIELD_IGNORE("destinations", CYAML_FLAG_OPTIONAL),
	CYAML_FIELD_IGNORE("automations", CYAML_FLAG_OPTIONAL),
	LIST(contacts, struct file_workspace, contact, CYAML_UNLIMITED),
	CYAML_FIELD_MAPPING("limits", CYAML_FLAG_OPTIONAL, struct file_workspace, limits,
			    limit_members),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t workspace = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct file_workspace, workspace_members),
};

static const cyaml_schema_field_t text_members[] = {
	CYAML_FIELD_SEQUENCE("workspaces", CYAML_FLAG_POINTER, struct provision_text, workspaces,
			     &workspace, 0, CYAML_UNLIMITED),
	CYAML_FIELD_END,
};

const cyaml_schema_value_t provision_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct provision_text, text_members),
};
