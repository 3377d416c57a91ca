#include "store/attributes.h"

#include "base/digest.h"
#include "base/fail.h"

#include <errno.h>

static int no_memory(void)
{
	return fail(-ENOMEM, "attributes of a contact");
}

static int damaged(void)
{
	return fail(-EIO, "damaged database: attributes of a contact");
}

static unsigned *slot_of(const struct attributes *at, bool custom, struct str name)
{
	for (size_t i = hash64_seeded(name, custom);; i++) {
		unsigned *slot = &at->table[i & (at->room - 1)];
		const struct attribute *found = *slot ? &at->list[*slot - 1] : NULL;
		if (!found || (found->custom == custom && str_eq(found->name, name)))
			return slot;
	}
}

static void put(struct attributes *at, bool custom, struct str name, struct str json)
{
	unsigned *slot = slot_of(at, custom, name);
	if (*slot == 0) {
		if (!json.p)
			return;
		at->list[at->n] = (struct attribute){ .name = name, .custom = custom };
		*slot = ++at->n;
	}
	struct attribute *a = &at->list[*slot - 1];
	if (custom)
		at->n_custom += (json.p != NULL) - (a->json.p != NULL);
	a->json = json;
}

struct str attributes_get(const struct attributes *at, bool custom, struct str name)
{
	unsigned slot = *slot_of(at, custom, name);
	return slot ? at->list[slot - 1].json : (struct str){ 0 };
}

static int make_room(struct attributes *at, size_t n)
{
	at->room = 8;
	while (at->room < 2 * n)
		at->room *= 2;
	at->list = arena_array(at->arena, struct attribute, n + 1);
	at->table = arena_array(at->arena, unsigned, at->room);
	return at->list && at->table ? 0 : no_memory();
}

static int put_members(struct attributes *at, yyjson_val *object, bool custom)
{
	size_t i, n;
	yyjson_val *key, *v;
	json_foreach_member (object, i, n, key, v) {
		struct buf b = buf_in(at->arena);
		if (!custom && str_eq(json_str(key), STR("custom")))
			continue;
		json_put(&b, v);
		if (b.failed)
			return no_memory();
		put(at, custom, json_str(key), buf_str(&b));
	}
	return 0;
}

int attributes_read(struct attributes *at, struct arena *a, struct str json, unsigned more)
{
	yyjson_val *root = NULL;
	*at = (struct attributes){ .arena = a };
	if (json.n) {
		enum json_outcome r = json_parse(a, json, &root, NULL);
		if (r == JSON_NO_MEMORY)
			return no_memory();
		if (r != JSON_OK || !yyjson_is_obj(root))
			return damaged();
	}
	yyjson_val *custom = json_get(root, STR("custom"));
	if (custom && !yyjson_is_obj(custom))
		return damaged();
	int r = make_room(at, yyjson_obj_size(root) + yyjson_obj_size(custom) + more);
	r = r ?: put_members(at, root, false);
	r = r ?: put_members(at, custom, true);
	return pass(r);
}

/* A value that a dialect or this file wrote. */
static int parse(struct arena *a, struct str json, yyjson_val **out)
{
	switch (json_parse(a, json, out, NULL)) {
	case JSON_OK:
		return 0;
	case JSON_NO_MEMORY:
		return no_memory();
	case JSON_MALFORMED:
	case JSON_TOO_DEEP:
		break;
	}
	return fail(-EINVAL, "an attribute's value is not JSON");
}

/* Members in any order are the same object; but with many of them an object of another text counts
 * as another, since whoever sent it could make us search each among all. */
enum { UNORDERED_MAX = 64 };

static bool same(yyjson_val *a, yyjson_val *b);

static bool same_members(yyjson_val *a, yyjson_val *b)
{
	size_t i, n;
	yyjson_val *key, *v;
	if (yyjson_obj_size(a) != yyjson_obj_size(b) || yyjson_obj_size(a) > UNORDERED_MAX)
		return false;
	json_foreach_member (a, i, n, key, v) {
		yyjson_val *other = json_get(b, json_str(key));
		if (!other || !same(v, other))
			return false;
	}
	return true;
}

static bool same_items(yyjson_val *a, yyjson_val *b)
{
	size_t i, n;
	yyjson_val *v;
	if (yyjson_arr_size(a) != yyjson_arr_size(b))
		return false;
	yyjson_val *other = yyjson_arr_get_first(b);
	yyjson_arr_foreach (a, i, n, v) {
		if (!same(v, other))
			return false;
		other = unsafe_yyjson_get_next(other);
	}
	return true;
}

static bool same(yyjson_val *a, yyjson_val *b)
{
	if (yyjson_get_type(a) != yyjson_get_type(b))
		return false;
	if (yyjson_is_obj(a))
		return same_members(a, b);
	if (yyjson_is_arr(a))
		return same_items(a, b);
	if (yyjson_is_bool(a))
		return yyjson_get_bool(a) == yyjson_get_bool(b);
	return str_eq(json_str(a), json_str(b));
}

static int same_json(struct arena *a, struct str x, struct str y, bool *yes)
{
	*yes = str_eq(x, y);
	if (*yes || x.n == 0 || y.n == 0 || x.p[0] != y.p[0] || !memchr("{[\"", x.p[0], 3))
		return 0;
	yyjson_val *left, *right;
	int r = parse(a, x, &left);
	r = r ?: parse(a, y, &right);
	if (r < 0)
		return pass(r);
	*yes = same(left, right);
	return 0;
}

static int set(struct attributes *at, const struct attribute_change *c)
{
	bool is_same = false;
	struct str before = attributes_get(at, c->custom, c->name);
	if (before.p) {
		int r = same_json(at->arena, before, c->json, &is_same);
		if (r < 0)
			return pass(r);
	}
	if (!is_same) {
		put(at, c->custom, c->name, c->json);
		at->changed = true;
	}
	return 0;
}

static bool is_array(struct str json)
{
	return json.n >= 2 && json.p[0] == '[';
}

/* What stands between the brackets. */
static struct str inside(struct str array)
{
	return is_array(array) ? (struct str){ array.p + 1, array.n - 2 } : STR("");
}

/* The array with more items behind its own. */
static int append(struct attributes *at, const struct attribute_change *c, struct str items)
{
	struct str old = inside(attributes_get(at, c->custom, c->name));
	struct buf b = buf_in(at->arena);
	if (items.n == 0)
		return 0;
	buf_char(&b, '[');
	buf_put(&b, old);
	if (old.n)
		buf_char(&b, ',');
	buf_put(&b, items);
	buf_char(&b, ']');
	if (b.failed)
		return no_memory();
	put(at, c->custom, c->name, buf_str(&b));
	at->changed = true;
	return 0;
}

/* Items as their text's hash, which nobody outside can aim at. 0: free */
struct seen_items {
	uint64_t *table;
	size_t room;
};

static int seen_init(struct seen_items *seen, struct arena *a, size_t n)
{
	seen->room = 16;
	while (seen->room < 2 * n)
		seen->room *= 2;
	seen->table = arena_array(a, uint64_t, seen->room);
	return seen->table ? 0 : no_memory();
}

static uint64_t *seen_slot(const struct seen_items *seen, uint64_t hash)
{
	for (size_t i = hash >> 1;; i++) {
		uint64_t *slot = &seen->table[i & (seen->room - 1)];
		if (*slot == hash || *slot == 0)
			return slot;
	}
}

static bool seen_before(struct seen_items *seen, struct str item)
{
	uint64_t hash = hash64(item) | 1, *slot = seen_slot(seen, hash);
	bool before = *slot == hash;
	*slot = hash;
	return before;
}

static bool is_seen(struct seen_items *seen, struct str item)
{
	return *seen_slot(seen, hash64(item) | 1) != 0;
}

/* The items of the array that are not to be skipped: with seen_before() those that come for the first
 * time, with is_seen() all but those that were seen before this, however often they are there. */
static int put_items(struct seen_items *seen, struct arena *a, yyjson_val *array,
		     bool (*skip)(struct seen_items *seen, struct str item), struct buf *out)
{
	struct buf item = buf_in(a);
	size_t i, n;
	yyjson_val *v;
	yyjson_arr_foreach (array, i, n, v) {
		item.n = 0;
		json_put(&item, v);
		if (item.failed)
			return no_memory();
		if (skip(seen, buf_str(&item)))
			continue;
		if (out->n)
			buf_char(out, ',');
		buf_put(out, buf_str(&item));
	}
	return out->failed ? no_memory() : 0;
}

static int unite(struct attributes *at, const struct attribute_change *c)
{
	struct str before = attributes_get(at, c->custom, c->name);
	struct buf old_items = buf_in(at->arena), new_items = buf_in(at->arena);
	yyjson_val *old = NULL, *added;
	int r = is_array(before) ? parse(at->arena, before, &old) : 0;
	r = r ?: parse(at->arena, c->json, &added);
	if (r < 0)
		return pass(r);

	struct seen_items seen = { 0 };
	r = seen_init(&seen, at->arena, yyjson_arr_size(old) + yyjson_arr_size(added));
	r = r ?: put_items(&seen, at->arena, old, seen_before, &old_items);
	r = r ?: put_items(&seen, at->arena, added, seen_before, &new_items);
	return pass(r ?: append(at, c, buf_str(&new_items)));
}

/* The array without its first items, as many as it takes. */
static int shorten(struct attributes *at, const struct attribute_change *c, struct str array)
{
	size_t excess = array.n - ATTRIBUTE_RECORD_MAX, i, n;
	struct buf left = buf_in(at->arena), item = buf_in(at->arena);
	yyjson_val *list, *v;
	int r = parse(at->arena, array, &list);
	if (r < 0)
		return pass(r);
	yyjson_arr_foreach (list, i, n, v) {
		bool goes = excess > 0 && i + 1 < n;
		item.n = 0;
		json_put(&item, v);
		if (goes) {
			excess -= MIN(excess, item.n + 1);
			continue;
		}
		buf_char(&left, left.n ? ',' : '[');
		buf_put(&left, buf_str(&item));
	}
	buf_char(&left, ']');
	if (left.failed || item.failed)
		return no_memory();
	put(at, c->custom, c->name, buf_str(&left));
	return 0;
}

static int record(struct attributes *at, const struct attribute_change *c)
{
	struct str before = attributes_get(at, c->custom, c->name);
	int r = unite(at, c);
	struct str after = attributes_get(at, c->custom, c->name);
	bool too_long = after.p != before.p && after.n > ATTRIBUTE_RECORD_MAX;
	return r < 0 || !too_long ? pass(r) : shorten(at, c, after);
}

/* The array less the items that `c` has; what is no array has none of them. */
static int without(struct attributes *at, const struct attribute_change *c)
{
	struct str before = attributes_get(at, c->custom, c->name);
	struct buf unwanted = buf_in(at->arena), left = buf_in(at->arena),
		   array = buf_in(at->arena);
	yyjson_val *old, *taken;
	if (!is_array(before))
		return 0;
	int r = parse(at->arena, before, &old);
	r = r ?: parse(at->arena, c->json, &taken);
	struct seen_items seen = { 0 };
	r = r ?: seen_init(&seen, at->arena, yyjson_arr_size(taken) + yyjson_arr_size(old));
	r = r ?: put_items(&seen, at->arena, taken, seen_before, &unwanted);
	r = r ?: put_items(&seen, at->arena, old, is_seen, &left);
	if (r < 0)
		return pass(r);
	buf_char(&array, '[');
	buf_put(&array, buf_str(&left));
	buf_char(&array, ']');
	if (array.failed)
		return no_memory();
	if (array.n == before.n)
		return 0;
	put(at, c->custom, c->name, buf_str(&array));
	at->changed = true;
	return 0;
}

/* `next`, but as of `instant`. */
static int set_as_of(struct attributes *at, const struct attribute_change *c, yyjson_val *next,
		     struct str instant)
{
	struct attribute_change dated = *c;
	struct buf b = buf_in(at->arena);
	yyjson_val *key, *v;
	size_t i, n;
	json_foreach_member (next, i, n, key, v) {
		buf_char(&b, i ? ',' : '{');
		json_put(&b, key);
		buf_char(&b, ':');
		if (str_eq(json_str(key), STR("at")))
			buf_json_str(&b, instant);
		else
			json_put(&b, v);
	}
	buf_char(&b, '}');
	if (b.failed)
		return no_memory();
	dated.json = buf_str(&b);
	return set(at, &dated);
}

/* Instants of one form sort as text. */
static int set_newer(struct attributes *at, const struct attribute_change *c)
{
	struct str before = attributes_get(at, c->custom, c->name);
	yyjson_val *old = NULL, *next = NULL;
	int r = parse(at->arena, c->json, &next);
	if (r == 0 && before.p)
		r = parse(at->arena, before, &old);
	if (r < 0)
		return pass(r);
	struct str was = json_str(json_get(old, STR("at"))),
		   is = json_str(json_get(next, STR("at")));
	if (!was.p || str_cmp(was, is) <= 0)
		return set(at, c);
	return c->verb == ATTRIBUTE_NOW ? set_as_of(at, c, next, was) : 0;
}

static int change(struct attributes *at, const struct attribute_change *c)
{
	switch (c->verb) {
	case ATTRIBUTE_SET:
		return set(at, c);
	case ATTRIBUTE_REMOVE:
		at->changed |= attributes_get(at, c->custom, c->name).p != NULL;
		put(at, c->custom, c->name, (struct str){ 0 });
		return 0;
	case ATTRIBUTE_UNION:
		return unite(at, c);
	case ATTRIBUTE_RECORD:
		return record(at, c);
	case ATTRIBUTE_WITHOUT:
		return without(at, c);
	case ATTRIBUTE_NEWER:
	case ATTRIBUTE_NOW:
		return set_newer(at, c);
	}
	return fail(-EINVAL, "an attribute change of no kind");
}

void attributes_touch(struct attributes *at, bool custom, struct str name)
{
	unsigned slot = *slot_of(at, custom, name);
	if (slot)
		at->list[slot - 1].touched = true;
}

int attributes_change(struct attributes *at, const struct attribute_change *c)
{
	int r = change(at, c);
	attributes_touch(at, c->custom, c->name);
	return pass(r);
}

void attributes_keep_touched(struct attributes *at)
{
	for (unsigned i = 0; i < at->n; i++) {
		const struct attribute *a = &at->list[i];
		if (!a->json.p || a->touched)
			continue;
		put(at, a->custom, a->name, (struct str){ 0 });
		at->changed = true;
	}
}

static void put_list(const struct attributes *at, bool custom, struct buf *b)
{
	const char *comma = "";
	for (unsigned i = 0; i < at->n; i++) {
		const struct attribute *a = &at->list[i];
		if (!a->json.p || a->custom != custom)
			continue;
		buf_put(b, str_of(comma));
		buf_json_str(b, a->name);
		buf_char(b, ':');
		buf_put(b, a->json);
		comma = ",";
	}
}

int attributes_json(const struct attributes *at, struct str *out)
{
	struct buf b = buf_in(at->arena);
	buf_char(&b, '{');
	put_list(at, false, &b);
	if (at->n_custom > 0) {
		buf_put(&b, b.n > 1 ? STR(",\"custom\":{") : STR("\"custom\":{"));
		put_list(at, true, &b);
		buf_char(&b, '}');
	}
	buf_char(&b, '}');
	if (b.failed)
		return no_memory();
	*out = buf_str(&b);
	return 0;
}
