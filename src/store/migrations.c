#include "store/migrations.h"

#include "base/fail.h"
#include "store/db.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

/* file(1) and others tell databases apart by it: "occd" */
enum { APPLICATION_ID = 0x6F636364 };

/* schema/N.sql, as strings (cmake/sql.cmake). */
static const char version_1[] =
#include "1.sql.inc"
	;

static const char *const versions[] = { version_1 };

static int judge(sqlite3 *db, int64_t *version, bool *empty)
{
	int64_t application = 0, tables = 0;
	*version = 0;
	int r = db_query_i64(db, "PRAGMA application_id", &application);
	r = r ?: db_query_i64(db, "PRAGMA user_version", version);
	r = r ?: db_query_i64(db, "SELECT count(*) FROM sqlite_schema", &tables);
	if (r < 0)
		return pass(r);
	*empty = application == 0 && *version == 0 && tables == 0;
	if (!*empty && application != APPLICATION_ID)
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
	bool empty;
	int r = judge(db, &version, &empty);
	for (size_t next = (size_t)version + 1; r == 0 && next <= ARRAY_LEN(versions); next++)
		r = step_to(db, next);
	return pass(r);
}

int migrations_look(sqlite3 *db, bool *empty)
{
	int64_t version;
	return pass(judge(db, &version, empty));
}

int migrations_check(sqlite3 *db, bool *empty)
{
	int64_t version = 0;
	int r = judge(db, &version, empty);
	if (r == 0 && !*empty && version != (int64_t)ARRAY_LEN(versions))
		return fail(-EINVAL,
			    "the database has version %" PRId64
			    ", this occurd's is %zu: a start brings it up to date",
			    version, ARRAY_LEN(versions));
	return pass(r);
}
