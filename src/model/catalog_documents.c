/*
 * A workspace's documents: a sorted list of its own in each snapshot, with strings that all
 * snapshots share, since a body may be large and most changes are to something else.
 */
#include "base/fail.h"
#include "model/catalog_parts.h"

#include <errno.h>
#include <stdlib.h>

struct document_text {
	atomic_uint refs;
	char bytes[];
};

static void text_unref(struct document_text *text)
{
	if (catalog_was_last(&text->refs))
		free(text);
}

/* The document with strings of its own; false: out of memory. */
static bool copy(const struct document *like, struct document *out)
{
	struct document_text *text = malloc(sizeof(*text) + like->name.n + like->body.n);
	if (!text)
		return false;
	char *body = mempcpy(text->bytes, like->name.p, like->name.n);
	memcpy(body, like->body.p, like->body.n);
	atomic_init(&text->refs, 1);
	*out = *like;
	out->name = (struct str){ text->bytes, like->name.n };
	out->body = (struct str){ body, like->body.n };
	out->text = text;
	return true;
}

bool workspace_documents_share(struct workspace *w, const struct workspace *old)
{
	if (old->n_documents == 0)
		return true;
	w->documents = malloc(old->n_documents * sizeof(*w->documents));
	if (!w->documents)
		return false;
	memcpy(w->documents, old->documents, old->n_documents * sizeof(*w->documents));
	w->n_documents = w->documents_room = old->n_documents;
	for (unsigned i = 0; i < w->n_documents; i++)
		atomic_fetch_add_explicit(&w->documents[i].text->refs, 1, memory_order_relaxed);
	return true;
}

void workspace_documents_fini(struct workspace *w)
{
	for (unsigned i = 0; i < w->n_documents; i++)
		text_unref(w->documents[i].text);
	free(w->documents);
}

/* Where it is or would go. */
static unsigned position(const struct workspace *w, enum document_kind kind, struct str name)
{
	unsigned low = 0, high = w->n_documents;
	while (low < high) {
		unsigned mid = low + (high - low) / 2;
		if (document_compare(kind, name, &w->documents[mid]) > 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static bool is_at(const struct workspace *w, unsigned at, enum document_kind kind, struct str name)
{
	return at < w->n_documents && document_compare(kind, name, &w->documents[at]) == 0;
}

const struct document *workspace_document(const struct workspace *w, enum document_kind kind,
					  struct str name)
{
	unsigned at = position(w, kind, name);
	return is_at(w, at, kind, name) ? &w->documents[at] : NULL;
}

const struct document *workspace_document_by_no(const struct workspace *w, uint32_t no)
{
	for (unsigned i = 0; i < w->n_documents; i++)
		if (w->documents[i].no == no)
			return &w->documents[i];
	return NULL;
}

const struct document *workspace_documents_of(const struct workspace *w, enum document_kind kind,
					      unsigned *n)
{
	unsigned first = position(w, kind, STR(""));
	unsigned end = position(w, kind + 1, STR(""));
	*n = end - first;
	return *n ? &w->documents[first] : NULL;
}

/* --- What has changed --- */

/* Of those from *i on the next that has any, NULL: none has; *i is behind it. */
static const struct workspace *next_declaring(const struct catalog *c, unsigned *i)
{
	while (*i < c->n_workspaces) {
		const struct workspace *w = c->workspaces[(*i)++];
		if (w->n_documents > 0)
			return w;
	}
	return NULL;
}

/* What has been declared anew has strings of its own. */
static bool have_same(const struct workspace *a, const struct workspace *b)
{
	bool same = a->no == b->no && a->n_documents == b->n_documents;
	for (unsigned i = 0; same && i < a->n_documents; i++)
		same = a->documents[i].text == b->documents[i].text;
	return same;
}

bool catalog_has_same_documents(const struct catalog *a, const struct catalog *b)
{
	unsigned i = 0, k = 0;
	const struct workspace *v, *w;
	do {
		v = next_declaring(a, &i);
		w = next_declaring(b, &k);
	} while (v && w && (v == w || have_same(v, w)));
	return !v && !w;
}

/* --- Changing them --- */

static bool make_room(struct workspace *w)
{
	if (w->n_documents < w->documents_room)
		return true;
	unsigned room = MAX(8, 2 * w->documents_room);
	struct document *list = realloc(w->documents, room * sizeof(*list));
	if (!list)
		return false;
	w->documents = list;
	w->documents_room = room;
	return true;
}

int catalog_edit_document(struct catalog_edit *e, uint32_t workspace, const struct document *like)
{
	struct document next;
	struct workspace *w = catalog_edit_own_workspace(e, workspace);
	if (!w || !make_room(w) || !copy(like, &next))
		return fail(-ENOMEM, "catalog");
	unsigned at = position(w, like->kind, like->name);
	struct document *slot = &w->documents[at];
	if (is_at(w, at, like->kind, like->name)) {
		text_unref(slot->text);
	} else {
		memmove(slot + 1, slot, (w->n_documents - at) * sizeof(*slot));
		w->n_documents++;
	}
	*slot = next;
	return 0;
}

int catalog_edit_no_document(struct catalog_edit *e, uint32_t workspace, enum document_kind kind,
			     struct str name)
{
	struct workspace *w = catalog_edit_own_workspace(e, workspace);
	if (!w)
		return fail(-ENOMEM, "catalog");
	unsigned at = position(w, kind, name);
	if (!is_at(w, at, kind, name))
		return 0;
	struct document *slot = &w->documents[at];
	text_unref(slot->text);
	w->n_documents--;
	memmove(slot, slot + 1, (w->n_documents - at) * sizeof(*slot));
	return 0;
}
