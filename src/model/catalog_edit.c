#include "base/fail.h"
#include "model/catalog_parts.h"

#include <errno.h>
#include <stdlib.h>

/* Bytes of a workspace's own strings, its name and its switches: what there are of them is bounded
 * before it comes here, and takes a thousandth of it. */
enum { STRINGS_MAX = 64 * 1024 * 1024 };

static bool copy_str(struct arena *a, struct str *s)
{
	*s = arena_str(a, *s);
	return s->p != NULL;
}

static int share_workspaces(struct catalog *to, const struct catalog *from)
{
	if (from->n_workspaces == 0)
		return 0;
	to->workspaces = malloc(from->n_workspaces * sizeof(struct workspace *));
	if (!to->workspaces)
		return fail(-ENOMEM, "catalog");
	for (unsigned i = 0; i < from->n_workspaces; i++) {
		to->workspaces[i] = from->workspaces[i];
		atomic_fetch_add_explicit(&to->workspaces[i]->refs, 1, memory_order_relaxed);
	}
	to->n_workspaces = from->n_workspaces;
	to->definitions_bytes = from->definitions_bytes;
	return 0;
}

static int begin_edit(struct catalog_edit *e, struct catalog *from)
{
	e->next = calloc(1, sizeof(*e->next));
	if (!e->next)
		return fail(-ENOMEM, "catalog");
	atomic_init(&e->next->refs, 1);
	if (!from)
		return 0;
	e->from = catalog_ref(from);
	for (unsigned i = 0; i < from->keys_room; i++)
		e->last_key_no = MAX(e->last_key_no, from->keys[i].no);
	return catalog_keys_share(e->next, from) ?: share_workspaces(e->next, from);
}

int catalog_edit_new(struct catalog *from, struct catalog_edit **out)
{
	struct catalog_edit *e = calloc(1, sizeof(*e));
	if (!e)
		return fail(-ENOMEM, "catalog");
	int r = begin_edit(e, from);
	if (r < 0) {
		catalog_edit_drop(e);
		return pass(r);
	}
	*out = e;
	return 0;
}

void catalog_edit_drop(struct catalog_edit *e)
{
	if (!e)
		return;
	catalog_unref(e->next);
	catalog_unref(e->from);
	free(e->origins);
	free(e);
}

static bool copy_switches(struct workspace *w)
{
	const struct switch_setting *from = w->switches;
	w->switches = NULL;
	if (w->n_switches == 0)
		return true;
	struct switch_setting *list = arena_array(&w->arena, struct switch_setting, w->n_switches);
	if (!list)
		return false;
	for (unsigned i = 0; i < w->n_switches; i++) {
		list[i] = from[i];
		if (!copy_str(&w->arena, &list[i].name) || !copy_str(&w->arena, &list[i].value))
			return false;
	}
	w->switches = list;
	return true;
}

/* The definitions of `old`, but one (or NULL), in a table of `room` slots. */
static bool copy_table(struct workspace *w, const struct workspace *old, unsigned room,
		       const struct definition *but)
{
	if (room == 0)
		return true;
	w->definitions = calloc(room, sizeof(struct definition *));
	if (!w->definitions)
		return false;
	w->room = room;
	for (unsigned i = 0; i < old->room; i++) {
		struct definition *d = old->definitions[i];
		if (!d || d == but)
			continue;
		*workspace_slot(w->definitions, room, d->name) = definition_ref(d);
		w->n_definitions++;
		w->definitions_bytes += d->bytes;
	}
	return true;
}

/* All of `like` but its definitions, contact fields and documents, which come from `old`. NULL: out
 * of memory. */
static struct workspace *copy_workspace(const struct workspace *like, const struct workspace *old)
{
	struct workspace *w = calloc(1, sizeof(*w));
	if (!w)
		return NULL;
	*w = (struct workspace){ .no = like->no,
				 .id = like->id,
				 .name = like->name,
				 .contact_fields =
					 contact_fields_ref(old ? old->contact_fields : NULL),
				 .requests_per_second = like->requests_per_second,
				 .switches = like->switches,
				 .n_switches = like->n_switches,
				 .created_at = like->created_at,
				 .updated_at = like->updated_at };
	atomic_init(&w->refs, 1);
	arena_init(&w->arena, STRINGS_MAX, NULL);
	if (copy_str(&w->arena, &w->name) && copy_switches(w) &&
	    (!old || (copy_table(w, old, old->room, NULL) && workspace_documents_share(w, old))))
		return w;
	workspace_unref(w);
	return NULL;
}

static int insert_workspace(struct catalog *c, unsigned at, struct workspace *w)
{
	size_t n = c->n_workspaces + 1;
	struct workspace **list = realloc(c->workspaces, n * sizeof(struct workspace *));
	if (!list)
		return fail(-ENOMEM, "catalog");
	memmove(list + at + 1, list + at, (c->n_workspaces - at) * sizeof(struct workspace *));
	list[at] = w;
	c->workspaces = list;
	c->n_workspaces++;
	return 0;
}

static void replace_workspace(struct catalog *c, unsigned at, struct workspace *w)
{
	struct workspace *old = c->workspaces[at];
	for (unsigned i = 0; i < c->keys_room; i++)
		if (c->keys[i].no && c->keys[i].workspace == old)
			c->keys[i].workspace = w;
	c->workspaces[at] = w;
	workspace_unref(old);
}

int catalog_edit_workspace(struct catalog_edit *e, const struct workspace *like)
{
	const struct workspace *old = catalog_workspace(e->next, like->no);
	struct workspace *w = copy_workspace(like, old);
	unsigned at = catalog_workspace_at(e->next, like->no);
	if (!w)
		return fail(-ENOMEM, "catalog");
	if (old) {
		replace_workspace(e->next, at, w);
		return 0;
	}
	int r = insert_workspace(e->next, at, w);
	if (r < 0)
		workspace_unref(w);
	return pass(r);
}

struct workspace *catalog_edit_own_workspace(struct catalog_edit *e, uint32_t no)
{
	must(catalog_workspace(e->next, no));
	unsigned at = catalog_workspace_at(e->next, no);
	struct workspace *shared = e->next->workspaces[at];
	if (atomic_load_explicit(&shared->refs, memory_order_acquire) == 1)
		return shared;
	struct workspace *w = copy_workspace(shared, shared);
	if (w)
		replace_workspace(e->next, at, w);
	return w;
}

static void take_table(struct workspace *w, const struct workspace *other)
{
	for (unsigned i = 0; i < w->room; i++)
		definition_unref(w->definitions[i]);
	free(w->definitions);
	w->definitions = other->definitions;
	w->room = other->room;
	w->n_definitions = other->n_definitions;
	w->definitions_bytes = other->definitions_bytes;
}

static bool grow_table(struct workspace *w)
{
	struct workspace grown = { 0 };
	if (2 * (w->n_definitions + 1) <= w->room)
		return true;
	if (!copy_table(&grown, w, w->room ? 2 * w->room : 8, NULL))
		return false;
	take_table(w, &grown);
	return true;
}

int catalog_edit_define(struct catalog_edit *e, uint32_t workspace, struct definition *d)
{
	struct workspace *w = catalog_edit_own_workspace(e, workspace);
	if (!w || !grow_table(w))
		return fail(-ENOMEM, "catalog");
	struct definition **slot = workspace_slot(w->definitions, w->room, d->name);
	size_t before = *slot ? (*slot)->bytes : 0;
	w->n_definitions += *slot == NULL;
	w->definitions_bytes += d->bytes - before;
	e->next->definitions_bytes += d->bytes - before;
	definition_unref(*slot);
	*slot = definition_ref(d);
	return 0;
}

int catalog_edit_undefine(struct catalog_edit *e, uint32_t workspace, struct str name)
{
	struct workspace left = { 0 };
	struct workspace *w = catalog_edit_own_workspace(e, workspace);
	if (!w)
		return fail(-ENOMEM, "catalog");
	struct definition *gone = workspace_definition(w, name);
	if (!gone)
		return 0;
	if (!copy_table(&left, w, w->room, gone))
		return fail(-ENOMEM, "catalog");
	e->next->definitions_bytes -= gone->bytes;
	take_table(w, &left);
	return 0;
}

/* The workspace with a list of contact fields that the edit may change; NULL: out of memory. */
static struct workspace *own_contact_fields(struct catalog_edit *e, uint32_t no)
{
	struct workspace *w = catalog_edit_own_workspace(e, no);
	struct contact_fields *shared = w ? w->contact_fields : NULL;
	if (!w || (shared && atomic_load_explicit(&shared->refs, memory_order_acquire) == 1))
		return w;
	struct contact_fields *own = contact_fields_new(shared);
	if (!own)
		return NULL;
	contact_fields_unref(shared);
	w->contact_fields = own;
	return w;
}

int catalog_edit_contact_field(struct catalog_edit *e, uint32_t workspace,
			       const struct contact_field *like)
{
	struct workspace *w = own_contact_fields(e, workspace);
	return w && contact_fields_put(w->contact_fields, like) ? 0 : fail(-ENOMEM, "catalog");
}

int catalog_edit_no_contact_field(struct catalog_edit *e, uint32_t workspace, struct str name)
{
	struct workspace *w = own_contact_fields(e, workspace);
	if (!w)
		return fail(-ENOMEM, "catalog");
	contact_fields_drop(w->contact_fields, name);
	return 0;
}

const struct catalog *catalog_edit_so_far(const struct catalog_edit *e)
{
	return e->next;
}

struct catalog *catalog_edit_done(struct catalog_edit *e)
{
	catalog_origins_gather(e);
	struct catalog *c = steal(&e->next);
	catalog_edit_drop(e);
	return c;
}
