#include "base/json.h"

#include "base/digest.h"

/* yyjson's memory is the arena, which takes everything back at once. */
static void *arena_malloc(void *arena, size_t n)
{
	return arena_alloc(arena, n);
}

static void *arena_realloc(void *arena, void *old, size_t old_n, size_t n)
{
	return arena_grow(arena, old, old_n, n);
}

static void arena_free(void *arena, void *p)
{
	(void)arena;
	(void)p;
}

static yyjson_val *next_of(const yyjson_val *v)
{
	return unsafe_yyjson_get_next((yyjson_val *)v);
}

static struct str text_of(const yyjson_val *v)
{
	return (struct str){ v->uni.str, unsafe_yyjson_get_len((void *)v) };
}

/*
 * The keys of one object, to find those that are there twice: a table of open addressing, at most
 * half full, by a hash that outsiders cannot foresee, since whoever chose the keys could else make
 * us compare each with each. Up to FEW keys there is little to compare, and no table.
 */
enum { FEW = 16 };

struct keys {
	yyjson_val **slots; /* NULL where free; grown as objects need it, kept for the next */
	size_t n_slots;     /* a power of two */
	size_t room;
};

static bool keys_reset(struct keys *keys, struct arena *a, size_t n)
{
	keys->n_slots = 4;
	while (keys->n_slots < 2 * n)
		keys->n_slots *= 2;
	if (keys->n_slots > keys->room) {
		keys->slots = arena_array(a, yyjson_val *, keys->n_slots);
		if (!keys->slots)
			return false;
		keys->room = keys->n_slots;
	}
	/* NOLINTNEXTLINE(bugprone-sizeof-expression): pointers are what is kept */
	memset(keys->slots, 0, keys->n_slots * sizeof(*keys->slots));
	return true;
}

/* Puts the key in and returns the equal one that it replaces, or NULL. */
static yyjson_val *keys_put(struct keys *keys, yyjson_val *key)
{
	struct str s = text_of(key);
	size_t mask = keys->n_slots - 1, i = (size_t)hash64(s) & mask;
	while (keys->slots[i] && !str_eq(text_of(keys->slots[i]), s))
		i = (i + 1) & mask;
	yyjson_val *before = keys->slots[i];
	keys->slots[i] = key;
	return before;
}

/* A key that a later one replaces loses its type, which no value in a tree is without. */
static void shadow(yyjson_val *key)
{
	unsafe_yyjson_set_type(key, YYJSON_TYPE_NONE, YYJSON_SUBTYPE_NONE);
}

static bool is_shadowed(const yyjson_val *key)
{
	return unsafe_yyjson_get_type((void *)key) == YYJSON_TYPE_NONE;
}

/* A walk over all values in the order of the text. */
struct walk {
	struct arena *arena;
	struct keys keys;
	bool has_shadowed;
	const yyjson_val *out_of_range; /* a number; NULL: none */
	int depth;
	const yyjson_val *ends[JSON_DEPTH_MAX]; /* behind each object or array that we are in */
};

static void shadow_equal(struct walk *w, yyjson_val *first, const yyjson_val *key)
{
	for (yyjson_val *k = first; k < key; k = next_of(k + 1)) {
		if (!str_eq(text_of(k), text_of(key)))
			continue;
		shadow(k);
		w->has_shadowed = true;
	}
}

/* Keys that differ in length or ends mostly leave different marks, and are not compared. */
static void shadow_among_few(struct walk *w, yyjson_val *first, size_t n)
{
	uint64_t marks = 0;
	yyjson_val *key = first;
	for (size_t i = 0; i < n; i++, key = next_of(key + 1)) {
		struct str s = text_of(key);
		unsigned ends = s.n ? (unsigned char)s.p[0] * 3U + (unsigned char)s.p[s.n - 1] : 0;
		uint64_t mark = 1ULL << ((ends + s.n * 7) & 63);
		if (marks & mark)
			shadow_equal(w, first, key);
		marks |= mark;
	}
}

static bool shadow_duplicates(struct walk *w, yyjson_val *object)
{
	size_t n = unsafe_yyjson_get_len(object);
	yyjson_val *key = object + 1;
	if (n <= FEW) {
		shadow_among_few(w, key, n);
		return true;
	}
	if (!keys_reset(&w->keys, w->arena, n))
		return false;
	for (size_t i = 0; i < n; i++, key = next_of(key + 1)) {
		yyjson_val *before = keys_put(&w->keys, key);
		if (!before)
			continue;
		shadow(before);
		w->has_shadowed = true;
	}
	return true;
}

static enum json_outcome enter(struct walk *w, yyjson_val *container)
{
	if (w->depth == JSON_DEPTH_MAX)
		return JSON_TOO_DEEP;
	w->ends[w->depth++] = next_of(container);
	if (unsafe_yyjson_is_obj(container) && !shadow_duplicates(w, container))
		return JSON_NO_MEMORY;
	return JSON_OK;
}

/* The values of a tree lie one behind the other, a container before what it contains. */
static enum json_outcome walk_tree(struct walk *w, yyjson_val *root)
{
	const yyjson_val *end = next_of(root);
	for (yyjson_val *v = root; v < end; v++) {
		while (w->depth > 0 && v >= w->ends[w->depth - 1])
			w->depth--;
		if (unsafe_yyjson_is_raw(v) && !json_number_in_range(text_of(v))) {
			w->out_of_range = v;
			return JSON_MALFORMED;
		}
		if (!unsafe_yyjson_is_ctn(v))
			continue;
		enum json_outcome r = enter(w, v);
		if (r != JSON_OK)
			return r;
	}
	return JSON_OK;
}

/*
 * Moves the value at `from` to `to`, without shadowed members, and returns what follows it there.
 * `to` is at or before `from`, so nothing is overwritten that is still to be read. Recurses no
 * deeper than JSON_DEPTH_MAX, which has been checked by then.
 */
static yyjson_val *move_kept(yyjson_val *to, yyjson_val *from)
{
	const yyjson_val *end = next_of(from);
	yyjson_val *head = to;
	bool is_object = unsafe_yyjson_is_obj(from), is_container = unsafe_yyjson_is_ctn(from);
	size_t n = 0;

	*to++ = *from++;
	if (!is_container)
		return to;
	while (from < end) {
		yyjson_val *item = from + is_object;
		yyjson_val *next = next_of(item);
		bool kept = !is_object || !is_shadowed(from);
		if (kept && is_object)
			*to++ = *from;
		if (kept)
			to = move_kept(to, item);
		n += kept;
		from = next;
	}
	unsafe_yyjson_set_len(head, n);
	head->uni.ofs = (size_t)((char *)to - (char *)head);
	return to;
}

static enum json_outcome check_tree(struct arena *a, yyjson_val *root, const yyjson_val **at)
{
	struct walk w;
	w.arena = a;
	w.keys.slots = NULL;
	w.keys.room = 0;
	w.has_shadowed = false;
	w.out_of_range = NULL;
	w.depth = 0;
	enum json_outcome r = walk_tree(&w, root);
	*at = w.out_of_range;
	if (r == JSON_OK && w.has_shadowed)
		move_kept(root, root);
	return r;
}

static enum json_outcome refuse(struct json_error *err, enum json_outcome r, size_t at,
				const char *what)
{
	if (err)
		*err = (struct json_error){ at, what };
	return r;
}

typedef uint8_t lanes __attribute__((vector_size(16)));

/* Of up to 255 rows of 16 bytes, so that no lane's sum overflows. */
static size_t count_in_rows(const char *p, size_t rows)
{
	lanes sums = { 0 }, row;
	size_t n = 0;
	for (size_t i = 0; i < rows; i++) {
		memcpy(&row, p + i * sizeof(row), sizeof(row));
		/* A lane that is equal becomes 255; '[' differs from '{' in one bit. */
		sums -= (lanes)((row == ',') | (row == ':') | ((row | 0x20) == '{'));
	}
	for (size_t i = 0; i < sizeof(sums); i++)
		n += sums[i];
	return n;
}

/* How many bytes there are that a value may follow, those in strings included. Many bytes at a time:
 * one by one it costs as much as the parsing. */
static size_t count_marks(struct str text)
{
	size_t n = 0, at = 0, rows;
	while ((rows = MIN((text.n - at) / sizeof(lanes), 255)) > 0) {
		n += count_in_rows(text.p + at, rows);
		at += rows * sizeof(lanes);
	}
	char rest[sizeof(lanes)] = "";
	memcpy(rest, text.p + at, text.n - at);
	return n + count_in_rows(rest, 1);
}

/*
 * What yyjson may need for a large text: a copy of it, and its values, whose number it first guesses
 * by the length and then grows by half. Reserved in one row, so that growing leaves no copies behind
 * and what a text needs does not depend on what lies in the arena already. Marks in strings and empty
 * objects are counted for more than they need: what the ceiling does not leave may do without.
 */
static bool reserve(struct arena *a, struct str text)
{
	enum { SMALL = 16 * 1024, SLACK = 256 };
	if (text.n < SMALL)
		return true;
	size_t values = count_marks(text);
	values = MAX(values + values / 2, text.n / 6) + SLACK;
	size_t all = text.n + SLACK + values * sizeof(yyjson_val);
	return arena_reserve(a, MIN(all, arena_room(a)));
}

enum json_outcome json_parse(struct arena *a, struct str text, yyjson_val **root,
			     struct json_error *err)
{
	const yyjson_alc alc = { arena_malloc, arena_realloc, arena_free, a };
	yyjson_read_err e;
	if (text.n == 0) /* of which yyjson says that it is NULL */
		return refuse(err, JSON_MALFORMED, 0, "unexpected end of data");
	if (!reserve(a, text))
		return refuse(err, JSON_NO_MEMORY, 0, "too large");
	/* Without the IN_SITU flag yyjson only reads the text; its prototype cannot say so. */
	yyjson_doc *doc = yyjson_read_opts((char *)(uintptr_t)text.p, text.n,
					   YYJSON_READ_NUMBER_AS_RAW, &alc, &e);
	if (!doc && e.code == YYJSON_READ_ERROR_MEMORY_ALLOCATION)
		return refuse(err, JSON_NO_MEMORY, 0, "too large");
	if (!doc)
		return refuse(err, JSON_MALFORMED, e.pos, e.msg);

	const yyjson_val *at;
	yyjson_val *top = yyjson_doc_get_root(doc);
	switch (check_tree(a, top, &at)) {
	case JSON_TOO_DEEP:
		return refuse(err, JSON_TOO_DEEP, 0, "nested too deep");
	case JSON_NO_MEMORY:
		return refuse(err, JSON_NO_MEMORY, 0, "too large");
	case JSON_MALFORMED:
		/* yyjson's copy of the text has each thing where it was. */
		return refuse(err, JSON_MALFORMED, (size_t)(at->uni.str - doc->str_pool),
			      "number is out of range");
	case JSON_OK:
		break;
	}
	*root = top;
	return JSON_OK;
}

struct str json_str(const yyjson_val *v)
{
	if (!yyjson_is_str((yyjson_val *)v) && !json_is_number(v))
		return (struct str){ 0 };
	return text_of(v);
}

/* Values are written with a comma behind them, in one piece; whoever is the last takes it back. */
static void put_bare(struct buf *b, struct str s)
{
	char *at = buf_more(b, s.n + 1);
	if (!at)
		return;
	memcpy(at, s.p, s.n);
	at[s.n] = ',';
	b->n += s.n + 1;
}

static void put_string(struct buf *b, const yyjson_val *v, char behind)
{
	struct str s = text_of(v);
	if (unsafe_yyjson_get_subtype((void *)v) != YYJSON_SUBTYPE_NOESC) {
		buf_json_str(b, s);
		return buf_char(b, behind);
	}
	char *at = buf_more(b, s.n + 3);
	if (!at)
		return;
	at[0] = '"';
	memcpy(at + 1, s.p, s.n);
	at[s.n + 1] = '"';
	at[s.n + 2] = behind;
	b->n += s.n + 3;
}

static void take_comma_back(struct buf *b)
{
	if (!b->failed)
		b->n--;
}

static void put_scalar(struct buf *b, const yyjson_val *v)
{
	switch (unsafe_yyjson_get_type((void *)v)) {
	case YYJSON_TYPE_RAW:
		return put_bare(b, text_of(v));
	case YYJSON_TYPE_STR:
		return put_string(b, v, ',');
	case YYJSON_TYPE_BOOL:
		return put_bare(b, unsafe_yyjson_is_true((void *)v) ? STR("true") : STR("false"));
	default:
		return put_bare(b, STR("null"));
	}
}

static void put_container(struct buf *b, const yyjson_val *v, int depth)
{
	bool is_object = unsafe_yyjson_is_obj((void *)v);
	const yyjson_val *at = v + 1, *end = next_of(v);
	must(depth < JSON_DEPTH_MAX);
	buf_put(b, is_object ? STR("{") : STR("["));
	while (at < end) {
		if (is_object)
			put_string(b, at++, ':');
		if (unsafe_yyjson_is_ctn((void *)at))
			put_container(b, at, depth + 1);
		else
			put_scalar(b, at);
		at = next_of(at);
	}
	if (end > v + 1)
		take_comma_back(b);
	put_bare(b, is_object ? STR("}") : STR("]"));
}

void json_put(struct buf *b, const yyjson_val *v)
{
	if (!v)
		return buf_lit(b, "null");
	if (unsafe_yyjson_is_ctn((void *)v))
		put_container(b, v, 0);
	else
		put_scalar(b, v);
	take_comma_back(b);
}

struct str json_text(struct arena *a, const yyjson_val *v)
{
	struct buf b = buf_in(a);
	json_put(&b, v);
	return b.failed ? (struct str){ 0 } : buf_str(&b);
}

const char *json_type_name(const yyjson_val *v)
{
	if (!v)
		return "nothing";
	switch (unsafe_yyjson_get_type((void *)v)) {
	case YYJSON_TYPE_RAW:
		return "number";
	case YYJSON_TYPE_STR:
		return "string";
	case YYJSON_TYPE_BOOL:
		return "boolean";
	case YYJSON_TYPE_OBJ:
		return "object";
	case YYJSON_TYPE_ARR:
		return "array";
	default:
		return "null";
	}
}
