#include "store/new_events.h"

#include "store/db.h"

static size_t text_size(const struct new_event *e)
{
	return e->properties.n + e->mismatches.n + e->cause.n;
}

bool new_events_fit(const struct new_events *all, size_t text)
{
	return all->n == 0 || (all->n < NEW_EVENTS_MAX && text <= NEW_EVENTS_TEXT - all->n_text);
}

static struct str keep(struct new_events *all, struct str s)
{
	char *p = all->text + all->n_text;
	if (s.n)
		memcpy(p, s.p, s.n);
	all->n_text += s.n;
	return (struct str){ p, s.n };
}

bool new_events_add(struct new_events *all, const struct new_event *e)
{
	must(new_events_fit(all, text_size(e)));
	struct new_event *mine = &all->list[all->n++];
	*mine = *e;
	if (text_size(e) > NEW_EVENTS_TEXT)
		return false;
	mine->properties = keep(all, e->properties);
	mine->mismatches = keep(all, e->mismatches);
	mine->cause = keep(all, e->cause);
	return true;
}

void new_events_clear(struct new_events *all)
{
	all->n = 0;
	all->n_text = 0;
}

/* --- The list as SQLite reads it: a table that is there without being made, read from its first row
 * to its last. --- */

struct table {
	sqlite3_vtab base;
	const struct new_events *all;
};

struct cursor {
	sqlite3_vtab_cursor base;
	unsigned at;
};

enum column {
	ID,
	WORKSPACE,
	CONTACT,
	PREV,
	NTH,
	DEFINITION,
	DIALECT,
	OCCURRED_AT,
	RECEIVED_AT,
	PROPERTIES,
	MISMATCHES,
	CAUSE,
};

static const char columns[] =
	"CREATE TABLE new_event(id, workspace, contact, prev, nth, definition, dialect,"
	" occurred_at, received_at, properties, mismatches, cause)";

static int on_connect(sqlite3 *db, void *all, int argc, const char *const *argv, sqlite3_vtab **out,
		      char **error)
{
	(void)argc, (void)argv, (void)error;
	int rc = sqlite3_declare_vtab(db, columns);
	if (rc != SQLITE_OK)
		return rc;
	struct table *t = sqlite3_malloc(sizeof(*t));
	if (!t)
		return SQLITE_NOMEM;
	*t = (struct table){ .all = all };
	*out = &t->base;
	return SQLITE_OK;
}

static int on_disconnect(sqlite3_vtab *t)
{
	sqlite3_free(t);
	return SQLITE_OK;
}

static int on_best_index(sqlite3_vtab *t, sqlite3_index_info *info)
{
	(void)t;
	info->estimatedRows = NEW_EVENTS_MAX;
	info->estimatedCost = NEW_EVENTS_MAX;
	return SQLITE_OK;
}

static int on_open(sqlite3_vtab *t, sqlite3_vtab_cursor **out)
{
	(void)t;
	struct cursor *c = sqlite3_malloc(sizeof(*c));
	if (!c)
		return SQLITE_NOMEM;
	*c = (struct cursor){ .at = 0 };
	*out = &c->base;
	return SQLITE_OK;
}

static int on_close(sqlite3_vtab_cursor *c)
{
	sqlite3_free(c);
	return SQLITE_OK;
}

static int on_filter(sqlite3_vtab_cursor *c, int no, const char *name, int argc,
		     sqlite3_value **argv)
{
	(void)no, (void)name, (void)argc, (void)argv;
	((struct cursor *)c)->at = 0;
	return SQLITE_OK;
}

static int on_next(sqlite3_vtab_cursor *c)
{
	((struct cursor *)c)->at++;
	return SQLITE_OK;
}

static int on_eof(sqlite3_vtab_cursor *c)
{
	return ((struct cursor *)c)->at >= ((struct table *)c->pVtab)->all->n;
}

static int on_rowid(sqlite3_vtab_cursor *c, sqlite3_int64 *out)
{
	*out = ((struct cursor *)c)->at;
	return SQLITE_OK;
}

/* The list outlives the statement that reads it. */
static void put_text(sqlite3_context *out, struct str s)
{
	sqlite3_result_text64(out, s.p ? s.p : "", s.n, SQLITE_STATIC, SQLITE_UTF8);
}

static int on_column(sqlite3_vtab_cursor *c, sqlite3_context *out, int column)
{
	const struct new_events *all = ((struct table *)c->pVtab)->all;
	const struct new_event *e = &all->list[((struct cursor *)c)->at];
	switch ((enum column)column) {
	case ID:
		sqlite3_result_blob(out, e->id.b, sizeof(e->id.b), SQLITE_STATIC);
		break;
	case WORKSPACE:
		sqlite3_result_int64(out, e->workspace);
		break;
	case CONTACT:
		sqlite3_result_int64(out, e->contact);
		break;
	case PREV:
		sqlite3_result_int64(out, e->prev);
		break;
	case NTH:
		sqlite3_result_int64(out, e->nth);
		break;
	case DEFINITION:
		sqlite3_result_int64(out, e->definition);
		break;
	case DIALECT:
		sqlite3_result_int64(out, e->dialect);
		break;
	case OCCURRED_AT:
		sqlite3_result_int64(out, e->occurred_at);
		break;
	case RECEIVED_AT:
		sqlite3_result_int64(out, e->received_at);
		break;
	case PROPERTIES:
		put_text(out, e->properties);
		break;
	case MISMATCHES:
		if (e->mismatches.n)
			put_text(out, e->mismatches);
		break;
	case CAUSE:
		if (e->cause.n)
			put_text(out, e->cause);
		break;
	}
	return SQLITE_OK;
}

static const sqlite3_module module = {
	.iVersion = 1,
	.xConnect = on_connect,
	.xBestIndex = on_best_index,
	.xDisconnect = on_disconnect,
	.xOpen = on_open,
	.xClose = on_close,
	.xFilter = on_filter,
	.xNext = on_next,
	.xEof = on_eof,
	.xColumn = on_column,
	.xRowid = on_rowid,
};

int new_events_connect(struct new_events *all, sqlite3 *db)
{
	int rc = sqlite3_create_module(db, "new_event", &module, all);
	return rc == SQLITE_OK ? 0 : db_fail(db, rc, "the table of new events");
}
