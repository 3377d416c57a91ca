#include "store/migrations.h"

#include "base/fail.h"
#include "store/db.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

/* file(1) and others tell databases apart by it: "occd" */
enum { APPLICATION_ID = 0x6F636364 };

/* Parts of the views: a UUID and an instant as people read them. */
#define UUID_TEXT_SQL(column)                                                                    \
	"lower(substr(hex(" column "), 1, 8) || '-' || substr(hex(" column "), 9, 4) || '-' || " \
	"substr(hex(" column "), 13, 4) || '-' || substr(hex(" column "), 17, 4) || '-' || "     \
	"substr(hex(" column "), 21))"
#define SUBSECOND_SQL(column) "(((" column " % 1000000) + 1000000) % 1000000)"
#define TIME_TEXT_SQL(column)                       \
	"strftime('%Y-%m-%dT%H:%M:%S', (" column    \
	" - " SUBSECOND_SQL(column) ") / 1000000, " \
				    "'unixepoch') || printf('.%06dZ', " SUBSECOND_SQL(column) ")"

/*
 * Times are microseconds since 1970, ids are the 16 bytes of a UUID, JSON is text.
 *
 * contact      identities: [{"kind","value"}], attributes: an object. `number` is shown to clients.
 * identity     what finds a contact: one owner for each (kind, key) of a workspace
 * event        in commit order, without a secondary index. prev: the same contact's previous event,
 *              0 for the first; nth: its ordinal among the contact's events, from 1
 * rollup       per minute of received_at: how many events, between which two, and how many there
 *              were up to then. definition 0: all of the workspace's
 * contact_head saved positions of each contact's newest event, 512 contacts a row, behind the
 *              truth by at most the events after meta.heads_from
 */
static const char
	version_1
		[] =
			"CREATE TABLE meta(name TEXT PRIMARY KEY, value) WITHOUT ROWID;"
			"INSERT INTO meta VALUES('heads_from', 0);"

			"CREATE TABLE dialect(no INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);"

			"CREATE TABLE workspace(no INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE,"
			" name TEXT NOT NULL, contact_fields TEXT NOT NULL, requests_per_second "
			"INTEGER "
			"NOT NULL,"
			" contacts INTEGER NOT NULL, created_at INTEGER NOT NULL, updated_at "
			"INTEGER NOT "
			"NULL);"

			"CREATE TABLE access_key(no INTEGER PRIMARY KEY, workspace INTEGER NOT "
			"NULL,"
			" digest BLOB NOT NULL UNIQUE, name TEXT NOT NULL, scopes TEXT NOT NULL,"
			" revoked INTEGER NOT NULL, created_at INTEGER NOT NULL);"

			"CREATE TABLE oauth_client(no INTEGER PRIMARY KEY, workspace INTEGER NOT "
			"NULL,"
			" name TEXT NOT NULL UNIQUE, digest BLOB NOT NULL, scopes TEXT NOT NULL,"
			" revoked INTEGER NOT NULL, created_at INTEGER NOT NULL);"

			"CREATE TABLE definition(no INTEGER PRIMARY KEY, workspace INTEGER NOT "
			"NULL,"
			" id BLOB NOT NULL, name TEXT NOT NULL, description TEXT NOT NULL,"
			" inferred INTEGER NOT NULL, fields TEXT NOT NULL, created_at INTEGER NOT "
			"NULL,"
			" updated_at INTEGER NOT NULL, UNIQUE(workspace, name));"

			"CREATE TABLE contact(no INTEGER PRIMARY KEY, workspace INTEGER NOT NULL,"
			" id BLOB NOT NULL, identities TEXT NOT NULL, attributes TEXT NOT NULL,"
			" created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL);"
			"CREATE INDEX contact_workspace ON contact(workspace);"

			"CREATE TABLE identity(workspace INTEGER, kind INTEGER, key TEXT,"
			" contact INTEGER NOT NULL, PRIMARY KEY(workspace, kind, key)) WITHOUT "
			"ROWID;"

			"CREATE TABLE event(seq INTEGER PRIMARY KEY, id BLOB NOT NULL, workspace "
			"INTEGER "
			"NOT NULL,"
			" contact INTEGER NOT NULL, prev INTEGER NOT NULL, nth INTEGER NOT NULL,"
			" definition INTEGER NOT NULL, dialect INTEGER NOT NULL, occurred_at "
			"INTEGER NOT "
			"NULL,"
			" received_at INTEGER NOT NULL, properties TEXT NOT NULL);"

			"CREATE TABLE rollup(workspace INTEGER, definition INTEGER, minute INTEGER,"
			" events INTEGER NOT NULL, first_seq INTEGER NOT NULL, last_seq INTEGER "
			"NOT NULL,"
			" total INTEGER NOT NULL, PRIMARY KEY(workspace, definition, minute)) "
			"WITHOUT "
			"ROWID;"

			"CREATE TABLE contact_head(block INTEGER PRIMARY KEY, heads BLOB NOT NULL);"

			"CREATE VIEW events AS SELECT e.seq, " UUID_TEXT_SQL("e.id") " AS id,"
										     " w.name AS "
										     "workspace, "
										     "l.name AS "
										     "dialect, "
										     "d.name AS "
										     "definition,"
										     " " UUID_TEXT_SQL("c.id") " AS contact_id, " TIME_TEXT_SQL("e."
																		"occurre"
																		"d_at") " AS occurred_at, " TIME_TEXT_SQL("e.received_at") " AS received_at, e.properties"
																									   " FROM event e LEFT JOIN workspace w ON "
																									   "w.no = e.workspace"
																									   " LEFT JOIN dialect l ON l.no = e.dialect "
																									   "LEFT JOIN definition d ON d.no = "
																									   "e.definition"
																									   " LEFT JOIN contact c ON c.no = e.contact;"

																									   "CREATE VIEW contacts AS SELECT c.no AS "
																									   "number, " UUID_TEXT_SQL(
																										   "c.id") " AS id,"
																											   " w.name AS workspace, "
																											   "c.identities, "
																											   "c.attributes,"
																											   " " TIME_TEXT_SQL("c."
																													     "created"
																													     "_at") " AS created_at, " TIME_TEXT_SQL("c.updated_at") " "
																																				     "A"
																																				     "S"
																																				     " "
																																				     "u"
																																				     "p"
																																				     "d"
																																				     "a"
																																				     "t"
																																				     "e"
																																				     "d"
																																				     "_"
																																				     "a"
																																				     "t"
																																				     " "
																																				     "F"
																																				     "R"
																																				     "O"
																																				     "M"
																																				     " "
																																				     "c"
																																				     "o"
																																				     "n"
																																				     "t"
																																				     "a"
																																				     "c"
																																				     "t"
																																				     " "
																																				     "c"
																																				     " "
																																				     "L"
																																				     "E"
																																				     "F"
																																				     "T"
																																				     " "
																																				     "J"
																																				     "O"
																																				     "I"
																																				     "N"
																																				     " "
																																				     "w"
																																				     "o"
																																				     "r"
																																				     "k"
																																				     "s"
																																				     "p"
																																				     "a"
																																				     "c"
																																				     "e"
																																				     " "
																																				     "w"
																																				     " "
																																				     "O"
																																				     "N"
																																				     " "
																																				     "w"
																																				     "."
																																				     "n"
																																				     "o"
																																				     " "
																																				     "="
																																				     " "
																																				     "c"
																																				     "."
																																				     "w"
																																				     "o"
																																				     "r"
																																				     "k"
																																				     "s"
																																				     "p"
																																				     "a"
																																				     "c"
																																				     "e"
																																				     ";";

static const char *const versions[] = { version_1 };

static int judge(sqlite3 *db, int64_t *version)
{
	int64_t application, tables;
	int r = db_query_i64(db, "PRAGMA application_id", &application);
	r = r ?: db_query_i64(db, "PRAGMA user_version", version);
	r = r ?: db_query_i64(db, "SELECT count(*) FROM sqlite_schema", &tables);
	if (r < 0)
		return pass(r);
	bool empty = application == 0 && *version == 0 && tables == 0;
	if (!empty && application != APPLICATION_ID)
		return fail(-EINVAL, "this database is not one of occurd's");
	if (*version < 0 || *version > (int64_t)ARRAY_LEN(versions))
		return fail(-EINVAL, "the database has version %" PRId64 ", this occurd knows %zu",
			    *version, ARRAY_LEN(versions));
	return 0;
}

/* On a failure the transaction ends with the connection. */
static int step_to(sqlite3 *db, size_t version)
{
	char mark[80];
	snprintf(mark, sizeof(mark), "PRAGMA application_id = %d; PRAGMA user_version = %zu",
		 APPLICATION_ID, version);
	int r = db_exec(db, "BEGIN IMMEDIATE");
	r = r ?: db_exec(db, versions[version - 1]);
	r = r ?: db_exec(db, mark);
	r = r ?: db_exec(db, "COMMIT");
	return pass(r);
}

int migrations_run(sqlite3 *db)
{
	int64_t version = 0;
	int r = judge(db, &version);
	for (size_t next = (size_t)version + 1; r == 0 && next <= ARRAY_LEN(versions); next++)
		r = step_to(db, next);
	return pass(r);
}
