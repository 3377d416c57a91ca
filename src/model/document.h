/*
 * Documents: what a workspace declares whole, as JSON under a name, and its readers read again from
 * that. Stored and listed alike whatever they are about; what a body may say is for
 * model/destination.h and model/automation.h to judge before it is stored.
 */
#pragma once

#include "base/json.h"
#include "base/timefmt.h"

#include <stdatomic.h>

/* Stored: never renumber. */
enum document_kind {
	DOCUMENT_DESTINATION = 1,
	DOCUMENT_AUTOMATION = 2,
	DOCUMENT_KINDS = DOCUMENT_AUTOMATION, /* the last one */
};

enum {
	DOCUMENTS_MAX = 1000,         /* of each kind, in a workspace */
	DOCUMENT_NAME_MAX = 100,      /* code points */
	DOCUMENT_BODY_MAX = 64 << 10, /* bytes that may be declared */
	/* Bytes, of all that a workspace has: rules in force cost up to some ten times as much
	 * memory. */
	DOCUMENTS_BYTES_MAX = 8 << 20,
	DOCUMENT_STORED_MAX = DOCUMENT_BODY_MAX + 64, /* with what switches it, which is free */
};

struct document_text;

struct document {
	uint32_t no; /* row number; of all workspaces, and never given to another */
	enum document_kind kind;
	struct str name; /* 1 to DOCUMENT_NAME_MAX code points; one of its kind in the workspace */
	struct str body; /* the declaration: compact JSON of an object, secrets included */
	instant_us created_at, updated_at;
	struct document_text *text; /* where a catalog keeps both strings; NULL outside of one */
};

const char *document_kind_name(enum document_kind kind); /* "destination" ... */

/* By kind, then by name: the order in which a workspace has them. */
int document_compare(enum document_kind kind, struct str name, const struct document *d);

/*
 * The declaration `body` with members of `patch` (an object) in place of its own, as compact JSON; a
 * member that is null goes. A destination's new secret takes the place of all it had, and its
 * password goes when the way changes by which it is sent. NULL in .p: memory is refused, or `body` is
 * no object.
 */
struct str document_merge(struct arena *a, struct str body, yyjson_val *patch);
