/*
 * JSON in and out: what is read is written, and what was written reads as the same and is written
 * the same again. Numbers are asked for every way.
 */
#include "base/json.h"

#include <math.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MEMORY_MAX = 16 * 1024 * 1024 };

static void ask_numbers(const yyjson_val *v)
{
	size_t i, n;
	yyjson_val *key, *item;
	int64_t whole = 0;
	if (json_is_number(v)) {
		double number = json_number_to_double(v);
		must(!isnan(number));
		must(!json_number_to_i64(v, &whole) || (double)whole == number);
	}
	yyjson_arr_foreach ((yyjson_val *)v, i, n, item)
		ask_numbers(item);
	json_foreach_member ((yyjson_val *)v, i, n, key, item) {
		must(json_str(key).p);
		ask_numbers(item);
	}
}

static struct str written(struct arena *a, struct str text, bool *refused)
{
	yyjson_val *root = NULL;
	struct json_error error = { 0 };
	struct buf b = buf_in(a);
	enum json_outcome outcome = json_parse(a, text, &root, &error);
	*refused = outcome != JSON_OK;
	must(!*refused || (error.what && error.at <= text.n));
	if (*refused)
		return (struct str){ 0 };
	ask_numbers(root);
	json_put(&b, root);
	must(!b.failed);
	return buf_str(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena a;
	bool refused;
	arena_init(&a, MEMORY_MAX, NULL);
	struct str once = written(&a, (struct str){ (const char *)data, size }, &refused);
	if (!refused) {
		struct str twice = written(&a, once, &refused);
		must(!refused && str_eq(once, twice));
	}
	arena_fini(&a);
	return 0;
}
