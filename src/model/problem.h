/*
 * What is wrong with a request, as data: where, which rule, the limit, the actual value. A decoder
 * collects problems; only a dialect puts them into words, in its vendor's shape.
 *
 * Strings in a problem live as long as the request (or are static).
 */
#pragma once

#include "base/buf.h"

/* Stored with the outcomes of requests: never renumber, only add at the end. */
enum problem_code {
	PROBLEM_NONE,
	PROBLEM_REQUIRED, /* absent, or null where that counts as absent */
	PROBLEM_TYPE,   /* `rule`: the JSON or field type that was expected; `actual`: what came */
	PROBLEM_FORMAT, /* right type, wrong form; `rule` names the form: "uuid", "email" ... */
	PROBLEM_EMPTY,
	PROBLEM_TOO_LONG,       /* code points; `limit`, `size` */
	PROBLEM_TOO_MANY,       /* members, or what `rule` says ("items"); `limit`, `size` */
	PROBLEM_UNKNOWN_MEMBER, /* a member that the shape of the request does not have */
	PROBLEM_NAME,           /* a name breaks the rule for names, which `rule` may tell */
	PROBLEM_VALUE,          /* not one of the values allowed; `rule` lists them */
	PROBLEM_NESTED,         /* an object or array where only plain values may stand, or levels
				 * of them beyond `limit` */
	PROBLEM_ALTERNATIVES,   /* exactly or at least one of several members; `rule` lists them */

	PROBLEM_UNKNOWN_WORKSPACE,
	PROBLEM_UNKNOWN_DEFINITION,
	PROBLEM_UNKNOWN_FIELD, /* the definition or the workspace declares no such field */
	PROBLEM_FIELD_TYPE,    /* clashes with the declared or recorded type of the field: `rule` */

	/* These only the committer can find. */
	PROBLEM_UNKNOWN_CONTACT,  /* nothing matches and nothing given may create one */
	PROBLEM_EXISTS,           /* a contact or definition that should be new is there already */
	PROBLEM_TAKEN,            /* another contact owns the identity */
	PROBLEM_CONTACT_FULL,     /* the contact would pass `limit`, of what `rule` says */
	PROBLEM_DEFINITIONS_FULL, /* the workspace has `limit` definitions, or of bytes for
				     them, or this one `limit` fields */
	PROBLEM_CONTACT_FIELDS_FULL, /* the workspace has `limit` contact fields */
	PROBLEM_WORKSPACES_FULL,     /* there are as many workspaces or keys as there can be */
	PROBLEM_CLASH,               /* right by itself, but not beside what `rule` names */
	PROBLEM_UNKNOWN_DOCUMENT,    /* none of that name; `rule`: its kind */
	PROBLEM_DOCUMENTS_FULL,      /* the workspace has `limit` of that kind: `rule` */
	PROBLEM_IN_USE,              /* the automation that `path` names sends to it */
	PROBLEM_CHANGED,             /* since it was looked at */
	PROBLEM_TEMPLATE, /* of what is sent: `rule`, made for it, tells why, `size` at which byte */
	PROBLEM_KEYS_FULL, /* names and origins of keys take as many bytes as they may: `limit` */
	PROBLEM_LAST = PROBLEM_KEYS_FULL,
};

struct problem {
	enum problem_code code;
	struct str path; /* "contact.customFields.gender", "" for the whole body; array items [3] */
	const char *rule;   /* static; what was expected. NULL where the code says it all */
	const char *actual; /* static; the kind of value that came. NULL where it does not matter */
	int64_t limit, size; /* 0 where it does not matter */
};

enum { PROBLEMS_MAX = 20 }; /* more than these are counted, not kept */

struct problems {
	struct problem list[PROBLEMS_MAX];
	unsigned n;     /* kept */
	unsigned found; /* kept or not */
};

void problem_add(struct problems *ps, struct problem p);

/* problem_at(ps, PROBLEM_TOO_LONG, path, .limit = 255, .size = 300) */
#define problem_at(ps, code_, path_, ...) \
	problem_add((ps), (struct problem){ .code = (code_), .path = (path_), ##__VA_ARGS__ })

/* "parent.name", or name alone when parent is empty. Falls back to parent when memory is refused.
 */
struct str problem_path(struct arena *a, struct str parent, struct str name);
/* "parent[i]" */
struct str problem_index(struct arena *a, struct str parent, size_t i);

/* As they are kept for later: JSON text of an object, paths cut to 256 bytes. */
void problems_put_json(struct buf *b, const struct problems *ps);
/* False when memory is refused, or when it is nothing of ours. Strings live in the arena. */
MUST_CHECK bool problems_read_json(struct arena *a, struct str json, struct problems *ps);

/* One plain sentence without a full stop, "contact.customFields.gender must be a string, not a
 * number", for where a vendor documents no wording of its own. */
void problem_put_english(struct buf *b, const struct problem *p);
/* Of that sentence what is behind the path: "must be a string, not a number". */
void problem_put_rule(struct buf *b, const struct problem *p);
