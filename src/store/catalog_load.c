#include "base/fail.h"
#include "store/state.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

const struct catalog *catalog_so_far(const struct store *s)
{
	return s->edit ? catalog_edit_so_far(s->edit) : s->catalog;
}

const struct workspace *catalog_find_workspace(const struct store *s, uint32_t workspace)
{
	return catalog_workspace(catalog_so_far(s), workspace);
}

struct definition *catalog_find_definition(const struct store *s, uint32_t workspace,
					   struct str name)
{
	const struct workspace *w = catalog_find_workspace(s, workspace);
	return w ? workspace_definition(w, name) : NULL;
}

bool catalog_key_fits(const struct store *s, uint32_t workspace, const struct key *like)
{
	return catalog_has_room_for_key(catalog_so_far(s), workspace, like);
}

bool catalog_key_numbered(const struct store *s, uint32_t workspace)
{
	return catalog_has_number_for_key(catalog_so_far(s), workspace);
}

bool catalog_definition_fits(const struct store *s, uint32_t workspace,
			     const struct definition *like)
{
	const struct workspace *w = catalog_find_workspace(s, workspace);
	return w && catalog_has_room_for_definition(catalog_so_far(s), w, like);
}

int catalog_begin_edit(struct store *s)
{
	return s->edit ? 0 : catalog_edit_new(s->catalog, &s->edit);
}

int catalog_note_definition(struct store *s, uint32_t no, uint32_t workspace)
{
	if (no >= s->definition_room) {
		uint32_t room = MAX(1024, 2 * no);
		uint32_t *list = realloc(s->definition_workspace, room * sizeof(*list));
		if (!list)
			return fail(-ENOMEM, "definitions");
		memset(list + s->definition_room, 0, (room - s->definition_room) * sizeof(*list));
		s->definition_workspace = list;
		s->definition_room = room;
	}
	s->definition_workspace[no] = workspace;
	s->at.definition = MAX(s->at.definition, no);
	return 0;
}

void catalog_forget_edit(struct store *s)
{
	if (!s->edit)
		return;
	catalog_edit_drop(steal(&s->edit));
	/* What the edit took out is there again. */
	for (unsigned i = 0; i < s->catalog->n_workspaces; i++) {
		const struct workspace *w = s->catalog->workspaces[i];
		for (unsigned k = 0; k < w->room; k++)
			if (w->definitions[k])
				s->definition_workspace[w->definitions[k]->no] = w->no;
	}
}

static int compare_str(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* Memory that was refused is not the row's fault; but nothing that we wrote goes beyond the arena's
 * ceiling. */
static int wrong_or_no_memory(const struct arena *a, bool no_memory, const char *what)
{
	return no_memory && !a->full ? fail(-ENOMEM, "%s", what) : db_damaged(what);
}

static int parse(struct arena *a, struct str json, yyjson_val **root, const char *what)
{
	enum json_outcome o = json_parse(a, json, root, NULL);
	return o == JSON_OK ? 0 : wrong_or_no_memory(a, o == JSON_NO_MEMORY, what);
}

/* An array of strings, sorted. */
static int read_strings(struct arena *a, struct str json, const struct str **out, unsigned *n)
{
	yyjson_val *root, *v;
	size_t i, max;
	int r = parse(a, json, &root, "a list of names");
	if (r < 0)
		return pass(r);
	if (!yyjson_is_arr(root))
		return db_damaged("a list of names");
	struct str *list = arena_array(a, struct str, yyjson_arr_size(root) + 1);
	if (!list)
		return fail(-ENOMEM, "workspaces");
	yyjson_arr_foreach (root, i, max, v)
		list[i] = json_str(v);
	qsort(list, yyjson_arr_size(root), sizeof(*list), compare_str);
	*out = list;
	*n = (unsigned)yyjson_arr_size(root);
	return 0;
}

static int parse_object(struct arena *a, struct str json, yyjson_val **root, const char *what)
{
	int r = parse(a, json, root, what);
	return r < 0 || yyjson_is_obj(*root) ? pass(r) : db_damaged(what);
}

static int read_switches(struct arena *a, struct str json, struct workspace *w)
{
	yyjson_val *root, *name, *v;
	size_t i, max;
	int r = parse_object(a, json, &root, "switches of a workspace");
	if (r < 0)
		return pass(r);
	size_t n = yyjson_obj_size(root);
	struct switch_setting *list = arena_array(a, struct switch_setting, n + 1);
	if (!list)
		return fail(-ENOMEM, "workspaces");
	json_foreach_member (root, i, max, name, v) {
		if (!yyjson_is_str(v))
			return db_damaged("switches of a workspace");
		list[i] = (struct switch_setting){ json_str(name), json_str(v) };
	}
	switch_settings_sort(list, (unsigned)n);
	w->switches = list;
	w->n_switches = (unsigned)n;
	return 0;
}

/* A row number that fits our types; 0 when it does not. */
static uint32_t row_no(sqlite3_stmt *st, int column)
{
	int64_t v = db_i64(st, column);
	return v > 0 && v <= UINT32_MAX ? (uint32_t)v : 0;
}

static int load_workspace(struct store *s, sqlite3_stmt *st)
{
	struct workspace w = { .no = row_no(st, 0) };
	int r = db_blob(st, 1, w.id.b, sizeof(w.id.b));
	w.name = db_text(st, 2);
	w.requests_per_second = db_i64(st, 3);
	r = r ?: read_switches(&s->scratch, db_text(st, 4), &w);
	w.created_at = db_i64(st, 5);
	w.updated_at = db_i64(st, 6);
	if (r == 0 && w.no == 0)
		r = db_damaged("number of a workspace");
	return pass(r ?: catalog_edit_workspace(s->edit, &w));
}

static int read_contact_field(sqlite3_stmt *st, struct contact_field *f)
{
	struct str type = db_text(st, 4);
	*f = (struct contact_field){
		.no = row_no(st, 0),
		.name = db_text(st, 3),
		.typed = type.n > 0,
		.title = db_text(st, 5),
		.description = db_text(st, 6),
		.fallback = db_text(st, 7),
		.created_at = db_i64(st, 8),
		.updated_at = db_i64(st, 9),
	};
	bool good =
		!f->typed || (field_type_parse(type, &f->type) && contact_field_type_fits(f->type));
	if (!good || f->no == 0 || f->name.n == 0 || f->name.n > FIELD_NAME_MAX)
		return db_damaged("number, name or type of a contact field");
	return db_blob(st, 2, f->id.b, sizeof(f->id.b));
}

static int load_contact_field(struct store *s, sqlite3_stmt *st)
{
	struct contact_field f;
	uint32_t workspace = row_no(st, 1);
	int r = read_contact_field(st, &f);
	if (r == 0 && !catalog_find_workspace(s, workspace))
		r = db_damaged("workspace of a contact field");
	return pass(r ?: catalog_edit_contact_field(s->edit, workspace, &f));
}

static int check_object(struct store *s, struct str json, const char *what)
{
	yyjson_val *root;
	return pass(parse_object(&s->scratch, json, &root, what));
}

static int read_document(struct store *s, sqlite3_stmt *st, struct document *d)
{
	int64_t kind = db_i64(st, 2);
	*d = (struct document){
		.no = row_no(st, 0),
		.kind = (enum document_kind)kind,
		.name = db_text(st, 3),
		.body = db_text(st, 4),
		.created_at = db_i64(st, 5),
		.updated_at = db_i64(st, 6),
	};
	bool good = d->no && kind >= DOCUMENT_DESTINATION && kind <= DOCUMENT_KINDS && d->name.n &&
		    str_code_points(d->name) <= DOCUMENT_NAME_MAX && d->body.n &&
		    d->body.n <= DOCUMENT_STORED_MAX;
	if (!good)
		return db_damaged("number, kind, name or size of a document");
	return check_object(s, d->body, "declaration of a document");
}

static int load_document(struct store *s, sqlite3_stmt *st)
{
	struct document d;
	uint32_t workspace = row_no(st, 1);
	int r = read_document(s, st, &d);
	if (r == 0 && !catalog_find_workspace(s, workspace))
		r = db_damaged("workspace of a document");
	return pass(r ?: catalog_edit_document(s->edit, workspace, &d));
}

/* Words with blanks between. */
int scopes_read(struct str words, unsigned *out)
{
	*out = 0;
	while (words.n > 0) {
		unsigned one;
		struct str word = str_head(words, str_find(words, ' '));
		if (!scope_parse(word, &one))
			return db_damaged("scopes of a key or token");
		*out |= one;
		words = str_from(words, MIN(word.n + 1, words.n));
	}
	return 0;
}

/* A client's redirects, or a key's origins. None, not even an empty list: it is no publishable one. What
 * was revoked is good nowhere, and so takes no room for them. */
static int read_list(struct store *s, struct str json, struct key *k)
{
	if (k->revoked)
		return 0;
	if (k->client)
		return pass(read_strings(&s->scratch, json, &k->redirects, &k->n_redirects));
	k->publishable = json.n > 0;
	if (!k->publishable)
		return 0;
	return pass(read_strings(&s->scratch, json, &k->origins, &k->n_origins));
}

static int load_key(struct store *s, sqlite3_stmt *st)
{
	struct key k = { .no = row_no(st, 0),
			 .name = db_text(st, 3),
			 .revoked = db_i64(st, 5),
			 .client = db_i64(st, 6) };
	uint32_t workspace = row_no(st, 1);
	int r = db_blob(st, 2, k.digest.b, sizeof(k.digest.b));
	if (k.client)
		k.digest = catalog_client_digest(k.name, &k.digest);
	r = r ?: scopes_read(db_text(st, 4), &k.scopes);
	r = r ?: read_list(s, db_text(st, 7), &k);
	if (r == 0 && (k.no == 0 || k.no > KEY_NO_MAX || !catalog_find_workspace(s, workspace)))
		r = db_damaged("number or workspace of a key");
	return pass(r ?: catalog_edit_key(s->edit, workspace, &k));
}

static int read_fields(struct store *s, struct str json, struct definition *d)
{
	static const char what[] = "fields of a definition";
	struct problems problems = { 0 };
	struct arena *a = &s->scratch;
	yyjson_val *root;
	int r = parse(a, json, &root, what);
	if (r < 0 || fields_from_json(a, root, &problems, &d->fields, &d->n_fields))
		return pass(r);
	return wrong_or_no_memory(a, problems.found == 0, what);
}

static int read_definition(struct store *s, sqlite3_stmt *st, struct definition *d)
{
	*d = (struct definition){
		.no = row_no(st, 0),
		.name = db_text(st, 3),
		.title = db_text(st, 4),
		.description = db_text(st, 5),
		.annotations = db_text(st, 6),
		.inferred = db_i64(st, 7),
		.created_at = db_i64(st, 10),
		.updated_at = db_i64(st, 11),
	};
	int r = db_blob(st, 2, d->id.b, sizeof(d->id.b));
	r = r ?: check_object(s, d->annotations, "annotations of a definition");
	return pass(r ?: read_fields(s, db_text(st, 9), d));
}

static int define(struct store *s, uint32_t workspace, const struct definition *like)
{
	CLEANUP(definition_unref) struct definition *d = definition_new(like);
	if (!d)
		return fail(-ENOMEM, "definitions");
	int r = catalog_edit_define(s->edit, workspace, d);
	return pass(r ?: catalog_note_definition(s, like->no, workspace));
}

/* Of a deleted one only the number counts, and what is in its row need not be read. */
static int load_definition(struct store *s, sqlite3_stmt *st)
{
	struct definition like = { .no = row_no(st, 0) };
	uint32_t workspace = row_no(st, 1);
	if (like.no == 0 || like.no > INT32_MAX || !catalog_find_workspace(s, workspace))
		return db_damaged("number or workspace of a definition");
	if (db_i64(st, 8))
		return catalog_note_definition(s, like.no, 0);
	int r = read_definition(s, st, &like);
	return pass(r ?: define(s, workspace, &like));
}

static const struct table {
	const char *row; /* what one is called */
	enum start_statement rows;
	int (*load)(struct store *s, sqlite3_stmt *st);
} tables[] = {
	{ "workspace", START_WORKSPACES, load_workspace },
	{ "contact field", START_CONTACT_FIELDS, load_contact_field },
	{ "document", START_DOCUMENTS, load_document },
	{ "key or client", START_KEYS, load_key },
	{ "definition", START_DEFINITIONS, load_definition },
};

/* The row is told, and those of others that name its number are not, because of it. */
static int tell_damage(struct store *s, const struct damage_told *told, const struct table *t,
		       sqlite3_stmt *st)
{
	char row[60];
	snprintf(row, sizeof(row), "%s %" PRId64, t->row, db_i64(st, 0));
	told->tell(told->arg, row);
	const struct workspace bare = { .no = row_no(st, 0), .name = STR("") };
	if (t->rows != START_WORKSPACES || bare.no == 0)
		return 0;
	return pass(catalog_edit_workspace(s->edit, &bare));
}

/* Loading reads nothing but the row, so what it says is wrong is wrong with that. */
static int load_rows(struct store *s, const struct table *t, const struct damage_told *told)
{
	CLEANUP(db_finalize) sqlite3_stmt *st = NULL;
	int r = db_prepare(s->db, start_sql[t->rows], &st);
	while (r == 0 && (r = db_step(st)) == DB_ROW) {
		arena_reset(&s->scratch);
		r = t->load(s, st);
		if (r == -EIO && told)
			r = tell_damage(s, told, t, st);
	}
	return r < 0 ? pass(r) : 0;
}

static int load_tables(struct store *s, const struct damage_told *told)
{
	catalog_edit_drop(steal(&s->edit));
	int r = catalog_edit_new(NULL, &s->edit);
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(tables); i++)
		r = load_rows(s, &tables[i], told);
	return pass(r);
}

int catalog_examine(struct store *s, const struct damage_told *told)
{
	int r = load_tables(s, told);
	catalog_edit_drop(steal(&s->edit));
	return pass(r);
}

int catalog_load(struct store *s)
{
	int r = load_tables(s, NULL);
	if (r < 0) {
		catalog_edit_drop(steal(&s->edit));
		return pass(r);
	}
	catalog_publish(&s->cell, catalog_edit_done(steal(&s->edit)));
	catalog_refresh(&s->cell, &s->catalog);
	return 0;
}
