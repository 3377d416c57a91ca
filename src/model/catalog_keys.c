/*
 * Keys and OAuth clients: a table of its own in each snapshot, with strings that all snapshots
 * share, since what a key brings along may be large and most changes are to something else.
 */
#include "base/fail.h"
#include "model/catalog_parts.h"

#include <errno.h>
#include <stdlib.h>

struct key_text {
	atomic_uint refs;
	size_t bytes;       /* with all of this */
	struct str lists[]; /* origins, redirects; the strings stand behind them */
};

static size_t list_bytes(const struct str *list, unsigned n)
{
	size_t bytes = n * sizeof(*list);
	for (unsigned i = 0; i < n; i++)
		bytes += list[i].n;
	return bytes;
}

static size_t text_bytes(const struct key *k)
{
	return sizeof(struct key_text) + k->name.n + list_bytes(k->origins, k->n_origins) +
	       list_bytes(k->redirects, k->n_redirects);
}

static struct str put_str(char **at, struct str s)
{
	struct str copy = { *at, s.n };
	if (s.n)
		*at = mempcpy(*at, s.p, s.n);
	return copy;
}

static const struct str *put_list(struct str *to, char **at, const struct str *from, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		to[i] = put_str(at, from[i]);
	return to;
}

/* The key with strings of its own. */
static int copy_key(struct key *k)
{
	size_t bytes = text_bytes(k);
	struct key_text *text = malloc(bytes);
	if (!text)
		return fail(-ENOMEM, "catalog");
	char *at = (char *)(text->lists + k->n_origins + k->n_redirects);
	atomic_init(&text->refs, 1);
	text->bytes = bytes;
	k->name = put_str(&at, k->name);
	k->origins = put_list(text->lists, &at, k->origins, k->n_origins);
	k->redirects = put_list(text->lists + k->n_origins, &at, k->redirects, k->n_redirects);
	k->text = text;
	return 0;
}

static void text_unref(struct key_text *text)
{
	if (catalog_was_last(&text->refs))
		free(text);
}

/* What a key adds to the sums over all of them. */
static void count_in(struct catalog *c, const struct key *k)
{
	c->n_keys++;
	c->keys_bytes += k->text->bytes;
	c->n_origins += catalog_origins_of(k);
}

/* Its slot is to be filled again, or is of a table that goes. */
static void take_out(struct catalog *c, const struct key *k)
{
	c->n_keys--;
	c->keys_bytes -= k->text->bytes;
	c->n_origins -= catalog_origins_of(k);
	text_unref(k->text);
}

int catalog_keys_share(struct catalog *to, const struct catalog *from)
{
	if (from->keys_room == 0)
		return 0;
	to->keys = malloc(from->keys_room * sizeof(*to->keys));
	if (!to->keys)
		return fail(-ENOMEM, "catalog");
	memcpy(to->keys, from->keys, from->keys_room * sizeof(*to->keys));
	to->keys_room = from->keys_room;
	for (unsigned i = 0; i < to->keys_room; i++) {
		if (to->keys[i].no == 0)
			continue;
		atomic_fetch_add_explicit(&to->keys[i].text->refs, 1, memory_order_relaxed);
		count_in(to, &to->keys[i]);
	}
	catalog_origins_share(to, from);
	return catalog_clients_copy(to, from);
}

void catalog_keys_fini(struct catalog *c)
{
	for (unsigned i = 0; i < c->keys_room; i++)
		if (c->keys[i].no)
			text_unref(c->keys[i].text);
	free(c->keys);
}

bool catalog_has_room_for_key(const struct catalog *c, uint32_t workspace, const struct key *like)
{
	size_t own = text_bytes(like), all = c->keys_bytes + own;
	if (2 * all <= KEYS_BYTES_MAX) /* whosever they are */
		return true;
	for (unsigned i = 0; i < c->keys_room; i++) {
		const struct key *k = &c->keys[i];
		if (k->no == 0)
			continue;
		if (k->no == like->no)
			all -= k->text->bytes;
		else if (k->workspace->no == workspace)
			own += k->text->bytes;
	}
	return own + all <= KEYS_BYTES_MAX;
}

bool catalog_has_number_for_key(const struct catalog *c, uint32_t workspace)
{
	unsigned own = 1, all = c->n_keys + 1;
	if (2 * all <= KEY_NO_MAX) /* whosever they are */
		return true;
	for (unsigned i = 0; i < c->keys_room; i++)
		own += c->keys[i].no && c->keys[i].workspace->no == workspace;
	return own + all <= KEY_NO_MAX;
}

/* The keys in a table of `room` slots, without that of row `but`. */
static int rebuild(struct catalog *c, unsigned room, uint32_t but)
{
	struct key *table = calloc(room, sizeof(*table));
	if (!table)
		return fail(-ENOMEM, "catalog");
	for (unsigned i = 0; i < c->keys_room; i++) {
		const struct key *k = &c->keys[i];
		if (k->no && k->no == but)
			take_out(c, k);
		else if (k->no)
			*catalog_key_slot(table, room, &k->digest) = *k;
	}
	free(c->keys);
	c->keys = table;
	c->keys_room = room;
	return 0;
}

static const struct key *key_of_row(const struct catalog *c, uint32_t no)
{
	for (unsigned i = 0; i < c->keys_room; i++)
		if (c->keys[i].no == no)
			return &c->keys[i];
	return NULL;
}

/* A table in which the key has a slot, and no other key of its row. */
static int make_slot(struct catalog *c, const struct key *old, const struct key *k)
{
	int r = 0;
	if (old && !sha256_eq(&old->digest, &k->digest))
		r = rebuild(c, c->keys_room, k->no);
	if (r == 0 && 2 * (c->n_keys + 1) > c->keys_room)
		r = rebuild(c, c->keys_room ? 2 * c->keys_room : 8, 0);
	return pass(r);
}

/* Takes the key's text. */
static int put(struct catalog_edit *e, const struct key *k)
{
	struct catalog *c = e->next;
	/* Rows come in order when a catalog is filled, so a new one costs no search. */
	const struct key *old = k->no <= e->last_key_no ? key_of_row(c, k->no) : NULL;
	bool changed = old != NULL,
	     origins = catalog_origins_of(k) || (old && catalog_origins_of(old));
	int r = make_slot(c, old, k);
	if (r < 0) {
		text_unref(k->text);
		return pass(r);
	}
	struct key *slot = catalog_key_slot(c->keys, c->keys_room, &k->digest);
	if (slot->no) {
		changed = true;
		origins |= catalog_origins_of(slot) > 0;
		take_out(c, slot);
	}
	*slot = *k;
	count_in(c, k);
	e->last_key_no = MAX(e->last_key_no, k->no);
	r = origins ? catalog_origins_changed(e) : 0;
	return pass(r ?: changed ? catalog_clients_rebuild(c) : catalog_clients_add(c, k));
}

int catalog_edit_key(struct catalog_edit *e, uint32_t workspace, const struct key *like)
{
	struct key k = *like;
	k.workspace = catalog_workspace(e->next, workspace);
	must(k.no > 0 && k.no <= KEY_NO_MAX && k.workspace);
	int r = copy_key(&k);
	return pass(r ?: put(e, &k));
}
