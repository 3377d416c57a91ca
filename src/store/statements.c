#include "store/statements.h"

const char *const statement_sql[STATEMENTS] = {
	[ST_BEGIN] = "BEGIN IMMEDIATE",
	[ST_COMMIT] = "COMMIT",
	[ST_ROLLBACK] = "ROLLBACK",

	/* Without seq: SQLite goes on from the newest row, which is what seq does, and then it
	 * need not look whether the row is there already. */
	[ST_EVENTS_ADD] = "INSERT INTO event(id, workspace, contact, prev, nth, definition,"
			  " dialect, occurred_at, received_at, properties, mismatches, cause)"
			  " SELECT id, workspace, contact, prev, nth, definition, dialect,"
			  " occurred_at, received_at, properties, mismatches, cause FROM new_event",

	[ST_EVENT_FACTS] = "SELECT id, contact, occurred_at, received_at, properties,"
			   " (SELECT name FROM definition WHERE no = definition)"
			   " FROM event WHERE seq = ?",
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

	[ST_CONTACT_ERASE] = "UPDATE contact SET workspace = 0, id = ?, identities = '[]',"
			     " attributes = '{}', updated_at = ? WHERE no = ?",
	[ST_ERASURE_NEXT] = "SELECT contact, workspace, next_seq, last_item FROM erasure LIMIT 1",
	[ST_ERASURE_PUT] = "INSERT OR REPLACE INTO erasure(contact, workspace, next_seq,"
			   " last_item) VALUES(?, ?, ?, ?)",
	[ST_ERASURE_DROP] = "DELETE FROM erasure WHERE contact = ?",
	[ST_GONE_ADD] = "INSERT INTO gone(contact) VALUES(?)",

	[ST_DEDUPE_FIND] = "SELECT seq, payload, outcomes FROM dedupe WHERE workspace = ?"
			   " AND space = ? AND key = ?"
			   " AND (expires_at IS NULL OR expires_at > ?)",
	[ST_DEDUPE_PUT] = "INSERT OR REPLACE INTO dedupe(workspace, space, key, seq, payload,"
			  " outcomes, expires_at) VALUES(?, ?, ?, ?, ?, ?, nullif(?, 0))",
	/* Two steps: a DELETE by a list of keys looks at all of their workspaces and spaces. */
	[ST_DEDUPE_EXPIRED] = "SELECT workspace, space, key FROM dedupe"
			      " WHERE expires_at IS NOT NULL AND expires_at <= ?"
			      " ORDER BY expires_at LIMIT 1",
	[ST_DEDUPE_DROP] = "DELETE FROM dedupe WHERE workspace = ? AND space = ? AND key = ?",
	[ST_DEDUPE_EXPIRY] = "SELECT min(expires_at) FROM dedupe WHERE expires_at IS NOT NULL",

	[ST_BULK_ADD] = "INSERT INTO bulk(workspace, space, about, first_item, items, refused,"
			" created_at, expires_at) VALUES(?, ?, ?, ?, ?, ?, ?, ?) RETURNING no",
	[ST_BULK_DROP] = "DELETE FROM bulk WHERE no = (SELECT no FROM bulk"
			 " WHERE expires_at <= ? ORDER BY expires_at LIMIT 1)"
			 " RETURNING first_item, items",
	[ST_BULK_EXPIRY] = "SELECT min(expires_at) FROM bulk",
	[ST_BULK_ITEM_ADD] = "INSERT INTO bulk_item(workspace, contact, outcome, problem, request,"
			     " problems) VALUES(?, ?, ?, ?, ?, nullif(?, '')) RETURNING no",
	[ST_BULK_ITEM_LAST] = "SELECT coalesce(max(no), 0) FROM bulk_item",
	[ST_BULK_ITEM_ERASE] = "UPDATE bulk_item SET request = NULL, problems = NULL WHERE no IN"
			       " (SELECT no FROM bulk_item WHERE workspace = ?1 AND contact IN"
			       " (0, ?2) AND no <= ?3 AND request IS NOT NULL LIMIT ?4)",
	[ST_BULK_ITEMS_DROP] = "DELETE FROM bulk_item WHERE no >= ?1 AND no < ?1 + ?2",

	[ST_TOKEN_ADD] =
		"INSERT INTO token(digest, issuer, kind, workspace, scopes, created_at,"
		" expires_at, family) VALUES(?, ?, ?, ?, ?, ?, ?, nullif(?, zeroblob(32)))",
	[ST_TOKEN_FIND] = "SELECT scopes FROM token WHERE digest = ? AND issuer = ?"
			  " AND workspace = ? AND kind = ? AND expires_at > ?",
	/* Not by the issuer (+), who may have very many. */
	[ST_TOKEN_DROP] = "DELETE FROM token WHERE +issuer = ?2 AND workspace = ?3 AND (digest = ?1"
			  " OR family = (SELECT family FROM token WHERE digest = ?1 AND kind = 2))"
			  " RETURNING digest",
	[ST_TOKEN_DROP_FAMILY] = "DELETE FROM token WHERE family = ? AND +issuer = ?"
				 " AND workspace = ? RETURNING digest",
	[ST_TOKEN_PURGE] = "DELETE FROM token WHERE digest IN (SELECT digest FROM token"
			   " WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)"
			   " RETURNING digest",
	[ST_TOKEN_EXPIRY] = "SELECT min(expires_at) FROM token",

	[ST_KEY_NEXT] = "SELECT max((SELECT coalesce(max(no), 0) FROM access_key),"
			" (SELECT coalesce(max(no), 0) FROM oauth_client)) + 1",
	[ST_KEY_ADD] = "INSERT INTO access_key(no, workspace, digest, name, scopes, revoked,"
		       " created_at, origins) VALUES(?, ?, ?, ?, ?, 0, ?, nullif(?, ''))",
	[ST_KEY_FIND] = "SELECT no FROM access_key WHERE no = ? AND workspace = ?",
	[ST_KEY_REVOKE] = "UPDATE access_key SET revoked = 1 WHERE no = ?"
			  " RETURNING digest, name, scopes",

	[ST_DEFINITION_ADD] = "INSERT INTO definition(no, workspace, id, name, title, description,"
			      " annotations, inferred, deleted, fields, created_at, updated_at)"
			      " VALUES(?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?)",
	[ST_DEFINITION_SET] = "UPDATE definition SET title = ?, description = ?, annotations = ?,"
			      " inferred = ?, fields = ?, updated_at = ? WHERE no = ?",
	[ST_DEFINITION_DROP] = "UPDATE definition SET deleted = 1, title = '', description = '',"
			       " annotations = '{}', fields = '[]', updated_at = ? WHERE no = ?",

	[ST_CONTACT_FIELD_ADD] = "INSERT INTO contact_field(workspace, id, name, type, title,"
				 " description, fallback, created_at, updated_at)"
				 " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[ST_CONTACT_FIELD_SET] = "UPDATE contact_field SET type = ?, title = ?, description = ?,"
				 " fallback = ?, updated_at = ? WHERE no = ?",
	[ST_CONTACT_FIELD_DROP] = "DELETE FROM contact_field WHERE no = ?",

	[ST_DOCUMENT_ADD] = "INSERT INTO document(workspace, kind, name, body, created_at,"
			    " updated_at) VALUES(?1, ?2, ?3, ?4, ?5, ?5) RETURNING no",
	[ST_DOCUMENT_SET] = "UPDATE document SET body = ?, updated_at = ? WHERE no = ?",
	[ST_DOCUMENT_DROP] = "DELETE FROM document WHERE no = ?",

	[ST_ROLLUP_NEWEST] = "SELECT minute, events, first_seq, last_seq, total FROM rollup"
			     " WHERE workspace = ? AND definition = ?"
			     " ORDER BY minute DESC, first_seq DESC LIMIT 1",
	[ST_ROLLUP_PUT] = "INSERT OR REPLACE INTO rollup(workspace, definition, minute, events,"
			  " first_seq, last_seq, total) VALUES(?, ?, ?, ?, ?, ?, ?)",
	[ST_WORKSPACE_FIND] = "SELECT no FROM workspace WHERE id = ?",
	[ST_WORKSPACE_NEXT] = "SELECT coalesce(max(no), 0) + 1 FROM workspace",
	[ST_WORKSPACE_PUT] = "INSERT INTO workspace(no, id, name, requests_per_second, switches,"
			     " contacts, created_at, updated_at) VALUES(?1, ?2, ?3, ?4, ?5, 0,"
			     " ?6, ?6) ON CONFLICT(no) DO UPDATE SET name = ?3,"
			     " requests_per_second = ?4, switches = ?5, updated_at = ?6",
	[ST_WORKSPACE_GROW] = "UPDATE workspace SET contacts = contacts + ? WHERE no = ?",

	[ST_HEADS_PUT] = "INSERT OR REPLACE INTO contact_head(block, heads) VALUES(?, ?)",
	[ST_META_PUT] = "INSERT OR REPLACE INTO meta(name, value) VALUES(?, ?)",
};

const char *const start_sql[START_STATEMENTS] = {
	[START_DIALECT_PUT] = "INSERT OR IGNORE INTO dialect(no, name) VALUES(?, ?)",
	[START_DIALECT_CHECK] = "SELECT 1 FROM dialect WHERE no = ? AND name = ?",

	[START_EVENT_NEWEST] = "SELECT seq, id, received_at FROM event ORDER BY seq DESC LIMIT 1",
	[START_CONTACT_NEWEST] = "SELECT coalesce(max(no), 0) FROM contact",

	[START_WORKSPACES] = "SELECT no, id, name, requests_per_second, switches,"
			     " created_at, updated_at FROM workspace"
			     " ORDER BY no",
	[START_CONTACT_FIELDS] = "SELECT no, workspace, id, name, type, title, description,"
				 " fallback, created_at, updated_at FROM contact_field"
				 " ORDER BY workspace, name",
	[START_DOCUMENTS] = "SELECT no, workspace, kind, name, body, created_at, updated_at"
			    " FROM document ORDER BY workspace, kind, name",
	[START_KEYS] = "SELECT no, workspace, digest, name, scopes, revoked, 0, origins"
		       " FROM access_key UNION ALL"
		       " SELECT no, workspace, digest, name, scopes, revoked, 1, redirects"
		       " FROM oauth_client ORDER BY no",
	[START_DEFINITIONS] = "SELECT no, workspace, id, name, title, description, annotations,"
			      " inferred, deleted, fields, created_at, updated_at FROM definition"
			      " ORDER BY no",

	[START_HEADS_FROM] = "SELECT value FROM meta WHERE name = 'heads_from'",
	[START_HEADS] = "SELECT block, heads FROM contact_head",
	[START_EVENTS_BEHIND] = "SELECT seq, contact, nth FROM event WHERE seq > ?",
	[START_ERASURES] = "SELECT count(*) FROM erasure",
	[START_TOKENS] = "SELECT digest, issuer, kind, workspace, scopes, created_at, expires_at,"
			 " coalesce(family, zeroblob(32)) FROM token",
	[START_TOKENS_DROP] = "DELETE FROM token WHERE issuer = ? RETURNING digest",

	[START_WORKSPACES_BUT] = "SELECT no FROM workspace WHERE no <> ?",

	[START_KEY_FIND] = "SELECT no, workspace, name, scopes, revoked, digest,"
			   " coalesce(origins, '') FROM access_key WHERE digest = ?2",
	[START_KEY_PUT] = "INSERT INTO access_key(no, workspace, digest, name, scopes, revoked,"
			  " created_at, origins)"
			  " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, nullif(?8, ''))"
			  " ON CONFLICT(no) DO UPDATE SET name = ?4, scopes = ?5, revoked = ?6,"
			  " origins = nullif(?8, '')",
	[START_KEYS_OF] = "SELECT no, name, digest FROM access_key WHERE workspace = ?"
			  " AND revoked = 0",
	[START_KEY_REVOKE] = "UPDATE access_key SET revoked = 1 WHERE no = ?",
	[START_CLIENT_FIND] = "SELECT no, workspace, name, scopes, revoked, digest, redirects"
			      " FROM oauth_client WHERE name = ?1",
	[START_CLIENT_PUT] = "INSERT INTO oauth_client(no, workspace, digest, name, scopes,"
			     " revoked, created_at, redirects)"
			     " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"
			     " ON CONFLICT(no) DO UPDATE SET digest = ?3, scopes = ?5,"
			     " revoked = ?6, redirects = ?8",
	[START_DEFINITION_DELETED] = "SELECT 1 FROM definition WHERE workspace = ? AND name = ?"
				     " AND deleted = 1 LIMIT 1",
};
