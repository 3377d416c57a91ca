#include "base/json_index.h"

#include <stdlib.h>

static int compare(const void *a, const void *b)
{
	return str_cmp(json_str(*(yyjson_val *const *)a), json_str(*(yyjson_val *const *)b));
}

bool json_index_make(struct arena *a, yyjson_val *v, struct json_index *out)
{
	size_t i, max;
	yyjson_val *key, *value;
	*out = (struct json_index){ 0 };
	if (yyjson_obj_size(v) == 0)
		return true;
	out->keys = arena_array(a, yyjson_val *, yyjson_obj_size(v));
	if (!out->keys)
		return false;
	json_foreach_member (v, i, max, key, value)
		out->keys[out->n++] = key;
	qsort(out->keys, out->n, sizeof(yyjson_val *), compare);
	return true;
}

yyjson_val *json_index_get(const struct json_index *x, struct str name)
{
	unsigned low = 0, high = x->n;
	while (low < high) {
		unsigned mid = low + (high - low) / 2;
		int order = str_cmp(name, json_str(x->keys[mid]));
		if (order == 0)
			return x->keys[mid] + 1;
		if (order < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return NULL;
}
