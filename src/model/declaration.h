/*
 * Declarations of destinations and automations on their way to being stored: JSON that is read and
 * judged as what it shall be, and becomes a document. Pure.
 */
#pragma once

#include "model/catalog.h"
#include "model/problem.h"

/*
 * Judges `v` by itself, and among what the workspace has (NULL: that is done later); out gets name
 * and body, in the arena and in `v`. Each thing wrong becomes a problem with its path, and it
 * returns false; also when memory is refused, which is no problem.
 */
MUST_CHECK bool declaration_read(struct arena *a, enum document_kind kind, yyjson_val *v,
				 const struct workspace *w, struct problems *ps,
				 struct document *out);

/* The member that switches one off, by a person or by itself: "disabled" or "paused". */
struct str declaration_off(enum document_kind kind);
/* Whether it is switched off. False: also when the body is none. */
bool declaration_is_off(struct arena *a, const struct document *d);
/* The body with that member in place of its own. .p NULL: as for document_merge(). */
struct str declaration_switch(struct arena *a, const struct document *d, bool off);
