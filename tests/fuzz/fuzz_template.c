/*
 * A template, a NUL, and JSON that it is about. What is read as a template and makes anything makes
 * JSON on one line, and with texts that would break a document in place of all others it makes the
 * same shape: no value gets out of its quotes.
 */
#include "base/digest.h"
#include "template/template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MEMORY_MAX = 64 * 1024 * 1024, NAMES_MAX = 8 };

#define HOSTILE "\"\\\"\\\\\\n\\u0000}],{{x}}{{{y}}}\""

static unsigned take_names(yyjson_val *of, struct template_name names[NAMES_MAX])
{
	unsigned n_names = 0;
	size_t i, n;
	yyjson_val *key, *v;
	json_foreach_member (of, i, n, key, v)
		if (n_names < NAMES_MAX)
			names[n_names++] = (struct template_name){ json_str(key), { v, NULL, of } };
	return n_names;
}

/* The values of a tree, each text and number counting as one. */
static size_t shape(const yyjson_val *v)
{
	const yyjson_val *end = unsafe_yyjson_get_next((yyjson_val *)v);
	return (size_t)(end - v);
}

static yyjson_val *made(const struct template *t, struct arena *a, const struct template_data *of)
{
	struct template_error err = { 0 };
	struct str json;
	yyjson_val *v = NULL;
	int r = template_render(t, a, of, &json, &err);
	must(r == 0 || r == TEMPLATE_WRONG || r == TEMPLATE_TOO_MUCH);
	must(r == 0 || (err.what && err.at <= t->text.n));
	if (r)
		return NULL;
	must(json_parse(a, json, &v, NULL) == JSON_OK && v);
	must(!memchr(json.p, '\n', json.n));
	return v;
}

/* With nothing but two texts, one that is plain and one that is not; neither is a name that the
 * template itself could have, of which two would become one. */
static void compare(const struct template *t, struct arena *a)
{
	yyjson_val *plain, *hostile;
	struct str text = arena_printf(a, "\"%llx\"", (unsigned long long)hash64(t->text));
	must(text.p && json_parse(a, text, &plain, NULL) == JSON_OK);
	must(json_parse(a, STR(HOSTILE), &hostile, NULL) == JSON_OK);
	yyjson_val *one = made(t, a, &(struct template_data){ .otherwise = plain });
	yyjson_val *other = made(t, a, &(struct template_data){ .otherwise = hostile });
	must(!one || !other || shape(one) == shape(other));
}

static void try_both(struct str text, struct str json, struct arena *a)
{
	struct template_name names[NAMES_MAX];
	struct template_error err = { 0 };
	struct template t;
	yyjson_val *of = NULL;
	int r = template_read(a, text, &t, &err);
	must(r == 0 || (r == TEMPLATE_WRONG && err.what && err.at <= text.n));
	if (r)
		return;
	compare(&t, a);
	if (json_parse(a, json, &of, NULL) == JSON_OK)
		made(&t, a,
		     &(struct template_data){ .names = names, .n_names = take_names(of, names) });
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena a;
	struct str all = { (const char *)data, size };
	struct str text = str_head(all, str_find(all, '\0'));
	arena_init(&a, MEMORY_MAX, NULL);
	try_both(text, str_from(all, MIN(text.n + 1, all.n)), &a);
	arena_fini(&a);
	return 0;
}
