/*
 * Definitions: a named event type with typed fields, declared (it must exist before an event of
 * that name is taken) or inferred (the first event makes it). Immutable once built; a change makes
 * a new one. Pure.
 */
#pragma once

#include "base/json.h"
#include "base/timefmt.h"
#include "base/uuid.h"
#include "model/problem.h"

#include <stdatomic.h>

/* Stored by name; the order is free. */
enum field_type {
	FIELD_STRING,
	FIELD_BOOLEAN,
	FIELD_INTEGER,
	FIELD_NUMBER,
	FIELD_DATE,
	FIELD_DATETIME,
	FIELD_EMAIL,
	FIELD_URL,
	FIELD_OBJECT,
	FIELD_ARRAY,
	FIELD_TYPES, /* how many */
};

/* A set of types, one bit each. */
#define FIELD_BIT(type) (1U << (type))

struct field {
	struct str name;
	enum field_type type;
	bool required;
	/* Of an object, or of each object in an array; none: what is inside is free. */
	const struct field *fields;
	unsigned n_fields;
	/* As a definition's, which makes it for all that is in it; NULL: not there. */
	const uint16_t *by_name;
};

enum {
	DEFINITION_NAME_MAX = 255,         /* code points */
	DEFINITION_DESCRIPTION_MAX = 2000, /* likewise: no vendor has longer ones */
	DEFINITION_FIELDS_MAX = 1000,      /* at one level */
	FIELD_NAME_MAX = 128,              /* bytes; the fewest are 1 */
	FIELD_DEPTH_MAX = 8,               /* levels of fields, the outermost being 1 */
};

struct definition {
	atomic_uint refs;
	uint32_t no; /* row number, unique over all workspaces; never 0 */
	struct uuid id;
	struct str name, title, description;
	struct str annotations; /* JSON object: what single vendors keep with it; "{}" */
	bool inferred;
	instant_us created_at, updated_at;
	const struct field *fields; /* in the order declared */
	unsigned n_fields;
	const uint16_t *by_name; /* n_fields indexes into fields, sorted by name */
	size_t bytes;            /* of memory */
	struct arena arena;      /* holds all of the above */
};

/*
 * Copies everything it is given but `refs`, `by_name`, `bytes` and `arena`, which it makes. Names must be
 * unique and counts within the limits above. NULL: out of memory. One reference belongs to the
 * caller.
 */
struct definition *definition_new(const struct definition *like);
/* What it says, to be changed and given to definition_new(): without `refs`, which others may be
 * changing, and on loan for as long as `d` is held. */
struct definition definition_draft(const struct definition *d);
struct definition *definition_ref(struct definition *d); /* any thread */
void definition_unref(struct definition *d);             /* any thread; NULL is fine */
DEFINE_CLEANUP(struct definition *, definition_unref);

/* The field of that name, or NULL. */
const struct field *definition_field(const struct definition *d, struct str name);
const struct field *field_find(const struct field *fields, unsigned n, struct str name);
/* The same with the help of such an index, where there is one. */
const struct field *field_search(const struct field *fields, const uint16_t *by_name, unsigned n,
				 struct str name);

/* Such an index, of up to UINT16_MAX fields; of equal names the first comes first. NULL: memory is
 * refused. */
const uint16_t *fields_by_name(struct arena *a, const struct field *fields, unsigned n);

const char *field_type_name(enum field_type type);
MUST_CHECK bool field_type_parse(struct str name, enum field_type *out);

/*
 * Fields as they are stored and shown: [{"name":"total","type":"number","required":true,
 * "fields":[...]}]. Reading judges its input as hostile (it comes from a file): each thing wrong
 * becomes a problem, whose path begins with "fields", and the function returns false. It also does
 * when memory is refused, which is no problem. Absent or null: no fields.
 */
void fields_put_json(struct buf *b, const struct field *fields, unsigned n);
MUST_CHECK bool fields_from_json(struct arena *a, yyjson_val *v, struct problems *ps,
				 const struct field **fields, unsigned *n);
