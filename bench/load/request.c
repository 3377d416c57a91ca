#include "load/request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DIGITS = 10, HEAD_ROOM = 1024, PATH_MAX_BYTES = 512 };

/* Where a contact's number goes, and where the same one goes again. */
#define CONTACT       "##########"
#define CONTACT_AGAIN "=========="

struct kind {
	const char *name, *path, *header; /* path with %s for the population, header for the key */
	const char *prefix, *event, *suffix;
	unsigned events;
};

#define ARSEL_EVENT                                                                            \
	"{\"event\":\"order.completed\",\"email\":\"c" CONTACT "@bench.example\",\"data\":{"   \
	"\"order_id\":\"A-1023\",\"total\":149.99,\"currency\":\"EUR\",\"coupon\":\"AUTUMN\"," \
	"\"items\":[{\"sku\":\"SKU-1001\",\"price\":49.99,\"quantity\":1},"                    \
	"{\"sku\":\"SKU-2002\",\"price\":50.00,\"quantity\":2}],"                              \
	"\"shipping\":{\"method\":\"express\",\"city\":\"Kaunas\"}},"                          \
	"\"timestamp\":\"2026-06-01T12:00:00.000Z\"}"

#define PRISTO_EVENT                                                                     \
	"{\"contact\":{\"id\":\"00000000-0000-4000-8000-00" CONTACT                      \
	"\",\"email\":\"p" CONTACT_AGAIN                                                 \
	"@bench.example\",\"language\":\"en\",\"name\":\"Dana\",\"lastName\":\"Levi\","  \
	"\"customFields\":{\"gender\":\"f\",\"age\":\"31\"}},\"type\":\"purchase\","     \
	"\"occurredAt\":\"2026-02-04T13:25:00Z\",\"customFields\":{\"channel\":\"web\"," \
	"\"purchaseAmount\":\"149.99\",\"transactionId\":\"tr-20260204-000017\"}}"

#define OMNISEND_EVENT                                                                           \
	"{\"eventName\":\"order rated\",\"contact\":{\"email\":\"c" CONTACT "@bench.example\"}," \
	"\"properties\":{\"orderID\":\"A-1023\",\"stars\":5,\"total\":149.99,"                   \
	"\"comment\":\"Came two days early, and the box was whole.\"}}"

#define INFOBIP_EVENT                                                                         \
	"{\"properties\":{\"transactionId\":\"my-transaction-1\",\"fromPromoCampaign\":true," \
	"\"totalCost\":100,\"itemsInCart\":[{\"itemId\":1,\"price\":25,\"quantity\":3,"       \
	"\"inStockSince\":\"2023-11-17T15:47:50.4136517Z\",\"category\":\"clothes\"}]}}"

static const struct kind kinds[] = {
	{ "arsel", "POST /v1/events/send", "Authorization: Bearer", "", ARSEL_EVENT, "", 1 },
	{ "arsel-batch", "POST /v1/events/send", "Authorization: Bearer", "{\"events\":[",
	  ARSEL_EVENT, "]}", REQUEST_EVENTS_MAX },
	{ "pristo", "POST /v1/events/send/%s", "X-API-Key:", "", PRISTO_EVENT, "", 1 },
	{ "omnisend", "POST /v4/track", "Authorization: Bearer", "", OMNISEND_EVENT, "", 1 },
	/* Persons must be there: to be run with --fresh 0 after another kind has made them. */
	{ "infobip",
	  "POST /peopleevents/2/persons/c" CONTACT "@bench.example/definitions/addToCart/events"
	  "?identifierType=EMAIL",
	  "Authorization: App", "", INFOBIP_EVENT, "", 1 },
	{ "get", "GET ", "Authorization: Bearer", "", "", "", 0 },
};

static void *checked(void *p)
{
	if (!p) {
		perror("load");
		exit(1);
	}
	return p;
}

static const struct kind *kind_named(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	fprintf(stderr, "load: no kind %s\n", name);
	exit(2);
}

static size_t body_size(const struct kind *k)
{
	size_t commas = k->events ? k->events - 1 : 0;
	return strlen(k->prefix) + k->events * strlen(k->event) + commas + strlen(k->suffix);
}

static void put_head(FILE *out, const struct kind *k, const struct options *o, const char *path)
{
	fprintf(out, k->path, o->population);
	fprintf(out, "%s HTTP/1.1\r\nHost: %s:%u\r\n%s %s\r\n", path, o->host, o->port, k->header,
		o->key);
	if (k->events)
		fprintf(out, "Content-Type: application/json\r\nContent-Length: %zu\r\n",
			body_size(k));
	fputs("\r\n", out);
}

static char *make_text(const struct kind *k, const struct options *o, const char *path)
{
	char *text;
	size_t n;
	FILE *out = checked(open_memstream(&text, &n));
	put_head(out, k, o, path);
	fputs(k->prefix, out);
	for (unsigned i = 0; i < k->events; i++)
		fprintf(out, "%s%s", i ? "," : "", k->event);
	fputs(k->suffix, out);
	if (fclose(out) != 0)
		checked(NULL);
	return text;
}

static void add_text(struct requests *r, char *text)
{
	r->texts = checked(realloc(r->texts, (r->n_texts + 1) * sizeof(*r->texts)));
	r->texts[r->n_texts++] = text;
	r->size_max = MAX(r->size_max, strlen(text));
}

static void add_paths(struct requests *r, const struct kind *k, const struct options *o)
{
	char path[PATH_MAX_BYTES];
	FILE *in = checked(fopen(o->paths ? o->paths : "", "r"));
	while (fgets(path, sizeof(path), in)) {
		path[strcspn(path, "\n")] = '\0';
		add_text(r, make_text(k, o, path));
	}
	fclose(in);
	if (!r->n_texts) {
		fprintf(stderr, "load: no path in %s\n", o->paths);
		exit(2);
	}
}

static void find_places(struct requests *r)
{
	const char *text = r->texts[0];
	for (const char *p = text; *p; p++) {
		bool again = strncmp(p, CONTACT_AGAIN, DIGITS) == 0;
		if (!again && strncmp(p, CONTACT, DIGITS) != 0)
			continue;
		must(r->n_places < ARRAY_LEN(r->places));
		r->places[r->n_places].at = (size_t)(p - text);
		r->places[r->n_places++].again = again;
		p += DIGITS - 1;
	}
}

void requests_init(struct requests *r, const struct options *o)
{
	const struct kind *k = kind_named(o->kind);
	*r = (struct requests){
		.events = k->events,
		.contacts = o->contacts,
		.fresh = o->fresh,
		.in_order = o->in_order,
		.chance = o->seed * 0x9E3779B97F4A7C15 + o->run + 1,
		.next_fresh = 1000000000 + o->run * 10000000ULL,
	};
	if (k->events)
		add_text(r, make_text(k, o, ""));
	else
		add_paths(r, k, o);
	find_places(r);
}

void requests_fini(struct requests *r)
{
	for (size_t i = 0; i < r->n_texts; i++)
		free(r->texts[i]);
	free(r->texts);
}

/* splitmix64 */
static uint64_t draw(struct requests *r)
{
	uint64_t x = r->chance += 0x9E3779B97F4A7C15;
	x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9;
	x = (x ^ x >> 27) * 0x94D049BB133111EB;
	return x ^ x >> 31;
}

static uint64_t next_contact(struct requests *r)
{
	uint64_t x = draw(r);
	if (r->in_order)
		return r->next_in_order++ % r->contacts + 1;
	if (x % 100 < r->fresh)
		return r->next_fresh++;
	return (x >> 8) % r->contacts + 1;
}

static void put_number(char *out, uint64_t number)
{
	for (int i = DIGITS - 1; i >= 0; i--, number /= 10)
		out[i] = (char)('0' + number % 10);
}

size_t requests_write(struct requests *r, char *out)
{
	const char *text = r->n_texts > 1 ? r->texts[draw(r) % r->n_texts] : r->texts[0];
	size_t n = strlen(text);
	uint64_t number = 0;
	memcpy(out, text, n);
	for (unsigned i = 0; i < r->n_places; i++) {
		if (!r->places[i].again)
			number = next_contact(r);
		put_number(out + r->places[i].at, number);
	}
	return n;
}
