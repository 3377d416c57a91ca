#include "store/reader.h"

#include "base/fail.h"
#include "base/json.h"

#include <errno.h>
#include <stdlib.h>

#define EVENT_COLUMNS                                                                             \
	"SELECT e.seq, e.id, e.workspace, e.contact, e.prev, e.nth, e.definition, e.occurred_at," \
	" e.received_at, l.name, d.name, c.id, e.properties, e.mismatches, c.workspace, e.cause"  \
	" FROM event e"                                                                           \
	" LEFT JOIN dialect l ON l.no = e.dialect LEFT JOIN definition d ON d.no = e.definition"  \
	" LEFT JOIN contact c ON c.no = e.contact "

#define BULK_COLUMNS "SELECT no, space, about, first_item, items, refused, created_at FROM bulk "

const char *const reader_sql[READ_STATEMENTS] = {
	[RD_EVENT] = EVENT_COLUMNS "WHERE e.seq = ?",
	[RD_EVENTS_DOWN] = EVENT_COLUMNS "WHERE e.seq BETWEEN ?1 AND ?2 AND e.workspace = ?3"
					 " AND (?4 = 0 OR e.definition = ?4) ORDER BY e.seq DESC",
	[RD_EVENT_KEYS] = "SELECT seq, received_at, id FROM event WHERE seq >= ?"
			  " ORDER BY seq LIMIT 1",
	[RD_EVENT_BELOW] = "SELECT seq, received_at FROM event WHERE seq <= ?"
			   " ORDER BY seq DESC LIMIT 1",

	[RD_FEED] = EVENT_COLUMNS "WHERE e.seq > ? ORDER BY e.seq LIMIT ?",
	[RD_FEED_OF] = EVENT_COLUMNS "WHERE e.seq > ?1 AND e.seq <= ?2 AND e.workspace = ?3"
				     " AND (?4 = 0 OR e.contact = ?4) AND (?5 = '' OR d.name = ?5)"
				     " ORDER BY e.seq",
	[RD_EVENT_LINK] = "SELECT prev, contact, definition, received_at FROM event WHERE seq = ?",
	[RD_DOCUMENT_NAME] = "SELECT name FROM document WHERE no = ?",
	[RD_DEFINITION_FIND] = "SELECT no FROM definition WHERE workspace = ? AND name = ?"
			       " AND deleted = 0",
	[RD_GONE] = "SELECT no, contact FROM gone WHERE no > ? ORDER BY no LIMIT ?",

	[RD_ROLLUPS] = "SELECT first_seq, last_seq, events FROM rollup WHERE workspace = ?"
		       " AND definition = ? AND minute <= ?"
		       " ORDER BY minute DESC, first_seq DESC",
	[RD_ROLLUP_TOTAL] = "SELECT total FROM rollup WHERE workspace = ? AND definition = ?"
			    " ORDER BY minute DESC, first_seq DESC LIMIT 1",
	[RD_ROLLUP_SINCE] = "SELECT coalesce(sum(events), 0) FROM rollup WHERE workspace = ?"
			    " AND definition = ? AND minute >= ?",

	[RD_CONTACT] = "SELECT id, identities, attributes, created_at, updated_at FROM contact"
		       " WHERE no = ? AND workspace > 0",
	[RD_CONTACTS_DOWN] = "SELECT no FROM contact WHERE workspace = ?1 AND no < ?2"
			     " ORDER BY no DESC LIMIT ?3 OFFSET ?5",
	[RD_CONTACTS_UP] = "SELECT no FROM contact WHERE workspace = ?1 AND no < ?2 AND no > ?4"
			   " ORDER BY no LIMIT ?3 OFFSET ?5",
	[RD_CONTACT_COUNT] = "SELECT contacts FROM workspace WHERE no = ?",
	[RD_IDENTITY_FIND] = "SELECT contact FROM identity WHERE workspace = ? AND kind = ?"
			     " AND key = ?",
	[RD_CONTACT_KEYS] = "SELECT workspace, id, created_at FROM contact WHERE no = ?",

	[RD_BULK] = BULK_COLUMNS "WHERE no = ?1 AND workspace = ?2 AND expires_at > ?3",
	[RD_BULKS] = BULK_COLUMNS "WHERE workspace = ?1 AND space = ?2 AND created_at"
				  " BETWEEN ?3 AND ?4 AND expires_at > ?5"
				  " ORDER BY created_at DESC, no DESC LIMIT ?6 OFFSET ?7",
	[RD_BULK_ITEMS] = "SELECT i.no, i.contact, i.outcome, i.problem, i.request, i.problems,"
			  " c.created_at FROM bulk_item i LEFT JOIN contact c ON c.no = i.contact"
			  " WHERE i.no >= ?1 AND i.no < ?1 + ?2 ORDER BY i.no",
	[RD_BULK_REQUESTS] = "SELECT request FROM bulk_item WHERE workspace = ? AND contact = ?"
			     " AND request IS NOT NULL ORDER BY no",

	[RD_DEFINITIONS] = "SELECT no, name FROM definition WHERE workspace = ?"
			   " AND deleted = 0 ORDER BY name",
	[RD_KEYS] = "SELECT no, name, scopes, revoked, created_at, coalesce(origins, '')"
		    " FROM access_key WHERE workspace = ? AND no < ? ORDER BY no DESC LIMIT ?",
};

int store_reader_open(struct store *s, struct store_reader **out)
{
	struct store_reader *r = calloc(1, sizeof(*r));
	if (!r)
		return fail(-ENOMEM, "reader");
	r->s = s;
	arena_init(&r->scratch, JSON_MEMORY_MAX, NULL);
	int e = db_open(s->dir.db_path, SQLITE_OPEN_READONLY, &r->db);
	e = e ?: db_exec(r->db, "PRAGMA query_only = ON");
	e = e ?: db_prepare_all(r->db, reader_sql, READ_STATEMENTS, r->st);
	if (e < 0) {
		store_reader_close(r);
		return pass(e);
	}
	*out = r;
	return 0;
}

void store_reader_close(struct store_reader *r)
{
	if (!r)
		return;
	db_finalize_all(r->st, READ_STATEMENTS);
	db_close(r->db);
	arena_fini(&r->scratch);
	free(r);
}

const char *store_reader_dir(const struct store_reader *r)
{
	return r->s->dir.path;
}

int reader_begin(struct store_reader *r)
{
	return db_exec(r->db, "BEGIN");
}

void reader_end(struct store_reader *r)
{
	for (size_t i = 0; i < READ_STATEMENTS; i++)
		db_reset(r->st[i]);
	/* Nothing was written, so nothing can be lost. */
	sqlite3_exec(r->db, "ROLLBACK", NULL, NULL, NULL);
}

int reader_no_memory(void)
{
	return fail(-ENOMEM, "rows for one request");
}

int reader_text(struct arena *a, struct str text, struct str *out)
{
	*out = arena_str(a, text);
	return out->p ? 0 : reader_no_memory();
}

/* What is beyond the ceiling was not written by us: it will not be read later either. */
static int check_json(struct arena *scratch, struct str text, enum json_shape shape)
{
	yyjson_val *root = NULL;
	enum json_outcome parsed = json_parse(scratch, text, &root, NULL);
	if (parsed == JSON_NO_MEMORY && !scratch->full)
		return reader_no_memory();
	if (parsed != JSON_OK || (shape == JSON_SHAPE_OBJECT && !yyjson_is_obj(root)) ||
	    (shape == JSON_SHAPE_ARRAY && !yyjson_is_arr(root)))
		return db_damaged("JSON of a row");
	return 0;
}

int reader_json(struct store_reader *r, struct arena *a, struct str text, enum json_shape shape,
		struct str *out)
{
	int x = check_json(&r->scratch, text, shape);
	arena_reset(&r->scratch); /* a large one's is not kept until the next */
	return pass(x ?: reader_text(a, text, out));
}
