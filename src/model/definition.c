#include "model/definition.h"

#include <stdlib.h>

/* A thousand fields with names of the longest kind, and as much again nested, come to 1 MiB. */
enum { DEFINITION_BYTES_MAX = 16 * 1024 * 1024 };

static const char *const type_names[FIELD_TYPES] = {
	[FIELD_STRING] = "string", [FIELD_BOOLEAN] = "boolean", [FIELD_INTEGER] = "integer",
	[FIELD_NUMBER] = "number", [FIELD_DATE] = "date",       [FIELD_DATETIME] = "datetime",
	[FIELD_EMAIL] = "email",   [FIELD_URL] = "url",         [FIELD_OBJECT] = "object",
	[FIELD_ARRAY] = "array",
};

const char *field_type_name(enum field_type type)
{
	must((unsigned)type < FIELD_TYPES);
	return type_names[type];
}

bool field_type_parse(struct str name, enum field_type *out)
{
	for (size_t i = 0; i < FIELD_TYPES; i++) {
		if (!str_eq(str_of(type_names[i]), name))
			continue;
		*out = (enum field_type)i;
		return true;
	}
	return false;
}

static bool copy_str(struct arena *a, struct str from, struct str *out)
{
	*out = arena_str(a, from);
	return out->p != NULL;
}

static bool copy_fields(struct arena *a, const struct field *from, unsigned n,
			const struct field **out)
{
	*out = NULL;
	if (n == 0)
		return true;
	must(n <= DEFINITION_FIELDS_MAX);

	struct field *list = arena_array(a, struct field, n);
	if (!list)
		return false;
	for (unsigned i = 0; i < n; i++) {
		list[i] = from[i];
		if (!copy_str(a, from[i].name, &list[i].name) ||
		    !copy_fields(a, from[i].fields, from[i].n_fields, &list[i].fields))
			return false;
	}
	*out = list;
	return true;
}

static int compare_names(const void *a, const void *b, void *context)
{
	const struct field *fields = context;
	return str_cmp(fields[*(const uint16_t *)a].name, fields[*(const uint16_t *)b].name);
}

static bool sort_names(struct definition *d)
{
	if (d->n_fields == 0)
		return true;
	uint16_t *order = arena_array(&d->arena, uint16_t, d->n_fields);
	if (!order)
		return false;
	for (unsigned i = 0; i < d->n_fields; i++)
		order[i] = (uint16_t)i;
	qsort_r(order, d->n_fields, sizeof(*order), compare_names, (void *)d->fields);
	d->by_name = order;
	return true;
}

static struct str annotations_of(const struct definition *d)
{
	return d->annotations.n ? d->annotations : STR("{}");
}

static bool copy_definition(struct definition *d, const struct definition *from)
{
	d->no = from->no;
	d->id = from->id;
	d->inferred = from->inferred;
	d->created_at = from->created_at;
	d->updated_at = from->updated_at;
	d->n_fields = from->n_fields;
	return copy_str(&d->arena, from->name, &d->name) &&
	       copy_str(&d->arena, from->title, &d->title) &&
	       copy_str(&d->arena, from->description, &d->description) &&
	       copy_str(&d->arena, annotations_of(from), &d->annotations) &&
	       copy_fields(&d->arena, from->fields, from->n_fields, &d->fields) && sort_names(d);
}

struct definition *definition_new(const struct definition *like)
{
	struct definition *d = calloc(1, sizeof(*d));
	if (!d)
		return NULL;
	atomic_init(&d->refs, 1);
	arena_init(&d->arena, DEFINITION_BYTES_MAX, NULL);
	if (!copy_definition(d, like)) {
		definition_unref(d);
		return NULL;
	}
	d->bytes = sizeof(*d) + d->arena.held;
	return d;
}

struct definition definition_draft(const struct definition *d)
{
	return (struct definition){
		.no = d->no,
		.id = d->id,
		.name = d->name,
		.title = d->title,
		.description = d->description,
		.annotations = d->annotations,
		.inferred = d->inferred,
		.created_at = d->created_at,
		.updated_at = d->updated_at,
		.fields = d->fields,
		.n_fields = d->n_fields,
	};
}

struct definition *definition_ref(struct definition *d)
{
	unsigned before = atomic_fetch_add_explicit(&d->refs, 1, memory_order_relaxed);
	must(before > 0);
	return d;
}

void definition_unref(struct definition *d)
{
	if (!d)
		return;
	/* Each holder's reads come before the last holder's free. */
	unsigned before = atomic_fetch_sub_explicit(&d->refs, 1, memory_order_acq_rel);
	must(before > 0);
	if (before > 1)
		return;
	arena_fini(&d->arena);
	free(d);
}

const struct field *definition_field(const struct definition *d, struct str name)
{
	unsigned low = 0, high = d->n_fields;
	while (low < high) {
		unsigned mid = low + (high - low) / 2;
		const struct field *f = &d->fields[d->by_name[mid]];
		int order = str_cmp(name, f->name);
		if (order == 0)
			return f;
		if (order < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return NULL;
}

const struct field *field_find(const struct field *fields, unsigned n, struct str name)
{
	for (unsigned i = 0; i < n; i++)
		if (str_eq(fields[i].name, name))
			return &fields[i];
	return NULL;
}
