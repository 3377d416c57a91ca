/* The statements of the writing connection, prepared once. */
#pragma once

enum statement {
	ST_BEGIN,
	ST_COMMIT,
	ST_ROLLBACK,
	ST_EVENT_ADD,
	ST_IDENTITY_FIND,
	ST_IDENTITY_ADD,
	ST_IDENTITY_DROP,
	ST_CONTACT_KEYS,
	ST_CONTACT_READ,
	ST_CONTACT_ADD,
	ST_CONTACT_SET,
	ST_DEFINITION_ADD,
	ST_DEFINITION_SET,
	ST_ROLLUP_NEWEST,
	ST_ROLLUP_PUT,
	ST_WORKSPACE_GROW,
	ST_HEADS_PUT,
	ST_META_PUT,
	STATEMENTS, /* how many */
};

extern const char *const statement_sql[STATEMENTS];
