#include "store/statements.h"

const char *const statement_sql[STATEMENTS] = {
	[ST_BEGIN] = "BEGIN IMMEDIATE",
	[ST_COMMIT] = "COMMIT",
	[ST_ROLLBACK] = "ROLLBACK",

	/* Without seq: SQLite goes on from the newest row, which is what seq does, and then it
	 * need not look whether the row is there already. */
	[ST_EVENTS_ADD] = "INSERT INTO event(id, workspace, contact, prev, nth, definition,"
			  " dialect, occurred_at, received_at, properties, mismatches)"
			  " SELECT id, workspace, contact, prev, nth, definition, dialect,"
			  " occurred_at, received_at, properties, mismatches FROM new_event",

	[ST_EVENT_FACTS] = "SELECT id, contact, occurred_at, received_at, properties,"
			   " definition FROM event WHERE seq = ?",
	[ST_EVENT_ERASE] = "UPDATE event SET properties = '{}', mismatches = NULL WHERE seq = ?"
			   " AND contact = ? RETURNING prev",

	[ST_IDENTITY_FIND] = "SELECT contact FROM identity"
			     " WHERE workspace = ? AND kind = ? AND key = ?",
	[ST_IDENTITY_ADD] = "INSERT INTO identity(workspace, kind, key, contact)"
			    " VALUES(?, ?, ?, ?)",
	[ST_IDENTITY_DROP] = "DELETE FROM identity WHERE workspace = ? AND kind = ? AND key = ?",

	[ST_CONTACT_KEYS] = "SELECT workspace, id, created_at FROM contact WHERE no = ?",
	[ST_CONTACT_READ] = "SELECT identities, attributes, id, created_at, updated_at"
			    " FROM contact WHERE no = ?",
	[ST_CONTACT_ADD] = "INSERT INTO contact(no, workspace, id, identities, attributes,"
			   " created_at, updated_at) VALUES(?, ?, ?, ?, ?, ?, ?)",
	[ST_CONTACT_SET] = "UPDATE contact SET id = ?, identities = ?, attributes = ?,"
			   " updated_at = ? WHERE no = ?",

	[ST_CONTACT_ERASE] = "UPDATE contact SET workspace = 0, identities = '[]',"
			     " attributes = '{}', updated_at = ? WHERE no = ?",
	[ST_ERASURE_NEXT] = "SELECT contact, next_seq FROM erasure LIMIT 1",
	[ST_ERASURE_PUT] = "INSERT OR REPLACE INTO erasure(contact, next_seq) VALUES(?, ?)",
	[ST_ERASURE_DROP] = "DELETE FROM erasure WHERE contact = ?",

	[ST_DEDUPE_FIND] = "SELECT seq, payload, outcomes FROM dedupe WHERE workspace = ?"
			   " AND space = ? AND key = ?"
			   " AND (expires_at IS NULL OR expires_at > ?)",
	[ST_DEDUPE_PUT] = "INSERT OR REPLACE INTO dedupe(workspace, space, key, seq, payload,"
			  " outcomes, expires_at) VALUES(?, ?, ?, ?, ?, ?, nullif(?, 0))",
	[ST_DEDUPE_PURGE] = "DELETE FROM dedupe WHERE (workspace, space, key) IN"
			    " (SELECT workspace, space, key FROM dedupe"
			    " WHERE expires_at IS NOT NULL AND expires_at <= ?"
			    " ORDER BY expires_at LIMIT ?)",
	[ST_DEDUPE_EXPIRY] = "SELECT min(expires_at) FROM dedupe WHERE expires_at IS NOT NULL",

	[ST_TOKEN_ADD] = "INSERT INTO token(digest, issuer, kind, workspace, scopes, created_at,"
			 " expires_at) VALUES(?, ?, ?, ?, ?, ?, ?)",
	[ST_TOKEN_DROP] = "DELETE FROM token WHERE digest = ? AND issuer = ? AND workspace = ?"
			  " RETURNING digest",
	[ST_TOKEN_PURGE] = "DELETE FROM token WHERE digest IN (SELECT digest FROM token"
			   " WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)"
			   " RETURNING digest",
	[ST_TOKEN_EXPIRY] = "SELECT min(expires_at) FROM token",

	[ST_KEY_NEXT] = "SELECT max((SELECT coalesce(max(no), 0) FROM access_key),"
			" (SELECT coalesce(max(no), 0) FROM oauth_client)) + 1",
	[ST_KEY_ADD] = "INSERT INTO access_key(no, workspace, digest, name, scopes, revoked,"
		       " created_at) VALUES(?, ?, ?, ?, ?, 0, ?)",
	[ST_KEY_FIND] = "SELECT no FROM access_key WHERE no = ? AND workspace = ?",
	[ST_KEY_REVOKE] = "UPDATE access_key SET revoked = 1 WHERE no = ?"
			  " RETURNING digest, name, scopes",

	[ST_DEFINITION_ADD] = "INSERT INTO definition(no, workspace, id, name, title, description,"
			      " annotations, inferred, deleted, fields, created_at, updated_at)"
			      " VALUES(?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?)",
	[ST_DEFINITION_SET] = "UPDATE definition SET title = ?, description = ?, annotations = ?,"
			      " inferred = ?, fields = ?, updated_at = ? WHERE no = ?",
	[ST_DEFINITION_DROP] = "UPDATE definition SET deleted = 1, updated_at = ? WHERE no = ?",

	[ST_CONTACT_FIELD_ADD] = "INSERT INTO contact_field(workspace, id, name, type, title,"
				 " description, fallback, created_at, updated_at)"
				 " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[ST_CONTACT_FIELD_SET] = "UPDATE contact_field SET type = ?, title = ?, description = ?,"
				 " fallback = ?, updated_at = ? WHERE no = ?",
	[ST_CONTACT_FIELD_DROP] = "DELETE FROM contact_field WHERE no = ?",

	[ST_ROLLUP_NEWEST] = "SELECT minute, events, first_seq, last_seq, total FROM rollup"
			     " WHERE workspace = ? AND definition = ?"
			     " ORDER BY minute DESC LIMIT 1",
	[ST_ROLLUP_PUT] = "INSERT OR REPLACE INTO rollup(workspace, definition, minute, events,"
			  " first_seq, last_seq, total) VALUES(?, ?, ?, ?, ?, ?, ?)",
	[ST_WORKSPACE_GROW] = "UPDATE workspace SET contacts = contacts + ? WHERE no = ?",

	[ST_HEADS_PUT] = "INSERT OR REPLACE INTO contact_head(block, heads) VALUES(?, ?)",
	[ST_META_PUT] = "INSERT OR REPLACE INTO meta(name, value) VALUES(?, ?)",
};
