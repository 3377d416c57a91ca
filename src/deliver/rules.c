#include "deliver/rules.h"

#include "base/fail.h"
#include "base/log.h"
#include "deliver/deed.h"

#include <errno.h>
#include <stdlib.h>

/* Bytes. A workspace's may come to some 80 MiB (DOCUMENTS_BYTES_MAX), so many of them together are
 * beyond it: what has no room then is left out, and the others are in force. */
enum { MEMORY_MAX = 1 << 30 };

static void count(struct rules *r, unsigned *destinations, unsigned *automations)
{
	for (unsigned i = 0; i < r->catalog->n_workspaces; i++) {
		const struct workspace *w = r->catalog->workspaces[i];
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
	if (!r->arena.full)
		return fail(-ENOMEM, "automations");
	tell_left_out(w, d);
	return 0;
}

static int read_document(struct rules *r, const struct workspace *w, const struct document *d)
{
	struct problems ps = { .n = 0 };
	yyjson_val *v = NULL;
	bool destination = d->kind == DOCUMENT_DESTINATION, good;
	struct destination *to = &r->destinations[r->n_destinations];
	struct automation *rule = &r->automations[r->n_automations];
	enum json_outcome parsed = json_parse(&r->arena, d->body, &v, NULL);
	if (parsed == JSON_NO_MEMORY)
		return no_memory(r, w, d);
	good = parsed == JSON_OK && (destination ? destination_read(&r->arena, v, &ps, to)
						 : automation_read(&r->arena, v, &ps, rule));
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

/* A workspace's deeds may outlive the rule that wanted them, but not its last declaration of one. */
static void add_deeds(struct rules *r)
{
	for (unsigned i = 0; i < r->catalog->n_workspaces; i++) {
		const struct workspace *w = r->catalog->workspaces[i];
		unsigned n;
		workspace_documents_of(w, DOCUMENT_AUTOMATION, &n);
		if (n > 0)
			r->destinations[r->n_destinations++] = deeds_destination(w->no);
	}
}

static int read_all(struct rules *r)
{
	unsigned destinations = 0, automations = 0;
	count(r, &destinations, &automations);
	r->destinations =
		arena_array(&r->arena, struct destination, destinations + automations + 1);
	r->automations = arena_array(&r->arena, struct automation, automations + 1);
	if (!r->destinations || !r->automations)
		return fail(-ENOMEM, "automations");
	for (unsigned i = 0; i < r->catalog->n_workspaces; i++) {
		const struct workspace *w = r->catalog->workspaces[i];
		for (unsigned k = 0; k < w->n_documents; k++) {
			int e = read_document(r, w, &w->documents[k]);
			if (e < 0)
				return pass(e);
		}
	}
	add_deeds(r);
	return 0;
}

int rules_new(struct catalog *catalog, struct rules **out)
{
	struct rules *r = calloc(1, sizeof(*r));
	if (!r)
		return fail(-ENOMEM, "automations");
	r->refs = 1;
	r->catalog = catalog_ref(catalog);
	arena_init(&r->arena, MEMORY_MAX, NULL);
	int e = read_all(r);
	if (e < 0) {
		rules_unref(r);
		return pass(e);
	}
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
	arena_fini(&r->arena);
	catalog_unref(r->catalog);
	free(r);
}

const struct destination *rules_target(const struct rules *r, uint32_t workspace,
				       const struct action *what)
{
	for (unsigned i = 0; i < r->n_destinations; i++) {
		const struct destination *d = &r->destinations[i];
		bool same = action_is_deed(what->kind) ? deeds_are_at(d->no)
						       : str_eq(d->name, what->destination);
		if (d->workspace == workspace && same)
			return d;
	}
	return NULL;
}
