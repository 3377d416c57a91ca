#include "store/statements.h"

const char *const statement_sql[STATEMENTS] = {
	[ST_BEGIN] = "BEGIN IMMEDIATE",
	[ST_COMMIT] = "COMMIT",
	[ST_ROLLBACK] = "ROLLBACK",

	[ST_EVENT_ADD] = "INSERT INTO event(seq, id, workspace, contact, prev, nth, definition,"
			 " dialect, occurred_at, received_at, properties)"
			 " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",

	[ST_IDENTITY_FIND] = "SELECT contact FROM identity"
			     " WHERE workspace = ? AND kind = ? AND key = ?",
	[ST_IDENTITY_ADD] = "INSERT INTO identity(workspace, kind, key, contact)"
			    " VALUES(?, ?, ?, ?)",
	[ST_IDENTITY_DROP] = "DELETE FROM identity WHERE workspace = ? AND kind = ? AND key = ?",

	[ST_CONTACT_KEYS] = "SELECT workspace, id, created_at FROM contact WHERE no = ?",
	[ST_CONTACT_READ] = "SELECT identities, attributes, id FROM contact WHERE no = ?",
	[ST_CONTACT_ADD] = "INSERT INTO contact(no, workspace, id, identities, attributes,"
			   " created_at, updated_at) VALUES(?, ?, ?, ?, ?, ?, ?)",
	[ST_CONTACT_SET] = "UPDATE contact SET id = ?, identities = ?, attributes = ?,"
			   " updated_at = ? WHERE no = ?",

	[ST_DEFINITION_ADD] = "INSERT INTO definition(no, workspace, id, name, description,"
			      " inferred, fields, created_at, updated_at)"
			      " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[ST_DEFINITION_SET] = "UPDATE definition SET description = ?, inferred = ?, fields = ?,"
			      " updated_at = ? WHERE no = ?",

	[ST_ROLLUP_NEWEST] = "SELECT minute, events, first_seq, last_seq, total FROM rollup"
			     " WHERE workspace = ? AND definition = ?"
			     " ORDER BY minute DESC LIMIT 1",
	[ST_ROLLUP_PUT] = "INSERT OR REPLACE INTO rollup(workspace, definition, minute, events,"
			  " first_seq, last_seq, total) VALUES(?, ?, ?, ?, ?, ?, ?)",
	[ST_WORKSPACE_GROW] = "UPDATE workspace SET contacts = contacts + ? WHERE no = ?",

	[ST_HEADS_PUT] = "INSERT OR REPLACE INTO contact_head(block, heads) VALUES(?, ?)",
	[ST_META_PUT] = "INSERT OR REPLACE INTO meta(name, value) VALUES(?, ?)",
};
