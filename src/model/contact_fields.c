#include "model/contact_fields.h"

#include <stdlib.h>

/* A thousand fields of the longest kind come to 13 MiB; a list that is changed in place keeps what
 * it no longer shows until it is copied. */
enum { STRINGS_MAX = 64 * 1024 * 1024 };

static bool make_room(struct contact_fields *f, unsigned n)
{
	if (n <= f->room)
		return true;
	unsigned room = MAX(n, MAX(8, 2 * f->room));
	struct contact_field *list = realloc(f->list, room * sizeof(*list));
	if (!list)
		return false;
	f->list = list;
	f->room = room;
	return true;
}

static bool copy_str(struct arena *a, struct str *s)
{
	*s = arena_str(a, *s);
	return s->p != NULL;
}

static bool copy_strings(struct arena *a, struct contact_field *field)
{
	return copy_str(a, &field->name) && copy_str(a, &field->title) &&
	       copy_str(a, &field->description) && copy_str(a, &field->fallback);
}

static bool copy_list(struct contact_fields *f, const struct contact_fields *from)
{
	if (!make_room(f, from->n))
		return false;
	for (; f->n < from->n; f->n++) {
		f->list[f->n] = from->list[f->n];
		if (!copy_strings(&f->arena, &f->list[f->n]))
			return false;
	}
	return true;
}

struct contact_fields *contact_fields_new(const struct contact_fields *from)
{
	struct contact_fields *f = calloc(1, sizeof(*f));
	if (!f)
		return NULL;
	atomic_init(&f->refs, 1);
	arena_init(&f->arena, STRINGS_MAX, NULL);
	if (!from || copy_list(f, from))
		return f;
	contact_fields_unref(f);
	return NULL;
}

struct contact_fields *contact_fields_ref(struct contact_fields *f)
{
	if (f)
		must(atomic_fetch_add_explicit(&f->refs, 1, memory_order_relaxed) > 0);
	return f;
}

void contact_fields_unref(struct contact_fields *f)
{
	if (!f)
		return;
	unsigned before = atomic_fetch_sub_explicit(&f->refs, 1, memory_order_acq_rel);
	must(before > 0);
	if (before > 1)
		return;
	free(f->list);
	arena_fini(&f->arena);
	free(f);
}

/* Where the field is or would go. */
static unsigned position(const struct contact_fields *f, struct str name)
{
	unsigned low = 0, high = f->n;
	while (low < high) {
		unsigned mid = low + (high - low) / 2;
		if (str_cmp(f->list[mid].name, name) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static bool is_at(const struct contact_fields *f, unsigned at, struct str name)
{
	return at < f->n && str_eq(f->list[at].name, name);
}

bool contact_fields_put(struct contact_fields *f, const struct contact_field *like)
{
	struct contact_field next = *like;
	unsigned at = position(f, like->name);
	must(atomic_load_explicit(&f->refs, memory_order_acquire) == 1);
	if (!copy_strings(&f->arena, &next) || !make_room(f, f->n + 1))
		return false;
	if (!is_at(f, at, next.name)) {
		memmove(f->list + at + 1, f->list + at, (f->n - at) * sizeof(*f->list));
		f->n++;
	}
	f->list[at] = next;
	return true;
}

void contact_fields_drop(struct contact_fields *f, struct str name)
{
	unsigned at = position(f, name);
	must(atomic_load_explicit(&f->refs, memory_order_acquire) == 1);
	if (!is_at(f, at, name))
		return;
	f->n--;
	memmove(f->list + at, f->list + at + 1, (f->n - at) * sizeof(*f->list));
}

const struct contact_field *contact_field_find(const struct contact_fields *f, struct str name)
{
	unsigned at = f ? position(f, name) : 0;
	return f && is_at(f, at, name) ? &f->list[at] : NULL;
}

const struct contact_field *contact_field_by_id(const struct contact_fields *f, struct uuid id)
{
	for (unsigned i = 0; f && i < f->n; i++)
		if (uuid_eq(f->list[i].id, id))
			return &f->list[i];
	return NULL;
}

bool contact_field_type_fits(enum field_type type)
{
	return type != FIELD_OBJECT && type != FIELD_ARRAY && type < FIELD_TYPES;
}
