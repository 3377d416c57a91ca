/*
 * Fills a data directory with events, as fast as the store takes them: the same way through the store
 * that a request's event takes, in batches, without the network. Contacts are named as bench/load
 * names them, each has at least one event; of the rest half are spread among all by chance and half
 * among the first hundredth, since few have much and many little. The clock runs through a month, so
 * that the counts per minute are as many as in real life.
 *
 *     bench_fill DATA PROVISION.yaml EVENTS CONTACTS
 */
#include "base/fail.h"
#include "conf/provision_file.h"
#include "dialect/dialect.h"
#include "store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	BATCH = 1000,
	MONTH_S = 30 * 24 * 3600,
	PROVISION_MEMORY = 1 << 20,
	REQUEST_MEMORY = 64 * 1024,
};

static const char event_name[] = "order.completed";
static const char properties[] =
	"{\"order_id\":\"A-1023\",\"total\":149.99,\"currency\":\"EUR\",\"coupon\":\"AUTUMN\","
	"\"items\":[{\"sku\":\"SKU-1001\",\"price\":49.99,\"quantity\":1},"
	"{\"sku\":\"SKU-2002\",\"price\":50.0,\"quantity\":2}],"
	"\"shipping\":{\"method\":\"express\",\"city\":\"Kaunas\"}}";

/* The store's clock. */
static instant_us clock_us;

static instant_us read_clock(void)
{
	return clock_us;
}

struct fill {
	struct store *store;
	struct catalog *catalog;
	const struct workspace *workspace;
	const struct definition *definition;
	uint64_t events, contacts, chance;
};

static int open_store(const char *dir, struct store **out)
{
	struct store_dialect names[8];
	must(n_dialects <= ARRAY_LEN(names));
	for (unsigned i = 0; i < n_dialects; i++)
		names[i] = (struct store_dialect){ (uint8_t)dialects[i]->no, dialects[i]->name };
	struct store_config config = {
		.dir = dir,
		.dialects = names,
		.n_dialects = n_dialects,
		.now = read_clock,
	};
	return store_open(&config, out);
}

static int declare(struct store *s, const char *path)
{
	char error[1024] = "";
	struct arena arena;
	struct provision declared;
	arena_init(&arena, PROVISION_MEMORY, NULL);
	int r = provision_file_read(path, &arena, &declared, error, sizeof(error));
	r = r ?: store_provision(s, &declared);
	if (r > 0)
		r = fail(-1, "%s", error);
	arena_fini(&arena);
	return pass(r);
}

static int find_definition(struct fill *f)
{
	catalog_refresh(store_catalog(f->store), &f->catalog);
	f->workspace = f->catalog->n_workspaces ? f->catalog->workspaces[0] : NULL;
	if (f->workspace)
		f->definition = workspace_definition(f->workspace, str_of(event_name));
	return f->definition ? 0 : fail(-1, "no definition %s", event_name);
}

static uint64_t busy(uint64_t contacts)
{
	return MAX(contacts / 100, 1);
}

/* Contacts come in an order that has nothing to do with that of their names. */
static uint64_t contact_of(struct fill *f, uint64_t event)
{
	const uint64_t prime = 2654435761;
	if (event < f->contacts)
		return event * prime % f->contacts + 1;
	f->chance = f->chance * 6364136223846793005 + 1442695040888963407;
	return (f->chance >> 33) % (event % 2 ? f->contacts : busy(f->contacts)) + 1;
}

static int add_event(struct fill *f, struct arena *a, uint64_t event)
{
	arena_reset(a);
	struct str email = arena_printf(a, "c%010lu@bench.example", contact_of(f, event));
	struct who who = {
		.kind = IDENTITY_EMAIL,
		.use = WHO_LOOKUP | WHO_ADOPT | WHO_CREATES,
		.value = email,
		.key = identity_key(a, IDENTITY_EMAIL, email),
	};
	struct op op = {
		.arena = a,
		.kind = OP_EVENT,
		.workspace = f->workspace->no,
		.dialect = (uint8_t)dialects[0]->no,
		.who = &who,
		.n_who = 1,
		.definition = f->definition->no,
		.properties = str_of(properties),
	};
	int r = store_apply(f->store, &op);
	return r > 0 ? fail(-1, "the store refuses an event") : pass(r);
}

static int add_batch(struct fill *f, struct arena *a, uint64_t first, uint64_t n)
{
	int r = store_begin(f->store);
	if (r > 0)
		return fail(-1, "the disk is full");
	for (uint64_t i = 0; r == 0 && i < n; i++)
		r = add_event(f, a, first + i);
	return pass(r ?: store_commit(f->store));
}

static int add_events(struct fill *f)
{
	struct arena a;
	instant_us step = (instant_us)((uint64_t)MONTH_S * US_PER_S * BATCH / f->events);
	int r = 0;
	arena_init(&a, REQUEST_MEMORY, NULL);
	for (uint64_t at = 0; r == 0 && at < f->events; at += BATCH) {
		clock_us += step;
		r = add_batch(f, &a, at, MIN(BATCH, f->events - at));
	}
	arena_fini(&a);
	return pass(r);
}

static int fill(const char *dir, const char *provision, uint64_t events, uint64_t contacts)
{
	struct fill f = { .events = events, .contacts = contacts };
	clock_us = time_now() - (instant_us)(MONTH_S + 60) * US_PER_S;
	int r = open_store(dir, &f.store);
	r = r ?: declare(f.store, provision);
	r = r ?: find_definition(&f);
	r = r ?: add_events(&f);
	catalog_unref(f.catalog);
	store_close(f.store);
	return pass(r);
}

int main(int argc, char **argv)
{
	uint64_t events = argc == 5 ? strtoull(argv[3], NULL, 10) : 0;
	uint64_t contacts = argc == 5 ? strtoull(argv[4], NULL, 10) : 0;
	if (contacts == 0 || events < contacts) {
		fprintf(stderr,
			"usage: %s DATA PROVISION.yaml EVENTS CONTACTS (not more than events)\n",
			argv[0]);
		return 2;
	}
	int r = fill(argv[1], argv[2], events, contacts);
	if (r < 0)
		fprintf(stderr, "%s: %s\n", argv[0], fail_text());
	return r < 0;
}
