#include "deliver/rules.h"

#include "base/fail.h"
#include "base/log.h"
#include "deliver/deed.h"

#include <errno.h>
#include <stdlib.h>

/* What is the same for all that were made of the same declarations. A workspace's may come to some 80 MiB
 * (DOCUMENTS_BYTES_MAX), so many of them together are beyond RULES_MEMORY_MAX: what has no room then is left
 * out, and the others are in force. */
struct rules_memory {
	unsigned refs;
	struct arena arena;
};

static void memory_unref(struct rules_memory *m)
{
	if (!m || --m->refs > 0)
		return;
	arena_fini(&m->arena);
	free(m);
}

/* --- Reading --- */

static void count(const struct catalog *c, unsigned *destinations, unsigned *automations,
		  unsigned *parts)
{
	for (unsigned i = 0; i < c->n_workspaces; i++) {
		const struct workspace *w = c->workspaces[i];
		*parts += w->n_documents > 0;
		for (unsigned k = 0; k < w->n_documents; k++)
			++*(w->documents[k].kind == DOCUMENT_DESTINATION ? destinations
									 : automations);
	}
}

static void tell_damaged(const struct workspace *w, const struct document *d)
{
	log_error("rule_unreadable", LOG_STR("workspace", w->name), LOG_STR("name", d->name));
}

static void tell_left_out(const struct workspace *w, const struct document *d)
{
	log_error("rule_left_out", LOG_STR("workspace", w->name), LOG_STR("name", d->name),
		  LOG_S("cause", "all rules together need more memory than there may be"));
}

static int no_memory(const struct rules *r, const struct workspace *w, const struct document *d)
{
	if (!r->memory->arena.full)
		return fail(-ENOMEM, "automations");
	tell_left_out(w, d);
	return 0;
}

static int read_document(struct rules *r, const struct workspace *w, const struct document *d)
{
	struct problems ps = { .n = 0 };
	struct arena *a = &r->memory->arena;
	yyjson_val *v = NULL;
	bool destination = d->kind == DOCUMENT_DESTINATION, good;
	struct destination *to = &r->destinations[r->n_destinations];
	struct automation *rule = &r->automations[r->n_automations];
	enum json_outcome parsed = json_parse(a, d->body, &v, NULL);
	if (parsed == JSON_NO_MEMORY)
		return no_memory(r, w, d);
	good = parsed == JSON_OK &&
	       (destination ? destination_read(a, v, &ps, to) : automation_read(a, v, &ps, rule));
	if (!good && ps.found == 0 && parsed == JSON_OK)
		return no_memory(r, w, d);
	if (!good) {
		tell_damaged(w, d);
	} else if (destination) {
		to->no = d->no;
		to->workspace = w->no;
		to->declared_at = d->updated_at;
		r->n_destinations++;
	} else {
		rule->no = d->no;
		rule->workspace = w->no;
		rule->created_at = d->created_at;
		rule->updated_at = d->updated_at;
		r->n_automations++;
	}
	return 0;
}

static int read_workspace(struct rules *r, const struct workspace *w)
{
	if (w->n_documents == 0)
		return 0;
	struct rules_part *part = &r->parts[r->n_parts++];
	*part = (struct rules_part){ .workspace = w->no,
				     .destination = r->n_destinations,
				     .automation = r->n_automations };
	for (unsigned i = 0; i < w->n_documents; i++) {
		int e = read_document(r, w, &w->documents[i]);
		if (e < 0)
			return pass(e);
	}
	part->n_destinations = r->n_destinations - part->destination;
	part->n_automations = r->n_automations - part->automation;
	return 0;
}

/* A workspace's deeds may outlive the rule that wanted them, but not its last declaration of one. */
static void add_deeds(struct rules *r)
{
	for (unsigned i = 0; i < r->n_parts; i++) {
		uint32_t workspace = r->parts[i].workspace;
		unsigned n;
		workspace_documents_of(catalog_workspace(r->catalog, workspace),
				       DOCUMENT_AUTOMATION, &n);
		r->parts[i].deeds = r->n_destinations;
		if (n > 0)
			r->destinations[r->n_destinations++] = deeds_destination(workspace);
	}
}

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return (x > y) - (x < y);
}

static void sort_numbers(struct rules *r)
{
	for (unsigned i = 0; i < r->n_destinations; i++)
		r->numbers[i] = r->destinations[i].no;
	qsort(r->numbers, r->n_destinations, sizeof(*r->numbers), by_number);
}

static int read_all(struct rules *r)
{
	unsigned destinations = 0, automations = 0, parts = 0;
	struct arena *a = &r->memory->arena;
	count(r->catalog, &destinations, &automations, &parts);
	r->destinations = arena_array(a, struct destination, destinations + parts + 1);
	r->automations = arena_array(a, struct automation, automations + 1);
	r->parts = arena_array(a, struct rules_part, parts + 1);
	r->numbers = arena_array(a, uint32_t, destinations + parts + 1);
	if (!r->destinations || !r->automations || !r->parts || !r->numbers)
		return fail(-ENOMEM, "automations");
	for (unsigned i = 0; i < r->catalog->n_workspaces; i++) {
		int e = read_workspace(r, r->catalog->workspaces[i]);
		if (e < 0)
			return pass(e);
	}
	add_deeds(r);
	sort_numbers(r);
	return 0;
}

static int read_into_memory(struct rules *r, struct arena_budget *budget)
{
	r->memory = calloc(1, sizeof(*r->memory));
	if (!r->memory)
		return fail(-ENOMEM, "automations");
	r->memory->refs = 1;
	arena_init(&r->memory->arena, RULES_MEMORY_MAX, budget);
	int e = read_all(r);
	return e < 0 && r->memory->arena.poor ? RULES_LATER : pass(e);
}

/* --- Life --- */

int rules_new(struct catalog *catalog, struct arena_budget *budget, struct rules **out)
{
	struct rules *r = calloc(1, sizeof(*r));
	if (!r)
		return fail(-ENOMEM, "automations");
	r->refs = 1;
	r->catalog = catalog_ref(catalog);
	int e = read_into_memory(r, budget);
	if (e != RULES_OK) {
		rules_unref(r);
		return e < 0 ? pass(e) : e;
	}
	*out = r;
	return RULES_OK;
}

int rules_renew(const struct rules *before, struct catalog *catalog, struct rules **out)
{
	struct rules *r = malloc(sizeof(*r));
	if (!r)
		return fail(-ENOMEM, "automations");
	*r = *before;
	r->refs = 1;
	r->catalog = catalog_ref(catalog);
	r->memory->refs++;
	*out = r;
	return 0;
}

struct rules *rules_ref(struct rules *r)
{
	r->refs++;
	return r;
}

void rules_unref(struct rules *r)
{
	if (!r || --r->refs > 0)
		return;
	memory_unref(r->memory);
	catalog_unref(r->catalog);
	free(r);
}

/* --- Looking --- */

const struct rules_part *rules_of(const struct rules *r, uint32_t workspace)
{
	unsigned low = 0, high = r->n_parts;
	while (low < high) {
		unsigned middle = low + (high - low) / 2;
		if (r->parts[middle].workspace < workspace)
			low = middle + 1;
		else
			high = middle;
	}
	return low < r->n_parts && r->parts[low].workspace == workspace ? &r->parts[low] : NULL;
}

bool rules_have_destination(const struct rules *r, uint32_t no)
{
	return bsearch(&no, r->numbers, r->n_destinations, sizeof(*r->numbers), by_number);
}

const struct automation *rules_automation(const struct rules *r, uint32_t workspace, uint32_t no)
{
	const struct rules_part *part = rules_of(r, workspace);
	for (unsigned i = 0; part && i < part->n_automations; i++)
		if (r->automations[part->automation + i].no == no)
			return &r->automations[part->automation + i];
	return NULL;
}

const struct destination *rules_target(const struct rules *r, uint32_t workspace,
				       const struct action *what)
{
	const struct rules_part *part = rules_of(r, workspace);
	if (part && action_is_deed(what->kind))
		return &r->destinations[part->deeds];
	for (unsigned i = 0; part && i < part->n_destinations; i++)
		if (str_eq(r->destinations[part->destination + i].name, what->destination))
			return &r->destinations[part->destination + i];
	return NULL;
}
