/* OAuth clients by name: whom a browser names when it brings a person to give consent. */
#include "base/fail.h"
#include "model/catalog_parts.h"

#include <errno.h>
#include <stdlib.h>

struct client_slot {
	struct str name; /* .p NULL: free */
	struct sha256 digest;
};

static struct client_slot *slot_of(struct client_slot *table, unsigned room, struct str name)
{
	for (size_t i = hash64(name);; i++) {
		struct client_slot *slot = &table[i & (room - 1)];
		if (!slot->name.p || str_eq(slot->name, name))
			return slot;
	}
}

const struct key *catalog_named_client(const struct catalog *c, struct str name)
{
	if (c->clients_room == 0)
		return NULL;
	const struct client_slot *slot = slot_of(c->clients, c->clients_room, name);
	return slot->name.p ? catalog_issuer(c, &slot->digest) : NULL;
}

bool key_has_redirect(const struct key *client, struct str uri)
{
	for (unsigned i = 0; i < client->n_redirects; i++)
		if (str_eq(client->redirects[i], uri))
			return true;
	return false;
}

static int grow(struct catalog *c)
{
	unsigned room = c->clients_room ? 2 * c->clients_room : 8;
	struct client_slot *table = calloc(room, sizeof(*table));
	if (!table)
		return fail(-ENOMEM, "catalog");
	for (unsigned i = 0; i < c->clients_room; i++)
		if (c->clients[i].name.p)
			*slot_of(table, room, c->clients[i].name) = c->clients[i];
	free(c->clients);
	c->clients = table;
	c->clients_room = room;
	return 0;
}

int catalog_clients_add(struct catalog *c, const struct key *key)
{
	if (!key->client)
		return 0;
	int r = 2 * (c->n_clients + 1) > c->clients_room ? grow(c) : 0;
	if (r < 0)
		return pass(r);
	must(c->clients);
	struct client_slot *slot = slot_of(c->clients, c->clients_room, key->name);
	c->n_clients += !slot->name.p;
	*slot = (struct client_slot){ key->name, key->digest };
	return 0;
}

int catalog_clients_copy(struct catalog *to, const struct catalog *from)
{
	if (from->clients_room == 0)
		return 0;
	to->clients = malloc(from->clients_room * sizeof(*to->clients));
	if (!to->clients)
		return fail(-ENOMEM, "catalog");
	memcpy(to->clients, from->clients, from->clients_room * sizeof(*to->clients));
	to->clients_room = from->clients_room;
	to->n_clients = from->n_clients;
	return 0;
}

int catalog_clients_rebuild(struct catalog *c)
{
	int r = 0;
	free(steal(&c->clients));
	c->n_clients = c->clients_room = 0;
	for (unsigned i = 0; i < c->keys_room && r == 0; i++)
		if (c->keys[i].no)
			r = catalog_clients_add(c, &c->keys[i]);
	return pass(r);
}
