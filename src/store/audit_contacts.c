/*
 * A contact's row says which identities are its; the table of identities is what finds it by them,
 * and so follows from the rows, but for the UUID of a contact that was given its own.
 */
#include "base/fail.h"
#include "base/json.h"
#include "model/contact.h"
#include "store/audit_private.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

/* A contact's row; views until the next step. */
struct row {
	int64_t no, workspace;
	struct uuid id;
	bool has_id;
	struct str identities, attributes;
};

static struct row read_row(sqlite3_stmt *st, int column)
{
	struct row row = { .no = db_i64(st, column), .workspace = db_i64(st, column + 1) };
	row.has_id = db_blob(st, column + 2, row.id.b, sizeof(row.id.b)) == 0;
	row.identities = db_text(st, column + 3);
	row.attributes = db_text(st, column + 4);
	return row;
}

/* NULL: it is none; *r says when that is for want of memory. */
static yyjson_val *parse(struct audit *a, struct str json, int *r)
{
	yyjson_val *root = NULL;
	arena_reset(&a->scratch);
	if (json_parse(&a->scratch, json, &root, NULL) != JSON_NO_MEMORY || a->scratch.full)
		return root;
	*r = fail(-ENOMEM, "a contact's row");
	return NULL;
}

/* One of a contact's list. .key.p NULL: it is none. */
static struct identity read_identity(struct audit *a, const struct row *row, yyjson_val *v)
{
	struct identity id = { .workspace = (uint32_t)row->workspace };
	if (identity_kind_parse(json_str(json_get(v, STR("kind"))), &id.kind))
		id.key = identity_key(&a->scratch, id.kind, json_str(json_get(v, STR("value"))));
	return id;
}

/* --- What finds a contact --- */

static bool shows(struct audit *a, const struct row *row, const struct identity *id, int *r)
{
	char text[UUID_TEXT + 1];
	size_t i, n;
	yyjson_val *v;
	if (id->kind == IDENTITY_UUID && row->has_id) {
		uuid_text(row->id, text);
		return str_eq(id->key, str_of(text));
	}
	yyjson_val *list = parse(a, row->identities, r);
	yyjson_arr_foreach (list, i, n, v) {
		struct identity own = read_identity(a, row, v);
		if (own.key.p && own.kind == id->kind && str_eq(own.key, id->key))
			return true;
	}
	return false;
}

static int take_away(sqlite3_stmt *drop, const struct identity *id)
{
	db_bind_i64(drop, 1, id->workspace);
	db_bind_i64(drop, 2, id->kind);
	db_bind_text(drop, 3, id->key);
	return db_run(drop);
}

static int judge_identity(struct audit *a, sqlite3_stmt *st, sqlite3_stmt *drop)
{
	struct identity id = { (uint32_t)db_i64(st, 0), (enum identity_kind)db_i64(st, 1),
			       db_text(st, 2) };
	struct row row = read_row(st, 4);
	const char *kind = identity_kind_name(id.kind) ?: "of no kind";
	int r = 0;
	bool sound = row.workspace == id.workspace && shows(a, &row, &id, &r);
	if (r < 0 || sound)
		return pass(r);
	if (a->mending)
		return take_away(drop, &id);
	audit_found(a, FINDING_IDENTITY,
		    "identity (%s) of workspace %u: it leads to contact %" PRId64 ", which %s",
		    kind, id.workspace, db_i64(st, 3),
		    row.no == 0                     ? "is not there"
		    : row.workspace != id.workspace ? "is not of the workspace"
						    : "does not have it");
	return 0;
}

int audit_identities(struct audit *a)
{
	CLEANUP(db_finalize) sqlite3_stmt *st = NULL, *drop = NULL;
	int r = db_prepare(a->db,
			   "SELECT i.workspace, i.kind, i.key, i.contact,"
			   " c.no, c.workspace, c.id, c.identities, c.attributes"
			   " FROM identity i LEFT JOIN contact c ON c.no = i.contact",
			   &st);
	r = r
		    ?: db_prepare(
			       a->db,
			       "DELETE FROM identity WHERE workspace = ? AND kind = ? AND key = ?",
			       &drop);
	while (r == 0 && (r = db_step(st)) == DB_ROW) {
		a->result->identities++;
		r = judge_identity(a, st, drop);
	}
	return r < 0 ? pass(r) : 0;
}

/* --- Contacts --- */

struct contact_look {
	struct audit *a;
	sqlite3_stmt *find, *add;
};

static int owner_of(struct contact_look *l, const struct identity *id, int64_t *contact)
{
	db_bind_i64(l->find, 1, id->workspace);
	db_bind_i64(l->find, 2, id->kind);
	db_bind_text(l->find, 3, id->key);
	int r = db_step(l->find);
	if (r < 0)
		return pass(r);
	*contact = r == DB_ROW ? db_i64(l->find, 0) : 0;
	db_reset(l->find);
	return 0;
}

/* The first owner keeps it, so only one that nobody owns is given. */
static int give(struct contact_look *l, const struct identity *id, int64_t contact)
{
	db_bind_i64(l->add, 1, id->workspace);
	db_bind_i64(l->add, 2, id->kind);
	db_bind_text(l->add, 3, id->key);
	db_bind_i64(l->add, 4, contact);
	return db_run(l->add);
}

static int judge_found_by(struct contact_look *l, const struct row *row, const struct identity *id)
{
	int64_t owner = 0;
	int r = owner_of(l, id, &owner);
	if (r < 0 || owner == row->no)
		return pass(r);
	if (l->a->mending)
		return owner ? 0 : give(l, id, row->no);
	if (owner)
		audit_found(l->a, FINDING_IDENTITY,
			    "contact %" PRId64 ": its identity (%s) leads to contact %" PRId64,
			    row->no, identity_kind_name(id->kind), owner);
	else
		audit_found(l->a, FINDING_IDENTITY,
			    "contact %" PRId64 ": its identity (%s) leads nowhere", row->no,
			    identity_kind_name(id->kind));
	return 0;
}

static int judge_list(struct contact_look *l, const struct row *row)
{
	size_t i, n;
	yyjson_val *v;
	int r = 0;
	yyjson_val *list = parse(l->a, row->identities, &r);
	if (r == 0 && !yyjson_is_arr(list))
		audit_found(l->a, FINDING_CONTACT,
			    "contact %" PRId64 ": the list of its identities is none", row->no);
	yyjson_arr_foreach (list, i, n, v) {
		struct identity id = read_identity(l->a, row, v);
		if (!id.key.p)
			audit_found(l->a, FINDING_CONTACT,
				    "contact %" PRId64 ": entry %zu of its identities is none",
				    row->no, i + 1);
		else
			r = r ?: judge_found_by(l, row, &id);
	}
	return pass(r);
}

/* One that occurd made names its row; one that was given is an identity. */
static int judge_id(struct contact_look *l, const struct row *row)
{
	char text[UUID_TEXT + 1];
	if (!row->has_id) {
		audit_found(l->a, FINDING_CONTACT, "contact %" PRId64 ": its id is none", row->no);
		return 0;
	}
	if (row->workspace == 0 || contact_uuid_number(row->id) == (uint64_t)row->no)
		return 0;
	uuid_text(row->id, text);
	struct identity id = { (uint32_t)row->workspace, IDENTITY_UUID, { text, UUID_TEXT } };
	return judge_found_by(l, row, &id);
}

static int judge_attributes(struct audit *a, const struct row *row)
{
	int r = 0;
	yyjson_val *root = parse(a, row->attributes, &r);
	yyjson_val *custom = json_get(root, STR("custom"));
	if (r == 0 && (!yyjson_is_obj(root) || (custom && !yyjson_is_obj(custom))))
		audit_found(a, FINDING_CONTACT, "contact %" PRId64 ": its attributes are none",
			    row->no);
	return pass(r);
}

static void judge_deleted(struct audit *a, const struct row *row)
{
	if (!str_eq(row->identities, STR("[]")) || !str_eq(row->attributes, STR("{}")))
		audit_found(a, FINDING_CONTACT, "contact %" PRId64 ": it is deleted and not empty",
			    row->no);
}

static int judge_contact(struct contact_look *l, const struct row *row)
{
	struct tally *t = audit_tally(l->a, row->no);
	if (!t || row->workspace < 0 || row->workspace >= UINT32_MAX) {
		audit_found(l->a, FINDING_CONTACT,
			    "contact %" PRId64 ": its number or workspace is none", row->no);
		return 0;
	}
	t->owner = (uint32_t)row->workspace + 1;
	if (row->workspace == 0)
		judge_deleted(l->a, row);
	int r = judge_id(l, row);
	r = r ?: judge_list(l, row);
	return pass(r ?: judge_attributes(l->a, row));
}

static int make_tallies(struct audit *a)
{
	int64_t max;
	int r = db_query_i64(a->db, "SELECT coalesce(max(no), 0) FROM contact", &max);
	if (r < 0)
		return pass(r);
	a->n_tallies = (uint64_t)MIN(MAX(max, 0), (int64_t)UINT32_MAX) + 1;
	a->tallies = calloc(a->n_tallies, sizeof(*a->tallies));
	return a->tallies ? 0 : fail(-ENOMEM, "a check of so many contacts");
}

int audit_contacts(struct audit *a)
{
	CLEANUP(db_finalize) sqlite3_stmt *st = NULL, *find = NULL, *add = NULL;
	int r = make_tallies(a);
	r = r
		    ?: db_prepare(a->db,
				  "SELECT no, workspace, id, identities, attributes FROM contact"
				  " ORDER BY no",
				  &st);
	r = r
		    ?: db_prepare(a->db,
				  "SELECT contact FROM identity WHERE workspace = ? AND kind = ?"
				  " AND key = ?",
				  &find);
	r = r ?: db_prepare(a->db, "INSERT INTO identity VALUES(?, ?, ?, ?)", &add);
	struct contact_look look = { a, find, add };
	while (r == 0 && (r = db_step(st)) == DB_ROW) {
		struct row row = read_row(st, 0);
		a->result->contacts++;
		r = judge_contact(&look, &row);
	}
	return r < 0 ? pass(r) : 0;
}
