#include "base/fail.h"
#include "base/log.h"
#include "store/state.h"

#include <errno.h>

static int no_memory(void)
{
	return fail(-ENOMEM, "provisioning");
}

/* A statement of one use; the caller binds it. */
static int prepare(struct store *s, enum start_statement which, sqlite3_stmt **st)
{
	return db_prepare(s->db, start_sql[which], st);
}

/* Keys and OAuth clients have nearly the same columns and one space of numbers; each has its natural
 * key. */
struct key_table {
	enum start_statement find, put;
	bool clients;
};

/* What was found of a key. */
struct found_key {
	bool elsewhere; /* in another workspace; the rest is not known */
	bool same;      /* there is nothing to change */
	bool revoked;
	struct sha256 digest; /* the secret's, as it is stored */
};

/* Columns of a key that are words or lists. */
struct key_texts {
	struct str scopes;
	struct str list; /* a client's redirects; a key's origins, "": it is not publishable */
};

static const struct key_table access_keys = { START_KEY_FIND, START_KEY_PUT, false };
static const struct key_table oauth_clients = { START_CLIENT_FIND, START_CLIENT_PUT, true };

static int find_key(struct store *s, const struct key_table *t, uint32_t workspace, struct key *k,
		    const struct key_texts *texts, struct found_key *found)
{
	CLEANUP(db_finalize) sqlite3_stmt *st = NULL;
	int r = prepare(s, t->find, &st);
	if (r < 0)
		return pass(r);
	if (sqlite3_bind_parameter_count(st) == 1)
		db_bind_text(st, 1, k->name);
	else
		db_bind_blob(st, 2, k->digest.b, sizeof(k->digest.b));
	r = db_step(st);
	if (r != DB_ROW)
		return r < 0 ? pass(r) : 0;
	found->elsewhere = db_i64(st, 1) != workspace;
	if (found->elsewhere)
		return 0;
	k->no = (uint32_t)db_i64(st, 0);
	r = db_blob(st, 5, found->digest.b, sizeof(found->digest.b));
	found->revoked = db_i64(st, 4);
	found->same = r == 0 && str_eq(db_text(st, 2), k->name) &&
		      str_eq(db_text(st, 3), texts->scopes) && found->revoked == k->revoked &&
		      sha256_eq(&found->digest, &k->digest) && str_eq(db_text(st, 6), texts->list);
	return pass(r);
}

/* A new one gets its number. */
static int make_room(struct store *s, uint32_t workspace, const struct provision *all,
		     const struct provision_key *p, struct key *k)
{
	int64_t no = k->no;
	int r = no ? 0 : db_query_i64(s->db, statement_sql[ST_KEY_NEXT], &no);
	if (r < 0)
		return pass(r);
	if (no > KEY_NO_MAX)
		return provision_refuse(all, p->place,
					": there would be more than %d keys and OAuth clients, "
					"with those that were revoked",
					KEY_NO_MAX);
	k->no = (uint32_t)no;
	if (!catalog_key_fits(s, workspace, k))
		return provision_refuse(all, p->place,
					": the names and lists of so many keys are too large");
	return 0;
}

static int put_key(struct store *s, const struct key_table *t, uint32_t workspace,
		   const struct key *k, const struct key_texts *texts)
{
	CLEANUP(db_finalize) sqlite3_stmt *st = NULL;
	int r = prepare(s, t->put, &st);
	if (r < 0)
		return pass(r);
	db_bind_i64(st, 1, k->no);
	db_bind_i64(st, 2, workspace);
	db_bind_blob(st, 3, k->digest.b, sizeof(k->digest.b));
	db_bind_text(st, 4, k->name);
	db_bind_text(st, 5, texts->scopes);
	db_bind_i64(st, 6, k->revoked);
	db_bind_i64(st, 7, s->at.received_at);
	db_bind_text(st, 8, texts->list);
	return db_run(st);
}

static int put_texts(struct store *s, const struct key_table *t, const struct provision_key *p,
		     struct key_texts *out)
{
	struct buf scopes = buf_in(&s->scratch), list = buf_in(&s->scratch);
	scopes_put(&scopes, p->scopes);
	if (t->clients)
		buf_json_strs(&list, p->redirects, p->n_redirects);
	else if (p->publishable)
		buf_json_strs(&list, p->origins, p->n_origins);
	if (scopes.failed || list.failed)
		return no_memory();
	*out = (struct key_texts){ buf_str(&scopes), buf_str(&list) };
	return 0;
}

/*
 * Tokens end with the secret they were made for, and no client will ask for their end any more. A
 * key that was revoked while the server ran has its tokens still, for as many there may be: they let
 * nobody in, and when the key is brought back they are not.
 */
static int end_tokens(struct store *s, const struct key *k, const struct found_key *was)
{
	struct sha256 issuer =
		k->client ? catalog_client_digest(k->name, &was->digest) : was->digest;
	if (!k->revoked && !was->revoked && sha256_eq(&k->digest, &was->digest))
		return 0;
	return pass(token_rows_end(s, &issuer));
}

static int provision_key(struct store *s, const struct key_table *t, uint32_t workspace,
			 const struct provision *all, const struct provision_key *p)
{
	struct key k = {
		.client = t->clients,
		.digest = p->digest,
		.name = p->name,
		.scopes = p->scopes,
		.revoked = p->revoked,
		.publishable = p->publishable,
		.origins = p->origins,
		.n_origins = p->n_origins,
		.redirects = p->redirects,
		.n_redirects = p->n_redirects,
	};
	struct key_texts texts;
	struct found_key found = { .digest = p->digest };
	int r = put_texts(s, t, p, &texts);
	r = r ?: find_key(s, t, workspace, &k, &texts, &found);
	if (r < 0 || found.same)
		return pass(r);
	if (found.elsewhere)
		return provision_refuse(all, p->place, ".%s: belongs to another workspace already",
					t->clients ? "id" : "secret");
	r = make_room(s, workspace, all, p, &k);
	if (r != 0)
		return r;
	if (found.revoked && !k.revoked)
		log_warning("brought_back", LOG_S("what", t->clients ? "client" : "key"),
			    LOG_I("number", k.no));
	r = put_key(s, t, workspace, &k, &texts);
	r = r ?: end_tokens(s, &k, &found);
	r = r ?: catalog_begin_edit(s);
	if (t->clients)
		k.digest = catalog_client_digest(k.name, &k.digest);
	return pass(r ?: catalog_edit_key(s->edit, workspace, &k));
}

static bool same_definition(struct store *s, const struct definition *a, const struct definition *b)
{
	struct buf x = buf_in(&s->scratch), y = buf_in(&s->scratch);
	fields_put_json(&x, a->fields, a->n_fields);
	fields_put_json(&y, b->fields, b->n_fields);
	return !x.failed && !y.failed && str_eq(buf_str(&x), buf_str(&y)) &&
	       str_eq(a->description, b->description) && a->inferred == b->inferred;
}

/* An inferred definition keeps what events have taught it beyond what is declared. STORE_FULL: with
 * that it would have too many fields. */
static int keep_learned(struct store *s, const struct definition *old, struct definition *next)
{
	unsigned n = next->n_fields;
	struct field *fields = arena_array(&s->scratch, struct field, n + old->n_fields + 1);
	if (!fields)
		return no_memory();
	for (unsigned i = 0; i < n; i++)
		fields[i] = next->fields[i];
	for (unsigned i = 0; i < old->n_fields; i++)
		if (!field_find(next->fields, next->n_fields, old->fields[i].name))
			fields[n++] = old->fields[i];
	if (n > DEFINITION_FIELDS_MAX)
		return STORE_FULL;
	next->fields = fields;
	next->n_fields = n;
	return 0;
}

static int want_definition(struct store *s, const struct definition *old,
			   const struct provision_definition *p, struct definition *next)
{
	*next = (struct definition){
		.no = old ? old->no : s->at.definition + 1,
		.id = old ? old->id : definition_id(s),
		.name = p->name,
		.title = old ? old->title : STR(""),
		.description = p->description,
		.annotations = old ? old->annotations : STR("{}"),
		.inferred = p->inferred,
		.created_at = old ? old->created_at : s->at.received_at,
		.updated_at = s->at.received_at,
		.fields = p->fields,
		.n_fields = p->n_fields,
	};
	return old && old->inferred && p->inferred ? keep_learned(s, old, next) : 0;
}

/* It was deleted while the server ran; the file says that it shall be. */
static int note_brought_back(struct store *s, uint32_t workspace, struct str name)
{
	CLEANUP(db_finalize) sqlite3_stmt *st = NULL;
	int r = prepare(s, START_DEFINITION_DELETED, &st);
	if (r < 0)
		return pass(r);
	db_bind_i64(st, 1, workspace);
	db_bind_text(st, 2, name);
	r = db_step(st);
	if (r == DB_ROW)
		log_warning("brought_back", LOG_S("what", "definition"), LOG_STR("name", name));
	return r < 0 ? pass(r) : 0;
}

static int provision_definition(struct store *s, uint32_t workspace, const struct provision *all,
				const struct provision_definition *p)
{
	const struct definition *old = catalog_find_definition(s, workspace, p->name);
	struct definition like;
	int r = want_definition(s, old, p, &like);
	if (r == STORE_FULL)
		return provision_refuse(all, p->place,
					": would have more than %d fields, with those that events "
					"have taught it",
					DEFINITION_FIELDS_MAX);
	if (r < 0 || (old && same_definition(s, old, &like)))
		return pass(r);
	if (!old &&
	    catalog_find_workspace(s, workspace)->n_definitions >= WORKSPACE_DEFINITIONS_MAX)
		return provision_refuse(all, p->place,
					": a workspace would have more than %d definitions",
					WORKSPACE_DEFINITIONS_MAX);
	r = old ? 0 : note_brought_back(s, workspace, p->name);
	if (r < 0)
		return pass(r);
	struct definition_plan plan = { .no = old ? old->no : 0, .next = definition_new(&like) };
	if (!plan.next)
		return no_memory();
	r = catalog_definition_fits(s, workspace, plan.next)
		    ? definition_write(s, workspace, &plan)
		    : provision_refuse(
			      all, p->place,
			      ": the definitions of a workspace, or of all, are too large");
	definition_plan_fini(&plan);
	return r;
}

static int provision_workspace(struct store *s, const struct provision *all,
			       const struct provision_workspace *p)
{
	uint32_t no;
	int r = provision_workspace_row(s, all, p, &no);
	for (unsigned i = 0; r == 0 && i < p->n_contact_fields; i++)
		r = provision_contact_field(s, no, all, &p->contact_fields[i]);
	for (unsigned i = 0; r == 0 && i < p->n_keys; i++)
		r = provision_key(s, &access_keys, no, all, &p->keys[i]);
	r = r ?: provision_rotate(s, no, p);
	for (unsigned i = 0; r == 0 && i < p->n_oauth_clients; i++)
		r = provision_key(s, &oauth_clients, no, all, &p->oauth_clients[i]);
	for (unsigned i = 0; r == 0 && i < p->n_definitions; i++) {
		arena_reset(&s->scratch);
		r = provision_definition(s, no, all, &p->definitions[i]);
	}
	for (unsigned i = 0; r == 0 && i < p->n_documents; i++) {
		arena_reset(&s->scratch);
		r = provision_document(s, no, all, &p->documents[i]);
	}
	for (unsigned i = 0; r == 0 && i < p->n_documents; i++)
		r = provision_document_uses(s, no, all, &p->documents[i]);
	for (unsigned i = 0; r == 0 && i < p->n_contacts; i++) {
		arena_reset(&s->scratch);
		r = provision_contact(s, no, all, &p->contacts[i]);
	}
	return r;
}

int store_provision(struct store *s, const struct provision *p)
{
	/* A start is not the time to insist on the disk's reserve: this is little, or nothing. */
	int r = batch_begin(s);
	for (unsigned i = 0; r == 0 && i < p->n_workspaces; i++) {
		arena_reset(&s->scratch);
		r = provision_workspace(s, p, &p->workspaces[i]);
	}
	r = r ?: store_commit(s);
	if (r != 0)
		store_abandon(s);
	return r < 0 ? pass(r) : r;
}
