#include "model/catalog_parts.h"

#include <stdlib.h>

static const struct {
	enum scope scope;
	const char *name;
} scopes[] = {
	{ SCOPE_EVENTS_WRITE, "events.write" },
	{ SCOPE_CONTACTS_READ, "contacts.read" },
	{ SCOPE_CONTACTS_WRITE, "contacts.write" },
	{ SCOPE_DEFINITIONS_READ, "definitions.read" },
	{ SCOPE_DEFINITIONS_WRITE, "definitions.write" },
	{ SCOPE_ADMIN, "admin" },
	{ SCOPE_OPERATOR, "operator" },
};

bool scope_parse(struct str name, unsigned *out)
{
	for (size_t i = 0; i < ARRAY_LEN(scopes); i++) {
		if (!str_eq(str_of(scopes[i].name), name))
			continue;
		*out = scopes[i].scope;
		return true;
	}
	return false;
}

void scopes_put(struct buf *b, unsigned set)
{
	const char *blank = "";
	for (size_t i = 0; i < ARRAY_LEN(scopes); i++) {
		if (!(set & scopes[i].scope))
			continue;
		buf_put(b, str_of(blank));
		buf_put(b, str_of(scopes[i].name));
		blank = " ";
	}
}

struct catalog *catalog_ref(struct catalog *c)
{
	unsigned before = atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
	must(before > 0);
	return c;
}

bool catalog_was_last(atomic_uint *refs)
{
	unsigned before = atomic_fetch_sub_explicit(refs, 1, memory_order_acq_rel);
	must(before > 0);
	return before == 1;
}

void workspace_unref(struct workspace *w)
{
	if (!w || !catalog_was_last(&w->refs))
		return;
	for (unsigned i = 0; i < w->room; i++)
		definition_unref(w->definitions[i]);
	free(w->definitions);
	contact_fields_unref(w->contact_fields);
	workspace_documents_fini(w);
	arena_fini(&w->arena);
	free(w);
}

void catalog_unref(struct catalog *c)
{
	if (!c || !catalog_was_last(&c->refs))
		return;
	for (unsigned i = 0; i < c->n_workspaces; i++)
		workspace_unref(c->workspaces[i]);
	free(c->workspaces);
	catalog_keys_fini(c);
	catalog_origins_unref(c->origins);
	free(c->clients);
	free(c);
}

/* A digest is as good as a hash; compared in constant time all the same, as all that stands for a
 * secret. */
struct key *catalog_key_slot(struct key *keys, unsigned room, const struct sha256 *digest)
{
	uint64_t hash;
	memcpy(&hash, digest->b, sizeof(hash));
	for (size_t i = hash;; i++) {
		struct key *k = &keys[i & (room - 1)];
		if (k->no == 0 || sha256_eq(&k->digest, digest))
			return k;
	}
}

const struct key *catalog_issuer(const struct catalog *c, const struct sha256 *digest)
{
	if (c->keys_room == 0)
		return NULL;
	const struct key *k = catalog_key_slot(c->keys, c->keys_room, digest);
	return k->no != 0 && !k->revoked ? k : NULL;
}

const struct key *catalog_key(const struct catalog *c, const struct sha256 *digest)
{
	const struct key *k = catalog_issuer(c, digest);
	return k && !k->client ? k : NULL;
}

const struct key *catalog_named_key(const struct catalog *c, struct str name,
				    const struct sha256 *digest)
{
	const struct key *k = catalog_key(c, digest);
	return k && str_eq(k->name, name) ? k : NULL;
}

/* Of name and secret together, since two clients may have the same secret. Both are digests here,
 * so that no other pair gives the same bytes. */
struct sha256 catalog_client_digest(struct str name, const struct sha256 *secret)
{
	struct sha256 pair[2] = { sha256_of(name), *secret };
	return sha256_of((struct str){ (const char *)pair, sizeof(pair) });
}

const struct key *catalog_client(const struct catalog *c, struct str name,
				 const struct sha256 *secret)
{
	struct sha256 digest = catalog_client_digest(name, secret);
	const struct key *k = catalog_issuer(c, &digest);
	return k && k->client ? k : NULL;
}

unsigned catalog_workspace_at(const struct catalog *c, uint32_t no)
{
	unsigned low = 0, high = c->n_workspaces;
	while (low < high) {
		unsigned mid = low + (high - low) / 2;
		if (c->workspaces[mid]->no < no)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

const struct workspace *catalog_workspace(const struct catalog *c, uint32_t no)
{
	unsigned i = catalog_workspace_at(c, no);
	return i < c->n_workspaces && c->workspaces[i]->no == no ? c->workspaces[i] : NULL;
}

const struct workspace *catalog_workspace_by_id(const struct catalog *c, struct uuid id)
{
	for (unsigned i = 0; i < c->n_workspaces; i++)
		if (uuid_eq(c->workspaces[i]->id, id))
			return c->workspaces[i];
	return NULL;
}

struct definition **workspace_slot(struct definition **table, unsigned room, struct str name)
{
	for (size_t i = hash64(name);; i++) {
		struct definition **d = &table[i & (room - 1)];
		if (!*d || str_eq((*d)->name, name))
			return d;
	}
}

bool catalog_has_room_for_definition(const struct catalog *c, const struct workspace *w,
				     const struct definition *like)
{
	const struct definition *old = workspace_definition(w, like->name);
	size_t before = old ? old->bytes : 0;
	size_t own = w->definitions_bytes - before + like->bytes;
	size_t all = c->definitions_bytes - before + like->bytes;
	return like->bytes <= before ||
	       (own <= WORKSPACE_DEFINITIONS_BYTES_MAX && own + all <= DEFINITIONS_BYTES_MAX);
}

struct definition *workspace_definition(const struct workspace *w, struct str name)
{
	return w->room ? *workspace_slot(w->definitions, w->room, name) : NULL;
}

struct definition *workspace_definition_by_no(const struct workspace *w, uint32_t no)
{
	for (unsigned i = 0; i < w->room; i++)
		if (w->definitions[i] && w->definitions[i]->no == no)
			return w->definitions[i];
	return NULL;
}

const struct contact_field *workspace_contact_field(const struct workspace *w, struct str name)
{
	return contact_field_find(w->contact_fields, name);
}

static int compare_names(const void *a, const void *b)
{
	return str_cmp(((const struct switch_setting *)a)->name,
		       ((const struct switch_setting *)b)->name);
}

void switch_settings_sort(struct switch_setting *list, unsigned n)
{
	qsort(list, n, sizeof(*list), compare_names);
}

struct str workspace_switch(const struct workspace *w, struct str name)
{
	for (unsigned i = 0; i < w->n_switches; i++)
		if (str_eq(w->switches[i].name, name))
			return w->switches[i].value;
	return (struct str){ 0 };
}

void catalog_cell_init(struct catalog_cell *cell)
{
	must(pthread_mutex_init(&cell->lock, NULL) == 0);
	cell->current = NULL;
	atomic_init(&cell->version, 0);
}

void catalog_cell_fini(struct catalog_cell *cell)
{
	catalog_unref(cell->current);
	cell->current = NULL;
	must(pthread_mutex_destroy(&cell->lock) == 0);
}

void catalog_publish(struct catalog_cell *cell, struct catalog *next)
{
	must(pthread_mutex_lock(&cell->lock) == 0);
	struct catalog *old = cell->current;
	next->version = atomic_load_explicit(&cell->version, memory_order_relaxed) + 1;
	cell->current = next;
	atomic_store_explicit(&cell->version, next->version, memory_order_release);
	must(pthread_mutex_unlock(&cell->lock) == 0);
	catalog_unref(old);
}

void catalog_refresh(struct catalog_cell *cell, struct catalog **mine)
{
	uint64_t version = atomic_load_explicit(&cell->version, memory_order_acquire);
	if (version == (*mine ? (*mine)->version : 0))
		return;
	must(pthread_mutex_lock(&cell->lock) == 0);
	struct catalog *current = catalog_ref(cell->current);
	must(pthread_mutex_unlock(&cell->lock) == 0);
	catalog_unref(*mine);
	*mine = current;
}
