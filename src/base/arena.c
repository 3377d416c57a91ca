#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* Under AddressSanitizer nobody may touch what was given to nobody, and a gap follows each piece that
 * does not end its chunk: else who goes beyond a piece is in the next one, and unseen. */
#if defined(__SANITIZE_ADDRESS__)
#define GUARDED
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define GUARDED
#endif
#endif
#ifdef GUARDED
#include <sanitizer/asan_interface.h>
enum { GAP = 16 };
#else
enum { GAP = 0 };
#define ASAN_POISON_MEMORY_REGION(p, n)   ((void)(p), (void)(n))
#define ASAN_UNPOISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#endif

enum {
	FIRST_CHUNK = 8 * 1024, /* holds an ordinary event with its parsed JSON and its answer */
	ALIGN = 16,
	LITTLE = 16 * 1024, /* bytes: an owner gets it beyond its share, up to twice what is free */
};

struct arena_chunk {
	struct arena_chunk *older;
	size_t size; /* bytes, this header included */
	char data[] __attribute__((aligned(ALIGN)));
};

void arena_init(struct arena *a, size_t ceiling, struct arena_budget *budget)
{
	*a = (struct arena){ .ceiling = ceiling, .budget = budget };
}

static void use_chunk(struct arena *a, struct arena_chunk *c)
{
	a->newest = c;
	a->at = c->data;
	a->end = (char *)c + c->size;
	ASAN_POISON_MEMORY_REGION(a->at, (size_t)(a->end - a->at));
}

static void owner_return(struct arena_owner *o, size_t n)
{
	if (o)
		atomic_fetch_sub_explicit(&o->held, n, memory_order_relaxed);
}

void arena_budget_return(struct arena_budget *b, struct arena_owner *owner, size_t n)
{
	owner_return(owner, n);
	atomic_fetch_sub_explicit(&b->used, n, memory_order_relaxed);
}

/* What the owner holds then, 0 for nobody. */
static size_t owner_take(struct arena_owner *o, size_t n)
{
	return o ? atomic_fetch_add_explicit(&o->held, n, memory_order_relaxed) + n : 0;
}

bool arena_budget_take(struct arena_budget *b, struct arena_owner *owner, size_t n)
{
	size_t before = atomic_fetch_add_explicit(&b->used, n, memory_order_relaxed);
	size_t own = owner_take(owner, n);
	if (n <= LITTLE)
		own /= 2;
	if (before + n <= b->max && own <= b->max - before)
		return true;
	arena_budget_return(b, owner, n);
	return false;
}

/* A first chunk of the ordinary size is free of charge and kept by arena_reset(). One that had to
 * be larger, because the first piece was, is neither. */
static bool is_charged(const struct arena_chunk *c)
{
	return c->older || c->size > FIRST_CHUNK;
}

static size_t charged(const struct arena *a)
{
	size_t n = 0;
	for (const struct arena_chunk *c = a->newest; c; c = c->older)
		n += is_charged(c) ? c->size : 0;
	return n;
}

void arena_own(struct arena *a, struct arena_owner *owner)
{
	if (!a->budget || a->owner == owner)
		return;
	size_t n = charged(a);
	if (n > 0) { /* owners are shared by threads; most requests have taken nothing */
		owner_return(a->owner, n);
		(void)owner_take(owner, n);
	}
	a->owner = owner;
}

void arena_reset(struct arena *a)
{
	while (a->newest && is_charged(a->newest)) {
		struct arena_chunk *c = a->newest;
		a->newest = c->older;
		a->held -= c->size;
		if (a->budget)
			arena_budget_return(a->budget, a->owner, c->size);
		free(c);
	}
	a->owner = NULL;
	a->at = a->end = NULL;
	a->full = false;
	a->poor = 0;
	if (a->newest)
		use_chunk(a, a->newest);
}

void arena_fini(struct arena *a)
{
	arena_reset(a);
	free(a->newest);
	*a = (struct arena){ 0 };
}

static bool add_chunk_of(struct arena *a, size_t size, bool *poor)
{
	struct arena_chunk *c = malloc(size);
	*poor = false;
	if (!c)
		return false;
	c->older = a->newest;
	c->size = size;
	bool is_free = !a->budget || !is_charged(c);
	if (!is_free && !arena_budget_take(a->budget, a->owner, size)) {
		*poor = true;
		free(c);
		return false;
	}
	a->held += size;
	use_chunk(a, c);
	return true;
}

/* A chunk that holds at least n bytes; each is twice the one before, as long as there is room, so
 * there are few. */
static bool add_chunk(struct arena *a, size_t n)
{
	size_t least = n + sizeof(struct arena_chunk), room = a->ceiling - a->held;
	size_t size = MAX(least, a->newest ? a->newest->size * 2 : FIRST_CHUNK);
	a->full = least > room;
	if (a->full)
		return false;
	bool poor = false;
	if (size <= room && add_chunk_of(a, size, &poor))
		return true;
	if (size > least && add_chunk_of(a, least, &poor))
		return true;
	if (poor)
		a->poor = least;
	return false;
}

static size_t round_up(size_t n)
{
	return (n + ALIGN - 1) & ~(size_t)(ALIGN - 1);
}

bool arena_fits(const struct arena *a, size_t n)
{
	return n <= SIZE_MAX / 2 && round_up(MAX(n, 1)) <= (size_t)(a->end - a->at);
}

size_t arena_room(const struct arena *a)
{
	size_t room = a->ceiling - a->held;
	return room < sizeof(struct arena_chunk)
		       ? 0
		       : (room - sizeof(struct arena_chunk)) & ~(size_t)(ALIGN - 1);
}

bool arena_reserve(struct arena *a, size_t n)
{
	return n <= (size_t)(a->end - a->at) || (n <= SIZE_MAX / 2 && add_chunk(a, round_up(n)));
}

/* Where the piece behind one of n bytes at p begins, in the newest chunk. */
static char *behind(const struct arena *a, char *p, size_t n)
{
	p += round_up(MAX(n, 1));
	return p + MIN((size_t)GAP, (size_t)(a->end - p));
}

static void *give(struct arena *a, char *p, size_t n)
{
	a->at = behind(a, p, n);
	ASAN_UNPOISON_MEMORY_REGION(p, n);
	return p;
}

void *arena_alloc(struct arena *a, size_t n)
{
	if (n > SIZE_MAX / 2)
		return NULL;
	if (!arena_fits(a, n) && !add_chunk(a, round_up(MAX(n, 1))))
		return NULL;
	return give(a, a->at, n);
}

void *arena_zalloc(struct arena *a, size_t n)
{
	void *p = arena_alloc(a, n);
	return p ? memset(p, 0, n) : NULL;
}

void *arena_zalloc_n(struct arena *a, size_t each, size_t n)
{
	size_t all;
	return __builtin_mul_overflow(each, n, &all) ? NULL : arena_zalloc(a, all);
}

/* Whether `old` is the newest piece, and there is room behind it. */
static bool grows_in_place(const struct arena *a, char *old, size_t old_n, size_t n)
{
	return old && a->newest && old >= a->newest->data && old < a->end &&
	       behind(a, old, old_n) == a->at && n >= old_n && n <= SIZE_MAX / 2 &&
	       round_up(MAX(n, 1)) <= (size_t)(a->end - old);
}

void *arena_grow(struct arena *a, void *old, size_t old_n, size_t n)
{
	if (grows_in_place(a, old, old_n, n))
		return give(a, old, n);
	void *p = arena_alloc(a, n);
	if (p && old_n)
		memcpy(p, old, MIN(old_n, n));
	return p;
}

struct str arena_str(struct arena *a, struct str s)
{
	char *p = arena_alloc(a, s.n + 1);
	if (!p)
		return (struct str){ 0 };
	if (s.n)
		memcpy(p, s.p, s.n);
	p[s.n] = '\0';
	return (struct str){ p, s.n };
}

struct str arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list args, again;
	va_start(args, fmt);
	va_copy(again, args);
	int n = vsnprintf(NULL, 0, fmt, args);
	va_end(args);

	char *p = n < 0 ? NULL : arena_alloc(a, (size_t)n + 1);
	if (p)
		vsnprintf(p, (size_t)n + 1, fmt, again);
	va_end(again);
	return p ? (struct str){ p, (size_t)n } : (struct str){ 0 };
}
