/*
 * GET /v1/events: the definitions, newest first, out of the catalog.
 */
#include "dialect/arsel_private.h"

static void put(struct buf *b, const void *definition)
{
	arsel_definition_put(b, definition);
}

/* Definitions are numbered as they are made. */
static void answer_list(struct call *call)
{
	struct arsel_listing *l = call->state;
	const struct workspace *w = call->workspace;
	const struct definition *at = arsel_definition_find(w, l->page.cursor);
	if (!arsel_listing_begin(call, at ? at->no : 0))
		return;
	for (unsigned i = 0; i < w->room; i++) {
		const struct definition *d = w->definitions[i];
		if (d && arsel_listing_finds(l, d->name))
			arsel_listing_consider(l, d->no, d);
	}
	arsel_listing_send(call, put);
}

const struct endpoint arsel_definitions = {
	.scope = SCOPE_DEFINITIONS_READ,
	.body_max = 64 * 1024,
	.decode = arsel_listing_read,
	.answer = answer_list,
};
